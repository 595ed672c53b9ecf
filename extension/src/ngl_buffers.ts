/** Spheres and cylinders whose geometry is kept while their numbers change, so that nothing is compiled or flashes. */
import type * as Ngl from 'ngl';

/** The library. */
export type NglModule = typeof Ngl;

/** What is drawn. */
export type Kind = 'sphere' | 'cylinder';

/** Numbers of all items, `FIELDS` of them each. */
export type Numbers = Record<string, Float32Array>;

/** How many of each. */
export type Sizes = Partial<Record<Kind, number>>;

/** What the mouse is told of the item that it finds. */
export interface IFound {
  picker: { type: string; data: unknown };
  /** Number of the item. */
  pid: number;
}

const FIELDS: Readonly<Record<Kind, Readonly<Record<string, number>>>> = {
  sphere: { position: 3, color: 3, radius: 1 },
  cylinder: { position1: 3, position2: 3, color: 3, color2: 3, radius: 1 }
};
const LEAST = 64; // items that there is room for at first
/** Of the edges of a cell. */
export const EDGE_COLOUR = [0.55, 0.55, 0.55];

/** What NGL's declarations do not say of its buffers. */
interface IBuffer {
  setAttributes(data: Numbers): void;
  geometry: {
    index: { count: number };
    boundingBox: { min: IPoint; max: IPoint };
    setDrawRange(start: number, count: number): void;
  };
}

interface IPoint {
  set(x: number, y: number, z: number): void;
}

interface IPart {
  data: Numbers;
  buffer: IBuffer;
  capacity: number;
}

/** One thing on a stage. */
export class KeptBuffers {
  /**
   * @param ngl - The library.
   * @param stage - Where it is drawn.
   * @param name - Of the shape.
   * @param look - Parameters of its representation.
   */
  constructor(
    private readonly ngl: NglModule,
    stage: Ngl.Stage,
    name: string,
    private readonly look: Readonly<Record<string, unknown>> = {}
  ) {
    this.shape = new ngl.Shape(name);
    this.component = stage.addComponentFromObject(this.shape) as Ngl.Component;
  }

  /** Arrays with room for so many items, to be filled before `show`. */
  room<S extends Sizes>(sizes: S): Record<keyof S & Kind, Numbers> {
    this.makeRoom(sizes);
    const kinds = Object.keys(sizes) as (keyof S & Kind)[];
    const entries = kinds.map(kind => [kind, this.parts[kind]?.data]);
    return Object.fromEntries(entries) as Record<keyof S & Kind, Numbers>;
  }

  /** Draw the first so many items; `extent` is the reach of the planes that cut off what is near and far. */
  show(sizes: Sizes, extent: number): void {
    for (const [kind, count] of Object.entries(sizes) as [Kind, number][]) {
      const part = this.parts[kind];
      if (part) {
        showPart(part, count, extent);
      }
    }
  }

  /** Whether it is drawn at all. */
  set visible(on: boolean) {
    this.component.setVisibility(on);
  }

  /** Whether this is what the mouse has found. */
  holds(found: IFound): boolean {
    return found.picker.data === this.shape;
  }

  /** New geometry is there before the old one goes, which keeps the shaders of both compiled. */
  private makeRoom(sizes: Sizes): void {
    const wanted = Object.entries(sizes) as [Kind, number][];
    if (wanted.every(([kind, count]) => count <= (this.parts[kind]?.capacity ?? -1))) {
      return;
    }
    this.shape.bufferList.length = 0;
    for (const [kind, count] of wanted) {
      let capacity = this.parts[kind]?.capacity ?? LEAST;
      while (capacity < count) {
        capacity *= 2;
      }
      this.parts[kind] = this.makePart(kind, capacity);
    }
    const old = [...this.component.reprList];
    this.component.addRepresentation('buffer', this.look);
    for (const representation of old) {
      this.component.removeRepresentation(representation);
    }
  }

  private makePart(kind: Kind, capacity: number): IPart {
    const { ngl, shape } = this;
    const data: Numbers = {};
    for (const [name, width] of Object.entries(FIELDS[kind])) {
      data[name] = new Float32Array(width * capacity);
    }
    const picking = {
      type: kind,
      data: shape,
      getIndex: (pid: number) => pid,
      getObject: () => ({ name: '' }),
      getPosition: () => new ngl.Vector3()
    };
    const Made = kind === 'sphere' ? ngl.SphereBuffer : ngl.CylinderBuffer;
    // a copy, as NGL adds the centres of cylinders to what it is given, which would stay where they are
    const buffer = new Made({ ...data, picking } as never, {} as never);
    shape.addBuffer(buffer as never);
    return { data, buffer: buffer as unknown as IBuffer, capacity };
  }

  private readonly shape: Ngl.Shape;
  private readonly component: Ngl.Component;
  private readonly parts: Partial<Record<Kind, IPart>> = {};
}

function showPart({ data, buffer, capacity }: IPart, count: number, extent: number): void {
  buffer.setAttributes({ ...data });
  const { geometry } = buffer;
  geometry.setDrawRange(0, (geometry.index.count / capacity) * count);
  geometry.boundingBox.min.set(-extent, -extent, -extent);
  geometry.boundingBox.max.set(extent, extent, extent);
}

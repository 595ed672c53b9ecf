/** Spheres and cylinders whose geometry is kept while their numbers change, so that nothing flashes. */
import type * as Ngl from 'ngl';
import { EDGE_RADIUS, type IScene } from '../scene';

type NglModule = typeof Ngl;
type Kind = 'sphere' | 'cylinder';

const FIELDS: Record<Kind, Record<string, number>> = {
  sphere: { position: 3, color: 3, radius: 1 },
  cylinder: { position1: 3, position2: 3, color: 3, color2: 3, radius: 1 }
};
const EDGE_COLOUR = [0.55, 0.55, 0.55];
const LEAST = 64; // items that there is room for at first

/** What NGL's declarations do not say of its buffers. */
interface IBuffer {
  setAttributes(data: Record<string, Float32Array>): void;
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
  data: Record<string, Float32Array>;
  buffer: IBuffer;
  capacity: number;
}

/** The one thing on a stage. */
export class KeptBuffers {
  constructor(
    private readonly ngl: NglModule,
    stage: Ngl.Stage
  ) {
    this.shape = new ngl.Shape('crystal');
    this.component = stage.addComponentFromObject(this.shape) as Ngl.Component;
  }

  /** Draw these from now on; `extent` is the reach of the planes that cut off what is near and far. */
  show(scene: IScene, extent: number): void {
    const spheres = scene.radii.length;
    const bonds = scene.bondRadii.length;
    const cylinders = bonds + scene.edges.length / 6;
    this.makeRoom({ sphere: spheres, cylinder: cylinders });
    const { sphere, cylinder } = this.parts as Record<Kind, IPart>;
    sphere.data.position.set(scene.positions);
    sphere.data.color.set(scene.colours);
    sphere.data.radius.set(scene.radii);
    fillCylinders(cylinder.data, scene, bonds);
    showPart(sphere, spheres, extent);
    showPart(cylinder, cylinders, extent);
  }

  /** New geometry is there before the old one goes, which keeps the shaders of both compiled. */
  private makeRoom(sizes: Record<Kind, number>): void {
    const kinds = Object.keys(sizes) as Kind[];
    if (kinds.every(kind => sizes[kind] <= (this.parts[kind]?.capacity ?? -1))) {
      return;
    }
    this.shape.bufferList.length = 0;
    for (const kind of kinds) {
      let capacity = this.parts[kind]?.capacity ?? LEAST;
      while (capacity < sizes[kind]) {
        capacity *= 2;
      }
      this.parts[kind] = this.makePart(kind, capacity);
    }
    const old = [...this.component.reprList];
    this.component.addRepresentation('buffer', {});
    for (const representation of old) {
      this.component.removeRepresentation(representation);
    }
  }

  private makePart(kind: Kind, capacity: number): IPart {
    const data: Record<string, Float32Array> = {};
    for (const [name, width] of Object.entries(FIELDS[kind])) {
      data[name] = new Float32Array(width * capacity);
    }
    const Made = kind === 'sphere' ? this.ngl.SphereBuffer : this.ngl.CylinderBuffer;
    // a copy, as NGL adds the centres of cylinders to what it is given, which would stay where they are
    const buffer = new Made({ ...data } as never, {} as never);
    this.shape.addBuffer(buffer as never);
    return { data, buffer: buffer as unknown as IBuffer, capacity };
  }

  private readonly shape: Ngl.Shape;
  private readonly component: Ngl.Component;
  private readonly parts: Partial<Record<Kind, IPart>> = {};
}

function fillCylinders(data: Record<string, Float32Array>, scene: IScene, bonds: number): void {
  data.position1.set(scene.bondStarts);
  data.position2.set(scene.bondEnds);
  data.color.set(scene.bondColours);
  data.color2.set(scene.bondColours);
  data.radius.set(scene.bondRadii);
  for (let edge = 0; edge < scene.edges.length / 6; edge++) {
    const at = 3 * (bonds + edge);
    data.position1.set(scene.edges.subarray(6 * edge, 6 * edge + 3), at);
    data.position2.set(scene.edges.subarray(6 * edge + 3, 6 * edge + 6), at);
    data.color.set(EDGE_COLOUR, at);
    data.color2.set(EDGE_COLOUR, at);
    data.radius[bonds + edge] = EDGE_RADIUS;
  }
}

function showPart({ data, buffer, capacity }: IPart, count: number, extent: number): void {
  buffer.setAttributes({ ...data });
  const { geometry } = buffer;
  geometry.setDrawRange(0, (geometry.index.count / capacity) * count);
  geometry.boundingBox.min.set(-extent, -extent, -extent);
  geometry.boundingBox.max.set(extent, extent, extent);
}

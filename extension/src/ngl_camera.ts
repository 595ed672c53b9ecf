/** How crystals are lit and looked at, by the viewer and the explorer alike. */
import type * as Ngl from 'ngl';
import type { Vector } from './crystal';
import { type Matrix, UNIT, dot } from './lattice';
import type { NglModule } from './ngl_buffers';
import { DIRECTIONS, type Looking, type View, lookingAt, viewOf } from './view';

const FIT = 2.9; // radii of all that is drawn between it and the eye: it just fills the height
const TURNS = 250; // ms
const [TURN, ZOOM] = [0.13, 0.15]; // radians and share, of one key
const TURNS_BY: Readonly<Record<string, [right: number, up: number]>> = {
  ArrowLeft: [-TURN, 0],
  ArrowRight: [TURN, 0],
  ArrowUp: [0, TURN],
  ArrowDown: [0, -TURN]
};
const ZOOMS_BY: Readonly<Record<string, number>> = { '+': ZOOM, '=': ZOOM, '-': -ZOOM, '−': -ZOOM };

/** Parameters of a stage. */
export const LOOK = {
  cameraType: 'orthographic',
  clipNear: 0,
  clipFar: 100,
  clipDist: 0, // parallel rays have no eye that something could be behind of
  fogNear: 100,
  fogFar: 160,
  ambientIntensity: 0.45,
  lightIntensity: 0.8,
  tooltip: false
} as const;

/** What shows a stage's own answers to the mouse. */
export const PICKS = ['clickPick-left', 'clickPick-right', 'clickPick-middle', 'hoverPick'];

/** Where a point is on the canvas. */
export interface IProjected {
  /** Pixels from the left. */
  x: number;
  /** Pixels from the top. */
  y: number;
  /** How near it is, Å. */
  near: number;
  /** Pixels an Å. */
  scale: number;
}

/** From where the crystal on a stage is looked at: told by name, or turned by hand away from the standard view. */
export class Camera {
  /**
   * @param ngl - The library.
   * @param stage - What the eye is of.
   * @param moved - Called whenever it looks from elsewhere.
   */
  constructor(
    private readonly ngl: NglModule,
    private readonly stage: Ngl.Stage,
    moved: () => void
  ) {
    stage.viewerControls.signals.changed.add(() => {
      if (stage.mouseObserver.pressed) {
        this.notice();
      }
      moved();
    });
  }

  /** How the crystal is looked at, and the next ones will be, each along its own axes. */
  looking: Looking = 'standard';

  /** How far what is drawn reaches now, in Å from the middle; it may be looked at from the distance for another. */
  extent = 10;

  /** What points to the right, upwards and to the eye now. */
  get view(): View {
    const turned = new this.ngl.Matrix4();
    turned.makeRotationFromQuaternion(this.stage.viewerControls.rotation as never);
    const [right, up, near] = [0, 1, 2].map(row =>
      [0, 4, 8].map(column => turned.elements[row + column])
    ) as Matrix;
    // the eye of NGL is at negative z, and sees x to the left
    return [negative(right), up, negative(near)];
  }

  /** Look at a crystal with this lattice as at the one before, which does not turn while it morphs. */
  follow(lattice: Matrix): void {
    this.lattice = lattice;
    this.look(this.looking, 0);
  }

  /** The crystal with this lattice is looked at already, by whoever made the stage. */
  recall(lattice: Matrix): void {
    this.lattice = lattice;
    this.notice();
  }

  /** Look at it from elsewhere; at once, or within a moment that lets eyes follow. */
  look(looking: Looking, duration = motionless() ? 0 : TURNS): void {
    this.looking = looking;
    const [right, up, near] = viewOf(looking, this.lattice);
    const [a, b, c, d, e, f, g, h, i] = [negative(right), up, negative(near)].flat();
    const matrix = new this.ngl.Matrix4();
    matrix.set(a, b, c, 0, d, e, f, 0, g, h, i, 0, 0, 0, 0, 1);
    const { animationControls, viewerControls } = this.stage;
    const rotation = new this.ngl.Quaternion().setFromRotationMatrix(matrix) as never;
    if (this.turning) {
      animationControls.remove(this.turning);
      this.turning = null;
    }
    if (duration) {
      this.turning = animationControls.rotate(rotation, duration);
    } else {
      viewerControls.rotate(rotation);
    }
  }

  /** It may have been turned without being told. */
  notice(): void {
    const now = lookingAt(this.view, this.lattice);
    const before = lookingAt(viewOf(this.looking, this.lattice), this.lattice);
    if (!isSame(now, before)) {
      this.looking = now;
    }
  }

  /** See it as at first, all of it. */
  reset(): void {
    this.look('standard');
    this.fit(this.extent);
  }

  /** Let what reaches so far, in Å from the middle, fill the height, or the width if that is less. */
  fit(extent: number, duration = 0): void {
    const distance = -radii(this.stage.viewer) * extent;
    const middle = new this.ngl.Vector3(0, 0, 0) as never;
    this.stage.animationControls.zoomMove(middle, distance, duration);
  }

  /** How points are projected onto the canvas now. */
  projection(): (point: Vector) => IProjected {
    const { view, stage } = this;
    const { viewer, viewerControls } = stage;
    const { cameraFov, cameraType } = stage.getParameters();
    const away = viewerControls.getCameraDistance();
    const shift = viewerControls.position;
    const scale = viewer.height / (2 * away * Math.tan((cameraFov * Math.PI) / 360));
    return point => {
      const moved: Vector = [point[0] + shift.x, point[1] + shift.y, point[2] + shift.z];
      const [right, up, near] = view.map(row => dot(row, moved));
      const here = cameraType === 'perspective' ? (scale * away) / (away - near) : scale;
      return {
        x: viewer.width / 2 + right * here,
        y: viewer.height / 2 - up * here,
        near,
        scale: here
      };
    };
  }

  /** Do what a key stands for; false if it stands for nothing. */
  press(key: string): boolean {
    const axis = 'abc'.indexOf(key.toLowerCase());
    if (TURNS_BY[key]) {
      this.turn(...TURNS_BY[key]);
    } else if (ZOOMS_BY[key]) {
      this.stage.viewerControls.zoom(ZOOMS_BY[key]);
    } else if (key.length === 1 && axis >= 0) {
      this.look(DIRECTIONS[key === key.toLowerCase() ? axis : axis + 3]);
    } else if (key.toLowerCase() === 'r') {
      this.reset();
    } else {
      return false;
    }
    return true;
  }

  /** What is far away is smaller, as for the eye; otherwise what is parallel stays so, as in books. */
  set perspective(on: boolean) {
    const cameraType = on ? 'perspective' : 'orthographic';
    if (this.stage.getParameters().cameraType !== cameraType) {
      this.stage.setParameters({ cameraType });
    }
  }

  /** To the right and upwards, in radians. */
  private turn(right: number, up: number): void {
    const turned = new this.ngl.Matrix4();
    const upwards = new this.ngl.Matrix4().makeRotationX(-up);
    turned.makeRotationY(right).premultiply(upwards);
    this.stage.viewerControls.applyMatrix(turned as never);
    this.notice();
    this.stage.viewerControls.changed();
  }

  private lattice: Matrix = [...UNIT] as Matrix;
  private turning: ReturnType<Ngl.Stage['animationControls']['rotate']> | null = null;
}

/** Follow the size of the canvas; `move` gets the change of distance by which what filled it still does. */
export function resize(stage: Ngl.Stage, move: (change: () => void) => void): void {
  const before = radii(stage.viewer);
  stage.handleResize();
  stage.viewer.updateZoom();
  const change = radii(stage.viewer) / before;
  if (Math.abs(change - 1) > 0.02) {
    const { viewerControls } = stage;
    move(() => viewerControls.distance(viewerControls.getCameraDistance() * change));
  }
}

/** Draw with this many samples for smooth edges; -1 is quick. */
export function sample({ viewer }: Ngl.Stage, level: number): void {
  if (viewer.sampleLevel !== level) {
    viewer.setSampling(level);
  }
}

/** The distance of the eye, in radii of all that is drawn. */
export function radii({ width, height }: { width: number; height: number }): number {
  return FIT / Math.min(1, width / height || 1);
}

function negative(vector: readonly number[]): [number, number, number] {
  return [-vector[0], -vector[1], -vector[2]];
}

function isSame(one: Looking, other: Looking): boolean {
  if (typeof one === 'string' || typeof other === 'string') {
    return one === other;
  }
  const rows = other.turned.flat();
  return one.turned.flat().every((x, k) => Math.abs(x - rows[k]) < 1e-3);
}

function motionless(): boolean {
  return window.matchMedia('(prefers-reduced-motion: reduce)').matches;
}

/** How crystals are lit and looked at, by the viewer and the explorer alike. */
import type * as Ngl from 'ngl';
import type { NglModule } from './ngl_buffers';

const FIT = 3.0; // radii of all that is drawn between it and the eye: it just fills the height
const [RIGHT, UP] = [-0.45, 0.32]; // a little from above and from the side, as crystals are drawn in books

/** Parameters of a stage. */
export const LOOK = {
  cameraType: 'perspective',
  clipNear: 0,
  clipFar: 100,
  clipDist: 0.1,
  fogNear: 100,
  fogFar: 160,
  ambientIntensity: 0.45,
  lightIntensity: 0.8,
  tooltip: false
} as const;

/** What shows a stage's own answers to the mouse. */
export const PICKS = ['clickPick-left', 'clickPick-right', 'clickPick-middle', 'hoverPick'];

/** How a crystal is seen at first. */
export function startRotation(ngl: NglModule): Ngl.Quaternion {
  return new ngl.Quaternion().setFromEuler(new ngl.Euler(UP, RIGHT, 0, 'XYZ')) as never;
}

/** Let what reaches so far fill the height, or the width if that is less; its centre stays where it is. */
export function fit(ngl: NglModule, stage: Ngl.Stage, extent: number, duration: number): void {
  const distance = -radii(stage.viewer) * extent;
  stage.animationControls.zoomMove(new ngl.Vector3(0, 0, 0) as never, distance, duration);
}

/** Follow the size of the canvas; `move` gets the change of distance by which what filled it still does. */
export function resize(stage: Ngl.Stage, move: (change: () => void) => void): void {
  const before = radii(stage.viewer);
  stage.handleResize();
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

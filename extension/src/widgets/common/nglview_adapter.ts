/**
 * All that the explorer takes from nglview's view besides what it documents, in one place.
 *
 * nglview is a viewer of proteins: it reports each change of components, camera and picks to the kernel, which a crystal
 * that changes during a drag cannot afford. We draw on its stage ourselves, and take its reports away.
 */
import type * as Ngl from 'ngl';
import type { NglModule } from '../../ngl_buffers';
import { LOOK, PICKS } from '../../ngl_camera';
import { missingNames } from './missing';

/** What is used of a view. */
export interface INglView {
  el: HTMLElement;
  stage: Ngl.Stage;
  model: {
    on(
      event: 'msg:custom',
      listener: (message: unknown, buffers: DataView<ArrayBuffer>[]) => void
    ): void;
    off(
      event: 'msg:custom',
      listener: (message: unknown, buffers: DataView<ArrayBuffer>[]) => void
    ): void;
    send(content: object): void;
  };
  /** A jQuery element: an empty white label. */
  $pickingInfo: { css(name: string, value: string): void };
  once(event: 'remove', listener: () => void): void;
  /** Tells the kernel where the eye is, so that a view that opens later looks from the same side. */
  serialize_camera_orientation(): void;
  /** Ours; called by Python. */
  xcFit?: () => void;
  xcLook?: (name: unknown) => void;
}

const NEEDED = [
  'el',
  'model.on',
  'model.off',
  'model.send',
  '$pickingInfo.css',
  'once',
  'serialize_camera_orientation',
  'stage.setParameters',
  'stage.getParameters',
  'stage.makeImage',
  'stage.handleResize',
  'stage.addComponentFromObject',
  'stage.dispose',
  'stage.keyControls.clear',
  'stage.signals.componentAdded.removeAll',
  'stage.signals.componentRemoved.removeAll',
  'stage.signals.clicked.removeAll',
  'stage.signals.hovered.add',
  'stage.viewerControls.signals.changed.removeAll',
  'stage.viewerControls.applyMatrix',
  'stage.viewerControls.changed',
  'stage.viewerControls.distance',
  'stage.viewerControls.getCameraDistance',
  'stage.viewerControls.getOrientation',
  'stage.viewerControls.position',
  'stage.viewerControls.orient',
  'stage.viewerControls.rotate',
  'stage.viewerControls.rotation',
  'stage.viewerControls.zoom',
  'stage.animationControls.remove',
  'stage.animationControls.rotate',
  'stage.animationControls.zoomMove',
  'stage.mouseControls.remove',
  'stage.mouseObserver.canvasPosition',
  'stage.mouseObserver.signals.moved.add',
  'stage.viewer.setBackground',
  'stage.viewer.setSampling',
  'stage.viewer.render',
  'stage.viewer.requestRender',
  'stage.viewer.updateBoundingBox',
  'stage.viewer.updateZoom',
  'stage.viewer.renderer.forceContextLoss'
];
const NEEDED_OF_NGL = [
  'Shape',
  'SphereBuffer',
  'CylinderBuffer',
  'Vector3',
  'Quaternion',
  'Matrix4'
];

/** What a view, or the library, has not got of all that is needed here; empty if all is there. */
export function missingOf(view: unknown, ngl: unknown): string[] {
  return [
    ...missingNames(view, NEEDED),
    ...missingNames(ngl, NEEDED_OF_NGL).map(name => `NGL.${name}`)
  ];
}

/**
 * Have a view for ourselves; null if we have it already.
 *
 * @throws Error, in words for users, if this is not the nglview that we know.
 */
export function takeOver(view: unknown, ngl: unknown): { view: INglView; ngl: NglModule } | null {
  const missing = missingOf(view, ngl);
  if (missing.length) {
    throw new Error(
      `This version of nglview cannot draw crystals here: it has no ${missing.join(', ')}.`
    );
  }
  const known = view as INglView;
  if (known.xcFit) {
    return null;
  }
  const { stage } = known;
  stage.setParameters({ ...LOOK, hoverTimeout: 40 } as never);
  stage.signals.componentAdded.removeAll();
  stage.signals.componentRemoved.removeAll();
  stage.signals.clicked.removeAll();
  stage.viewerControls.signals.changed.removeAll();
  PICKS.forEach(pick => stage.mouseControls.remove(pick));
  stage.keyControls.clear(); // keys are ours
  known.$pickingInfo.css('display', 'none');
  return { view: known, ngl: ngl as NglModule };
}

/** Look again at what is under the mouse, though neither it nor the camera has moved. */
export function forgetPicking({ viewer }: Ngl.Stage): void {
  (viewer as unknown as { lastRenderedPicking: boolean }).lastRenderedPicking = false;
}

/** A canvas with a crystal in it: NGL's stage, its camera, and its end. */
import type * as Ngl from 'ngl';
import { type NglModule, KeptBuffers } from '../ngl_buffers';
import { LOOK, PICKS, fit, resize, sample, startRotation } from '../ngl_camera';
import { FACE_LOOK } from '../ngl_faces';
import { ReplacedMesh } from '../ngl_mesh';
import type { IScene } from '../scene';
import { type ILayers, fillCrystal } from './filling';

const SMOOTH_AFTER = 150; // ms without a change; smooth edges take several times as long to draw
const TURNS = 250; // ms
const ZOOM = 0.15;

let loading: Promise<NglModule> | null = null;

/** NGL is large: it is loaded when the first crystal is drawn. */
export function loadNgl(): Promise<NglModule> {
  loading ??= import('ngl').catch(reason => {
    loading = null; // the network may be back when it is asked for again
    throw reason;
  });
  return loading;
}

/** A crystal on a canvas that fills an element. */
export class CrystalStage {
  /**
   * @param ngl - The library.
   * @param host - The canvas is its child; its background is that of the drawing.
   * @param wheel - Whether the wheel of the mouse zooms at all times, or only while the canvas has the focus.
   * @param lost - Called if the browser takes the context away.
   */
  constructor(
    private readonly ngl: NglModule,
    private readonly host: HTMLElement,
    wheel: boolean,
    lost: () => void
  ) {
    this.stage = new ngl.Stage(host, {
      ...LOOK,
      hoverTimeout: -1,
      sampleLevel: -1
    } as never);
    this.stage.keyControls.clear(); // keys are the viewer's
    for (const pick of PICKS) {
      this.stage.mouseControls.remove(pick);
    }
    this.stage.mouseObserver.handleScroll = wheel;
    if (!wheel) {
      host.addEventListener('focusin', this.takeWheel);
      host.addEventListener('focusout', this.leaveWheel);
    }
    this.canvas.addEventListener('webglcontextlost', () => {
      if (!this.disposed) {
        lost();
      }
    });
    this.layers = {
      crystal: new KeptBuffers(ngl, this.stage, 'crystal'),
      sectors: new ReplacedMesh(ngl, this.stage, 'sectors'),
      faces: new ReplacedMesh(ngl, this.stage, 'faces', FACE_LOOK)
    };
    this.stage.viewerControls.rotate(startRotation(ngl) as never);
    this.follow();
    this.theme.observe(document.body, {
      attributes: true,
      attributeFilter: ['data-jp-theme-name', 'data-jp-theme-light']
    });
    this.size.observe(host);
  }

  /** Where it is drawn. */
  get canvas(): HTMLCanvasElement {
    return this.stage.viewer.renderer.domElement as HTMLCanvasElement;
  }

  /** Draw this; the camera keeps its bearings unless the size is another. */
  draw(scene: IScene): void {
    // frames of an animation differ a little in size; but nothing may grow out of the window
    const fitted = scene.extent <= 1.02 * this.extent && scene.extent >= this.extent / 1.2;
    if (!fitted) {
      this.extent = scene.extent;
    }
    fillCrystal(this.layers, scene, Math.max(this.extent, scene.extent));
    this.stage.viewer.updateBoundingBox();
    if (!fitted) {
      this.fit(0);
    }
    this.touch();
  }

  /** Turn to the right and upwards, in radians. */
  turn(right: number, up: number): void {
    const turned = new this.ngl.Matrix4();
    const upwards = new this.ngl.Matrix4().makeRotationX(-up);
    turned.makeRotationY(right).premultiply(upwards);
    this.stage.viewerControls.applyMatrix(turned as never);
    this.touch();
  }

  /** Nearer for 1, farther for -1. */
  zoom(direction: number): void {
    this.stage.viewerControls.zoom(direction * ZOOM);
    this.touch();
  }

  /** See it as this rotation says, row by row. */
  lookFrom(rows: number[]): void {
    const matrix = new this.ngl.Matrix4();
    const [a, b, c, d, e, f, g, h, i] = rows;
    matrix.set(a, b, c, 0, d, e, f, 0, g, h, i, 0, 0, 0, 0, 1);
    this.rotateTo(new this.ngl.Quaternion().setFromRotationMatrix(matrix) as never);
  }

  /** See it as at first. */
  reset(): void {
    this.stage.viewerControls.center(new this.ngl.Vector3(0, 0, 0) as never);
    this.rotateTo(startRotation(this.ngl) as never);
    this.fit(0);
    this.touch();
  }

  /** The view, to be given to another stage of the same crystal. */
  get orientation(): number[] {
    return [...(this.stage.viewerControls.getOrientation() as { elements: number[] }).elements];
  }

  set orientation(elements: number[]) {
    this.stage.viewerControls.orient(new this.ngl.Matrix4().fromArray(elements) as never);
  }

  /** Without the picture's background, twice as large as on the screen. */
  picture(): Promise<Blob> {
    return this.stage.makeImage({ factor: 2, antialias: true, trim: false, transparent: true });
  }

  /** What is on the screen, as the address of a picture. */
  still(): string {
    return this.canvas.toDataURL('image/png');
  }

  /** Give everything back. */
  dispose(): void {
    if (this.disposed) {
      return;
    }
    this.disposed = true;
    clearTimeout(this.smoothing);
    this.theme.disconnect();
    this.size.disconnect();
    this.host.removeEventListener('focusin', this.takeWheel);
    this.host.removeEventListener('focusout', this.leaveWheel);
    const { viewer } = this.stage;
    const { renderer, wrapper } = viewer;
    // a frame that was asked for before would find no context
    viewer.render = () => undefined;
    this.stage.dispose();
    renderer.forceContextLoss(); // browsers keep few contexts, and collect them late
    wrapper.remove();
  }

  private rotateTo(rotation: never): void {
    const still = window.matchMedia('(prefers-reduced-motion: reduce)').matches;
    this.stage.animationControls.rotate(rotation, still ? 0 : TURNS);
    this.touch();
  }

  private fit(duration: number): void {
    fit(this.ngl, this.stage, this.extent, duration);
  }

  private resize(): void {
    if (this.host.clientWidth && this.host.clientHeight) {
      resize(this.stage, move => this.extent && move());
      this.touch();
    }
  }

  /** Draw quickly now, and with smooth edges once nothing changes. */
  private touch(): void {
    const { viewer } = this.stage;
    clearTimeout(this.smoothing);
    sample(this.stage, -1);
    this.canvas.dataset.smooth = 'false';
    viewer.requestRender();
    this.smoothing = setTimeout(() => {
      sample(this.stage, 0);
      viewer.requestRender();
      this.canvas.dataset.smooth = 'true';
    }, SMOOTH_AFTER);
  }

  /** The background is the theme's. */
  private follow(): void {
    this.stage.viewer.setBackground(getComputedStyle(this.host).backgroundColor);
    this.stage.viewer.requestRender();
  }

  private readonly takeWheel = (): void => {
    this.stage.mouseObserver.handleScroll = true;
  };

  private readonly leaveWheel = (): void => {
    this.stage.mouseObserver.handleScroll = false;
  };

  private readonly stage: Ngl.Stage;
  private readonly layers: ILayers;
  private readonly theme = new MutationObserver(() => this.follow());
  private readonly size = new ResizeObserver(() => this.resize());
  private extent = 0;
  private disposed = false;
  private smoothing: ReturnType<typeof setTimeout> | undefined;
}

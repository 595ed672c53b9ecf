/** A canvas with a crystal in it: NGL's stage, its camera, and its end. */
import type * as Ngl from 'ngl';
import { Annotations, type IAtom } from '../annotations';
import { type IFound, type NglModule, KeptBuffers } from '../ngl_buffers';
import { type Matrix, UNIT } from '../lattice';
import { Camera, LOOK, PICKS, resize, sample } from '../ngl_camera';
import { FACE_LOOK } from '../ngl_faces';
import { ReplacedMesh } from '../ngl_mesh';
import type { IScene } from '../scene';
import { overlaid } from '../overlaid';
import { Triad } from '../triad';
import type { Looking } from '../view';
import { giveBack } from '../webgl';
import { type ILayers, fillCrystal } from './filling';

const SMOOTH_AFTER = 150; // ms without a change; smooth edges take several times as long to draw

let loading: Promise<NglModule> | null = null;

/** NGL is large: it is loaded when the first crystal is drawn. */
export function loadNgl(): Promise<NglModule> {
  loading ??= import('ngl').catch(reason => {
    loading = null; // the network may be back when it is asked for again
    throw reason;
  });
  return loading;
}

/** From where a crystal is looked at, and how large it is. */
export interface ILook {
  looking: Looking;
  /** NGL's matrix of rotation, distance and centre. */
  orientation: number[];
}

/** What is said in a stage, in the language of the page. */
export interface IStageWords {
  /** What the arrows of the axes are, for screen readers. */
  axes: string;
  /** How to measure. */
  measure: string;
  /** That there are too many atoms for labels. */
  tooMany: string;
}

/** A crystal on a canvas that fills an element. */
export class CrystalStage {
  /**
   * @param ngl - The library.
   * @param host - The canvas is its child; its background is that of the drawing.
   * @param wheel - Whether the wheel of the mouse zooms at all times, or only while the canvas has the focus.
   * @param words - What is said in it.
   * @param lost - Called if the browser takes the context away.
   */
  constructor(
    private readonly ngl: NglModule,
    private readonly host: HTMLElement,
    wheel: boolean,
    words: IStageWords,
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
    this.triad = new Triad(words.axes);
    host.append(this.triad.node);
    this.camera = new Camera(ngl, this.stage, () => this.looked());
    this.annotations = new Annotations(this.camera, words.measure, words.tooMany);
    host.append(this.annotations.node, this.annotations.said);
    this.stage.signals.clicked.add((found?: IFound) => {
      if (this.annotations.measuring && found && this.layers.crystal.holds(found)) {
        this.annotations.choose(found.picker.type === 'sphere' ? found.pid : null);
      }
    });
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

  /** Draw this, looked at as what was drawn before; the lattice is null for a molecule, symbols are of sites. */
  draw(scene: IScene, lattice: Matrix | null, symbols: string[], labelled: boolean): void {
    // frames of an animation differ a little in size; but nothing may grow out of the window
    this.camera.extent = scene.extent;
    const fitted = scene.extent <= 1.02 * this.extent && scene.extent >= this.extent / 1.2;
    if (!fitted) {
      this.extent = scene.extent;
    }
    fillCrystal(this.layers, scene, Math.max(this.extent, scene.extent));
    this.stage.viewer.updateBoundingBox();
    this.lattice = lattice;
    this.annotations.show(atomsOf(scene, symbols, labelled));
    this.camera.follow(lattice ?? (UNIT as Matrix));
    if (!fitted) {
      this.camera.fit(this.extent);
    }
    this.touch();
  }

  /** Do what a key stands for; false if it stands for nothing. */
  press(key: string): boolean {
    if (key === 'Escape' && this.annotations.measuring) {
      this.annotations.clear();
      return true;
    }
    const known = this.camera.press(key);
    if (known) {
      this.touch();
    }
    return known;
  }

  /** Look at it from elsewhere. */
  look(looking: Looking): void {
    this.camera.look(looking);
    this.touch();
  }

  /** See it as at first. */
  reset(): void {
    this.camera.reset();
    this.touch();
  }

  /** Whether clicks on atoms measure. */
  set measuring(on: boolean) {
    this.annotations.measuring = on;
  }

  /** Draw what is far away smaller, or not. */
  set perspective(on: boolean) {
    this.camera.perspective = on;
    this.touch();
  }

  /** How it is looked at, to be given to another stage of the same crystal. */
  get looking(): ILook {
    const orientation = this.stage.viewerControls.getOrientation() as { elements: number[] };
    return { looking: this.camera.looking, orientation: [...orientation.elements] };
  }

  set looking({ looking, orientation }: ILook) {
    const matrix = new this.ngl.Matrix4().fromArray(orientation);
    this.stage.viewerControls.orient(matrix as never);
    this.camera.looking = looking;
    this.looked();
  }

  /** Without the picture's background, twice as large as on the screen. */
  picture(): Promise<Blob> {
    const [factor, over] = [2, [this.annotations.node, this.triad.node]];
    return this.stage
      .makeImage({ factor, antialias: true, trim: false, transparent: true })
      .then(picture => overlaid(picture, this.canvas, over, factor));
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
    giveBack(this.stage);
    this.stage.viewer.wrapper.remove();
    this.triad.node.remove();
    this.annotations.node.remove();
    this.annotations.said.remove();
  }

  private looked(): void {
    this.triad.draw(this.camera.view, this.lattice);
    this.annotations.draw();
    const { looking } = this.camera;
    this.host.dataset.looking = typeof looking === 'string' ? looking : 'turned';
  }

  private resize(): void {
    if (this.host.clientWidth && this.host.clientHeight) {
      resize(this.stage, move => this.extent && move());
      this.annotations.draw();
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
  private readonly camera: Camera;
  private readonly triad: Triad;
  private readonly annotations: Annotations;
  private lattice: Matrix | null = null;
  private readonly theme = new MutationObserver(() => this.follow());
  private readonly size = new ResizeObserver(() => this.resize());
  private extent = 0;
  private disposed = false;
  private smoothing: ReturnType<typeof setTimeout> | undefined;
}

function atomsOf(
  { positions, radii, atoms }: IScene,
  symbols: string[],
  labelled: boolean
): IAtom[] {
  return [...atoms].map((atom, at) => ({
    position: [positions[3 * at], positions[3 * at + 1], positions[3 * at + 2]],
    radius: radii[at],
    name: symbols[atom],
    label: labelled ? symbols[atom] : ''
  }));
}

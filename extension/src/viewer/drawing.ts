/** A drawing that takes a WebGL context when someone may look at it, and leaves a still picture when it must go. */
import type { Matrix } from '../lattice';
import type { IScene } from '../scene';
import type { Looking } from '../view';
import type { IWords } from './captions';
import { type IDrawing, contexts } from './contexts';
import { el } from '../dom';
import { button } from './controls';
import { hasWebGL } from '../webgl';
import { CrystalStage, type ILook, type IStageWords, loadNgl } from './stage';

const NEAR = '150px'; // what is so near to the window is drawn, too

/** What is shown besides the scene. */
export interface IShown {
  /** Null for a molecule. */
  lattice: Matrix | null;
  /** Element of each site. */
  symbols: string[];
  /** Whether they are written at the atoms. */
  labelled: boolean;
}

const NOTHING: IShown = { lattice: null, symbols: [], labelled: false };

/** The canvas of a viewer, or what stands there instead. */
export class Drawing implements IDrawing {
  /**
   * @param trans - The language.
   * @param wheel - Whether the wheel zooms without the focus.
   */
  constructor(
    private readonly trans: IWords,
    private readonly wheel: boolean
  ) {
    this.node = el('div', { class: 'xc-viewer-canvas', tabindex: '0', role: 'img' });
    this.still = el('img', { class: 'xc-viewer-still', alt: '' });
    this.still.hidden = true;
    this.problem = el('div', { class: 'xc-viewer-lost' });
    this.problem.hidden = true;
    this.node.append(this.still, this.problem);
    this.node.addEventListener('keydown', event => {
      const isPlain = !event.ctrlKey && !event.metaKey && !event.altKey;
      if (isPlain && this.stage?.press(event.key)) {
        event.preventDefault();
        event.stopPropagation();
      }
    });
    for (const sign of ['pointerenter', 'focusin']) {
      this.node.addEventListener(sign, () => this.refresh());
    }
    this.sight = new IntersectionObserver(
      entries => {
        this.inView = entries[entries.length - 1].isIntersecting;
        if (this.inView) {
          this.refresh();
        }
      },
      { rootMargin: NEAR }
    );
    this.sight.observe(this.node);
  }

  /** What stands in the page. */
  readonly node: HTMLElement;

  /** Whether it is in the window, or near. */
  inView = false;

  /** Draw this, at once if it is in the window and later if not; nothing for null. */
  show(scene: IScene | null, label: string, more: IShown = NOTHING): void {
    this.scene = scene;
    this.more = more;
    this.node.setAttribute('aria-label', label);
    if (scene === null) {
      this.release();
      this.still.hidden = true;
      this.look = null;
    } else if (this.stage) {
      this.drawOn(this.stage, scene);
      this.mark();
    } else if (this.inView) {
      this.refresh();
    }
  }

  /** Look at it from elsewhere. */
  lookFrom(looking: Looking): void {
    this.stage?.look(looking);
  }

  /** Whether clicks on atoms measure. */
  set measuring(on: boolean) {
    this.isMeasuring = on;
    if (this.stage) {
      this.stage.measuring = on;
    }
  }

  /** Draw what is far away smaller, or not. */
  set perspective(on: boolean) {
    this.isPerspective = on;
    if (this.stage) {
      this.stage.perspective = on;
    }
  }

  /** See it as at first. */
  reset(): void {
    this.stage?.reset();
  }

  /** What is drawn as PNG; null if nothing is. */
  async picture(): Promise<Blob | null> {
    return this.stage ? this.stage.picture() : null;
  }

  /** Give the context back; the picture stays. */
  release(): void {
    contexts.drop(this);
    if (this.stage && this.scene) {
      this.still.src = this.stage.still();
      this.still.hidden = false;
      this.look = this.stage.looking;
    }
    this.stage?.dispose();
    this.stage = null;
    delete this.node.dataset.drawn;
  }

  /** Give everything back. */
  dispose(): void {
    this.disposed = true;
    this.scene = null;
    this.sight.disconnect();
    this.release();
  }

  private refresh(): void {
    void this.draw().catch((reason: unknown) => {
      console.error('A crystal cannot be drawn.', reason);
      this.fail(this.trans.__('The drawing cannot be loaded.'));
    });
  }

  private async draw(): Promise<void> {
    if (this.stage || this.beginning || !this.scene) {
      return;
    }
    this.beginning = true;
    try {
      const ngl = await loadNgl();
      if (this.disposed || !this.scene || !this.node.isConnected) {
        return;
      }
      contexts.take(this); // first, as the browser may have no other left
      if (!hasWebGL()) {
        contexts.drop(this);
        this.fail(
          this.trans.__('This browser cannot draw in 3-D: WebGL is switched off, or not there.')
        );
        return;
      }
      this.stage = new CrystalStage(ngl, this.node, this.wheel, this.words(), () => this.lose());
      this.drawOn(this.stage, this.scene);
      this.stage.measuring = this.isMeasuring;
      this.stage.perspective = this.isPerspective;
      if (this.look) {
        this.stage.looking = this.look;
      }
      this.still.hidden = true;
      this.problem.hidden = true;
      this.mark();
    } finally {
      this.beginning = false;
    }
  }

  private drawOn(stage: CrystalStage, scene: IScene): void {
    const { lattice, symbols, labelled } = this.more;
    stage.draw(scene, lattice, symbols, labelled);
  }

  private words(): IStageWords {
    const { trans } = this;
    return {
      axes: trans.__('Directions of the axes a, b and c'),
      measure: trans.__(
        'Click two atoms for a distance, three for an angle, four for a dihedral angle; Escape clears.'
      ),
      tooMany: trans.__('There are too many atoms for labels.')
    };
  }

  private lose(): void {
    contexts.drop(this);
    this.stage?.dispose();
    this.stage = null;
    delete this.node.dataset.drawn;
    this.fail(this.trans.__('The browser has taken the drawing away, as there are many others.'));
  }

  private fail(words: string): void {
    const again = button(this.trans.__('Draw again'), '', () => this.refresh());
    this.problem.replaceChildren(el('p', { role: 'alert' }, words), again);
    this.problem.hidden = false;
  }

  /** For tests: how many spheres are on the canvas. */
  private mark(): void {
    this.node.dataset.drawn = String(this.scene?.radii.length ?? 0);
  }

  private readonly still: HTMLImageElement;
  private readonly problem: HTMLElement;
  private readonly sight: IntersectionObserver;
  private stage: CrystalStage | null = null;
  private scene: IScene | null = null;
  private more = NOTHING;
  private isMeasuring = false;
  private look: ILook | null = null;
  private isPerspective = false;
  private beginning = false;
  private disposed = false;
}

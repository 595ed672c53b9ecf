/** A drawing that takes a WebGL context when someone may look at it, and leaves a still picture when it must go. */
import type { IScene } from '../scene';
import type { IWords } from './captions';
import { type IDrawing, contexts } from './contexts';
import { el } from '../dom';
import { button } from './controls';
import { hasWebGL } from '../webgl';
import { CrystalStage, loadNgl } from './stage';

const NEAR = '150px'; // what is so near to the window is drawn, too
const TURN = 0.13; // radians a key

/** The canvas of a viewer, or what stands there instead. */
export class Drawing implements IDrawing {
  /**
   * @param trans - The language.
   * @param wheel - Whether the wheel zooms without the focus.
   * @param keys - What other keys do.
   */
  constructor(
    private readonly trans: IWords,
    private readonly wheel: boolean,
    keys: (key: string) => boolean
  ) {
    this.node = el('div', { class: 'xc-viewer-canvas', tabindex: '0', role: 'img' });
    this.still = el('img', { class: 'xc-viewer-still', alt: '' });
    this.still.hidden = true;
    this.problem = el('div', { class: 'xc-viewer-lost' });
    this.problem.hidden = true;
    this.node.append(this.still, this.problem);
    this.node.addEventListener('keydown', event => {
      if (
        !event.ctrlKey &&
        !event.metaKey &&
        !event.altKey &&
        (this.press(event.key) || keys(event.key))
      ) {
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
  show(scene: IScene | null, label: string): void {
    this.scene = scene;
    this.node.setAttribute('aria-label', label);
    if (scene === null) {
      this.release();
      this.still.hidden = true;
      this.orientation = null;
    } else if (this.stage) {
      this.stage.draw(scene);
      this.mark();
    } else if (this.inView) {
      this.refresh();
    }
  }

  /** Turn so that these rows are what is right, up and near. */
  lookFrom(rows: number[]): void {
    this.stage?.lookFrom(rows);
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
      this.orientation = this.stage.orientation;
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
      this.stage = new CrystalStage(ngl, this.node, this.wheel, () => this.lose());
      this.stage.draw(this.scene);
      if (this.orientation) {
        this.stage.orientation = this.orientation;
      }
      this.still.hidden = true;
      this.problem.hidden = true;
      this.mark();
    } finally {
      this.beginning = false;
    }
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

  private press(key: string): boolean {
    const turns: Record<string, [number, number]> = {
      ArrowLeft: [-TURN, 0],
      ArrowRight: [TURN, 0],
      ArrowUp: [0, TURN],
      ArrowDown: [0, -TURN]
    };
    if (turns[key]) {
      this.stage?.turn(...turns[key]);
    } else if (key === '+' || key === '=') {
      this.stage?.zoom(1);
    } else if (key === '-' || key === '−') {
      this.stage?.zoom(-1);
    } else {
      return false;
    }
    return true;
  }

  private readonly still: HTMLImageElement;
  private readonly problem: HTMLElement;
  private readonly sight: IntersectionObserver;
  private stage: CrystalStage | null = null;
  private scene: IScene | null = null;
  private orientation: number[] | null = null;
  private beginning = false;
  private disposed = false;
}

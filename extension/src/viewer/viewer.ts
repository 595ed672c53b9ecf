/** A crystal in 3-D with its formula, its cell, its elements, and the controls of the drawing. */
import type { Message } from '@lumino/messaging';
import { Widget } from '@lumino/widgets';
import type { ICrystal, Vector } from '../crystal';
import { elementsOf, reducedFormula } from '../formula';
import { saveFile } from '../save_file';
import { buildScene } from '../scene';
import {
  type IWords,
  amount,
  atomCount,
  cellFacts,
  description,
  isFormula,
  pictureName,
  sharedSites
} from './captions';
import { el, formulaNodes } from '../dom';
import { button, toggle } from './controls';
import { Drawing } from './drawing';
import { FramePlayer } from './player';
import { Tools } from './tools';

/** A button below a message. */
export interface IMessageAction {
  label: string;
  act(): void;
}

/** How a viewer is. */
export interface IViewerOptions {
  trans: IWords;
  /** In the output of a cell: less high, and the wheel scrolls the notebook until the drawing is clicked. */
  compact?: boolean;
}

/** Draws crystals; used for files and for outputs of cells. */
export class CrystalViewer extends Widget {
  constructor({ trans, compact = false }: IViewerOptions) {
    super();
    this.trans = trans;
    this.addClass('xc-viewer');
    this.toggleClass('xc-mod-compact', compact);
    if (compact) {
      // keys of the notebook would act on the cell: R makes it raw
      this.node.setAttribute('data-lm-suppress-shortcuts', 'true');
    }
    this.tools = new Tools(trans, {
      changed: () => this.draw(),
      lookAlong: direction => this.drawing.lookFrom(direction),
      reset: () => this.drawing.reset(),
      showPerspective: on => {
        this.drawing.perspective = on;
      },
      measure: on => {
        this.drawing.measuring = on;
      },
      savePicture: () =>
        void this.savePicture().catch(reason => console.error('There is no picture.', reason))
    });
    this.drawing = new Drawing(trans, !compact);
    this.player = new FramePlayer(trans, () => this.draw());
    this.figure = el(
      'div',
      { class: 'xc-viewer-figure' },
      el('header', { class: 'xc-viewer-head' }, this.formula, this.titleLine, this.facts),
      this.tools.node,
      this.drawing.node,
      el('footer', { class: 'xc-viewer-foot' }, this.legend, this.player.node, this.notes)
    );
    this.legend.setAttribute('aria-label', trans.__('Elements'));
    this.figure.hidden = true;
    this.message.hidden = true;
    this.node.append(this.figure, this.message);
  }

  /** Draw these: frames of an animation, or the crystals of one file. */
  showCrystals(frames: ICrystal[]): void {
    this.frames = frames;
    this.player.setCount(frames.length);
    this.message.hidden = true;
    this.figure.hidden = false;
    this.draw();
  }

  /** Say why nothing can be shown; nothing is drawn any more. */
  fail(message: string, action?: IMessageAction): void {
    this.say(message, this.trans.__('This crystal cannot be shown'), action);
  }

  /** Ask before something is done; nothing is drawn meanwhile. */
  ask(question: string, action: IMessageAction): void {
    this.say(question, this.trans.__('This is large'), action);
  }

  /** Give everything back. */
  override dispose(): void {
    if (this.isDisposed) {
      return;
    }
    this.player.stop();
    this.drawing.dispose();
    super.dispose();
  }

  /** An animation that nobody sees stops. */
  protected override onBeforeHide(_: Message): void {
    this.player.stop();
  }

  /** What has the focus when the tab is chosen. */
  protected override onActivateRequest(_: Message): void {
    if (!this.figure.hidden) {
      this.drawing.node.focus();
    } else {
      this.message.querySelector('button')?.focus();
    }
  }

  private get crystal(): ICrystal | undefined {
    return this.frames[this.player.frame];
  }

  private say(words: string, heading: string, action?: IMessageAction): void {
    this.frames = [];
    this.player.setCount(1);
    this.drawing.show(null, '');
    this.figure.hidden = true;
    this.message.hidden = false;
    this.message.replaceChildren(el('h2', {}, heading), el('p', { role: 'alert' }, words));
    if (action) {
      this.message.append(
        button(action.label, '', () => action.act(), 'xc-viewer-button xc-mod-main')
      );
    }
  }

  private draw(): void {
    const { crystal, tools } = this;
    if (!crystal) {
      return;
    }
    const { repeat, boundary, bonds, polyhedra, style, palette } = tools;
    const { hidden } = this;
    const look = { boundary, bonds, polyhedra, style, palette, hidden };
    const scene = buildScene(crystal, { repeat, ...look });
    tools.setPeriodic(crystal.periodic);
    this.tell(crystal, scene.repeat, scene.note);
    const words = description(crystal, scene.repeat, this.trans);
    this.drawing.show(scene, words, {
      lattice: crystal.periodic ? crystal.lattice : null,
      symbols: crystal.sites.map(({ species }) => species[0].symbol),
      labelled: tools.labels
    });
  }

  private tell(crystal: ICrystal, repeat: Vector, note: string): void {
    const formula = reducedFormula(crystal);
    this.formula.replaceChildren(...formulaNodes(formula));
    const title = isFormula(crystal.title, formula) ? '' : crystal.title;
    this.titleLine.textContent = title;
    this.titleLine.title = title;
    const facts = [atomCount(crystal, repeat, this.trans), ...cellFacts(crystal, this.trans)];
    this.facts.replaceChildren(...facts.map(fact => el('span', {}, fact)));
    const cells = repeat[0] * repeat[1] * repeat[2];
    this.legend.replaceChildren(
      ...elementsOf(crystal, this.tools.palette).map(({ symbol, count, colour }) => {
        const disc = el('span', { class: 'xc-viewer-disc', 'aria-hidden': 'true' });
        disc.style.backgroundColor = colour;
        disc.hidden = crystal.colours !== undefined; // these are not the colours that are drawn
        const number = el('span', { class: 'xc-viewer-count' }, amount(count * cells));
        const switched = toggle(
          '',
          this.trans.__('Draw %1, or not', symbol),
          !this.hidden.has(symbol),
          on => {
            this.hidden[on ? 'delete' : 'add'](symbol);
            this.draw();
          },
          'xc-viewer-element'
        );
        switched.append(disc, el('b', {}, symbol), number);
        return el('li', {}, switched);
      })
    );
    const shared = sharedSites(crystal, this.trans);
    const sites = shared.length ? this.trans.__('Shared sites: %1.', shared.join('; ')) : '';
    const notes = [...crystal.notes, sites, note].filter(Boolean);
    this.notes.replaceChildren(...notes.map(text => el('li', {}, text)));
  }

  private async savePicture(): Promise<void> {
    const { crystal } = this; // what is shown when the button is pressed
    const picture = crystal && (await this.drawing.picture());
    if (!picture || this.isDisposed) {
      return;
    }
    saveFile(pictureName(reducedFormula(crystal)), picture);
  }

  private readonly trans: IWords;
  private readonly tools: Tools;
  private readonly drawing: Drawing;
  private readonly player: FramePlayer;
  private readonly figure: HTMLElement;
  private readonly formula = el('h2', { class: 'xc-viewer-formula' });
  private readonly titleLine = el('span', { class: 'xc-viewer-title' });
  private readonly facts = el('p', { class: 'xc-viewer-facts' });
  private readonly legend = el('ul', { class: 'xc-viewer-legend' });
  private readonly notes = el('ul', { class: 'xc-viewer-notes' });
  private readonly message = el('div', { class: 'xc-viewer-message' });
  private readonly hidden = new Set<string>();
  private frames: ICrystal[] = [];
}

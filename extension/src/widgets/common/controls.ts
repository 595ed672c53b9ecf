/** Controls that several panels have. */
import { el, formulaNodes } from '../../dom';
import type { Progress } from './model';

/** A button with a text and the class "xc-" and its name. */
export function button(
  name: string,
  text: string,
  title: string,
  onclick: () => void
): HTMLButtonElement {
  return el('button', { class: `xc-button xc-${name}`, type: 'button', title, onclick }, text);
}

/** A field for a file that is not seen, as a button beside it clicks it; `take` gets what is chosen. */
export function fileInput(take: (chosen: File) => void): HTMLInputElement {
  const file = el('input', {
    type: 'file',
    class: 'xc-file',
    tabindex: '-1',
    'aria-hidden': 'true',
    onchange: () => {
      [...(file.files ?? [])].slice(0, 1).forEach(take);
      file.value = '';
    }
  });
  return file;
}

/** A crystal's formula in a table, by which one goes there. */
export function crystalLink(formula: string, id: string): HTMLElement {
  const title = `Go to ${id}`;
  return el('button', { class: 'xc-link', type: 'button', title }, formulaNodes(formula));
}

/** How far something is that takes long; hidden while nothing is done. */
export class ProgressBar {
  /**
   * @param label - What is counted, for those who cannot see it.
   * @param more - What stands beside it, such as a button that stops.
   */
  constructor(label = 'Progress', ...more: Node[]) {
    this.bar = el('progress', { max: '1', value: '0', 'aria-label': label });
    this.node = el('div', { class: 'xc-working' }, this.bar, this.words, more);
  }

  readonly node: HTMLElement;

  /** Show this, written as `write` has it. */
  draw(progress: Progress | null, write: (progress: Progress) => string): void {
    this.node.hidden = !progress;
    if (progress) {
      const [, , done, of] = progress;
      this.bar.max = of;
      this.bar.value = done;
      this.words.textContent = write(progress);
    }
  }

  private readonly bar: HTMLProgressElement;
  private readonly words = el('span');
}

/** ", detail", or nothing. */
export function detailOf([, detail]: Progress): string {
  return detail ? `, ${detail}` : '';
}

/** Figures for those who ask for them; nothing if there are none. */
export function moreOf(figures: string): HTMLElement | null {
  return figures
    ? el(
        'details',
        { class: 'xc-figures', 'data-level': 'researcher' },
        el('summary', {}, 'more'),
        figures
      )
    : null;
}

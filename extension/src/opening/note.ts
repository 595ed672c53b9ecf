/** What a panel says while its explorer is not there yet, or can no more be there. */

import { el } from '../dom';

/** A sentence in the middle of a panel; a screen reader says it too. */
export class Note {
  /** To be put into the panel. */
  readonly node = el('div', { class: 'xc-lab-note', role: 'status' });
  private readonly words = el('p');
  private readonly wheel = el('div', { class: 'xc-lab-wheel', 'aria-hidden': 'true' });
  private readonly button = el('button', { class: 'jp-mod-styled jp-mod-accept', type: 'button' });

  constructor() {
    this.node.append(this.wheel, this.words, this.button);
    this.clear();
  }

  /** Say what goes on. */
  say(words: string): void {
    this.show(words, true);
  }

  /** Say what went wrong, and offer what can be done. */
  fail(words: string, label: string, act: () => void): void {
    this.show(words, false);
    this.button.hidden = false;
    this.button.textContent = label;
    this.button.onclick = act;
  }

  /** Get out of the way. */
  clear(): void {
    this.node.hidden = true;
    this.button.hidden = true;
    this.words.textContent = '';
  }

  private show(words: string, working: boolean): void {
    this.node.hidden = false;
    this.button.hidden = true;
    this.wheel.hidden = !working;
    this.words.textContent = words;
  }
}

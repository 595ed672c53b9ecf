/** What a panel says while its explorer is not there yet, or can no more be there. */

/** A sentence in the middle of a panel; a screen reader says it too. */
export class Note {
  /** To be put into the panel. */
  readonly node = document.createElement('div');
  private readonly words = document.createElement('p');
  private readonly wheel = document.createElement('div');
  private readonly button = document.createElement('button');

  constructor() {
    this.node.className = 'xc-lab-note';
    this.node.setAttribute('role', 'status');
    this.wheel.className = 'xc-lab-wheel';
    this.wheel.setAttribute('aria-hidden', 'true');
    this.button.type = 'button';
    this.button.className = 'jp-mod-styled jp-mod-accept';
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

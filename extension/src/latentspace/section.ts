/** One explorer in the side panel: its document, a button that pins, and its pinned crystals as cards. */
import { el, formulaNodes, pictureAddress, spaceGroupNodes } from '../dom';
import type { TranslationBundle } from '@jupyterlab/translation';
import { pinIcon } from './icon';
import type { IFound, IListed, PinList } from './list';
import { PIN_TYPE, type IPin } from './registry';
import { readPlace, samePlace, writePlace, type IPlace } from './words';

let dragged: IPlace | null = null; // what is in the air is not told before it is dropped

/** Keeps its elements as long as their pins, so that focus, scroll and drags survive changes. */
export class ExplorerSection {
  readonly node: HTMLElement;
  private _title: HTMLButtonElement;
  private _note: HTMLElement;
  private _pin: HTMLButtonElement;
  private _cards: HTMLUListElement;
  private _none: HTMLElement;
  private _made = new Map<number, HTMLLIElement>();
  private _listed: IListed | null = null;

  constructor(
    private _id: string,
    private _list: PinList,
    private _trans: TranslationBundle,
    private _say: (hint: string) => void
  ) {
    this._title = el('button', { type: 'button', class: 'xc-ls-title' });
    this._title.addEventListener('click', () => this._listed?.host?.reveal());
    this._note = el('div', { class: 'xc-ls-note' });
    this._pin = el('button', { type: 'button', class: 'xc-ls-add' });
    pinIcon.element({ container: this._pin, tag: 'span' });
    this._pin.append(el('span', {}, _trans.__('Pin')));
    this._pin.addEventListener('click', () => {
      if (this._pin.getAttribute('aria-disabled') !== 'true') {
        this._listed?.explorer.act('pin');
      }
    });
    this._cards = el('ul', { class: 'xc-ls-cards' });
    this._none = el(
      'p',
      { class: 'xc-ls-none' },
      _trans.__('Nothing is pinned yet. Pin a crystal here, or press P in the explorer.')
    );
    const names = el('div', { class: 'xc-ls-names' });
    names.append(this._title, this._note);
    const head = el('div', { class: 'xc-ls-head' });
    head.append(names, this._pin);
    this.node = el('section', { class: 'xc-ls-explorer' });
    this.node.append(head, this._cards, this._none);
  }

  /** Draw what there is now; `from` is where a path has begun. */
  update(listed: IListed, from: IFound | null): void {
    this._listed = listed;
    const trans = this._trans;
    const { explorer, host, title } = listed;
    const name = title || trans.__('An explorer that is not shown');
    if (this._title.textContent !== name) {
      this._title.textContent = name;
    }
    this._title.disabled = host === null;
    this._title.title = host
      ? trans.__('Go to %1', name)
      : trans.__('Its kernel is running. Run the cell of the explorer again to see it.');
    this.node.setAttribute('aria-label', name);
    this._note.replaceChildren(`${explorer.model} · `, ...formulaNodes(explorer.formula));
    const pinning = explorer.full
      ? trans.__('No more crystals can be pinned here')
      : trans.__('Pin %1, which is shown now', explorer.formula);
    this._pin.title = pinning;
    this._pin.setAttribute('aria-label', pinning);
    this._pin.setAttribute('aria-disabled', String(explorer.full));
    this._none.hidden = explorer.pins.length > 0;
    this._drawCards(explorer.pins);
    for (const [key, card] of this._made) {
      const place = { explorer: this._id, key };
      card.classList.toggle('xc-ls-from', samePlace(place, from && placeOf(from)));
      const button = card.firstElementChild;
      if (key === explorer.shown) {
        button?.setAttribute('aria-current', 'true');
      } else {
        button?.removeAttribute('aria-current');
      }
    }
    this.node.classList.toggle('xc-ls-choosing', from !== null);
  }

  private _drawCards(pins: IPin[]): void {
    const focused = this._cards.contains(document.activeElement) ? document.activeElement : null;
    const at = [...this._cards.children].findIndex(card => card.contains(focused));
    const kept = new Set(pins.map(({ key }) => key));
    for (const [key, card] of this._made) {
      if (!kept.has(key)) {
        card.remove();
        this._made.delete(key);
      }
    }
    pins.forEach((pin, k) => {
      const card = this._made.get(pin.key) ?? this._makeCard(pin);
      this._made.set(pin.key, card);
      if (this._cards.children[k] !== card) {
        this._cards.insertBefore(card, this._cards.children[k] ?? null);
      }
    });
    if (focused instanceof HTMLElement && focused.isConnected) {
      focused.focus();
    } else if (focused) {
      this._focus(at); // what had it was unpinned
    }
  }

  private _focus(at: number): void {
    const cards = [...this._cards.children];
    const card = cards[Math.max(0, Math.min(at, cards.length - 1))];
    (card?.querySelector<HTMLElement>('.xc-ls-pin') ?? this._pin).focus();
  }

  private _makeCard(pin: IPin): HTMLLIElement {
    const trans = this._trans;
    const place = { explorer: this._id, key: pin.key };
    const image = el('img', { class: 'xc-ls-image' });
    image.src = pictureAddress(pin.picture);
    image.alt = '';
    image.draggable = false;
    const formula = el('span', { class: 'xc-ls-formula' });
    formula.append(...formulaNodes(pin.formula));
    const group = el('span', { class: 'xc-ls-group' });
    group.append(...spaceGroupNodes(pin.symbol, 'xc-ls-over'), ` (${pin.group})`);
    const main = el('div', { class: 'xc-ls-pin' }); // Firefox drags nothing that begins in a button
    main.setAttribute('role', 'button');
    main.tabIndex = 0;
    main.title = trans.__(
      '%1, %2. Drag onto another one for the path between them.',
      pin.formula,
      pin.label
    );
    main.setAttribute(
      'aria-label',
      trans.__('%1, space group %2, %3', pin.formula, pin.symbol, pin.label)
    );
    main.append(image, formula, group);
    main.addEventListener('click', () => this._list.take(place));
    main.addEventListener('keydown', event => this._onKey(event, place));

    const more = el('button', { type: 'button', class: 'xc-ls-more' }, '⋯');
    more.title = trans.__('More for %1', pin.formula);
    more.setAttribute('aria-label', more.title);
    more.setAttribute('aria-haspopup', 'menu');
    more.addEventListener('click', () => {
      // JupyterLab's own context menu, for those without a right button
      const { left, bottom } = more.getBoundingClientRect();
      const at = { bubbles: true, cancelable: true, clientX: left, clientY: bottom };
      more.dispatchEvent(new MouseEvent('contextmenu', at));
    });

    const card = el('li', { class: 'xc-ls-card' });
    card.dataset.explorer = place.explorer;
    card.dataset.pin = String(place.key);
    card.draggable = true;
    card.append(main, more);
    this._makeDraggable(card, place);
    return card;
  }

  private _onKey(event: KeyboardEvent, place: IPlace): void {
    const steps: Record<string, number> = {
      ArrowRight: 1,
      ArrowDown: 1,
      ArrowLeft: -1,
      ArrowUp: -1
    };
    const cards = [...this._cards.children];
    const at = cards.findIndex(card => card.contains(event.target as Node));
    if (event.key === 'Enter' || event.key === ' ') {
      this._list.take(place);
    } else if (event.key === 'Delete' || event.key === 'Backspace') {
      this._list.unpin(place);
    } else if (event.key in steps && !event.altKey && !event.ctrlKey && !event.metaKey) {
      this._focus(at + steps[event.key]);
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }

  private _makeDraggable(card: HTMLLIElement, place: IPlace): void {
    const mark = (on: boolean) => card.classList.toggle('xc-ls-drop', on);
    const carries = (event: DragEvent) => event.dataTransfer?.types.includes(PIN_TYPE) ?? false;
    card.addEventListener('dragstart', event => {
      dragged = place;
      event.dataTransfer?.setData(PIN_TYPE, writePlace(place));
      if (event.dataTransfer) {
        event.dataTransfer.effectAllowed = 'copyMove';
      }
      card.classList.add('xc-ls-dragged');
      this._say(this._trans.__('Drop it on another crystal for the path between them.'));
    });
    card.addEventListener('dragend', () => {
      dragged = null;
      card.classList.remove('xc-ls-dragged');
      this._say('');
    });
    card.addEventListener('dragover', event => {
      if (carries(event) && !samePlace(dragged, place)) {
        event.preventDefault();
        mark(true);
      }
    });
    card.addEventListener('dragleave', event => {
      if (!card.contains(event.relatedTarget as Node | null)) {
        mark(false);
      }
    });
    card.addEventListener('drop', event => {
      mark(false);
      const from = readPlace(event.dataTransfer?.getData(PIN_TYPE) ?? '');
      if (from) {
        event.preventDefault();
        event.stopPropagation();
        this._list.interpolate(from, place);
      }
    });
  }
}

function placeOf(found: IFound): IPlace {
  return { explorer: found.explorer.id, key: found.pin.key };
}

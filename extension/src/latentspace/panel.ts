/** The side panel "Latent space": the running explorers, and under each the crystals that are pinned in it. */
import { el, formulaNodes } from '../dom';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { Message } from '@lumino/messaging';
import { Widget } from '@lumino/widgets';
import { ExplorerSection } from './section';
import { latentSpaceIcon } from './icon';
import type { PinList } from './list';

/** Shows a list of pins while it is visible. */
export class LatentSpacePanel extends Widget {
  private _sections = new Map<string, ExplorerSection>();
  private _hint: HTMLElement;
  private _body: HTMLElement;
  private _empty: HTMLElement;

  constructor(
    private _list: PinList,
    private _trans: TranslationBundle,
    openExplorer: () => void
  ) {
    super();
    this.id = 'xcrystal-latent-space';
    this.title.icon = latentSpaceIcon;
    this.title.caption = _trans.__('Latent space: pinned crystals');
    this.addClass('xc-ls');
    this._hint = el('div', { class: 'xc-ls-hint' });
    this._hint.setAttribute('role', 'status');
    this._body = el('div', { class: 'xc-ls-body' });
    this._empty = this._makeEmpty(openExplorer);
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', _trans.__('Latent space'));
    this.node.append(
      el('h2', { class: 'xc-ls-heading' }, _trans.__('Latent space')),
      this._hint,
      this._body,
      this._empty
    );
    this.node.addEventListener('keydown', event => {
      if (event.key === 'Escape' && this._list.from) {
        this._list.choose(null);
        event.stopPropagation();
      }
    });
    _list.onChange = () => this.update();
  }

  /** Draw what there is now. */
  protected override onUpdateRequest(_: Message): void {
    const listed = this._list.listed;
    const ids = new Set(listed.map(({ explorer }) => explorer.id));
    for (const [id, section] of this._sections) {
      if (!ids.has(id)) {
        section.node.remove();
        this._sections.delete(id);
      }
    }
    const from = this._list.from;
    listed.forEach((one, k) => {
      let section = this._sections.get(one.explorer.id);
      if (!section) {
        section = new ExplorerSection(one.explorer.id, this._list, this._trans, text =>
          this._say(text)
        );
        this._sections.set(one.explorer.id, section);
      }
      section.update(one, from);
      if (this._body.children[k] !== section.node) {
        this._body.insertBefore(section.node, this._body.children[k] ?? null);
      }
    });
    this._empty.hidden = listed.length > 0;
    this._say('');
  }

  protected override onAfterAttach(_: Message): void {
    if (this.isVisible) {
      this.onAfterShow();
    }
  }

  protected override onAfterShow(): void {
    this._list.open();
    this.update();
  }

  protected override onAfterHide(): void {
    this._list.close();
  }

  protected override onBeforeDetach(): void {
    this._list.close();
  }

  /** A hint while something is dragged; otherwise what is being chosen. */
  private _say(text: string): void {
    const from = this._list.from;
    if (text || !from) {
      this._hint.replaceChildren(text);
      return;
    }
    const cancel = el(
      'button',
      { type: 'button', class: 'xc-ls-cancel' },
      this._trans.__('Cancel')
    );
    cancel.addEventListener('click', () => this._list.choose(null));
    const words = el('span', {}, this._trans.__('Choose where the path ends. It begins at '));
    words.append(...formulaNodes(from.pin.formula), '.');
    this._hint.replaceChildren(words, cancel);
  }

  private _makeEmpty(openExplorer: () => void): HTMLElement {
    const trans = this._trans;
    const button = el(
      'button',
      { type: 'button', class: 'xc-ls-open' },
      trans.__('Open the Crystal Explorer')
    );
    button.addEventListener('click', openExplorer);
    const words = this._list.readable
      ? trans.__(
          'Crystals that you pin in the Crystal Explorer are kept here, ready to be compared.'
        )
      : trans.__('The explorers of this page are of another version. Load the page anew.');
    const picture = el('div', { class: 'xc-ls-picture' });
    latentSpaceIcon.element({ container: picture });
    const empty = el('div', { class: 'xc-ls-empty' });
    empty.append(picture, el('p', {}, words), button);
    return empty;
  }
}

/** A field to search with, and what was found. */
import { el, formulaNodes } from '../dom';
import { findRows } from './search';

const MOST = 60; // that are listed

/** Lists crystals: those that were searched, or selected on the map. */
export class SearchView {
  constructor(
    private readonly ids: readonly string[],
    private readonly formulas: readonly string[],
    private readonly actions: {
      go(row: number): void;
      select(rows: number[] | null, title: string): void;
      /** Whether the page can draw the very crystal. */
      isKept(row: number): boolean;
    }
  ) {
    this.input = el('input', {
      type: 'search',
      placeholder: 'TiO2, Ba Ti O, mp-5986',
      'aria-label': 'Search by a formula, by elements, or by an id'
    });
    const form = el(
      'form',
      {
        role: 'search',
        onsubmit: event => {
          event.preventDefault();
          this.search();
        }
      },
      this.input,
      el('button', { class: 'xc-button', type: 'submit' }, 'Search')
    );
    this.node = el('div', { class: 'xc-page-search' }, form, this.said, this.list);
  }

  /** What stands in the page. */
  readonly node: HTMLElement;

  /** List these; null for nothing. */
  show(rows: readonly number[] | null): void {
    const listed = rows?.slice(0, MOST) ?? [];
    const more = (rows?.length ?? 0) - listed.length;
    this.said.textContent = more > 0 ? `The first ${listed.length}; ${more} more on the map.` : '';
    this.list.replaceChildren(
      ...listed.map(row =>
        el(
          'li',
          {},
          el(
            'button',
            { type: 'button', class: 'xc-button', onclick: () => this.actions.go(row) },
            formulaNodes(this.formulas[row]),
            ` ${this.ids[row]}`
          )
        )
      )
    );
  }

  private search(): void {
    const text = this.input.value.trim();
    if (text === '') {
      this.actions.select(null, '');
      return;
    }
    const found = findRows(text, this.ids, this.formulas);
    // first what can be drawn
    const rows = [true, false].flatMap(kept =>
      found.filter(row => this.actions.isKept(row) === kept)
    );
    if (rows.length === 0) {
      this.actions.select(null, '');
      this.said.textContent = `Nothing is found for “${text}”: give a formula (TiO2), elements (Ba Ti O), or an id.`;
      return;
    }
    this.actions.select(rows, text);
    this.actions.go(rows[0]);
  }

  private readonly input: HTMLInputElement;
  private readonly said = el('p', { class: 'xc-page-soft', role: 'status' });
  private readonly list = el('ul', { class: 'xc-page-found' });
}

/** The crystal that is shown: what it is, its drawing, what is predicted of it, and why. */
import { Widget } from '@lumino/widgets';
import type { ICrystal } from '../crystal';
import { el, formulaNodes, spaceGroupNodes } from '../dom';
import type { IWords } from '../viewer/captions';
import { CrystalViewer } from '../viewer/viewer';
import { trans } from '../words';
import type { IExplained, IProperty } from './parts';

/** A prediction, and what the atlas says. */
export interface IFact extends IProperty {
  value: number | null;
  interval: readonly [number, number] | null;
  known: number | null;
}

/** All that is said of a crystal. */
export interface IShown {
  formula: string;
  /** Where it comes from, such as its id. */
  origin: (Node | string)[];
  /** Symbol of the space group, and its number. */
  symbol: string;
  group: number;
  /** What is not as expected. */
  note: string;
  facts: IFact[];
  explained: Record<string, IExplained>;
  /** The crystal, coloured by what explains a property if one is named. */
  crystal(property: string): ICrystal;
}

/** The language of the page: English. */
export const words: IWords = {
  __: trans.__,
  _n: (one, many, n, ...args) => trans.__(n === 1 ? one : many, ...args)
};

/** Draws what is shown. */
export class CrystalView {
  constructor() {
    this.why = el('select', {
      'aria-label': 'What colours the atoms',
      onchange: () => this.paint()
    });
    this.node = el(
      'section',
      { class: 'xc-page-crystal', 'aria-label': 'Crystal' },
      el('header', {}, this.title, this.origin),
      this.note,
      this.drawing,
      this.table,
      this.reason
    );
  }

  /** What stands in the page. */
  readonly node: HTMLElement;

  /** The drawing can be made once the node is in the page. */
  attach(): void {
    Widget.attach(this.viewer, this.drawing);
  }

  /** Show a crystal. */
  show(shown: IShown): void {
    this.shown = shown;
    this.title.replaceChildren(...formulaNodes(shown.formula));
    this.origin.replaceChildren(
      ...shown.origin,
      ...(shown.symbol ? [' · ', ...spaceGroupNodes(shown.symbol), ` (${shown.group})`] : [])
    );
    this.note.textContent = shown.note;
    this.note.hidden = shown.note === '';
    this.table.replaceChildren(...factRows(shown.facts));
    const explained = shown.facts.filter(({ name }) => name in shown.explained);
    const before = this.why.value;
    this.why.replaceChildren(
      el('option', { value: '' }, 'their elements'),
      ...explained.map(({ name, title }) =>
        el('option', { value: name }, `why this ${title.toLowerCase()}`)
      )
    );
    this.why.value = before in shown.explained ? before : '';
    this.paint();
  }

  private paint(): void {
    const { shown } = this;
    if (!shown) {
      return;
    }
    const explained: IExplained | undefined = shown.explained[this.why.value];
    this.viewer.showCrystals([shown.crystal(this.why.value)]);
    const isExplained = Object.keys(shown.explained).length > 0;
    this.reason.replaceChildren(
      ...(isExplained
        ? [el('label', {}, 'Colour atoms by ', this.why)]
        : [
            el(
              'p',
              { class: 'xc-page-soft' },
              'Crystals with a name on the map are also explained.'
            )
          ]),
      ...(explained ? reasonOf(explained) : [])
    );
  }

  private readonly viewer = new CrystalViewer({ trans: words, compact: true });
  private readonly title = el('h2');
  private readonly origin = el('p', { class: 'xc-page-soft' });
  private readonly note = el('p', { class: 'xc-page-note', role: 'status' });
  private readonly drawing = el('div', { class: 'xc-page-drawing' });
  private readonly table = el('table', { class: 'xc-page-facts' });
  private readonly reason = el('div', { class: 'xc-page-why' });
  private readonly why: HTMLSelectElement;
  private shown: IShown | null = null;
}

/** "1.20", with a real minus; a dash for what is not finite. */
export function number(value: number | null): string {
  if (value === null || !Number.isFinite(value)) {
    return '–';
  }
  const text = value.toFixed(Math.abs(value) < 0.1 ? 3 : 2);
  return (Number(text) === 0 ? text.replace('-', '') : text).replace('-', '−');
}

/** Rows of a table: predicted, interval, known. */
function factRows(facts: readonly IFact[]): HTMLElement[] {
  const isKnown = facts.some(({ known }) => known !== null);
  const isSure = facts.some(({ interval }) => interval !== null);
  const head = ['Property', 'Predicted', isSure && '90 % interval', isKnown && 'In the atlas'];
  const names = head.filter(name => name !== false);
  return [
    el(
      'thead',
      {},
      el(
        'tr',
        {},
        names.map(name => el('th', { scope: 'col' }, name))
      )
    ),
    el(
      'tbody',
      {},
      facts.map(({ title, unit, value, interval, known }) =>
        el(
          'tr',
          {},
          el('th', { scope: 'row' }, unit ? `${title} (${unit})` : title),
          el('td', {}, number(value)),
          isSure &&
            el('td', {}, interval ? `${number(interval[0])} to ${number(interval[1])}` : '–'),
          isKnown && el('td', {}, known === null ? '–' : number(known))
        )
      )
    )
  ];
}

/** Bars of an explanation, from the middle to the left or to the right. */
function reasonOf({ said, span, rows }: IExplained): HTMLElement[] {
  const bar = (value: number, color: string) => {
    const share = span > 0 ? 50 * Math.max(-1, Math.min(1, value / span)) : 0;
    const style = `left:${50 + Math.min(0, share)}%;width:${Math.abs(share)}%;background:${color}`;
    return el('span', { class: 'xc-page-track', 'aria-hidden': 'true' }, el('i', { style }));
  };
  return [
    el('p', {}, said),
    el(
      'ul',
      {},
      rows.map(([label, value, text, color]) =>
        el('li', {}, el('span', {}, label), bar(value, color), el('b', {}, text))
      )
    ),
    el('p', { class: 'xc-page-soft' }, 'Red raises it, blue lowers it.')
  ];
}

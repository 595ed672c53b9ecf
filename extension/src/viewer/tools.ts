/** The controls above a drawing. */
import type { Vector } from '../crystal';
import type { IWords } from './captions';
import { el } from '../dom';
import type { Palette } from '../element';
import type { Style } from '../scene';
import { DIRECTIONS, type Direction } from '../view';
import { button, choice, group, toggle } from './controls';

const MOST_CELLS = 5; // along an axis
const AXES = ['a', 'b', 'c'];

/** What the controls do. */
export interface IToolActions {
  /** How it is drawn is another now. */
  changed(): void;
  lookAlong(direction: Direction): void;
  reset(): void;
  showPerspective(on: boolean): void;
  measure(on: boolean): void;
  savePicture(): void;
}

/** How a crystal is drawn, and the buttons and fields for it. */
export class Tools {
  constructor(trans: IWords, actions: IToolActions) {
    const boundary = toggle(
      trans.__('Boundary atoms'),
      trans.__('Repeat atoms on faces, edges and corners on the opposite side'),
      true,
      on => {
        this.boundary = on;
        actions.changed();
      }
    );
    const bonds = toggle(trans.__('Bonds'), trans.__('Draw bonds'), true, on => {
      this.bonds = on;
      actions.changed();
    });
    const polyhedra = toggle(
      trans.__('Polyhedra'),
      trans.__('Draw the coordination polyhedra of cations'),
      true,
      on => {
        this.polyhedra = on;
        actions.changed();
      }
    );
    const style = choice(
      trans.__('Style'),
      { 'ball-and-stick': trans.__('Ball and stick'), 'space-filling': trans.__('Space-filling') },
      chosen => {
        this.style = chosen;
        actions.changed();
      }
    );
    const palette = choice(
      trans.__('Colours of the elements'),
      { jmol: trans.__('Jmol colours'), vesta: trans.__('VESTA colours') },
      chosen => {
        this.palette = chosen;
        actions.changed();
      }
    );
    const cells = AXES.map((name, axis) => this.stepper(name, axis, trans, actions));
    const views = DIRECTIONS.map(direction => {
      const key =
        direction.length > 1 ? `Shift+${direction[0].toUpperCase()}` : direction.toUpperCase();
      const tip = trans.__('Look along %1 (%2)', direction, key);
      const made = button(direction, tip, () => actions.lookAlong(direction));
      made.setAttribute('aria-label', tip);
      return made;
    });
    const along = group(trans.__('Along'), ...views);
    along.classList.add('xc-viewer-joined');
    const ofCell = [group(trans.__('Cells'), ...cells), along];
    const reset = button(
      trans.__('Standard view'),
      trans.__('See all of it from its standard side, c upwards (R)'),
      actions.reset
    );
    const perspective = toggle(
      trans.__('Perspective'),
      trans.__('Draw what is far away smaller'),
      false,
      actions.showPerspective
    );
    const labels = toggle(
      trans.__('Labels'),
      trans.__('Write the elements at the atoms'),
      false,
      on => {
        this.labels = on;
        actions.changed();
      }
    );
    const measure = toggle(
      trans.__('Measure'),
      trans.__('Click atoms to measure distances and angles between them'),
      false,
      actions.measure
    );
    const picture = button(
      trans.__('Picture'),
      trans.__('Download a picture of what is drawn (PNG)'),
      actions.savePicture
    );
    this.periodicOnly = [...ofCell, boundary];
    this.node = el(
      'div',
      {
        class: 'xc-viewer-tools',
        role: 'group',
        'aria-label': trans.__('How the crystal is drawn')
      },
      ofCell[0],
      el('div', { class: 'xc-viewer-group' }, boundary, bonds, polyhedra, labels, style, palette),
      ofCell[1],
      el(
        'div',
        { class: 'xc-viewer-group' },
        reset,
        perspective,
        measure,
        picture,
        keyboardHelp(trans)
      )
    );
  }

  /** What stands in the page. */
  readonly node: HTMLElement;
  /** Cells along a, b and c that were asked for. */
  readonly repeat: Vector = [1, 1, 1];
  /** Whether atoms on the boundary are repeated. */
  boundary = true;
  /** Whether bonds are drawn. */
  bonds = true;
  /** Whether coordination polyhedra are drawn. */
  polyhedra = true;
  /** Whether elements are written at the atoms. */
  labels = false;
  /** How large atoms are drawn. */
  style: Style = 'ball-and-stick';
  /** Whose colours elements have. */
  palette: Palette = 'jmol';

  /** Molecules have no cells. */
  setPeriodic(periodic: boolean): void {
    for (const node of this.periodicOnly) {
      node.hidden = !periodic;
    }
  }

  private stepper(name: string, axis: number, trans: IWords, actions: IToolActions): HTMLElement {
    const tip = trans.__('Cells along %1, 1 to %2', name, MOST_CELLS);
    const field = el('input', {
      class: 'xc-viewer-cells',
      type: 'number',
      min: '1',
      max: String(MOST_CELLS),
      step: '1',
      value: '1',
      title: tip,
      'aria-label': tip
    });
    field.addEventListener('change', () => {
      const wished = Math.round(Number(field.value));
      const cells = Math.min(MOST_CELLS, Math.max(1, wished || 1));
      field.value = String(cells);
      if (cells !== this.repeat[axis]) {
        this.repeat[axis] = cells;
        actions.changed();
      }
    });
    return el('label', { class: 'xc-viewer-step' }, name, field);
  }

  private readonly periodicOnly: HTMLElement[];
}

function keyboardHelp(trans: IWords): HTMLElement {
  const rows: [string, string][] = [
    ['← → ↑ ↓', trans.__('turn')],
    ['+ −', trans.__('zoom')],
    ['A B C', trans.__('look along an axis; with Shift: along a*, b*, c*')],
    ['R', trans.__('standard view')],
    [trans.__('Drag'), trans.__('turn; with the right button: move')],
    [trans.__('Wheel'), trans.__('zoom')]
  ];
  const list = el('dl', { class: 'xc-viewer-keys' });
  for (const [keys, effect] of rows) {
    list.append(el('dt', {}, keys), el('dd', {}, effect));
  }
  const note = el('p', {}, trans.__('Keys work once the drawing has been clicked.'));
  const tip = trans.__('Keyboard and mouse');
  const summary = el('summary', { class: 'xc-viewer-button', title: tip, 'aria-label': tip }, '?');
  const help = el(
    'details',
    { class: 'xc-viewer-help' },
    summary,
    el('div', { class: 'xc-viewer-helptext' }, list, note)
  );
  help.addEventListener('keydown', event => {
    if (event.key === 'Escape' && help.open) {
      help.open = false;
      summary.focus();
    }
  });
  help.addEventListener('focusout', event => {
    if (!help.contains(event.relatedTarget as Node | null)) {
      help.open = false;
    }
  });
  return help;
}

/** Sliders along axes of latent space. A slider that is dragged is never set from outside; the others follow when the session is idle. */
import { el } from '../dom';
import { decimal } from './common/lane_chart';
import type { IPanel, IView } from './common/model';
import { keepKeys, latest, show } from './common/panel';

interface IAxis {
  name: string;
  /** What grows along it. */
  label: string;
  note: string;
  removable: boolean;
  value: number;
  /** Where the moves began. */
  base: number;
  least: number;
  most: number;
  step: number;
  /** What is written at each stop of a property's slider, the first at `least`; null for a straight line. */
  stops: string[] | null;
  /** What a move achieved. */
  achieved: string;
}

interface ISliders {
  family: string;
  families: [name: string, title: string, words: string][];
  axes: IAxis[];
  idle: boolean;
  moved: boolean;
  /** Numbers of the latent vector. */
  latents: number;
}

const [GAP, FOOT] = [4, 40]; // px between two sliders, and of what is below all of them
const FIRST = 8; // sliders that are shown before "All", and more where there is room

/** A slider and what is written beside it. */
class Row {
  /**
   * @param name - Of its axis.
   * @param id - Of its input, in the page.
   * @param k - Its place in the panel.
   * @param send - Called with each value that the user sets.
   * @param remove - Called by the button that removes the axis.
   */
  constructor(
    readonly name: string,
    id: string,
    k: number,
    private readonly send: (row: Row, value: number) => void,
    remove: () => void
  ) {
    const back = () => {
      this.input.value = String(this.base);
      this.move(this.base);
    };
    const letGo = () => {
      this.held = false;
    };
    this.label = el('label', { for: id });
    this.readout = el('output', { class: 'xc-readout', for: id });
    this.input = el('input', {
      type: 'range',
      id,
      class: `xc-slider xc-slider-${k}`,
      title: 'Double-click, or press 0, to put it back',
      'data-axis': k,
      oninput: () => {
        this.held = true;
        this.move(Number(this.input.value));
      },
      onchange: letGo,
      onpointerdown: () => {
        this.held = true;
      },
      onpointerup: letGo,
      onpointercancel: letGo,
      onblur: letGo,
      ondblclick: back,
      onkeydown: event => {
        if (event.key === '0') {
          back();
          event.preventDefault();
        }
        // arrows belong to the slider, not to the notebook around it
        if (event.key !== 'Tab') {
          event.stopPropagation();
        }
      }
    });
    this.remove = el(
      'button',
      {
        class: 'xc-button xc-remove',
        type: 'button',
        'aria-label': `Remove ${name}`,
        title: 'Remove this direction',
        onclick: remove
      },
      '×'
    );
    const head = el(
      'div',
      { class: 'xc-axis-head' },
      this.label,
      this.note,
      this.readout,
      this.remove
    );
    this.node = el('div', { class: 'xc-axis' }, head, this.input, this.achieved);
  }

  readonly node: HTMLElement;

  /** Whether it has stops, and so sends the number of one. */
  get hasStops(): boolean {
    return this.stops !== null;
  }

  /** Show an axis; `follow` is whether the value may be set from outside. */
  draw(axis: IAxis, isWaiting: boolean, isIdle: boolean): void {
    this.base = axis.base;
    const isNamed = axis.label.toLowerCase() === axis.name.toLowerCase();
    this.label.textContent = axis.label;
    this.label.title = isNamed ? axis.note : `${axis.name}: ${axis.note}`;
    this.note.textContent = isNamed ? axis.note : axis.name;
    // how good a direction is, in figures; what is said of stops is in words
    this.note.dataset.level = axis.stops ? 'all' : 'researcher';
    this.input.setAttribute('aria-label', isNamed ? axis.label : `${axis.label} (${axis.name})`);
    this.remove.hidden = !axis.removable;
    if (this.achieved.textContent !== axis.achieved) {
      this.achieved.textContent = axis.achieved;
    }
    const free = !isWaiting && !this.held;
    // neither its ends nor its stops change during a drag
    const range = JSON.stringify([axis.least, axis.most, axis.step, axis.stops]);
    const isRanged = this.range !== range && (this.range === '' || free);
    if (isRanged) {
      this.input.min = String(axis.least);
      this.input.max = String(axis.most);
      this.input.step = String(axis.step);
      this.input.disabled = axis.least === axis.most;
      this.range = range;
      this.least = axis.least;
      this.stops = axis.stops;
    }
    if (isRanged || (isIdle && free)) {
      this.input.value = String(axis.value);
      this.write(axis.value);
    }
  }

  private move(value: number): void {
    this.write(value);
    this.send(this, value);
  }

  private write(value: number): void {
    // a stop is named by the property of its crystal
    const stop = this.stops?.[value - this.least] ?? '';
    const text = this.stops ? stop : signed(value);
    if (this.readout.textContent !== text) {
      this.readout.textContent = text;
    }
    const said = this.stops ? text : `${value.toFixed(2)} standard deviations`;
    this.input.setAttribute('aria-valuetext', said);
  }

  private readonly input: HTMLInputElement;
  private readonly label: HTMLElement;
  private readonly note = el('span', { class: 'xc-note' });
  private readonly readout: HTMLElement;
  private readonly achieved = el('div', { class: 'xc-achieved', 'aria-live': 'polite' });
  private readonly remove: HTMLElement;
  private held = false;
  private base = 0;
  private least = 0;
  private stops: string[] | null = null;
  private range = '';
}

function render({ model, el: root }: IView<IPanel<ISliders>>): () => void {
  keepKeys(root);
  const group = `xc-family-${Math.random().toString(36).slice(2)}`;
  const families = el('div', {
    class: 'xc-families',
    role: 'radiogroup',
    'aria-label': 'What the sliders move along'
  });
  const undo = el(
    'button',
    {
      class: 'xc-button xc-undo',
      type: 'button',
      title: 'Back to the crystal that the sliders were moved from',
      onclick: () => model.send({ act: 'undo' })
    },
    el('i', { class: 'fa fa-undo', 'aria-hidden': 'true' }),
    el('span', {}, 'Undo moves')
  );
  const about = el('p', { class: 'xc-about' });
  const grid = el('div', { class: 'xc-grid' });
  const more = el('button', {
    class: 'xc-button xc-more',
    type: 'button',
    onclick: () => {
      all = !all;
      draw();
    }
  });
  const number = el('input', {
    type: 'number',
    min: 0,
    step: 1,
    'aria-label': 'Number of a latent dimension',
    placeholder: 'number',
    onkeydown: event => {
      if (event.key === 'Enter') {
        add();
      }
    }
  });
  const add = () => {
    if (number.value !== '') {
      model.send({ act: 'latent', number: Number(number.value) });
      number.value = '';
    }
  };
  const latent = el(
    'div',
    { class: 'xc-latent' },
    el('label', {}, 'Another latent dimension: ', number),
    el('button', { class: 'xc-button', type: 'button', onclick: add }, 'Add')
  );
  root.append(families, about, grid, el('div', { class: 'xc-foot' }, undo, more, latent));

  let all = false;
  let first = FIRST;
  let asked: number | null = null;
  const rows = new Map<string, Row>();
  const senders = new Map<string, (request: { act: string; value: number }) => void>();
  const unsent = new Set<string>();
  const send = (row: Row, value: number) => {
    const { name } = row;
    const sender =
      senders.get(name) ??
      latest(model, (request: { act: string; value: number }) => {
        unsent.delete(name);
        asked = model.get('state').answered;
        model.send({ act: request.act, key: name, axis: name, value: request.value });
      });
    senders.set(name, sender);
    unsent.add(name);
    sender({ act: row.hasStops ? 'stop at' : 'move', value });
  };
  const make = ({ name }: IAxis, k: number) => {
    const remove = () => model.send({ act: 'remove', key: name, name });
    const row = new Row(name, `${group}-${k}`, k, send, remove);
    rows.set(name, row);
    return row.node;
  };

  const draw = () => {
    const state = model.get('state');
    const { axes, family } = state;
    show(families, state.families, () =>
      state.families.map(([name, title, words]) =>
        el(
          'label',
          {
            class: 'xc-family',
            title: words,
            'data-level': name === 'latent' ? 'researcher' : null
          },
          el('input', {
            type: 'radio',
            name: group,
            value: name,
            onchange: () => model.send({ act: 'family', family: name })
          }),
          el('span', {}, title)
        )
      )
    );
    for (const radio of families.querySelectorAll('input')) {
      radio.checked = radio.value === family;
    }
    about.textContent = aboutOf(state);
    undo.disabled = !state.moved;
    const shown = all || family === 'latent' ? axes : axes.slice(0, first);
    show(grid, [family, shown.map(axis => axis.name)], () => {
      rows.clear();
      return shown.map(make);
    });
    grid.dataset.family = family;
    more.hidden = family === 'latent' || axes.length <= first;
    more.textContent = all ? 'Fewer' : `All ${axes.length}`;
    more.setAttribute('aria-expanded', String(all));
    latent.hidden = family !== 'latent';
    number.max = String(state.latents - 1);
    // a slider must not jump back to what the kernel knows while it has yet to hear what the user did
    const isWaiting = unsent.size > 0 || (asked !== null && asked === state.answered);
    for (const axis of shown) {
      rows.get(axis.name)?.draw(axis, isWaiting, state.idle);
    }
  };
  const fill = new ResizeObserver(() => {
    const row = grid.firstElementChild?.getBoundingClientRect().height ?? 0;
    const columns = getComputedStyle(grid).gridTemplateColumns.split(' ').length;
    const free = root.getBoundingClientRect().bottom - grid.getBoundingClientRect().top - FOOT;
    const fits = row > 0 ? Math.max(FIRST, columns * Math.floor(free / (row + GAP))) : FIRST;
    if (fits !== first) {
      first = fits;
      draw();
    }
  });
  model.on('change:state', draw);
  draw();
  fill.observe(root);
  return () => {
    fill.disconnect();
    model.off('change:state', draw);
  };
}

/** What the sliders of a family do, in words. */
function aboutOf({ families, family, axes }: ISliders): string {
  const [, , words] = families.find(([name]) => name === family) ?? ['', '', ''];
  const none =
    family === 'concept'
      ? ' None yet: find or circle crystals, and make a direction of them under Find.'
      : ' There are none here.';
  return words + (axes.length ? '' : none);
}

/** "+0.50", "−1.25" */
function signed(value: number): string {
  return (value < 0 ? '−' : '+') + decimal(Math.abs(value), 2);
}

export default { render };

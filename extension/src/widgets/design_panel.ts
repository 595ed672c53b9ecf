/** Designing crystals: ranges on histograms of the data, elements on a periodic table, and candidates as cards. */
import { el, formulaNodes, pictureAddress, spaceGroupNodes, svg } from '../dom';
import { ProgressBar, button } from './common/controls';
import type { IDownload, IPanel, IView, Progress } from './common/model';
import {
  Awaited,
  clear,
  latest,
  offer,
  ownKeys,
  show,
  takeDownloads,
  tellAwake
} from './common/panel';
import { gridPlace, walkElements } from './common/periodic_table';
import { PropertyDiagram, type Axis } from './common/property_diagram';

type Property = [
  name: string,
  title: string,
  unit: string,
  low: number,
  high: number,
  heights: number[]
];

interface ICard {
  formula: string;
  group: string;
  rows: [title: string, value: string, unit: string][];
  /** Predicted, by name. */
  values: Readonly<Record<string, number | undefined>>;
  /** Whether its predictions lie in all ranges; null if nobody knows, of a reopened session. */
  inside: boolean | null;
  /** That it lies in all ranges, by the model's own intervals. */
  chance: string;
  /** Height above the hull by a potential, eV/atom; empty if none was asked. */
  above: string;
  /** The potential that was asked; empty for none. */
  judge: string;
  /** Whether an element of a known crystal was exchanged. */
  exchanged: boolean;
  /** Whether its predicted energy lies far below the hull of the known crystals. */
  below: boolean;
  nearest: string;
  /** Id of the known crystal that it is; empty for none. */
  known: string;
  valid: boolean;
  /** Whether it lies outside of the data. */
  far: boolean;
}

interface IDesign {
  awake: boolean;
  most: number;
  obstacle: string;
  /** Known crystals that have what is wanted; null while nothing is, or it contradicts itself. */
  count: number | null;
  trouble: string;
  /** What lies beyond the data, in a sentence. */
  caution: string;
  progress: Progress | null;
  wanted: string;
  cards: ICard[];
  shown: number;
}

interface ITraits extends IPanel<IDesign> {
  data: {
    properties?: Property[];
    elements?: string[];
    systems?: string[];
    points?: [gap: number, energy: number][];
    /** The title of the interatomic potential that can be asked; empty for none. */
    potential?: string;
  };
  pictures: string[];
}

type Ends = [number | null, number | null];
type Rule = 'require' | 'exclude';
const NEXT: Readonly<Record<string, Rule | undefined>> = { '': 'require', require: 'exclude' };
const SAID: Readonly<Record<Rule, string>> = { require: 'required', exclude: 'excluded' };
const [WIDTH, HEIGHT] = [200, 34];
const [ACROSS, UP] = ['band_gap', 'formation_energy_per_atom'];
const TABLE =
  'Periodic table: press once for an element that must be there, twice for one that must not; arrow keys move';

function render({ model, el: root }: IView<ITraits, IDownload>): () => void {
  ownKeys(root);
  const ranges = new Map<string, { ends: Ends; draw: () => void }>();
  const rules = new Map<string, Rule>();
  const buttons = new Map<number, HTMLButtonElement>();
  const wanted = (): Record<string, unknown> => ({
    ...Object.fromEntries([...ranges].map(([name, { ends }]) => [name, ends])),
    require: named('require'),
    exclude: named('exclude'),
    only: nothingElse.checked ? named('require') : [],
    n_atoms: [atoms[0], atoms[1]].map(input => (input.value === '' ? null : Number(input.value))),
    space_group: group.value,
    crystal_system: system.value,
    prototype: prototype.value
  });
  const named = (rule: Rule) =>
    [...rules].filter(([, kept]) => kept === rule).map(([name]) => name);
  const ask = latest(model, (what: Record<string, unknown>) =>
    model.send({ act: 'count', ...what })
  );
  const changed = () => {
    draw();
    ask(wanted());
  };

  // -- ranges
  const numberInput = (name: string, which: 0 | 1, label: string): HTMLInputElement => {
    const input = el('input', {
      type: 'number',
      step: 'any',
      class: 'xc-end',
      placeholder: which ? 'highest' : 'lowest',
      'aria-label': `${label}, ${which ? 'highest' : 'lowest'}`,
      oninput: () => {
        const range = ranges.get(name);
        if (range) {
          range.ends[which] = input.value === '' ? null : Number(input.value);
          range.draw();
          changed();
        }
      }
    });
    return input;
  };
  const drawRange = ([name, title, unit, low, high, heights]: Property) => {
    const ends: Ends = [null, null];
    const width = WIDTH / heights.length;
    const bars = heights.map((height, k) =>
      svg('rect', {
        x: k * width,
        width: width - 0.5,
        y: HEIGHT * (1 - height),
        height: HEIGHT * height
      })
    );
    const paint = () =>
      bars.forEach((bar, k) => {
        const middle = low + ((k + 0.5) / heights.length) * (high - low);
        const isIn = middle >= (ends[0] ?? -Infinity) && middle <= (ends[1] ?? Infinity);
        bar.setAttribute('class', isIn ? 'xc-bin xc-in' : 'xc-bin');
      });
    ranges.set(name, { ends, draw: paint });
    paint();
    return el(
      'div',
      { class: 'xc-range' },
      el('span', { class: 'xc-range-title' }, unit ? `${title} (${unit})` : title),
      svg(
        'svg',
        {
          class: 'xc-histogram',
          viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
          preserveAspectRatio: 'none',
          'aria-hidden': 'true'
        },
        bars
      ),
      el(
        'span',
        { class: 'xc-scale', 'aria-hidden': 'true' },
        el('span', {}, low.toFixed(1)),
        el('span', {}, high.toFixed(1))
      ),
      numberInput(name, 0, title),
      numberInput(name, 1, title)
    );
  };
  const histograms = el('div', { class: 'xc-ranges' });

  // -- elements
  const table = el('div', { class: 'xc-elements', role: 'group', 'aria-label': TABLE });
  const turn = (name: string) => {
    const next = NEXT[rules.get(name) ?? ''];
    if (next) {
      rules.set(name, next);
    } else {
      rules.delete(name);
    }
    changed();
  };
  const drawElement = (name: string, k: number) => {
    const z = k + 1;
    const node = el(
      'button',
      {
        class: 'xc-element',
        type: 'button',
        style: gridPlace(z),
        tabindex: z === 1 ? 0 : -1,
        'aria-label': name,
        onkeydown: event => walkElements(buttons, event, z),
        onclick: () => turn(name)
      },
      name
    );
    buttons.set(z, node);
    return node;
  };
  const paintElements = (names: readonly string[]) =>
    buttons.forEach((node, z) => {
      const name = names[z - 1];
      const rule = rules.get(name);
      node.className = `xc-element${rule ? ` xc-${rule}` : ''}`;
      node.setAttribute('aria-label', rule ? `${name}, ${SAID[rule]}` : name);
      node.title = rule ? `${name} is ${SAID[rule]}` : name;
    });
  const chosen = el('div', { class: 'xc-chosen xc-soft', 'aria-live': 'polite' });

  // -- symmetry
  const system = el('select', {
    class: 'xc-system',
    'aria-label': 'Crystal system',
    onchange: changed
  });
  const text = (name: string, label: string, placeholder: string) =>
    el('input', {
      type: 'text',
      class: `xc-${name}`,
      'aria-label': label,
      placeholder,
      maxlength: '40',
      oninput: changed
    });
  const group = text('group', 'Space group, number or symbol', 'space group');
  const prototype = text('prototype', 'Structure type or motif', 'structure type');

  const atoms = (['fewest', 'most'] as const).map(which =>
    el('input', {
      type: 'number',
      min: '1',
      step: '1',
      class: 'xc-atoms',
      placeholder: which,
      'aria-label': `Atoms of the primitive cell, ${which}`,
      oninput: changed
    })
  );
  const tick = (name: string, act: () => void = () => undefined) =>
    el('input', { type: 'checkbox', class: `xc-${name}`, onchange: act });
  const nothingElse = tick('nothing-else', changed);
  const near = tick('near');
  const potential = tick('potential');
  const potentialTitle = el('span');
  const potentialLabel = el(
    'label',
    {
      title: 'Slower: what it puts far above the hull goes, and what lies near the hull comes first'
    },
    potential,
    potentialTitle
  );

  // -- the search
  const awaited = new Awaited();
  const count = el('div', { class: 'xc-count', role: 'status' });
  const caution = el('div', { class: 'xc-warn', role: 'status' });
  const trouble = el('div', { class: 'xc-trouble', role: 'status' });
  const many = el('input', {
    type: 'number',
    class: 'xc-many',
    min: '1',
    max: '50',
    value: '12',
    'aria-label': 'How many candidates'
  });
  const run = button('run-design', 'Design', 'Look for crystals that have all this', () => {
    if (model.get('state').progress) {
      model.send({ act: 'end' });
    } else {
      awaited.begin(model.get('state').cards.map(({ formula, group: of }) => [formula, of]));
      model.send({
        act: 'design',
        ...wanted(),
        near_shown: near.checked,
        potential: potential.checked,
        count: Number(many.value)
      });
    }
  });
  const working = new ProgressBar('Drawn so far');
  const summary = el('div', { class: 'xc-summary' });
  const save = button('save-designs', 'CSV', 'Save the table of candidates', () =>
    model.send({ act: 'save' })
  );
  const order = el('select', {
    class: 'xc-order',
    'aria-label': 'Order of the candidates',
    onchange: () => draw()
  });
  const diagram = new PropertyDiagram(
    number => model.send({ act: 'candidate', number }),
    ([across, up]) => model.send({ act: 'brush', [ACROSS]: across, [UP]: up })
  );
  const results = el('div', { class: 'xc-how' }, summary, order, save);
  const cards = el('div', { class: 'xc-candidates', role: 'group', 'aria-label': 'Candidates' });
  const note = el(
    'div',
    { class: 'xc-note' },
    'Elements and symmetry are kept; properties are predictions with 90 % intervals, of crystals that are not relaxed ' +
      'and that nobody has made. In the diagram, draw a rectangle to select known crystals on the map.'
  );
  root.append(
    histograms,
    table,
    chosen,
    el('label', {}, nothingElse, ' nothing but the required elements'),
    el('div', { class: 'xc-how' }, system, group, prototype),
    el('div', { class: 'xc-how' }, el('span', {}, 'atoms in the primitive cell'), atoms),
    el(
      'div',
      { class: 'xc-how' },
      el('label', {}, near, ' near the crystal that is shown'),
      potentialLabel
    ),
    el('div', { class: 'xc-how' }, run, el('label', {}, many, ' candidates'), count),
    trouble,
    caution,
    working.node,
    results,
    diagram.node,
    cards,
    note
  );
  const drawCard = (card: ICard, k: number, picture: string | undefined) =>
    el(
      'button',
      {
        class: 'xc-candidate',
        type: 'button',
        title: `Go to candidate ${k + 1}`,
        onclick: () => model.send({ act: 'candidate', number: k })
      },
      picture !== undefined && el('img', { alt: '', src: pictureAddress(picture) }),
      el('span', {}, el('b', {}, `${k + 1}. `, formulaNodes(card.formula))),
      el('span', { class: 'xc-energy' }, spaceGroupNodes(card.group)),
      card.rows.map(([title, value, unit]) =>
        el('span', { class: 'xc-value' }, `${title} `, el('b', {}, value), ` ${unit}`)
      ),
      card.inside !== null &&
        el(
          'span',
          { class: card.inside ? 'xc-new' : 'xc-warn' },
          card.inside ? 'predicted in range' : 'predicted out of range'
        ),
      card.chance !== '' &&
        el('span', { class: 'xc-soft' }, `in all ranges: ${card.chance}, by its intervals`),
      card.above !== '' &&
        el(
          'span',
          { class: 'xc-value' },
          `above hull by ${card.judge} `,
          el('b', {}, card.above),
          ' eV/atom'
        ),
      card.nearest !== '' &&
        el('span', { class: 'xc-soft' }, 'nearest known: ', formulaNodes(card.nearest)),
      card.known !== ''
        ? el('span', { class: 'xc-known' }, `known: ${card.known}`)
        : card.nearest !== '' &&
            el('span', { class: 'xc-new' }, 'matches no known crystal of its formula'),
      card.exchanged && el('span', { class: 'xc-soft' }, 'an element exchanged in a known crystal'),
      card.below &&
        el('span', { class: 'xc-warn' }, 'predicted energy far below the hull: probably an error'),
      !card.valid && el('span', { class: 'xc-warn' }, 'charges do not balance'),
      card.far && el('span', { class: 'xc-warn' }, 'extrapolation')
    );

  const drawDiagram = (
    x: Property,
    y: Property,
    points: readonly (readonly number[])[],
    { cards: found, shown }: IDesign
  ) => {
    const axis = ([name, title, unit, low, high]: Property): Axis => {
      const values = found.map(card => card.values[name] ?? low);
      return [name, `${title} (${unit})`, Math.min(low, ...values), Math.max(high, ...values)];
    };
    const range = (name: string): [number, number] => {
      const [from, to] = ranges.get(name)?.ends ?? [null, null];
      return [from ?? -Infinity, to ?? Infinity];
    };
    diagram.draw(
      axis(x),
      axis(y),
      points,
      [range(x[0]), range(y[0])],
      found.map(({ values, formula }, k) => ({
        x: values[x[0]] ?? 0,
        y: values[y[0]] ?? 0,
        label: `${k + 1}. ${formula}`
      })),
      shown
    );
  };

  const draw = () => {
    const state = model.get('state');
    const {
      properties = [],
      elements = [],
      systems = [],
      points = [],
      potential: chgnet = ''
    } = model.get('data');
    show(histograms, properties, () => properties.map(drawRange));
    show(table, elements, () => {
      buttons.clear();
      return elements.map(drawElement);
    });
    paintElements(elements);
    offer(
      system,
      [['', 'any crystal system'], ...systems.map((name): [string, string] => [name, name])],
      system.value
    );
    nothingElse.disabled = named('require').length === 0;
    chosen.textContent = chosenWords(named('require'), named('exclude'));
    const { progress } = state;
    run.textContent = progress ? 'Stop' : 'Design';
    run.title = progress ? 'Stop, and keep what was found' : 'Look for crystals that have all this';
    run.disabled = !progress && (state.obstacle !== '' || state.count === null);
    count.textContent = state.count === null ? '' : countWords(state.count);
    trouble.textContent = state.obstacle || state.trouble;
    trouble.hidden = !trouble.textContent;
    working.draw(progress, ([, words]) => words);
    caution.textContent = state.caution;
    caution.hidden = !state.caution;
    potentialTitle.textContent = chgnet ? ` ask ${chgnet}` : '';
    potentialLabel.hidden = !chgnet;
    const pictures = model.get('pictures');
    summary.textContent = state.cards.length
      ? `${state.cards.length} ${state.cards.length === 1 ? 'candidate' : 'candidates'} for ${state.wanted}`
      : '';
    results.hidden = cards.hidden = !state.cards.length;
    const axes = [ACROSS, UP].map(name => properties.find(([other]) => other === name));
    diagram.node.hidden = !state.cards.length || axes.includes(undefined);
    offer(
      order,
      [
        ['', 'most promising first'],
        ...properties.map(([name, title]): [string, string] => [
          name,
          `lowest ${title.toLowerCase()}`
        ])
      ],
      order.value
    );
    if (state.cards.length) {
      const places = sorted(state.cards, order.value);
      show(cards, [state.cards, pictures.length, order.value], () =>
        places.map(k => drawCard(state.cards[k], k, pictures[k]))
      );
      [...cards.children].forEach((node, place) =>
        node.setAttribute('aria-current', String(places[place] === state.shown))
      );
      const [x, y] = axes;
      if (x && y) {
        drawDiagram(x, y, points, state);
      }
      if (!progress) {
        awaited.see(
          state.cards.map(({ formula, group: of }) => [formula, of]),
          results
        );
      }
    } else {
      clear(cards);
    }
    awaited.follow(progress !== null);
  };
  const unwatch = tellAwake(root, model);
  const untake = takeDownloads(model);
  const traits = ['change:state', 'change:data', 'change:pictures'] as const;
  traits.forEach(name => model.on(name, draw));
  draw();
  return () => {
    unwatch();
    untake();
    traits.forEach(name => model.off(name, draw));
  };
}

/** Which elements were chosen, in words. */
export function chosenWords(require: readonly string[], exclude: readonly string[]): string {
  const parts = [
    require.length > 0 && `with ${require.join(', ')}`,
    exclude.length > 0 && `without ${exclude.join(', ')}`
  ].filter(Boolean);
  return parts.length
    ? parts.join('; ')
    : 'Press an element once to require it, twice to exclude it.';
}

/** The places of candidates in an order: by a property, the lowest first, or as they come. */
export function sorted(cards: readonly Pick<ICard, 'values'>[], name: string): number[] {
  const value = (k: number) => cards[k].values[name] ?? Infinity;
  const places = cards.map((_, k) => k);
  return name === '' ? places : places.sort((one, other) => value(one) - value(other));
}

/** How many known crystals fit, in words. */
export function countWords(count: number): string {
  return `${count.toLocaleString('en')} known ${count === 1 ? 'crystal fits' : 'crystals fit'}`;
}

export default { render };

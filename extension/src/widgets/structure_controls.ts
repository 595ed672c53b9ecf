/** Controls above the canvases, legend and picked atom below them. The canvases themselves are nglview's. */
import { hasWebGL } from '../webgl';
import { type Child, el } from '../dom';
import { makeMenu } from './common/menu';
import type { Choice, IPanel, IView } from './common/model';
import { offer, ownKeys, show, takeDownloads } from './common/panel';
import { viewTools } from './view_tools';

interface IScale {
  low: string;
  high: string;
  /** A CSS gradient. */
  colors: string;
  text: string;
  note: string;
}

interface IStructure {
  targets: Choice[];
  target: string;
  shown: Choice[];
  which: string;
  conventional: boolean;
  cells: number[];
  /** Cells along an axis. */
  most: number;
  boundary: boolean;
  bonds: boolean;
  perspective: boolean;
  labels: string;
  polyhedra: boolean;
  styles: Choice[];
  style: string;
  palettes: Choice[];
  palette: string;
  /** Symbols of elements that are not drawn. */
  hidden: string[];
  /** All elements, or with a scale only those that are not drawn. */
  legend: [symbol: string, color: string][];
  scale: IScale | null;
  note: string;
  match: string;
  /** Captions of the crystals that are drawn. */
  sides: string[];
  /** Of each of them. */
  orbits: { atom: number; label: string }[][];
  picked: [side: number, atom: number] | null;
  facts: [name: string, text: string][];
  /** Of the picked atom. */
  symbol: string;
  /** Caption and address, where there is no WebGL. */
  pictures: [caption: string, source: string][];
}

const DRAWS_WITHIN = 2500; // ms
const [ASKS_AFTER, ASKS_AT_LEAST_EVERY] = [1500, 15_000]; // ms
const LABELS: readonly Choice[] = [
  ['none', 'no labels'],
  ['elements', 'elements'],
  ['sites', 'sites']
];

function render({ model, el: root }: IView<IPanel<IStructure>>): () => void {
  ownKeys(root);
  const act = (name: string, value?: unknown) => model.send({ act: name, value });
  const toggle = (name: string, text: string, title: string) => {
    const button = el(
      'button',
      {
        type: 'button',
        class: `xc-toggle xc-${name}`,
        title,
        'aria-pressed': 'false',
        onclick: () => {
          act(name, button.getAttribute('aria-pressed') !== 'true');
        }
      },
      text
    );
    return button;
  };

  const target = el('select', {
    'aria-label': 'Atoms by',
    title: 'Colour atoms by element, or by how much each contributes to a predicted property',
    onchange: () => {
      act('attribute', target.value);
    }
  });
  const cell = toggle(
    'cell',
    'Conventional',
    'Conventional cell of decoded crystals; otherwise the primitive one'
  );
  const boundary = toggle(
    'boundary',
    'Boundary',
    'Repeat atoms on faces, edges and corners on the opposite side'
  );
  const bonds = toggle('bonds', 'Bonds', 'Draw bonds, found in the periodic crystal');
  const perspective = toggle('perspective', 'Perspective', 'Draw what is far away smaller');
  const labels = el('select', {
    'aria-label': 'Labels of atoms',
    title: 'What is written at the atoms',
    onchange: () => {
      act('labels', labels.value);
    }
  });
  const views = viewTools(root);
  const polyhedra = toggle('polyhedra', 'Polyhedra', 'Draw coordination polyhedra of cations');
  const choice = (name: string, label: string, wish = name) => {
    const select = el('select', {
      class: `xc-${name}`,
      'aria-label': label,
      title: label,
      onchange: () => act(wish, select.value)
    });
    return select;
  };
  // a list, since as buttons they would take a row of the bar
  const shown = choice('shown', 'Which crystal is drawn', 'show');
  const style = choice('style', 'Style of the atoms');
  const palette = choice('palette', 'Colours of the elements');
  let asked = model.get('state').cells;
  const spinners = ['a', 'b', 'c'].map(axis => {
    const spinner = el('input', {
      type: 'number',
      min: 1,
      step: 1,
      'aria-label': `Cells along ${axis}`,
      title: `Cells along ${axis}`,
      onchange: () => {
        repeat(spinner);
      },
      // JupyterLab takes Enter for itself, so that no change event comes of it
      onkeydown: event => {
        if (event.key === 'Enter') {
          repeat(spinner);
        }
      }
    });
    return spinner;
  });
  const repeat = (spinner: HTMLInputElement) => {
    const { most } = model.get('state');
    spinner.value = String(Math.min(Math.max(Math.round(Number(spinner.value)) || 1, 1), most));
    const wanted = spinners.map(other => Number(other.value));
    if (String(wanted) !== String(asked)) {
      asked = wanted;
      act('supercell', wanted);
    }
  };
  const fit = el(
    'button',
    {
      type: 'button',
      class: 'xc-toggle xc-fit',
      title: 'Fit the crystal into the view',
      onclick: () => act('fit')
    },
    'Fit'
  );
  const row = (text: string, ...controls: Child[]) =>
    el('label', {}, el('span', {}, text), controls);
  const more = makeMenu({
    name: 'xc-view-menu',
    title: 'How the crystal is drawn',
    label: 'How the crystal is drawn',
    button: 'View',
    entries: [
      row('Style', style),
      row('Colours', palette),
      row('Labels', labels),
      el(
        'span',
        { class: 'xc-supercell', role: 'group', 'aria-label': 'Supercell' },
        el('span', {}, 'Cells'),
        spinners.flatMap((spinner, k) => (k ? ['×', spinner] : [spinner]))
      ),
      el('span', { class: 'xc-switches' }, cell, boundary, bonds, perspective, fit)
    ]
  });
  const bar = el(
    'div',
    { class: 'xc-bar xc-structure-controls' },
    el('label', { class: 'xc-attribution' }, el('span', {}, 'Atoms by'), target),
    polyhedra,
    more,
    shown,
    views.node
  );

  const pictures = el('div', { class: 'xc-pictures' });
  const match = el('div', { class: 'xc-match', role: 'status' });
  const note = el('div', { class: 'xc-note', role: 'status' });
  const legend = el('div', { class: 'xc-legend' });
  const atoms = el('select', {
    'aria-label': 'Atoms of the crystal',
    onchange: () => {
      act('pick', atoms.value ? atoms.value.split(' ').map(Number) : null);
    }
  });
  const facts = el('div', { class: 'xc-atom-facts', 'aria-live': 'polite' });
  const below = el(
    'div',
    { class: 'xc-structure-below' },
    match,
    note,
    legend,
    el('label', { class: 'xc-atoms' }, el('span', {}, 'Atom'), atoms),
    facts
  );
  root.append(bar, pictures, below);

  let flat = false;
  const draw = () => {
    const now = model.get('state');
    offer(target, now.targets, now.target);
    shown.hidden = !now.shown.length;
    offer(shown, now.shown, now.which);
    press(cell, now.conventional);
    press(boundary, now.boundary);
    press(bonds, now.bonds);
    press(perspective, now.perspective);
    offer(labels, LABELS, now.labels);
    press(polyhedra, now.polyhedra);
    offer(style, now.styles, now.style);
    offer(palette, now.palettes, now.palette);
    // a number that is being typed stays until the cells change
    const isNew = (spinner: HTMLInputElement, k: number) =>
      spinner.dataset.cells !== String(now.cells[k]);
    if (spinners.some(isNew)) {
      asked = now.cells;
    }
    spinners.forEach((spinner, k) => {
      spinner.max = String(now.most);
      if (isNew(spinner, k)) {
        spinner.value = spinner.dataset.cells = String(now.cells[k]);
      }
    });
    match.textContent = now.match;
    note.textContent = now.note;
    show(legend, [now.legend, now.hidden, now.scale], () => [
      now.scale && drawScale(now.scale),
      now.legend.map(([symbol, color]) =>
        el(
          'button',
          {
            type: 'button',
            class: 'xc-chip',
            title: `Draw ${symbol}, or not`,
            'aria-pressed': String(!now.hidden.includes(symbol)),
            onclick: () => act('hide', symbol)
          },
          el('i', { style: `background:${color}` }),
          symbol
        )
      )
    ]);
    const picked = now.picked ? now.picked.join(' ') : '';
    offer(atoms, atomChoices(now, picked), picked);
    facts.hidden = !now.facts.length;
    show(facts, now.facts, () =>
      el(
        'dl',
        {},
        now.facts.map(([name, text]) => [el('dt', {}, name), el('dd', {}, text)])
      )
    );
    root.closest('.xc-structure')?.classList.toggle('xc-flat', flat);
    show(pictures, now.pictures, () =>
      now.pictures.map(([caption, source]) =>
        el(
          'figure',
          {},
          el('img', { src: source, alt: caption || 'The crystal, drawn without WebGL' }),
          el('figcaption', {}, caption)
        )
      )
    );
  };

  // what nglview says when it opens, or the answer to it, may be lost in a busy page
  let asking: ReturnType<typeof setTimeout> | undefined;
  const watch = (after: number, wasEmpty = false) => {
    clearTimeout(asking);
    asking = setTimeout(() => {
      const around = root.closest('.xc-structure');
      const canvases = [...(around?.querySelectorAll<HTMLElement>('.xc-canvas') ?? [])];
      const isEmpty = ({ dataset, clientWidth }: HTMLElement) =>
        clientWidth > 0 && dataset.drawn === undefined && dataset.failed === undefined;
      const empty = canvases.some(isEmpty);
      if (flat || (canvases.length > 0 && !empty)) {
        return;
      }
      if (empty && wasEmpty) {
        act('start'); // not at once: the scene of a canvas that has just opened is on its way
      }
      watch(Math.min(2 * after, ASKS_AT_LEAST_EVERY), empty);
    }, after);
  };
  let crystals = 0;
  const onState = () => {
    draw();
    const { length } = model.get('state').sides;
    if (length !== crystals) {
      crystals = length; // a canvas more, perhaps
      watch(ASKS_AFTER);
    }
  };
  onState();
  model.on('change:state', onState);
  const downloadsEnded = takeDownloads(model);
  // whether there is WebGL is only tried where nothing was drawn: a context more would delay the first picture
  const late = setTimeout(() => {
    flat = !root.closest('.xc-structure')?.querySelector('[data-drawn]') && !hasWebGL();
    if (flat) {
      draw();
      if (!model.get('state').pictures.length) {
        act('flat');
      }
    }
  }, DRAWS_WITHIN);
  return () => {
    clearTimeout(late);
    clearTimeout(asking);
    views.dispose();
    downloadsEnded();
    model.off('change:state', onState);
  };
}

/** The atoms that can be picked from a list: one of each orbit, and the one that is picked already. */
export function atomChoices(
  { sides, orbits, symbol }: Pick<IStructure, 'sides' | 'orbits' | 'symbol'>,
  picked: string
): Choice[] {
  const choices: Choice[] = orbits.flatMap((found, side) =>
    found.map(({ atom, label }): Choice => [
      `${side} ${atom}`,
      sides.length > 1 ? `${side + 1}: ${label}` : label
    ])
  );
  // an atom that was clicked need not be the first of its orbit
  if (picked && !choices.some(([value]) => value === picked)) {
    choices.push([picked, `${symbol}, as clicked`]);
  }
  return [['', 'none picked'], ...choices];
}

function drawScale({ low, high, colors, text, note }: IScale): HTMLElement[] {
  return [
    el(
      'span',
      { class: 'xc-scale' },
      el('b', {}, low),
      el('i', { style: `background:${colors}` }),
      el('b', {}, high),
      text
    ),
    el('span', { class: 'xc-scale-note' }, note)
  ];
}

function press(button: HTMLElement, on: boolean): void {
  button.setAttribute('aria-pressed', String(on));
}

export default { render };

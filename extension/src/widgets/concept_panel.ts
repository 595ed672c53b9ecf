/** Groups of crystals explained: bars of concepts, a periodic table of mean attributions, a table of known neighbours. */
import { type Child, el } from '../dom';
import { ProgressBar, crystalLink, detailOf, moreOf } from './common/controls';
import type { Choice, IPanel, IView, Progress } from './common/model';
import { clear, offer, ownKeys, show, tellAwake } from './common/panel';
import { gridPlace, walkElements } from './common/periodic_table';

interface IConcept {
  name: string;
  crystals: string;
  /** 0 to 1, as are all numbers here. */
  score: number;
  low: number;
  high: number;
  random: [low: number, high: number];
  text: string;
  random_text: string;
  significant: boolean;
  said: string;
  /** For those who ask for more. */
  figures: string;
}

interface IScored {
  /** Atomic number. */
  z: number;
  symbol: string;
  color: string;
  ink: string;
  text: string;
}

interface IRegion {
  said: string;
  note: string;
  /** Whether the selection has changed since. */
  old: boolean;
  unit: string;
  low: string;
  high: string;
  /** A CSS gradient. */
  scale: string;
  elements: IScored[];
}

interface INear {
  said: string;
  unit: string;
  rows: [row: number, formula: string, id: string, ...numbers: string[]][];
}

interface IConcepts {
  awake: boolean;
  targets: Choice[];
  target: string;
  selected: [count: number, title: string] | null;
  progress: Progress | null;
  concepts: { said: string; rows: IConcept[]; notes: string[] } | null;
  region: IRegion | null;
  near: INear | null;
}

const TESTING = 'Testing concepts'; // titles of what takes long
const AVERAGING = 'Explaining the selection';
const LAST = 118; // atomic number
const LAST_SHOWN = 103; // of elements that do not occur

function render({ model, el: root }: IView<IPanel<IConcepts>>): () => void {
  ownKeys(root);
  const state = () => model.get('state');
  const target = el('select', {
    class: 'xc-concept-target',
    'aria-label': 'Property that is explained',
    onchange: () => {
      model.send({ act: 'target', value: target.value });
    }
  });
  const task = (act: string, title: string, label: string) => {
    const ask = el('button', {
      class: `xc-button xc-ask-${act}`,
      type: 'button',
      onclick: () => model.send({ act: state().progress?.[0] === title ? 'stop' : act })
    });
    const working = new ProgressBar();
    const draw = (isReady: boolean) => {
      const { progress } = state();
      const mine = progress?.[0] === title;
      ask.textContent = mine ? 'Stop' : label;
      ask.disabled = !mine && (!isReady || progress !== null);
      working.draw(mine ? progress : null, now => `${now[2]} of ${now[3]}${detailOf(now)}`);
    };
    return { button: ask, box: working.node, draw };
  };
  const test = task('concepts', TESTING, 'Test concepts');
  const average = task('region', AVERAGING, 'Elements over the selection');
  const asked = el('p', { class: 'xc-concept-said', role: 'status' });
  const bars = el('ul', { class: 'xc-concept-bars', 'aria-label': 'TCAV scores of concepts' });
  const key = el('div', { class: 'xc-soft xc-concept-key' });
  const howTo = el('p', { class: 'xc-soft xc-concept-how' });
  const region = el('p', { class: 'xc-concept-said xc-region-said', role: 'status' });
  const table = el('div', {
    class: 'xc-elements xc-heat',
    role: 'group',
    'aria-label': 'Mean share of one atom, by element; arrow keys move'
  });
  const about = el('div', { class: 'xc-about-element', 'aria-live': 'polite' });
  const scale = el('div', { class: 'xc-soft xc-concept-scale' });
  const near = el('p', { class: 'xc-concept-said' });
  const rows = el('table', {
    class: 'xc-near-known',
    'aria-label': 'Known crystals near to this one'
  });
  root.append(
    el('label', { class: 'xc-concept-of' }, 'Predicted property ', target),
    section(
      'Concepts',
      el(
        'p',
        { class: 'xc-soft' },
        'TCAV asks: of how many crystals would the prediction rise with a small step towards the concept? ' +
          '0 is none, 1 is all. It counts only if random groups of crystals do not do the same. ' +
          'Computed on the selection, or else on crystals drawn at random.'
      ),
      test.button,
      test.box,
      asked,
      bars,
      key
    ),
    section(
      'What each element does',
      average.button,
      howTo,
      average.box,
      region,
      table,
      about,
      scale
    ),
    section(
      'Known crystals that this prediction is near to',
      near,
      el('div', { class: 'xc-near-scroll' }, rows)
    )
  );

  const drawConcepts = (found: IConcepts['concepts']) => {
    asked.hidden = bars.hidden = key.hidden = !found;
    if (found) {
      asked.textContent = found.said;
      show(bars, found.rows, () => found.rows.map(drawConcept));
      show(key, [found.notes, found.rows.length], () => [
        found.rows.length > 0 && drawKey(),
        found.notes.map(note => el('div', {}, note))
      ]);
    }
  };

  // -- elements: those that occur can be reached, the others only show where they would be
  const cells = new Map<number, HTMLElement>();
  const drawElement = (z: number, one: IScored | undefined): Child => {
    if (!one) {
      const absent = { class: 'xc-element xc-absent', 'aria-hidden': 'true' };
      return z <= LAST_SHOWN && el('span', { ...absent, style: gridPlace(z) }, '\u00a0');
    }
    const say = () => {
      about.textContent = one.text;
    };
    const node = el(
      'span',
      {
        class: 'xc-element xc-scored',
        role: 'img',
        tabindex: cells.size ? -1 : 0,
        'aria-label': one.text,
        style: `${gridPlace(z)};background:${one.color};color:${one.ink}`,
        onmouseenter: say,
        onfocus: say,
        onkeydown: event => walkElements(cells, event, z, true)
      },
      one.symbol
    );
    cells.set(z, node);
    return node;
  };
  const drawRegion = (found: IRegion | null) => {
    region.hidden = table.hidden = about.hidden = scale.hidden = !found;
    if (!found) {
      cells.clear();
      clear(table);
      return;
    }
    region.textContent = `${found.said}${found.old ? ' The selection has changed since.' : ''}`;
    show(table, found.elements, () => {
      if (![...cells.values()].some(node => node === document.activeElement)) {
        about.textContent = 'Point at an element, or go there by arrow keys.';
      }
      cells.clear();
      const known = new Map(found.elements.map(one => [one.z, one]));
      return Array.from({ length: LAST }, (_, k) => drawElement(k + 1, known.get(k + 1)));
    });
    show(scale, [found.low, found.high, found.unit, found.scale, found.note], () => [
      el(
        'span',
        { class: 'xc-concept-legend' },
        el('b', {}, found.low),
        el('i', { style: `background:${found.scale}` }),
        el('b', {}, found.high),
        ` ${found.unit || 'no unit'}; red raises it, blue lowers it, blank does not occur`
      ),
      el('div', {}, found.note)
    ]);
  };

  const drawNear = (found: INear | null) => {
    root.classList.toggle('xc-near-old', !found);
    if (!found) {
      return; // what was last found stays, faded, until the session is idle
    }
    near.textContent = found.said;
    const unit = found.unit ? `, ${found.unit}` : '';
    const titles = ['Crystal', 'Material', 'Distance', `Known${unit}`, `Predicted${unit}`];
    show(rows, found, () => [
      el(
        'thead',
        {},
        el(
          'tr',
          {},
          titles.map(text => el('th', { scope: 'col' }, text))
        )
      ),
      el(
        'tbody',
        {},
        found.rows.map(([row, formula, id, ...numbers]) =>
          el(
            'tr',
            { onclick: () => model.send({ act: 'go', row }) },
            el('td', {}, crystalLink(formula, id)),
            el('td', {}, id),
            numbers.map(text => el('td', { class: 'xc-number' }, text))
          )
        )
      )
    ]);
  };

  const draw = () => {
    const now = state();
    offer(target, now.targets, now.target);
    test.draw(now.target !== '');
    average.draw(now.selected !== null);
    howTo.textContent = selectionWords(now.selected);
    drawConcepts(now.concepts);
    drawRegion(now.region);
    drawNear(now.near);
  };
  const unwatch = tellAwake(root, model);
  model.on('change:state', draw);
  draw();
  return () => {
    unwatch();
    model.off('change:state', draw);
  };
}

/** Of which crystals the elements would be explained. */
function selectionWords(selected: IConcepts['selected']): string {
  if (!selected) {
    return 'Select crystals first: draw a lasso or a box around them on the map, or search in the tab Find.';
  }
  const [count, title] = selected;
  const many = `${count.toLocaleString('en')} crystal${count === 1 ? '' : 's'}`;
  return `${many} selected: ${title}${count > 200 ? '; 200 of them are drawn' : ''}.`;
}

function drawConcept(row: IConcept): HTMLElement {
  const [low, high] = row.random;
  return el(
    'li',
    { class: row.significant ? 'xc-significant' : 'xc-insignificant' },
    el(
      'span',
      { class: 'xc-concept-label' },
      row.name,
      el('span', { class: 'xc-soft' }, ` ${row.crystals}`)
    ),
    el(
      'span',
      {
        class: 'xc-concept-track',
        role: 'img',
        'aria-label': `TCAV score ${row.text}; random concepts ${row.random_text}`
      },
      el('i', { class: 'xc-concept-bar', style: `width:${percent(row.score)}` }),
      el('i', {
        class: 'xc-concept-random',
        title: `Random concepts: ${row.random_text}`,
        style: `left:${percent(low)};width:${percent(high - low)}`
      }),
      el('i', {
        class: 'xc-concept-range',
        style: `left:${percent(row.low)};width:${percent(row.high - row.low)}`
      })
    ),
    el('span', { class: 'xc-concept-value' }, row.text),
    el('span', { class: 'xc-concept-words' }, row.said, moreOf(row.figures))
  );
}

function drawKey(): HTMLElement {
  const swatch = (name: string) => el('i', { class: `xc-swatch xc-swatch-${name}` });
  return el(
    'div',
    {},
    swatch('sure'),
    'used ',
    swatch('unsure'),
    'not used, or too little to tell ',
    swatch('random'),
    'random concepts, mean ± standard deviation ',
    swatch('range'),
    '95 % of the runs'
  );
}

function section(title: string, ...children: Child[]): HTMLElement {
  return el(
    'section',
    { class: 'xc-concept-section', 'aria-label': title },
    el('div', { class: 'xc-heading' }, title),
    children
  );
}

/** A share as a length in CSS. */
export function percent(share: number): string {
  return `${(100 * Math.max(0, Math.min(share, 1))).toFixed(2)}%`;
}

export default { render };

/**
 * Why: controls, signed bars that are linked with the atoms of the structure, and how far all of it can be trusted.
 *
 * Atoms and bars light each other up by events of the explorer's own element: "xc-light" with the atoms that a bar is
 * of, and "xc-hover" with the atom that the mouse is over. Nothing of that goes through the kernel.
 */
import { type Child, el, svg } from '../dom';
import { moreOf } from './common/controls';
import { type Terms, term } from './common/glossary';
import type { Choice, IPanel, IView } from './common/model';
import { offer, ownKeys, show, whenInside } from './common/panel';

type Verdict = 'good' | 'bad' | 'note' | 'waiting';

interface IBar {
  label: string;
  value: number;
  text: string;
  color: string;
  atoms: number[];
  /** Other explanations of the same. */
  ticks: [name: string, value: number | null, text: string][];
}

interface IBars {
  /** The longest bar. */
  span: number;
  low: string;
  high: string;
  left_out: number;
  rows: IBar[];
}

/** Interactions of pairs. */
interface IMatrix {
  names: string[];
  /** Of each name. */
  atoms: number[][];
  low: string;
  high: string;
  cells: { text: string; color: string; ink: string }[][];
}

interface IExplained {
  said: string;
  unsigned: boolean;
  /** Whether the difference lies within the model's error, so that all is grey. */
  muted: boolean;
  bars: IBars | null;
  matrix: IMatrix | null;
  unit: string;
  /** A CSS gradient. */
  scale: string;
  /** What the ticks beside the bars are. */
  ticks: string[];
  comparable: boolean;
  trust: { name: string; verdict: Verdict; term: string; text: string; figures: string }[];
}

interface IWhy {
  targets: [group: string, choices: Choice[]][];
  target: string;
  methods: Choice[];
  method: string;
  levels: Choice[];
  level: string;
  baselines: Choice[];
  baseline: string;
  /** Whether a drag is going on, so that what is drawn is of another crystal. */
  waiting: boolean;
  trouble: string;
  comparing: boolean;
  terms: Terms;
  /** Term of the method. */
  about: string;
  explained: IExplained | null;
}

const SIGNS: Readonly<Record<Verdict, string>> = { good: '✓', bad: '!', note: '?', waiting: '…' };
const SAID: Readonly<Record<Verdict, string>> = {
  good: 'good',
  bad: 'take care',
  note: 'not known well',
  waiting: 'being computed'
};
const LATENT = 'latent ';
const MARKS = ['M0 0v16', 'M0 0v16M-2 8h4', 'M0 0v5M0 11v5']; // ticks are told apart by their shape, too
const NOTHING =
  'Choose what to explain: each part of the crystal then gets a ' +
  'share of the difference between this crystal and a neutral one.';

function render({ model, el: root }: IView<IPanel<IWhy>>): () => void {
  ownKeys(root);
  const state = () => model.get('state');
  const dropDown = (name: string, label: string, title: string) =>
    el('select', { class: `xc-why-${name}`, 'aria-label': label, title, onchange: () => send() });
  const target = dropDown('target', 'What to explain', 'What to explain');
  const number = el('input', {
    type: 'number',
    class: 'xc-why-number',
    min: 0,
    step: 1,
    value: 0,
    'aria-label': 'Number of the latent dimension',
    onchange: () => send(),
    // JupyterLab takes Enter for itself, so that no change event comes of it
    onkeydown: event => {
      if (event.key === 'Enter') {
        send();
      }
    }
  });
  const method = dropDown('method', 'Method of attribution', 'How the scores are computed');
  const level = dropDown(
    'level',
    'Level',
    'What gets a score each, and is moved from its baseline'
  );
  const baseline = dropDown('baseline', 'Baseline', 'What the crystal is compared with');
  const abouts: { node: HTMLElement; term: () => string }[] = [];
  const control = (text: string, about: (() => string) | null, ...inputs: HTMLElement[]) => {
    const node = el('span', { class: 'xc-why-about' });
    if (about) {
      abouts.push({ node, term: about });
    }
    return el(
      'div',
      { class: 'xc-why-control' },
      el('span', { class: 'xc-why-name' }, text, node),
      inputs
    );
  };
  const how = el(
    'div',
    { class: 'xc-why-how' },
    control('Method', () => state().about, method),
    control('Level', null, level),
    control('Baseline', () => 'baseline', baseline)
  );
  const said = el('p', { class: 'xc-why-said', role: 'status' });
  const trouble = el('p', { class: 'xc-why-trouble', role: 'alert' });
  const list = el('div', { class: 'xc-why-bars', role: 'group' });
  const below = el('div', { class: 'xc-why-below' });
  const compare = el(
    'button',
    {
      type: 'button',
      class: 'xc-button xc-why-compare',
      'aria-pressed': 'false',
      title: 'Mark beside each bar what it would be from the other baselines',
      onclick: () => model.send({ act: 'compare', value: !state().comparing })
    },
    'Compare all baselines'
  );
  const trust = el('ul', { class: 'xc-trust', 'aria-label': 'How far this can be trusted' });
  root.append(
    control('Explain', null, target, number),
    how,
    said,
    trouble,
    list,
    below,
    compare,
    trust
  );

  let last = '';
  const requestFor = (target: string, method: string, level: string, baseline: string) => ({
    act: 'why',
    target,
    method,
    level,
    baseline
  });
  const send = () => {
    const isLatent = target.value === 'latent';
    const dimension = Math.max(0, Math.round(Number(number.value)) || 0);
    const wanted = isLatent ? `${LATENT}${dimension}` : target.value;
    const message = requestFor(wanted, method.value, level.value, baseline.value);
    number.hidden = !isLatent;
    if (JSON.stringify(message) !== last) {
      last = JSON.stringify(message);
      model.send(message);
    }
  };

  // -- linked with the structure

  let explorer: HTMLElement | null = null;
  let lighting = '';
  const atomsOf = new WeakMap<Element, number[]>();
  const light = (atoms: number[]) => {
    if (String(atoms) !== lighting) {
      lighting = String(atoms);
      root.closest('.xc-explorer')?.dispatchEvent(new CustomEvent('xc-light', { detail: atoms }));
    }
  };
  const lights = <N extends HTMLElement>(node: N, atoms: number[]): N => {
    atomsOf.set(node, atoms);
    node.addEventListener('pointerenter', () => light(atoms));
    node.addEventListener('focus', () => light(atoms));
    node.addEventListener('pointerleave', () => {
      const active = document.activeElement;
      light(active && list.contains(active) ? (atomsOf.get(active) ?? []) : []);
    });
    node.addEventListener('blur', () => light([]));
    return node;
  };
  const rowsOf = () => [...list.querySelectorAll<HTMLElement>('[data-row]')];
  const hovered = (event: Event) => {
    const atom: number | null = event instanceof CustomEvent ? event.detail : null;
    for (const row of rowsOf()) {
      const on = atom !== null && (atomsOf.get(row) ?? []).includes(atom);
      row.classList.toggle('xc-lit', on);
      if (on) {
        const top = row.offsetTop - list.scrollTop;
        const bottom = top + row.offsetHeight - list.clientHeight;
        list.scrollTop += Math.min(0, top) + Math.max(0, bottom);
      }
    }
  };
  const stopLooking = whenInside(root, '.xc-explorer', found => {
    explorer = found;
    explorer.addEventListener('xc-hover', hovered);
  });

  // one stop for the tab key; arrows go from bar to bar
  list.addEventListener('keydown', event => {
    const rows = rowsOf();
    const k = rows.findIndex(row => row === document.activeElement);
    const goals: Record<string, number | undefined> = {
      ArrowDown: k + 1,
      ArrowUp: k - 1,
      Home: 0,
      End: rows.length - 1
    };
    const to = goals[event.key];
    if (k < 0 || to === undefined) {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
    const next = rows[Math.max(0, Math.min(to, rows.length - 1))];
    rows.forEach(row => {
      row.tabIndex = row === next ? 0 : -1;
    });
    next.focus();
  });

  // -- drawing

  const drawBar = (row: IBar, k: number, span: number, unit: string) => {
    const [zero, end] = [shareOf(0, span), shareOf(row.value, span)];
    const place = `left:${Math.min(zero, end)}%;width:${Math.abs(end - zero)}%`;
    const ticks = row.ticks.map(
      ([name, value, text], n) =>
        value !== null &&
        tick(n, `left:${shareOf(value, span)}%`, svg('title', {}, `${name}: ${text}`))
    );
    const others = row.ticks.map(([name, , text]) => `; ${name} ${text}`).join('');
    const node = el(
      'div',
      {
        class: 'xc-why-row',
        'data-row': k,
        tabindex: k ? -1 : 0,
        role: 'img',
        'aria-label': `${row.label}: ${row.text} ${unit}${others}`
      },
      el('span', { class: 'xc-why-label', title: row.label }, row.label),
      el(
        'span',
        { class: 'xc-why-track' },
        el('i', { class: 'xc-why-bar', style: `${place};background:${row.color}` }),
        el('i', { class: 'xc-why-zero' }),
        ticks
      ),
      el('span', { class: 'xc-why-value' }, row.text)
    );
    return lights(node, row.atoms);
  };

  const drawMatrix = ({ names, atoms, cells }: IMatrix, unit: string) => {
    const drawCell = (
      { text, color, ink }: IMatrix['cells'][number][number],
      i: number,
      j: number
    ) =>
      lights(
        el(
          'td',
          {
            'data-row': i * names.length + j,
            tabindex: i || j ? -1 : 0,
            style: `background:${color};color:${ink}`,
            'aria-label': `${names[i]} ${i === j ? 'by itself' : `with ${names[j]}`}: ${text} ${unit}`
          },
          text
        ),
        i === j ? atoms[i] : [...atoms[i], ...atoms[j]]
      );
    return el(
      'table',
      { class: 'xc-why-matrix' },
      el(
        'thead',
        {},
        el(
          'tr',
          {},
          el('td'),
          names.map((name, k) => el('th', { scope: 'col', title: name }, `${k + 1}`))
        )
      ),
      el(
        'tbody',
        {},
        cells.map((row, i) =>
          el(
            'tr',
            {},
            el('th', { scope: 'row' }, `${i + 1}. ${names[i]}`),
            row.map((cell, j) => drawCell(cell, i, j))
          )
        )
      )
    );
  };

  const drawControls = (now: IWhy) => {
    const isLatent = now.target.startsWith(LATENT);
    show(target, now.targets, () =>
      now.targets.map(([name, choices]) => {
        const made = choices.map(([value, label]) => el('option', { value }, label));
        return name ? el('optgroup', { label: name }, made) : made;
      })
    );
    const chosen = isLatent ? 'latent' : now.target;
    if (target.value !== chosen) {
      target.value = chosen;
    }
    number.hidden = !isLatent;
    if (isLatent && document.activeElement !== number) {
      number.value = now.target.slice(LATENT.length);
    }
    offer(method, now.methods, now.method);
    offer(level, now.levels, now.level);
    offer(baseline, now.baselines, now.baseline);
    last = JSON.stringify(requestFor(now.target, now.method, now.level, now.baseline));
    how.hidden = !now.target;
    for (const { node, term: about } of abouts) {
      show(node, now.terms[about()] ?? null, () => term(now.terms, about()));
    }
    trouble.textContent = now.trouble;
  };

  const drawFound = (found: IExplained, terms: Terms) => {
    const { unit, bars, matrix } = found;
    list.setAttribute(
      'aria-label',
      `Scores, ${unit || 'without a unit'}; arrow keys go from one to the next`
    );
    show(list, [bars, matrix], () => {
      light([]);
      return [
        bars && bars.rows.map((row, k) => drawBar(row, k, bars.span, unit)),
        matrix && drawMatrix(matrix, unit)
      ];
    });
    const scaled = bars ?? matrix;
    root.classList.toggle('xc-why-muted', found.muted);
    const looks = [bars?.low, matrix?.low, found.ticks, unit, found.scale, bars?.left_out];
    show(below, looks, () => [
      scaled && drawScale(scaled.low, scaled.high, found),
      bars !== null &&
        bars.left_out > 0 &&
        el(
          'div',
          {},
          `The ${bars.rows.length} largest; ${bars.left_out} smaller ones are left out.`
        ),
      found.ticks.length > 0 &&
        el(
          'div',
          { class: 'xc-why-ticks' },
          found.ticks.map((name, n) => el('span', {}, tick(n), ` ${name}`))
        )
    ]);
    show(trust, [found.trust, terms], () =>
      found.trust.map(({ name, verdict, term: about, text, figures }) =>
        el(
          'li',
          { class: `xc-trust-${verdict}`, 'data-part': name },
          el(
            'b',
            { class: 'xc-trust-sign', role: 'img', 'aria-label': SAID[verdict] },
            SIGNS[verdict]
          ),
          el('span', {}, text, term(terms, about), moreOf(figures))
        )
      )
    );
  };

  const draw = () => {
    const now = state();
    const found = now.explained;
    drawControls(now);
    root.classList.toggle('xc-why-old', now.waiting);
    if (now.waiting) {
      // the old bars stay, faded, until the session is idle
      said.textContent = 'Explained when you pause.';
      light([]);
      return;
    }
    const nothing = now.target ? '' : NOTHING;
    said.textContent = found ? found.said : nothing;
    list.hidden = trust.hidden = below.hidden = !found;
    compare.hidden = !found?.comparable;
    compare.setAttribute('aria-pressed', String(now.comparing));
    if (found) {
      drawFound(found, now.terms);
    } else {
      light([]);
    }
  };

  const visible = new IntersectionObserver(entries => {
    if (entries.some(entry => entry.isIntersecting)) {
      visible.disconnect();
      model.send({ act: 'seen' });
    }
  });
  visible.observe(root);
  draw();
  model.on('change:state', draw);
  return () => {
    stopLooking();
    explorer?.removeEventListener('xc-hover', hovered);
    visible.disconnect();
    model.off('change:state', draw);
  };
}

/** Where a value is drawn, in percent; no value leaves the track. */
export function shareOf(value: number, span: number): number {
  return 50 + 50 * Math.max(-1, Math.min(value / span, 1));
}

function tick(n: number, style = '', ...children: Child[]): SVGElement {
  return svg(
    'svg',
    { class: 'xc-why-tick', viewBox: '-3 0 6 16', style: style || null },
    svg('path', { d: MARKS[n % MARKS.length] }),
    children
  );
}

function drawScale(
  low: string,
  high: string,
  { scale, unit, unsigned, muted }: IExplained
): HTMLElement {
  return el(
    'div',
    { class: 'xc-why-scale' },
    el('b', {}, low),
    el('i', { style: `background:${scale}` }),
    el('b', {}, high),
    ` ${unit || 'no unit'}${unsigned || muted ? '' : '; red raises it, blue lowers it'}`
  );
}

export default { render };

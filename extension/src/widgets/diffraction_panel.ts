/** The diffraction panel: the powder pattern of the crystal, another one over it, and a search by a measured one. */
import { el, formulaNodes, pictureAddress, spaceGroupNodes } from '../dom';
import { saveFile } from '../save_file';
import { button, detailOf, fileInput, ProgressBar } from './common/controls';
import type { Choice, IDownload, IPanel, IView, Progress } from './common/model';
import { Awaited, offer, ownKeys, show, takeDownloads, tellAwake } from './common/panel';
import { type IPatterns, PatternChart, peakWords } from './common/pattern_chart';

interface IMatch {
  formula: string;
  group: string;
  similarity: string;
  score: string;
  /** Of the entry of the atlas; null if it was proposed. */
  id: string | null;
  /** The entry that a proposal began from. */
  origin: string;
  /** Degrees. */
  zero: string;
  /** Å³ an atom. */
  volume: string;
  shown: boolean;
}

interface IDiffraction {
  awake: boolean;
  sources: Choice[];
  source: string;
  unit: string;
  fwhm: number;
  /** nm; 0 for large crystallites. */
  size: number;
  choices: Choice[];
  second: string;
  /** Name of the measured pattern, if there is one. */
  measured: string | null;
  /** `none` says why there is no pattern. */
  patterns: (IPatterns & { none: string }) | null;
  trouble: string;
  progress: Progress | null;
  /** Whether anything that takes long is done. */
  busy: boolean;
  matches: { said: string; rows: IMatch[] } | null;
}

interface ITraits extends IPanel<IDiffraction> {
  /** Drawings of the matches. */
  pictures: string[];
}

const AXES: Choice[] = [
  ['two_theta', '2θ'],
  ['q', 'q']
];
const POINT = 'Point at a peak, or go from peak to peak by arrow keys.';

function render({ model, el: root }: IView<ITraits, IDownload>): () => void {
  ownKeys(root);
  const state = () => model.get('state');
  const ask = (name: string, value: string) => model.send({ act: 'show', [name]: value });

  // -- how it is shown
  const choice = (name: string, label: string) => {
    const node = el('select', {
      class: `xc-diffraction-${name}`,
      'aria-label': label,
      title: label,
      onchange: () => ask(name, node.value)
    });
    return node;
  };
  const number = (name: string, label: string, step: string, most: string) => {
    const node = el('input', {
      type: 'number',
      class: `xc-diffraction-${name}`,
      'aria-label': label,
      title: label,
      min: '0',
      max: most,
      step,
      onchange: () => ask(name, node.value === '' ? '0' : node.value)
    });
    return node;
  };
  const source = choice('source', 'Source of the X-rays');
  const unit = choice('unit', 'Axis: angle 2θ, or q = 4π sin θ / λ');
  const second = choice('second', 'Pattern that is laid over it');
  const width = number('fwhm', 'Width of the peaks by the instrument, degrees', '0.05', '2');
  const size = number('size', 'Size of the crystallites, nm; 0 for large ones', '1', '100000');

  // -- the pattern
  const readout = el('div', { class: 'xc-readout' }, POINT);
  const chart = new PatternChart(found => {
    const words = found ? peakWords(found, state().patterns?.title ?? '') : POINT;
    readout.replaceChildren(...formulaNodes(words));
  });
  const none = el('div', { class: 'xc-note', role: 'status' });
  const trouble = el('div', { class: 'xc-diffraction-trouble', role: 'alert' });
  const picture = button('pattern-svg', 'Picture', 'Save the pattern as an SVG image', () => {
    const name = state().patterns?.curves[0]?.name ?? 'crystal';
    saveFile(`${name}-pattern.svg`, new Blob([chart.picture()], { type: 'image/svg+xml' }));
  });
  const table = button('pattern-csv', 'Peaks', 'Save the peaks as a table (CSV)', () =>
    model.send({ act: 'csv' })
  );

  // -- a measured one
  const line = el('select', {
    'aria-label': 'What it was measured with',
    title: 'What the pattern in the file was measured with'
  });
  const columns = el('select', {
    'aria-label': 'What its columns are in',
    title: 'What the first column of the file holds'
  });
  const take = async (chosen: File) => {
    const content = await chosen.arrayBuffer();
    const facts = { name: chosen.name, line: line.value, unit: columns.value };
    model.send({ act: 'file', ...facts }, undefined, [content]);
  };
  const file = fileInput(chosen => void take(chosen));
  const load = button(
    'pattern-load',
    'Load a pattern',
    'Load a measured pattern (xy, xye, csv, xrdml, brml, raw, uxd, ras, rasx); it can also be dropped onto this tab',
    () => file.click()
  );
  const measured = el('span', { class: 'xc-diffraction-measured' });
  const remove = button('pattern-remove', 'Remove', 'Take the measured pattern away', () =>
    model.send({ act: 'remove' })
  );
  const field = (name: string, placeholder: string, label: string) =>
    el('input', {
      type: 'text',
      class: `xc-diffraction-${name}`,
      placeholder,
      'aria-label': label,
      title: label,
      onkeydown: event => {
        if (event.key === 'Enter') {
          search();
        }
      }
    });
  const elements = field(
    'elements',
    'elements: Na Cl',
    'Elements that it is made of, if you know them; press Enter to search'
  );
  const formula = field(
    'formula',
    'or formula: NaCl',
    'Its formula, if you know it: then new crystals are proposed in latent space, too; press Enter to search'
  );
  const search = () => {
    if (!state().busy && state().measured !== null) {
      awaited.begin(state().matches?.rows.map(({ shown: _, ...row }) => row));
      model.send({ act: 'identify', elements: elements.value, formula: formula.value });
    }
  };
  const find = button('pattern-find', 'Find crystals', 'Which crystals make this pattern?', () => {
    if (state().progress) {
      model.send({ act: 'stop' });
    } else {
      search();
    }
  });
  const awaited = new Awaited();
  const working = new ProgressBar('Progress of the search');
  const said = el('div', { class: 'xc-note', role: 'status' });
  const list = el('div', {
    class: 'xc-candidates',
    role: 'group',
    'aria-label': 'Crystals that could make the pattern, the most alike first'
  });
  const caution = el(
    'div',
    { class: 'xc-note' },
    'Similarity is the cosine of both smoothed patterns, with the cell that fits best: what is most alike, not a proof.'
  );

  root.dataset.takesFiles = 'pattern';
  root.append(
    el(
      'div',
      { class: 'xc-how' },
      source,
      unit,
      el('label', { class: 'xc-check' }, width, '° wide'),
      el('label', { class: 'xc-check', 'data-level': 'researcher' }, size, ' nm')
    ),
    el(
      'div',
      { class: 'xc-how' },
      el('label', { class: 'xc-check' }, 'Over it ', second),
      picture,
      table
    ),
    chart.node,
    readout,
    none,
    trouble,
    el(
      'section',
      { class: 'xc-diffraction-query', 'aria-label': 'Search by a measured pattern' },
      el('div', { class: 'xc-heading' }, 'Which crystal makes a measured pattern?'),
      el('div', { class: 'xc-how' }, load, file, measured, remove),
      el('div', { class: 'xc-how', 'data-level': 'researcher' }, 'Its file', columns, line),
      el('div', { class: 'xc-how' }, elements, formula, find),
      working.node,
      said,
      list,
      caution
    )
  );

  const drawMatch = (match: IMatch, k: number, drawn: string | undefined) =>
    el(
      'button',
      {
        class: 'xc-candidate xc-match',
        type: 'button',
        title: `Go to match ${k + 1}`,
        onclick: () => model.send({ act: 'match', number: k })
      },
      drawn !== undefined && el('img', { alt: '', src: pictureAddress(drawn) }),
      el('span', {}, el('b', {}, `${k + 1}. `, formulaNodes(match.formula))),
      el('span', {}, 'similarity ', el('b', {}, match.similarity), `, score ${match.score}`),
      el('span', { class: 'xc-energy' }, spaceGroupNodes(match.group)),
      el('span', { class: 'xc-known' }, `zero ${match.zero}°, ${match.volume} Å³/atom`),
      el(
        'span',
        { class: match.id ? 'xc-known' : 'xc-new' },
        match.id ?? `proposed, from ${match.origin}`
      )
    );

  const set = (input: HTMLInputElement, value: number) => {
    if (input !== document.activeElement) {
      input.value = String(value);
    }
  };
  const draw = () => {
    const now = state();
    const { patterns, progress, matches } = now;
    offer(source, now.sources, now.source);
    offer(unit, AXES, now.unit);
    offer(second, now.choices, now.second);
    show(line, now.sources, () => [
      el('option', { value: '' }, 'measured as it says, else Cu Kα'),
      now.sources.map(([name, label]) => el('option', { value: name }, `measured with ${label}`))
    ]);
    show(columns, AXES, () =>
      AXES.map(([name, label]) => el('option', { value: name }, `has ${label}`))
    );
    set(width, now.fwhm);
    set(size, now.size);
    if (patterns) {
      chart.draw(patterns);
    }
    readout.hidden = picture.disabled = table.disabled = !patterns?.curves.length;
    none.textContent = patterns?.none ?? '';
    none.hidden = !none.textContent;
    trouble.textContent = now.trouble;
    trouble.hidden = !now.trouble;
    measured.textContent = now.measured ?? 'or drop its file here';
    remove.hidden = now.measured === null;
    find.textContent = progress ? 'Stop' : 'Find crystals';
    find.disabled = !progress && (now.busy || now.measured === null);
    working.draw(progress, one => `${one[0]}${detailOf(one)}`);
    said.hidden = list.hidden = caution.hidden = !matches;
    said.textContent = matches?.said ?? '';
    const pictures = model.get('pictures');
    const rows = (matches?.rows ?? []).map(row => ({ ...row, shown: false }));
    if (!progress && matches) {
      awaited.see(
        matches.rows.map(({ shown: _, ...row }) => row),
        said
      );
    }
    awaited.follow(progress !== null);
    show(list, [rows, pictures.length], () => rows.map((row, k) => drawMatch(row, k, pictures[k])));
    [...list.children].forEach((node, k) =>
      node.setAttribute('aria-current', String(matches?.rows[k]?.shown ?? false))
    );
  };

  // a file that is dropped onto the tab is a measured pattern
  const over = (event: DragEvent) => {
    if (event.dataTransfer?.types.includes('Files')) {
      event.preventDefault();
      event.stopPropagation();
    }
  };
  root.addEventListener('dragover', over);
  root.addEventListener('drop', event => {
    over(event);
    [...(event.dataTransfer?.files ?? [])].slice(0, 1).forEach(chosen => void take(chosen));
  });
  model.on('change:state', draw);
  model.on('change:pictures', draw);
  const downloadsEnded = takeDownloads(model);
  const awakeEnded = tellAwake(root, model);
  draw();
  return () => {
    chart.end();
    downloadsEnded();
    awakeEnded();
    model.off('change:state', draw);
    model.off('change:pictures', draw);
  };
}

export default { render };

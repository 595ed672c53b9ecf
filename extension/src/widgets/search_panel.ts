/** Finding crystals: a search, a table of the selection, and directions made between groups of it. */
import { type Child, el, formulaNodes, pictureAddress, spaceGroupNodes } from '../dom';
import { crystalLink } from './common/controls';
import type { IDownload, IPanel, IView } from './common/model';
import { keepKeys, show, takeDownloads } from './common/panel';

interface ISearch {
  examples: string[];
  gallery: [name: string, formula: string][];
  title: string;
  understood: string;
  trouble: string;
  /** What may help: the nearest formulas, entries of the gallery, and a formula to propose structures for. */
  help: [formulas: string[], gallery: string[], propose: string];
  /** By which column, and whether downwards. */
  sorted: [column: string, isDown: boolean] | null;
  /** Selected crystals. */
  count: number;
  /** Crystals of the map. */
  of: number;
  columns: [short: string, words: string, name: string][];
  rows: [row: number, formula: string, id: string, group: string, ...numbers: string[]][];
  groups: ([title: string, count: number] | null)[];
  concepts: [name: string, note: string][];
}

/** Small pictures of crystals, by row. */
interface IPictures {
  type: 'pictures';
  pictures: [row: number, drawing: string][];
}

const LETTERS = ['A', 'B'];
const AT_ONCE = 12; // pictures that are asked for together
const FIXED: readonly [title: string, name: string][] = [
  ['Formula', 'formula'],
  ['Material', 'material_id'],
  ['Space group', 'space_group']
];

function render({ model, el: root }: IView<IPanel<ISearch>, IDownload | IPictures>): () => void {
  keepKeys(root);
  const seek = (text: string) => {
    searched = text.trim().replace(/\s+/g, ' ');
    if (searched) {
      model.send({ act: 'search', query: text });
    }
  };
  const query = el('input', {
    type: 'search',
    class: 'xc-query',
    placeholder: 'TiO2, spinel, oxides without lead, gap between 1 and 2 …',
    'aria-label':
      'Find crystals of the map by formula, elements, structure type, space group, properties or id; press Enter',
    oninput: () => drawFound(),
    onkeydown: event => {
      event.stopPropagation();
      if (event.key === 'Enter') {
        seek(query.value);
      }
    }
  });
  const find = button('Find', 'Find these crystals', () => seek(query.value));
  const gallery = el('select', {
    class: 'xc-gallery',
    title: 'Load a crystal of a classic structure type',
    'aria-label': 'Load a crystal of a classic structure type from the gallery',
    onchange: () => {
      load(gallery.value);
      gallery.value = '';
    }
  });
  const load = (entry: string) => {
    if (entry) {
      model.send({ act: 'gallery', name: entry });
    }
  };
  const chips = el('div', { class: 'xc-chips', role: 'group', 'aria-label': 'Examples' });
  const trouble = el('div', { class: 'xc-trouble', role: 'status', 'aria-live': 'polite' });
  const help = el('div', { class: 'xc-help', role: 'group', 'aria-label': 'What may help' });
  const heading = el('div', { class: 'xc-found', role: 'status', 'aria-live': 'polite' });
  const csv = button('Download CSV', 'Download a table of the selected crystals', () =>
    model.send({ act: 'csv' })
  );
  const clear = button('Clear', 'Clear the selection', () => model.send({ act: 'clear' }));
  const keep = LETTERS.map((letter, k) =>
    button(
      `Keep as ${letter}`,
      `Keep the selection as group ${letter} of a direction`,
      () => model.send({ act: 'keep', key: k, group: k }),
      `xc-keep-${letter}`
    )
  );
  const table = el('table', { class: 'xc-results', 'aria-label': 'Selected crystals' });
  const groups = el('div', { class: 'xc-groups' });
  const name = el('input', {
    type: 'text',
    class: 'xc-concept-name',
    placeholder: 'name (if you like)',
    maxlength: 80,
    'aria-label': 'Name of the direction',
    onkeydown: event => {
      event.stopPropagation();
      if (event.key === 'Enter' && !make.disabled) {
        make.click();
      }
    }
  });
  const make = button(
    'Make a direction',
    'A direction from group B, or from all others, to group A; it becomes a slider',
    () => {
      model.send({ act: 'concept', name: name.value });
      name.value = '';
    },
    'xc-make-direction'
  );
  const concepts = el('ul', { class: 'xc-concepts' });
  root.append(
    el('div', { class: 'xc-seek', role: 'search' }, query, find, gallery),
    chips,
    trouble,
    help,
    el(
      'div',
      { class: 'xc-found-bar' },
      heading,
      el('span', { class: 'xc-found-acts' }, keep, csv, clear)
    ),
    el('div', { class: 'xc-scroll', tabindex: '-1' }, table),
    el(
      'div',
      { class: 'xc-between' },
      groups,
      el('div', { class: 'xc-making' }, name, make),
      concepts
    )
  );

  // -- pictures of the rows that are in view
  const pictures = new Map<number, string>();
  const wanted = new Set<number>();
  let asking: ReturnType<typeof setTimeout> | undefined;
  const pictureOf = (row: number) => {
    const drawing = pictures.get(row);
    return drawing !== undefined && el('img', { alt: '', src: pictureAddress(drawing) });
  };
  const ask = () => {
    const rows = [...wanted].filter(row => !pictures.has(row)).slice(0, AT_ONCE);
    rows.forEach(row => wanted.delete(row));
    if (rows.length > 0) {
      model.send({ act: 'pictures', rows });
    }
  };
  const seen = new IntersectionObserver(entries => {
    for (const { isIntersecting, target } of entries) {
      const row = Number((target as HTMLElement).dataset.row);
      if (!isIntersecting) {
        wanted.delete(row);
      } else if (!pictures.has(row)) {
        wanted.add(row);
      }
    }
    clearTimeout(asking);
    asking = setTimeout(ask, 60);
  });
  const onPictures = (message: IDownload | IPictures | null) => {
    if (message?.type !== 'pictures') {
      return;
    }
    message.pictures.forEach(([row, drawing]) => pictures.set(row, drawing));
    for (const cell of table.querySelectorAll<HTMLElement>('.xc-picture:empty')) {
      const image = pictureOf(Number(cell.dataset.row));
      if (image) {
        cell.append(image);
      }
    }
    ask();
  };

  const drawHead = (sorted: ISearch['sorted'], title: string, name: string, words = title) => {
    const isIt = sorted?.[0] === name;
    const order = isIt && sorted[1] ? 'descending' : 'ascending';
    return el(
      'th',
      {
        scope: 'col',
        title: `${words}; click to sort`,
        'aria-sort': isIt ? order : 'none',
        class: FIXED.some(([, fixed]) => fixed === name) ? '' : 'xc-number'
      },
      el(
        'button',
        {
          class: 'xc-sort',
          type: 'button',
          onclick: () => model.send({ act: 'sort', key: name, column: name })
        },
        title,
        isIt && (sorted[1] ? ' ▾' : ' ▴')
      )
    );
  };
  const drawRow = ([row, formula, id, group, ...numbers]: ISearch['rows'][number]) =>
    el(
      'tr',
      { 'data-row': row, onclick: () => model.send({ act: 'go', row }) },
      el('td', { class: 'xc-picture', 'data-row': row }, pictureOf(row)),
      el('td', {}, crystalLink(formula, id)),
      el('td', {}, id),
      el('td', {}, spaceGroupNodes(group)),
      numbers.map(text => el('td', { class: 'xc-number' }, text))
    );
  const remove = (label: string, title: string, onclick: () => void) =>
    el(
      'button',
      { class: 'xc-button xc-remove', type: 'button', 'aria-label': label, title, onclick },
      '×'
    );
  const drawGroup = (group: ISearch['groups'][number], k: number) => {
    const letter = LETTERS[k];
    const forget = () => model.send({ act: 'drop', key: k, group: k });
    const nothing = k ? 'all others ' : 'nothing kept yet ';
    return el(
      'span',
      { class: 'xc-group' },
      el('b', {}, letter),
      ': ',
      group ? `${group[0]} (${group[1].toLocaleString('en')}) ` : nothing,
      group && remove(`Forget group ${letter}`, 'Forget this group', forget)
    );
  };

  const drawHelp = ([formulas, entries, propose]: ISearch['help']): Child => [
    formulas.length > 0 && [
      el('span', {}, 'Nearest: '),
      formulas.map(text => offer(formulaNodes(text), `Search for ${text}`, () => type(text)))
    ],
    entries.map(entry =>
      offer(['Gallery: ', entry], `Load ${entry} from the gallery`, () => load(entry))
    ),
    propose !== '' &&
      offer(['Propose structures of ', ...formulaNodes(propose)], 'Search latent space', () =>
        model.send({ act: 'propose', formula: propose })
      )
  ];
  const type = (text: string) => {
    query.value = text;
    seek(text);
  };
  // results leave as soon as something else is typed, or nothing was found
  const drawFound = () => {
    const state = model.get('state');
    const typed = query.value.trim().replace(/\s+/g, ' ');
    const isOld = typed !== '' && typed !== state.title && isTyped(state);
    const some = state.count > 0 && !isOld && state.trouble === '';
    show(heading, [state.count, state.title, state.understood, isOld, state.trouble], () =>
      isOld || state.trouble !== ''
        ? isOld && state.trouble === '' && 'Press Enter to search.'
        : found(state)
    );
    for (const node of [...keep, csv, clear]) {
      node.disabled = !some;
    }
    table.hidden = !some;
  };
  // a part of the map that is selected is not what the box says, and stays
  const isTyped = ({ title }: ISearch) => title === searched;
  let searched = '';
  const draw = () => {
    const state = model.get('state');
    show(chips, state.examples, () =>
      state.examples.map(text =>
        el(
          'button',
          {
            class: 'xc-chip-button',
            type: 'button',
            onclick: () => type(text)
          },
          text
        )
      )
    );
    show(gallery, state.gallery, () => [
      el('option', { value: '' }, 'Gallery …'),
      state.gallery.map(([entry, formula]) =>
        el('option', { value: entry }, `${entry} (${formula})`)
      )
    ]);
    if (trouble.textContent !== state.trouble) {
      trouble.textContent = state.trouble;
    }
    show(help, state.help, () => drawHelp(state.help));
    show(table, [state.columns, state.rows, state.sorted], () => [
      el(
        'thead',
        {},
        el(
          'tr',
          {},
          el('td', {}),
          FIXED.map(([text, column]) => drawHead(state.sorted, text, column)),
          state.columns.map(([text, words, column]) => drawHead(state.sorted, text, column, words))
        )
      ),
      el('tbody', {}, state.rows.map(drawRow))
    ]);
    drawFound();
    for (const cell of table.querySelectorAll('.xc-picture:empty')) {
      seen.observe(cell);
    }
    show(groups, state.groups, () => state.groups.map(drawGroup));
    make.disabled = !state.groups[0] && state.count === 0;
    show(concepts, state.concepts, () =>
      state.concepts.map(([title, note]) =>
        el(
          'li',
          {},
          el('b', {}, title),
          ' ',
          el('span', { class: 'xc-understood' }, note),
          ' ',
          remove(`Remove ${title}`, 'Remove this direction', () =>
            model.send({ act: 'remove', key: title, name: title })
          )
        )
      )
    );
  };
  model.on('change:state', draw);
  model.on('msg:custom', onPictures);
  const ended = takeDownloads(model);
  draw();
  return () => {
    model.off('change:state', draw);
    model.off('msg:custom', onPictures);
    seen.disconnect();
    clearTimeout(asking);
    ended();
  };
}

/** How many are selected, and why. */
function found({ count, of, title, understood, rows }: ISearch): Child {
  if (count === 0) {
    return `Nothing is selected of ${of.toLocaleString('en')} crystals. Search, or draw around some on the map.`;
  }
  const soft = (text: string) => el('span', { class: 'xc-understood' }, text);
  return [
    el('b', {}, `${count.toLocaleString('en')} crystal${count === 1 ? '' : 's'}`),
    `: ${title}`,
    understood !== '' && understood !== title && soft(`, read as ${understood}`),
    count > rows.length && soft(`; the first ${rows.length} below`)
  ];
}

function offer(text: Child, title: string, onclick: () => void): HTMLButtonElement {
  return el('button', { class: 'xc-chip-button', type: 'button', title, onclick }, text);
}

function button(text: string, title: string, onclick: () => void, extra = ''): HTMLButtonElement {
  return el('button', { class: `xc-button ${extra}`, type: 'button', title, onclick }, text);
}

export default { render };

/** Finding crystals: a search, a table of the selection, and directions made between groups of it. */
import { type Child, el } from '../dom';
import { crystalLink } from './common/controls';
import type { IDownload, IPanel, IView } from './common/model';
import { keepKeys, show, takeDownloads } from './common/panel';

interface ISearch {
  examples: string[];
  title: string;
  understood: string;
  trouble: string;
  /** Selected crystals. */
  count: number;
  /** Crystals of the map. */
  of: number;
  columns: [short: string, words: string][];
  rows: [row: number, formula: string, id: string, group: string, ...numbers: string[]][];
  groups: ([title: string, count: number] | null)[];
  concepts: [name: string, note: string][];
}

const LETTERS = ['A', 'B'];

function render({ model, el: root }: IView<IPanel<ISearch>, IDownload>): () => void {
  keepKeys(root);
  const seek = (text: string) => {
    if (text.trim()) {
      model.send({ act: 'search', query: text });
    }
  };
  const query = el('input', {
    type: 'search',
    class: 'xc-query',
    placeholder: 'SrTiO3, Ti O, band gap > 2, cubic, mp-5986 …',
    'aria-label':
      'Find crystals of the map by formula, elements, space group, properties or id; press Enter',
    onkeydown: event => {
      event.stopPropagation();
      if (event.key === 'Enter') {
        seek(query.value);
      }
    }
  });
  const find = button('Find', 'Find these crystals', () => seek(query.value));
  const chips = el('div', { class: 'xc-chips', role: 'group', 'aria-label': 'Examples' });
  const trouble = el('div', { class: 'xc-trouble', role: 'status', 'aria-live': 'polite' });
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
    el('div', { class: 'xc-seek', role: 'search' }, query, find),
    chips,
    trouble,
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

  const drawRow = ([row, formula, id, group, ...numbers]: ISearch['rows'][number]) =>
    el(
      'tr',
      { 'data-row': row, onclick: () => model.send({ act: 'go', row }) },
      el('td', {}, crystalLink(formula, id)),
      el('td', {}, id),
      el('td', {}, group),
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

  const draw = () => {
    const state = model.get('state');
    show(chips, state.examples, () =>
      state.examples.map(text =>
        el(
          'button',
          {
            class: 'xc-chip-button',
            type: 'button',
            onclick: () => {
              query.value = text;
              seek(text);
            }
          },
          text
        )
      )
    );
    if (trouble.textContent !== state.trouble) {
      trouble.textContent = state.trouble;
    }
    const some = state.count > 0;
    show(heading, [state.count, state.title, state.understood], () => found(state));
    for (const node of [...keep, csv, clear]) {
      node.disabled = !some;
    }
    table.hidden = !some;
    show(table, [state.columns, state.rows], () => [
      el(
        'thead',
        {},
        el(
          'tr',
          {},
          ['Formula', 'Material', 'Space group'].map(text => el('th', { scope: 'col' }, text)),
          state.columns.map(([text, words]) =>
            el('th', { scope: 'col', title: words, class: 'xc-number' }, text)
          )
        )
      ),
      el('tbody', {}, state.rows.map(drawRow))
    ]);
    show(groups, state.groups, () => state.groups.map(drawGroup));
    make.disabled = !state.groups[0] && !some;
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
  const ended = takeDownloads(model);
  draw();
  return () => {
    model.off('change:state', draw);
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

function button(text: string, title: string, onclick: () => void, extra = ''): HTMLButtonElement {
  return el('button', { class: `xc-button ${extra}`, type: 'button', title, onclick }, text);
}

export default { render };

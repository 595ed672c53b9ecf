/** What a disordered crystal is offered: ordered approximants, how far they are, and what is predicted for each. */
import { el } from '../dom';
import { ProgressBar, button } from './common/controls';
import type { IPanel, IView, Progress } from './common/model';
import { ownKeys, show } from './common/panel';

interface IApproximant {
  /** Its place among the user's own crystals on the map. */
  number: number;
  /** Symbol of its space group, in parts that look each in its own way. */
  group: [look: string, text: string][];
  atoms: number;
  /** Its share of all arrangements, per cent. */
  weight: string;
  /** One for each property. */
  values: string[];
}

interface IDisorder {
  /** Name of the disordered crystal that is shown; empty if none is. */
  disordered: string;
  progress: Progress | null;
  /** Name of the crystal that the listed ones are orderings of. */
  of: string;
  properties: string[];
  rows: IApproximant[];
  mean: string[];
  deviation: string[];
  /** What the mean by weights is called, with the share of the arrangements that it is of. */
  weighted_title: string;
  /** The mean if each counts by its weight. */
  weighted: string[];
  /** Place in the list of the one that is shown, or -1. */
  shown: number;
}

function render({ model, el: root }: IView<IPanel<IDisorder>>): () => void {
  ownKeys(root);
  const what = el('span', { class: 'xc-disorder-what' });
  const make = button(
    'make-approximants',
    'Ordered approximants',
    'Give its shared and partly filled sites whole atoms in supercells, encode these, and put them on the map',
    () => {
      model.send({ act: model.get('state').progress ? 'stop' : 'make' });
    }
  );
  const offer = el('div', { class: 'xc-how' }, what, make);
  const working = new ProgressBar('Ordered approximants that are encoded');
  const table = el('table', { class: 'xc-approximants' });
  const said = el('div', { class: 'xc-note' });
  const section = el(
    'section',
    { 'aria-label': 'Disordered crystal' },
    offer,
    working.node,
    table,
    said
  );
  root.append(section);

  const draw = () => {
    const state = model.get('state');
    const { disordered, progress, rows, properties } = state;
    section.hidden = !disordered && !rows.length && !progress;
    offer.hidden = !disordered && !progress;
    what.textContent = disordered ? `${disordered} is disordered, so it has no latent vector.` : '';
    make.textContent = progress ? 'Stop' : 'Ordered approximants';
    working.draw(progress, ([title, , done, of]) =>
      done ? `${title}: ${done} of ${of} encoded` : `${title}: looking at arrangements`
    );
    table.hidden = said.hidden = !rows.length;
    show(table, [state.of, rows, properties], () => tableOf(state));
    table.querySelectorAll('tbody:last-child tr').forEach((row, k) => {
      row.setAttribute('aria-current', String(k === state.shown));
    });
    said.textContent =
      `Marked on the map by diamonds, the most random first. Weight: the share of all arrangements that ` +
      `symmetry makes equal to it. Mean and deviation count each ordering once; the weighted mean takes all ` +
      `arrangements in cells of this size for equally likely. Nothing is relaxed; the spread over ` +
      `orderings is no error of the model.`;
  };
  const tableOf = ({ of, rows, properties, mean, deviation, ...state }: IDisorder) => [
    el('caption', {}, `Ordered approximants of ${of}`),
    el(
      'thead',
      {},
      el(
        'tr',
        {},
        ['', 'Space group', 'Atoms', 'Weight, %', ...properties].map(title =>
          el('th', { scope: 'col' }, title)
        )
      )
    ),
    el(
      'tbody',
      { class: 'xc-spread' },
      (
        [
          ['Mean', mean],
          ['Standard deviation', deviation],
          [state.weighted_title, state.weighted]
        ] as const
      ).map(([title, values]) =>
        el(
          'tr',
          {},
          el('th', { scope: 'row', colspan: '4' }, title),
          values.map(value => el('td', {}, value))
        )
      )
    ),
    el(
      'tbody',
      {},
      rows.map((row, k) =>
        el(
          'tr',
          {},
          el(
            'th',
            { scope: 'row' },
            button('approximant', `${k + 1}`, `Go to ordering ${k + 1}`, () =>
              model.send({ act: 'show', number: row.number })
            )
          ),
          el(
            'td',
            {},
            row.group.map(([look, text]) =>
              look === 'sub' || look === 'sup' ? el(look, {}, text) : text
            )
          ),
          el('td', {}, String(row.atoms)),
          el('td', {}, row.weight),
          row.values.map(value => el('td', {}, value))
        )
      )
    )
  ];
  model.on('change:state', draw);
  draw();
  return () => model.off('change:state', draw);
}

export default { render };

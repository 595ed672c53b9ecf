/** How stable the crystal is: energies above the hull, relaxing, the phase diagram, competing phases, and signals. */
import { type Child, el, formulaNodes, pictureAddress, spaceGroupNodes } from '../dom';
import { button, crystalLink, moreOf } from './common/controls';
import { LaneChart } from './common/lane_chart';
import type { IDownload, IPanel, IView } from './common/model';
import { clear, ownKeys, show, takeDownloads, tellAwake } from './common/panel';
import { type IDiagram, drawDiagram } from './common/phase_diagram';

/** Step by step: eV/atom and eV/Å. */
interface ICurves {
  energies: number[];
  forces: number[];
}

interface IPhase {
  formula: string;
  /** Empty for an element that no entry stands for. */
  id: string;
  energy: string;
  above: string;
  /** Of the atoms, in the decomposition; empty if it takes no part. */
  share: string;
}

interface IStanding {
  rows: { name: string; value: string; note: string }[];
  trouble: string;
  reaction: string;
  phases: IPhase[];
  entries: number;
  diagram: IDiagram | null;
  signals: { name: string; value: string; figures: string }[];
  silence: string;
}

interface IResult {
  name: string;
  error: string;
  curves: ICurves;
  rows: [title: string, unit: string, before: string, after: string][];
  said: string;
  trouble: string;
  figures?: string;
}

interface IRelax {
  /** Why this crystal cannot be relaxed; empty if it can. */
  obstacle: string;
  atoms: number;
  most: number;
  /** Name of the one that is chosen, and names and titles of all. */
  potential: string;
  potentials: [name: string, title: string][];
  running: { formula: string; potential: string; curves: ICurves } | null;
  result: IResult | null;
  /** Whether the relaxed crystal is drawn. */
  shown: boolean;
}

interface IStability {
  awake: boolean;
  idle: boolean;
  formula?: string;
  standing: IStanding | null;
  relax: IRelax | null;
}

interface ITraits extends IPanel<IStability> {
  /** Drawings of the crystal before and after it was relaxed. */
  pictures: string[];
}

const SHORT = 3; // phases besides the products that are listed at once
const NO_VERDICT =
  'What speaks for and against that it can be made, each on its own. None was tested on syntheses.';

function render({ model, el: root }: IView<ITraits, IDownload>): () => void {
  ownKeys(root);
  const energies = el('div', { class: 'xc-hull-rows' });
  const trouble = el('div', { class: 'xc-trouble', role: 'status' });
  const run = button('relax', 'Relax', 'Relax this crystal', () => {
    model.send({ act: model.get('state').relax?.running ? 'end' : 'relax' });
  });
  const potential = el('select', {
    class: 'xc-potential',
    title: 'The network whose energies and forces relax the crystal; two are two opinions',
    onchange: () => model.send({ act: 'potential', value: potential.value })
  });
  const obstacle = el('span', { class: 'xc-soft', role: 'status' });
  const chart = new LaneChart({ height: 44 });
  const result = el('div', { class: 'xc-relaxed' });
  const diagram = el('div', { class: 'xc-diagram' });
  const reaction = el('div', { class: 'xc-reaction' });
  const phases = el('div', { class: 'xc-phases' });
  const signals = el('div', { class: 'xc-signals' });
  const heading = (text: string) => el('h4', { class: 'xc-heading' }, text);
  const hull = el('div', {}, heading('Phases that compete'), reaction, diagram, phases);
  root.append(
    trouble,
    energies,
    heading('Relax'),
    el('div', { class: 'xc-how' }, run, el('label', {}, 'with ', potential), obstacle),
    chart.node,
    result,
    hull,
    heading('Signals of synthesizability'),
    signals
  );

  const drawCurves = (curves: ICurves | null, formula: string) => {
    chart.node.hidden = !curves || curves.energies.length < 2;
    chart.draw(
      curves && {
        lanes: [
          { title: 'Energy', unit: 'eV/atom', digits: 4, values: curves.energies },
          { title: 'Largest force', unit: 'eV/Å', digits: 3, values: curves.forces, limit: 0.05 }
        ],
        count: curves.energies.length,
        current: null,
        label: `Energy and largest force while ${formula} is relaxed, step by step`
      }
    );
  };
  const drawRelax = (relax: IRelax) => {
    const { running, result: found } = relax;
    run.textContent = running ? 'Stop' : 'Relax';
    run.title = running ? 'Stop relaxing' : 'Relax this crystal';
    potential.disabled = Boolean(running);
    show(potential, relax.potentials, () =>
      relax.potentials.map(([name, title]) => el('option', { value: name }, title))
    );
    potential.value = relax.potential;
    run.disabled = !running && relax.obstacle !== '';
    obstacle.textContent = running ? stepWords(running) : relax.obstacle;
    drawCurves(running?.curves ?? found?.curves ?? null, running?.formula ?? found?.name ?? '');
    result.hidden = Boolean(running) || !found;
    if (found) {
      const pictures = model.get('pictures');
      show(result, [found, relax.shown, pictures], () => drawResult(found, relax.shown, pictures));
    }
  };
  const act = (name: string, text: string, title: string) =>
    button(`relaxed-${name}`, text, title, () => model.send({ act: name }));
  const drawResult = (found: IResult, shown: boolean, pictures: string[]): Child => {
    if (found.error) {
      return el('div', { class: 'xc-warn' }, `${found.name}: ${found.error}`);
    }
    return [
      el('div', { role: 'status' }, formulaNodes(found.said)),
      el(
        'div',
        { class: 'xc-before-after-pictures' },
        pictures.map((picture, k) =>
          el(
            'figure',
            {},
            el('img', { alt: '', src: pictureAddress(picture) }),
            el('figcaption', {}, ['before', 'relaxed'][k])
          )
        )
      ),
      el(
        'table',
        { class: 'xc-before-after' },
        el(
          'thead',
          {},
          el(
            'tr',
            {},
            ['', 'before', 'relaxed'].map(text => el('th', { scope: 'col' }, text))
          )
        ),
        el(
          'tbody',
          {},
          found.rows.map(([title, unit, ...values]) =>
            el(
              'tr',
              {},
              el('th', { scope: 'row' }, unit ? `${title} (${unit})` : title),
              values.map(text => el('td', {}, unit ? text : spaceGroupNodes(text)))
            )
          )
        )
      ),
      found.trouble !== '' && el('div', { class: 'xc-warn' }, found.trouble),
      moreOf(found.figures ?? ''),
      el(
        'div',
        { class: 'xc-how' },
        !shown && act('show', 'Show', 'Draw it beside what it was'),
        act('encode', 'On the map', 'Encode it, and go to its latent vector'),
        act('pin', 'Pin', 'Encode it, and pin what the model makes of it'),
        act('cif', 'CIF', 'Save the relaxed crystal as a CIF')
      )
    ];
  };
  const drawPhases = (standing: IStanding) => {
    const row = (phase: IPhase) => {
      const link = phase.id && crystalLink(phase.formula, phase.id);
      if (link) {
        link.addEventListener('click', () => model.send({ act: 'phase', id: phase.id }));
      }
      return el(
        'tr',
        {},
        el('td', {}, link || formulaNodes(phase.formula)),
        [phase.share, phase.energy, phase.above].map(text => el('td', {}, text))
      );
    };
    const products = standing.phases.filter(phase => phase.share).length;
    const few = standing.phases.slice(0, products + SHORT);
    const rest = standing.phases.slice(products + SHORT);
    const table = (rows: IPhase[], isFirst: boolean) =>
      el(
        'table',
        { class: 'xc-before-after' },
        isFirst &&
          el(
            'thead',
            {},
            el(
              'tr',
              {},
              ['Phase', 'share', 'formation', 'above hull'].map(text =>
                el('th', { scope: 'col' }, text)
              )
            )
          ),
        el('tbody', {}, rows.map(row))
      );
    return [
      table(few, true),
      rest.length > 0 &&
        el(
          'details',
          { class: 'xc-figures' },
          el('summary', {}, `${rest.length} more`),
          table(rest, false)
        ),
      el(
        'div',
        { class: 'xc-note' },
        `Energies in eV/atom, at 0 K; shares of the atoms. The hull is of ${standing.entries} entries that ship; ` +
          'what is not among them cannot compete, so that distances are lower bounds.'
      )
    ];
  };
  const drawSignals = (standing: IStanding): Child =>
    standing.silence
      ? el('div', { class: 'xc-soft' }, standing.silence)
      : [
          el('div', { class: 'xc-note' }, NO_VERDICT),
          standing.signals.map(signal =>
            el(
              'div',
              { class: 'xc-signal' },
              el('div', {}, signal.name, ' ', moreOf(signal.figures)),
              el('b', {}, signal.value)
            )
          )
        ];
  const drawStanding = (standing: IStanding) => {
    show(energies, standing.rows, () =>
      standing.rows.map(row =>
        el(
          'div',
          { class: 'xc-hull-row' },
          el(
            'div',
            {},
            row.name,
            ' ',
            moreOf(`${row.note.charAt(0).toUpperCase()}${row.note.slice(1)}.`)
          ),
          el('b', {}, row.value)
        )
      )
    );
    hull.hidden = !standing.reaction;
    show(reaction, standing.reaction, () => formulaNodes(standing.reaction));
    paint();
    show(phases, standing.phases, () => drawPhases(standing));
    show(signals, [standing.signals, standing.silence], () => drawSignals(standing));
  };
  const paint = () => {
    const found = model.get('state').standing?.diagram ?? null;
    const width = diagram.clientWidth;
    diagram.hidden = !found;
    if (found && width) {
      show(diagram, [found, width], () =>
        drawDiagram(found, width, id => model.send({ act: 'phase', id }))
      );
    }
  };
  const draw = () => {
    const state = model.get('state');
    const { standing, relax } = state;
    root.setAttribute('aria-busy', String(state.awake && !standing));
    root.classList.toggle('xc-waiting', !standing);
    if (relax) {
      drawRelax(relax);
    }
    trouble.hidden = !standing?.trouble;
    trouble.textContent = standing?.trouble ?? '';
    if (standing) {
      drawStanding(standing);
    } else if (!state.idle) {
      clear(energies);
    }
  };
  const observer = new ResizeObserver(paint);
  observer.observe(diagram);
  const unwatch = tellAwake(root, model);
  const untake = takeDownloads(model);
  const traits = ['change:state', 'change:pictures'] as const;
  traits.forEach(name => model.on(name, draw));
  draw();
  return () => {
    unwatch();
    untake();
    observer.disconnect();
    chart.end();
    traits.forEach(name => model.off(name, draw));
  };
}

/** How far relaxing has come, in words. */
export function stepWords({ formula, potential, curves }: NonNullable<IRelax['running']>): string {
  const { forces } = curves;
  const last = forces.at(-1);
  return last === undefined
    ? `Relaxing ${formula}: ${potential} is being loaded`
    : `Relaxing ${formula}: step ${forces.length - 1}, largest force ${last.toFixed(3)} eV/Å`;
}

export default { render };

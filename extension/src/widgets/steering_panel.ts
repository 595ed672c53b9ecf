/** The steering panel: a property raised or lowered step by step, random steps, and structures for a formula. */
import { el, formulaNodes, pictureAddress } from '../dom';
import { ProgressBar, button, detailOf } from './common/controls';
import { LaneChart, decimal } from './common/lane_chart';
import type { IPanel, IView, Progress } from './common/model';
import { ownKeys, show } from './common/panel';

interface ISteered {
  title: string;
  unit: string;
  digits: number;
  hold: string[];
  /** Of each step, the first is where it began. */
  values: number[];
  formulas: string[];
  quantiles: number[];
  /** Why it ended; empty if it has not. */
  reason: string;
}

interface ICandidate {
  formula: string;
  atoms: number;
  group: number;
  hull: number | null;
  energy: number | null;
  interval: number[];
  origin: string | null;
  /** Id of the known crystal that it is; empty for a new one, null if that was not looked at. */
  known: string | null;
}

interface ISteering {
  targets: [name: string, title: string, unit: string, digits: number][];
  /** Of the present crystal. */
  values: Record<string, number>;
  /** So many steps can be taken. */
  most: number;
  progress: Progress | null;
  steered: ISteered | null;
  candidates: ICandidate[];
  /** The candidate that is shown, or -1. */
  shown: number;
}

interface ITraits extends IPanel<ISteering> {
  /** Drawings of the candidates. */
  pictures: string[];
}

function render({ model, el: root }: IView<ITraits>): () => void {
  ownKeys(root);

  // -- a property
  let chosen = false; // whether somebody has chosen the direction
  const direction = el(
    'select',
    {
      class: 'xc-direction',
      'aria-label': 'Lower or higher',
      onchange: () => {
        chosen = true;
      }
    },
    el('option', { value: 'lower' }, 'Lower'),
    el('option', { value: 'higher' }, 'Higher')
  );
  const target = el('select', {
    class: 'xc-target',
    'aria-label': 'Property to steer',
    onchange: () => {
      if (!chosen) {
        direction.value = target.value === 'band_gap' ? 'higher' : 'lower';
      }
      tellValue();
    }
  });
  const value = el('span', { class: 'xc-now' });
  const [elements, elementsLabel] = check(
    'the elements',
    'Every step keeps the same set of elements'
  );
  const [group, groupLabel] = check('the space group', 'Every step keeps the space group');
  const steps = el('input', {
    type: 'number',
    class: 'xc-frames',
    min: '1',
    value: '10',
    'aria-label': 'Number of steps'
  });
  const tip = 'Take steps towards it, each of them a decoded crystal';
  const run = button('start', 'Start', tip, () => {
    if (model.get('state').progress) {
      model.send({ act: 'stop' });
      return;
    }
    const hold = [
      ...(elements.checked ? ['elements'] : []),
      ...(group.checked ? ['space_group'] : [])
    ];
    model.send({
      act: 'steer',
      target: target.value,
      direction: direction.value,
      steps: Number(steps.value) || 10,
      hold
    });
  });
  const working = new ProgressBar();
  const summary = el('div', { class: 'xc-summary', role: 'status' });
  const readout = el('div', { class: 'xc-readout' });
  let over: number | null = null;
  const chart = new LaneChart({
    onHover: k => {
      over = k;
      read();
    },
    height: 60
  });

  // -- at random, and for a formula
  const wander = button('wander', 'Random step', 'A random step from here', () =>
    model.send({ act: 'wander' })
  );
  const surprise = button('surprise', 'Surprise me', "A crystal drawn from the model's prior", () =>
    model.send({ act: 'surprise' })
  );
  const formula = el('input', {
    type: 'text',
    class: 'xc-formula',
    placeholder: 'formula, such as CaTiO3',
    'aria-label': 'Formula to propose structures for; press Enter',
    onkeydown: event => {
      if (event.key === 'Enter') {
        ask();
      }
    }
  });
  const ask = () => {
    if (formula.value.trim()) {
      model.send({ act: 'propose', formula: formula.value, count: 5 });
    }
  };
  const search = 'Search latent space for crystals of this composition';
  const propose = button('propose', 'Propose structures', search, ask);
  const list = el('div', {
    class: 'xc-candidates',
    role: 'group',
    'aria-label': 'Proposed structures, lowest energy first'
  });

  root.append(
    el('div', { class: 'xc-how' }, direction, target, value),
    el(
      'div',
      { class: 'xc-how' },
      'Hold',
      elementsLabel,
      groupLabel,
      el('label', { class: 'xc-check' }, steps, ' steps'),
      run
    ),
    working.node,
    summary,
    chart.node,
    readout,
    el('div', { class: 'xc-how xc-section' }, wander, surprise),
    el('div', { class: 'xc-how xc-section' }, formula, propose),
    list,
    el(
      'div',
      { class: 'xc-note' },
      'Lowest predicted energy above hull first, or where none is predicted, lowest formation energy.'
    )
  );

  const tellValue = () => {
    const state = model.get('state');
    const of = state.targets.find(([name]) => name === target.value);
    value.textContent = of ? `now ${decimal(state.values[of[0]], of[3])} ${of[2]}` : '';
  };
  const read = () => {
    const { steered } = model.get('state');
    if (!steered) {
      return;
    }
    const last = steered.values.length - 1;
    const k = Math.min(over ?? last, last);
    show(readout, [k, steered.values, steered.formulas], () => [
      k ? `Step ${k}: ` : 'Beginning: ',
      el('b', {}, formulaNodes(steered.formulas[k])),
      ` ${decimal(steered.values[k], steered.digits)} ${steered.unit}; ` +
        `${Math.round(100 * steered.quantiles[k])} % of known crystals lie nearer to the data`
    ]);
  };
  const drawCandidate = (candidate: ICandidate, k: number, picture: string | undefined) =>
    el(
      'button',
      {
        class: 'xc-candidate',
        type: 'button',
        title: `Go to proposal ${k + 1}${candidate.origin ? `, begun from ${candidate.origin}` : ''}`,
        onclick: () => model.send({ act: 'candidate', number: k })
      },
      picture !== undefined && el('img', { alt: '', src: pictureAddress(picture) }),
      el(
        'span',
        {},
        el('b', {}, `${k + 1}. `, formulaNodes(candidate.formula)),
        ` ${candidate.atoms} atoms, space group ${candidate.group}`
      ),
      candidate.energy !== null && el('span', { class: 'xc-energy' }, energyOf(candidate)),
      candidate.hull !== null &&
        el('span', { class: 'xc-energy' }, `${decimal(candidate.hull, 3)} above hull`),
      candidate.known !== null &&
        el(
          'span',
          { class: candidate.known ? 'xc-known' : 'xc-new' },
          candidate.known ? `known: ${candidate.known}` : 'not in this atlas'
        )
    );

  const draw = () => {
    const state = model.get('state');
    const { progress, steered } = state;
    show(target, state.targets, () =>
      state.targets.map(([name, title]) => el('option', { value: name }, title.toLowerCase()))
    );
    steps.max = String(state.most);
    tellValue();
    run.textContent = progress ? 'Stop' : 'Start';
    run.setAttribute('aria-label', progress ? 'Stop after this step' : 'Start steering');
    run.disabled = !state.targets.length;
    propose.disabled = progress !== null;
    working.draw(progress, now => `${now[0]}: ${now[2]} of ${now[3]}${detailOf(now)}`);
    summary.hidden = readout.hidden = !steered;
    if (steered) {
      summary.textContent = summaryOf(steered);
      chart.draw({
        lanes: [
          {
            title: steered.title,
            unit: `${steered.unit}, at the code of each decoded crystal`,
            digits: steered.digits,
            values: steered.values
          },
          {
            title: 'Distance from the data',
            unit: 'rank among known crystals',
            digits: 2,
            values: steered.quantiles
          }
        ],
        count: steered.values.length,
        current: steered.values.length - 1,
        label: `${steered.title} at each step: ${steered.values
          .map(v => decimal(v, steered.digits))
          .join(', ')}`
      });
      read();
    } else {
      chart.draw(null);
    }
    const pictures = model.get('pictures');
    show(list, [state.candidates, pictures.length], () =>
      state.candidates.map((candidate, k) => drawCandidate(candidate, k, pictures[k]))
    );
    [...list.children].forEach((node, k) =>
      node.setAttribute('aria-current', String(k === state.shown))
    );
  };
  model.on('change:state', draw);
  model.on('change:pictures', draw);
  draw();
  return () => {
    chart.end();
    model.off('change:state', draw);
    model.off('change:pictures', draw);
  };
}

function summaryOf({ title, unit, digits, hold, values, reason }: ISteered): string {
  const [first, last] = [values[0], values.at(-1)].map(value => decimal(value, digits));
  const done = values.length - 1;
  const held = hold.length ? `, ${hold.join(' and ')} held` : '';
  const ended = reason ? `; ended: ${reason}.` : ' …';
  return `${title} ${first} → ${last} ${unit} in ${done} ${done === 1 ? 'step' : 'steps'}${held}${ended}`;
}

function energyOf({ energy, interval }: ICandidate): string {
  const ends = interval.map(x => decimal(x, 2)).join(' to ');
  return `${decimal(energy, 2)}${ends ? ` (${ends})` : ''} eV/atom`;
}

function check(text: string, title: string): [HTMLInputElement, HTMLLabelElement] {
  const box = el('input', { type: 'checkbox' });
  return [box, el('label', { class: 'xc-check', title }, box, ` ${text}`)];
}

export default { render };

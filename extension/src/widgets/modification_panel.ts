/** Changing the crystal: orbits, a periodic table, sliders, what a change did, and the smallest changes that turn an outcome. */
import { type Child, el, formulaNodes, pictureAddress } from '../dom';
import { ProgressBar, detailOf } from './common/controls';
import { decimal } from './common/lane_chart';
import type { Choice, IPanel, IView, Progress } from './common/model';
import { clear, latest, ownKeys, show, tellAwake } from './common/panel';
import { gridPlace, walkElements } from './common/periodic_table';

interface IChange {
  words: string;
  symmetry: string;
  formulas: [before: string, after: string];
  rows: [title: string, unit: string, before: string, after: string, sure: boolean | null][];
  extrapolates: boolean;
  caution: string;
}

interface ICard {
  formula: string;
  words: string;
  group: number;
  value: string;
  size: string;
  dz: string;
  beyond_error: boolean;
  extrapolates: boolean;
}

interface IFoundChanges {
  of: string;
  outcome: string;
  complete: boolean;
  /** Cards whose difference lies beyond the model's error. */
  sure: number;
  cards: ICard[];
}

type Free = [axis: string, value: number][];

interface IModification {
  awake: boolean;
  outcomes: Choice[];
  progress: Progress | null;
  change: IChange | null;
  search: IFoundChanges | null;
  idle: boolean;
  /** Of a slider, in the cell's units. */
  reach: number;
  step: number;
  trouble: string;
  formula: string;
  sites: { element: string; label: string }[];
  orbit: number;
  alone: boolean;
  loss: string;
  /** Coordinates of the chosen orbit or atom that can change; not there without a site. */
  free?: Free;
}

type Element = [symbol: string, seen: number];

interface ITraits extends IPanel<IModification> {
  /** Drawings of the counterfactuals. */
  pictures: string[];
  /** On how many orbits of the training data each element is, in order; -1 if that is not known. */
  elements: Element[];
}

const [OFTEN, HARDLY] = [50, 5]; // orbits of the training data that an element is on
const TABLE = 'Periodic table: the element to put there; arrow keys move';

function render({ model, el: root }: IView<ITraits>): () => void {
  ownKeys(root);
  const group = `xc-change-${Math.random().toString(36).slice(2)}`;
  const trouble = el('div', { class: 'xc-trouble', role: 'status' });
  const orbits = el('div', {
    class: 'xc-orbits',
    role: 'radiogroup',
    'aria-label': 'Which atoms to change'
  });
  const alone = ['The whole orbit', 'This atom only'].map((text, k) =>
    el('input', {
      type: 'radio',
      name: `${group}-alone`,
      'aria-label': text,
      onchange: () => model.send({ act: 'alone', value: Boolean(k) })
    })
  );
  const loss = el('div', { class: 'xc-loss', role: 'status' });
  const remove = el(
    'button',
    {
      class: 'xc-button xc-vacancy',
      type: 'button',
      title: 'Remove these atoms',
      onclick: () => model.send({ act: 'remove' })
    },
    'Remove'
  );
  const about = el('div', { class: 'xc-about-element', 'aria-live': 'polite' });
  const table = el('div', { class: 'xc-elements', role: 'group', 'aria-label': TABLE });
  const moves = el('div', { class: 'xc-moves' });
  const change = el('div', { class: 'xc-change-did' });
  const outcome = el('select', {
    class: 'xc-outcome',
    'aria-label': 'What the crystal is to become'
  });
  const run = el(
    'button',
    {
      class: 'xc-button xc-search',
      type: 'button',
      onclick: () => {
        if (model.get('state').progress) {
          model.send({ act: 'stop' });
        } else {
          model.send({ act: 'search', outcome: outcome.value });
        }
      }
    },
    'Find'
  );
  const working = new ProgressBar();
  const summary = el('div', { class: 'xc-summary', role: 'status' });
  const cards = el('div', {
    class: 'xc-cards',
    role: 'group',
    'aria-label': 'Changes that turn the outcome, smallest first'
  });
  root.append(
    trouble,
    el(
      'div',
      { class: 'xc-editor' },
      orbits,
      el(
        'div',
        { class: 'xc-how', role: 'radiogroup', 'aria-label': 'How much to change' },
        el('label', {}, alone[0], ' whole orbit'),
        el('label', {}, alone[1], ' this atom only'),
        remove
      ),
      loss,
      table,
      about,
      moves,
      change,
      el(
        'div',
        { class: 'xc-how xc-section' },
        el('label', {}, 'The smallest change that makes it ', outcome),
        run
      ),
      working.node,
      summary,
      cards,
      el('div', { class: 'xc-note' }, 'Predicted for edited crystals as they are, not relaxed.')
    )
  );

  // -- the periodic table: real buttons, of which one can be reached by Tab and the others by arrows
  const buttons = new Map<number, HTMLButtonElement>();
  const drawElement = ([name, seen]: Element, k: number) => {
    const z = k + 1;
    const say = () => {
      about.textContent = knowledgeOf(name, seen);
    };
    const known = seen < 0 || seen >= OFTEN;
    const rare = seen >= HARDLY;
    const css = rare ? ' xc-rare' : ' xc-hardly';
    const title = `${name}: on ${seen} orbits of the crystals that the model learned from`;
    const node = el(
      'button',
      {
        class: `xc-element${known ? '' : css}`,
        type: 'button',
        style: gridPlace(z),
        tabindex: z === 1 ? 0 : -1,
        title: seen < 0 ? name : title,
        'aria-label': known ? name : `${name}, ${rare ? 'rare' : 'hardly known to the model'}`,
        onmouseenter: say,
        onfocus: say,
        onkeydown: event => walkElements(buttons, event, z),
        onclick: () => model.send({ act: 'substitute', element: name })
      },
      name
    );
    buttons.set(z, node);
    return node;
  };

  // -- sliders of free coordinates: relative to where the drag began
  const sliders = new Map<string, { input: HTMLInputElement; readout: HTMLOutputElement }>();
  const bases = new Map<string, number>(); // where each slider is when it is not dragged
  let held: string | null = null;
  const send = latest(model, ([axis, value]: [string, number]) =>
    model.send({ act: 'move', key: axis, axis, value })
  );
  const makeSlider = (axis: string) => {
    const readout = el('output', { class: 'xc-readout' });
    let base = 0;
    const letGo = () => {
      held = null;
    };
    const input = el('input', {
      type: 'range',
      class: `xc-slider xc-move-${axis}`,
      'data-axis': axis,
      'aria-label': `Coordinate ${axis}`,
      oninput: () => {
        if (held !== axis) {
          held = axis;
          base = bases.get(axis) ?? 0;
        }
        const value = Number(input.value);
        write(axis, value);
        send([axis, Number((value - base).toFixed(4))]);
      },
      onchange: letGo,
      onblur: letGo,
      onkeydown: event => {
        if (event.key !== 'Tab') {
          event.stopPropagation();
        }
      }
    });
    sliders.set(axis, { input, readout });
    return el('label', { class: 'xc-move-row' }, el('span', {}, axis), input, readout);
  };
  const write = (axis: string, value: number) => {
    const slider = sliders.get(axis);
    if (slider) {
      slider.readout.textContent = decimal(value, 3);
      slider.input.setAttribute('aria-valuetext', `${value.toFixed(3)} of the cell`);
    }
  };
  const drawSliders = (state: IModification, free: Free) => {
    const axes = free.map(([axis]) => axis);
    show(moves, [state.formula, state.orbit, state.alone, axes], () => {
      held = null;
      sliders.clear();
      return axes.length
        ? axes.map(makeSlider)
        : el(
            'div',
            { class: 'xc-note' },
            'Symmetry fixes where these atoms are: there is nothing to slide.'
          );
    });
    for (const [axis, value] of free) {
      const input = sliders.get(axis)?.input;
      if (!input || held === axis || !state.idle) {
        continue;
      }
      input.min = (value - state.reach).toFixed(4);
      input.max = (value + state.reach).toFixed(4);
      input.step = String(state.step);
      input.value = String(value);
      bases.set(axis, value);
      write(axis, value);
    }
  };

  const drawCard = (card: ICard, k: number, of: string, picture: string | undefined) =>
    el(
      'button',
      {
        class: `xc-card${card.beyond_error ? '' : ' xc-unsure'}`,
        type: 'button',
        title: `Change ${of} so`,
        onclick: () => model.send({ act: 'take', number: k })
      },
      picture !== undefined && el('img', { alt: '', src: pictureAddress(picture) }),
      el(
        'span',
        {},
        el('b', {}, `${k + 1}. `, formulaNodes(card.formula)),
        `, group ${card.group}`
      ),
      el('span', {}, card.words),
      el('span', { class: 'xc-energy' }, card.value),
      el('span', { class: 'xc-soft' }, `size ${card.size}, |dz| ${card.dz}`),
      el(
        'span',
        { class: card.beyond_error ? 'xc-sure' : 'xc-soft' },
        card.beyond_error ? 'beyond the error' : 'within the error'
      ),
      card.extrapolates && el('span', { class: 'xc-warn' }, 'extrapolation')
    );
  const drawFound = (search: IFoundChanges | null) => {
    summary.hidden = cards.hidden = !search;
    if (!search) {
      clear(cards);
      return;
    }
    summary.textContent = summaryOf(search);
    const pictures = model.get('pictures');
    show(cards, [search, pictures.length], () =>
      search.cards.map((card, k) => drawCard(card, k, search.of, pictures[k]))
    );
  };

  const draw = () => {
    const state = model.get('state');
    const elements = model.get('elements');
    const { progress } = state;
    show(table, elements, () => {
      buttons.clear();
      return elements.map(drawElement);
    });
    trouble.hidden = !state.trouble;
    trouble.textContent = state.trouble;
    show(outcome, state.outcomes, () =>
      state.outcomes.map(([name, text]) => el('option', { value: name }, text))
    );
    show(orbits, state.sites, () =>
      state.sites.map((site, k) =>
        el(
          'label',
          { class: 'xc-orbit' },
          el('input', {
            type: 'radio',
            name: `${group}-orbit`,
            value: String(k),
            onchange: () => model.send({ act: 'orbit', value: k })
          }),
          el('span', {}, site.label)
        )
      )
    );
    for (const radio of orbits.querySelectorAll('input')) {
      radio.checked = Number(radio.value) === state.orbit;
    }
    alone.forEach((radio, k) => {
      radio.checked = state.alone === Boolean(k);
    });
    const site = state.sites.at(state.orbit);
    for (const node of [remove, ...buttons.values()]) {
      node.disabled = !site;
    }
    for (const [z, node] of buttons) {
      node.setAttribute('aria-current', String(site?.element === elements[z - 1][0]));
    }
    loss.textContent = state.loss;
    loss.hidden = !state.loss;
    if (site && state.free) {
      drawSliders(state, state.free);
    } else {
      clear(moves);
    }
    change.hidden = !state.change;
    show(change, state.change, () => state.change && drawChange(state.change));
    run.textContent = progress ? 'Stop' : 'Find';
    run.disabled = !site && !progress;
    working.draw(progress, now => `${now[0]}: ${now[2]} of ${now[3]} tried${detailOf(now)}`);
    drawFound(state.search);
  };
  // what is only scrolled away goes on, since atoms are clicked elsewhere
  const unwatch = tellAwake(root, model);
  const traits = ['change:state', 'change:pictures', 'change:elements'] as const;
  traits.forEach(name => model.on(name, draw));
  draw();
  return () => {
    unwatch();
    traits.forEach(name => model.off(name, draw));
  };
}

/** How well the model knows an element, in words. */
export function knowledgeOf(name: string, seen: number): string {
  if (seen < 0) {
    return name;
  }
  if (seen >= OFTEN) {
    return `${name}: on ${seen.toLocaleString('en')} orbits of the crystals that the model learned from.`;
  }
  if (seen >= HARDLY) {
    return `${name}: rare, on only ${seen} orbits of the crystals that the model learned from.`;
  }
  const orbits = `${seen} ${seen === 1 ? 'orbit' : 'orbits'}`;
  return `${name}: the model hardly knows it (${orbits}), so what it says is a guess.`;
}

/** What a search found, in words. */
export function summaryOf({ of, outcome, sure, complete, cards }: IFoundChanges): string {
  if (!cards.length) {
    const soFar = complete ? '' : ' so far';
    return `${of} to ${outcome}: no single substitution or small strain is predicted to do it${soFar}.`;
  }
  const count = cards.length;
  const many = `${count} ${count === 1 ? 'counterfactual' : 'counterfactuals'}, smallest first`;
  const more = `; ${sure} beyond the model's error`;
  const stopped = complete ? '' : '; the search was stopped';
  return `${of} to ${outcome}: ${many}${more}${stopped}.`;
}

function drawChange(did: IChange): Child {
  const [before, after] = did.formulas;
  const differs = (sure: boolean) => (sure ? 'differs' : 'within the error');
  return [
    el(
      'div',
      {},
      el('b', {}, formulaNodes(before), ' → ', formulaNodes(after)),
      ` ${did.words}. ${did.symmetry}`
    ),
    (did.extrapolates || did.caution !== '') &&
      el(
        'div',
        { class: 'xc-warn' },
        did.extrapolates && 'Extrapolation: far from what the model knows. ',
        did.caution
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
          ['Predicted (90 %)', 'before', 'after', ''].map(text => el('th', { scope: 'col' }, text))
        )
      ),
      el(
        'tbody',
        {},
        did.rows.map(([title, unit, old, now, sure]) =>
          el(
            'tr',
            {},
            el('th', { scope: 'row' }, title),
            el('td', {}, old),
            el('td', {}, `${now} ${unit}`),
            el('td', { class: 'xc-soft' }, sure !== null && differs(sure))
          )
        )
      )
    )
  ];
}

export default { render };

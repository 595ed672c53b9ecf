/**
 * How the model decodes: its choices as a list, each with what else was likely; a crystal that grows as one steps
 * through them; a click on another choice lets the model go on from there.
 */
import { el, formulaNodes, pictureAddress, spaceGroupNodes } from '../dom';
import { button } from './common/controls';
import type { IPanel, IView } from './common/model';
import { ownKeys, show, tellAwake } from './common/panel';
import { type IShares, shareBars } from './common/share_bars';

interface IAlternative {
  text: string;
  p: number;
  percent: string;
  taken: boolean;
}

export interface IDecodeStep {
  name: string;
  /** Counted from 1; 0 where it is about no orbit. */
  orbit: number;
  /** Whether the orbit is part of the crystal from this step on. */
  placed: boolean;
  taken: string;
  overruled: boolean;
  /** Its probability in words; empty if it has none. */
  p: string;
  /** Empty where there is nothing to choose. */
  alternatives: IAlternative[];
}

interface IDecode {
  awake: boolean;
  /** Whether a drag is going on, or nobody has looked yet. */
  waiting: boolean;
  said: string;
  /** Where something else is shown than these steps lead to. */
  refined: string;
  overruled: number;
  formula: string;
  /** Log-likelihood of the decode. */
  total: string;
  steps: IDecodeStep[];
  why: (IShares & { step: string }) | null;
}

interface IDecodePanel extends IPanel<IDecode> {
  pictures: string[];
}

function render({ model, el: root }: IView<IDecodePanel>): () => void {
  ownKeys(root);
  let current = Infinity; // the step up to which the crystal is drawn; the last one unless somebody steps
  let drawn = '';

  const at = () => Math.min(current, model.get('state').steps.length - 1);
  const go = (to: number) => {
    const { steps } = model.get('state');
    current = Math.max(0, Math.min(to, steps.length - 1));
    mark();
  };
  const back = button('step-back', '◀', 'One step back', () => go(at() - 1));
  const next = button('step-next', '▶', 'One step forward', () => go(at() + 1));
  back.setAttribute('aria-label', 'One step back');
  next.setAttribute('aria-label', 'One step forward');
  const place = el('input', {
    type: 'range',
    class: 'xc-decode-place',
    min: '0',
    step: '1',
    'aria-label': 'Step of the decode',
    oninput: () => go(Number(place.value))
  });
  const count = el('output', { class: 'xc-decode-count' });
  const greedy = button(
    'greedy',
    'Show the greedy decode',
    'Show what comes out if the most probable choice is taken at each step',
    () => model.send({ act: 'greedy' })
  );
  const said = el('div', { class: 'xc-decode-said' });
  const refined = el('div', { class: 'xc-decode-refined', role: 'status' });
  const picture = el('img', { class: 'xc-decode-picture', alt: '' });
  const sofar = el('div', { class: 'xc-decode-sofar', 'aria-live': 'polite' });
  const list = el('ol', {
    class: 'xc-decode-steps',
    'aria-label': 'Choices of the model, in order'
  });
  const why = el('div', {
    class: 'xc-decode-why',
    role: 'region',
    'aria-label': 'Why this choice'
  });
  root.append(
    said,
    refined,
    el('div', { class: 'xc-decode-bar' }, back, place, next, count, greedy),
    el('div', { class: 'xc-decode-now' }, picture, sofar),
    why,
    list,
    el(
      'div',
      { class: 'xc-note' },
      'The latent vector and what is predicted from it stay as they are when a choice is overruled; nothing is relaxed.'
    )
  );

  const drawStep = (step: IDecodeStep, k: number) =>
    el(
      'li',
      { class: 'xc-decode-step', 'data-step': k },
      el(
        'span',
        { class: 'xc-decode-name' },
        el(
          'button',
          {
            class: 'xc-link xc-decode-go',
            type: 'button',
            title: 'Go to this step',
            onclick: () => go(k)
          },
          step.name
        ),
        step.overruled && el('b', { class: 'xc-decode-overruled' }, ' overruled')
      ),
      step.alternatives.length
        ? el(
            'span',
            {
              class: 'xc-decode-choices',
              role: 'group',
              'aria-label': `Choices of the ${step.name}`
            },
            step.alternatives.map(one => drawAlternative(step, one))
          )
        : el(
            'span',
            { class: 'xc-decode-taken' },
            step.taken,
            step.p && el('small', {}, ` ${step.p}`)
          ),
      step.alternatives.length > 1
        ? button('decode-ask', 'Why?', `Why ${step.taken} as the ${step.name}?`, () =>
            model.send({ act: 'why', step: step.name })
          )
        : el('span')
    );

  const drawAlternative = (step: IDecodeStep, { text, p, percent, taken }: IAlternative) =>
    el(
      'button',
      {
        class: 'xc-decode-choice',
        type: 'button',
        'aria-pressed': String(taken),
        'aria-label': `${text}, ${percent}${taken ? ', taken' : ''}`,
        title: taken ? `${text} was taken` : `Take ${text} as the ${step.name}, and decode on`,
        onclick: () => {
          if (!taken) {
            model.send({ act: 'overrule', step: step.name, choice: text });
          }
        }
      },
      el('span', { class: 'xc-decode-text' }, taken ? '✓\u2009' : '', choiceNodes(text)),
      el('small', {}, percent),
      el('i', { class: 'xc-decode-p', style: `width:${Math.max(100 * p, 0.5)}%` })
    );

  const mark = () => {
    const { steps, formula } = model.get('state');
    const k = at();
    place.max = String(Math.max(steps.length - 1, 0));
    place.value = String(k);
    back.disabled = k <= 0;
    next.disabled = k >= steps.length - 1;
    count.textContent = steps.length ? `${k + 1} of ${steps.length}` : '';
    const step = steps[k] as IDecodeStep | undefined;
    place.setAttribute('aria-valuetext', step ? `${step.name}: ${step.taken}` : '');
    const orbits = steps.slice(0, k + 1).filter(one => one.placed).length;
    const pictures = model.get('pictures');
    picture.style.visibility = orbits ? '' : 'hidden';
    const address = orbits ? pictures.at(orbits - 1) : undefined;
    if (address !== undefined && drawn !== address) {
      drawn = address;
      picture.src = pictureAddress(address);
    }
    show(sofar, [step, orbits, formula], () => [
      step && el('div', {}, `${step.name}: `, el('b', {}, step.taken)),
      steps.length > 0 && k === steps.length - 1
        ? el('div', {}, 'Done: ', formulaNodes(formula))
        : el('div', {}, orbits === 1 ? '1 orbit so far' : `${orbits} orbits so far`)
    ]);
    [...list.children].forEach((row, n) => {
      row.classList.toggle('xc-decode-later', n > k);
      row.setAttribute('aria-current', n === k ? 'step' : 'false');
    });
  };

  let key = '';
  const draw = () => {
    const state = model.get('state');
    root.classList.toggle('xc-decode-waiting', state.waiting);
    if (state.waiting) {
      return; // what was there stays, faded, until the session is idle
    }
    const now = JSON.stringify(state.steps);
    if (now !== key) {
      key = now;
      current = Infinity;
    }
    said.textContent =
      state.said || `${state.steps.length} steps, log-likelihood ${state.total} nats.`;
    refined.textContent = state.refined;
    greedy.hidden = !state.refined && !state.overruled;
    show(list, state.steps, () => state.steps.map(drawStep));
    why.hidden = !state.why;
    show(why, state.why, () => [
      state.why && shareBars(state.why),
      state.why &&
        button('decode-close', 'Close', 'Close this explanation', () =>
          model.send({ act: 'close' })
        )
    ]);
    mark();
  };
  const ended = tellAwake(root, model);
  model.on('change:state', draw);
  model.on('change:pictures', mark);
  draw();
  return () => {
    ended();
    model.off('change:state', draw);
    model.off('change:pictures', mark);
  };
}

/** A choice as it is written; a space group by its symbol, which stands in brackets behind its number. */
function choiceNodes(text: string): (Node | string)[] {
  const group = /^\d+ \((.+)\)$/.exec(text);
  return group ? spaceGroupNodes(group[1]) : [text];
}

export default { render };

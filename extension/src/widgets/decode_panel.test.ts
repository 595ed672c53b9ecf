/** The Decode tab: what it draws of each step, how one steps through, and what a click sends. */
import { modelFor } from '../../testing/model';
import { el } from '../dom';
import decode, { type IDecodeStep } from './decode_panel';

const EVIL = '<img src=x onerror="window.evil = 1">';

function step(name: string, orbit: number, taken: string, others: string[] = []): IDecodeStep {
  const texts = others.length ? [taken, ...others] : [];
  return {
    name,
    orbit,
    placed: name.startsWith('element'),
    taken,
    overruled: false,
    p: '90 %',
    alternatives: texts.map((text, k) => ({
      text,
      p: k ? 0.05 : 0.9,
      percent: k ? '5 %' : '90 %',
      taken: text === taken
    }))
  };
}

const STATE = {
  answered: 0,
  awake: true,
  waiting: false,
  said: '',
  refined: '',
  overruled: 0,
  formula: 'NaCl',
  total: '−1.00',
  steps: [
    step('space group', 0, '225 (Fm-3m)', ['221 (Pm-3m)']),
    step('position of orbit 1', 1, '4a', ['4b']),
    step('element of orbit 1', 1, 'Na', ['K', EVIL]),
    step('cell', 0, 'a 5.64 Å')
  ],
  why: null as null | {
    step: string;
    said: string;
    toward: string;
    against: string;
    rows: { label: string; share: number; text: string }[];
  }
};

beforeAll(() => {
  globalThis.ResizeObserver = class {
    observe() {}
    unobserve() {}
    disconnect() {}
  };
});

function rendered() {
  const root = el('div');
  document.body.replaceChildren(root);
  const model = modelFor(decode.render, { state: STATE, pictures: ['<svg/>'] });
  decode.render({ model, el: root });
  const rows = () => [...root.querySelectorAll('.xc-decode-step')];
  const click = (selector: string, k = 0) =>
    root.querySelectorAll<HTMLElement>(selector)[k].click();
  return { root, model, rows, click };
}

describe('the Decode tab', () => {
  it('marks what was taken, in words and by a sign, and writes names as text', () => {
    const { root, rows } = rendered();
    expect(rows()).toHaveLength(4);
    const [taken, other] = rows()[0].querySelectorAll('.xc-decode-choice');
    expect(taken.getAttribute('aria-pressed')).toBe('true');
    expect(taken.getAttribute('aria-label')).toBe('225 (Fm-3m), 90 %, taken');
    expect(taken.textContent).toContain('✓');
    expect(other.getAttribute('aria-pressed')).toBe('false');
    expect(root.querySelector('ol img')).toBeNull();
    expect(root.querySelector('.xc-decode-said')?.textContent).toContain('−1.00 nats');
  });

  it('goes back and forth step by step, and the crystal grows', () => {
    const { root, rows, click } = rendered();
    const current = () => rows().findIndex(row => row.getAttribute('aria-current') === 'step');
    const picture = root.querySelector<HTMLElement>('.xc-decode-picture');
    expect(current()).toBe(3);
    expect(picture?.style.visibility).toBe('');
    click('.xc-step-back');
    click('.xc-step-back');
    expect(current()).toBe(1);
    expect(picture?.style.visibility).toBe('hidden'); // no element yet
    expect(rows().filter(row => row.classList.contains('xc-decode-later'))).toHaveLength(2);
    click('.xc-step-next');
    expect(picture?.style.visibility).toBe('');
    expect(root.querySelector('.xc-decode-sofar')?.textContent).toContain('1 orbit so far');
    click('.xc-decode-go');
    expect(current()).toBe(0);
    expect(root.querySelector<HTMLButtonElement>('.xc-step-back')?.disabled).toBe(true);
  });

  it('asks for another choice, never for the one that was taken, and for reasons', () => {
    const { root, model, click } = rendered();
    click('.xc-decode-choice', 0);
    click('.xc-decode-choice', 1);
    click('.xc-decode-ask', 2);
    expect(model.sent).toEqual([
      { act: 'overrule', step: 'space group', choice: '221 (Pm-3m)' },
      { act: 'why', step: 'element of orbit 1' }
    ]);
    expect(root.querySelector<HTMLElement>('.xc-decode-why')?.hidden).toBe(true);
    model.set('state', {
      ...STATE,
      why: {
        step: 'element of orbit 1',
        said: EVIL,
        toward: 'Na',
        against: 'K',
        rows: [
          { label: 'principal 1', share: 1, text: '+2.00' },
          { label: 'principal 2', share: -0.5, text: '−1.00' }
        ]
      }
    });
    expect(root.querySelectorAll('.xc-share')).toHaveLength(2);
    expect(root.querySelector<HTMLElement>('.xc-share-against')?.style.left).toBe('25%');
    expect(root.querySelector('.xc-decode-why img')).toBeNull();
  });

  it('offers the greedy decode where something else is shown', () => {
    const { root, model, click } = rendered();
    const greedy = root.querySelector<HTMLElement>('.xc-greedy');
    expect(greedy?.hidden).toBe(true);
    model.set('state', { ...STATE, refined: 'What is shown was found by a search.' });
    expect(greedy?.hidden).toBe(false);
    click('.xc-greedy');
    expect(model.sent).toEqual([{ act: 'greedy' }]);
  });
});

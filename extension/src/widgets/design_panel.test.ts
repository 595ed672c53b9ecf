/** The design panel: ranges and elements that are counted, a search that can be stopped, and candidates as cards. */
import { modelFor } from '../../testing/model';
import { el } from '../dom';
import design, { chosenWords, countWords, sorted } from './design_panel';

const EVIL = '<img src=x onerror="window.evil = 1">';
const DATA = {
  properties: [['band_gap', 'Band gap', 'eV', 0, 8, [1, 0.5, 0.25, 0.1]]] as [
    string,
    string,
    string,
    number,
    number,
    number[]
  ][],
  elements: ['H', 'He', 'Li'],
  systems: ['cubic'],
  points: [] as [number, number][]
};
const CARD = {
  formula: EVIL,
  group: 'Fm-3m (225)',
  rows: [['Band gap', '2.00 (1.00 to 3.00)', 'eV']] as [string, string, string][],
  values: { band_gap: 2, formation_energy_per_atom: -1 },
  inside: true,
  above: '+0.12',
  judge: 'CHGNet',
  exchanged: true,
  below: true,
  chance: '40 %',
  nearest: 'NaCl (mp-1), 3.2',
  known: '',
  valid: false,
  far: true
};

function stateWith(more: object) {
  return {
    answered: 0,
    awake: true,
    most: 50,
    obstacle: '',
    count: null as number | null,
    trouble: '',
    caution: '',
    progress: null,
    wanted: '',
    cards: [],
    shown: -1,
    ...more
  };
}

function draw(more: object = {}) {
  const root = el('div');
  document.body.replaceChildren(el('div', { class: 'xc-explorer' }, root));
  const model = modelFor(design.render, { state: stateWith(more), data: DATA, pictures: [] });
  return { root, model, end: design.render({ model, el: root }) };
}

const find = <E extends HTMLElement>(root: Element, selector: string) => {
  const found = root.querySelector<E>(selector);
  if (!found) {
    throw new Error(`There is no ${selector}.`);
  }
  return found;
};

function type(input: HTMLInputElement, value: string): void {
  input.value = value;
  input.dispatchEvent(new Event('input', { bubbles: true }));
}

describe('candidates', () => {
  it('are sorted by a property, unknown values last', () => {
    const cards = [{ values: { gap: 3 } }, { values: {} }, { values: { gap: 1 } }];
    expect(sorted(cards, 'gap')).toEqual([2, 0, 1]);
    expect(sorted(cards, '')).toEqual([0, 1, 2]);
  });

  it('are marks of the diagram, which go to them', () => {
    const energy: (typeof DATA.properties)[number] = [
      'formation_energy_per_atom',
      'Formation energy',
      'eV/atom',
      -4,
      1,
      [1]
    ];
    const { root, model, end } = draw({ cards: [CARD] });
    model.set('data', { ...DATA, properties: [...DATA.properties, energy], points: [[1, -1]] });
    const mark = find<HTMLElement>(root, '.xc-mark');
    mark.dispatchEvent(new Event('click'));
    expect(model.sent.at(-1)).toEqual({ act: 'candidate', number: 0 });
    expect(root.querySelectorAll('.xc-point')).toHaveLength(1);
    expect(root.querySelector('.xc-diagram img')).toBeNull();
    end();
  });
});

describe('what is wanted', () => {
  it('is counted as it is typed, and colours the histogram', () => {
    const { root, model, end } = draw();
    type(find(root, '.xc-end[aria-label="Band gap, lowest"]'), '4');
    expect(model.sent.at(-1)).toMatchObject({ act: 'count', band_gap: [4, null], require: [] });
    expect(root.querySelectorAll('.xc-bin.xc-in')).toHaveLength(2);
    end();
  });

  it('goes from required to excluded to neither by presses of an element', () => {
    const { root, model, end } = draw();
    const lithium = find<HTMLButtonElement>(root, '.xc-element[aria-label="Li"]');
    lithium.click();
    expect(model.sent.at(-1)).toMatchObject({ act: 'count', require: ['Li'], exclude: [] });
    expect(lithium.getAttribute('aria-label')).toBe('Li, required');
    lithium.click();
    expect(lithium.getAttribute('aria-label')).toBe('Li, excluded');
    expect(find(root, '.xc-chosen').textContent).toBe('without Li');
    lithium.click();
    expect(lithium.getAttribute('aria-label')).toBe('Li');
    end();
  });

  it('can be nothing but the required elements only once there are some', () => {
    const { root, model, end } = draw();
    const box = find<HTMLInputElement>(root, '.xc-nothing-else');
    expect(box.disabled).toBe(true);
    find(root, '.xc-element[aria-label="Li"]').click();
    expect(box.disabled).toBe(false);
    box.click();
    model.set('state', stateWith({ answered: 1 }));
    expect(model.sent.at(-1)).toMatchObject({ require: ['Li'], only: ['Li'] });
    end();
  });

  it('is looked for only if it can be, and the search can be stopped', () => {
    const { root, model, end } = draw();
    const run = find<HTMLButtonElement>(root, '.xc-run-design');
    expect(run.disabled).toBe(true);
    model.set('state', stateWith({ count: 12 }));
    expect(run.disabled).toBe(false);
    expect(find(root, '.xc-count').textContent).toBe('12 known crystals fit');
    run.click();
    expect(model.sent.at(-1)).toMatchObject({ act: 'design', count: 12 });
    model.set('state', stateWith({ count: 12, progress: ['Designing', '256 drawn', 20, 100] }));
    expect(run.textContent).toBe('Stop');
    expect(find(root, '.xc-working').textContent).toContain('256 drawn');
    run.click();
    expect(model.sent.at(-1)).toEqual({ act: 'end' });
    end();
  });
});

describe('candidates', () => {
  it('are cards whose texts stay text, and lead to their crystals', () => {
    const { root, model, end } = draw({ cards: [CARD, CARD], shown: 1, wanted: EVIL, count: 3 });
    expect(root.querySelector('img')).toBeNull();
    const cards = [...root.querySelectorAll<HTMLElement>('.xc-candidate')];
    expect(cards.map(card => card.getAttribute('aria-current'))).toEqual(['false', 'true']);
    expect(cards[0].textContent).toContain('2.00 (1.00 to 3.00)');
    expect(cards[0].textContent).toContain('charges do not balance');
    expect(cards[0].textContent).toContain('extrapolation');
    cards[0].click();
    expect(model.sent).toEqual([{ act: 'candidate', number: 0 }]);
    end();
  });
});

describe('words', () => {
  it('tell one from many, and what to do first', () => {
    expect(countWords(1)).toBe('1 known crystal fits');
    expect(countWords(4018)).toBe('4,018 known crystals fit');
    expect(chosenWords([], [])).toContain('Press an element');
    expect(chosenWords(['O'], ['Pb'])).toBe('with O; without Pb');
  });
});

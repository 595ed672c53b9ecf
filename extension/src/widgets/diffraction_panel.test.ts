/** The diffraction panel: curves, peaks that explain themselves, a file of the user's, and matches. */
import { modelFor } from '../../testing/model';
import { el } from '../dom';
import { type ICurve, type IFound, PatternChart, peakWords, ticks } from './common/pattern_chart';
import diffraction from './diffraction_panel';

const EVIL = '<img src=x onerror="window.evil = 1">';
const SALT: ICurve = {
  name: 'NaCl',
  group: 'Fm3̅m',
  second: false,
  y: [0, 0, 100, 0, 1000, 0, 0, 600, 0, 0],
  peaks: [
    [27.4, 3.26, 8.5, '111', 8],
    [31.7, 2.82, 100, '200', 6],
    [45.5, 1.99, 66.1, '220', 12],
    [53.9, 1.7, 0.2, '311', 24]
  ]
};
const MEASURED: ICurve = { name: EVIL, group: '', second: true, y: [-1, 5, 900, -1], peaks: [] };
const PATTERNS = {
  title: '2θ (degrees)',
  span: [20, 60] as [number, number],
  curves: [SALT, MEASURED],
  none: ''
};

function stateWith(more: object) {
  return {
    answered: 0,
    awake: true,
    sources: [['CuKa', 'Cu Kα, 1.542 Å']] as [string, string][],
    source: 'CuKa',
    unit: 'two_theta',
    fwhm: 0.2,
    size: 0,
    choices: [
      ['', 'nothing'],
      ['measured', `measured: ${EVIL}`]
    ] as [string, string][],
    second: '',
    measured: null,
    patterns: null,
    trouble: '',
    progress: null,
    busy: false,
    matches: null,
    ...more
  };
}

function draw(more: object = {}) {
  const root = el('div');
  document.body.replaceChildren(el('div', { class: 'xc-explorer' }, root));
  const model = modelFor(diffraction.render, { state: stateWith(more), pictures: [] });
  return { root, model, end: diffraction.render({ model, el: root }) };
}

function press(target: Element | null, key: string): void {
  target?.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }));
}

const find = <E extends HTMLElement>(root: Element, selector: string) => {
  const found = root.querySelector<E>(selector);
  if (!found) {
    throw new Error(`There is no ${selector}.`);
  }
  return found;
};

describe('the chart', () => {
  it('draws each pattern in a way of its own', () => {
    const chart = new PatternChart(() => undefined);
    chart.draw({ ...PATTERNS, curves: [SALT, { ...SALT, second: true }] });
    const first = chart.node.querySelector('.xc-pattern-first');
    const second = chart.node.querySelector('.xc-pattern-second');
    expect(first?.getAttribute('stroke-dasharray')).toBeNull();
    expect(second?.getAttribute('stroke-dasharray')).toBe('5 3');
    expect(chart.node.querySelectorAll('.xc-pattern-marks')).toHaveLength(2);
    chart.draw(PATTERNS);
    // what was not measured has no dot
    expect(
      chart.node.querySelector('.xc-pattern-measured')?.getAttribute('d')?.match(/M/g)
    ).toHaveLength(2);
    expect(chart.node.querySelector('img')).toBeNull();
    chart.end();
  });

  it('is walked through by arrow keys, past what is too weak', () => {
    const heard: (IFound | null)[] = [];
    const chart = new PatternChart(found => heard.push(found));
    chart.draw(PATTERNS);
    for (const key of ['ArrowRight', 'ArrowRight', 'End', 'ArrowRight', 'Home', 'ArrowLeft', 'x']) {
      press(chart.node, key);
    }
    expect(heard.slice(1).map(found => found?.peak[3])).toEqual([
      '111',
      '200',
      '220',
      '220',
      '111',
      '111'
    ]);
    expect(chart.node.getAttribute('aria-valuetext')).toBe(
      'NaCl 111: 2θ = 27.40°, d = 3.2600 Å, multiplicity 8, intensity 8.5 %'
    );
    expect(chart.node.getAttribute('aria-valuemax')).toBe('3');
  });

  it('becomes a picture without what follows the pointer', () => {
    const chart = new PatternChart(() => undefined);
    expect(chart.picture()).toBe('');
    chart.draw(PATTERNS);
    press(chart.node, 'Home');
    const picture = new DOMParser().parseFromString(chart.picture(), 'image/svg+xml');
    expect(picture.querySelector('parsererror')).toBeNull();
    expect(picture.querySelector('.xc-pattern-first')).not.toBeNull();
    expect(picture.querySelector('.xc-pattern-pointer')).toBeNull();
    expect(chart.node.querySelector('.xc-pattern-pointer')).not.toBeNull();
  });

  it.each([
    [[5, 90], 5, [20, 40, 60, 80]],
    [[0.4, 2.1], 4, [0.5, 1, 1.5, 2]]
  ] as const)('has round numbers from %j', (span, most, expected) => {
    expect(ticks([span[0], span[1]], most)).toEqual(expected);
  });

  it('says q where the axis is q', () => {
    expect(peakWords({ curve: SALT, peak: [2.23, 2.82, 100, '200', 6] }, 'q (1/Å)')).toContain(
      'q = 2.23 1/Å'
    );
  });
});

describe('the diffraction panel', () => {
  it('says where the focus is, and what cannot be shown', () => {
    const { root, model, end } = draw({ patterns: PATTERNS });
    press(root.querySelector('.xc-pattern'), 'Home');
    expect(root.querySelector('.xc-readout')?.textContent).toContain('NaCl 111');
    model.set('state', stateWith({ patterns: { ...PATTERNS, curves: [], none: EVIL } }));
    expect(root.querySelector('.xc-note')?.textContent).toBe(EVIL);
    expect(find<HTMLButtonElement>(root, '.xc-pattern-svg').disabled).toBe(true);
    expect(root.querySelector('img')).toBeNull();
    end();
    expect(model.heard).toBe(0);
  });

  it('asks for another view', () => {
    const { root, model, end } = draw();
    const second = find<HTMLSelectElement>(root, '.xc-diffraction-second');
    second.value = 'measured';
    second.dispatchEvent(new Event('change'));
    const width = find<HTMLInputElement>(root, '.xc-diffraction-fwhm');
    width.value = '0.5';
    width.dispatchEvent(new Event('change'));
    expect(model.sent).toEqual([
      { act: 'show', second: 'measured' },
      { act: 'show', fwhm: '0.5' }
    ]);
    end();
  });

  it('searches once there is a measured pattern, and stops', () => {
    const { root, model, end } = draw();
    const button = find<HTMLButtonElement>(root, '.xc-pattern-find');
    const elements = find<HTMLInputElement>(root, '.xc-diffraction-elements');
    elements.value = 'Na Cl';
    press(elements, 'Enter');
    expect(button.disabled).toBe(true);
    expect(model.sent).toEqual([]);
    model.set('state', stateWith({ measured: EVIL }));
    press(elements, 'Enter');
    model.set('state', stateWith({ measured: EVIL, busy: true, progress: ['Crystals', '', 3, 9] }));
    expect(button.textContent).toBe('Stop');
    button.click();
    expect(model.sent).toEqual([
      { act: 'identify', elements: 'Na Cl', formula: '' },
      { act: 'stop' }
    ]);
    end();
  });

  it('lists matches, which lead to their crystals', () => {
    const row = {
      formula: 'SiO2',
      group: '152 P3_121',
      similarity: '0.953',
      score: '0.941',
      id: 'mp-7000',
      origin: '',
      zero: '−0.04',
      volume: '12.50',
      shown: true
    };
    const matches = { said: EVIL, rows: [row, { ...row, id: null, origin: 'mp-1', shown: false }] };
    const { root, model, end } = draw({ matches });
    const cards = [...root.querySelectorAll<HTMLElement>('.xc-match')];
    expect(cards.map(card => card.getAttribute('aria-current'))).toEqual(['true', 'false']);
    expect(cards[0].textContent).toContain('mp-7000');
    expect(cards[1].textContent).toContain('proposed, from mp-1');
    cards[1].click();
    expect(model.sent).toEqual([{ act: 'match', number: 1 }]);
    end();
  });
});

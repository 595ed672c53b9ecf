/** What single widgets send, say and draw. */
import { modelFor } from '../../testing/model';
import { el } from '../dom';
import { PIN_TYPE } from '../latentspace/registry';
import disorder from './disorder_panel';
import facts from './facts_panel';
import history, { actionOf } from './history_panel';
import { shareOf } from './attribution_panel';
import { percent } from './concept_panel';
import mapLayer, { type ILabel, chooseLabels, contains, shareOf as shareOfAxis } from './map_layer';
import { knowledgeOf, summaryOf } from './modification_panel';
import { runsOf } from './path_panel';
import pins, { dropAt } from './pins_panel';
import search from './search_panel';
import sliders from './slider_panel';
import structure, { atomChoices } from './structure_controls';
import tabs from './tabs';
import toolbar from './toolbar';

const EVIL = '<img src=x onerror="window.evil = 1">';

/** The root of a widget within an explorer of the page. */
function rootIn(css = ''): HTMLElement {
  const root = el('div');
  document.body.replaceChildren(
    el('div', { class: 'xc-explorer' }, el('div', { class: css }, root))
  );
  return root;
}

function press(target: Element, key: string, more: KeyboardEventInit = {}): void {
  target.dispatchEvent(
    new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true, ...more })
  );
}

describe('names of files stay text', () => {
  it('in the toolbar', () => {
    const root = rootIn();
    const model = modelFor(toolbar.render, {
      state: {
        answered: 0,
        formula: EVIL,
        label: EVIL,
        message: EVIL,
        mode: 'beginner',
        modes: ['beginner'],
        projector: false
      }
    });
    toolbar.render({ model, el: root })();
    expect(root.querySelector('img')).toBeNull();
    expect(root.querySelector('.xc-message')?.textContent).toBe(EVIL);
    expect(root.querySelector('.xc-label')?.textContent).toBe(`${EVIL} ${EVIL}`);
  });

  it('and a kernel that begins anew is said, once it has answered', () => {
    const root = rootIn();
    const model = modelFor(toolbar.render, {
      state: {
        answered: 0,
        formula: 'NaCl',
        label: '',
        message: '',
        mode: 'beginner',
        modes: ['beginner'],
        projector: false
      }
    });
    const end = toolbar.render({ model, el: root });
    const said = () => root.querySelector('.xc-message')?.textContent;
    model.restart();
    expect(said()).toBe(''); // of a page without a kernel, which shows its still picture
    model.say({ type: 'here', identity: 'a' });
    model.restart();
    expect(said()).toMatch(/^The kernel has ended or begun anew/);
    expect(root.closest<HTMLElement>('.xc-explorer')?.dataset.ended).toBe('true');
    end();
    expect(model.heard).toBe(0);
  });

  it('of a disordered crystal, whose approximants are listed and gone to', () => {
    const root = rootIn();
    const state = {
      answered: 0,
      disordered: EVIL,
      progress: null as [string, string, number, number] | null,
      of: EVIL,
      properties: ['Band gap (eV)'],
      rows: [
        {
          number: 0,
          group: [['', EVIL]] as [string, string][],
          atoms: 16,
          weight: '25 %',
          values: ['1.000']
        },
        {
          number: 1,
          group: [['', 'Cm']] as [string, string][],
          atoms: 16,
          weight: '75 %',
          values: ['3.000']
        }
      ],
      mean: ['2.000'],
      deviation: ['1.000'],
      weighted_title: 'Weighted mean (of 56 % of the arrangements)',
      weighted: ['2.500'],
      shown: 1
    };
    const model = modelFor(disorder.render, { state });
    const end = disorder.render({ model, el: root });
    expect(root.querySelector('img')).toBeNull();
    const rows = [...root.querySelectorAll('tbody:last-child tr')];
    expect(rows.map(row => row.getAttribute('aria-current'))).toEqual(['false', 'true']);
    expect(root.querySelector('.xc-spread')?.textContent).toBe(
      'Mean2.000Standard deviation1.000Weighted mean (of 56 % of the arrangements)2.500'
    );
    rows[1].querySelector('button')?.click();
    root.querySelector<HTMLElement>('.xc-make-approximants')?.click();
    expect(model.sent).toEqual([{ act: 'show', number: 1 }, { act: 'make' }]);
    model.set('state', { ...state, progress: ['Ordered approximants', '', 2, 10] });
    root.querySelector<HTMLElement>('.xc-make-approximants')?.click();
    expect(model.sent.at(-1)).toEqual({ act: 'stop' });
    expect(root.querySelector('.xc-working')?.textContent).toBe(
      'Ordered approximants: 2 of 10 encoded'
    );
    model.set('state', { ...state, disordered: '', rows: [] });
    expect(root.querySelector('section')?.hidden).toBe(true);
    end();
  });

  it('among the facts', () => {
    const root = rootIn();
    const model = modelFor(facts.render, {
      state: {
        answered: 0,
        beginner: false,
        terms: {},
        headings: {},
        warning: EVIL,
        badges: [{ name: EVIL, look: 'good', icon: '✓', words: EVIL, help: EVIL }],
        rows: [
          {
            name: 'Reconstruction',
            term: '',
            parts: [
              ['', EVIL],
              ['sup', '1/3'],
              ['no', EVIL]
            ]
          }
        ],
        certainty: { summary: EVIL, alternatives: [] },
        neighbours: [{ row: 1, formula: EVIL, id: EVIL, distance: '0.1' }],
        idle: true
      }
    });
    facts.render({ model, el: root })();
    expect(root.querySelector('img')).toBeNull();
    expect(root.querySelector('td')?.textContent).toBe(`${EVIL}1/3${EVIL}`);
    expect(root.querySelector('td sup')?.textContent).toBe('1/3');
    expect(root.querySelector('td .xc-no')?.textContent).toBe(EVIL);
  });

  it('in the history', () => {
    const root = rootIn();
    const model = modelFor(history.render, {
      state: { answered: 0, summary: EVIL, undo: EVIL, redo: '', lines: 1 },
      log: [EVIL],
      chips: [{ key: 1, place: 0, formula: EVIL, title: EVIL, current: true }]
    });
    history.render({ model, el: root })();
    expect(root.querySelector('img')).toBeNull();
    expect(root.querySelector('.xc-change-summary')?.textContent).toBe(EVIL);
    expect(root.querySelector('li')?.textContent).toBe(EVIL);
  });
});

it('says nothing of nearest known crystals where there are none', () => {
  const root = rootIn();
  const neighbour = { row: 1, formula: 'NaCl', id: 'mp-22862', distance: '0.10' };
  const state = { answered: 0, beginner: false, terms: {}, headings: {}, warning: '', badges: [] };
  const more = { rows: [], certainty: null, idle: true };
  const model = modelFor(facts.render, { state: { ...state, ...more, neighbours: [neighbour] } });
  const end = facts.render({ model, el: root });
  const around = root.querySelector<HTMLElement>('.xc-neighbours');
  expect(around?.hidden).toBe(false);
  model.set('state', { ...state, ...more, neighbours: [] });
  expect(around?.hidden).toBe(true);
  end();
});

it('asks again for a crystal as long as its canvas is empty', () => {
  jest.useFakeTimers();
  const root = rootIn('xc-structure');
  const canvas = el('div', { class: 'xc-canvas' });
  Object.defineProperty(canvas, 'clientWidth', { value: 300 });
  // beside one that is drawn, so that WebGL is not doubted
  root.before(el('div', { class: 'xc-canvas', 'data-drawn': '1' }), canvas);
  const lists = { targets: [], shown: [], styles: [], palettes: [], hidden: [], legend: [] };
  const switches = { conventional: true, boundary: true, bonds: true, perspective: false };
  const model = modelFor(structure.render, {
    state: {
      ...{ answered: 0, target: '', which: '', cells: [1, 1, 1], most: 4, labels: 'none' },
      ...{ polyhedra: true, style: '', palette: '', scale: null, note: '', match: '' },
      ...{ sides: [''], orbits: [[]], picked: null, facts: [], symbol: '', pictures: [['', '']] },
      ...lists,
      ...switches
    }
  });
  const end = structure.render({ model, el: root });
  const asked = () => model.sent.filter(sent => 'act' in sent && sent.act === 'start').length;
  jest.advanceTimersByTime(1600);
  expect(asked()).toBe(0); // it may have opened just now
  jest.advanceTimersByTime(3000);
  expect(asked()).toBe(1);
  canvas.dataset.drawn = '1';
  jest.advanceTimersByTime(60_000);
  expect(asked()).toBe(1);
  end();
  jest.useRealTimers();
});

describe('the history', () => {
  const draw = () => {
    const root = rootIn();
    const model = modelFor(history.render, {
      state: { answered: 0, summary: '', undo: 'drag', redo: '', lines: 0 },
      log: [],
      chips: [
        { key: 7, place: 2, formula: 'NaCl', title: 'one', current: false },
        { key: 9, place: 5, formula: 'TiO2', title: 'two', current: true }
      ]
    });
    return { root, model, end: history.render({ model, el: root }) };
  };

  it.each([
    ['z', {}, null],
    ['z', { ctrlKey: true }, 'undo'],
    ['Z', { metaKey: true, shiftKey: true }, 'redo'],
    ['y', { ctrlKey: true }, 'redo'],
    ['z', { ctrlKey: true, altKey: true }, null]
  ])('%p with %j', (key, more, action) => {
    expect(actionOf(new KeyboardEvent('keydown', { key, ...more }))).toBe(action);
  });

  it('hears them after a click on a canvas, which leaves the focus to the notebook', () => {
    const { root, model, end } = draw();
    root.dispatchEvent(new Event('pointerdown', { bubbles: true }));
    press(document.body, 'z', { ctrlKey: true });
    expect(model.sent).toEqual([{ act: 'undo' }]);
    document.body.dispatchEvent(new Event('pointerdown', { bubbles: true }));
    press(document.body, 'z', { ctrlKey: true });
    expect(model.sent).toHaveLength(1);
    end();
  });

  it('hears keys in its explorer, but not where text is typed', () => {
    const { root, model, end } = draw();
    const field = el('input', { type: 'text' });
    root.append(field);
    press(root, 'z', { ctrlKey: true });
    press(field, 'z', { ctrlKey: true });
    press(document.body, 'z', { ctrlKey: true });
    expect(model.sent).toEqual([{ act: 'undo' }]);
    end();
    press(root, 'z', { ctrlKey: true });
    expect(model.sent.length).toBe(1);
    expect(model.heard).toBe(0);
  });

  it('keeps the nodes of crystals that stay', () => {
    const { root, model, end } = draw();
    const [, second] = root.querySelectorAll('.xc-visited');
    model.set('chips', [{ key: 9, place: 6, formula: 'TiO2', title: 'two', current: true }]);
    expect([...root.querySelectorAll('.xc-visited')]).toEqual([second]);
    root.querySelector<HTMLElement>('.xc-visited')?.click();
    expect(model.sent).toEqual([{ act: 'go', place: 6 }]);
    end();
  });
});

describe('sliders', () => {
  const axis = (name: string, more: object = {}) => ({
    name,
    label: name,
    note: '',
    removable: false,
    value: 0.5,
    base: 0.25,
    least: -4,
    most: 4,
    step: 0.05,
    stops: null,
    achieved: '',
    ...more
  });
  const draw = (axes: ReturnType<typeof axis>[]) => {
    const root = rootIn();
    const families: [string, string, string][] = [['principal', 'Principal', 'Directions']];
    const state = {
      answered: 0,
      family: 'principal',
      families,
      axes,
      idle: true,
      moved: true,
      latents: 64
    };
    const model = modelFor(sliders.render, { state });
    const end = sliders.render({ model, el: root });
    const [input] = root.querySelectorAll<HTMLInputElement>('.xc-slider');
    const readout = root.querySelector('.xc-readout');
    return { root, model, state, end, input, readout };
  };
  const drag = (input: HTMLInputElement, value: number) => {
    input.value = String(value);
    input.dispatchEvent(new Event('input'));
  };

  it('sends where it is dragged to, and says so', () => {
    const { model, input, readout } = draw([axis('PC 1')]);
    expect([input.value, readout?.textContent]).toEqual(['0.5', '+0.50']);
    drag(input, -1.25);
    expect(model.sent).toEqual([{ act: 'move', key: 'PC 1', axis: 'PC 1', value: -1.25 }]);
    expect(readout?.textContent).toBe('−1.25');
    expect(input.getAttribute('aria-valuetext')).toBe('-1.25 standard deviations');
  });

  it('is not set from outside while it is dragged, nor before the kernel has answered', () => {
    const { model, state, input } = draw([axis('PC 1')]);
    drag(input, 2);
    model.set('state', { ...state, answered: 1, axes: [axis('PC 1', { value: 1 })] });
    expect(input.value).toBe('2');
    input.dispatchEvent(new Event('change'));
    model.set('state', { ...state, answered: 2, axes: [axis('PC 1', { value: 1.9 })] });
    expect(input.value).toBe('1.9');
  });

  it('goes back to where the moves began by 0', () => {
    const { model, input } = draw([axis('PC 1')]);
    press(input, '0');
    expect(model.sent).toEqual([{ act: 'move', key: 'PC 1', axis: 'PC 1', value: 0.25 }]);
  });

  it('names the stops of a property by what is there', () => {
    const stops = ['−3.1 eV', '−3.0 eV', '−2.9 eV'];
    const more = { value: 0, base: 0, least: -1, most: 1, step: 1, stops };
    const { model, input, readout } = draw([axis('energy', more)]);
    expect(readout?.textContent).toBe('−3.0 eV');
    drag(input, 1);
    expect(readout?.textContent).toBe('−2.9 eV');
    expect(model.sent).toEqual([{ act: 'stop at', key: 'energy', axis: 'energy', value: 1 }]);
  });

  it('shows the first eight, and all when asked', () => {
    const { root } = draw(Array.from({ length: 10 }, (_, k) => axis(`PC ${k}`)));
    expect(root.querySelectorAll('.xc-slider').length).toBe(8);
    root.querySelector<HTMLElement>('.xc-more')?.click();
    expect(root.querySelectorAll('.xc-slider').length).toBe(10);
  });
});

describe('pins', () => {
  const pin = (key: number, formula: string) => ({
    key,
    formula,
    label: EVIL,
    group: 1,
    symbol: 'P1',
    picture: '<svg xmlns="http://www.w3.org/2000/svg"/>',
    cif: '',
    code: '',
    structure: { matrix: [], species: [], frac_coords: [] }
  });
  const draw = () => {
    const root = rootIn();
    const state = {
      answered: 0,
      model: 'mp20',
      formula: 'NaCl',
      shown: 1,
      full: false,
      most: 12,
      hidden: false
    };
    const all = [pin(0, 'NaCl'), pin(1, 'TiO2'), pin(2, 'CsCl')];
    const model = modelFor(pins.render, { uid: 'a', pins: all, state });
    const end = pins.render({ model, el: root });
    return { root, model, end, chips: [...root.querySelectorAll<HTMLElement>('.xc-pinned')] };
  };
  const drop = (target: Element | null, carried: string) => {
    const event = new MouseEvent('drop', { bubbles: true, cancelable: true });
    const dataTransfer = { types: [PIN_TYPE], getData: () => carried };
    target?.dispatchEvent(Object.assign(event, { dataTransfer }));
  };

  it('are gone to by a click or Enter, moved by Alt and arrows, unpinned by Delete', () => {
    const { model, chips, end } = draw();
    chips[0].click();
    press(chips[1], 'Enter');
    press(chips[1], 'ArrowRight', { altKey: true });
    press(chips[2], 'Delete');
    expect(model.sent).toEqual([
      { act: 'go', key: 0 },
      { act: 'go', key: 1 },
      { act: 'move', key: 1, to: 2 },
      { act: 'unpin', key: 2 }
    ]);
    expect(chips.map(chip => chip.getAttribute('aria-current'))).toEqual([null, 'true', null]);
    end();
  });

  it('are ends of a path, unless Escape is pressed', () => {
    const { root, model, chips, end } = draw();
    root.querySelector<HTMLElement>('.xc-pin-path')?.click();
    expect(root.querySelector('.xc-pins-hint')?.textContent).toContain('Path from NaCl');
    chips[2].click();
    expect(model.sent).toEqual([{ act: 'interpolate', from: 0, to: 2 }]);
    root.querySelector<HTMLElement>('.xc-pin-path')?.click();
    press(root, 'Escape');
    chips[2].click();
    expect(model.sent.at(-1)).toEqual({ act: 'go', key: 2 });
    end();
  });

  it('are dropped onto each other', () => {
    const { root, model, end } = draw();
    const chip = root.querySelector('.xc-pin-chip');
    drop(chip, JSON.stringify({ explorer: 'a', key: 2 }));
    for (const nothing of [
      '',
      'x',
      '{}',
      '{"explorer": "a", "key": "2"}',
      '{"explorer": "b", "key": 2}'
    ]) {
      drop(chip, nothing);
    }
    expect(model.sent).toEqual([{ act: 'interpolate', from: 2, to: 0 }]);
    end();
  });

  it.each([
    [0.1, 'before'],
    [0.5, 'on'],
    [0.9, 'after']
  ])('at %p of the width', (share, where) => {
    expect(dropAt(share)).toBe(where);
  });

  it('are made by P, but not where text is typed', () => {
    const { root, model, end } = draw();
    const field = el('input', { type: 'search' });
    root.append(field);
    press(root, 'p');
    press(field, 'p');
    expect(model.sent).toEqual([{ act: 'pin' }]);
    end();
    expect(model.heard).toBe(0);
  });
});

describe('a search', () => {
  it('asks, says what was found, and goes to a row', () => {
    const root = rootIn();
    const state = {
      answered: 0,
      examples: ['Ti O'],
      gallery: [['rutile', 'TiO2']] as [string, string][],
      help: [['SrTiO3'], ['rutile'], 'SrTiO4'] as [string[], string[], string],
      sorted: ['band_gap', true] as [string, boolean],
      title: 'Ti O',
      understood: 'with Ti and O',
      trouble: '',
      count: 1200,
      of: 20000,
      columns: [['Gap', 'band gap (eV)', 'band_gap']] as [string, string, string][],
      rows: [[5, 'TiO2', 'mp-1', '136 P4_2/mnm', '1.78']] as [
        number,
        string,
        string,
        string,
        string
      ][],
      groups: [['Ti O', 3], null] as ([string, number] | null)[],
      concepts: []
    };
    const model = modelFor(search.render, { state });
    const end = search.render({ model, el: root });
    expect(root.querySelector('.xc-found')?.textContent).toBe(
      '1,200 crystals: Ti O, read as with Ti and O; the first 1 below'
    );
    root.querySelector<HTMLElement>('.xc-chip-button')?.click();
    root.querySelector<HTMLElement>('tr[data-row="5"]')?.click();
    expect(model.sent).toEqual([
      { act: 'search', query: 'Ti O' },
      { act: 'go', row: 5 }
    ]);
    expect(root.querySelector('.xc-group')?.textContent).toBe('A: Ti O (3) ×');

    // columns sort, and say so
    const head = root.querySelector('th[aria-sort="descending"]');
    expect(head?.textContent).toBe('Gap ▾');
    head?.querySelector('button')?.click();
    expect(model.sent.at(-1)).toEqual({ act: 'sort', key: 'band_gap', column: 'band_gap' });

    // pictures come when they are drawn
    model.say({ type: 'pictures', pictures: [[5, '<svg/>']] });
    expect(root.querySelectorAll('.xc-picture img')).toHaveLength(1);

    // what may help is offered
    const offers = [...root.querySelectorAll<HTMLElement>('.xc-help button')];
    expect(offers.map(node => node.textContent)).toEqual([
      'SrTiO3',
      'Gallery: rutile',
      'Propose structures of SrTiO4'
    ]);
    offers.slice(1).forEach(node => node.click());
    expect(model.sent.slice(-2)).toEqual([
      { act: 'gallery', name: 'rutile' },
      { act: 'propose', formula: 'SrTiO4' }
    ]);

    // old results leave as something else is typed, and when nothing is found
    const table = root.querySelector<HTMLElement>('.xc-results');
    const query = root.querySelector<HTMLInputElement>('.xc-query');
    expect(table?.hidden).toBe(false);
    if (query) {
      query.value = 'Ti N';
    }
    query?.dispatchEvent(new Event('input'));
    expect(table?.hidden).toBe(true);
    if (query) {
      query.value = 'Ti O';
    }
    query?.dispatchEvent(new Event('input'));
    expect(table?.hidden).toBe(false);
    model.set('state', { ...state, trouble: 'Nothing.' });
    expect(table?.hidden).toBe(true);
    end();
  });
});

describe('tabs', () => {
  const draw = () => {
    const root = rootIn('xc-tabbed');
    const boxes = ['xc-move', 'xc-find', 'xc-why'].map(name => el('div', { class: name }));
    root.parentElement?.append(...boxes);
    const hint = { text: '', terms: {} };
    const labels = ['move', 'find', 'why'].map((name): [string, string, typeof hint] => [
      `xc-${name}`,
      name,
      hint
    ]);
    const model = modelFor(tabs.render, { labels });
    const end = tabs.render({ model, el: root });
    const shown = () =>
      boxes.filter(box => !box.classList.contains('xc-folded')).map(box => box.className);
    return { root, model, end, shown, buttons: [...root.querySelectorAll('button')] };
  };

  it('show one box at a time', () => {
    const { buttons, shown, end } = draw();
    expect(shown()).toEqual(['xc-move']);
    buttons[1].click();
    expect(shown()).toEqual(['xc-find']);
    press(buttons[1], 'End');
    expect(shown()).toEqual(['xc-why']);
    press(buttons[2], 'ArrowRight');
    expect(shown()).toEqual(['xc-move']);
    expect(document.activeElement).toBe(buttons[0]);
    end();
  });

  it('are brought to the front by Python, but not where they are hidden', async () => {
    const { root, model, buttons, shown, end } = draw();
    model.say({ type: 'front', name: 'xc-find' });
    expect(shown()).toEqual(['xc-find']);
    root.closest('.xc-explorer')?.classList.add('xc-hide-find');
    await Promise.resolve();
    expect(buttons[1].hidden).toBe(true);
    expect(shown()).toEqual(['xc-move']);
    model.say({ type: 'front', name: 'xc-find' });
    expect(shown()).toEqual(['xc-move']);
    end();
  });
});

test('formulas along a path are shown as often as they begin anew', () => {
  expect(runsOf(['a', 'a', 'b', 'a'])).toEqual([
    { formula: 'a', first: 0, last: 1 },
    { formula: 'b', first: 2, last: 2 },
    { formula: 'a', first: 3, last: 3 }
  ]);
});

test('the atoms to pick are one of each orbit, and the one that is picked', () => {
  const state = {
    sides: ['', ''],
    orbits: [[{ atom: 0, label: 'Na' }], [{ atom: 1, label: 'Cl' }]],
    symbol: 'Cl'
  };
  expect(atomChoices(state, '1 3')).toEqual([
    ['', 'none picked'],
    ['0 0', '1: Na'],
    ['1 1', '2: Cl'],
    ['1 3', 'Cl, as clicked']
  ]);
  expect(atomChoices(state, '1 1').length).toBe(3);
});

test.each([
  [-1, /^Os$/],
  [1, /hardly knows it \(1 orbit\)/],
  [20, /rare, on only 20/],
  [5000, /on 5,000 orbits/]
])('an element on %p orbits', (seen, words) => {
  expect(knowledgeOf('Os', seen)).toMatch(words);
});

test('what a search of changes has found is one sentence', () => {
  const card = {
    formula: '',
    words: '',
    group: 1,
    value: '',
    size: '',
    dz: '',
    beyond_error: true,
    extrapolates: false
  };
  const found = { of: 'NaCl', outcome: 'a metal', complete: true, sure: 1, cards: [card, card] };
  expect(summaryOf(found)).toBe(
    "NaCl to a metal: 2 counterfactuals, smallest first; 1 beyond the model's error."
  );
  expect(summaryOf({ ...found, complete: false, cards: [] })).toMatch(
    /predicted to do it so far\.$/
  );
});

test('shares stay where they can be drawn', () => {
  expect([-9, -1, 0, 1, 9].map(value => shareOf(value, 2))).toEqual([0, 25, 50, 75, 100]);
  expect([-1, 0.5, 2].map(percent)).toEqual(['0.00%', '50.00%', '100.00%']);
  expect(shareOfAxis({ range: [2, 4] }, 3)).toBe(0.5);
});

test('labels of the map lie over nothing, and say nothing twice', () => {
  const label = (text: string, px: number, py: number): ILabel => ({
    text,
    px,
    py,
    isCrystal: false
  });
  const chosen = (labels: ILabel[], taken: { px: number; py: number }[] = []) =>
    chooseLabels(labels, 400, 300, taken).map(({ text, px }) => [text, px]);
  const [oxides, near, far] = [
    label('oxides', 200, 100),
    label('nitrides', 210, 104),
    label('oxides', 200, 150)
  ];
  expect(chosen([oxides, near, label('nitrides', 210, 140)])).toEqual([
    ['oxides', 200],
    ['nitrides', 210]
  ]);
  expect(chosen([near, oxides])).toEqual([['nitrides', 210]]);
  expect(chosen([oxides, far])).toHaveLength(1);
  expect(chosen([oxides], [{ px: 205, py: 100 }])).toEqual([]);
  expect(chosen([label('oxides', 5, 100), label('oxides', 200, 299)])).toEqual([]);
});

describe('the density below the points of the map', () => {
  const state = {
    answered: 0,
    markers: [],
    ring: [],
    path: [],
    off: '',
    here: { title: '', name: '', href: '' },
    color: '',
    colors: [],
    legend: { title: '', low: '', high: '', colors: [], kinds: [], absent: null, shades: '' },
    selected: null,
    crystals: '',
    credit: false,
    shown: '',
    beyond: ''
  };
  const frame = () => new Promise(resolve => setTimeout(resolve, 50));
  /** A map with a figure of plotly, as far as the layer looks at it. */
  const figure = () => {
    const axis = { range: [0, 1], _offset: 0, _length: 100 };
    const buttons = ['in', 'out', 'reset'].map(how =>
      el('a', { class: 'modebar-btn', 'data-attr': 'zoom', 'data-val': how })
    );
    return Object.assign(el('div', { class: 'js-plotly-plot' }, buttons), {
      _fullLayout: { width: 100, height: 100, xaxis: axis, yaxis: axis },
      calcdata: [],
      _responsiveChartHandler: () => undefined,
      on: () => undefined,
      removeListener: () => undefined
    });
  };

  it('covers what is in view, or not', () => {
    const axes = (x: [number, number], y: [number, number]) => ({
      x: { range: x },
      y: { range: y }
    });
    const covered = [0, 4, -1, 1];
    expect(contains(covered, axes([0, 4], [-1, 1]))).toBe(true);
    expect(contains(covered, axes([-0.1, 2], [-1, 1]))).toBe(false);
    expect(contains(covered, axes([1, 4.1], [-1, 1]))).toBe(false);
    expect(contains(covered, axes([1, 2], [-1.1, 1]))).toBe(false);
    expect(contains(covered, axes([1, 2], [0, 1.1]))).toBe(false);
  });

  it('is swapped when it is decoded, and hidden when there is none', async () => {
    const root = rootIn('xc-map');
    const plot = figure();
    root.before(plot);
    const model = modelFor(mapLayer.render, {
      state,
      landmarks: [],
      raster: { window: [0, 1, 0, 1], address: 'data:image/png;base64,AA' }
    });
    const end = mapLayer.render({ model, el: root });
    await frame();
    const shown = () => document.querySelector<HTMLImageElement>('img.xc-density');
    expect(shown()?.getAttribute('src')).toBe('data:image/png;base64,AA');
    expect(shown()?.hidden).toBe(false);
    const placed = shown()?.style.transform;
    model.set('raster', { window: [0, 0.5, 0, 0.5], address: 'data:image/png;base64,BB' });
    expect(shown()?.getAttribute('src')).toBe('data:image/png;base64,AA');
    expect(shown()?.style.transform).toBe(placed);
    await frame();
    expect(shown()?.getAttribute('src')).toBe('data:image/png;base64,BB');
    expect(shown()?.style.transform).not.toBe(placed);
    model.set('raster', {});
    await frame();
    expect(shown()?.hidden).toBe(true);
    end();
    expect(shown()).toBeNull();
  });
});

import FIELDS from './pin_fields.json';
import { explorersOfPage, listExplorers, readExplorer, readPin, type IPin } from './registry';

/** A pin as the explorer's script tells it. */
function pinOf(key: number, formula = 'NaCl', more: object = {}): IPin {
  return {
    key,
    formula,
    label: `decode of ${formula}`,
    group: 225,
    symbol: 'Fm-3m',
    picture: '<svg xmlns="http://www.w3.org/2000/svg"/>',
    cif: 'data_x',
    code: 'import xcrystal as xc\n',
    structure: {
      matrix: [4, 0, 0, 0, 4, 0, 0, 0, 4],
      species: ['Na', 'Cl'],
      frac_coords: [0, 0, 0, 0.5, 0.5, 0.5]
    },
    ...more
  };
}

const entry = (more: object = {}) => ({
  id: 'a',
  kernel: 'k',
  model: 'mp20',
  formula: 'NaCl',
  shown: 0,
  full: false,
  pins: [pinOf(0)],
  node: () => null,
  act: () => undefined,
  ...more
});

const page = globalThis as { xcrystalExplorers?: unknown };

afterEach(() => {
  delete page.xcrystalExplorers;
});

describe('the registry of the page', () => {
  it('is made once, and is the one that a script has made', () => {
    const made = explorersOfPage();
    expect(made).toBe(explorersOfPage());
    expect(page.xcrystalExplorers).toBe(made);
    made?.explorers.set('a', entry());
    expect(listExplorers().map(({ id }) => id)).toEqual(['a']);
  });

  it('is not read where it is of another version', () => {
    page.xcrystalExplorers = Object.assign(new EventTarget(), { version: 2, explorers: new Map() });
    expect(explorersOfPage()).toBeNull();
    expect(listExplorers()).toEqual([]);
  });

  it('leaves out explorers that are none', () => {
    const registry = explorersOfPage();
    for (const [k, value] of [
      null,
      'x',
      {},
      entry({ id: 3 }),
      entry({ id: '' }),
      entry({ act: 'x' })
    ].entries()) {
      registry?.explorers.set(String(k), value);
    }
    const throwing = entry();
    Object.defineProperty(throwing, 'pins', {
      get: () => {
        throw new Error('no kernel');
      }
    });
    registry?.explorers.set('throwing', throwing);
    expect(listExplorers()).toEqual([]);
  });
});

describe('what a kernel tells', () => {
  it('of a pin are these fields, which a test of the Python side reads, too', () => {
    expect(Object.keys(readPin(pinOf(0)) ?? {})).toEqual(FIELDS);
    for (const field of FIELDS) {
      expect(readPin({ ...pinOf(0), [field]: undefined })).toBeNull();
    }
  });

  it('is taken where it is right', () => {
    const act = jest.fn();
    const found = readExplorer(entry({ act }));
    expect(found?.pins).toEqual([pinOf(0)]);
    found?.act('go', { key: 0 });
    expect(act).toHaveBeenCalledWith('go', { key: 0 });
  });

  it.each([
    { key: -1 },
    { key: 0.5 },
    { key: '0' },
    { formula: 'N'.repeat(300) },
    { formula: null },
    { group: 0 },
    { group: 231 },
    { picture: '<img src=x onerror=alert(1)>' },
    { picture: 7 },
    { cif: undefined },
    { structure: null },
    { structure: { matrix: [1], species: ['Na'], frac_coords: [0, 0, 0] } },
    { structure: { matrix: Array(9).fill(NaN), species: ['Na'], frac_coords: [0, 0, 0] } },
    { structure: { matrix: Array(9).fill(1), species: ['Na'], frac_coords: [0, 0] } }
  ])('is no pin with %p', more => {
    expect(readPin(pinOf(0, 'NaCl', more))).toBeNull();
    expect(readExplorer(entry({ pins: [pinOf(1), pinOf(0, 'NaCl', more)] }))?.pins).toEqual([
      pinOf(1)
    ]);
  });

  it('gives an element or nothing as its node', () => {
    const node = document.createElement('div');
    expect(readExplorer(entry({ node: () => node }))?.node()).toBe(node);
    expect(readExplorer(entry({ node: () => '<div>' }))?.node()).toBeNull();
  });
});

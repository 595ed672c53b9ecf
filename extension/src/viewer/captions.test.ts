/** Captions and names. */
import type { ICrystal } from '../crystal';
import {
  type IWords,
  amount,
  atomCount,
  cellFacts,
  cellSize,
  description,
  grouped,
  isFormula,
  pictureName,
  sharedSites
} from './captions';

const words: IWords = {
  __: (text, ...args) => text.replace(/%(\d)/g, (_, k) => String(args[Number(k) - 1])),
  _n: (one, many, n, ...args) => words.__(n === 1 ? one : many, ...args)
};

const crystal: ICrystal = {
  title: '',
  lattice: [
    [3, 0, 0],
    [-1.5, 1.5 * Math.sqrt(3), 0],
    [0, 0, 5]
  ],
  periodic: true,
  sites: [
    { species: [{ symbol: 'Zn', occupancy: 1 }], position: [0, 0, 0] },
    { species: [{ symbol: 'O', occupancy: 1 }], position: [0.5, 0.5, 0.5] }
  ],
  notes: []
};

test('a hexagonal cell has its lengths, angles and volume', () => {
  const { lengths, angles, volume } = cellSize(crystal.lattice);
  [3, 3, 5].forEach((value, k) => expect(lengths[k]).toBeCloseTo(value));
  [90, 90, 120].forEach((value, k) => expect(angles[k]).toBeCloseTo(value));
  expect(volume).toBeCloseTo(1.5 * Math.sqrt(3) * 15);
  const facts = cellFacts(crystal, words).join(' ');
  expect(facts).toContain('c\u00a05.000\u00a0Å');
  expect(facts).toContain('γ\u00a0120.0°');
  expect(facts).toContain('39.0 Å³');
});

test('a molecule has no cell', () => {
  expect(cellFacts({ ...crystal, periodic: false }, words)).toEqual(['not periodic']);
});

test('atoms are counted in all cells', () => {
  expect(atomCount(crystal, [1, 1, 1], words)).toBe('2 atoms');
  expect(atomCount(crystal, [2, 1, 3], words)).toBe('12 atoms in 2 × 1 × 3 cells');
  expect(atomCount({ ...crystal, sites: crystal.sites.slice(1) }, [1, 1, 1], words)).toBe('1 atom');
});

test('what is on a shared site is said once', () => {
  const site = (...species: [string, number][]): ICrystal['sites'][0] => ({
    species: species.map(([symbol, occupancy]) => ({ symbol, occupancy })),
    position: [0, 0, 0]
  });
  const mixed = [site(['Na', 0.7], ['K', 0.3]), site(['Na', 0.7], ['K', 0.3]), site(['Cl', 0.6])];
  expect(sharedSites({ ...crystal, sites: [...mixed, ...crystal.sites] }, words)).toEqual([
    'Na 0.7, K 0.3',
    'Cl 0.6, empty 0.4'
  ]);
});

test('a description names formula and elements', () => {
  expect(description(crystal, [1, 1, 1], words)).toContain(
    'Drawing of ZnO: 2 atoms; elements Zn, O.'
  );
});

test('numbers are short', () => {
  expect(amount(4)).toBe('4');
  expect(amount(2 / 3)).toBe('0.67');
  expect(grouped(999)).toBe('999');
  expect(grouped(1234567)).toBe('1,234,567');
});

test.each([
  ['Ba1 Ti1 O3', 'BaTiO3', true],
  ['NaCl', 'NaCl', true],
  ['data_NaCl', 'NaCl', true],
  ['H11 C1', 'H11C', true],
  ['relaxed', 'BaTiO3', false],
  ['Ba2 Ti2 O6', 'BaTiO3', false]
])('the title %s of %s says nothing new: %s', (title, formula, same) => {
  expect(isFormula(title, formula)).toBe(same);
});

test('a name of a picture is one of a file', () => {
  expect(pictureName('Ca3(PO4)2')).toBe('Ca3(PO4)2.png');
  expect(pictureName('../<b>')).toBe('..b.png');
  expect(pictureName('///')).toBe('crystal.png');
});

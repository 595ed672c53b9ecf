import type { ICrystal } from './crystal';
import { elementsOf, formulaParts, reducedFormula } from './formula';

function holding(amounts: Record<string, number>): ICrystal {
  const sites = Object.entries(amounts).flatMap(([symbol, count]) =>
    Array.from({ length: Math.ceil(count) }, (_, k) => ({
      species: [{ symbol, occupancy: Math.min(1, count - k) }],
      position: [0, 0, 0] as [number, number, number]
    }))
  );
  const lattice: ICrystal['lattice'] = [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1]
  ];
  return { title: '', lattice, periodic: true, sites, notes: [] };
}

// as pymatgen writes them
test.each([
  [{ O: 6, Ti: 2, Ba: 2 }, 'BaTiO3'],
  [{ O: 4 }, 'O2'],
  [{ H: 2, O: 2 }, 'H2O2'],
  [{ C: 8 }, 'C'],
  [{ Fe: 4, S: 6, O: 24 }, 'Fe2(SO4)3'],
  [{ Ca: 1, C: 1, O: 3 }, 'CaCO3'],
  [{ Na: 0.5, K: 0.5, Cl: 1 }, 'K0.5Na0.5Cl1'],
  [{ Ar: 2, Xe: 2 }, 'XeAr'],
  [{ D: 2, O: 1 }, 'H2O']
])('the formula of %j', (amounts, formula) => {
  expect(reducedFormula(holding(amounts as Record<string, number>))).toBe(formula);
});

test('parts tell what stands below the line', () => {
  const parts = formulaParts('Fe2(SO4)3');
  expect(parts.filter(part => part.subscript).map(part => part.text)).toEqual(['2', '4', '3']);
  expect(parts.map(part => part.text).join('')).toBe('Fe2(SO4)3');
  expect(formulaParts('2 H2O').map(part => part.subscript)).toEqual([false, true, false]);
  expect(formulaParts('K0.5Cl1')[1]).toEqual({ text: '0.5', subscript: true });
});

test('elements have counts and colours', () => {
  expect(elementsOf(holding({ O: 2, Ti: 1 }))).toEqual([
    { symbol: 'Ti', count: 1, colour: '#bfc2c7' },
    { symbol: 'O', count: 2, colour: '#ff0d0d' }
  ]);
});

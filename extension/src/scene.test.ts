import type { ICrystal, Vector } from './crystal';
import { MAX_DRAWN, buildScene } from './scene';

function cubic(side: number, atoms: [string, Vector][]): ICrystal {
  return {
    title: '',
    lattice: [
      [side, 0, 0],
      [0, side, 0],
      [0, 0, side]
    ],
    periodic: true,
    sites: atoms.map(([symbol, position]) => ({ species: [{ symbol, occupancy: 1 }], position })),
    notes: []
  };
}

/** A lattice of n x n x n atoms, so many Å from each other. */
function grid(n: number, step: number): ICrystal {
  const atoms: [string, Vector][] = [];
  for (let k = 0; k < n ** 3; k++) {
    atoms.push(['Cs', [(k % n) / n, (Math.floor(k / n) % n) / n, Math.floor(k / n / n) / n]]);
  }
  return cubic(n * step, atoms);
}

test('ions on the corners of a cell do not take the picture beyond it', () => {
  const salt = buildScene(
    cubic(3, [
      ['Na', [0, 0, 0]],
      ['Cl', [0.5, 0.5, 0.5]]
    ])
  );
  expect(salt.atoms.length).toBe(8 + 1);
  expect(salt.bondRadii.length).toBe(2 * 8);
});

test('atoms on the corners of a cell are repeated, and contacts of a metal stay inside', () => {
  const scene = buildScene(cubic(2.5, [['Fe', [0, 0, 0.9999]]]));
  expect(scene.atoms.length).toBe(8);
  expect(scene.bondRadii.length).toBe(24);
  expect(scene.edges.length).toBe(12 * 6);
  expect(buildScene(cubic(2.5, [['Fe', [0, 0, 0]]]), { boundary: false }).atoms.length).toBe(1);
  expect(buildScene(cubic(2.5, [['Fe', [0, 0, 0]]]), { bonds: false }).bondRadii.length).toBe(0);
});

test('a molecule has no edges, no images and one cell', () => {
  const molecule = {
    ...cubic(1, [
      ['O', [0, 0, 0]],
      ['H', [0, 0, 0.96]]
    ]),
    periodic: false
  };
  const scene = buildScene(molecule, { repeat: [3, 3, 3] });
  expect(scene.atoms.length).toBe(2);
  expect(scene.edges.length).toBe(0);
  expect(scene.bondRadii.length).toBe(2);
  expect(scene.positions[2]).toBeCloseTo(-0.48);
});

test('more atoms than can be drawn are said', () => {
  const scene = buildScene(grid(5, 5), { repeat: [3, 3, 3] });
  expect(scene.repeat).toEqual([2, 2, 2]);
  expect(scene.note).toBe('3 x 3 x 3 cells would be 3375 atoms; 2 x 2 x 2 are drawn.');
  expect(buildScene(grid(11, 5)).note).toContain('only one cell');
});

test('atoms on one heap are drawn without bonds, quickly', () => {
  const heap = cubic(
    2,
    Array.from({ length: MAX_DRAWN }, (_, k): [string, Vector] => ['Cs', [k / 1000, 0, 0]])
  );
  const started = performance.now();
  expect(buildScene(heap).note).toContain('too close');
  expect(performance.now() - started).toBeLessThan(2000);
});

test('a thousand atoms are quick', () => {
  const crystal = grid(10, 5.3);
  buildScene(crystal);
  const started = performance.now();
  const scene = buildScene(crystal);
  const took = performance.now() - started;
  expect(scene.atoms.length).toBe(11 ** 3);
  expect(scene.bondRadii.length).toBe(2 * 3 * 10 * 11 ** 2);
  expect(took).toBeLessThan(2000);
});

import type { ICrystal } from './crystal';
import { buildScene } from './scene';
import { sectorMesh } from './sectors';

const crystal: ICrystal = {
  title: '',
  lattice: [
    [5, 0, 0],
    [0, 5, 0],
    [0, 0, 5]
  ],
  periodic: true,
  sites: [
    {
      species: [
        { symbol: 'Na', occupancy: 0.5 },
        { symbol: 'K', occupancy: 0.25 }
      ],
      position: [0.5, 0.5, 0.5]
    },
    { species: [{ symbol: 'Cl', occupancy: 1 }], position: [0.2, 0.2, 0.2] }
  ],
  notes: []
};

test('a shared site has a sector for each element, and one for what is empty', () => {
  const scene = buildScene(crystal);
  expect(scene.shares.map(shares => shares.map(({ share }) => share))).toEqual([
    [0.5, 0.25, 0.25],
    []
  ]);
  const mesh = sectorMesh(scene, scene.shares);
  if (!mesh) {
    throw new Error('no sectors');
  }
  const sphere = scene.atoms.indexOf(0);
  const centre = [...scene.positions.subarray(3 * sphere, 3 * sphere + 3)];
  const area = new Map<string, number>();
  for (let k = 0; k < mesh.index.length; k += 3) {
    const [a, b, c] = [0, 1, 2].map(corner =>
      [0, 1, 2].map(axis => mesh.position[3 * mesh.index[k + corner] + axis] - centre[axis])
    );
    expect(Math.hypot(...a)).toBeCloseTo(1.01 * scene.radii[sphere], 4);
    const [u, v] = [b, c].map(corner => corner.map((x, axis) => x - a[axis]));
    const cross = [u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]];
    // seen from outside
    expect(
      cross.reduce((sum, x, axis) => sum + x * (a[axis] + b[axis] + c[axis]), 0)
    ).toBeGreaterThan(-1e-6);
    const colour = [...mesh.color.subarray(3 * mesh.index[k], 3 * mesh.index[k] + 3)].join();
    area.set(colour, (area.get(colour) ?? 0) + Math.hypot(...cross) / 2);
  }
  const total = [...area.values()].reduce((sum, part) => sum + part, 0);
  expect([...area.values()].map(part => part / total)).toEqual(
    [0.5, 0.25, 0.25].map(share => expect.closeTo(share, 4))
  );
});

test('a crystal whose sites are full has no sectors', () => {
  const scene = buildScene({ ...crystal, sites: crystal.sites.slice(1) });
  expect(sectorMesh(scene, scene.shares)).toBeNull();
});

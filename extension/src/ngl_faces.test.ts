import type { ICrystal } from './crystal';
import { faceEdges, faceMesh } from './ngl_faces';
import { buildScene } from './scene';

const perovskite: ICrystal = {
  title: '',
  lattice: [
    [3.9, 0, 0],
    [0, 3.9, 0],
    [0, 0, 3.9]
  ],
  periodic: true,
  sites: [
    { species: [{ symbol: 'Sr', occupancy: 1 }], position: [0, 0, 0] },
    { species: [{ symbol: 'Ti', occupancy: 1 }], position: [0.5, 0.5, 0.5] },
    { species: [{ symbol: 'O', occupancy: 1 }], position: [0.5, 0.5, 0] },
    { species: [{ symbol: 'O', occupancy: 1 }], position: [0.5, 0, 0.5] },
    { species: [{ symbol: 'O', occupancy: 1 }], position: [0, 0.5, 0.5] }
  ],
  notes: []
};
const scene = buildScene(perovskite);
const mesh = faceMesh(scene, scene.paints.flat());

test('an octahedron has eight triangles that face outwards, lighter than its centre', () => {
  expect(mesh?.index.length).toBe(3 * 8);
  for (let k = 0; k < 24; k++) {
    const at = 3 * (mesh?.index[k] ?? 0);
    const [x, y, z] = mesh?.position.subarray(at, at + 3) ?? [];
    const [u, v, w] = mesh?.normal.subarray(at, at + 3) ?? [];
    expect(x * u + y * v + z * w).toBeCloseTo(1.95 / Math.sqrt(3), 4);
    const colour = mesh?.color.subarray(at, at + 3) ?? [];
    scene.paints[1].forEach((own, channel) => {
      expect(colour[channel]).toBeGreaterThan(own);
      expect(colour[channel]).toBeCloseTo(own + 0.35 * (1 - own), 5);
    });
  }
});

test('it has twelve edges, each once', () => {
  const { ends, atoms } = faceEdges(scene);
  expect(atoms).toEqual(Array(12).fill(1));
  const middles = new Set<string>();
  for (let k = 0; k < ends.length; k += 6) {
    const [a, b] = [ends.slice(k, k + 3), ends.slice(k + 3, k + 6)];
    expect(Math.hypot(...a.map((x, axis) => x - b[axis]))).toBeCloseTo(1.95 * Math.SQRT2, 4);
    middles.add(a.map((x, axis) => (x + b[axis]).toFixed(3)).join());
  }
  expect(middles.size).toBe(12);
});

test('without polyhedra there are no faces', () => {
  const bare = buildScene(perovskite, { polyhedra: false });
  expect(faceMesh(bare, bare.paints.flat())).toBeNull();
  expect(faceEdges(bare).atoms).toEqual([]);
});

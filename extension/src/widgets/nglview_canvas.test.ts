import {
  attach,
  facesOf,
  fillCylinders,
  fillSpheres,
  numbersOf,
  sectorsOf
} from './nglview_canvas';

const MESSAGE = {
  type: 'xc-scene' as const,
  number: 1,
  spheres: 2,
  bonds: 1,
  edges: 1,
  corners: 3,
  names: ['Na', 'Cl'],
  shares: [],
  extent: 5,
  picked: -1,
  caption: '',
  fine: true,
  explained: false
};
const ROWS = {
  spheres: [0, 1, 2, 0.5, 0, 3, 4, 5, 0.75, 1],
  bonds: [0, 1, 2, 3, 4, 5, 0.125, 1],
  edges: [0, 0, 0, 1, 1, 1],
  corners: [0, 0, 0, 1, 3, 1, 0, 0, 1, 3, 0, 1, 0, 1, 3],
  colors: [1, 0, 0, 0, 0, 1]
};

test('numbers are read from bytes that begin anywhere', () => {
  const floats = Float32Array.from(Object.values(ROWS).flat());
  const bytes = new Uint8Array(floats.byteLength + 3);
  bytes.set(new Uint8Array(floats.buffer), 3);
  const found = numbersOf(MESSAGE, new DataView(bytes.buffer, 3));
  expect(Object.fromEntries(Object.entries(found).map(([name, row]) => [name, [...row]]))).toEqual(
    ROWS
  );
});

test('a sphere has the colour of its atom', () => {
  const data = {
    position: new Float32Array(6),
    color: new Float32Array(6),
    radius: new Float32Array(2)
  };
  fillSpheres(data, ROWS.spheres, ROWS.colors, 0.25);
  expect([...data.position]).toEqual([0, 1, 2, 3, 4, 5]);
  expect([...data.color]).toEqual([1, 0, 0, 0, 0, 1]);
  expect([...data.radius]).toEqual([0.75, 1]);
});

test('a shared site has sectors around its own sphere only', () => {
  const numbers = { spheres: Float32Array.from(ROWS.spheres) };
  expect(sectorsOf(MESSAGE, numbers)).toBeNull();
  const half = [
    [0.5, 1, 0, 0],
    [0.5, 0, 0, 1]
  ];
  const mesh = sectorsOf({ ...MESSAGE, shares: [[1, half]] }, numbers);
  const corners = mesh?.position ?? new Float32Array(0);
  expect(corners.length).toBeGreaterThan(300);
  for (let k = 0; k < corners.length; k += 3) {
    const out = Math.hypot(corners[k] - 3, corners[k + 1] - 4, corners[k + 2] - 5);
    expect(out).toBeCloseTo(1.01 * 0.75, 4);
  }
  expect([...(mesh?.color ?? [])].slice(0, 3)).toEqual([1, 0, 0]);
});

test('edges of the cell follow after bonds, and those of polyhedra after these', () => {
  const numbers = Object.fromEntries(
    Object.entries(ROWS).map(([name, row]) => [name, Float32Array.from(row)])
  );
  const data = {
    position1: new Float32Array(9),
    position2: new Float32Array(9),
    color: new Float32Array(9),
    color2: new Float32Array(9),
    radius: new Float32Array(3)
  };
  fillCylinders(data, numbers as never, { ends: [0, 0, 0, 1, 0, 0], atoms: [1] });
  expect([...data.position1]).toEqual([0, 1, 2, 0, 0, 0, 0, 0, 0]);
  expect([...data.position2]).toEqual([3, 4, 5, 1, 1, 1, 1, 0, 0]);
  expect([...data.color].slice(0, 3)).toEqual([0, 0, 1]);
  expect([...data.color].slice(6)).toEqual([0, 0, expect.closeTo(0.55)]);
  expect(data.color).toEqual(data.color2);
  expect(data.radius[0]).toBe(0.125);
});

test('faces are read from the rows of their corners', () => {
  const square = [0, 1, 2, 3].flatMap(k => [k, 0, 0, 7, 4]);
  const corners = Float32Array.from([...ROWS.corners, ...square]);
  const faces = facesOf({ corners });
  expect(faces.faceSizes).toEqual([3, 4]);
  expect(faces.faceAtoms).toEqual([1, 7]);
  expect(faces.corners).toEqual([0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 2, 0, 0, 3, 0, 0]);
});

test('a view of another nglview says what it has not got', () => {
  const view = { el: document.createElement('div') };
  expect(() => attach(view, {})).toThrow('stage.setParameters');
  expect(view.el.dataset.failed).toContain('This version of nglview');
  expect(view.el.textContent).toBe(view.el.dataset.failed);
});

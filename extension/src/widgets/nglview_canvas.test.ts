import { type Matrix, UNIT } from '../lattice';
import { attach, fillCylinders, fillSpheres, numbersOf } from './nglview_canvas';

const MESSAGE = {
  type: 'xc-scene' as const,
  number: 1,
  spheres: 2,
  bonds: 1,
  edges: 1,
  names: ['Na', 'Cl'],
  extent: 5,
  picked: -1,
  lattice: UNIT as Matrix,
  perspective: false,
  labels: [],
  caption: '',
  fine: true,
  explained: false
};
const ROWS = {
  spheres: [0, 1, 2, 0.5, 0, 3, 4, 5, 0.75, 1],
  bonds: [0, 1, 2, 3, 4, 5, 0.125, 1],
  edges: [0, 0, 0, 1, 1, 1],
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

test('edges follow after bonds', () => {
  const numbers = Object.fromEntries(
    Object.entries(ROWS).map(([name, row]) => [name, Float32Array.from(row)])
  );
  const data = {
    position1: new Float32Array(6),
    position2: new Float32Array(6),
    color: new Float32Array(6),
    color2: new Float32Array(6),
    radius: new Float32Array(2)
  };
  fillCylinders(data, numbers as never);
  expect([...data.position1]).toEqual([0, 1, 2, 0, 0, 0]);
  expect([...data.position2]).toEqual([3, 4, 5, 1, 1, 1]);
  expect([...data.color].slice(0, 3)).toEqual([0, 0, 1]);
  expect(data.color).toEqual(data.color2);
  expect(data.radius[0]).toBe(0.125);
});

test('a view of another nglview says what it has not got', () => {
  const view = { el: document.createElement('div') };
  expect(() => attach(view, {})).toThrow('stage.setParameters');
  expect(view.el.dataset.failed).toContain('This version of nglview');
  expect(view.el.textContent).toBe(view.el.dataset.failed);
});

/** From where crystals are looked at. */
import { type Matrix, determinant, dot, norm } from './lattice';
import { Triad } from './triad';
import {
  DIRECTIONS,
  type View,
  isLooking,
  lookingAt,
  standardView,
  viewAlong,
  viewOf
} from './view';

const HEXAGONAL: Matrix = [
  [3, 0, 0],
  [-1.5, 1.5 * Math.sqrt(3), 0],
  [0, 0, 5]
];
const TRICLINIC: Matrix = [
  [4, 0.3, 0.5],
  [-1.2, 5, 0.2],
  [-0.8, -0.4, 7]
];
// the same crystal, turned in space: right, up and near change places
const MOVED = TRICLINIC.map(([x, y, z]) => [y, z, x]) as Matrix;

function seen(view: View, vector: readonly number[]): number[] {
  return view.map(row => row.reduce((sum, x, k) => sum + x * vector[k], 0));
}

function expectRotation(view: View): void {
  expect(determinant(view)).toBeCloseTo(1);
  view.forEach(row => expect(norm(row)).toBeCloseTo(1));
}

test.each([
  ['hexagonal', HEXAGONAL],
  ['triclinic', TRICLINIC]
])(
  'in the standard view of a %s cell c points upwards, a to the front and b to the right',
  (_, lattice) => {
    const view = standardView(lattice);
    expectRotation(view);
    const [a, b, c] = lattice.map(vector => seen(view, vector));
    expect(c[0]).toBeCloseTo(0);
    expect(c[1]).toBeGreaterThan(0.9 * norm(lattice[2]));
    expect(c[2]).toBeGreaterThan(0); // from above, so that layers are seen
    expect(a[0]).toBeLessThan(0);
    expect(a[2]).toBeGreaterThan(0);
    expect(b[0]).toBeGreaterThan(0);
  }
);

test.each(DIRECTIONS)(
  'along %s it points to the eye, and the axis before it upwards',
  direction => {
    const axis = 'abc'.indexOf(direction[0]);
    const view = viewAlong(TRICLINIC, direction);
    expectRotation(view);
    const others = [TRICLINIC[(axis + 1) % 3], TRICLINIC[(axis + 2) % 3]];
    if (direction.length > 1) {
      // a reciprocal vector is at right angles to both other axes, which lie in the picture
      others.forEach(other => expect(seen(view, other)[2]).toBeCloseTo(0));
      expect(seen(view, TRICLINIC[axis])[2]).toBeGreaterThan(0);
    } else {
      const [x, y, z] = seen(view, TRICLINIC[axis]);
      expect([x, y]).toEqual([expect.closeTo(0), expect.closeTo(0)]);
      expect(z).toBeGreaterThan(0);
    }
    expect(seen(view, others[1])[0]).toBeCloseTo(0);
    expect(seen(view, others[1])[1]).toBeGreaterThan(0);
    expect(seen(view, others[0])[0]).toBeGreaterThan(0);
  }
);

test('a view by name is each crystal its own, and a turned one is kept relative to the axes', () => {
  const turned = lookingAt(viewAlong(TRICLINIC, 'b*'), TRICLINIC);
  expect(lookingAt(standardView(TRICLINIC), TRICLINIC)).toBe('standard');
  for (const looking of ['standard', 'a', turned] as const) {
    const [one, other] = [viewOf(looking, TRICLINIC), viewOf(looking, MOVED)];
    TRICLINIC.forEach((vector, axis) =>
      seen(one, vector).forEach((x, k) => expect(seen(other, MOVED[axis])[k]).toBeCloseTo(x))
    );
  }
  const [back, before] = [viewOf(turned, TRICLINIC), viewAlong(TRICLINIC, 'b*')];
  back.forEach((row, k) => expect(dot(row, before[k])).toBeCloseTo(1));
});

test('only names of views are taken from outside', () => {
  expect(['standard', 'a', 'c*'].every(isLooking)).toBe(true);
  expect([null, 'd', 'turned', {}].some(isLooking)).toBe(false);
});

test('the arrows are lettered and point as the axes do; nearer ones are drawn last', () => {
  const triad = new Triad('Axes');
  triad.draw(standardView(HEXAGONAL), HEXAGONAL);
  const arrows = [...triad.node.querySelectorAll<SVGGElement>('g')];
  expect(arrows.map(arrow => arrow.textContent)).toEqual(['c', 'b', 'a']);
  const [c, b] = arrows;
  expect(Number(c.querySelector('line')?.getAttribute('y2'))).toBeLessThan(-15); // y is downwards
  expect(Number(b.querySelector('text')?.getAttribute('x'))).toBeGreaterThan(15);
  triad.draw(viewAlong(HEXAGONAL, 'c'), HEXAGONAL);
  expect(triad.node.querySelector("[data-axis='c'] circle")).not.toBeNull();
  triad.draw(standardView(HEXAGONAL), null);
  expect(triad.node.childElementCount).toBe(0);
});

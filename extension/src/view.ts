/**
 * From where a crystal is looked at.
 *
 * `xcrystal/explorer/drawing/viewpoint.py` has the standard view for still pictures; tests compare the two.
 */
import type { Vector } from './crystal';
import { type Matrix, cross, dot, norm } from './lattice';

/** A rotation: what points to the right, upwards, and to the eye, as rows; Cartesian. */
export type View = Matrix;

/** What can be looked along. */
export const DIRECTIONS = ['a', 'b', 'c', 'a*', 'b*', 'c*'] as const;
/** A lattice vector or a reciprocal one. */
export type Direction = (typeof DIRECTIONS)[number];

/** As a name, which each crystal has its own rotation for, or turned by hand away from its standard view. */
export type Looking = 'standard' | Direction | { turned: Matrix };

const [TURN, TILT] = [24, 14].map(degrees => (degrees * Math.PI) / 180);

/** Along a* with c upwards, then turned a little about c, and seen from a little above. */
export function standardView(lattice: Readonly<Matrix>): View {
  const up = unit(lattice[2]);
  const front = unit(reciprocal(lattice)[0]);
  const side = cross(up, front);
  const right = sum(Math.cos(TURN), side, -Math.sin(TURN), front);
  const level = sum(Math.cos(TURN), front, Math.sin(TURN), side);
  return [
    right,
    sum(Math.cos(TILT), up, -Math.sin(TILT), level),
    sum(Math.cos(TILT), level, Math.sin(TILT), up)
  ];
}

/** A direction points to the eye, and the axis before it, in the circle a, b, c, upwards. */
export function viewAlong(lattice: Readonly<Matrix>, direction: Direction): View {
  const axis = 'abc'.indexOf(direction[0]);
  const towards = unit((direction.length > 1 ? reciprocal(lattice) : lattice)[axis]);
  const before = lattice[(axis + 2) % 3];
  const up = unit(sum(1, before, -dot(before, towards), towards));
  return [cross(up, towards), up, towards];
}

/** How a crystal with this lattice is looked at. */
export function viewOf(looking: Looking, lattice: Readonly<Matrix>): View {
  if (looking === 'standard') {
    return standardView(lattice);
  }
  return typeof looking === 'string'
    ? viewAlong(lattice, looking)
    : product(looking.turned, standardView(lattice));
}

/** The same, told from a rotation; a crystal in another setting is then seen from the same side. */
export function lookingAt(view: View, lattice: Readonly<Matrix>): Looking {
  const turned = product(view, transposed(standardView(lattice)));
  const cosine = (turned[0][0] + turned[1][1] + turned[2][2] - 1) / 2;
  return cosine > 1 - 1e-6 ? 'standard' : { turned };
}

/** Whether a text names something that can be looked at from. */
export function isLooking(name: unknown): name is 'standard' | Direction {
  return name === 'standard' || DIRECTIONS.some(direction => direction === name);
}

/** a*, b* and c*, without 2 pi. */
function reciprocal(lattice: Readonly<Matrix>): Matrix {
  const [a, b, c] = lattice;
  const crossed: Matrix = [cross(b, c), cross(c, a), cross(a, b)];
  const sign = Math.sign(dot(a, crossed[0]));
  return crossed.map(vector => vector.map(x => sign * x)) as Matrix;
}

function sum(m: number, one: Vector, n: number, other: Vector): Vector {
  return one.map((x, k) => m * x + n * other[k]) as Vector;
}

function unit(vector: Readonly<Vector>): Vector {
  const length = norm(vector);
  return vector.map(x => x / length) as Vector;
}

function transposed(matrix: Readonly<Matrix>): Matrix {
  return [0, 1, 2].map(column => matrix.map(row => row[column])) as Matrix;
}

function product(one: Readonly<Matrix>, other: Readonly<Matrix>): Matrix {
  const columns = transposed(other);
  return one.map(row => columns.map(column => dot(row, column))) as Matrix;
}

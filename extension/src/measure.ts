/** Distances and angles between points. */
import type { Vector } from './crystal';
import { cross, dot, norm } from './lattice';

/** Å. */
export function distance(one: Vector, other: Vector): number {
  return norm(from(one, other));
}

/** In degrees, at the second of three points. */
export function angle(one: Vector, middle: Vector, other: Vector): number {
  const [u, v] = [from(middle, one), from(middle, other)];
  return degrees(Math.atan2(norm(cross(u, v)), dot(u, v)));
}

/** In degrees, -180 to 180, about the line from the second to the third of four points; positive clockwise, as IUPAC has it. */
export function dihedral(a: Vector, b: Vector, c: Vector, d: Vector): number {
  const [u, v, w] = [from(a, b), from(b, c), from(c, d)];
  const [left, right] = [cross(u, v), cross(v, w)];
  return degrees(Math.atan2(norm(v) * dot(u, right), dot(left, right)));
}

/** All that can be said of up to four points in their order, in words, with the names of what lies there. */
export function measured(points: readonly Vector[], names: readonly string[]): string {
  const between = (numbers: number[]) => numbers.map(k => names[k]).join('–');
  const said = points
    .slice(1)
    .map((point, k) => `${between([k, k + 1])} ${length(distance(points[k], point))}`);
  for (let k = 0; k + 2 < points.length; k++) {
    said.push(
      `${between([k, k + 1, k + 2])} ${turn(angle(points[k], points[k + 1], points[k + 2]))}`
    );
  }
  if (points.length === 4) {
    const [a, b, c, d] = points;
    said.push(`dihedral angle ${turn(dihedral(a, b, c, d))}`);
  }
  return said.join('; ');
}

/** A distance as it is written. */
export function length(value: number): string {
  return `${value.toFixed(3)} Å`;
}

/** An angle as it is written. */
export function turn(value: number): string {
  return Number.isFinite(value) ? `${value.toFixed(1).replace('-', '−')}°` : 'not defined';
}

function from(one: Vector, other: Vector): Vector {
  return other.map((x, k) => x - one[k]) as Vector;
}

function degrees(radians: number): number {
  return (radians * 180) / Math.PI;
}

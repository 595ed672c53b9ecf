/** Arithmetic of lattices: rows a, b and c. */
import type { Vector } from './crystal';

/** Rows of a 3 x 3 matrix. */
export type Matrix = [Vector, Vector, Vector];

/** The matrix of what is not periodic. */
export const UNIT: Readonly<Matrix> = [
  [1, 0, 0],
  [0, 1, 0],
  [0, 0, 1]
];

/** A row vector times a matrix: from fractional coordinates to Å. */
export function times(vector: Readonly<Vector>, matrix: Readonly<Matrix>): Vector {
  const [x, y, z] = vector;
  const [a, b, c] = matrix;
  return [
    x * a[0] + y * b[0] + z * c[0],
    x * a[1] + y * b[1] + z * c[1],
    x * a[2] + y * b[2] + z * c[2]
  ];
}

/** Vector product. */
export function cross(a: Readonly<Vector>, b: Readonly<Vector>): Vector {
  return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
}

/** Scalar product. */
export function dot(a: Readonly<Vector>, b: Readonly<Vector>): number {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

/** Length. */
export function norm(a: Readonly<Vector>): number {
  return Math.hypot(a[0], a[1], a[2]);
}

/** Volume with sign, in Å3. */
export function determinant(matrix: Readonly<Matrix>): number {
  return dot(matrix[0], cross(matrix[1], matrix[2]));
}

/** The inverse: from Å to fractional coordinates. */
export function inverse(matrix: Readonly<Matrix>): Matrix {
  const [a, b, c] = matrix;
  const volume = determinant(matrix);
  // columns are the reciprocal vectors
  const [x, y, z] = [cross(b, c), cross(c, a), cross(a, b)];
  return [0, 1, 2].map(k => [x[k] / volume, y[k] / volume, z[k] / volume]) as Matrix;
}

/** Distances between opposite faces of the cell, in Å. */
export function heights(matrix: Readonly<Matrix>): Vector {
  const [a, b, c] = matrix;
  const volume = Math.abs(determinant(matrix));
  return [volume / norm(cross(b, c)), volume / norm(cross(c, a)), volume / norm(cross(a, b))];
}

/** Rows from lengths in Å and angles in degrees, laid in space as pymatgen does; null if impossible. */
export function latticeOf(lengths: Readonly<Vector>, angles: Readonly<Vector>): Matrix | null {
  const [a, b, c] = lengths;
  const [alpha, beta, gamma] = angles.map(angle => (angle * Math.PI) / 180);
  const value =
    (Math.cos(alpha) * Math.cos(beta) - Math.cos(gamma)) / (Math.sin(alpha) * Math.sin(beta));
  if (!(Math.abs(value) <= 1)) {
    return null;
  }
  const star = Math.acos(value);
  return [
    [a * Math.sin(beta), 0, a * Math.cos(beta)],
    [
      -b * Math.sin(alpha) * Math.cos(star),
      b * Math.sin(alpha) * Math.sin(star),
      b * Math.cos(alpha)
    ],
    [0, 0, c]
  ];
}

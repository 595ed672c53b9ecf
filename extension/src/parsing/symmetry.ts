/** Symmetry operations as CIF files write them: "x-y, -y, z+1/3". */
import type { Vector } from '../crystal';
import { type Matrix, determinant } from '../lattice';
import { plain } from './numbers';

/** A rotation and a shift of fractional coordinates. */
export interface IOperation {
  /** Row k tells the new coordinate k. */
  rotation: Matrix;
  shift: Vector;
}

/** Leaves all as it is. */
export const IDENTITY: IOperation = {
  rotation: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1]
  ],
  shift: [0, 0, 0]
};

/** An operation from its text; null if it is none. A fourth part, of magnetic operations, is passed over. */
export function operationIn(text: string): IOperation | null {
  if (text.length > 200) {
    return null;
  }
  const parts = plain(text)
    .toLowerCase()
    .replace(/[\s'"]/g, '')
    .split(',');
  if (parts.length !== 3 && parts.length !== 4) {
    return null;
  }
  const rows = parts.slice(0, 3).map(rowIn);
  if (rows.some(row => row === null)) {
    return null;
  }
  const found = rows as [number, number, number, number][];
  const rotation = found.map(row => row.slice(0, 3)) as Matrix;
  // "x,x,z" turns no crystal into itself
  return Math.abs(Math.abs(determinant(rotation)) - 1) < 1e-3
    ? { rotation, shift: found.map(row => row[3]) as Vector }
    : null;
}

/** The image of a point. */
export function moved(point: Vector, { rotation, shift }: IOperation): Vector {
  return rotation.map(
    (row, k) => row[0] * point[0] + row[1] * point[1] + row[2] * point[2] + shift[k]
  ) as Vector;
}

/** One operation after another. */
export function combined(first: IOperation, second: IOperation): IOperation {
  const columns = [0, 1, 2].map(k => first.rotation.map(row => row[k]) as Vector);
  const turned = columns.map(column => moved(column, { ...second, shift: [0, 0, 0] }));
  return {
    rotation: [0, 1, 2].map(k => turned.map(column => column[k])) as Matrix,
    shift: moved(first.shift, second)
  };
}

/** Factors of x, y and z and the shift in one coordinate, as "1/2+x-2y"; null if it is none. */
function rowIn(text: string): [number, number, number, number] | null {
  const row: [number, number, number, number] = [0, 0, 0, 0];
  const term = /([+-]?)(\d+\.?\d*|\.\d+)?(?:\/(\d+\.?\d*))?\*?([xyz])?(?:\/(\d+))?/y;
  if (text === '') {
    return null;
  }
  while (term.lastIndex < text.length) {
    const begin = term.lastIndex;
    const found = term.exec(text);
    if (!found || term.lastIndex === begin || (begin > 0 && found[1] === '')) {
      return null;
    }
    const [, sign, number, divisor, letter, below] = found;
    if (number === undefined && letter === undefined) {
      return null;
    }
    const size = Number(number ?? 1) / Number(divisor ?? 1) / Number(below ?? 1);
    row[letter ? 'xyz'.indexOf(letter) : 3] += sign === '-' ? -size : size;
  }
  return row.every(Number.isFinite) ? row : null;
}

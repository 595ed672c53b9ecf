/** Symmetry operations as CIF files write them: "x-y, -y, z+1/3". */
import type { Vector } from '../crystal';
import { type Matrix, determinant, dot, norm, times } from '../lattice';
import { plain } from './numbers';

const MOST_SHIFTS = 32; // of one rotation: those of a face-centred cell that is doubled along each axis
const SHIFT = 0.01; // of an axis; translations of three digits that are closer are the same

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

/** Whether operations turn a lattice into itself, and the products of any two are among them. */
export function areGroup(operations: IOperation[]): boolean {
  const whole = operations.every(({ rotation }) =>
    rotation.flat().every(x => Math.abs(x - Math.round(x)) < 1e-3 && Math.abs(x) < 9.5)
  );
  if (!whole) {
    return false;
  }
  const shifts = new Map<string, Vector[]>();
  const keyOf = ({ rotation }: IOperation) =>
    rotation
      .flat()
      .map(x => Math.round(x) + 0)
      .join();
  for (const operation of operations) {
    const key = keyOf(operation);
    shifts.set(key, [...(shifts.get(key) ?? []), operation.shift]);
  }
  if ([...shifts.values()].some(({ length }) => length > MOST_SHIFTS)) {
    return false;
  }
  return operations.every(first =>
    operations.every(second => {
      const product = combined(first, second);
      return shifts.get(keyOf(product))?.some(shift =>
        shift.every((x, k) => {
          const step = x - product.shift[k];
          return Math.abs(step - Math.round(step)) < SHIFT;
        })
      );
    })
  );
}

/** Whether rotations keep lengths and angles of a cell, as far as these are written. */
export function keepLengths(operations: IOperation[], lattice: Matrix): boolean {
  const lengths = lattice.map(norm);
  return operations.every(({ rotation }) => {
    const turned = [0, 1, 2].map(k => times(rotation.map(row => row[k]) as Vector, lattice));
    return lattice.every((row, i) =>
      lattice.every(
        (other, j) =>
          Math.abs(dot(turned[i], turned[j]) - dot(row, other)) < 0.01 * lengths[i] * lengths[j]
      )
    );
  });
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

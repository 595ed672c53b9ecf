/** POSCAR and CONTCAR files of VASP. */
import type { ICrystal, Vector } from '../crystal';
import { isElement } from '../element';
import { type Matrix, determinant } from '../lattice';
import { trans } from '../words';
import { checkCount, checked, fractional, fullSite } from './checked';
import { ParseError, errorAt, quoted } from './error';
import { countIn, numberIn, symbolIn, vectorIn, words } from './numbers';

/** The crystal of a POSCAR; velocities and what else follows the positions are passed over. */
export function parsePoscar(text: string): ICrystal {
  const lines = text
    .split(/\r\n|\r|\n/)
    .map((line, k) => (k === 0 ? line : line.split(/[!#]/, 1)[0])); // without comments
  const given = latticeOf(lines);
  const factors = axisFactors(given, scaleOf(lines));
  const scaled = (vector: Vector) => vector.map((x, axis) => x * factors[axis]) as Vector;
  const lattice = given.map(scaled) as Matrix;
  const header = namesAndCounts(lines);
  let { next } = header;
  const selective = /^[sS]/.test(lineAt(lines, next).trim());
  next += Number(selective);
  // what is not Cartesian is direct, as VASP has it
  const cartesian = /^[cCkK]/.test(lineAt(lines, next).trim());
  const count = header.counts.reduce((sum, n) => sum + n, 0);
  checkCount(count);
  const rows: string[][] = [];
  for (let row = 1; row <= count; row++) {
    if (next + row >= lines.length) {
      throw new ParseError(trans.__('The file ends after %1 of its %2 atoms.', row - 1, count));
    }
    rows.push(coordinates(lines[next + row]));
  }
  const positions = rows.map((row, k) => vectorIn(row, next + k + 2));
  const { names, counts } = header;
  const symbols = names
    ? counts.flatMap((n, k) => Array<string>(n).fill(symbolIn(names[k])))
    : symbolsWithout(lines[0], counts, rows, selective);
  const points = cartesian ? fractional(positions.map(scaled), lattice) : positions;
  return checked(
    lines[0],
    lattice,
    points.map((point, k) => fullSite(symbols[k], point))
  );
}

function lineAt(lines: string[], index: number): string {
  if (index >= lines.length) {
    throw new ParseError(trans.__('The file ends too early, at line %1.', lines.length));
  }
  return lines[index];
}

/** One factor for all axes, or one for each; negative: the volume. */
function scaleOf(lines: string[]): number[] {
  const found = words(lineAt(lines, 1)).map(numberIn);
  const numbers: number[] = [];
  while (numbers.length < found.length && found[numbers.length] !== null) {
    numbers.push(found[numbers.length] as number);
  }
  const scale = numbers.length >= 3 ? numbers.slice(0, 3) : numbers.slice(0, 1);
  if (scale.length === 0) {
    throw errorAt(2, trans.__('the scaling factor is expected here.'));
  }
  if (scale.includes(0) || (scale.length === 3 && scale.some(x => x < 0))) {
    throw errorAt(2, trans.__('this scaling factor gives no cell.'));
  }
  return scale;
}

function latticeOf(lines: string[]): Matrix {
  return [2, 3, 4].map(k => vectorIn(words(lineAt(lines, k)), k + 1)) as Matrix;
}

/** What x, y and z are multiplied by. */
function axisFactors(lattice: Matrix, scale: number[]): Vector {
  if (scale.length === 3) {
    return scale as Vector;
  }
  const volume = Math.abs(determinant(lattice));
  const factor = scale[0] > 0 ? scale[0] : Math.cbrt(-scale[0] / volume);
  return [factor, factor, factor];
}

/** How many atoms of each kind, their names if the file has them, and the line after that (from 0). */
function namesAndCounts(lines: string[]): {
  names: string[] | null;
  counts: number[];
  next: number;
} {
  let next = 5;
  const names: string[] = [];
  // VASP breaks long lists into several lines
  while (countIn(words(lineAt(lines, next))[0]) === null) {
    const found = words(lines[next]);
    if (found.length === 0 || next > 500) {
      throw errorAt(next + 1, trans.__('the numbers of atoms are expected here.'));
    }
    names.push(...found);
    next++;
  }
  const counts: number[] = [];
  do {
    const found = words(lineAt(lines, next));
    const numbers = found.map(countIn);
    const end = numbers.indexOf(null);
    if (end >= 0) {
      throw errorAt(next + 1, trans.__('“%1” is not a number of atoms.', quoted(found[end])));
    }
    counts.push(...(numbers.slice(0, end < 0 ? undefined : end) as number[]));
    next++;
  } while (counts.length < names.length && countIn(words(lineAt(lines, next))[0]) !== null);
  if (names.length > 0 && names.length !== counts.length) {
    throw errorAt(
      next,
      trans.__('there are %1 numbers of atoms, but %2 elements.', counts.length, names.length)
    );
  }
  return { names: names.length > 0 ? names : null, counts, next };
}

/** Elements of a file that does not name them in a line of their own, as VASP 4 wrote it. */
function symbolsWithout(
  comment: string,
  counts: number[],
  rows: string[][],
  selective: boolean
): string[] {
  const behind = rows.map(row => row[selective ? 6 : 3] ?? '');
  if (behind.every(isElement)) {
    return behind;
  }
  const named = words(comment).map(word => /^[A-Z][a-z]?$/.exec(word)?.[0] ?? '');
  if (named.length === counts.length && named.every(isElement)) {
    return counts.flatMap((n, k) => Array<string>(n).fill(named[k]));
  }
  throw new ParseError(
    trans.__(
      'This file does not name its elements: neither in its first line, nor in a line above the numbers of atoms.'
    )
  );
}

/** Words of a line of coordinates; of numbers that run into each other, as Fortran writes them, too. */
function coordinates(line: string): string[] {
  const found = words(line);
  return found.length < 3 ? words(line.replace(/([\d.])-/g, '$1 -')) : found;
}

/** XYZ files, plain and extended: molecules, crystals, and frames of either. */
import type { ICrystal, ISite, Vector } from '../crystal';
import { type Matrix, UNIT, determinant } from '../lattice';
import { trans } from '../words';
import { MAX_SITES, checkCount, checked, fractional, fullSite } from './checked';
import { ParseError, errorAt, quoted } from './error';
import { countIn, numberIn, symbolIn, vectorIn, words } from './numbers';

/** Frames of one file that are looked at. */
export const MAX_FRAMES = 10_000;

/** All frames of a file. */
export function parseXyz(text: string): ICrystal[] {
  const lines = text.split(/\r\n|\r|\n/);
  const frames: ICrystal[] = [];
  let next = 0;
  let atoms = 0;
  for (;;) {
    while (next < lines.length && lines[next].trim() === '') {
      next++;
    }
    if (next >= lines.length) {
      break;
    }
    const count = countIn(lines[next].trim());
    if (count === null) {
      // an empty line ends the frames of some programs, and notes follow
      if (frames.length > 0 && lines[next - 1].trim() === '') {
        break;
      }
      throw errorAt(
        next + 1,
        trans.__('the number of atoms is expected here, not “%1”.', quoted(lines[next]))
      );
    }
    checkCount(count);
    atoms += count;
    if (frames.length >= MAX_FRAMES || atoms > 5 * MAX_SITES) {
      frames[0].notes.push(trans.__('Only the first %1 frames are shown.', frames.length));
      break;
    }
    frames.push(frameAt(lines, next, count));
    next += count + 2;
  }
  return frames;
}

function frameAt(lines: string[], start: number, count: number): ICrystal {
  if (start + 1 + count >= lines.length) {
    throw new ParseError(
      trans.__(
        'The file ends after %1 of %2 atoms that line %3 announces.',
        Math.max(0, lines.length - start - 2),
        count,
        start + 1
      )
    );
  }
  const comment = lines[start + 1] ?? '';
  const fields = fieldsOf(comment);
  const columns = columnsOf(fields.get('properties'), start + 2);
  const notes: string[] = [];
  const lattice = latticeOf(fields, start + 2, notes);
  const symbols: string[] = [];
  const points: Vector[] = [];
  for (let k = start + 2; k < start + 2 + count; k++) {
    const found = words(lines[k]);
    if (found.length < columns.position + 3 || found.length <= columns.species) {
      throw errorAt(k + 1, trans.__('an element and three coordinates are expected here.'));
    }
    symbols.push(symbolIn(found[columns.species]));
    points.push(vectorIn(found.slice(columns.position), k + 1));
  }
  const positions = lattice ? fractional(points, lattice) : points;
  const sites = positions.map((position, k): ISite => fullSite(symbols[k], position));
  const title = fields.get('name') ?? (fields.size > 0 ? '' : comment);
  return checked(title, lattice, sites, notes);
}

/** "key=value" pairs of the second line, values in quotes or braces or without. */
function fieldsOf(comment: string): Map<string, string> {
  const fields = new Map<string, string>();
  const pair =
    /([A-Za-z_][\w-]{0,60})\s{0,4}=\s{0,4}(?:"([^"]{0,400})"|'([^']{0,400})'|\{([^}]{0,400})\}|([^\s"'{]\S*))/g;
  if (comment.length < 20_000) {
    for (const [, key, ...values] of comment.matchAll(pair)) {
      const value = values.find(one => one !== undefined) ?? '';
      if (!fields.has(key.toLowerCase())) {
        fields.set(key.toLowerCase(), value);
      }
    }
  }
  return fields;
}

/** Which words of a line are the element and the coordinates. */
function columnsOf(
  properties: string | undefined,
  line: number
): { species: number; position: number } {
  if (properties === undefined) {
    return { species: 0, position: 1 };
  }
  const parts = properties.split(':');
  let [species, position, next] = [-1, -1, 0];
  for (let k = 0; k + 2 < parts.length; k += 3) {
    const name = parts[k].toLowerCase();
    const width = countIn(parts[k + 2]);
    if (width === null || width > 1000) {
      break;
    }
    if (
      ['species', 'element', 'symbol', 'z'].includes(name) &&
      (species < 0 || name === 'species')
    ) {
      species = next;
    }
    if (['pos', 'positions'].includes(name) && width === 3) {
      position = next;
    }
    next += width;
  }
  if (species < 0 || position < 0) {
    throw errorAt(
      line,
      trans.__('the Properties “%1” name no element and position.', quoted(properties))
    );
  }
  return { species, position };
}

/** The cell, if there is one and atoms repeat with it. */
function latticeOf(fields: Map<string, string>, line: number, notes: string[]): Matrix | null {
  const text = fields.get('lattice') ?? fields.get('cell');
  if (text === undefined) {
    return null;
  }
  const found = text.split(/[\s,[\]]/).filter(word => word !== '');
  const numbers = found.map(numberIn);
  const at = numbers.indexOf(null);
  if (at >= 0 || ![3, 9].includes(numbers.length)) {
    throw errorAt(line, trans.__('the Lattice “%1” is not made of nine numbers.', quoted(text)));
  }
  const n = numbers as number[];
  const lattice: Matrix =
    n.length === 9
      ? [n.slice(0, 3) as Vector, n.slice(3, 6) as Vector, n.slice(6, 9) as Vector]
      : (UNIT.map((row, k) => row.map(x => x * n[k])) as Matrix);
  const flags = words((fields.get('pbc') ?? 'T T T').replace(/[[\],]/g, ' '));
  const along = flags.map(flag => /^(t|true|1)$/i.test(flag));
  if (!along.includes(true)) {
    return null;
  }
  return partly(lattice, along, notes);
}

/** The cell of what may not repeat along all of its axes; none if the other axes span no volume. */
export function partly(lattice: Matrix, along: boolean[], notes: string[]): Matrix | null {
  if (along.every(Boolean)) {
    return lattice;
  }
  if (Math.abs(determinant(lattice)) < 1) {
    notes.push(trans.__('Without a whole cell, this is drawn as a molecule.'));
    return null;
  }
  notes.push(
    trans.__('This does not repeat along all axes of its cell, but is drawn as if it did.')
  );
  return lattice;
}

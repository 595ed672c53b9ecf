/** Numbers, words and symbols of elements in text files, read strictly: what is no number is none. */
import type { Vector } from '../crystal';
import { elementOf, symbolOf } from '../element';
import { trans } from '../words';
import { errorAt, quoted } from './error';

const NUMBER = /^[+-]?(\d+(\.\d*)?|\.\d+)([eEdD][+-]?\d+)?$/;

/** A number, Fortran's exponents included; null if it is none, or has no finite value. */
export function numberIn(word: string | undefined): number | null {
  if (word === undefined || word.length > 60 || !NUMBER.test(word)) {
    return null;
  }
  const value = Number(word.replace(/[dD]/, 'e'));
  return Number.isFinite(value) ? value : null;
}

/** A whole number that is not negative; null if it is none. */
export function countIn(word: string | undefined): number | null {
  return word !== undefined && /^\+?\d{1,12}$/.test(word) ? Number(word) : null;
}

/** What typography has put in the place of ASCII: minus signs, dashes, one-character fractions, wide digits. */
export function plain(text: string): string {
  // eslint-disable-next-line no-control-regex
  return /^[\x00-\x7f]*$/.test(text)
    ? text
    : text
        .normalize('NFKC')
        .replace(/[\u2044\u2215]/g, '/')
        .replace(/[\u2010-\u2015\u2212]/g, '-');
}

/** The words of a line. */
export function words(line: string): string[] {
  return line.split(/\s/).filter(word => word !== '');
}

/** Three numbers from three words, or an error that names the line (from 1). */
export function vectorIn(found: string[], line: number): Vector {
  const values = [0, 1, 2].map(k => numberIn(found[k]));
  const wrong = values.indexOf(null);
  if (wrong >= 0) {
    throw found.length <= wrong
      ? errorAt(line, trans.__('three numbers are expected here.'))
      : errorAt(line, trans.__('“%1” is not a number.', quoted(found[wrong])));
  }
  return values as Vector;
}

/** Symbol of an element in a word like "Na", "NA", "Na1+", "Na_pv" or "11"; "X" if there is none. */
export function symbolIn(word: string): string {
  const number = countIn(word);
  if (number !== null) {
    return symbolOf(number);
  }
  const letters = /^[A-Za-z]{1,3}/.exec(word)?.[0] ?? '';
  const symbol = letters.charAt(0).toUpperCase() + letters.slice(1).toLowerCase();
  return elementOf(symbol).symbol;
}

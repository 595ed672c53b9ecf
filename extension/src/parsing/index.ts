/** From the text of a file to crystals, by the name of the file; nothing is asked of a kernel. */
import type { ICrystal } from '../crystal';
import { trans } from '../words';
import { parseCif } from './cif';
import { ParseError } from './error';
import { parseJson } from './json';
import { parsePoscar } from './poscar';
import { parseXsf } from './xsf';
import { parseXyz } from './xyz';

export { ParseError } from './error';

/**
 * The crystals in a file, in its order; several where it holds an animation or several data blocks.
 *
 * @param text - What the file holds.
 * @param name - Its name, or path; tells the format. Anything unknown is read as a CIF file.
 * @throws ParseError - With one line for people, if there is no crystal in it.
 */
export function parseCrystals(text: string, name: string): ICrystal[] {
  const plain = text.startsWith('\ufeff') ? text.slice(1) : text;
  if (plain.trim() === '') {
    throw new ParseError(trans.__('This file is empty.'));
  }
  if (plain.includes('\0')) {
    throw new ParseError(trans.__('This is not a text file.'));
  }
  return parserOf(name)(plain);
}

function parserOf(name: string): (text: string) => ICrystal[] {
  const lower = name.slice(name.lastIndexOf('/') + 1).toLowerCase();
  const ends = (...endings: string[]) => endings.some(ending => lower.endsWith(ending));
  if (ends('.cif', '.mcif')) {
    return parseCif;
  }
  if (ends('.xyz', '.extxyz')) {
    return parseXyz;
  }
  if (ends('.json')) {
    return parseJson;
  }
  if (ends('.xsf')) {
    return parseXsf;
  }
  if (ends('.vasp', '.poscar') || lower.includes('poscar') || lower.includes('contcar')) {
    return text => [parsePoscar(text)];
  }
  return parseCif;
}

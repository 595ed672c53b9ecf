/** The words of a CIF file, one after the other, in one pass over its text. */
import { trans } from '../words';
import { errorAt } from './error';

/** A word, a quoted string or a block of text. */
export interface IToken {
  text: string;
  /** From 1. */
  line: number;
  /** Whether it stood in quotes or was a block of text, so that it is a value whatever it says. */
  quoted: boolean;
}

/** What is written in a CIF file, without comments. */
export function* tokensOf(text: string): Generator<IToken> {
  const lines = text.split(/\r\n|\r|\n/);
  for (let number = 0; number < lines.length; number++) {
    const line = lines[number];
    if (line.startsWith(';')) {
      const begin = number;
      const block = [line.slice(1)];
      for (number++; number < lines.length && !lines[number].startsWith(';'); number++) {
        block.push(lines[number]);
      }
      if (number >= lines.length) {
        throw errorAt(begin + 1, trans.__('the block of text that begins here has no end.'));
      }
      yield { text: block.join('\n').trim(), line: begin + 1, quoted: true };
      yield* tokensIn(lines[number].slice(1), number + 1);
    } else {
      yield* tokensIn(line, number + 1);
    }
  }
}

function* tokensIn(line: string, number: number): Generator<IToken> {
  // where a quote of each kind ends at the latest: looked for once, so that a line of quotes takes no longer
  const lastQuote = { "'": line.lastIndexOf("'"), '"': line.lastIndexOf('"') };
  let at = 0;
  while (at < line.length) {
    const first = line[at];
    if (isBlank(first)) {
      at++;
      continue;
    }
    if (first === '#') {
      return;
    }
    if ((first === "'" || first === '"') && lastQuote[first] > at) {
      const end = closing(line, at);
      if (end > 0) {
        yield { text: line.slice(at + 1, end), line: number, quoted: true };
        at = end + 1;
        continue;
      }
      lastQuote[first] = at; // there is no end for later ones either
    }
    // a quote without an end is passed over
    const begin = first === "'" || first === '"' ? at + 1 : at;
    let end = begin;
    while (end < line.length && !isBlank(line[end])) {
      end++;
    }
    if (end > begin) {
      yield { text: line.slice(begin, end), line: number, quoted: false };
    }
    at = Math.max(end, at + 1);
  }
}

/** Where a quoted string ends: at the first such quote before a blank or the end; 0 if nowhere. */
function closing(line: string, begin: number): number {
  let end = line.indexOf(line[begin], begin + 1);
  while (end >= 0 && end + 1 < line.length && !isBlank(line[end + 1])) {
    end = line.indexOf(line[begin], end + 1);
  }
  return Math.max(end, 0);
}

function isBlank(character: string): boolean {
  return character === ' ' || character === '\t' || character === '\v' || character === '\f';
}

/** What is thrown where a file holds no crystal. */
import { trans } from '../words';

/** One line for people that says why a file cannot be read, with the line number where it is known. */
export class ParseError extends Error {
  constructor(message: string) {
    super(printable(message).slice(0, 400));
    this.name = 'ParseError';
  }
}

/** An error at a line of a file, counted from 1. */
export function errorAt(line: number, message: string): ParseError {
  return new ParseError(trans.__('Line %1: %2', line, message));
}

/** A piece of a file, short enough to be quoted in a message. */
export function quoted(text: string): string {
  const short = printable(text).trim();
  return short.length > 40 ? `${short.slice(0, 39)}…` : short;
}

/** What a file calls its crystal, fit to be shown in one line. */
export function titled(text: string): string {
  return printable(text.slice(0, 500)).replace(/ +/g, ' ').trim().slice(0, 100);
}

function printable(text: string): string {
  return text.replace(/[\p{C}\p{Z}]/gu, ' ');
}

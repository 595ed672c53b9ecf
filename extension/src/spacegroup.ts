/** Symbols of space groups, as they are printed. */

/** A part of a symbol: plain, below the line, or under a bar. */
export interface ISymbolPart {
  text: string;
  look: 'plain' | 'sub' | 'over';
}

/** The symbol of a space group: "P6_3/mmc" with a subscript, "Fm-3m" with an overline. */
export function spaceGroupParts(symbol: string): ISymbolPart[] {
  return symbol
    .split(/([_-]\d)/)
    .filter(text => text !== '')
    .map(text => {
      if (/^_\d$/.test(text)) {
        return { text: text.slice(1), look: 'sub' };
      }
      return /^-\d$/.test(text) ? { text: text.slice(1), look: 'over' } : { text, look: 'plain' };
    });
}

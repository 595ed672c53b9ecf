/** The elements: how they are drawn, and how formulas order them. */
import table from './elements.json';

/** What is known of an element. */
export interface IElement {
  /** Atomic number; 0 for what is no element. */
  number: number;
  symbol: string;
  /** Covalent radius in Å. */
  radius: number;
  /** As Jmol has it, "#rrggbb"; of lanthanides another, as theirs are nearly one. */
  colour: string;
  /** As VESTA has it. */
  vesta: string;
  /** Radii in Å of space-filling atoms. */
  cation: number;
  anion: number;
  molecular: number;
  /** Pauling's; null if there is none. */
  electronegativity: number | null;
}

const elements: IElement[] = table.map((row, number) => ({ number, ...row }));
const [unknown, hydrogen] = elements;
const bySymbol = new Map(elements.map(element => [element.symbol, element]));
// isotopes are drawn and counted as what they are isotopes of, as pymatgen counts them
bySymbol.set('D', hydrogen);
bySymbol.set('T', hydrogen);

/** Whether this is the symbol of an element, or of an isotope of hydrogen. */
export function isElement(symbol: string): boolean {
  return symbol !== unknown.symbol && bySymbol.has(symbol);
}

/** What is known of a symbol; of "X" if it is none. */
export function elementOf(symbol: string): IElement {
  return bySymbol.get(symbol) ?? unknown;
}

/** Symbol of an atomic number; "X" if there is no such element. */
export function symbolOf(number: number): string {
  return elements[number]?.symbol ?? unknown.symbol;
}

/** Whose colours of the elements are used. */
export type Palette = 'jmol' | 'vesta';

/** The colour of an element, "#rrggbb". */
export function colourOf(element: IElement, palette: Palette): string {
  return palette === 'vesta' ? element.vesta : element.colour;
}

/** Red, green and blue of a colour "#rrggbb", 0 to 1. */
export function channels(colour: string): [number, number, number] {
  const value = parseInt(colour.slice(1), 16);
  return [(value >> 16) / 255, ((value >> 8) & 255) / 255, (value & 255) / 255];
}

/** Chemical formulas, as pymatgen writes them. */
import type { ICrystal } from './crystal';
import { type Palette, colourOf, elementOf } from './element';

/** A part of a formula: a symbol or bracket, or a number that stands below the line. */
export interface IFormulaPart {
  text: string;
  subscript: boolean;
}

/** An element of a crystal. */
export interface IElementCount {
  symbol: string;
  /** Atoms in the cell; a fraction where sites are shared. */
  count: number;
  /** "#rrggbb" */
  colour: string;
}

const TOLERANCE = 1e-8; // of numbers that count as whole
const POLYANION = 1.65; // difference of electronegativities up to which two elements stand in brackets
const SPECIAL: Readonly<Record<string, string>> = {
  LiO: 'Li2O2',
  NaO: 'Na2O2',
  KO: 'K2O2',
  HO: 'H2O2',
  CsO: 'Cs2O2',
  RbO: 'Rb2O2',
  O: 'O2',
  N: 'N2',
  F: 'F2',
  Cl: 'Cl2',
  H: 'H2'
};

/** The elements in the order of the formula, how many atoms of each, and their colours. */
export function elementsOf(crystal: ICrystal, palette: Palette = 'jmol'): IElementCount[] {
  const counts = new Map<string, number>();
  for (const { species } of crystal.sites) {
    for (const { symbol: name, occupancy } of species) {
      const { symbol } = elementOf(name);
      counts.set(symbol, (counts.get(symbol) ?? 0) + occupancy);
    }
  }
  return [...counts]
    .map(([symbol, count]) => ({ symbol, count, colour: colourOf(elementOf(symbol), palette) }))
    .sort((a, b) => inOrder(a.symbol, b.symbol));
}

/** The formula without common factors, "BaTiO3"; of a molecule or a shared site as pymatgen has them, too. */
export function reducedFormula(crystal: ICrystal): string {
  const amounts: [string, number][] = elementsOf(crystal).map(e => [e.symbol, e.count]);
  if (amounts.some(([, count]) => !isWhole(count))) {
    return amounts.map(([symbol, count]) => symbol + written(count)).join('');
  }
  const whole = amounts.map(([symbol, count]): [string, number] => [symbol, Math.round(count)]);
  const [formula] = reduced(whole.filter(([, count]) => count > 0));
  return SPECIAL[formula] ?? formula;
}

/** The formula cut into what stands on the line and what stands below it: numbers after a letter or a bracket. */
export function formulaParts(formula: string): IFormulaPart[] {
  return formula
    .split(/((?<=[A-Za-z)\]])\d+(?:\.\d+)?)/)
    .map((text, k) => ({ text, subscript: k % 2 === 1 }))
    .filter(({ text }) => text !== '');
}

function inOrder(a: string, b: string): number {
  const [x, y] = [a, b].map(symbol => elementOf(symbol).electronegativity ?? Infinity);
  return x === y ? Number(a > b) - Number(a < b) : x - y;
}

function reduced(amounts: [string, number][]): [string, number] {
  const factor = amounts.reduce((found, [, count]) => greatestDivisor(found, count), 0) || 1;
  const parts = amounts.map(([symbol, count]) => [symbol, count / factor] as [string, number]);
  let bracket = '';
  const [one, other] = parts.slice(-2).map(([symbol]) => elementOf(symbol).electronegativity);
  // without an electronegativity the difference is none, and there is no bracket
  if (parts.length >= 3 && one !== null && other !== null && other - one < POLYANION) {
    const [anion, times] = reduced(parts.slice(-2));
    if (times !== 1) {
      bracket = `(${anion})${times}`;
      parts.splice(-2);
    }
  }
  return [
    parts.map(([symbol, n]) => symbol + (n === 1 ? '' : written(n))).join('') + bracket,
    factor
  ];
}

function greatestDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestDivisor(b, a % b);
}

function isWhole(count: number): boolean {
  return Math.abs(count - Math.round(count)) < TOLERANCE;
}

function written(count: number): string {
  return String(isWhole(count) ? Math.round(count) : Number(count.toFixed(8)));
}

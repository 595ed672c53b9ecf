/** What labels and type symbols of a CIF file say of the elements. */
import type { ISpecies } from '../crystal';
import { elementOf, isElement } from '../element';
import { plain } from './numbers';

// as files call groups of atoms, the position being that of the heavy one
const GROUPS: [RegExp, string][] = [
  [/^(wat|o-?h|ow)/i, 'O'],
  [/^hw/i, 'H'],
  [/^(no3|n[hd]4)/i, 'N']
];
// as type symbols only: a label "H2O" may be that of a hydrogen atom
const GROUPS_OF_TYPES: [RegExp, string][] = [
  ...GROUPS,
  [/^[hd][23]o(?![a-z])/i, 'O'],
  [/^n[hd][23]/i, 'N'],
  [/^cval$/i, 'C'], // two entries of tables of scattering factors
  [/^siva$/i, 'Si']
];
const VACANCY = /^(vac|va(?![a-z])|□)/i;
const TYPE =
  /^([A-Za-z]{1,2})(\d*(?:\.\d*)?[+-]?|[+-]\d*(?:\.\d*)?)(?:\([IVX\d+-]+\))?(?:, ?spin=\S*)?$/i;

/** The element of a type symbol such as "Na", "O2-" or "Fe+3"; "X" if there is none, null for a vacancy. */
export function elementOfType(type: string): string | null {
  const text = plain(type).trim();
  const group = GROUPS_OF_TYPES.find(([pattern]) => pattern.test(text));
  if (group || VACANCY.test(text)) {
    return group?.[1] ?? null;
  }
  const [, letters, charge] = (text.length <= 60 && TYPE.exec(text)) || ['', '', ''];
  // "T1" is a tetrahedral site, not tritium
  return /^t$/i.test(letters) && /^\d[\d.]*$/.test(charge)
    ? 'X'
    : elementOf(capitalized(letters)).symbol;
}

function capitalized(letters: string): string {
  return letters.charAt(0).toUpperCase() + letters.slice(1).toLowerCase();
}

/**
 * The element that a label such as "Na1", "O2-" or "Fe3+" begins with; "X" if there is none, null for a vacancy.
 *
 * A label may begin with the symbol of two elements ("CO1"): the formula of the file decides, and without it two
 * letters come before one.
 */
export function elementIn(label: string, formula?: ReadonlyMap<string, number>): string | null {
  const text = label.trim();
  const group = GROUPS.find(([pattern]) => pattern.test(text));
  if (group || VACANCY.test(text)) {
    return group?.[1] ?? null;
  }
  const letters = /^[A-Za-z]{1,2}/.exec(text)?.[0] ?? '';
  const two = capitalized(letters);
  // a label "T1" is a tetrahedral site, not tritium
  const found = [two, two.charAt(0)]
    .filter(symbol => isElement(symbol) && symbol !== 'T')
    .map(symbol => elementOf(symbol).symbol);
  return found.find(symbol => formula?.has(symbol)) ?? found[0] ?? 'X';
}

/** Atoms of each element in a sum formula such as "Mg1 H2 O2"; empty if it is not understood. */
export function formulaIn(text: string): Map<string, number> {
  const amounts = new Map<string, number>();
  const term = /([A-Z][a-z]?)(\d*\.?\d*)\s*/y;
  while (text.length < 400 && term.lastIndex < text.length) {
    const found = term.exec(text);
    if (!found || !isElement(found[1]) || found[2] === '.') {
      return new Map();
    }
    const { symbol } = elementOf(found[1]);
    amounts.set(symbol, (amounts.get(symbol) ?? 0) + Number(found[2] || 1));
  }
  return [...amounts.values()].every(amount => amount > 0 && Number.isFinite(amount))
    ? amounts
    : new Map();
}

/** A site that is described in words, "0.8Nb + 0.2Zr", as in the Pauling File; null if it is not. */
export function mixtureIn(text: string): ISpecies[] | null {
  const parts = text.length < 200 ? text.split(' + ') : [];
  const found = parts.map(part => /^\s*(0?\.\d+)(?:\(\d*\))?\s*([A-Z][a-z]?)/.exec(part));
  const species = found.flatMap(one =>
    one && isElement(one[2]) ? [{ symbol: one[2], occupancy: Number(one[1]) }] : []
  );
  return parts.length > 1 && species.length === parts.length ? species : null;
}

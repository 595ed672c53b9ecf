/** What labels and type symbols of a CIF file say of the elements. */
import type { ISpecies } from '../crystal';
import { elementOf, isElement } from '../element';

// as files call groups of atoms, the position being that of the heavy one
const GROUPS: [RegExp, string][] = [
  [/^(wat|oh|ow)/i, 'O'],
  [/^hw/i, 'H'],
  [/^no3/i, 'N']
];
const VACANCY = /^(vac|va\b|□)/i;

/**
 * The element that a label such as "Na1", "O2-" or "Fe3+" begins with; "X" if there is none, null for a vacancy.
 *
 * Two letters come before one, as in pymatgen: "Ca1" is calcium, "Cx1" carbon.
 */
export function elementIn(label: string): string | null {
  const text = label.trim();
  if (VACANCY.test(text)) {
    return null;
  }
  const group = GROUPS.find(([pattern]) => pattern.test(text));
  if (group) {
    return group[1];
  }
  const letters = /^[A-Za-z]{1,2}/.exec(text)?.[0] ?? '';
  const two = letters.charAt(0).toUpperCase() + letters.slice(1).toLowerCase();
  return elementOf([two, two.charAt(0)].find(isElement) ?? 'X').symbol;
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

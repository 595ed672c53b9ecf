/** What an output of a cell holds; it may come from a notebook that nobody trusts, and is read strictly. */
import type { ICrystal, ISite, ISpecies, Vector } from '../crystal';
import { isElement } from '../element';
import { checked } from '../parsing/checked';
import type { IWords } from '../viewer/captions';

/** The mime type of structures. */
export const MIME_TYPE = 'application/vnd.xcrystal.structure+json';

const VERSION = 1;
const MOST_SITES = 100_000;
const MOST_SPECIES = 20; // on one site

/**
 * The crystal of an output.
 *
 * @throws Error - With one line for people, if it is none.
 */
export function readStructure(data: unknown, trans: IWords): ICrystal {
  const fail = (words: string): never => {
    throw new Error(words);
  };
  if (!isRecord(data)) {
    return fail(trans.__('This output holds no structure.'));
  }
  if (data.version !== VERSION) {
    return fail(trans.__('This output was written by another version of xcrystal.'));
  }
  const { lattice, species, positions, title } = data;
  if (!isVectors(lattice) || lattice.length !== 3) {
    return fail(trans.__('The lattice of this output is not 3 x 3 numbers.'));
  }
  if (!isVectors(positions) || positions.length === 0 || positions.length > MOST_SITES) {
    return fail(trans.__('The positions of this output are not 1 to %1 points.', MOST_SITES));
  }
  if (!Array.isArray(species) || species.length !== positions.length) {
    return fail(trans.__('This output does not say what is on each of its sites.'));
  }
  const sites = positions.map((position, index): ISite => {
    const found = readSpecies(species[index]);
    return found
      ? { species: found, position }
      : fail(trans.__('This output does not say what is on its site %1.', index + 1));
  });
  return checked(typeof title === 'string' ? title : '', lattice as ICrystal['lattice'], sites);
}

function readSpecies(value: unknown): ISpecies[] | null {
  if (!Array.isArray(value) || value.length === 0 || value.length > MOST_SPECIES) {
    return null;
  }
  const found: ISpecies[] = [];
  for (const item of value) {
    if (!isRecord(item) || typeof item.symbol !== 'string') {
      return null;
    }
    const { symbol, occupancy } = item;
    if (typeof occupancy !== 'number' || !(occupancy > 0 && occupancy <= 1 + 1e-6)) {
      return null;
    }
    found.push({ symbol: isElement(symbol) ? symbol : 'X', occupancy });
  }
  return found.sort((one, other) => other.occupancy - one.occupancy);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isVectors(value: unknown): value is Vector[] {
  return (
    Array.isArray(value) &&
    value.every(row => Array.isArray(row) && row.length === 3 && row.every(Number.isFinite))
  );
}

/** Structures and molecules in pymatgen's JSON. */
import type { ICrystal, ISite, ISpecies, Vector } from '../crystal';
import { type Matrix, latticeOf, times } from '../lattice';
import { trans } from '../words';
import { checkCount, checked, fractional, sharing } from './checked';
import { ParseError } from './error';
import { symbolIn } from './numbers';
import { partly } from './xyz';

type Fields = Record<string, unknown>;

/** All structures and molecules in a file: one, a list of them, or of things with a "structure". */
export function parseJson(text: string): ICrystal[] {
  let content: unknown;
  try {
    content = JSON.parse(withoutNan(text));
  } catch (error) {
    const at = /position (\d+)/.exec(String(error))?.[1];
    const line = at === undefined ? 0 : text.slice(0, Number(at)).split('\n').length;
    throw new ParseError(
      line
        ? trans.__('Line %1: this is not valid JSON.', line)
        : trans.__('This is not valid JSON.')
    );
  }
  const found = (Array.isArray(content) ? content : [content]).map(structureIn);
  const structures = found.filter(one => one !== null);
  if (structures.length === 0) {
    throw new ParseError(
      trans.__('This JSON file holds no structure as pymatgen writes it, so nothing is drawn.')
    );
  }
  return structures.map(crystalOf);
}

/** NaN and Infinity, which Python writes but JSON does not have, as null; what stands in strings stays. */
function withoutNan(text: string): string {
  return /NaN|Infinity/.test(text)
    ? text.replace(/"(?:[^"\\]|\\.)*"|-?\b(?:NaN|Infinity)\b/g, found =>
        found.startsWith('"') ? found : 'null'
      )
    : text;
}

function fieldsOf(value: unknown): Fields | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Fields)
    : null;
}

function structureIn(value: unknown): Fields | null {
  const own = fieldsOf(value);
  for (const one of [own, fieldsOf(own?.structure), fieldsOf(own?.molecule)]) {
    const sites = one?.sites;
    // a site has species, or the one name of older files
    if (one && Array.isArray(sites) && (fieldsOf(one.lattice) || isMolecule(sites))) {
      return one;
    }
  }
  return null;
}

function isMolecule(sites: unknown[]): boolean {
  const first = fieldsOf(sites[0]);
  return first !== null && 'xyz' in first && ('species' in first || 'name' in first);
}

function crystalOf(structure: Fields): ICrystal {
  const sites = structure.sites as unknown[];
  checkCount(sites.length);
  const notes: string[] = [];
  const lattice = structure.lattice ? latticeIn(structure.lattice as Fields) : null;
  const found = sites.map((site, k) => siteIn(fieldsOf(site), k, lattice));
  const { pbc } = (structure.lattice ?? {}) as Fields;
  const along = Array.isArray(pbc) && pbc.length === 3 ? pbc.map(Boolean) : [true, true, true];
  const repeated = lattice && along.includes(true) ? partly(lattice, along, notes) : null;
  if (!lattice || repeated) {
    return checked('', repeated, found, notes);
  }
  const points = found.map(({ species, position }) => ({
    species,
    position: times(position, lattice)
  }));
  return checked('', null, points, notes);
}

function latticeIn(lattice: Fields): Matrix {
  const { matrix } = lattice;
  if (Array.isArray(matrix) && matrix.length === 3) {
    const rows = matrix.map(vectorOf);
    if (rows.every(row => row !== null)) {
      return rows as Matrix;
    }
  }
  const lengths = vectorOf([lattice.a, lattice.b, lattice.c]);
  const angles = vectorOf([lattice.alpha, lattice.beta, lattice.gamma]);
  const rows = lengths && angles && latticeOf(lengths, angles);
  if (!rows) {
    throw new ParseError(trans.__('The lattice in this JSON file has no matrix of 3 x 3 numbers.'));
  }
  return rows;
}

function vectorOf(value: unknown): Vector | null {
  return Array.isArray(value) &&
    value.length === 3 &&
    value.every(x => typeof x === 'number' && Number.isFinite(x))
    ? (value as Vector)
    : null;
}

function siteIn(site: Fields | null, index: number, lattice: Matrix | null): ISite {
  const points = vectorOf(site?.xyz);
  const place = lattice
    ? (vectorOf(site?.abc) ?? (points && fractional([points], lattice)[0]))
    : points;
  const kinds = Array.isArray(site?.species)
    ? site.species
    : site?.name
      ? [{ element: site.name }]
      : [];
  const species = kinds.map(speciesIn).filter(one => one !== null);
  if (!place || species.length === 0 || species.length !== kinds.length) {
    throw new ParseError(
      trans.__('Site %1 in this JSON file has no species or no position.', index + 1)
    );
  }
  return { species: sharing(species), position: [...place] };
}

function speciesIn(value: unknown): ISpecies | null {
  const kind = fieldsOf(value);
  const name = kind?.element ?? kind?.name;
  const occupancy = kind?.occu ?? 1;
  return typeof name === 'string' && typeof occupancy === 'number' && occupancy >= 0
    ? { symbol: symbolIn(name), occupancy }
    : null;
}

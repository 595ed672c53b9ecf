/**
 * Which atoms of a crystal are neighbours.
 *
 * The rule, its reasons and its numbers are those of `xcrystal/crystal/geometry/neighbours.py`; tests compare the two.
 */
import type { Vector } from './crystal';
import type { IElement } from './element';
import { type Matrix, times } from './lattice';
import { type IPairs, pairsWithin } from './pairs';

const LONGEST = 1.5; // sums of covalent radii
const COVALENT = 1.25; // of two non-metals
const PARTED = 0.885; // of the distance of two atoms: a third nearer than that to both parts them
const SHELL = 1.17; // mean distances of a shell
const OPEN_SHELL = 1.28; // of a cation with few anions nearer than that
const FEW = 6;
const FARTHEST = 2; // sums of covalent radii: where atoms without neighbours look for them
const CLOSER = 0.95; // of the distance to the nearest anion: only then two cations are neighbours
const ROUNDS = 4; // of weighting
const ALIKE = 1.1; // shortest distances: what an atom without neighbours gets
const SAME = 1e-3; // Å; what is closer is the same atom
const NONMETALS = new Set([
  1, 2, 5, 6, 7, 8, 9, 10, 14, 15, 16, 17, 18, 33, 34, 35, 36, 52, 53, 54, 85, 86
]);
const METALLOIDS = new Set([32, 50, 51, 82, 83, 84]); // anions of metals where no non-metal is
const NOBLE = new Set([2, 10, 18, 36, 54, 86]);

/** A neighbour of an atom. */
export interface INeighbour {
  atom: number;
  /** The cell that it is in. */
  image: Vector;
  /** From the one to the other, in Å. */
  vector: Vector;
  /** Whether both are metals, neither of them the anion of the other. */
  metallic: boolean;
}

/**
 * The neighbours of each atom of a cell, or of a molecule; null if the atoms are too close to be told apart.
 *
 * @param points - Fractional, not far from the cell at the origin; any points in Å if not periodic.
 * @param matrix - Rows a, b and c in Å; the unit matrix if not periodic.
 */
export function findNeighbours(
  points: readonly Vector[],
  matrix: Matrix,
  elements: readonly IElement[],
  periodic: boolean
): INeighbour[][] | null {
  const radii = elements.map(element => element.radius);
  const largest = 2 * radii.reduce((most, radius) => Math.max(most, radius), 0);
  const search = (sums: number) => {
    const pairs = pairsWithin(points, matrix, sums * largest, periodic);
    return pairs && measured(pairs, points, matrix, radii);
  };
  const near = search(LONGEST);
  if (near === null) {
    return null;
  }
  const kinds = kindsOf(elements);
  const found: INeighbour[][] = points.map(() => []);
  const add = ({ first, second, image, vector }: IContact) => {
    const metallic = kinds[first] === kinds[second] && kinds[first] < 2;
    found[first].push({ atom: second, image, vector, metallic });
  };
  neighboursAmong(near, kinds).forEach(add);
  const alone = elements.map(({ number }, k) => found[k].length === 0 && !NOBLE.has(number));
  if (alone.includes(true)) {
    // none of these was found before: one of the two had no neighbours at all
    nearestOf(alone, search(FARTHEST) ?? []).forEach(add);
  }
  return found;
}

interface IContact {
  first: number;
  second: number;
  image: Vector;
  vector: Vector;
  length: number;
  /** Of the length and the sum of the covalent radii. */
  ratio: number;
}

function measured(
  { first, second, images, lengths }: IPairs,
  points: readonly Vector[],
  matrix: Matrix,
  radii: number[]
): IContact[] {
  const contacts: IContact[] = [];
  lengths.forEach((length, k) => {
    if (length > SAME) {
      const [one, other] = [first[k], second[k]];
      const image: Vector = [images[3 * k], images[3 * k + 1], images[3 * k + 2]];
      const [p, q] = [points[one], points[other]];
      const step: Vector = [q[0] + image[0] - p[0], q[1] + image[1] - p[1], q[2] + image[2] - p[2]];
      contacts.push({
        first: one,
        second: other,
        image,
        vector: times(step, matrix),
        length,
        ratio: length / (radii[one] + radii[other])
      });
    }
  });
  return contacts;
}

/** Whether an element is a non-metal. */
export function isNonmetal({ number }: IElement): boolean {
  return NONMETALS.has(number);
}

/** 2 for non-metals, 1 for metalloids that are the most electronegative, 0 for metals: higher is the anion. */
function kindsOf(elements: readonly IElement[]): number[] {
  if (elements.some(isNonmetal)) {
    return elements.map(element => (isNonmetal(element) ? 2 : 0));
  }
  return elements.map(({ number }) => Number(METALLOIDS.has(number)));
}

function neighboursAmong(contacts: IContact[], kinds: number[]): IContact[] {
  const count = kinds.length;
  const possible = contacts.filter(
    ({ first, second, ratio }) =>
      ratio < (kinds[first] === 2 && kinds[second] === 2 ? COVALENT : LONGEST)
  );
  const kept = notParted(possible, contacts, count);

  // as the cation sees it
  const own = kept.filter(({ first, second }) => kinds[first] < kinds[second]);
  const shell = means(own, count);
  const full = new Float64Array(count);
  for (const { first, ratio } of own) {
    full[first] += Number(ratio / shell[first] < SHELL);
  }
  const isIonic = ({ first, second, ratio }: IContact) => {
    const cation = kinds[first] < kinds[second] ? first : second;
    return ratio / shell[cation] < (full[cation] >= FEW ? SHELL : OPEN_SHELL);
  };
  const nearest = new Float64Array(count).fill(Infinity);
  for (const contact of own.filter(isIonic)) {
    nearest[contact.first] = Math.min(nearest[contact.first], contact.length);
  }

  const alike = kept.filter(
    ({ first, second, length }) =>
      kinds[first] === kinds[second] && length < CLOSER * Math.min(nearest[first], nearest[second])
  );
  const mean = means(alike, count);
  return [
    ...kept.filter(contact => kinds[contact.first] !== kinds[contact.second] && isIonic(contact)),
    ...alike.filter(
      ({ first, second, ratio }) => ratio < SHELL * Math.max(mean[first], mean[second])
    )
  ];
}

/** Those whose two atoms have no third that is clearly nearer to both of them. */
function notParted(possible: IContact[], contacts: IContact[], count: number): IContact[] {
  const around: IContact[][] = Array.from({ length: count }, () => []);
  contacts.forEach(contact => around[contact.first].push(contact));
  around.forEach(own => own.sort((one, other) => one.length - other.length));
  return possible.filter(({ first, vector: [x, y, z], length }) => {
    const reach = PARTED * length;
    for (const third of around[first]) {
      if (third.length >= reach) {
        break;
      }
      const [a, b, c] = third.vector;
      if ((a - x) ** 2 + (b - y) ** 2 + (c - z) ** 2 < reach ** 2) {
        return false;
      }
    }
    return true;
  });
}

/** Weighted mean ratio of the contacts of each atom; infinite where there are none. */
function means(contacts: IContact[], count: number): Float64Array {
  const mean = new Float64Array(count).fill(Infinity);
  for (const { first, ratio } of contacts) {
    mean[first] = Math.min(mean[first], ratio);
  }
  for (let round = 0; round < ROUNDS; round++) {
    const [total, summed] = [new Float64Array(count), new Float64Array(count)];
    for (const { first, ratio } of contacts) {
      const weight = Math.exp(1 - (ratio / mean[first]) ** 6);
      total[first] += weight;
      summed[first] += weight * ratio;
    }
    total.forEach((sum, k) => {
      mean[k] = sum > 0 ? summed[k] / sum : mean[k];
    });
  }
  return mean;
}

/** What atoms that are alone have around them, seen from both ends. */
function nearestOf(alone: boolean[], contacts: IContact[]): IContact[] {
  const limit = new Float64Array(alone.length);
  alone.forEach((is, k) => {
    limit[k] = is ? FARTHEST : 0;
  });
  for (const { first, ratio } of contacts) {
    limit[first] = Math.min(limit[first], ALIKE * ratio);
  }
  return contacts.filter(
    ({ first, second, ratio }) => ratio < Math.max(limit[first], limit[second])
  );
}

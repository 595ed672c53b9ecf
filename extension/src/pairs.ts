/** Pairs of atoms closer than a distance in an endless crystal, or in a molecule, in linear time. */
import type { Vector } from './crystal';
import { type Matrix, heights, times } from './lattice';

const MOST_TRIED = 2e7; // pairs looked at; far more than any real crystal of a thousand atoms needs

/** Pairs of neighbours, each seen from both ends. */
export interface IPairs {
  first: number[];
  second: number[];
  /** Cells between the two, three numbers a pair: second + image is the neighbour of first. */
  images: number[];
  /** In Å. */
  lengths: number[];
}

/**
 * All pairs within `reach`; null if the atoms are so close that they cannot be told in sensible time.
 *
 * @param points - Fractional, not far from the cell at the origin; any points in Å if not periodic.
 * @param matrix - Rows a, b and c in Å; the unit matrix if not periodic.
 * @param reach - In Å.
 */
export function pairsWithin(
  points: readonly Vector[],
  matrix: Matrix,
  reach: number,
  periodic: boolean
): IPairs | null {
  const grid = periodic ? periodicGrid(points, matrix, reach) : openGrid(points, reach);
  const { counts, spans, bins, places, origins } = grid;
  const boxes = spans.reduce((product, span) => product * (2 * span + 1), 1);
  let tried = 0;
  for (const members of bins.values()) {
    tried += members.length * members.length * boxes;
  }
  if (!(tried <= MOST_TRIED)) {
    return null;
  }
  const found: IPairs = { first: [], second: [], images: [], lengths: [] };
  const [na, nb, nc] = counts;
  const [[ax, ay, az], [bx, by, bz], [cx, cy, cz]] = matrix;
  for (let one = 0; one < points.length; one++) {
    const [ia, ib, ic] = grid.cells[one];
    for (let a = ia - spans[0]; a <= ia + spans[0]; a++) {
      const [ka, ra] = folded(a, na, periodic);
      for (let b = ib - spans[1]; b <= ib + spans[1]; b++) {
        const [kb, rb] = folded(b, nb, periodic);
        for (let c = ic - spans[2]; c <= ic + spans[2]; c++) {
          const [kc, rc] = folded(c, nc, periodic);
          const members = bins.get((ka * nb + kb) * nc + kc);
          if (!members || ka < 0 || kb < 0 || kc < 0 || ka >= na || kb >= nb || kc >= nc) {
            continue;
          }
          for (const other of members) {
            // images are counted from where the points are, not from where they were folded to
            const [to, from] = [origins[other], origins[one]];
            const [u, v, w] = [ra + from[0] - to[0], rb + from[1] - to[1], rc + from[2] - to[2]];
            const [p, q] = [places[other], places[one]];
            const x = p[0] - q[0] + u * ax + v * bx + w * cx;
            const y = p[1] - q[1] + u * ay + v * by + w * cy;
            const z = p[2] - q[2] + u * az + v * bz + w * cz;
            const squared = x * x + y * y + z * z;
            if (squared <= reach * reach && (other !== one || u !== 0 || v !== 0 || w !== 0)) {
              found.first.push(one);
              found.second.push(other);
              found.images.push(u, v, w);
              found.lengths.push(Math.sqrt(squared));
            }
          }
        }
      }
    }
  }
  return found;
}

interface IGrid {
  /** Boxes along each axis. */
  counts: Vector;
  /** Boxes to look at on either side. */
  spans: Vector;
  /** Atoms in each box that holds any. */
  bins: Map<number, number[]>;
  /** The box of each atom. */
  cells: Vector[];
  /** The cell of the crystal that each atom is in. */
  origins: Vector[];
  /** In Å. */
  places: Vector[];
}

function periodicGrid(points: readonly Vector[], matrix: Matrix, reach: number): IGrid {
  const tall = heights(matrix);
  const counts = tall.map(h => Math.min(64, Math.max(1, Math.floor(h / reach)))) as Vector;
  const spans = tall.map((h, axis) => Math.ceil((reach / h) * counts[axis])) as Vector;
  const origins = points.map(point => point.map(Math.floor) as Vector);
  const cells = points.map(
    (point, k) =>
      point.map((x, axis) =>
        Math.min(counts[axis] - 1, Math.floor((x - origins[k][axis]) * counts[axis]))
      ) as Vector
  );
  const places = points.map(point => times(point, matrix));
  return { counts, spans, bins: binned(cells, counts), cells, origins, places };
}

function openGrid(points: readonly Vector[], reach: number): IGrid {
  const low = [0, 1, 2].map(axis => points.reduce((m, p) => Math.min(m, p[axis]), Infinity));
  const cells = points.map(
    point => point.map((x, axis) => Math.floor((x - low[axis]) / reach)) as Vector
  );
  const counts = [0, 1, 2].map(axis =>
    cells.reduce((most, cell) => Math.max(most, cell[axis] + 1), 1)
  ) as Vector;
  const origins = points.map((): Vector => [0, 0, 0]);
  return {
    counts,
    spans: [1, 1, 1],
    bins: binned(cells, counts),
    cells,
    origins,
    places: [...points]
  };
}

function binned(cells: Vector[], [, nb, nc]: Vector): Map<number, number[]> {
  const bins = new Map<number, number[]>();
  cells.forEach(([a, b, c], atom) => {
    const key = (a * nb + b) * nc + c;
    const members = bins.get(key);
    if (members) {
      members.push(atom);
    } else {
      bins.set(key, [atom]);
    }
  });
  return bins;
}

/** A box outside of the cell as one inside, and how many cells away it was. */
function folded(box: number, count: number, periodic: boolean): [number, number] {
  if (!periodic) {
    return [box, 0];
  }
  const cell = Math.floor(box / count);
  return [box - cell * count, cell];
}

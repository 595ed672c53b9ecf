/** Places in a cell, and which of them are one and the same, in linear time. */
import type { Vector } from '../crystal';
import { type Matrix, heights, norm, times } from '../lattice';

const BOX = 0.5; // Å, roughly, of what is looked through for one place; far more than any tolerance

/** Points of a periodic cell that are added one by one and found again. */
export class Places {
  readonly points: Vector[] = [];
  private boxes = new Map<number, number[]>();
  private counts: Vector;
  private tall: Vector;

  constructor(private lattice: Matrix) {
    this.tall = heights(lattice);
    this.counts = this.tall.map(h => Math.max(1, Math.floor(h / BOX))) as Vector;
  }

  /** Adds a point, whatever is there already; tells its index. */
  add(point: Vector): number {
    const index = this.points.push(point) - 1;
    const key = this.key(point.map((x, k) => Math.floor(inside(x) * this.counts[k])) as Vector);
    const members = this.boxes.get(key);
    if (members) {
      members.push(index);
    } else {
      this.boxes.set(key, [index]);
    }
    return index;
  }

  /** Index of the first point, from `from` on, within a distance in Å (below 0.2) or an image of it; -1 if none is. */
  find(point: Vector, tolerance: number, from = 0): number {
    const ranges = point.map((x, k) => this.near(inside(x), k, tolerance));
    let best = -1;
    for (const a of ranges[0]) {
      for (const b of ranges[1]) {
        for (const c of ranges[2]) {
          for (const index of this.boxes.get(this.key([a, b, c])) ?? []) {
            if (
              index >= from &&
              (best < 0 || index < best) &&
              this.distance(point, index) <= tolerance
            ) {
              best = index;
            }
          }
        }
      }
    }
    return best;
  }

  private distance(point: Vector, index: number): number {
    const other = this.points[index];
    const step = point.map((x, k) => x - other[k] - Math.round(x - other[k])) as Vector;
    return norm(times(step, this.lattice));
  }

  /** Boxes along an axis that points within the tolerance can be in. */
  private near(x: number, axis: number, tolerance: number): number[] {
    const count = this.counts[axis];
    const reach = tolerance / this.tall[axis];
    const low = Math.floor((x - reach) * count);
    const high = Math.floor((x + reach) * count);
    const all: number[] = [];
    for (let box = low; box <= high && all.length < count; box++) {
      all.push(box - Math.floor(box / count) * count);
    }
    return all;
  }

  private key([a, b, c]: Vector): number {
    const [na, nb, nc] = this.counts;
    const last = (box: number, count: number) => Math.min(box, count - 1);
    return (last(a, na) * nb + last(b, nb)) * nc + last(c, nc);
  }
}

/** From 0 up to, not including, 1. */
export function inside(x: number): number {
  const rest = x - Math.floor(x);
  return rest < 1 ? rest : 0;
}

/**
 * Molecules and molecular ions: groups of atoms that bonds do not join to their own images.
 *
 * As `xcrystal/explorer/drawing/molecules.py` finds them; tests compare the two.
 */
import type { Vector } from './crystal';
import type { INeighbour } from './neighbours';

/** A group of several atoms. */
export interface IGroup {
  members: number[];
  /** Of each member, the cell in which it has to be so that the group is in one piece. */
  cells: Vector[];
}

/** The groups of several atoms that are joined by neighbours, and end; `joins` tells which neighbours count. */
export function finiteGroups(
  neighbours: readonly (readonly INeighbour[])[],
  joins: (one: number, other: number) => boolean = () => true
): IGroup[] {
  const cells: (Vector | undefined)[] = neighbours.map(() => undefined);
  const groups: IGroup[] = [];
  for (let start = 0; start < neighbours.length; start++) {
    if (cells[start]) {
      continue;
    }
    cells[start] = [0, 0, 0];
    const members = [start];
    let ends = true;
    for (const one of members) {
      // which grows meanwhile
      const [x, y, z] = cells[one] ?? [0, 0, 0];
      for (const { atom, image } of neighbours[one]) {
        if (!joins(one, atom)) {
          continue;
        }
        const there: Vector = [x + image[0], y + image[1], z + image[2]];
        const known = cells[atom];
        if (!known) {
          cells[atom] = there;
          members.push(atom);
        } else if (known.some((k, axis) => k !== there[axis])) {
          ends = false;
        }
      }
    }
    if (ends && members.length > 1) {
      groups.push({ members, cells: members.map(member => cells[member] ?? [0, 0, 0]) });
    }
  }
  return groups;
}

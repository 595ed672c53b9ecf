/**
 * Coordination polyhedra: around which cations they are drawn, and their faces.
 *
 * The rules, their reasons and their numbers are those of `xcrystal/explorer/drawing/polyhedra.py`; tests compare the
 * two.
 */
import type { Vector } from './crystal';
import type { IElement } from './element';
import { cross, dot, norm } from './lattice';
import { type INeighbour, isNonmetal } from './neighbours';

const [FEWEST, MOST] = [4, 7]; // corners
const ANIONS = new Set([7, 8, 9, 16, 17, 34, 35, 52, 53]);
const RARE_EARTHS = Array.from({ length: 15 }, (_, k) => 57 + k);
const LARGE = new Set([3, 11, 19, 37, 55, 87, 20, 38, 56, 88, 39, ...RARE_EARTHS, 89]);
const LIGHT = new Set([1, 6, 7, 8, 9]);
const MANY = 7; // neighbours of an ion between polyhedra
const INSIDE = 0.05; // Å from each face
const SLIM = 0.1; // Å², twice the area of triangles that span no plane
const FLAT = 0.08; // Å from the plane of a face that a corner of it may be

type Around = readonly (readonly INeighbour[])[];

/** Of each atom in the centre of a polyhedron, the faces: neighbours in order, counterclockwise from outside. */
export type Faces = Map<number, INeighbour[][]>;

/** The polyhedra of a cell. */
export function polyhedronFaces(elements: readonly IElement[], around: Around): Faces {
  // an anion that something other than a cation is bonded to
  const reverse = elements.map(() => false);
  around.forEach((own, one) => {
    for (const { atom } of own) {
      if (!isCationOf(elements[one], elements[atom]) && ANIONS.has(elements[atom].number)) {
        reverse[atom] = true;
      }
    }
  });
  const found: Faces = new Map();
  const corners = new Set<number>();
  around.forEach((own, one) => {
    const { number } = elements[one];
    if (
      own.length >= FEWEST &&
      own.length <= MOST &&
      !LARGE.has(number) &&
      !LIGHT.has(number) &&
      own.every(
        ({ atom }) =>
          isCationOf(elements[one], elements[atom]) &&
          ANIONS.has(elements[atom].number) &&
          !reverse[atom]
      )
    ) {
      const faces = hullFaces(own.map(({ vector }) => vector));
      if (faces.length) {
        found.set(
          one,
          faces.map(face => face.map(corner => own[corner]))
        );
        own.forEach(({ atom }) => corners.add(atom));
      }
    }
  });
  return found.size < corners.size ? found : new Map();
}

/** Of each atom, whether it is a large cation between polyhedra or bonded non-metals, drawn without its bonds. */
export function betweenPolyhedra(
  elements: readonly IElement[],
  around: Around,
  faces: Faces
): boolean[] {
  const bonded = around.some((own, one) =>
    own.some(({ atom }) => isNonmetal(elements[one]) && isNonmetal(elements[atom]))
  );
  return elements.map(
    (element, k) =>
      (faces.size > 0 || bonded) &&
      !isNonmetal(element) &&
      (LARGE.has(element.number) || around[k].length > MANY)
  );
}

/** Of each atom, whether it is drawn with all its neighbours: on the boundary, and inside of the cell. */
export function completed(
  elements: readonly IElement[],
  around: Around,
  faces: Faces
): [boundary: boolean, inside: boolean][] {
  const lonely = betweenPolyhedra(elements, around, faces);
  return around.map((own, one) => {
    const alike = own.filter(({ atom }) => elements[atom].number === elements[one].number).length;
    const bonded = own.filter(({ atom }) => !lonely[atom]).length;
    const chained = isNonmetal(elements[one]) && (alike === 2 || alike === 3) && alike === bonded;
    const cation =
      own.length > 0 && own.every(({ atom }) => isCationOf(elements[one], elements[atom]));
    const always = chained || faces.has(one);
    return [always, always || (cation && !lonely[one])];
  });
}

/** Whether one element is a metal of a non-metal, or the less electronegative of two non-metals. */
export function isCationOf(one: IElement, other: IElement): boolean {
  return (
    isNonmetal(other) &&
    (!isNonmetal(one) || (one.electronegativity ?? 0) < (other.electronegativity ?? 0))
  );
}

/** Faces of the convex hull of corners, each as indices; none if the origin is not well inside. */
export function hullFaces(corners: readonly Vector[]): number[][] {
  const found = new Map<string, number[]>();
  for (let i = 0; i < corners.length; i++) {
    for (let j = i + 1; j < corners.length; j++) {
      for (let k = j + 1; k < corners.length; k++) {
        const normal = cross(minus(corners[j], corners[i]), minus(corners[k], corners[i]));
        const length = norm(normal);
        if (length <= SLIM) {
          continue;
        }
        const distance = dot(normal, corners[i]) / length;
        const away = corners.map(corner => dot(normal, corner) / length - distance);
        const [above, below] = [away.every(x => x > -FLAT), away.every(x => x < FLAT)];
        if ((above && below) || ((above || below) && (above ? -distance : distance) < INSIDE)) {
          return [];
        }
        if (above || below) {
          const face = [...corners.keys()].filter(corner => Math.abs(away[corner]) < FLAT);
          found.set(face.join(), face);
        }
      }
    }
  }
  const faces = [...found.values()];
  const isPart = (face: number[]) =>
    faces.some(other => other.length > face.length && face.every(k => other.includes(k)));
  return faces.filter(face => !isPart(face)).map(face => inOrder(face, corners));
}

function inOrder(face: number[], corners: readonly Vector[]): number[] {
  const middle = [0, 1, 2].map(
    axis => face.reduce((sum, k) => sum + corners[k][axis], 0) / face.length
  ) as Vector;
  const along = minus(corners[face[0]], middle);
  const sideways = cross(middle, along); // the middle is outwards from the origin
  const scale = norm(along) / Math.max(norm(sideways), 1e-9);
  const angle = (k: number) => {
    const out = minus(corners[k], middle);
    return Math.atan2(scale * dot(out, sideways), dot(out, along));
  };
  return [...face].sort((one, other) => angle(one) - angle(other));
}

function minus(a: Vector, b: Vector): Vector {
  return [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
}

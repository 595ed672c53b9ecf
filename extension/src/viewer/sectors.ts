/** Spheres of sites that several elements share, or that are not full: one sector for each share, as in an orange. */
import type { IScene } from '../scene';

const ROUND = 32; // facets around the axis, and half as many along it
const OUTSIDE = 1.01; // radii of the sphere that is covered

/** Triangles with the colours of their corners. */
export interface IMesh {
  position: Float32Array;
  normal: Float32Array;
  color: Float32Array;
  index: Uint32Array;
}

/** All spheres of a scene that have sectors; null if none has. */
export function sectorMesh({ positions, radii, atoms, shares }: IScene): IMesh | null {
  const position: number[] = [];
  const normal: number[] = [];
  const color: number[] = [];
  const index: number[] = [];
  atoms.forEach((atom, sphere) => {
    let begin = 0;
    for (const { share, colour } of shares[atom]) {
      const slices = Math.max(1, Math.round(ROUND * share));
      const first = position.length / 3;
      for (let slice = 0; slice <= slices; slice++) {
        const angle = 2 * Math.PI * (begin + (share * slice) / slices);
        for (let stack = 0; stack <= ROUND / 2; stack++) {
          const polar = (2 * Math.PI * stack) / ROUND;
          const out = [
            Math.sin(polar) * Math.cos(angle),
            Math.sin(polar) * Math.sin(angle),
            Math.cos(polar)
          ];
          const radius = OUTSIDE * radii[sphere];
          position.push(...out.map((x, axis) => positions[3 * sphere + axis] + radius * x));
          normal.push(...out);
          color.push(...colour);
          if (slice < slices && stack < ROUND / 2) {
            const here = first + slice * (ROUND / 2 + 1) + stack;
            const next = here + ROUND / 2 + 1;
            index.push(here, here + 1, next, here + 1, next + 1, next);
          }
        }
      }
      begin += share;
    }
  });
  if (!index.length) {
    return null;
  }
  return {
    position: Float32Array.from(position),
    normal: Float32Array.from(normal),
    color: Float32Array.from(color),
    index: Uint32Array.from(index)
  };
}

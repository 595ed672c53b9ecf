/** Spheres of sites that several elements share, or that are not full: one sector for each share, as in an orange. */
import type { IMesh } from './ngl_mesh';

const ROUND = 32; // facets around the axis, and half as many along it
const OUTSIDE = 1.01; // radii of the sphere that is covered

/** The part of a site that one element has, or that is empty. */
export interface IShare {
  /** All of a site make 1. */
  share: number;
  /** Red, green and blue. */
  colour: readonly number[];
}

/** Spheres: three numbers a centre, a radius, and the index of a site. */
export interface ISpheres {
  positions: Float32Array;
  radii: Float32Array;
  atoms: ArrayLike<number>;
}

/** The sectors of all spheres whose site has `shares`; null if none has. */
export function sectorMesh(
  { positions, radii, atoms }: ISpheres,
  shares: readonly (readonly IShare[])[]
): IMesh | null {
  if (!shares.some(parts => parts.length)) {
    return null;
  }
  const position: number[] = [];
  const normal: number[] = [];
  const color: number[] = [];
  const index: number[] = [];
  radii.forEach((own, sphere) => {
    let begin = 0;
    for (const { share, colour } of shares[atoms[sphere]]) {
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
          const radius = OUTSIDE * own;
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
  return {
    position: Float32Array.from(position),
    normal: Float32Array.from(normal),
    color: Float32Array.from(color),
    index: Uint32Array.from(index)
  };
}

/** From a scene to the numbers that are drawn. */
import { EDGE_COLOUR, type KeptBuffers, type Numbers } from '../ngl_buffers';
import {
  FACE_EDGE_RADIUS,
  FACE_EDGE_SHADE,
  type IFaceEdges,
  faceEdges,
  faceMesh
} from '../ngl_faces';
import type { ReplacedMesh } from '../ngl_mesh';
import { EDGE_RADIUS, type IScene } from '../scene';
import { sectorMesh } from '../sectors';

/** What a scene is drawn with. */
export interface ILayers {
  crystal: KeptBuffers;
  sectors: ReplacedMesh;
  faces: ReplacedMesh;
}

/** Draw a scene; `extent` is the reach of the planes that cut off what is near and far. */
export function fillCrystal(
  { crystal, sectors, faces }: ILayers,
  scene: IScene,
  extent: number
): void {
  const ridges = faceEdges(scene);
  const lines = scene.bondRadii.length + scene.edges.length / 6 + ridges.atoms.length;
  const sizes = { sphere: scene.radii.length, cylinder: lines };
  const { sphere, cylinder } = crystal.room(sizes);
  sphere.position.set(scene.positions);
  sphere.color.set(scene.colours);
  sphere.radius.set(scene.radii);
  fillCylinders(cylinder, scene, ridges);
  crystal.show(sizes, extent);
  sectors.draw(sectorMesh(scene, scene.shares));
  faces.draw(faceMesh(scene, scene.paints.flat()));
}

function fillCylinders(data: Numbers, scene: IScene, ridges: IFaceEdges): void {
  data.position1.set(scene.bondStarts);
  data.position2.set(scene.bondEnds);
  data.color.set(scene.bondColours);
  data.color2.set(scene.bondColours);
  data.radius.set(scene.bondRadii);
  let line = scene.bondRadii.length;
  const put = (ends: ArrayLike<number>, from: number, colour: number[], radius: number) => {
    for (let k = 0; k < 3; k++) {
      data.position1[3 * line + k] = ends[from + k];
      data.position2[3 * line + k] = ends[from + 3 + k];
    }
    data.color.set(colour, 3 * line);
    data.color2.set(colour, 3 * line);
    data.radius[line++] = radius;
  };
  for (let edge = 0; edge < scene.edges.length; edge += 6) {
    put(scene.edges, edge, EDGE_COLOUR, EDGE_RADIUS);
  }
  ridges.atoms.forEach((atom, k) => {
    const shade = scene.paints[atom].map(x => FACE_EDGE_SHADE * x);
    put(ridges.ends, 6 * k, shade, FACE_EDGE_RADIUS);
  });
}

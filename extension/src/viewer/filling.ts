/** From a scene to the numbers that are drawn. */
import { EDGE_COLOUR, type KeptBuffers, type Numbers } from '../ngl_buffers';
import { EDGE_RADIUS, type IScene } from '../scene';

/** Draw a scene; `extent` is the reach of the planes that cut off what is near and far. */
export function fillCrystal(buffers: KeptBuffers, scene: IScene, extent: number): void {
  const bonds = scene.bondRadii.length;
  const sizes = { sphere: scene.radii.length, cylinder: bonds + scene.edges.length / 6 };
  const { sphere, cylinder } = buffers.room(sizes);
  sphere.position.set(scene.positions);
  sphere.color.set(scene.colours);
  sphere.radius.set(scene.radii);
  fillCylinders(cylinder, scene, bonds);
  buffers.show(sizes, extent);
}

function fillCylinders(data: Numbers, scene: IScene, bonds: number): void {
  data.position1.set(scene.bondStarts);
  data.position2.set(scene.bondEnds);
  data.color.set(scene.bondColours);
  data.color2.set(scene.bondColours);
  data.radius.set(scene.bondRadii);
  for (let edge = 0; edge < scene.edges.length / 6; edge++) {
    const at = 3 * (bonds + edge);
    data.position1.set(scene.edges.subarray(6 * edge, 6 * edge + 3), at);
    data.position2.set(scene.edges.subarray(6 * edge + 3, 6 * edge + 6), at);
    data.color.set(EDGE_COLOUR, at);
    data.color2.set(EDGE_COLOUR, at);
    data.radius[bonds + edge] = EDGE_RADIUS;
  }
}

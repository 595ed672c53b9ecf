/** Pictures of a canvas with what stands over it in the page. */
import { el, pictureAddress } from './dom';

/** What the style sheets of the page say of a drawing, and a picture of it would not know. */
const LOOKS = [
  'color',
  'dominant-baseline',
  'fill',
  'font-family',
  'font-size',
  'font-style',
  'font-weight',
  'opacity',
  'paint-order',
  'stroke',
  'stroke-dasharray',
  'stroke-linecap',
  'stroke-width',
  'text-anchor'
];

/**
 * A picture with drawings over it.
 *
 * @param picture - Of an element of the page, `factor` times as fine as on the screen.
 * @param around - That element.
 * @param drawings - What stands over it; those without a size are left out.
 */
export async function overlaid(
  picture: Blob,
  around: Element,
  drawings: readonly SVGSVGElement[],
  factor: number
): Promise<Blob> {
  const ground = await createImageBitmap(picture);
  const canvas = el('canvas', { width: ground.width, height: ground.height });
  const context = canvas.getContext('2d');
  if (!context) {
    return picture;
  }
  context.drawImage(ground, 0, 0);
  const frame = around.getBoundingClientRect();
  for (const drawing of drawings) {
    const { left, top, width, height } = drawing.getBoundingClientRect();
    if (width > 0 && height > 0 && drawing.childElementCount > 0) {
      const image = el('img', { src: pictureAddress(standalone(drawing)) });
      await image.decode();
      const [x, y] = [left - frame.left, top - frame.top];
      context.drawImage(image, factor * x, factor * y, factor * width, factor * height);
    }
  }
  const made = await new Promise<Blob | null>(done => canvas.toBlob(done, 'image/png'));
  return made ?? picture;
}

/** A drawing of the page as a file of its own, which looks as it does there. */
export function standalone(drawing: SVGSVGElement): string {
  const copy = drawing.cloneNode(true) as SVGSVGElement;
  const copies = [copy, ...copy.querySelectorAll<SVGElement>('*')];
  [drawing, ...drawing.querySelectorAll('*')].forEach((node, k) => {
    const look = getComputedStyle(node);
    LOOKS.forEach(name => copies[k].style.setProperty(name, look.getPropertyValue(name)));
  });
  const { width, height } = drawing.getBoundingClientRect();
  copy.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  copy.setAttribute('width', String(width));
  copy.setAttribute('height', String(height));
  return new XMLSerializer().serializeToString(copy);
}

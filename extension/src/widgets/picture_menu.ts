/** A menu of pictures to take away, of the crystal and of the map. */
import { el, pictureAddress } from '../dom';
import { saveFile } from '../save_file';
import { makeMenu } from './common/menu';

/** What canvases are asked for: pixels twice as fine as on the screen, the same without a background, or vectors. */
export interface IPictureWish {
  format: 'png' | 'transparent' | 'svg';
  /** Of the file, without its ending. */
  name: string;
}

/** Whether that is what an event brings. */
export function isPictureWish(detail: unknown): detail is IPictureWish {
  return typeof detail === 'object' && detail !== null && 'format' in detail && 'name' in detail;
}

const FORMATS: readonly [format: IPictureWish['format'], text: string][] = [
  ['png', 'PNG'],
  ['transparent', 'PNG without background'],
  ['svg', 'SVG']
];

/** The menu; it calls with the format that is chosen. */
export function pictureMenu(
  crystal: (format: IPictureWish['format']) => void,
  map: (format: IPictureWish['format']) => void
): HTMLDetailsElement {
  const entry = (text: string, act: () => void) =>
    el(
      'button',
      {
        type: 'button',
        class: 'xc-button',
        onclick: () => {
          menu.open = false;
          act();
        }
      },
      text
    );
  const menu = makeMenu({
    name: 'xc-picture-menu',
    title: 'Save a picture of the crystal as it is seen, or of the map',
    label: 'Save a picture',
    button: [
      el('i', { class: 'fa fa-picture-o', 'aria-hidden': 'true' }),
      el('span', {}, 'Picture')
    ],
    entries: [
      FORMATS.map(([format, text]) => entry(`Crystal, ${text}`, () => crystal(format))),
      FORMATS.map(([format, text]) => entry(`Map, ${text}`, () => map(format)))
    ]
  });
  return menu;
}

/** Save an SVG drawing as it is, or as pixels twice as fine, on white or on nothing. */
export async function saveDrawing(name: string, drawing: string, format: string): Promise<void> {
  if (format === 'svg') {
    saveFile(`${name}.svg`, new Blob([drawing], { type: 'image/svg+xml' }));
    return;
  }
  const image = el('img', { src: pictureAddress(drawing) });
  await image.decode();
  const [width, height] = [2 * image.naturalWidth, 2 * image.naturalHeight];
  const canvas = el('canvas', { width, height });
  const context = canvas.getContext('2d');
  if (!context) {
    return;
  }
  if (format !== 'transparent') {
    context.fillStyle = 'white';
    context.fillRect(0, 0, width, height);
  }
  context.drawImage(image, 0, 0, width, height);
  const pixels = await new Promise<Blob | null>(done => canvas.toBlob(done, 'image/png'));
  if (pixels) {
    saveFile(`${name}.png`, pixels);
  }
}

import { ProgressBar, button, crystalLink, detailOf } from './controls';
import type { Progress } from './model';

test('what takes long is shown while it lasts', () => {
  const working = new ProgressBar(
    'Frames',
    button('stop', 'Stop', '', () => undefined)
  );
  const write = (now: Progress) => `${now[2]} of ${now[3]}${detailOf(now)}`;
  working.draw(['Decoding', 'from A', 3, 16], write);
  const bar = working.node.querySelector('progress');
  expect([bar?.value, bar?.max, working.node.hidden]).toEqual([3, 16, false]);
  expect(working.node.querySelector('span')?.textContent).toBe('3 of 16, from A');
  expect(working.node.querySelector('button')?.className).toBe('xc-button xc-stop');
  working.draw(null, write);
  expect(working.node.hidden).toBe(true);
});

test('a crystal of a table is named by its formula', () => {
  const link = crystalLink('TiO2', 'mp-1');
  expect([link.title, link.innerHTML]).toEqual(['Go to mp-1', 'TiO<sub>2</sub>']);
});

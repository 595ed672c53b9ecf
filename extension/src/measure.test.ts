/** Distances and angles, and what is written of them over a picture. */
import { Annotations, type IAtom } from './annotations';
import type { Vector } from './crystal';
import { angle, dihedral, distance, measured } from './measure';
import type { Camera } from './ngl_camera';

const O: Vector = [0, 0, 0];
const X: Vector = [2, 0, 0];
const Y: Vector = [0, 3, 0];

test('a distance, an angle and a dihedral angle', () => {
  expect(distance(X, Y)).toBeCloseTo(Math.sqrt(13));
  expect(angle(X, O, Y)).toBeCloseTo(90);
  expect(angle(X, O, [-1, 0, 0])).toBeCloseTo(180);
  // seen along the middle bond, the far end is turned clockwise from the near one
  expect(dihedral([1, 0, 0], O, [0, 0, -1], [0, -1, -1])).toBeCloseTo(90);
  expect(dihedral([1, 0, 0], O, [0, 0, -1], [0, 1, -1])).toBeCloseTo(-90);
  expect(dihedral([1, 0, 0], O, [0, 0, 1], [-1, 0, 1])).toBeCloseTo(180);
});

test('all that can be said is said', () => {
  expect(measured([X, O], ['Ti', 'O'])).toBe('Ti–O 2.000 Å');
  expect(measured([X, O, Y], ['O', 'Ti', 'O'])).toBe('O–Ti 2.000 Å; Ti–O 3.000 Å; O–Ti–O 90.0°');
  expect(measured([[1, 0, 0], O, [0, 0, -1], [0, 1, -1]], ['H', 'O', 'O', 'H'])).toContain(
    'O–O–H 90.0°; dihedral angle −90.0°'
  );
});

const atom = (position: Vector, label = ''): IAtom => ({
  position,
  radius: 0.5,
  name: 'Ti',
  label
});

function annotations(): Annotations {
  const projection = () => (point: Vector) => ({
    x: 10 * point[0],
    y: 10 * point[1],
    near: point[2],
    scale: 10
  });
  return new Annotations({ projection } as unknown as Camera, 'click', 'too many');
}

function texts(over: Annotations): (string | null)[] {
  return [...over.node.querySelectorAll('text')].map(node => node.textContent);
}

test('clicks measure up to four atoms, then begin again; Escape clears', () => {
  const over = annotations();
  over.show([atom(O), atom(X), atom(Y), atom([0, 0, 1]), atom([1, 1, 1])]);
  expect(over.said.hidden).toBe(true);
  over.measuring = true;
  expect(over.said.textContent).toBe('click');
  over.choose(0);
  over.choose(null);
  over.choose(1);
  expect(texts(over)).toEqual(['2.000 Å']);
  over.show([atom(O), atom([2.5, 0, 0]), atom(Y), atom([0, 0, 1]), atom([1, 1, 1])]);
  expect(texts(over)).toEqual(['2.500 Å']); // the same atoms have moved
  over.choose(2);
  expect(over.said.textContent).toContain('Ti–Ti–Ti');
  over.choose(2); // let go
  expect(texts(over)).toEqual(['2.500 Å']);
  [2, 3, 4].forEach(at => over.choose(at));
  expect(over.node.querySelectorAll('circle')).toHaveLength(1);
  over.clear();
  expect(over.node.childElementCount).toBe(0);
  over.choose(0);
  over.show([atom(O)]); // another crystal
  expect(over.node.childElementCount).toBe(0);
});

test('labels of atoms behind others are hidden, and all of them where there are too many', () => {
  const over = annotations();
  over.show([atom(O, 'Ba'), atom([0.1, 0, 2], 'Ti'), atom([3, 0, -2], 'O')]);
  expect(texts(over)).toEqual(['Ti', 'O']);
  over.show(Array.from({ length: 300 }, (_, k) => atom([k, 0, 0], 'O')));
  expect(texts(over)).toEqual([]);
  expect(over.said.textContent).toBe('too many');
});

import { heightOf } from './workbench';

test('an explorer is as high as what can be seen, with the code above it', () => {
  expect(heightOf(779, 105)).toBe(660);
  expect(heightOf(1000, 0)).toBe(986);
});

test('much code above it is scrolled away instead', () => {
  expect(heightOf(800, 500)).toBe(786);
});

test('a window too low or a page printed as a whole does not make it useless', () => {
  expect(heightOf(200, 0)).toBe(500);
  expect(heightOf(20000, 0)).toBe(2400);
});

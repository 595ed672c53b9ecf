import { el } from '../../dom';
import { neighbourOf, placeOf, walkElements } from './periodic_table';

const ALL = Array.from({ length: 118 }, (_, k) => k + 1);

test.each([
  ['H', 1, [1, 1]],
  ['He', 2, [18, 1]],
  ['C', 6, [14, 2]],
  ['Fe', 26, [8, 4]],
  ['La', 57, [4, 9]],
  ['Lu', 71, [3, 6]],
  ['Hf', 72, [4, 6]],
  ['Og', 118, [18, 7]]
])('%s stands where it does in the table', (_, z, place) => {
  expect(placeOf(z)).toEqual(place);
});

test('no two elements stand in one place', () => {
  expect(new Set(ALL.map(z => String(placeOf(z)))).size).toBe(118);
});

test.each([
  [1, 'ArrowRight', 2],
  [2, 'ArrowLeft', 1],
  [26, 'ArrowDown', 44],
  [1, 'ArrowUp', null],
  [26, 'Enter', null]
])('from %p by %s', (z, key, next) => {
  expect(neighbourOf(z, key, ALL)).toBe(next);
});

test('every element of a table with gaps can be reached by leaps', () => {
  const some = [8, 22, 56, 92];
  const reached = new Set([8]);
  for (const z of reached) {
    for (const key of ['ArrowLeft', 'ArrowRight', 'ArrowUp', 'ArrowDown']) {
      const next = neighbourOf(z, key, some, true);
      if (next !== null) {
        reached.add(next);
      }
    }
  }
  expect([...reached].sort((a, b) => a - b)).toEqual(some);
});

test('one node can be reached by Tab, and arrows go to others', () => {
  const nodes = new Map([3, 4, 11].map(z => [z, el('button', { tabindex: z === 3 ? 0 : -1 })]));
  document.body.append(...nodes.values());
  const event = new KeyboardEvent('keydown', { key: 'ArrowDown', cancelable: true });
  walkElements(nodes, event, 3);
  expect(event.defaultPrevented).toBe(true);
  expect(document.activeElement).toBe(nodes.get(11));
  expect([...nodes.values()].map(node => node.tabIndex)).toEqual([-1, -1, 0]);
});

import { el, formulaNodes, nodes, pictureAddress, spaceGroupNodes, svg } from './dom';

const EVIL = '<img src=x onerror="window.evil = 1">';

test('text stays text, wherever it is put', () => {
  const made = el('p', { title: EVIL }, EVIL, [el('b', {}, EVIL), formulaNodes(EVIL)]);
  expect(made.querySelector('img')).toBeNull();
  expect(made.textContent).toBe(EVIL + EVIL + EVIL);
  expect(made.title).toBe(EVIL);
});

test('an attribute that is false, null or undefined is left out', () => {
  const made = el('textarea', { readonly: true, title: null, id: undefined, name: false, rows: 3 });
  expect(made.getAttributeNames()).toEqual(['readonly', 'rows']);
  expect(made.readOnly).toBe(true);
});

test('listeners are called', () => {
  const onclick = jest.fn();
  el('button', { onclick }).click();
  expect(onclick).toHaveBeenCalledTimes(1);
});

test('children that are left out leave no trace', () => {
  expect(nodes(['a', null, [false, ['b', undefined]]])).toEqual(['a', 'b']);
  expect(nodes('')).toEqual(['']);
});

test('a drawing is of the namespace of SVG', () => {
  const made = svg('svg', { viewBox: '0 0 1 1' }, svg('circle', { r: 1 }));
  expect(made.querySelector('circle')).toBeInstanceOf(SVGElement);
  expect(made.getAttribute('viewBox')).toBe('0 0 1 1');
});

test.each([
  ['Ca(OH)2', 'Ca(OH)<sub>2</sub>'],
  ['K0.5Cl1', 'K<sub>0.5</sub>Cl<sub>1</sub>'],
  ['3', '3'],
  ['', '']
])('the formula %p', (formula, html) => {
  expect(el('p', {}, formulaNodes(formula)).innerHTML).toBe(html);
});

test('the symbol of a space group', () => {
  const html = (symbol: string) => el('p', {}, spaceGroupNodes(symbol)).innerHTML;
  expect(html('P6_3/mmc')).toBe('P6<sub>3</sub>/mmc');
  expect(html('P-1')).toBe('P<span class="xc-over">1</span>');
});

test('a picture is an address in which nothing can end it', () => {
  expect(pictureAddress('<svg a="#">')).toBe('data:image/svg+xml,%3Csvg%20a%3D%22%23%22%3E');
});

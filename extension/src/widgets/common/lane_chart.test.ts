import { LaneChart, decimal, range } from './lane_chart';

test.each([
  [-3.2, 2, '−3.20'],
  [-0.001, 2, '0.00'],
  [1, 0, '1'],
  [null, 2, '–'],
  [undefined, 2, '–']
])('%p with %p digits', (value, digits, text) => {
  expect(decimal(value, digits)).toBe(text);
});

test('rounding noise is not drawn as mountains', () => {
  expect(range([1, 2], 2)).toEqual([1, 2]);
  const [low, high] = range([1, 1.0001], 2);
  expect(high - low).toBeCloseTo(0.04);
});

describe('a chart', () => {
  const lanes = {
    lanes: [{ title: 'Gap', unit: 'eV', digits: 2, values: [0, null, 1, 2], limit: 0.5 }],
    count: 4,
    current: 2,
    bad: [false, true, false, false],
    label: 'Gaps'
  };

  const chartOf = (
    onSelect?: (frame: number) => void,
    onHover?: (frame: number | null) => void
  ) => {
    const chart = new LaneChart({ onSelect, onHover });
    jest
      .spyOn(chart.node, 'getBoundingClientRect')
      .mockReturnValue({ left: 0, width: 314 } as DOMRect);
    chart.draw(lanes);
    return chart;
  };

  it('has a line, a mark for each value, and the grey of bad frames', () => {
    const { node } = chartOf();
    expect(node.querySelectorAll('circle').length).toBe(3 + 1); // and one in the heading
    expect(node.querySelector('polyline')?.getAttribute('points')?.split(' ').length).toBe(3);
    expect(node.querySelectorAll('.xc-bad').length).toBe(1);
    expect(node.querySelectorAll('.xc-limit').length).toBe(1);
    expect(node.querySelector('.xc-range')?.textContent).toBe('0.00 to 2.00');
    expect(node.querySelector('svg')?.getAttribute('aria-label')).toBe('Gaps');
  });

  it('has a thin line within the same axis', () => {
    const chart = chartOf();
    const [lane] = lanes.lanes;
    chart.draw({ ...lanes, lanes: [{ ...lane, thin: [0, 4, 1, null] }] });
    const [thin, thick] = chart.node.querySelectorAll('polyline');
    expect(thin.getAttribute('class')).toBe('xc-thin');
    expect(Number(thin.getAttribute('stroke-width'))).toBeLessThan(
      Number(thick.getAttribute('stroke-width'))
    );
    const heights = (line: Element) =>
      (line.getAttribute('points') ?? '').split(' ').map(point => Number(point.split(',')[1]));
    expect(heights(thin).length).toBe(3);
    expect(Math.min(...heights(thin))).toBeLessThan(Math.min(...heights(thick)));
    expect(heights(thin)[0]).toBe(heights(thick)[0]);
  });

  it('finds frames under the mouse', () => {
    const [onSelect, onHover] = [jest.fn(), jest.fn()];
    const { node } = chartOf(onSelect, onHover);
    node.dispatchEvent(new MouseEvent('click', { clientX: 6 + 205 }));
    expect(onSelect).toHaveBeenCalledWith(2);
    node.dispatchEvent(new MouseEvent('pointermove', { clientX: 999 }));
    node.dispatchEvent(new MouseEvent('pointermove', { clientX: 998 }));
    node.dispatchEvent(new MouseEvent('pointerleave'));
    expect(onHover.mock.calls).toEqual([[3], [null]]);
  });

  it('only moves its cursor where nothing else has changed', () => {
    const chart = chartOf();
    const drawing = chart.node.firstChild;
    chart.draw({ ...lanes, current: 3 });
    expect(chart.node.firstChild).toBe(drawing);
    expect(chart.node.querySelector('.xc-cursor')?.getAttribute('x1')).toBe(String(320 - 8));
    chart.draw(null);
    expect(chart.node.childNodes.length).toBe(0);
  });
});

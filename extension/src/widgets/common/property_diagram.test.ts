import { PropertyDiagram } from './property_diagram';

function drag(diagram: PropertyDiagram, button: number, last: string): void {
  const event = (name: string, at: number) =>
    new MouseEvent(name, { button, clientX: at, clientY: at, bubbles: true });
  diagram.plot.dispatchEvent(event('pointerdown', 0));
  window.dispatchEvent(event('pointermove', 1));
  window.dispatchEvent(event(last, 1));
}

test('a rectangle is drawn with the primary button only, and not if it is cancelled', () => {
  const brush = jest.fn();
  const diagram = new PropertyDiagram(() => undefined, brush);
  drag(diagram, 2, 'pointerup');
  drag(diagram, 0, 'pointercancel');
  window.dispatchEvent(new MouseEvent('pointerup', { clientX: 1, clientY: 1 }));
  expect(brush).not.toHaveBeenCalled();
  expect(diagram.plot.querySelector('.xc-brush')).toBeNull();
  drag(diagram, 0, 'pointerup');
  expect(brush).toHaveBeenCalledTimes(1);
});

import * as ngl from 'ngl';
import { missingOf as missingOfView, takeOver } from './nglview_adapter';
import { Plot, missingOf as missingOfFigure } from './plotly_adapter';

test('what another nglview has not got is named, in words for users', () => {
  const view = { el: document.createElement('div'), once: () => undefined, stage: {} };
  const missing = missingOfView(view, ngl);
  expect(missing).toContain('stage.viewerControls.orient');
  expect(missing).not.toContain('once');
  expect(() => takeOver(view, ngl)).toThrow(
    /This version of nglview.*serialize_camera_orientation/
  );
});

test('the NGL of the viewer has all that crystals are drawn with', () => {
  expect(missingOfView({}, ngl).filter(name => name.startsWith('NGL.'))).toEqual([]);
  expect(missingOfView({}, {})).toContain('NGL.SphereBuffer');
});

test('a figure that is not drawn yet is waited for', () => {
  const box = document.createElement('div');
  expect(Plot.within(box)).toBeNull();
  const figure = document.createElement('div');
  figure.className = 'js-plotly-plot';
  box.append(figure);
  expect(Plot.within(box)).toBeNull();
  expect(missingOfFigure(figure)).toContain('_fullLayout.xaxis._offset');
  expect(missingOfFigure(figure)).toContain('button to zoom reset');
});

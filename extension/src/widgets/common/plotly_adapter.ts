/**
 * All that the explorer takes from plotly's figure besides what it documents, in one place.
 *
 * There is no documented way to ask where on the screen an axis is, what its range is while the user pans, and to
 * zoom or resize a figure without plotly's own module, which a FigureWidget keeps to itself. A test in a browser holds
 * this against the plotly.js that is installed.
 */
import { missingNames } from './missing';

/** An axis: its range, and where it is drawn, in pixels from the corner of the figure. */
export interface IAxis {
  range: [number, number];
  _offset: number;
  _length: number;
}

/** Ways to zoom. */
export type Zoom = 'in' | 'out' | 'reset';

/** Events of plotly's that are listened to. */
export type PlotEvent = 'plotly_afterplot' | 'plotly_relayout' | 'plotly_relayouting';

/** What plotly makes of the element that it draws in. */
interface IFigure extends HTMLElement {
  on(name: PlotEvent, listener: () => void): void;
  removeListener(name: PlotEvent, listener: () => void): void;
  calcdata: unknown;
  _fullLayout: { width: number; height: number; xaxis: IAxis; yaxis: IAxis };
  _responsiveChartHandler(): void;
}

const NEEDED = [
  'on',
  'removeListener',
  'calcdata',
  '_responsiveChartHandler',
  '_fullLayout.width',
  '_fullLayout.height',
  ...['xaxis', 'yaxis'].flatMap(axis =>
    ['range', '_offset', '_length'].map(name => `_fullLayout.${axis}.${name}`)
  )
];
const ZOOMS: readonly Zoom[] = ['in', 'out', 'reset'];

/** What a figure has not got yet of all that is needed here; empty once it is drawn. */
export function missingOf(figure: Element): string[] {
  return [
    ...missingNames(figure, NEEDED),
    ...ZOOMS.filter(how => zoomButton(figure, how) === null).map(how => `button to zoom ${how}`)
  ];
}

/** A figure that is drawn. */
export class Plot {
  /** The figure in an element; null as long as it is not drawn. */
  static within(around: Element | null): Plot | null {
    const found = around?.querySelector('.js-plotly-plot');
    return found && missingOf(found).length === 0 ? new Plot(found as IFigure) : null;
  }

  private constructor(private readonly figure: IFigure) {}

  /** The element that it is drawn in. */
  get node(): HTMLElement {
    return this.figure;
  }

  /** The axes with their ranges now, also while the user pans; null while it is drawn anew. */
  get axes(): { x: IAxis; y: IAxis } | null {
    const { xaxis, yaxis } = this.figure._fullLayout ?? {};
    return xaxis?._length ? { x: xaxis, y: yaxis } : null;
  }

  /** Call this after events. Returns what ends that. */
  listen(events: readonly PlotEvent[], listener: () => void): () => void {
    events.forEach(name => this.figure.on(name, listener));
    return () => events.forEach(name => this.figure.removeListener(name, listener));
  }

  /** As plotly's own buttons do. */
  zoom(how: Zoom): void {
    zoomButton(this.figure, how)?.click();
  }

  /** Zoom about a point of the window, as the wheel does there; so many turns, those below zero towards it. */
  zoomAbout(clientX: number, clientY: number, turns: number): void {
    const surface = this.figure.querySelector('.nsewdrag');
    for (let turn = 0; turn < Math.abs(turns); turn++) {
      surface?.dispatchEvent(
        new WheelEvent('wheel', {
          clientX,
          clientY,
          deltaY: 20 * Math.sign(turns),
          bubbles: true,
          cancelable: true
        })
      );
    }
  }

  /** Fill this box: plotly follows the window only, and a figure made before its box has a width is 700 pixels wide. */
  fill(width: number, height: number): void {
    const { _fullLayout: now } = this.figure;
    if (width > 0 && Math.max(Math.abs(width - now.width), Math.abs(height - now.height)) > 3) {
      this.figure._responsiveChartHandler();
    }
  }
}

function zoomButton(figure: Element, how: Zoom): HTMLElement | null {
  return figure.querySelector(`.modebar-btn[data-attr="zoom"][data-val="${how}"]`);
}

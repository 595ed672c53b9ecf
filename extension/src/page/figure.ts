/** The points of the map as plotly draws them, as `xcrystal/explorer/map/map_figure.py` does in the explorer. */
import type { IColoring, IMapPart, Numbers } from './parts';

const FADED = 0.45; // of grey points, when others are selected

/** What is used of plotly.js. */
export interface IPlotly {
  newPlot(node: HTMLElement, traces: object[], layout: object, config: object): Promise<unknown>;
  react(node: HTMLElement, traces: object[], layout: object, config: object): Promise<unknown>;
}

/** Grey points of unknown value or outside of a selection, and coloured ones above. */
export function tracesOf(
  map: Pick<IMapPart, 'n' | 'sizes' | 'unknown'>,
  x: Numbers,
  y: Numbers,
  { kinds, span, scale }: Pick<IColoring, 'kinds' | 'span' | 'scale'>,
  values: Numbers,
  selected: ReadonlySet<number> | null
): object[] {
  const [grey, colored]: [number[], number[]] = [[], []];
  for (let row = 0; row < map.n; row++) {
    const isColored = Number.isFinite(values[row]) && (selected === null || selected.has(row));
    (isColored ? colored : grey).push(row);
  }
  const [size, larger] = map.sizes;
  const trace = (rows: number[], marker: object) => ({
    type: 'scattergl',
    mode: 'markers',
    x: Float32Array.from(rows, row => x[row]),
    y: Float32Array.from(rows, row => y[row]),
    hoverinfo: 'skip',
    marker
  });
  return [
    trace(grey, { color: map.unknown, size, opacity: selected === null ? 0.8 : FADED }),
    trace(colored, {
      color: Float32Array.from(colored, row => values[row]),
      cmin: span[0],
      cmax: span[1],
      colorscale: scale,
      size: kinds.length > 0 ? size * larger : size,
      opacity: selected === null ? 0.9 : 1
    })
  ];
}

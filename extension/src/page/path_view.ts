/** Paths between two crystals: a slider that plays, and what is predicted along the way. */
import { el, formulaNodes } from '../dom';
import { type ILane, LaneChart } from '../widgets/common/lane_chart';
import { FramePlayer } from '../viewer/player';
import { words } from './crystal_view';
import type { IPath, IProperty } from './parts';

/** Shows the frames of the path that is chosen. */
export class PathView {
  /** @param show - Called with a path and a frame; with null once none is chosen. */
  constructor(
    private readonly paths: readonly IPath[],
    private readonly properties: readonly IProperty[],
    private readonly show: (path: IPath | null, frame: number) => void
  ) {
    this.select = el(
      'select',
      { 'aria-label': 'Path', onchange: () => this.choose() },
      el('option', { value: '' }, 'choose a path'),
      paths.map(({ title }, k) => el('option', { value: k }, title))
    );
    this.player = new FramePlayer(words, frame => this.go(frame));
    this.chart = new LaneChart({ onSelect: frame => this.player.show(frame), height: 46 });
    this.node = el(
      'section',
      { class: 'xc-page-path', 'aria-label': 'Paths' },
      el('h2', {}, 'From one crystal to another'),
      el(
        'p',
        {},
        'A straight line in latent space, decoded step by step. The chart shows what is predicted at each.'
      ),
      el('div', { class: 'xc-page-controls' }, this.select, this.player.node, this.formula),
      this.chart.node
    );
    this.node.hidden = paths.length === 0;
  }

  /** What stands in the page. */
  readonly node: HTMLElement;

  /** Another crystal was chosen: no path is followed any more. */
  leave(): void {
    this.player.stop();
    this.select.value = '';
    this.draw();
  }

  private get path(): IPath | undefined {
    return this.select.value === '' ? undefined : this.paths[Number(this.select.value)];
  }

  private choose(): void {
    const { path } = this;
    if (path) {
      this.player.setCount(path.xy.length);
      this.player.show(0);
    } else {
      this.draw();
      this.show(null, 0);
    }
  }

  private go(frame: number): void {
    const { path } = this;
    this.draw();
    if (path) {
      this.show(path, frame);
    }
  }

  private draw(): void {
    const { path, player } = this;
    if (!path) {
      this.player.setCount(1);
      this.formula.replaceChildren();
      this.chart.draw(null);
      return;
    }
    this.formula.replaceChildren(...formulaNodes(path.formulas[player.frame]));
    const lanes: ILane[] = this.properties.map(({ name, title, unit }) => ({
      title,
      unit,
      digits: 2,
      values: path.values[name]
    }));
    this.chart.draw({
      lanes,
      count: path.xy.length,
      current: player.frame,
      label: `Predictions along the path ${path.title}`
    });
  }

  private readonly select: HTMLSelectElement;
  private readonly player: FramePlayer;
  private readonly chart: LaneChart;
  private readonly formula = el('b', { class: 'xc-page-formula', 'aria-live': 'polite' });
}

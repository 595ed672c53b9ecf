/** A slider over the crystals of one file, and a button that plays them. */
import type { IWords } from './captions';
import { el } from '../dom';
import { button } from './controls';

const FRAME = 200; // ms

/** Shown if there is more than one frame. */
export class FramePlayer {
  /** @param changed - Called with the number of the frame to show. */
  constructor(
    private readonly trans: IWords,
    private readonly changed: (frame: number) => void
  ) {
    this.play = button('▶', '', () => (this.timer === undefined ? this.start() : this.stop()));
    this.play.classList.add('xc-viewer-play');
    this.slider = el('input', {
      class: 'xc-viewer-slider',
      type: 'range',
      min: '1',
      step: '1',
      'aria-label': trans.__('Frame')
    });
    this.slider.addEventListener('input', () => {
      this.show(Number(this.slider.value) - 1);
    });
    this.label = el('output', { class: 'xc-viewer-frame' });
    this.node = el('div', { class: 'xc-viewer-player' }, this.play, this.slider, this.label);
    this.stop();
    this.setCount(1);
  }

  /** What stands in the page. */
  readonly node: HTMLElement;

  /** The frame that is shown, from 0. */
  frame = 0;

  /** Show this frame, and let none follow by itself. */
  show(frame: number): void {
    this.stop();
    this.go(frame);
  }

  /** So many frames from now on; the one shown stays if it is there. */
  setCount(count: number): void {
    this.stop();
    this.count = count;
    this.frame = Math.min(this.frame, Math.max(count - 1, 0));
    this.slider.max = String(count);
    this.node.hidden = count < 2;
    this.say();
  }

  /** No frame follows by itself any more. */
  stop(): void {
    clearInterval(this.timer);
    this.timer = undefined;
    this.nameButton('▶', this.trans.__('Play the frames'));
  }

  private start(): void {
    this.timer = setInterval(() => this.go((this.frame + 1) % this.count), FRAME);
    this.nameButton('❚❚', this.trans.__('Pause'));
  }

  private go(frame: number): void {
    this.frame = frame;
    this.say();
    this.changed(frame);
  }

  private say(): void {
    this.slider.value = String(this.frame + 1);
    this.label.textContent = this.trans.__('Frame %1 of %2', this.frame + 1, this.count);
  }

  private nameButton(sign: string, name: string): void {
    this.play.textContent = sign;
    this.play.title = name;
    this.play.setAttribute('aria-label', name);
  }

  private readonly play: HTMLButtonElement;
  private readonly slider: HTMLInputElement;
  private readonly label: HTMLOutputElement;
  private count = 1;
  private timer: ReturnType<typeof setInterval> | undefined;
}

/** Browsers keep about 16 WebGL contexts in a page: the drawings that were last looked at share a few. */

/** Something that draws, and can stop doing so. */
export interface IDrawing {
  /** Whether someone may be looking at it now. */
  readonly inView: boolean;
  /** Give the context back. */
  release(): void;
}

/** Who has a context; the last used is at the end. */
export class ContextPool {
  /** @param limit - So many draw at once. */
  constructor(private readonly limit: number) {}

  /** Have a context for a drawing, which may have one already; another one may have to give its own back. */
  take(drawing: IDrawing): void {
    this.drop(drawing);
    while (this.held.length >= this.limit) {
      const hidden = this.held.findIndex(other => !other.inView);
      const [oldest] = this.held.splice(Math.max(hidden, 0), 1);
      oldest.release();
    }
    this.held.push(drawing);
  }

  /** A drawing has given its context back by itself. */
  drop(drawing: IDrawing): void {
    const at = this.held.indexOf(drawing);
    if (at >= 0) {
      this.held.splice(at, 1);
    }
  }

  /** How many draw now. */
  get size(): number {
    return this.held.length;
  }

  private readonly held: IDrawing[] = [];
}

/** The contexts of this page; the explorer and other extensions need some, too. */
export const contexts = new ContextPool(6);

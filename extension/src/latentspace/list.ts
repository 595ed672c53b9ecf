/** The explorers of the page and their pins as the side panel lists them; and what can be done with them. */
import { explorersOfPage, listExplorers, type IExplorer, type IPin } from './registry';
import { samePlace, type IPlace } from './words';

/** The document that shows an explorer. */
export interface IHost {
  name: string;
  /** Whether its kernel, which is the explorer's, is still there. */
  alive: boolean;
  /** Brings it to the front. */
  reveal(): void;
}

/** An explorer with its document, as far as that is known. */
export interface IListed {
  explorer: IExplorer;
  host: IHost | null;
  /** Name of the document, with a number where it has several explorers; empty if it is not known. */
  title: string;
}

/** A pin that is there. */
export interface IFound extends IListed {
  pin: IPin;
}

/** Follows the registry of the page while somebody looks. */
export class PinList {
  private _from: IPlace | null = null;
  private _leave: (() => void) | null = null;
  private _waiting = false;

  /** `hostOf` finds the document of an explorer, or that it was closed (`alive` is false then). */
  constructor(private _hostOf: (explorer: IExplorer) => IHost | null) {}

  /** Called after each change, while the list is open. */
  onChange: () => void = () => undefined;

  /** Whether the explorers of this page can be read. */
  get readable(): boolean {
    return explorersOfPage() !== null;
  }

  /** All explorers with a living kernel. */
  get listed(): IListed[] {
    const shown = listExplorers()
      .map(explorer => ({ explorer, host: this._hostOf(explorer) }))
      .filter(({ host }) => host === null || host.alive);
    const names = shown.map(({ host }) => host?.name ?? '');
    return shown.map((one, k) => {
      const alike = names.filter(name => name === names[k]).length;
      const number = names.slice(0, k + 1).filter(name => name === names[k]).length;
      return { ...one, title: names[k] && alike > 1 ? `${names[k]} (${number})` : names[k] };
    });
  }

  /** The pin at which a path is to begin; the next that is chosen is its end. */
  get from(): IFound | null {
    return this._from && this.find(this._from);
  }

  /** Follow the page from now on. */
  open(): void {
    const registry = explorersOfPage();
    if (this._leave || !registry) {
      return;
    }
    const changed = () => this.refresh();
    registry.addEventListener('change', changed);
    this._leave = () => registry.removeEventListener('change', changed);
  }

  /** Follow it no more. */
  close(): void {
    this._leave?.();
    this._leave = null;
    this._from = null;
  }

  /** Tell of a change, once for all that happens at the same time. */
  refresh(): void {
    if (this._waiting || !this._leave) {
      return;
    }
    this._waiting = true;
    queueMicrotask(() => {
      this._waiting = false;
      if (this._leave) {
        this.onChange();
      }
    });
  }

  /** A pin by its place; null if it is gone. */
  find(place: IPlace): IFound | null {
    const listed = this.listed.find(({ explorer }) => explorer.id === place.explorer);
    const pin = listed?.explorer.pins.find(({ key }) => key === place.key);
    return listed && pin ? { ...listed, pin } : null;
  }

  /** Begin a path at a pin; null, or the same pin again, ends that. */
  choose(place: IPlace | null): void {
    this._from = samePlace(this._from, place) ? null : place;
    this.refresh();
  }

  /** Go to a pin; or where a path has begun, make it end there. */
  take(place: IPlace): void {
    const from = this._from;
    if (from !== null && !samePlace(from, place) && this.find(from) !== null) {
      this.interpolate(from, place);
    } else {
      this.choose(null);
      this.go(place);
    }
  }

  /** Bring an explorer to a pinned crystal, and its document to the front. */
  go(place: IPlace): void {
    const found = this.find(place);
    found?.explorer.act('go', { key: place.key });
    found?.host?.reveal();
  }

  /** Take a pin away. */
  unpin(place: IPlace): void {
    this.find(place)?.explorer.act('unpin', { key: place.key });
  }

  /**
   * Make a path between two pins, in the explorer of its end; a crystal of another explorer is handed
   * over and encoded there. Whether there are such pins, and they differ.
   */
  interpolate(from: IPlace, to: IPlace): boolean {
    const [start, end] = [this.find(from), this.find(to)];
    this._from = null;
    this.refresh();
    if (start === null || end === null || samePlace(from, to)) {
      return false;
    }
    const own = start.explorer.id === end.explorer.id;
    end.explorer.act('interpolate', {
      from: own ? start.pin.key : start.pin.structure,
      to: end.pin.key
    });
    end.host?.reveal();
    return true;
  }
}

/** What browsers have and jsdom has not, such as observers of what it never lays out. */
class Observer {
  observe(): void {}
  unobserve(): void {}
  disconnect(): void {}
  takeRecords(): [] {
    return [];
  }
}

/** Lumino's widgets extend it when they are loaded. */
class DragEvent extends MouseEvent {}

Object.assign(globalThis, {
  DragEvent,
  IntersectionObserver: Observer,
  ResizeObserver: Observer
});

// jsdom draws no pictures
HTMLImageElement.prototype.decode = () => Promise.resolve();

export {};

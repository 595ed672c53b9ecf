/** How high an explorer is: as what can be seen at once of the page around it. */

const LEAST = 500; // px; less is no use, so that the page scrolls
const MOST = 2400; // px; who prints or saves a page as one picture does not want more
const MARGIN = 14; // px below and around it
const LARGEST_HEAD = 0.3; // of what can be seen: the code above an explorer is kept in view with it if it is no more

/** What scrolls a document of JupyterLab, Notebook 7 or a console; elsewhere it is the window. */
const SCROLLERS =
  '.jp-WindowedPanel-outer, .jp-CodeConsole-content, .jp-LinkedOutputView, .jp-NotebookPanel-notebook';
const CELLS = '.jp-Cell, .jp-LinkedOutputView, body';

/**
 * Pixels that an explorer has.
 *
 * @param seen - Height of what can be seen at once.
 * @param head - What stands above the explorer in its cell, such as code.
 */
export function heightOf(seen: number, head: number): number {
  const beside = head <= LARGEST_HEAD * seen ? head : 0;
  return Math.round(Math.min(Math.max(seen - beside - MARGIN, LEAST), MOST));
}

/** Keeps the explorer as high as it can be seen; gives what ends that. */
export function fillView(explorer: HTMLElement): () => void {
  const scroller = explorer.closest<HTMLElement>(SCROLLERS);
  const cell = explorer.closest<HTMLElement>(CELLS) ?? document.body;
  const measure = () => {
    const top = explorer.getBoundingClientRect();
    if (!top.width) {
      return; // in a tab that is not open
    }
    const seen = scroller?.clientHeight ?? document.documentElement.clientHeight;
    // what stands above it in its cell; or in the whole document, if that is not much
    const [inCell, inAll] = [
      top.top - cell.getBoundingClientRect().top,
      scroller
        ? top.top - scroller.getBoundingClientRect().top + scroller.scrollTop
        : top.top + window.scrollY
    ];
    const height = heightOf(seen, Math.max(inAll <= LARGEST_HEAD * seen ? inAll : inCell, 0));
    explorer.style.setProperty('--xc-height', `${height}px`);
  };
  const watch = new ResizeObserver(measure);
  watch.observe(scroller ?? document.documentElement);
  watch.observe(explorer);
  window.addEventListener('resize', measure);
  measure();
  return () => {
    watch.disconnect();
    window.removeEventListener('resize', measure);
  };
}

/** Which document of JupyterLab shows an explorer. */
import type { ISessionContext } from '@jupyterlab/apputils';
import type { JupyterFrontEnd } from '@jupyterlab/application';
import { NotebookPanel } from '@jupyterlab/notebook';
import type { Widget } from '@lumino/widgets';
import type { IHost } from './list';
import type { IExplorer } from './registry';

const GONE = new Set(['dead', 'terminating', 'restarting', 'autorestarting']);
const CLOSED: IHost = { name: '', alive: false, reveal: () => undefined };

/** Finds documents of explorers; once found, `onChange` is called when their kernels come and go. */
export class Hosts {
  private _found = new Map<string, Widget>();
  private _watched = new WeakSet<Widget>();

  constructor(
    private _shell: JupyterFrontEnd.IShell,
    private _onChange: () => void
  ) {}

  /** The document of an explorer; null if none is known. */
  of(explorer: IExplorer): IHost | null {
    const node = explorer.node();
    const widgets = [...this._shell.widgets('main')];
    const widget =
      (node && widgets.find(candidate => holds(candidate, node))) ??
      widgets.find(
        candidate => kernelOf(candidate)?.id === explorer.kernel && explorer.kernel !== ''
      );
    if (!widget) {
      const known = this._found.get(explorer.id);
      return known?.isDisposed ? CLOSED : null;
    }
    this._found.set(explorer.id, widget);
    this._watch(widget);
    return {
      name: widget.title.label,
      alive: isAlive(widget, explorer),
      reveal: () => {
        this._shell.activateById(widget.id);
        reveal(widget, explorer.node());
      }
    };
  }

  private _watch(widget: Widget): void {
    if (this._watched.has(widget)) {
      return;
    }
    this._watched.add(widget);
    const changed = () => this._onChange();
    widget.disposed.connect(changed);
    widget.title.changed.connect(changed);
    const session = sessionOf(widget);
    session?.statusChanged.connect(changed);
    session?.kernelChanged.connect(changed);
  }
}

/** Cells that are scrolled out of sight are not part of the page, but still of their notebook. */
function holds(widget: Widget, node: Element): boolean {
  return widget.node.contains(node) || cellOf(widget, node) >= 0;
}

function cellOf(widget: Widget, node: Element): number {
  return widget instanceof NotebookPanel
    ? widget.content.widgets.findIndex(cell => cell.node.contains(node))
    : -1;
}

function reveal(widget: Widget, node: Element | null): void {
  const cell = node ? cellOf(widget, node) : -1;
  if (node && !node.isConnected && cell >= 0) {
    void (widget as NotebookPanel).content.scrollToItem(cell, 'start').catch(() => undefined);
  } else {
    node?.closest('.xc-explorer')?.scrollIntoView({ block: 'nearest' });
  }
}

function sessionOf(widget: Widget): ISessionContext | null {
  return (widget as Widget & { sessionContext?: ISessionContext }).sessionContext ?? null;
}

function kernelOf(widget: Widget) {
  return sessionOf(widget)?.session?.kernel ?? null;
}

function isAlive(widget: Widget, explorer: IExplorer): boolean {
  if (!sessionOf(widget)) {
    return true; // a view of an output, of which the kernel is not known
  }
  const kernel = kernelOf(widget);
  const own = !explorer.kernel || kernel?.id === explorer.kernel;
  return kernel !== null && own && !GONE.has(kernel.status);
}

/** The explorer in a panel without code: a console of which only what it shows is seen. */
import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { ConsolePanel, IConsoleTracker } from '@jupyterlab/console';
import { PathExt } from '@jupyterlab/coreutils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { UUID } from '@lumino/coreutils';
import { MessageLoop } from '@lumino/messaging';
import { explainFailure, type IKernelError } from './failure';
import { explorerIcon } from './icon';
import { Note } from './note';

const MARK = 'crystal-explorer-'; // how the paths of sessions of such panels begin
const DRAWN_WITHIN = 60_000; // ms

/** Where a panel opens, and with what. */
export interface IPanelRequest {
  /** Below the root of the server; the kernel's folder. */
  folder: string;
  kernel: string;
  title: string;
  code: string;
}

/** Makes such panels, and brings back those that were open when the page was left. */
export class ExplorerPanels {
  private readonly expected = new Map<string, string>();

  /**
   * @param again - The code that shows the explorer of a panel which was restored, or a new one.
   */
  constructor(
    private readonly commands: JupyterFrontEnd['commands'],
    tracker: IConsoleTracker,
    again: () => Promise<string>,
    trans: TranslationBundle
  ) {
    const greet = (panel: ConsolePanel) => {
      const path = panel.sessionContext.path;
      if (PathExt.basename(path).startsWith(MARK)) {
        const code = this.expected.get(path);
        this.expected.delete(path);
        const dressed = new DressedPanel(panel, trans, request => this.open(request));
        void (code === undefined ? again() : Promise.resolve(code)).then(known =>
          dressed.start(known)
        );
      }
    };
    tracker.forEach(greet);
    tracker.widgetAdded.connect((_, panel) => greet(panel));
  }

  /** A new panel; its explorer follows. */
  async open(request: IPanelRequest): Promise<ConsolePanel> {
    const path = PathExt.join(request.folder, MARK + UUID.uuid4());
    this.expected.set(path, request.code);
    return (await this.commands.execute('console:create', {
      path,
      name: request.title,
      kernelPreference: { name: request.kernel }
    })) as ConsolePanel;
  }
}

/** A console without all that looks like one, and what it says until its explorer is drawn. */
class DressedPanel {
  private readonly note = new Note();
  private starting = false;
  private forget: () => void = () => undefined;

  constructor(
    private readonly panel: ConsolePanel,
    private readonly trans: TranslationBundle,
    private readonly open: (request: IPanelRequest) => Promise<unknown>
  ) {
    const { sessionContext, console } = panel;
    panel.addClass('xc-lab-panel');
    panel.title.icon = explorerIcon;
    panel.toolbar.hide();
    panel.node.append(this.note.node);
    // nobody could find this kernel again
    const preference = sessionContext.kernelPreference;
    sessionContext.kernelPreference = { ...preference, shutdownOnDispose: true };
    const hidePrompt = () => console.promptCell?.parent?.hide();
    hidePrompt();
    console.promptCellCreated.connect(hidePrompt);
    // a console gives the focus to its prompt, which is hidden; without any, the tab would not be the current one
    MessageLoop.installMessageHook(panel, (_, message) => {
      if (message.type !== 'activate-request') {
        return true;
      }
      console.node.focus({ preventScroll: true });
      return false;
    });
  }

  /** Run the code in the panel's kernel, and say how that goes. */
  async start(code: string): Promise<void> {
    const { panel, note, trans } = this;
    const { sessionContext } = panel;
    const retry = () => void (sessionContext.session ? this.start(code) : this.replace(code));
    const fail = (words: string) => {
      note.fail(words, trans.__('Try again'), retry);
    };
    this.starting = true;
    this.forget();
    note.say(trans.__('Starting the explorer …'));
    try {
      await sessionContext.ready;
      if (sessionContext.session?.kernel?.status === 'dead') {
        await sessionContext.restartKernel();
      }
      if (!sessionContext.session?.kernel) {
        fail(trans.__('No kernel could be started. Is there a Python kernel on this server?'));
        return;
      }
      panel.console.clear();
      await panel.console.inject(code);
      if (panel.isDisposed) {
        return;
      }
      const error = lastError(panel);
      if (error) {
        fail(explainFailure(error, sessionContext.kernelDisplayName, trans));
      } else if (await isDrawn(panel)) {
        // a console goes to its end, but an explorer is read from its beginning
        panel.console.node.querySelector('.jp-CodeConsole-content')?.scrollTo(0, 0);
        note.clear();
      } else {
        fail(trans.__('The explorer is not drawn here. Are ipywidgets and anywidget installed?'));
      }
    } catch (reason) {
      if (!panel.isDisposed) {
        fail(trans.__('The explorer could not start: %1', String(reason)));
      }
    } finally {
      this.starting = false;
    }
    this.watch(fail);
  }

  /** Another panel in the place of this one: widgets do not follow a console into a new session. */
  private async replace(code: string): Promise<void> {
    const { path, name, kernelPreference } = this.panel.sessionContext;
    const folder = PathExt.dirname(path);
    await this.open({ folder, kernel: kernelPreference.name ?? '', title: name, code });
    this.panel.dispose();
  }

  /** An explorer is gone with its kernel, which may end or restart by a user's wish, or for lack of memory. */
  private watch(fail: (words: string) => void): void {
    const { panel, trans } = this;
    const { sessionContext } = panel;
    const ended = () => {
      if (!this.starting && !panel.isDisposed && !sessionContext.isDisposed) {
        fail(trans.__('The kernel has ended, and the explorer with it.'));
      }
    };
    const heard = (_: unknown, status: string) => {
      if (['restarting', 'autorestarting', 'dead'].includes(status)) {
        ended();
      }
    };
    // JupyterLab's list of running kernels ends a session without a word on its status
    const changed = (_: unknown, { newValue }: { newValue: unknown }) => {
      if (newValue === null) {
        ended();
      }
    };
    sessionContext.statusChanged.connect(heard);
    sessionContext.sessionChanged.connect(changed);
    this.forget = () => {
      sessionContext.statusChanged.disconnect(heard);
      sessionContext.sessionChanged.disconnect(changed);
    };
  }
}

function lastError(panel: ConsolePanel): IKernelError | null {
  const { cells } = panel.console;
  const model = cells.length ? cells.get(cells.length - 1).model.toJSON() : null;
  const outputs = (model?.outputs ?? []) as { output_type: string; [key: string]: unknown }[];
  const error = outputs.find(output => output.output_type === 'error');
  return error ? { ename: String(error.ename), evalue: String(error.evalue) } : null;
}

function isDrawn(panel: ConsolePanel): Promise<boolean> {
  const there = () => panel.node.querySelector('.xc-explorer canvas') !== null;
  return new Promise(resolve => {
    const end = (drawn: boolean) => {
      observer.disconnect();
      clearTimeout(timer);
      resolve(drawn);
    };
    const observer = new MutationObserver(() => there() && end(true));
    const timer = setTimeout(() => end(panel.isDisposed || there()), DRAWN_WITHIN);
    observer.observe(panel.node, { childList: true, subtree: true });
    if (there()) {
      end(true);
    }
  });
}

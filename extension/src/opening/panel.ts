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
    private readonly again: () => Promise<string>,
    private readonly trans: TranslationBundle
  ) {
    tracker.forEach(panel => this.greet(panel));
    tracker.widgetAdded.connect((_, panel) => this.greet(panel));
  }

  /** A new panel; its explorer follows. */
  async open(request: IPanelRequest): Promise<ConsolePanel> {
    const path = PathExt.join(request.folder, MARK + UUID.uuid4());
    this.expected.set(path, request.code);
    return (await this.commands.execute('console:create', {
      path,
      name: request.title,
      kernelPreference: { name: request.kernel, shutdownOnDispose: true }
    })) as ConsolePanel;
  }

  private greet(panel: ConsolePanel): void {
    const path = panel.sessionContext.path;
    if (!PathExt.basename(path).startsWith(MARK)) {
      return;
    }
    const code = this.expected.get(path);
    this.expected.delete(path);
    const note = dress(panel);
    void (code === undefined ? this.again() : Promise.resolve(code)).then(first => {
      void this.start(panel, note, first);
      this.watch(panel, note);
    });
  }

  private async start(panel: ConsolePanel, note: Note, code: string): Promise<void> {
    const { console, sessionContext } = panel;
    note.say(this.trans.__('Starting the explorer …'));
    await sessionContext.ready;
    const kernel = sessionContext.kernelDisplayName;
    if (!sessionContext.session?.kernel) {
      const words = this.trans.__(
        'No kernel could be started, so there is no explorer. Is Python installed as a kernel?'
      );
      this.fail(panel, note, words);
      return;
    }
    console.clear();
    await console.inject(code);
    if (panel.isDisposed) {
      return;
    }
    const error = lastError(panel);
    if (error) {
      this.fail(panel, note, explainFailure(error, kernel, this.trans));
    } else if (await isDrawn(panel)) {
      note.clear();
    } else {
      const words = this.trans.__(
        'The explorer is not drawn here. Do ipywidgets and anywidget belong to this JupyterLab?'
      );
      this.fail(panel, note, words);
    }
  }

  private fail(panel: ConsolePanel, note: Note, words: string): void {
    note.fail(words, this.trans.__('Try again'), () => {
      void this.again().then(code => this.start(panel, note, code));
    });
  }

  /** An explorer is gone with its kernel, which may restart for lack of memory or by a user's wish. */
  private watch(panel: ConsolePanel, note: Note): void {
    panel.sessionContext.statusChanged.connect((_, status) => {
      if (status === 'restarting' || status === 'autorestarting' || status === 'dead') {
        this.fail(panel, note, this.trans.__('The kernel has ended, and the explorer with it.'));
      }
    });
  }
}

/** Take away all that looks like a console. */
function dress(panel: ConsolePanel): Note {
  const { sessionContext, console } = panel;
  const note = new Note();
  panel.addClass('xc-lab-panel');
  panel.title.icon = explorerIcon;
  panel.toolbar.hide();
  // nobody could find this kernel again
  sessionContext.kernelPreference = { ...sessionContext.kernelPreference, shutdownOnDispose: true };
  const hidePrompt = () => console.promptCell?.parent?.hide();
  hidePrompt();
  console.promptCellCreated.connect(hidePrompt);
  // a console gives the focus to its prompt, which is not there; without any, the tab would not be the current one
  const focus = () => console.node.focus({ preventScroll: true });
  MessageLoop.installMessageHook(panel, (_, message) => {
    if (message.type === 'activate-request') {
      focus();
    }
    return message.type !== 'activate-request';
  });
  panel.node.append(note.node);
  return note;
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

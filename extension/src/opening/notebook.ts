/** The explorer in a new notebook: one cell, which is run. */
import type { JupyterFrontEnd } from '@jupyterlab/application';
import { Notification } from '@jupyterlab/apputils';
import { NotebookActions, NotebookPanel } from '@jupyterlab/notebook';
import type { Contents } from '@jupyterlab/services';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { Widget } from '@lumino/widgets';

/** Where a notebook is made, and with what. */
export interface INotebookRequest {
  /** As JupyterLab's contents name it, with a drive where there is one. */
  folder: string;
  kernel: string;
  code: string;
}

/** Make a notebook, open it, and run its cell; not in Notebook 7, where it is opened in a page of its own. */
export async function openNotebook(
  commands: JupyterFrontEnd['commands'],
  contents: Contents.IManager,
  request: INotebookRequest,
  trans: TranslationBundle
): Promise<Widget | undefined> {
  const made = await contents.newUntitled({ path: request.folder, type: 'notebook' });
  await contents.save(made.path, {
    type: 'notebook',
    format: 'json',
    content: notebook(request.code, request.kernel)
  });
  const panel = (await commands.execute('docmanager:open', {
    path: made.path,
    factory: 'Notebook',
    kernel: { name: request.kernel }
  })) as Widget | undefined;
  if (panel instanceof NotebookPanel && panel.isAttached) {
    void run(panel, trans);
  }
  return panel;
}

async function run(panel: NotebookPanel, trans: TranslationBundle): Promise<void> {
  const told = Notification.emit(trans.__('Starting the explorer …'), 'in-progress', {
    autoClose: false
  });
  try {
    await panel.context.ready;
    await panel.sessionContext.ready;
    panel.content.activeCellIndex = 0;
    await NotebookActions.run(panel.content, panel.sessionContext);
    if (!panel.isDisposed) {
      await panel.context.save();
    }
  } finally {
    Notification.dismiss(told);
  }
}

/** A notebook of one cell. */
function notebook(code: string, kernel: string): Contents.IModel['content'] {
  return {
    cells: [{ cell_type: 'code', execution_count: null, metadata: {}, outputs: [], source: code }],
    metadata: {
      kernelspec: { display_name: kernel, language: 'python', name: kernel },
      language_info: { name: 'python' }
    },
    nbformat: 4,
    nbformat_minor: 4
  };
}

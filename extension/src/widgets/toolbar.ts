/** Title, message, and the controls that load, download, save, reset, and choose how much is offered. */
import { el, formulaNodes } from '../dom';
import { fileInput } from './common/controls';
import type { IDownload, IPanel, IView } from './common/model';
import { show, takeDownloads, whenInside } from './common/panel';
import { fillView } from './common/workbench';
import { pictureMenu, saveDrawing } from './picture_menu';

interface IToolbar {
  formula: string;
  label: string;
  message: string;
  mode: string;
  modes: string[];
  /** Whether all is written large. */
  projector: boolean;
}

type Message =
  | IDownload
  | { type: 'here'; identity: string }
  | { type: 'loaded'; source: string }
  | { type: 'code'; text: string }
  | { type: 'map'; format: string };

const PATH =
  'Path of a crystal file (CIF, POSCAR, ...) or of a saved session; a material id, formula or words of a search, for the ' +
  'first crystal that they find; press Enter';
const ANSWERS_WITHIN = 8000; // ms
const ENDED =
  'The kernel has ended or begun anew, so this explorer answers no more; what was not saved is lost. Run the cell again.';

function render({ model, el: root }: IView<IPanel<IToolbar>, Message>): () => void {
  let explorer: HTMLElement | null = null;
  const formula = el('b');
  const label = el('span');
  const title = el('div', { class: 'xc-label', 'aria-live': 'polite' }, formula, ' ', label);
  const path = el('input', {
    type: 'text',
    placeholder: 'file, formula, mp-id, …',
    'aria-label': PATH.replace(' (CIF, POSCAR, ...)', ''),
    title: PATH,
    onkeydown: event => {
      if (event.key === 'Enter' && path.value.trim()) {
        model.send({ act: 'load', source: path.value });
      }
    }
  });
  const take = async (chosen: File) => {
    const content = await chosen.arrayBuffer();
    model.send({ act: 'file', name: chosen.name }, undefined, [content]);
  };
  const file = fileInput(chosen => void take(chosen));
  const mode = el('select', {
    'aria-label': 'Beginner or researcher view',
    title: 'Beginner: fewer controls, each explained. Researcher: everything.',
    onchange: () => {
      model.send({ act: 'mode', mode: mode.value });
    }
  });
  const projector = button(
    'projector',
    'text-height',
    'Large',
    'Large type, for a projector',
    () => {
      model.send({ act: 'projector', value: !model.get('state').projector });
    }
  );
  const pictures = pictureMenu(
    format => {
      const name = model.get('state').formula.replace(/[^\w.-]+/g, '_');
      explorer?.dispatchEvent(new CustomEvent('xc-picture', { detail: { format, name } }));
    },
    format => model.send({ act: 'map', format })
  );
  const dialog = codeDialog();
  const message = el('div', { class: 'xc-message', role: 'status', 'aria-live': 'polite' });
  const dismiss = el('button', {
    class: 'xc-button xc-dismiss',
    type: 'button',
    title: 'Hide this message',
    'aria-label': 'Hide this message',
    onclick: () => {
      message.replaceChildren();
    }
  });
  const control = (name: string, ...children: Node[]) =>
    el('span', { 'data-control': name }, children);
  root.append(
    el(
      'div',
      { class: 'xc-top' },
      title,
      el(
        'div',
        { class: 'xc-controls', role: 'toolbar', 'aria-label': 'Load, save, reset' },
        el('span', { class: 'xc-path', 'data-control': 'load' }, path),
        control(
          'load',
          button(
            'upload',
            'folder-open-o',
            'Load a file',
            'Load a crystal file (CIF, POSCAR, XSF, extended XYZ) or a saved session; ' +
              'it can also be dropped onto the explorer',
            () => file.click()
          ),
          file
        ),
        control(
          'keep',
          button('download', 'download', 'CIF', 'Download the crystal that is drawn as a CIF', () =>
            model.send({ act: 'cif' })
          ),
          pictures,
          button('code', 'code', 'Code', 'Python that brings an explorer to this view', () =>
            model.send({ act: 'code' })
          ),
          button(
            'save',
            'floppy-o',
            'Save',
            'Save this session as a file, to be loaded again or handed out',
            () => model.send({ act: 'save' })
          )
        ),
        control(
          'reset',
          button(
            'reset',
            'home',
            'Reset',
            'Back to the beginning; undo brings everything back',
            () => {
              model.send({ act: 'reset' });
              explorer?.dispatchEvent(new CustomEvent('xc-look', { detail: 'standard' }));
            }
          )
        ),
        el('span', { class: 'xc-mode', 'data-control': 'mode' }, mode, projector)
      )
    ),
    message,
    dialog.node
  );

  let live = '';
  const draw = () => {
    const state = model.get('state');
    show(formula, state.formula, () => formulaNodes(state.formula));
    label.textContent = state.label;
    title.title = `${state.formula} ${state.label}`;
    projector.setAttribute('aria-pressed', String(state.projector));
    show(message, state.message, () => state.message && [el('div', {}, state.message), dismiss]);
    show(mode, state.modes, () =>
      state.modes.map(name => el('option', { value: name }, name[0].toUpperCase() + name.slice(1)))
    );
    mode.value = state.mode;
  };
  const beLive = () => {
    if (explorer && live) {
      explorer.dataset.live = live;
      delete explorer.dataset.dead;
    }
  };
  const heard = (content: Message | null, buffers: DataView<ArrayBuffer>[]) => {
    if (content?.type === 'loaded' && path.value.trim() === content.source) {
      path.value = '';
    } else if (content?.type === 'code') {
      dialog.open(content.text);
    } else if (content?.type === 'map') {
      void saveDrawing('map', new TextDecoder().decode(buffers[0]), content.format);
    } else if (content?.type === 'here') {
      live = content.identity;
      beLive();
    }
  };
  const ended = () => {
    if (live) {
      live = '';
      message.replaceChildren(el('div', {}, ENDED));
      explorer?.setAttribute('data-ended', 'true');
    }
  };
  model.on('change:state', draw);
  model.on('msg:custom', heard);
  model.on('comm_live_update', ended);
  const downloadsEnded = takeDownloads(model);
  draw();

  // only a kernel answers: without one the still picture stays, and the explorer that cannot do anything goes
  model.send({ act: 'here' });
  const patience = setTimeout(() => {
    if (!live && explorer) {
      explorer.dataset.dead = 'true';
    }
  }, ANSWERS_WITHIN);

  // a file that is dropped anywhere on the explorer is loaded, but where a panel takes files of its own
  const isMeant = ({ target }: DragEvent) =>
    !(target instanceof Element && target.closest('[data-takes-files]'));
  const over = (event: DragEvent) => {
    if (isMeant(event) && event.dataTransfer?.types.includes('Files')) {
      event.preventDefault();
      event.stopPropagation();
    }
  };
  const drop = (event: DragEvent) => {
    const dropped = event.dataTransfer?.files[0];
    if (dropped && isMeant(event)) {
      over(event);
      void take(dropped);
    }
  };
  let filled: () => void = () => undefined;
  const searchEnded = whenInside(root, '.xc-explorer', found => {
    explorer = found;
    filled = fillView(found);
    beLive();
    explorer.addEventListener('dragover', over, true);
    explorer.addEventListener('drop', drop, true);
  });
  return () => {
    downloadsEnded();
    searchEnded();
    filled();
    clearTimeout(patience);
    model.off('change:state', draw);
    model.off('msg:custom', heard);
    model.off('comm_live_update', ended);
    explorer?.removeEventListener('dragover', over, true);
    explorer?.removeEventListener('drop', drop, true);
  };
}

function button(
  name: string,
  icon: string,
  text: string,
  title: string,
  onclick: () => void
): HTMLButtonElement {
  return el(
    'button',
    { class: `xc-button xc-${name}`, type: 'button', title, 'aria-label': title, onclick },
    el('i', { class: `fa fa-${icon}`, 'aria-hidden': 'true' }),
    el('span', {}, text)
  );
}

function codeDialog(): { node: HTMLDialogElement; open(code: string): void } {
  const text = el('textarea', {
    readonly: true,
    rows: '16',
    spellcheck: 'false',
    'aria-label': 'Python code'
  });
  const said = el('span', { role: 'status' });
  const copy = async () => {
    text.select();
    try {
      await navigator.clipboard.writeText(text.value);
    } catch {
      document.execCommand('copy'); // pages without https have no other way
    }
    said.textContent = 'Copied.';
  };
  const node = el(
    'dialog',
    {
      class: 'xc-dialog',
      'aria-label': 'This view as Python',
      // JupyterLab must not take what is typed here for its own shortcuts
      onkeydown: event => event.stopPropagation()
    },
    el('p', {}, 'Run this in a notebook cell to restore this view:'),
    text,
    el(
      'div',
      { class: 'xc-dialog-bar' },
      said,
      el(
        'button',
        { type: 'button', class: 'xc-button xc-copy', onclick: () => void copy() },
        'Copy'
      ),
      el(
        'button',
        {
          type: 'button',
          class: 'xc-button',
          onclick: () => {
            node.close();
          }
        },
        'Close'
      )
    )
  );
  return {
    node,
    open: code => {
      text.value = code;
      said.textContent = '';
      if (!node.open) {
        node.showModal();
      }
    }
  };
}

export default { render };

/** What the last change did, the log, the strip of visited crystals, undo and redo. */
import { el, formulaNodes, pictureAddress } from '../dom';
import type { IPanel, IView } from './common/model';
import { arrange, isTyping, show, whenDrawn } from './common/panel';

interface IHistory {
  summary: string;
  /** What undo would take back, and redo do again; empty if there is nothing. */
  undo: string;
  redo: string;
  /** Of the log. */
  lines: number;
}

interface IVisited {
  key: number;
  /** In the history. */
  place: number;
  formula: string;
  title: string;
  current: boolean;
}

interface ITraits extends IPanel<IHistory> {
  /** The last lines, while somebody reads them. */
  log: string[];
  chips: IVisited[];
}

/** Drawings by key of the crystal. */
interface IThumbnails {
  type: 'thumbnails';
  pictures: Record<string, string>;
}

function render({ model, el: root }: IView<ITraits, IThumbnails>): () => void {
  const act = (name: string, icon: string, keys: string) =>
    el(
      'button',
      {
        type: 'button',
        class: `xc-button xc-${name}`,
        'data-control': 'undo',
        onclick: () => model.send({ act: name })
      },
      el('i', { class: `fa fa-${icon}`, 'aria-hidden': 'true' }),
      el('span', { class: 'xc-unseen' }, `${name} (${keys})`)
    );
  const undo = act('undo', 'undo', 'Ctrl+Z');
  const redo = act('redo', 'repeat', 'Ctrl+Shift+Z');
  const line = el('div', { class: 'xc-change-summary', role: 'status', 'aria-live': 'polite' });
  const list = el('ol', { class: 'xc-log-lines' });
  const log = el(
    'details',
    {
      class: 'xc-log',
      ontoggle: () => {
        model.send({ act: 'log', open: log.open });
      }
    },
    el('summary', {}, 'Log'),
    list
  );
  const strip = el('ol', {
    class: 'xc-strip',
    'aria-label': 'Crystals visited; a click goes back'
  });
  const pictures = new Map<number, string>();
  const chips = new Map<number, { node: HTMLElement; button: HTMLButtonElement }>();
  root.append(el('div', { class: 'xc-change-summary-row' }, undo, redo, line), log, strip);

  const draw = () => {
    const state = model.get('state');
    line.textContent = state.summary || 'What each change did is written here.';
    line.title = state.summary;
    const face = (button: HTMLElement, name: string, what: string) => {
      // a disabled button would lose the focus, and with it the keyboard
      button.setAttribute('aria-disabled', String(!what));
      button.title = what ? `${name}: ${what}` : `Nothing to ${name.toLowerCase()}`;
    };
    face(undo, 'Undo', state.undo);
    face(redo, 'Redo', state.redo);
    log.hidden = !state.lines;
  };
  const drawLog = () => {
    const lines = model.get('log');
    const first = model.get('state').lines - lines.length + 1;
    list.setAttribute('start', String(first));
    show(list, [first, lines], () => lines.map(text => el('li', {}, text)));
    list.scrollTop = list.scrollHeight;
  };
  let asked = '';
  let started = false;
  const make = () => {
    const button = el('button', {
      type: 'button',
      class: 'xc-visited',
      onclick: () => {
        model.send({ act: 'go', place: Number(button.dataset.place) });
      }
    });
    return { node: el('li', {}, button), button };
  };
  const drawChip = (chip: IVisited) => {
    const made = chips.get(chip.key) ?? make();
    chips.set(chip.key, made);
    const { node, button } = made;
    const picture = pictures.get(chip.key);
    button.dataset.place = String(chip.place);
    button.title = `${chip.formula}, ${chip.title}`;
    button.setAttribute('aria-label', `Go back to ${chip.formula}, ${chip.title}`);
    if (chip.current) {
      button.setAttribute('aria-current', 'step');
    } else {
      button.removeAttribute('aria-current');
    }
    show(button, [chip.formula, Boolean(picture)], () => [
      picture
        ? el('img', { src: picture, alt: '', width: 44, height: 44 })
        : el('span', { class: 'xc-no-picture' }),
      el('span', { class: 'xc-chip-name' }, formulaNodes(chip.formula))
    ]);
    return node;
  };
  const drawStrip = () => {
    const visited = model.get('chips');
    const made = visited.map(drawChip);
    const kept = new Set(visited.map(chip => chip.key));
    for (const key of [...chips.keys()].filter(key => !kept.has(key))) {
      chips.delete(key);
      pictures.delete(key);
    }
    arrange(strip, made);
    const current = strip.querySelector<HTMLElement>('[aria-current]');
    if (current) {
      strip.scrollLeft = current.offsetLeft - strip.clientWidth / 2;
    }
    const missing = [...kept].filter(key => !pictures.has(key));
    if (started && missing.length && String(missing) !== asked) {
      asked = String(missing);
      model.send({ act: 'thumbnails', keys: missing });
    }
  };
  const heard = (message: IThumbnails | null) => {
    if (message?.type === 'thumbnails') {
      for (const [key, drawing] of Object.entries(message.pictures)) {
        pictures.set(Number(key), pictureAddress(drawing));
      }
      drawStrip();
    }
  };

  // Ctrl+Z anywhere in the explorer, but not where text is typed, which has an undo of its own. A click on a canvas
  // leaves the focus to the notebook, but who made it means the explorer.
  let isClicked = false;
  const isInside = (target: EventTarget | null) =>
    target instanceof Node && (root.closest('.xc-explorer')?.contains(target) ?? false);
  const clicked = (event: Event) => {
    isClicked = isInside(event.target);
  };
  const pressed = (event: KeyboardEvent) => {
    const explorer = root.closest('.xc-explorer');
    if (!event.ctrlKey && !event.metaKey && !['Control', 'Meta', 'Shift'].includes(event.key)) {
      isClicked &&= isInside(event.target);
    }
    if (!explorer || !(isClicked || isInside(event.target))) {
      return;
    }
    const action = actionOf(event);
    if (!action || isTyping(event.target) || explorer.classList.contains('xc-hide-undo')) {
      return;
    }
    event.preventDefault();
    event.stopImmediatePropagation();
    model.send({ act: action });
  };
  // before JupyterLab, for which these keys mean the undoing of cells
  window.addEventListener('keydown', pressed, true);
  window.addEventListener('pointerdown', clicked, true);

  model.on('change:state', draw);
  model.on('change:log', drawLog);
  model.on('change:chips', drawStrip);
  model.on('msg:custom', heard);
  draw();
  drawStrip();
  drawLog();
  const cancel = whenDrawn(root, () => {
    started = true;
    drawStrip();
  });
  return () => {
    cancel();
    window.removeEventListener('keydown', pressed, true);
    window.removeEventListener('pointerdown', clicked, true);
    model.off('change:state', draw);
    model.off('change:log', drawLog);
    model.off('change:chips', drawStrip);
    model.off('msg:custom', heard);
  };
}

/** What keys ask for: Ctrl+Z, Ctrl+Shift+Z or Ctrl+Y, with Cmd on a Mac; null for others. */
export function actionOf(
  event: Pick<KeyboardEvent, 'key' | 'ctrlKey' | 'metaKey' | 'altKey' | 'shiftKey'>
): 'undo' | 'redo' | null {
  if (!(event.ctrlKey || event.metaKey) || event.altKey) {
    return null;
  }
  switch (event.key.toLowerCase()) {
    case 'z':
      return event.shiftKey ? 'redo' : 'undo';
    case 'y':
      return 'redo';
    default:
      return null;
  }
}

export default { render };

/** What the scripts of all panels have in common. */
import { type Child, el, nodes } from '../../dom';
import { saveFile } from '../../save_file';
import type { Choice, IDownload, IModel, IPanel } from './model';

/** A model that says how many acts have been answered. */
interface IAnswering {
  get(name: 'state'): { answered: number };
  on(event: 'change:state', listener: () => void): void;
}

const ANSWERS_WITHIN = 3000; // ms; an answer that never comes must not silence a control for ever
const DRAWN_WITHIN = 8000; // ms

/** Sends the newest value only, the next one after the answer to the last, so that nothing ever queues. */
export function latest<V>(model: IAnswering, send: (value: V) => void): (value: V) => void {
  let waiting: { value: V } | null = null;
  let sent: number | null = null;
  let late: ReturnType<typeof setTimeout> | undefined;
  const answered = () => model.get('state').answered;
  const flush = () => {
    clearTimeout(late);
    if (waiting === null) {
      sent = null;
      return;
    }
    const { value } = waiting;
    waiting = null;
    sent = answered();
    send(value);
    late = setTimeout(flush, ANSWERS_WITHIN);
  };
  model.on('change:state', () => {
    if (sent !== null && answered() !== sent) {
      flush();
    }
  });
  return value => {
    waiting = { value };
    if (sent === null) {
      flush();
    }
  };
}

/** Keys are for the control that has the focus, not for the notebook around it: JupyterLab asks that very element. */
export function ownKeys(root: HTMLElement): void {
  root.addEventListener('focusin', ({ target }) => {
    if (target instanceof HTMLElement || target instanceof SVGElement) {
      target.dataset.lmSuppressShortcuts = 'true';
    }
  });
}

/** All keys but those with Ctrl or Cmd are for this panel, not for the notebook around it. */
export function keepKeys(root: HTMLElement): void {
  root.setAttribute('data-lm-suppress-shortcuts', 'true');
  root.addEventListener('keydown', event => {
    if (!event.ctrlKey && !event.metaKey) {
      event.stopPropagation();
    }
  });
}

/** Puts new children into a node only when what they show has changed, so that focus and hover survive. */
export function show(node: HTMLElement | SVGElement, key: unknown, make: () => Child): void {
  const text = JSON.stringify(key) ?? '';
  if (node.dataset.shows === text) {
    return;
  }
  node.dataset.shows = text;
  node.replaceChildren(...nodes(make()));
}

/** Takes out what `show` has put in. */
export function clear(node: HTMLElement): void {
  node.replaceChildren();
  delete node.dataset.shows;
}

/** Scrolls the part of the explorer that holds a node, and not the page, so that the node is at its top. */
function scrollWithin(node: Element): void {
  for (let part = node.parentElement; part; part = part.parentElement) {
    if (
      part.scrollHeight > part.clientHeight &&
      /auto|scroll/.test(getComputedStyle(part).overflowY)
    ) {
      part.scrollTop += node.getBoundingClientRect().top - part.getBoundingClientRect().top;
      return;
    }
    if (part.classList.contains('xc-explorer')) {
      return;
    }
  }
}

/** Scrolls to what an act has found, once it is another than when the act began. */
export class Awaited {
  private before: string | null = null;
  private isRunning = false;

  /** The act begins; `shown` is what is there until now. */
  begin(shown: unknown): void {
    this.before = JSON.stringify(shown) ?? '';
  }

  /** What is there now, above which `node` stands. */
  see(shown: unknown, node: Element): void {
    if (this.before !== null && (JSON.stringify(shown) ?? '') !== this.before) {
      this.before = null;
      scrollWithin(node);
    }
  }

  /** Whether the act goes on. Once it has ended without anything else, what comes later has other reasons. */
  follow(isRunning: boolean): void {
    if (this.isRunning && !isRunning) {
      this.before = null;
    }
    this.isRunning = isRunning;
  }
}

/** Puts nodes into a list in this order; those that stay where they are keep the focus. */
export function arrange(list: HTMLElement, wanted: readonly HTMLElement[]): void {
  wanted.forEach((node, k) => {
    if (list.children[k] !== node) {
      list.insertBefore(node, list.children[k] ?? null);
    }
  });
  while (list.children.length > wanted.length) {
    list.lastElementChild?.remove();
  }
}

/** What there is to choose, and what is chosen. */
export function offer(select: HTMLSelectElement, choices: readonly Choice[], value: string): void {
  show(select, choices, () => choices.map(([name, label]) => el('option', { value: name }, label)));
  if (select.value !== value) {
    select.value = value;
  }
}

/** Calls once the crystal is drawn, or after some seconds where none is: what can wait must not delay it. Gives what cancels. */
export function whenDrawn(root: HTMLElement, then: () => void): () => void {
  const begun = performance.now();
  const timer = setInterval(() => {
    const explorer = root.closest('.xc-explorer');
    const drawn = explorer?.querySelector('.xc-canvas [data-drawn], .xc-canvas[data-drawn]');
    if (!drawn && performance.now() - begun < DRAWN_WITHIN) {
      return;
    }
    clearInterval(timer);
    then();
  }, 500);
  return () => clearInterval(timer);
}

/** Calls as soon as an element around the root is part of the page, if it ever is. Gives what ends the waiting. */
export function whenInside(
  root: Element,
  selector: string,
  then: (around: HTMLElement) => void
): () => void {
  let ended = false;
  const look = () => {
    if (ended) {
      return;
    }
    const around = root.closest<HTMLElement>(selector);
    if (around) {
      then(around);
    } else {
      requestAnimationFrame(look);
    }
  };
  look();
  return () => {
    ended = true;
  };
}

/** Tells Python whether the panel can be seen: nothing is looked for while another tab is open. Gives what ends it. */
export function tellAwake(
  root: HTMLElement,
  model: Pick<IModel<IPanel<{ awake: boolean }>>, 'get' | 'send'>
): () => void {
  const watch = new ResizeObserver(() => {
    const value = root.getClientRects().length > 0;
    if (value !== model.get('state').awake) {
      model.send({ act: 'awake', value });
    }
  });
  watch.observe(root);
  return () => watch.disconnect();
}

/** Saves the files that Python offers; returns what ends that. */
export function takeDownloads<M extends object>(
  model: Pick<IModel<object, M | IDownload>, 'on' | 'off'>
): () => void {
  const take = (message: M | IDownload, buffers: DataView<ArrayBuffer>[]) => {
    if (isDownload(message)) {
      saveFile(message.name, new Blob([buffers[0]], { type: message.kind }));
    }
  };
  model.on('msg:custom', take);
  return () => model.off('msg:custom', take);
}

/** Whether letters typed here are text, and so not shortcuts. */
export function isTyping(target: EventTarget | null, more = ''): boolean {
  const input = 'input:not([type=range], [type=checkbox], [type=radio], [type=button])';
  const places = `textarea, [contenteditable='true'], ${input}${more}`;
  return target instanceof Element && target.closest(places) !== null;
}

function isDownload(message: object): message is IDownload {
  return 'type' in message && message.type === 'download';
}

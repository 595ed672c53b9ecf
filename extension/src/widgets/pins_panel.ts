/** The strip of pinned crystals: click to go there, drag one onto another for the path between them. */
import { el, formulaNodes, pictureAddress, spaceGroupNodes } from '../dom';
import { type IPin, PIN_TYPE, listExplorers } from '../latentspace/registry';
import { readPlace, writePlace } from '../latentspace/words';
import {
  type IHere,
  type IPinsTraits,
  type PinsModel,
  listExplorer,
  showListed
} from './common/listing';
import type { IView } from './common/model';
import { arrange, isTyping, ownKeys, show } from './common/panel';

type Drop = 'on' | 'before' | 'after';

const DROPS: readonly Drop[] = ['on', 'before', 'after'];

function render({ model, el: root }: IView<IPinsTraits, IHere>): () => void {
  ownKeys(root);
  const act = (name: string, details: object = {}) => model.send({ act: name, ...details });
  const pin = el(
    'button',
    { type: 'button', class: 'xc-button xc-pin', onclick: () => act('pin') },
    icon('thumb-tack'),
    el('span', {}, 'Pin')
  );
  const hint = el('span', { class: 'xc-pins-hint', role: 'status', 'aria-live': 'polite' });
  const strip = el('ol', { class: 'xc-pins-strip', 'aria-label': 'Pinned crystals' });
  root.append(el('div', { class: 'xc-pins-top' }, pin, hint), strip);

  let from: number | null = null; // the key of the pin that a path is to begin at
  let dragged: number | null = null; // the key of the pin that is dragged
  const chips = new Map<number, { chip: HTMLElement; main: HTMLElement }>();
  const pins = () => model.get('pins');
  const named = (key: number | null) => pins().find(one => one.key === key);

  const say = () => {
    const [one, moving] = [named(from), named(dragged)];
    if (one) {
      show(hint, ['from', one.formula], () => [
        'Path from ',
        el('b', {}, formulaNodes(one.formula)),
        ' to …: choose another pinned crystal, or press Escape'
      ]);
    } else if (moving && pins().length > 1) {
      show(hint, ['drag'], () => 'Drop it on another crystal for the path between them');
    } else {
      const none = pins().length === 0;
      show(hint, ['rest', none], () => none && 'Pins this crystal');
    }
    strip.classList.toggle('xc-choosing', Boolean(one));
    for (const [key, { chip }] of chips) {
      chip.classList.toggle('xc-from', key === from);
    }
  };
  const choose = (key: number) => {
    from = from === key ? null : key;
    say();
  };
  const go = (key: number) => {
    if (from === null || from === key) {
      act('go', { key });
    } else {
      act('interpolate', { from, to: key });
    }
    from = null;
    say();
  };
  const unpin = (key: number) => {
    const chip = chips.get(key)?.chip;
    const near = chip?.nextElementSibling ?? chip?.previousElementSibling;
    (near?.querySelector<HTMLElement>('.xc-pinned') ?? pin).focus();
    act('unpin', { key });
  };
  const move = (key: number, to: number) => act('move', { key, to });

  // -- dragging: onto the middle of a pin for a path, onto its edge for another order

  const dropOf = (event: DragEvent, chip: HTMLElement): Drop => {
    const box = chip.getBoundingClientRect();
    return dragged === null ? 'on' : dropAt((event.clientX - box.left) / box.width);
  };
  const mark = (chip: HTMLElement | null, where?: Drop) => {
    for (const { chip: other } of chips.values()) {
      for (const name of DROPS) {
        other.classList.toggle(`xc-drop-${name}`, other === chip && name === where);
      }
    }
  };
  const takes = (event: DragEvent): DataTransfer | null => {
    if (!event.dataTransfer?.types.includes(PIN_TYPE)) {
      return null;
    }
    event.preventDefault();
    event.stopPropagation();
    return event.dataTransfer;
  };
  const over = (event: DragEvent, chip: HTMLElement, key: number) => {
    if (takes(event)) {
      mark(dragged === key ? null : chip, dropOf(event, chip));
    }
  };
  const drop = (event: DragEvent, chip: HTMLElement, key: number) => {
    const carried = takes(event);
    if (!carried) {
      return;
    }
    mark(null);
    const given = readPlace(carried.getData(PIN_TYPE));
    if (!given) {
      return;
    }
    if (given.explorer !== model.get('uid')) {
      const other = listExplorers().find(({ id }) => id === given.explorer);
      const foreign = other?.pins.find(one => one.key === given.key);
      if (foreign) {
        act('interpolate', { from: foreign.structure, to: key });
      }
    } else if (given.key !== key) {
      const where = dropOf(event, chip);
      const order = pins()
        .map(one => one.key)
        .filter(one => one !== given.key);
      if (where === 'on') {
        act('interpolate', { from: given.key, to: key });
      } else {
        move(given.key, order.indexOf(key) + (where === 'after' ? 1 : 0));
      }
    }
  };

  const make = (one: IPin) => {
    const { key } = one;
    const name = `${one.formula}, ${one.label}`;
    // Firefox drags nothing that begins in a button
    const main = el(
      'div',
      {
        role: 'button',
        tabindex: '0',
        class: 'xc-pinned',
        'aria-label': `Go to ${name}`,
        onclick: () => go(key),
        title: `${name}\nDrag onto another one for the path between them; Alt+← and Alt+→ move it, Delete unpins it`,
        onkeydown: event => {
          const at = pins().findIndex(other => other.key === key);
          if (event.key === 'Enter' || event.key === ' ') {
            go(key);
          } else if (event.key === 'Delete' || event.key === 'Backspace') {
            unpin(key);
          } else if (event.altKey && event.key === 'ArrowLeft') {
            move(key, Math.max(at - 1, 0));
          } else if (event.altKey && event.key === 'ArrowRight') {
            move(key, at + 1);
          } else {
            return;
          }
          event.preventDefault();
          event.stopPropagation();
        }
      },
      el('img', {
        src: pictureAddress(one.picture),
        alt: '',
        width: 64,
        height: 64,
        draggable: 'false'
      }),
      el('span', { class: 'xc-pin-formula' }, formulaNodes(one.formula)),
      el('span', { class: 'xc-pin-group' }, spaceGroupNodes(one.symbol))
    );
    const chip = el(
      'li',
      {
        draggable: 'true',
        class: 'xc-pin-chip',
        ondragstart: event => {
          dragged = key;
          const place = { explorer: model.get('uid'), key };
          if (event.dataTransfer) {
            event.dataTransfer.setData(PIN_TYPE, writePlace(place));
            event.dataTransfer.effectAllowed = 'copyMove';
          }
          chip.classList.add('xc-dragged');
          event.stopPropagation();
          say();
        },
        ondragend: () => {
          dragged = null;
          chip.classList.remove('xc-dragged');
          mark(null);
          say();
        },
        ondragover: event => over(event, chip, key),
        ondragleave: event => {
          if (!(event.relatedTarget instanceof Node && chip.contains(event.relatedTarget))) {
            mark(null);
          }
        },
        ondrop: event => drop(event, chip, key)
      },
      main,
      small(
        'xc-pin-path',
        'long-arrow-right',
        `Path from ${one.formula} to another pinned crystal`,
        () => choose(key)
      ),
      small('xc-pin-remove', 'times', `Unpin ${one.formula}`, () => unpin(key))
    );
    return { chip, main };
  };

  const draw = () => {
    const state = model.get('state');
    const kept = new Set(pins().map(one => one.key));
    if (from !== null && !kept.has(from)) {
      from = null;
    }
    for (const key of [...chips.keys()].filter(key => !kept.has(key))) {
      chips.delete(key);
    }
    const active = document.activeElement;
    const focused = active instanceof HTMLElement && strip.contains(active) ? active : null;
    const nodes = pins().map(one => {
      const made = chips.get(one.key) ?? make(one);
      chips.set(one.key, made);
      return made.chip;
    });
    arrange(strip, nodes);
    if (focused?.isConnected) {
      focused.focus(); // a node that is moved loses it
    }
    for (const [key, { main }] of chips) {
      if (key === state.shown) {
        main.setAttribute('aria-current', 'true');
      } else {
        main.removeAttribute('aria-current');
      }
    }
    pin.title = state.full
      ? `At most ${state.most} crystals can be pinned`
      : `Pin ${state.formula} to return to it later (P)`;
    pin.setAttribute('aria-label', pin.title);
    say();
  };

  const pressed = (event: KeyboardEvent) => {
    const inside =
      event.target instanceof Node && root.closest('.xc-explorer')?.contains(event.target);
    if (!inside || event.ctrlKey || event.metaKey || event.altKey) {
      return;
    }
    // letters belong to what is typed into, and to what has keys of its own, such as the map
    const isLetter = () => !isTyping(event.target, ", select, [role='application']");
    if (event.key === 'Escape' && from !== null) {
      from = null;
      say();
    } else if (event.key.toLowerCase() === 'p' && isLetter() && !model.get('state').hidden) {
      act('pin');
    } else {
      return;
    }
    event.preventDefault();
    event.stopImmediatePropagation();
  };
  window.addEventListener('keydown', pressed, true);
  const unlisted = showListed(model, root);
  model.on('change:pins', draw);
  model.on('change:state', draw);
  draw();
  return () => {
    window.removeEventListener('keydown', pressed, true);
    unlisted();
    model.off('change:pins', draw);
    model.off('change:state', draw);
  };
}

/** What becomes of a pin that is dropped at this share of another one's width. */
export function dropAt(share: number): Drop {
  if (share < 0.2) {
    return 'before';
  }
  return share > 0.8 ? 'after' : 'on';
}

function icon(name: string): HTMLElement {
  return el('i', { class: `fa fa-${name}`, 'aria-hidden': 'true' });
}

function small(css: string, name: string, title: string, onclick: () => void): HTMLElement {
  return el(
    'button',
    { type: 'button', class: `xc-pin-small ${css}`, title, 'aria-label': title, onclick },
    icon(name)
  );
}

export default {
  initialize: ({ model }: { model: PinsModel }) => listExplorer(model),
  render
};

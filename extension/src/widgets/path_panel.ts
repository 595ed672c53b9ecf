/** The path panel: ends A and B, how to go, a scrubber that plays, what lies along the way, and files of it. */
import { el, formulaNodes } from '../dom';
import { ProgressBar, button } from './common/controls';
import { type ILane, LaneChart, decimal } from './common/lane_chart';
import type { IDownload, IPanel, IView, Progress } from './common/model';
import { latest, ownKeys, show, takeDownloads } from './common/panel';
import { type IShares, shareBars } from './common/share_bars';

interface IPath {
  frame: number;
  formulas: string[];
  groups: number[];
  valid: boolean[];
  nearest: string[];
  lanes: ILane[];
  /** Frames whose crystal is another one than that of the frame before. */
  changes: number[];
  /** Why it changed at one of them. */
  change: { frame: number; said: string; shares: IShares | null } | null;
}

interface IPathState {
  ends: ({ formula: string; label: string } | null)[];
  kinds: string[];
  /** So many frames a path can have. */
  most: number;
  path: IPath | null;
  progress: Progress | null;
  /** Whether both ends are drawn beside each other. */
  both: boolean;
}

/** An end was read from what was typed. */
interface ITaken {
  type: 'taken';
  end: string;
}

/** Neighbouring frames of one formula. */
export interface IRun {
  formula: string;
  first: number;
  last: number;
}

const SPEEDS: readonly [name: string, pause: number][] = [
  ['slow', 900],
  ['normal', 350],
  ['fast', 120]
];
const KINDS =
  'Linear: straight through latent space. Spherical: an arc around its origin. ' +
  'Flow: a line of the learned prior, which keeps to where known crystals are.';
const PATIENCE = 4000; // ms that a frame is waited for, while the scrubber stays where the user has put it
const FORMATS = [
  ['cif', 'CIFs', 'A zip of one CIF a frame'],
  ['xyz', 'Extended XYZ', 'One file for ASE, OVITO or VMD'],
  ['gif', 'Animated picture', 'A GIF of all frames']
];

type Message = IDownload | ITaken;

function render({ model, el: root }: IView<IPanel<IPathState>, Message>): () => void {
  ownKeys(root);

  // -- the ends
  const ends = ['A', 'B'].map(name => {
    const formula = el('b');
    const label = el('span', { class: 'xc-end-label' });
    const source = el('input', {
      type: 'text',
      class: 'xc-end-source',
      placeholder: 'formula, id or file',
      'aria-label': `${name}: a formula, a material id, or the path of a crystal file; press Enter`,
      onkeydown: event => {
        if (event.key === 'Enter' && source.value.trim()) {
          model.send({ act: 'end', key: name, end: name, source: source.value });
        }
      }
    });
    const node = el(
      'div',
      { class: `xc-end xc-end-${name}`, role: 'group', 'aria-label': `End ${name} of the path` },
      el('span', { class: 'xc-letter', 'aria-hidden': 'true' }, name),
      el('span', { class: 'xc-end-what' }, formula, ' ', label),
      button('set', 'Set to current', `${name} becomes the crystal that is shown now`, () =>
        model.send({ act: 'end', key: name, end: name })
      ),
      source
    );
    return { name, formula, label, source, node };
  });
  const kind = el('select', { class: 'xc-kind', 'aria-label': 'Kind of path', title: KINDS });
  const frames = el('input', {
    type: 'number',
    class: 'xc-frames',
    min: '2',
    value: '16',
    'aria-label': 'Number of frames'
  });
  const make = button('make', 'Make path', 'Decode the crystals between A and B', () =>
    model.send({ act: 'make', kind: kind.value, frames: Number(frames.value) || 16 })
  );
  const swap = button('swap', '⇄', 'Exchange A and B', () => model.send({ act: 'swap' }));
  swap.setAttribute('aria-label', 'Exchange A and B');
  const both = el('input', {
    type: 'checkbox',
    onchange: () => {
      model.send({ act: 'both', on: both.checked });
    }
  });
  const bothLabel = el(
    'label',
    { class: 'xc-check', title: 'Draw A and B beside each other' },
    both,
    ' A and B side by side'
  );
  const clear = button('clear', 'Clear', 'Forget the path and its ends', () =>
    model.send({ act: 'clear' })
  );
  const stopDecoding = button('stop', 'Stop', 'Stop decoding', () => model.send({ act: 'stop' }));
  const working = new ProgressBar('Frames decoded', stopDecoding);

  // -- along the path
  const scrubber = el('input', {
    type: 'range',
    class: 'xc-scrub',
    min: '0',
    step: '1',
    'aria-label': 'Frame of the path',
    oninput: () => {
      stop();
      go(Number(scrubber.value));
    }
  });
  const play = button('play', '▶', 'Play the path', () => (playing ? stop() : start()));
  const speed = el(
    'select',
    { class: 'xc-speed', 'aria-label': 'Speed' },
    SPEEDS.map(([name]) => el('option', { value: name }, name))
  );
  speed.value = 'normal';
  const loop = el('input', { type: 'checkbox' });
  const place = el('output', { class: 'xc-place' });
  const readout = el('div', { class: 'xc-readout' });
  const runs = el('div', {
    class: 'xc-runs',
    role: 'group',
    'aria-label': 'Formulas along the path'
  });
  const changes = el('div', {
    class: 'xc-changes',
    role: 'group',
    'aria-label': 'Why the crystal changes from one frame to the next'
  });
  const change = el('div', {
    class: 'xc-change-why',
    role: 'region',
    'aria-label': 'Why it changed'
  });
  const chart = new LaneChart({
    onSelect: frame => {
      stop();
      go(frame);
    },
    onHover: frame => {
      over = frame;
      read();
    }
  });
  const exports = el(
    'div',
    { class: 'xc-exports', role: 'group', 'aria-label': 'Export the path' },
    'Export: ',
    FORMATS.map(([format, text, title]) =>
      button(`export-${format}`, text, title, () =>
        model.send({ act: 'export', key: format, format })
      )
    )
  );
  const journey = el(
    'div',
    { class: 'xc-journey' },
    el(
      'div',
      { class: 'xc-player' },
      play,
      scrubber,
      place,
      speed,
      el('label', { class: 'xc-check' }, loop, ' loop')
    ),
    readout,
    runs,
    changes,
    change,
    chart.node,
    el(
      'div',
      { class: 'xc-note' },
      'Dashed line: contacts below 0.7 of the radii are overlaps. Grey: frames with overlaps. ' +
        'Thick: predicted for the decoded crystal; thin: at the vector that it was decoded from. ' +
        'Click the chart to go to a frame.'
    ),
    exports
  );
  root.append(
    ...ends.map(end => end.node),
    el(
      'div',
      { class: 'xc-how' },
      swap,
      kind,
      el('label', { class: 'xc-check' }, frames, ' frames'),
      make,
      bothLabel,
      clear
    ),
    working.node,
    journey
  );

  // -- going along: one frame is asked for at a time
  let over: number | null = null;
  let wanted: number | null = null;
  let playing: {
    timer: ReturnType<typeof setTimeout> | undefined;
    sent: number;
    asked: number | null;
  } | null = null;
  let waiting: ReturnType<typeof setTimeout> | undefined;
  const send = latest(model, (frame: number) => model.send({ act: 'frame', frame }));
  const go = (frame: number) => {
    wanted = frame;
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      wanted = null;
      draw();
    }, PATIENCE);
    scrubber.value = String(frame);
    label(frame);
    send(frame);
  };
  const label = (frame: number) => {
    const { path } = model.get('state');
    const said = path ? `${frame + 1} of ${path.formulas.length}` : '';
    place.textContent = said;
    scrubber.setAttribute('aria-valuetext', path ? `frame ${said}, ${path.formulas[frame]}` : '');
  };
  const stop = () => {
    if (playing) {
      clearTimeout(playing.timer);
      playing = null;
      face();
    }
  };
  const start = () => {
    const { path } = model.get('state');
    if (!path) {
      return;
    }
    playing = { timer: undefined, sent: 0, asked: null };
    step(path.frame >= path.formulas.length - 1 && !loop.checked ? 0 : path.frame + 1);
    face();
  };
  const step = (frame: number) => {
    const { path } = model.get('state');
    if (!playing || !path || (frame >= path.formulas.length && !loop.checked)) {
      stop();
      return;
    }
    const next = frame >= path.formulas.length ? 0 : frame;
    playing.sent = performance.now();
    playing.asked = next;
    go(next);
  };
  // the next frame only after the answer to the last one
  const onwards = (path: IPath) => {
    if (!playing || playing.asked === null || path.frame !== playing.asked) {
      return;
    }
    playing.asked = null;
    const [, pause] = SPEEDS.find(([name]) => name === speed.value) ?? SPEEDS[1];
    const rest = Math.max(0, pause - (performance.now() - playing.sent));
    playing.timer = setTimeout(() => step(path.frame + 1), rest);
  };
  const face = () => {
    const said = playing ? 'Pause' : 'Play the path';
    play.textContent = playing ? '❚❚' : '▶';
    play.title = said;
    play.setAttribute('aria-label', said);
  };

  const read = () => {
    const { path } = model.get('state');
    if (!path) {
      return;
    }
    const k = over ?? wanted ?? path.frame;
    show(readout, [k, path], () => [
      el('b', {}, formulaNodes(path.formulas[k])),
      frameWords(path, k)
    ]);
  };

  const draw = () => {
    const state = model.get('state');
    const { path, progress } = state;
    ends.forEach((end, k) => {
      const what = state.ends[k];
      show(end.formula, what?.formula ?? '', () => what && formulaNodes(what.formula));
      end.label.textContent = what ? what.label : 'not set';
      end.label.title = what ? what.label : '';
      end.node.classList.toggle('xc-unset', !what);
    });
    show(kind, state.kinds, () => state.kinds.map(name => el('option', { value: name }, name)));
    frames.max = String(state.most);
    const set = state.ends.every(Boolean);
    make.disabled = !set || progress !== null;
    make.title = set ? 'Decode the crystals between A and B' : 'Set A and B first';
    both.disabled = !set;
    both.checked = state.both;
    clear.disabled = swap.disabled = !state.ends.some(Boolean);
    working.draw(progress, ([, detail, done, of]) => ` ${done} of ${of} frames ${detail} `);
    journey.hidden = !path;
    if (!path) {
      stop();
      wanted = null;
      chart.draw(null);
      return;
    }
    const count = path.formulas.length;
    scrubber.max = String(count - 1);
    if (wanted === path.frame) {
      wanted = null;
      clearTimeout(waiting);
    }
    if (wanted === null) {
      scrubber.value = String(path.frame);
      label(path.frame);
    }
    const list = runsOf(path.formulas);
    show(runs, list, () =>
      list.map((run, k) => [
        k > 0 && el('span', { 'aria-hidden': 'true' }, ' › '),
        el(
          'button',
          {
            class: 'xc-run',
            type: 'button',
            title: `Go to frame ${run.first + 1}`,
            onclick: () => {
              stop();
              go(run.first);
            }
          },
          formulaNodes(run.formula),
          el('small', {}, ` ${run.first + 1}${run.first === run.last ? '' : `–${run.last + 1}`}`)
        )
      ])
    );
    [...runs.querySelectorAll('button')].forEach((node, k) => {
      const { first, last } = list[k];
      node.setAttribute('aria-current', String(path.frame >= first && path.frame <= last));
    });
    changes.hidden = !path.changes.length;
    show(changes, path.changes, () => [
      'Why does it change at frame ',
      path.changes.map(frame =>
        button(
          'why',
          String(frame + 1),
          `Why is frame ${frame + 1} another crystal than frame ${frame}?`,
          () => model.send({ act: 'why', key: 'why', frame })
        )
      )
    ]);
    [...changes.querySelectorAll('button')].forEach((node, k) => {
      node.setAttribute('aria-pressed', String(path.change?.frame === path.changes[k]));
    });
    change.hidden = !path.change;
    show(change, path.change, () => [
      path.change &&
        el(
          'div',
          {},
          `Frames ${path.change.frame} to ${path.change.frame + 1}. ${path.change.said}`
        ),
      path.change?.shares && shareBars(path.change.shares),
      path.change &&
        button('close', 'Close', 'Close this explanation', () => model.send({ act: 'close' }))
    ]);
    const bad = path.valid.map(good => !good);
    const titles = path.lanes.map(lane => lane.title).join(', ');
    chart.draw({
      lanes: path.lanes,
      count,
      current: path.frame,
      bad,
      label: `Along the path: ${titles}; ${bad.filter(Boolean).length} frames with overlapping atoms`
    });
    read();
    onwards(path);
  };
  const heard = (content: Message | null) => {
    if (content?.type === 'taken') {
      ends.filter(end => end.name === content.end).forEach(end => (end.source.value = ''));
    }
  };
  model.on('change:state', draw);
  model.on('msg:custom', heard);
  const ended = takeDownloads(model);
  face();
  draw();
  return () => {
    stop();
    clearTimeout(waiting);
    chart.end();
    ended();
    model.off('change:state', draw);
    model.off('msg:custom', heard);
  };
}

/** The formulas along a path, each as often as it begins anew. */
export function runsOf(formulas: readonly string[]): IRun[] {
  const found: IRun[] = [];
  formulas.forEach((formula, k) => {
    const last = found.at(-1);
    if (last?.formula === formula) {
      last.last = k;
    } else {
      found.push({ formula, first: k, last: k });
    }
  });
  return found;
}

/** What is known of a frame, in words. */
function frameWords({ groups, valid, nearest, lanes }: IPath, k: number): string {
  const values = lanes.map(({ title, unit, values, digits, thin }) => {
    const unitWritten = /^[eÅ]/.test(unit) ? ` ${unit}` : '';
    const atVector = thin ? ` (${decimal(thin[k], digits)} at the vector)` : '';
    return `${title.toLowerCase()} ${decimal(values[k], digits)}${unitWritten}${atVector}`;
  });
  const overlap = valid[k] ? '' : ', atoms overlap';
  return ` space group ${groups[k]}${overlap}, nearest known ${nearest[k]}; ${values.join(', ')}`;
}

export default { render };

/**
 * The layer over the points of the map: markers in an SVG of their own, so that moving one never redraws the points;
 * tools, tooltip, legend. Plotly draws, pans and zooms; all other pointer events are handled here.
 */
import { type Child, el, formulaNodes, nodes, pictureAddress, svg } from '../dom';
import { formulaParts } from '../formula';
import type { Choice, IPanel, IView } from './common/model';
import { latest, show } from './common/panel';
import { type IAxis, type Zoom, Plot, missingOf } from './common/plotly_adapter';

export type Kind = 'current' | 'loaded' | 'own' | 'end' | 'match' | 'design' | 'wanted' | 'landed';

/** UMAP coordinates. */
export type Coordinates = [x: number, y: number];

export interface IMarker {
  kind: Kind;
  x: number;
  y: number;
  text: string;
  sign: string;
}

export interface ILegend {
  title: string;
  low: string;
  high: string;
  /** Of a scale. */
  colors: string[];
  kinds: [kind: string, color: string][];
  /** What has no value, and its colour. */
  absent: [text: string, color: string] | null;
  /** What the opacity of a density says; empty without one. */
  shades: string;
}

export interface IMap {
  markers: IMarker[];
  /** The nearest known crystals. */
  ring: Coordinates[];
  path: Coordinates[];
  /** How far the decoded crystal lies from what was asked for, in words. */
  off: string;
  here: { title: string; name: string; href: string };
  color: string;
  colors: Choice[];
  legend: ILegend;
  selected: [count: number, title: string] | null;
  crystals: string;
  credit: boolean;
  /** How many points are drawn, if not all are. */
  shown: string;
  /** How many lie outside of the first view. */
  beyond: string;
}

/** A name on the map, of a region or of a crystal that everybody knows. */
export type Landmark = [x: number, y: number, text: string, isCrystal: number];

/** What is synced besides the state. */
export interface ILandmarks {
  landmarks: Landmark[];
  /** The density below the points, as a picture of a window of the map. */
  raster: { window?: [x0: number, x1: number, y0: number, y1: number]; address?: string };
}

/** The answer to a hover; row is that of the crystal, or -1. */
export interface IHoverAnswer {
  type: 'hover';
  lines: string[];
  row: number;
}

/** The picture of a crystal. */
export interface IStill {
  type: 'still';
  row: number;
  drawing: string;
}

/** A name and where it is drawn: the middle of its text, in pixels. */
export interface ILabel {
  text: string;
  px: number;
  py: number;
  isCrystal: boolean;
}

/** Where the mouse is, and the size of a pixel. */
interface IPointed {
  x: number;
  y: number;
  dx: number;
  dy: number;
}

type Tool = 'go' | 'pan' | 'lasso' | 'box';

const SHAPES: Readonly<Record<Kind, string>> = {
  current: 'M-9,0a9,9 0 1,0 18,0a9,9 0 1,0 -18,0M0,-15V-5M0,5V15M-15,0H-5M5,0H15',
  loaded: 'M0,-9L9,0L0,9L-9,0Z',
  own: 'M0,-9L9,0L0,9L-9,0Z',
  end: 'M-7,-7H7V7H-7Z',
  match: 'M-9,0L-4.5,-8H4.5L9,0L4.5,8H-4.5Z',
  design: 'M0,-10L9,7H-9Z',
  wanted: 'M-5,-5L5,5M-5,5L5,-5',
  landed: 'M-4,0a4,4 0 1,0 8,0a4,4 0 1,0 -8,0'
};
const TOOLS: readonly [tool: Tool, label: string, key: string, title: string][] = [
  ['go', 'Go', 'g', 'Go: click or drag to decode what lies there'],
  ['pan', 'Pan', 'p', 'Pan: drag the map; the wheel zooms with every tool'],
  ['lasso', 'Lasso', 'l', 'Lasso: draw around crystals to select them'],
  ['box', 'Box', 'b', 'Box: select the crystals in a rectangle']
];
const ZOOMS: readonly [sign: string, title: string, how: Zoom, keys: string][] = [
  ['+', 'Zoom in', 'in', '+='],
  ['−', 'Zoom out', 'out', '-'],
  ['⌂', 'Show the whole map', 'reset', '0']
];
const WAYS: Readonly<Record<string, Coordinates>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, 1],
  ArrowDown: [0, -1]
};
const KINDS: Readonly<Record<Kind, string>> = {
  current: 'current crystal',
  loaded: 'loaded file',
  own: 'your crystals',
  end: 'ends of the path',
  match: 'matches of the measured pattern',
  design: 'designed crystals',
  wanted: 'point you chose',
  landed: 'crystal decoded there'
};
const RING = 'M-6,0a6,6 0 1,0 12,0a6,6 0 1,0 -12,0';
const CLOSER = 7; // turns of the wheel for one press of +
const RESTS = 250; // ms that the mouse rests on a crystal before it is drawn; who is about to press rests less
const LETTER = { region: 7.2, crystal: 6.4, height: 15 }; // pixels of a label
const MOST_LABELS = 12;
const REPEATED = 170; // pixels between two labels that say the same
const NEAR = 5; // pixels that a click may travel
const LETS_GO = 1500; // ms after the last arrow key
const LOOKS_AFTER = 200; // ms after the last change of the view
const DRAWS_WITHIN = 30000; // ms
const TERMS_OF_USE = 'https://next-gen.materialsproject.org/about/terms';

function render({
  model,
  el: root
}: IView<IPanel<IMap> & ILandmarks, IHoverAnswer | IStill>): () => void {
  let plot: Plot | null = null;
  let tool: Tool = 'go';
  let gesture: { x: number; y: number; moved: boolean; corners: Coordinates[] } | null = null;
  let ended = false;
  let painting = 0;
  const state = () => model.get('state');
  const axes = () => plot?.axes ?? null;
  const drag = latest(model, (point: { x: number; y: number }) =>
    model.send({ act: 'drag', ...point })
  );

  // -- what there is
  const buttons = TOOLS.map(([name, label, key, title]) =>
    el(
      'button',
      {
        class: `xc-button xc-tool-${name}`,
        type: 'button',
        title: `${title} (${key})`,
        'aria-pressed': 'false',
        onclick: () => take(name)
      },
      label
    )
  );
  const views = ZOOMS.map(([sign, title, how]) =>
    el(
      'button',
      {
        class: `xc-button xc-zoom-${how}`,
        type: 'button',
        title,
        'aria-label': title,
        onclick: () => zoom(how)
      },
      sign
    )
  );
  const select = el('select', {
    title: 'What colours the points of the map',
    onchange: () => {
      model.send({ act: 'color', name: select.value });
    }
  });
  const bar = el(
    'div',
    { class: 'xc-tools', 'data-lm-suppress-shortcuts': 'true' },
    el('label', { class: 'xc-color' }, el('span', {}, 'Map by'), select),
    el(
      'span',
      { class: 'xc-group', role: 'group', 'aria-label': 'What the mouse does on the map' },
      buttons
    ),
    el('span', { class: 'xc-group', role: 'group', 'aria-label': 'Zoom' }, views)
  );
  const picture = svg('svg', { 'aria-hidden': 'true' });
  const pictureOfDensity = () => el('img', { class: 'xc-density', alt: '', 'aria-hidden': 'true' });
  let density = pictureOfDensity();
  const drawn = svg('polygon', { class: 'xc-lasso' });
  const tip = el('div', { class: 'xc-tip', role: 'tooltip' });
  const note = el('div', { class: 'xc-note' });
  const layer = el(
    'div',
    {
      class: 'xc-layer',
      tabindex: '0',
      role: 'application',
      'data-lm-suppress-shortcuts': 'true',
      'aria-label':
        'Map of crystals. Arrow keys move the point that is decoded; g, p, l, b choose a tool; ' +
        'plus, minus and 0 zoom.',
      onkeydown: event => onKey(event)
    },
    picture,
    note,
    tip
  );
  const key = el('div', { class: 'xc-key' });
  const marks = el('div', { class: 'xc-key xc-marks' });
  const off = el('div', { class: 'xc-off', 'aria-live': 'polite' });
  const selected = el('div', { class: 'xc-selected' });
  const credit = el('div', { class: 'xc-credit' });
  root.append(bar, layer, el('div', { class: 'xc-foot' }, key, marks, off, selected, credit));

  const take = (name: Tool) => {
    tool = name;
    TOOLS.forEach(([other], k) => buttons[k].setAttribute('aria-pressed', String(other === name)));
    root.closest('.xc-map')?.setAttribute('data-tool', name);
    tip.replaceChildren();
  };

  // -- coordinates: from the ranges, which follow a drag at once, not from plotly's scale, which is set at its end
  const onScreen = ([x, y]: Coordinates) => {
    const both = axes();
    if (!both || !plot) {
      return { px: 0, py: 0, seen: false };
    }
    const [frame, inside] = [layer.getBoundingClientRect(), plot.node.getBoundingClientRect()];
    const [fx, fy] = [shareOf(both.x, x), 1 - shareOf(both.y, y)];
    return {
      px: inside.left - frame.left + both.x._offset + fx * both.x._length,
      py: inside.top - frame.top + both.y._offset + fy * both.y._length,
      seen: fx >= 0 && fx <= 1 && fy >= 0 && fy <= 1
    };
  };
  const outline = (points: readonly Coordinates[]) =>
    points
      .map(onScreen)
      .map(({ px, py }) => `${px},${py}`)
      .join(' ');
  const at = (event: { clientX: number; clientY: number }, clamp = false): IPointed | null => {
    const both = axes();
    if (!both || !plot) {
      return null;
    }
    const { x, y } = both;
    const box = plot.node.getBoundingClientRect();
    let fx = (event.clientX - box.left - x._offset) / x._length;
    let fy = (event.clientY - box.top - y._offset) / y._length;
    if (clamp) {
      [fx, fy] = [Math.min(Math.max(fx, 0), 1), Math.min(Math.max(fy, 0), 1)];
    }
    if (fx < 0 || fx > 1 || fy < 0 || fy > 1) {
      return null;
    }
    return {
      x: x.range[0] + fx * widthOf(x),
      y: y.range[1] - fy * widthOf(y),
      dx: Math.abs(widthOf(x)) / x._length,
      dy: Math.abs(widthOf(y)) / y._length
    };
  };

  // -- drawing
  const drawWay = (path: Coordinates[]): Child => [
    path.length > 0 &&
      ['xc-way-halo', 'xc-way'].map(name =>
        svg('polyline', { class: name, points: outline(path) })
      ),
    path
      .map(onScreen)
      .map(({ px, py }) => svg('circle', { class: 'xc-stop', cx: px, cy: py, r: 2.5 }))
  ];
  const drawRing = (ring: Coordinates[]): Child =>
    ring
      .map(onScreen)
      .filter(({ seen }) => seen)
      .map(({ px, py }) =>
        ['xc-ring-halo', 'xc-ring'].map(name =>
          svg('circle', { class: name, cx: px, cy: py, r: 6 })
        )
      );
  const drawGap = (markers: IMarker[]): Child => {
    const [wanted, landed] = [coordinatesOf(markers, 'wanted'), coordinatesOf(markers, 'landed')];
    if (!wanted || !landed) {
      return null;
    }
    const [from, to] = [wanted, landed].map(onScreen);
    return svg('line', { class: 'xc-gap', x1: from.px, y1: from.py, x2: to.px, y2: to.py });
  };
  const drawMarker = (mark: IMarker): Child => {
    const { px, py, seen } = onScreen([mark.x, mark.y]);
    if (!seen) {
      return null;
    }
    const layers = ['halo', 'line'].map(name =>
      svg(
        'path',
        {
          d: SHAPES[mark.kind],
          transform: `translate(${px},${py})`,
          'data-x': mark.x,
          'data-y': mark.y,
          'data-sign': mark.sign,
          class: `xc-marker xc-marker-${mark.kind} xc-marker-${name}`
        },
        svg('title', {}, mark.text)
      )
    );
    return [layers, mark.sign !== '' && svg('text', { class: 'xc-sign', x: px, y: py }, mark.sign)];
  };
  const drawLabels = (): Child => {
    const { width, height } = layer.getBoundingClientRect();
    const { markers, ring, path } = state();
    const marked = markers.map(({ x, y }): Coordinates => [x, y]);
    const taken = [...marked, ...ring, ...path].map(onScreen);
    const labels = model
      .get('landmarks')
      .map(([x, y, text, isCrystal]) => ({ text, isCrystal: isCrystal > 0, ...onScreen([x, y]) }))
      .filter(({ seen }) => seen);
    return chooseLabels(labels, width, height, taken).map(({ text, px, py, isCrystal }) =>
      svg(
        'g',
        { class: isCrystal ? 'xc-label-crystal' : 'xc-label-region' },
        isCrystal && svg('circle', { cx: px, cy: py, r: 3 }),
        svg('text', { x: isCrystal ? px + 6 : px, y: py }, labelParts(text))
      )
    );
  };
  // a picture comes with its window once it is decoded; until then the last one stays where it belongs
  let covered: readonly number[] | null = null;
  let came = 0;
  const onRaster = () => {
    const { window: next, address } = model.get('raster');
    came += 1;
    if (!next || address === undefined) {
      covered = null;
      redraw();
      return;
    }
    const turn = came;
    const decoded = pictureOfDensity();
    const swap = () => {
      if (turn === came && !ended) {
        density.replaceWith(decoded);
        [density, covered] = [decoded, next];
        placeDensity();
      }
    };
    decoded.src = address;
    decoded.decode().then(swap, swap);
  };
  // stretched with the axes, so that it moves at once with them; a sharper one comes when Python has drawn it
  const placeDensity = () => {
    density.hidden = !covered;
    if (!plot || !covered) {
      return;
    }
    if (density.parentElement !== plot.node) {
      plot.node.prepend(density);
    }
    const [x0, x1, y0, y1] = covered;
    const [from, to] = [onScreen([x0, y1]), onScreen([x1, y0])];
    density.style.transform =
      `translate(${from.px}px, ${from.py}px) ` + `scale(${to.px - from.px}, ${to.py - from.py})`;
  };
  const draw = () => {
    if (!axes() || ended) {
      return;
    }
    placeDensity();
    const { markers, ring, path } = state();
    const parts = [
      drawLabels(),
      drawWay(path),
      drawRing(ring),
      drawGap(markers),
      [...markers].reverse().map(drawMarker)
    ];
    picture.replaceChildren(...nodes(parts), drawn);
  };
  const redraw = () => {
    painting ||= requestAnimationFrame(() => {
      painting = 0;
      if (plot && !axes() && !ended) {
        redraw(); // plotly draws it anew, after a resize for example
        return;
      }
      draw();
    });
  };

  const tell = () => {
    const { colors, color, legend, off: said, here, crystals, credit: ours, ...rest } = state();
    show(select, colors, () => {
      const elements = colors.filter(([name]) => name.startsWith('element:'));
      const others = colors.filter(pair => !elements.includes(pair));
      return [others.map(option), el('optgroup', { label: 'Elements' }, elements.map(option))];
    });
    select.value = color;
    show(key, legend, () => drawLegend(legend));
    const drawnKinds = [...new Set(rest.markers.map(({ kind }) => kind))];
    show(marks, [drawnKinds, rest.ring.length > 0, rest.path.length > 0], () => [
      drawnKinds.map(kind => glyph(SHAPES[kind], kind, KINDS[kind])),
      rest.ring.length > 0 && glyph(RING, 'ring', 'nearest known crystals'),
      rest.path.length > 0 && glyph('M-8,4L0,-4L8,4', 'path', 'path')
    ]);
    off.textContent = said;
    show(
      selected,
      rest.selected,
      () =>
        rest.selected && [
          el('span', {}, `${rest.selected[0].toLocaleString('en')} selected: ${rest.selected[1]}`),
          el(
            'button',
            { class: 'xc-button', type: 'button', onclick: () => model.send({ act: 'deselect' }) },
            'Clear'
          )
        ]
    );
    note.textContent = [rest.shown, rest.beyond].filter(text => text !== '').join('; ');
    show(credit, [here, crystals, ours], () => [
      `${crystals} crystals`,
      ours && [': ', link(TERMS_OF_USE, 'Materials Project, CC BY 4.0')],
      '. ',
      here.name !== '' && [
        `${here.title}: `,
        here.href ? link(here.href, here.name) : here.name,
        '.'
      ]
    ]);
  };

  // -- the pointer
  const stopGesture = () => {
    gesture = null;
    drawn.setAttribute('points', '');
  };
  const onDown = (event: PointerEvent) => {
    if (event.button !== 0 || !at(event)) {
      return;
    }
    const own = event.target instanceof Element && event.target.closest('.xc-marker-own');
    if (own instanceof SVGElement) {
      model.send({ act: 'own', number: Number(own.dataset.sign) - 1 });
      event.stopPropagation();
      return;
    }
    layer.classList.add('xc-by-pointer');
    layer.focus({ preventScroll: true });
    hideTip(); // nor may its picture be drawn now, when the kernel has a crystal to decode
    outdated = asked;
    held = null;
    gesture = { x: event.clientX, y: event.clientY, moved: false, corners: [] };
    if (tool !== 'pan') {
      event.preventDefault();
    }
  };
  // plotly begins to pan at this event, which comes after the one above
  const onMouseDown = (event: MouseEvent) => {
    if (tool !== 'pan' && event.button === 0) {
      event.stopPropagation();
    }
  };
  const onMove = (event: PointerEvent) => {
    if (!gesture) {
      hover(event);
      return;
    }
    gesture.moved ||= Math.hypot(event.clientX - gesture.x, event.clientY - gesture.y) >= NEAR;
    const point = at(event, true);
    const from = at({ clientX: gesture.x, clientY: gesture.y }, true);
    if (!gesture.moved || !point || !from) {
      return;
    }
    if (tool === 'go') {
      drag({ x: point.x, y: point.y });
    } else if (tool === 'lasso') {
      gesture.corners.push([point.x, point.y]);
    } else if (tool === 'box') {
      gesture.corners = [
        [from.x, from.y],
        [point.x, from.y],
        [point.x, point.y],
        [from.x, point.y]
      ];
    }
    drawn.setAttribute('points', outline(gesture.corners));
  };
  const onUp = (event: PointerEvent) => {
    if (!gesture) {
      return;
    }
    const { moved, corners } = gesture;
    stopGesture();
    const point = moved ? null : at(event);
    if (point) {
      model.send({ act: 'click', ...point });
    } else if (corners.length > 2) {
      model.send({ act: 'polygon', points: corners });
    }
  };

  // one question at a time; the next is about where the mouse is by then
  let asked = false;
  let outdated = false; // whether a press came after the question
  let next: IPointed | null = null;
  const ask = (question: IPointed) => {
    asked = true;
    next = null;
    model.send({ act: 'hover', ...question });
  };
  const hideTip = () => {
    tip.replaceChildren();
    next = null;
    hovered = -1;
    clearTimeout(resting);
  };
  // pictures of crystals on which the mouse has rested
  const stills = new Map<number, string>();
  let hovered = -1;
  let pointed = { px: 0, py: 0 };
  let resting: ReturnType<typeof setTimeout> | undefined;
  const still = el('span', { class: 'xc-still-frame' });
  const drawStill = () => {
    const drawing = stills.get(hovered);
    still.replaceChildren(
      ...nodes(drawing !== undefined && el('img', { alt: '', src: pictureAddress(drawing) }))
    );
  };
  const placeTip = () => {
    // wholly inside, on the side of the mouse where there is room
    const { px, py } = pointed;
    const [wide, high] = [
      layer.clientWidth - tip.offsetWidth,
      layer.clientHeight - tip.offsetHeight
    ];
    const left = px + 14 <= wide - 4 ? px + 14 : px - 14 - tip.offsetWidth;
    tip.style.left = `${Math.max(4, Math.min(left, wide - 4))}px`;
    tip.style.top = `${Math.max(4, Math.min(py - 20, high - 4))}px`;
  };
  const hover = (event: PointerEvent) => {
    const isInside =
      event.target instanceof Element &&
      plot !== null &&
      event.target.closest('.js-plotly-plot') === plot.node;
    const point = isInside ? at(event) : null;
    if (!point) {
      hideTip();
      return;
    }
    next = point;
    pointed = onScreen([point.x, point.y]);
    placeTip();
    if (!asked) {
      ask(point);
    }
  };
  const onMessage = (message: IHoverAnswer | IStill | null) => {
    if (message?.type === 'still') {
      stills.set(message.row, message.drawing);
      drawStill();
      return;
    }
    if (message?.type !== 'hover') {
      return;
    }
    asked = false;
    const { lines, row } = message;
    tip.replaceChildren();
    if (lines.length > 0 && !gesture && !outdated) {
      const [formula, ...others] = lines;
      tip.append(
        still,
        el(
          'span',
          {},
          el('b', {}, formulaNodes(formula)),
          others.map(line => el('div', {}, line))
        )
      );
      if (row !== hovered) {
        hovered = row;
        drawStill();
        clearTimeout(resting);
        resting = setTimeout(() => {
          if (!stills.has(row) && !ended) {
            model.send({ act: 'still', row });
          }
        }, RESTS);
      }
      placeTip();
    }
    outdated = false;
    if (next) {
      ask(next);
    }
  };

  // -- the keyboard
  let held: { x: number; y: number } | null = null; // where the arrow keys have gone, while the crystals still follow
  let letGo: ReturnType<typeof setTimeout> | undefined;
  const step = ([right, up]: Coordinates, far: number, { x, y }: { x: IAxis; y: IAxis }) => {
    const { markers } = state();
    const [cx, cy] = coordinatesOf(markers, 'wanted') ??
      coordinatesOf(markers, 'current') ?? [0, 0];
    const from = held ?? { x: cx, y: cy };
    held = { x: from.x + right * far * widthOf(x), y: from.y + up * far * widthOf(y) };
    drag(held);
    clearTimeout(letGo);
    letGo = setTimeout(() => {
      held = null;
    }, LETS_GO);
  };
  const onKey = (event: KeyboardEvent) => {
    layer.classList.remove('xc-by-pointer');
    const both = axes();
    if (event.ctrlKey || event.metaKey || event.altKey || !both) {
      return;
    }
    const chosen = TOOLS.find(([, , letter]) => letter === event.key);
    const closer = ZOOMS.find(([, , , keys]) => event.key !== '' && keys.includes(event.key));
    const way = WAYS[event.key];
    if (chosen) {
      take(chosen[0]);
    } else if (closer) {
      zoom(closer[2]);
    } else if (event.key === 'Escape') {
      stopGesture();
      if (state().selected) {
        model.send({ act: 'deselect' });
      }
    } else if (way) {
      step(way, event.shiftKey ? 0.05 : 0.01, both);
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  };

  // -- plotly
  const zoom = (how: Zoom) => {
    const here = coordinatesOf(state().markers, 'current');
    const where = here && onScreen(here);
    if (how === 'reset' || !where?.seen) {
      plot?.zoom(how);
      return;
    }
    const { left, top } = layer.getBoundingClientRect();
    plot?.zoomAbout(left + where.px, top + where.py, how === 'in' ? -CLOSER : CLOSER);
  };
  let looked: ReturnType<typeof setTimeout> | undefined;
  const look = latest(model, (act: object) => model.send(act));
  const lookAround = () => {
    const both = axes();
    if (both && !ended) {
      const [[x0, x1], [y0, y1]] = [both.x.range, both.y.range];
      look({ act: 'window', x0, x1, y0, y1 });
    }
  };
  const onView = () => {
    redraw();
    clearTimeout(looked);
    if (state().shown) {
      looked = setTimeout(lookAround, LOOKS_AFTER);
    }
  };
  /** During a drag: what the edge of the density shows must come before the drag ends. */
  const onPan = () => {
    redraw();
    const { window: asked } = model.get('raster');
    const both = axes();
    if (asked && both && !contains(asked, both)) {
      lookAround();
    }
  };
  let waiting: ReturnType<typeof setTimeout> | undefined;
  const resized = new ResizeObserver(() => {
    redraw();
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      if (!ended) {
        plot?.fill(layer.clientWidth, layer.clientHeight);
      }
    }, 60);
  });
  const onState = () => {
    tell();
    redraw();
  };

  const unhear: (() => void)[] = [];
  const begun = performance.now();
  const attach = () => {
    if (ended) {
      return;
    }
    const around = root.closest('.xc-map');
    plot = Plot.within(around);
    if (!plot) {
      const figure = around?.querySelector('.js-plotly-plot');
      if (figure && performance.now() - begun > DRAWS_WITHIN) {
        fail(missingOf(figure));
      } else {
        requestAnimationFrame(attach);
      }
      return;
    }
    const { node } = plot;
    unhear.push(
      plot.listen(['plotly_afterplot'], redraw),
      plot.listen(['plotly_relayouting'], onPan),
      plot.listen(['plotly_relayout'], onView)
    );
    for (const target of [node, layer]) {
      target.addEventListener('pointerdown', onDown, true);
    }
    node.addEventListener('mousedown', onMouseDown, true);
    node.addEventListener('pointerleave', hideTip);
    window.addEventListener('pointermove', onMove, true);
    window.addEventListener('pointerup', onUp, true);
    resized.observe(layer);
    take(tool);
    draw();
    root.dataset.ready = 'true';
    if (model.get('landmarks').length === 0) {
      model.send({ act: 'landmarks' }); // they come when the points are there
    }
  };
  const fail = (missing: string[]) => {
    const text = `This version of plotly draws no map that can be used here: it has no ${missing.join(', ')}.`;
    note.textContent = text;
    root.dataset.failed = text;
  };
  tell();
  onRaster();
  attach();
  model.on('change:state', onState);
  model.on('change:landmarks', redraw);
  model.on('change:raster', onRaster);
  model.on('msg:custom', onMessage);

  return () => {
    ended = true;
    resized.disconnect();
    clearTimeout(looked);
    clearTimeout(waiting);
    window.removeEventListener('pointermove', onMove, true);
    window.removeEventListener('pointerup', onUp, true);
    unhear.forEach(end => end());
    model.off('change:state', onState);
    model.off('change:landmarks', redraw);
    model.off('change:raster', onRaster);
    density.remove();
    clearTimeout(resting);
    model.off('msg:custom', onMessage);
  };
}

/** How far along an axis something is; 0 to 1 within its range. */
export function shareOf({ range: [low, high] }: Pick<IAxis, 'range'>, value: number): number {
  return (value - low) / (high - low);
}

/**
 * The labels that fit into a picture, the first ones first: none lies over another, over a marker or the edge, and none
 * says again what is said nearby.
 */
export function chooseLabels(
  labels: readonly ILabel[],
  width: number,
  height: number,
  taken: readonly { px: number; py: number }[] = []
): ILabel[] {
  const boxes = taken.map(({ px, py }) => [px - 14, py - 14, px + 14, py + 14]);
  const chosen: ILabel[] = [];
  for (const label of labels) {
    const { text, px, py, isCrystal } = label;
    const long = text.length * (isCrystal ? LETTER.crystal : LETTER.region);
    const left = isCrystal ? px - 4 : px - long / 2;
    const [right, half] = [left + long + (isCrystal ? 10 : 0), LETTER.height / 2];
    const isFree =
      left > 2 &&
      right < width - 2 &&
      py > half &&
      py < height - half &&
      boxes.every(([a, b, c, d]) => right < a || left > c || py + half < b || py - half > d) &&
      chosen.every(one => one.text !== text || Math.hypot(one.px - px, one.py - py) > REPEATED);
    if (isFree) {
      chosen.push(label);
      boxes.push([left - 4, py - half, right + 4, py + half]);
    }
    if (chosen.length === MOST_LABELS) {
      break;
    }
  }
  return chosen;
}

/** The text of a label, the numbers of its formulas below the line. */
function labelParts(text: string): Child {
  let isLow = false;
  return formulaParts(text).map(part => {
    const shift = part.subscript === isLow ? null : part.subscript ? '0.25em' : '-0.25em';
    isLow = part.subscript;
    return svg('tspan', { dy: shift, 'font-size': part.subscript ? '0.75em' : null }, part.text);
  });
}

function glyph(d: string, name: string, text: string): Child {
  const drawing = svg('path', { d, class: `xc-mark-${name}` });
  const attributes = { class: 'xc-glyph', viewBox: '-16 -16 32 32', 'aria-hidden': 'true' };
  return el('span', {}, svg('svg', attributes, drawing), text);
}

function widthOf({ range: [low, high] }: IAxis): number {
  return high - low;
}

function coordinatesOf(markers: readonly IMarker[], kind: Kind): Coordinates | null {
  const found = markers.find(mark => mark.kind === kind);
  return found ? [found.x, found.y] : null;
}

/** Whether all that is in view lies in a window of the map. */
export function contains(
  [x0, x1, y0, y1]: readonly number[],
  { x, y }: { x: Pick<IAxis, 'range'>; y: Pick<IAxis, 'range'> }
): boolean {
  return x.range[0] >= x0 && x.range[1] <= x1 && y.range[0] >= y0 && y.range[1] <= y1;
}

function drawLegend({ title, low, high, colors, kinds, absent, shades }: ILegend): Child {
  const swatch = (text: string, color: string) =>
    el('span', {}, el('i', { style: `background: ${color}` }), text);
  const ramp = `background: linear-gradient(to right, ${colors.join(',')})`;
  return [
    title !== '' && el('span', {}, title),
    colors.length > 0 && el('span', {}, low, el('i', { class: 'xc-ramp', style: ramp }), high),
    kinds.map(([kind, color]) => swatch(kind, color)),
    absent && swatch(...absent),
    shades !== '' && el('span', {}, shades)
  ];
}

function option([value, title]: Choice): HTMLOptionElement {
  return el('option', { value }, title);
}

function link(href: string, text: string): HTMLAnchorElement {
  return el('a', { href, target: '_blank', rel: 'noopener' }, text);
}

export default { render };

/** The crystal on a canvas of nglview's: what Python sends as numbers, and what the mouse finds. */
import type * as Ngl from 'ngl';
import {
  EDGE_COLOUR,
  type IFound,
  KeptBuffers,
  type NglModule,
  type Numbers
} from '../ngl_buffers';
import type { Matrix } from '../lattice';
import { Camera, radii, resize, sample } from '../ngl_camera';
import { Annotations, type IAtom } from '../annotations';
import { el } from '../dom';
import {
  FACE_EDGE_RADIUS,
  FACE_EDGE_SHADE,
  FACE_LOOK,
  type IFaceEdges,
  type IFaces,
  faceEdges,
  faceMesh
} from '../ngl_faces';
import { type IMesh, ReplacedMesh } from '../ngl_mesh';
import { overlaid } from '../overlaid';
import { saveFile } from '../save_file';
import { EDGE_RADIUS } from '../scene';
import { sectorMesh } from '../sectors';
import { Triad } from '../triad';
import { isLooking } from '../view';
import { giveBack } from '../webgl';
import { type INglView, forgetPicking, takeOver } from './common/nglview_adapter';
import { whenInside } from './common/panel';
import { isPictureWish } from './picture_menu';

/** What drawing.py tells of a scene; its numbers come beside it. */
export interface ISceneMessage {
  type: 'xc-scene';
  /** A late message must not bring back an older crystal. */
  number: number;
  spheres: number;
  bonds: number;
  edges: number;
  /** Of the faces of polyhedra. */
  corners: number;
  /** Of each atom. */
  names: string[];
  /** Of each atom that several elements share or that is partly empty: its index, and share, red, green and blue. */
  shares: [atom: number, parts: number[][]][];
  /** Radius of all that is drawn, Å. */
  extent: number;
  /** The picked atom, or -1. */
  picked: number;
  /** Rows a, b and c, Å. */
  lattice: Matrix;
  /** Whether what is far away is drawn smaller. */
  perspective: boolean;
  /** What is written at each atom; empty for nothing. */
  labels: string[];
  caption: string;
  /** Whether the session is idle, so that there is time for smooth edges. */
  fine: boolean;
  /** Whether its atoms have scores that are shown elsewhere. */
  explained: boolean;
}

/** The numbers of a scene. */
export interface ISceneNumbers {
  /** Place, radius and atom of each. */
  spheres: Float32Array;
  /** Of each half bond: its ends, radius and atom. */
  bonds: Float32Array;
  /** Both ends of each. */
  edges: Float32Array;
  /** Of each corner of a face of a polyhedron: place, the atom in the centre, and how many corners the face has. */
  corners: Float32Array;
  /** Red, green and blue of each atom. */
  colors: Float32Array;
}

/** Canvases that are seen from the same side. */
interface ITogether extends Element {
  xcCanvases?: Set<CrystalCanvas>;
  xcTurning?: boolean;
}

const [SPHERE, BOND, EDGE, CORNER] = [5, 8, 6, 5]; // numbers in a row of each
// of a picked atom, and of atoms whose score is looked at; Å beyond the atom
const MARK_COLOURS = [1.0, 0.62, 0.1, 0.0, 0.62, 0.45];
const MARK = 0.16;
const SHELL_COLOUR = [0.8, 0.47, 0.65];
const [SMOOTH_AFTER, SMOOTH_AFTER_LIGHT, REMEMBER_AFTER] = [120, 250, 500]; // ms

const FINER = 2; // pixels of a picture for one on the screen

const KEYS =
  'Drawing of the crystal. Arrow keys turn it, plus and minus zoom, A, B and C look along an axis, ' +
  'with Shift along a reciprocal one, R shows all of it in the standard view.';

const HINT =
  'Click two atoms for a distance, three for an angle, four for a dihedral angle; Escape clears.';
const TOO_MANY = 'There are too many atoms for labels.';

/** Draw crystals in a view of nglview's from now on; called once in each, by its `executeCode`. */
export function attach(view: { el?: HTMLElement }, ngl: unknown): void {
  try {
    const ours = takeOver(view, ngl);
    if (ours) {
      new CrystalCanvas(ours.view, ours.ngl);
    }
  } catch (reason) {
    const text = reason instanceof Error ? reason.message : String(reason);
    view.el?.append(el('div', { class: 'xc-canvas-caption', role: 'alert' }, text));
    if (view.el) {
      view.el.dataset.failed = text;
    }
    throw reason;
  }
}

/** The bytes of a scene as numbers. */
export function numbersOf(message: ISceneMessage, bytes: DataView<ArrayBuffer>): ISceneNumbers {
  const floats = floatsOf(bytes);
  let begin = 0;
  const take = (count: number) => floats.subarray(begin, (begin += count));
  return {
    spheres: take(SPHERE * message.spheres),
    bonds: take(BOND * message.bonds),
    edges: take(EDGE * message.edges),
    corners: take(CORNER * message.corners),
    colors: take(3 * message.names.length)
  };
}

function floatsOf({ buffer, byteOffset, byteLength }: DataView<ArrayBuffer>): Float32Array {
  // a view of bytes may begin anywhere, numbers only at a multiple of four
  return new Float32Array(buffer.slice(byteOffset, byteOffset + byteLength));
}

class CrystalCanvas {
  constructor(
    private readonly view: INglView,
    private readonly ngl: NglModule
  ) {
    const { stage, model } = view;
    this.stage = stage;
    this.crystal = new KeptBuffers(ngl, stage, 'crystal');
    this.sectors = new ReplacedMesh(ngl, stage, 'sectors');
    this.faces = new ReplacedMesh(ngl, stage, 'faces', FACE_LOOK);
    this.marks = new KeptBuffers(ngl, stage, 'marks', { opacity: 0.45, depthWrite: false });
    view.el.append(this.caption, this.label, this.triad.node);
    this.hideLabel();
    this.followTheme();
    const attributeFilter = ['data-jp-theme-name', 'data-jp-theme-light'];
    this.theme.observe(document.body, { attributes: true, attributeFilter });
    this.size.observe(view.el);
    stage.signals.hovered.add((found?: IFound) => this.hover(found));
    stage.signals.clicked.add((found?: IFound) => {
      if (this.annotations.measuring) {
        this.annotations.choose(this.sphereAt(found));
      } else {
        model.send({ type: 'xc-pick', atom: this.atomAt(found) });
      }
    });
    stage.mouseObserver.signals.moved.add(() => this.hideLabel());
    this.camera = new Camera(ngl, stage, () => this.cameraMoved());
    this.annotations = new Annotations(this.camera, HINT, TOO_MANY);
    view.el.append(this.annotations.node, this.annotations.said);
    view.el.addEventListener('pointerleave', () => this.tellHovered(null));
    view.el.addEventListener('keydown', this.press);
    view.el.tabIndex = 0;
    view.el.setAttribute('role', 'img');
    view.el.setAttribute('aria-label', KEYS);
    view.el.dataset.lmSuppressShortcuts = 'true';
    this.stopLooking = whenInside(view.el, '.xc-explorer', explorer => {
      this.explorer = explorer;
      explorer.addEventListener('xc-light', this.light);
      explorer.addEventListener('xc-look', this.lookAsAsked);
      explorer.addEventListener('xc-measure', this.measureAsAsked);
      explorer.addEventListener('xc-picture', this.pictureAsAsked);
      // the second canvas may come later than the wish
      this.annotations.measuring = !!explorer.querySelector('.xc-measuring[aria-pressed="true"]');
    });
    view.xcFit = () => this.camera.fit(this.extent, 300);
    view.xcLook = name => this.look(name);
    model.on('msg:custom', this.receive);
    view.once('remove', () => this.dispose());
  }

  // -- drawing

  private readonly receive = (message: unknown, buffers: DataView<ArrayBuffer>[]): void => {
    if (isScene(message) && message.number > this.number) {
      this.draw(message, numbersOf(message, buffers[0]));
      this.layOver(floatsOf(buffers[1]));
    }
  };

  private draw(message: ISceneMessage, numbers: ISceneNumbers): void {
    const { stage, view } = this;
    const isFirst = this.number < 0;
    this.number = message.number;
    this.scene = { message, numbers };
    this.camera.perspective = message.perspective;
    const { x, y, z } = stage.viewerControls.rotation;
    if (isFirst && Math.hypot(x, y, z) > 1e-6) {
      this.camera.recall(message.lattice); // what nglview remembers of a view that was open before
    }
    this.camera.follow(message.lattice);
    this.camera.extent = message.extent;
    this.lookAsFirst();
    const isFitted = message.extent <= 1.2 * this.extent && message.extent >= this.extent / 1.2;
    if (!isFitted) {
      this.extent = message.extent;
    }
    const faces = facesOf(numbers);
    const ridges = faceEdges(faces);
    const lines = message.bonds + message.edges + ridges.atoms.length;
    const sizes = { sphere: message.spheres, cylinder: lines };
    const { sphere, cylinder } = this.crystal.room(sizes);
    fillSpheres(sphere, numbers.spheres, numbers.colors, 0);
    fillCylinders(cylinder, numbers, ridges);
    this.crystal.show(sizes, this.extent);
    this.sectors.draw(sectorsOf(message, numbers));
    this.faces.draw(faceMesh(faces, numbers.colors));
    this.lit = new Set(); // they may be others now
    this.markAtoms();
    stage.viewer.updateBoundingBox();
    forgetPicking(stage); // what is under the mouse is not what it was
    this.caption.textContent = message.caption;
    this.hideLabel();
    // only another size of cell needs another distance
    if (!isFitted) {
      this.camera.fit(this.extent);
    }
    this.annotations.show(atomsOf(message, numbers));
    this.drawQuickly(message.fine ? SMOOTH_AFTER : null);
    if (message.fine) {
      stage.viewer.render(); // before what panels say of the crystal is laid out, not in a frame after it
    }
    view.el.dataset.faces = String(faces.faceSizes.length);
    view.el.dataset.drawn = String(this.number);
  }

  /** Shells around the atoms, (x, y, z, radius) each: the atoms of a crystal that is laid over this one. */
  private layOver(shells: Float32Array): void {
    this.view.el.dataset.shells = String(shells.length / 4);
    if (!shells.length && !this.shells) {
      return;
    }
    this.shells ??= new KeptBuffers(this.ngl, this.stage, 'shells', {
      opacity: 0.4,
      depthWrite: false
    });
    const sizes = { sphere: shells.length / 4 };
    const { position, color, radius } = this.shells.room(sizes).sphere;
    for (let i = 0; i < sizes.sphere; i++) {
      position.set(shells.subarray(4 * i, 4 * i + 3), 3 * i);
      color.set(SHELL_COLOUR, 3 * i);
      radius[i] = shells[4 * i + 3];
    }
    this.shells.show(sizes, this.extent);
    this.shells.visible = sizes.sphere > 0;
    this.stage.viewer.requestRender();
  }

  private markAtoms(): void {
    if (!this.scene) {
      return;
    }
    const { message, numbers } = this.scene;
    const rows: number[] = [];
    this.marked = [];
    for (let at = 0; at < numbers.spheres.length; at += SPHERE) {
      const atom = numbers.spheres[at + 4];
      const isLit = this.lit.has(atom);
      if (atom === message.picked || isLit) {
        rows.push(...numbers.spheres.subarray(at, at + 4), Number(isLit));
        this.marked.push(at / SPHERE);
      }
    }
    const sizes = { sphere: this.marked.length };
    fillSpheres(this.marks.room(sizes).sphere, rows, MARK_COLOURS, MARK);
    this.marks.show(sizes, this.extent);
    this.marks.visible = this.marked.length > 0;
    this.view.el.dataset.lit = [...this.lit].join(' ');
  }

  /** Quickly first; smooth edges, which take several times as long, after some milliseconds, or not for null. */
  private drawQuickly(smoothAfter: number | null): void {
    const { stage, view } = this;
    sample(stage, -1);
    clearTimeout(this.smoothing);
    view.el.dataset.smooth = 'false';
    if (smoothAfter !== null) {
      this.smoothing = setTimeout(() => {
        sample(stage, 0);
        stage.viewer.requestRender();
        view.el.dataset.smooth = 'true';
      }, smoothAfter);
    }
    stage.viewer.requestRender();
  }

  private followTheme(): void {
    const color = getComputedStyle(document.body).getPropertyValue('--jp-layout-color0').trim();
    this.stage.viewer.setBackground(color || 'white');
    this.stage.viewer.requestRender();
  }

  // -- what the mouse finds

  private atomAt(found: IFound | undefined): number | null {
    if (!this.scene || !found) {
      return null;
    }
    const { spheres, bonds } = this.scene.numbers;
    const sphere = this.sphereAt(found);
    if (sphere !== null) {
      return spheres[SPHERE * sphere + 4] ?? null;
    }
    return this.crystal.holds(found) ? (bonds[BOND * found.pid + 7] ?? null) : null;
  }

  /** Of the scene, also where it is marked or a shell is around it. */
  private sphereAt(found: IFound | undefined): number | null {
    if (!found) {
      return null;
    }
    if (this.marks.holds(found)) {
      return this.marked[found.pid] ?? null;
    }
    const isSphere = this.crystal.holds(found) && found.picker.type === 'sphere';
    return isSphere || this.shells?.holds(found) ? found.pid : null;
  }

  private hover(found: IFound | undefined): void {
    const atom = this.atomAt(found);
    if (!this.scene || atom === null || atom < 0) {
      this.tellHovered(null);
      this.hideLabel();
      return;
    }
    const { names, explained } = this.scene.message;
    this.tellHovered(explained ? atom : null);
    const { x, y } = this.stage.mouseObserver.canvasPosition;
    this.label.textContent = names[atom];
    this.label.style.left = `${Math.min(x + 12, this.view.el.clientWidth - 120)}px`;
    this.label.style.bottom = `${y + 8}px`;
    this.label.style.display = 'block';
  }

  private hideLabel(): void {
    this.label.style.display = 'none';
  }

  // -- linked with scores elsewhere in the explorer, without the kernel

  private tellHovered(atom: number | null): void {
    if (atom !== this.reported) {
      this.reported = atom;
      this.explorer?.dispatchEvent(new CustomEvent('xc-hover', { detail: atom }));
    }
  }

  private readonly light = (event: Event): void => {
    if (!this.scene || !(event instanceof CustomEvent)) {
      return;
    }
    const atoms: number[] = this.scene.message.explained ? event.detail : [];
    if (atoms.length || this.lit.size) {
      this.lit = new Set(atoms);
      this.markAtoms();
      this.drawQuickly(SMOOTH_AFTER_LIGHT);
    }
  };

  // -- the camera

  /** Look from a side that has a name: "standard", which shows all of it, "a", "a*" and so on. */
  private look(name: unknown): void {
    if (name === 'standard') {
      this.extent = this.camera.extent; // it was kept while crystals were nearly as large
      this.camera.reset();
    } else if (isLooking(name)) {
      this.camera.look(name);
    }
    this.drawQuickly(SMOOTH_AFTER);
  }

  private readonly press = (event: KeyboardEvent): void => {
    const isPlain = !event.ctrlKey && !event.metaKey && !event.altKey;
    if (event.key === 'Escape' && this.annotations.measuring) {
      event.stopPropagation();
      this.annotations.clear();
    } else if (isPlain && this.camera.press(event.key)) {
      event.preventDefault();
      event.stopPropagation();
      this.quietly(others => others.forEach(other => other.turnAs(this)));
      this.drawQuickly(SMOOTH_AFTER);
    }
  };

  private readonly lookAsAsked = (event: Event): void => {
    if (event instanceof CustomEvent) {
      this.look(event.detail);
    }
  };

  private readonly measureAsAsked = (event: Event): void => {
    if (event instanceof CustomEvent) {
      this.annotations.measuring = event.detail === true;
      this.view.el.focus({ preventScroll: true }); // for Escape
    }
  };

  private readonly pictureAsAsked = (event: Event): void => {
    const isShown = this.view.el.clientWidth > 0;
    if (!isShown || !(event instanceof CustomEvent) || !isPictureWish(event.detail)) {
      return;
    }
    const { format, name } = event.detail;
    if (format === 'svg') {
      const { atoms, text } = this.annotations.measurement;
      this.view.model.send({ type: 'xc-svg', view: this.camera.view, measured: atoms, text });
      return;
    }
    const transparent = format === 'transparent';
    void this.stage
      .makeImage({ factor: FINER, antialias: true, trim: false, transparent })
      .then(picture =>
        overlaid(picture, this.view.el, [this.annotations.node, this.triad.node], FINER)
      )
      .then(picture => {
        saveFile(`${name}.png`, picture);
        this.drawQuickly(SMOOTH_AFTER);
      });
  };

  /** Two crystals side by side are seen from the same side: moves this one, and others only as `move` says. */
  private quietly(move: (others: CrystalCanvas[], first: CrystalCanvas) => void): void {
    const box: ITogether = this.view.el.closest('.xc-canvases') ?? this.view.el;
    const canvases = (box.xcCanvases ??= new Set());
    canvases.add(this);
    this.boxes.add(box);
    if (box.xcTurning) {
      return;
    }
    box.xcTurning = true;
    try {
      const [first] = canvases;
      move(
        [...canvases].filter(other => other !== this),
        first
      );
    } finally {
      box.xcTurning = false;
    }
  }

  private cameraMoved(): void {
    // only the user turns the others: nglview sets the camera of a view that opens, too
    if (this.stage.mouseObserver.overElement) {
      this.quietly(others => others.forEach(other => other.turnAs(this)));
    }
    const { looking, view } = this.camera;
    this.triad.draw(view, this.scene?.message.lattice ?? null);
    this.annotations.draw();
    const name = typeof looking === 'string' ? looking : 'turned';
    if (this.view.el.dataset.looking !== name) {
      this.view.el.dataset.looking = name;
      this.explorer?.dispatchEvent(new CustomEvent('xc-looked', { detail: name }));
    }
    clearTimeout(this.remembering);
    this.remembering = setTimeout(() => this.view.serialize_camera_orientation(), REMEMBER_AFTER);
  }

  /** Each along its own axes, as large for its canvas, and with the same in the middle. */
  private turnAs({ camera, stage }: CrystalCanvas): void {
    const { viewer, viewerControls } = this.stage;
    viewerControls.orient(stage.viewerControls.getOrientation());
    const share = radii(viewer) / radii(stage.viewer);
    if (Math.abs(share - 1) > 0.02) {
      viewerControls.distance(viewerControls.getCameraDistance() * share);
    }
    this.camera.look(camera.looking, 0);
  }

  /** The first canvas decides for those beside it, so that all are drawn at one scale. */
  private lookAsFirst(): void {
    this.quietly((_, first) => {
      if (first !== this && first.extent) {
        this.extent = first.extent;
        this.turnAs(first);
      }
    });
  }

  private dispose(): void {
    this.view.model.off('msg:custom', this.receive);
    this.stopLooking();
    this.explorer?.removeEventListener('xc-light', this.light);
    this.explorer?.removeEventListener('xc-look', this.lookAsAsked);
    this.explorer?.removeEventListener('xc-measure', this.measureAsAsked);
    this.explorer?.removeEventListener('xc-picture', this.pictureAsAsked);
    clearTimeout(this.remembering);
    clearTimeout(this.smoothing);
    for (const box of this.boxes) {
      box.xcCanvases?.delete(this);
    }
    this.theme.disconnect();
    this.size.disconnect();
    giveBack(this.stage);
  }

  private readonly stage: Ngl.Stage;
  private readonly crystal: KeptBuffers;
  private readonly sectors: ReplacedMesh;
  private readonly faces: ReplacedMesh;
  private readonly marks: KeptBuffers;
  private readonly camera: Camera;
  private readonly annotations: Annotations;
  private readonly triad = new Triad('Directions of the axes a, b and c');
  private shells: KeptBuffers | null = null;
  private readonly label = el('div', { class: 'xc-atom-label' });
  private readonly caption = el('div', { class: 'xc-canvas-caption' });
  private readonly theme = new MutationObserver(() => this.followTheme());
  private readonly size = new ResizeObserver(() => {
    if (this.view.el.clientWidth) {
      // each canvas for itself: the other one is resized, too
      resize(this.stage, move => this.extent && this.quietly(move));
      this.annotations.draw();
    }
  });
  private readonly boxes = new Set<ITogether>();
  private readonly stopLooking: () => void;
  private explorer: HTMLElement | null = null;
  private scene: { message: ISceneMessage; numbers: ISceneNumbers } | null = null;
  private number = -1;
  private extent = 0;
  private lit = new Set<number>();
  private marked: number[] = []; // spheres
  private reported: number | null = null;
  private smoothing: ReturnType<typeof setTimeout> | undefined;
  private remembering: ReturnType<typeof setTimeout> | undefined;
}

function atomsOf(
  { names, labels }: ISceneMessage,
  { spheres }: Pick<ISceneNumbers, 'spheres'>
): IAtom[] {
  const atoms: IAtom[] = [];
  for (let at = 0; at < spheres.length; at += SPHERE) {
    const [x, y, z, radius, atom] = spheres.subarray(at, at + SPHERE);
    const [name] = names[atom].split(/[ ,:]/);
    atoms.push({ position: [x, y, z], radius, name, label: labels[atom] ?? '' });
  }
  return atoms;
}

/** Rows of spheres, each the colour of its atom, as arrays; `more` is added to the radius. */
export function fillSpheres(
  { position, color, radius }: Numbers,
  rows: ArrayLike<number>,
  colors: ArrayLike<number>,
  more: number
): void {
  for (let i = 0; i * SPHERE < rows.length; i++) {
    const at = i * SPHERE;
    const paint = 3 * rows[at + 4];
    for (let k = 0; k < 3; k++) {
      position[3 * i + k] = rows[at + k];
      color[3 * i + k] = colors[paint + k];
    }
    radius[i] = rows[at + 3] + more;
  }
}

/** The sectors of spheres whose sites are shared; null if none is. */
export function sectorsOf(
  { names, shares }: Pick<ISceneMessage, 'names' | 'shares'>,
  { spheres }: Pick<ISceneNumbers, 'spheres'>
): IMesh | null {
  if (!shares.length) {
    return null;
  }
  const count = spheres.length / SPHERE;
  const column = (k: number) =>
    Float32Array.from({ length: count }, (_, i) => spheres[SPHERE * i + k]);
  const positions = new Float32Array(3 * count);
  for (let i = 0; i < count; i++) {
    positions.set(spheres.subarray(SPHERE * i, SPHERE * i + 3), 3 * i);
  }
  const parts = new Map(shares);
  return sectorMesh(
    { positions, radii: column(3), atoms: column(4) },
    names.map((_, atom) => (parts.get(atom) ?? []).map(([share, ...colour]) => ({ share, colour })))
  );
}

/** The faces of polyhedra from the rows of their corners. */
export function facesOf({ corners }: Pick<ISceneNumbers, 'corners'>): IFaces {
  const faces = { corners: [] as number[], faceSizes: [] as number[], faceAtoms: [] as number[] };
  for (let at = 0, left = 0; at < corners.length; at += CORNER, left--) {
    if (left === 0) {
      left = corners[at + 4];
      faces.faceSizes.push(left);
      faces.faceAtoms.push(corners[at + 3]);
    }
    faces.corners.push(corners[at], corners[at + 1], corners[at + 2]);
  }
  return faces;
}

/** Half bonds, after them the edges of the cell, and last those of polyhedra. */
export function fillCylinders(
  { position1, position2, color, color2, radius }: Numbers,
  { bonds, edges, colors }: Pick<ISceneNumbers, 'bonds' | 'edges' | 'colors'>,
  ridges: IFaceEdges
): void {
  let i = 0;
  const put = (
    rows: ArrayLike<number>,
    at: number,
    thickness: number,
    paint: ArrayLike<number>,
    offset: number
  ) => {
    for (let k = 0; k < 3; k++) {
      position1[3 * i + k] = rows[at + k];
      position2[3 * i + k] = rows[at + 3 + k];
      color[3 * i + k] = color2[3 * i + k] = paint[offset + k];
    }
    radius[i++] = thickness;
  };
  for (let at = 0; at < bonds.length; at += BOND) {
    put(bonds, at, bonds[at + 6], colors, 3 * bonds[at + 7]);
  }
  for (let at = 0; at < edges.length; at += EDGE) {
    put(edges, at, EDGE_RADIUS, EDGE_COLOUR, 0);
  }
  const shades = Array.from(colors, x => FACE_EDGE_SHADE * x);
  ridges.atoms.forEach((atom, k) => put(ridges.ends, 6 * k, FACE_EDGE_RADIUS, shades, 3 * atom));
}

function isScene(message: unknown): message is ISceneMessage {
  return (
    typeof message === 'object' &&
    message !== null &&
    'type' in message &&
    message.type === 'xc-scene'
  );
}

/** What is written over the picture of a crystal: names of atoms, and distances and angles between those that are clicked. */
import type { Vector } from './crystal';
import { el, svg } from './dom';
import { angle, dihedral, distance, length, measured, turn } from './measure';
import type { Camera, IProjected } from './ngl_camera';

const MOST_LABELS = 250; // more would cover what they name
const MOST_MEASURED = 4;

/** A sphere that can be named and measured from. */
export interface IAtom {
  /** Cartesian, Å. */
  position: Vector;
  /** Å */
  radius: number;
  /** Element, for what is said of it. */
  name: string;
  /** What is written at it; nothing if empty. */
  label: string;
}

/** The writing over one canvas. */
export class Annotations {
  /**
   * @param camera - From where the atoms are seen.
   * @param hint - Said as long as nothing is measured.
   * @param tooMany - Said where there are too many atoms for labels.
   */
  constructor(
    private readonly camera: Camera,
    private readonly hint: string,
    private readonly tooMany: string
  ) {
    this.said.hidden = true;
  }

  /** What stands over the canvas. */
  readonly node = svg('svg', { class: 'xc-annotations', 'aria-hidden': 'true' });
  /** What is measured, in words. */
  readonly said = el('div', { class: 'xc-measured', role: 'status' });

  /** Other atoms are drawn; what is measured stays if they may be the same ones, moved. */
  show(atoms: IAtom[]): void {
    const isSame =
      atoms.length === this.atoms.length &&
      this.chosen.every(at => atoms[at].name === this.atoms[at].name);
    this.atoms = atoms;
    if (!isSame) {
      this.chosen = [];
    }
    const labelled = atoms.some(({ label }) => label !== '');
    this.crowded = labelled && atoms.length > MOST_LABELS;
    this.labels = labelled && !this.crowded ? atoms.map(({ label }) => svg('text', {}, label)) : [];
    this.draw();
  }

  /** Whether clicks measure. */
  get measuring(): boolean {
    return this.isMeasuring;
  }

  set measuring(on: boolean) {
    this.isMeasuring = on;
    this.clear();
  }

  /** Take the atom with this number as the next one to measure from; one that is taken already is let go. */
  choose(atom: number | null): void {
    if (atom === null) {
      return;
    }
    if (this.chosen.includes(atom)) {
      this.chosen = this.chosen.filter(other => other !== atom);
    } else {
      const before = this.chosen.length === MOST_MEASURED ? [] : this.chosen;
      this.chosen = [...before, atom];
    }
    this.draw();
  }

  /** The atoms that are measured between, in their order, and what is written there. */
  get measurement(): { atoms: number[]; text: string } {
    return { atoms: this.chosen, text: valueOf(this.chosen.map(at => this.atoms[at].position)) };
  }

  /** Measure nothing. */
  clear(): void {
    this.chosen = [];
    this.draw();
  }

  /** Follow the camera. */
  draw(): void {
    const project = this.camera.projection();
    const measure = this.drawMeasured(project);
    this.node.replaceChildren(...this.placeLabels(project), ...measure);
    const atoms = this.chosen.map(at => this.atoms[at]);
    const words =
      atoms.length > 1
        ? measured(
            atoms.map(({ position }) => position),
            atoms.map(({ name }) => name)
          )
        : this.hint;
    const text = this.isMeasuring ? words : this.crowded ? this.tooMany : '';
    if (this.said.textContent !== text) {
      this.said.textContent = text;
    }
    this.said.hidden = text === '';
  }

  /** Those of atoms that no nearer one covers. */
  private placeLabels(project: (point: Vector) => IProjected): SVGTextElement[] {
    if (!this.labels.length) {
      return [];
    }
    const places = this.atoms.map(({ position }) => project(position));
    const covered = (at: number) =>
      places.some(({ x, y, near, scale }, other) => {
        const behind = near - places[at].near > 0.1;
        return (
          behind &&
          Math.hypot(x - places[at].x, y - places[at].y) < this.atoms[other].radius * scale
        );
      });
    return this.labels.filter((label, at) => {
      label.setAttribute('x', places[at].x.toFixed(1));
      label.setAttribute('y', places[at].y.toFixed(1));
      return !covered(at);
    });
  }

  private drawMeasured(project: (point: Vector) => IProjected): SVGElement[] {
    const points = this.chosen.map(at => this.atoms[at].position);
    const places = this.chosen.map(at => ({
      ...project(this.atoms[at].position),
      radius: this.atoms[at].radius
    }));
    const drawn: SVGElement[] = places.map(({ x, y, scale, radius }) =>
      svg('circle', { cx: x.toFixed(1), cy: y.toFixed(1), r: (radius * scale + 2).toFixed(1) })
    );
    for (let k = 0; k + 1 < places.length; k++) {
      const [{ x, y }, { x: u, y: v }] = [places[k], places[k + 1]];
      drawn.push(svg('line', { x1: x, y1: y, x2: u, y2: v }));
    }
    if (places.length > 1) {
      // in the middle: of two atoms, at the second of three, between the second and the third of four
      const [from, to] = [places[places.length === 2 ? 0 : 1], places[places.length === 4 ? 2 : 1]];
      drawn.push(write((from.x + to.x) / 2, (from.y + to.y) / 2, valueOf(points)));
    }
    return drawn;
  }

  private atoms: IAtom[] = [];
  private labels: SVGTextElement[] = [];
  private chosen: number[] = [];
  private crowded = false;
  private isMeasuring = false;
}

/** A distance, an angle or a dihedral angle, with its unit; nothing for fewer than two points. */
function valueOf(points: readonly Vector[]): string {
  const [a, b, c, d] = points;
  switch (points.length) {
    case 2:
      return length(distance(a, b));
    case 3:
      return turn(angle(a, b, c));
    case 4:
      return turn(dihedral(a, b, c, d));
    default:
      return '';
  }
}

function write(x: number, y: number, text: string): SVGTextElement {
  return svg('text', { class: 'xc-measure', x: x.toFixed(1), y: (y - 8).toFixed(1) }, text);
}

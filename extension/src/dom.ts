/** Elements are made of text, never of markup: what comes from kernels and files cannot become HTML. */
import { formulaParts } from './formula';
import { spaceGroupParts } from './spacegroup';

/** What an attribute can be; one that is null, undefined or false is left out, true stands for "". */
export type Attribute = string | number | boolean | null | undefined;

/** What can be in an element; what is null, undefined or false is left out. */
export type Child = Node | string | null | undefined | false | readonly Child[];

type Name =
  | 'alt'
  | 'class'
  | 'colspan'
  | 'download'
  | 'draggable'
  | 'for'
  | 'height'
  | 'href'
  | 'id'
  | 'label'
  | 'max'
  | 'maxlength'
  | 'min'
  | 'name'
  | 'placeholder'
  | 'popover'
  | 'readonly'
  | 'rel'
  | 'role'
  | 'rows'
  | 'scope'
  | 'selected'
  | 'spellcheck'
  | 'src'
  | 'step'
  | 'style'
  | 'tabindex'
  | 'target'
  | 'title'
  | 'type'
  | 'value'
  | 'width'
  | `aria-${string}`
  | `data-${string}`;

type Listeners = {
  [E in keyof HTMLElementEventMap as `on${E}`]?: (event: HTMLElementEventMap[E]) => void;
};

/** Attributes and listeners of an element. */
export type Properties = { [N in Name]?: Attribute } & Listeners;

const SVG = 'http://www.w3.org/2000/svg';

/** An HTML element: `el('button', { class: 'xc-go', title: 'Go', onclick: go }, 'Go')`. */
export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  properties: Properties = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  return fill(document.createElement(tag), properties, children);
}

/** An element of an SVG drawing. */
export function svg<K extends keyof SVGElementTagNameMap>(
  tag: K,
  attributes: Readonly<Record<string, Attribute>> = {},
  ...children: Child[]
): SVGElementTagNameMap[K] {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

/** All children in a row, without those that are left out. */
export function nodes(children: Child): (Node | string)[] {
  if (children === null || children === undefined || children === false) {
    return [];
  }
  return typeof children === 'string' || children instanceof Node
    ? [children]
    : children.flatMap(nodes);
}

/** A formula with its numbers below the line. */
export function formulaNodes(formula: string): (Node | string)[] {
  return formulaParts(formula).map(({ text, subscript }) =>
    subscript ? el('sub', {}, text) : text
  );
}

/** The symbol of a space group as it is printed; `over` is the class of what is under a bar. */
export function spaceGroupNodes(symbol: string, over = 'xc-over'): (Node | string)[] {
  return spaceGroupParts(symbol).map(({ text, look }) => {
    if (look === 'plain') {
      return text;
    }
    return look === 'sub' ? el('sub', {}, text) : el('span', { class: over }, text);
  });
}

/** The address of an SVG image for <img>, in which no script runs. */
export function pictureAddress(drawing: string): string {
  return `data:image/svg+xml,${encodeURIComponent(drawing)}`;
}

function fill<T extends Element>(node: T, properties: object, children: Child): T {
  for (const [name, value] of Object.entries(properties)) {
    if (typeof value === 'function') {
      node.addEventListener(name.slice(2), value);
    } else if (value !== null && value !== undefined && value !== false) {
      node.setAttribute(name, value === true ? '' : String(value));
    }
  }
  node.append(...nodes(children));
  return node;
}

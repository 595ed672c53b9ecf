/** Elements with text; what comes from kernels and files is never markup. */
import { formulaParts } from '../formula';
import { spaceGroupParts } from './words';

/** An element with a class and text. */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  css: string,
  text = ''
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  made.className = css;
  made.textContent = text;
  if (made instanceof HTMLButtonElement) {
    made.type = 'button';
  }
  return made;
}

/** A formula with its numbers below the line. */
export function formulaNodes(formula: string): (string | HTMLElement)[] {
  return formulaParts(formula).map(({ text, subscript }) =>
    subscript ? element('sub', '', text) : text
  );
}

/** The symbol of a space group as it is printed. */
export function spaceGroupNodes(symbol: string): (string | HTMLElement)[] {
  return spaceGroupParts(symbol).map(({ text, look }) => {
    if (look === 'plain') {
      return text;
    }
    return look === 'sub' ? element('sub', '', text) : element('span', 'xc-ls-over', text);
  });
}

/** The address of an SVG image for <img>, in which no script runs. */
export function pictureAddress(svg: string): string {
  return `data:image/svg+xml,${encodeURIComponent(svg)}`;
}

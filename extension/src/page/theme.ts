/** Light or dark, as JupyterLab marks it, so that all parts of the explorer follow. */
import { el } from '../dom';

const DARK = '(prefers-color-scheme: dark)';
let isChosen = false;

/** Begin as the system is, and follow it until somebody chooses. */
export function followTheme(): void {
  const system = window.matchMedia(DARK);
  show(system.matches);
  system.addEventListener('change', () => {
    if (!isChosen) {
      show(system.matches);
    }
  });
}

/** A button for the other one. */
export function themeButton(): HTMLButtonElement {
  return el(
    'button',
    {
      class: 'xc-button',
      type: 'button',
      title: 'Light or dark',
      'aria-label': 'Light or dark',
      onclick: () => {
        isChosen = true;
        show(document.body.dataset.jpThemeLight === 'true');
      }
    },
    '◐'
  );
}

function show(dark: boolean): void {
  document.body.dataset.jpThemeLight = String(!dark);
}

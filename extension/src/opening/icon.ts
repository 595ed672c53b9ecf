/** The icon of the explorer: a cell of a crystal, with colours that are seen on light and on dark. */
import { LabIcon } from '@jupyterlab/ui-components';

const SVG = `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24">
  <g class="jp-icon3" fill="none" stroke="#7a7a7a" stroke-width="1.4" stroke-linejoin="round">
    <path d="M12 3.2 19.8 7.6V16.4L12 20.8 4.2 16.4V7.6Z" fill="none"/>
    <path d="M4.2 7.6 12 12 19.8 7.6M12 12V20.8" fill="none"/>
  </g>
  <g fill="#e08a00">
    <circle cx="12" cy="3.2" r="2.3"/><circle cx="4.2" cy="16.4" r="2.3"/><circle cx="19.8" cy="16.4" r="2.3"/>
  </g>
  <g fill="#2a8fd0">
    <circle cx="12" cy="12" r="3.4"/><circle cx="4.2" cy="7.6" r="2.3"/>
    <circle cx="19.8" cy="7.6" r="2.3"/><circle cx="12" cy="20.8" r="2.3"/>
  </g>
</svg>`;

/** The same where JupyterLab wants the address of a picture. */
export const EXPLORER_ICON_URL = `data:image/svg+xml,${encodeURIComponent(SVG)}`;

/** Registered under this name, so that the settings editor finds it. */
export const explorerIcon = new LabIcon({ name: 'xcrystal-lab:explorer', svgstr: SVG });

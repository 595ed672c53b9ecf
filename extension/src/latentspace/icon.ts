/** Icons of the side panel. */
import { LabIcon } from '@jupyterlab/ui-components';

/** Crystals on a way through latent space. */
export const latentSpaceIcon = new LabIcon({
  name: 'xcrystal:latent-space',
  svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="16" height="16" viewBox="0 0 24 24">
  <g class="jp-icon3" fill="#616161"><circle cx="5" cy="17.5" r="3"/><circle cx="19" cy="6.5" r="3"/>
  <circle cx="6" cy="6" r="1.5"/><circle cx="12" cy="4" r="1.2"/><circle cx="18.5" cy="17" r="1.5"/><circle cx="12.5" cy="20" r="1.2"/></g>
  <path class="jp-icon3" fill="none" stroke="#616161" stroke-width="1.8" stroke-dasharray="2.2 2" style="fill: none"
    d="M7.5 15.5C11 13 12 10 16.5 8"/></svg>`
});

/** Keep a crystal at hand. */
export const pinIcon = new LabIcon({
  name: 'xcrystal:pin',
  svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="16" height="16" viewBox="0 0 24 24">
  <path class="jp-icon3" fill="#616161" d="M16 3v2l-1 1v5l3 3v2h-5v5l-1 2-1-2v-5H6v-2l3-3V6L8 5V3z"/></svg>`
});

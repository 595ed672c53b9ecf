import type * as Ngl from 'ngl';

/** Whether this browser can draw in three dimensions. A browser has few contexts: the one that is tried is given back. */
export function hasWebGL(): boolean {
  const canvas = document.createElement('canvas');
  const context = canvas.getContext('webgl2') ?? canvas.getContext('webgl');
  context?.getExtension('WEBGL_lose_context')?.loseContext();
  return context !== null;
}

/** Give a stage back with its context, of which browsers keep few and which they collect late. */
export function giveBack(stage: Ngl.Stage): void {
  const { viewer } = stage;
  const { renderer } = viewer;
  // a frame that was asked for before would find no context, and throw
  viewer.render = () => undefined;
  stage.dispose();
  renderer.forceContextLoss();
}

/**
 * Builds the scripts and styles of the explorer's widgets, one of each a widget, into the Python package.
 *
 * Each script is a module for anywidget; only the canvas runs in a view of nglview's, as code that is evaluated there,
 * and the page in one without a kernel.
 */
import { readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const home = dirname(fileURLToPath(import.meta.url));
const source = join(home, 'src', 'widgets');
const outdir = join(home, '..', 'xcrystal', 'explorer', 'static');
const canvas = join(source, 'nglview_canvas.ts');
const entryPoints = readdirSync(source)
  .filter(name => /\.(ts|css)$/.test(name) && !name.endsWith('.test.ts'))
  .map(name => join(source, name))
  .filter(path => path !== canvas);
const common = {
  bundle: true,
  charset: 'utf8',
  legalComments: 'none',
  logLevel: 'warning',
  minify: true,
  outdir,
  target: 'es2022'
};

rmSync(outdir, { recursive: true, force: true });
await build({ ...common, entryPoints, format: 'esm' });
// the page without a kernel, which can be opened from a disk, where browsers load no modules
const page = join(home, 'src', 'page');
await build({
  ...common,
  entryPoints: [join(page, 'page.ts'), join(page, 'page.css')],
  format: 'iife'
});
await build({
  ...common,
  entryPoints: [canvas],
  format: 'iife',
  globalName: 'xcrystalCanvas',
  // `this` is the view, and NGL the library, where nglview evaluates it
  footer: { js: 'xcrystalCanvas.attach(this, typeof NGL === "undefined" ? undefined : NGL);' }
});

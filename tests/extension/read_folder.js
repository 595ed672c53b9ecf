// What the extension reads in the files of a folder, as JSON: `node read_folder.js EXTENSION FOLDER`.
// With `--parse-only` behind it: how many atoms each crystal has, and how many seconds each file took.
// Its modules are compiled one by one in memory, so that nothing needs to be built.
const fs = require('fs');
const path = require('path');

const [extension, folder] = process.argv.slice(2, 4).map(name => path.resolve(name));
const parseOnly = process.argv[4] === '--parse-only';
const ts = require(path.join(extension, 'node_modules', 'typescript'));

require.extensions['.ts'] = (module, name) => {
  const compilerOptions = { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2021, esModuleInterop: true };
  module._compile(ts.transpileModule(fs.readFileSync(name, 'utf8'), { compilerOptions }).outputText, name);
};
const { parseCrystals } = require(path.join(extension, 'src', 'parsing', 'index.ts'));
const { reducedFormula, elementsOf } = require(path.join(extension, 'src', 'formula.ts'));
const { buildScene } = require(path.join(extension, 'src', 'scene.ts'));
const { standardView } = require(path.join(extension, 'src', 'view.ts'));

const { elementOf } = require(path.join(extension, 'src', 'element.ts'));
const { findNeighbours } = require(path.join(extension, 'src', 'neighbours.ts'));

// [first, second, cell of the second, whether both are metals] of all neighbours
function neighbours({ sites, lattice, periodic }) {
  const elements = sites.map(site => elementOf(site.species[0].symbol));
  const found = findNeighbours(sites.map(site => site.position), lattice, elements, periodic) ?? [];
  return found.flatMap((around, first) => around.map(({ atom, image, metallic }) => [first, atom, ...image, metallic]));
}

const plain = scene =>
  Object.fromEntries(Object.entries(scene).map(([key, value]) => [key, ArrayBuffer.isView(value) ? [...value] : value]));

function timed(name) {
  const began = performance.now();
  const crystals = read(name);
  return { seconds: (performance.now() - began) / 1000, crystals };
}

function read(name) {
  try {
    const crystals = parseCrystals(fs.readFileSync(path.join(folder, name), 'utf8'), name);
    if (parseOnly) {
      return crystals.map(({ sites }) => sites.length);
    }
    return crystals.map(crystal => ({
      ...crystal,
      formula: reducedFormula(crystal),
      elements: elementsOf(crystal),
      neighbours: neighbours(crystal),
      view: standardView(crystal.lattice),
      scene: plain(buildScene(crystal)),
      filled: plain(buildScene(crystal, { style: 'space-filling' })),
      without: plain(buildScene(crystal, { hidden: new Set(['O', 'Sr', 'C']) })),
      supercell: plain(buildScene(crystal, { repeat: [2, 1, 3] }))
    }));
  } catch (error) {
    return { kind: error.name, message: error.message };
  }
}

const found = Object.fromEntries(fs.readdirSync(folder).map(name => [name, parseOnly ? timed(name) : read(name)]));
process.stdout.write(JSON.stringify(found));

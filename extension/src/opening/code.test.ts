import { DEFAULTS } from '../settings';
import { againCode, exploreCall, notebookCode, panelCode, pythonString } from './code';
import literals from './literals.json';

// Python reads the same file and checks that each literal is the text beside it.
const LITERALS = literals as [string, string][];

describe('pythonString', () => {
  it.each(LITERALS)('writes %j', (text, literal) => {
    expect(pythonString(text)).toBe(literal);
  });

  it('never leaves its line or its quotes', () => {
    for (let code = 0; code < 0x10000; code++) {
      const literal = pythonString(`a${String.fromCharCode(code)}b`);
      expect(literal).toMatch(/^"(?:[^"\\\n\r\f\v\0]|\\["\\bfnrt]|\\u[0-9a-f]{4})*"$/);
    }
  });
});

describe('exploreCall', () => {
  it('says nothing of what is as usual', () => {
    expect(exploreCall(DEFAULTS)).toBe('xc.explore()');
  });

  it('says what was chosen', () => {
    const chosen = {
      ...DEFAULTS,
      device: 'cpu',
      colourMap: 'cividis',
      attributionMethod: 'saliency'
    };
    expect(exploreCall(chosen, ['NaCl.cif'])).toBe(
      'xc.explore("NaCl.cif", device="cpu", color_map="cividis", method="saliency")'
    );
    expect(exploreCall({ ...DEFAULTS, model: 'runs/"mine"' })).toBe(
      'xc.explore(model="runs/\\"mine\\"")'
    );
  });

  it('lays all files but the first over the map', () => {
    expect(exploreCall(DEFAULTS, ['a.cif', 'b.cif', "c's.cif"])).toBe(
      'xc.explore("a.cif", overlay=["b.cif", "c\'s.cif"])'
    );
  });

  it('keeps a setting within its quotes', () => {
    const model = '")\nimport os; os.system("true")\nxc.explore("';
    const code = notebookCode({ ...DEFAULTS, model });
    expect(code.split('\n')).toEqual([
      'import xcrystal as xc',
      '',
      `xc.explore(model=${pythonString(model)})`
    ]);
  });
});

describe('the code of a panel', () => {
  it('keeps the explorer, to show it again', () => {
    expect(panelCode(DEFAULTS, ['a.cif']).split('\n').slice(-2)).toEqual([
      'explorer = xc.explore("a.cif")',
      'explorer'
    ]);
    expect(againCode(DEFAULTS)).toContain('    explorer = xc.explore()\nexplorer');
  });
});

import { explainFailure } from './failure';

// as a bundle of JupyterLab that has no translations: %1 is replaced, and that is all
const trans = { __: (text: string, ...values: unknown[]) => text.replace('%1', String(values[0])) };

describe('explainFailure', () => {
  it('says what to do where xcrystal is not installed', () => {
    const error = { ename: 'ModuleNotFoundError', evalue: "No module named 'xcrystal'" };
    expect(explainFailure(error, 'My Python', trans)).toMatch(
      /^The kernel "My Python" does not have xcrystal: .*pip install xcrystal/
    );
  });

  it('repeats what else went wrong, on one line', () => {
    const error = { ename: 'CheckpointError', evalue: 'There is no model "a".\nMore.' };
    expect(explainFailure(error, 'p', trans)).toBe(
      'The explorer could not start: There is no model "a".'
    );
    const other = { ename: 'ModuleNotFoundError', evalue: "No module named 'torch'" };
    expect(explainFailure(other, 'p', trans)).toContain("No module named 'torch'");
    expect(explainFailure({ ename: 'KeyboardInterrupt', evalue: '' }, 'p', trans)).toContain(
      'KeyboardInterrupt'
    );
  });
});

import { pickKernel } from './kernel';

const SPECS = {
  ir: { language: 'R' },
  xpython: { language: 'Python' },
  python3: { language: 'python' },
  gone: undefined
};

describe('pickKernel', () => {
  it('keeps to the default if it speaks Python', () => {
    expect(pickKernel({ default: 'xpython', kernelspecs: SPECS })).toBe('xpython');
  });
  it('takes another one otherwise', () => {
    expect(pickKernel({ default: 'ir', kernelspecs: SPECS })).toBe('python3');
    expect(pickKernel({ default: 'gone', kernelspecs: SPECS })).toBe('python3');
  });
  it('finds none where there is none', () => {
    expect(pickKernel({ default: 'ir', kernelspecs: { ir: { language: 'R' } } })).toBeNull();
    expect(pickKernel(null)).toBeNull();
  });
});

/** What went wrong in the kernel, in one sentence for people. */
import type { TranslationBundle } from '@jupyterlab/translation';

/** An error as a kernel reports it. */
export interface IKernelError {
  ename: string;
  evalue: string;
}

const LONGEST = 300;

/** Why there is no explorer, and what to do. */
export function explainFailure(
  error: IKernelError,
  kernel: string,
  trans: Pick<TranslationBundle, '__'>
): string {
  if (error.ename === 'ModuleNotFoundError' && /'xcrystal['.]/.test(error.evalue)) {
    return trans.__(
      'The kernel "%1" does not have xcrystal: install it in that Python (pip install xcrystal), or choose another kernel as the default.',
      kernel
    );
  }
  const said = error.evalue.split('\n')[0].slice(0, LONGEST) || error.ename;
  return trans.__('The explorer could not start: %1', said);
}

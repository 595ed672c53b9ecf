/** Which kernel the explorer runs in. */

/** What is asked of JupyterLab's list of kernels. */
export interface IKernels {
  default: string;
  kernelspecs: { readonly [name: string]: { language: string } | undefined };
}

/** The kernel that is the default if it speaks Python, or else the first that does; null if none does. */
export function pickKernel(kernels: IKernels | null): string | null {
  const speaks = (name: string) => kernels?.kernelspecs[name]?.language.toLowerCase() === 'python';
  if (kernels === null) {
    return null;
  }
  const names = [kernels.default, ...Object.keys(kernels.kernelspecs).sort()];
  return names.find(speaks) ?? null;
}

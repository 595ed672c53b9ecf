/** Which files are crystals, and how a kernel in one folder finds a file in another. */

const CRYSTAL =
  /\.(cif|vasp|poscar|xyz|extxyz|xsf|json)$|^(POSCAR|CONTCAR)([._ -].*)?$|[._-](POSCAR|CONTCAR)$/i;

/** Whether a file can hold a crystal, by its name. */
export function isCrystalFile(name: string): boolean {
  return CRYSTAL.test(name);
}

/** The last part of a path. */
export function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** Whether files of this drive of JupyterLab lie where kernels run; "RTC" is the drive of shared editing. */
export function isReachable(drive: string): boolean {
  return drive === '' || drive === 'RTC';
}

/**
 * The way from a folder to a file.
 *
 * @param folder - Path below the root of the server, "" for the root itself.
 * @param path - The same of a file.
 */
export function relativePath(folder: string, path: string): string {
  const from = parts(folder);
  const to = parts(path);
  let same = 0;
  while (same < from.length && same < to.length - 1 && from[same] === to[same]) {
    same++;
  }
  return [...from.slice(same).map(() => '..'), ...to.slice(same)].join('/');
}

function parts(path: string): string[] {
  return path.split('/').filter(part => part !== '');
}

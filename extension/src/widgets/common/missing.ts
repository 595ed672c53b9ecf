/** What another library has to have, found before it is used. */

/** Those of the names, such as "stage.viewer.render", under which something has nothing. */
export function missingNames(root: unknown, names: readonly string[]): string[] {
  return names.filter(name => at(root, name) === undefined);
}

function at(root: unknown, name: string): unknown {
  return name
    .split('.')
    .reduce<unknown>((found, step) => (found as Record<string, unknown> | undefined)?.[step], root);
}

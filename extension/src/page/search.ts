/** Finding crystals by an id, a formula in any order, or elements. */

/** Amounts by symbol, or null for what is no formula of whole or decimal numbers; brackets are understood. */
export function amountsOf(formula: string): Map<string, number> | null {
  const stack = [new Map<string, number>()];
  const tokens = formula.match(/[A-Z][a-z]?|[()[\]]|\d+(?:\.\d+)?/g) ?? [];
  if (tokens.length === 0 || tokens.join('') !== formula) {
    return null;
  }
  for (let k = 0; k < tokens.length; k++) {
    const token = tokens[k];
    const many = /^\d/.test(tokens[k + 1] ?? '') ? Number(tokens[k + 1]) : 1;
    if (token === '(' || token === '[') {
      stack.push(new Map());
    } else if (token === ')' || token === ']') {
      const inner = stack.pop();
      const outer = stack[stack.length - 1];
      if (!inner || !outer) {
        return null;
      }
      inner.forEach((count, symbol) => outer.set(symbol, (outer.get(symbol) ?? 0) + many * count));
    } else if (/^[A-Z]/.test(token)) {
      const last = stack[stack.length - 1];
      last.set(token, (last.get(token) ?? 0) + many);
    }
  }
  return stack.length === 1 ? stack[0] : null;
}

/** The same text for the same composition, however it is written; null for what is no formula. */
export function compositionOf(formula: string): string | null {
  const amounts = amountsOf(formula);
  if (!amounts) {
    return null;
  }
  const counts = [...amounts.values()];
  const least = Math.min(...counts);
  return [...amounts]
    .map(([symbol, count]) => `${symbol}${(count / least).toFixed(3)}`)
    .sort()
    .join('');
}

/** Rows that are meant: of an id; else of a composition; else, of several symbols ("Ba Ti O"), all that hold them. */
export function findRows(
  text: string,
  ids: readonly string[],
  formulas: readonly string[]
): number[] {
  const wanted = text.trim();
  const id = ids.indexOf(wanted);
  if (id >= 0) {
    return [id];
  }
  const symbols = wanted.split(/[\s,-]+/).filter(Boolean);
  if (symbols.length > 1 && symbols.every(symbol => /^[A-Z][a-z]?$/.test(symbol))) {
    return rowsWhere(formulas, formula => {
      const held = amountsOf(formula);
      return held !== null && symbols.every(symbol => held.has(symbol));
    });
  }
  const composition = compositionOf(wanted);
  if (composition === null) {
    return [];
  }
  const elements = [...(amountsOf(wanted)?.keys() ?? [])];
  // most formulas are ruled out by a look at their letters
  return rowsWhere(
    formulas,
    formula =>
      elements.every(symbol => formula.includes(symbol)) && compositionOf(formula) === composition
  );
}

function rowsWhere(formulas: readonly string[], fits: (formula: string) => boolean): number[] {
  return formulas.flatMap((formula, row) => (fits(formula) ? [row] : []));
}

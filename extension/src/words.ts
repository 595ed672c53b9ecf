/**
 * The language of what is said where no widget is: by parsers, scenes and formulas.
 *
 * They are plain functions, and JupyterLab's translator is known to plugins only; so a plugin hands
 * it over once, and until then everything is said in English.
 */

/** What is used of JupyterLab's TranslationBundle. */
export interface ITranslate {
  __(msgid: string, ...args: (string | number)[]): string;
}

const english: ITranslate = {
  __: (msgid, ...args) =>
    msgid.replace(/%(\d+)/g, (found, number) => String(args[Number(number) - 1] ?? found))
};

let chosen = english;

/** Says everything in the language that was handed over last. */
export const trans: ITranslate = {
  __: (msgid, ...args) => chosen.__(msgid, ...args)
};

/** Say everything in this language from now on; in English without one. */
export function speak(bundle?: ITranslate): void {
  chosen = bundle ?? english;
}

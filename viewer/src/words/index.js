/** Words of the viewer in the language chosen. */
import en from './en.js';

/** @typedef {string | Partial<Record<Intl.LDMLPluralRule, string>>} Word a text, or one for each plural form of {n} */
/** @typedef {Record<string, Word>} Words */

export const LANGUAGES = /** @type {const} */ ({ en: 'English', cs: 'Čeština', de: 'Deutsch', fr: 'Français' });

/** @type {Record<string, () => Promise<{default: Words}>>} */
const LOAD = {
  cs: () => import('./cs.js'),
  de: () => import('./de.js'),
  fr: () => import('./fr.js'),
};

/** @type {Words} */
let words = en;
let lang = 'en';
let plural = new Intl.PluralRules('en');

/** @param {string} next */
export async function speak(next) {
  words = next in LOAD ? (await LOAD[next]()).default : en;
  lang = next in LOAD ? next : 'en';
  plural = new Intl.PluralRules(lang);
}

/** @return {string} */
export function language() {
  return lang;
}

/** @return {string} for Intl; English dates as Europeans write them */
export function locale() {
  return lang === 'en' ? 'en-GB' : lang;
}

/**
 * @param {string} key
 * @param {Record<string, string | number>} [values] for {name} in the text; `n` chooses the plural form
 * @return {string}
 */
export function t(key, values = {}) {
  return fill(words[key] ?? en[key] ?? key, values, plural, locale());
}

/**
 * @param {Word} word
 * @param {Record<string, string | number>} values
 * @param {Intl.PluralRules} rules
 * @param {string} numbers locale of numbers
 * @return {string}
 */
export function fill(word, values, rules, numbers) {
  const text = typeof word === 'string' ? word : (word[rules.select(Number(values.n))] ?? word.other ?? '');
  return text.replace(/\{(\w+)\}/g, (_, name) => {
    const value = values[name];
    return typeof value === 'number' ? value.toLocaleString(numbers) : (value ?? '');
  });
}

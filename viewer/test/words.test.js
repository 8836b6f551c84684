import { readFileSync, readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import cs from '../src/words/cs.js';
import de from '../src/words/de.js';
import en from '../src/words/en.js';
import fr from '../src/words/fr.js';
import { fill, speak, t } from '../src/words/index.js';

/** @import {Words, Word} from '../src/words/index.js' */

/** @type {Record<string, Words>} */
const OTHERS = { cs, de, fr };
const forms = (/** @type {Word} */ word) => (typeof word === 'string' ? [word] : Object.values(word));
const holes = (/** @type {string} */ text) => [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);

describe.each(Object.entries(OTHERS))('%s', (lang, words) => {
  test('has every key of English and no other', () => expect(Object.keys(words).sort()).toEqual(Object.keys(en).sort()));

  test.each(Object.keys(en))('%s is written', (key) => {
    for (const text of forms(words[key] ?? '')) expect(text.trim()).not.toBe('');
  });

  test.each(Object.keys(en))('%s names what English names', (key) => {
    const known = new Set(forms(/** @type {Words} */ (en)[key]).flatMap(holes));
    for (const text of forms(words[key] ?? '')) for (const hole of holes(text)) expect(known).toContain(hole);
  });

  test('has a form for each plural of the language', () => {
    const wanted = new Intl.PluralRules(lang).resolvedOptions().pluralCategories;
    for (const [key, word] of Object.entries(words)) if (typeof word !== 'string') expect([key, Object.keys(word).sort()]).toEqual([key, [...wanted].sort()]);
  });

  test('says no exclamation mark', () => expect(Object.values(words).flatMap(forms).filter((text) => text.includes('!'))).toEqual([]));
});

test('plurals follow the language', async () => {
  await speak('cs');
  expect([1, 3, 5].map((n) => t('lapse.count', { n }))).toEqual(['1 snímek', '3 snímky', '5 snímků']);
  await speak('en');
  expect([1, 3].map((n) => t('lapse.count', { n }))).toEqual(['1 image', '3 images']);
});

test('values are put in as text, once', () => {
  expect(fill('{a} and {b}', { a: '{b}', b: '<b>' }, new Intl.PluralRules('en'), 'en')).toBe('{b} and <b>');
});

test('every key that the code asks for is there', () => {
  const files = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.js') && !name.startsWith('words/'));
  const asked = files.flatMap((name) => [...readFileSync(`src/${name}`, 'utf8').matchAll(/\bt\(\s*'([^']+)'|key: '([a-z.]+)'|'(file\.[a-z]+)'/g)].map((match) => match[1] ?? match[2] ?? match[3]));
  expect(asked.length).toBeGreaterThan(100);
  expect([...new Set(asked)].filter((key) => !(key in en))).toEqual([]);
});

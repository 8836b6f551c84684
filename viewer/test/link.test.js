import { describe, expect, test } from 'vitest';
import { formatLink, parseLink } from '../src/link.js';
import { EMPTY } from '../src/state.js';

/** @import {State} from '../src/types' */

/** @param {Partial<State>} patch @return {State} */
const state = (patch) => ({ ...EMPTY, ...patch });
const natural = { collection: 's2', style: 'natural', time: '2023-08-13', mix: null };

/** @type {[string, Partial<State>][]} */
const ROUND = [
  ['a picture', { pictures: [natural], view: { lon: 14.42, lat: 50.08, zoom: 12.5 } }],
  ['a swipe', { pictures: [natural, { ...natural, style: 'ndvi', time: '2022-08-15' }], compare: 'swipe', swipe: 30 }],
  ['four maps', { pictures: [natural, natural, natural, { ...natural, time: 'latest' }], compare: 'side' }],
  ['an own formula', { pictures: [{ ...natural, style: 'custom', mix: { assets: [], expression: '(B08-B04)/(B08+B04)', rescale: '-1,1', colormap_name: 'viridis' } }] }],
  ['an own mix', { pictures: [{ ...natural, style: 'custom', mix: { assets: ['B08', 'B04', 'B03'], expression: '', rescale: '0,0.4', colormap_name: '' } }] }],
  ['tone and opacity', { pictures: [natural], tone: { brightness: 10, contrast: -20, gamma: 1.5 }, opacity: 55 }],
  ['places and pin', { pictures: [natural], pin: [14.5, 50.25], places: [{ name: '', geometry: { type: 'Point', coordinates: [15, 50] } }, { name: '', geometry: { type: 'Polygon', coordinates: [[[1, 2], [3, 2], [3, 4], [1, 2]]] } }] }],
  ['a film', { pictures: [natural], open: 'lapse', lapse: { from: '2023-01-01', to: '', cloud: 30, speed: 6, off: ['2023-05-04'] } }],
  ['an interval, the panels, the language', { pictures: [{ ...natural, time: '2023-01-01/2023-12-31' }], open: 'chart', layers: false, lang: 'cs', embed: true, basemap: 'Ortho' }],
];

describe('a link restores', () => {
  test.each(ROUND)('%s', (_, patch) => {
    const shown = state(patch);
    const again = state(parseLink(formatLink(shown)));
    expect(again).toEqual(shown);
  });
});

test('links are read by people', () => {
  expect(formatLink(state({ pictures: [natural, { ...natural, time: '2022-08-15' }], compare: 'swipe', view: { lon: 14.42, lat: 50.08, zoom: 12 } }))).toBe(
    '?collection=s2&style=natural&time=2023-08-13&view=14.42,50.08,12&compare=swipe:s2,natural,2022-08-15&lang=en',
  );
});

const HOSTILE = [
  '?view=NaN,1e999,zoom',
  '?view=14.42,500,3',
  '?time=<script>alert(1)</script>',
  '?time=javascript:alert(1)',
  '?compare=explode:s2,natural,2023',
  '?compare=swipe:',
  '?lang=xx&open=../../etc&embed=2',
  '?places=1,2,3;a,b;999,999;;',
  '?tone=1,2&opacity=much&swipe=',
  '?film=x,y,z,w&skip=<img>',
  `?collection=${'x'.repeat(10_000)}`,
  '?%%%=&&&==',
];

describe('a hostile link is harmless', () => {
  test.each(HOSTILE)('%s', (search) => {
    const parsed = parseLink(search);
    const shown = state(parsed);
    expect(shown.pictures.every((one) => one.time === '' && one.collection.length <= 400)).toBe(true);
    expect(['en']).toContain(shown.lang);
    expect(shown.view).toBeNull();
    expect(shown.open).toBe('');
    expect(shown.embed).toBe(false);
    expect(shown.places).toEqual([]);
    expect(Number.isFinite(shown.opacity) && Number.isFinite(shown.swipe)).toBe(true);
    expect(formatLink(shown)).not.toMatch(/[<>"' ]/);
  });
});

test('what is out of range is brought back', () => {
  expect(parseLink('?swipe=500&opacity=-3&view=14,50,99')).toMatchObject({ swipe: 100, opacity: 0, view: { zoom: 22 } });
});

test('more pictures or places than fit are left out', () => {
  expect(parseLink(`?compare=side:${Array(9).fill('a,b,2023-01-01').join(';')}`).pictures).toHaveLength(4);
  expect(parseLink(`?places=${Array(20).fill('1,2').join(';')}`).places).toHaveLength(6);
});

/** @import {State, Picture, Collection, Render, Day, Days} from './types' */

/** @type {State} */
export const EMPTY = {
  pictures: [{ collection: '', style: '', time: '', mix: null }],
  active: 0,
  compare: '',
  swipe: 50,
  view: null,
  opacity: 100,
  tone: { brightness: 0, contrast: 0, gamma: 1 },
  basemap: '',
  lang: 'en',
  open: '',
  layers: true,
  places: [],
  pin: null,
  lapse: { from: '', to: '', cloud: 60, speed: 3, off: [] },
  embed: false,
  config: { title: 'Tilescope', basemaps: [], downloads: false },
  collections: null,
  problem: '',
  bbox: null,
  size: [0, 0],
  days: {},
  legends: {},
  value: null,
  cursor: null,
  notice: null,
  loading: false,
  tool: '',
  playing: false,
  film: '',
  pointed: '',
  hovered: [],
  blink: 0,
  words: 0,
};

/** @param {State} state @return {Picture} the picture that the panels speak of */
export function picture(state) {
  return state.pictures[state.active] ?? state.pictures[0];
}

/** @param {State} state @param {string} id @return {Collection | undefined} */
export function collectionOf(state, id) {
  return state.collections?.find((collection) => collection.id === id);
}

/** @param {State} state @param {Picture} [of] @return {Render | undefined} */
export function renderOf(state, of = picture(state)) {
  const renders = collectionOf(state, of.collection)?.renders ?? {};
  return Object.hasOwn(renders, of.style) ? renders[of.style] : undefined;
}

/** @param {State} state @param {string} [collection] @return {Days | undefined} the days of the view */
export function daysOf(state, collection = picture(state).collection) {
  return state.days[collection];
}

/** @param {State} state @param {Picture} [of] @return {Day | undefined} what is known of the day shown */
export function dayOf(state, of = picture(state)) {
  const list = daysOf(state, of.collection)?.list ?? [];
  if (state.film && of === picture(state)) return list.find((day) => sameDay(day.date, state.film));
  if (of.time === 'latest') return list.at(-1);
  return list.find((day) => sameDay(day.date, of.time));
}

/**
 * Days are compared as texts: one may be an instant of the other, or a longer form of a bare year.
 * @param {string} a @param {string} b @return {boolean}
 */
export function sameDay(a, b) {
  return a !== '' && b !== '' && (a.slice(0, 10) === b.slice(0, 10) || (a.length === 4 && b === `${a}-01-01`) || (b.length === 4 && a === `${b}-01-01`));
}

/**
 * The pictures with one of them changed.
 * @param {State} state @param {Partial<Picture>} patch @param {number} [index] @return {Partial<State>}
 */
export function withPicture(state, patch, index = Math.min(state.active, state.pictures.length - 1)) {
  return { pictures: state.pictures.map((one, i) => (i === index ? { ...one, ...patch } : one)) };
}

/** @param {Record<string, string> | undefined} words @param {string} lang @param {string} [otherwise] */
export function inLanguage(words, lang, otherwise = '') {
  return words?.[lang] || words?.en || otherwise;
}

/** @param {Collection | undefined} collection @return {import('./types').Bbox | null} where the collection has images */
export function extentOf(collection) {
  const box = collection?.extent?.spatial?.bbox?.[0];
  if (!box) return null;
  return box.length === 6 ? [box[0], box[1], box[3], box[4]] : [box[0], box[1], box[2], box[3]];
}

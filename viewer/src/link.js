/**
 * The state as a readable address and back. README of the link, in the order written:
 *
 *   collection, style   names of the server's collections and styles
 *   time                2023-08-13, 2023, latest, an instant or an interval a/b
 *   view                longitude,latitude,zoom
 *   compare             swipe|side|flicker|difference:collection,style,time[;collection,style,time…]
 *   swipe               position of the divider in percent
 *   assets, expression, rescale, colormap_name    the own mix of style=custom
 *   opacity, tone       percent; brightness,contrast,gamma
 *   places              lon,lat or a ring lon,lat,lon,lat,…; several are parted by ';'
 *   pin                 lon,lat whose values are shown
 *   film                from,to,cloud,speed of the time lapse; skip=dates left out
 *   open, layers, basemap, lang, embed
 */
import { EMPTY } from './state.js';

/** @import {State, Picture, Place, Mix, CompareMode, Drawer} from './types' */

const LANGS = ['en', 'cs', 'de', 'fr'];
const MODES = ['swipe', 'side', 'flicker', 'difference'];
const DRAWERS = ['lapse', 'chart', 'download', 'share', 'find', 'help'];
const LONGEST = 400;
const TIME = /^(latest|best|[0-9TZtz:.+\-/]{4,80})$/;
const MOST_OTHERS = 3;
const MOST_PLACES = 6;
const RING_LIMIT = 150;

/** @param {string} search e.g. location.search @return {Partial<State>} only what the link says and what can be understood */
export function parseLink(search) {
  const query = new URLSearchParams(search);
  /** @type {Partial<State>} */
  const state = {};
  const mix = parseMix(query);
  const main = parsePicture([query.get('collection') ?? '', query.get('style') ?? '', query.get('time') ?? ''], mix);
  const compare = /^(\w+):(.*)$/.exec(query.get('compare') ?? '');
  const others = compare && MODES.includes(compare[1]) ? compare[2].split(';').slice(0, MOST_OTHERS).map((text) => parsePicture(text.split(','), mix)) : [];
  state.pictures = [main, ...others];
  state.compare = /** @type {CompareMode} */ (others.length && compare ? compare[1] : '');
  const view = numbers(query.get('view'), 3);
  if (view && Math.abs(view[0]) <= 180 && Math.abs(view[1]) <= 85.06) state.view = { lon: view[0], lat: view[1], zoom: clamp(view[2], 0, 22) };
  const swipe = numbers(query.get('swipe'), 1);
  if (swipe) state.swipe = clamp(swipe[0], 0, 100);
  const opacity = numbers(query.get('opacity'), 1);
  if (opacity) state.opacity = clamp(opacity[0], 0, 100);
  const tone = numbers(query.get('tone'), 3);
  if (tone) state.tone = { brightness: clamp(tone[0], -100, 100), contrast: clamp(tone[1], -100, 100), gamma: clamp(tone[2], 0.2, 4) };
  const places = parsePlaces(query.get('places') ?? '');
  if (places.length) state.places = places;
  const pin = numbers(query.get('pin'), 2);
  if (pin && onEarth(pin)) state.pin = [pin[0], pin[1]];
  const film = (query.get('film') ?? '').split(',');
  if (film.length === 4) state.lapse = parseFilm(film, query.get('skip') ?? '');
  const open = query.get('open') ?? '';
  if (DRAWERS.includes(open)) state.open = /** @type {Drawer} */ (open);
  if (query.has('layers')) state.layers = query.get('layers') !== '0';
  if (query.has('basemap')) state.basemap = short(query.get('basemap'));
  const lang = query.get('lang') ?? '';
  if (LANGS.includes(lang)) state.lang = lang;
  if (query.get('embed') === '1') state.embed = true;
  return state;
}

/** @param {State} state @return {string} "?collection=…", without what is as usual */
export function formatLink(state) {
  const [main, ...others] = state.pictures;
  /** @type {[string, string][]} */
  const parts = [];
  const add = (/** @type {string} */ key, /** @type {string | false} */ value) => value && parts.push([key, value]);
  add('collection', main.collection);
  add('style', main.style);
  add('time', main.time);
  add('view', state.view ? `${fixed(state.view.lon, 5)},${fixed(state.view.lat, 5)},${fixed(state.view.zoom, 2)}` : '');
  add('compare', state.compare !== '' && others.length > 0 && `${state.compare}:${others.map(({ collection, style, time }) => `${collection},${style},${time}`).join(';')}`);
  add('swipe', state.compare === 'swipe' && state.swipe !== EMPTY.swipe && fixed(state.swipe, 1));
  if (state.pictures.some((one) => one.style === 'custom') && main.mix) for (const [key, value] of Object.entries(mixParameters(main.mix))) add(key, value);
  add('opacity', state.opacity !== EMPTY.opacity && fixed(state.opacity, 0));
  const { brightness, contrast, gamma } = state.tone;
  add('tone', (brightness !== 0 || contrast !== 0 || gamma !== 1) && `${brightness},${contrast},${fixed(gamma, 2)}`);
  add('places', state.places.map(formatPlace).filter(Boolean).join(';'));
  add('pin', state.pin ? `${fixed(state.pin[0], 5)},${fixed(state.pin[1], 5)}` : '');
  const { from, to, cloud, speed, off } = state.lapse;
  add('film', state.open === 'lapse' && (from !== '' || to !== '' || cloud !== EMPTY.lapse.cloud || speed !== EMPTY.lapse.speed) && `${from},${to},${cloud},${speed}`);
  add('skip', state.open === 'lapse' && off.join(','));
  add('open', state.open);
  add('basemap', state.basemap);
  add('layers', !state.layers && '0');
  add('lang', state.lang);
  add('embed', state.embed && '1');
  return `?${parts.map(([key, value]) => `${key}=${readable(value)}`).join('&')}`;
}

/** @param {Mix} mix @return {Record<string, string>} as the server's style=custom takes it */
export function mixParameters(mix) {
  const { assets, expression, rescale, colormap_name } = mix;
  /** @type {Record<string, string>} */
  const parameters = expression ? { expression } : { assets: assets.join(',') };
  if (rescale) parameters.rescale = rescale;
  if (colormap_name && (expression || assets.length === 1)) parameters.colormap_name = colormap_name;
  return parameters;
}

/** @param {URLSearchParams} query @return {Mix | null} */
function parseMix(query) {
  const assets = short(query.get('assets')).split(',').filter(Boolean).slice(0, 3);
  const expression = short(query.get('expression'));
  if (!assets.length && !expression) return null;
  return { assets, expression, rescale: short(query.get('rescale')), colormap_name: short(query.get('colormap_name')) };
}

/** @param {string[]} parts collection, style, time @param {Mix | null} mix @return {Picture} */
function parsePicture([collection = '', style = '', time = ''], mix) {
  return { collection: short(collection), style: short(style), time: TIME.test(time) ? time : '', mix: style === 'custom' ? mix : null };
}

/** @param {string[]} parts @param {string} skip @return {State['lapse']} */
function parseFilm([from, to, cloud, speed], skip) {
  const day = (/** @type {string} */ text) => (/^\d{4}(-\d\d){0,2}$/.test(text) ? text : '');
  return {
    from: day(from),
    to: day(to),
    cloud: clamp(Number(cloud) || 0, 0, 100),
    speed: clamp(Number(speed) || EMPTY.lapse.speed, 0.5, 20),
    off: skip.split(',').filter((text) => day(text) !== ''),
  };
}

/** @param {string} text @return {Place[]} */
function parsePlaces(text) {
  /** @type {Place[]} */
  const places = [];
  for (const part of text.split(';').slice(0, MOST_PLACES)) {
    const values = part.split(',').map(Number);
    if (part === '' || values.some((value) => !Number.isFinite(value)) || values.length % 2) continue;
    const ring = Array.from({ length: values.length / 2 }, (_, i) => [values[2 * i], values[2 * i + 1]]);
    if (!ring.every(onEarth)) continue;
    if (ring.length === 1) places.push({ name: '', geometry: { type: 'Point', coordinates: ring[0] } });
    else if (ring.length >= 3) places.push({ name: '', geometry: { type: 'Polygon', coordinates: [[...ring, ring[0]]] } });
  }
  return places;
}

/** @param {Place} place @return {string} empty when it is too long for a link */
function formatPlace({ geometry }) {
  const pair = (/** @type {number[]} */ [lon, lat]) => `${fixed(lon, 5)},${fixed(lat, 5)}`;
  if (geometry.type === 'Point') return pair(geometry.coordinates);
  if (geometry.type !== 'Polygon' || geometry.coordinates.length !== 1 || geometry.coordinates[0].length > RING_LIMIT) return '';
  return geometry.coordinates[0].slice(0, -1).map(pair).join(',');
}

/** @param {string | null} text @param {number} count @return {number[] | null} */
function numbers(text, count) {
  if (!text) return null;
  const values = text.split(',').map(Number);
  return values.length === count && values.every(Number.isFinite) ? values : null;
}

/** @param {number[]} point */
function onEarth([lon, lat]) {
  return Math.abs(lon) <= 180 && Math.abs(lat) <= 90;
}

/** @param {string | null} text */
function short(text) {
  return (text ?? '').slice(0, LONGEST);
}

/** @param {number} value @param {number} low @param {number} high */
function clamp(value, low, high) {
  return Math.min(high, Math.max(low, value));
}

/** @param {number} value @param {number} digits */
function fixed(value, digits) {
  return String(Number(value.toFixed(digits)));
}

/** @param {string} value percent-encoded, but for what is harmless and read by people */
function readable(value) {
  return encodeURIComponent(value).replace(/%(2C|3A|3B|2F|40)/g, decodeURIComponent);
}

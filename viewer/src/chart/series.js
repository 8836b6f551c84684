/** The values of a place through time, row by row as the server reads them. */
import * as addresses from '../addresses.js';
import { request } from '../api.js';

/** @import {Place, Picture, Render} from '../types' */

/**
 * A row. For points `valid` and `masked` are yes or no; for areas they are shares and `value` is the mean.
 * @typedef {object} Row
 * @property {string} datetime
 * @property {number | null} value
 * @property {boolean | number} valid
 * @property {boolean | number} masked
 * @property {string} item
 * @property {number} [p10]
 * @property {number} [p90]
 * @property {number} [median]
 */

/** Of an area more than this share must be seen for its mean to be trusted. */
const ENOUGH_SEEN = 0.2;

/** @param {Row} row @return {boolean} whether it is to be shown as cloudy: hollow, and left out of the line */
export function isHidden({ valid, masked }) {
  if (typeof masked === 'boolean') return masked;
  return masked > 1 - ENOUGH_SEEN || Number(valid) < ENOUGH_SEEN / 2;
}

/** @param {Render | undefined} render @return {boolean} whether the style is one number a pixel, so that it has a course through time */
export function hasSeries(render) {
  if (!render || render['tilescope:classes']?.some((one) => one && typeof one === 'object' && !('end' in one))) return false;
  if (render.expression) return !render.expression.includes(';');
  return render.assets?.length === 1;
}

/**
 * @param {{collection: string, style: string, mix: Picture['mix']}} of
 * @param {Place} place
 * @param {(rows: Row[]) => void} onRows called with all rows so far
 * @param {AbortSignal} signal
 */
export async function readSeries({ collection, style, mix }, place, onRows, signal) {
  const asked = { ...(style === 'custom' ? { expression: mix?.expression || mix?.assets[0] } : { style }), group: 'day', f: 'ndjson' };
  const { geometry } = place;
  const response =
    geometry.type === 'Point'
      ? await request(addresses.series(collection, { ...asked, lon: geometry.coordinates[0], lat: geometry.coordinates[1] }), { signal })
      : await request(addresses.series(collection, asked), { signal, method: 'POST', headers: { 'Content-Type': 'application/geo+json' }, body: JSON.stringify(geometry) });
  /** @type {Row[]} */
  const rows = [];
  for await (const line of lines(response)) {
    const row = JSON.parse(line);
    if (typeof row.datetime === 'string') rows.push(row);
    onRows(rows);
  }
  onRows(rows);
}

/** @param {Response} response @return {AsyncGenerator<string>} */
async function* lines(response) {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { done, value } = (await reader?.read()) ?? { done: true, value: '' };
    const parts = (rest + (value ?? '')).split('\n');
    rest = parts.pop() ?? '';
    for (const part of parts) if (part.trim()) yield part;
    if (done) break;
  }
  if (rest.trim()) yield rest;
}

/**
 * @param {{name: string, rows: Row[]}[]} places
 * @param {string} what the style and its unit
 * @return {string}
 */
export function toCsv(places, what) {
  const quote = (/** @type {unknown} */ value) => {
    const text = value === null || value === undefined ? '' : String(value);
    // A leading = + - @ would be run as a formula by spreadsheets; numbers are harmless.
    const safe = typeof value === 'string' && /^[=+\-@\t]/.test(text) ? `'${text}` : text;
    return /[",\n\r]/.test(safe) ? `"${safe.replace(/"/g, '""')}"` : safe;
  };
  const head = ['place', 'datetime', 'style', 'value', 'valid', 'masked', 'item'];
  const body = places.flatMap(({ name, rows }) => rows.map((row) => [name, row.datetime, what, row.value, row.valid, row.masked, row.item]));
  return [head, ...body].map((cells) => cells.map(quote).join(',')).join('\r\n') + '\r\n';
}

/** Places of the world by name, without asking anybody. Loaded with the first letter typed. */
import { OTHER_NAMES } from './names.js';

/** @typedef {{name: string, country: string, lat: number, lon: number}} Found */

/** @type {Promise<{plain: string, line: string}[]> | null} */
let index = null;

/** @param {string} text @return {string} without accents and case */
export function plainText(text) {
  return text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase().replace(/ł/g, 'l').replace(/ø/g, 'o').replace(/ß/g, 'ss').replace(/[-'’.]/g, ' ').replace(/\s+/g, ' ').trim();
}

async function load() {
  const { default: lines } = await import('virtual:gazetteer');
  return lines.split('\n').map((line) => ({ plain: plainText(line.slice(0, line.indexOf('\t'))), line }));
}

/**
 * The largest places whose name begins so; then those with a later word that does.
 * @param {string} text
 * @param {number} [most]
 * @return {Promise<Found[]>}
 */
export async function findPlaces(text, most = 6) {
  const [asked] = text.split(',');
  const wanted = plainText(asked);
  if (wanted.length < 2) return [];
  index ??= load();
  const places = await index;
  const local = OTHER_NAMES.filter(([name]) => plainText(name).startsWith(wanted));
  /** @type {Found[]} */
  const found = [];
  for (const [name, known, country] of local) {
    const place = places.find(({ line }) => line.startsWith(`${known}\t${country}\t`));
    if (place) found.push({ ...read(place.line), name });
  }
  const later = ` ${wanted}`;
  for (const test of [(/** @type {string} */ plain) => plain === wanted, (/** @type {string} */ plain) => plain.startsWith(wanted), (/** @type {string} */ plain) => plain.includes(later)]) {
    for (const { plain, line } of places) {
      if (found.length >= most) return found.slice(0, most);
      if (!test(plain)) continue;
      const place = read(line);
      if (!found.some((one) => one.lat === place.lat && one.lon === place.lon)) found.push(place);
    }
  }
  return found.slice(0, most);
}

/** @param {string} line @return {Found} */
function read(line) {
  const [name, country, lat, lon] = line.split('\t');
  return { name, country, lat: Number(lat), lon: Number(lon) };
}

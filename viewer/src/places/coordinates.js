/** Coordinates as people write them. Latitude comes first unless letters say otherwise. */

/** @typedef {{lat: number, lon: number}} Coordinates */

const NUMBER = String.raw`[+\-−]?\d+(?:[.,]\d+)?`;
/** A number with its degree sign, minutes, seconds and letter, of which only the number must be there. */
const ANGLE = new RegExp(
  String.raw`^\s*([NSEWO])?\s*(${NUMBER})\s*(?:[°º*d:]|deg)?\s*(?:(\d+(?:[.,]\d+)?)\s*(?:['’′m:]|min)?\s*(?:(\d+(?:[.,]\d+)?)\s*(?:["”″s]|''|’’|sec)?)?)?\s*([NSEWO])?\s*`,
  'i',
);
/** West is O in French and Spanish; East is O in German: only a second O, or a partner, tells. */
const LATITUDE = 'NS';
const LONGITUDE = 'EWO';

/**
 * @param {string} text such as `50.08, 14.42`, `50° 5' N 14° 25' E`, `N50 05.2 E14 25.3`, `14.42E 50.08N`, `50,08; 14,42`
 * @param {string} [lang] in German, O is east; elsewhere west
 * @return {Coordinates | null}
 */
export function parseCoordinates(text, lang = 'en') {
  const cleaned = text.normalize('NFC').replace(/\b(lat(itude)?|lon(gitude)?|lng|Breite|Länge|šířka|délka|geo:)\b[.:=]?/giu, ' ').replace(/^geo:/i, '').replace(/[()[\]]/g, ' ').trim();
  if (!/^[\d\s.,;:/+\-−NSEWOd°º*'’′"”″msincegd]+$/iu.test(cleaned)) return null;
  const halves = split(cleaned);
  if (!halves) return null;
  const [first, second] = halves.map((half) => angle(half));
  if (!first || !second) return null;
  return arrange(first, second, lang);
}

/** @param {string} text @return {[string, string] | null} the two angles */
function split(text) {
  const letters = [...text.matchAll(/[NSEWO]/gi)];
  if (letters.length === 2) {
    const [one, two] = letters.map((letter) => letter.index);
    // "N50 E14": each letter leads; "50N 14E": each letter follows.
    const cut = one === 0 ? two : one + 1;
    return [text.slice(0, cut), text.slice(cut).replace(/^[\s,;/]+/, '')];
  }
  if (letters.length) return null;
  for (const separator of [/\s*;\s*/, /\s*\/\s*/, /,\s+/, /\s*,\s*/, /\s+/]) {
    const parts = text.split(separator).filter(Boolean);
    if (parts.length === 2) return [parts[0], parts[1]];
  }
  const parts = text.split(/[\s,;]+/).filter(Boolean);
  if (parts.length === 4 && !text.includes(',')) return [parts.slice(0, 2).join(' '), parts.slice(2).join(' ')];
  if (parts.length === 6) return [parts.slice(0, 3).join(' '), parts.slice(3).join(' ')];
  const commas = text.split(',');
  return commas.length === 4 ? [commas.slice(0, 2).join('.'), commas.slice(2).join('.')] : null;
}

/** @param {string} text @return {{value: number, letter: string} | null} degrees with sign */
function angle(text) {
  const match = ANGLE.exec(text.replace(/[,;]\s*$/, ''));
  if (!match || match[0].length < text.replace(/[,;]\s*$/, '').length) return null;
  const [, before, degrees, minutes, seconds, after] = match;
  if (before && after) return null;
  const read = (/** @type {string | undefined} */ part) => Number((part ?? '0').replace(',', '.').replace('−', '-'));
  const [d, m, s] = [read(degrees), read(minutes), read(seconds)];
  if (m >= 60 || s >= 60 || (minutes !== undefined && !Number.isInteger(d))) return null;
  const negative = /^[-−]/.test(degrees);
  const size = Math.abs(d) + m / 60 + s / 3600;
  return { value: negative ? -size : size, letter: (before ?? after ?? '').toUpperCase() };
}

/**
 * @param {{value: number, letter: string}} first @param {{value: number, letter: string}} second @param {string} lang
 * @return {Coordinates | null}
 */
function arrange(first, second, lang) {
  let [lat, lon] = [first, second];
  if (first.letter && second.letter) {
    if (LONGITUDE.includes(first.letter) && LATITUDE.includes(second.letter)) [lat, lon] = [second, first];
    else if (!(LATITUDE.includes(first.letter) && LONGITUDE.includes(second.letter))) return null;
  } else if (Math.abs(first.value) > 90 && Math.abs(second.value) <= 90) [lat, lon] = [second, first];
  const south = lat.letter === 'S' ? -1 : 1;
  const west = lon.letter === 'W' || (lon.letter === 'O' && lang !== 'de') ? -1 : 1;
  const found = { lat: lat.value * south, lon: lon.value * west };
  return Math.abs(found.lat) <= 90 && Math.abs(found.lon) <= 180 ? found : null;
}

/** Dates, numbers, lengths and coordinates as people of the language write them. */
import { instant } from '../time/days.js';
import { locale, t } from './index.js';

/** @import {Day} from '../types' */

/** @type {Map<string, Intl.DateTimeFormat>} */
const formats = new Map();

/** @param {Intl.DateTimeFormatOptions} options */
function format(options) {
  const key = locale() + JSON.stringify(options);
  let made = formats.get(key);
  if (!made) formats.set(key, (made = new Intl.DateTimeFormat(locale(), { timeZone: 'UTC', ...options })));
  return made;
}

/** @param {string} date @param {'long' | 'short'} [length] @return {string} "13 August 2023", or what stands there if it is no day */
export function dateText(date, length = 'long') {
  if (date === 'latest') return t('time.latest');
  if (/^\d{4}$/.test(date)) return date;
  const at = instant(date);
  if (date.includes('/') || Number.isNaN(at)) return date;
  return format({ day: 'numeric', month: length, year: 'numeric' }).format(at);
}

/** @param {number} year @param {number} month 0 to 11 @return {string} "August 2023" */
export function monthText(year, month) {
  return format({ month: 'long', year: 'numeric' }).format(Date.UTC(year, month, 15));
}

/** @param {number} month 0 to 11 @return {string} "Aug" */
export function monthShort(month) {
  return format({ month: 'short' }).format(Date.UTC(2023, month, 15));
}

/** @param {number} weekday 0 is Monday @param {'narrow' | 'long'} length @return {string} */
export function weekdayText(weekday, length) {
  return format({ weekday: length }).format(Date.UTC(2024, 0, 1 + weekday));
}

/** @param {number} value @param {number} [digits] significant @return {string} */
export function numberText(value, digits = 3) {
  return value.toLocaleString(locale(), { maximumSignificantDigits: digits, useGrouping: Math.abs(value) >= 10_000 });
}

/** @param {Day | undefined} day @return {string} "2 % cloud here · whole view covered" */
export function dayText(day) {
  if (!day) return '';
  const parts = [];
  if (day.cloud !== null && day.cloud !== undefined) parts.push(cloudText(day.cloud));
  if (day.cover !== null && day.cover !== undefined) parts.push(coverText(day.cover));
  return parts.join(' · ');
}

/** @param {number} cloud percent @return {string} */
function cloudText(cloud) {
  return cloud > 0 && cloud < 0.5 ? t('day.hardly') : t('day.cloud', { n: Math.round(cloud) });
}

/** @param {number} cover 0 to 1 @return {string} */
export function coverText(cover) {
  if (cover >= 0.985) return t('day.whole');
  if (cover < 0.005) return t('day.none');
  return t('day.part', { n: Math.max(1, Math.round(cover * 100)) });
}

/** @param {number} lon @param {number} lat @return {string} latitude first, as people write it */
export function placeText(lon, lat) {
  return `${lat.toFixed(4)}, ${lon.toFixed(4)}`;
}

/** @param {number} metres @return {string} */
export function lengthText(metres) {
  return metres < 1000 ? `${numberText(Math.round(metres), 3)} m` : `${numberText(metres / 1000)} km`;
}

/** @param {number} squareMetres @return {string} */
export function areaText(squareMetres) {
  if (squareMetres < 10_000) return `${numberText(squareMetres)} m²`;
  return squareMetres < 1e7 ? `${numberText(squareMetres / 1e4)} ha` : `${numberText(squareMetres / 1e6)} km²`;
}

/** Which day to show. Lists are in time order; `cover` is the share of the view, `cloud` percent in the view. */
import { sameDay } from '../state.js';

/** @import {Day} from '../types' */

export const ENOUGH_COVER = 0.5;
export const TOO_CLOUDY = 60;
const DAY = 86_400_000;

/** @param {Day} day @param {number} [cloud] most cloud, percent @return {boolean} */
export function isUsable(day, cloud = TOO_CLOUDY) {
  return (day.cover ?? 1) >= ENOUGH_COVER && (day.cloud ?? 0) < cloud;
}

/** @param {string} date @return {number} milliseconds, the start of the day or year */
export function instant(date) {
  const text = date.length === 4 ? `${date}-01-01` : date.slice(0, 10);
  return Date.parse(`${text}T00:00:00Z`);
}

/** @param {Day[]} list @return {Day | undefined} the newest that covers half the view under 60 % cloud, else the newest that shows anything */
export function newestUsable(list) {
  return list.findLast((day) => isUsable(day)) ?? list.findLast((day) => (day.cover ?? 1) > 0) ?? list.at(-1);
}

/**
 * The image before (-1) or after (1) a time: the next usable one, or where there is none the next at all.
 * @param {Day[]} list @param {string} time @param {-1 | 1} direction @param {boolean} [every] do not skip poor ones
 * @return {Day | undefined}
 */
export function step(list, time, direction, every = false) {
  const here = time === 'latest' ? Infinity : instant(time);
  const beyond = direction > 0 ? list.filter((day) => instant(day.date) > here) : list.filter((day) => instant(day.date) < here && !sameDay(day.date, time)).reverse();
  return (every ? undefined : beyond.find((day) => isUsable(day))) ?? beyond.find((day) => (day.cover ?? 1) > 0);
}

/**
 * @param {Day[]} list @param {number} target milliseconds @param {(day: Day) => boolean} [accept]
 * @return {Day | undefined} nearest in time
 */
export function nearest(list, target, accept = () => true) {
  /** @type {Day | undefined} */
  let best;
  for (const day of list) {
    if (accept(day) && (!best || Math.abs(instant(day.date) - target) < Math.abs(instant(best.date) - target))) best = day;
  }
  return best;
}

/** How far from the same day of last year an image may be to be called "a year earlier". */
export const SEASON_DAYS = 31;

/**
 * @param {Day[]} list @param {string} time
 * @return {{found?: Day, nearest?: Day, target: string}} `nearest` is the best offer when there is none in that season
 */
export function yearEarlier(list, time) {
  const year = Number(time.slice(0, 4)) - 1;
  const target = time.length === 4 ? String(year) : `${year}${time.slice(4, 10).replace('-02-29', '-02-28')}`;
  const at = instant(target);
  const others = list.filter((day) => !sameDay(day.date, time) && (day.cover ?? 1) > 0);
  const reach = time.length === 4 ? 0 : SEASON_DAYS * DAY;
  const inSeason = others.filter((day) => Math.abs(instant(day.date) - at) <= reach);
  const found = nearest(inSeason, at, (day) => isUsable(day)) ?? nearest(inSeason, at);
  return found ? { found, target } : { nearest: nearest(others, at, (day) => isUsable(day)) ?? nearest(others, at), target };
}

/**
 * The clearest day near a time: a day of distance weighs like half a percent of cloud.
 * @param {Day[]} list @param {string} time @param {number} [reach] days
 * @return {Day | undefined}
 */
export function clearestNear(list, time, reach = 45) {
  const at = time === 'latest' ? instant(list.at(-1)?.date ?? '1970') : instant(time);
  const cost = (/** @type {Day} */ day) => (day.cloud ?? 0) + (1 - (day.cover ?? 1)) * 100 + (0.5 * Math.abs(instant(day.date) - at)) / DAY;
  const near = list.filter((day) => Math.abs(instant(day.date) - at) <= reach * DAY && (day.cover ?? 1) > 0);
  return near.reduce((best, day) => (!best || cost(day) < cost(best) ? day : best), /** @type {Day | undefined} */ (undefined));
}

/** @param {Day[]} list @param {{from: string, to: string, cloud: number}} limits @return {Day[]} the frames of a film */
export function within(list, { from, to, cloud }) {
  return list.filter((day) => (day.cover ?? 1) > 0.05 && (from === '' || instant(day.date) >= instant(from)) && (to === '' || instant(day.date) <= instant(to)) && (day.cloud ?? 0) <= cloud);
}

/**
 * The weeks of a month, Monday first: day numbers, 0 outside the month.
 * @param {number} year @param {number} month 0 to 11
 * @return {number[][]}
 */
export function weeks(year, month) {
  const first = (new Date(Date.UTC(year, month, 1)).getUTCDay() + 6) % 7;
  const count = new Date(Date.UTC(year, month + 1, 0)).getUTCDate();
  return Array.from({ length: Math.ceil((first + count) / 7) }, (_, week) =>
    Array.from({ length: 7 }, (_unused, i) => {
      const day = week * 7 + i - first + 1;
      return day >= 1 && day <= count ? day : 0;
    }),
  );
}

/** The strip of all days in the view: the dot's size is the cover, its fill the cloud, the chosen one is amber. */
import { nothing, render, svg, html } from 'lit-html';
import { daysOf, picture, sameDay } from '../state.js';
import { dateText, dayText, monthShort } from '../words/format.js';
import { t } from '../words/index.js';
import { go } from './bar.js';
import { instant } from './days.js';

/** @import {Store, Day} from '../types' */

const DAY = 86_400_000;
const MARGIN = 16;
const MOST_AT_ONCE = 140;
const REACH = 22;

/** @param {Store} store @param {HTMLElement} element */
export function mountStrip(store, element) {
  /** @type {[number, number]} */
  let range = [0, 1];
  let shownList = /** @type {Day[] | null} */ (null);
  let width = 600;
  let height = 72;

  /** @param {number} at milliseconds @return {number} */
  const toX = (at) => MARGIN + ((at - range[0]) / (range[1] - range[0])) * (width - 2 * MARGIN);
  /** @param {number} x @return {number} */
  const toTime = (x) => range[0] + ((x - MARGIN) / (width - 2 * MARGIN)) * (range[1] - range[0]);
  const list = () => daysOf(store.get())?.list ?? [];

  /** The whole list; or, of a long one, the part around the chosen day. */
  function fit() {
    const days = list();
    if (!days.length) return;
    const { time } = picture(store.get());
    const index = Math.max(0, time === 'latest' ? days.length - 1 : days.findIndex((day) => sameDay(day.date, time)));
    const first = Math.max(0, Math.min(index - MOST_AT_ONCE / 2, days.length - MOST_AT_ONCE));
    const some = days.slice(first, first + MOST_AT_ONCE);
    const [start, end] = [instant(some[0].date), instant(some[some.length - 1].date)];
    const room = Math.max((end - start) * 0.02, 2 * DAY);
    range = [start - room, end + room];
  }

  /** @param {number} x @return {Day | null} */
  function dayAt(x) {
    let best = null;
    for (const day of list()) {
      const off = Math.abs(toX(instant(day.date)) - x);
      if (off < REACH && (!best || off < Math.abs(toX(instant(best.date)) - x))) best = day;
    }
    return best;
  }

  function draw() {
    const state = store.get();
    const days = list();
    if (days !== shownList) {
      if (!shownList?.length || days.length !== shownList.length) fit();
      shownList = days;
    }
    const time = state.film || picture(state).time;
    const middle = (height - 20) / 2;
    const visible = days.filter((day) => instant(day.date) >= range[0] && instant(day.date) <= range[1]);
    const others = state.pictures.filter((one, i) => i !== state.active && one.collection === picture(state).collection);
    const isChosen = (/** @type {Day} */ day) => sameDay(day.date, time) || (time === 'latest' && day === days.at(-1));
    const chosen = visible.find(isChosen);
    const tip = visible.find((day) => day.date === state.pointed);
    render(
      html`<svg role="img" aria-label=${t('time.strip', { n: days.length })} viewBox="0 0 ${width} ${height}" width=${width} height=${height}>
          ${ticks(range, width).map(({ at, label, strong }) => svg`<line class="tick" x1=${toX(at)} x2=${toX(at)} y1=${height - 22} y2=${height - (strong ? 12 : 16)} /><text class=${strong ? 'strong' : ''} x=${toX(at) + 4} y=${height - 6}>${label}</text>`)}
          ${visible.map((day) => (isChosen(day) ? nothing : dot(day, toX(instant(day.date)), middle, others.some((one) => sameDay(one.time, day.date)))))}
          ${chosen ? svg`<circle class="chosen" cx=${toX(instant(chosen.date))} cy=${middle} r="9" />` : nothing}
          ${tip ? svg`<circle class="pointed" cx=${toX(instant(tip.date))} cy=${middle} r="12" />` : nothing}
        </svg>
        ${tip ? html`<span class="tip" aria-hidden="true">${dateText(tip.date, 'short')}<small>${dayText(tip)}</small></span>` : nothing}`,
      element,
    );
    const tag = /** @type {HTMLElement | null} */ (element.querySelector('.tip'));
    if (tag && tip) {
      const half = tag.offsetWidth / 2;
      tag.style.left = `${Math.min(Math.max(toX(instant(tip.date)) - half, 4), width - 2 * half - 4)}px`;
    }
  }

  /** @param {string} pointed */
  const point = (pointed) => pointed !== store.get().pointed && store.set({ pointed });

  /** @param {number} factor below 1 is closer @param {number} x stays where it is */
  function zoom(factor, x) {
    const at = toTime(x);
    const days = list();
    if (!days.length) return;
    const whole = Math.max(instant(days[days.length - 1].date) - instant(days[0].date), 10 * DAY) * 1.3;
    const span = Math.min(Math.max((range[1] - range[0]) * factor, 8 * DAY), whole);
    const share = (at - range[0]) / (range[1] - range[0]);
    range = [at - share * span, at + (1 - share) * span];
    draw();
  }

  element.addEventListener('wheel', (event) => {
    event.preventDefault();
    const x = event.clientX - element.getBoundingClientRect().left;
    if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) pan(event.deltaX);
    else zoom(event.deltaY > 0 ? 1.2 : 1 / 1.2, x);
  }, { passive: false });

  /** @param {number} pixels */
  function pan(pixels) {
    const move = (pixels / (width - 2 * MARGIN)) * (range[1] - range[0]);
    range = [range[0] + move, range[1] + move];
    draw();
  }

  /** @type {{x: number, last: number, moved: boolean} | null} */
  let drag = null;
  element.addEventListener('pointerdown', (event) => {
    drag = { x: event.clientX, last: event.clientX, moved: false };
    element.setPointerCapture(event.pointerId);
  });
  element.addEventListener('pointermove', (event) => {
    const x = event.clientX - element.getBoundingClientRect().left;
    if (drag) {
      if (Math.abs(event.clientX - drag.x) > 5) drag.moved = true;
      if (drag.moved) pan(drag.last - event.clientX);
      drag.last = event.clientX;
    }
    const over = drag?.moved ? null : dayAt(x);
    point(over?.date ?? '');
  });
  element.addEventListener('pointerup', (event) => {
    const day = drag && !drag.moved ? dayAt(event.clientX - element.getBoundingClientRect().left) : null;
    drag = null;
    if (day) go(store, day.date);
  });
  element.addEventListener('pointerleave', () => {
    point('');
  });

  new ResizeObserver(() => {
    width = Math.max(element.clientWidth, 100);
    height = Math.max(element.clientHeight, 40);
    draw();
  }).observe(element);

  store.watch((state) => [daysOf(state), picture(state).time, state.words, state.pictures, state.active, state.film, state.pointed], () => {
    const time = store.get().film || picture(store.get()).time;
    const at = instant(time);
    if (!Number.isNaN(at) && (at < range[0] || at > range[1]) && list().length) fit();
    draw();
  });
}

/** @param {Day} day @param {number} x @param {number} y @param {boolean} compared */
function dot(day, x, y, compared) {
  const cover = day.cover ?? 1;
  const cloud = day.cloud ?? 0;
  const kind = cover < 0.005 ? 'empty' : cloud < 20 ? 'clear' : cloud < 60 ? 'some' : 'cloudy';
  return svg`<circle class="${kind} ${compared ? 'compared' : ''}" cx=${x} cy=${y} r=${2.6 + 4 * Math.sqrt(cover)} />`;
}

/**
 * @param {[number, number]} range @param {number} width
 * @return {{at: number, label: string, strong: boolean}[]}
 */
function ticks([start, end], width) {
  const months = (end - start) / (30.4 * DAY);
  const room = width / Math.max(months, 0.1);
  const every = [1, 2, 3, 6, 12, 24, 60, 120].find((step) => step * room >= 46) ?? 240;
  const found = [];
  const from = new Date(start);
  for (let month = from.getUTCFullYear() * 12; ; month++) {
    const at = Date.UTC(Math.floor(month / 12), month % 12, 1);
    if (at > end) break;
    if (at < start || month % every) continue;
    const first = month % 12 === 0;
    found.push({ at, label: first || every >= 12 ? String(Math.floor(month / 12)) : monthShort(month % 12), strong: first });
  }
  if (found.length >= 2) return found;
  const days = [1, 2, 5, 10].find((step) => (step * DAY * width) / (end - start) >= 56) ?? 15;
  const fine = [];
  for (let at = Math.ceil(start / DAY) * DAY; at <= end; at += DAY) {
    const day = new Date(at).getUTCDate();
    if (day === 1 || (day % days === 0 && day < 30)) fine.push({ at, label: `${day}. ${monthShort(new Date(at).getUTCMonth())}`, strong: day === 1 });
  }
  return fine;
}

/** A month at a time, images marked; each day says its cloud and cover. Arrow keys move as in any grid of dates. */
import { html, nothing, render } from 'lit-html';
import { icon } from '../parts/icons.js';
import { daysOf, picture } from '../state.js';
import { dateText, dayText, monthText, weekdayText } from '../words/format.js';
import { t } from '../words/index.js';
import { go } from './bar.js';
import { instant, weeks } from './days.js';

/** @import {Store, Day} from '../types' */

/** @type {Record<string, number>} */
const MOVES = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -7, ArrowDown: 7 };
const DAY = 86_400_000;

/**
 * @param {Store} store
 * @param {HTMLElement} element
 * @param {boolean} open
 * @param {() => void} closed
 */
export function calendar(store, element, open, closed) {
  if (!open) return render(nothing, element);
  const list = daysOf(store.get())?.list ?? [];
  const byDay = new Map(list.map((day) => [day.date.length === 4 ? `${day.date}-01-01` : day.date.slice(0, 10), day]));
  const { time } = picture(store.get());
  let at = instant(time === 'latest' || Number.isNaN(instant(time)) ? (list.at(-1)?.date ?? '2020') : time);

  const close = () => {
    render(nothing, element);
    closed();
  };
  /** @param {Day} day */
  const choose = (day) => {
    close();
    go(store, day.date);
  };
  /** @param {KeyboardEvent} event */
  const onKey = (event) => {
    if (event.key === 'Escape') {
      event.preventDefault();
      return close();
    }
    if (!(event.key in MOVES)) return;
    event.preventDefault();
    at += MOVES[event.key] * DAY;
    draw();
    focus();
  };
  const focus = () => /** @type {HTMLElement | null} */ (element.querySelector('[tabindex="0"]'))?.focus();
  /** @param {number} months */
  const turn = (months) => {
    const date = new Date(at);
    at = Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + months, 1);
    draw();
  };

  function draw() {
    const date = new Date(at);
    const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()];
    const years = [...new Set(list.map((day) => Number(day.date.slice(0, 4))))];
    if (!years.includes(year)) years.push(year);
    const inMonth = [...byDay.keys()].filter((day) => day.startsWith(date.toISOString().slice(0, 7))).length;
    render(
      html`<div class="card calendar" role="dialog" aria-label=${t('calendar')} @keydown=${onKey}>
        <header>
          <button class="bare" aria-label=${t('calendar.back')} @click=${() => turn(-1)}>${icon('previous')}</button>
          <strong aria-live="polite">${monthText(year, month)}</strong>
          <select aria-label=${t('calendar.year')} @change=${(/** @type {Event} */ event) => turn((Number(/** @type {HTMLSelectElement} */ (event.target).value) - year) * 12)}>
            ${years.sort((a, b) => b - a).map((one) => html`<option .selected=${one === year}>${one}</option>`)}
          </select>
          <button class="bare" aria-label=${t('calendar.forward')} @click=${() => turn(1)}>${icon('next')}</button>
        </header>
        <table role="grid" aria-label=${t('calendar.days')}>
          <thead><tr>${[0, 1, 2, 3, 4, 5, 6].map((day) => html`<th scope="col"><span aria-hidden="true">${weekdayText(day, 'narrow')}</span><span class="hidden">${weekdayText(day, 'long')}</span></th>`)}</tr></thead>
          <tbody>${weeks(year, month).map((week) => html`<tr>${week.map((day) => cell(year, month, day))}</tr>`)}</tbody>
        </table>
        <p>${t('calendar.count', { n: inMonth })}</p>
      </div>`,
      element,
    );
  }

  /** @param {number} year @param {number} month @param {number} number */
  function cell(year, month, number) {
    if (!number) return html`<td></td>`;
    const here = Date.UTC(year, month, number);
    const key = new Date(here).toISOString().slice(0, 10);
    const day = byDay.get(key);
    const isChosen = key === (time === 'latest' ? list.at(-1)?.date : time)?.slice(0, 10);
    const label = day ? `${dateText(key)}, ${dayText(day).replace(' · ', ', ')}` : `${dateText(key)}, ${t('day.noimage')}`;
    const cloud = day?.cloud ?? 0;
    const kind = !day ? '' : cloud < 20 ? 'clear' : cloud < 60 ? 'some' : 'cloudy';
    return html`<td role="gridcell" aria-selected=${isChosen}>
      <button class="day ${kind} ${isChosen ? 'chosen' : ''}" aria-label=${label} title=${label} aria-disabled=${!day} tabindex=${here === Math.floor(at / DAY) * DAY ? 0 : -1} @click=${() => day && choose(day)}>${number}</button>
    </td>`;
  }

  draw();
  focus();
}

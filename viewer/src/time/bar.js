/** The time, always at the bottom: the day in words, previous, play, next, and the strip of all days. */
import { html, nothing, render } from 'lit-html';
import { icon } from '../parts/icons.js';
import { dayOf, daysOf, picture, sameDay, withPicture } from '../state.js';
import { dateText, dayText } from '../words/format.js';
import { t } from '../words/index.js';
import { clearestNear, step } from './days.js';
import { mountStrip } from './strip.js';

/** @import {Store} from '../types' */

/** @param {Store} store @param {HTMLElement} element */
export function mountTime(store, element) {
  const frame = document.createElement('div');
  frame.className = 'bar';
  const strip = document.createElement('div');
  strip.className = 'strip';
  const popover = document.createElement('div');
  popover.className = 'popover';
  element.append(frame, strip, popover);
  mountStrip(store, strip);
  let open = false;

  const toggle = async () => {
    open = !open;
    draw();
    const { calendar } = await import('./calendar.js');
    calendar(store, popover, open, () => {
      open = false;
      draw();
      /** @type {HTMLElement | null} */ (frame.querySelector('.calendar-button'))?.focus();
    });
  };

  function draw() {
    const state = store.get();
    element.setAttribute('aria-label', t('time'));
    const days = daysOf(state);
    const list = days?.list ?? [];
    const time = state.film || picture(state).time;
    const at = time === 'latest' ? list.at(-1)?.date : time;
    const undated = days?.status === 'ready' && !list.length;
    element.classList.toggle('undated', undated);
    const previous = step(list, time, -1);
    const next = time === 'latest' ? undefined : step(list, time, 1);
    const clearest = time ? clearestNear(list, time) : undefined;
    render(
      html`<div class="now">
          <div class="date">
            <strong aria-hidden="true">${undated ? t('time.undated') : at ? dateText(at) : t('time.loading')}</strong>
            ${undated
              ? nothing
              : html`<select aria-label=${t('date')} @change=${(/** @type {Event} */ event) => go(store, /** @type {HTMLSelectElement} */ (event.target).value)}>
                  ${list.some((day) => sameDay(day.date, at ?? '')) || !at ? nothing : html`<option value=${at} selected>${dateText(at)} · ${t('day.noimage')}</option>`}
                  ${list.toReversed().map((day) => html`<option value=${day.date} .selected=${sameDay(day.date, at ?? '')}>${dateText(day.date)}${dayText(day) ? ` · ${dayText(day)}` : ''}</option>`)}
                </select>`}
          </div>
          <small>${dayText(dayOf(state)) || (undated ? t('time.undated.text') : '')}</small>
        </div>
        <div class="step">
          <button class="round" aria-label=${t('previous')} title=${hint('previous.hint', previous)} ?disabled=${!previous} @click=${() => previous && go(store, previous.date)}>${icon('previous')}</button>
          <button class="round main" aria-label=${t(state.playing ? 'pause' : 'play')} title=${t(state.playing ? 'pause' : 'play')} ?disabled=${list.length < 2} @click=${() => play(store)}>${icon(state.playing ? 'pause' : 'play')}</button>
          <button class="round" aria-label=${t('next')} title=${hint('next.hint', next)} ?disabled=${!next} @click=${() => next && go(store, next.date)}>${icon('next')}</button>
        </div>
        <div class="jump">
          <button class="bare calendar-button" aria-label=${t('calendar')} title=${t('calendar')} aria-expanded=${open} ?disabled=${!list.length} @click=${toggle}>${icon('calendar')}</button>
          <button class="bare clearest" aria-label=${t('clearest')} title=${t('clearest')} ?disabled=${!clearest || sameDay(clearest.date, at ?? '')} @click=${() => clearest && go(store, clearest.date)}>${icon('clear')}</button>
        </div>`,
      frame,
    );
  }
  store.watch((state) => [daysOf(state), picture(state).time, state.words, state.playing, state.active, state.film], draw);
}

/** @param {string} key @param {{date: string} | undefined} day @return {string} */
function hint(key, day) {
  return day ? t(key, { date: dateText(day.date) }) : t(key, { date: '–' });
}

/** @param {Store} store @param {string} time */
export function go(store, time) {
  store.set({ ...withPicture(store.get(), { time }), notice: null, playing: false, film: '' });
}

/** Play or pause; the drawer of the time lapse opens with the first. @param {Store} store */
export function play(store) {
  const state = store.get();
  if (state.playing) return store.set({ playing: false });
  store.set({ open: 'lapse', playing: true, notice: null });
}

/**
 * Keys of the whole page: arrows step through images, space plays, Esc closes what is open.
 * @param {Store} store
 */
export function listenKeys(store) {
  document.addEventListener('keydown', (event) => {
    const target = /** @type {HTMLElement} */ (event.target);
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    if (event.key === 'Escape') return close(store, event);
    if (target.closest('input, select, textarea, [role=grid], [contenteditable], dialog')) return;
    const state = store.get();
    const list = daysOf(state)?.list ?? [];
    if (event.key === 'ArrowLeft' || event.key === 'ArrowRight') {
      const day = step(list, picture(state).time, event.key === 'ArrowLeft' ? -1 : 1);
      if (day) go(store, day.date);
      event.preventDefault();
    } else if (event.key === ' ' && !target.closest('button, a, summary, [role=button]')) {
      if (list.length > 1) play(store);
      event.preventDefault();
    }
  });
}

/** @param {Store} store @param {KeyboardEvent} event */
function close(store, event) {
  const { notice, tool, open, value, compare } = store.get();
  const state = store.get();
  if (notice) store.set({ notice: null });
  else if (tool) store.set({ tool: '' });
  else if (value) store.set({ value: null, pin: null });
  else if (open) store.set({ open: '', playing: false });
  else if (compare) store.set({ pictures: [state.pictures[0]], active: 0, compare: '' });
  else return;
  event.preventDefault();
}

/** Starting, changing and ending a comparison. Picture 0 stays where it is; the others are laid beside it. */
import { daysOf } from './state.js';
import { newestUsable, step, yearEarlier } from './time/days.js';
import { dateText } from './words/format.js';

/** @import {Store, State, Picture, CompareMode} from './types' */

/** @param {State} state @return {string} the day of the main picture */
function mainDay(state) {
  const { time, collection } = state.pictures[0];
  const list = daysOf(state, collection)?.list ?? [];
  return time === 'latest' || time === 'best' || time === '' ? (newestUsable(list)?.date ?? '') : time;
}

/** Opens on the most useful pair: a year earlier, else the usable image before, else the next. @param {Store} store */
export function startCompare(store) {
  const state = store.get();
  const main = state.pictures[0];
  const list = daysOf(state, main.collection)?.list ?? [];
  const day = mainDay(state);
  const other = yearEarlier(list, day).found ?? step(list, day, -1) ?? step(list, day, 1);
  const styles = Object.keys(state.collections?.find((one) => one.id === main.collection)?.renders ?? {});
  /** @type {Picture} */
  const second = other ? { ...main, time: other.date } : { ...main, style: styles.find((id) => id !== main.style) ?? main.style, mix: null };
  store.set({ pictures: [main, second], active: 0, compare: 'swipe', swipe: 50, notice: null, playing: false });
}

/** @param {Store} store */
export function stopCompare(store) {
  const { pictures, active } = store.get();
  store.set({ pictures: [pictures[active] ?? pictures[0]], active: 0, compare: '', blink: 0 });
}

/** @param {Store} store @param {CompareMode} mode */
export function setMode(store, mode) {
  const { pictures } = store.get();
  store.set({ compare: mode, blink: 0, pictures: mode === 'side' ? pictures : pictures.slice(0, 2), active: Math.min(store.get().active, mode === 'side' ? 3 : 1) });
}

/** The first two pictures change places. @param {Store} store */
export function swap(store) {
  const [first, second, ...rest] = store.get().pictures;
  store.set({ pictures: [second, first, ...rest] });
}

/** Two maps become four, four become two. @param {Store} store */
export function toggleFour(store) {
  const state = store.get();
  if (state.pictures.length > 2) return store.set({ pictures: state.pictures.slice(0, 2), active: Math.min(state.active, 1) });
  const list = daysOf(state, state.pictures[0].collection)?.list ?? [];
  const pictures = [...state.pictures];
  while (pictures.length < 4) {
    const last = pictures.reduce((oldest, one) => (one.time < oldest.time ? one : oldest));
    const before = step(list, last.time, -1) ?? step(list, last.time, 1);
    pictures.push({ ...last, time: before?.date ?? last.time });
  }
  store.set({ pictures });
}

/** Show the same place a year earlier as the second picture; where there is none, say so and offer the nearest. @param {Store} store */
export function showYearEarlier(store) {
  const state = store.get();
  const main = state.pictures[0];
  const { found, nearest, target } = yearEarlier(daysOf(state, main.collection)?.list ?? [], mainDay(state));
  const show = (/** @type {string} */ time) => {
    const now = store.get();
    const [first, second, ...rest] = now.pictures;
    store.set({ pictures: [first, { ...(second ?? first), collection: main.collection, time }, ...rest], compare: now.compare || 'swipe', notice: null });
  };
  if (found) return show(found.date);
  store.set({
    notice: nearest
      ? { key: 'compare.noyear', values: { date: dateText(target), nearest: dateText(nearest.date) }, actions: [{ key: 'compare.shownearest', values: { date: dateText(nearest.date) }, run: () => show(nearest.date) }] }
      : { key: 'compare.noother', values: { date: dateText(target) } },
  });
}

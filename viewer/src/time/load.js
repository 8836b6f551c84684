/** The days of the view, asked anew whenever the view or a collection changes; and the first picture to open on. */
import * as addresses from '../addresses.js';
import { isAbort, request } from '../api.js';
import { extentOf, collectionOf } from '../state.js';
import { viewOf } from '../map/map.js';
import { instant, newestUsable } from './days.js';

/** @import {Store, Day, Days, State} from '../types' */

const SETTLE_MS = 180;
const LONGEST_WAIT = 10_000;

/** @param {Store} store */
export function loadDays(store) {
  /** @type {Map<string, AbortController>} */
  const asked = new Map();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let settle;

  store.watch((state) => [state.bbox, state.collections, state.days, ...state.pictures.map((one) => one.collection)], () => {
    clearTimeout(settle);
    const anyNew = store.get().pictures.some((one) => one.collection && !store.get().days[one.collection]);
    settle = setTimeout(ask, anyNew ? 0 : SETTLE_MS);
  });

  function ask() {
    const { bbox, collections, pictures, days } = store.get();
    if (!bbox || !collections) return;
    const key = bbox.map((value) => value.toFixed(4)).join(',');
    for (const id of new Set(pictures.map((one) => one.collection))) {
      if (!collectionOf(store.get(), id) || days[id]?.bbox === key) continue;
      asked.get(id)?.abort();
      const control = new AbortController();
      asked.set(id, control);
      put(id, { status: days[id]?.status === 'ready' ? 'ready' : 'loading', list: days[id]?.list ?? [], bbox: key });
      read(id, key, control.signal).catch((error) => isAbort(error) || put(id, { status: 'failed', list: [], bbox: key }));
    }
  }

  /**
   * Covers and clouds that the server is still counting are asked for again, less and less often.
   * @param {string} id @param {string} key @param {AbortSignal} signal
   */
  async function read(id, key, signal) {
    const { bbox } = store.get();
    for (let wait = 400; bbox; wait *= 1.6) {
      const response = await request(addresses.days(id, bbox), { signal });
      put(id, { status: 'ready', list: sorted(await response.json()), bbox: key });
      if (response.headers.get('X-Dates-Complete') !== 'false' || wait > LONGEST_WAIT) return;
      await new Promise((resolve) => setTimeout(resolve, wait));
      signal.throwIfAborted();
    }
  }

  /** @param {string} id @param {Days} entry */
  function put(id, entry) {
    store.set({ days: { ...store.get().days, [id]: entry } });
  }

  store.watch((state) => [state.days, state.pictures, state.collections], () => {
    const state = store.get();
    const pictures = state.pictures.map((one) => {
      if (!one.collection || one.time) return one;
      const days = state.days[one.collection];
      if (days?.status !== 'ready') return one;
      return { ...one, time: newestUsable(days.list)?.date ?? 'latest' };
    });
    if (pictures.some((one, i) => one !== state.pictures[i])) store.set({ pictures });
  });
}

/** @param {unknown} list @return {Day[]} oldest first */
function sorted(list) {
  if (!Array.isArray(list)) return [];
  return list.filter((day) => typeof day?.date === 'string').sort((a, b) => instant(a.date) - instant(b.date));
}

/**
 * What a link leaves open: the first collection, its first style, and the view in which it is seen.
 * @param {State} state @return {Partial<State>}
 */
export function opening(state) {
  const collections = state.collections ?? [];
  const pictures = state.pictures.map((one, i) => {
    const collection = one.collection ? collections.find((known) => known.id === one.collection) : collections[0];
    if (!collection) return one;
    const styles = Object.keys(collection.renders ?? {});
    const known = styles.includes(one.style) || (one.style === 'custom' && one.mix);
    return { ...one, collection: collection.id, style: known ? one.style : (styles[0] ?? ''), time: i === 0 || one.time ? one.time : 'latest' };
  });
  /** @type {Partial<State>} */
  const patch = { pictures };
  if (!state.view) {
    const box = extentOf(collections.find((one) => one.id === pictures[0].collection));
    const { clientWidth, clientHeight } = document.documentElement;
    patch.view = box ? viewOf(box, [clientWidth, clientHeight]) : { lon: 10, lat: 30, zoom: 2 };
    // Imagery from edge to edge, as long as that hides no more than half of what there is.
    if (box) patch.view.zoom = Math.min(viewOf(box, [clientWidth, clientHeight], true).zoom, patch.view.zoom + 1.6, 18);
  }
  return patch;
}

/** What went wrong or is missing, in a sentence with the next step as a button; and what is shown, for screen readers. */
import { html, nothing, render } from 'lit-html';
import { icon } from '../parts/icons.js';
import { dayOf, daysOf, extentOf, collectionOf, picture, withPicture } from '../state.js';
import { step } from '../time/days.js';
import { opening } from '../time/load.js';
import { dateText } from '../words/format.js';
import { t } from '../words/index.js';
import { viewOf } from '../map/map.js';

/** @import {Store, State, Notice} from '../types' */

/** Images that cover less of the view are dots. */
const TINY = 0.0004;

/** @param {Store} store @param {HTMLElement} element */
export function mountNotice(store, element) {
  store.watch((state) => [state.notice, state.problem, state.days, state.pictures, state.active, state.collections, state.words], () => {
    const state = store.get();
    const notice = state.notice ?? missing(store, state);
    if (!notice) return render(nothing, element);
    return render(
      html`<div class="card message ${notice.kind ?? ''}" role="alert">
        <p>${t(notice.key, notice.values)}</p>
        <div class="row">
          ${(notice.actions ?? []).map(
            (action, i) => html`<button
              class="action ${i === 0 ? 'main' : ''}"
              @click=${() => {
                store.set({ notice: null });
                action.run();
              }}
            >
              ${t(action.key, action.values)}
            </button>`,
          )}
          ${state.notice ? html`<button class="bare" aria-label=${t('close')} @click=${() => store.set({ notice: null })}>${icon('close')}</button>` : nothing}
        </div>
      </div>`,
      element,
    );
  });
}

/**
 * The empty states: nothing served, nothing here, nothing on this day.
 * @param {Store} store @param {State} state @return {Notice | null}
 */
function missing(store, state) {
  if (state.problem) return { key: state.problem, kind: 'warning', actions: [{ key: 'try.again', run: () => location.reload() }] };
  if (!state.collections) return null;
  if (!state.collections.length) return { key: 'empty.archive' };
  const of = picture(state);
  const collection = collectionOf(state, of.collection);
  if (!collection) return { key: 'empty.collection', values: { name: of.collection.slice(0, 60) }, actions: [{ key: 'empty.first', run: () => store.set(opening({ ...store.get(), ...withPicture(store.get(), { collection: '', style: '', time: '', mix: null }) })) }] };
  const days = daysOf(state, of.collection);
  if (days?.status === 'failed') return { key: 'dates.failed', kind: 'warning', actions: [{ key: 'try.again', run: () => store.set({ days: {} }) }] };
  if (days?.status !== 'ready' || of.time === 'best' || of.time.includes('/')) return null;
  const box = extentOf(collection);
  const dated = collection.extent?.temporal?.interval?.[0]?.some(Boolean);
  const [west, south, east, north] = state.bbox ?? [0, 0, 0, 0];
  const outside = box && (box[0] > east || (box[2] < west && box[0] <= box[2]) || box[1] > north || box[3] < south);
  if (outside || (!days.list.length && dated && box)) return { key: 'empty.here', actions: box ? [{ key: 'empty.show', run: () => store.set({ view: viewOf(box, store.get().size) }) }] : [] };
  if (box && days.list.length && days.list.every((one) => one.cover !== null && one.cover < TINY)) return { key: 'empty.far', actions: [{ key: 'empty.show', run: () => store.set({ view: viewOf(box, store.get().size) }) }] };
  const day = dayOf(state, of);
  if (!days.list.length || !of.time || of.time === 'latest' || (day && (day.cover ?? 1) > 0)) return null;
  const offers = /** @type {const} */ ([1, -1]).map((direction) => ({ direction, day: step(days.list, of.time, direction, true) })).filter((offer) => offer.day);
  return {
    key: 'empty.day',
    values: { date: dateText(of.time) },
    actions: offers.map(({ direction, day: found }) => ({ key: direction > 0 ? 'empty.next' : 'empty.previous', values: { date: dateText(found?.date ?? '') }, run: () => store.set(withPicture(store.get(), { time: found?.date ?? '' })) })),
  };
}

/** @param {Store} store @param {HTMLElement} element */
export function mountStatus(store, element) {
  store.watch((state) => [dayOf(state), picture(state).time, state.words, daysOf(state)?.status, state.playing], () => {
    const state = store.get();
    const { time } = picture(state);
    const day = dayOf(state);
    if (!time || state.playing || daysOf(state)?.status !== 'ready') return;
    const cloud = day?.cloud;
    const date = dateText(day?.date ?? time);
    if (!daysOf(state)?.list.length) element.textContent = t('status.undated');
    else if (!day || day.cover === 0) element.textContent = t('empty.day', { date });
    else element.textContent = cloud === null || cloud === undefined ? t('status.image', { date }) : t('status.cloud', { date, n: Math.round(cloud) });
  });
}

/** Values under the pointer for the legend, and at a click for the card at the pin. */
import Overlay from 'ol/Overlay.js';
import { fromLonLat, toLonLat } from 'ol/proj.js';
import { html, nothing, render } from 'lit-html';
import * as addresses from '../addresses.js';
import { getJson, isAbort } from '../api.js';
import { icon } from '../parts/icons.js';
import { collectionOf, picture, renderOf } from '../state.js';
import { styleWords } from '../parts/name.js';
import { dateText, numberText, placeText } from '../words/format.js';
import { language, t } from '../words/index.js';

/** @import {Store, State, PointValue, Picture} from '../types' */
/** @import {Maps, Pane} from './map.js' */

const REST_MS = 90;

/** @param {Store} store @param {Maps} maps */
export function followPointer(store, maps) {
  const card = document.createElement('div');
  const overlay = new Overlay({ element: card, positioning: 'bottom-center', offset: [0, -14], stopEvent: true, className: 'ol-overlay-container value-at' });
  const dot = document.createElement('div');
  dot.className = 'pin';
  const mark = new Overlay({ element: dot, positioning: 'center-center', stopEvent: false });
  maps.main.addOverlay(mark);
  maps.main.addOverlay(overlay);

  const ask = asker(store, 'cursor');
  const askPin = asker(store, 'value');
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let rest;
  /** @param {Pane} pane */
  const listen = ({ map, element }) => {
    map.on('pointermove', (event) => {
      clearTimeout(rest);
      const { playing, tool } = store.get();
      const pointer = /** @type {PointerEvent} */ (event.originalEvent);
      if (event.dragging || playing || tool || pointer.pointerType === 'touch') return;
      const [lon, lat] = toLonLat(event.coordinate);
      rest = setTimeout(() => ask(lon, lat), REST_MS);
    });
    element.addEventListener('pointerleave', () => {
      clearTimeout(rest);
      ask(NaN, NaN);
    });
    map.on('click', (event) => {
      const { tool, open, playing } = store.get();
      if (tool || open === 'chart' || playing) return;
      const [lon, lat] = toLonLat(event.coordinate);
      if (Math.abs(lat) <= 90) store.set({ pin: [wrap(lon), lat] });
    });
  };
  maps.onPane(listen);

  store.watch((state) => [state.pin, picture(state), state.collections], () => {
    const { pin } = store.get();
    const where = pin ? fromLonLat(pin) : undefined;
    mark.setPosition(where);
    overlay.setPosition(where);
    if (!pin) store.set({ value: null });
    else askPin(pin[0], pin[1]);
  });
  store.watch((state) => [state.value, state.pin, state.words, state.collections], () => {
    const state = store.get();
    render(state.pin && state.value ? body(store, state, state.value) : nothing, card);
    overlay.setOffset((maps.main.getPixelFromCoordinate(fromLonLat(state.pin ?? [0, 0]))?.[1] ?? 999) < 330 ? [0, 16] : [0, -14]);
    overlay.setPositioning(overlay.getOffset()[1] > 0 ? 'top-center' : 'bottom-center');
  });
}

/**
 * Ask for the values of a place; an older answer never overtakes a newer one.
 * @param {Store} store
 * @param {'cursor' | 'value'} field
 * @return {(lon: number, lat: number) => void}
 */
function asker(store, field) {
  let control = new AbortController();
  return (lon, lat) => {
    control.abort();
    control = new AbortController();
    const of = picture(store.get());
    if (Number.isNaN(lon) || !of.collection || !of.time) return store.get()[field] && store.set({ [field]: null });
    return getJson(addresses.point(of, wrap(lon), lat, language()), { signal: control.signal })
      .then((value) => store.set({ [field]: value }))
      .catch((error) => isAbort(error) || store.set({ [field]: null }));
  };
}

/** @param {number} lon */
function wrap(lon) {
  return ((((lon + 180) % 360) + 360) % 360) - 180;
}

/** @param {Store} store @param {State} state @param {PointValue} value */
function body(store, state, value) {
  const of = picture(state);
  const assets = Object.entries(value.assets ?? {});
  const titles = collectionOf(state, of.collection)?.item_assets ?? {};
  return html`<section class="card value" aria-label=${t('value')}>
    <header>
      <span class="grow">${placeText(value.lon, value.lat)}</span>
      <button class="bare" aria-label=${t('close')} @click=${() => store.set({ pin: null, value: null })}>${icon('close')}</button>
    </header>
    ${value.item === null || !value.valid
      ? html`<p>${t(value.item === null ? 'value.outside' : 'value.nodata')}</p>`
      : html`${measure(state, of, value)}
          ${value.datetime ? html`<p class="sentence">${dateText(value.datetime)}</p>` : nothing}
          <details class="fold" ?open=${typeof value.style?.value !== 'number'}>
            <summary>${t('value.bands', { n: assets.length })}</summary>
            <dl tabindex="0">${assets.map(([name, number]) => html`<div><dt title=${titles[name]?.title ?? name}>${name}</dt><dd>${number === null ? '–' : numberText(number, 4)}</dd></div>`)}</dl>
            <p class="sentence wrap">${value.item}</p>
          </details>`}
    <div class="row tight">
      <button class="quiet" @click=${() => store.set({ open: 'chart', places: addPlace(state, value), pin: null, value: null })}>${t('value.chart')}</button>
    </div>
  </section>`;
}

/** @param {State} state @param {PointValue} value @return {import('../types').Place[]} */
function addPlace(state, { lon, lat }) {
  /** @type {import('../types').Place} */
  const place = { name: '', geometry: { type: 'Point', coordinates: [lon, lat] } };
  return [...state.places, place].slice(-6);
}

/** @param {State} state @param {Picture} of @param {PointValue} value */
function measure(state, of, { style }) {
  if (!style || style.value === null || style.value === undefined || Array.isArray(style.value)) return nothing;
  const render = renderOf(state, of);
  const isClass = Boolean(style.class && render?.['tilescope:classes']?.length);
  const word = !isClass && style.class ? ` · ${style.class}` : '';
  return html`<p class="measure"><strong>${isClass ? style.class : numberText(style.value)}</strong>${style.unit ? ` ${style.unit}` : ''}${word} <span>${styleWords(render, of.style).title}</span></p>`;
}

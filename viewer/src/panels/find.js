/** The scenes of this view as pictures of this view; list, strip and map point at the same day. */
import Feature from 'ol/Feature.js';
import GeoJSON from 'ol/format/GeoJSON.js';
import VectorLayer from 'ol/layer/Vector.js';
import { transformExtent } from 'ol/proj.js';
import VectorSource from 'ol/source/Vector.js';
import { Stroke, Style } from 'ol/style.js';
import { html, nothing, render } from 'lit-html';
import * as addresses from '../addresses.js';
import { getJson } from '../api.js';
import { daysOf, inLanguage, picture, sameDay } from '../state.js';
import { go } from '../time/bar.js';
import { within } from '../time/days.js';
import { dateText, dayText } from '../words/format.js';
import { language, t } from '../words/index.js';
import { daySelect } from './lapse.js';
import { chooseCollection, slider } from './layers.js';

/** @import {Store, Day} from '../types' */
/** @import {Maps} from '../map/map.js' */

const AT_ONCE = 12;
const WIDTH = 320;

/** @param {Store} store @param {HTMLElement} element @param {Maps} maps */
export function mount(store, element, maps) {
  let limits = { from: '', to: '', cloud: 100 };
  let most = AT_ONCE;
  /** @type {Map<string, Promise<any[]>>} */
  const asked = new Map();
  /** @type {Record<string, {title: string, href: string}[]>} */
  let files = {};
  const source = new VectorSource();
  const layer = new VectorLayer({ source, zIndex: 25, style: [new Style({ stroke: new Stroke({ color: '#fff', width: 5 }) }), new Style({ stroke: new Stroke({ color: '#f2a900', width: 2.5 }) })] });
  const format = new GeoJSON({ featureProjection: 'EPSG:3857' });
  maps.main.addLayer(layer);

  /** @param {string} day @return {Promise<any[]>} STAC items */
  const itemsOf = (day) => {
    const { bbox } = store.get();
    const { collection } = picture(store.get());
    const address = bbox ? addresses.items(collection, bbox, day) : '';
    let answer = asked.get(address);
    if (!answer) asked.set(address, (answer = address ? getJson(address).then((found) => found.features ?? [], () => []) : Promise.resolve([])));
    return answer;
  };

  /** @param {string} date */
  async function footprint(date) {
    source.clear();
    if (!date) return;
    const items = await itemsOf(date);
    if (store.get().pointed !== date) return;
    source.addFeatures(items.map((item) => new Feature(format.readGeometry(item.geometry) ?? undefined)));
  }

  /** @param {Day} day */
  async function showFiles(day) {
    const items = await itemsOf(day.date);
    files = { ...files, [day.date]: items.flatMap((item) => Object.entries(item.assets ?? {}).filter(([, asset]) => /^https?:/.test(asset.href)).map(([name, asset]) => ({ title: items.length > 1 ? `${name} · ${item.id}` : name, href: asset.href }))) };
    draw();
  }

  function draw() {
    const state = store.get();
    const of = picture(state);
    const list = daysOf(state)?.list ?? [];
    const found = within(list, limits).reverse();
    const [width, height] = state.size;
    const extent = transformExtent(state.bbox ?? [0, 0, 1, 1], 'EPSG:4326', 'EPSG:3857');
    const tall = Math.round((WIDTH * height) / Math.max(width, 1));
    render(
      html`${(state.collections?.length ?? 0) > 1
          ? html`<label class="field inline"><span>${t('collection')}</span><select @change=${(/** @type {Event} */ event) => chooseCollection(store, /** @type {HTMLSelectElement} */ (event.target).value)}>${state.collections?.map((one) => html`<option value=${one.id} .selected=${one.id === of.collection}>${inLanguage(one['tilescope:titles'], language(), one.title ?? one.id)}</option>`)}</select></label>`
          : nothing}
        <div class="pair">
          <label class="field"><span>${t('lapse.from')}</span>${daySelect(list, limits.from, t('lapse.first'), (from) => { limits = { ...limits, from }; draw(); })}</label>
          <label class="field"><span>${t('lapse.to')}</span>${daySelect(list, limits.to, t('lapse.last'), (to) => { limits = { ...limits, to }; draw(); })}</label>
        </div>
        <label class="field slider"><span>${t('lapse.cloud')} <small>${limits.cloud} %</small></span>${slider(limits.cloud, 0, 100, 5, (cloud) => { limits = { ...limits, cloud }; draw(); }, t('lapse.cloud'))}</label>
        <p class="sentence" role="status">${t('find.count', { n: found.length })}</p>
        <ul class="scenes">
          ${found.slice(0, most).map(
            (day) => html`<li class="${sameDay(day.date, of.time) ? 'on' : ''} ${state.pointed === day.date ? 'pointed' : ''}" @pointerenter=${() => store.set({ pointed: day.date })} @pointerleave=${() => store.set({ pointed: '' })}>
              <button class="scene" @click=${() => go(store, day.date)} @focus=${() => store.set({ pointed: day.date })} @blur=${() => store.set({ pointed: '' })}>
                <img src=${addresses.map({ ...of, time: day.date }, { bbox: extent, crs: 'EPSG:3857', width: WIDTH, height: tall, format: 'webp' })} alt="" loading="lazy" width=${WIDTH} height=${tall} />
                <strong>${dateText(day.date)}</strong><small>${dayText(day)}</small>
              </button>
              ${state.config.downloads
                ? files[day.date]
                  ? html`<ul class="files">${files[day.date].map((file) => html`<li><a href=${file.href} download>${file.title}</a></li>`)}</ul>`
                  : html`<button class="quiet" @click=${() => showFiles(day)}>${t('find.files')}</button>`
                : nothing}
            </li>`,
          )}
        </ul>
        ${found.length > most ? html`<button class="action" @click=${() => { most += AT_ONCE; draw(); }}>${t('find.more')}</button>` : nothing}`,
      element,
    );
  }
  const stops = [
    store.watch((state) => [state.bbox, daysOf(state)?.list, picture(state), state.pointed, state.words, state.config], draw),
    store.watch((state) => state.pointed, footprint),
    store.watch((state) => state.bbox, () => { files = {}; }),
  ];
  return () => {
    stops.forEach((stop) => stop());
    maps.main.removeLayer(layer);
    store.set({ pointed: '' });
  };
}

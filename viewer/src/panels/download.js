/** Files of the view: a picture with its caption, a GeoTIFF of the picture or of the values, the scenes themselves. */
import { toLonLat, transformExtent } from 'ol/proj.js';
import { html, nothing, render } from 'lit-html';
import * as addresses from '../addresses.js';
import { getJson, request } from '../api.js';
import { save } from '../parts/save.js';
import { collectionOf, dayOf, picture } from '../state.js';
import { dateText } from '../words/format.js';
import { t } from '../words/index.js';
import { nameOf } from '../parts/name.js';
import { credit } from './legend.js';
import { caption } from '../parts/caption.js';

/** @import {Store, State} from '../types' */

const LARGE = 2;

/** @param {Store} store @param {HTMLElement} element */
export function mount(store, element) {
  let large = false;
  let withCaption = true;
  let busy = false;
  let problem = '';
  /** @type {Set<string>} */
  let bands = new Set();
  /** @type {{title: string, href: string, item: string}[] | null} */
  let files = null;
  let filesOf = '';

  /** @param {State} state */
  const area = ({ bbox, size }) => {
    const extent = transformExtent(bbox ?? [0, 0, 1, 1], 'EPSG:4326', 'EPSG:3857');
    const scale = large ? LARGE : 1;
    return { extent, width: Math.max(1, Math.round(size[0] * scale)), height: Math.max(1, Math.round(size[1] * scale)) };
  };

  /** @param {'png' | 'jpeg'} kind */
  async function savePicture(kind) {
    busy = true;
    problem = '';
    draw();
    try {
      const state = store.get();
      const of = picture(state);
      const { extent, width, height } = area(state);
      const response = await request(addresses.map(of, { bbox: extent, crs: 'EPSG:3857', width, height, format: kind === 'jpeg' ? 'jpg' : 'png' }));
      const bitmap = await createImageBitmap(await response.blob());
      const [, south] = toLonLat([extent[0], (extent[1] + extent[3]) / 2]);
      const metresPerPixel = ((extent[2] - extent[0]) / width) * Math.cos((south * Math.PI) / 180);
      const canvas = caption(bitmap, withCaption ? { text: nameOf(state, of), credit: credit(state), metresPerPixel } : null);
      const blob = await new Promise((resolve) => canvas.toBlob(resolve, `image/${kind}`, 0.92));
      save(/** @type {Blob} */ (blob), `${of.collection}-${of.style}-${dayOf(state)?.date ?? of.time}.${kind === 'jpeg' ? 'jpg' : 'png'}`);
    } catch (error) {
      problem = /** @type {Error} */ (error).message || t('server.failed');
    }
    busy = false;
    draw();
  }

  async function listFiles() {
    const state = store.get();
    const of = picture(state);
    const day = dayOf(state)?.date ?? of.time;
    const key = `${of.collection}/${day}/${state.bbox}`;
    if (key === filesOf || !state.config.downloads || !state.bbox) return;
    filesOf = key;
    files = null;
    try {
      const { features } = await getJson(addresses.items(of.collection, state.bbox, day));
      files = features.flatMap((/** @type {any} */ item) => Object.entries(item.assets ?? {}).filter(([, asset]) => /^https?:/.test(asset.href)).map(([name, asset]) => ({ item: item.id, title: asset.title ? `${name} · ${asset.title}` : name, href: asset.href })));
    } catch {
      files = [];
    }
    draw();
  }

  function draw() {
    const state = store.get();
    const of = picture(state);
    const { extent, width, height } = area(state);
    const names = Object.keys(collectionOf(state, of.collection)?.item_assets ?? {});
    const picked = names.filter((name) => bands.has(name));
    const tif = addresses.map(of, { bbox: extent, crs: 'EPSG:3857', width, height, format: 'tif' });
    const raw = state.bbox ? addresses.coverage(of, { bbox: state.bbox, properties: picked }) : '';
    render(
      html`<h3>${t('download.picture')}</h3>
        <p class="sentence">${t('download.picture.about', { width, height })}</p>
        <label class="check"><input type="checkbox" .checked=${withCaption} @change=${() => { withCaption = !withCaption; draw(); }} />${t('download.caption')}</label>
        <label class="check"><input type="checkbox" .checked=${large} @change=${() => { large = !large; draw(); }} />${t('download.large')}</label>
        <div class="row">
          <button class="action main" ?disabled=${busy} @click=${() => savePicture('png')}>${t('download.png')}</button>
          <button class="action" ?disabled=${busy} @click=${() => savePicture('jpeg')}>${t('download.jpeg')}</button>
        </div>
        ${busy ? html`<progress aria-label=${t('download.busy')}></progress>` : nothing}
        ${problem ? html`<p class="problem" role="alert">${problem}</p>` : nothing}
        <h3>${t('download.tif')}</h3>
        <p class="sentence">${t('download.tif.about')}</p>
        <a class="action" href=${tif} download="${of.collection}-${of.style}.tif">${t('download.tif.picture')}</a>
        ${names.length
          ? html`<fieldset class="bands"><legend>${t('download.bands')}</legend>${names.map((name) => html`<label class="chip"><input type="checkbox" .checked=${bands.has(name)} @change=${() => { bands = new Set(bands); if (!bands.delete(name)) bands.add(name); draw(); }} /><span title=${collectionOf(state, of.collection)?.item_assets?.[name]?.title ?? name}>${name}</span></label>`)}</fieldset>
            <a class="action ${picked.length ? '' : 'off'}" href=${picked.length ? raw : nothing} aria-disabled=${!picked.length} download="${of.collection}-values.tif">${t('download.tif.values')}</a>`
          : nothing}
        ${files?.length
          ? html`<h3>${t('download.files')}</h3><p class="sentence">${t('download.files.about', { date: dateText(dayOf(state)?.date ?? of.time) })}</p>
              <ul class="files">${files.map((file) => html`<li><a href=${file.href} download>${file.title}</a> <small>${file.item}</small></li>`)}</ul>`
          : nothing}`,
      element,
    );
  }
  const stops = [
    store.watch((state) => [state.size, state.bbox, state.pictures, state.active, state.words, state.collections, state.days], draw),
    store.watch((state) => [state.bbox, picture(state), state.config, dayOf(state)?.date], listFiles),
  ];
  return () => stops.forEach((stop) => stop());
}

/** What to look at: the collection, its styles as pictures of this very view, and how strongly they are drawn. */
import { html, nothing, render } from 'lit-html';
import { fromLonLat } from 'ol/proj.js';
import * as addresses from '../addresses.js';
import { vars } from '../parts/vars.js';
import { EMPTY, collectionOf, inLanguage, picture, withPicture } from '../state.js';
import { language, t } from '../words/index.js';
import { nameOf, styleWords } from '../parts/name.js';

/** @import {Store, State, Render} from '../types' */

const THUMB = 96;
const SETTLE_MS = 500;

/** @param {Store} store @param {HTMLElement} element */
export function mountLayers(store, element) {
  /** The square of the view that thumbnails show; it follows when the view has come to rest. @type {number[] | null} */
  let square = null;
  let time = '';
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let settle;
  let mixer = /** @type {typeof import('./mix.js').mixer | null} */ (null);

  const draw = () => {
    const state = store.get();
    element.classList.toggle('closed', !state.layers);
    if (!state.layers || !state.collections) return render(nothing, element);
    const of = picture(state);
    const collection = collectionOf(state, of.collection);
    const renders = Object.entries(collection?.renders ?? {});
    return render(
      html`<section class="card panel" aria-label=${t('layers.what')}>
        <div class="scroll">
          ${state.pictures.length > 1 ? html`<p class="which">${t('compare.changing', { name: nameOf(state, of) })}</p>` : nothing}
          <label class="field collection">
            <span class=${state.collections.length > 1 ? '' : 'hidden'}>${t('collection')}</span>
            ${state.collections.length > 1
              ? html`<select @change=${(/** @type {Event} */ event) => chooseCollection(store, /** @type {HTMLSelectElement} */ (event.target).value)}>
                  ${state.collections.map((one) => html`<option value=${one.id} .selected=${one.id === of.collection} ?selected=${one.id === of.collection}>${inLanguage(one['tilescope:titles'], language(), one.title ?? one.id)}</option>`)}
                </select>`
              : html`<strong>${collection?.title ?? ''}</strong>`}
          </label>
          <fieldset class="styles">
            <legend>${t('layers.what')}</legend>
            <div class="list">${renders.map(([id, one]) => style(id, one, state))}</div>
          </fieldset>
          ${adjust(state)}
          <details class="fold" ?open=${of.style === 'custom'} @toggle=${async (/** @type {Event} */ event) => {
            if (!(/** @type {HTMLDetailsElement} */ (event.target).open) || mixer) return;
            mixer = (await import('./mix.js')).mixer;
            draw();
          }}>
            <summary>${t('mix')}</summary>
            ${mixer && collection ? mixer(store, collection) : nothing}
          </details>
        </div>
      </section>`,
      element,
    );
  };

  /** @param {string} id @param {Render} one @param {State} state */
  function style(id, one, state) {
    const of = picture(state);
    const { title, expert } = styleWords(one, id);
    const chosen = of.style === id;
    const thumb = square && time ? addresses.map({ ...of, style: id, time, mix: null }, { bbox: square, crs: 'EPSG:3857', width: THUMB, height: THUMB, format: 'webp', strict: false }) : '';
    return html`<label class="style ${chosen ? 'on' : ''}">
      <input type="radio" name="style" value=${id} .checked=${chosen} aria-label=${expert ? `${title} (${expert})` : title} aria-describedby="about-${id}" @change=${() => store.set(withPicture(store.get(), { style: id, mix: null }))} />
      <span class="thumb">${thumb ? html`<img src=${thumb} alt="" width="48" height="48" loading="lazy" fetchpriority="low" @load=${shown} @error=${failed} />` : nothing}</span>
      <span class="grow"><span class="title">${title}${expert ? html` <small>${expert}</small>` : nothing}</span><span class="sentence" id="about-${id}">${inLanguage(one['tilescope:descriptions'], language(), one.description)}</span></span>
    </label>`;
  }

  /** @param {State} state */
  function adjust({ opacity, tone, basemap, config }) {
    const { brightness, contrast, gamma } = tone;
    const changed = brightness !== 0 || contrast !== 0 || gamma !== 1 || opacity !== 100;
    return html`<label class="field slider"><span>${t('opacity')}</span>${slider(opacity, 0, 100, 1, (value) => store.set({ opacity: value }))}</label>
      <details class="fold">
        <summary>${t('adjust')}</summary>
        <div class="stack">
          <label class="field slider"><span>${t('adjust.brightness')}</span>${slider(brightness, -60, 60, 1, (value) => store.set({ tone: { ...store.get().tone, brightness: value } }))}</label>
          <label class="field slider"><span>${t('adjust.contrast')}</span>${slider(contrast, -60, 60, 1, (value) => store.set({ tone: { ...store.get().tone, contrast: value } }))}</label>
          <label class="field slider"><span>${t('adjust.gamma')}</span>${slider(gamma, 0.4, 2.5, 0.05, (value) => store.set({ tone: { ...store.get().tone, gamma: value } }))}</label>
          <button class="quiet" ?disabled=${!changed} @click=${() => store.set({ tone: EMPTY.tone, opacity: 100 })}>${t('adjust.reset')}</button>
          ${config.basemaps.length
            ? html`<label class="field"><span>${t('basemap')}</span><select @change=${(/** @type {Event} */ event) => store.set({ basemap: /** @type {HTMLSelectElement} */ (event.target).value })}>
                <option value="">${t('basemap.none')}</option>
                ${config.basemaps.map((one) => html`<option ?selected=${one.title === basemap}>${one.title}</option>`)}
              </select></label>`
            : nothing}
        </div>
      </details>`;
  }

  store.watch((state) => [state.layers, state.collections, state.pictures, state.active, state.opacity, state.tone, state.words, state.basemap, state.config], draw);
  store.watch((state) => [state.view, picture(state).time, state.layers, state.playing, state.loading], () => {
    clearTimeout(settle);
    settle = setTimeout(() => {
      const { view, size, playing, loading } = store.get();
      if (!view || playing || loading) return; // The map's own tiles come first.
      const [x, y] = fromLonLat([view.lon, view.lat]);
      const half = ((156543.034 / 2 ** view.zoom) * Math.min(...size)) / 5;
      square = [x - half, y - half, x + half, y + half].map((value) => Math.round(value * 10) / 10);
      time = picture(store.get()).time;
      draw();
    }, SETTLE_MS);
  });
}

/** @param {Event} event */
function shown(event) {
  /** @type {HTMLImageElement} */ (event.target).classList.add('shown');
}

/** @param {Event} event */
function failed(event) {
  /** @type {HTMLImageElement} */ (event.target).classList.remove('shown');
}

/** @param {Store} store @param {string} id */
export function chooseCollection(store, id) {
  const state = store.get();
  const renders = Object.keys(collectionOf(state, id)?.renders ?? {});
  const { style } = picture(state);
  store.set({ ...withPicture(state, { collection: id, style: renders.includes(style) ? style : (renders[0] ?? ''), time: '', mix: null }), notice: null });
}

/**
 * @param {number} value @param {number} low @param {number} high @param {number} step @param {(value: number) => void} set
 * @param {string} [label] where no label element is around
 */
export function slider(value, low, high, step, set, label) {
  const at = `${((value - low) / (high - low)) * 100}%`;
  return html`<input type="range" min=${low} max=${high} step=${step} .value=${String(value)} aria-label=${label ?? nothing} @input=${(/** @type {Event} */ event) => set(Number(/** @type {HTMLInputElement} */ (event.target).value))} ${vars({ '--at': at })} />`;
}


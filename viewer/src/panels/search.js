/** A place or coordinates, found without any outside service; says what was understood. */
import { html, nothing, render } from 'lit-html';
import { parseCoordinates } from '../places/coordinates.js';
import { findPlaces } from '../places/gazetteer.js';
import { icon } from '../parts/icons.js';
import { placeText } from '../words/format.js';
import { language, t } from '../words/index.js';

/** @import {Store} from '../types' */

/** @typedef {{title: string, detail: string, lat: number, lon: number, zoom: number, exact: boolean}} Hit */

const PLACE_ZOOM = 11.5;
const POINT_ZOOM = 13;

/** @param {Store} store @param {HTMLElement} element */
export function mountSearch(store, element) {
  let text = '';
  /** @type {Hit[]} */
  let hits = [];
  let chosen = -1;
  let message = '';
  let open = false;
  let asked = 0;

  /** @param {Hit} hit */
  const go = (hit) => {
    const zoom = Math.max(store.get().view?.zoom ?? 0, hit.zoom);
    store.set({ view: { lon: hit.lon, lat: hit.lat, zoom: Math.min(zoom, 14) }, ...(hit.exact ? { pin: /** @type {[number, number]} */ ([hit.lon, hit.lat]) } : {}) });
    message = t('search.went', { place: hit.exact ? hit.detail : hit.title });
    hits = [];
    chosen = -1;
    draw();
  };

  const look = async () => {
    const mine = ++asked;
    const at = parseCoordinates(text, language());
    chosen = -1;
    if (at) {
      const understood = t('search.understood', { lat: at.lat.toFixed(5), lon: at.lon.toFixed(5) });
      hits = [{ title: placeText(at.lon, at.lat), detail: understood, lat: at.lat, lon: at.lon, zoom: POINT_ZOOM, exact: true }];
      message = understood;
      return draw();
    }
    if (text.trim().length < 2) {
      hits = [];
      message = '';
      return draw();
    }
    const countries = new Intl.DisplayNames([language()], { type: 'region' });
    const found = await findPlaces(text).catch(() => []);
    if (mine !== asked) return undefined;
    hits = found.map(({ name, country, lat, lon }) => ({ title: name, detail: countries.of(country) ?? country, lat, lon, zoom: PLACE_ZOOM, exact: false }));
    message = hits.length ? t('search.found', { n: hits.length }) : t(/\d/.test(text) ? 'search.badcoordinates' : 'search.nothing');
    return draw();
  };

  /** @param {KeyboardEvent} event */
  const onKey = (event) => {
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault();
      if (hits.length) chosen = (chosen + (event.key === 'ArrowDown' ? 1 : -1) + hits.length) % hits.length;
      draw();
    } else if (event.key === 'Enter') {
      event.preventDefault();
      const hit = hits[Math.max(chosen, 0)];
      if (hit) go(hit);
      else look().then(() => hits[0] && go(hits[0]));
    } else if (event.key === 'Escape' && (hits.length || message)) {
      event.stopPropagation();
      hits = [];
      message = '';
      draw();
    }
  };

  function draw() {
    element.classList.toggle('open', open);
    render(
      html`<div class="card searchbox">
          <button class="bare magnifier" aria-label=${t('search.open')} aria-expanded=${open} @click=${toggle}>${icon('search')}</button>
          <input
            type="search"
            aria-label=${t('search')}
            placeholder=${t('search.example')}
            autocomplete="off"
            spellcheck="false"
            aria-describedby="search-says"
            .value=${text}
            @input=${(/** @type {Event} */ event) => {
              text = /** @type {HTMLInputElement} */ (event.target).value;
              look();
            }}
            @keydown=${onKey}
          />
        </div>
        <div class="card results" ?hidden=${!hits.length && !message}>
          ${hits.length
            ? html`<ul>${hits.map((hit, i) => html`<li><button class=${i === chosen ? 'on' : ''} @click=${() => go(hit)}>${icon('pin')}<span class="grow"><strong>${hit.title}</strong><small>${hit.detail}</small></span></button></li>`)}</ul>`
            : nothing}
          <p id="search-says" role="status" class=${hits.length ? 'hidden' : ''}>${message}</p>
          ${hits.length && !hits[0].exact ? html`<p class="source">${t('search.source')}</p>` : nothing}
        </div>`,
      element,
    );
  }

  const toggle = () => {
    open = !open;
    draw();
    if (open) element.querySelector('input')?.focus();
  };
  document.addEventListener('pointerdown', (event) => {
    if (element.contains(/** @type {Node} */ (event.target)) || (!hits.length && !message)) return;
    hits = [];
    message = '';
    draw();
  });
  store.watch((state) => state.words, draw);
}

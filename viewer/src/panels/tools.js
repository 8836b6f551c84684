/** What one can do, at the top right; the brand and the button of the layers, at the top left; the language. */
import { html, render } from 'lit-html';
import { startCompare, stopCompare } from '../compare.js';
import { icon, logo } from '../parts/icons.js';
import { LANGUAGES, t } from '../words/index.js';

/** @import {Store, Drawer} from '../types' */

/** @type {{drawer: Drawer, icon: string, key: string}[]} */
const DRAWERS = [
  { drawer: 'lapse', icon: 'film', key: 'lapse' },
  { drawer: 'chart', icon: 'chart', key: 'chart' },
  { drawer: 'find', icon: 'find', key: 'find' },
  { drawer: 'download', icon: 'download', key: 'download' },
  { drawer: 'share', icon: 'share', key: 'share' },
];

/** @param {Store} store @param {HTMLElement} element */
export function mountTools(store, element) {
  store.watch((state) => [state.open, state.compare, state.words], () => {
    const { open, compare } = store.get();
    element.setAttribute('aria-label', t('tools'));
    render(
      html`<button class="tool" aria-label=${t('compare')} aria-pressed=${compare !== ''} title=${t('compare.hint')} @click=${() => (store.get().compare ? stopCompare(store) : startCompare(store))}>
          ${icon('compare')}<span>${t('compare')}</span>
        </button>
        ${DRAWERS.map(
          (one) => html`<button
            class="tool"
            aria-label=${t(one.key)}
            aria-expanded=${open === one.drawer}
            aria-controls="drawer"
            title=${t(`${one.key}.hint`)}
            @click=${() => store.set({ open: store.get().open === one.drawer ? '' : one.drawer, tool: '' })}
          >
            ${icon(one.icon)}<span>${t(one.key)}</span>
          </button>`,
        )}`,
      element,
    );
  });
}

/** @param {Store} store @param {HTMLElement} element */
export function mountBrand(store, element) {
  store.watch((state) => [state.layers, state.words, state.config], () => {
    const { layers, config } = store.get();
    render(
      html`${logo}<strong>${config.title}</strong>
        <button class="tool" aria-label=${t('layers')} aria-expanded=${layers} aria-controls="layers" title=${t('layers.hint')} @click=${() => store.set({ layers: !store.get().layers })}>
          ${icon('layers')}<span>${t('layers')}</span>
        </button>`,
      element,
    );
  });
}

/** @param {Store} store @param {HTMLElement} element */
export function mountSettings(store, element) {
  store.watch((state) => [state.lang, state.open, state.words], () => {
    const { lang, open } = store.get();
    render(
      html`<button class="bare" aria-expanded=${open === 'help'} aria-controls="drawer" aria-label=${t('help')} title=${t('help')} @click=${() => store.set({ open: store.get().open === 'help' ? '' : 'help' })}>${icon('help')}</button>
        <label class="language" title=${t('language')}>
          <span aria-hidden="true">${lang.toUpperCase()}</span>
          <select aria-label=${t('language')} .value=${lang} @change=${(/** @type {Event} */ event) => store.set({ lang: /** @type {HTMLSelectElement} */ (event.target).value })}>
            ${Object.entries(LANGUAGES).map(([id, name]) => html`<option value=${id} lang=${id} ?selected=${id === lang}>${name}</option>`)}
          </select>
        </label>`,
      element,
    );
  });
}

/** Nearer, farther, everything, measure; the scale; the credit. */
import ScaleLine from 'ol/control/ScaleLine.js';
import { html, render } from 'lit-html';
import { viewOf } from '../map/map.js';
import { icon } from '../parts/icons.js';
import { collectionOf, extentOf, picture } from '../state.js';
import { t } from '../words/index.js';
import { credit } from './legend.js';

/** @import {Store} from '../types' */
/** @import OlMap from 'ol/Map.js' */

/** @param {Store} store @param {HTMLElement} element @param {OlMap} map */
export function mountControls(store, element, map) {
  const zoom = (/** @type {number} */ by) => {
    const { view } = store.get();
    if (view) store.set({ view: { ...view, zoom: Math.min(20, Math.max(1, Math.round(view.zoom + by))) } });
  };
  const whole = () => {
    const state = store.get();
    const box = extentOf(collectionOf(state, picture(state).collection));
    if (box) store.set({ view: viewOf(box, state.size) });
  };
  const buttons = element.appendChild(document.createElement('div'));
  buttons.className = 'card buttons';
  const scale = element.appendChild(document.createElement('div'));
  scale.className = 'scale';
  map.addControl(new ScaleLine({ target: scale, minWidth: 70 }));
  store.watch((state) => [state.tool, state.words], () => {
    const { tool } = store.get();
    element.setAttribute('aria-label', t('controls'));
    render(
      html`<button class="bare" aria-label=${t('zoom.in')} title=${t('zoom.in')} @click=${() => zoom(1)}>${icon('plus')}</button>
        <button class="bare" aria-label=${t('zoom.out')} title=${t('zoom.out')} @click=${() => zoom(-1)}>${icon('minus')}</button>
        <button class="bare" aria-label=${t('zoom.all')} title=${t('zoom.all')} @click=${whole}>${icon('extent')}</button>
        <button class="bare" aria-label=${t('measure')} title=${t('measure.hint')} aria-pressed=${tool === 'measure'} @click=${() => store.set({ tool: store.get().tool === 'measure' ? '' : 'measure' })}>${icon('ruler')}</button>`,
      buttons,
    );
  });
}

/** @param {Store} store @param {HTMLElement} element */
export function mountCredit(store, element) {
  store.watch((state) => [state.pictures, state.collections, state.basemap, state.config], (_, state) => {
    const text = credit(state);
    render(text ? html`<p title=${text}>${text}</p>` : html``, element);
  });
}

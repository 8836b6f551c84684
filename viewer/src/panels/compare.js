/** The comparison's own controls, over the map: names of the sides, the divider, the ways to compare. */
import { html, nothing, render } from 'lit-html';
import { setMode, showYearEarlier, stopCompare, swap, toggleFour } from '../compare.js';
import { icon } from '../parts/icons.js';
import { vars } from '../parts/vars.js';
import { nameOf } from '../parts/name.js';
import { t } from '../words/index.js';

/** @import {Store, State} from '../types' */

const MODES = /** @type {const} */ (['swipe', 'side', 'flicker', 'difference']);

/** @param {Store} store @param {HTMLElement} element */
export function mountCompare(store, element) {
  /** These lie over the map and under the panels, so they are the map's. */
  const divider = document.createElement('div');
  divider.className = 'divider';
  const tags = document.createElement('div');
  tags.className = 'tags';
  document.getElementById('map')?.append(divider, tags);

  store.watch((state) => [state.compare, state.swipe, state.words], () => {
    const { compare, swipe } = store.get();
    render(
      compare === 'swipe'
        ? html`<i ${vars({ '--at': `${swipe}%` })}></i
            ><input
              type="range"
              class="swipe"
              min="0"
              max="100"
              step="0.5"
              .value=${String(swipe)}
              aria-label=${t('compare.position')}
              @input=${(/** @type {Event} */ event) => store.set({ swipe: Number(/** @type {HTMLInputElement} */ (event.target).value) })}
            />`
        : nothing,
      divider,
    );
  });

  store.watch((state) => [state.compare, state.pictures, state.active, state.words, state.collections, state.days, state.swipe, state.blink], () => {
    const state = store.get();
    tags.dataset.mode = state.compare;
    tags.dataset.count = String(state.pictures.length);
    const order = state.pictures.map((_, i) => i);
    const shown = state.compare === 'side' ? [...order.slice(1), 0] : [1, 0];
    render(
      state.compare === '' ? nothing : html`${shown.filter((i) => i in state.pictures).map((i) => tag(store, state, i))}`,
      tags,
    );
    tags.style.setProperty('--swipe', `${state.swipe}%`);
  });

  store.watch((state) => [state.compare, state.pictures.length, state.words], () => {
    const { compare, pictures } = store.get();
    if (compare === '') return render(nothing, element);
    return render(
      html`<section class="card compare" aria-label=${t('compare')}>
        <div class="segments" role="radiogroup" aria-label=${t('compare.how')}>
          ${MODES.map(
            (mode) => html`<label><input type="radio" name="compare-mode" .checked=${compare === mode} @change=${() => setMode(store, mode)} /><span>${t(`compare.${mode}`)}</span></label>`,
          )}
        </div>
        ${compare === 'difference' ? html`<p class="sentence">${t('compare.difference.about')}</p>` : nothing}
        <button class="action" @click=${() => showYearEarlier(store)}>${t('compare.year')}</button>
        ${compare === 'flicker' ? html`<button class="action" @click=${() => store.set({ blink: 1 - store.get().blink })}>${t('compare.switch')}</button>` : nothing}
        ${compare === 'side' ? html`<button class="action wide" aria-pressed=${pictures.length > 2} @click=${() => toggleFour(store)}>${t('compare.four')}</button>` : nothing}
        <button class="bare" aria-label=${t('compare.swap')} title=${t('compare.swap')} @click=${() => swap(store)}>${icon('swap')}</button>
        <button class="bare" aria-label=${t('compare.stop')} title=${t('compare.stop')} @click=${() => stopCompare(store)}>${icon('close')}</button>
      </section>`,
      element,
    );
  });
}

/** @param {Store} store @param {State} state @param {number} index */
function tag(store, state, index) {
  const one = state.pictures[index];
  const text = nameOf(state, one);
  const front = state.compare === 'flicker' && state.blink === index;
  return html`<button class="tag ${front ? 'front' : ''}" aria-pressed=${state.active === index} title=${t('compare.choose')} @click=${() => store.set({ active: index })}>${text}</button>`;
}

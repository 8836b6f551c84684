/** What the colours mean, in words; a mark follows the value under the cursor or at the pin. */
import { html, nothing, render } from 'lit-html';
import * as addresses from '../addresses.js';
import { getJson } from '../api.js';
import { vars } from '../parts/vars.js';
import { inLanguage, picture, renderOf } from '../state.js';
import { numberText } from '../words/format.js';
import { language, t } from '../words/index.js';
import { styleWords } from '../parts/name.js';

/** @import {Store, State, Legend, PointValue, Picture} from '../types' */

/** @param {Picture} of @return {string} */
export function legendKey(of) {
  return `${of.collection}/${of.style}/${language()}`;
}

/** Ask for the legend of a picture once. @param {Store} store @param {Picture} of */
export async function askLegend(store, of) {
  const key = legendKey(of);
  if (!of.collection || !of.style || of.style === 'custom' || key in store.get().legends) return;
  store.set({ legends: { ...store.get().legends, [key]: { type: 'composite', title: '' } } });
  try {
    const legend = await getJson(addresses.legend(of, 'json', language()));
    store.set({ legends: { ...store.get().legends, [key]: legend } });
  } catch {
    // The words of the style itself stand in for a legend that does not come.
  }
}

/** @param {Store} store @param {HTMLElement} element */
export function mountLegend(store, element) {
  const box = element;
  store.watch((state) => [picture(state), state.collections, state.words], () => {
    const state = store.get();
    if (renderOf(state)) askLegend(store, picture(state));
  });
  store.watch((state) => [picture(state), state.legends, state.words, state.cursor, state.value, state.collections], () => {
    const state = store.get();
    const of = picture(state);
    box.setAttribute('aria-label', t('legend'));
    if (!of.style || !state.collections?.length) return render(nothing, box);
    const legend = state.legends[legendKey(of)];
    const shown = state.cursor ?? state.value;
    const { title, expert } = styleWords(renderOf(state, of), of.style);
    return render(
      html`<div class="card legend" data-kind=${legend?.type ?? ''}>
        <header><strong>${title}</strong>${expert ? html` <small>${expert}</small>` : nothing}${legend?.unit ? html`<small class="unit">${legend.unit}</small>` : nothing}</header>
        ${body(legend, shown, inLanguage(renderOf(state, of)?.['tilescope:descriptions'], language(), renderOf(state, of)?.description))}
      </div>`,
      box,
    );
  });
}

/** @param {Legend | undefined} legend @param {PointValue | null} shown @param {string} sentence */
function body(legend, shown, sentence) {
  if (legend?.type === 'ramp' && legend.colors?.length) return ramp(legend, single(shown), shown?.style?.class ?? '');
  if (legend?.type === 'classes' && legend.entries?.length) return classes(legend, shown);
  return html`<p class="sentence">${sentence}</p>`;
}

/** @param {PointValue | null} shown @return {number | null} */
function single(shown) {
  const value = shown?.valid ? shown.style?.value : null;
  return typeof value === 'number' ? value : null;
}

/** @param {Legend} legend @param {number | null} value @param {string} word what the value means */
function ramp({ min = 0, max = 1, colors = [], marks = [] }, value, word) {
  const place = (/** @type {number} */ at) => `${Math.min(100, Math.max(0, ((at - min) / (max - min)) * 100)).toFixed(1)}%`;
  return html`<div class="ramp" ${vars({ '--ramp': `linear-gradient(90deg, ${colors.filter(isColor).join(', ')})`, '--mark': value === null ? '0%' : place(value) })}>
      ${value === null ? nothing : html`<i></i>`}
    </div>
    ${marks.length > 1 ? html`<p class="ends"><span>${marks[0].label}</span><span>${marks[marks.length - 1].label}</span></p>` : nothing}
    <p class="ends"><span>${numberText(min)}</span>${value === null ? nothing : html`<b>${numberText(value)}${word ? ` · ${word}` : ''}</b>`}<span>${numberText(max)}</span></p>`;
}

/** @param {Legend} legend @param {PointValue | null} shown */
function classes({ entries = [] }, shown) {
  const value = single(shown);
  return html`<ul class="classes" tabindex="0">
    ${entries.map((entry) => {
      const here = value !== null && entry.value !== undefined && (entry.end === undefined ? value === entry.value : value >= entry.value && value < entry.end);
      return html`<li class=${here ? 'here' : ''}><i ${vars({ '--color': isColor(entry.color) ? entry.color : 'transparent' })}></i>${entry.label}</li>`;
    })}
  </ul>`;
}

/** @param {string} text */
function isColor(text) {
  return /^#[0-9a-f]{3,8}$/i.test(text);
}

/** @param {State} state */
export function credit(state) {
  const used = new Set(state.pictures.map((one) => state.collections?.find((known) => known.id === one.collection)?.['tilescope:attribution']).filter(Boolean));
  const base = state.config.basemaps.find((one) => one.title === state.basemap)?.attribution;
  return [...used, base].filter(Boolean).join(' · ');
}

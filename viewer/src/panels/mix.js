/** The visitor's own mix: three bands or a formula, checked here in words and by the server for good. */
import { html, nothing } from 'lit-html';
import * as addresses from '../addresses.js';
import { request } from '../api.js';
import { checkFormula } from '../formula.js';
import { picture, withPicture } from '../state.js';
import { t } from '../words/index.js';

/** @import {Store, Collection, Mix} from '../types' */

const RAMPS = ['viridis', 'cividis', 'ylgn', 'rdylgn', 'rdbu_r', 'blues', 'inferno', 'greys'];

/** What is being written, for each collection. @type {Map<string, {formula: boolean, mix: Mix, problem: string, busy: boolean}>} */
const drafts = new Map();

/** @param {Store} store @param {Collection} collection */
export function mixer(store, collection) {
  const names = bandsOf(collection);
  const of = picture(store.get());
  let draft = drafts.get(collection.id);
  if (!draft) {
    const shown = of.mix ?? { assets: names.slice(0, 3), expression: '', rescale: '', colormap_name: 'viridis' };
    drafts.set(collection.id, (draft = { formula: Boolean(of.mix?.expression), mix: { ...shown, assets: [...shown.assets] }, problem: '', busy: false }));
  }
  const my = draft;
  const redraw = () => store.set({ words: store.get().words + 1 });
  /** @param {Partial<Mix>} patch */
  const change = (patch) => {
    my.mix = { ...my.mix, ...patch };
    my.problem = '';
    redraw();
  };
  const [low = '', high = ''] = my.mix.rescale.split(',');

  const apply = async () => {
    const mix = { ...my.mix, expression: my.formula ? my.mix.expression.trim() : '', assets: my.formula ? [] : my.mix.assets };
    const wrong = my.formula ? checkFormula(mix.expression, names) : null;
    my.problem = wrong ? t(wrong.key, wrong.values) : '';
    if (wrong) return redraw();
    my.busy = true;
    redraw();
    const next = { ...picture(store.get()), style: 'custom', mix };
    try {
      // A few pixels tell what the server thinks of it, in its own words.
      await request(addresses.map(next, { bbox: store.get().bbox ?? [0, 0, 1, 1], width: 4, height: 4, format: 'png' }));
      store.set(withPicture(store.get(), next));
    } catch (error) {
      my.problem = /** @type {Error} */ (error).message || t('server.failed');
    }
    my.busy = false;
    return redraw();
  };

  return html`<div class="stack">
    <div class="segments" role="radiogroup" aria-label=${t('mix')}>
      <label><input type="radio" name="mix-kind" .checked=${!my.formula} @change=${() => { my.formula = false; redraw(); }} /><span>${t('mix.bands')}</span></label>
      <label><input type="radio" name="mix-kind" .checked=${my.formula} @change=${() => { my.formula = true; redraw(); }} /><span>${t('mix.formula')}</span></label>
    </div>
    ${my.formula
      ? html`<label class="field"><span>${t('mix.formula')}</span><input type="text" spellcheck="false" autocomplete="off" placeholder=${example(names)} .value=${my.mix.expression} @input=${(/** @type {Event} */ event) => { my.mix.expression = valueOf(event); my.problem = ''; }} @change=${redraw} /></label>
          <p class="sentence">${t('mix.known', { names: names.join(', ') })}</p>
          <label class="field"><span>${t('mix.ramp')}</span><select @change=${(/** @type {Event} */ event) => change({ colormap_name: valueOf(event) })}>${RAMPS.map((name) => html`<option .selected=${name === my.mix.colormap_name}>${name}</option>`)}</select></label>`
      : html`<div class="triple">${['red', 'green', 'blue'].map((channel, i) => html`<label class="field"><span>${t(`mix.${channel}`)}</span><select @change=${(/** @type {Event} */ event) => change({ assets: my.mix.assets.toSpliced(i, 1, valueOf(event)) })}>${names.map((name) => html`<option value=${name} .selected=${name === my.mix.assets[i]}>${name}</option>`)}</select></label>`)}</div>`}
    <div class="pair">
      <label class="field"><span>${t('mix.low')}</span><input type="number" step="any" .value=${low} placeholder="0" @change=${(/** @type {Event} */ event) => change({ rescale: range(valueOf(event), high) })} /></label>
      <label class="field"><span>${t('mix.high')}</span><input type="number" step="any" .value=${high} placeholder=${my.formula ? '1' : '0.3'} @change=${(/** @type {Event} */ event) => change({ rescale: range(low, valueOf(event)) })} /></label>
    </div>
    ${my.problem ? html`<p class="problem" role="alert">${my.problem}</p>` : nothing}
    <button class="action main" ?disabled=${my.busy} @click=${apply}>${t('mix.apply')}</button>
  </div>`;
}

/** @param {Collection} collection @return {string[]} the names that formulas know */
function bandsOf(collection) {
  const named = Object.entries(collection.item_assets ?? {}).flatMap(([name, asset]) => {
    const bands = /** @type {{name?: string}[] | undefined} */ (asset['bands'] ?? asset['eo:bands'] ?? asset['raster:bands']);
    return bands && bands.length > 1 ? bands.map((band, i) => band.name ?? `${name}_b${i + 1}`) : [name];
  });
  if (named.length) return named;
  return [...new Set(Object.values(collection.renders ?? {}).flatMap((render) => render.assets ?? []))];
}

/** @param {Event} event */
function valueOf(event) {
  return /** @type {HTMLInputElement} */ (event.target).value;
}

/** @param {string} low @param {string} high */
function range(low, high) {
  return low === '' && high === '' ? '' : `${low || 0},${high || 1}`;
}

/** @param {string[]} names */
function example(names) {
  const [a, b] = names.includes('B08') && names.includes('B04') ? ['B08', 'B04'] : [names[1] ?? names[0] ?? 'b1', names[0] ?? 'b2'];
  return `(${a}-${b})/(${a}+${b})`;
}

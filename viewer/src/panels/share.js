/** Addresses to take along: link, frame, tiles, services, QGIS. */
import { html, nothing, render } from 'lit-html';
import * as addresses from '../addresses.js';
import { BASE } from '../api.js';
import { formatLink } from '../link.js';
import { icon } from '../parts/icons.js';
import { collectionOf, picture } from '../state.js';
import { t } from '../words/index.js';

/** @import {Store, State} from '../types' */

/** @param {State} state @param {Partial<State>} [change] @return {string} the link that restores everything */
export function shareLink(state, change = {}) {
  return new URL(formatLink({ ...state, open: '', ...change }), BASE).href;
}

/** @param {string} text @return {string} for an HTML attribute */
function attribute(text) {
  return text.replace(/&/g, '&amp;').replace(/"/g, '&quot;').replace(/</g, '&lt;');
}

/** @param {Store} store @param {HTMLElement} element */
export function mount(store, element) {
  let copied = '';
  let preview = false;

  /** @param {string} name @param {string} text @param {HTMLInputElement | HTMLTextAreaElement | null} field */
  const copy = async (name, text, field) => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      field?.select();
      document.execCommand('copy'); // Without https there is no clipboard but this one.
    }
    copied = name;
    draw();
  };

  /** @param {string} name @param {string} about @param {string} text @param {boolean} [tall] */
  const line = (name, about, text, tall = false) => {
    const id = `share-${name.replace('.', '-')}`;
    const label = t(name);
    const onCopy = (/** @type {Event} */ event) => copy(name, text, /** @type {HTMLElement} */ (event.target).closest('.copyline')?.querySelector('input, textarea') ?? null);
    return html`<div class="copyline">
      <span class="label" aria-hidden="true">${label}</span>
      ${tall ? html`<textarea readonly rows="3" aria-label=${label} aria-describedby=${id} .value=${text}></textarea>` : html`<input type="text" readonly aria-label=${label} aria-describedby=${id} .value=${text} />`}
      <button class="bare" aria-label=${t(copied === name ? 'copied' : 'copy')} title=${t(copied === name ? 'copied' : 'copy')} @click=${onCopy}>${icon(copied === name ? 'check' : 'copy')}</button>
      <small id=${id}>${about}</small>
    </div>`;
  };

  function draw() {
    const state = store.get();
    const of = picture(state);
    const embedded = shareLink(state, { embed: true });
    const title = `${collectionOf(state, of.collection)?.title ?? ''} – ${state.config.title}`;
    const code = `<iframe src="${attribute(embedded)}" title="${attribute(title)}" width="800" height="500" style="border:0" allowfullscreen></iframe>`;
    render(
      html`${line('share.link', t('share.link.about'), shareLink(state))}
        ${line('share.embed', t('share.embed.about'), code, true)}
        <button class="quiet" aria-expanded=${preview} @click=${() => ((preview = !preview), draw())}>${t(preview ? 'share.preview.hide' : 'share.preview')}</button>
        ${preview ? html`<iframe class="preview" src=${embedded} title=${t('share.preview.title')}></iframe>` : nothing}
        <h3>${t('share.services')}</h3>
        ${line('share.xyz', t('share.xyz.about'), addresses.tiles(of, { strict: false, format: 'png' }))}
        ${line('share.wmts', t('share.wmts.about'), addresses.wmts(of.collection))}
        ${of.style === 'custom' ? nothing : line('share.tilejson', t('share.tilejson.about'), addresses.tilejson(of))}
        <a class="action main" href=${addresses.qgis(of)} download="${of.collection}.qlr">${t('share.qgis')}</a>
        <p class="sentence">${t('share.qgis.about')}</p>`,
      element,
    );
  }
  return store.watch((state) => [state.view, state.pictures, state.active, state.compare, state.opacity, state.tone, state.swipe, state.places, state.pin, state.words], () => {
    copied = '';
    draw();
  });
}

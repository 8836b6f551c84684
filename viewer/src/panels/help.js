/** Help: the keys, and the tour. */
import { html, render } from 'lit-html';
import { t } from '../words/index.js';
import { startTour } from './tour.js';

/** @import {Store} from '../types' */

const KEYS = [
  ['← →', 'help.arrows'],
  ['space', 'help.space'],
  ['⇧ + ← ↑ → ↓', 'help.pan'],
  ['Esc', 'help.escape'],
];

/** @param {Store} store @param {HTMLElement} element */
export function mount(store, element) {
  return store.watch((state) => state.words, () =>
    render(
      html`<p>${t('help.about')}</p>
        <button class="action main" @click=${() => { store.set({ open: '' }); startTour(store); }}>${t('tour.start')}</button>
        <h3>${t('help.keys')}</h3>
        <dl class="keys">${KEYS.map(([key, words]) => html`<div><dt><kbd>${key === 'space' ? t('help.spacebar') : key}</kbd></dt><dd>${t(words)}</dd></div>`)}</dl>
        <h3>${t('help.dots')}</h3>
        <ul class="dots"><li><i class="clear"></i>${t('help.clear')}</li><li><i class="some"></i>${t('help.some')}</li><li><i class="cloudy"></i>${t('help.cloudy')}</li><li><i class="chosen"></i>${t('help.chosen')}</li></ul>
        <p class="sentence">${t('help.size')}</p>
        <p class="sentence">${t('help.sources')}</p>`,
      element,
    ),
  );
}

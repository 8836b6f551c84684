/** The one drawer at the right. What is in it comes when it is opened for the first time. */
import { html, render } from 'lit-html';
import { icon } from '../parts/icons.js';
import { t } from '../words/index.js';

/** @import {Store, Drawer} from '../types' */
/** @import {Maps} from '../map/map.js' */

/** @typedef {(store: Store, element: HTMLElement, maps: Maps) => () => void} Mount fills the drawer; returns how to leave it */

/** @type {Record<Exclude<Drawer, ''>, () => Promise<{mount: Mount}>>} */
const LOAD = {
  lapse: () => import('./lapse.js'),
  chart: () => import('./chart.js'),
  download: () => import('./download.js'),
  share: () => import('./share.js'),
  find: () => import('./find.js'),
  help: () => import('./help.js'),
};

/** @param {Store} store @param {HTMLElement} element @param {Maps} maps */
export function mountDrawer(store, element, maps) {
  /** @type {(() => void) | null} */
  let leave = null;
  let body = document.createElement('div');
  let isFirst = true;

  const frame = () => {
    const { open } = store.get();
    render(
      open === ''
        ? html``
        : html`<section class="card drawer ${open}" aria-label=${t(open)}>
            <header>
              <h2 tabindex="-1">${t(open)}</h2>
              <button class="bare" aria-label=${t('close')} title=${t('close')} @click=${() => store.set({ open: '', tool: '', playing: false })}>${icon('close')}</button>
            </header>
            ${body}
          </section>`,
      element,
    );
  };

  store.watch((state) => state.open, async (open) => {
    leave?.();
    leave = null;
    body = document.createElement('div');
    body.className = 'body';
    const mine = body;
    document.body.dataset.drawer = open;
    frame();
    if (!open) return;
    if (!isFirst) /** @type {HTMLElement | null} */ (element.querySelector('h2'))?.focus({ preventScroll: true });
    const { mount } = await LOAD[open]();
    if (mine === body) leave = mount(store, mine, maps);
  });
  store.watch((state) => state.words, frame);
  isFirst = false;
}

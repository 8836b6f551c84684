/** The viewer, put together: a store, a map and panels that know nothing of each other. */
import { getJson } from './api.js';
import { formatLink, parseLink } from './link.js';
import { createMap } from './map/map.js';
import { followTool } from './map/tool.js';
import { followPointer } from './map/values.js';
import { mountCompare } from './panels/compare.js';
import { mountControls, mountCredit } from './panels/controls.js';
import { mountDrawer } from './panels/drawer.js';
import { mountLayers } from './panels/layers.js';
import { mountLegend } from './panels/legend.js';
import { mountNotice, mountStatus } from './panels/notice.js';
import { mountSearch } from './panels/search.js';
import { mountBrand, mountSettings, mountTools } from './panels/tools.js';
import { EMPTY, collectionOf, picture } from './state.js';
import { createStore } from './store.js';
import { listenKeys, mountTime } from './time/bar.js';
import { loadDays, opening } from './time/load.js';
import { dateText } from './words/format.js';
import { LANGUAGES, speak, t } from './words/index.js';

/** @import {Store, State} from './types' */

const LANGUAGE_KEY = 'tilescope.lang';
const PHONE = matchMedia('(max-width: 760px)');

/** @return {string} what was chosen before, else the browser's language where we speak it */
function usualLanguage() {
  const wanted = [remembered(), ...navigator.languages].map((tag) => (tag ?? '').slice(0, 2));
  return wanted.find((lang) => lang in LANGUAGES) ?? 'en';
}

/** @return {string | null} */
function remembered() {
  try {
    return localStorage.getItem(LANGUAGE_KEY);
  } catch {
    return null; // Storage may be forbidden, above all in frames.
  }
}

/** @param {string} id @return {HTMLElement} */
function part(id) {
  return /** @type {HTMLElement} */ (document.getElementById(id));
}

/** @return {State} */
function stateOfLink() {
  return { ...EMPTY, lang: usualLanguage(), layers: !PHONE.matches, ...parseLink(location.search) };
}

/** Collections and configuration, then everything that a link leaves open. @param {Store} store */
async function load(store) {
  const config = getJson('viewer-config.json').catch(() => null);
  try {
    const { collections } = await getJson('collections');
    store.set({ collections });
    store.set(opening(store.get()));
  } catch {
    store.set({ collections: [], problem: 'server.failed' });
  }
  const known = await config;
  if (known) store.set({ config: { ...EMPTY.config, ...known } });
}

/**
 * Keep the address equal to the state. What people would call a step goes into the history; moving the map does not.
 * @param {Store} store
 */
function keepLink(store) {
  let step = '';
  let first = true;
  store.listen((state) => {
    if (!state.collections || !state.view) return;
    const link = formatLink(state);
    const now = JSON.stringify([state.pictures, state.compare, state.open, state.playing]);
    const isStep = !first && now !== step && !state.playing;
    step = now;
    if (link === location.search) return;
    if (isStep) history.pushState(null, '', link);
    else history.replaceState(null, '', link);
    if (state.pictures[0].time) first = false;
  });
  addEventListener('popstate', () => {
    const { collections, config, days, legends, bbox, size, words } = store.get();
    store.set({ ...stateOfLink(), collections, config, days, legends, bbox, size, words, layers: store.get().layers });
    store.set(opening(store.get()));
  });
}

/** @param {Store} store */
function keepLanguage(store) {
  store.watch((state) => state.lang, async (lang) => {
    await speak(lang);
    document.documentElement.lang = lang;
    part('map').setAttribute('aria-label', t('map'));
    try {
      localStorage.setItem(LANGUAGE_KEY, lang);
    } catch {
      // See remembered().
    }
    store.set({ words: store.get().words + 1 });
  });
}

async function start() {
  const store = createStore(stateOfLink());
  const { embed, lang } = store.get();
  document.body.classList.toggle('embed', embed);
  await speak(lang);
  load(store);
  const maps = createMap(store, part('map'));
  mountBrand(store, part('brand'));
  mountTools(store, part('tools'));
  mountSettings(store, part('settings'));
  mountSearch(store, part('search'));
  mountLayers(store, part('layers'));
  mountLegend(store, part('legend'));
  mountTime(store, part('time'));
  mountNotice(store, part('notice'));
  mountStatus(store, part('status'));
  mountCompare(store, part('compare'));
  mountControls(store, part('controls'), maps.main);
  mountCredit(store, part('credit'));
  mountDrawer(store, part('drawer'), maps);
  followPointer(store, maps);
  followTool(store, maps.main);
  loadDays(store);
  listenKeys(store);
  keepLink(store);
  keepLanguage(store);
  store.watch((state) => [state.loading, picture(state).time], () => {
    const state = store.get();
    part('map').setAttribute('aria-busy', String(state.loading || !picture(state).time));
  });
  store.watch((state) => [picture(state).time, picture(state).collection, state.collections, state.config, state.words], () => {
    const state = store.get();
    const { title } = state.config;
    const collection = collectionOf(state, picture(state).collection);
    document.title = [picture(state).time && dateText(picture(state).time), collection?.title, title].filter(Boolean).join(' · ');
    part('title').textContent = title;
  });
  if (embed) import('./messages.js').then(({ listenMessages }) => listenMessages(store));
}

start();

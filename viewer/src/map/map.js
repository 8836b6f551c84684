/** The map: one pane, or several side by side that share a view. Keeps the view of the state and of the map equal. */
import { defaults as defaultInteractions } from 'ol/interaction/defaults.js';
import KeyboardPan from 'ol/interaction/KeyboardPan.js';
import KeyboardZoom from 'ol/interaction/KeyboardZoom.js';
import OlMap from 'ol/Map.js';
import { fromLonLat, toLonLat, transformExtent } from 'ol/proj.js';
import View from 'ol/View.js';
import { getRenderPixel } from 'ol/render.js';
import { calm } from '../parts/motion.js';
import { collectionOf, renderOf } from '../state.js';
import { addBackground } from './background.js';
import { createSlot } from './imagery.js';
import { addTone } from './tone.js';

/** @import {Store, State, Picture, Bbox} from '../types' */
/** @import TileLayer from 'ol/layer/Tile.js' */
/** @import {Slot} from './imagery.js' */

/** @typedef {{map: OlMap, element: HTMLElement, slots: Slot[]}} Pane */
/** @typedef {{main: OlMap, panes: () => Pane[], onPane: (run: (pane: Pane) => void) => void}} Maps */

const FLICKER_MS = 900;
const SIDE = 'side';

/**
 * @param {Store} store
 * @param {HTMLElement} element
 * @return {Maps}
 */
export function createMap(store, element) {
  const view = new View({ center: fromLonLat([15, 48]), zoom: 4, minZoom: 1, maxZoom: 20, constrainResolution: false, smoothExtentConstraint: true, extent: transformExtent([-200, -85, 200, 85], 'EPSG:4326', 'EPSG:3857') });
  /** @type {Pane[]} */
  const panes = [];
  /** @type {((pane: Pane) => void)[]} */
  const follow = [];

  /** @return {Pane} */
  function addPane() {
    const box = document.createElement('div');
    box.className = 'pane';
    element.append(box);
    const map = new OlMap({
      target: box,
      view,
      controls: [],
      keyboardEventTarget: element,
      interactions: defaultInteractions({ keyboard: false, altShiftDragRotate: false, pinchRotate: false }).extend([new KeyboardPan({ condition: (event) => event.originalEvent.shiftKey }), new KeyboardZoom()]),
      moveTolerance: 3,
    });
    const pane = { map, element: box, slots: [] };
    addBackground(store, map);
    panes.push(pane);
    for (const run of follow) run(pane);
    return pane;
  }

  const main = addPane();
  addTone(store, element);

  main.map.on('moveend', () => {
    const [lon, lat] = toLonLat(view.getCenter() ?? [0, 0]);
    const zoom = view.getZoom() ?? 2;
    if (!element.clientWidth || !store.get().view) return; // Before the first view is chosen there is nothing to keep.
    store.set({ view: { lon: round(lon, 6), lat: round(lat, 6), zoom: round(zoom, 3) }, bbox: visible(), size: [element.clientWidth, element.clientHeight] });
  });
  // OpenLayers tells of the end of a move from the second frame on; nothing else may ask for one.
  main.map.once('postrender', () => main.map.render());

  /** @return {Bbox} */
  function visible() {
    const [west, south, east, north] = transformExtent(view.calculateExtent(main.map.getSize()), 'EPSG:3857', 'EPSG:4326');
    if (east - west >= 360) return [-180, Math.max(south, -85), 180, Math.min(north, 85)];
    return [Math.max(-180, west), Math.max(south, -85), Math.min(180, east), Math.min(north, 85)];
  }

  store.watch((state) => state.view, (wanted) => {
    if (!wanted) return;
    const center = fromLonLat([wanted.lon, wanted.lat]);
    const now = view.getCenter() ?? [0, 0];
    const resolution = view.getResolution() ?? 1;
    const off = Math.hypot(center[0] - now[0], center[1] - now[1]) / resolution;
    if (off < 1 && Math.abs((view.getZoom() ?? 0) - wanted.zoom) < 0.002) return;
    if (calm() || off > 4000 || !store.get().bbox) {
      view.setCenter(center);
      view.setZoom(wanted.zoom);
    } else view.animate({ center, zoom: wanted.zoom, duration: 400 });
  });

  /** @type {ReturnType<typeof setInterval> | undefined} */
  let flicker;
  store.watch((state) => [state.compare, state.pictures, state.collections], () => {
    const state = store.get();
    arrange(state);
    clearInterval(flicker);
    if (state.compare === 'flicker' && !calm()) {
      flicker = setInterval(() => store.set({ blink: 1 - store.get().blink }), FLICKER_MS);
    }
  });
  store.watch((state) => [state.active, state.compare, state.blink, state.pictures], () => {
    const { active, compare, pictures, blink } = store.get();
    if (compare === 'flicker') main.slots.forEach((slot, i) => slot.visible(i === blink));
    else main.slots.forEach((slot) => slot.visible(true));
    main.map.render(); // Clipping and taking differences happen while drawing.
    panes.forEach((pane, i) => pane.element.classList.toggle('active', pictures.length > 1 && compare === SIDE && i === active));
  });
  store.watch((state) => state.swipe, () => main.map.render());

  /** @param {State} state */
  function arrange(state) {
    if (!state.collections) return;
    const wanted = state.compare === SIDE ? state.pictures.length : 1;
    while (panes.length < wanted) addPane();
    while (panes.length > wanted) {
      const pane = panes.pop();
      pane?.slots.forEach((slot) => slot.remove());
      pane?.map.setTarget(undefined);
      pane?.element.remove();
    }
    element.dataset.panes = String(panes.length);
    const inMain = state.compare === SIDE ? state.pictures.slice(0, 1) : state.pictures.slice(0, state.compare ? 2 : 1);
    fill(main, inMain.length);
    inMain.forEach((one, i) => main.slots[i].show(known(state, one)));
    panes.slice(1).forEach((pane, i) => {
      fill(pane, 1);
      pane.slots[0].show(known(state, state.pictures[i + 1]));
    });
    panes.forEach((pane) => pane.map.updateSize());
  }

  /** @param {Pane} pane @param {number} count */
  function fill(pane, count) {
    while (pane.slots.length < count) {
      const index = pane.slots.length;
      pane.slots.push(createSlot(store, pane.map, 2 + 2 * index, pane === main && index === 1 ? clip : undefined));
    }
    while (pane.slots.length > count) pane.slots.pop()?.remove();
  }

  /** The second picture covers what lies left of the divider, as earlier is left; or it is taken from the first. @param {TileLayer} layer */
  function clip(layer) {
    layer.on('prerender', (event) => {
      const { compare, swipe } = store.get();
      const context = /** @type {CanvasRenderingContext2D} */ (event.context);
      const [width, height] = main.map.getSize() ?? [0, 0];
      const edge = compare === 'swipe' ? (width * swipe) / 100 : width;
      context.save();
      context.beginPath();
      for (const corner of [[0, 0], [edge, 0], [edge, height], [0, height]]) context.lineTo(...xy(getRenderPixel(event, corner)));
      context.closePath();
      context.clip();
      if (compare === 'difference') context.globalCompositeOperation = 'difference';
    });
    layer.on('postrender', (event) => /** @type {CanvasRenderingContext2D} */ (event.context).restore());
  }

  main.map.on('loadstart', () => store.set({ loading: true }));
  main.map.on('loadend', () => store.set({ loading: false }));
  new ResizeObserver(() => panes.forEach((pane) => pane.map.updateSize())).observe(element);

  return {
    main: main.map,
    panes: () => panes,
    onPane(run) {
      follow.push(run);
      panes.forEach(run);
    },
  };
}

/** Nothing is asked of collections and styles that are not there. @param {State} state @param {Picture} one @return {Picture | null} */
function known(state, one) {
  return renderOf(state, one) || (one.style === 'custom' && collectionOf(state, one.collection)) ? one : null;
}

/** @param {number[]} pixel @return {[number, number]} */
function xy([x, y]) {
  return [x, y];
}

/** @param {number} value @param {number} digits */
function round(value, digits) {
  return Number(value.toFixed(digits));
}

/**
 * The view in which a box fills the map.
 * @param {Bbox} box
 * @param {[number, number]} size of the map in pixels
 * @param {boolean} [cover] rather fill the map than see the whole box
 * @return {{lon: number, lat: number, zoom: number}}
 */
export function viewOf(box, [width, height], cover = false) {
  const [west, south, east, north] = transformExtent([box[0], Math.max(box[1], -85), box[2] < box[0] ? box[2] + 360 : box[2], Math.min(box[3], 85)], 'EPSG:4326', 'EPSG:3857');
  const resolution = Math.max(Math[cover ? 'min' : 'max']((east - west) / width, (north - south) / height), 0.1);
  const [lon, lat] = toLonLat([(west + east) / 2, (south + north) / 2]);
  return { lon: round(lon, 6), lat: round(lat, 6), zoom: round(Math.min(Math.log2(156543.03392804097 / resolution), 18), 2) };
}

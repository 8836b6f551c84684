/** A picture as tiles. A new picture replaces the old one only when it is painted, so that the map never blinks. */
import TileLayer from 'ol/layer/Tile.js';
import { unByKey } from 'ol/Observable.js';
import XYZ from 'ol/source/XYZ.js';
import TileState from 'ol/TileState.js';
import * as addresses from '../addresses.js';
import { extentOf, renderOf, collectionOf } from '../state.js';
import { transformExtent } from 'ol/proj.js';
import { calm } from '../parts/motion.js';

/** @import OlMap from 'ol/Map.js' */
/** @import ImageTile from 'ol/ImageTile.js' */
/** @import {Store, State, Picture} from '../types' */

const RETRIES = 3;
const PATIENCE = 2500;

/** @param {State} state @param {Picture} picture @return {boolean} whether pixels are classes and must stay hard */
export function isClasses(state, picture) {
  const render = renderOf(state, picture);
  return render?.resampling === 'nearest' && Boolean(render?.['tilescope:classes']?.length);
}

/**
 * @param {State} state
 * @param {Picture} picture
 * @param {AbortSignal} signal when the tiles are not wanted any more
 * @return {XYZ}
 */
function imagerySource(state, picture, signal) {
  const retina = devicePixelRatio > 1.3;
  const classes = isClasses(state, picture);
  const collection = collectionOf(state, picture.collection);
  return new XYZ({
    url: addresses.tiles(picture, { retina }),
    tilePixelRatio: retina ? 2 : 1,
    maxZoom: (collection?.['tilescope:maxzoom'] ?? 18) + 1,
    interpolate: !classes,
    transition: calm() ? 0 : 200,
    tileLoadFunction: (tile, address) => load(/** @type {ImageTile} */ (tile), address, signal),
  });
}

/**
 * Tiles are fetched rather than left to the img element to obey 503 with Retry-After.
 * @param {ImageTile} tile
 * @param {string} address
 * @param {AbortSignal} signal
 */
async function load(tile, address, signal) {
  const image = /** @type {HTMLImageElement} */ (tile.getImage());
  try {
    for (let attempt = 0; ; attempt++) {
      const response = await fetch(address, { signal });
      if (response.status === 503 && attempt < RETRIES) {
        const seconds = Number(response.headers.get('Retry-After')) || 1;
        await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
        continue;
      }
      if (!response.ok) throw new Error(String(response.status));
      const url = URL.createObjectURL(await response.blob());
      const free = () => URL.revokeObjectURL(url);
      image.addEventListener('load', free, { once: true });
      image.addEventListener('error', free, { once: true });
      image.src = url;
      return;
    }
  } catch {
    tile.setState(signal.aborted ? TileState.EMPTY : TileState.ERROR);
  }
}

/**
 * A place in the stack of layers that shows one picture at a time.
 * @typedef {object} Slot
 * @property {(picture: Picture | null) => void} show
 * @property {(visible: boolean) => void} visible
 * @property {() => void} remove
 */

/**
 * @param {Store} store
 * @param {OlMap} map
 * @param {number} zIndex
 * @param {(layer: TileLayer) => void} [prepare] called for every layer made, e.g. to clip it
 * @return {Slot}
 */
export function createSlot(store, map, zIndex, prepare) {
  /** @type {TileLayer | null} */
  let shown = null;
  let key = '';
  let isVisible = true;
  let control = new AbortController();
  /** @type {(() => void) | null} */
  let finish = null;

  /** @param {TileLayer} layer @param {TileLayer} old */
  function replace(layer, old) {
    finish?.();
    const done = () => {
      unByKey(waiting);
      clearTimeout(timer);
      map.removeLayer(old);
      finish = null;
    };
    const waiting = map.on('rendercomplete', done);
    const timer = setTimeout(done, PATIENCE);
    finish = done;
    layer.setZIndex(zIndex + 0.5);
  }

  /** @type {Slot} */
  const slot = {
    show(picture) {
      const next = picture?.collection && picture.style && picture.time ? JSON.stringify(picture) : '';
      if (next === key) return;
      key = next;
      control.abort(); // What was on its way would only keep the new tiles waiting.
      control = new AbortController();
      const old = shown;
      shown = null;
      if (!picture || !next) {
        finish?.();
        if (old) map.removeLayer(old);
        return;
      }
      const state = store.get();
      const source = imagerySource(state, picture, control.signal);
      source.on('tileloaderror', () => store.set({ notice: { key: 'tiles.failed', kind: 'warning', actions: [{ key: 'try.again', run: () => source.refresh() }] } }));
      const box = extentOf(collectionOf(state, picture.collection));
      const layer = new TileLayer({ source, className: 'imagery', zIndex, opacity: state.opacity / 100, visible: isVisible, preload: 0 });
      if (box && box[0] < box[2]) layer.setExtent(transformExtent([box[0], Math.max(box[1], -85), box[2], Math.min(box[3], 85)], 'EPSG:4326', 'EPSG:3857'));
      layer.set('slot', slot);
      prepare?.(layer);
      map.addLayer(layer);
      shown = layer;
      if (old) replace(layer, old);
    },
    visible(visible) {
      isVisible = visible;
      shown?.setVisible(visible);
    },
    remove() {
      stopOpacity();
      finish?.();
      control.abort();
      if (shown) map.removeLayer(shown);
      shown = null;
      key = '';
    },
  };
  const stopOpacity = store.watch((state) => state.opacity, (opacity) => {
    for (const layer of map.getLayers().getArray()) if (layer.get('slot') === slot) layer.setOpacity(opacity / 100);
  });
  return slot;
}

/** Our own coast lines and borders, so that a base map is never needed. */
import TopoJSON from 'ol/format/TopoJSON.js';
import TileLayer from 'ol/layer/Tile.js';
import VectorLayer from 'ol/layer/Vector.js';
import VectorSource from 'ol/source/Vector.js';
import XYZ from 'ol/source/XYZ.js';
import { Fill, Stroke, Style } from 'ol/style.js';
import coarse from 'world-atlas/countries-110m.json?url';
import fine from 'world-atlas/countries-50m.json?url';
import { getJson } from '../api.js';

/** @import OlMap from 'ol/Map.js' */
/** @import {Store} from '../types' */

/** Between these zooms the finer lines are worth their bytes; beyond, even they lie beside the truth. */
const FINE_ZOOM = 4;
const LAST_ZOOM = 9.5;

const land = new VectorSource({ wrapX: true });
const format = new TopoJSON({ dataProjection: 'EPSG:4326', layers: ['countries'] });
let loaded = 0;

/** @param {1 | 2} wanted coarse or fine */
async function load(wanted) {
  if (loaded >= wanted) return;
  const before = loaded;
  loaded = wanted;
  try {
    const topology = await getJson(wanted === 1 ? coarse : fine);
    if (loaded > wanted) return;
    land.clear(true);
    land.addFeatures(format.readFeatures(topology, { featureProjection: 'EPSG:3857' }));
  } catch {
    loaded = before; // A map without coast lines is still a map; the next move tries again.
  }
}

/** @param {string} name of a CSS variable @return {string} */
function token(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/**
 * @param {Store} store
 * @param {OlMap} map
 */
export function addBackground(store, map) {
  const fillLayer = new VectorLayer({ source: land, className: 'background', zIndex: 0, updateWhileAnimating: true, updateWhileInteracting: true });
  const lines = new VectorLayer({ source: land, className: 'lines', zIndex: 20, updateWhileAnimating: true, updateWhileInteracting: true });
  const paint = () => {
    fillLayer.setStyle(new Style({ fill: new Fill({ color: token('--land') }), stroke: new Stroke({ color: token('--border'), width: 1 }) }));
    lines.setStyle(new Style({ stroke: new Stroke({ color: token('--border-over'), width: 0.8 }) }));
  };
  paint();
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', paint);
  map.addLayer(fillLayer);
  map.addLayer(lines);

  let moves = 0;
  const look = () => {
    const zoom = map.getView().getZoom() ?? 2;
    // The first picture comes first: finer lines wait until somebody moves the map.
    load(moves++ > 0 && zoom >= FINE_ZOOM && zoom < LAST_ZOOM ? 2 : 1);
    lines.setOpacity(Math.min(1, Math.max(0, (LAST_ZOOM - zoom) / 2)));
    lines.setVisible(zoom < LAST_ZOOM);
  };
  map.on('moveend', look);

  /** @type {TileLayer | null} */
  let base = null;
  store.watch((state) => [state.basemap, state.config], () => {
    if (base) map.removeLayer(base);
    base = null;
    const { config, basemap } = store.get();
    const chosen = config.basemaps.find((one) => one.title === basemap);
    if (!chosen) return;
    base = new TileLayer({ source: new XYZ({ url: chosen.url, crossOrigin: 'anonymous' }), zIndex: 1, className: 'basemap' });
    map.addLayer(base);
  });
}

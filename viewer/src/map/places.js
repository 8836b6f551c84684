/** The places of the chart on the map: shown, added by a click, drawn as areas. */
import Feature from 'ol/Feature.js';
import GeoJSON from 'ol/format/GeoJSON.js';
import Draw from 'ol/interaction/Draw.js';
import VectorLayer from 'ol/layer/Vector.js';
import { toLonLat } from 'ol/proj.js';
import VectorSource from 'ol/source/Vector.js';
import { Circle, Fill, Stroke, Style } from 'ol/style.js';
import { COLORS } from '../chart/plot.js';

/** @import {Store, Place} from '../types' */
/** @import {Maps} from './map.js' */

const MOST = 6;
const format = new GeoJSON({ featureProjection: 'EPSG:3857' });

/** @param {string} color @return {Style[]} white below, so that it is seen on any picture */
function look(color) {
  return [
    new Style({ stroke: new Stroke({ color: '#fff', width: 5 }), image: new Circle({ radius: 8, fill: new Fill({ color }), stroke: new Stroke({ color: '#fff', width: 3 }) }) }),
    new Style({ stroke: new Stroke({ color, width: 2.5 }), fill: new Fill({ color: `${color}22` }) }),
  ];
}

/** @param {Store} store @param {Maps} maps @return {() => void} */
export function editPlaces(store, maps) {
  const source = new VectorSource();
  const layer = new VectorLayer({ source, zIndex: 30, className: 'places' });
  maps.main.addLayer(layer);

  const add = (/** @type {Place} */ place) => store.set({ places: [...store.get().places, place].slice(-MOST) });
  const onClick = (/** @type {import('ol/MapBrowserEvent.js').default} */ event) => {
    if (store.get().tool) return;
    const [lon, lat] = toLonLat(event.coordinate);
    add({ name: '', geometry: { type: 'Point', coordinates: [Number(lon.toFixed(6)), Number(lat.toFixed(6))] } });
  };
  maps.main.on('click', onClick);

  /** @type {Draw | null} */
  let draw = null;
  const stops = [
    store.watch((state) => state.places, (places) => {
      source.clear();
      places.forEach((place, i) => {
        const feature = new Feature(format.readGeometry(place.geometry) ?? undefined);
        feature.setStyle(look(COLORS[i % COLORS.length]));
        source.addFeature(feature);
      });
    }),
    store.watch((state) => state.tool, (tool) => {
      if (draw) maps.main.removeInteraction(draw);
      draw = null;
      document.getElementById('map')?.classList.toggle('crosshair', tool !== '');
      if (tool !== 'area') return;
      draw = new Draw({ type: 'Polygon', source: new VectorSource(), style: look(COLORS[store.get().places.length % COLORS.length]) });
      draw.on('drawend', (event) => {
        const geometry = event.feature.getGeometry();
        if (geometry) add({ name: '', geometry: /** @type {import('geojson').Polygon} */ (format.writeGeometryObject(geometry, { decimals: 6 })) });
        // After this event, else the click that closed the ring would add a point.
        setTimeout(() => store.set({ tool: '' }), 300);
      });
      maps.main.addInteraction(draw);
    }),
  ];
  return () => {
    stops.forEach((stop) => stop());
    if (draw) maps.main.removeInteraction(draw);
    maps.main.un('click', onClick);
    maps.main.removeLayer(layer);
  };
}

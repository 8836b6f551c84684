/** Lengths and areas on the globe, drawn by hand. */
import Draw from 'ol/interaction/Draw.js';
import VectorLayer from 'ol/layer/Vector.js';
import Overlay from 'ol/Overlay.js';
import { getArea, getLength } from 'ol/sphere.js';
import Polygon from 'ol/geom/Polygon.js';
import VectorSource from 'ol/source/Vector.js';
import { Circle, Fill, Stroke, Style } from 'ol/style.js';
import { areaText, lengthText } from '../words/format.js';
import { t } from '../words/index.js';

/** @import LineString from 'ol/geom/LineString.js' */
/** @import OlMap from 'ol/Map.js' */

const look = [
  new Style({ stroke: new Stroke({ color: '#fff', width: 5 }) }),
  new Style({ stroke: new Stroke({ color: '#10211d', width: 2, lineDash: [6, 4] }), image: new Circle({ radius: 5, fill: new Fill({ color: '#f2a900' }), stroke: new Stroke({ color: '#fff', width: 2 }) }) }),
];

/** @param {OlMap} map @return {() => void} how to stop */
export function measure(map) {
  const source = new VectorSource();
  const layer = new VectorLayer({ source, zIndex: 31, style: look });
  const draw = new Draw({ type: 'LineString', source, style: look });
  const tag = document.createElement('div');
  tag.className = 'tip measured';
  tag.setAttribute('role', 'status');
  const overlay = new Overlay({ element: tag, positioning: 'bottom-left', offset: [12, -8], stopEvent: false });
  map.addLayer(layer);
  map.addInteraction(draw);
  map.addOverlay(overlay);
  tag.textContent = t('measure.start');
  overlay.setPosition(map.getView().getCenter());

  draw.on('drawstart', (event) => {
    source.clear();
    const line = /** @type {LineString} */ (event.feature.getGeometry());
    line.on('change', () => {
      const points = line.getCoordinates();
      const parts = [lengthText(getLength(line))];
      if (points.length > 3) parts.push(areaText(getArea(new Polygon([[...points, points[0]]]))));
      tag.textContent = parts.join(' · ');
      overlay.setPosition(line.getLastCoordinate());
    });
  });
  const moved = (/** @type {import('ol/MapBrowserEvent.js').default} */ event) => {
    if (!source.getFeatures().length && tag.textContent === t('measure.start')) overlay.setPosition(event.coordinate);
  };
  map.on('pointermove', moved);
  return () => {
    map.un('pointermove', moved);
    map.removeLayer(layer);
    map.removeInteraction(draw);
    map.removeOverlay(overlay);
  };
}

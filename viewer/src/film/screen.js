/** Shows a film's frame in its place on the map, above the tiles. */
import Layer from 'ol/layer/Layer.js';

/** @import OlMap from 'ol/Map.js' */
/** @import {Window} from './frames.js' */

/**
 * @param {OlMap} map
 * @return {{show: (image: HTMLImageElement | null, window: Window) => void, remove: () => void}}
 */
export function createScreen(map) {
  const canvas = document.createElement('canvas');
  canvas.className = 'film';
  /** @type {HTMLImageElement | null} */
  let shown = null;
  let [left, bottom, right, top] = [0, 0, 0, 0];
  const layer = new Layer({
    zIndex: 10,
    render(frame) {
      const [width, height] = frame.size;
      const ratio = frame.pixelRatio;
      if (canvas.width !== Math.round(width * ratio)) canvas.width = Math.round(width * ratio);
      if (canvas.height !== Math.round(height * ratio)) canvas.height = Math.round(height * ratio);
      canvas.style.width = `${width}px`;
      canvas.style.height = `${height}px`;
      const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
      context.clearRect(0, 0, canvas.width, canvas.height);
      const { center, resolution } = frame.viewState;
      const x = (left - center[0]) / resolution + width / 2;
      const y = (center[1] - top) / resolution + height / 2;
      if (shown) context.drawImage(shown, x * ratio, y * ratio, ((right - left) / resolution) * ratio, ((top - bottom) / resolution) * ratio);
      return canvas;
    },
  });
  map.addLayer(layer);
  return {
    show(image, window) {
      shown = image;
      [left, bottom, right, top] = window.extent;
      layer.changed();
    },
    remove: () => map.removeLayer(layer),
  };
}

/** The measuring tool comes when it is first wanted. */

/** @import {Store} from '../types' */
/** @import OlMap from 'ol/Map.js' */

/** @param {Store} store @param {OlMap} map */
export function followTool(store, map) {
  /** @type {(() => void) | null} */
  let stop = null;
  store.watch((state) => state.tool, async (tool) => {
    document.getElementById('map')?.classList.toggle('crosshair', tool !== '');
    stop?.();
    stop = null;
    if (tool !== 'measure') return;
    const { measure } = await import('./measure.js');
    if (store.get().tool === 'measure' && !stop) stop = measure(map);
  });
}

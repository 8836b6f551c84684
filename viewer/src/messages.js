/**
 * Talking with the page around an embedded viewer, by postMessage.
 *
 * In:  {tilescope: 'setView', lon, lat, zoom} · {tilescope: 'setTime', time} · {tilescope: 'setStyle', style}
 *      · {tilescope: 'setCollection', collection}
 * Out: {tilescope: 'ready'} · {tilescope: 'view', lon, lat, zoom} · {tilescope: 'time', time, cloud, cover}
 *      · {tilescope: 'pick', lon, lat, datetime, value, unit}
 *
 * Anyone may frame an embedded viewer, and it holds nothing but public pictures: messages go to any origin, and what
 * comes in can only choose what is shown.
 */
import { parseLink } from './link.js';
import { chooseCollection } from './panels/layers.js';
import { collectionOf, dayOf, picture, renderOf, withPicture } from './state.js';

/** @import {Store} from './types' */

/** @param {Store} store */
export function listenMessages(store) {
  if (parent === window) return;
  const say = (/** @type {Record<string, unknown>} */ message) => parent.postMessage(message, '*');

  addEventListener('message', ({ source, data }) => {
    if (source !== parent || typeof data?.tilescope !== 'string') return;
    const state = store.get();
    if (data.tilescope === 'setView') {
      const { view } = parseLink(`?view=${Number(data.lon)},${Number(data.lat)},${Number(data.zoom)}`);
      if (view) store.set({ view });
    } else if (data.tilescope === 'setTime') {
      const time = parseLink(`?time=${encodeURIComponent(String(data.time))}`).pictures?.[0].time;
      if (time) store.set(withPicture(state, { time }));
    } else if (data.tilescope === 'setStyle') {
      const style = String(data.style);
      if (renderOf(state, { ...picture(state), style })) store.set(withPicture(state, { style, mix: null }));
    } else if (data.tilescope === 'setCollection' && collectionOf(state, String(data.collection))) chooseCollection(store, String(data.collection));
  });

  store.watch((state) => state.view, (view) => view && say({ tilescope: 'view', ...view }));
  store.watch((state) => [picture(state).time, dayOf(state)?.cloud], () => {
    const state = store.get();
    const day = dayOf(state);
    if (picture(state).time) say({ tilescope: 'time', time: picture(state).time, cloud: day?.cloud ?? null, cover: day?.cover ?? null });
  });
  store.watch((state) => state.value, (value) => value && say({ tilescope: 'pick', lon: value.lon, lat: value.lat, datetime: value.datetime, value: value.style?.value ?? null, unit: value.style?.unit ?? '' }));
  say({ tilescope: 'ready' });
}

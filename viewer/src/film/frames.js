/** The frames of a film: one picture of the view for each day, fetched ahead, a few at a time. */
import * as addresses from '../addresses.js';

/** @import {Picture} from '../types' */

/** @typedef {{date: string, image: HTMLImageElement | null, failed: boolean}} Frame */
/** @typedef {{extent: number[], width: number, height: number}} Window in EPSG:3857 and pixels */

const AT_ONCE = 4;
const WIDEST = 1600;

/** @param {Window} window @return {Window} no larger than what is worth its bytes */
export function fitWindow({ extent, width, height }) {
  const scale = Math.min(1, WIDEST / Math.max(width, height));
  return { extent, width: Math.round(width * scale), height: Math.round(height * scale) };
}

/**
 * @param {Picture} picture
 * @param {string[]} dates
 * @param {Window} window
 * @param {(frames: Frame[]) => void} onChange
 * @return {{frames: Frame[], first: (index: number) => void, stop: () => void}} `first` says which to fetch next
 */
export function fetchFrames(picture, dates, window, onChange) {
  /** @type {Frame[]} */
  const frames = dates.map((date) => ({ date, image: null, failed: false }));
  const waiting = new Set(frames.keys());
  let start = 0;
  let running = 0;
  let stopped = false;

  const next = () => {
    const order = [...waiting].sort((a, b) => ((a - start + frames.length) % frames.length) - ((b - start + frames.length) % frames.length));
    return order[0];
  };
  const run = async () => {
    while (!stopped && running < AT_ONCE && waiting.size) {
      const index = next();
      waiting.delete(index);
      running++;
      load(index).finally(() => {
        running--;
        if (stopped) return;
        onChange(frames);
        run();
      });
    }
  };
  /** @param {number} index */
  const load = async (index) => {
    const frame = frames[index];
    const image = new Image();
    image.src = addresses.map({ ...picture, time: frame.date }, { bbox: window.extent, crs: 'EPSG:3857', width: window.width, height: window.height, format: 'webp' });
    try {
      await image.decode();
      frame.image = image;
    } catch {
      frame.failed = true;
    }
  };
  run();
  return {
    frames,
    first(index) {
      start = index;
    },
    stop() {
      stopped = true;
    },
  };
}

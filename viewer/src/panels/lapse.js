/** The time lapse: frames fetched ahead and played, bad ones unticked, saved as a film by the server. */
import { transformExtent } from 'ol/proj.js';
import { html, nothing, render } from 'lit-html';
import { isAbort } from '../api.js';
import { vars } from '../parts/vars.js';
import { fetchFrames, fitWindow } from '../film/frames.js';
import { orderFilm } from '../film/order.js';
import { createScreen } from '../film/screen.js';
import { daysOf, picture, withPicture } from '../state.js';
import { within } from '../time/days.js';
import { dateText, dayText } from '../words/format.js';
import { language, t } from '../words/index.js';
import { slider } from './layers.js';

/** @import {Store, State, Day, Lapse} from '../types' */
/** @import {Maps} from '../map/map.js' */

const FORMATS = { mp4: 'MP4', gif: 'GIF', webm: 'WebM', webp: 'WebP' };
const WAIT_MS = 60;

/** @param {Store} store @param {HTMLElement} element @param {Maps} maps */
export function mount(store, element, maps) {
  const screen = createScreen(maps.main);
  /** @type {ReturnType<typeof fetchFrames> | null} */
  let film = null;
  let window = fitWindow({ extent: [0, 0, 1, 1], width: 1, height: 1 });
  let index = 0;
  let shown = -1;
  let ready = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  let format = 'mp4';
  let order = { busy: false, progress: 0, href: '', problem: '', control: new AbortController() };

  /** @param {State} state @return {Day[]} */
  const listed = (state) => within(daysOf(state)?.list ?? [], state.lapse);
  /** @param {State} state @return {Day[]} */
  const chosen = (state) => listed(state).filter((day) => !state.lapse.off.includes(day.date));
  /** @param {Partial<Lapse>} patch */
  const set = (patch) => store.set({ lapse: { ...store.get().lapse, ...patch } });

  /** What the frames at hand are of, so that they are not fetched twice. */
  let had = '';
  const fetchAgain = () => {
    const { bbox, pictures, active, size, loading, playing } = store.get();
    const of = pictures[active] ?? pictures[0];
    const key = JSON.stringify([bbox, size, of.collection, of.style, of.mix, chosen(store.get()).map((day) => day.date)]);
    if (key === had || (loading && !playing)) return; // The map's own tiles come first.
    had = key;
    fetchAll();
  };

  function fetchAll() {
    film?.stop();
    film = null;
    shown = -1;
    const state = store.get();
    if (!state.bbox || !state.size[0]) return;
    const extent = transformExtent(state.bbox, 'EPSG:4326', 'EPSG:3857');
    window = fitWindow({ extent, width: state.size[0] * devicePixelRatio, height: state.size[1] * devicePixelRatio });
    const dates = chosen(state).map((day) => day.date);
    const { time } = picture(state);
    index = Math.max(0, dates.indexOf(state.film || time));
    ready = 0;
    if (!dates.length) return draw();
    film = fetchFrames(picture(state), dates, window, (frames) => {
      ready = frames.filter((frame) => frame.image || frame.failed).length;
      draw();
    });
    film.first(index);
    draw();
  }

  /** @param {number} next @return {boolean} whether it could be shown */
  function show(next) {
    const frame = film?.frames[next];
    if (!frame?.image) return false;
    index = next;
    shown = next;
    screen.show(frame.image, window);
    store.set({ film: frame.date });
    return true;
  }

  function tick() {
    clearTimeout(timer);
    const state = store.get();
    if (!state.playing || !film) return;
    const count = film.frames.length;
    let next = shown < 0 ? index : (index + 1) % count;
    for (let tried = 0; film.frames[next]?.failed && tried < count; tried++) next = (next + 1) % count;
    film.first(next);
    const done = show(next);
    timer = setTimeout(tick, done ? 1000 / state.lapse.speed : WAIT_MS);
    if (done) draw();
  }

  /** The frame becomes the picture; it stays on the screen until its tiles are painted. */
  function settle() {
    clearTimeout(timer);
    const { film: date } = store.get();
    if (!date) return;
    maps.main.once('rendercomplete', () => !store.get().playing && !store.get().film && screen.show(null, window));
    store.set({ ...withPicture(store.get(), { time: date }), film: '' });
  }

  async function exportFilm() {
    const state = store.get();
    order = { busy: true, progress: 0, href: '', problem: '', control: new AbortController() };
    draw();
    try {
      const dates = chosen(state).map((day) => day.date);
      /** @type {import('../types').Bbox} */
      const bbox = state.bbox ?? [0, 0, 0, 0];
      const film = { bbox, dates, width: 960, fps: state.lapse.speed, format, lang: language() };
      const mine = order;
      order.href = await orderFilm(picture(state), film, ({ progress }) => {
        mine.progress = progress;
        draw();
      }, order.control.signal);
    } catch (error) {
      if (!isAbort(error)) order.problem = /** @type {Error} */ (error).message || t('server.failed');
    }
    order.busy = false;
    draw();
  }

  function draw() {
    const state = store.get();
    const all = listed(state);
    const some = chosen(state);
    const every = daysOf(state)?.list ?? [];
    const at = Math.min(index, Math.max(some.length - 1, 0));
    const { lapse } = state;
    render(
      html`<p class="sentence">${some.length ? t('lapse.count', { n: some.length }) : t('lapse.none')}${film && ready < some.length ? ` · ${t('lapse.loading', { n: Math.round((100 * ready) / some.length) })}` : ''}</p>
        <label class="field slider"><span>${t('lapse.frame')}</span>
          <input type="range" aria-label=${t('lapse.frame')} min="0" max=${Math.max(some.length - 1, 0)} step="1" .value=${String(at)} ${vars({ '--at': `${(100 * at) / Math.max(some.length - 1, 1)}%` })} aria-valuetext=${some[at] ? dateText(some[at].date) : nothing} ?disabled=${some.length < 2}
            @input=${(/** @type {Event} */ event) => { index = Number(/** @type {HTMLInputElement} */ (event.target).value); if (!show(index)) store.set({ film: some[index]?.date ?? '' }); draw(); }}
            @change=${() => !store.get().playing && settle()} />
        </label>
        <label class="field slider"><span>${t('lapse.speed')} <small>${t('lapse.fps', { n: lapse.speed })}</small></span>${slider(lapse.speed, 1, 12, 1, (speed) => set({ speed }), t('lapse.speed'))}</label>
        <div class="pair">
          <label class="field"><span>${t('lapse.from')}</span>${daySelect(every, lapse.from, t('lapse.first'), (from) => set({ from }))}</label>
          <label class="field"><span>${t('lapse.to')}</span>${daySelect(every, lapse.to, t('lapse.last'), (to) => set({ to }))}</label>
        </div>
        <label class="field slider"><span>${t('lapse.cloud')} <small>${lapse.cloud} %</small></span>${slider(lapse.cloud, 0, 100, 5, (cloud) => set({ cloud }), t('lapse.cloud'))}</label>
        <details class="fold" ?open=${all.length <= 40}>
          <summary>${t('lapse.frames')}</summary>
          <ul class="frames" aria-label=${t('lapse.frames')}>
            ${all.map((day) => html`<li class=${state.film === day.date ? 'on' : ''}><label><input type="checkbox" .checked=${!lapse.off.includes(day.date)} @change=${() => set({ off: lapse.off.includes(day.date) ? lapse.off.filter((one) => one !== day.date) : [...lapse.off, day.date] })} /><span>${dateText(day.date)}</span><small>${dayText(day)}</small></label></li>`)}
          </ul>
        </details>
        <div class="row">
          <label class="field inline"><span>${t('lapse.format')}</span><select @change=${(/** @type {Event} */ event) => { format = /** @type {HTMLSelectElement} */ (event.target).value; }}>${Object.entries(FORMATS).map(([id, name]) => html`<option value=${id}>${name}</option>`)}</select></label>
          <button class="action main" ?disabled=${order.busy || some.length < 2} @click=${exportFilm}>${t('lapse.export')}</button>
          ${order.busy ? html`<button class="action" @click=${() => order.control.abort()}>${t('cancel')}</button>` : nothing}
        </div>
        ${order.busy ? html`<progress max="1" .value=${order.progress} aria-label=${t('lapse.exporting')}></progress>` : nothing}
        ${order.href ? html`<a class="action main" href=${order.href} download>${t('lapse.save', { format: FORMATS[/** @type {keyof typeof FORMATS} */ (format)] })}</a>` : nothing}
        ${order.problem ? html`<p class="problem" role="alert">${order.problem}</p>` : nothing}`,
      element,
    );
  }

  const stops = [
    store.watch((state) => [state.bbox, daysOf(state)?.list, state.lapse.from, state.lapse.to, state.lapse.cloud, state.lapse.off, picture(state).style, picture(state).collection, picture(state).mix, state.loading && !state.playing], fetchAgain),
    store.watch((state) => state.playing, (playing) => (playing ? tick() : settle())),
    store.watch((state) => [state.words, state.film, state.lapse.speed], draw),
    store.watch((state) => picture(state).time, (time) => {
      if (store.get().film) return;
      const found = chosen(store.get()).findIndex((day) => day.date === time);
      if (found >= 0) index = found;
      shown = -1;
      draw();
    }),
  ];
  // A film begun before its frames were known starts as soon as they are.
  stops.push(store.watch((state) => [state.playing, daysOf(state)?.list, state.bbox], () => store.get().playing && tick()));
  return () => {
    settle();
    stops.forEach((stop) => stop());
    film?.stop();
    order.control.abort();
    screen.remove();
  };
}

/** @param {Day[]} list @param {string} value @param {string} open the word for no limit @param {(date: string) => void} set */
export function daySelect(list, value, open, set) {
  return html`<select @change=${(/** @type {Event} */ event) => set(/** @type {HTMLSelectElement} */ (event.target).value)}>
    <option value="">${open}</option>
    ${list.map((day) => html`<option value=${day.date} .selected=${day.date === value}>${dateText(day.date, 'short')}</option>`)}
  </select>`;
}

/** Time series of places: click the map, draw or drop an area; the chart, its table and its files. */
import { html, nothing, render } from 'lit-html';
import { isAbort } from '../api.js';
import { COLORS, byYear, plot } from '../chart/plot.js';
import { hasSeries, isHidden, readSeries, toCsv } from '../chart/series.js';
import { editPlaces } from '../map/places.js';
import { icon } from '../parts/icons.js';
import { save } from '../parts/save.js';
import { vars } from '../parts/vars.js';
import { readPlaces } from '../places/files.js';
import { collectionOf, dayOf, daysOf, picture, withPicture } from '../state.js';
import { instant, nearest } from '../time/days.js';
import { areaText, dateText, numberText, placeText } from '../words/format.js';
import { t } from '../words/index.js';
import { styleWords } from '../parts/name.js';

/** @import {Store, State, Place} from '../types' */
/** @import {Maps} from '../map/map.js' */
/** @import {Row} from '../chart/series.js' */

/** @typedef {{rows: Row[], done: boolean, problem: string, key: string, control: AbortController}} Reading */

const MOST = 6;

/** @param {Store} store @param {HTMLElement} element @param {Maps} maps */
export function mount(store, element, maps) {
  /** @type {Map<Place, Reading>} */
  const readings = new Map();
  let chosenStyle = '';
  let yearly = false;
  let table = false;
  /** @type {ReturnType<typeof plot> | null} */
  let chart = null;
  let waiting = 0;

  /** The style charted: the one shown if it is one number a pixel, else the first that is. @param {State} state */
  const styleOf = (state) => {
    const of = picture(state);
    const renders = collectionOf(state, of.collection)?.renders ?? {};
    const able = Object.keys(renders).filter((id) => hasSeries(renders[id]));
    if (able.includes(chosenStyle)) return { style: chosenStyle, able };
    if (of.style === 'custom' && of.mix && (of.mix.expression || of.mix.assets.length === 1)) return { style: 'custom', able };
    return { style: able.includes(of.style) ? of.style : (able[0] ?? ''), able };
  };

  function read() {
    const state = store.get();
    const { style } = styleOf(state);
    const of = { ...picture(state), style };
    for (const [place, reading] of readings) {
      if (state.places.includes(place)) continue;
      reading.control.abort();
      readings.delete(place);
    }
    for (const place of state.places) {
      const key = `${of.collection}/${style}/${JSON.stringify(of.mix)}`;
      if (!style || readings.get(place)?.key === key) continue;
      readings.get(place)?.control.abort();
      /** @type {Reading} */
      const reading = { rows: [], done: false, problem: '', key, control: new AbortController() };
      readings.set(place, reading);
      readSeries(of, place, (rows) => { reading.rows = [...rows]; later(); }, reading.control.signal)
        .catch((error) => { if (!isAbort(error)) reading.problem = error.message || t('server.failed'); })
        .finally(() => { reading.done = true; later(); });
    }
    draw();
  }

  const later = () => {
    if (!waiting) waiting = requestAnimationFrame(() => { waiting = 0; draw(); });
  };

  /** @param {State} state */
  const curves = (state) => state.places.map((place, i) => ({ name: nameOf(place, i), color: COLORS[i % COLORS.length], rows: readings.get(place)?.rows ?? [] }));

  function draw() {
    const state = store.get();
    const { style, able } = styleOf(state);
    const renders = collectionOf(state, picture(state).collection)?.renders ?? {};
    const { title, expert } = styleWords(renders[style], style);
    const all = curves(state);
    const rows = all.reduce((sum, one) => sum + one.rows.length, 0);
    const reading = [...readings.values()].some((one) => !one.done);
    const problem = [...readings.values()].find((one) => one.problem)?.problem;
    const unit = renders[style]?.['tilescope:unit'] ?? '';
    render(
      html`${able.length > 1
          ? html`<label class="field inline"><span>${t('chart.of')}</span><select @change=${(/** @type {Event} */ event) => { chosenStyle = /** @type {HTMLSelectElement} */ (event.target).value; read(); }}>
              ${able.map((id) => html`<option value=${id} .selected=${id === style}>${styleWords(renders[id], id).title}</option>`)}
            </select></label>`
          : nothing}
        ${!style ? html`<p class="sentence">${t('chart.nostyle')}</p>` : nothing}
        <ul class="places">
          ${state.places.map((place, i) => html`<li>
            <i ${vars({ '--color': COLORS[i % COLORS.length] })}></i><span class="grow">${nameOf(place, i)}</span>${sizeOf(place)}
            <button class="bare" aria-label=${t('chart.remove', { name: nameOf(place, i) })} @click=${() => store.set({ places: store.get().places.filter((one) => one !== place) })}>${icon('close')}</button>
          </li>`)}
        </ul>
        ${state.places.length ? nothing : html`<p class="sentence">${t('chart.start')}</p>`}
        <div class="row">
          <button class="action" aria-pressed=${state.tool === 'area'} @click=${() => store.set({ tool: store.get().tool === 'area' ? '' : 'area' })}>${icon('area')}${t('chart.draw')}</button>
          <label class="action file">${t('chart.file')}<input type="file" class="hidden" accept=".json,.geojson,.kml,.zip" @change=${(/** @type {Event} */ event) => drop(/** @type {HTMLInputElement} */ (event.target).files)} /></label>
        </div>
        ${state.tool === 'area' ? html`<p class="sentence">${t('chart.drawing')}</p>` : nothing}
        <figure aria-label=${t('chart.figure')} ?hidden=${!state.places.length}>
          <figcaption>${title}${expert ? html` <small>${expert}</small>` : nothing}${unit ? html` <small>${unit}</small>` : nothing}</figcaption>
          <div class="plot"></div>
          ${reading ? html`<progress aria-label=${t('chart.reading')}></progress>` : nothing}
          ${problem ? html`<p class="problem" role="alert">${problem}</p>` : nothing}
          ${!reading && state.places.length && !rows && !problem ? html`<p class="sentence">${t('chart.empty')}</p>` : nothing}
          ${rows ? html`<p class="sentence">${t('chart.key')}</p>` : nothing}
          ${tableOf(all, title, unit)}
        </figure>
        ${rows
          ? html`<div class="row tight">
              <button class="quiet" @click=${() => save(new Blob([toCsv(all, unit ? `${style} (${unit})` : style)], { type: 'text/csv' }), `${picture(state).collection}-${style}.csv`)}>${t('chart.csv')}</button>
              <button class="quiet" @click=${picturePng}>${t('chart.png')}</button>
              <button class="quiet" aria-pressed=${table} @click=${() => { table = !table; draw(); }}>${t(table ? 'chart.notable' : 'chart.table')}</button>
              <button class="quiet" aria-pressed=${yearly} @click=${() => { yearly = !yearly; draw(); }}>${t(yearly ? 'chart.course' : 'chart.years')}</button>
            </div>`
          : nothing}`,
      element,
    );
    paint(all);
  }

  /** @param {ReturnType<typeof curves>} all */
  function paint(all) {
    chart?.destroy();
    chart = null;
    const box = /** @type {HTMLElement | null} */ (element.querySelector('.plot'));
    if (!box || !all.some((one) => one.rows.length)) return;
    const state = store.get();
    const marked = dayOf(state)?.date ?? picture(state).time;
    chart = plot(box, yearly ? byYear(all) : all, { marked, yearly, onPick: pick });
  }

  /** A chart's point shows its image. @param {number} seconds */
  function pick(seconds) {
    const state = store.get();
    const found = nearest(daysOf(state)?.list ?? [], seconds * 1000, (day) => Math.abs(instant(day.date) - seconds * 1000) < 2 * 86_400_000);
    store.set(withPicture(state, { time: found?.date ?? new Date(seconds * 1000).toISOString().slice(0, 10) }));
  }

  /** @param {ReturnType<typeof curves>} all @param {string} title @param {string} unit */
  function tableOf(all, title, unit) {
    const days = [...new Set(all.flatMap((one) => one.rows.map((row) => row.datetime.slice(0, 10))))].sort().reverse();
    return html`<div class="table ${table ? '' : 'hidden'}" tabindex=${table ? 0 : -1}><table>
      <caption class="hidden">${title}${unit ? ` (${unit})` : ''}</caption>
      <thead><tr><th scope="col">${t('date.column')}</th>${all.map((one) => html`<th scope="col">${one.name}</th>`)}</tr></thead>
      <tbody>${days.map((day) => html`<tr><th scope="row">${dateText(day, 'short')}</th>${all.map((one) => cell(one.rows.find((row) => row.datetime.startsWith(day))))}</tr>`)}</tbody>
    </table></div>`;
  }

  /** @param {Row | undefined} row */
  function cell(row) {
    if (!row || row.value === null || row.value === undefined) return html`<td>–</td>`;
    return html`<td class=${isHidden(row) ? 'masked' : ''}>${numberText(row.value)}${isHidden(row) ? html` <small>${t('chart.cloudy')}</small>` : nothing}</td>`;
  }

  async function picturePng() {
    const source = chart?.canvas();
    if (!source) return;
    const canvas = document.createElement('canvas');
    const ratio = devicePixelRatio;
    canvas.width = source.width;
    canvas.height = source.height + 34 * ratio;
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
    const style = getComputedStyle(document.documentElement);
    context.fillStyle = style.getPropertyValue('--paper-solid');
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.fillStyle = style.getPropertyValue('--ink');
    context.font = `600 ${14 * ratio}px system-ui, sans-serif`;
    const state = store.get();
    const { style: id } = styleOf(state);
    const names = curves(state).map((one) => one.name).join(' · ');
    context.fillText(`${styleWords(collectionOf(state, picture(state).collection)?.renders?.[id], id).title} – ${names}`, 12 * ratio, 22 * ratio);
    context.drawImage(source, 0, 34 * ratio);
    const blob = await new Promise((resolve) => canvas.toBlob(resolve));
    if (blob) save(blob, `${picture(state).collection}-${id}.png`);
  }

  /** @param {FileList | null} files */
  async function drop(files) {
    if (!files?.length) return;
    try {
      const found = await readPlaces(files[0]);
      store.set({ places: [...store.get().places, ...found].slice(-MOST) });
    } catch (error) {
      store.set({ notice: { key: /** @type {Error} */ (error).message.startsWith('file.') ? /** @type {Error} */ (error).message : 'file.unreadable', kind: 'warning' } });
    }
  }

  const onDragOver = (/** @type {DragEvent} */ event) => event.preventDefault();
  const onDrop = (/** @type {DragEvent} */ event) => {
    event.preventDefault();
    drop(event.dataTransfer?.files ?? null);
  };
  document.addEventListener('dragover', onDragOver);
  document.addEventListener('drop', onDrop);
  const stops = [
    editPlaces(store, maps),
    store.watch((state) => [state.places, picture(state).collection, picture(state).style, picture(state).mix, state.collections], read),
    store.watch((state) => [picture(state).time, state.tool, state.words], draw),
  ];
  return () => {
    stops.forEach((stop) => stop());
    readings.forEach((reading) => reading.control.abort());
    chart?.destroy();
    document.removeEventListener('dragover', onDragOver);
    document.removeEventListener('drop', onDrop);
  };
}

/** @param {Place} place @param {number} index */
function nameOf(place, index) {
  if (place.name) return place.name;
  if (place.geometry.type === 'Point') return placeText(place.geometry.coordinates[0], place.geometry.coordinates[1]);
  return t('chart.area', { n: index + 1 });
}

/** @param {Place} place */
function sizeOf({ geometry }) {
  return geometry.type === 'Point' ? nothing : html`<small>${areaText(squareMetres(geometry))}</small>`;
}

/** The area on the sphere, by the sum over edges of lon difference times sines. @param {GeoJSON.Geometry} geometry @return {number} */
function squareMetres(geometry) {
  const polygons = geometry.type === 'Polygon' ? [geometry.coordinates] : geometry.type === 'MultiPolygon' ? geometry.coordinates : [];
  const radians = Math.PI / 180;
  const ring = (/** @type {number[][]} */ points) => Math.abs(points.slice(1).reduce((sum, [lon, lat], i) => sum + (lon - points[i][0]) * radians * (2 + Math.sin(points[i][1] * radians) + Math.sin(lat * radians)), 0) * 6371008.8 ** 2) / 2;
  return polygons.reduce((sum, [outer, ...holes]) => sum + ring(outer) - holes.reduce((inner, hole) => inner + ring(hole), 0), 0);
}

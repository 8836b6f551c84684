/** The chart: columns of numbers in, uPlot on a canvas out. */
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { isHidden } from './series.js';
import { instant } from '../time/days.js';
import { locale } from '../words/index.js';
import { numberText } from '../words/format.js';

/** @import {Row} from './series.js' */

/** Readable apart for colour-blind people, on light and dark paper. */
export const COLORS = ['#0d8a6a', '#c2571a', '#3a6fd8', '#9b4fb8', '#8a7a12', '#c23a5a'];
const YEAR_DAYS = 366;

/** @typedef {{name: string, color: string, rows: Row[]}} Curve */

/** @param {Curve[]} curves @return {Curve[]} of the first place, one for each year; days become days of a leap year */
export function byYear([first]) {
  if (!first) return [];
  const years = [...new Set(first.rows.map((row) => row.datetime.slice(0, 4)))].sort();
  return years.map((year, i) => ({
    name: year,
    color: COLORS[(years.length - 1 - i) % COLORS.length],
    rows: first.rows.filter((row) => row.datetime.startsWith(year)).map((row) => ({ ...row, datetime: `2024${row.datetime.slice(4)}` })),
  }));
}

/**
 * Columns for uPlot: seconds, then for each curve what is clear and what is masked.
 * @param {Curve[]} curves @return {(number | null | undefined)[][]}
 */
export function columns(curves) {
  const times = [...new Set(curves.flatMap((curve) => curve.rows.map((row) => second(row))))].sort((a, b) => a - b);
  const at = new Map(times.map((time, i) => [time, i]));
  /** @type {(number | null | undefined)[][]} */
  const found = [times];
  for (const { rows } of curves) {
    const clear = new Array(times.length).fill(undefined);
    const masked = new Array(times.length).fill(null);
    for (const row of rows) {
      const i = at.get(second(row)) ?? 0;
      if (isHidden(row)) masked[i] = row.value;
      else clear[i] = row.value;
    }
    found.push(clear, masked);
  }
  return found;
}

/** @param {Row} row @return {number} */
function second(row) {
  return Date.parse(row.datetime.length === 10 ? `${row.datetime}T00:00:00Z` : row.datetime) / 1000;
}

/**
 * @param {HTMLElement} element
 * @param {Curve[]} curves
 * @param {{marked: string, yearly: boolean, onPick: (seconds: number) => void}} options
 * @return {{destroy: () => void, canvas: () => HTMLCanvasElement}}
 */
export function plot(element, curves, { marked, yearly, onPick }) {
  const style = getComputedStyle(document.documentElement);
  const ink = style.getPropertyValue('--ink-2').trim();
  const line = style.getPropertyValue('--line').trim();
  const paper = style.getPropertyValue('--paper-solid').trim();
  const chosen = style.getPropertyValue('--chosen').trim();
  const axis = { stroke: ink, grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1, size: 4 }, font: '11px system-ui, sans-serif' };
  const month = new Intl.DateTimeFormat(locale(), { month: 'short', timeZone: 'UTC' });
  const at = marked ? instant(yearly ? `2024${marked.slice(4, 10)}` : marked) / 1000 : NaN;

  const chart = new uPlot(
    {
      width: Math.max(element.clientWidth, 200),
      height: 210,
      padding: [10, 8, 0, 0],
      legend: { show: false },
      cursor: { drag: { x: true, y: false }, points: { size: 9 } },
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), 'UTC'),
      scales: yearly ? { x: { time: true, range: () => [Date.UTC(2024, 0, 1) / 1000, Date.UTC(2024, 0, YEAR_DAYS) / 1000] } } : {},
      axes: [
        yearly ? { ...axis, values: (_chart, ticks) => ticks.map((tick) => month.format(tick * 1000)) } : { ...axis, values: (_chart, ticks) => dateTicks(ticks, month) },
        { ...axis, size: 46, values: (_chart, ticks) => ticks.map((tick) => numberText(tick)) },
      ],
      series: [
        {},
        ...curves.flatMap(({ name, color }) => [
          { label: name, stroke: color, width: 2, spanGaps: true, points: { show: true, size: 5, fill: color, stroke: color } },
          { label: `${name} *`, stroke: color, paths: () => null, points: { show: true, size: 6, fill: paper, stroke: color, width: 1.4 } },
        ]),
      ],
      hooks: {
        draw: [
          ({ ctx, bbox, valToPos }) => {
            if (!Number.isFinite(at)) return;
            const x = valToPos(at, 'x', true);
            if (x < bbox.left || x > bbox.left + bbox.width) return;
            ctx.save();
            ctx.strokeStyle = chosen;
            ctx.lineWidth = 2 * devicePixelRatio;
            ctx.setLineDash([4 * devicePixelRatio, 3 * devicePixelRatio]);
            ctx.beginPath();
            ctx.moveTo(x, bbox.top);
            ctx.lineTo(x, bbox.top + bbox.height);
            ctx.stroke();
            ctx.restore();
          },
        ],
      },
    },
    /** @type {any} */ (columns(curves)),
    element,
  );
  chart.over.addEventListener('click', () => {
    const { idx } = chart.cursor;
    const seconds = idx === null || idx === undefined ? undefined : chart.data[0][idx];
    if (seconds !== undefined && !yearly) onPick(seconds);
  });
  const observer = new ResizeObserver(() => chart.setSize({ width: Math.max(element.clientWidth, 200), height: 210 }));
  observer.observe(element);
  return {
    destroy() {
      observer.disconnect();
      chart.destroy();
    },
    canvas: () => chart.ctx.canvas,
  };
}

/** @param {number[]} ticks seconds @param {Intl.DateTimeFormat} month @return {string[]} months, and the year where it begins */
function dateTicks(ticks, month) {
  const spacing = ticks.length > 1 ? ticks[1] - ticks[0] : 0;
  let year = 0;
  return ticks.map((tick) => {
    const date = new Date(tick * 1000);
    const isNew = date.getUTCFullYear() !== year;
    year = date.getUTCFullYear();
    if (spacing > 300 * 86400) return String(year);
    const day = spacing < 27 * 86400 ? `${date.getUTCDate()}. ` : '';
    return isNew ? `${day}${month.format(date)}\n${year}` : `${day}${month.format(date)}`;
  });
}

// @vitest-environment happy-dom
import { beforeAll, expect, test, vi } from 'vitest';
import { hasSeries, isHidden, toCsv } from '../src/chart/series.js';
import { scaleBar } from '../src/parts/caption.js';

/** @type {typeof import('../src/chart/plot.js')} */
let plot;
beforeAll(async () => {
  vi.stubGlobal('matchMedia', () => ({ matches: false, addEventListener() {}, addListener() {} }));
  plot = await import('../src/chart/plot.js');
});

const row = (/** @type {string} */ datetime, /** @type {number | null} */ value, masked = false) => ({ datetime, value, valid: value !== null, masked, item: `i-${datetime}` });

test('columns keep places apart and clouds out of the line', () => {
  const a = { name: 'a', color: '', rows: [row('2023-01-01', 0.1), row('2023-01-03', 0.3, true)] };
  const b = { name: 'b', color: '', rows: [row('2023-01-02', 0.2)] };
  expect(plot.columns([a, b])).toEqual([
    [1672531200, 1672617600, 1672704000],
    [0.1, undefined, undefined],
    [null, null, 0.3],
    [undefined, 0.2, undefined],
    [null, null, null],
  ]);
});

test('year over year lays the days of a leap year over each other', () => {
  const years = plot.byYear([{ name: 'a', color: '', rows: [row('2022-02-28', 1), row('2023-02-28', 2)] }]);
  expect(years.map((one) => [one.name, one.rows.map((each) => each.datetime)])).toEqual([['2022', ['2024-02-28']], ['2023', ['2024-02-28']]]);
});

test('cloudy points and hardly seen areas are hollow', () => {
  expect([true, false].map((masked) => isHidden(row('2023', 1, masked)))).toEqual([true, false]);
  expect(isHidden({ ...row('2023', 1), valid: 0.9, masked: 0.1 })).toBe(false);
  expect(isHidden({ ...row('2023', 1), valid: 0.05, masked: 0.95 })).toBe(true);
});

test('CSV quotes what it must and runs nothing', () => {
  const csv = toCsv([{ name: '=HYPERLINK("x")', rows: [row('2023-01-01', -0.5)] }], 'ndvi, "x"');
  expect(csv.split('\r\n')).toEqual(['place,datetime,style,value,valid,masked,item', '"\'=HYPERLINK(""x"")",2023-01-01,"ndvi, ""x""",-0.5,true,false,i-2023-01-01', '']);
});

test('styles of one number have a course', () => {
  expect(hasSeries({ expression: '(B08-B04)/(B08+B04)' })).toBe(true);
  expect(hasSeries({ assets: ['elevation'] })).toBe(true);
  expect(hasSeries({ assets: ['B04', 'B03', 'B02'] })).toBe(false);
  expect(hasSeries({ expression: 'B04;B03;B02' })).toBe(false);
  expect(hasSeries({ assets: ['SCL'], 'tilescope:classes': [{ value: 1 }] })).toBe(false);
  expect(hasSeries(undefined)).toBe(false);
});

test('scale bars are round', () => {
  expect(scaleBar(10, 240)).toEqual({ metres: 2000, pixels: 200 });
  expect(scaleBar(0.7, 100)).toEqual({ metres: 50, pixels: 50 / 0.7 });
});

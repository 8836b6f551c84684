import { describe, expect, test } from 'vitest';
import { clearestNear, isUsable, nearest, newestUsable, step, weeks, within, yearEarlier, instant } from '../src/time/days.js';

/** @import {Day} from '../src/types' */

/** @param {string} date @param {number | null} [cloud] @param {number} [cover] @return {Day} */
const day = (date, cloud = 0, cover = 1) => ({ date, items: 1, cloud, cover });
const LIST = [day('2022-08-20', 10), day('2023-01-05', 90), day('2023-06-01', 5, 0.3), day('2023-07-02', 20), day('2023-08-10', 80), day('2023-08-13', 2), day('2023-08-18', 70), day('2023-08-20', 0, 0)];

test('usable covers half the view under 60 % cloud', () => {
  expect(LIST.filter((one) => isUsable(one)).map((one) => one.date)).toEqual(['2022-08-20', '2023-07-02', '2023-08-13']);
  expect(isUsable(day('2020-01-01', null))).toBe(true);
});

test('opens on the newest usable image, else the newest that shows anything', () => {
  expect(newestUsable(LIST)?.date).toBe('2023-08-13');
  expect(newestUsable([day('2020-01-01', 95), day('2020-01-02', 99), day('2020-01-03', 0, 0)])?.date).toBe('2020-01-02');
  expect(newestUsable([])).toBeUndefined();
});

describe('previous and next', () => {
  test('skip what is cloudy or hardly covers', () => {
    expect(step(LIST, '2023-08-13', -1)?.date).toBe('2023-07-02');
    expect(step(LIST, '2023-07-02', -1)?.date).toBe('2022-08-20');
    expect(step(LIST, '2023-07-02', 1)?.date).toBe('2023-08-13');
  });
  test('show a poor one rather than none, but never an empty one', () => {
    expect(step(LIST, '2023-08-13', 1)?.date).toBe('2023-08-18');
    expect(step(LIST, '2023-08-18', 1)).toBeUndefined();
  });
  test('from a day without image, an instant, the newest', () => {
    expect(step(LIST, '2023-08-01', 1)?.date).toBe('2023-08-13');
    expect(step(LIST, '2023-08-13T10:00:00Z', -1)?.date).toBe('2023-07-02');
    expect(step(LIST, 'latest', -1)?.date).toBe('2023-08-13');
  });
  test('every image when asked', () => expect(step(LIST, '2023-08-13', -1, true)?.date).toBe('2023-08-10'));
});

describe('a year earlier', () => {
  test('is the usable image of that season', () => expect(yearEarlier(LIST, '2023-08-13').found?.date).toBe('2022-08-20'));
  test('offers the nearest where there is none', () => {
    const answer = yearEarlier(LIST, '2024-03-01');
    expect(answer.found).toBeUndefined();
    expect(answer.target).toBe('2023-03-01');
    expect(answer.nearest?.date).toBe('2023-07-02');
  });
  test('of a leap day', () => expect(yearEarlier(LIST, '2024-02-29').target).toBe('2023-02-28'));
  test('of years', () => expect(yearEarlier([day('1984'), day('1985')], '1985').found?.date).toBe('1984'));
});

test('the clearest near a date weighs cloud against distance', () => {
  expect(clearestNear(LIST, '2023-08-18')?.date).toBe('2023-08-13');
  expect(clearestNear(LIST, '2019-01-01')).toBeUndefined();
});

test('nearest in time', () => expect(nearest(LIST, instant('2023-02-01'))?.date).toBe('2023-01-05'));

test('frames of a film keep the period and the cloud limit', () => {
  expect(within(LIST, { from: '2023-01-01', to: '2023-08-15', cloud: 60 }).map((one) => one.date)).toEqual(['2023-06-01', '2023-07-02', '2023-08-13']);
});

test('weeks begin on Monday', () => {
  expect(weeks(2024, 1)).toEqual([[0, 0, 0, 1, 2, 3, 4], [5, 6, 7, 8, 9, 10, 11], [12, 13, 14, 15, 16, 17, 18], [19, 20, 21, 22, 23, 24, 25], [26, 27, 28, 29, 0, 0, 0]]);
});

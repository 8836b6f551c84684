import { expect, test } from 'vitest';
import { createStore } from '../src/store.js';
import { EMPTY } from '../src/state.js';

test('the state is replaced and listeners run once a turn', async () => {
  const store = createStore(EMPTY);
  const before = store.get();
  let runs = 0;
  store.listen(() => runs++);
  store.set({ opacity: 50 });
  store.set({ swipe: 10 });
  expect(before.opacity).toBe(100);
  expect(store.get()).toMatchObject({ opacity: 50, swipe: 10 });
  await Promise.resolve();
  expect(runs).toBe(1);
});

test('watchers run at once and on change alone', async () => {
  const store = createStore(EMPTY);
  /** @type {number[]} */
  const seen = [];
  const stop = store.watch((state) => state.opacity, (opacity) => seen.push(opacity));
  store.set({ swipe: 1 });
  await Promise.resolve();
  store.set({ opacity: 7 });
  await Promise.resolve();
  stop();
  store.set({ opacity: 8 });
  await Promise.resolve();
  expect(seen).toEqual([100, 7]);
});

/** @typedef {import('./types').State} State */

/**
 * The state and who listens to it. The state is replaced, never changed in place.
 * @typedef {object} Store
 * @property {() => State} get the state now
 * @property {(patch: Partial<State>) => void} set replace some of it; listeners run once in the next microtask
 * @property {(run: (state: State, before: State) => void) => () => void} listen returns how to stop
 * @property {<T>(pick: (state: State) => T, run: (picked: T, state: State) => void) => () => void} watch run now and
 *   whenever what `pick` gives (a value, or an array of values) has changed
 */

/**
 * @param {State} initial
 * @return {Store}
 */
export function createStore(initial) {
  let state = initial;
  let told = initial;
  let waiting = false;
  /** @type {Set<(state: State, before: State) => void>} */
  const listeners = new Set();

  function tell() {
    waiting = false;
    const before = told;
    told = state;
    for (const run of [...listeners]) run(state, before);
  }

  /** @type {Store} */
  const store = {
    get: () => state,
    set(patch) {
      state = { ...state, ...patch };
      if (!waiting) queueMicrotask(tell);
      waiting = true;
    },
    listen(run) {
      listeners.add(run);
      return () => listeners.delete(run);
    },
    watch(pick, run) {
      let picked = pick(state);
      run(picked, state);
      return store.listen((now) => {
        const next = pick(now);
        if (same(picked, next)) return;
        picked = next;
        run(next, now);
      });
    },
  };
  return store;
}

/**
 * Equal values, or arrays of equal values.
 * @param {unknown} a
 * @param {unknown} b
 * @return {boolean}
 */
function same(a, b) {
  if (!Array.isArray(a) || !Array.isArray(b)) return Object.is(a, b);
  return a.length === b.length && a.every((value, i) => Object.is(value, b[i]));
}

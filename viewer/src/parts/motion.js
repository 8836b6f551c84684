/** @return {boolean} whether the reader asked for no motion */
export function calm() {
  return matchMedia('(prefers-reduced-motion: reduce)').matches;
}

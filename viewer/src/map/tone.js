/** Brightness, contrast and gamma of what is shown, by one SVG filter: at once, and never a new tile. */

/** @import {Store} from '../types' */

const SVG = 'http://www.w3.org/2000/svg';

/**
 * @param {Store} store
 * @param {HTMLElement} element holds the panes
 */
export function addTone(store, element) {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('class', 'hidden');
  svg.setAttribute('aria-hidden', 'true');
  const filter = svg.appendChild(document.createElementNS(SVG, 'filter'));
  filter.id = 'tone';
  filter.setAttribute('color-interpolation-filters', 'sRGB');
  const functions = ['linear', 'gamma'].flatMap((type) => {
    const transfer = filter.appendChild(document.createElementNS(SVG, 'feComponentTransfer'));
    return ['R', 'G', 'B'].map((channel) => {
      const one = transfer.appendChild(document.createElementNS(SVG, `feFunc${channel}`));
      one.setAttribute('type', type);
      return one;
    });
  });
  element.append(svg);

  store.watch((state) => state.tone, ({ brightness, contrast, gamma }) => {
    const slope = contrast >= 0 ? 1 + contrast / 50 : 1 + contrast / 125;
    const intercept = 0.5 - slope / 2 + brightness / 200;
    functions.slice(0, 3).forEach((one) => {
      one.setAttribute('slope', String(slope));
      one.setAttribute('intercept', String(intercept));
    });
    functions.slice(3).forEach((one) => one.setAttribute('exponent', String(1 / gamma)));
    element.classList.toggle('toned', brightness !== 0 || contrast !== 0 || gamma !== 1);
  });
}

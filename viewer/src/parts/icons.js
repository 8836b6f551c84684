/** Our icons: 20 by 20, drawn with the current colour. */
import { html, svg } from 'lit-html';

/** @type {Record<string, import('lit-html').SVGTemplateResult>} */
const SHAPES = {
  layers: svg`<path d="M10 3 2.8 7 10 11l7.2-4zM3 10.5l7 4 7-4M3 13.8l7 4 7-4"/>`,
  compare: svg`<rect x="3" y="4" width="14" height="12" rx="2"/><path d="M10 2.5v15"/><path class="solid" d="M5 4h5v12H5a2 2 0 0 1-2-2V6a2 2 0 0 1 2-2z"/>`,
  film: svg`<rect x="2.5" y="4" width="15" height="12" rx="2"/><path class="solid" d="M8.2 7.2v5.6l4.8-2.8z"/>`,
  chart: svg`<path d="M3 3v14h14"/><path d="m5.5 12.5 3-4 3 2.5 4.5-6"/>`,
  find: svg`<rect x="3" y="3" width="6" height="6" rx="1.4"/><rect x="11" y="3" width="6" height="6" rx="1.4"/><rect x="3" y="11" width="6" height="6" rx="1.4"/><rect x="11" y="11" width="6" height="6" rx="1.4"/>`,
  download: svg`<path d="M10 3v9m-3.8-3.6L10 12.2l3.8-3.8M3.5 16.5h13"/>`,
  share: svg`<path d="M7.3 8.8 12.7 6M7.3 11.2l5.4 2.8"/><circle cx="5.2" cy="10" r="2.3"/><circle cx="14.8" cy="5" r="2.3"/><circle cx="14.8" cy="15" r="2.3"/>`,
  previous: svg`<path d="m12 4.5-5.5 5.5L12 15.5"/>`,
  next: svg`<path d="m8 4.5 5.5 5.5L8 15.5"/>`,
  play: svg`<path class="solid" d="M6.5 4.2v11.6L16 10z"/>`,
  pause: svg`<path class="solid" d="M5.5 4.5h3v11h-3zM11.5 4.5h3v11h-3z"/>`,
  close: svg`<path d="m5 5 10 10M15 5 5 15"/>`,
  search: svg`<circle cx="8.8" cy="8.8" r="5"/><path d="m12.6 12.6 4.4 4.4"/>`,
  calendar: svg`<rect x="3" y="4.5" width="14" height="12.5" rx="2"/><path d="M3 8.5h14M7 2.8v3M13 2.8v3"/>`,
  plus: svg`<path d="M10 4v12M4 10h12"/>`,
  minus: svg`<path d="M4 10h12"/>`,
  extent: svg`<path d="M3 7V4.5A1.5 1.5 0 0 1 4.5 3H7m6 0h2.5A1.5 1.5 0 0 1 17 4.5V7m0 6v2.5a1.5 1.5 0 0 1-1.5 1.5H13m-6 0H4.5A1.5 1.5 0 0 1 3 15.5V13"/>`,
  ruler: svg`<path d="m2.6 13.4 10.8-10.8 4 4L6.6 17.4zM6 10l2 2M8.8 7.2l2 2M11.5 4.5l2 2"/>`,
  help: svg`<circle cx="10" cy="10" r="7.2"/><path d="M7.8 7.8a2.2 2.2 0 1 1 3.2 2c-.7.4-1 .8-1 1.6"/><path d="M10 14v.2"/>`,
  clear: svg`<circle cx="10" cy="10" r="3.4"/><path d="M10 2.5v2M10 15.5v2M2.5 10h2M15.5 10h2M4.7 4.7l1.4 1.4M13.9 13.9l1.4 1.4M15.3 4.7l-1.4 1.4M6.1 13.9l-1.4 1.4"/>`,
  check: svg`<path d="m4 10.5 4 4 8-9"/>`,
  copy: svg`<rect x="7" y="7" width="10" height="10" rx="2"/><path d="M4.5 13H4a1.5 1.5 0 0 1-1.5-1.5V4.5A1.5 1.5 0 0 1 4 3h7a1.5 1.5 0 0 1 1.5 1.5V5"/>`,
  pin: svg`<path d="M10 17.5s-5.5-5.2-5.5-9.3a5.5 5.5 0 0 1 11 0c0 4.1-5.5 9.3-5.5 9.3z"/><circle cx="10" cy="8.2" r="2"/>`,
  area: svg`<path d="m4 6 7-3 6 6-3 7-9-1z"/><circle class="solid" cx="4" cy="6" r="1.4"/><circle class="solid" cx="11" cy="3" r="1.4"/><circle class="solid" cx="17" cy="9" r="1.4"/><circle class="solid" cx="14" cy="16" r="1.4"/><circle class="solid" cx="5" cy="15" r="1.4"/>`,
  bin: svg`<path d="M4 6h12M8 6V4h4v2M5.5 6l.8 11h7.4l.8-11"/>`,
  up: svg`<path d="m4.5 12.5 5.5-5.5 5.5 5.5"/>`,
  swap: svg`<path d="M4 7h11m-3-3 3 3-3 3M16 13H5m3-3-3 3 3 3"/>`,
};

/** @param {string} name */
export function icon(name) {
  return html`<svg class="icon" viewBox="0 0 20 20" aria-hidden="true">${SHAPES[name]}</svg>`;
}

export const logo = html`<svg class="logo" viewBox="0 0 26 26" aria-hidden="true">
  <rect x="2" y="2" width="10" height="10" rx="2" fill="#0d7a5f" /><rect x="14" y="2" width="10" height="10" rx="2" fill="#7fb35a" />
  <rect x="2" y="14" width="10" height="10" rx="2" fill="#d7b45a" /><circle cx="19" cy="19" r="4.6" fill="none" stroke="currentColor" stroke-width="2.4" />
</svg>`;

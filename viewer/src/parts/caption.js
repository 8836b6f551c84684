/** A picture with its caption: what and when, a scale bar, north, the credit. */
import { lengthText } from '../words/format.js';

const PAPER = 'rgb(16 24 22 / 78%)';
const INK = '#fff';

/**
 * @param {ImageBitmap} picture
 * @param {{text: string, credit: string, metresPerPixel: number} | null} about
 * @return {HTMLCanvasElement}
 */
export function caption(picture, about) {
  const canvas = document.createElement('canvas');
  canvas.width = picture.width;
  canvas.height = picture.height;
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
  context.drawImage(picture, 0, 0);
  if (!about) return canvas;
  const unit = Math.max(11, Math.round(Math.min(picture.width, picture.height) / 55));
  const height = unit * 2.4;
  context.fillStyle = PAPER;
  context.fillRect(0, canvas.height - height, canvas.width, height);
  context.fillStyle = INK;
  context.textBaseline = 'middle';
  const middle = canvas.height - height / 2;
  context.font = `600 ${unit}px system-ui, sans-serif`;
  context.fillText(about.text, unit, middle);
  const used = unit + context.measureText(about.text).width;

  const { metres, pixels } = scaleBar(about.metresPerPixel, canvas.width / 6);
  const right = canvas.width - unit * 2.6;
  context.font = `${unit * 0.9}px system-ui, sans-serif`;
  context.textAlign = 'right';
  context.fillText(lengthText(metres), right, middle - unit * 0.35);
  context.fillRect(right - pixels, middle + unit * 0.45, pixels, Math.max(2, unit / 6));
  north(context, canvas.width - unit * 1.3, middle, unit);
  const room = right - pixels - unit * 2 - used;
  context.font = `${unit * 0.8}px system-ui, sans-serif`;
  if (about.credit && context.measureText(about.credit).width < room) context.fillText(about.credit, right - Math.max(pixels, unit * 5) - unit, middle);
  return canvas;
}

/** @param {number} metresPerPixel @param {number} longest pixels @return {{metres: number, pixels: number}} a round length */
export function scaleBar(metresPerPixel, longest) {
  const most = longest * metresPerPixel;
  const power = 10 ** Math.floor(Math.log10(most));
  const metres = [5, 2, 1].map((step) => step * power).find((one) => one <= most) ?? power;
  return { metres, pixels: metres / metresPerPixel };
}

/** @param {CanvasRenderingContext2D} context @param {number} x @param {number} y @param {number} size */
function north(context, x, y, size) {
  context.beginPath();
  context.moveTo(x, y - size * 0.9);
  context.lineTo(x + size * 0.45, y + size * 0.1);
  context.lineTo(x - size * 0.45, y + size * 0.1);
  context.fill();
  context.textAlign = 'center';
  context.font = `600 ${size * 0.8}px system-ui, sans-serif`;
  context.fillText('N', x, y + size * 0.65);
  context.textAlign = 'left';
}

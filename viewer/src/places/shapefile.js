/**
 * Points and polygons of a zipped shapefile.
 * Layouts: ESRI Shapefile Technical Description (July 1998), APPNOTE.TXT of PKWARE for ZIP.
 */

/** @import {Place} from '../types' */

const END = 0x06054b50;
const ENTRY = 0x02014b50;
const DEFLATED = 8;
const LARGEST = 100_000_000;
/** Shape types, plain and with heights or measures. */
const POINTS = [1, 11, 21];
const POLYGONS = [5, 15, 25];

/** @param {Uint8Array} bytes of the .zip @return {Promise<Place[]>} */
export async function readShapefile(bytes) {
  const files = entries(bytes);
  const shp = files.find((file) => /\.shp$/i.test(file.name));
  if (!shp) throw new Error('file.noshape');
  const prj = files.find((file) => file.name.toLowerCase() === shp.name.toLowerCase().replace(/shp$/, 'prj'));
  if (prj && !/^\s*GEOGCS/i.test(new TextDecoder().decode(await inflate(prj)))) throw new Error('file.projection');
  return shapes(await inflate(shp));
}

/**
 * @typedef {{name: string, method: number, data: Uint8Array, size: number}} Entry
 * @param {Uint8Array} bytes @return {Entry[]} by the central directory
 */
function entries(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let end = bytes.length - 22;
  while (end >= 0 && view.getUint32(end, true) !== END) end--;
  if (end < 0) throw new Error('file.unreadable');
  /** @type {Entry[]} */
  const found = [];
  let at = view.getUint32(end + 16, true);
  for (let i = view.getUint16(end + 10, true); i > 0 && at + 46 <= bytes.length && view.getUint32(at, true) === ENTRY; i--) {
    const [nameLength, extraLength, commentLength] = [28, 30, 32].map((offset) => view.getUint16(at + offset, true));
    const local = view.getUint32(at + 42, true);
    const start = local + 30 + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
    found.push({
      name: new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + nameLength)),
      method: view.getUint16(at + 10, true),
      data: bytes.subarray(start, start + view.getUint32(at + 20, true)),
      size: view.getUint32(at + 24, true),
    });
    at += 46 + nameLength + extraLength + commentLength;
  }
  return found;
}

/** @param {Entry} entry @return {Promise<Uint8Array>} */
async function inflate({ method, data, size }) {
  if (size > LARGEST) throw new Error('file.large');
  if (method === 0) return data;
  if (method !== DEFLATED) throw new Error('file.unreadable');
  const stream = new Blob([/** @type {BlobPart} */ (data)]).stream().pipeThrough(new DecompressionStream('deflate-raw'));
  const reader = stream.getReader();
  const whole = new Uint8Array(size);
  let at = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return whole.subarray(0, at);
    if (at + value.length > size) throw new Error('file.unreadable'); // It says less than it holds: a bomb.
    whole.set(value, at);
    at += value.length;
  }
}

/** @param {Uint8Array} bytes of the .shp @return {Place[]} */
export function shapes(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 100 || view.getInt32(0) !== 9994) throw new Error('file.unreadable');
  /** @type {Place[]} */
  const places = [];
  for (let at = 100; at + 12 <= bytes.length; ) {
    const length = view.getInt32(at + 4) * 2;
    const start = at + 8;
    if (length < 4 || start + length > bytes.length) break;
    const type = view.getInt32(start, true);
    if (POINTS.includes(type)) places.push({ name: '', geometry: { type: 'Point', coordinates: degrees([view.getFloat64(start + 4, true), view.getFloat64(start + 12, true)]) } });
    else if (POLYGONS.includes(type)) places.push({ name: '', geometry: { type: 'MultiPolygon', coordinates: polygons(rings(view, start, length)) } });
    at = start + length;
  }
  return places;
}

/** @param {DataView} view @param {number} start @param {number} length @return {number[][][]} */
function rings(view, start, length) {
  const [parts, points] = [view.getInt32(start + 36, true), view.getInt32(start + 40, true)];
  const first = start + 44 + 4 * parts;
  if (parts < 0 || points < 0 || first + 16 * points > start + length) throw new Error('file.unreadable');
  const begins = Array.from({ length: parts }, (_, i) => view.getInt32(start + 44 + 4 * i, true));
  return begins.map((begin, i) =>
    Array.from({ length: (begins[i + 1] ?? points) - begin }, (_, k) => degrees([view.getFloat64(first + 16 * (begin + k), true), view.getFloat64(first + 16 * (begin + k) + 8, true)])),
  );
}

/** Outer rings run clockwise; a hole belongs to the outer ring before it. @param {number[][][]} all @return {number[][][][]} */
function polygons(all) {
  /** @type {number[][][][]} */
  const found = [];
  for (const ring of all) {
    const turn = ring.slice(1).reduce((sum, [x, y], i) => sum + (x - ring[i][0]) * (y + ring[i][1]), 0);
    if (turn >= 0 || !found.length) found.push([ring]);
    else found[found.length - 1].push(ring);
  }
  return found;
}

/** @param {number[]} position @return {number[]} */
function degrees(position) {
  if (!(Math.abs(position[0]) <= 180.000001 && Math.abs(position[1]) <= 90.000001)) throw new Error('file.projection');
  return position;
}

/** Areas out of files that were dropped in. Everything is read here; nothing is sent away. */
import { readKml } from './kml.js';
import { readShapefile } from './shapefile.js';

/** @import {Place} from '../types' */

const LARGEST = 20_000_000;

/**
 * @param {File} file GeoJSON, KML or a zipped shapefile
 * @return {Promise<Place[]>}
 * @throws {Error} whose message is the key of a sentence
 */
export async function readPlaces(file) {
  if (file.size > LARGEST) throw new Error('file.large');
  const name = file.name.replace(/\.\w+$/, '');
  const bytes = new Uint8Array(await file.arrayBuffer());
  const isZip = bytes[0] === 0x50 && bytes[1] === 0x4b;
  const places = isZip ? await readShapefile(bytes) : readText(new TextDecoder().decode(bytes));
  if (!places.length) throw new Error('file.empty');
  return places.map((place) => ({ ...place, name: place.name || name }));
}

/** @param {string} text @return {Place[]} */
function readText(text) {
  const trimmed = text.replace(/^\uFEFF/, '').trimStart();
  if (trimmed.startsWith('<')) return readKml(trimmed);
  let parsed;
  try {
    parsed = JSON.parse(trimmed);
  } catch {
    throw new Error('file.unreadable');
  }
  return readGeoJson(parsed);
}

/** @param {any} value any GeoJSON @return {Place[]} points and areas in degrees; the rest is left out */
export function readGeoJson(value) {
  if (value?.type === 'FeatureCollection' && Array.isArray(value.features)) return value.features.flatMap(readGeoJson);
  if (value?.type === 'GeometryCollection' && Array.isArray(value.geometries)) return value.geometries.flatMap(readGeoJson);
  if (value?.type === 'Feature') {
    const name = ['name', 'Name', 'NAME', 'title', 'id'].map((key) => value.properties?.[key]).find((one) => typeof one === 'string' || typeof one === 'number');
    return readGeoJson(value.geometry).map((/** @type {Place} */ place) => ({ ...place, name: String(name ?? '').slice(0, 60) }));
  }
  if (!['Point', 'Polygon', 'MultiPolygon'].includes(value?.type)) return [];
  const flat = value.coordinates?.flat?.(Infinity) ?? [];
  if (flat.length < 2 || flat.some((/** @type {unknown} */ one) => typeof one !== 'number')) return [];
  const geometry = { type: value.type, coordinates: plane(value.coordinates) };
  if (positions(geometry.coordinates).some(([lon, lat]) => Math.abs(lon) > 180 || Math.abs(lat) > 90)) throw new Error('file.degrees');
  return [{ name: '', geometry }];
}

/** Heights are left out. @param {any} coordinates @return {any} */
function plane(coordinates) {
  return typeof coordinates[0] === 'number' ? coordinates.slice(0, 2) : coordinates.map(plane);
}

/** @param {any} coordinates @return {number[][]} */
function positions(coordinates) {
  return typeof coordinates[0] === 'number' ? [coordinates] : coordinates.flatMap(positions);
}

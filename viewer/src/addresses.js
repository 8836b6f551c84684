/** Addresses of the server's answers. Everything that stands in a path is encoded. */
import { BASE } from './api.js';
import { mixParameters } from './link.js';

/** @import {Picture, Bbox} from './types' */

const path = encodeURIComponent;

/** @param {Record<string, string | number | boolean | undefined | null>} values @return {string} "?a=b" or "" */
export function query(values) {
  const parts = Object.entries(values)
    .filter(([, value]) => value !== undefined && value !== null && value !== '')
    .map(([key, value]) => `${key}=${encodeURIComponent(String(value)).replace(/%2C/g, ',').replace(/%3A/g, ':').replace(/%2F/g, '/')}`);
  return parts.length ? `?${parts.join('&')}` : '';
}

/** @param {Picture} picture @return {Record<string, string>} what style=custom needs, else nothing */
function custom({ style, mix }) {
  return style === 'custom' && mix ? mixParameters(mix) : {};
}

/** @param {string} time @return {string} as a path segment: intervals are a--b */
function timePath(time) {
  return path((time || 'latest').replace('/', '--'));
}

/**
 * @param {Picture} picture
 * @param {{retina?: boolean, strict?: boolean, format?: string}} [options] without a format the server takes JPEG for full tiles, PNG for others
 * @return {string} absolute address with {z}, {x}, {y}
 */
export function tiles(picture, { retina = false, strict = true, format = '' } = {}) {
  const { collection, style, time } = picture;
  const name = `{y}${retina ? '@2x' : ''}${format && `.${format}`}`;
  return `${BASE}xyz/${path(collection)}/${path(style)}/${timePath(time)}/{z}/{x}/${name}${query({ ...custom(picture), strict: strict || undefined })}`;
}

/** @param {string} collection @param {Bbox} bbox @return {string} */
export function days(collection, bbox) {
  return `collections/${path(collection)}/dates${query({ bbox: bbox.map((value) => Number(value.toFixed(4))).join(',') })}`;
}

/** @param {Picture} picture @param {number} lon @param {number} lat @param {string} lang @return {string} */
export function point(picture, lon, lat, lang) {
  const { collection, style, time } = picture;
  return `collections/${path(collection)}/point${query({ lon: lon.toFixed(6), lat: lat.toFixed(6), datetime: time || 'latest', style, strict: true, lang, ...custom(picture) })}`;
}

/** @param {Picture} picture @param {'svg' | 'png' | 'json'} format @param {string} [lang] @return {string} */
export function legend({ collection, style }, format, lang) {
  return `${BASE}collections/${path(collection)}/styles/${path(style)}/legend.${format}${query({ lang })}`;
}

/**
 * A picture of an area.
 * @param {Picture} picture
 * @param {{bbox: number[], crs?: string, width: number, height: number, format: string, strict?: boolean}} area
 * @return {string}
 */
export function map(picture, { bbox, crs, width, height, format, strict = true }) {
  const { collection, style, time } = picture;
  const at = { bbox: bbox.map((value) => Number(value.toFixed(6))).join(','), 'bbox-crs': crs, crs: crs ?? 'EPSG:3857' };
  return `${BASE}collections/${path(collection)}/styles/${path(style)}/map${query({ ...at, width: Math.round(width), height: Math.round(height), datetime: time || 'latest', f: format, strict: strict || undefined, ...custom(picture) })}`;
}

/**
 * Raw values of an area.
 * @param {Picture} picture
 * @param {{bbox: Bbox, properties?: string[], expression?: string}} area
 * @return {string}
 */
export function coverage({ collection, time }, { bbox, properties = [], expression }) {
  return `${BASE}collections/${path(collection)}/coverage${query({ bbox: bbox.map((value) => value.toFixed(6)).join(','), properties: properties.join(','), expression, datetime: time || 'latest', f: 'tif' })}`;
}

/** @param {string} collection @param {{lon?: number, lat?: number, style?: string, expression?: string, f?: string}} values @return {string} */
export function series(collection, values) {
  return `${BASE}collections/${path(collection)}/timeseries${query(values)}`;
}

/** @param {string} collection @return {string} */
export function wmts(collection) {
  return `${BASE}collections/${path(collection)}/wmts/1.0.0/WMTSCapabilities.xml`;
}

/** @param {Picture} picture @return {string} */
export function tilejson({ collection, style, time }) {
  return `${BASE}collections/${path(collection)}/styles/${path(style)}/WebMercatorQuad/tilejson.json${query({ datetime: time || 'latest' })}`;
}

/** @param {Picture} picture @return {string} */
export function qgis({ collection, style, time }) {
  return `${BASE}collections/${path(collection)}/qgis.qlr${query({ style, datetime: time })}`;
}

/** @param {string} collection @param {Bbox} bbox @param {string} day @return {string} STAC items of a day in the view */
export function items(collection, bbox, day) {
  const datetime = /^\d{4}-\d\d-\d\d/.test(day) ? `${day.slice(0, 10)}T00:00:00Z/${day.slice(0, 10)}T23:59:59Z` : undefined;
  return `stac/search${query({ collections: collection, bbox: bbox.map((value) => value.toFixed(5)).join(','), datetime, limit: 20 })}`;
}

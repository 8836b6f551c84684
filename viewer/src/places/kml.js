/** Points and polygons of a KML document. */

/** @import {Place} from '../types' */

/** @param {string} text @return {Place[]} */
export function readKml(text) {
  const xml = new DOMParser().parseFromString(text, 'application/xml');
  if (named(xml, 'parsererror').length) throw new Error('file.unreadable');
  const placemarks = named(xml, 'Placemark');
  return (placemarks.length ? placemarks : [xml.documentElement]).flatMap((mark) => {
    const name = (named(mark, 'name')[0]?.textContent ?? '').trim().slice(0, 60);
    const polygons = named(mark, 'Polygon').map(polygon).filter((rings) => rings.length);
    /** @type {Place[]} */
    const places = named(mark, 'Point').flatMap((point) => coordinates(point).slice(0, 1)).map((position) => ({ name, geometry: { type: 'Point', coordinates: position } }));
    if (polygons.length === 1) places.push({ name, geometry: { type: 'Polygon', coordinates: polygons[0] } });
    else if (polygons.length) places.push({ name, geometry: { type: 'MultiPolygon', coordinates: polygons } });
    return places;
  });
}

/** @param {Document | Element} parent @param {string} name whatever its namespace @return {Element[]} */
function named(parent, name) {
  return [...parent.getElementsByTagName('*')].filter((one) => one.localName === name);
}

/** @param {Element} element @return {number[][][]} rings, the outer first */
function polygon(element) {
  const rings = [...named(element, 'outerBoundaryIs').slice(0, 1), ...named(element, 'innerBoundaryIs')].map(coordinates);
  return rings[0]?.length >= 4 ? rings.filter((ring) => ring.length >= 4) : [];
}

/** @param {Element} element @return {number[][]} */
function coordinates(element) {
  const text = named(element, 'coordinates')[0]?.textContent ?? '';
  return text
    .trim()
    .split(/\s+/)
    .map((part) => part.split(',').slice(0, 2).map(Number))
    .filter(([lon, lat]) => Math.abs(lon) <= 180 && Math.abs(lat) <= 90);
}

// @vitest-environment happy-dom
import { describe, expect, test } from 'vitest';
import { readGeoJson, readPlaces } from '../src/places/files.js';

/** @import {Place} from '../src/types' */

/* The same field with a hole, written by GDAL's ogr2ogr 3 as a shapefile (zipped), in UTM, and as KML. */
const SHAPE =
  'UEsDBBQAAAAIAE93dF3Zq1SkagAAAEABAAAJAAAAZmllbGQuc2hwY2BQ52LADha8YGZgYAUyzp4BAV0HiLCnQxoIPNN1aH0duEOO1dMBh35kwAjEWcSYxQQUhTkIm3oYH6YeXT+Mj64exg/aIdf6+qKuw8MqkXXujJ4O1xcX2HJdx+Qf/qoR08+EUI/Oh6kHAFBLAwQUAAAACABPd3RdVX9Dr3kAAACRAAAACQAAAGZpZWxkLnByanN39Xd3Do5WAhLx4e7B8YaWFiZKOi6OIaG+0UouSELBAR6uQf6eLtFKCDEzY3MLQ2NzPQMdI0sLPSNTcyMjY1Mz49hYnYAgT19XoAnuRampeeWZyRlKOgZ6BrE6oX6eIUBzU9OB4mAhQ3MTU2MjSyNTQ0tLE2OgVgBQSwECFAMUAAAACABPd3Rd2atUpGoAAABAAQAACQAAAAAAAAAAAAAApIEAAAAAZmllbGQuc2hwUEsBAhQDFAAAAAgAT3d0XVV/Q695AAAAkQAAAAkAAAAAAAAAAAAAAKSBkQAAAGZpZWxkLnByalBLBQYAAAAAAgACAG4AAAAxAQAAAAA=';
const PROJECTED =
  'UEsDBBQAAAAIAE93dF2AQtYFpAAAAEABAAAHAAAAdXRtLnNocGNgUOdiwA4WvGBmYGAFMo6mK+q0isg5xtcs/nlRIdSR46p6dZ+PnONXO9adWqqhjjj0IwNGIM4ixiwmoBqYg5DVT58/6/4loHrWT6e/zRFBqIfpl2qTuawJ5H9guDy1yQdhPrp+Q/nnJnvl5RxFr7XMfqEY6qi5MdH7vZacY1FbajqIP39hDu8XID9YaVPsP6VQR7tK4/5DQPW8Cy9MBPHR9QMAUEsDBBQAAAAIAE93dF3CNL14AAEAAJEBAAAHAAAAdXRtLnByamWPW2uEMBCF/0ueg6jxlkfRrHWpRrxQqEgIbuoGJEJM27/fuKW0u52HeTjnmzMzTUvPWTeCl6JjHk4CNvQVe92UYAjVABaEFodtG/tBAMzTfqhGkP+RuuaJtLTMf5MAjFCceCh2XOjjxPHD2PdRGKFpgk1bVsQmFFoI9SnnK4Cu405wqMve5orF6jfJi4MQ+dgPPYwD9D1KzyTrS1qPoNdc7R9C74JVQs/cbBpYIm3TivSkHcGJr9YjfDdSLQCG7lHHon9MvWlzvUGPfiaU0Xw9NsiL5ApAL3xAupmvgp34fBxgAzDG0R3wzI007xfB6BujWi5S3T1cCSPsoGeV6QtQSwECFAMUAAAACABPd3RdgELWBaQAAABAAQAABwAAAAAAAAAAAAAApIEAAAAAdXRtLnNocFBLAQIUAxQAAAAIAE93dF3CNL14AAEAAJEBAAAHAAAAAAAAAAAAAACkgckAAAB1dG0ucHJqUEsFBgAAAAACAAIAagAAAO4BAAAAAA==';
const KML = `<?xml version="1.0" encoding="utf-8" ?>
<kml xmlns="http://www.opengis.net/kml/2.2"><Document id="root_doc"><Folder><name>a</name><Placemark><name>field</name>
<Polygon><outerBoundaryIs><LinearRing><coordinates>14.9,50.0 14.95,50.0 14.95,50.04 14.9,50.04 14.9,50.0</coordinates></LinearRing></outerBoundaryIs>
<innerBoundaryIs><LinearRing><coordinates>14.91,50.01 14.91,50.02 14.92,50.02 14.92,50.01 14.91,50.01</coordinates></LinearRing></innerBoundaryIs></Polygon>
</Placemark></Folder></Document></kml>`;
const RINGS = [
  [[14.9, 50], [14.95, 50], [14.95, 50.04], [14.9, 50.04], [14.9, 50]],
  [[14.91, 50.01], [14.91, 50.02], [14.92, 50.02], [14.92, 50.01], [14.91, 50.01]],
];

const file = (/** @type {BlobPart} */ content, /** @type {string} */ name) => new File([content], name);
const zip = (/** @type {string} */ text) => file(Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)), 'field.zip');
/** Rings turn either way in different formats. @param {number[][]} ring */
const corners = (ring) => new Set(ring.map((position) => position.join(',')));

/** @param {Place} place @param {string} name */
function expectField(place, name) {
  expect(place.name).toBe(name);
  const { geometry } = place;
  const rings = geometry.type === 'MultiPolygon' ? geometry.coordinates[0] : geometry.type === 'Polygon' ? geometry.coordinates : [];
  expect(rings.map(corners)).toEqual(RINGS.map(corners));
}

describe('areas from files', () => {
  test('GeoJSON', async () => {
    const places = await readPlaces(file(JSON.stringify({ type: 'Feature', properties: { name: 'My field' }, geometry: { type: 'Polygon', coordinates: RINGS } }), 'a.geojson'));
    expectField(places[0], 'My field');
  });
  test('KML', async () => expectField((await readPlaces(file(KML, 'a.kml')))[0], 'field'));
  test('zipped shapefile', async () => expectField((await readPlaces(zip(SHAPE)))[0], 'field'));
  test('points, heights left out', () => expect(readGeoJson({ type: 'Point', coordinates: [1, 2, 300] })).toEqual([{ name: '', geometry: { type: 'Point', coordinates: [1, 2] } }]));
});

/** @type {[string, () => File, string][]} */
const REFUSED = [
  ['a projected shapefile', () => zip(PROJECTED), 'file.projection'],
  ['a cut zip', () => zip(SHAPE.slice(0, 200)), 'file.unreadable'],
  ['no shapefile in a zip', () => file(Uint8Array.from([0x50, 0x4b, 5, 6, ...Array(18).fill(0)]), 'a.zip'), 'file.noshape'],
  ['text', () => file('hello', 'a.json'), 'file.unreadable'],
  ['broken XML', () => file('<kml><Placemark>', 'a.kml'), 'file.'],
  ['metres', () => file(JSON.stringify({ type: 'Point', coordinates: [500000, 5500000] }), 'a.json'), 'file.degrees'],
  ['a line', () => file(JSON.stringify({ type: 'LineString', coordinates: [[1, 2], [3, 4]] }), 'a.json'), 'file.empty'],
  ['words for numbers', () => file(JSON.stringify({ type: 'Polygon', coordinates: [[['<b>', 1]]] }), 'a.json'), 'file.empty'],
];

describe('refused with a sentence', () => {
  test.each(REFUSED)('%s', async (_, make, key) => {
    await expect(readPlaces(make())).rejects.toThrow(key);
  });
});

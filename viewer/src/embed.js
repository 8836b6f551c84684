/**
 * <tile-viewer collection="…" style-id="…" time="2023-08-13" bbox="west,south,east,north" lang="en"></tile-viewer>
 *
 * The viewer in a frame that is told what to show by attributes and tells by events: `view`, `time`, `pick`.
 * `style` is an attribute of every HTML element; a plain style name in it is taken, else `style-id`.
 */
const HERE = new URL('.', import.meta.url).href;
const NAME = /^[\w.-]+$/;

class TileViewer extends HTMLElement {
  static observedAttributes = ['collection', 'style', 'style-id', 'time', 'bbox', 'view', 'lang'];

  /** @type {HTMLIFrameElement | null} */
  #frame = null;
  #ready = false;

  connectedCallback() {
    if (this.#frame) return;
    const root = this.shadowRoot ?? this.attachShadow({ mode: 'open' });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(':host{display:block;min-height:320px;height:480px}iframe{border:0;width:100%;height:100%;display:block}');
    root.adoptedStyleSheets = [sheet];
    this.#frame = document.createElement('iframe');
    this.#frame.title = this.getAttribute('title') ?? 'Satellite map';
    this.#frame.allowFullscreen = true;
    this.#frame.src = this.#address();
    root.replaceChildren(this.#frame);
    addEventListener('message', this.#hear);
  }

  disconnectedCallback() {
    removeEventListener('message', this.#hear);
    this.#frame = null;
    this.#ready = false;
  }

  /** @param {string} name @param {string | null} before @param {string | null} value */
  attributeChangedCallback(name, before, value) {
    if (!this.#frame || before === value) return;
    if (!this.#ready || value === null || name === 'lang') this.#frame.src = this.#address();
    else if (name === 'time') this.#say({ tilescope: 'setTime', time: value });
    else if (name === 'collection') this.#say({ tilescope: 'setCollection', collection: value });
    else if (name.startsWith('style') && NAME.test(value)) this.#say({ tilescope: 'setStyle', style: value });
    else if (name === 'view' || name === 'bbox') this.#frame.src = this.#address();
  }

  /** @param {{lon: number, lat: number, zoom: number}} view */
  setView(view) {
    this.#say({ tilescope: 'setView', ...view });
  }

  /** @param {string} time */
  setTime(time) {
    this.#say({ tilescope: 'setTime', time });
  }

  /** @param {Record<string, unknown>} message */
  #say(message) {
    this.#frame?.contentWindow?.postMessage(message, new URL(HERE).origin);
  }

  /** @param {MessageEvent} event */
  #hear = ({ source, origin, data }) => {
    if (source !== this.#frame?.contentWindow || origin !== new URL(HERE).origin || typeof data?.tilescope !== 'string') return;
    const { tilescope: kind, ...detail } = data;
    this.#ready = true;
    this.dispatchEvent(new CustomEvent(kind, { detail }));
  };

  /** @return {string} */
  #address() {
    const address = new URL(HERE);
    const styled = this.getAttribute('style-id') ?? this.getAttribute('style') ?? '';
    const wanted = { embed: '1', collection: this.getAttribute('collection'), style: NAME.test(styled) ? styled : null, time: this.getAttribute('time'), view: this.getAttribute('view') ?? this.#viewOfBox(), lang: this.getAttribute('lang') };
    for (const [key, value] of Object.entries(wanted)) if (value) address.searchParams.set(key, value);
    return address.href;
  }

  /** @return {string | null} lon,lat,zoom in which the box is seen whole */
  #viewOfBox() {
    const box = (this.getAttribute('bbox') ?? '').split(',').map(Number);
    if (box.length !== 4 || !box.every(Number.isFinite)) return null;
    const [west, south, east, north] = box;
    const mercator = (/** @type {number} */ lat) => Math.log(Math.tan(Math.PI / 4 + (Math.min(85, Math.max(-85, lat)) * Math.PI) / 360)) / (2 * Math.PI);
    const wide = (east - west + (east < west ? 360 : 0)) / 360;
    const tall = mercator(north) - mercator(south);
    const zoom = Math.log2(Math.min((this.clientWidth || 800) / (256 * wide), (this.clientHeight || 480) / (256 * tall)));
    const lat = (Math.atan(Math.exp(Math.PI * (mercator(north) + mercator(south)))) * 360) / Math.PI - 90;
    return `${((west + east) / 2).toFixed(5)},${lat.toFixed(5)},${Math.min(Math.max(zoom, 1), 18).toFixed(2)}`;
  }
}

if (!customElements.get('tile-viewer')) customElements.define('tile-viewer', TileViewer);

/** The words of the state and of the server's answers. */

export interface Mix {
  assets: string[];
  expression: string;
  rescale: string;
  colormap_name: string;
}

/** One picture on the map. `time` is empty until the newest usable image is known. */
export interface Picture {
  collection: string;
  style: string;
  time: string;
  mix: Mix | null;
}

export interface View {
  lon: number;
  lat: number;
  zoom: number;
}

/** West, south, east, north in degrees. */
export type Bbox = [number, number, number, number];

export interface Tone {
  brightness: number;
  contrast: number;
  gamma: number;
}

export interface Place {
  name: string;
  geometry: GeoJSON.Geometry;
}

export interface Lapse {
  from: string;
  to: string;
  cloud: number;
  speed: number;
  off: string[];
}

export type CompareMode = '' | 'swipe' | 'side' | 'flicker' | 'difference';
export type Drawer = '' | 'lapse' | 'chart' | 'download' | 'share' | 'find' | 'help';

/** A day with images in the view. */
export interface Day {
  date: string;
  items: number | string[];
  cover: number | null;
  cloud: number | null;
}

export interface Days {
  status: 'loading' | 'ready' | 'failed';
  list: Day[];
  bbox: string;
}

export interface Render {
  title?: string;
  description?: string;
  assets?: string[];
  expression?: string;
  rescale?: number[][];
  colormap_name?: string;
  resampling?: string;
  'tilescope:titles'?: Record<string, string>;
  'tilescope:descriptions'?: Record<string, string>;
  'tilescope:expert'?: string;
  'tilescope:classes'?: unknown[];
  'tilescope:unit'?: string;
}

export interface Collection {
  id: string;
  title?: string;
  description?: string;
  license?: string;
  extent?: {
    spatial?: { bbox?: number[][] };
    temporal?: { interval?: (string | null)[][] };
  };
  renders?: Record<string, Render>;
  item_assets?: Record<string, { title?: string; [key: string]: unknown }>;
  'tilescope:maxzoom'?: number;
  'tilescope:attribution'?: string;
  'tilescope:titles'?: Record<string, string>;
  'tilescope:tolerance_days'?: number;
}

/** What `legend.json` answers. */
export interface Legend {
  type: 'ramp' | 'classes' | 'composite';
  title: string;
  description?: string;
  unit?: string;
  min?: number;
  max?: number;
  /** Evenly from min to max. */
  colors?: string[];
  marks?: { value: number; label: string }[];
  entries?: { color: string; label: string; value?: number; end?: number }[];
}

export interface Config {
  title: string;
  basemaps: { title: string; url: string; attribution?: string }[];
  downloads: boolean;
}

/** What `/point` answers. */
export interface PointValue {
  lon: number;
  lat: number;
  datetime: string | null;
  item: string | null;
  valid: boolean;
  assets: Record<string, number | null>;
  style?: { id: string; value: number | number[] | null; unit?: string; class?: string | null } | null;
}

export interface Notice {
  key: string;
  values?: Record<string, string | number>;
  actions?: { key: string; values?: Record<string, string | number>; run: () => void }[];
  kind?: 'info' | 'warning';
}

export interface State {
  /* In the link. */
  pictures: Picture[];
  active: number;
  compare: CompareMode;
  swipe: number;
  view: View | null;
  opacity: number;
  tone: Tone;
  basemap: string;
  lang: string;
  open: Drawer;
  layers: boolean;
  places: Place[];
  pin: [number, number] | null;
  lapse: Lapse;
  embed: boolean;
  /* Loaded or passing. */
  config: Config;
  collections: Collection[] | null;
  problem: string;
  bbox: Bbox | null;
  size: [number, number];
  days: Record<string, Days>;
  legends: Record<string, Legend>;
  value: PointValue | null;
  cursor: PointValue | null;
  notice: Notice | null;
  loading: boolean;
  tool: '' | 'measure' | 'area' | 'box';
  playing: boolean;
  /** The day of the film's frame that is shown instead of the picture's own. */
  film: string;
  /** The day that a list or the strip points at. */
  pointed: string;
  hovered: GeoJSON.Geometry[];
  /** Which of the pictures flickering is in front. */
  blink: number;
  words: number;
}

export type Store = import('./store.js').Store;

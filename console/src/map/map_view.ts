/**
 * The map itself: with `WholeMap`, what knows MapLibre. It draws what it is given and says what was
 * clicked; what is to be drawn is decided elsewhere.
 *
 * Volumes come by `setData`, only those that count at the time, at most once a frame: with software
 * rendering that is several times faster than filters. Loaded with the first screen that has a map.
 */
import "./map_view.css";
import {
  addProtocol,
  type Map as LibreMap,
  setWorkerUrl,
  type AddProtocolAction,
  type FontFacesSpecification,
  type GeoJSONSource,
  type LayerSpecification,
  type MapMouseEvent,
  type SourceSpecification,
  type StyleSpecification,
} from "maplibre-gl";
import worker from "maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url";
import { settings } from "../parts/settings";
import { language, type Language } from "../words/words";
import { ground, labels } from "./base_map";
import type { Drawn, Features } from "./draw";
import { HIT, layers, OVER, sources, SWITCHES, UNDER } from "./layers";
import { palette, pictures, SCALE, type Palette } from "./palette";
import type { Box } from "./shapes";
import type { MapSettings } from "./view_settings";
import { WholeMap } from "./whole_map";

setWorkerUrl(worker);

/** Frames that take longer than this are drawn with one dot to a pixel from then on. */
const SLOW_MS = 100;
const SLOW_FRAMES = 5;
const REACH_PX = 8;
/** So long without another time is rest. */
const REST_MS = 150;
const RESTLESS_MS = 1_500;
const NONE: Features = { type: "FeatureCollection", features: [] };
const CLOSEST = 16;
const TILT_DEG = 55;

const FACES = import.meta.glob<Record<string, { url: string }[]>>("../fonts/faces.json", { eager: true, import: "default" });
const FILES = import.meta.glob<string>("../fonts/*.woff2", { eager: true, query: "?url", import: "default" });

export interface View {
  lng: number;
  lat: number;
  zoom: number;
}

/** A layer of the viewer's own. */
export interface Own {
  id: string;
  source: SourceSpecification;
  draw: (colours: Palette, source: string) => LayerSpecification[];
}

export interface MapEvents {
  /** Ids of what lies under a click, the topmost first; the event's own place. */
  clicked?: (ids: string[], lat: number, lng: number) => void;
  /** Where the pointer is; null: not over the map. */
  pointed?: (at: { lat: number; lng: number } | null) => void;
  /** The map has come to rest somewhere else. */
  moved?: (view: View) => void;
  /** The first picture with land and names stands. */
  shown?: () => void;
  /** What the map shows is of this time. */
  painted?: (time: number) => void;
  /** What the sources of the base map say of themselves. */
  credited?: (credit: string) => void;
}

/** Whether this browser can draw the map at all. */
export function canDraw(): boolean {
  try {
    return document.createElement("canvas").getContext("webgl2") !== null;
  } catch {
    return false;
  }
}

export class MapView {
  /** For who adds layers or tools of their own, such as drawing: `drawing()` says where. */
  readonly map: WholeMap;
  /** The style stands: sources and layers may be added. */
  readonly ready: Promise<void>;
  private readonly ends: (() => void)[] = [];
  private wanted: Drawn | null = null;
  private chosen: Features | null = null;
  private frame = 0;
  private naming = 0;
  private resting = 0;
  private areaNames: readonly GeoJSON.Feature[] = [];
  private unnamed: ((put: string[]) => void) | null = null;
  private namedAt = -Infinity;
  private signature = "";
  private time = NaN;
  private loaded = false;
  private slow = 0;
  private readonly last = new Map<string, string>();
  private readonly own = new Map<string, Own>();
  /** How often the volumes were handed over, and whether land and names were: for the bench. */
  handedOver = 0;
  grounded = false;
  tracksShown = 0;

  constructor(container: HTMLElement, at: View, private readonly events: MapEvents = {}) {
    this.map = new WholeMap({
      container,
      style: style(),
      center: [at.lng, at.lat],
      zoom: at.zoom,
      maxZoom: CLOSEST,
      maxPitch: 70,
      attributionControl: false,
      maplibreLogo: false,
      fadeDuration: 0,
      keyboard: false,
      renderWorldCopies: true,
      validateStyle: false,
      pixelRatio: Math.min(devicePixelRatio, 2),
      canvasContextAttributes: { antialias: false },
    });
    this.map.settled = (whole) => this.settled(whole);
    this.map.getCanvas().setAttribute("tabindex", "-1");
    this.map.getCanvas().setAttribute("aria-hidden", "true");
    this.ready = new Promise((resolve) => {
      this.map.once("style.load", () => {
        this.loaded = true;
        this.paintPictures();
        resolve();
        this.flush();
        void this.layGround();
      });
    });
    this.map.on("click", (event) => this.clicked(event));
    this.map.on("mousemove", (event) => events.pointed?.({ lat: event.lngLat.lat, lng: event.lngLat.wrap().lng }));
    // Unheard, MapLibre would write them to the console as errors of the page.
    this.map.on("error", ({ error }) => console.warn("map:", error.message));
    this.map.on("mouseout", () => events.pointed?.(null));
    this.map.on("moveend", () => events.moved?.(this.view()));
    this.watchFrames();
    this.ends.push(settings.watch(() => this.restyle()), language.watch(() => void this.nameIt()));
  }

  close(): void {
    cancelAnimationFrame(this.frame);
    this.restless();
    for (const end of this.ends.splice(0)) end();
    this.map.remove();
  }

  /** Show something else, with the next frame; only the last word of a frame is drawn. */
  show(wanted: Drawn): void {
    this.wanted = wanted;
    this.soon();
  }

  choose(chosen: Features): void {
    this.chosen = chosen;
    this.soon();
  }

  /** Set one of the small sources: measuring, for example. */
  put(source: string, features: Features): void {
    if (!this.loaded) return void this.ready.then(() => this.put(source, features));
    void this.map.getSource<GeoJSONSource>(source)?.setData(features);
  }

  private soon(): void {
    if (!this.frame && this.loaded) this.frame = requestAnimationFrame(() => this.flush());
  }

  /** Hand over what is wanted now. What comes while the last is awaited replaces what came before it. */
  private flush(): void {
    this.frame = 0;
    if (!this.loaded || this.map.held) return;
    const { wanted, chosen } = this;
    this.wanted = this.chosen = null;
    const put: string[] = [];
    if (chosen) this.changed("chosen", chosen, put);
    if (wanted) this.hand(wanted, put);
    this.hold(put);
  }

  private hand(wanted: Drawn, put: string[]): void {
    if (wanted.signature !== this.signature) {
      this.signature = wanted.signature;
      this.handedOver++;
      this.put("areas", wanted.areas);
      put.push("areas");
    }
    this.tracksShown = wanted.tracks.features.length;
    for (const name of ["rings", "tracks", "lines", "alarms"] as const) this.changed(name, wanted[name], put);
    const passed = wanted.passing && (wanted.time !== this.time || this.unnamed !== null);
    this.time = wanted.time;
    this.map.passBy(passed);
    this.name(wanted, passed, put);
  }

  private hold(put: readonly string[]): void {
    if (put.length) this.map.hold(put);
    else if (this.map.drawn) this.settled(true);
  }

  private settled(whole: boolean): void {
    if (whole && !Number.isNaN(this.time)) this.events.painted?.(this.time);
    if (this.wanted || this.chosen) this.soon();
    if (whole && this.unnamed) this.rest();
  }

  /**
   * Names follow once the time rests: placing them is dearer than drawing all else, and while somebody
   * goes past with the slider nobody reads them. Until then none stand there that are not right any
   * more: of aircraft none but what an alarm is about.
   */
  private name(wanted: Drawn, passed: boolean, put: string[]): void {
    this.restless();
    this.unnamed = null;
    const areas = (into: string[]): void => {
      this.namedAt = performance.now();
      this.areaNames = wanted.areaLabels.features;
      this.changed("areaLabels", wanted.areaLabels, into);
    };
    if (passed) {
      const right = new Set(wanted.areaLabels.features.map((each) => JSON.stringify(each)));
      this.areaNames = this.areaNames.filter((each) => right.has(JSON.stringify(each)));
      this.changed("areaLabels", { ...NONE, features: [...this.areaNames] }, put);
      this.changed("trackLabels", NONE, put);
      this.unnamed = (into) => {
        areas(into);
        this.changed("trackLabels", wanted.trackLabels, into);
      };
      return;
    }
    this.changed("trackLabels", wanted.trackLabels, put);
    // A replay never rests.
    if (performance.now() - this.namedAt > RESTLESS_MS) areas(put);
    else this.unnamed = areas;
  }

  /** The picture is drawn: when it has stood for a while, its names follow, and all its pixels. */
  private rest(): void {
    this.restless();
    // The next frame comes when the graphics have caught up.
    this.resting = requestAnimationFrame(() => (this.naming = window.setTimeout(() => this.rested(), REST_MS)));
  }

  private restless(): void {
    cancelAnimationFrame(this.resting);
    clearTimeout(this.naming);
  }

  private rested(): void {
    // What is handed over meanwhile brings its own names.
    if (this.map.held || !this.unnamed) return;
    const put: string[] = [];
    this.unnamed(put);
    this.unnamed = null;
    this.map.passBy(false);
    this.hold(put);
    this.map.triggerRepaint();
  }

  /** Hand over what is not as before: an empty sky costs nothing each second. */
  private changed(name: string, features: Features, put: string[]): void {
    const text = JSON.stringify(features.features);
    if (this.last.get(name) === text) return;
    this.last.set(name, text);
    this.put(name, features);
    put.push(name);
  }

  view(): View {
    const { lng, lat } = this.map.getCenter().wrap();
    return { lng, lat, zoom: this.map.getZoom() };
  }

  box(): Box {
    const bounds = this.map.getBounds();
    return { west: bounds.getWest(), south: bounds.getSouth(), east: bounds.getEast(), north: bounds.getNorth() };
  }

  /** Metres that a pixel is in the middle of the map. */
  metresPerPixel(): number {
    const { lat } = this.map.getCenter();
    return (40_075_016.686 * Math.cos((lat * Math.PI) / 180)) / (512 * 2 ** this.map.getZoom());
  }

  /** Go and look at a box; a point keeps the scale, if that is fine enough to see it. */
  lookAt([west, south, east, north]: [number, number, number, number], closest = 11, atOnce = false): void {
    const motion = atOnce || still() ? { animate: false } : { duration: 600 };
    if (west === east && south === north) {
      this.map.easeTo({ center: [west, south], zoom: Math.max(this.map.getZoom(), 8), ...motion });
    } else
      this.map.fitBounds([west, south, east, north], { padding: 60, maxZoom: closest, ...motion });
  }

  sees([west, south, east, north]: [number, number, number, number]): boolean {
    const box = this.box();
    return west >= box.west && east <= box.east && south >= box.south && north <= box.north;
  }

  pan(x: number, y: number): void {
    this.map.panBy([x, y], still() ? { animate: false } : { duration: 150 });
  }

  zoom(by: number): void {
    this.map.easeTo({ zoom: this.map.getZoom() + by, ...(still() ? { animate: false } : { duration: 150 }) });
  }

  /** Apply the viewer's switches. */
  arrange(wanted: MapSettings): void {
    if (!this.loaded) return void this.ready.then(() => this.arrange(wanted));
    for (const [name, ids] of Object.entries(SWITCHES))
      for (const id of ids) this.visible(id, wanted[name as keyof typeof SWITCHES]);
    this.visible("area-tilted", wanted.tilted);
    this.visible("area-fill", !wanted.tilted);
    const pitch = wanted.tilted ? TILT_DEG : 0;
    if (Math.round(this.map.getPitch()) !== pitch) this.map.jumpTo({ pitch, ...(wanted.tilted ? {} : { bearing: 0 }) });
    if (wanted.tilted) this.map.dragRotate.enable();
    else this.map.dragRotate.disable();
    if (wanted.tilted) this.map.touchZoomRotate.enableRotation();
    else this.map.touchZoomRotate.disableRotation();
  }

  private visible(id: string, on: boolean): void {
    const now = this.map.getLayoutProperty(id, "visibility") !== "none";
    if (now !== on) this.map.setLayoutProperty(id, "visibility", on ? "visible" : "none");
  }

  /** Where drawings belong among the layers, and the font that they may write with. */
  drawing(): { map: LibreMap; above: string } {
    return { map: this.map, above: OVER };
  }

  /** Have exactly these layers of the viewer's own under the plans. */
  lay(wanted: readonly Own[]): void {
    if (!this.loaded) return void this.ready.then(() => this.lay(wanted));
    for (const [id, own] of this.own) {
      if (wanted.some((each) => each.id === id)) continue;
      for (const layer of own.draw(palette(), id)) if (this.map.getLayer(layer.id)) this.map.removeLayer(layer.id);
      this.map.removeSource(id);
      this.own.delete(id);
    }
    for (const own of wanted) {
      if (this.own.has(own.id)) continue;
      this.own.set(own.id, own);
      this.map.addSource(own.id, own.source);
      for (const layer of own.draw(palette(), own.id)) this.map.addLayer(layer, UNDER);
    }
  }

  private clicked(event: MapMouseEvent): void {
    const { x, y } = event.point;
    const shown = HIT.filter((id) => this.map.getLayer(id));
    const found = this.map.queryRenderedFeatures(
      [
        [x - REACH_PX, y - REACH_PX],
        [x + REACH_PX, y + REACH_PX],
      ],
      { layers: shown },
    );
    found.sort((a, b) => HIT.indexOf(a.layer.id) - HIT.indexOf(b.layer.id));
    const ids = [...new Set(found.map((each) => String(each.properties["id"] ?? "")).filter(Boolean))];
    this.events.clicked?.(ids, event.lngLat.lat, event.lngLat.wrap().lng);
  }

  private async layGround(): Promise<void> {
    try {
      const named = this.nameIt();
      const shapes = await ground();
      await Promise.all([named, ...[...shapes].map(([name, features]) => this.map.getSource<GeoJSONSource>(name)?.setData(features))]);
      this.grounded = true;
    } catch {
      // Without land the plans still stand where they are: better than no map at all.
    }
    this.map.once("idle", () => this.events.shown?.());
    this.map.triggerRepaint();
  }

  private async nameIt(): Promise<void> {
    const wanted = labelLanguage();
    if (this.last.get("language") === wanted) return;
    this.last.set("language", wanted);
    try {
      const { places, countries, credit } = await labels(wanted);
      this.put("places", places);
      this.put("countries", countries);
      this.events.credited?.(credit);
    } catch {
      this.last.delete("language");
    }
  }

  private restyle(): void {
    void this.nameIt();
    const theme = document.documentElement.dataset["theme"] ?? "";
    if (!this.loaded || this.last.get("theme") === theme) return;
    this.last.set("theme", theme);
    this.paintPictures();
    const own = [...this.own.values()].flatMap((each) => each.draw(palette(), each.id));
    for (const layer of [...layers(palette()), ...own]) {
      if (!this.map.getLayer(layer.id)) continue;
      for (const [name, value] of Object.entries(layer.paint ?? {}))
        this.map.setPaintProperty(layer.id, name as "fill-color", value as string);
    }
  }

  private paintPictures(): void {
    for (const { name, image } of pictures(palette())) {
      if (this.map.hasImage(name)) this.map.updateImage(name, image);
      else this.map.addImage(name, image, { pixelRatio: SCALE });
    }
  }

  /** On a machine that is slow with fine pixels, coarse ones; once, and not back. */
  private watchFrames(): void {
    let begun = 0;
    this.map.on("render", () => {
      const at = performance.now();
      if (this.map.isMoving() && begun && at - begun > SLOW_MS) this.slow++;
      begun = at;
      if (this.slow >= SLOW_FRAMES && this.map.getPixelRatio() > 1) this.map.setPixelRatio(1);
    });
  }
}

export type { LayerSpecification, LibreMap };

/** Read tiles of the viewer's own files under an address of our own making. */
export function serveTiles(scheme: string, load: AddProtocolAction): void {
  addProtocol(scheme, load);
}

function labelLanguage(): Language {
  return settings.value.labels ?? language.value;
}

function still(): boolean {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}

function style(): StyleSpecification {
  const faces: FontFacesSpecification = {};
  for (const [family, parts] of Object.entries(Object.values(FACES)[0] ?? {}))
    faces[family] = parts.flatMap((part) => {
      const url = FILES[`../fonts/${part.url}`];
      return url ? [{ ...part, url: new URL(url, document.baseURI).href }] : [];
    }) as FontFacesSpecification[string];
  return { version: 8, "font-faces": faces, sources: sources(), layers: layers(palette()) } as StyleSpecification;
}

/**
 * Layers from the viewer's own files: GeoJSON and PMTiles, for this session and in this page alone.
 *
 * Nothing of them leaves the page. They are strangers' data: limits on everything, and names are text.
 */
import type { FeatureCollection, Geometry } from "geojson";
import type { LayerSpecification, SourceSpecification } from "maplibre-gl";
import type { PMTiles } from "pmtiles";
import { Store } from "../live/store";
import { short } from "./draw";
import { FONT } from "./layers";
import type { Palette } from "./palette";

export interface UserLayer {
  id: string;
  name: string;
  kind: "geojson" | "vector" | "raster";
  /** Things in it; null: tiles, which nobody counts. */
  count: number | null;
  /** Things left out because they could not be read. */
  leftOut: number;
  source: SourceSpecification;
  /** West, south, east, north. */
  bounds: [number, number, number, number] | null;
  draw: (colours: Palette, source: string) => LayerSpecification[];
}

/** Why a file was not taken; `code` names the words. */
export class Refused extends Error {
  constructor(readonly code: "kind" | "size" | "many" | "json" | "geojson" | "features" | "tiles" | "empty") {
    super(code);
  }
}

export const FILES_MAX = 10;
export const GEOJSON_BYTES_MAX = 30_000_000;
export const FEATURES_MAX = 50_000;
const POINTS_MAX = 1_000_000;
const TILE_LAYERS_MAX = 60;
const SCHEME = "own";
const LABELS = ["name", "title", "label"];

/** In this page until it is closed: whoever goes to another screen and back finds them. */
export const userLayers = new Store<readonly UserLayer[]>([]);

const archives = new Map<string, { tiles: PMTiles; vector: boolean }>();
let number = 0;
let serves = false;

/** Take a file; throws `Refused`. */
export async function takeFile(file: File): Promise<UserLayer> {
  if (userLayers.value.length >= FILES_MAX) throw new Refused("many");
  const name = file.name.toLowerCase();
  let layer: UserLayer;
  if (name.endsWith(".pmtiles")) layer = await tiles(file);
  else if (name.endsWith(".geojson") || name.endsWith(".json")) layer = await shapes(file);
  else throw new Refused("kind");
  userLayers.update((list) => [...list, layer]);
  return layer;
}

export function dropLayer(id: string): void {
  archives.delete(id);
  userLayers.update((list) => list.filter((each) => each.id !== id));
}

async function shapes(file: File): Promise<UserLayer> {
  if (file.size > GEOJSON_BYTES_MAX) throw new Refused("size");
  let document: unknown;
  try {
    document = JSON.parse(await file.text());
  } catch {
    throw new Refused("json");
  }
  const { collection, count, leftOut, bounds } = read(document);
  if (!count) throw new Refused("empty");
  return {
    id: `own-${++number}`,
    name: file.name,
    kind: "geojson",
    count,
    leftOut,
    bounds,
    source: { type: "geojson", data: collection },
    draw: (colours, source) => drawn(colours, source, source),
  };
}

/** Return what can be drawn of a document, with nothing of it but places and a name each. */
export function read(document: unknown): { collection: FeatureCollection; count: number; leftOut: number; bounds: [number, number, number, number] } {
  const given = document as { type?: unknown; features?: unknown; geometry?: unknown } | null;
  if (typeof given !== "object" || given === null) throw new Refused("geojson");
  const features = given.type === "FeatureCollection" ? given.features : given.type === "Feature" ? [given] : [{ geometry: given }];
  if (!Array.isArray(features)) throw new Refused("geojson");
  if (features.length > FEATURES_MAX) throw new Refused("features");
  const budget: Budget = { points: POINTS_MAX, box: [180, 90, -180, -90] };
  const kept: FeatureCollection["features"] = [];
  const names: FeatureCollection["features"] = [];
  for (const each of features as ({ geometry?: unknown; properties?: unknown } | null)[]) {
    const geometry = each?.geometry as Geometry | null | undefined;
    const own: Budget = { points: budget.points, box: [180, 90, -180, -90] };
    if (!geometry || !fine(geometry, own, 0)) continue;
    budget.points = own.points;
    grow(budget.box, own.box);
    const label = labelOf(each?.properties);
    const point = geometry.type === "Point";
    kept.push({ type: "Feature", geometry, properties: { label: point ? label : "" } });
    // One name to a shape; put on the shape itself, it would be drawn again in every tile.
    if (label && !point) names.push({ type: "Feature", geometry: middle(own.box), properties: { label, name: true } });
  }
  const count = kept.length;
  kept.push(...names);
  return { collection: { type: "FeatureCollection", features: kept }, count, leftOut: features.length - count, bounds: budget.box };
}

const DEPTH: Record<string, number> = { Point: 0, MultiPoint: 1, LineString: 1, MultiLineString: 2, Polygon: 2, MultiPolygon: 3 };

interface Budget {
  points: number;
  box: [number, number, number, number];
}

function grow(box: Budget["box"], by: Budget["box"]): void {
  box[0] = Math.min(box[0], by[0]);
  box[1] = Math.min(box[1], by[1]);
  box[2] = Math.max(box[2], by[2]);
  box[3] = Math.max(box[3], by[3]);
}

function middle([west, south, east, north]: Budget["box"]): Geometry {
  return { type: "Point", coordinates: [(west + east) / 2, (south + north) / 2] };
}

function fine(geometry: Geometry, budget: Budget, nested: number): boolean {
  if (geometry.type === "GeometryCollection")
    return nested < 3 && Array.isArray(geometry.geometries) && geometry.geometries.every((each) => each && fine(each, budget, nested + 1));
  const depth = DEPTH[geometry.type];
  return depth !== undefined && placed(geometry.coordinates, depth, budget);
}

function placed(value: unknown, depth: number, budget: Budget): boolean {
  if (!Array.isArray(value)) return false;
  if (depth > 0) return value.length > 0 && value.every((each) => placed(each, depth - 1, budget));
  const [lng, lat] = value as unknown[];
  if (typeof lng !== "number" || typeof lat !== "number" || !(Math.abs(lng) <= 540) || !(Math.abs(lat) <= 90)) return false;
  if (--budget.points < 0) throw new Refused("features");
  const { box } = budget;
  if (lng < box[0]) box[0] = lng;
  if (lat < box[1]) box[1] = lat;
  if (lng > box[2]) box[2] = lng;
  if (lat > box[3]) box[3] = lat;
  return true;
}

function labelOf(properties: unknown): string {
  if (typeof properties !== "object" || properties === null) return "";
  for (const key of LABELS) {
    const value = (properties as Record<string, unknown>)[key];
    if (typeof value === "string" && value) return short(value);
  }
  return "";
}

async function tiles(file: File): Promise<UserLayer> {
  const id = `own-${++number}`;
  const [{ FileSource, PMTiles, TileType }, { serveTiles }] = await Promise.all([import("pmtiles"), import("./map_view")]);
  const archive = new PMTiles(new FileSource(file));
  try {
    const header = await archive.getHeader();
    const vector = header.tileType === TileType.Mvt;
    if (!vector && ![TileType.Png, TileType.Jpeg, TileType.Webp, TileType.Avif].includes(header.tileType)) throw new Refused("tiles");
    const names = vector ? layerNames(await archive.getMetadata()) : [];
    const bounds: [number, number, number, number] = [header.minLon, header.minLat, header.maxLon, header.maxLat];
    const usual = { tiles: [`${SCHEME}://${id}/{z}/{x}/{y}`], minzoom: header.minZoom, maxzoom: header.maxZoom, bounds };
    archives.set(id, { tiles: archive, vector });
    if (!serves) serveTiles(SCHEME, serve);
    serves = true;
    return {
      id,
      name: file.name,
      kind: vector ? "vector" : "raster",
      count: null,
      leftOut: 0,
      bounds,
      source: vector ? { type: "vector", ...usual } : { type: "raster", tileSize: 256, ...usual },
      draw: vector
        ? (colours, source) => names.flatMap((layer, index) => drawn(colours, source, `${source}-${index}`, layer))
        : (_, source) => [{ id: source, type: "raster", source, paint: { "raster-fade-duration": 0 } }],
    };
  } catch (error) {
    archives.delete(id);
    if (error instanceof Refused) throw error;
    throw new Refused("tiles");
  }
}

function layerNames(metadata: unknown): string[] {
  const listed = (metadata as { vector_layers?: unknown } | null)?.vector_layers;
  if (!Array.isArray(listed)) throw new Refused("tiles");
  const names = listed.map((each: { id?: unknown } | null) => each?.id).filter((id): id is string => typeof id === "string");
  if (!names.length || names.length > TILE_LAYERS_MAX) throw new Refused("tiles");
  return names;
}

async function serve(request: { url: string }, stop: AbortController): Promise<{ data: ArrayBuffer | ImageBitmap }> {
  const [, id = "", z, x, y] = /^own:\/\/([^/]+)\/(\d+)\/(\d+)\/(\d+)$/.exec(request.url) ?? [];
  const archive = archives.get(id);
  const found = await archive?.tiles.getZxy(Number(z), Number(x), Number(y), stop.signal);
  if (found) return { data: found.data };
  // A tile that is not there is an empty one; as an error it would be asked for again and again.
  return { data: archive?.vector ? new ArrayBuffer(0) : await createImageBitmap(new ImageData(1, 1)) };
}

/** Drawn calmly, so that plans and aircraft stand out of it. */
function drawn(colours: Palette, source: string, id: string, layer?: string): LayerSpecification[] {
  const from = { source, ...(layer === undefined ? {} : { "source-layer": layer }) };
  const kind = ["geometry-type"];
  return [
    { id: `${id}-fill`, type: "fill", ...from, filter: ["==", kind, "Polygon"], paint: { "fill-color": colours.accent, "fill-opacity": 0.08 } },
    { id: `${id}-line`, type: "line", ...from, filter: ["!=", kind, "Point"], paint: { "line-color": colours.accent, "line-width": 1, "line-opacity": 0.7 } },
    { id: `${id}-point`, type: "circle", ...from, filter: layer === undefined ? ["all", ["==", kind, "Point"], ["!", ["has", "name"]]] : ["==", kind, "Point"], paint: { "circle-color": colours.accent, "circle-radius": 3, "circle-opacity": 0.8 } },
    {
      id: `${id}-name`,
      type: "symbol",
      ...from,
      minzoom: 6,
      ...(layer === undefined ? { filter: ["==", kind, "Point"] } : {}),
      layout: {
        "text-field": layer === undefined ? ["get", "label"] : ["coalesce", ["get", "name"], ""],
        "text-font": FONT,
        "text-size": 11,
        "text-anchor": "top",
        "text-offset": [0, 0.4],
        "text-max-width": 12,
      },
      paint: { "text-color": colours.accent, "text-halo-color": colours.ground, "text-halo-width": 1.2 },
    },
  ] as LayerSpecification[];
}

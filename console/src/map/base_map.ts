/** Land, borders and names: the files that come with the console, read once. */
import { feature } from "topojson-client";
import type { Topology } from "topojson-specification";
import type { Language } from "../words/words";
import type { Features } from "./draw";

interface Names {
  credit: string;
  /** Latitude, longitude, least zoom, whether a capital; English, Arabic, Hebrew, Russian. */
  places: [number, number, number, number, string, string, string, string][];
  /** Two letters, latitude, longitude, least zoom. */
  countries: [string, number, number, number][];
}

export const GROUND = ["land", "coast", "borders", "disputed", "lakes", "rivers"] as const;
const KEPT_MS = 20_000;
const COLUMN: Record<Language, 4 | 5 | 6 | 7> = { en: 4, ar: 5, he: 6, ru: 7 };

let names: Promise<Names> | null = null;

let shapes: Promise<Shapes> | null = null;
type Shapes = Map<string, Features | GeoJSON.Feature>;

/** Begin to fetch what the map will ask for, while the map itself is still on its way. */
export function prepare(language: Language): void {
  void ground().catch(() => undefined);
  void labels(language).catch(() => undefined);
}

/** Return land and lines by the name of their source. */
export async function ground(): Promise<Shapes> {
  shapes ??= shaped();
  // It is large: who fetched it puts it into the map, and it is not kept besides.
  const mine = shapes;
  mine.then(
    () => setTimeout(() => shapes === mine && (shapes = null), KEPT_MS),
    () => (shapes = null),
  );
  return mine;
}

async function shaped(): Promise<Shapes> {
  const world = await get<Topology>("./data/world.json");
  const found: Shapes = new Map();
  for (const name of GROUND) {
    const object = world.objects[name];
    if (object) found.set(name, feature(world, object));
  }
  return found;
}

/** Return the names of places and countries in a language; the Latin name where there is none. */
export async function labels(language: Language): Promise<{ places: Features; countries: Features; credit: string }> {
  names ??= get<Names>("./data/places.json");
  names.catch(() => (names = null));
  const { places, countries, credit } = await names;
  const regions = new Intl.DisplayNames([language, "en"], { type: "region" });
  const point = (lat: number, lng: number, label: string, zoom: number): GeoJSON.Feature => ({
    type: "Feature",
    geometry: { type: "Point", coordinates: [lng, lat] },
    properties: { label, zoom },
  });
  return {
    credit,
    places: { type: "FeatureCollection", features: places.map((row) => point(row[0], row[1], row[COLUMN[language]] || row[4], row[2])) },
    countries: { type: "FeatureCollection", features: countries.map((row) => point(row[1], row[2], nameOf(regions, row[0]), row[3])) },
  };
}

function nameOf(regions: Intl.DisplayNames, code: string): string {
  try {
    return regions.of(code) ?? code;
  } catch {
    return code;
  }
}

async function get<T>(address: string): Promise<T> {
  const response = await fetch(address, { credentials: "same-origin", signal: AbortSignal.timeout(30_000) });
  if (!response.ok) throw new Error(`${address}: ${response.status}`);
  return (await response.json()) as T;
}

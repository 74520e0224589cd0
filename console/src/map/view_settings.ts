/** How one viewer likes the map: kept in this browser. Nothing here can hide an alarm. */
import { Store } from "../live/store";

export interface MapSettings {
  /** Heights to be shown, metres W84; the whole span: no filter. */
  lowM: number;
  highM: number;
  /** What is outside is left out, or else dimmed. */
  hide: boolean;
  /** How far ahead plans are shown, minutes. */
  aheadMin: 30 | 120 | 360 | 1440;
  /** Length of the line in front of an aircraft, minutes; 0: none. */
  vectorMin: 0 | 1 | 2 | 5;
  labels: boolean;
  places: boolean;
  borders: boolean;
  water: boolean;
  /** Rings around the aircraft that is chosen. */
  rangeRings: boolean;
  tilted: boolean;
  /** Half of what the strip shows, minutes. */
  stripMin: 30 | 60 | 180 | 720;
}

export const LOWEST_M = -500;
export const HIGHEST_M = 20_000;
const KEY = "tansiq.map";
const CHOICES = { aheadMin: [30, 120, 360, 1440], vectorMin: [0, 1, 2, 5], stripMin: [30, 60, 180, 720] } as const;
const FIRST: MapSettings = {
  lowM: LOWEST_M,
  highM: HIGHEST_M,
  hide: false,
  aheadMin: 120,
  vectorMin: 2,
  labels: true,
  places: true,
  borders: true,
  water: true,
  rangeRings: false,
  tilted: false,
  stripMin: 60,
};

export const mapSettings = new Store<MapSettings>(load());

function load(): MapSettings {
  try {
    // In 2D at the start, always: on a slow machine the tilted view would keep the page from opening.
    return checked({ ...(JSON.parse(localStorage.getItem(KEY) ?? "{}") as Partial<MapSettings>), tilted: false });
  } catch {
    return FIRST;
  }
}

function checked(given: Partial<MapSettings>): MapSettings {
  const merged = { ...FIRST, ...given };
  for (const name of Object.keys(CHOICES) as (keyof typeof CHOICES)[])
    if (!(CHOICES[name] as readonly number[]).includes(merged[name])) Object.assign(merged, { [name]: FIRST[name] });
  for (const name of ["hide", "labels", "places", "borders", "water", "rangeRings", "tilted"] as const)
    if (typeof merged[name] !== "boolean") merged[name] = FIRST[name];
  const [low, high] = [Number(merged.lowM), Number(merged.highM)];
  const good = low >= LOWEST_M && high <= HIGHEST_M && low <= high;
  return { ...merged, lowM: good ? low : LOWEST_M, highM: good ? high : HIGHEST_M };
}

export function changeMap(part: Partial<MapSettings>): void {
  mapSettings.update((current) => checked({ ...current, ...part }));
  try {
    localStorage.setItem(KEY, JSON.stringify(mapSettings.value));
  } catch {
    // A browser that keeps nothing still shows it until the page is closed.
  }
}

/** Whether a span of heights has a part that is to be shown; what has no height known always has. */
export function within(lowM: number | null, highM: number | null, current: MapSettings = mapSettings.value): boolean {
  if (lowM === null || highM === null) return true;
  // The ends of the handles mean without end: nothing lies beyond what they can reach.
  const low = current.lowM <= LOWEST_M ? -Infinity : current.lowM;
  const high = current.highM >= HIGHEST_M ? Infinity : current.highM;
  return lowM <= high && low <= highM;
}

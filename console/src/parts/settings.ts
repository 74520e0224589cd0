/** What one viewer likes: kept in this browser, for nobody else. */
import { Store } from "../live/store";
import { isLanguage, type Language } from "../words/words";

export interface ViewerSettings {
  language: Language | null;
  labels: Language | null;
  theme: "dark" | "light" | "night";
  altitude: "ft" | "m";
  distance: "nm" | "km";
  coordinates: "dms" | "dm" | "dd" | "mgrs";
  sound: boolean;
  /** Whether keys of one sign do something (WCAG 2.1.4). */
  keys: boolean;
}

const KEY = "tansiq.settings";
const CHOICES: { [K in keyof ViewerSettings]?: readonly ViewerSettings[K][] } = {
  theme: ["dark", "light", "night"],
  altitude: ["ft", "m"],
  distance: ["nm", "km"],
  coordinates: ["dms", "dm", "dd", "mgrs"],
};
const FIRST: ViewerSettings = {
  language: null,
  labels: null,
  theme: "dark",
  altitude: "ft",
  distance: "nm",
  coordinates: "dms",
  sound: true,
  keys: true,
};

export const settings = new Store<ViewerSettings>(load());

function load(): ViewerSettings {
  try {
    return checked(JSON.parse(localStorage.getItem(KEY) ?? "{}"));
  } catch {
    return FIRST;
  }
}

/** Whatever an older version or a curious person wrote there must not break the page. */
function checked(given: Partial<ViewerSettings>): ViewerSettings {
  const merged = { ...FIRST, ...given };
  for (const [name, choices] of Object.entries(CHOICES)) {
    const key = name as "theme";
    if (!(choices as readonly unknown[]).includes(merged[key])) merged[key] = FIRST[key];
  }
  merged.language = isLanguage(merged.language) ? merged.language : null;
  merged.labels = isLanguage(merged.labels) ? merged.labels : null;
  merged.sound = merged.sound !== false;
  merged.keys = merged.keys !== false;
  return merged;
}

export function change(part: Partial<ViewerSettings>): void {
  settings.update((current) => checked({ ...current, ...part }));
  try {
    localStorage.setItem(KEY, JSON.stringify(settings.value));
  } catch {
    // A browser that keeps nothing still shows it until the page is closed.
  }
}

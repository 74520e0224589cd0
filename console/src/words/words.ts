/**
 * Words in four languages. A sentence is a key and its values; nothing is put together from pieces.
 *
 * One folder a language, one file an area: `words/en/board.json`. The build makes one data file of
 * each language, of which a viewer loads one. English is the measure: a test holds the other three
 * to the same keys and the same placeholders.
 */
import { Store } from "../live/store";

export const LANGUAGES = ["en", "ar", "he", "ru"] as const;
export type Language = (typeof LANGUAGES)[number];

export const NAMES: Record<Language, string> = {
  en: "English",
  ar: "العربية",
  he: "עברית",
  ru: "Русский",
};

export type Values = Record<string, string | number>;
type Entry = string | Record<string, string>;
type Catalogue = Record<string, Entry>;

export const language = new Store<Language>("en");
let catalogue: Catalogue = {};
let plurals = new Intl.PluralRules("en");

export function isRtl(of: Language = language.value): boolean {
  return of === "ar" || of === "he";
}

/** Load a language and turn the page to it. */
export async function speak(wanted: Language): Promise<void> {
  const answer = await fetch(`./words/${wanted}.json`);
  if (!answer.ok) throw new Error(`words/${wanted}.json: ${answer.status}`);
  const areas = (await answer.json()) as Record<string, Catalogue>;
  const words = Object.entries(areas).flatMap(([area, of]) =>
    Object.entries(of).map(([key, entry]) => [`${area}.${key}`, entry] as const),
  );
  catalogue = Object.fromEntries(words);
  plurals = new Intl.PluralRules(wanted);
  document.documentElement.lang = wanted;
  document.documentElement.dir = isRtl(wanted) ? "rtl" : "ltr";
  language.set(wanted);
}

export function preferred(saved: string | null): Language {
  const wanted = [saved, ...navigator.languages].map((each) => each?.slice(0, 2));
  // Older browsers say `iw` for Hebrew.
  const found = wanted.map((each) => (each === "iw" ? "he" : each)).find((each) => isLanguage(each));
  return (found as Language | undefined) ?? "en";
}

export function isLanguage(text: string | null | undefined): text is Language {
  return LANGUAGES.includes(text as Language);
}

const LRI = "\u2066";
const FSI = "\u2068";
const PDI = "\u2069";

/** Isolate a quantity, time, grid or call sign: left to right, wherever it stands. */
export function ltr(text: string | number): string {
  return `${LRI}${neutral(String(text))}${PDI}`;
}

/** Isolate a name or free words: by their first letter. */
export function named(text: string | number): string {
  return `${FSI}${neutral(String(text))}${PDI}`;
}

/** Take marks of direction out of what strangers wrote, so that it cannot turn what follows it. */
function neutral(text: string): string {
  return text.replace(/[\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]/g, "");
}

export function has(key: string): boolean {
  return key in catalogue;
}

/**
 * Return a sentence in the viewer's language; values are isolated. `n` chooses the plural form.
 *
 * Values that are already isolated (by `ltr`) keep their isolation.
 */
export function t(key: string, values: Values = {}): string {
  const entry = catalogue[key];
  if (entry === undefined) return key;
  const template = typeof entry === "string" ? entry : plural(entry, values);
  return template.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = values[name];
    if (value === undefined) return whole;
    if (typeof value === "number") return ltr(value);
    return value.startsWith(LRI) || value.startsWith(FSI) ? value : named(value);
  });
}

function plural(forms: Record<string, string>, values: Values): string {
  const n = Number(values["n"] ?? 0);
  return forms[plurals.select(n)] ?? forms["other"] ?? "";
}

/** The node's phrase book, and how a coded message reads before it is sent. */
import { ask } from "../../api/client";
import type { PhraseBookView, PhraseParameter, PhraseView } from "../../api/types";
import { LANGUAGES, ltr, named } from "../../words/words";

const books = new Map<string, Promise<PhraseBookView>>();

/** Read a book once a page; a reading that failed is tried again by the next who asks. */
export function book(language: string): Promise<PhraseBookView> {
  const known = books.get(language);
  if (known) return known;
  const reading = ask<PhraseBookView>("phrases", { query: { language } });
  books.set(language, reading);
  reading.catch(() => books.delete(language));
  return reading;
}

export type Filled = Record<string, string | number>;

/** What stands where nothing was filled in yet. */
const OPEN = "…";
const NM_M = 1852;
const MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];

/** The sentence in the language of a book; the node's own has the grid of a position besides. */
export function sentence(of: PhraseBookView, code: string, filled: Filled, parties: Record<string, Record<string, string>>, nowMs: number): string {
  const phrase = of.phrases.find((each) => each.code === code);
  if (!phrase) return code;
  return phrase.text.replace(/\{([a-z]+)\}/g, (whole, name: string) => {
    const parameter = phrase.parameters.find((each) => each.name === name);
    const value = filled[name];
    if (!parameter) return whole;
    if (value === undefined || value === "") return ltr(OPEN);
    return spelled(of, parameter, value, parties, nowMs);
  });
}

function spelled(of: PhraseBookView, parameter: PhraseParameter, value: string | number, parties: Record<string, Record<string, string>>, nowMs: number): string {
  if (of.counted[parameter.kind]) return count(of, parameter.kind, Number(value));
  switch (parameter.kind) {
    case "duration":
      return duration(of, Number(value));
    case "time":
      return ltr(clock(Date.parse(String(value)), nowMs));
    case "distance": {
      const m = Number(value);
      return ltr(m < 1000 ? `${m} m` : `${m} m (${(m / NM_M).toFixed(1)} NM)`);
    }
    case "milliseconds":
      return ltr(`${(Number(value) / 1000).toFixed(3)} s`);
    case "frequency":
      return ltr(`${value} MHz`);
    case "position":
      return ltr(degrees(String(value)));
    case "digest":
      return ltr(String(value).slice(0, 8));
    case "direction":
      return parameter.choices_text[parameter.choices.indexOf(String(value))] ?? String(value);
    case "party": {
      const names = parties[String(value)] ?? {};
      return named(names[of.language] ?? names["en"] ?? value);
    }
    case "text":
      return of.untranslated.replace("{text}", named(value));
    case "place":
    case "person":
    case "desk":
      return named(value);
    default:
      return ltr(value);
  }
}

function count(of: PhraseBookView, noun: string, n: number): string {
  const forms = of.counted[noun] ?? {};
  const form = forms[new Intl.PluralRules(of.language).select(n)] ?? forms["other"] ?? "{n}";
  return form.replace("{n}", ltr(n));
}

function duration(of: PhraseBookView, s: number): string {
  const parts: [string, number][] = [
    ["hours", Math.floor(s / 3600)],
    ["minutes", Math.floor(s / 60) % 60],
    ["seconds", s % 60],
  ];
  const said = parts.filter(([, n]) => n).map(([noun, n]) => count(of, noun, n));
  if (!said.length) return count(of, "minutes", 0);
  return said.reduce((first, next) => of.joint.replace("{first}", first).replace("{next}", next));
}

function clock(ms: number, nowMs: number): string {
  if (Number.isNaN(ms)) return OPEN;
  const text = new Date(ms).toISOString();
  const rest = text.slice(17, 19);
  const told = `${text.slice(11, 13)}${text.slice(14, 16)}${rest === "00" ? "" : rest}Z`;
  if (new Date(nowMs).toISOString().slice(0, 10) === text.slice(0, 10)) return told;
  return `${text.slice(8, 10)}${told}${MONTHS[Number(text.slice(5, 7)) - 1]}${text.slice(2, 4)}`;
}

function degrees(value: string): string {
  const [lat = 0, lng = 0] = value.split(",").map(Number);
  return `${dms(lat, "N", "S", 2)} ${dms(lng, "E", "W", 3)}`;
}

function dms(value: number, plus: string, minus: string, width: number): string {
  const s = Math.round(Math.abs(value) * 3600);
  const pad = (figure: number, digits: number): string => String(Math.floor(figure)).padStart(digits, "0");
  return `${pad(s / 3600, width)}°${pad((s / 60) % 60, 2)}'${pad(s % 60, 2)}"${value < 0 ? minus : plus}`;
}

/** What a desk may say, by what it is about; codes that came later stand with the others. */
export const TOPICS: Record<string, readonly string[]> = {
  times: ["departed", "will-be-late", "will-be-early", "starts-at", "enters-at", "has-entered", "leaves-at", "has-left", "over-runs", "extends-until", "has-ended", "is-cancelled"],
  flight: ["is-at", "holds-at", "climbs-to", "descends-to", "turns-back", "diverts-to", "stays-on-ground", "is-off-plan", "is-back-in-plan"],
  trouble: ["distress", "distress-at", "emergency", "emergency-over", "minimum-fuel", "lost-contact", "contact-again", "radio-failed", "transponder-failed", "control-link-lost", "control-link-back", "position-doubtful"],
  sky: ["keep-clear-of-flight", "keep-clear-of-position", "keep-clear-of-place", "keep-above", "keep-below", "place-is-free", "unknown-aircraft", "unknown-aircraft-level", "drone-seen", "drone-seen-level", "drone-gone", "balloon-seen", "obstacle", "is-it-yours", "it-is-ours", "it-is-not-ours", "aircraft-in-area", "no-aircraft-in-area", "weather-holds", "weather-holds-until", "weather-better"],
  requests: ["request-intentions", "request-position", "request-level", "request-delay", "request-hold-on-ground", "request-leave-area", "contact-on", "set-squawk"],
};

export function topicOf(phrase: PhraseView): string {
  const [group, name = ""] = phrase.code.split(".");
  if (group !== "say") return "line";
  return Object.keys(TOPICS).find((topic) => TOPICS[topic]?.includes(name)) ?? "line";
}

export const TOPIC_ORDER = ["line", ...Object.keys(TOPICS)];

/** Which of our languages a desk reads first; English where it names none that the book has. */
export function readerLanguage(languages: readonly string[]): string {
  return languages.find((each) => (LANGUAGES as readonly string[]).includes(each)) ?? "en";
}

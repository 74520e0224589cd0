/** Numbers as desks say them, unit and datum always there; each comes isolated, left to right. */
import { settings } from "./settings";
import { ltr } from "../words/words";

const FOOT_M = 0.3048;
const NM_M = 1852;
const KNOT_MPS = 1852 / 3600;

function pad(value: number, width = 2): string {
  return String(Math.trunc(Math.abs(value))).padStart(width, "0");
}

/** `14:32:05Z`; seconds left out on request. */
export function zulu(ms: number, seconds = true): string {
  const at = new Date(ms);
  const text = `${pad(at.getUTCHours())}:${pad(at.getUTCMinutes())}`;
  return ltr(seconds ? `${text}:${pad(at.getUTCSeconds())}Z` : `${text}Z`);
}

/** `281432ZNOV26`, the date-time group, where the day is not today; else `1432Z`. */
export function dtg(ms: number, nowMs: number): string {
  const at = new Date(ms);
  const clock = `${pad(at.getUTCHours())}${pad(at.getUTCMinutes())}Z`;
  if (new Date(nowMs).toISOString().slice(0, 10) === at.toISOString().slice(0, 10)) return ltr(clock);
  return ltr(`${pad(at.getUTCDate())}${clock}${MONTHS[at.getUTCMonth()]}${pad(at.getUTCFullYear() % 100)}`);
}

/** `1920Z–1950Z`, isolated as one, so that the start stays at the left in every language. */
export function period(fromMs: number, toMs: number, nowMs: number): string {
  return ltr(`${dtg(fromMs, nowMs)}–${dtg(toMs, nowMs)}`);
}

const MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];

/** `T-04:12` before a moment, `T+00:30` after it; hours where there are some. */
export function countdown(toMs: number, nowMs: number): string {
  const s = Math.round((toMs - nowMs) / 1000);
  const sign = s >= 0 ? "T-" : "T+";
  const whole = Math.abs(s);
  const hours = Math.floor(whole / 3600);
  const rest = `${pad(Math.floor(whole / 60) % 60)}:${pad(whole % 60)}`;
  return ltr(`${sign}${hours ? `${pad(hours)}:` : ""}${rest}`);
}

/** `1 h 05 min`, `4 min`, `20 s`. */
export function span(s: number): string {
  const whole = Math.max(0, Math.round(Math.abs(s)));
  const sign = s < 0 && whole ? "-" : "";
  if (whole < 100) return ltr(`${sign}${whole} s`);
  const minutes = Math.round(whole / 60);
  if (minutes < 100) return ltr(`${sign}${minutes} min`);
  return ltr(`${sign}${Math.floor(minutes / 60)} h ${pad(minutes % 60)} min`);
}

/** A span that is known by its bounds only: `33 min`, `≤ 13 min`, `≥ 30 min` or `?`. */
export function given(bounds: { least_s: number | null; most_s: number | null }): string {
  if (bounds.least_s !== null) return span(bounds.least_s);
  return bounds.most_s === null ? ltr("?") : ltr(`≤ ${span(bounds.most_s).slice(1, -1)}`);
}

/** A height above the WGS84 ellipsoid, in the viewer's unit, with its datum. */
export function altitude(m: number): string {
  const text = settings.value.altitude === "ft" ? `${Math.round(m / FOOT_M)} ft W84` : `${Math.round(m)} m W84`;
  return ltr(text);
}

export function band(lowM: number, highM: number): string {
  const [low, high, unit] =
    settings.value.altitude === "ft"
      ? [Math.round(lowM / FOOT_M), Math.round(highM / FOOT_M), "ft W84"]
      : [Math.round(lowM), Math.round(highM), "m W84"];
  return ltr(`${low}–${high} ${unit}`);
}

/** A pressure altitude: `FL085`, in hundreds of feet on 1013.25 hPa. */
export function level(m: number): string {
  const hundreds = Math.round(m / FOOT_M / 100);
  return ltr(`FL${hundreds < 0 ? "-" : ""}${pad(hundreds, 3)}`);
}

/** A difference of height. */
export function height(m: number): string {
  return ltr(settings.value.altitude === "ft" ? `${rounded(m / FOOT_M)} ft` : `${rounded(m)} m`);
}

export function distance(m: number): string {
  if (Math.abs(m) < 200) return ltr(`${Math.round(m)} m`);
  return ltr(settings.value.distance === "nm" ? `${(m / NM_M).toFixed(1)} NM` : `${(m / 1000).toFixed(1)} km`);
}

export function speed(mps: number): string {
  return ltr(settings.value.distance === "nm" ? `${Math.round(mps / KNOT_MPS)} kt` : `${Math.round(mps * 3.6)} km/h`);
}

function rounded(value: number): number {
  return Math.abs(value) < 1000 ? Math.round(value) : Math.round(value / 10) * 10;
}

/** A place in the viewer's form; MGRS is the node's to say, so here DD, DM or DMS. */
export function place(lat: number, lng: number): string {
  const form = settings.value.coordinates;
  return ltr(`${angle(lat, "N", "S", 2, form)} ${angle(lng, "E", "W", 3, form)}`);
}

function angle(value: number, plus: string, minus: string, width: number, form: string): string {
  const side = value < 0 ? minus : plus;
  const size = Math.abs(value);
  if (form === "dd") return `${size.toFixed(5)}°${side}`;
  if (form === "dm") {
    const minutes = Math.round(size * 60_000) / 1000;
    return `${pad(minutes / 60, width)}°${(minutes % 60).toFixed(3).padStart(6, "0")}′${side}`;
  }
  const seconds = Math.round(size * 36_000) / 10;
  const s = (seconds % 60).toFixed(1).padStart(4, "0");
  return `${pad(seconds / 3600, width)}°${pad((seconds / 60) % 60)}′${s}″${side}`;
}

/** The first eight digits of a hash, or six of a note's name: enough to tell apart, not to prove. */
export function short(id: string, digits = 6): string {
  return ltr(id.slice(0, digits));
}

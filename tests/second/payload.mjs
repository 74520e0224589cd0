// Letters, and the payloads that travel in them.
import { base64, hex, isNumber, isObject, isWhole, need, readJson, sha256, toUtf8, utf8 } from "./basics.mjs";
import { nameOf, parseSigned } from "./signed.mjs";
import { may, must, time } from "./text.mjs";

// Each check takes a value and says whether it is good.

const chars = (most) => (v) => typeof v === "string" && [...v].length <= most; // code points
const filled = (most) => (v) => v !== "" && chars(most)(v); // may be absent, and then is
const whole = (least, most) => (v) => isWhole(v) && v >= least && v <= most;
const number = (least, most) => (v) => isNumber(v) && +v >= least && +v <= most;
const is = (...values) => (v) => values.includes(v);
const list = (least, most, each) => (v) => Array.isArray(v) && v.length >= least && v.length <= most && v.every(each);

/** An object with these members, and perhaps those. */
const object = (required, optional = {}) => (v) => isObject(v)
  && Object.keys(required).every((k) => Object.hasOwn(v, k))
  && Object.keys(v).every((k) => Object.hasOwn({ ...required, ...optional }, k) && (required[k] ?? optional[k])(v[k]));

const LABEL = 120, WORDS = 2000;
const person = object({ name: chars(LABEL), initials: chars(8) }, { desk: filled(LABEL) });
const metres = number(-1e7, 1e7);

// F3548-21

const place = object({ lat: number(-90, 90), lng: number(-180, 180) });
const radius = object({ value: (v) => number(0, 1e6)(v) && +v > 0, units: is("M") });
const altitude = object({ value: number(-8000, 100000), reference: is("W84"), units: is("M") });
const alike = (a, b) => +a.lat === +b.lat && +a.lng === +b.lng;
const VERTICES_MAX = 10_000;
const ring = (v) => list(3, VERTICES_MAX, place)(v) && v.every((at, i) => !alike(at, v[(i + 1) % v.length]));
const shape = object({ altitude_lower: altitude, altitude_upper: altitude },
  { outline_circle: object({ center: place, radius }), outline_polygon: object({ vertices: ring }) });
const instant = (up) => (v) => object({ value: (t) => typeof t === "string", format: is("RFC3339") })(v)
  && volumeTime(v, up) !== null;
const volume = (v) => object({ volume: shape, time_start: instant(false), time_end: instant(true) })(v)
  && (v.volume.outline_circle === undefined) !== (v.volume.outline_polygon === undefined)
  && +v.volume.altitude_lower.value <= +v.volume.altitude_upper.value
  && volumeTime(v.time_start, false) <= volumeTime(v.time_end, true);
const volumes = (v) => list(1, 1000, volume)(v)
  && v.reduce((sum, each) => sum + (each.volume.outline_polygon?.vertices.length ?? 0), 0) <= VERTICES_MAX;

/** RFC 3339 in UTC to microseconds; digits beyond them round down, or up. */
function volumeTime({ value }, up) {
  const m = /^(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d{1,30}))?[Zz]$/.exec(value);
  need(m, "a volume without a time in UTC");
  const digits = (m[3] ?? "").padEnd(6, "0");
  return time(`${m[1]}T${m[2]}.${digits.slice(0, 6)}Z`) + (up && /[1-9]/.test(digits.slice(6)) ? 1 : 0);
}

const VALUES = {
  by: person, relieved: person,
  text: filled(WORDS), language: filled(35),
  volumes, stated: (v) => list(1, 1000, isObject)(v),
  callsign: filled(LABEL), formation: filled(LABEL), name: filled(LABEL),
  priority: (v) => whole(-(2 ** 31), 2 ** 31 - 1)(v) && v !== 0,
  shift: object({}, { delay_s: whole(-1e9, 1e9), up_m: metres, north_m: metres, east_m: metres }),
  readback: object({ points: list(1, 12, list(2, 2, isNumber)), lower: chars(LABEL), upper: chars(LABEL),
    start: chars(LABEL), end: chars(LABEL) }, { radius_m: isWhole }),
  parameters: (v) => isObject(v) && Object.keys(v).length <= 16
    && Object.values(v).every((x) => typeof x === "string" || isWhole(x)),
  minutes: whole(1, 43_200), minutes_lost: whole(0, 1e6),
  open_items: list(1, 500, object({ thread: chars(LABEL), kind: chars(LABEL), party: chars(LABEL), stage: chars(LABEL) },
    { words: filled(WORDS) })),
  document: filled(1_000_000),
};

/** Reads a payload (text or bytes) of this kind; with the note's lines, holds it against them too. */
export function checkPayload(kind, payload, note) {
  const bytes = typeof payload === "string" ? toUtf8(payload) : payload;
  need(bytes.length <= 1_000_000, "payload too long");
  const v = readJson(utf8(bytes));
  need(isObject(v), "payload is no object");
  for (const m of Object.keys(v)) {
    need(may(kind).includes(m), `a ${kind} takes no ${m}`);
    need(VALUES[m](v[m]), `${m} is not as it should be`);
  }
  for (const m of must(kind)) need(Object.hasOwn(v, m), `a ${kind} without ${m}`);
  need((v.stated?.length ?? 0) <= (v.volumes?.length ?? 0), "more stated than volumes");
  if (note && kind === "notice") {
    need(Math.min(...v.volumes.map((x) => volumeTime(x.time_start, false))) === time(note.start), "volumes start at another time");
    need(Math.max(...v.volumes.map((x) => volumeTime(x.time_end, true))) === time(note.end), "volumes end at another time");
  }
  if (note && v.document !== undefined) need(hex(sha256(toUtf8(v.document))) === note.digest, "another document");
  return v;
}

/** Opens a letter (an object as readJson gives it, or its JSON text): {signed, name, payload or null}. */
export function openLetter(json) {
  const letter = typeof json === "string" ? readJson(json) : json;
  need(isObject(letter), "not a letter");
  for (const m of Object.keys(letter)) need(["note", "salt", "payload"].includes(m), "a letter has no other member");
  const bytes = toUtf8(letter.note);
  const signed = parseSigned(bytes);
  const salt = letter.salt ?? null, body = letter.payload ?? null;
  need((salt === null) === (body === null), "salt and payload go together");
  let payload = null;
  if (salt !== null) {
    need(hex(sha256(base64(salt, 16), toUtf8(body))) === signed.note.payload, "another payload or salt");
    payload = checkPayload(signed.note.kind, toUtf8(body), signed.note);
  }
  return { signed, name: nameOf(bytes), payload };
}

// A second reader of tansiq notes and records, written from notes.md and record.md alone.
// It shares no code, library or language with the other one: where both agree, the documents said enough.
import { createHash, createPublicKey, verify as edRaw } from "node:crypto";
import { readFileSync, realpathSync } from "node:fs";
import { fileURLToPath } from "node:url";

// ---------------------------------------------------------------- basics

export class Refused extends Error {}
const refuse = (why) => { throw new Refused(why); };
const need = (ok, why) => { if (!ok) refuse(why); };
const sha256 = (...parts) => parts.reduce((h, p) => h.update(p), createHash("sha256")).digest();
const hex = (b) => Buffer.from(b).toString("hex");
const cmp = (a, b) => (a < b ? -1 : a > b ? 1 : 0);

/** Base64 in its one spelling: standard alphabet, padded, unused bits zero. */
function base64(text, bytes) {
  need(typeof text === "string" && /^[A-Za-z0-9+/]*={0,2}$/.test(text), "not Base64");
  const b = Buffer.from(text, "base64");
  need(b.toString("base64") === text, "Base64 in a second spelling");
  need(bytes === undefined || b.length === bytes, `not ${bytes} bytes`);
  return b;
}

/** UTF-8 to text; refuses what is not UTF-8, and keeps a byte order mark for others to refuse. */
function utf8(bytes) {
  try { return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes); }
  catch { return refuse("not UTF-8"); }
}

/** Text to UTF-8; refuses half a surrogate pair, which has none. */
function toUtf8(text) {
  need(typeof text === "string" && text.isWellFormed(), "half a surrogate pair");
  return Buffer.from(text, "utf8");
}

// ---------------------------------------------------------------- strict JSON (RFC 8259, no member twice)

/** A number that is not written as a whole number (1.0, 1e3), so that it is not taken for one. */
class Real extends Number {}
const isWhole = (v) => typeof v === "number";
const isNumber = (v) => isWhole(v) || v instanceof Real;
const isObject = (v) => v !== null && typeof v === "object" && !Array.isArray(v) && !(v instanceof Real);

export function readJson(text) {
  let at = 0;
  const space = () => { while (" \t\n\r".includes(text[at]) && at < text.length) at++; };
  const take = (c) => { need(text[at] === c, `JSON: no ${c} at ${at}`); at++; };
  const string = () => {
    const m = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
    m.lastIndex = at;
    const found = m.exec(text);
    need(found, `JSON: no string at ${at}`);
    at = m.lastIndex;
    const s = JSON.parse(found[0]);
    need(s.isWellFormed(), "JSON: half a surrogate pair");
    return s;
  };
  const value = (depth) => {
    need(depth < 64, "JSON: too deep");
    space();
    let v;
    if (text[at] === "{") {
      v = Object.create(null);
      at++; space();
      if (text[at] === "}") at++;
      else for (;;) {
        space();
        const key = string();
        need(!Object.hasOwn(v, key), `JSON: ${JSON.stringify(key)} twice`);
        space(); take(":");
        v[key] = value(depth + 1);
        if (text[at] === ",") { at++; continue; }
        take("}"); break;
      }
    } else if (text[at] === "[") {
      v = [];
      at++; space();
      if (text[at] === "]") at++;
      else for (;;) {
        v.push(value(depth + 1));
        if (text[at] === ",") { at++; continue; }
        take("]"); break;
      }
    } else if (text[at] === '"') v = string();
    else {
      const m = /true|false|null|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
      m.lastIndex = at;
      const found = m.exec(text);
      need(found, `JSON: no value at ${at}`);
      at = m.lastIndex;
      v = JSON.parse(found[0]);
      if (typeof v === "number") {
        need(Number.isFinite(v), "JSON: number out of range");
        if (!/^(0|-?[1-9][0-9]*)$/.test(found[0]) || !Number.isSafeInteger(v)) v = new Real(v);
      }
    }
    space();
    return v;
  };
  const v = value(0);
  need(at === text.length, "JSON: something after the end");
  return v;
}

// ---------------------------------------------------------------- the values of the lines

const PARTY = /^[a-z0-9](?:[a-z0-9._-]{0,58}[a-z0-9])?$/;
const word = (...words) => (v) => need(words.includes(v), `none of ${words.join(", ")}`);
const like = (form, what) => (v) => need(form.test(v), `not ${what}`);
const party = like(PARTY, "a party id");
const digest = like(/^[0-9a-f]{64}$/, "64 hex digits");
const uuid = like(/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, "a UUID"); // any version, lower case
const token = like(/^[A-Za-z0-9.-]+$/, "letters, digits, dots and dashes");
const signed6 = like(/^-?(?:0|[1-9][0-9]{0,8})\.[0-9]{6}$/, "seconds with six decimals");
const bytes32 = (v) => base64(v, 32);

export function whole(v) { // below 10^15
  need(/^(?:0|[1-9][0-9]{0,14})$/.test(v), "not a whole number");
  return Number(v);
}

/** Microseconds since 1970; below 2^53 up to the year 2200. */
export function time(v) {
  const m = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)\.(\d{6})Z$/.exec(v);
  need(m, "not a time");
  const [y, mo, d, h, mi, s, us] = m.slice(1).map(Number);
  need(y >= 1900 && y <= 2200, "year out of range");
  const ms = Date.UTC(y, mo - 1, d, h, mi, s);
  need(new Date(ms).toISOString() === v.slice(0, 19) + ".000Z", "no such time"); // also 24:00 and :60
  return ms * 1000 + us;
}

/** Microseconds, or Infinity where it is unknown. */
export function clock(v) {
  if (v === "unknown") return Infinity;
  need(/^(?:0|[1-9][0-9]{0,5})\.[0-9]{3}$/.test(v), "not a clock bound");
  return Number(v.replace(".", "")) * 1000;
}

const EMPTY_ROOT = sha256("").toString("base64");
function head(v) {
  const [size, root, more] = v.split(" ");
  need(root !== undefined && more === undefined, "not a head");
  base64(root, 32);
  whole(size);
}

// ---------------------------------------------------------------- kinds and members, as the tables of notes.md have them

const opens = (lines = {}) => ({ place: "opens", lines });
const answers = (lines = {}) => ({ place: "answers", lines });
const own = (lines = {}) => ({ place: "own", lines });
export const KINDS = {
  notice: opens({ subject: word("plan", "no-go", "keep-out"), id: uuid, version: whole, start: time, end: time }),
  receipt: answers({ received: time }),
  seen: answers(), readback: answers(),
  answer: answers({ word: word("noted", "no-conflict", "unable", "need-time") }),
  counter: answers({ moves: word("yours", "mine") }),
  outcome: answers({ moves: party, id: uuid, version: whole }),
  confirm: answers({ verdict: word("agreed", "disputed") }),
  withdraw: answers(), check: opens(), "check-reply": answers(), stop: opens(), "all-clear": answers(),
  line: opens({ state: word("open", "degraded", "suspended", "exercise", "closed") }),
  call: opens({ at: time }), say: opens({ code: token }), incident: opens({ start: time, end: time }),
  review: answers(),
  status: opens({ id: uuid, version: whole, state: word("coordinated", "displaced", "ended", "off-nominal") }),
  refusal: answers({ reason: token }), agreement: opens({ digest, version: whole }),
  key: opens({ "public-key": bytes32, "from-time": time }),
  alarm: opens({ alarm: token, one: uuid, other: uuid }), "alarm-ack": answers(),
  clock: opens({ least: signed6, most: signed6 }), gap: own({ start: time, end: time }), handover: own(),
};

const BY = ["seen", "readback", "answer", "counter", "outcome", "confirm", "check", "check-reply", "stop", "all-clear",
  "line", "call", "say", "incident", "review", "alarm-ack", "handover"];
const WORDLESS = ["agreement", "key", "receipt", "status", "clock"];
const WORDY = Object.keys(KINDS).filter((k) => !WORDLESS.includes(k));
const MEMBERS = { // member: [kinds that must have it, kinds that may]
  by: [BY, ["notice", "withdraw", "agreement"]],
  text: [["call", "incident", "review"], WORDY], language: [[], WORDY],
  volumes: [["notice"], ["stop"]], stated: [[], ["notice", "stop"]],
  callsign: [[], ["notice"]], formation: [[], ["notice"]], name: [[], ["notice"]], priority: [[], ["notice"]],
  shift: [["counter", "outcome"], []], readback: [["readback"], []], parameters: [[], ["say"]],
  minutes: [[], ["answer"]], minutes_lost: [[], ["all-clear"]],
  open_items: [[], ["handover"]], relieved: [[], ["handover"]], document: [[], ["agreement"]],
};
const must = (kind) => Object.keys(MEMBERS).filter((m) => MEMBERS[m][0].includes(kind)).sort();
const may = (kind) => Object.keys(MEMBERS).filter((m) => MEMBERS[m].flat().includes(kind)).sort();

// ---------------------------------------------------------------- the text of a note

const COMMON = {
  from: party, to: party, agreement: digest, mode: word("live", "exercise"),
  number: whole, turn: whole, time, clock, head,
};

/** Reads a note's text in its one spelling: {kind, and each line by name, as text}. */
export function readNote(text) {
  need(/^[\n\x20-\x7e]*$/.test(text) && text.endsWith("\n"), "not lines of ASCII");
  need(text.length < 2048, "too long");
  const rows = text.slice(0, -1).split("\n");
  const kind = /^tansiq\/([a-z-]+)@v1$/.exec(rows[0])?.[1];
  need(kind && Object.hasOwn(KINDS, kind), "not a note of a known kind");
  const { place, lines } = KINDS[kind];
  const form = { ...COMMON, ...(place === "answers" ? { thread: digest, re: digest } : {}), ...lines, payload: digest };
  const names = Object.keys(form);
  need(rows.length === names.length + 1, "lines missing or too many");
  const note = { kind };
  names.forEach((name, i) => {
    const start = name + ": ";
    need(rows[i + 1].startsWith(start), `no line ${name} here`);
    const value = rows[i + 1].slice(start.length);
    try { form[name](value); } catch (e) { refuse(`${name}: ${e.message}`); }
    note[name] = value;
  });
  need((note.from === note.to) === (place === "own"), "to itself, or an own note to another");
  need((note.number === "0") === (kind === "receipt"), "number 0 is for receipts, and theirs");
  need(note.turn !== "0", "turn zero");
  if (note.start) need(time(note.start) <= time(note.end), "ends before it starts");
  if (kind === "alarm") need(note.one <= note.other, "UUIDs out of order");
  if (kind === "clock") {
    need(Number(note.least) <= Number(note.most), "least above most");
  }
  return note;
}

// ---------------------------------------------------------------- signed notes

const P = 2n ** 255n - 19n, ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;
const little = (b) => BigInt("0x" + (hex(Buffer.from(b).reverse()) || "0"));
const SMALL_Y = [0n, 1n, P - 1n, ...["26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"].map((h) => little(Buffer.from(h, "hex")))];

/** Neither of small order nor in a second spelling. Every point with one of SMALL_Y is of small order. */
function soundPoint(b) {
  const y = little(b) & (2n ** 255n - 1n);
  return y < P && !SMALL_Y.includes(y);
}

/** Ed25519 without the cofactor (OpenSSL's), strict about points and S. */
function edVerify(key, message, sig) {
  if (key.length !== 32 || sig.length !== 64) return false;
  if (!soundPoint(key) || !soundPoint(sig.subarray(0, 32)) || little(sig.subarray(32)) >= ORDER) return false;
  try {
    const k = createPublicKey({ format: "jwk", key: { kty: "OKP", crv: "Ed25519", x: key.toString("base64url") } });
    return edRaw(null, message, k, sig);
  } catch { return false; }
}

const keyId = (name, type, key) => hex(sha256(name + "\n", Buffer.from([type]), key).subarray(0, 4));
const keyBytes = (h) => { digest(h); return Buffer.from(h, "hex"); };

/** The C2SP envelope: {text, signatures: [{name, id, data}]}. */
export function parseEnvelope(bytes) {
  const all = utf8(bytes);
  need(!/[^\n\P{Cc}]/u.test(all), "a control character");
  const cut = all.lastIndexOf("\n\n");
  need(cut > 0, "no text and signatures");
  const text = all.slice(0, cut + 1), tail = all.slice(cut + 2);
  need(!text.endsWith("\n\n"), "an empty line at the end of the text");
  need(tail.endsWith("\n"), "no last newline");
  const rows = tail.slice(0, -1).split("\n");
  need(rows.length <= 64, "too many signatures");
  const signatures = rows.map((row) => {
    const m = /^\u2014 ([^\s\u0085+]+) ([^ ]+)$/u.exec(row);
    need(m, "not a signature line");
    const data = base64(m[2]);
    need(data.length > 4, "signature too short");
    return { name: m[1], id: hex(data.subarray(0, 4)), data: data.subarray(4) };
  });
  need(new Set(signatures.map((s) => s.name + " " + s.id)).size === signatures.length, "a key signs twice");
  return { text, signatures };
}

/** Splits a signed note, and reads its text: {text, note, sig, bytes}. */
export function parseSigned(bytes) {
  const { text, signatures } = parseEnvelope(bytes);
  const note = readNote(text);
  need(signatures.length === 1, "not exactly one signature");
  need(signatures[0].name === note.from, "signed under another name than the sender's");
  need(signatures[0].data.length === 64, "not an Ed25519 signature");
  return { text, note, sig: signatures[0], bytes: Buffer.from(bytes) };
}

/** Whether the party's key signed it. */
export function verifyNote(signed, publicKeyHex, party) {
  const key = keyBytes(publicKeyHex);
  need(signed.note.from === party, "from another party");
  need(signed.sig.id === keyId(party, 1, key), "another key id");
  need(edVerify(key, Buffer.from(signed.text), signed.sig.data), "bad signature");
  return true;
}

/** The name of a note. */
export const nameOf = (bytes) => hex(sha256(bytes));

// ---------------------------------------------------------------- letters and payloads

const chars = (v, most) => typeof v === "string" && v !== "" && [...v].length <= most; // code points
const only = (v, ...names) => isObject(v) && Object.keys(v).every((k) => names.includes(k));
const minutes = (v) => isWhole(v) && v >= 0;
const altitude = (v) => v === undefined || (only(v, "value", "reference", "units") && isNumber(v.value)
  && v.reference === "W84" && v.units === "M");
const volume = (v) => only(v, "volume", "time_start", "time_end")
  && only(v.volume, "outline_circle", "outline_polygon", "altitude_lower", "altitude_upper")
  && altitude(v.volume.altitude_lower) && altitude(v.volume.altitude_upper);
const VALUES = { // notes.md gives most of these by name only
  by: (v) => only(v, "name", "initials", "desk") && Object.values(v).every((x) => chars(x, 200)) && chars(v.name, 200),
  text: (v) => chars(v, 2000), language: (v) => typeof v === "string" && /^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$/.test(v),
  volumes: (v) => Array.isArray(v) && v.length > 0 && v.every(volume),
  stated: Array.isArray,
  callsign: (v) => chars(v, 200), name: (v) => chars(v, 200),
  formation: (v) => chars(v, 200) || isWhole(v), priority: isWhole,
  shift: (v) => only(v, "delay_s", "up_m", "north_m", "east_m") && Object.values(v).every((x) => isNumber(x) && +x !== 0),
  readback: isObject,
  parameters: (v) => isObject(v) && Object.values(v).every((x) => typeof x === "string" || isWhole(x)),
  minutes, minutes_lost: minutes,
  open_items: () => true, relieved: () => true, document: (v) => typeof v === "string",
};

/** RFC 3339 to microseconds, for the times of volumes. */
function volumeTime(t) {
  const v = isObject(t) && typeof t.value === "string" ? t.value : "";
  const m = /^(.{19})(?:\.(\d{1,6}))?(?:Z|\+00:00)$/.exec(v);
  need(m, "a volume without a time");
  return time(`${m[1]}.${(m[2] ?? "").padEnd(6, "0")}Z`);
}

/** Reads a payload (text or bytes) of this kind; with the note, holds it against its lines too. */
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
  if (v.stated) need(v.volumes && v.stated.length === v.volumes.length, "not one stated for each volume");
  if (note && kind === "notice") { // the earliest start and the latest end
    need(Math.min(...v.volumes.map((x) => volumeTime(x.time_start))) === time(note.start), "volumes start at another time");
    need(Math.max(...v.volumes.map((x) => volumeTime(x.time_end))) === time(note.end), "volumes end at another time");
  }
  if (note && v.document !== undefined) need(hex(sha256(toUtf8(v.document))) === note.digest, "another document");
  return v;
}

/** Opens a letter (an object as readJson gives it, or its JSON text): {signed, name, payload or null}. */
export function openLetter(json) {
  const letter = typeof json === "string" ? readJson(json) : json;
  need(only(letter, "note", "salt", "payload"), "not a letter");
  const bytes = toUtf8(letter.note);
  const signed = parseSigned(bytes);
  const has = (m) => Object.hasOwn(letter, m);
  need(has("salt") === has("payload"), "salt and payload go together");
  let payload = null;
  if (has("salt")) {
    const body = toUtf8(letter.payload);
    need(hex(sha256(base64(letter.salt, 16), body)) === signed.note.payload, "another payload or salt");
    payload = checkPayload(signed.note.kind, body, signed.note);
  }
  return { signed, name: nameOf(bytes), payload };
}

// ---------------------------------------------------------------- conversations

const WAY = ["sent", "arrived", "seen"];
const ANSWERED = ["noted", "no-conflict", "unable", "need-time", "declined"];
const OPEN = [...WAY, ...ANSWERED, "read-back", "countered", "outcome"];
const ANSWERABLE = [...WAY, "read-back", ...ANSWERED, "countered"];
const STATEMENT = ["line", "call", "say", "status", "clock", "agreement", "key"];
const STAY = null;
const ROWS = [ // opened by, word, whose, from, to
  ["any", "refusal", "other", ["sent", "arrived"], "refused"],
  ["any", "receipt", "other", ["sent"], "arrived"], ["any", "receipt", "other", "any", STAY],
  ["any", "seen", "other", ["sent", "arrived"], "seen"], ["any", "seen", "other", "any", STAY],
  [["notice"], "readback", "other", WAY, "read-back"], [["notice"], "readback", "other", OPEN, STAY],
  ...["noted", "no-conflict", "unable", "need-time"].map((w) => [["notice"], "answer/" + w, "other", ANSWERABLE, w]),
  [["notice"], "counter", "other", ANSWERABLE, "countered"],
  [["notice"], "counter", "opener", ["unable", "countered", "declined"], "countered"],
  [["notice"], "answer/unable", "opener", ["countered"], "declined"],
  [["notice"], "outcome", "both", ["countered"], "outcome"],
  [["notice"], "confirm/agreed", "both", ["outcome"], "settled"],
  [["notice"], "confirm/disputed", "both", ["outcome"], "countered"],
  [["notice"], "withdraw", "opener", [...OPEN, "settled"], "withdrawn"],
  [["check"], "check-reply", "other", WAY, "replied"],
  [["stop"], "all-clear", "opener", [...WAY, "refused"], "cleared"],
  [["incident"], "review", "other", WAY, "reviewed"],
  [["alarm"], "alarm-ack", "both", WAY, "acknowledged"],
  [STATEMENT, "confirm/agreed", "other", [...WAY, "disputed"], "confirmed"],
  [STATEMENT, "confirm/disputed", "other", [...WAY, "confirmed"], "disputed"],
  [STATEMENT, "withdraw", "opener", [...WAY, "confirmed", "disputed"], "withdrawn"],
];
const RUNG = { receipt: "arrived", seen: "seen", readback: "read-back", answer: "answered", counter: "answered",
  "check-reply": "answered", confirm: "answered", review: "answered", "alarm-ack": "answered" };

/** What the fold needs of a note: {name, from, to, turn, mode, word, thread, re}. */
export function essence(name, note) {
  const tail = note.kind === "answer" ? "/" + note.word : note.kind === "confirm" ? "/" + note.verdict : "";
  return { name, from: note.from, to: note.to, number: Number(note.number), turn: Number(note.turn), mode: note.mode, word: note.kind + tail,
    thread: note.thread ?? null, re: note.re ?? null };
}

/** Whether a note says that it is older than what its sender answers, or had said before. */
const backdated = (n, notes) => notes.some((other) => other !== n && n.turn <= other.turn
  && (other.name === n.re || (other.from === n.from && other.number !== 0 && other.number < n.number)));

/** Folds the notes of one conversation, the opening one among them (null if it is not). */
export function fold(notes) {
  const first = notes.find((n) => n.thread === null);
  if (!first) return null;
  need(notes.every((n) => n === first || n.thread === first.name), "notes of more than one conversation");
  const rest = notes.filter((n) => n !== first)
    .sort((a, b) => a.turn - b.turn || cmp(a.from, b.from) || cmp(a.name, b.name)); // the name breaks ties
  const outOfTurn = [], rungs = { sent: first.name };
  let stage = "sent", lastCounter = null, lastOutcome = null;
  for (const n of rest) {
    const kind = n.word.split("/")[0];
    const ours = n.from === first.from;
    if ((kind === "receipt" || kind === "seen") && n.re !== first.name) continue; // before all else
    const row = ROWS.find(([by, w, whose, from]) => (by === "any" || by.includes(first.word)) && w === n.word
      && (whose === "both" || (whose === "opener") === ours) && (from === "any" || from.includes(stage)));
    const between = n.to === undefined || (n.from === first.from && n.to === first.to)
      || (n.from === first.to && n.to === first.from); // a third party has no part in it
    const confirms = kind === "confirm" && stage === "outcome";
    if (!row || !between || n.mode !== first.mode || backdated(n, notes)
      || (confirms && (n.from === lastOutcome.from || n.re !== lastOutcome.name))
      || (kind === "outcome" && n.re !== lastCounter)) { outOfTurn.push(n.name); continue; }
    if (row[4] !== STAY) stage = row[4];
    if (kind === "counter") lastCounter = n.name; // those in turn only
    if (kind === "outcome") lastOutcome = n;
    if (!ours && RUNG[kind]) rungs[RUNG[kind]] ??= n.name;
  }
  return { stage, rungs, outOfTurn };
}

/** The state of a line from both sides' last states. */
export function lineState(a = "open", b = "open") {
  for (const s of ["closed", "suspended"]) if (a === s || b === s) return s;
  if (a === "exercise" && b === "exercise") return "exercise";
  return a === "degraded" || b === "degraded" ? "degraded" : "open";
}

/** The same from notes as readNote gives them, between parties a and b. */
export function lineStateOf(notes, a, b) {
  const last = (from, to) => notes
    .filter((n) => n.kind === "line" && n.mode === "live" && n.from === from && n.to === to)
    .sort((x, y) => x.turn - y.turn).at(-1)?.state;
  return lineState(last(a, b), last(b, a));
}

/** Times as in notes, or microseconds; e1, e2 as in clock lines. Spans of lead time before start, in microseconds. */
export function leadTime({ t1, t2, t3, t4, e1, e2, start }) {
  [t1, t2, t3, t4, start] = [t1, t2, t3, t4, start].map((t) => (typeof t === "string" ? time(t) : t));
  [e1, e2] = [e1, e2].map((e) => (typeof e === "string" ? clock(e) : e));
  const ahead = [t3 - t4, t2 - t1], bound = e1 + e2;
  const impossible = ahead[0] > ahead[1] || t3 < t2 || ahead[0] > bound || ahead[1] < -bound;
  const receiver = [start - (t2 + e2), start - (t2 - e2)];
  const sender = [start - (t4 + e1), start - (t1 - e1)];
  const shown = [Math.min(receiver[0], sender[0]), Math.max(receiver[1], sender[1])];
  return { ahead, impossible, receiver, sender, shown };
}

// ---------------------------------------------------------------- Merkle trees (RFC 6962; verification as in RFC 9162, 2.1.3 and 2.1.4)

export const leafHash = (entry) => sha256(Buffer.from([0]), entry);
const nodeHash = (l, r) => sha256(Buffer.from([1]), l, r);
const index = (n) => typeof n === "number" && Number.isSafeInteger(n) && n >= 0;
const half = (n) => Math.floor(n / 2);

export function verifyInclusion(leaf, at, size, proof, root) {
  if (!index(at) || !index(size) || at >= size || [leaf, root, ...proof].some((h) => h.length !== 32)) return false;
  let fn = at, sn = size - 1, r = leaf;
  for (const p of proof) {
    if (sn === 0) return false;
    if (fn % 2 === 1 || fn === sn) {
      r = nodeHash(p, r);
      while (fn % 2 === 0 && fn !== 0) { fn = half(fn); sn = half(sn); }
    } else r = nodeHash(r, p);
    fn = half(fn); sn = half(sn);
  }
  return sn === 0 && root.equals(r);
}

export function verifyConsistency(size1, size2, proof, root1, root2) {
  if (!index(size1) || !index(size2) || size1 < 1 || size1 > size2) return false; // none from an empty log
  if (size1 === size2) return proof.length === 0 && root1.equals(root2); // of any length, say the vectors
  if ([root1, root2, ...proof].some((h) => h.length !== 32)) return false;
  const path = (Math.log2(size1) % 1 === 0 && size1 < 2 ** 49) ? [root1, ...proof] : [...proof];
  if (path.length === 0 || proof.length === 0) return false;
  let fn = size1 - 1, sn = size2 - 1;
  while (fn % 2 === 1) { fn = half(fn); sn = half(sn); }
  let [fr, sr] = [path[0], path[0]];
  for (const c of path.slice(1)) {
    if (sn === 0) return false;
    if (fn % 2 === 1 || fn === sn) {
      fr = nodeHash(c, fr); sr = nodeHash(c, sr);
      while (fn % 2 === 0 && fn !== 0) { fn = half(fn); sn = half(sn); }
    } else sr = nodeHash(sr, c);
    fn = half(fn); sn = half(sn);
  }
  return sn === 0 && root1.equals(fr) && root2.equals(sr);
}

// ---------------------------------------------------------------- checkpoints and proofs

/** Opens a checkpoint of PARTY/log. key: {party, publicKey, witnesses: {party: public key}}. */
export function openCheckpoint(text, { party, publicKey, witnesses = {} }) {
  const env = parseEnvelope(typeof text === "string" ? toUtf8(text) : text);
  const [origin, size, root, ...extensions] = env.text.slice(0, -1).split("\n");
  need(origin === party + "/log", "another log");
  need(root !== undefined && extensions.every((x) => x !== ""), "not a checkpoint");
  need(whole(size) > 0 || root === EMPTY_ROOT, "an empty log has the empty root");
  const known = new Map(), key = keyBytes(publicKey);
  known.set(`${origin} ${keyId(origin, 1, key)}`, (sig) => edVerify(key, toUtf8(env.text), sig));
  const cosignatures = {};
  for (const [who, h] of Object.entries(witnesses)) {
    const name = who + "/witness", k = keyBytes(h);
    known.set(`${name} ${keyId(name, 4, k)}`, (sig) => {
      if (sig.length !== 72) return false;
      const t = sig.readBigUInt64BE(0);
      if (t >= 2n ** 63n || !edVerify(k, toUtf8(`cosignature/v1\ntime ${t}\n${env.text}`), sig.subarray(8))) return false;
      cosignatures[who] = Number(t);
      return true;
    });
  }
  let ours = false;
  for (const s of env.signatures) {
    const check = known.get(`${s.name} ${s.id}`);
    if (!check) continue; // unknown keys are passed over
    need(check(s.data), `bad signature of ${s.name}`);
    if (s.name === origin) ours = true;
  }
  need(ours, "not signed by the log");
  return { origin, size: whole(size), root: base64(root, 32), cosignatures, extensions };
}

/** Verifies a .tlog-proof for these bytes of an entry; key as for openCheckpoint. */
export function verifyProof(text, entry, key) {
  const all = typeof text === "string" ? text : utf8(text);
  const cut = all.indexOf("\n\n");
  need(cut > 0, "no checkpoint");
  const rows = all.slice(0, cut).split("\n");
  need(rows.shift() === "c2sp.org/tlog-proof@v1", "not a proof");
  if (rows[0]?.startsWith("extra ")) base64(rows.shift().slice(6));
  const m = /^index (.*)$/.exec(rows.shift() ?? "");
  need(m, "no index");
  const at = whole(m[1]), hashes = rows.map((r) => base64(r, 32));
  const checkpoint = openCheckpoint(all.slice(cut + 2), key);
  need(verifyInclusion(leafHash(entry), at, checkpoint.size, hashes, checkpoint.root), "the entry is not in the tree");
  return { index: at, ...checkpoint };
}

// ---------------------------------------------------------------- command line

const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);
const sorted = (v) => (v !== null && typeof v === "object" && !Array.isArray(v)
  ? Object.fromEntries(Object.keys(v).sort().map((k) => [k, sorted(v[k])])) : v);
const refused = (f) => { try { f(); return null; } catch (e) { if (e instanceof Refused) return e.message; throw e; } };
const load = (file) => readJson(utf8(readFileSync(file)));

function vectors(noteFile, merkleFile) {
  const v = load(noteFile), mk = load(merkleFile);
  let bad = 0;
  const group = (name, list, agrees) => {
    const wrong = [];
    list.forEach((x, i) => {
      let why;
      try { if (!agrees(x)) why = "disagrees"; } catch (e) { why = e.message; }
      if (why) wrong.push(`  ${name}[${i}] ${x.what ?? x.name ?? x.kind ?? ""}: ${why}`);
    });
    bad += wrong.length;
    console.log(`${name}: ${list.length - wrong.length} of ${list.length} agree`);
    wrong.forEach((w) => console.log(w));
  };
  const keys = Object.fromEntries(v.keys.map((k) => [k.party, k.public_key]));
  group("keys", v.keys, (k) => k.vkey === `${k.party}+${keyId(k.party, 1, keyBytes(k.public_key))}+`
    + Buffer.concat([Buffer.from([1]), keyBytes(k.public_key)]).toString("base64"));
  group("kinds", [...new Set([...Object.keys(v.kinds), ...Object.keys(KINDS)])].map((kind) => ({ kind })), ({ kind: k }) =>
    same(sorted(v.kinds[k]), sorted({ place: KINDS[k].place, lines: Object.keys(KINDS[k].lines), may: may(k), must: must(k) })));
  group("notes", v.notes, (n) => {
    const bytes = toUtf8(n.note), s = parseSigned(bytes);
    return s.note.kind === n.kind && nameOf(bytes) === n.name && verifyNote(s, keys[s.note.from], s.note.from);
  });
  group("letters", v.letters, (l) => (refused(() => {
    const { signed } = openLetter(l.letter);
    verifyNote(signed, keys[signed.note.from], signed.note.from);
  }) === null) === l.good);
  group("malformed", v.malformed, (m) => refused(() => readNote(m.text)) !== null);
  group("conversations", v.conversations, (c) => {
    const thread = c.notes.find((n) => n.opens).n;
    const got = fold(c.notes.map(({ opens, ...n }) => ({ ...n, name: n.n, thread: opens ? null : thread })));
    return c.opened_by === c.notes.find((n) => n.opens).word && got.stage === c.stage && same(sorted(got.rungs), sorted(c.rungs))
      && same(got.outOfTurn.sort((a, b) => a - b), c.out_of_turn);
  });
  group("lines", v.lines, (l) => lineState(l.north, l.south) === l.state);
  const b64 = (s) => Buffer.from(s ?? "", "base64"), proof = (x) => (x.proof ?? []).map(b64);
  group("inclusion", mk.inclusion, (x) =>
    verifyInclusion(b64(x.leafHash), x.leafIdx, x.treeSize, proof(x), b64(x.root)) === !x.wantErr);
  group("consistency", mk.consistency, (x) =>
    verifyConsistency(x.size1, x.size2, proof(x), b64(x.root1), b64(x.root2)) === !x.wantErr);
  return bad ? 1 : 0;
}

function letters(file) {
  const v = load(file);
  need(only(v, "letters") && Array.isArray(v.letters), "not a file of letters");
  return v.letters;
}

function verifyFile(keyFile, file) {
  const keys = load(keyFile);
  let bad = 0;
  letters(file).forEach((letter, i) => {
    let what = `letter ${i}`;
    const why = refused(() => {
      const { signed, name, payload } = openLetter(letter);
      const { kind, from } = signed.note;
      what = `${name} ${kind} from ${from}${payload ? "" : ", payload withheld"}`;
      need(Object.hasOwn(keys, from), `no key of ${from}`);
      verifyNote(signed, keys[from], from);
    });
    if (why !== null) bad++;
    console.log(why === null ? `good ${what}` : `bad ${what}: ${why}`);
  });
  return bad ? 1 : 0;
}

/** Every conversation of a file of letters, by name. Signatures are for "verify". */
function foldFile(file) {
  const threads = {}, seen = new Set();
  let bad = 0;
  letters(file).forEach((letter, i) => {
    const why = refused(() => {
      const { signed, name } = openLetter(letter);
      if (seen.has(name) || KINDS[signed.note.kind].place === "own") return; // the same again; own notes are no conversation
      seen.add(name);
      (threads[signed.note.thread ?? name] ??= []).push(essence(name, signed.note));
    });
    if (why !== null) { bad = 1; console.error(`letter ${i}: ${why}`); }
  });
  const out = {};
  for (const [name, notes] of Object.entries(threads)) {
    const f = fold(notes);
    out[name] = f ? { out_of_turn: f.outOfTurn, rungs: f.rungs, stage: f.stage }
      : { out_of_turn: [], rungs: {}, stage: null, waiting: notes.map((n) => n.name).sort() };
  }
  console.log(JSON.stringify(sorted(out), null, 2));
  return bad;
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const [command, ...args] = process.argv.slice(2);
  const commands = { vectors, verify: verifyFile, fold: foldFile };
  try {
    need(Object.hasOwn(commands, command ?? ""), "usage: second.mjs vectors NOTES MERKLE | verify KEYS FILE | fold FILE");
    process.exitCode = commands[command](...args);
  } catch (e) {
    console.error(e.message);
    process.exitCode = 2;
  }
}

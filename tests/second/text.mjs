// The text of a note, as the tables of notes.md have it.
import { base64, need, refuse } from "./basics.mjs";

// ---------------------------------------------------------------- the values of the lines

const PARTY = /^[a-z0-9](?:[a-z0-9._-]{0,58}[a-z0-9])?$/;
const word = (...words) => (v) => need(words.includes(v), `none of ${words.join(", ")}`);
const like = (form, what) => (v) => need(form.test(v), `not ${what}`);
const party = like(PARTY, "a party id");
export const digest = like(/^[0-9a-f]{64}$/, "64 hex digits");
const uuid = like(/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, "a UUID"); // any version, lower case
const name = like(PARTY, "a name");
const signed6 = like(/^(?!-0\.000000)-?(?:0|[1-9][0-9]{0,8})\.[0-9]{6}$/, "seconds with six decimals");
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
  call: opens({ at: time }), say: opens({ code: name }), incident: opens({ start: time, end: time }),
  review: answers(),
  status: opens({ id: uuid, version: whole, state: word("coordinated", "displaced", "ended", "off-nominal") }),
  refusal: answers({ reason: name }), agreement: opens({ digest, version: whole }),
  key: opens({ "public-key": bytes32, "from-time": time }),
  alarm: opens({ alarm: name, one: uuid, other: uuid }), "alarm-ack": answers(),
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
export const must = (kind) => Object.keys(MEMBERS).filter((m) => MEMBERS[m][0].includes(kind)).sort();
export const may = (kind) => Object.keys(MEMBERS).filter((m) => MEMBERS[m].flat().includes(kind)).sort();

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
  names.forEach((line, i) => {
    const start = line + ": ";
    need(rows[i + 1].startsWith(start), `no line ${line} here`);
    const value = rows[i + 1].slice(start.length);
    try { form[line](value); } catch (e) { refuse(`${line}: ${e.message}`); }
    note[line] = value;
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

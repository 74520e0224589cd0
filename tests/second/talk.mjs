// Conversations, the state of a line, lead time.
import { cmp, need } from "./basics.mjs";

// ---------------------------------------------------------------- conversations

const WAY = ["sent", "arrived", "seen"];
const ANSWERED = ["noted", "no-conflict", "unable", "need-time", "declined"];
const REST = [...ANSWERED, "read-back", "countered", "outcome"], OPEN = [...WAY, ...REST];
const ANSWERABLE = [...WAY, "read-back", ...ANSWERED, "countered"];
const STATEMENT = ["line", "call", "say", "status", "clock", "agreement", "key"];
const STAY = null;
export const ROWS = [ // opened by, word, whose, from, to
  ["any", "refusal", "other", ["sent", "arrived"], "refused"],
  ["any", "receipt", "other", ["sent"], "arrived"], ["any", "receipt", "other", "any", STAY],
  ["any", "seen", "other", ["sent", "arrived"], "seen"], ["any", "seen", "other", "any", STAY],
  [["notice"], "readback", "other", WAY, "read-back"], [["notice"], "readback", "other", REST, STAY],
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

// ---------------------------------------------------------------- lead time; microseconds, no end is Infinity

/** e1 and e2 are Infinity where unknown, t4 too. Spans of lead time before start. */
export function leadTime({ t1, t2, t3, t4, e1, e2, start, guaranteed = null, required = 0 }) {
  const ahead = [t3 - t4, t2 - t1], bound = e1 + e2;
  const impossible = ahead[0] > ahead[1] || t3 < t2 || ahead[0] > bound || ahead[1] < -bound;
  const receiver = e2 === Infinity ? EVER : [start - (t2 + e2), start - (t2 - e2)];
  const sender = e1 === Infinity ? EVER : [start - (t4 + e1), start - (t1 - e1)];
  const shown = [Math.min(receiver[0], sender[0]), Math.max(receiver[1], sender[1])];
  let late = shown[0] < required ? "yes" : "no";
  if (shown[0] === -Infinity) late = "unknown";
  if (shown[1] < required) late = "yes";
  if (guaranteed !== null && guaranteed >= required) late = "no";
  return { ahead, impossible, receiver, sender, shown, late };
}
const EVER = [-Infinity, Infinity];

/** What a third party's cosignature guarantees: {witness, guaranteed}, null where there is none. */
export function guarantee({ cosignatures, parties, index, start, clocksDiffer }) {
  const [first] = cosignatures
    .filter((c) => !parties.includes(c.witness) && c.size > index)
    .sort((a, b) => a.time_s - b.time_s || cmp(a.witness, b.witness));
  return first ? { witness: first.witness, guaranteed: start - ((first.time_s + 1) * 1e6 + clocksDiffer) } : null;
}

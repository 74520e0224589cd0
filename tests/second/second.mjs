// A second reader of tansiq notes and records, written from notes.md and record.md alone.
// It shares no code, library or language with the other one: where both agree, the documents said enough.
// What it reads is in the other modules; here are the vectors that it is held to, and its commands.
import { readFileSync, realpathSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Refused, isObject, need, readJson, soundPoint, toUtf8, utf8 } from "./basics.mjs";
import { checkPayload, openLetter } from "./payload.mjs";
import { openCheckpoint, verifyConsistency, verifyInclusion, verifyProof } from "./record.mjs";
import { keyBytes, keyId, nameOf, parseEnvelope, parseSigned, signers, verifyNote } from "./signed.mjs";
import { essence, fold, guarantee, leadTime, lineState, lineStateOf } from "./talk.mjs";
import { KINDS, may, must, readNote } from "./text.mjs";

// ---------------------------------------------------------------- command line

const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);
const sorted = (v) => (v !== null && typeof v === "object" && !Array.isArray(v)
  ? Object.fromEntries(Object.keys(v).sort().map((k) => [k, sorted(v[k])])) : v);
const refused = (f) => { try { f(); return null; } catch (e) { if (e instanceof Refused) return e.message; throw e; } };
const load = (file) => readJson(utf8(readFileSync(file)));
const loadVectors = (file) => JSON.parse(readFileSync(file, "utf8"));
const b64 = (s) => Buffer.from(s ?? "", "base64");

/** A text that stands there whole, or in pieces with how often each is repeated. */
const whole = (v) => (typeof v === "string" ? v : v.map(([piece, times]) => piece.repeat(times)).join(""));
const bytesOf = (x, text) => (x.base64 === undefined ? toUtf8(whole(text)) : b64(x.base64));
const ends = (v) => v.map((t, i) => t ?? (i ? Infinity : -Infinity));

/** How each group of vectors is held against this reader: case by case, true where both agree. */
function groups(v, mk) {
  const keys = Object.fromEntries(v.keys.map((k) => [k.party, k.public_key]));
  const good = (x, f) => (refused(f) === null) === x.good;
  const log = { party: "north", publicKey: keys.north, witnesses: { south: keys.south, west: keys.west } };
  const proof = (x) => (x.proof ?? []).map(b64);
  const kinds = [...new Set([...Object.keys(v.kinds), ...Object.keys(KINDS)])].map((kind) => ({ kind }));
  return {
    keys: [v.keys, (k) => k.vkey === `${k.party}+${keyId(k.party, 1, keyBytes(k.public_key))}+`
      + Buffer.concat([Buffer.from([1]), keyBytes(k.public_key)]).toString("base64")],
    kinds: [kinds, ({ kind: k }) => same(sorted(v.kinds[k]),
      sorted({ place: KINDS[k].place, lines: Object.keys(KINDS[k].lines), may: may(k), must: must(k) }))],
    notes: [v.notes, (n) => {
      const bytes = toUtf8(n.note), s = parseSigned(bytes);
      return s.note.kind === n.kind && nameOf(bytes) === n.name && verifyNote(s, keys[s.note.from]);
    }],
    letters: [v.letters, (l) => good(l, () => {
      const { signed } = openLetter(l.letter);
      verifyNote(signed, keys[signed.note.from]);
    })],
    malformed: [v.malformed, (m) => refused(() => readNote(m.text)) !== null],
    texts: [v.texts, (x) => good(x, () => readNote(x.text))],
    payloads: [v.payloads, (x) => good(x, () => checkPayload(x.kind, bytesOf(x, x.payload), x.lines))],
    signatures: [v.signatures, (x) => {
      let by = null;
      const known = ["north", "south"].map((name) => ({ name, type: 1, key: keyBytes(keys[name]) }));
      const why = refused(() => { by = signers(parseEnvelope(bytesOf(x, x.signed)), known).map((s) => s.name); });
      return x.by === null ? why !== null : same(by, x.by);
    }],
    bad_keys: [v.bad_keys, (x) => {
      const key = { name: "north", type: 1, key: keyBytes(x.public_key) };
      return soundPoint(key.key) === x.good
        && refused(() => signers(parseEnvelope(toUtf8(x.signed_by_nobody)), [key])) !== null;
    }],
    checkpoints: [v.checkpoints, (x) => {
      let c = null;
      const why = refused(() => { c = openCheckpoint(whole(x.checkpoint), log); });
      if (!x.good || why !== null) return !x.good && why !== null;
      return String(c.size) === x.size && c.root.toString("hex") === x.root && same(c.extensions, x.extensions)
        && same(sorted(c.cosignatures), sorted(x.cosignatures));
    }],
    proofs: [v.proofs, (x) => good(x, () => verifyProof(whole(x.proof), toUtf8(x.entry), log))],
    lead_times: [v.lead_times, (x) => {
      const [t1, t2, t3, t4] = x.t, [e1, e2] = x.e.map((e) => e ?? Infinity);
      const third = guarantee({ cosignatures: x.cosignatures, parties: x.parties, index: x.index,
        start: x.start, clocksDiffer: x.clocks_differ });
      const got = leadTime({ t1, t2, t3, t4: t4 ?? Infinity, e1, e2, start: x.start, required: x.required,
        guaranteed: third?.guaranteed ?? null });
      return same([got.impossible, got.late, third?.witness ?? null, third?.guaranteed ?? null],
        [x.impossible, x.late, x.third, x.guaranteed])
        && ["ahead", "shown"].every((k) => equal(got[k], ends(x[k])))
        && equal(got.receiver, ends(x.receivers_word)) && equal(got.sender, ends(x.senders_word));
    }],
    ...Object.fromEntries(["conversations", "cells", "turns"].map((name) => [name, [v[name], (c) => {
      const thread = c.notes.find((n) => n.opens).n;
      const got = fold(c.notes.map(({ opens, ...n }) => ({ ...n, name: n.n, thread: opens ? null : thread })));
      return c.opened_by === c.notes.find((n) => n.opens).word && got.stage === c.stage
        && same(sorted(got.rungs), sorted(c.rungs)) && same(got.outOfTurn.sort((a, b) => a - b), c.out_of_turn);
    }]])),
    lines: [v.lines, (l) => lineState(l.north, l.south) === l.state],
    line_notes: [v.line_notes, (l) => lineStateOf(l.said.map((n) => ({ ...n, kind: "line" })), "north", "south") === l.state],
    growth: [v.growth, (x) => verifyConsistency(...x.sizes, x.proof.map(b64), ...x.roots.map(b64)) === x.good],
    inclusion: [mk.inclusion, (x) =>
      verifyInclusion(b64(x.leafHash), x.leafIdx, x.treeSize, proof(x), b64(x.root)) === !x.wantErr],
    consistency: [mk.consistency, (x) =>
      verifyConsistency(x.size1, x.size2, proof(x), b64(x.root1), b64(x.root2)) === !x.wantErr],
  };
}

/** Infinity too, which JSON has not. */
const equal = (a, b) => a.length === b.length && a.every((x, i) => x === b[i]);

/** What disagrees, each in a word; "quick": the first one; "only": of these groups. */
export function disagreements(noteFile, merkleFile, { quick = false, only = null, say = () => {} } = {}) {
  const found = [], all = groups(loadVectors(noteFile), loadVectors(merkleFile));
  for (const [name, [list, agrees]] of Object.entries(all)) {
    if (only !== null && !only.includes(name)) continue;
    const before = found.length;
    for (const [i, x] of list.entries()) {
      let why = null;
      try { if (!agrees(x)) why = "disagrees"; } catch (e) { why = e instanceof Refused ? e.message : `fails: ${e.message}`; }
      if (why !== null) found.push(`  ${name}[${i}] ${x.what ?? x.name ?? x.kind ?? ""}: ${why}`);
      if (quick && found.length) return found;
    }
    say(`${name}: ${list.length - (found.length - before)} of ${list.length} agree`);
    found.slice(before).forEach((line) => say(line));
  }
  return found;
}

const vectors = (...files) => (disagreements(...files, { say: console.log }).length ? 1 : 0);

function letters(file) {
  const v = load(file);
  need(isObject(v) && Array.isArray(v.letters) && Object.keys(v).length === 1, "not a file of letters");
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
      verifyNote(signed, keys[from]);
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

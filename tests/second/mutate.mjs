// Which readings do the vectors decide? Changes one at a time in a copy, and runs the vectors on it.
//     node mutate.mjs NOTES MERKLE FOLDER
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { spawnSync } from "node:child_process";
const [notes, merkle, folder] = process.argv.slice(2);
const src = readFileSync(new URL("second.mjs", import.meta.url), "utf8");
const M = [
  ["tie: name descending", "|| cmp(a.name, b.name))", "|| cmp(b.name, a.name))"],
  ["from before turn", "a.turn - b.turn || cmp(a.from, b.from)", "cmp(a.from, b.from) || a.turn - b.turn"],
  ["from descending on equal turns", "a.turn - b.turn || cmp(a.from, b.from)", "a.turn - b.turn || cmp(b.from, a.from)"],
  ["receipt/seen: mode checked first", `(kind === "receipt" || kind === "seen") && n.re !== first.name)`, `(kind === "receipt" || kind === "seen") && n.re !== first.name && n.mode === first.mode)`],
  ["receipt/seen of opener are out of turn first", `(kind === "receipt" || kind === "seen") && n.re !== first.name)`, `(kind === "receipt" || kind === "seen") && n.re !== first.name && !ours)`],
  ["receipt/seen of another note counted", `(kind === "receipt" || kind === "seen") && n.re !== first.name`, "false"],
  ["last counter: also those out of turn", `  for (const n of rest) {\n`, `  for (const n of rest) {\n    if (n.prev) lastCounter = n.prev;\n`, (s) => s.replace("    const kind = n.word.split", "    const kindX = 0;\n    const kind = n.word.split").replace("outOfTurn.push(n.name); continue; }", `outOfTurn.push(n.name); if (kind === "counter") lastCounter = n.name; continue; }`)],
  ["last outcome: also those out of turn", "outOfTurn.push(n.name); continue; }", `outOfTurn.push(n.name); if (kind === "outcome" && stage === "outcome") lastOutcome = n; continue; }`],
  ["refusal must be re the opening note", "const confirms =", `if (kind === "refusal" && n.re !== first.name) { outOfTurn.push(n.name); continue; }\n    const confirms =`],
  ["answer must be re the opening note", "const confirms =", `if (kind === "answer" && n.re !== first.name) { outOfTurn.push(n.name); continue; }\n    const confirms =`],
  ["confirm of a statement must be re the opening note", "const confirms =", `if (kind === "confirm" && first.word !== "notice" && n.re !== first.name) { outOfTurn.push(n.name); continue; }\n    const confirms =`],
  ["check-reply, review, alarm-ack must be re the opening note", "const confirms =", `if (["check-reply","review","alarm-ack"].includes(kind) && n.re !== first.name) { outOfTurn.push(n.name); continue; }\n    const confirms =`],
  ["rungs also by notes out of turn", "outOfTurn.push(n.name); continue; }", "outOfTurn.push(n.name); if (!ours && RUNG[kind]) rungs[RUNG[kind]] ??= n.name; continue; }"],
  ["rung names the last note", "rungs[RUNG[kind]] ??= n.name;", "rungs[RUNG[kind]] = n.name;"],
  ["rungs by the opener too", "if (!ours && RUNG[kind]) rungs", "if (RUNG[kind]) rungs"],
  ["outcome re any counter", `|| (kind === "outcome" && n.re !== lastCounter)`, ""],
  ["confirm of own outcome", "n.from === lastOutcome.from || ", ""],
  ["confirm of any note", "|| n.re !== lastOutcome.name", ""],
  ["mode not looked at", "|| n.mode !== first.mode", ""],
  ["readback stays also in settled", `"readback", "other", OPEN, STAY`, `"readback", "other", [...OPEN, "settled"], STAY`],
  ["receipt does not stay when refused", `["any", "receipt", "other", "any", STAY]`, `["any", "receipt", "other", OPEN, STAY]`],
  ["alarm-ack by other only", `"alarm-ack", "both"`, `"alarm-ack", "other"`],
  ["all-clear not from refused", `[...WAY, "refused"], "cleared"`, `WAY, "cleared"`],
  ["withdraw not from settled", `[...OPEN, "settled"], "withdrawn"`, `OPEN, "withdrawn"`],
  ["opener's counter not from declined", `["unable", "countered", "declined"], "countered"`, `["unable", "countered"], "countered"`],
  ["opener's answer/unable does not decline", `["countered"], "declined"`, `[], "declined"`],
  ["UUID: version 4 only", "/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/", "/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/"],
  ["UUID: capitals too", "-[0-9a-f]{12}$/", "-[0-9a-f]{12}$/i"],
  ["version from 1", "version: whole, start", `version: (v) => need(whole(v) > 0, "0"), start`],
  ["start before end, strictly", "time(note.start) <= time(note.end)", "time(note.start) < time(note.end)"],
  ["alarm UUIDs strictly ascending", "note.one <= note.other", "note.one < note.other"],
  ["alarm UUIDs in any order", `if (kind === "alarm") need`, "if (false) need"],
  ["clock: least above most taken", "need(Number(note.least) <= Number(note.most)", "need(true"],
  ["outcome: moves one of the two parties", "  return note;\n}\n\n// ---------------------------------------------------------------- signed", `  if (kind === "outcome") need([note.from, note.to].includes(note.moves), "moves");\n  return note;\n}\n\n// ---- signed`],
  ["key: public key of small order refused", "const bytes32 = (v) => base64(v, 32);", "const bytes32 = (v) => need(soundPoint(base64(v, 32)), 'small');"],
  ["own notes have number 0", `(note.number === "0") === (kind === "receipt")`, `(note.number === "0") === (kind === "receipt" || place === "own")`],
  ["number 0 anywhere", `need((note.number === "0") === (kind === "receipt")`, "need(true"],
  ["leap second, 24:00 taken", `need(new Date(ms).toISOString() === v.slice(0, 19)`, `need(true || new Date(ms).toISOString() === v.slice(0, 19)`],
  ["clock bound of leading zeros", `/^(?:0|[1-9][0-9]{0,5})\\.[0-9]{3}$/`, `/^[0-9]{1,6}\\.[0-9]{3}$/`],
  ["text of 2048 bytes and more", "text.length < 2048", "text.length < 1e9"],
  ["Base64 in any spelling", `need(b.toString("base64") === text`, `need(true || text`],
  ["JSON: member twice taken", "need(!Object.hasOwn(v, key)", "need(true"],
  ["payload not checked at all", "payload = checkPayload(signed.note.kind, body, signed.note);", "payload = {};"],
  ["key id not looked at", "need(signed.sig.id === keyId(party, 1, key)", "need(true"],
  ["signature name not looked at", "need(signatures[0].name === note.from", "need(true"],
  ["signature not verified", `need(edVerify(key, Buffer.from(signed.text), signed.sig.data)`, "need(true"],
  ["small order, second spellings taken", "return y < P && !SMALL_Y.includes(y);", "return true;"],
  ["letter: other members taken", `need(only(letter, "note", "salt", "payload")`, "need(true"],
  ["notes of a third party counted", "!row || !between", "!row"],
  ["consistency from size 0 with empty proof", "if (!index(size1) || !index(size2) || size1 < 1", "if (size1 === 0 && index(size2) && proof.length === 0 && root1.toString('base64') === EMPTY_ROOT && root2.length === 32) return true;\n  if (!index(size1) || !index(size2) || size1 < 1"],
  ["control characters taken", `need(!/[^\\n\\P{Cc}]/u.test(all)`, `need(true`],
  ["back-dated by what it answers taken", "other.name === n.re ||", ""],
  ["back-dated by number taken", "|| (other.from === n.from && other.number !== 0 && other.number < n.number)", ""],
  ["back-dated: an equal turn taken", "n.turn <= other.turn", "n.turn < other.turn"],
  ["back-dated notes counted", " || backdated(n, notes)", ""],
];
const told = M.map(([what, from, to, then]) => {
  if (!src.includes(from)) return [what, "nothing to change"];
  const mutant = join(folder, "mutant.mjs");
  writeFileSync(mutant, then ? then(src) : src.replace(from, () => to));
  const run = spawnSync("node", [mutant, "vectors", notes, merkle], { encoding: "utf8" });
  return [what, run.status === 0 ? "open" : "decided"];
});
console.log(JSON.stringify(Object.fromEntries(told), null, 1));

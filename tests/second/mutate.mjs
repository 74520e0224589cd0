// Which readings do the vectors decide? Changes one at a time in a copy, and holds the vectors against it.
//     node mutate.mjs NOTES MERKLE FOLDER
// Prints, for each wrong reading of mutants.mjs: decided, open, alike (no input tells it apart), or what is wrong with it.
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { ALIKE, MUTANTS, TABLES } from "./mutants.mjs";

const [notes, merkle, folder] = process.argv.slice(2);
const here = fileURLToPath(new URL(".", import.meta.url));
const files = readdirSync(here).filter((name) => name.endsWith(".mjs") && !name.startsWith("muta"));
const sources = Object.fromEntries(files.map((name) => [name, readFileSync(join(here, name), "utf8")]));

// Nothing else stands on these, so only what is in them can show.
const ONLY = {
  "talk.mjs": ["conversations", "cells", "turns", "lines", "line_notes", "lead_times"],
  "payload.mjs": ["letters", "payloads"],
  "record.mjs": ["checkpoints", "proofs", "growth", "inclusion", "consistency"],
};

async function told([what, ...changes], n) {
  const changed = { ...sources };
  let only = [];
  for (let i = 0; i < changes.length; i += 2) {
    const [from, to] = changes.slice(i, i + 2);
    const where = files.filter((name) => changed[name].includes(from));
    if (where.length !== 1 || changed[where[0]].split(from).length !== 2) return "found nowhere, or more than once";
    only = only === null || ONLY[where[0]] === undefined ? null : [...only, ...ONLY[where[0]]];
    changed[where[0]] = changed[where[0]].replace(from, () => to);
  }
  const copy = join(folder, `mutant${n}`);
  mkdirSync(copy, { recursive: true });
  for (const name of files) writeFileSync(join(copy, name), changed[name]);
  let wrong;
  try {
    const mutant = await import(pathToFileURL(join(copy, "second.mjs")));
    wrong = mutant.disagreements(notes, merkle, { quick: true, only });
  } catch (e) {
    return `does not run: ${e.message}`; // A mutant that is no program shows nothing.
  } finally {
    rmSync(copy, { recursive: true });
  }
  const decided = wrong.length > 0;
  if (decided && wrong[0].includes(": fails: ")) return wrong[0]; // It reads nothing wrongly, it breaks.
  if (ALIKE[what] !== undefined) return decided ? "called alike, but decided" : "alike";
  return decided ? "decided" : "open";
}

const found = { readings: {}, tables: {} };
for (const [n, mutant] of [...MUTANTS, ...TABLES].entries()) {
  const [what] = mutant, group = found[n < MUTANTS.length ? "readings" : "tables"];
  group[what] = group[what] === undefined ? await told(mutant, n) : "named twice";
}
for (const what of Object.keys(ALIKE)) found.readings[what] ??= "called alike, but not there";
console.log(JSON.stringify(found, null, 1));

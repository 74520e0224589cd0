// Wrong readings, one each: what it reads wrongly, then a text of one module and what stands there instead.
import { LOGS } from "./mutants_logs.mjs";
import { PAYLOADS } from "./mutants_payloads.mjs";
import { TABLES, TALK } from "./mutants_talk.mjs";
import { TEXTS } from "./mutants_texts.mjs";

export const MUTANTS = [...TEXTS, ...PAYLOADS, ...LOGS, ...TALK];
export { TABLES };

/** What no input tells apart, and why. */
export const ALIKE = {
  "text of 2048 bytes and more": "the lines of the longest note have fewer bytes",
  "S beyond the group's order": "the library beneath refuses it too",
  "signatures of any length": "the library beneath takes 64 bytes alone",
  "proof: hashes of any length": "the tree takes hashes of 32 bytes alone",
  "proof: 64 hashes": "no size below 2^63 has a path of 64",
  "proof: the last empty line ends it": "neither proof nor checkpoint has an empty line, but that before the signatures",
  "consistency: no hashes": "two sizes that differ are never a level apart from none",
  "an outcome is an answer": "it follows a counter, and no counter stands before the other side has answered or countered",
  "confirm of a statement only by the other than the last": "where an outcome stands, a confirm is in the tables at that stage alone",
};

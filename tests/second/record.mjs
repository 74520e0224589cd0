// Merkle trees, checkpoints, cosignatures and proofs, as record.md has them.
import { base64, need, sha256, toUtf8, utf8 } from "./basics.mjs";
import { keyBytes, parseEnvelope, signers } from "./signed.mjs";

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

const EMPTY_ROOT = sha256("").toString("base64");

/** A size or index: a number, or a BigInt where it is beyond what a number holds. */
function count(v) {
  need(/^(?:0|[1-9][0-9]{0,18})$/.test(v) && BigInt(v) < 2n ** 63n, "not a size");
  return Number.isSafeInteger(Number(v)) ? Number(v) : BigInt(v);
}

/** Opens a checkpoint of PARTY/log. key: {party, publicKey, witnesses: {party: public key}}. */
export function openCheckpoint(text, { party, publicKey, witnesses = {} }) {
  const env = parseEnvelope(typeof text === "string" ? toUtf8(text) : text, 16_384);
  const [origin, size, root, ...extensions] = env.text.slice(0, -1).split("\n");
  need(origin === party + "/log", "another log");
  need(root !== undefined && extensions.every((x) => x !== ""), "not a checkpoint");
  need(count(size) > 0 || root === EMPTY_ROOT, "an empty log has the empty root");
  const log = { name: origin, type: 1, key: keyBytes(publicKey) };
  const others = Object.entries(witnesses).map(([who, h]) => ({ name: who + "/witness", type: 4, key: keyBytes(h) }));
  const found = signers(env, [log, ...others]);
  need(found.some((s) => s.name === origin), "not signed by the log");
  const cosignatures = {};
  for (const s of found) if (s.type === 4) cosignatures[s.name.split("/")[0]] = String(s.time);
  return { origin, size: count(size), root: base64(root, 32), cosignatures, extensions };
}

/** Verifies a .tlog-proof for these bytes of an entry; key as for openCheckpoint. */
export function verifyProof(text, entry, key) {
  const all = typeof text === "string" ? text : utf8(text);
  need(toUtf8(all).length <= 65_535, "too long");
  const cut = all.indexOf("\n\n");
  need(cut > 0, "no checkpoint");
  const rows = all.slice(0, cut).split("\n");
  need(rows.shift() === "c2sp.org/tlog-proof@v1", "not a proof");
  if (rows[0]?.startsWith("extra ")) need(base64(rows.shift().slice(6)).length > 0, "an empty extra");
  const m = /^index (.*)$/.exec(rows.shift() ?? "");
  need(m, "no index");
  const at = count(m[1]), hashes = rows.map((r) => base64(r, 32));
  need(hashes.length <= 63, "too many hashes");
  const checkpoint = openCheckpoint(all.slice(cut + 2), key);
  need(verifyInclusion(leafHash(entry), at, checkpoint.size, hashes, checkpoint.root), "the entry is not in the tree");
  return { index: at, ...checkpoint };
}

// Verifies an evidence bundle: the same checks as src/tansiq/formats/evidence*.py, by WebCrypto.
// Knows neither page nor network. TABLE (kinds of notes, limits, words) is put before this by
// src/tansiq/formats/evidence_page.py, from the tables that the node itself reads by.
"use strict";

class Unreadable extends Error {} // No bundle.
class Bad extends Error {} // A part of it that does not hold.

const utf8 = new TextEncoder();
const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const CONTROL = /[\x00-\x09\x0b-\x1f\x7f-\x9f]/;
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/;
const PARTY = "[a-z0-9](?:[a-z0-9._-]{0,58}[a-z0-9])?";
const COUNT = "0|[1-9][0-9]{0,14}";
const HEAD = new RegExp(
  "^tansiq/bundle@v1\n" + `by: (${PARTY})\n` + "agreement: ([0-9a-f]{64})\n" + "from: (.{27})\n" +
  "to: (.{27})\n" + "made: (.{27})\n" + "clock: (unknown|(?:0|[1-9][0-9]{0,5})\\.[0-9]{3})\n" +
  `party: (${PARTY}|\\*)\n` + "withheld: (nothing|persons|all|notes)\n" +
  `size: (${COUNT})\n` + `entries: (${COUNT})\n` + `left-out: (${COUNT})$`);
const ED25519 = 1, COSIGNATURE = 4;

// Bytes

const hex = (data) => [...data].map((byte) => byte.toString(16).padStart(2, "0")).join("");
const same = (a, b) => a.length === b.length && a.every((byte, n) => byte === b[n]);
const sha256 = async (...parts) => new Uint8Array(await crypto.subtle.digest("SHA-256", joined(parts)));

function joined(parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) { whole.set(part, at); at += part.length; }
  return whole;
}

function fromBase64(text, what) {
  let raw;
  try { raw = atob(text); } catch { throw new Bad(`${what}: not base64`); }
  if (btoa(raw) !== text) throw new Bad(`${what}: not the one spelling of its bytes`);
  return Uint8Array.from(raw, (char) => char.charCodeAt(0));
}

function instant(text, what) {
  const year = Number(text.slice(0, 4)), millis = `${text.slice(0, 23)}Z`;
  const at = INSTANT.test(text) && year >= 1900 && year <= 2200 ? Date.parse(millis) : NaN;
  if (Number.isNaN(at) || new Date(at).toISOString() !== millis) throw new Bad(`${what}: no time`);
  return at * 1000 + Number(text.slice(23, 26));
}

// Signatures

const P = 2n ** 255n - 19n;
const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;
const Y8 = 2707385501144840649318225287225658788936804267575313519463743609750303402022n;
const SMALL = new Set([0n, 1n, P - 1n, Y8, P - Y8]);

function little(bytes) {
  return BigInt("0x" + hex(Uint8Array.from(bytes).reverse()));
}

function sound(point) {
  const y = little(point) & (2n ** 255n - 1n);
  return y < P && !SMALL.has(y);
}

// A key under a name: as in a signed note of C2SP.
async function keyOf(name, publicKey, type = ED25519) {
  if (publicKey.length !== 32 || !sound(publicKey)) throw new Bad(`the key of ${name} is none`);
  const id = (await sha256(utf8.encode(`${name}\n`), [type], publicKey)).slice(0, 4);
  const key = await crypto.subtle.importKey("raw", publicKey, { name: "Ed25519" }, false, ["verify"]);
  return { name, type, id: hex(id), key };
}

async function verifyOne(key, text, data) {
  let time = null, signature = data, stamp = "";
  if (key.type === COSIGNATURE) {
    if (data.length !== 72) throw new Bad(`${key.name}: not a cosignature's length`);
    time = new DataView(data.buffer, data.byteOffset).getBigUint64(0);
    if (time >= 2n ** 63n) throw new Bad(`${key.name}: no time`);
    signature = data.slice(8);
    stamp = `cosignature/v1\ntime ${time}\n`;
  }
  const canonical = signature.length === 64 && little(signature.slice(32)) < ORDER;
  if (!canonical || !sound(signature.slice(0, 32))) throw new Bad(`${key.name}'s is not canonical`);
  const message = utf8.encode(stamp + text);
  if (!(await crypto.subtle.verify({ name: "Ed25519" }, key.key, signature, message))) {
    throw new Bad(`${key.name}'s signature does not fit the text`);
  }
  return time === null ? null : Number(time);
}

function readSigned(content, what) {
  const gap = content.lastIndexOf("\n\n");
  if (gap < 0) throw new Bad(`${what}: no empty line before the signatures`);
  const text = content.slice(0, gap + 1), lines = content.slice(gap + 2);
  if (text === "\n" || text.endsWith("\n\n") || CONTROL.test(text)) throw new Bad(`${what}: no text`);
  if (!lines.endsWith("\n")) throw new Bad(`${what}: no newline at the end`);
  const signatures = lines.slice(0, -1).split("\n").map((line) => {
    const found = /^\u2014 ([^ ]+) ([^ ]+)$/.exec(line);
    if (!found || /[\p{White_Space}+]/u.test(found[1]) || CONTROL.test(line) || [...found[1]].length > 255) {
      throw new Bad(`${what}: no signature line`);
    }
    const data = fromBase64(found[2], what);
    if (data.length <= 4) throw new Bad(`${what}: a signature that is too short`);
    return { name: found[1], id: hex(data.slice(0, 4)), data: data.slice(4) };
  });
  const names = new Set(signatures.map((each) => `${each.name} ${each.id}`));
  if (signatures.length > 64 || names.size !== signatures.length) {
    throw new Bad(`${what}: two signatures of one key, or too many`);
  }
  return { text, signatures };
}

// Returns what the keys have signed; throws where one of them does not hold, or none has.
async function verified(note, keys) {
  const found = [];
  for (const each of note.signatures) {
    const key = keys.find((key) => key.name === each.name && key.id === each.id);
    if (key) found.push({ key, time: await verifyOne(key, note.text, each.data) });
  }
  if (!found.length) throw new Bad(`not signed by ${keys.map((key) => key.name).join(" or ")}`);
  return found;
}

// The tree

const nodeHash = (left, right) => sha256([1], left, right);

function middleOf(start, end) {
  let half = 1;
  while (half * 2 < end - start) half *= 2;
  return start + half;
}

async function subsetRoot(entries, leaves, size, hashes) {
  let before = -1, used = 0;
  for (const { index } of entries) {
    if (index <= before || index >= size) throw new Bad("places out of order, or beyond the record");
    before = index;
  }
  if (!entries.length) throw new Bad("no entries");
  const part = async (start, end, low, high) => {
    if (low === high) {
      if (used === hashes.length) throw new Bad("fewer hashes than needed");
      return hashes[used++];
    }
    if (end - start === 1) return leaves[low];
    const middle = middleOf(start, end);
    let cut = low, beyond = high;
    while (cut < beyond) {
      const at = (cut + beyond) >> 1;
      if (entries[at].index < middle) cut = at + 1; else beyond = at;
    }
    const left = await part(start, middle, low, cut);
    return nodeHash(left, await part(middle, end, cut, high));
  };
  const root = await part(0, size, 0, entries.length);
  if (used !== hashes.length) throw new Bad("more hashes than needed");
  return root;
}

// RFC 9162, section 2.1.4.2. Sizes are below 2**53, so numbers are exact.
async function verifyConsistency(one, two, proof) {
  if (one.size < 1 || one.size > two.size) throw new Bad("from nothing, or backwards, there is no proof");
  if (one.size === two.size) {
    if (proof.length || !same(one.root, two.root)) throw new Bad("of one size, with another root");
    return;
  }
  const half = (n) => Math.floor(n / 2), path = [...proof];
  let at = one.size - 1, last = two.size - 1;
  while (at % 2 === 1) { at = half(at); last = half(last); }
  if (at === 0) path.unshift(one.root);
  if (!path.length) throw new Bad("no hashes");
  let before = path[0], after = path[0];
  for (const sibling of path.slice(1)) {
    if (last === 0) throw new Bad("longer than a path");
    if (at % 2 === 1 || at === last) {
      before = await nodeHash(sibling, before);
      after = await nodeHash(sibling, after);
      while (at !== 0 && at % 2 === 0) { at = half(at); last = half(last); }
    } else {
      after = await nodeHash(after, sibling);
    }
    at = half(at); last = half(last);
  }
  if (last || !same(before, one.root) || !same(after, two.root)) throw new Bad("another record");
}

const EMPTY_ROOT = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"; // SHA-256 of nothing.

function readCheckpoint(text) {
  const [origin, size, root, ...more] = text.slice(0, -1).split("\n");
  if (!origin || root === undefined || more.some((line) => !line)) throw new Bad("no checkpoint");
  if (!/^(?:0|[1-9][0-9]{0,15})$/.test(size)) throw new Bad("no size");
  const hash = fromBase64(root, "root");
  if (hash.length !== 32 || !Number.isSafeInteger(Number(size))) throw new Bad("no root, or too large");
  if (size === "0" && hex(hash) !== EMPTY_ROOT) throw new Bad("not the root of a log without entries");
  return { origin, size: Number(size), root: hash };
}

// The bundle

function exactly(value, keys, optional = []) {
  const names = value !== null && typeof value === "object" && !Array.isArray(value) ? Object.keys(value) : [];
  const order = [...keys, ...optional].filter((key) => keys.includes(key) || names.includes(key));
  if (names.length !== order.length || names.some((name, n) => name !== order[n])) {
    throw new Unreadable("not the members of a bundle, or not in their order");
  }
  return value;
}

function listOf(value, most, each) {
  if (!Array.isArray(value) || value.length > most) throw new Unreadable("no list, or too long");
  return value.map(each);
}

function text(value, most) {
  if (typeof value !== "string" || value.length > most) throw new Unreadable("no text, or too long");
  return value;
}

function hash(value) {
  const found = fromBase64(text(value, 44), "hash");
  if (found.length !== 32) throw new Unreadable("a hash or key has 32 bytes");
  return found;
}

function readEntry(value) {
  exactly(value, ["index", "kind", "time", "text"], ["salt", "payload", "got"]);
  if (!Number.isSafeInteger(value.index) || value.index < 0) throw new Unreadable("no place");
  const entry = {
    index: value.index, kind: text(value.kind, 40), time: instant(text(value.time, 27), "time"),
    recorded: value.time, text: text(value.text, TABLE.noteBytes), payload: null, salt: null, got: null,
  };
  if (("salt" in value) !== ("payload" in value)) throw new Unreadable("salt without payload");
  if ("salt" in value) {
    entry.salt = fromBase64(text(value.salt, 24), "salt");
    entry.payload = fromBase64(text(value.payload, 2 * TABLE.payloadBytes), "payload");
    if (entry.salt.length !== 16 || entry.payload.length > TABLE.payloadBytes) {
      throw new Unreadable("no salt, or a payload that is too long");
    }
  }
  if ("got" in value) entry.got = instant(text(value.got, 27), "got");
  return entry;
}

function readBundle(bytes) {
  if (bytes.length > TABLE.bundleBytes) throw new Unreadable("longer than a bundle may be");
  let content;
  try { content = strict.decode(bytes); } catch { throw new Unreadable("not UTF-8"); }
  const signed = readSigned(content, "bundle");
  if (signed.signatures.length !== 1) throw new Unreadable("a bundle has one signature");
  const lines = signed.text.slice(0, -1).split("\n");
  const head = lines.length === 13 ? HEAD.exec(lines.slice(0, 12).join("\n")) : null;
  if (!head) throw new Unreadable("does not begin with the lines of a bundle");
  let value;
  try { value = JSON.parse(lines[12]); } catch { throw new Unreadable("not JSON"); }
  exactly(value, ["agreement", "parties", "checkpoint", "anchors", "hashes", "entries"]);
  const bundle = {
    signed, by: head[1], digest: head[2], since: head[3], until: head[4], made: head[5],
    party: head[7] === "*" ? null : head[7], withheld: head[8], size: Number(head[9]),
    leftOut: Number(head[11]),
    agreement: fromBase64(text(value.agreement, 2 * TABLE.agreementBytes), "agreement"),
    parties: listOf(value.parties, 32, (each) => {
      exactly(each, ["id", "public_key"]);
      return { id: text(each.id, 60), key: hash(each.public_key) };
    }),
    checkpoint: text(value.checkpoint, 16384),
    anchors: listOf(value.anchors, TABLE.anchors, (each) => {
      exactly(each, ["checkpoint", "proof"]);
      return { checkpoint: text(each.checkpoint, 16384), proof: listOf(each.proof, 63, hash) };
    }),
    hashes: listOf(value.hashes, TABLE.hashes, hash),
    entries: listOf(value.entries, TABLE.entries, readEntry),
  };
  if (JSON.stringify(value) !== lines[12]) throw new Unreadable("not in its one spelling");
  if (Number(head[10]) !== bundle.entries.length) throw new Unreadable("not as many entries as it says");
  const window = [bundle.since, bundle.until, bundle.made].map((each) => instant(each, "window"));
  if (window[0] > window[1]) throw new Unreadable("the window ends before it begins");
  return bundle;
}

// The agreement: as much of TOML as it takes to find the keys, and nothing that could be misread.

function readAgreement(bytes) {
  const file = strict.decode(bytes);
  if (file.includes('"""') || file.includes("'''")) throw new Bad("this page does not read such texts");
  const parties = [];
  let section = "", clocks = "2 s", now = null;
  for (const raw of file.split(/\r?\n/)) {
    const line = raw.trim(), header = /^(\[\[?)\s*([A-Za-z0-9_.-]+)\s*\]\]?\s*(?:#.*)?$/.exec(line);
    if (header) {
      section = header[1] + header[2];
      now = section === "[[party" ? {} : null;
      if (now) parties.push(now);
      continue;
    }
    if (line.startsWith("[[") && !line.startsWith("[[-") && /^\[\[\s*["'A-Za-z]/.test(line)) {
      throw new Bad("this page does not read such a heading");
    }
    const found = /^(["']?)([A-Za-z_]+)\1\s*=\s*(["'])([^"'\\]*)\3\s*(?:#.*)?$/.exec(line);
    if (found && now && ["id", "public_key"].includes(found[2])) now[found[2]] = found[4];
    if (found && section === "[timers" && found[2] === "clocks_differ") clocks = found[4];
  }
  return { parties: parties.map(({ id, public_key: key }) => ({ id, key: publicKey(key ?? "") })), clocks };
}

function publicKey(text) {
  if (/^[0-9a-fA-F]{64}$/.test(text)) return Uint8Array.from(text.match(/../g), (two) => parseInt(two, 16));
  try { return fromBase64(text.replaceAll("-", "+").replaceAll("_", "/"), "key"); } catch { return []; }
}

function duration(text) {
  const found = /^([0-9]{1,9}(?:\.[0-9]{1,6})?) ?(s|min|h|d)$/.exec(text);
  return found ? Number(found[1]) * { s: 1, min: 60, h: 3600, d: 86400 }[found[2]] * 1e6 : 2e6;
}

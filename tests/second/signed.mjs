// The C2SP envelope, and notes signed in it.
import { base64, edVerify, hex, need, sha256, toUtf8, utf8 } from "./basics.mjs";
import { digest, readNote } from "./text.mjs";

export const keyId = (name, type, key) => hex(sha256(name + "\n", Buffer.from([type]), key).subarray(0, 4));
export const keyBytes = (h) => { digest(h); return Buffer.from(h, "hex"); };

/** The C2SP envelope: {text, signatures: [{name, id, data}]}. */
export function parseEnvelope(bytes, bytesMax = 65_535) {
  need(bytes.length <= bytesMax, "too long");
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
    const m = /^\u2014 ([^\p{White_Space}+]+) ([^ ]+)$/u.exec(row);
    need(m, "not a signature line");
    need([...m[1]].length <= 255, "a name that is too long");
    const data = base64(m[2]);
    need(data.length > 4, "signature too short");
    return { name: m[1], id: hex(data.subarray(0, 4)), data: data.subarray(4) };
  });
  need(new Set(signatures.map((s) => s.name + " " + s.id)).size === signatures.length, "a key signs twice");
  return { text, signatures };
}

const TIME_MAX = 2n ** 63n;

/** Whose signatures an envelope has, of these keys: [{name, type, key}]; with the time of a cosignature. */
export function signers({ text, signatures }, keys) {
  const known = new Map(keys.map((k) => [`${k.name} ${keyId(k.name, k.type, k.key)}`, k]));
  const found = [];
  for (const { name, id, data } of signatures) {
    const k = known.get(`${name} ${id}`);
    if (!k) continue; // unknown keys are passed over
    let time = null, stamp = "", sig = data;
    if (k.type === 4) {
      need(data.length === 72, "not a cosignature");
      time = data.readBigUInt64BE(0);
      need(time < TIME_MAX, "no time");
      stamp = `cosignature/v1\ntime ${time}\n`;
      sig = data.subarray(8);
    }
    need(edVerify(k.key, toUtf8(stamp + text), sig), `bad signature of ${name}`);
    found.push({ name, type: k.type, time });
  }
  need(found.length > 0, "not signed by a known key");
  return found;
}

/** Splits a signed note, and reads its text: {text, note, signatures, bytes}. */
export function parseSigned(bytes) {
  const { text, signatures } = parseEnvelope(bytes);
  const note = readNote(text);
  need(signatures.length === 1, "not exactly one signature");
  return { text, note, signatures, bytes: Buffer.from(bytes) };
}

/** Whether the party's key signed it. */
export function verifyNote(signed, publicKeyHex) {
  return signers(signed, [{ name: signed.note.from, type: 1, key: keyBytes(publicKeyHex) }]).length === 1;
}

/** The name of a note. */
export const nameOf = (bytes) => hex(sha256(bytes));

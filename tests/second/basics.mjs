// Bytes, hashes, Base64, strict JSON, Ed25519: what all the rest stands on.
import { createHash, createPublicKey, verify as edRaw } from "node:crypto";

// ---------------------------------------------------------------- basics

export class Refused extends Error {}
export const refuse = (why) => { throw new Refused(why); };
export const need = (ok, why) => { if (!ok) refuse(why); };
export const sha256 = (...parts) => parts.reduce((h, p) => h.update(p), createHash("sha256")).digest();
export const hex = (b) => Buffer.from(b).toString("hex");
export const cmp = (a, b) => (a < b ? -1 : a > b ? 1 : 0);

/** Base64 in its one spelling: standard alphabet, padded, unused bits zero. */
export function base64(text, bytes) {
  need(typeof text === "string" && /^[A-Za-z0-9+/]*={0,2}$/.test(text), "not Base64");
  const b = Buffer.from(text, "base64");
  need(b.toString("base64") === text, "Base64 in a second spelling");
  need(bytes === undefined || b.length === bytes, `not ${bytes} bytes`);
  return b;
}

/** UTF-8 to text; refuses what is not UTF-8, and keeps a byte order mark for readJson to refuse. */
export function utf8(bytes) {
  try { return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes); }
  catch { return refuse("not UTF-8"); }
}

/** Text to UTF-8; refuses half a surrogate pair, which has none. */
export function toUtf8(text) {
  need(typeof text === "string" && text.isWellFormed(), "half a surrogate pair");
  return Buffer.from(text, "utf8");
}

// ---------------------------------------------------------------- strict JSON, as notes.md has payloads

/** A number that is not written as a whole number (1.0, 1e3), so that it is not taken for one. */
class Real extends Number {}
export const isWhole = (v) => typeof v === "number";
export const isNumber = (v) => isWhole(v) || v instanceof Real;
export const isObject = (v) => v !== null && typeof v === "object" && !Array.isArray(v) && !(v instanceof Real);

const DEPTH_MAX = 16, INTEGER = /^-?[0-9]+$/;

/** Reads JSON that two readers cannot take for two things. A byte order mark is no JSON. */
export function readJson(text, depthMax = DEPTH_MAX) {
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
    space();
    need(depth < depthMax || !"[{".includes(text[at] ?? " "), "JSON: too deep");
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
        need(!Object.is(v, -0), "JSON: minus zero");
        if (!INTEGER.test(found[0])) v = new Real(v);
        else need(Number.isSafeInteger(v), "JSON: whole number beyond 2^53 - 1");
      }
    }
    space();
    return v;
  };
  const v = value(0);
  need(at === text.length, "JSON: something after the end");
  return v;
}

// ---------------------------------------------------------------- Ed25519

const P = 2n ** 255n - 19n, ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;
const little = (b) => BigInt("0x" + (hex(Buffer.from(b).reverse()) || "0"));
const SMALL_Y = [0n, 1n, P - 1n, ...["26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"].map((h) => little(Buffer.from(h, "hex")))];

/** Neither of small order nor in a second spelling. Every point with one of SMALL_Y is of small order. */
export function soundPoint(b) {
  const y = little(b) & (2n ** 255n - 1n);
  return y < P && !SMALL_Y.includes(y);
}

/** Ed25519 without the cofactor (OpenSSL's), strict about points and S. */
export function edVerify(key, message, sig) {
  if (key.length !== 32 || sig.length !== 64) return false;
  if (!soundPoint(key) || !soundPoint(sig.subarray(0, 32)) || little(sig.subarray(32)) >= ORDER) return false;
  try {
    const k = createPublicKey({ format: "jwk", key: { kty: "OKP", crv: "Ed25519", x: key.toString("base64url") } });
    return edRaw(null, message, k, sig);
  } catch { return false; }
}

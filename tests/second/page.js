// Holds the page that verifies in a browser against the vectors. Its scripts are put before this; vectors come by stdin.
const vectors = JSON.parse(require("fs").readFileSync(0, "utf8"));
const whole = (v) => (typeof v === "string" ? v : v.map(([piece, times]) => piece.repeat(times)).join(""));
const fromB64 = (text) => new Uint8Array(Buffer.from(text, "base64"));
const fromHex = (text) => new Uint8Array(Buffer.from(text, "hex"));
const zulu = (micros) => `${new Date(Math.floor(micros / 1e6) * 1000).toISOString().slice(0, 19)}.${String(micros % 1e6).padStart(6, "0")}Z`;
const ends = (v) => v.map((t, i) => (t === null ? (i ? Infinity : -Infinity) : t / 1e6));

/** Whether it is read; what it says of a bad one, and no other failure, counts as refused. */
async function taken(read) {
  try { await read(); } catch (error) {
    if (error instanceof Bad || error instanceof Unreadable) return false;
    throw error;
  }
  return true;
}

async function cosigned(text, log, witnesses) {
  if (utf8.encode(text).length > 16384) throw new Bad("too long"); // As readBundle has it.
  const note = readSigned(text, "checkpoint");
  const found = await verified(note, [log, ...witnesses]);
  if (!found.some(({ key }) => key === log)) throw new Bad("not signed by the log");
  const told = readCheckpoint(note.text);
  if (told.origin !== log.name) throw new Bad("of another log");
  return told;
}

function leadAsVector(x) {
  const [signed, received, receiptSigned, got] = x.t, [error, theirs] = x.e;
  const note = { kind: "notice", own: [], facts: { start: zulu(x.start) }, sender: x.parties[0], receiver: x.parties[1], time: signed, error };
  const receipt = { entry: { index: x.index, got }, note: { facts: { received: zulu(received) }, time: receiptSigned, error: theirs } };
  const vouched = x.cosignatures.map((each) => ({ witness: each.witness, size: each.size, time: each.time_s }));
  const found = lead({ id: "", note, payload: null }, receipt, x.clocks_differ, vouched);
  const near = (a, b) => a === b || Math.abs(a - b) < 1e-9;
  return found.impossible === x.impossible && found.third === x.third
    && near(found.guaranteed, x.guaranteed === null ? null : x.guaranteed / 1e6)
    && found.receivers.every((t, i) => near(t, ends(x.receivers_word)[i]))
    && found.senders.every((t, i) => near(t, ends(x.senders_word)[i]));
}

(async () => {
  const keys = {};
  for (const { party, public_key: key } of vectors.keys) {
    const raw = fromHex(key);
    keys[party] = { note: await keyOf(party, raw), log: await keyOf(`${party}/log`, raw), witness: await keyOf(`${party}/witness`, raw, COSIGNATURE) };
  }
  const signers = async (x) => {
    let content = x.signed;
    if (x.base64 !== undefined) {
      try { content = strict.decode(fromB64(x.base64)); } catch { throw new Bad("not UTF-8"); }
    }
    return (await verified(readSigned(content, "note"), [keys.north.note, keys.south.note])).map(({ key }) => key.name);
  };
  const groups = {
    notes: async (x) => taken(async () => verified(readSigned(x.note, "note"), [keys[readNote(readSigned(x.note, "note").text).sender].note])),
    malformed: async (x) => !(await taken(() => readNote(x.text))),
    texts: async (x) => (await taken(() => readNote(x.text))) === x.good,
    signatures: async (x) => (x.by === null ? !(await taken(() => signers(x))) : `${await signers(x)}` === `${x.by}`),
    bad_keys: async (x) => (await taken(() => keyOf("north", fromHex(x.public_key)))) === x.good,
    // It counts by double precision: the node exports no larger record.
    checkpoints: async (x) => (x.size !== undefined && !Number.isSafeInteger(Number(x.size)))
      || (await taken(() => cosigned(whole(x.checkpoint), keys.north.log, [keys.south.witness, keys.west.witness]))) === x.good,
    growth: async (x) => { // Hashes of another length do not come so far.
      if (x.proof.some((each) => fromB64(each).length !== 32)) return !x.good;
      const [one, two] = x.sizes.map((size, n) => ({ size, root: fromB64(x.roots[n]) }));
      return (await taken(() => verifyConsistency(one, two, x.proof.map(fromB64)))) === x.good;
    },
    lead_times: async (x) => leadAsVector(x),
  };
  const wrong = [];
  for (const [name, agrees] of Object.entries(groups)) {
    for (const [n, x] of vectors[name].entries()) {
      let why = null;
      try { if (!(await agrees(x))) why = "disagrees"; } catch (error) { why = error.message; }
      if (why !== null) wrong.push(`${name}[${n}] ${x.what ?? x.kind ?? ""}: ${why}`);
    }
  }
  console.log(JSON.stringify(wrong, null, 1));
})();

// The notes of a bundle, and the verdict on the whole: see check.js.

const PATTERNS = Object.fromEntries(Object.entries(TABLE.forms).map(([kind, form]) => {
  const pattern = form.lines.map(([key, value]) => `${key}: (${value})\n`).join("");
  return [kind, { form, keys: form.lines.map(([key]) => key),
    pattern: new RegExp(`^tansiq/${kind}@v1\n${pattern}$`) }];
}));

function readNote(text) {
  const kind = /^tansiq\/([a-z-]{1,20})@v1\n/.exec(text)?.[1];
  const known = Object.hasOwn(PATTERNS, kind ?? "") ? PATTERNS[kind] : null;
  const match = text.length <= TABLE.textBytes && known ? known.pattern.exec(text) : null;
  if (!match) throw new Bad("no note");
  const facts = Object.fromEntries(known.keys.map((key, n) => [key, match[n + 1]]));
  const own = known.form.own.map((key) => [key, facts[key]]);
  const root = fromBase64(facts.head.split(" ")[1], "head");
  const note = {
    kind, own, sender: facts.from, receiver: facts.to, agreement: facts.agreement, mode: facts.mode,
    number: Number(facts.number), time: instant(facts.time, "time"), timeText: facts.time,
    error: facts.clock === "unknown" ? null : Number(facts.clock.replace(".", "")) * 1000,
    headSize: Number(facts.head.split(" ")[0]), head: facts.head, root, thread: facts.thread ?? null,
    re: facts.re ?? null, payload: facts.payload, facts: Object.fromEntries(own),
  };
  if ((note.sender === note.receiver) !== (known.form.place === "own")) throw new Bad("to nobody");
  if ((note.number === 0) !== (kind === "receipt")) throw new Bad("no number for its kind");
  if (facts.turn === "0") throw new Bad("turns begin with 1");
  const times = own.filter(([, value]) => INSTANT.test(value));
  for (const [key, value] of times) instant(value, key);
  if (TABLE.spans.includes(kind) && note.facts.start > note.facts.end) throw new Bad("ends before it starts");
  if (kind === "alarm" && note.facts.one > note.facts.other) throw new Bad("not in ascending order");
  if (kind === "clock" && Number(note.facts.least) > Number(note.facts.most)) throw new Bad("least above most");
  return note;
}

const shown = (text) => text.replace(/[\p{C}\s]+/gu, " ").trim();

function words(note, payload) {
  const parts = note.own.map(([key, value]) => `${key} ${value}`);
  if (payload === null) {
    parts.push("payload withheld");
  } else {
    try {
      const said = JSON.parse(strict.decode(payload));
      if (said.callsign || said.name) parts.push(shown(said.callsign || said.name));
      if (said.by) parts.push(`by ${shown(said.by.name)}`);
      if (said.text) parts.push(`“${shown(said.text)}”`);
    } catch {
      parts.push("payload not understood here");
    }
  }
  return TABLE.labels[note.kind] + (parts.length ? `: ${parts.join(", ")}` : "");
}

// Everything that a bundle shows. `own`: the bytes of the reader's agreement, or null.
async function verifyBundle(bytes, own = null, progress = () => {}) {
  let bundle;
  try { bundle = readBundle(bytes); } catch (error) {
    if (error instanceof Bad || error instanceof Unreadable) throw new Unreadable(error.message);
    throw error;
  }
  const findings = [];
  const tell = (level, code, sentence, note = null) => findings.push({ level, code, sentence, note });
  const result = {
    verified: false, pinned: own !== null, by: bundle.by, agreement: bundle.digest, since: bundle.since,
    until: bundle.until, made: bundle.made, party: bundle.party, size: bundle.size,
    entries: bundle.entries.length, findings, notes: [], notices: [], notProven: TABLE.notProven,
  };
  const keys = await trusted(bundle, own, tell);
  if (keys && await signedBy(bundle, keys, tell)) {
    const vouched = await record(bundle, keys, tell);
    await readNotes(bundle, keys, vouched, tell, result, progress);
  }
  result.verified = !findings.some((each) => each.level === "wrong");
  return result;
}

async function trusted(bundle, own, tell) {
  const wrong = (code, sentence) => { tell("wrong", code, sentence); return null; };
  if (hex(await sha256(bundle.agreement)) !== bundle.digest) {
    return wrong("agreement-digest", "the agreement in it is not the one it names");
  }
  if (own && !same(own, bundle.agreement)) {
    return wrong("agreement-differs",
      `it rests on the agreement ${bundle.digest}, and yours is ${hex(await sha256(own))}`);
  }
  let agreement;
  try { agreement = readAgreement(bundle.agreement); } catch (error) {
    return wrong("agreement-unreadable", `the agreement in it cannot be read here: ${error.message}`);
  }
  const alike = (party, n) => party.id === agreement.parties[n].id && same(party.key, agreement.parties[n].key);
  if (!bundle.parties.length || bundle.parties.length !== agreement.parties.length || !bundle.parties.every(alike)) {
    return wrong("keys", "the keys in it are not those of the agreement");
  }
  const keys = { clocks: duration(agreement.clocks), notes: {}, witnesses: [] };
  try {
    for (const { id, key } of bundle.parties) {
      keys.notes[id] = await keyOf(id, key);
      if (id !== bundle.by) keys.witnesses.push(await keyOf(`${id}/witness`, key, COSIGNATURE));
      if (id !== bundle.by) continue;
      keys.log = await keyOf(`${id}/log`, key);
      keys.bundle = await keyOf(`${id}/bundle`, key);
    }
  } catch (error) {
    if (!(error instanceof Bad)) throw error;
    return wrong("keys", `a key of the agreement is none: ${error.message}`);
  }
  if (!keys.bundle) return wrong("exporter", `${bundle.by} is no party of the agreement`);
  if (own) tell("proved", "agreement", `it rests on your agreement, ${bundle.digest}`);
  else tell("claimed", "agreement", `the keys are those of agreement ${bundle.digest}; whether that is yours, compare, or give your file`);
  return keys;
}

async function signedBy(bundle, keys, tell) {
  try { await verified(bundle.signed, [keys.bundle]); } catch (error) {
    if (!(error instanceof Bad)) throw error;
    tell("wrong", "bundle-signature", `${bundle.by} has not signed this, or it was changed since (${error.message}); ask for it again`);
    return false;
  }
  tell("proved", "bundle-signature", `${bundle.by} signed this bundle, and nothing changed since`);
  return true;
}

async function openCheckpoint(content, bundle, keys, tell) {
  let note, found, told;
  try {
    note = readSigned(content, "checkpoint");
    found = await verified(note, [keys.log, ...keys.witnesses]);
    if (!found.some(({ key }) => key === keys.log)) throw new Bad("the log has not signed it");
    told = readCheckpoint(note.text);
    if (told.origin !== keys.log.name) throw new Bad("of another log");
    if (found.length !== note.signatures.length) throw new Bad("somebody unknown signed it");
    if (found.some(({ time }) => time > TABLE.timeMax)) throw new Bad("a time that cannot be");
  } catch (error) {
    if (!(error instanceof Bad)) throw error;
    tell("wrong", "checkpoint", `a checkpoint of ${bundle.by}'s record is not good: ${error.message}`);
    return null;
  }
  told.vouched = found.filter(({ time }) => time !== null).map(({ key, time }) => (
    { size: told.size, root: told.root, witness: key.name.replace(/\/witness$/, ""), time }));
  return told;
}

async function record(bundle, keys, tell) {
  const main = await openCheckpoint(bundle.checkpoint, bundle, keys, tell);
  if (!main) return [];
  if (main.size !== bundle.size) tell("wrong", "size", `the checkpoint is of ${main.size} entries, not ${bundle.size}`);
  const leaves = [];
  for (const entry of bundle.entries) leaves.push(await sha256([0], utf8.encode(entry.text)));
  let root;
  try { root = await subsetRoot(bundle.entries, leaves, main.size, bundle.hashes); } catch (error) {
    if (!(error instanceof Bad)) throw error;
    tell("wrong", "inclusion", `the entries are not shown to be in the record: ${error.message}`);
    return [];
  }
  if (!same(root, main.root)) {
    tell("wrong", "inclusion", `these entries are not those of ${bundle.by}'s record`);
    return [];
  }
  tell("proved", "inclusion", `all ${leaves.length} entries are in ${bundle.by}'s record of ${main.size}`);
  const vouched = [...main.vouched];
  for (const anchor of bundle.anchors) {
    const other = await openCheckpoint(anchor.checkpoint, bundle, keys, tell);
    if (!other) continue;
    const [one, two] = main.size <= other.size ? [main, other] : [other, main];
    try { await verifyConsistency(one, two, anchor.proof); } catch (error) {
      if (!(error instanceof Bad)) throw error;
      tell("wrong", "consistency", `a checkpoint is of another record: ${error.message}`);
      continue;
    }
    vouched.push(...other.vouched);
  }
  for (const witness of [...new Set(vouched.map((each) => each.witness))].sort()) {
    const given = vouched.filter((each) => each.witness === witness).sort((a, b) => a.size - b.size);
    const [first, last] = [given[0], given[given.length - 1]].map((each) => (
      { ...each, at: new Date(each.time * 1000).toISOString().replace(".000", "") }));
    const more = last.size === first.size ? "" : `, and up to that of ${last.size} at ${last.at},`;
    tell("proved", "cosigned", `${witness} cosigned ${bundle.by}'s record of ${first.size} entries at ${first.at}${more} by its own clock`);
  }
  const reach = vouched.reduce((most, each) => Math.max(most, each.size), 0);
  const bare = bundle.entries.filter((entry) => entry.index >= reach).length;
  if (bare) tell("claimed", "not-cosigned", `nobody has cosigned ${bare} of these entries so far: ${bundle.by} could rewrite them`);
  return [...vouched, { size: main.size, root: main.root, witness: null, time: 0 }];
}

async function readNotes(bundle, keys, vouched, tell, result, progress) {
  const notes = new Map();
  let others = 0, done = 0;
  for (const entry of bundle.entries) {
    if (++done % 200 === 0) progress(done, bundle.entries.length);
    const exchange = entry.text.startsWith("tansiq/exchange@v1\n");
    if ((entry.kind === "exchange") !== exchange) tell("wrong", "kind", `entry ${entry.index} is not of the kind that it is called`);
    if (exchange || entry.kind !== "note") {
      others += 1;
      if (entry.payload !== null) tell("wrong", "payload", `entry ${entry.index} is no note, and has a payload that nobody signed for`);
      continue;
    }
    const id = hex(await sha256(utf8.encode(entry.text)));
    let note;
    try {
      if (utf8.encode(entry.text).length > TABLE.signedBytes) throw new Bad("too long");
      const signed = readSigned(entry.text, "note");
      note = readNote(signed.text);
      if (signed.signatures.length !== 1) throw new Bad("a note has one signature");
      if (!Object.hasOwn(keys.notes, note.sender)) throw new Bad(`${note.sender} is no party`);
      await verified(signed, [keys.notes[note.sender]]);
    } catch (error) {
      if (!(error instanceof Bad)) throw error;
      tell("wrong", "note", `entry ${entry.index} is no note that its sender signed: ${error.message}`, id);
      continue;
    }
    if (![note.sender, note.receiver].includes(bundle.by)) tell("wrong", "stranger", `entry ${entry.index} is neither from nor to ${bundle.by}`, id);
    let payload = entry.payload;
    if (payload !== null && hex(await sha256(entry.salt, payload)) !== note.payload) {
      tell("wrong", "payload", `the payload of entry ${entry.index} is not what was signed for`, id);
      payload = null;
    }
    notes.set(id, { id, entry, note, payload });
  }
  const all = [...notes.values()];
  tellCounts(bundle, all, others, tell);
  checkNumbers(bundle, all, tell);
  checkHeads(bundle, all, vouched, tell);
  const receipts = receiptsOf(notes, tell);
  result.notes = all.map((read) => {
    const { id, note, entry, payload } = read, receipt = receipts.get(id);
    return { id, index: entry.index, kind: note.kind, sender: note.sender, receiver: note.receiver,
      mode: note.mode, number: note.number, time: note.timeText, words: words(note, payload),
      withheld: payload === null, received: receipt ? receipt.note.facts.received : null };
  });
  result.notices = all.filter(({ note }) => note.kind === "notice")
    .map((read) => lead(read, receipts.get(read.id), keys.clocks, vouched));
  for (const each of result.notices) {
    if (each.impossible) tell("claimed", "clocks", `the clocks of ${each.sender} and ${each.receiver} contradict each other`, each.note);
  }
  const sure = result.notices.filter((each) => each.third !== null).length;
  if (sure) tell("proved", "third-party", `a third party vouches for the arrival of ${sure} of ${result.notices.length} notices`);
  if (sure < result.notices.length) tell("claimed", "no-third-party", `no third party vouches for when ${result.notices.length - sure} notices arrived`);
}

function tellCounts(bundle, all, others, tell) {
  const senders = {};
  for (const { note } of all) senders[note.sender] = (senders[note.sender] ?? 0) + 1;
  for (const sender of Object.keys(senders).sort()) tell("proved", "signed", `${sender} signed ${senders[sender]} of these notes`);
  if (others) tell("claimed", "other-entries", `${others} entries are no notes: they are in the record by ${bundle.by}'s word`);
  const bare = all.filter((read) => read.payload === null).length;
  if (bare) tell("withheld", "payloads", `the payloads of ${bare} notes are withheld or erased; their own lines stand`);
  if (bundle.leftOut) tell("withheld", "entries", `${bundle.leftOut} entries of the window are left out, ${bundle.by} says`);
  const elsewhere = all.filter(({ note }) => note.agreement !== bundle.digest).length;
  if (elsewhere) tell("claimed", "other-agreement", `${elsewhere} notes were written under another agreement, with these keys`);
}

function checkNumbers(bundle, all, tell) {
  const lines = new Map();
  for (const { id, note } of all) {
    if (!note.number) continue;
    const name = `${note.sender}\n${note.receiver}`;
    if (!lines.has(name)) lines.set(name, new Set());
    if (lines.get(name).has(note.number)) tell("wrong", "two-stories", `${note.sender} gave two notes to ${note.receiver} the number ${note.number}`, id);
    lines.get(name).add(note.number);
  }
  for (const name of [...lines.keys()].sort()) {
    const [sender, receiver] = name.split("\n"), numbers = [...lines.get(name)].sort((a, b) => a - b);
    const missing = [];
    for (let n = 1; n < numbers.length; n++) {
      const [low, high] = [numbers[n - 1], numbers[n]];
      if (high - low > 1) missing.push(high - low === 2 ? `${low + 1}` : `${low + 1} to ${high - 1}`);
    }
    if (!missing.length) continue;
    const ours = sender === bundle.by, told = missing.slice(0, 20).join(", ") + (missing.length > 20 ? " ..." : "");
    const why = ours ? "left out by it" : "never came, came at another time, or are left out";
    tell(ours ? "withheld" : "claimed", "numbers", `from ${sender} to ${receiver}, numbers ${told} are not here: ${why}`);
  }
}

function checkHeads(bundle, all, vouched, tell) {
  const roots = new Map(vouched.map((each) => [`${bundle.by} ${each.size}`, hex(each.root)]));
  for (const { id, entry, note } of all) {
    if (note.sender === bundle.by && note.headSize !== entry.index) tell("wrong", "place", `entry ${entry.index} says that it is entry ${note.headSize}`, id);
    const name = `${note.sender} ${note.headSize}`;
    if (!roots.has(name)) roots.set(name, hex(note.root));
    if (roots.get(name) !== hex(note.root)) tell("wrong", "forked", `${note.sender} signed two records of ${note.headSize} entries`, id);
  }
}

function receiptsOf(notes, tell) {
  const receipts = new Map();
  let strays = 0, counted = 0;
  for (const read of notes.values()) {
    const { note } = read;
    if (note.number && PATTERNS[note.kind].form.place !== "own") counted += 1;
    if (note.kind !== "receipt") continue;
    const asked = notes.get(note.re);
    if (!asked) { strays += 1; continue; }
    const of = asked.note;
    if (note.sender !== of.receiver || note.receiver !== of.sender || note.thread !== (of.thread ?? asked.id) || note.mode !== of.mode) {
      tell("wrong", "receipt", `entry ${read.entry.index} is no receipt of the note that it names`, read.id);
    } else if (!receipts.has(asked.id)) {
      receipts.set(asked.id, read);
    }
  }
  if (receipts.size) tell("proved", "receipts", `${receipts.size} notes have their receiver's signed receipt here`);
  if (counted > receipts.size) tell("claimed", "no-receipt", `${counted - receipts.size} notes have no receipt here: that they came is not shown`);
  if (strays) tell("claimed", "receipts-elsewhere", `${strays} receipts are of notes that are not here`);
  return receipts;
}

// Lead times, as src/tansiq/domain/lead.py has them; microseconds.
function lead({ id, note, payload }, receipt, clocks, vouched) {
  const start = instant(note.facts.start, "start");
  const around = (first, last, error) => (
    error === null ? [-Infinity, Infinity] : [first - error, last + error]);
  const before = ([least, most]) => [(start - most) / 1e6, (start - least) / 1e6];
  const found = { note: id, sender: note.sender, receiver: note.receiver, words: words(note, payload),
    start: note.facts.start, arrived: Boolean(receipt), guaranteed: null, third: null, impossible: false };
  if (!receipt) {
    const [, most] = before(around(note.time, note.time, note.error));
    return { ...found, receivers: [-Infinity, Infinity], senders: [-Infinity, most] };
  }
  const received = instant(receipt.note.facts.received, "received"), signed = receipt.note.time;
  const got = receipt.entry.got ?? Infinity, error = receipt.note.error;
  const theirs = around(received, received, error), ours = around(note.time, got, note.error);
  let least = got === Infinity ? -Infinity : signed - got, most = received - note.time;
  const apart = note.error === null || error === null ? Infinity : note.error + error;
  const overlap = Math.max(ours[0], theirs[0]) <= Math.min(ours[1], theirs[1]);
  found.impossible = least > most || signed < received || !overlap ||
    Math.max(least, -apart) > Math.min(most, apart);
  const third = vouched.filter((each) => each.witness !== null && each.size > receipt.entry.index &&
    ![note.sender, note.receiver].includes(each.witness))
    .sort((a, b) => a.time - b.time || (a.witness < b.witness ? -1 : 1))[0];
  if (third) {
    found.third = third.witness;
    found.guaranteed = (start - (third.time * 1e6 + 1e6 + clocks)) / 1e6;
  }
  return { ...found, receivers: before(theirs), senders: before(ours) };
}

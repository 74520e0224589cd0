// The page around check.js and notes.js: files in, findings out. Texts are set, never parsed as HTML.

const ROWS_MAX = 2000;
const by = (id) => document.getElementById(id);
const files = { bundle: null, agreement: null };
let turn = 0;

function element(name, text, kind = "") {
  const made = document.createElement(name);
  made.textContent = text;
  if (kind) made.className = kind;
  made.dir = "auto"; // Names and words may be of any script.
  return made;
}

// Whether this browser can check signatures at all.
async function able() {
  if (!globalThis.crypto?.subtle) return false;
  const key = Uint8Array.from("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a".match(/../g), (two) => parseInt(two, 16));
  try {
    await crypto.subtle.importKey("raw", key, { name: "Ed25519" }, false, ["verify"]);
    return true;
  } catch {
    return false;
  }
}

async function run() {
  if (!files.bundle) return;
  const mine = ++turn;
  by("result").hidden = true;
  by("state").textContent = "Checking ...";
  try {
    const own = files.agreement ? new Uint8Array(await files.agreement.arrayBuffer()) : null;
    const bytes = new Uint8Array(await files.bundle.arrayBuffer());
    const found = await verifyBundle(bytes, own, (done, all) => {
      if (mine === turn) by("state").textContent = `Checking ... ${done} of ${all}`;
    });
    if (mine === turn) show(found);
  } catch (error) {
    if (mine !== turn) return;
    const why = error instanceof Unreadable ? error.message : `the page failed: ${error.message}`;
    by("state").replaceChildren(element("p", `Not verified. ${files.bundle.name} is no bundle that can be read: ${why}`, "wrong"));
    document.body.dataset.verdict = "unreadable";
  }
}

const seconds = (text) => text.replace("T", " ").replace(/\.(\d*?)0*Z$/, (_, digits) => (digits ? `.${digits}Z` : "Z"));

function minutes([least, most]) {
  const [low, high] = [least, most].map((each) => (Number.isFinite(each) ? (each / 60).toFixed(1) : null));
  if (low === null && high === null) return "unknown";
  if (low === null) return `at most ${high} min`;
  if (high === null) return `at least ${low} min`;
  return low === high ? `${low} min` : `${low} to ${high} min`;
}

function leadText(each) {
  const who = `${each.sender} to ${each.receiver}, starting ${seconds(each.start)}`;
  if (each.impossible) return `${who}: the two clocks contradict each other`;
  if (!each.arrived) return `${who}: no receipt, so not shown to have arrived`;
  const sure = each.third === null ? "guaranteed by nobody" : `at least ${(each.guaranteed / 60).toFixed(1)} min guaranteed by ${each.third}`;
  return `${who}: ${minutes(each.receivers)} before by ${each.receiver}'s word; ${minutes(each.senders)} by ${each.sender}'s; ${sure}`;
}

function show(found) {
  const counts = (level) => found.findings.filter((each) => each.level === level).length;
  by("verdict").textContent = found.verified ? `Verified${found.pinned ? "" : ", if this agreement is yours"}` : `Something is wrong (${counts("wrong")})`;
  by("verdict").className = found.verified ? "good" : "wrong";
  const about = [
    ["Record of", found.by + (found.party ? `, line with ${found.party}` : "")],
    ["Window", `${seconds(found.since)} to ${seconds(found.until)}`],
    ["Made", seconds(found.made)],
    ["Entries", `${found.entries} of ${found.size}`],
    ["Agreement", found.agreement, "digest"],
    ["", found.pinned ? "held against your file" : "NOT held against yours: choose your file above, or compare this digest", found.pinned ? "good" : "wrong"],
  ];
  by("about").replaceChildren(...about.flatMap(([name, value, kind]) => [element("dt", name), element("dd", value, kind)]));
  const weight = { wrong: 0, proved: 1, claimed: 2, withheld: 3 };
  const sorted = [...found.findings].sort((a, b) => weight[a.level] - weight[b.level]);
  by("findings").replaceChildren(...sorted.slice(0, ROWS_MAX).map((each) => {
    const row = document.createElement("li");
    row.append(element("span", each.level === "wrong" ? "WRONG" : each.level, each.level), element("span", each.sentence));
    return row;
  }));
  by("leads").replaceChildren(...found.notices.slice(0, ROWS_MAX).map((each) => element("li", leadText(each))));
  by("leads-part").hidden = !found.notices.length;
  const said = found.notes.filter((each) => each.kind !== "receipt");
  by("notes").replaceChildren(...said.slice(0, ROWS_MAX).map((each) => {
    const row = document.createElement("tr");
    row.className = each.kind === "stop" ? "stop" : "";
    const own = each.sender === each.receiver;
    const got = each.received ? seconds(each.received) : own ? "own record" : "no receipt";
    row.append(element("td", seconds(each.time), "time"), element("td", got, "time"), element("td", each.sender),
      element("td", own ? "" : each.receiver), element("td", String(each.number), "number"),
      element("td", (each.mode === "exercise" ? "EXERCISE " : "") + each.words));
    return row;
  }));
  by("notes-part").hidden = !said.length;
  by("more").textContent = said.length > ROWS_MAX ? `... and ${said.length - ROWS_MAX} more, checked as well` : "";
  by("unproven").replaceChildren(...found.notProven.map((each) => element("li", each)));
  by("state").textContent = "";
  by("result").hidden = false;
  document.body.dataset.verdict = found.verified ? "verified" : "wrong";
  document.body.dataset.codes = found.findings.map((each) => `${each.level}/${each.code}`).sort().join(" ");
  by("verdict").focus();
}

function choose(which, file) {
  files[which] = file ?? null;
  run();
}

able().then((yes) => {
  if (!yes) {
    by("unable").textContent = "This browser cannot check Ed25519 signatures (WebCrypto), so this page cannot verify anything here. Use a newer browser, or: tansiq log verify FILE";
    by("unable").hidden = false;
    by("drop").hidden = true;
    document.body.dataset.verdict = "unable";
    return;
  }
  for (const which of ["bundle", "agreement"]) {
    by(which).addEventListener("change", (event) => choose(which, event.target.files[0]));
  }
  const drop = document.documentElement;
  drop.addEventListener("dragover", (event) => { event.preventDefault(); by("drop").classList.add("over"); });
  drop.addEventListener("dragleave", () => by("drop").classList.remove("over"));
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    by("drop").classList.remove("over");
    if (event.dataTransfer.files.length) choose("bundle", event.dataTransfer.files[0]);
  });
  document.body.dataset.ready = "yes";
});

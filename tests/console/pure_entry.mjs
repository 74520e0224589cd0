// Bundles functions of the console that need no page, and answers calls of them: one JSON line each.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [console_, folder] = process.argv.slice(2);
const source = join(console_, "src");
const MODULES = {
  format: "parts/format.ts",
  times: "parts/times.ts",
  forms: "parts/forms.ts",
  phrases: "screens/line/phrase_book.ts",
  settings: "parts/settings.ts",
  draft: "screens/plan/draft.ts",
  shapes: "map/shapes.ts",
  geodesy: "map/geodesy.ts",
  stream: "live/stream.ts",
  words: "words/words.ts",
  acts: "threads/acts.ts",
  reading: "threads/reading_back.ts",
  download: "parts/download.ts",
  keys: "keys.ts",
  freshness: "live/freshness.ts",
};
const here = mkdtempSync(join(folder, "pure-"));
const entry = join(here, "entry.ts");
writeFileSync(entry, Object.entries(MODULES).map(([name, path]) => `export * as ${name} from ${JSON.stringify(join(source, path))};`).join("\n"));
// What modules look at when they are loaded.
Object.assign(globalThis, { location: { hash: "" }, addEventListener: () => undefined });
const require = createRequire(join(console_, "package.json"));
const { rolldown } = await import(pathToFileURL(require.resolve("rolldown")).href);
const bundle = await rolldown({
  input: entry,
  cwd: console_,
  platform: "browser",
  resolve: { modules: [join(console_, "node_modules")] },
  tsconfig: join(console_, "tsconfig.json"),
  external: /\.(css|json)$/,
  logLevel: "silent",
  transform: { define: { "import.meta.glob": "(() => ({}))" } },
});
const { output } = await bundle.generate({ format: "esm", codeSplitting: false });
const made = join(here, "pure.mjs");
writeFileSync(made, output[0].code.replaceAll(/^import "[^"]*\.css";$/gm, ""));
globalThis.HTMLElement ??= class {};
globalThis.customElements ??= { define: () => undefined, get: () => undefined };
globalThis.document ??= { createTreeWalker: () => ({}), createComment: () => ({}), addEventListener: () => undefined };
globalThis.window ??= globalThis;
// Its clock and its timers are ours: what counts on is looked at when a test says so.
const ticks = [];
let clock = 0;
let asleep = 0;
globalThis.setInterval = (tick) => ticks.push(tick);
// In a sleep the wall goes on, and the stopwatch stands still.
globalThis.performance.now = () => clock;
Date.now = () => clock + asleep;
const pure = await import(pathToFileURL(made).href);

/** A parser of the stream, fed in pieces. */
function parsed(pieces) {
  const events = [];
  const take = pure.stream.parser((event) => events.push(event));
  for (const piece of pieces) take(piece);
  return events;
}

/** How fresh the page says it is after each step: a stream that is heard, a sleep, or a look at the clock. */
function fresh(steps) {
  clock = asleep = 0;
  pure.freshness.watchFreshness();
  return steps.map(([at, what, sleptMs]) => {
    clock = at;
    asleep += sleptMs ?? 0;
    if (what) pure.freshness.heard(what);
    for (const tick of ticks) tick();
    return pure.freshness.freshness.value.state;
  });
}

const SPECIAL = {
  parsed,
  fresh,
  set: (some) => pure.settings.settings.set({ ...pure.settings.settings.value, ...some }),
};
for await (const line of createInterface({ input: process.stdin })) {
  const { name, calls } = JSON.parse(line);
  const [module, of] = name.split(".");
  const call = SPECIAL[name] ?? pure[module][of];
  const said = calls.map((args) => {
    try {
      return { value: call(...args) ?? null };
    } catch (error) {
      return { error: String(error) };
    }
  });
  process.stdout.write(`${JSON.stringify(said)}\n`);
}
process.exit(0);

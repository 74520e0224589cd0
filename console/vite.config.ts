import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { defineConfig, type Plugin } from "vite";

const PUBLIC = "public";
const WORDS = "src/words";

/** One file a language, of all its areas: data, not script, so that a viewer loads one of them. */
function wordFiles(): Plugin {
  const languages = readdirSync(WORDS, { withFileTypes: true }).filter((each) => each.isDirectory());
  const written = (language: string): string => {
    const areas = readdirSync(join(WORDS, language)).filter((name) => name.endsWith(".json")).sort();
    const read = (name: string): unknown => JSON.parse(readFileSync(join(WORDS, language, name), "utf8"));
    return JSON.stringify(Object.fromEntries(areas.map((name) => [name.slice(0, -".json".length), read(name)])));
  };
  return {
    name: "word-files",
    generateBundle() {
      for (const { name } of languages) this.emitFile({ type: "asset", fileName: `words/${name}.json`, source: written(name) });
    },
    configureServer(server) {
      server.middlewares.use((request, response, next) => {
        const language = /^\/words\/([a-z]+)\.json/.exec(request.url ?? "")?.[1];
        if (!languages.some(({ name }) => name === language)) return next();
        response.setHeader("Content-Type", "application/json");
        response.end(written(language ?? "en"));
      });
    },
  };
}

/** Writes `shell.json`: what the service worker keeps, under a name that changes with any of it. */
function shellList(): Plugin {
  return {
    name: "shell-list",
    apply: "build",
    generateBundle(_, bundle) {
      const built = Object.keys(bundle).filter((name) => name !== "index.html");
      const copied = readdirSync(PUBLIC, { recursive: true, withFileTypes: true })
        .filter((each) => each.isFile() && each.name !== "sw.js")
        .map((each) => join(each.parentPath, each.name).slice(PUBLIC.length + 1));
      const files = ["./", ...[...built, ...copied].sort().map((name) => `./${name}`)];
      const digest = createHash("sha256").update(JSON.stringify(files));
      // Scripts and styles have their content in their name; words and what is copied have not.
      for (const made of Object.values(bundle)) if (made.type === "asset") digest.update(made.source);
      for (const name of [...copied].sort()) digest.update(readFileSync(join(PUBLIC, name)));
      const version = digest.digest("hex").slice(0, 12);
      this.emitFile({ type: "asset", fileName: "shell.json", source: JSON.stringify({ version, files }) });
    },
  };
}

const node = process.env["TANSIQ_NODE"] ?? "http://127.0.0.1:8080";

/** Builds into the Python package; what is served comes from there and from nowhere else. */
export default defineConfig({
  base: "./",
  plugins: [wordFiles(), shellList()],
  server: {
    host: "127.0.0.1",
    // `npm run dev` shows the source with the API of a node; a node takes its own pages only.
    proxy: Object.fromEntries(
      ["/api", "/healthz"].map((path) => [path, { target: node, changeOrigin: true, headers: { origin: node } }]),
    ),
  },
  build: {
    outDir: "../src/tansiq/console/dist",
    emptyOutDir: true,
    target: "es2022",
    // No data: URLs, because `default-src 'self'` refuses them.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1200,
  },
});

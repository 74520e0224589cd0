/*
 * Keeps the page itself, so that a reload while the node is away loses nothing. It never keeps or
 * answers anything of the API: what the node says is the node's to say, or it is not said.
 */
const PREFIX = "tansiq-shell-";

/** Files of this build, and a name for it; without the list nothing is kept. */
async function shell() {
  const answer = await fetch("./shell.json", { cache: "no-store" });
  if (!answer.ok) throw new Error("no list of files");
  return answer.json();
}

async function install() {
  const { version, files } = await shell();
  const cache = await caches.open(PREFIX + version);
  await cache.addAll(files.map((file) => new Request(file, { cache: "no-cache" })));
  await self.skipWaiting();
}

async function activate() {
  const { version } = await shell().catch(() => ({ version: null }));
  if (version) {
    const names = await caches.keys();
    const old = names.filter((name) => name.startsWith(PREFIX) && name !== PREFIX + version);
    await Promise.all(old.map((name) => caches.delete(name)));
  }
  await self.clients.claim();
}

/** A node that hangs is as good as none. */
const WAIT_MS = 3_000;

/**
 * What keeps its name when its content changes comes from the node while it answers, so that a newer
 * node brings its newer page and the words that belong to it.
 */
async function newest(request, kept) {
  try {
    const answer = await fetch(request, { signal: AbortSignal.timeout(WAIT_MS) });
    if (answer.ok) return answer;
  } catch {
    // Fall through to what was kept.
  }
  return (await caches.match(kept, { ignoreSearch: true })) ?? Response.error();
}

/** What has its content in its name is the same for ever. */
async function file(request) {
  return (await caches.match(request)) ?? fetch(request);
}

self.addEventListener("install", (event) => event.waitUntil(install()));
self.addEventListener("activate", (event) => event.waitUntil(activate()));
self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== self.location.origin) return;
  if (request.mode === "navigate") event.respondWith(newest(request, "./"));
  else if (url.pathname.startsWith("/assets/")) event.respondWith(file(request));
  else if (/^\/(data|words)\//.test(url.pathname)) event.respondWith(newest(request, request));
});

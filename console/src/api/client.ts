/**
 * Requests to the node's own API: one place that knows of CSRF tokens, problems and dead servers.
 *
 * Nothing here retries. What must not be lost goes through `offline/queue.ts`.
 */

/** The node answered with a problem (RFC 9457); `code` is stable, `detail` is English. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly detail: string,
    readonly field: string | null,
  ) {
    super(detail);
  }
}

/** No answer came: the node, or the way to it, is gone. Whether it acted is not known. */
export class Unreachable extends Error {}

const ANSWER_MS = 20_000;

let csrf: string | null = null;

/** Remember the token that goes with the session's cookie. */
export function setCsrf(token: string | null): void {
  csrf = token;
}

export interface Asked {
  method?: "GET" | "POST" | "PUT" | "DELETE";
  body?: unknown;
  query?: Record<string, string | number | boolean | null | undefined>;
  /** Sent as Idempotency-Key: the same key twice acts once. */
  key?: string;
  signal?: AbortSignal;
  timeoutMs?: number;
  /** Sent as If-None-Match: then 304 is a good answer. */
  tag?: string;
}

/** Ask the node, and return what it says as JSON. Throws `Problem` or `Unreachable`. */
export async function ask<T>(path: string, asked: Asked = {}): Promise<T> {
  const response = await send(path, asked);
  return (await read(() => response.json())) as T;
}

/** What was last said at an address, with its tag; asked again, the node may say that it is the same. */
export interface Tagged<T> {
  tag: string;
  value: T;
}

/** Ask for something large that seldom changes; `last` is returned as it is where nothing did. */
export async function askAgain<T>(path: string, last: Tagged<T> | null): Promise<Tagged<T>> {
  const response = await send(path, last ? { tag: last.tag } : {});
  if (response.status === 304 && last) return last;
  return { tag: response.headers.get("ETag") ?? "", value: (await read(() => response.json())) as T };
}

/** Ask for something that is no JSON. Throws `Problem` or `Unreachable`. */
export async function askFile(path: string, asked: Asked = {}): Promise<Blob> {
  const response = await send(path, asked);
  return read(() => response.blob());
}

/** Send a request and return its good answer, unread. Throws `Problem` or `Unreachable`. */
export async function send(path: string, asked: Asked = {}): Promise<Response> {
  const method = asked.method ?? (asked.body === undefined ? "GET" : "POST");
  const headers = new Headers({ Accept: "application/json" });
  if (asked.body !== undefined) headers.set("Content-Type", "application/json");
  if (asked.key) headers.set("Idempotency-Key", asked.key);
  if (csrf && method !== "GET") headers.set("X-CSRF-Token", csrf);
  if (asked.tag) headers.set("If-None-Match", asked.tag);
  const request: RequestInit = { method, headers, credentials: "same-origin", cache: "no-store" };
  if (asked.body !== undefined) request.body = JSON.stringify(asked.body);
  const timeout = AbortSignal.timeout(asked.timeoutMs ?? ANSWER_MS);
  request.signal = asked.signal ? AbortSignal.any([asked.signal, timeout]) : timeout;
  const response = await read(() => fetch(address(path, asked.query), request));
  if (!response.ok && !(asked.tag && response.status === 304)) throw await problemOf(response);
  return response;
}

async function read<T>(step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (error) {
    throw new Unreachable(String(error));
  }
}

function address(path: string, query: Asked["query"]): string {
  const given = Object.entries(query ?? {}).filter(([, value]) => value !== null && value !== undefined);
  const pairs = new URLSearchParams(given.map(([name, value]) => [name, String(value)]));
  const root = path.startsWith("/") ? path : `/api/v1/${path}`;
  return given.length ? `${root}?${pairs}` : root;
}

async function problemOf(response: Response): Promise<Problem> {
  try {
    const body = (await response.json()) as Partial<Problem>;
    return new Problem(response.status, body.code ?? "unknown", body.detail ?? "", body.field ?? null);
  } catch {
    return new Problem(response.status, "unknown", response.statusText, null);
  }
}

/**
 * Everything an officer does passes here: it is kept on disk first, then sent, in order, under one
 * Idempotency-Key, until the node has answered. What could not be sent stays in sight.
 *
 * What says something about the sky as it was (an answer, an acceptance, an activation) is not sent
 * by itself once it has waited: after `ASK_AFTER_MS` a person says whether it still holds.
 */
import { ask, Problem, Unreachable } from "../api/client";
import { freshness } from "../live/freshness";
import { session } from "../live/session";
import { Store } from "../live/store";
import type { Values } from "../words/words";
import * as shelf from "./shelf";

export interface Deed {
  /** Path below `/api/v1/`. */
  path: string;
  method?: "POST" | "PUT" | "DELETE";
  body?: unknown;
  query?: Record<string, string | number | boolean>;
  /** What it is, in the viewer's words: a key and its values. */
  words: { key: string; values?: Values };
  /** `send`: as soon as possible, however late (stop); `ask`: when late, a person decides. */
  late?: "send" | "ask";
  /** Goes before all others and waits for none of them: a stop. */
  urgent?: boolean;
}

export interface Unsent extends Deed {
  id: string;
  account: string;
  /** Laptop's clock, for the order and for how long it has waited. */
  made: number;
  order: number;
  tries: number;
  /** The node's last word on it, where that was no; or why it could not be sent. */
  problem: string | null;
  refused: boolean;
}

export const ASK_AFTER_MS = 60_000;
const PREFIX = "deed-";
const AGAIN_MS = 1_500;

export const unsent = new Store<readonly Unsent[]>([]);
/** Whether this browser keeps deeds over a reload; not in some private windows. */
export const durable = new Store(true);

type Settled = { resolve: (value: unknown) => void; reject: (error: Error) => void };
const awaited = new Map<string, Settled>();
let order = 0;
let sending = false;
/** On their way now: an urgent one is not sent twice at once. */
const flying = new Set<string>();

/** Thrown to whoever waits for a deed that stays behind because the node cannot be reached. */
export class Kept extends Error {}

/** Read what an earlier page left, and go on sending it. */
export async function begin(): Promise<void> {
  try {
    const left = await shelf.all<Unsent>(PREFIX);
    left.sort((a, b) => a.made - b.made || a.order - b.order);
    unsent.update((now) => [...left.filter((each) => !now.some((one) => one.id === each.id)), ...now]);
  } catch {
    // The queue lives as long as the page, and the page says so when it is cut off.
    durable.set(false);
  }
  session.watch(() => void flush());
  freshness.watch(({ state }) => state === "live" && void flush());
  setInterval(() => unsent.value.length && void flush(), AGAIN_MS);
  void flush();
}

/**
 * Do something: resolves with the node's answer, rejects with `Problem` if it refuses, and with
 * `Kept` once it is clear that the node cannot be reached now; then the deed stays in the queue.
 */
export async function act<T>(deed: Deed): Promise<T> {
  const current = session.value;
  const one: Unsent = {
    ...deed,
    id: crypto.randomUUID(),
    account: current.state === "in" ? current.me.name : "",
    made: Date.now(),
    order: order++,
    tries: 0,
    problem: null,
    refused: false,
  };
  unsent.update((list) => [...list, one]);
  await shelf.put(key(one), one).catch(() => durable.set(false));
  const answer = new Promise<unknown>((resolve, reject) => awaited.set(one.id, { resolve, reject }));
  void flush();
  return (await answer) as T;
}

function key(one: Unsent): string {
  return PREFIX + one.id;
}

/** Whether a person has to say first that it is still meant. */
export function needsWord(one: Unsent): boolean {
  return one.late !== "send" && Date.now() - one.made > ASK_AFTER_MS;
}

/** Send one now, however late: a person has said so. */
export async function sendAnyway(id: string): Promise<void> {
  replace(id, (one) => ({ ...one, made: Date.now(), refused: false }));
  await flush();
}

/** Take one back that has not been sent. */
export async function discard(id: string): Promise<void> {
  await drop(id);
  awaited.get(id)?.reject(new Kept("discarded"));
  awaited.delete(id);
}

async function flush(): Promise<void> {
  const current = session.value;
  if (current.state !== "in") return;
  // Somebody else may sit here now: what another meant is not theirs to send.
  const mine = (one: Unsent): boolean => one.account === current.me.name && !one.refused && !needsWord(one);
  for (const one of unsent.value) if (one.urgent && mine(one)) void sendOne(one);
  if (sending) return;
  sending = true;
  try {
    for (const one of [...unsent.value]) if (!one.urgent && mine(one) && !(await sendOne(one))) break;
  } finally {
    sending = false;
  }
}

/** Returns false where the node cannot be reached: then what follows waits too, in order. */
async function sendOne(one: Unsent): Promise<boolean> {
  if (flying.has(one.id)) return true;
  flying.add(one.id);
  try {
    const answer = await ask(one.path, {
      method: one.method ?? "POST",
      body: one.body ?? {},
      query: one.query,
      key: one.id,
    });
    await drop(one.id);
    awaited.get(one.id)?.resolve(answer);
    awaited.delete(one.id);
    return true;
  } catch (error) {
    return await failed(one, error);
  } finally {
    flying.delete(one.id);
  }
}

async function failed(one: Unsent, error: unknown): Promise<boolean> {
  const waiting = awaited.get(one.id);
  if (error instanceof Problem && error.status === 401) {
    session.set({ state: "out", expired: true });
    return false;
  }
  const passing = error instanceof Unreachable || (error instanceof Problem && error.status >= 500);
  if (passing) {
    replace(one.id, (each) => ({ ...each, tries: each.tries + 1, problem: (error as Error).message }));
    waiting?.reject(new Kept((error as Error).message));
    awaited.delete(one.id);
    return false;
  }
  if (error instanceof Problem && waiting) {
    // Whoever asked still looks at the form: they are told there, and nothing stays behind.
    await drop(one.id);
    waiting.reject(error);
    awaited.delete(one.id);
    return true;
  }
  if (error instanceof Problem) {
    replace(one.id, (each) => ({ ...each, refused: true, problem: error.detail }));
    return true;
  }
  throw error;
}

function replace(id: string, change: (one: Unsent) => Unsent): void {
  unsent.update((list) => list.map((each) => (each.id === id ? change(each) : each)));
  const changed = unsent.value.find((each) => each.id === id);
  if (changed) void shelf.put(key(changed), changed).catch(() => undefined);
}

async function drop(id: string): Promise<void> {
  unsent.update((list) => list.filter((each) => each.id !== id));
  await shelf.remove(PREFIX + id).catch(() => undefined);
}

/**
 * One connection for all tabs of a browser: it lets a page have six to one address, and two streams
 * a tab would use them up with the third tab. Whichever tab holds the lock reads, and tells the others.
 */
import { follow, type StreamEvent } from "./stream";

export interface Told {
  /** `agoMs`: another tab had it so long ago, and repeats it for one that has just opened. */
  event: (event: StreamEvent, agoMs?: number) => void;
  alive: () => void;
  lost: (status: number) => void;
}

type Message =
  | { event: StreamEvent }
  | { again: StreamEvent; agoMs: number }
  | { alive: true }
  | { lost: number }
  | { hello: true };

/** A tab in the background may be frozen with the lock in its hand: after this long another takes it. */
const FROZEN_MS = 6_000;
const LOOK_MS = 1_000;

/** Follow a stream until `signal` is aborted. */
export function followShared(name: string, address: () => string, told: Told, signal: AbortSignal): void {
  if (!("locks" in navigator) || !("BroadcastChannel" in globalThis)) {
    void follow(address, told, signal);
    return;
  }
  const channel = new BroadcastChannel(`tansiq-${name}`);
  let last: { event: StreamEvent; at: number } | null = null;
  let shown = false;
  let reads = false;
  let lastHeard = performance.now();
  channel.onmessage = ({ data }: MessageEvent<Message>) => {
    if ("hello" in data) {
      // A tab that has just opened is shown the newest at once, not at the next change.
      if (reads && last) channel.postMessage({ again: last.event, agoMs: performance.now() - last.at } satisfies Message);
      return;
    }
    if ("again" in data) {
      if (!shown) told.event(data.again, data.agoMs);
      shown = true;
      return;
    }
    lastHeard = performance.now();
    if ("event" in data) {
      shown = true;
      told.event(data.event);
    } else if ("alive" in data) told.alive();
    else told.lost(data.lost);
  };
  signal.addEventListener("abort", () => channel.close());
  channel.postMessage({ hello: true } satisfies Message);
  const tell = (message: Message) => {
    if (!signal.aborted) channel.postMessage(message);
  };
  const reading: Told = {
    event: (event) => {
      last = { event, at: performance.now() };
      shown = true;
      told.event(event);
      tell({ event });
    },
    alive: () => {
      told.alive();
      tell({ alive: true });
    },
    lost: (status) => {
      told.lost(status);
      tell({ lost: status });
    },
  };
  const take = (steal: boolean): void => {
    // A stolen lock rejects in the tab that had it: that one ends its reading and stands in line again.
    const mine = new AbortController();
    const both = AbortSignal.any([signal, mine.signal]);
    void navigator.locks
      .request(`tansiq-${name}`, steal ? { steal } : { signal }, () => {
        reads = true;
        return follow(address, reading, both);
      })
      .catch(() => undefined)
      .finally(() => {
        reads = false;
        mine.abort();
        if (!signal.aborted) setTimeout(() => take(false), LOOK_MS);
      });
  };
  take(false);
  const looks = setInterval(() => {
    if (!reads && performance.now() - lastHeard > FROZEN_MS) {
      lastHeard = performance.now();
      take(true);
    }
  }, LOOK_MS);
  signal.addEventListener("abort", () => clearInterval(looks));
}

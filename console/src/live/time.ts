/**
 * The node's time, not the laptop's: countdowns and ages are reckoned by the clock that signs.
 *
 * The laptop's clock is used as a stopwatch only (`performance.now`), so a wrong or corrected
 * wall clock here changes nothing.
 */
import { Store } from "./store";

let nodeMs = Date.now();
let at = performance.now();
let heard = false;

/** Take the node's time from something that it has just said. */
export function hearTime(text: string): void {
  const told = Date.parse(text);
  if (Number.isNaN(told)) return;
  const expected = now();
  // What was said has travelled: a later word counts, an earlier one by little is only slower.
  if (!heard || told > expected || expected - told > 2_000) {
    nodeMs = told;
    at = performance.now();
    heard = true;
    second.set(Math.floor(now() / 1000));
  }
}

/** Return the node's time now, in milliseconds since 1970 UTC. */
export function now(): number {
  return nodeMs + (performance.now() - at);
}

/** Whether the node has told its time; else the laptop's is shown, and said to be. */
export function isNodeTime(): boolean {
  return heard;
}

/** The present second, for everything that counts down. */
export const second = new Store(Math.floor(now() / 1000));

setInterval(() => second.set(Math.floor(now() / 1000)), 250);

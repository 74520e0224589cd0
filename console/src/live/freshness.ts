/**
 * How old what stands on the screen is.
 *
 * A quiet sky and a dead node look alike, so the node is asked to say at least every second, on each
 * of its two streams, that it is there. What counts is the older of the two. Once somebody has been
 * logged in it is reckoned on whatever happens: a stream that never opens, an ended session and a
 * laptop that slept leave an old picture too.
 */
import { Store } from "./store";

export interface Freshness {
  /** Seconds since both streams were last known to live. */
  ageS: number;
  /** `live`, `late` (some seconds), `cut` (said in large letters). */
  state: "starting" | "live" | "late" | "cut";
}

/** What each stream is asked for. */
export const ALIVE_S = 1;
export const LATE_S = 4;
export const CUT_S = 8;
const COUNT_MS = 250;

export type Source = "watch" | "events";

export const freshness = new Store<Freshness>({ ageS: 0, state: "starting" });

/** By the stopwatch and by the wall: a stopwatch may stand still while the machine sleeps. */
interface Moment {
  stopwatch: number;
  wall: number;
}

const last: Record<Source, Moment | null> = { watch: null, events: null };

function moment(agoMs = 0): Moment {
  return { stopwatch: performance.now() - agoMs, wall: Date.now() - agoMs };
}

function ageMs(since: Moment): number {
  return Math.max(performance.now() - since.stopwatch, Date.now() - since.wall);
}

/** A stream has said something, so long ago. */
export function heard(source: Source, agoMs = 0): void {
  const said = moment(agoMs);
  const before = last[source];
  // What another tab repeats may be older than what came here.
  if (before && before.stopwatch > said.stopwatch) return;
  last[source] = said;
  reckon();
}

function reckon(): void {
  const { watch, events } = last;
  if (!watch || !events) return;
  const ageS = Math.max(ageMs(watch), ageMs(events)) / 1000;
  const state = ageS >= CUT_S ? "cut" : ageS >= LATE_S ? "late" : "live";
  const was = freshness.value;
  if (was.state !== state || Math.floor(was.ageS) !== Math.floor(ageS)) freshness.set({ ageS, state });
}

let counting = 0;

/** Somebody is logged in: from now on the screen has an age. */
export function watchFreshness(): void {
  last.watch = last.events = moment();
  counting ||= window.setInterval(reckon, COUNT_MS);
}

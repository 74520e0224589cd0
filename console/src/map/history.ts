/** What the node showed before, asked for so that the newest wish counts and memory stays flat. */
import { ask, Problem, Unreachable } from "../api/client";
import type { HistoryMoment, HistoryPage, HistoryView } from "../api/types";
import { Store } from "../live/store";
import { now } from "../live/time";

export interface Recorded {
  from: number;
  to: number;
  gaps: readonly { from: number; to: number }[];
  stepS: number;
  sentence: string;
}

/** How much is kept; null: not known yet, or nothing. */
export async function recorded(): Promise<Recorded | null> {
  const view = await ask<HistoryView>("history");
  if (view.from === null || view.to === null) return null;
  return {
    from: Date.parse(view.from),
    to: Date.parse(view.to),
    gaps: view.gaps.map((gap) => ({ from: Date.parse(gap.from), to: Date.parse(gap.to) })),
    stepS: view.step_s,
    sentence: view.sentence,
  };
}

export type Moment =
  | { state: "none" }
  | { state: "loading"; time: number }
  | { state: "found"; time: number; moment: HistoryMoment }
  /** Nothing is kept of that time. */
  | { state: "empty"; time: number }
  | { state: "failed"; time: number };

/** How many moments are asked for ahead of somebody who goes step by step, and how many are kept. */
const AHEAD = 2;
const KEPT = 6;

/**
 * One moment of the past: at most one question is on its way, and the newest wish is asked next. What
 * was shown then changes no more, so that the next steps of the same way are asked for ahead of need.
 */
export class Past {
  readonly now = new Store<Moment>({ state: "none" });
  private readonly kept = new Map<number, HistoryMoment>();
  private wanted: number | null = null;
  private stepMs = 0;
  private asking: Asking | null = null;

  /**
   * Ask for what was shown at a time. What was found before stays until the answer is there. Who goes
   * on by the same step each time says so.
   */
  want(time: number, stepMs = 0): void {
    const { value } = this.now;
    this.stepMs = stepMs;
    if (value.state !== "none" && value.time === time && value.state !== "failed") this.wanted = time;
    else this.seek(time);
    if (!this.asking) void this.run();
  }

  forget(): void {
    this.wanted = null;
    this.kept.clear();
    this.asking?.stop.abort();
    this.now.set({ state: "none" });
  }

  private seek(time: number): void {
    this.wanted = time;
    const moment = this.kept.get(time);
    if (moment) this.now.set({ state: "found", time, moment });
    else if (this.now.value.state !== "found") this.now.set({ state: "loading", time });
    // What was only asked for ahead gives way.
    if (!moment && this.asking?.ahead && this.asking.time !== time) this.asking.stop.abort();
  }

  private async run(): Promise<void> {
    for (let next = this.next(); next; next = this.next()) {
      this.asking = next;
      const answer = await one(next.time, next.stop.signal);
      if (!next.stop.signal.aborted) this.take(next, answer);
    }
    this.asking = null;
  }

  private next(): Asking | null {
    const { wanted, stepMs } = this;
    if (wanted === null) return null;
    if (!this.answered()) return { time: wanted, ahead: false, stop: new AbortController() };
    if (!stepMs || this.now.value.state !== "found") return null;
    const steps = Array.from({ length: AHEAD }, (_, index) => wanted + (index + 1) * stepMs);
    const time = steps.find((each) => each < now() && !this.kept.has(each));
    return time === undefined ? null : { time, ahead: true, stop: new AbortController() };
  }

  /** Whether there is an answer to the newest wish. */
  private answered(): boolean {
    const { value } = this.now;
    return value.state !== "none" && value.state !== "loading" && value.time === this.wanted;
  }

  private take({ time, ahead }: Asking, answer: Moment): void {
    if (answer.state === "found" && this.stepMs) this.keep(time, answer.moment);
    // Where nothing is to be had, nobody goes on asking ahead.
    else if (ahead) this.stepMs = 0;
    // What came for an earlier wish is shown too: somebody who drags the handle sees where it is.
    if (time === this.wanted || (!ahead && !this.answered())) this.now.set(answer);
  }

  private keep(time: number, moment: HistoryMoment): void {
    this.kept.delete(time);
    this.kept.set(time, moment);
    for (const oldest of this.kept.keys()) {
      if (this.kept.size <= KEPT) break;
      this.kept.delete(oldest);
    }
  }
}

interface Asking {
  time: number;
  /** Nobody wants it yet. */
  ahead: boolean;
  stop: AbortController;
}

async function one(time: number, signal: AbortSignal): Promise<Moment> {
  try {
    const moment = await ask<HistoryMoment>("history/at", { query: { time: new Date(time).toISOString() }, signal });
    return { state: "found", time, moment };
  } catch (error) {
    if (error instanceof Problem && error.status === 404) return { state: "empty", time };
    if (error instanceof Problem || error instanceof Unreachable) return { state: "failed", time };
    throw error;
  }
}

export async function page(from: number, to: number, everyS: number, signal: AbortSignal): Promise<HistoryPage> {
  const query = { from: new Date(from).toISOString(), to: new Date(to).toISOString(), every_s: everyS };
  return ask<HistoryPage>("history/slices", { query, signal });
}

/**
 * Plays the node's history: slices are fetched in pages a little ahead, shown, and dropped, so that an
 * hour of replay takes no more memory than its first minute.
 */
import { Problem, Unreachable } from "../../api/client";
import type { AreaView, SliceView } from "../../api/types";
import { Store } from "../../live/store";
import { page, Past, recorded, type Recorded } from "../../map/history";

export const SPEEDS = [1, 2, 5, 10, 30, 60] as const;
export type Speed = (typeof SPEEDS)[number];

export interface Shown {
  slice: SliceView;
  areas: readonly AreaView[];
}

export interface State {
  recorded: Recorded | null;
  /** `asking`: how much is kept is not known yet. */
  ready: "asking" | "nothing" | "failed" | "ready";
  time: number;
  playing: boolean;
  speed: Speed;
  shown: Shown | null;
  /** Nothing is kept of this time, or it is on its way. */
  word: "" | "loading" | "empty" | "failed" | "skipped" | "end";
}

const TICK_MS = 100;
/** Slices in one question, and how few there may be ahead before the next is asked. */
const PAGE_SLICES = 8;
const LOW_SLICES = 4;
/** At most so many slices a second are drawn, whatever the speed. */
const SLICES_PER_S = 2;
/** A pause of the page, such as a tab in the background, is not caught up with. */
const LEAP_MS = 500;
/** A slice stands for so many steps, and no longer. */
const STANDS_STEPS = 3;
const RECORDED_MS = 30_000;

export class Player {
  readonly state = new Store<State>({
    recorded: null,
    ready: "asking",
    time: 0,
    playing: false,
    speed: 1,
    shown: null,
    word: "",
  });
  private readonly past = new Past();
  private buffer: Shown[] = [];
  private fetchedTo = 0;
  private fetching: AbortController | null = null;
  private last = 0;
  private ends: (() => void)[] = [];

  /** Begin at a time, or an hour before the end. */
  async start(at: number | null): Promise<void> {
    const timers = [setInterval(() => this.tick(), TICK_MS), setInterval(() => void this.look(), RECORDED_MS)];
    this.ends.push(() => timers.forEach(clearInterval), this.past.now.watch(() => this.recalled()));
    await this.look();
    const { recorded: kept } = this.state.value;
    if (kept) this.seek(at ?? Math.max(kept.from, kept.to - 3_600_000));
  }

  stop(): void {
    for (const end of this.ends.splice(0)) end();
    this.fetching?.abort();
    this.buffer = [];
  }

  private set(part: Partial<State>): void {
    this.state.update((state) => ({ ...state, ...part }));
  }

  private async look(): Promise<void> {
    try {
      const kept = await recorded();
      this.set({ recorded: kept, ready: kept ? "ready" : "nothing" });
    } catch (error) {
      if (!(error instanceof Problem || error instanceof Unreachable)) throw error;
      if (!this.state.value.recorded) this.set({ ready: "failed" });
    }
  }

  /** Seconds between the slices that are shown at a speed. */
  private everyS(): number {
    const { recorded: kept, speed } = this.state.value;
    return Math.max(kept?.stepS ?? 10, speed / SLICES_PER_S);
  }

  seek(time: number): void {
    const { recorded: kept } = this.state.value;
    if (!kept) return;
    const to = Math.min(kept.to, Math.max(kept.from, time));
    this.empty(to);
    this.set({ time: to, word: "" });
    this.past.want(to);
  }

  /** Forget what was fetched ahead. */
  private empty(from: number): void {
    this.fetching?.abort();
    this.fetching = null;
    this.buffer = [];
    this.fetchedTo = from;
  }

  play(): void {
    const { recorded: kept, time } = this.state.value;
    if (!kept) return;
    this.last = performance.now();
    if (time >= kept.to) this.seek(kept.from);
    this.set({ playing: true, word: "" });
    this.fill();
  }

  pause(): void {
    this.set({ playing: false });
  }

  hasten(speed: Speed): void {
    this.empty(this.state.value.time);
    this.set({ speed });
  }

  /** An answer to where one has jumped. */
  private recalled(): void {
    const found = this.past.now.value;
    if (found.state === "found") this.set({ shown: { slice: found.moment.slice, areas: found.moment.areas }, word: "" });
    else if (found.state === "empty") this.set({ shown: null, word: "empty" });
    else if (found.state === "failed") this.set({ word: "failed" });
    else if (found.state === "loading") this.set({ word: "loading" });
  }

  private tick(): void {
    const { playing, recorded: kept, speed } = this.state.value;
    const at = performance.now();
    const passed = Math.min(at - this.last, LEAP_MS);
    this.last = at;
    if (!playing || !kept) return;
    let time = this.state.value.time + passed * speed;
    const gap = kept.gaps.find((each) => time > each.from + this.everyS() * 1000 && time < each.to - 1);
    if (gap && gap.to <= kept.to) {
      // Hours of nothing are not waited through; that they were left out is said.
      time = gap.to;
      this.empty(time);
      this.set({ word: "skipped" });
    }
    if (time >= kept.to) {
      this.set({ time: kept.to, playing: false, word: "end" });
      return;
    }
    this.set({ time, ...this.shownAt(time) });
    this.fill();
  }

  /** The slice of a time; earlier ones are dropped. */
  private shownAt(time: number): Partial<State> {
    let found: Shown | null = null;
    while (this.buffer[0] && Date.parse(this.buffer[0].slice.time) <= time) found = this.buffer.shift() ?? null;
    if (found) return { shown: found, word: this.state.value.word === "skipped" ? "skipped" : "" };
    const { shown } = this.state.value;
    const stands = shown && time - Date.parse(shown.slice.time) <= STANDS_STEPS * this.everyS() * 1000;
    return stands ? {} : { shown: null, word: this.fetching ? "loading" : "empty" };
  }

  private fill(): void {
    if (this.fetching || this.buffer.length > LOW_SLICES) return;
    const { recorded: kept, time } = this.state.value;
    const from = Math.max(this.fetchedTo, time);
    if (!kept || from >= kept.to) return;
    void this.fetch(from);
  }

  private async fetch(from: number): Promise<void> {
    const stop = new AbortController();
    this.fetching = stop;
    const every = this.everyS();
    const to = from + PAGE_SLICES * every * 1000;
    try {
      const got = await page(from, to, every, stop.signal);
      if (stop.signal.aborted) return;
      const last = this.buffer.at(-1) ?? this.state.value.shown;
      const fresh = got.slices.filter((slice) => !last || slice.number > last.slice.number);
      this.buffer.push(...fresh.map((slice) => ({ slice, areas: got.areas })));
      this.fetchedTo = got.next ? Date.parse(got.next) : to;
    } catch (error) {
      if (stop.signal.aborted) return;
      if (!(error instanceof Problem || error instanceof Unreachable)) throw error;
      this.set({ playing: false, word: "failed" });
    } finally {
      if (this.fetching === stop) this.fetching = null;
    }
  }
}

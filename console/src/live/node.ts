/**
 * What the node says, kept as it said it: the picture each second, the lists when something changed.
 *
 * Lists are read again when an event names them, at most one reading of a list at a time; what an
 * event brings with it is put in at once, so that two officers see each other's acts within a second.
 */
import { ask, askAgain, Problem, Unreachable, type Tagged } from "../api/client";
import type {
  Airspace,
  AirspaceEntry,
  AlarmList,
  AlarmView,
  ConstraintView,
  LinesView,
  NoGoAreas,
  OutboxEntry,
  OutboxView,
  PictureView,
  Plans,
  PlanView,
  RingList,
  RingSetView,
  SightingList,
  SightingView,
  StatusView,
  Threads,
  ThreadView,
} from "../api/types";
import { ALIVE_S, heard, watchFreshness } from "./freshness";
import { ended, session } from "./session";
import { followShared } from "./shared_stream";
import { Store } from "./store";
import { hearTime } from "./time";

/** The live picture, and when it came, by this page's stopwatch: ages go on from there. */
export interface Picture {
  view: PictureView;
  at: number;
}

export const picture = new Store<Picture | null>(null);
export const plans = new Store<readonly PlanView[] | null>(null);
export const constraints = new Store<readonly ConstraintView[] | null>(null);
export const airspace = new Store<readonly AirspaceEntry[] | null>(null);
export const threads = new Store<readonly ThreadView[] | null>(null);
export const lines = new Store<LinesView | null>(null);
export const status = new Store<StatusView | null>(null);
export const outbox = new Store<readonly OutboxEntry[] | null>(null);
export const alarmHistory = new Store<readonly AlarmView[] | null>(null);
export const rings = new Store<readonly RingSetView[] | null>(null);
export const sightings = new Store<readonly SightingView[] | null>(null);

const THREADS_MAX = 300;
/** The most that the node lists. */
const OPEN_MAX = 1_000;
let sky: Tagged<Airspace> | null = null;

const readers = {
  plans: async () => plans.set((await ask<Plans>("plans")).plans),
  constraints: async () => constraints.set((await ask<NoGoAreas>("constraints")).constraints),
  airspace: async () => {
    sky = await askAgain<Airspace>("airspace", sky);
    airspace.set(sky.value.entries);
  },
  threads: async () => {
    // Whatever is open, however old, and the latest of the others.
    const [open, latest] = await Promise.all([
      ask<Threads>("threads", { query: { open: true, last: OPEN_MAX } }),
      ask<Threads>("threads", { query: { last: THREADS_MAX } }),
    ]);
    const recent = new Set(latest.threads.map((each) => each.id));
    threads.set([...open.threads.filter((each) => !recent.has(each.id)), ...latest.threads]);
  },
  lines: async () => {
    const view = await ask<LinesView>("line");
    lines.set(view);
  },
  status: async () => {
    const view = await ask<StatusView>("status");
    hearTime(view.time);
    status.set(view);
  },
  outbox: async () => outbox.set((await ask<OutboxView>("outbox")).waiting),
  alarms: async () => alarmHistory.set((await ask<AlarmList>("alarms", { query: { over: 100 } })).alarms),
  rings: async () => rings.set((await ask<RingList>("rings")).rings),
  sightings: async () => sightings.set((await ask<SightingList>("sightings")).sightings),
};

export type Listed = keyof typeof readers;

const reading = new Map<Listed, boolean>();

/** Read a list again; a call during a reading has it read once more after it. */
export async function reread(...names: Listed[]): Promise<void> {
  await Promise.all(names.map(rereadOne));
}

async function rereadOne(name: Listed): Promise<void> {
  if (reading.has(name)) {
    reading.set(name, true);
    return;
  }
  reading.set(name, false);
  try {
    await readers[name]();
  } catch (error) {
    if (error instanceof Problem && error.status === 401) ended();
    else if (!(error instanceof Problem || error instanceof Unreachable)) throw error;
  } finally {
    const again = reading.get(name);
    reading.delete(name);
    if (again) await rereadOne(name);
  }
}

/** Which lists an event of the feed is about. */
const ABOUT: Record<string, Listed[]> = {
  plan: ["plans", "airspace", "status"],
  constraint: ["constraints", "status"],
  peer: ["status", "lines", "airspace"],
  note: ["threads", "lines", "outbox"],
  "line-overdue": ["threads", "lines"],
  "line-escalated": ["threads", "lines"],
  "line-check": ["lines", "threads"],
  "line-clock": ["lines"],
  joined: ["status"],
  hook: ["status"],
  "watch-alarm": ["alarms"],
  "watch-warning": ["alarms"],
  "cut-off": ["plans", "constraints", "airspace", "threads", "lines", "status", "outbox"],
};

const ALL = Object.keys(readers) as Listed[];
const AIRSPACE_MS = 5_000;
const ALL_MS = 60_000;
const FIRST_MS = 400;

interface FeedEvent {
  kind: string;
  id: string;
  body: unknown;
}

function takeEvent(name: string, data: string): void {
  const about = ABOUT[name];
  if (!about) return;
  const event = JSON.parse(data) as FeedEvent;
  if (name === "plan" && event.body) plans.update((list) => replaced(list, event.body as PlanView));
  if (name === "constraint" && event.body)
    constraints.update((list) => replaced(list, event.body as ConstraintView));
  void reread(...about);
}

function replaced<T extends { id: string }>(list: readonly T[] | null, one: T): readonly T[] | null {
  if (!list?.some((each) => each.id === one.id)) return list;
  return list.map((each) => (each.id === one.id ? one : each));
}

/** Follow the node while somebody is logged in; returns a function that ends it. */
export function followNode(): () => void {
  const stop = new AbortController();
  const readAll = (): void => {
    clearTimeout(first);
    void reread(...ALL);
  };
  let after: string | null = null;
  const lost = (code: number) => {
    if (code === 401) ended();
  };
  followShared(
    "watch",
    () => `/api/v1/watch/stream?alive_s=${ALIVE_S}`,
    {
      event: (event, agoMs = 0) => {
        const view = JSON.parse(event.data) as PictureView;
        if (!agoMs) hearTime(view.time);
        picture.set({ view, at: performance.now() - agoMs });
        heard("watch", agoMs);
      },
      alive: () => heard("watch"),
      lost,
    },
    stop.signal,
  );
  followShared(
    "events",
    () => `/api/v1/events?alive_s=${ALIVE_S}${after === null ? "" : `&after=${after}`}`,
    {
      event: (event, agoMs = 0) => {
        heard("events", agoMs);
        // What another tab repeats is in the lists, which are read now in any case.
        if (agoMs) return;
        if (event.id) after = event.id;
        // What happened while nobody followed is in the lists, not in the feed.
        if (event.name === "start" || event.name === "cut-off") readAll();
        else takeEvent(event.name, event.data);
      },
      alive: () => heard("events"),
      lost,
    },
    stop.signal,
  );
  const often = setInterval(() => void reread("airspace", "lines"), AIRSPACE_MS);
  const all = setInterval(() => void reread(...ALL), ALL_MS);
  watchFreshness();
  // The feed begins with a word on which all is read; where another tab reads it, that word is past.
  const first = setTimeout(readAll, FIRST_MS);
  return () => {
    stop.abort();
    clearTimeout(first);
    clearInterval(often);
    clearInterval(all);
  };
}

/** Start and stop with the session. */
export function followWhileLoggedIn(): void {
  let end: (() => void) | null = null;
  const turn = () => {
    const inside = session.value.state === "in";
    if (inside && !end) end = followNode();
    else if (!inside && end) {
      end();
      end = null;
    }
  };
  session.watch(turn);
  turn();
}

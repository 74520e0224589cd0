/**
 * What there is to be shown of one moment, wherever it comes from: the live picture, the plans for a
 * time to come, or a slice of the node's history. Screens make a scene; map, strip and list show it.
 */
import type {
  AirspaceEntry,
  AlarmView,
  AreaView,
  ConstraintView,
  PlanView,
  RingView,
  SightingView,
  SliceView,
  TrackView,
} from "../api/types";
import { Known, type Piece } from "./shapes";

/** A plan or a no-go area. */
export interface Area {
  id: string;
  /** As tracks and alarms name it. */
  intentId: string;
  kind: "plan" | "no-go";
  own: boolean;
  party: string;
  name: string;
  /** F3548 state; null for no-go areas. */
  state: string | null;
  /** Ours only: where it stands. */
  status: string;
  coordinated: boolean | null;
  priority: number;
  category: string | null;
  start: number;
  end: number;
  low: number;
  high: number;
  pieces: readonly Piece[];
  /** Another number for other pieces. */
  serial: number;
  unread: number;
  /** What the node says of it, in English. */
  sentences: readonly string[];
}

export interface Scene {
  time: number;
  /** `plan`: a time to come, of which only plans are known. `unknown`: nothing was recorded. */
  mode: "live" | "plan" | "past" | "unknown";
  /** What is shown as live is not known to be so any more. */
  stale: boolean;
  /** One of many that somebody goes past with the slider: names follow when it rests. */
  passing?: boolean;
  /** Seconds that have gone by since ages were told. */
  agedS: number;
  areas: readonly Area[];
  tracks: readonly TrackView[];
  alarms: readonly AlarmView[];
  rings: readonly RingView[];
  sightings: readonly SightingView[];
}

/** How an area stands at a time: outline dashed, solid, solid and heavy, dotted grey. */
export type Phase = "planned" | "active" | "astray" | "expired";

const ASTRAY = ["Nonconforming", "Contingent"];
/** Own plans that hold no air. */
const HOLDS_NOTHING = ["refused", "ended"];

export function phaseOf(area: Area, time: number): Phase {
  if (time > area.end) return "expired";
  if (ASTRAY.includes(area.state ?? "")) return "astray";
  if (area.kind === "no-go") return time >= area.start ? "active" : "planned";
  return area.state === "Activated" && time >= area.start ? "active" : "planned";
}

export function holdsAir(area: Area): boolean {
  return !HOLDS_NOTHING.includes(area.status);
}

/** Makes areas from what the node tells, reading again only the volumes that are not as before. */
export class Areas {
  private readonly known = new Known();

  now(
    plans: readonly PlanView[],
    airspace: readonly AirspaceEntry[],
    constraints: readonly ConstraintView[],
    us: string,
  ): Area[] {
    const found = [
      ...plans.map((plan) => this.plan(plan)),
      ...airspace.map((entry) => this.entry(entry)),
      ...constraints.filter((area) => area.status !== "ended").map((area) => this.constraint(area, us)),
    ];
    this.known.forgetUnused();
    return found;
  }

  then(areas: readonly AreaView[], number: number): Area[] {
    const found = areas
      .filter((area) => area.first <= number && (area.last === null || area.last >= number))
      .map((area) => this.then1(area));
    this.known.forgetUnused();
    return found;
  }

  private plan(plan: PlanView): Area {
    const read = this.known.read(plan.id, plan.volumes, plan.off_nominal_volumes);
    return {
      ...span(plan),
      ...read,
      id: plan.id,
      intentId: plan.intent_id,
      kind: "plan",
      own: true,
      party: plan.party,
      name: plan.callsign,
      state: plan.state,
      status: plan.status,
      coordinated: plan.coordinated,
      priority: plan.priority,
      category: plan.category,
      sentences: [...(plan.reason ? [plan.reason] : []), ...plan.warnings],
    };
  }

  private entry(entry: AirspaceEntry): Area {
    return {
      ...span(entry),
      ...this.known.read(entry.id, entry.volumes),
      id: entry.id,
      intentId: entry.id,
      kind: entry.kind === "constraint" ? "no-go" : "plan",
      own: false,
      party: entry.manager,
      name: entry.name,
      state: entry.state,
      status: "",
      coordinated: null,
      priority: entry.priority,
      category: entry.category,
      sentences: [],
    };
  }

  private constraint(area: ConstraintView, us: string): Area {
    return {
      ...span(area),
      ...this.known.read(area.id, area.volumes),
      id: area.id,
      intentId: area.id,
      kind: "no-go",
      own: true,
      party: area.party || us,
      name: area.name,
      state: null,
      status: area.status,
      coordinated: null,
      priority: 0,
      category: null,
      sentences: [],
    };
  }

  private then1(area: AreaView): Area {
    return {
      ...span(area),
      ...this.known.read(area.id, area.volumes, area.off_nominal_volumes),
      id: area.id,
      intentId: area.intent_id,
      kind: area.kind === "constraint" ? "no-go" : "plan",
      own: area.own,
      party: area.party,
      name: area.name,
      state: area.state,
      status: area.status,
      coordinated: area.coordinated,
      priority: area.priority,
      category: area.category,
      sentences: area.sentence ? [area.sentence] : [],
    };
  }
}

function span(from: { time_start: string; time_end: string; altitude_m_min: number; altitude_m_max: number }) {
  return {
    start: Date.parse(from.time_start),
    end: Date.parse(from.time_end),
    low: from.altitude_m_min,
    high: from.altitude_m_max,
  };
}

/** A slice of the history as a scene. */
export function sceneOf(slice: SliceView, areas: readonly Area[], time: number): Scene {
  return {
    time,
    mode: "past",
    stale: false,
    agedS: 0,
    areas,
    tracks: slice.tracks,
    alarms: slice.alarms,
    rings: slice.rings,
    sightings: [],
  };
}

export const NOTHING: Omit<Scene, "time" | "mode"> = {
  stale: false,
  agedS: 0,
  areas: [],
  tracks: [],
  alarms: [],
  rings: [],
  sightings: [],
};

/** What a selection names: an alarm, a track, a plan or no-go area. */
export type Subject =
  | { kind: "alarm"; alarm: AlarmView }
  | { kind: "track"; track: TrackView }
  | { kind: "area"; area: Area };

export function subjectOf(scene: Scene, id: string): Subject | null {
  if (!id) return null;
  const alarm = scene.alarms.find((each) => each.id === id);
  if (alarm) return { kind: "alarm", alarm };
  const area = scene.areas.find((each) => each.id === id);
  if (area) return { kind: "area", area };
  // A track that is bound to a plan has that plan's id; by its address it is meant alone.
  const track = scene.tracks.find((each) => each.address === id || each.id === id);
  if (track) return { kind: "track", track };
  const intent = scene.areas.find((each) => each.intentId === id);
  return intent ? { kind: "area", area: intent } : null;
}

/** Where to look to see it: a point, or a box; null where it has no place. */
export function whereIs(scene: Scene, subject: Subject): Sides | null {
  if (subject.kind === "track") return point(subject.track.lng_deg, subject.track.lat_deg);
  if (subject.kind === "alarm") {
    const { alarm } = subject;
    const points = scene.tracks
      .filter((track) => track.id === alarm.one || track.id === alarm.other)
      .map((track) => point(track.lng_deg, track.lat_deg));
    if (alarm.lat_deg !== null && alarm.lng_deg !== null) points.push(point(alarm.lng_deg, alarm.lat_deg));
    if (points.length) return around(points);
    const area = scene.areas.find((each) => [alarm.one, alarm.other].some((id) => id === each.intentId || id === each.id));
    return area ? around(area.pieces.map((piece) => sides(piece.box))) : null;
  }
  return around(subject.area.pieces.map((piece) => sides(piece.box)));
}

type Sides = [west: number, south: number, east: number, north: number];

function sides(box: { west: number; south: number; east: number; north: number }): Sides {
  return [box.west, box.south, box.east, box.north];
}

function around(all: readonly Sides[]): Sides | null {
  if (!all.length) return null;
  return [
    Math.min(...all.map((each) => each[0])),
    Math.min(...all.map((each) => each[1])),
    Math.max(...all.map((each) => each[2])),
    Math.max(...all.map((each) => each[3])),
  ];
}

function point(lng: number, lat: number): Sides {
  return [lng, lat, lng, lat];
}

/** Ids, as alarms name them, of everything that an alarm is about, with the highest level of each. */
export function alarmed(alarms: readonly AlarmView[]): Map<string, string> {
  const found = new Map<string, string>();
  for (const alarm of alarms)
    for (const id of [alarm.one, alarm.other]) {
      const before = found.get(id);
      if (before === undefined || RANK[alarm.level]! > (RANK[before] ?? 0)) found.set(id, alarm.level);
    }
  return found;
}

export const RANK: Record<string, number> = { advisory: 1, caution: 2, warning: 3 };

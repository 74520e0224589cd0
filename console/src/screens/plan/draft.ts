/** A plan that is being written: what was typed or drawn, and the plan file that it makes. Pure. */
import type { Alternative, PlanView, ReadView } from "../../api/types";
import { rfc3339 } from "../../parts/times";

export type Kind = "plan" | "constraint" | "area";
export type Units = "M" | "FT" | "FL";
export type Datum = "AMSL" | "W84" | "AGL" | "FL";

/** One text with what the form says of it; a text may hold several volumes with levels of their own. */
export interface Part {
  text: string;
  lower: string;
  upper: string;
  units: Units;
  datum: Datum;
  ground_m: string;
  start: string;
  end: string;
}

export interface Draft {
  kind: Kind;
  callsign: string;
  category: string;
  priority: string;
  formation: string;
  parts: Part[];
  /** The plan whose volumes these replace; null: a new one. */
  replaces: string | null;
}

type Feature = { type: string; properties: Record<string, unknown>; geometry: unknown };

export const FOOT_M = 0.3048;

export function emptyPart(like?: Part): Part {
  return {
    text: "",
    lower: like?.lower ?? "",
    upper: like?.upper ?? "",
    units: like?.units ?? "FT",
    datum: like?.datum ?? "AMSL",
    ground_m: like?.ground_m ?? "",
    start: like?.start ?? "",
    end: like?.end ?? "",
  };
}

export function emptyDraft(): Draft {
  return { kind: "plan", callsign: "", category: "", priority: "0", formation: "", parts: [emptyPart()], replaces: null };
}

/** Take what a text says of levels, times and name into the form, where it is one volume. */
export function filled(part: Part, read: ReadView): Part {
  const [volume] = read.volumes;
  if (!volume || read.volumes.length !== 1) return part;
  const next = { ...part };
  const level = volume.lower ?? volume.upper;
  if (volume.lower) next.lower = String(volume.lower.value);
  if (volume.upper) next.upper = String(volume.upper.value);
  if (level && isUnits(level.units)) next.units = level.units;
  if (level?.datum && isDatum(level.datum)) next.datum = level.datum;
  if (level?.units === "FL") next.datum = "FL";
  if (volume.start) next.start = volume.start;
  if (volume.end) next.end = volume.end;
  return next;
}

function isUnits(text: string): text is Units {
  return ["M", "FT", "FL"].includes(text);
}

function isDatum(text: string): text is Datum {
  return ["AMSL", "W84", "AGL", "FL"].includes(text);
}

/** What is missing before the node can judge it, as names of fields; empty: nothing. */
export function missing(draft: Draft, reads: (ReadView | null)[]): string[] {
  const wants = new Set<string>();
  if (draft.kind === "plan" && !draft.callsign.trim()) wants.add("callsign");
  draft.parts.forEach((part, index) => {
    const read = reads[index];
    if (!read?.volumes.length) {
      wants.add("text");
      return;
    }
    for (const volume of read.volumes)
      for (const lack of volume.lacks) if (!given(part, lack)) wants.add(lack);
    // Of one volume the form counts, also where somebody has emptied what the text had filled in.
    if (read.volumes.length === 1) for (const name of FORM) if (!given(part, name)) wants.add(name);
    if (asksGround(part, read) && !given(part, "ground_m")) wants.add("ground_m");
  });
  return [...wants];
}

const FORM = ["start", "end", "lower", "upper"] as const;

/** Whether the form has to say how high the ground is: levels count from it, and the text is silent. */
export function asksGround(part: Part, read: ReadView | null | undefined): boolean {
  return part.datum === "AGL" && part.units !== "FL" && read?.volumes.length === 1 && !read.volumes[0]?.ground;
}

function given(part: Part, lack: string): boolean {
  switch (lack) {
    case "start":
    case "end":
    case "lower":
    case "upper":
      return part[lack].trim() !== "" && (lack === "start" || lack === "end" || Number.isFinite(Number(part[lack])));
    case "datum":
    case "one_datum":
      return part.lower !== "" && part.upper !== "";
    case "ground_m":
      return part.datum !== "AGL" || (part.ground_m.trim() !== "" && Number.isFinite(Number(part.ground_m)));
    default:
      return false;
  }
}

/** Return the plan file; only of a draft that lacks nothing. */
export function planFile(draft: Draft, reads: (ReadView | null)[]): { type: string; features: Feature[] } {
  const whole: Record<string, unknown> = { priority: Number(draft.priority) || 0 };
  if (draft.callsign.trim()) whole["callsign"] = draft.callsign.trim();
  if (draft.formation.trim()) whole["formation"] = draft.formation.trim();
  if (draft.category) whole["category"] = draft.category;
  // A plan is not in its own way.
  if (draft.replaces) whole["id"] = draft.replaces;
  const features = draft.parts.flatMap((part, index) =>
    (reads[index]?.volumes ?? []).flatMap((volume) => {
      const single = reads[index]?.volumes.length === 1;
      return (volume.features as unknown as Feature[]).map((feature) => ({
        ...feature,
        // Of one volume the form is what counts: it was filled from the text, and may have been changed.
        properties: grounded(
          single ? { ...feature.properties, ...formOf(part), ...whole } : { ...formOf(part), ...feature.properties, ...whole },
          feature.properties,
        ),
      }));
    }),
  );
  if (draft.kind !== "plan") for (const feature of features) delete feature.properties["category"];
  return { type: "FeatureCollection", features };
}

/** The ground goes with levels above it only, and what the text says of it counts: span and datum too. */
function grounded(properties: Record<string, unknown>, said: Record<string, unknown>): Record<string, unknown> {
  const { ground_m, ground_datum, ...rest } = properties;
  if (rest["datum"] !== "AGL") return rest;
  if ("ground_m" in said) return { ...rest, ground_m: said["ground_m"], ground_datum: said["ground_datum"] };
  return ground_m === undefined ? rest : { ...rest, ground_m, ground_datum };
}

/** What the form says; an empty field says nothing, least of all zero. */
function formOf(part: Part): Record<string, unknown> {
  const form: Record<string, unknown> = {};
  if (part.start) form["start"] = part.start;
  if (part.end) form["end"] = part.end;
  if (part.lower.trim()) form["lower"] = Number(part.lower);
  if (part.upper.trim()) form["upper"] = Number(part.upper);
  form["datum"] = part.units === "FL" ? "FL" : part.datum;
  if (part.units !== "FL") form["units"] = part.units;
  if (part.datum === "AGL" && part.units !== "FL" && part.ground_m.trim()) {
    form["ground_m"] = Number(part.ground_m);
    form["ground_datum"] = "AMSL";
  }
  return form;
}

/** A draft moved as an alternative says; the node judges the result anew. */
export function moved(draft: Draft, reads: (ReadView | null)[], move: Alternative): Draft {
  const parts = draft.parts.map((part, index) => {
    const next = { ...part };
    if (move.delay_s) {
      next.start = later(part.start, move.delay_s);
      next.end = later(part.end, move.delay_s);
    }
    if (move.up_m) [next.lower, next.upper] = [raised(part.lower, part.units, move.up_m), raised(part.upper, part.units, move.up_m)];
    if (move.north_m || move.east_m) next.text = asideText(reads[index], move) ?? part.text;
    return next;
  });
  return { ...draft, parts };
}

function later(time: string, by: number): string {
  const ms = Date.parse(time);
  return Number.isNaN(ms) ? time : rfc3339(ms + by * 1000);
}

/** Away from where it was, never less far than was worked out: rounded up in size. */
function raised(value: string, units: Units, upM: number): string {
  const step = units === "M" ? upM : units === "FT" ? upM / FOOT_M : Math.ceil(Math.abs(upM) / FOOT_M / 100) * Math.sign(upM);
  const whole = Math.sign(step) * Math.ceil(Math.abs(step) - 1e-9);
  return String(Math.round((Number(value) + whole) * 10) / 10);
}

function asideText(read: ReadView | null | undefined, move: Alternative): string | null {
  const volumes = read?.volumes ?? [];
  if (volumes.length !== 1) return null;
  const outline = volumes[0]?.outline as Outline | undefined;
  if (!outline) return null;
  const shift = (lat: number, lng: number): [number, number] => {
    const north = lat + move.north_m / metresPerDegree(lat);
    return [north, lng + move.east_m / (111_412.84 * Math.cos((lat * Math.PI) / 180))];
  };
  return shapeText({
    circle: outline.circle ? at(shift(outline.circle.lat, outline.circle.lng), outline.circle.radius_m) : null,
    polygon: outline.polygon?.map(([lat, lng]) => shift(lat, lng)) ?? null,
    corridor: outline.corridor
      ? { points: outline.corridor.points.map(([lat, lng]) => shift(lat, lng)), half_width_m: outline.corridor.half_width_m }
      : null,
  });
}

function metresPerDegree(lat: number): number {
  return 111_132.95 - 559.85 * Math.cos((2 * lat * Math.PI) / 180);
}

function at([lat, lng]: [number, number], radius_m: number | null): { lat: number; lng: number; radius_m: number | null } {
  return { lat, lng, radius_m };
}

export interface Outline {
  circle?: { lat: number; lng: number; radius_m: number | null } | null;
  polygon?: [number, number][] | null;
  corridor?: { points: [number, number][]; half_width_m: number | null } | null;
}

/** A shape as text, in the form that the node reads and a person can go on editing. */
export function shapeText(shape: Outline): string {
  const place = ([lat, lng]: readonly [number, number]): string =>
    `${Math.abs(lat).toFixed(6)}${lat < 0 ? "S" : "N"} ${Math.abs(lng).toFixed(6)}${lng < 0 ? "W" : "E"}`;
  if (shape.circle) {
    const size = shape.circle.radius_m === null ? "" : `\nradius ${Math.round(shape.circle.radius_m)} m`;
    return `${place([shape.circle.lat, shape.circle.lng])}${size}`;
  }
  if (shape.polygon) return shape.polygon.map(place).join("\n");
  if (shape.corridor) {
    const { points, half_width_m } = shape.corridor;
    const size = half_width_m === null ? "" : `\ncorridor ${Math.round(half_width_m * 2)} m`;
    return `${points.map(place).join("\n")}${size}`;
  }
  return "";
}

interface Stated {
  lower: number;
  upper: number;
  units: string;
  datum: string;
}

interface Volume4D {
  volume: {
    outline_circle?: { center: { lat: number; lng: number }; radius: { value: number } } | null;
    outline_polygon?: { vertices: { lat: number; lng: number }[] } | null;
    altitude_lower: { value: number };
    altitude_upper: { value: number };
  };
  time_start: { value: string };
  time_end: { value: string };
}

/** A plan that stands as a draft: every volume with its outline, levels as they were stated, and times. */
export function draftOf(plan: PlanView): Draft {
  const volumes = plan.volumes as unknown as Volume4D[];
  const stated = plan.stated as unknown as (Stated | undefined)[];
  const features = volumes.map((each, index) => {
    const { volume } = each;
    const circle = volume.outline_circle;
    const levels = stated.length === volumes.length ? stated[index] : undefined;
    const corners = (volume.outline_polygon?.vertices ?? []).map(({ lat, lng }) => [lng, lat]);
    return {
      type: "Feature",
      properties: {
        ...(levels ?? { lower: volume.altitude_lower.value, upper: volume.altitude_upper.value, units: "M", datum: "W84" }),
        start: each.time_start.value,
        end: each.time_end.value,
        ...(circle ? { radius_m: circle.radius.value } : {}),
      },
      geometry: circle
        ? { type: "Point", coordinates: [circle.center.lng, circle.center.lat] }
        : { type: "Polygon", coordinates: [[...corners, corners[0]]] },
    };
  });
  const first = features[0]?.properties as (Stated & { start: string; end: string }) | undefined;
  const part: Part = {
    ...emptyPart(),
    text: JSON.stringify({ type: "FeatureCollection", features }, null, 1),
    lower: String(first?.lower ?? ""),
    upper: String(first?.upper ?? ""),
    units: first && isUnits(first.units) ? first.units : "M",
    datum: first && isDatum(first.datum) ? first.datum : "W84",
    start: first?.start ?? "",
    end: first?.end ?? "",
  };
  return {
    ...emptyDraft(),
    callsign: plan.callsign,
    category: plan.category ?? "",
    formation: plan.formation,
    priority: String(plan.priority),
    parts: [part],
    replaces: plan.id,
  };
}

/**
 * A scene as features for the map's sources. Pure, but for the words and units of the viewer.
 *
 * What the viewer filters away is dimmed or left out, never if it is ours or an alarm is about it.
 */
import type { AlarmView, TrackView } from "../api/types";
import { alarmWords } from "../alarms/say";
import { altitude, band, countdown, distance, level, speed } from "../parts/format";
import { t } from "../words/words";
import { destination } from "./geodesy";
import { alarmed, holdsAir, phaseOf, RANK, type Area, type Scene, type Subject } from "./scene";
import { circle, meet, type Box, type Piece, type Point } from "./shapes";
import type { Past } from "./trails";
import { within, type MapSettings } from "./view_settings";

export type Features = GeoJSON.FeatureCollection;
type Feature = GeoJSON.Feature;

/** What is over is shown a little longer, dotted: so that one sees what has just ended. */
export const EXPIRED_MS = 10 * 60_000;
export const AGED_S = 10;
export const CROSSED_S = 30;
/** How many times higher than true volumes stand in the tilted view. */
export const STRETCH = 5;
const NAME_MAX = 24;
const LABELS_MAX = 250;
const BLANK = "00000000-0000-0000-0000-000000000000";

export interface Drawn {
  time: number;
  /** See `Scene`. */
  passing: boolean;
  areas: Features;
  rings: Features;
  tracks: Features;
  lines: Features;
  alarms: Features;
  /** Changes only if areas do: they are the dear part. */
  signature: string;
  areaLabels: Features;
  /** Of aircraft that no alarm is about and that are not chosen. */
  trackLabels: Features;
}

export function drawn(scene: Scene, ours: string, settings: MapSettings, selected: Subject | null, view: Box | null): Drawn {
  const levels = alarmed(scene.alarms);
  const areas = areaFeatures(scene, levels, settings);
  const { tracks, labels } = trackFeatures(scene, ours, levels, settings, selected, view);
  return {
    ...areas,
    time: scene.time,
    passing: scene.passing ?? false,
    rings: collection([...ringFeatures(scene), ...sightingFeatures(scene)]),
    tracks: collection(tracks),
    trackLabels: collection(labels),
    lines: collection([...vectorFeatures(scene, ours, settings), ...conflictFeatures(scene)]),
    alarms: collection(alarmFeatures(scene, levels)),
  };
}

export function collection(features: Feature[]): Features {
  return { type: "FeatureCollection", features };
}

/** Whether a piece is to be seen at a time: what is now, what comes soon, what has just ended. */
export function shows(piece: Piece, time: number, settings: MapSettings): boolean {
  return piece.end >= time - EXPIRED_MS && piece.start <= time + settings.aheadMin * 60_000;
}

/** Whether the filter of heights leaves it as it is. */
export function kept(area: Area, piece: { low: number; high: number }, levels: Map<string, string>, settings: MapSettings): boolean {
  return area.own || levels.has(area.intentId) || levels.has(area.id) || within(piece.low, piece.high, settings);
}

function areaFeatures(
  scene: Scene,
  levels: Map<string, string>,
  settings: MapSettings,
): Pick<Drawn, "areas" | "areaLabels" | "signature"> {
  const features: Feature[] = [];
  const labels: Feature[] = [];
  const signature: string[] = [];
  for (const area of scene.areas) {
    if (!holdsAir(area)) continue;
    const phase = phaseOf(area, scene.time);
    let label: { piece: Piece; dim: boolean } | null = null;
    let here = "";
    for (const piece of area.pieces) {
      if (!shows(piece, scene.time, settings)) continue;
      const dim = !kept(area, piece, levels, settings);
      if (dim && settings.hide) continue;
      const inside = piece.start <= scene.time && scene.time <= piece.end;
      // A part of a plan that is over is dotted, though the plan as a whole goes on.
      const own = scene.time > piece.end ? "expired" : piece.astray ? "astray" : phase;
      if (!label || (inside && !(label.piece.start <= scene.time))) label = { piece, dim };
      here += `${own[0]}${own[1]}${inside ? 1 : 0}${dim ? 1 : 0}`;
      features.push({
        type: "Feature",
        geometry: { type: "Polygon", coordinates: [piece.ring as Point[]] },
        properties: {
          id: area.id,
          owner: area.own ? "ours" : "theirs",
          kind: area.kind,
          phase: own,
          here: inside,
          dim,
          low: Math.max(0, piece.low) * STRETCH,
          high: Math.max(0, piece.high) * STRETCH,
        },
      });
    }
    if (here) signature.push(`${area.serial}:${here}`);
    if (label && settings.labels) labels.push(areaLabel(area, phase, label, levels));
  }
  return { areas: collection(features), areaLabels: collection(labels), signature: signature.join() };
}

function areaLabel(
  area: Area,
  phase: string,
  { piece, dim }: { piece: Piece; dim: boolean },
  levels: Map<string, string>,
): Feature {
  const { box } = piece;
  const name = area.name ? short(area.name) : bare(t(area.kind === "no-go" ? "map.no-go" : "map.nameless"));
  const first = area.kind === "no-go" && area.name ? `${bare(t("map.no-go"))}\n${name}` : name;
  const word = phase === "astray" ? `\n${bare(t(`map.phase-${phase}`))}` : "";
  const rank = levels.get(area.intentId);
  return {
    type: "Feature",
    geometry: { type: "Point", coordinates: [(box.west + box.east) / 2, (box.south + box.north) / 2] },
    properties: {
      id: area.id,
      what: "label",
      owner: area.own ? "ours" : "theirs",
      dim,
      label: `${first}\n${bare(band(area.low, area.high))}${word}`,
      // Smaller comes first where there is no room for all.
      sort: rank ? 0 : area.own ? 1 : phase === "expired" ? 3 : 2,
    },
  };
}

/** Text for the map, which isolates nothing: marks of direction would be drawn as boxes. */
export function bare(text: string): string {
  return text.replace(/[\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]/g, "");
}

/** A name of strangers, on one line and no longer than a label may be. */
export function short(name: string): string {
  // eslint-disable-next-line no-control-regex
  const line = bare(name).replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\s]+/g, " ").trim();
  const letters = [...line];
  return letters.length > NAME_MAX ? `${letters.slice(0, NAME_MAX - 1).join("")}…` : line;
}

export function nameOf(track: TrackView): string {
  return short(track.callsign || track.plan_name || track.address);
}

export function ownerOf(track: TrackView, ours: string): "ours" | "theirs" | "unknown" {
  if (!track.party) return "unknown";
  return track.party === ours ? "ours" : "theirs";
}

/** `fresh`, `aged`, `crossed`; what is stale as a whole is never fresh. */
export function ageing(scene: Scene, track: TrackView): "fresh" | "aged" | "crossed" {
  const age = track.age_s + scene.agedS;
  if (age >= CROSSED_S || track.staleness === "stale") return "crossed";
  return age >= AGED_S || scene.stale ? "aged" : "fresh";
}

/** Level with its trend, and speed: `3,500 ft W84 ↑ 120 kt`. */
export function motion(track: TrackView): string {
  const height =
    track.height_m !== null ? altitude(track.height_m) : track.pressure_m !== null ? level(track.pressure_m) : "";
  const parts = [height && `${bare(height)} ${trend(track)}`, track.speed_mps === null ? "" : bare(speed(track.speed_mps))];
  return parts.filter(Boolean).join(" ");
}

/** From half a metre a second on it is a climb: about 100 ft/min. */
export function trend(track: TrackView): string {
  if (track.climb_mps === null) return "·";
  return track.climb_mps > 0.5 ? "↑" : track.climb_mps < -0.5 ? "↓" : "→";
}

function trackFeatures(
  scene: Scene,
  ours: string,
  levels: Map<string, string>,
  settings: MapSettings,
  selected: Subject | null,
  view: Box | null,
): { tracks: Feature[]; labels: Feature[] } {
  const tracks: Feature[] = [];
  const labels: { label: Feature; sort: number }[] = [];
  for (const track of scene.tracks) {
    const raised = track.level || levels.get(track.id) || "";
    const owner = ownerOf(track, ours);
    const chosen = selected?.kind === "track" && selected.track.id === track.id;
    const height = track.height_m ?? track.pressure_m;
    const keeps = Boolean(raised) || owner === "ours" || chosen || within(height, height, settings);
    if (!keeps && settings.hide) continue;
    const age = ageing(scene, track);
    const aged = track.age_s + scene.agedS;
    const old = aged >= AGED_S ? `\n${Math.round(aged)} s` : "";
    const loud = Boolean(raised) || chosen;
    const at: Point = [track.lng_deg, track.lat_deg];
    const label = loud || settings.labels ? `${nameOf(track)}\n${motion(track)}${old}` : "";
    const sort = chosen ? 0 : raised ? 4 - (RANK[raised] ?? 0) : owner === "ours" ? 5 : owner === "theirs" ? 6 : 7;
    // Its id may be that of its plan; the address is its own.
    const common = { id: track.address, owner: scene.stale ? "unknown" : owner, dim: !keeps, sort };
    tracks.push(
      pointOf(at, {
        ...common,
        icon: `${track.track_deg === null ? "dot" : "track"}-${common.owner}-${age}`,
        turn: track.track_deg ?? 0,
        level: raised,
        label: loud ? label : "",
      }),
    );
    if (loud || !label) continue;
    const here = !view || meet({ west: at[0], east: at[0], south: at[1], north: at[1] }, view);
    if (here) labels.push({ label: pointOf(at, { ...common, label }), sort });
  }
  // More do not fit on any screen, and each would be laid out before it is left out.
  labels.sort((a, b) => a.sort - b.sort);
  return { tracks, labels: labels.slice(0, LABELS_MAX).map((each) => each.label) };
}

/** The line in front of an aircraft: where it is in some minutes if it goes on so. */
function vectorFeatures(scene: Scene, ours: string, settings: MapSettings): Feature[] {
  if (!settings.vectorMin || scene.stale) return [];
  const lines: Record<string, Point[][]> = {};
  for (const track of scene.tracks) {
    if (track.speed_mps === null || track.track_deg === null || track.on_ground) continue;
    const owner = ownerOf(track, ours);
    if (!track.level && owner !== "ours" && !within(track.height_m, track.height_m, settings)) continue;
    (lines[owner] ??= []).push([[track.lng_deg, track.lat_deg], ahead(track, settings.vectorMin)]);
  }
  // One feature for all of an owner: a thousand of them take ten times as long.
  return Object.entries(lines).map(([owner, coordinates]) => ({
    type: "Feature",
    geometry: { type: "MultiLineString", coordinates },
    properties: { what: "vector", owner },
  }));
}

export function ahead(track: TrackView, minutes: number): Point {
  const from = { lat: track.lat_deg, lng: track.lng_deg };
  const to = destination(from, track.track_deg ?? 0, (track.speed_mps ?? 0) * minutes * 60);
  return [to.lng, to.lat];
}

/** From where something is predicted to happen to whom it is predicted of. */
function conflictFeatures(scene: Scene): Feature[] {
  const at = new Map(scene.tracks.map((track) => [track.id, track]));
  return scene.alarms.flatMap((alarm) => {
    if (alarm.lat_deg === null || alarm.lng_deg === null) return [];
    const to: Point = [alarm.lng_deg, alarm.lat_deg];
    return [alarm.one, alarm.other].flatMap((id): Feature[] => {
      const track = at.get(id);
      if (!track) return [];
      const line = [[track.lng_deg, track.lat_deg], to];
      return [
        {
          type: "Feature",
          geometry: { type: "LineString", coordinates: line },
          properties: { what: "conflict", level: alarm.level, id: alarm.id },
        },
      ];
    });
  });
}

function alarmFeatures(scene: Scene, levels: Map<string, string>): Feature[] {
  const features: Feature[] = [];
  const marked = new Set<string>();
  for (const alarm of scene.alarms) {
    if (alarm.lat_deg === null || alarm.lng_deg === null) continue;
    marked.add(alarm.id);
    features.push(pointOf([alarm.lng_deg, alarm.lat_deg], { id: alarm.id, what: "point", level: alarm.level, label: words(scene, alarm), sort: 3 - (RANK[alarm.level] ?? 0) }));
  }
  // Around each aircraft that an alarm is about, the level's shape.
  for (const track of scene.tracks) {
    const raised = track.level || levels.get(track.id) || "";
    if (!raised) continue;
    const about = scene.alarms.find((alarm) => alarm.one === track.id || alarm.other === track.id);
    features.push(pointOf([track.lng_deg, track.lat_deg], { id: about?.id ?? track.address, what: "halo", level: raised, label: "", sort: 3 - (RANK[raised] ?? 0) }));
  }
  // An alarm about an area without a place of its own stands at that area.
  for (const alarm of scene.alarms) {
    if (marked.has(alarm.id) || scene.tracks.some((track) => track.id === alarm.one || track.id === alarm.other)) continue;
    const area = scene.areas.find((each) => [alarm.one, alarm.other].some((id) => id !== BLANK && (id === each.intentId || id === each.id)));
    const box = area?.pieces[0]?.box;
    if (!box) continue;
    const at: Point = [(box.west + box.east) / 2, (box.south + box.north) / 2];
    features.push(pointOf(at, { id: alarm.id, what: "point", level: alarm.level, label: words(scene, alarm), sort: 3 - (RANK[alarm.level] ?? 0) }));
  }
  return features;
}

function words(scene: Scene, alarm: AlarmView): string {
  const left = alarm.in_s === null ? "" : `\n${bare(countdown(scene.time + (alarm.in_s - scene.agedS) * 1000, scene.time))}`;
  return `${bare(t(`level.${alarm.level}`))}${left}\n${short(alarmWords(alarm))}`;
}

function pointOf(at: Point, properties: Record<string, unknown>): Feature {
  return { type: "Feature", geometry: { type: "Point", coordinates: at }, properties };
}

function ringFeatures(scene: Scene): Feature[] {
  return scene.rings.flatMap((ring): Feature[] => {
    const outline = circle({ lat: ring.lat_deg, lng: ring.lng_deg }, ring.radius_m);
    // Words and figures on lines of their own: on one, right to left, a figure would come after its unit.
    const label = `${short(ring.name)}\n${bare(t(`map.ring-${ring.kind}`))}\n${bare(distance(ring.radius_m))}`;
    return [
      {
        type: "Feature",
        geometry: { type: "LineString", coordinates: outline },
        properties: { what: "ring", kind: ring.kind, id: ring.id },
      },
      pointOf(outline[0]!, { what: "label", label, id: ring.id }),
    ];
  });
}

function sightingFeatures(scene: Scene): Feature[] {
  return scene.sightings.flatMap((seen): Feature[] => [
    {
      type: "Feature",
      geometry: {
        type: "LineString",
        coordinates: circle({ lat: seen.lat_deg, lng: seen.lng_deg }, Math.max(1, seen.radius_m)),
      },
      properties: { what: "sighting", id: seen.id },
    },
    pointOf([seen.lng_deg, seen.lat_deg], { what: "sighting", id: seen.id, label: bare(t("map.sighting")) }),
  ]);
}

/** What is chosen, once more and on top: outline, within what an aircraft is, where it came from. */
export function chosenFeatures(scene: Scene, subject: Subject | null, trail: readonly Past[], settings: MapSettings): Features {
  if (!subject) return collection([]);
  if (subject.kind === "area")
    return collection(
      subject.area.pieces.map((piece) => ({
        type: "Feature",
        geometry: { type: "LineString", coordinates: piece.ring as Point[] },
        properties: { what: "outline" },
      })),
    );
  const tracks =
    subject.kind === "track"
      ? [subject.track]
      : scene.tracks.filter((track) => track.id === subject.alarm.one || track.id === subject.alarm.other);
  const features: Feature[] = tracks.map((track) => ({
    type: "Feature",
    geometry: {
      type: "LineString",
      coordinates: circle({ lat: track.lat_deg, lng: track.lng_deg }, Math.max(1, track.horizontal_error_m)),
    },
    properties: { what: "error" },
  }));
  if (settings.rangeRings) features.push(...tracks.flatMap(rangeRings));
  if (trail.length > 1)
    features.push({
      type: "Feature",
      geometry: { type: "LineString", coordinates: trail.map((past) => [past.lng, past.lat]) },
      properties: { what: "trail" },
    });
  return collection(features);
}

const RANGES_NM = [1, 3, 5, 10];
const NM_M = 1852;

function rangeRings(track: TrackView): Feature[] {
  const centre = { lat: track.lat_deg, lng: track.lng_deg };
  return RANGES_NM.flatMap((nm): Feature[] => {
    const outline = circle(centre, nm * NM_M);
    return [
      { type: "Feature", geometry: { type: "LineString", coordinates: outline }, properties: { what: "range" } },
      pointOf(outline[0]!, { what: "range", label: `${nm} NM` }),
    ];
  });
}

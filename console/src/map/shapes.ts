/**
 * Outlines of F3548 volumes as rings that can be drawn. Nothing here knows of a map.
 *
 * A circle becomes a polygon of 64 corners. Rings that cross the 180th meridian go on beyond it
 * instead of jumping back around the world. What cannot be read is left out, never guessed at.
 */
import { destination, wrapped, type LatLng } from "./geodesy";

/** Longitude, latitude, as GeoJSON has them. */
export type Point = [number, number];

/** One volume: its outline closed, when and between which heights (metres W84) it holds air. */
export interface Piece {
  readonly ring: readonly Point[];
  readonly start: number;
  readonly end: number;
  readonly low: number;
  readonly high: number;
  /** Where an aircraft may be besides its plan. */
  readonly astray: boolean;
  readonly box: Box;
}

/** West may be beyond -180 and east beyond 180 where the shape crosses that meridian. */
export interface Box {
  west: number;
  south: number;
  east: number;
  north: number;
}

const CORNERS = 64;
const CORNERS_MAX = 10_000;
const RADIUS_MAX_M = 2_000_000;

type Raw = Record<string, unknown>;

/** Return a circle's outline, closed. */
export function circle(centre: LatLng, radiusM: number, corners = CORNERS): Point[] {
  const ring: Point[] = [];
  for (let i = 0; i < corners; i++) {
    const at = destination(centre, (360 * i) / corners, radiusM);
    ring.push([centre.lng + wrapped(at.lng - centre.lng), at.lat]);
  }
  ring.push(ring[0]!);
  return ring;
}

/** Return corners closed to a ring, without jumps at the 180th meridian. */
export function closed(corners: readonly LatLng[]): Point[] {
  const ring: Point[] = [];
  let lng = corners[0]?.lng ?? 0;
  for (const corner of corners) {
    lng += wrapped(corner.lng - lng);
    ring.push([lng, corner.lat]);
  }
  const [first, last] = [ring[0], ring.at(-1)];
  if (first && last && (first[0] !== last[0] || first[1] !== last[1])) ring.push(first);
  return ring;
}

export function boxOf(ring: readonly Point[]): Box {
  const box = { west: Infinity, south: Infinity, east: -Infinity, north: -Infinity };
  for (const [lng, lat] of ring) {
    if (lng < box.west) box.west = lng;
    if (lng > box.east) box.east = lng;
    if (lat < box.south) box.south = lat;
    if (lat > box.north) box.north = lat;
  }
  return box;
}

/** Whether two boxes share a point, also where one of them is written a turn further round. */
export function meet(a: Box, b: Box): boolean {
  if (a.south > b.north || b.south > a.north) return false;
  return [-360, 0, 360].some((turn) => a.west + turn <= b.east && b.west <= a.east + turn);
}

export interface Read {
  pieces: readonly Piece[];
  /** Volumes that could not be read. */
  unread: number;
  /** Another number for other pieces. */
  serial: number;
}

let serial = 0;

/** Return the volumes of F3548 `Volume4D` objects. */
export function read(volumes: readonly unknown[], astray = false): Read {
  const pieces: Piece[] = [];
  let unread = 0;
  for (const volume of volumes) {
    const piece = pieceOf(volume, astray);
    if (piece) pieces.push(piece);
    else unread++;
  }
  return { pieces, unread, serial: ++serial };
}

function pieceOf(volume: unknown, astray: boolean): Piece | null {
  const four = raw(volume);
  const three = raw(four?.["volume"]);
  if (!four || !three) return null;
  const ring = outlineOf(three);
  const start = timeOf(four["time_start"]);
  const end = timeOf(four["time_end"]);
  const low = number(raw(three["altitude_lower"])?.["value"]);
  const high = number(raw(three["altitude_upper"])?.["value"]);
  if (!ring || start === null || end === null || low === null || high === null) return null;
  return { ring, start, end, low, high, astray, box: boxOf(ring) };
}

function outlineOf(volume: Raw): Point[] | null {
  const round = raw(volume["outline_circle"]);
  if (round) {
    const centre = latLng(round["center"]);
    const radius = number(raw(round["radius"])?.["value"]);
    if (!centre || radius === null || radius <= 0 || radius > RADIUS_MAX_M) return null;
    return circle(centre, radius);
  }
  const vertices = raw(volume["outline_polygon"])?.["vertices"];
  if (!Array.isArray(vertices) || vertices.length < 3 || vertices.length > CORNERS_MAX) return null;
  const corners = vertices.map(latLng);
  return corners.every((corner) => corner !== null) ? closed(corners) : null;
}

function latLng(value: unknown): LatLng | null {
  const point = raw(value);
  const lat = number(point?.["lat"]);
  const lng = number(point?.["lng"]);
  if (lat === null || lng === null || Math.abs(lat) > 90 || Math.abs(lng) > 180) return null;
  return { lat, lng };
}

function timeOf(value: unknown): number | null {
  const text = raw(value)?.["value"];
  const ms = typeof text === "string" ? Date.parse(text) : NaN;
  return Number.isNaN(ms) ? null : ms;
}

function raw(value: unknown): Raw | null {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Raw) : null;
}

function number(value: unknown): number | null {
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

/** Remembers what was read last of each entity: lists come whole, and most of it is as before. */
export class Known {
  private readonly kept = new Map<string, { text: string; read: Read }>();
  private readonly used = new Set<string>();

  read(id: string, volumes: readonly unknown[], astray: readonly unknown[] = []): Read {
    this.used.add(id);
    const text = JSON.stringify([volumes, astray]);
    const known = this.kept.get(id);
    if (known?.text === text) return known.read;
    const [nominal, off] = [read(volumes), read(astray, true)];
    const both = { pieces: [...nominal.pieces, ...off.pieces], unread: nominal.unread + off.unread, serial: off.serial };
    this.kept.set(id, { text, read: both });
    return both;
  }

  /** Drop what was not asked for since the last call. */
  forgetUnused(): void {
    for (const id of this.kept.keys()) if (!this.used.has(id)) this.kept.delete(id);
    this.used.clear();
  }
}

/** Where aircraft were a little while ago, as this page has seen it: kept short, and for so many only. */
import type { TrackView } from "../api/types";

export interface Past {
  time: number;
  lng: number;
  lat: number;
  /** Metres W84; null: not known. */
  height: number | null;
}

const KEPT_MS = 10 * 60_000;
const STEP_MS = 10_000;
const TRACKS_MAX = 3_000;

export class Trails {
  private readonly trails = new Map<string, Past[]>();
  private last = -Infinity;

  /** Add a picture; one that is earlier than the last, or much later, begins anew. */
  feed(time: number, tracks: readonly TrackView[]): void {
    if (time < this.last || time > this.last + KEPT_MS) this.trails.clear();
    if (time < this.last + STEP_MS && time >= this.last) return;
    this.last = time;
    for (const track of tracks) {
      const trail = this.trails.get(track.id) ?? [];
      if (!trail.length && this.trails.size >= TRACKS_MAX) continue;
      trail.push({ time, lng: track.lng_deg, lat: track.lat_deg, height: track.height_m });
      this.trails.set(track.id, trail);
    }
    for (const [id, trail] of this.trails) {
      while (trail[0] && trail[0].time < time - KEPT_MS) trail.shift();
      if (!trail.length) this.trails.delete(id);
    }
  }

  of(id: string): readonly Past[] {
    return this.trails.get(id) ?? [];
  }

  clear(): void {
    this.trails.clear();
    this.last = -Infinity;
  }
}

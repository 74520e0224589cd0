/** What was read of a draft as shapes for the map, with the places where it is worst. Pure. */
import type { PlanView, ReadView } from "../../api/types";
import { circle, closed, type Point } from "../../map/shapes";
import type { Outline } from "./draft";

export function draftFeatures(reads: readonly (ReadView | null)[], judged: PlanView | null): GeoJSON.FeatureCollection {
  const features: GeoJSON.Feature[] = [];
  const add = (geometry: GeoJSON.Geometry): void => void features.push({ type: "Feature", properties: {}, geometry });
  for (const volume of reads.flatMap((read) => read?.volumes ?? [])) {
    const outline = volume.outline as Outline;
    for (const ring of ringsOf(outline, volume.features as unknown as GeoJSON.Feature[])) add({ type: "Polygon", coordinates: [ring] });
    if (outline.corridor) add({ type: "LineString", coordinates: outline.corridor.points.map(([lat, lng]) => [lng, lat]) });
  }
  for (const blocker of judged?.blockers ?? []) add({ type: "Point", coordinates: [blocker.lng_deg, blocker.lat_deg] });
  return { type: "FeatureCollection", features };
}

/** A corridor is drawn as the node makes it: one outline a leg. */
function ringsOf(outline: Outline, made: readonly GeoJSON.Feature[]): Point[][] {
  if (outline.circle) {
    const { lat, lng, radius_m } = outline.circle;
    return radius_m === null ? [] : [circle({ lat, lng }, radius_m)];
  }
  if (outline.polygon) return [closed(outline.polygon.map(([lat, lng]) => ({ lat, lng })))];
  return made.flatMap((feature) => (feature.geometry.type === "Polygon" ? (feature.geometry.coordinates as Point[][]) : []));
}

/** The box around what is drawn, west, south, east, north; null: nothing is. */
export function bounds(features: GeoJSON.FeatureCollection): [number, number, number, number] | null {
  const places = features.features.flatMap(({ geometry }) => {
    if (geometry.type === "Polygon") return geometry.coordinates.flat();
    return geometry.type === "LineString" ? geometry.coordinates : [];
  });
  if (!places.length) return null;
  const lngs = places.map((place) => place[0] ?? 0);
  const lats = places.map((place) => place[1] ?? 0);
  return [Math.min(...lngs), Math.min(...lats), Math.max(...lngs), Math.max(...lats)];
}

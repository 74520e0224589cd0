/** The layers of the map, the lowest first, and the sources that they draw. */
import type { LayerSpecification, SourceSpecification } from "maplibre-gl";
import type { Palette } from "./palette";

/** As `fonts/faces.json` calls it. */
export const FONT = ["Noto Sans Regular"];

const GEOJSON = ["land", "coast", "borders", "disputed", "lakes", "rivers", "places", "countries", "areas", "areaLabels"] as const;
const LIVE = ["rings", "tracks", "trackLabels", "lines", "alarms", "chosen", "measure"] as const;

export function sources(): Record<string, SourceSpecification> {
  const empty = { type: "FeatureCollection" as const, features: [] };
  return Object.fromEntries(
    [...GEOJSON, ...LIVE].map((name) => [name, { type: "geojson" as const, data: empty, ...(name === "land" ? { tolerance: 0.3 } : {}) }]),
  );
}

/** Layers of the viewer's own files are put in under this one. */
export const UNDER = "area-fill";
/** Drawings go over this one and under what is alive. */
export const OVER = "ring-line";

/** What a click may hit, what lies on top first. */
export const HIT = ["alarm-point", "alarm-halo", "track", "track-alarmed", "track-label", "area-label", "area-planned", "area-active", "area-expired", "area-fill", "area-tilted"];

/** Which layers a switch of the viewer turns. */
export const SWITCHES = {
  places: ["place", "country"],
  borders: ["border", "disputed"],
  water: ["lake", "river"],
} as const;

type Colour = unknown;

function byOwner(p: Palette): Colour {
  return ["match", ["get", "owner"], "ours", p.ours, "theirs", p.theirs, p.unknown];
}

function byLevel(p: Palette): Colour {
  return ["match", ["get", "level"], "warning", p.warning, "caution", p.caution, p.advisory];
}

const IS = (name: string, value: unknown): unknown[] => ["==", ["get", name], value];
const DIMMED = (full: number, dim: number): unknown => ["case", ["==", ["get", "dim"], true], dim, full];

export function layers(p: Palette): LayerSpecification[] {
  return [...ground(p), ...areas(p), ...marks(p), ...names(p), ...moving(p)] as unknown as LayerSpecification[];
}

function ground(p: Palette): unknown[] {
  return [
    { id: "water", type: "background", paint: { "background-color": p.water } },
    { id: "land", type: "fill", source: "land", paint: { "fill-color": p.land, "fill-antialias": false } },
    { id: "lake", type: "fill", source: "lakes", paint: { "fill-color": p.water, "fill-antialias": false } },
    { id: "river", type: "line", source: "rivers", minzoom: 4, paint: { "line-color": p.water, "line-width": ["interpolate", ["linear"], ["zoom"], 4, 0.6, 9, 2.4] } },
    { id: "coast", type: "line", source: "coast", paint: { "line-color": p.border, "line-width": 0.7 } },
    { id: "border", type: "line", source: "borders", paint: { "line-color": p.border, "line-width": 1.2 } },
    { id: "disputed", type: "line", source: "disputed", paint: { "line-color": p.border, "line-width": 1.2, "line-dasharray": [4, 3] } },
  ];
}

function areas(p: Palette): unknown[] {
  const colour = ["case", IS("phase", "expired"), p.faint, byOwner(p)];
  const line = (id: string, phases: string[], dash: number[] | null, width: unknown): unknown => ({
    id,
    type: "line",
    source: "areas",
    filter: ["in", ["get", "phase"], ["literal", phases]],
    paint: {
      "line-color": colour,
      "line-width": width,
      "line-opacity": DIMMED(1, 0.2),
      ...(dash ? { "line-dasharray": dash } : {}),
    },
  });
  return [
    {
      id: "area-fill",
      type: "fill",
      source: "areas",
      filter: ["all", ["!=", ["get", "phase"], "expired"], IS("kind", "plan")],
      paint: {
        "fill-color": byOwner(p),
        "fill-antialias": false,
        // Air that is held at this moment is darker than air that will be.
        "fill-opacity": ["case", IS("dim", true), 0.02, IS("here", true), 0.24, 0.07],
      },
    },
    {
      id: "area-hatch",
      type: "fill",
      source: "areas",
      filter: ["all", ["!=", ["get", "phase"], "expired"], IS("kind", "no-go")],
      paint: { "fill-pattern": ["match", ["get", "owner"], "ours", "hatch-ours", "hatch-theirs"], "fill-opacity": DIMMED(0.6, 0.12), "fill-antialias": false },
    },
    {
      id: "area-astray",
      type: "fill",
      source: "areas",
      filter: ["all", IS("phase", "astray"), IS("kind", "plan")],
      paint: { "fill-pattern": ["match", ["get", "owner"], "ours", "cross-ours", "cross-theirs"], "fill-opacity": DIMMED(0.5, 0.12), "fill-antialias": false },
    },
    {
      id: "area-tilted",
      type: "fill-extrusion",
      source: "areas",
      layout: { visibility: "none" },
      filter: ["all", ["has", "kind"], ["!=", ["get", "phase"], "expired"]],
      paint: {
        "fill-extrusion-color": byOwner(p),
        "fill-extrusion-opacity": 0.45,
        "fill-extrusion-base": ["get", "low"],
        "fill-extrusion-height": ["get", "high"],
      },
    },
    line("area-planned", ["planned"], [4, 2.5], 1.6),
    line("area-active", ["active", "astray"], null, ["case", IS("phase", "astray"), 3.2, 2]),
    line("area-expired", ["expired"], [0.4, 2.4], 1.6),
  ];
}

function marks(p: Palette): unknown[] {
  return [
    { id: "ring-line", type: "line", source: "rings", filter: IS("what", "ring"), paint: { "line-color": p.text, "line-width": ["match", ["get", "kind"], "no-entry", 2.4, 1.4], "line-dasharray": [6, 2, 1, 2] } },
    { id: "sighting-line", type: "line", source: "rings", filter: IS("what", "sighting"), paint: { "line-color": p.text, "line-width": 1.6, "line-dasharray": [1, 1.5] } },
    { id: "chosen-trail", type: "line", source: "chosen", filter: IS("what", "trail"), paint: { "line-color": p.focus, "line-width": 2, "line-opacity": 0.8 } },
    { id: "chosen-outline", type: "line", source: "chosen", filter: IS("what", "outline"), paint: { "line-color": p.focus, "line-width": 4 } },
    { id: "chosen-error", type: "line", source: "chosen", filter: IS("what", "error"), paint: { "line-color": p.focus, "line-width": 1.5, "line-dasharray": [2, 2] } },
    { id: "chosen-range", type: "line", source: "chosen", filter: IS("what", "range"), paint: { "line-color": p.focus, "line-width": 1, "line-opacity": 0.7 } },
    { id: "vector", type: "line", source: "lines", filter: IS("what", "vector"), paint: { "line-color": byOwner(p), "line-width": 1.3 } },
    { id: "conflict", type: "line", source: "lines", filter: IS("what", "conflict"), paint: { "line-color": byLevel(p), "line-width": 2.6, "line-dasharray": [2, 1.2] } },
    { id: "measure-line", type: "line", source: "measure", paint: { "line-color": p.focus, "line-width": 2.6 } },
    { id: "measure-end", type: "circle", source: "measure", filter: ["==", ["geometry-type"], "Point"], paint: { "circle-color": p.focus, "circle-radius": 5, "circle-stroke-color": p.ground, "circle-stroke-width": 2 } },
  ];
}

function text(p: Palette, size: unknown, colour: unknown, halo = 1.4): { layout: object; paint: object } {
  return {
    layout: { "text-field": ["get", "label"], "text-font": FONT, "text-size": size, "text-max-width": 60 },
    paint: { "text-color": colour, "text-halo-color": p.ground, "text-halo-width": halo },
  };
}

function names(p: Palette): unknown[] {
  const country = text(p, ["interpolate", ["linear"], ["zoom"], 2, 10, 6, 15], p.faint);
  const place = text(p, ["interpolate", ["linear"], ["zoom"], 3, 10.5, 9, 13.5], p.text);
  const label = text(p, 12, byOwner(p));
  const ring = text(p, 11.5, p.text);
  return [
    { id: "country", type: "symbol", source: "countries", maxzoom: 8, filter: ["<=", ["get", "zoom"], ["zoom"]], layout: { ...country.layout, "text-letter-spacing": 0.06 }, paint: { ...country.paint, "text-opacity": 0.85 } },
    {
      id: "place",
      type: "symbol",
      source: "places",
      filter: ["<=", ["get", "zoom"], ["zoom"]],
      layout: { ...place.layout, "text-anchor": "top", "text-offset": [0, 0.3], "symbol-sort-key": ["get", "zoom"] },
      paint: { ...place.paint, "text-color": p.faint },
    },
    { id: "area-label", type: "symbol", source: "areaLabels", filter: IS("what", "label"), layout: { ...label.layout, "symbol-sort-key": ["get", "sort"] }, paint: { ...label.paint, "text-opacity": DIMMED(1, 0.3) } },
    { id: "ring-label", type: "symbol", source: "rings", filter: IS("what", "label"), layout: { ...ring.layout, "text-anchor": "bottom" }, paint: ring.paint },
    { id: "chosen-range-label", type: "symbol", source: "chosen", filter: ["all", IS("what", "range"), ["==", ["geometry-type"], "Point"]], layout: { ...ring.layout, "text-anchor": "bottom" }, paint: { ...ring.paint, "text-color": p.focus } },
    { id: "sighting", type: "symbol", source: "rings", filter: ["all", IS("what", "sighting"), ["==", ["geometry-type"], "Point"]], layout: { ...ring.layout, "icon-image": "sighting", "icon-allow-overlap": true, "text-anchor": "top", "text-offset": [0, 1.1], "text-optional": true }, paint: ring.paint },
  ];
}

function moving(p: Palette): unknown[] {
  const label = text(p, 12, byOwner(p));
  const loud = text(p, 12.5, byLevel(p), 2);
  const symbol = {
    "icon-image": ["get", "icon"],
    // From far away a thousand aircraft are to be a picture, not a heap.
    "icon-size": ["interpolate", ["linear"], ["zoom"], 5, 0.5, 8, 1],
    "icon-rotate": ["get", "turn"],
    "icon-rotation-alignment": "map",
    "icon-allow-overlap": true,
    "icon-ignore-placement": true,
    "text-optional": true,
  };
  const beside = { "text-anchor": "left", "text-justify": "left", "text-offset": [1.2, 0], "symbol-sort-key": ["get", "sort"] };
  return [
    { id: "track-label", type: "symbol", source: "trackLabels", layout: { ...label.layout, ...beside }, paint: { ...label.paint, "text-opacity": DIMMED(1, 0.25) } },
    { id: "track", type: "symbol", source: "tracks", filter: IS("level", ""), layout: { ...label.layout, ...beside, ...symbol }, paint: { ...label.paint, "text-opacity": DIMMED(1, 0.25), "icon-opacity": DIMMED(1, 0.25) } },
    // What an alarm is about keeps its label, whatever else stands there.
    { id: "track-alarmed", type: "symbol", source: "tracks", filter: ["!=", ["get", "level"], ""], layout: { ...loud.layout, ...beside, ...symbol, "text-allow-overlap": true, "text-offset": [1.7, 0] }, paint: loud.paint },
    { id: "alarm-halo", type: "symbol", source: "alarms", filter: IS("what", "halo"), layout: { "icon-image": ["concat", "halo-", ["get", "level"]], "icon-allow-overlap": true, "icon-ignore-placement": true } },
    {
      id: "alarm-point",
      type: "symbol",
      source: "alarms",
      filter: IS("what", "point"),
      layout: { ...loud.layout, "icon-image": ["concat", "alarm-", ["get", "level"]], "icon-allow-overlap": true, "icon-ignore-placement": true, "text-anchor": "top", "text-offset": [0, 1.5], "text-optional": true, "symbol-sort-key": ["get", "sort"] },
      paint: loud.paint,
    },
  ];
}

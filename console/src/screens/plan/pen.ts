/** Drawing on the map with pointer or touch, by terra-draw; loaded when somebody takes a tool. */
import { TerraDraw, TerraDrawCircleMode, TerraDrawLineStringMode, TerraDrawPolygonMode } from "terra-draw";
import { TerraDrawMapLibreGLAdapter } from "terra-draw-maplibre-gl-adapter";
import { inverse } from "../../map/geodesy";
import type { LibreMap } from "../../map/map_view";
import type { Outline } from "./draft";

export type Tool = "circle" | "polygon" | "corridor";

const MODES: Record<Tool, string> = { circle: "circle", polygon: "polygon", corridor: "linestring" };

export class Pen {
  private readonly draw: TerraDraw;

  constructor(map: LibreMap, done: (shape: Outline) => void) {
    this.draw = new TerraDraw({
      adapter: new TerraDrawMapLibreGLAdapter({ map }),
      modes: [new TerraDrawCircleMode(), new TerraDrawPolygonMode(), new TerraDrawLineStringMode()],
    });
    this.draw.start();
    this.draw.on("finish", (id) => {
      const shape = shapeOf(this.draw.getSnapshotFeature(id)?.geometry as GeoJSON.Geometry | undefined, this.draw.getMode());
      this.draw.clear();
      if (shape) done(shape);
    });
  }

  take(tool: Tool): void {
    this.draw.setMode(MODES[tool]);
  }

  putDown(): void {
    this.draw.clear();
    this.draw.setMode("static");
  }

  stop(): void {
    this.draw.stop();
  }
}

function shapeOf(geometry: GeoJSON.Geometry | undefined, mode: string): Outline | null {
  if (geometry?.type === "LineString") return { corridor: { points: geometry.coordinates.map(place), half_width_m: null } };
  if (geometry?.type !== "Polygon") return null;
  const corners = (geometry.coordinates[0] ?? []).slice(0, -1).map(place);
  if (mode !== "circle") return { polygon: corners };
  const [lat, lng] = middle(corners);
  const radii = corners.map(([a, b]) => inverse({ lat, lng }, { lat: a, lng: b }).distanceM);
  return { circle: { lat, lng, radius_m: Math.max(...radii) } };
}

function place(position: number[]): [number, number] {
  return [position[1] ?? 0, position[0] ?? 0];
}

function middle(corners: readonly [number, number][]): [number, number] {
  const lats = corners.map(([lat]) => lat);
  const lngs = corners.map(([, lng]) => lng);
  return [(Math.min(...lats) + Math.max(...lats)) / 2, (Math.min(...lngs) + Math.max(...lngs)) / 2];
}

/** Range and bearing of a line between two clicks, and how long it takes at a speed. */
import { html, nothing, type ReactiveControllerHost, type TemplateResult } from "lit";
import { span } from "../parts/format";
import { ltr, t } from "../words/words";
import { collection, type Features } from "./draw";
import { compass, destination, inverse, type LatLng } from "./geodesy";
import type { Point } from "./shapes";

const KNOT_MPS = 1852 / 3600;
const USUAL_KT = 120;
const STEPS = 48;

export class Measure {
  on = false;
  private ends: LatLng[] = [];
  private kt = USUAL_KT;

  constructor(private readonly host: ReactiveControllerHost) {}

  toggle(): void {
    this.on = !this.on;
    this.ends = [];
    this.host.requestUpdate();
  }

  end(): void {
    this.on = false;
    this.ends = [];
  }

  /** Put an end; a third begins anew. The speed of an aircraft that is an end is taken over. */
  mark(at: LatLng, speedMps: number | null): void {
    this.ends = this.ends.length >= 2 ? [at] : [...this.ends, at];
    if (speedMps) this.kt = Math.max(1, Math.round(speedMps / KNOT_MPS));
    this.host.requestUpdate();
  }

  /** The line, to the pointer while its second end is not there yet. */
  features(pointer: LatLng | null): Features {
    const ends = this.ends.length === 1 && pointer ? [...this.ends, pointer] : this.ends;
    const features: GeoJSON.Feature[] = this.ends.map((end) => ({
      type: "Feature",
      geometry: { type: "Point", coordinates: [end.lng, end.lat] },
      properties: {},
    }));
    const [one, other] = ends;
    if (one && other)
      features.push({ type: "Feature", geometry: { type: "LineString", coordinates: geodesic(one, other) }, properties: {} });
    return collection(features);
  }

  render(): TemplateResult | typeof nothing {
    if (!this.on) return nothing;
    const [one, other] = this.ends;
    if (!one || !other) return html`<p class="panel" role="status">${t(one ? "map.measure-second" : "map.measure-first")}</p>`;
    const { distanceM, bearingDeg } = inverse(one, other);
    const back = inverse(other, one).bearingDeg;
    return html`<div class="panel row measured" role="status">
      <strong>${t("map.true", { bearing: ltr(degrees(bearingDeg)) })}</strong>
      <span class="faint">${t("map.back", { bearing: ltr(degrees(back)) })}</span>
      <strong>${ltr(`${(distanceM / 1852).toFixed(2)} NM`)}</strong>
      <strong>${ltr(`${(distanceM / 1000).toFixed(2)} km`)}</strong>
      <label class="row"
        >${t("map.at-speed")}
        <input
          type="number"
          min="1"
          max="2000"
          dir="ltr"
          .value=${String(this.kt)}
          @input=${(event: Event) => {
            this.kt = Math.max(1, Number((event.target as HTMLInputElement).value) || USUAL_KT);
            this.host.requestUpdate();
          }}
        />
        ${ltr("kt")}</label
      >
      <strong>${span(distanceM / (this.kt * KNOT_MPS))}</strong>
    </div>`;
  }
}

function degrees(bearing: number): string {
  return `${String(Math.round(compass(bearing)) % 360).padStart(3, "0")}°`;
}

/** The shortest way over the ellipsoid, which the map shows as a bow. */
function geodesic(from: LatLng, to: LatLng): Point[] {
  const { distanceM, bearingDeg } = inverse(from, to);
  const points: Point[] = [];
  for (let i = 0; i <= STEPS; i++) {
    const at = destination(from, bearingDeg, (distanceM * i) / STEPS);
    points.push([at.lng, at.lat]);
  }
  return points;
}

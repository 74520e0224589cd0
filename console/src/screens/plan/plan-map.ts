/** The map beside the form: what was typed, drawn; what is in the way; drawing with the pointer. */
import { html, LitElement, nothing } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import type { PlanView, ReadView } from "../../api/types";
import { useKeys } from "../../keys";
import { airspace, constraints, plans, status } from "../../live/node";
import { Watching } from "../../live/store";
import { now } from "../../live/time";
import { drawn } from "../../map/draw";
import type { MapView } from "../../map/map_view";
import { Areas, NOTHING } from "../../map/scene";
import { mapSettings } from "../../map/view_settings";
import { language, t } from "../../words/words";
import { shapeText } from "./draft";
import { bounds, draftFeatures } from "./draft_shapes";
import type { Pen, Tool } from "./pen";

const TOOLS: Tool[] = ["circle", "polygon", "corridor"];
const VIEW_KEY = "tansiq.map.view";
const HOME = { lat: 34, lng: 36, zoom: 5 };
/** Plans around the draft's time are shown, also such as begin a day later. */
const AHEAD_MIN = 1440;

@customElement("tansiq-plan-map")
export class PlanMap extends LitElement {
  @property({ attribute: false }) reads: (ReadView | null)[] = [];
  @property({ attribute: false }) judged: PlanView | null = null;
  /** Which of the texts is being written: a drawing takes its place. */
  @property({ type: Number }) chosen = 0;
  /** When it begins; NaN: not said yet. */
  @property({ type: Number }) start = Number.NaN;
  @state() private tool: Tool | null = null;
  @state() private widthM = 2_000;
  @state() private noMap = false;
  @query(".ground") private ground!: HTMLElement;
  private view: MapView | null = null;
  private pen: Pen | null = null;
  private readonly areas = new Areas();
  private lookedAt = "";
  private endKeys = (): void => undefined;

  constructor() {
    super();
    new Watching(this, plans, airspace, constraints, language, status);
  }

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.endKeys = useKeys([
      { code: "KeyC", words: "plan.key-circle", run: () => void this.take("circle") },
      { code: "KeyG", words: "plan.key-polygon", run: () => void this.take("polygon") },
      { code: "KeyR", words: "plan.key-corridor", run: () => void this.take("corridor") },
    ]);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.endKeys();
    this.pen?.stop();
    this.view?.close();
    this.view = null;
  }

  protected override firstUpdated(): void {
    void this.begin();
  }

  private async begin(): Promise<void> {
    const { canDraw, MapView } = await import("../../map/map_view");
    if (!this.isConnected) return;
    if (!canDraw()) {
      this.noMap = true;
      return;
    }
    this.view = new MapView(this.ground, lastView(), { shown: () => this.setAttribute("data-shown", "") });
    await this.view.ready;
    const { map, above } = this.view.drawing();
    map.addSource("draft", { type: "geojson", data: { type: "FeatureCollection", features: [] } });
    const colour = getComputedStyle(this).getPropertyValue("--accent").trim();
    map.addLayer({ id: "draft-fill", type: "fill", source: "draft", paint: { "fill-color": colour, "fill-opacity": 0.25 } }, above);
    map.addLayer({ id: "draft-line", type: "line", source: "draft", paint: { "line-color": colour, "line-width": 3 } });
    map.addLayer({
      id: "draft-worst",
      type: "circle",
      source: "draft",
      filter: ["==", ["geometry-type"], "Point"],
      paint: { "circle-radius": 9, "circle-color": "transparent", "circle-stroke-width": 3, "circle-stroke-color": getComputedStyle(this).getPropertyValue("--caution").trim() },
    });
    this.requestUpdate();
  }

  protected override updated(): void {
    if (!this.view) return;
    const us = status.value?.party ?? "";
    const time = Number.isNaN(this.start) ? now() : Math.max(this.start, now());
    const areas = this.areas.now(plans.value ?? [], airspace.value ?? [], constraints.value ?? [], us);
    const scene = { ...NOTHING, time, mode: "plan" as const, areas };
    this.view.show(drawn(scene, us, { ...mapSettings.value, aheadMin: AHEAD_MIN }, null, null));
    const features = draftFeatures(this.reads, this.judged);
    this.view.put("draft", features);
    const box = bounds(features);
    const looked = JSON.stringify(box);
    if (box && looked !== this.lookedAt) {
      this.lookedAt = looked;
      this.view.map.fitBounds(box, { padding: 80, maxZoom: 11, animate: false });
    }
  }

  /** Take a tool in hand, or put it down. */
  private async take(tool: Tool): Promise<void> {
    if (!this.view) return;
    if (this.tool === tool) return this.putDown();
    const { Pen } = await import("./pen");
    this.pen ??= new Pen(this.view.map, (shape) => {
      const text = shapeText({
        ...shape,
        corridor: shape.corridor ? { ...shape.corridor, half_width_m: this.widthM / 2 } : null,
      });
      this.lookedAt = JSON.stringify(null);
      this.dispatchEvent(new CustomEvent("drawn", { detail: text }));
      this.putDown();
    });
    this.pen.take(tool);
    this.tool = tool;
  }

  private putDown(): void {
    this.pen?.putDown();
    this.tool = null;
  }

  protected override render(): unknown {
    if (this.noMap) return html`<p class="empty">${t("plan.no-map")}</p>`;
    return html`<div class="ground" role="application" aria-label=${t("plan.map")}></div>
      <div class="row tools" role="toolbar" aria-label=${t("plan.draw")}>
        ${TOOLS.map(
          (tool) =>
            html`<button data-tool=${tool} aria-pressed=${this.tool === tool} @click=${() => void this.take(tool)}>${t(`plan.tool-${tool}`)}</button>`,
        )}
        ${this.tool === "corridor"
          ? html`<label class="row"
              >${t("plan.width")}
              <input type="number" min="10" max="100000" step="10" dir="ltr" .value=${String(this.widthM)} @input=${(event: Event) => (this.widthM = Number((event.target as HTMLInputElement).value) || 2_000)}
            /></label>`
          : nothing}
        ${this.tool ? html`<span class="panel">${t(`plan.how-${this.tool}`)}</span>` : nothing}
      </div>`;
  }
}

function lastView(): { lat: number; lng: number; zoom: number } {
  try {
    const kept = JSON.parse(localStorage.getItem(VIEW_KEY) ?? "null") as typeof HOME | null;
    return kept && [kept.lat, kept.lng, kept.zoom].every(Number.isFinite) ? kept : HOME;
  } catch {
    return HOME;
  }
}

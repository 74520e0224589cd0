/**
 * Map, strip, lists and details of one scene, with what one does to them. Screens put a scene in and
 * hear what was chosen and which time is wanted; the stage never asks the node for anything.
 */
import "./stage.css";
import "./strip";
import "./twin";
import { html, LitElement, nothing, type PropertyValues, type TemplateResult } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import { useKeys } from "../keys";
import { Watching } from "../live/store";
import { altitude, band, place } from "../parts/format";
import { icons } from "../parts/icons";
import { settings } from "../parts/settings";
import { say } from "../parts/toast";
import { language, ltr, t } from "../words/words";
import { prepare } from "./base_map";
import { details } from "./details";
import { bare, chosenFeatures, drawn } from "./draw";
import type { MapView, View } from "./map_view";
import { Measure } from "./measure";
import { scaleBar } from "./scale_bar";
import { subjectOf, whereIs, type Scene, type Subject } from "./scene";
import type { Box } from "./shapes";
import type { Trails } from "./trails";
import { takeFiles } from "./tools";
import { idOf, type Twin } from "./twin";
import { changeMap, HIGHEST_M, LOWEST_M, mapSettings, type MapSettings } from "./view_settings";

// The map is large, and the files that it shows too: they come while the screen is being made.
void import("./map_view").catch(() => undefined);
prepare(settings.value.labels ?? language.value);

const PAN_PX = 120;
const VIEW_KEY = "tansiq.map.view";
const HOME: View = { lat: 34, lng: 36, zoom: 5 };

@customElement("tansiq-stage")
export class Stage extends LitElement {
  @property({ attribute: false }) scene!: Scene;
  @property({ attribute: false }) ours = "";
  @property({ attribute: false }) selected = "";
  @property({ attribute: false }) trails: Trails | null = null;
  /** Said across the map, over it: so that it keeps its size, for drawing it anew at another is dear. */
  @property({ attribute: false }) banner: unknown = nothing;
  /** Where to look at the start; null: where it was last, or at everything. */
  @property({ attribute: false }) at: View | null = null;
  @state() private noMap = false;
  @state() private open = false;
  @state() private box: Box | null = null;
  @state() private pointed: { lat: number; lng: number } | null = null;
  @state() private credit = "";
  @state() private dropping = false;
  @query(".ground") private ground!: HTMLElement;
  private view: MapView | null = null;
  private readonly measure = new Measure(this);
  private ends: (() => void)[] = [];
  private lookedAt = "";
  private placed = false;
  private drewFor: unknown[] = [];

  constructor() {
    super();
    new Watching(this, settings, language, mapSettings);
  }

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  /** The map, once it is there: for tools of other screens. */
  get mapView(): MapView | null {
    return this.view;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    const pan = (x: number, y: number) => () => this.view?.pan(x * PAN_PX, y * PAN_PX);
    const zoom = (by: number) => () => this.view?.zoom(by);
    this.ends.push(
      useKeys([
        { code: "ArrowLeft", words: "map.key-pan", run: pan(-1, 0) },
        { code: "ArrowRight", words: "map.key-pan", run: pan(1, 0) },
        { code: "ArrowUp", words: "map.key-pan", run: pan(0, -1) },
        { code: "ArrowDown", words: "map.key-pan", run: pan(0, 1) },
        { code: "Equal", words: "map.key-zoom-in", run: zoom(1) },
        { code: "Shift+Equal", words: "map.key-zoom-in", run: zoom(1) },
        { code: "NumpadAdd", words: "map.key-zoom-in", run: zoom(1) },
        { code: "Minus", words: "map.key-zoom-out", run: zoom(-1) },
        { code: "NumpadSubtract", words: "map.key-zoom-out", run: zoom(-1) },
        { code: "KeyJ", words: "keys.next", run: () => this.twin?.step(1) },
        { code: "KeyK", words: "keys.previous", run: () => this.twin?.step(-1) },
        { code: "Slash", words: "map.key-seek", run: () => this.twin?.seek() },
        { code: "Enter", words: "map.key-fly", run: () => this.enter() },
        { code: "KeyM", words: "map.key-measure", run: () => this.toggleMeasure() },
        { code: "KeyF", words: "map.key-all", run: () => this.lookAtAll() },
        { code: "KeyL", words: "map.key-layers", run: () => (this.open = !this.open) },
        { code: "Escape", words: "keys.clear", run: () => this.clear(), inFields: true },
      ]),
    );
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    for (const end of this.ends.splice(0)) end();
    this.measure.end();
    this.view?.close();
    this.view = null;
  }

  private get twin(): Twin | null {
    return this.querySelector("tansiq-twin");
  }

  private get subject(): Subject | null {
    return subjectOf(this.scene, this.selected);
  }

  protected override firstUpdated(): void {
    void this.start();
  }

  private async start(): Promise<void> {
    const { canDraw, MapView } = await import("./map_view");
    if (!this.isConnected) return;
    if (!canDraw()) {
      this.noMap = true;
      return;
    }
    const saved = this.at ?? saidBefore();
    this.placed = saved !== null;
    const view = new MapView(this.ground, saved ?? HOME, {
      clicked: (ids, lat, lng) => this.clicked(ids, lat, lng),
      pointed: (at) => this.point(at),
      moved: (to) => this.moved(to),
      credited: (credit) => (this.credit = credit),
      shown: () => this.dispatchEvent(new CustomEvent("stage-shown", { bubbles: true })),
      painted: (time) => this.painted(time),
    });
    this.view = view;
    // Before its first tile is asked for: no flight over the world to begin with.
    if (!saved) this.placed = this.lookAtAll(true);
    this.ends.push(mapSettings.watch(() => view.arrange(mapSettings.value)));
    view.arrange(mapSettings.value);
    const { userLayers } = await import("./user_files");
    const lay = (): void => view.lay(userLayers.value);
    this.ends.push(userLayers.watch(lay));
    lay();
    this.box = view.box();
    this.drewFor = [];
    this.requestUpdate();
  }

  /** What can be seen is of this time. */
  private painted(time: number): void {
    this.dispatchEvent(new CustomEvent("stage-painted", { detail: time }));
  }

  private point(at: { lat: number; lng: number } | null): void {
    this.pointed = at;
    if (at && this.measure.on) this.view?.put("measure", this.measure.features(at));
  }

  private moved(to: View): void {
    if (!this.view) return;
    this.box = this.view.box();
    try {
      localStorage.setItem(VIEW_KEY, JSON.stringify(to));
    } catch {
      // A browser that keeps nothing begins anew.
    }
  }

  private clicked(ids: string[], lat: number, lng: number): void {
    if (this.measure.on) {
      this.mark({ lat, lng }, ids);
      return;
    }
    // The same place again: the next thing that lies there.
    const at = ids.indexOf(this.selected);
    this.choose(ids[(at + 1) % Math.max(1, ids.length)] ?? "");
  }

  /** An end of the measured line; on an aircraft it is the aircraft. */
  private mark(at: { lat: number; lng: number }, ids: string[]): void {
    const track = this.scene.tracks.find((each) => ids.includes(each.address));
    this.measure.mark(track ? { lat: track.lat_deg, lng: track.lng_deg } : at, track?.speed_mps ?? null);
    this.view?.put("measure", this.measure.features(null));
  }

  private toggleMeasure(): void {
    this.measure.toggle();
    this.view?.put("measure", this.measure.features(null));
    this.view?.map.getContainer().classList.toggle("maplibregl-crosshair", this.measure.on);
  }

  private choose(id: string): void {
    this.lookedAt = id;
    this.dispatchEvent(new CustomEvent("stage-select", { detail: id }));
  }

  private clear(): void {
    const { activeElement } = document;
    if (this.measure.on) this.toggleMeasure();
    else if (this.open) this.open = false;
    else if (activeElement instanceof HTMLElement && activeElement.closest("input, select")) activeElement.blur();
    else this.choose("");
  }

  private enter(): void {
    const focused = document.activeElement;
    if (this.measure.on && !(focused instanceof HTMLButtonElement) && this.view) {
      const { lat, lng } = this.view.view();
      this.mark({ lat, lng }, []);
    } else if (focused instanceof HTMLElement && focused.matches("button:not(.entry), a, summary")) focused.click();
    else if (focused instanceof HTMLElement && focused.matches(".entry") && focused.dataset["id"] !== (this.subject && idOf(this.subject))) focused.click();
    else this.look(this.subject);
  }

  private look(subject: Subject | null): void {
    const at = subject && whereIs(this.scene, subject);
    if (at) this.view?.lookAt(at);
  }

  /** Returns whether there was anything to look at. */
  private lookAtAll(atOnce = false): boolean {
    const boxes = this.scene.areas.flatMap((area) => area.pieces.map((piece) => piece.box));
    const lngs = [...boxes.flatMap((box) => [box.west, box.east]), ...this.scene.tracks.map((track) => track.lng_deg)];
    const lats = [...boxes.flatMap((box) => [box.south, box.north]), ...this.scene.tracks.map((track) => track.lat_deg)];
    if (!lngs.length) return false;
    const least = (all: number[]): number => all.reduce((a, b) => Math.min(a, b));
    const most = (all: number[]): number => all.reduce((a, b) => Math.max(a, b));
    this.view?.lookAt([least(lngs), least(lats), most(lngs), most(lats)], 10, atOnce);
    return true;
  }

  protected override updated(_: PropertyValues): void {
    const { view } = this;
    // Without a map the lists are the picture.
    if (this.noMap) this.painted(this.scene.time);
    if (!view) return;
    const { subject } = this;
    const current = [this.scene, this.ours, this.selected, mapSettings.value, settings.value, language.value, this.box];
    if (current.some((each, index) => each !== this.drewFor[index])) {
      this.drewFor = current;
      view.show(drawn(this.scene, this.ours, mapSettings.value, subject, this.box));
      const id = subject?.kind === "track" ? subject.track.id : "";
      view.choose(chosenFeatures(this.scene, subject, id ? (this.trails?.of(id) ?? []) : [], mapSettings.value));
    }
    if (!this.placed && (this.scene.areas.length || this.scene.tracks.length)) {
      this.placed = true;
      this.lookAtAll(true);
    }
    // What an address names is looked at once it is there; a click chose what is seen already.
    if (subject && this.lookedAt !== this.selected) {
      this.lookedAt = this.selected;
      const at = whereIs(this.scene, subject);
      if (at && !view.sees(at)) view.lookAt(at);
    }
  }

  protected override render(): unknown {
    const { subject } = this;
    return html`<aside class="side" aria-label=${t("map.lists")}>
        ${subject
          ? html`<section class="panel chosen" aria-live="off" aria-label=${t("map.chosen")}>
              <button class="plain close" aria-label=${t("keys.clear")} @click=${() => this.choose("")}>${icons.close()}</button>
              ${details(this.scene, subject, this.ours)}
              <div class="row"><button @click=${() => this.look(subject)}>${t("map.look")}</button></div>
            </section>`
          : this.selected
            ? html`<p class="panel">${t("map.not-there")}</p>`
            : nothing}
        <tansiq-twin
          .scene=${this.scene}
          .ours=${this.ours}
          .selected=${subject}
          @twin-select=${(event: CustomEvent<string>) => this.choose(event.detail)}
        ></tansiq-twin>
      </aside>
      <div
        class="mapbox ${this.banner && this.banner !== nothing ? "with-banner" : ""}"
        @dragover=${(event: DragEvent) => this.over(event)}
        @dragleave=${() => (this.dropping = false)}
        @drop=${(event: DragEvent) => void this.dropped(event)}
      >
        <div class="ground" role="region" aria-label=${t("map.label")}></div>
        ${this.banner}
        ${this.noMap ? html`<p class="panel no-map" role="alert">${t("map.no-webgl")}</p>` : this.overlays()}
        ${this.dropping ? html`<p class="drop" aria-hidden="true">${t("map.drop")}</p>` : nothing}
      </div>
      <tansiq-strip
        .scene=${this.scene}
        .ours=${this.ours}
        .box=${this.box}
        .selected=${this.selected}
        .trails=${this.trails}
        @strip-select=${(event: CustomEvent<string>) => this.choose(event.detail)}
        @strip-time=${(event: CustomEvent<number>) => this.dispatchEvent(new CustomEvent("stage-time", { detail: event.detail }))}
      ></tansiq-strip>`;
  }

  private overlays(): TemplateResult {
    const current = mapSettings.value;
    const filtered = current.lowM > LOWEST_M || current.highM < HIGHEST_M;
    const shown = this.pointed ?? (this.view ? this.view.view() : null);
    return html`<div class="tools" role="toolbar" aria-label=${t("map.tools")}>
        <button aria-label=${t("map.key-zoom-in")} @click=${() => this.view?.zoom(1)}>+</button>
        <button aria-label=${t("map.key-zoom-out")} @click=${() => this.view?.zoom(-1)}>−</button>
        <button @click=${() => this.lookAtAll()}>${t("map.all")}</button>
        <button aria-pressed=${current.tilted} @click=${() => changeMap({ tilted: !current.tilted })}>${t("map.tilted")}</button>
        <button aria-pressed=${this.measure.on} @click=${() => this.toggleMeasure()}>${t("map.measure")}</button>
        <button aria-expanded=${this.open} aria-controls="map-tools" @click=${() => (this.open = !this.open)}>${t("map.layers")}</button>
      </div>
      ${this.open ? html`<tansiq-map-tools id="map-tools" class="panel" @tools-close=${() => (this.open = false)}></tansiq-map-tools>` : nothing}
      <div class="notes">
        ${filtered
          ? html`<p class="panel row">
              ${t(current.hide ? "map.filter-hides" : "map.filter-dims", { levels: shownLevels(current) })}
              <button @click=${() => changeMap({ lowM: LOWEST_M, highM: HIGHEST_M })}>${t("map.filter-off")}</button>
            </p>`
          : nothing}
        ${current.tilted ? html`<p class="panel">${t("map.tilted-note")}</p>` : nothing} ${this.measure.render()}
      </div>
      <div class="foot">
        ${scaleBar(this.view?.metresPerPixel() ?? 0)}
        <bdi lang="en" class="credit">${this.credit}</bdi>
        ${shown
          ? html`<button class="plain place figures" title=${t("map.copy")} @click=${() => void copy(place(shown.lat, shown.lng))}>
              ${this.pointed ? nothing : html`<span class="faint">${t("map.middle")}</span>`} ${place(shown.lat, shown.lng)}
            </button>`
          : nothing}
      </div>`;
  }

  private over(event: DragEvent): void {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    this.dropping = true;
  }

  private async dropped(event: DragEvent): Promise<void> {
    event.preventDefault();
    this.dropping = false;
    const files = [...(event.dataTransfer?.files ?? [])];
    await takeFiles(files, (bounds) => this.view?.lookAt(bounds));
  }
}

/** The heights that the filter leaves; an end that is without limit is not a figure. */
function shownLevels({ lowM, highM }: MapSettings): string {
  if (lowM > LOWEST_M && highM < HIGHEST_M) return band(lowM, highM);
  return lowM > LOWEST_M ? ltr(`≥ ${bare(altitude(lowM))}`) : ltr(`≤ ${bare(altitude(highM))}`);
}

function saidBefore(): View | null {
  try {
    const found = JSON.parse(localStorage.getItem(VIEW_KEY) ?? "null") as View | null;
    if (!found) return null;
    const good = Math.abs(found.lat) <= 85 && Math.abs(found.lng) <= 180 && found.zoom >= 0 && found.zoom <= 22;
    return good ? found : null;
  } catch {
    return null;
  }
}

/** A place as others can paste it, without the marks that keep it left to right. */
async function copy(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text.replace(/[\u2066-\u2069]/g, ""));
    say(t("map.copied", { place: text }));
  } catch {
    say(t("map.not-copied"), true);
  }
}

/** The sky now, as it was and as it is planned: one slider from a day ago to a day ahead. */
import { html, LitElement, nothing, type TemplateResult } from "lit";
import { customElement, state } from "lit/decorators.js";
import { openAlarms } from "../../alarms/attention";
import { useKeys } from "../../keys";
import { freshness } from "../../live/freshness";
import { airspace, constraints, picture, plans, rings, sightings, status } from "../../live/node";
import { Watching } from "../../live/store";
import { now, second } from "../../live/time";
import { Past, recorded, type Recorded } from "../../map/history";
import { Areas, NOTHING, sceneOf, type Area, type Scene } from "../../map/scene";
import "../../map/stage";
import "../../map/time_bar";
import { Trails } from "../../map/trails";
import { dtg, span, zulu } from "../../parts/format";
import { mark, route } from "../../route";
import { language, named, t } from "../../words/words";

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
/** So near to now is now. */
const NOW_MS = 30_000;
const RECORDED_MS = 60_000;
const MARK_MS = 400;

@customElement("tansiq-map")
export class MapScreen extends LitElement {
  /** What time is shown; null: now, and on with it. */
  @state() private time: number | null = null;
  @state() private recorded: Recorded | null = null;
  /** Of what time the map's picture is. */
  @state() private painted = NaN;
  private readonly past = new Past();
  private readonly areas = new Areas();
  private readonly areasThen = new Areas();
  private readonly trails = new Trails();
  private current: readonly Area[] = [];
  private madeOf: unknown[] = [];
  private kept: { made: unknown[]; scene: Scene } | null = null;
  private ends: (() => void)[] = [];
  private marking = 0;

  constructor() {
    super();
    new Watching(this, plans, airspace, constraints, picture, rings, sightings, status);
    new Watching(this, second, freshness, language, route, this.past.now);
  }

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    const step = (minutes: number) => () => this.go((this.time ?? now()) + minutes * MINUTE_MS, minutes * MINUTE_MS);
    this.ends.push(
      useKeys([
        { code: "BracketLeft", words: "map.key-earlier", run: step(-1) },
        { code: "BracketRight", words: "map.key-later", run: step(1) },
        { code: "Shift+BracketLeft", words: "map.key-earlier-10", run: step(-10) },
        { code: "Shift+BracketRight", words: "map.key-later-10", run: step(10) },
        { code: "KeyN", words: "map.key-now", run: () => this.go(null) },
      ]),
      picture.watch((told) => told && this.trails.feed(Date.parse(told.view.time), told.view.tracks)),
    );
    const said = Date.parse(route.value.query.get("t") ?? "");
    if (!Number.isNaN(said)) this.go(said);
    const read = (): void =>
      void recorded()
        .then((found) => (this.recorded = found))
        .catch(() => undefined);
    read();
    const timer = setInterval(read, RECORDED_MS);
    this.ends.push(() => clearInterval(timer));
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    for (const end of this.ends.splice(0)) end();
    clearTimeout(this.marking);
  }

  /** Show another time; `stepMs` is said by who goes on by the same step. */
  private go(time: number | null, stepMs = 0): void {
    const present = now();
    const wanted = time === null ? null : Math.min(present + DAY_MS, Math.max(present - DAY_MS, time));
    this.time = wanted === null || Math.abs(wanted - present) < NOW_MS ? null : wanted;
    if (this.time !== null && this.time < present) this.past.want(asked(this.time), stepMs);
    else this.past.forget();
    // The address follows when the hand rests: browsers count how often it changes.
    clearTimeout(this.marking);
    this.marking = window.setTimeout(() => mark({ t: this.time === null ? "" : new Date(this.time).toISOString().slice(0, 19) + "Z" }), MARK_MS);
  }

  private areasNow(): readonly Area[] {
    const made = [plans.value, airspace.value, constraints.value, status.value?.party];
    if (made.some((each, index) => each !== this.madeOf[index])) {
      this.madeOf = made;
      this.current = this.areas.now(plans.value ?? [], airspace.value ?? [], constraints.value ?? [], status.value?.party ?? "");
    }
    return this.current;
  }

  private scene(): Scene {
    const present = now();
    if (this.time === null) return this.live(present);
    if (this.time >= present) return this.planned(this.time);
    return this.recalled(this.time);
  }

  private live(time: number): Scene {
    const told = picture.value;
    return {
      time,
      mode: "live",
      stale: freshness.value.state === "late" || freshness.value.state === "cut",
      agedS: told ? (performance.now() - told.at) / 1000 : 0,
      areas: this.areasNow(),
      tracks: told?.view.tracks ?? [],
      alarms: openAlarms(),
      rings: told?.view.rings ?? [],
      sightings: sightings.value ?? [],
    };
  }

  /** Made once for what it is made of: a scene that is the same is not drawn again. */
  private once(made: unknown[], make: () => Scene): Scene {
    if (!this.kept || made.length !== this.kept.made.length || made.some((each, index) => each !== this.kept?.made[index]))
      this.kept = { made, scene: make() };
    return this.kept.scene;
  }

  /** Nobody knows where aircraft will be: plans, and what stands for a stated time. */
  private planned(time: number): Scene {
    const areas = this.areasNow();
    return this.once(["plan", time, areas, picture.value?.view.rings.length, sightings.value], () => ({
      ...NOTHING,
      time,
      mode: "plan",
      passing: true,
      areas,
      rings: (picture.value?.view.rings ?? []).filter((ring) => Date.parse(ring.until) > time),
      sightings: (sightings.value ?? []).filter((seen) => Date.parse(seen.until) > time),
    }));
  }

  private recalled(time: number): Scene {
    const found = this.past.now.value;
    if (found.state !== "found") return this.once(["unknown", time], () => ({ ...NOTHING, time, mode: "unknown" }));
    const { moment } = found;
    // While the next answer is on its way the last one is shown, with its own time.
    return this.once([moment, found.time], () => ({
      ...sceneOf(moment.slice, this.areasThen.then(moment.areas, moment.slice.number), found.time),
      passing: true,
    }));
  }

  protected override render(): unknown {
    const present = now();
    const scene = this.scene();
    return html`<div class="screen-head">
        <h1 class="hidden-text">${t("nav.map")}</h1>
      </div>
      <tansiq-stage
        .scene=${scene}
        .ours=${status.value?.party ?? ""}
        .selected=${route.value.query.get("sel") ?? ""}
        .banner=${this.time === null ? nothing : this.notNow(this.time, present, scene)}
        .trails=${scene.mode === "live" ? this.trails : null}
        @stage-select=${(event: CustomEvent<string>) => mark({ sel: event.detail })}
        @stage-time=${(event: CustomEvent<number>) => this.go(event.detail)}
        @stage-painted=${(event: CustomEvent<number>) => (this.painted = this.time === null ? NaN : event.detail)}
      ></tansiq-stage>
      <div class="timeline">
        <button aria-pressed=${this.time === null} @click=${() => this.go(null)}>${t("map.now")}</button>
        <tansiq-timebar
          .from=${present - DAY_MS}
          .to=${present + DAY_MS}
          .now=${present}
          .value=${this.time ?? present}
          .recorded=${this.recorded}
          @bar-time=${(event: CustomEvent<number>) => this.go(event.detail)}
        ></tansiq-timebar>
        <strong class="figures">${zulu(this.time ?? present, false)}</strong>
      </div>`;
  }

  private notNow(time: number, present: number, scene: Scene): TemplateResult {
    const away = span(Math.abs(time - present) / 1000);
    const stands = scene.time === this.painted && (scene.mode === "plan" || scene.mode === "unknown" || scene.time === asked(time));
    return html`<div class="not-now" role="status" data-not-now=${scene.mode} ?data-waits=${!stands || this.past.now.value.state === "loading"}>
      <span>${t(time < present ? "map.not-now-past" : "map.not-now-future", { time: dtg(time, present), away })}</span>
      <span>${this.word(scene, stands)}</span>
    </div>`;
  }

  private word(scene: Scene, stands: boolean): unknown {
    const found = this.past.now.value;
    if (!stands && (scene.mode === "plan" || found.state === "found")) return t("map.note-waits");
    if (scene.mode === "plan") return t("map.note-plan");
    if (found.state === "empty") return t("map.note-empty");
    if (found.state === "failed") return t("map.note-failed");
    if (found.state !== "found") return t("map.note-loading");
    const { slice } = found.moment;
    return html`${t("map.note-past", { time: zulu(Date.parse(slice.time)) })}${slice.sentence ? html` <bdi lang="en">${named(slice.sentence)}</bdi>` : nothing}`;
  }
}

/** The history is asked by whole seconds. */
function asked(time: number): number {
  return Math.round(time / 1000) * 1000;
}

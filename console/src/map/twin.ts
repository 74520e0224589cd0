/** The map as lists: whatever is drawn is found here too, by keyboard and by screen reader. */
import { html, LitElement, nothing, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { alarmWords } from "../alarms/say";
import { Watching } from "../live/store";
import { band, countdown, period, span } from "../parts/format";
import { levelShape } from "../parts/icons";
import { settings } from "../parts/settings";
import { language, ltr, t } from "../words/words";
import { ageing, bare, motion, ownerOf } from "./draw";
import { phaseOf, RANK, type Area, type Scene, type Subject } from "./scene";

const TABS = ["plans", "tracks", "alarms"] as const;
export type Tab = (typeof TABS)[number];
const SHOWN = 100;

@customElement("tansiq-twin")
export class Twin extends LitElement {
  @property({ attribute: false }) scene!: Scene;
  @property({ attribute: false }) ours = "";
  @property({ attribute: false }) selected: Subject | null = null;
  @state() private tab: Tab = "plans";
  @state() private sought = "";
  private shownFor = "";

  constructor() {
    super();
    new Watching(this, language, settings);
  }

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  protected override willUpdate(): void {
    // What was chosen on the map opens its list.
    const { selected } = this;
    const id = selected === null ? "" : idOf(selected);
    if (id === this.shownFor) return;
    this.shownFor = id;
    if (selected) this.tab = selected.kind === "area" ? "plans" : selected.kind === "track" ? "tracks" : "alarms";
  }

  /** Choose the next or previous row of the list that is open. */
  step(by: number): void {
    const ids = this.ids();
    if (!ids.length) return;
    const at = this.selected ? ids.indexOf(idOf(this.selected)) : -1;
    const next = ids[at < 0 ? (by > 0 ? 0 : ids.length - 1) : Math.min(ids.length - 1, Math.max(0, at + by))];
    if (!next) return;
    this.choose(next);
    void this.updateComplete.then(() => this.querySelector<HTMLElement>(`[data-id="${CSS.escape(next)}"]`)?.focus());
  }

  seek(): void {
    this.querySelector<HTMLInputElement>("input[type=search]")?.focus();
  }

  private ids(): string[] {
    if (this.tab === "plans") return this.plans().map((area) => area.id);
    if (this.tab === "tracks") return this.tracks().map((track) => track.address);
    return this.alarms().map((alarm) => alarm.id);
  }

  private fits(...texts: (string | null)[]): boolean {
    const sought = this.sought.trim().toLowerCase();
    return !sought || texts.some((text) => text?.toLowerCase().includes(sought));
  }

  /** What flies or is about to first, then by start. */
  private plans(): Area[] {
    const { time } = this.scene;
    const rank = (area: Area): number => ["astray", "active", "planned", "expired"].indexOf(phaseOf(area, time));
    return this.scene.areas
      .filter((area) => this.fits(area.name, area.party))
      .sort((a, b) => rank(a) - rank(b) || a.start - b.start || a.id.localeCompare(b.id));
  }

  private tracks() {
    const rank = (level: string, party: string): number => (level ? 3 - (RANK[level] ?? 0) : party === this.ours ? 4 : party ? 5 : 6);
    return this.scene.tracks
      .filter((track) => this.fits(track.callsign, track.address, track.plan_name, track.party))
      .sort((a, b) => rank(a.level, a.party) - rank(b.level, b.party) || a.callsign.localeCompare(b.callsign) || a.id.localeCompare(b.id));
  }

  private alarms() {
    return [...this.scene.alarms]
      .filter((alarm) => this.fits(...alarm.names, alarm.kind))
      .sort((a, b) => (RANK[b.level] ?? 0) - (RANK[a.level] ?? 0) || (a.in_s ?? -1) - (b.in_s ?? -1) || a.id.localeCompare(b.id));
  }

  private choose(id: string): void {
    this.dispatchEvent(new CustomEvent("twin-select", { detail: id }));
  }

  protected override render(): unknown {
    const { areas, tracks, alarms } = this.scene;
    const counts: Record<Tab, number> = { plans: areas.length, tracks: tracks.length, alarms: alarms.length };
    return html`<div role="tablist" class="tabs" aria-label=${t("map.lists")}>
        ${TABS.map(
          (tab) =>
            html`<button
              role="tab"
              id="twin-${tab}"
              aria-selected=${this.tab === tab}
              aria-controls="twin-list"
              class="plain"
              @click=${() => (this.tab = tab)}
            >
              ${t(`map.tab-${tab}`)} <b class="badge">${ltr(counts[tab])}</b>
            </button>`,
        )}
      </div>
      <label class="field seek"
        ><span class="hidden-text">${t("map.seek")}</span
        ><input
          type="search"
          placeholder=${t("map.seek")}
          dir="auto"
          autocomplete="off"
          .value=${this.sought}
          @input=${(event: Event) => (this.sought = (event.target as HTMLInputElement).value)}
      /></label>
      <div id="twin-list" role="tabpanel" aria-labelledby="twin-${this.tab}" tabindex="0" class="rows">${this.rows()}</div>`;
  }

  private rows(): TemplateResult {
    if (this.tab === "plans") return this.list(this.plans(), (area) => this.planRow(area));
    if (this.tab === "tracks")
      return this.list(this.tracks(), (track) =>
        this.row(
          track.address,
          html`<span class="row"
              >${track.level ? html`<span class="row level-${track.level}">${levelShape(track.level)}<span class="hidden-text">${t(`level.${track.level}`)}</span></span>` : nothing}
              <strong class=${ownerOf(track, this.ours)}><bdi>${track.callsign || track.plan_name || track.address}</bdi></strong></span
            ><span class="faint">${ltr(bare(motion(track)))}</span>
            ${ageing(this.scene, track) === "fresh" ? nothing : html`<span class="badge aged">${t("map.ago", { age: span(track.age_s + this.scene.agedS) })}</span>`}`,
        ),
      );
    return this.list(this.alarms(), (alarm) =>
      this.row(
        alarm.id,
        html`<span class="row level-${alarm.level}">${levelShape(alarm.level)} <strong>${t(`level.${alarm.level}`)}</strong></span>
          ${alarm.in_s === null ? nothing : html`<span class="figures">${countdown(this.scene.time + (alarm.in_s - this.scene.agedS) * 1000, this.scene.time)}</span>`}
          <span>${alarmWords(alarm)}</span>`,
      ),
    );
  }

  private planRow(area: Area): TemplateResult {
    const { time } = this.scene;
    const phase = phaseOf(area, time);
    return this.row(
      area.id,
      html`<span class="row"
          ><strong class=${area.own ? "ours" : "theirs"}><bdi>${area.name || t("map.nameless")}</bdi></strong>
          <span class="badge">${area.kind === "no-go" ? html`${t("map.no-go")} · ` : nothing}${t(`map.phase-${phase}`)}</span></span
        ><span class="faint"><bdi>${area.party}</bdi> · ${period(area.start, area.end, time)}</span>
        <span class="faint">${band(area.low, area.high)}</span>`,
    );
  }

  private list<T>(all: T[], row: (one: T) => TemplateResult): TemplateResult {
    if (!all.length) return html`<p class="empty">${t(this.sought ? "map.nothing-found" : `map.none-${this.tab}`)}</p>`;
    return html`<ul>
        ${all.slice(0, SHOWN).map(row)}
      </ul>
      ${all.length > SHOWN ? html`<p class="faint">${t("map.more", { n: all.length - SHOWN })}</p>` : nothing}`;
  }

  private row(id: string, inner: TemplateResult): TemplateResult {
    const chosen = this.selected !== null && idOf(this.selected) === id;
    return html`<li><button class="plain entry" data-id=${id} aria-pressed=${chosen} @click=${() => this.choose(id)}>${inner}</button></li>`;
  }
}

export function idOf(subject: Subject): string {
  if (subject.kind === "alarm") return subject.alarm.id;
  return subject.kind === "track" ? subject.track.address : subject.area.id;
}

/** Whose aircraft an address is: what call signs suggest, a person confirms. */
import { html, nothing, type TemplateResult } from "lit";
import { customElement, state } from "lit/decorators.js";
import type { TrackView } from "../../api/types";
import { airspace, picture, plans } from "../../live/node";
import { may } from "../../live/session";
import { now, second } from "../../live/time";
import { act } from "../../offline/queue";
import { altitude, period, span } from "../../parts/format";
import { submitting, text } from "../../parts/forms";
import { levelShape } from "../../parts/icons";
import { Pane } from "../../parts/pane";
import { told } from "../../parts/toast";
import { has, language, t } from "../../words/words";

const SHOWN = 100;

@customElement("tansiq-tracks")
export class TracksPane extends Pane {
  @state() private wanted = "";

  constructor() {
    super(picture, plans, airspace, second);
  }

  private async bind(track: TrackView, plan: string): Promise<void> {
    await told(
      act({
        path: "tracks/bind",
        body: { address: track.address, plan },
        words: { key: plan ? "watch.deed-bind" : "watch.deed-bind-none", values: { what: track.callsign || track.address } },
        late: "ask",
      }),
      t("watch.bound"),
    );
  }

  private async free(track: TrackView): Promise<void> {
    await told(act({ path: "tracks/free", body: { address: track.address }, words: { key: "watch.deed-free", values: { what: track.callsign || track.address } }, late: "ask" }), t("watch.freed"));
  }

  protected override render(): unknown {
    const tracks = picture.value?.view.tracks ?? [];
    const needle = this.wanted.trim().toLocaleLowerCase(language.value);
    const rank = (track: TrackView): number => (track.may_be.length && !track.plan ? 0 : track.plan ? 1 : 2);
    const shown = tracks
      .filter((track) => `${track.callsign} ${track.address} ${track.plan_name}`.toLowerCase().includes(needle))
      .sort((a, b) => rank(a) - rank(b) || (a.callsign || a.address).localeCompare(b.callsign || b.address));
    return html`<section class="stack" aria-label=${t("watch.section-tracks")}>
      <p class="faint">${t("watch.tracks-what")}</p>
      <label class="field"
        ><span>${t("watch.find-track")}</span
        ><input type="search" dir="ltr" autocomplete="off" @input=${(event: Event) => (this.wanted = (event.target as HTMLInputElement).value)}
      /></label>
      ${shown.length
        ? html`<ul class="plain-list stack">${shown.slice(0, SHOWN).map((track) => this.row(track))}</ul>`
        : html`<p class="empty">${t("watch.no-tracks")}</p>`}
      ${shown.length > SHOWN ? html`<p class="faint">${t("watch.more-tracks", { n: shown.length - SHOWN })}</p>` : nothing}
    </section>`;
  }

  private row(track: TrackView): TemplateResult {
    const conformance = `watch.conformance-${track.conformance}`;
    const height = track.height_m ?? track.pressure_m;
    return html`<li class="panel stack" data-track=${track.address}>
      <div class="row">
        ${track.level ? html`<span class="row">${levelShape(track.level)} ${t(`level.${track.level}`)}</span>` : nothing}
        <strong><bdi>${track.callsign || track.address}</bdi></strong>
        <code class="ltr faint">${track.address}</code>
        <span>${track.plan ? t("watch.is-of", { plan: track.plan_name || track.plan.slice(0, 8), party: track.party }) : t("watch.of-none")}</span>
        <span class="badge">${has(conformance) ? t(conformance) : track.conformance}</span>
        <span class="faint">${height === null ? nothing : track.height_m === null ? nothing : altitude(track.height_m)} ${t("line_screen.ago", { age: span(track.age_s) })} · <bdi>${track.feed}</bdi></span>
      </div>
      ${may("watch") ? this.bindings(track) : nothing}
    </li>`;
  }

  private bindings(track: TrackView): TemplateResult {
    const known = (plans.value ?? []).filter((plan) => plan.status !== "ended" && aboutNow(plan));
    return html`<div class="row bindings">
      ${track.plan
        ? nothing
        : track.may_be.map(
            (intent) => html`<button class="primary" data-item data-bind @click=${() => void this.bind(track, intent)}>${t("watch.confirm-is", { plan: nameOf(intent) })}</button>`,
          )}
      <form class="row" data-form="bind" @submit=${submitting((form) => this.bind(track, text(form, "plan")))}>
        <label class="field"
          ><span>${t("watch.whose")}</span
          ><select name="plan" class="narrow">
            <option value="">${t("watch.no-plan")}</option>
            ${known.map((plan) => html`<option value=${plan.intent_id}>${plan.callsign} · ${hours(plan)}</option>`)}
            ${theirs().map(([id, name]) => html`<option value=${id}>${name}</option>`)}
          </select></label
        >
        <button>${t("watch.bind")}</button>
      </form>
      <button data-free @click=${() => void this.free(track)}>${t("watch.free")}</button>
    </div>`;
  }
}

interface Timed {
  time_start: string;
  time_end: string;
}

/** Half an hour before a plan begins, and after it ends, is when the node takes an aircraft for its own. */
const ABOUT_MS = 30 * 60_000;

function aboutNow(plan: Timed): boolean {
  return Date.parse(plan.time_start) - ABOUT_MS <= now() && now() <= Date.parse(plan.time_end) + ABOUT_MS;
}

function hours(plan: Timed): string {
  return period(Date.parse(plan.time_start), Date.parse(plan.time_end), now());
}

function theirs(): [string, string][] {
  return (airspace.value ?? [])
    .filter((entry) => entry.kind !== "constraint" && aboutNow(entry))
    .map((entry) => [entry.id, `${entry.name || entry.id.slice(0, 8)} · ${entry.manager} · ${hours(entry)}`]);
}

function nameOf(intent: string): string {
  const ours = (plans.value ?? []).find((plan) => plan.intent_id === intent || plan.id === intent);
  const other = (airspace.value ?? []).find((entry) => entry.id === intent);
  return ours?.callsign ?? other?.name ?? intent.slice(0, 8);
}

/** Drones that somebody saw: a warning to all until they are gone. */
import { html, nothing, type TemplateResult } from "lit";
import { customElement } from "lit/decorators.js";
import type { SightingGone, SightingView } from "../../api/types";
import { reread, sightings } from "../../live/node";
import { may } from "../../live/session";
import { now, second } from "../../live/time";
import { act } from "../../offline/queue";
import { distance, dtg, place } from "../../parts/format";
import { field, number, submitting, taken, text } from "../../parts/forms";
import { Pane } from "../../parts/pane";
import { typedPlace } from "../../parts/places";
import { say, told } from "../../parts/toast";
import { address } from "../../route";
import { ltr, t } from "../../words/words";

const RADIUS_M = 500;
const HOURS = 2;

@customElement("tansiq-drones")
export class DronesPane extends Pane {
  constructor() {
    super(sightings, second);
  }

  private async report(form: FormData, element: HTMLFormElement): Promise<void> {
    const at = await typedPlace(text(form, "place"));
    if (!at) return;
    const gone = await taken(
      act({
        path: "sightings",
        body: { ...at, radius_m: number(form, "radius_m") ?? RADIUS_M, words: text(form, "words"), lasts_s: (number(form, "hours") ?? HOURS) * 3600 },
        words: { key: "watch.deed-drone", values: { what: text(form, "place") } },
        late: "send",
      }),
      t("watch.drone-said"),
    );
    if (gone) element.reset();
    await reread("sightings");
  }

  private async gone(sighting: SightingView): Promise<void> {
    const answer = await told(
      act<SightingGone>({ path: "sightings/gone", body: { sighting: sighting.id }, words: { key: "watch.deed-drone-gone" }, late: "ask" }),
    );
    if (answer) say(t("watch.minutes-lost", { n: Math.round(answer.minutes_lost) }));
    await reread("sightings");
  }

  protected override render(): unknown {
    const all = sightings.value ?? [];
    return html`<section class="stack" aria-label=${t("watch.section-drones")}>
        <p class="faint">${t("watch.drones-what")} <a href=${address("line")}>${t("watch.drones-stop")}</a></p>
        ${all.length ? html`<ul class="plain-list stack">${all.map((each) => this.row(each))}</ul>` : html`<p class="empty">${t("watch.no-drones")}</p>`}
      </section>
      ${may("watch")
        ? html`<form class="panel stack" data-form="drone" @submit=${submitting((form, element) => this.report(form, element))}>
            <h2>${t("watch.drone-report")}</h2>
            <div class="grid-fields">
              ${field(t("watch.place"), "place", { required: true, ltr: true, hint: "33.10000, 36.10000" })}
              ${field(`${t("watch.within")} (${ltr("m")})`, "radius_m", { type: "number", min: "1", most: "20000", value: String(RADIUS_M), ltr: true })}
              ${field(t("watch.hours"), "hours", { type: "number", min: "1", most: "336", value: String(HOURS), ltr: true })}
            </div>
            ${field(t("watch.seen-words"), "words", { max: 200 })}
            <button class="primary">${t("watch.drone-report")}</button>
          </form>`
        : nothing}`;
  }

  private row(each: SightingView): TemplateResult {
    return html`<li class="panel stack">
      <div class="row spread">
        <strong>${place(each.lat_deg, each.lng_deg)}</strong>
        <span>${t("watch.within-of", { radius: distance(each.radius_m) })}</span>
        <span class="faint">${t("watch.seen-at", { at: dtg(Date.parse(each.time), now()), until: dtg(Date.parse(each.until), now()) })}</span>
        ${may("watch") ? html`<button data-item data-gone @click=${() => void this.gone(each)}>${t("watch.drone-gone")}</button>` : nothing}
      </div>
      ${each.words ? html`<p class="free-words"><bdi>${each.words}</bdi></p>` : nothing}
    </li>`;
  }
}

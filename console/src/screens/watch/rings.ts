/** Rings around incidents: drawn, let somebody in, taken away. */
import { html, nothing, type TemplateResult } from "lit";
import { customElement, state } from "lit/decorators.js";
import type { RingSetView } from "../../api/types";
import { picture, reread, rings } from "../../live/node";
import { may } from "../../live/session";
import { now, second } from "../../live/time";
import { act } from "../../offline/queue";
import { dtg, place } from "../../parts/format";
import { field, number, submitting, taken, text } from "../../parts/forms";
import { icons } from "../../parts/icons";
import { Pane } from "../../parts/pane";
import { typedPlace } from "../../parts/places";
import { told } from "../../parts/toast";
import { has, ltr, t } from "../../words/words";

const HOURS = 12;
const WILDFIRE = { call_nm: "12", no_entry_nm: "7", area_nm: "5" } as const;
const SURE_MS = 8_000;

@customElement("tansiq-rings")
export class RingsPane extends Pane {
  @state() private sure = "";

  constructor() {
    super(rings, picture, second);
  }

  private async draw(form: FormData, element: HTMLFormElement): Promise<void> {
    const at = await typedPlace(text(form, "place"));
    if (!at) return;
    const gone = await taken(
      act({
        path: "rings",
        body: {
          name: text(form, "name"),
          ...at,
          call_nm: number(form, "call_nm"),
          no_entry_nm: number(form, "no_entry_nm"),
          area_nm: number(form, "area_nm"),
          lasts_s: (number(form, "hours") ?? HOURS) * 3600,
        },
        words: { key: "watch.deed-ring", values: { what: text(form, "name") } },
        late: "ask",
      }),
      t("watch.ring-drawn"),
    );
    if (gone) element.reset();
    await reread("rings");
  }

  private async admit(ring: RingSetView, who: string, admitted: boolean): Promise<boolean> {
    const gone = await taken(
      act({
        path: "rings/admit",
        body: { ring: ring.id, address: who, admitted },
        words: { key: admitted ? "watch.deed-admit" : "watch.deed-dismiss", values: { what: who } },
        late: "ask",
      }),
    );
    await reread("rings");
    return gone;
  }

  private async takeAway(ring: RingSetView): Promise<void> {
    if (this.sure !== ring.id) {
      this.sure = ring.id;
      window.setTimeout(() => (this.sure = ""), SURE_MS);
      return;
    }
    this.sure = "";
    await told(act({ path: "rings/remove", body: { ring: ring.id }, words: { key: "watch.deed-ring-remove", values: { what: ring.name } }, late: "ask" }));
    await reread("rings");
  }

  protected override render(): unknown {
    const all = rings.value ?? [];
    return html`<section class="stack" aria-label=${t("watch.section-rings")}>
        <p class="faint">${t("watch.rings-what")}</p>
        ${all.length ? html`<ul class="plain-list stack">${all.map((ring) => this.row(ring))}</ul>` : html`<p class="empty">${t("watch.no-rings")}</p>`}
      </section>
      ${may("watch") ? this.form() : nothing}`;
  }

  private row(ring: RingSetView): TemplateResult {
    return html`<li class="panel stack">
      <div class="row spread">
        <h2><bdi>${ring.name}</bdi></h2>
        <span>${place(ring.lat_deg, ring.lng_deg)}</span>
        <span class="faint">${t("watch.until", { at: dtg(Date.parse(ring.until), now()) })}</span>
      </div>
      <dl class="facts">
        ${Object.entries(ring.radii_nm).map(
          ([kind, nm]) => html`<dt>${has(`watch.ring-${kind}`) ? t(`watch.ring-${kind}`) : kind}</dt><dd>${ltr(`${nm} NM`)}</dd>`,
        )}
      </dl>
      <div class="row">
        <span>${t("watch.admitted")}</span>
        ${ring.admitted.map(
          (who) =>
            html`<span class="badge"
              ><code class="ltr">${who}</code>${may("watch")
                ? html`<button class="plain" aria-label=${t("watch.dismiss", { who })} @click=${() => void this.admit(ring, who, false)}>${icons.close()}</button>`
                : nothing}</span
            >`,
        )}
        ${ring.admitted.length ? nothing : html`<span class="faint">${t("line_screen.none")}</span>`}
      </div>
      ${may("watch")
        ? html`<div class="row">
            <form
              class="row"
              data-form="admit"
              @submit=${submitting(async (form, element) => {
                if (await this.admit(ring, text(form, "address"), true)) element.reset();
              })}
            >
              ${field(t("watch.admit-who"), "address", { required: true, ltr: true, max: 110, list: "watch-addresses" })}
              <button>${t("watch.admit")}</button>
            </form>
            <button data-item data-remove class=${this.sure === ring.id ? "primary" : ""} @click=${() => void this.takeAway(ring)}>
              ${t(this.sure === ring.id ? "watch.ring-remove-sure" : "watch.ring-remove")}
            </button>
          </div>`
        : nothing}
    </li>`;
  }

  private form(): TemplateResult {
    const fill = (): void => {
      for (const [name, nm] of Object.entries(WILDFIRE)) {
        const input = this.querySelector<HTMLInputElement>(`[data-form=ring] [name=${name}]`);
        if (input) input.value = nm;
      }
    };
    const radius = (name: keyof typeof WILDFIRE, kind: string) =>
      field(`${t(`watch.ring-${kind}`)} (${ltr("NM")})`, name, { type: "number", min: "0.1", most: "100", step: "0.1", ltr: true });
    return html`<form class="panel stack" data-form="ring" @submit=${submitting((form, element) => this.draw(form, element))}>
      <h2>${t("watch.ring-draw")}</h2>
      <div class="grid-fields">
        ${field(t("watch.ring-name"), "name", { required: true, max: 60 })}
        ${field(t("watch.place"), "place", { required: true, ltr: true, hint: "33.10000, 36.10000" })}
        ${radius("call_nm", "call")} ${radius("no_entry_nm", "no-entry")} ${radius("area_nm", "area")}
        ${field(t("watch.hours"), "hours", { type: "number", min: "1", most: "336", value: String(HOURS), ltr: true })}
      </div>
      <div class="row">
        <button class="primary">${t("watch.ring-draw")}</button>
        <button type="button" @click=${fill}>${t("watch.ring-wildfire")}</button>
      </div>
      <datalist id="watch-addresses">
        ${(picture.value?.view.tracks ?? []).slice(0, 200).map((track) => html`<option value=${track.callsign || track.address}>${track.address}</option>`)}
      </datalist>
    </form>`;
  }
}

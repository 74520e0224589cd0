/** Our plans and no-go areas: where each stands, and what can be done with it. */
import { html, nothing, type TemplateResult } from "lit";
import type { Alternative, ConstraintView, PlanView } from "../../api/types";
import { constraints, plans } from "../../live/node";
import { may } from "../../live/session";
import { now } from "../../live/time";
import { act, type Deed } from "../../offline/queue";
import { band, period } from "../../parts/format";
import { told } from "../../parts/toast";
import { route } from "../../route";
import { named, t } from "../../words/words";
import { alternatives, reason } from "./verdict";

export interface Hands {
  edit: (plan: PlanView) => void;
}

const OVER = ["ended", "ending"];

export function ownPlans(hands: Hands): TemplateResult {
  const shown = (plans.value ?? []).filter((plan) => !OVER.includes(plan.status));
  const areas = (constraints.value ?? []).filter((area) => !OVER.includes(area.status));
  return html`<section class="stack" aria-label=${t("plan.ours")}>
    <h2>${t("plan.ours")}</h2>
    ${shown.length || areas.length ? nothing : html`<p class="empty">${t("plan.none")}</p>`}
    ${shown.map((plan) => one(plan, hands))} ${areas.map(area)}
  </section>`;
}

function deed(plan: PlanView, what: string, part: Pick<Deed, "path"> & Partial<Deed>): Promise<unknown> {
  return told(
    act({ late: "ask", words: { key: `plan.deed-${what}`, values: { what: plan.callsign } }, ...part }),
    t("plan.sent"),
  );
}

function one(plan: PlanView, hands: Hands): TemplateResult {
  const open = route.value.query.get("sel") === plan.id;
  const flying = plan.state !== "Accepted";
  const shift = (move: Alternative): void =>
    void deed(plan, "shift", {
      path: `plans/${plan.id}/shift`,
      body: { delay_s: move.delay_s, up_m: move.up_m, north_m: move.north_m, east_m: move.east_m },
      query: { wait_s: 5 },
    });
  return html`<details class="panel own" data-plan=${plan.id} ?open=${open || plan.status === "refused"}>
    <summary class="row spread">
      <strong><bdi>${plan.callsign || t("plan.unnamed")}</bdi></strong>
      <span class="figures">${period(Date.parse(plan.time_start), Date.parse(plan.time_end), now())}</span>
      <span class="badge ${plan.coordinated ? "good" : "not-yet"}">${t(`plan.status-${plan.status}`)}</span>
    </summary>
    <div class="stack">
      <p>${band(plan.altitude_m_min, plan.altitude_m_max)}</p>
      ${reason(plan)}
      ${plan.warnings.map((warning) => html`<p class="problem"><bdi lang="en">${named(warning)}</bdi></p>`)}
      <ul class="row">
        ${plan.registers.map(
          (register) =>
            html`<li class="badge" title=${register.problem ?? ""}><bdi>${register.id}</bdi> ${t(`plan.holds-${register.holds}`)}</li>`,
        )}
      </ul>
      ${plan.status === "refused" ? alternatives(plan, shift) : nothing}
      ${may("watch")
        ? html`<div class="row">
            ${flying
              ? nothing
              : html`<button data-do="activate" @click=${() => void deed(plan, "activate", { path: `plans/${plan.id}/activate`, query: { wait_s: 5 } })}>
                  ${t("plan.do-activate")}
                </button>`}
            <button
              data-do="notice"
              @click=${() => void deed(plan, "notice", { path: "notices", body: { id: plan.id }, late: "send" })}
            >
              ${t("plan.do-notice")}
            </button>
            <button data-do="edit" @click=${() => hands.edit(plan)}>${t("plan.do-edit")}</button>
            ${ending(() => void deed(plan, "end", { path: `plans/${plan.id}`, method: "DELETE", query: { wait_s: 5 } }))}
          </div>`
        : nothing}
    </div>
  </details>`;
}

/** Ending takes two steps: what is ended cannot be had back. */
function ending(end: () => void): TemplateResult {
  return html`<details class="guard">
    <summary class="button">${t("plan.do-end")}</summary>
    <button class="danger" data-do="end" @click=${end}>${t("plan.do-end-sure")}</button>
  </details>`;
}

function area(each: ConstraintView): TemplateResult {
  const say = (what: string, part: Pick<Deed, "path"> & Partial<Deed>): void =>
    void told(act({ late: "ask", words: { key: `plan.deed-${what}`, values: { what: each.name } }, ...part }), t("plan.sent"));
  return html`<details class="panel own" data-area=${each.id}>
    <summary class="row spread">
      <strong>${t("plan.kind-constraint")} · <bdi>${each.name || t("plan.unnamed")}</bdi></strong>
      <span class="figures">${period(Date.parse(each.time_start), Date.parse(each.time_end), now())}</span>
      <span class="badge">${t(`plan.area-${each.status.replaceAll(" ", "-")}`)}</span>
    </summary>
    <div class="stack">
      <p>${band(each.altitude_m_min, each.altitude_m_max)}</p>
      ${each.standing === "due" ? html`<p class="problem">${t("plan.area-due")}</p>` : nothing}
      ${may("watch")
        ? html`<div class="row">
            <button @click=${() => say("confirm", { path: `constraints/${each.id}/confirm` })}>${t("plan.do-confirm")}</button>
            <button @click=${() => say("notice", { path: "notices", body: { id: each.id }, late: "send" })}>${t("plan.do-notice")}</button>
            ${ending(() => say("end", { path: `constraints/${each.id}`, method: "DELETE" }))}
          </div>`
        : nothing}
    </div>
  </details>`;
}

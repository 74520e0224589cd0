/** What the node says of a plan: clear, or what is in the way, by how much, and what would clear it. */
import { html, nothing, type TemplateResult } from "lit";
import { sentences } from "../../alarms/facts";
import type { Alternative, Blocker, PlanView } from "../../api/types";
import { now } from "../../live/time";
import { band, period } from "../../parts/format";
import { icons, levelShape } from "../../parts/icons";
import { moveWords } from "../../threads/thread-panel";
import { has, named, t } from "../../words/words";

export interface Verdict {
  kind: string;
  judged: PlanView | null;
  /** What is shown is about the draft as it was a moment ago, or there is nothing yet. */
  judging: boolean;
  /** The node is not heard: the sky may be another by now. */
  stale: boolean;
  problem: string;
  use: (move: Alternative) => void;
}

/** An old verdict may go on warning while the next one is worked out; it never goes on saying that all is clear. */
export function verdict({ kind, judged, judging, stale, problem, use }: Verdict): TemplateResult {
  if (problem) return html`<p class="problem" role="status" data-verdict="problem"><bdi lang="en">${named(problem)}</bdi></p>`;
  if (kind !== "plan") return html`<p class="faint" data-verdict="none">${t("plan.verdict-not-judged")}</p>`;
  if (judged?.blockers.length)
    return html`<section class="panel stack blocked" role="status" aria-busy=${judging} data-verdict=${judging ? "judging" : "blocked"}>
      <h2>${levelShape("caution")} ${t("plan.verdict-blocked", { n: judged.blockers.length })}</h2>
      ${stale ? html`<p class="problem">${t("plan.verdict-stale")}</p>` : judging ? html`<p class="faint">${t("plan.verdict-judging")}</p>` : nothing}
      ${judged.blockers.map(blocker)} ${alternatives(judged, use)}
    </section>`;
  if (judging) return html`<p class="faint" role="status" data-verdict="judging">${t("plan.verdict-judging")}</p>`;
  if (!judged) return html`<p class="faint" role="status" data-verdict="none">${t("plan.verdict-none")}</p>`;
  if (stale) return html`<p class="problem" role="status" data-verdict="stale">${t("plan.verdict-stale")}</p>`;
  return html`<p class="panel clear" role="status" data-verdict="clear">${icons.done()} ${t("plan.verdict-clear")}</p>`;
}

function blocker(each: Blocker): TemplateResult {
  const who = each.name || t("plan.unnamed");
  const codes = [
    each.horizontal_m > 0 ? "blocker-horizontal" : "blocker-overlap",
    each.vertical_m > 0 ? "blocker-vertical" : "blocker-same-levels",
    each.time_s > 0 ? "blocker-time" : "blocker-same-time",
  ];
  const facts = { ...each } as unknown as Record<string, string | number | null>;
  return html`<details class="blocker">
    <summary>
      <strong>${t(each.kind === "constraint" ? "plan.blocked-area" : "plan.blocked-by", { name: who, party: each.manager })}</strong><br />
      ${codes.flatMap((code) => sentences({ code, facts })).join(" ")} ${each.least ? t(`plan.least-${each.least}`) : nothing}
    </summary>
    <p>${t("plan.where", { band: band(each.altitude_m_min, each.altitude_m_max), period: period(Date.parse(each.time_start), Date.parse(each.time_end), now()) })}</p>
    <p class="faint"><bdi lang="en">${named(each.sentence)}</bdi></p>
  </details>`;
}

/** Why a plan does not stand, by its code; the node's own sentence beside it. */
export function reason(plan: PlanView): TemplateResult | typeof nothing {
  if (!plan.reason) return nothing;
  const key = `alarms.reason-${plan.reason_code ?? ""}`;
  return html`<p class="problem">
    ${has(key) ? html`${t(key)}<br />` : nothing}<bdi lang="en" class="faint">${named(plan.reason)}</bdi>
  </p>`;
}

export function alternatives(plan: PlanView, use: (move: Alternative) => void): TemplateResult {
  return html`${plan.alternatives.length
    ? html`<div class="row" role="group" aria-label=${t("plan.ways")}>
        <span>${t("plan.ways")}</span>
        ${plan.alternatives.map((move) => html`<button type="button" data-alternative=${move.kind} @click=${() => use(move)}>${moveWords(move)}</button>`)}
      </div>`
    : html`<p>${t("plan.no-ways")}</p>`}
  ${plan.theirs.length
    ? html`<p>${t("plan.theirs")} ${plan.theirs.map((move) => html`<span class="badge">${moveWords(move)}</span> `)}</p>`
    : nothing}
  ${plan.no_slot ? html`<p class="problem"><bdi lang="en">${named(plan.no_slot)}</bdi></p>` : nothing}`;
}

/** One line as it stands: both stances, whether somebody is there, the clocks, what has not arrived. */
import { html, LitElement, nothing, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import type { LineView, OutboxEntry, SpanView, YieldsView } from "../../api/types";
import { ask, Problem, Unreachable } from "../../api/client";
import { lines, outbox, plans, status, threads } from "../../live/node";
import { may, session } from "../../live/session";
import { Watching } from "../../live/store";
import { now, second } from "../../live/time";
import { act } from "../../offline/queue";
import { countdown, dtg, span, zulu } from "../../parts/format";
import { submitting, taken, text } from "../../parts/forms";
import { icons } from "../../parts/icons";
import { told } from "../../parts/toast";
import { moveWords } from "../../threads/thread-panel";
import { language, ltr, named, t } from "../../words/words";
import { agreement, partyName } from "./agreed";
import "./letters";
import { inExercise, practice, practising } from "./practice";

export const STANCES = ["open", "degraded", "exercise", "suspended", "closed"] as const;
const YIELDS_SHOWN = 20;

@customElement("tansiq-line-state")
export class LineState extends LitElement {
  @property() party = "";
  @state() private setting = false;
  @state() private yields: YieldsView | null = null;
  private yieldsOf = "";

  constructor() {
    super();
    new Watching(this, lines, plans, outbox, threads, second, language, session, status, agreement, practising);
  }

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  protected override willUpdate(): void {
    if (this.yieldsOf !== this.party) [this.yieldsOf, this.yields] = [this.party, null];
  }

  private async check(): Promise<void> {
    await told(
      act({
        path: "checks",
        body: { to: [this.party], exercise: practice(this.party) },
        words: { key: "line_screen.deed-check", values: { party: this.party } },
        late: "ask",
      }),
      t("line_screen.check-sent"),
    );
  }

  private async reply(id: string): Promise<void> {
    await told(
      act({ path: `threads/${id}/reply`, words: { key: "deed.reply", values: { what: this.party } }, late: "ask" }),
      t("thread.said"),
    );
  }

  private async set(form: FormData): Promise<void> {
    const words = text(form, "text");
    const gone = await taken(
      act({
        path: "line",
        body: { state: text(form, "state"), to: [this.party], ...(words ? { text: words, language: language.value } : {}) },
        words: { key: "line_screen.deed-stance", values: { party: this.party, state: t(`line.state-${text(form, "state")}`) } },
        late: "ask",
      }),
      t("thread.said"),
    );
    if (gone) this.setting = false;
  }

  private async loadYields(): Promise<void> {
    try {
      this.yields = await ask<YieldsView>("yields", { query: { party: this.party, last: YIELDS_SHOWN } });
    } catch (error) {
      if (!(error instanceof Problem || error instanceof Unreachable)) throw error;
      await told(Promise.reject(error));
    }
  }

  protected override render(): unknown {
    const line = lines.value?.lines.find((each) => each.party === this.party);
    if (!line) return html`<p class="empty">${t("shell.loading")}</p>`;
    const fine = line.state === "open";
    return html`<section class="panel stack line-state" aria-label=${t("line_screen.state-of", { party: line.name || line.party })}>
      <div class="row spread">
        <h2><bdi>${partyName(line.party, language.value)}</bdi></h2>
        <span class="badge">${fine ? icons.link() : icons.cut()} ${t(`line.state-${line.state}`)}</span>
      </div>
      ${this.checks(line)}
      <dl class="facts">
        ${line.stances.map((stance) => html`<dt>${stance.party === status.value?.party ? t("line_screen.we-say") : t("line_screen.they-say")}</dt>
          <dd>
            ${stance.stance ? t(`line.state-${stance.stance}`) : t("line_screen.nothing-said")}${stance.since
              ? html` <span class="faint">${t("line_screen.since", { at: dtg(Date.parse(stance.since), now()) })}</span>`
              : nothing}
          </dd>`)}
        <dt>${t("line_screen.clock")}</dt>
        <dd>${t(`line_screen.clock-${line.clock}`)} <span class="faint">${offset(line.offset)}</span></dd>
        <dt>${t("line_screen.heard")}</dt>
        <dd>${line.heard ? t("line_screen.ago", { age: span((now() - Date.parse(line.heard)) / 1000) }) : t("line_screen.never")}</dd>
        <dt>${t("line_screen.overdue")}</dt>
        <dd>${t("line_screen.ours-theirs", { ours: ltr(line.overdue_ours), theirs: ltr(line.overdue_theirs) })}</dd>
        <dt>${t("line_screen.late")}</dt>
        <dd>${t("line_screen.ours-theirs", { ours: ltr(line.late_ours), theirs: ltr(line.late_theirs) })}</dd>
        <dt>${t("line_screen.missing")}</dt>
        <dd>${line.missing.length ? ltr(line.missing.join(", ")) : t("line_screen.none")}</dd>
        ${line.stops ? html`<dt>${t("line_screen.stops")}</dt><dd><strong>${ltr(line.stops)}</strong></dd>` : nothing}
      </dl>
      ${this.waiting(line)} ${this.buttons(line)} ${this.setting ? this.stanceForm(line) : nothing}
      <tansiq-letters .party=${line.party}></tansiq-letters> ${this.ledger()}
    </section>`;
  }

  private checks(line: LineView): TemplateResult {
    const asked = (threads.value ?? []).find(
      (each) => each.kind === "check" && each.party === line.party && !each.ours && !["replied", "withdrawn"].includes(each.stage) && each.open,
    );
    const at = Date.parse(line.next_check);
    const late = line.check !== "quiet";
    return html`<div class="check ${line.check}">
      <p>
        ${late ? icons.overdue() : icons.done()} <strong>${t(`line_screen.check-${line.check}`)}</strong>
        <span class="figures">${countdown(at, now())}</span><br />
        <span class="faint"
          >${line.last_check ? t("line_screen.last-check", { at: dtg(Date.parse(line.last_check), now()) }) : t("line_screen.no-check")} ·
          ${t("line_screen.next-check", { at: dtg(at, now()) })}</span
        >
      </p>
      ${may("watch")
        ? html`<div class="row">
            ${asked
              ? html`<button class="primary" data-reply @click=${() => void this.reply(asked.id)}>
                  ${t("line_screen.answer-check", { at: zulu(Date.parse(asked.time), false) })}
                </button>`
              : nothing}
            <button data-check @click=${() => void this.check()}>${t("line_screen.send-check")}</button>
          </div>`
        : nothing}
    </div>`;
  }

  private waiting(line: LineView): TemplateResult | typeof nothing {
    const left = (outbox.value ?? []).filter((each) => each.party === line.party);
    if (!left.length) return nothing;
    return html`<div class="stack" role="group" aria-label=${t("line_screen.outbox")}>
      <h3>${icons.waiting()} ${t("line_screen.outbox")} ${ltr(left.length)}</h3>
      <ul class="plain-list stack">
        ${left.map((each) => waitingRow(each))}
      </ul>
    </div>`;
  }

  private buttons(line: LineView): TemplateResult | typeof nothing {
    if (!may("watch")) return nothing;
    return html`<div class="row">
      <button aria-expanded=${this.setting} data-set-stance @click=${() => (this.setting = !this.setting)}>${t("line_screen.set-state")}</button>
      ${inExercise(line.party)
        ? html`<label class="check"
            ><input
              type="checkbox"
              data-exercise
              .checked=${practising.value}
              @change=${(event: Event) => practising.set((event.target as HTMLInputElement).checked)}
            />${t("line_screen.as-exercise")}</label
          >`
        : nothing}
    </div>`;
  }

  private stanceForm(line: LineView): TemplateResult {
    const mine = line.stances.find((stance) => stance.party === status.value?.party)?.stance;
    return html`<form class="stack" data-form="stance" @submit=${submitting((form) => this.set(form))}>
      <label class="field"
        ><span>${t("line_screen.our-state")}</span
        ><select name="state">
          ${STANCES.map((each) => html`<option value=${each} ?selected=${each === mine}>${t(`line.state-${each}`)} – ${t(`line_screen.means-${each}`)}</option>`)}
        </select></label
      >
      <label class="field"><span>${t("thread.free-words")}</span><input name="text" maxlength="2000" dir="auto" autocomplete="off" /></label>
      <button class="primary">${t("line_screen.say-state")}</button>
    </form>`;
  }

  /** Who gave way: read when somebody wants to know. */
  private ledger(): TemplateResult {
    const { yields } = this;
    const tally = yields?.tally.find((each) => each.party === this.party);
    return html`<div class="stack">
      <button
        class="plain underlined"
        aria-expanded=${yields !== null}
        data-yields
        @click=${() => (yields ? (this.yields = null) : void this.loadYields())}
      >
        ${t("line_screen.yields")}
      </button>
      ${yields === null
        ? nothing
        : html`<p>
              ${t("line_screen.yields-ours", { n: tally?.ours ?? 0, by: span(tally?.ours_delay_s ?? 0) })}<br />
              ${t("line_screen.yields-theirs", { n: tally?.theirs ?? 0, by: span(tally?.theirs_delay_s ?? 0) })}
            </p>
            <ul class="plain-list stack">
              ${yields.yields.map(
                (each) => html`<li>
                  <span class="figures">${dtg(Date.parse(each.time), now())}</span>
                  <bdi class=${each.ours ? "ours" : "theirs"}>${each.moved}</bdi> · <bdi>${planName(each.plan)}</bdi>
                  ${each.shift ? moveWords({ delay_s: 0, up_m: 0, north_m: 0, east_m: 0, ...each.shift }) : nothing}
                </li>`,
              )}
            </ul>`}
    </div>`;
  }
}

/** What we call a plan; another's has an id and no more here. */
function planName(id: string): string {
  return (plans.value ?? []).find((plan) => plan.id === id || plan.intent_id === id)?.callsign ?? id.slice(0, 8);
}

function waitingRow(each: OutboxEntry): TemplateResult {
  return html`<li class="waiting-row">
    <strong>${t(`thread.kind-${each.kind}`)}</strong> · ${t("line_screen.since", { at: dtg(Date.parse(each.since), now()) })} ·
    ${t("line_screen.tries", { n: each.tries })}
    ${each.refused ? html`<strong>${t("line_screen.refused")}</strong>` : nothing}
    ${each.problem ? html`<br /><bdi lang="en" class="faint">${named(each.problem)}</bdi>` : nothing}
  </li>`;
}

/** How far their clock may be ahead of ours, both ends. */
function offset(of: SpanView): string {
  const end = (s: number | null): string => (s === null ? "?" : `${s > 0 ? "+" : ""}${s.toFixed(2)}`);
  return of.least_s === null && of.most_s === null ? "" : ltr(`${end(of.least_s)} … ${end(of.most_s)} s`);
}

/** One row a notice: how far up the ladder, what is due and when, how much notice was given. */
import "./board.css";
import { html, LitElement, nothing, type TemplateResult } from "lit";
import { customElement, state } from "lit/decorators.js";
import type { RungView, ThreadView } from "../../api/types";
import { useKeys } from "../../keys";
import { status, threads } from "../../live/node";
import { session } from "../../live/session";
import { Watching } from "../../live/store";
import { now, second } from "../../live/time";
import { countdown, dtg, given, period, span, zulu } from "../../parts/format";
import { icons } from "../../parts/icons";
import { mark, route } from "../../route";
import { waitsForUs } from "../../threads/acts";
import "../../threads/thread-panel";
import { language, t } from "../../words/words";

const RUNGS = ["sent", "arrived", "seen", "read-back", "answered", "decided"] as const;
const DECIDED = ["settled"];

@customElement("tansiq-board")
export class Board extends LitElement {
  @state() private all = false;
  private endKeys = (): void => undefined;

  constructor() {
    super();
    new Watching(this, threads, second, language, route, status, session);
  }

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.endKeys = useKeys([
      { code: "KeyJ", words: "keys.next", run: () => this.step(1) },
      { code: "KeyK", words: "keys.previous", run: () => this.step(-1) },
      { code: "Enter", words: "keys.open", run: () => this.enter() },
      { code: "Escape", words: "keys.clear", run: () => this.leave(), inFields: true },
    ]);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.endKeys();
  }

  /** What waits for us first, then by time to its start, then what is settled. */
  private rows(): ThreadView[] {
    const us = status.value?.party ?? "";
    const notices = (threads.value ?? []).filter((thread) => thread.kind === "notice");
    const shown = this.all ? notices : notices.filter((thread) => !thread.superseded && !this.past(thread));
    const rank = (thread: ThreadView): number => (waitsForUs(thread, us) ? 0 : thread.open ? 1 : 2);
    return shown.sort(
      (a, b) => rank(a) - rank(b) || (a.start ?? a.time).localeCompare(b.start ?? b.time) || a.id.localeCompare(b.id),
    );
  }

  private past(thread: ThreadView): boolean {
    const over = thread.end !== null && Date.parse(thread.end) < now();
    return !thread.open && (over || ["withdrawn", "refused"].includes(thread.stage));
  }

  private step(by: number): void {
    const rows = this.rows();
    if (!rows.length) return;
    const at = rows.findIndex((thread) => thread.id === route.value.query.get("sel"));
    const next = rows[Math.min(rows.length - 1, Math.max(0, at + by))];
    if (next) mark({ sel: next.id });
    void this.updateComplete.then(() => this.querySelector<HTMLElement>("tr.selected button")?.focus());
  }

  private enter(): void {
    const focused = document.activeElement;
    if (focused instanceof HTMLButtonElement || focused instanceof HTMLAnchorElement) return focused.click();
    this.querySelector<HTMLElement>("tansiq-thread [data-act]")?.focus();
  }

  private leave(): void {
    const { activeElement } = document;
    if (activeElement instanceof HTMLElement && activeElement.closest("form")) activeElement.blur();
    else mark({ sel: "" });
  }

  protected override render(): unknown {
    const rows = this.rows();
    const selected = route.value.query.get("sel") ?? "";
    return html`<div class="screen board ${selected ? "with-thread" : ""}">
      <section class="stack">
        <div class="row spread">
          <h1>${t("nav.board")}</h1>
          <label class="check"
            ><input type="checkbox" .checked=${this.all} @change=${(event: Event) => (this.all = (event.target as HTMLInputElement).checked)} />${t("board.all")}</label
          >
        </div>
        ${threads.value === null
          ? html`<p class="empty">${t("shell.loading")}</p>`
          : rows.length
            ? this.table(rows, selected)
            : html`<p class="empty">${t("board.empty")}</p>`}
      </section>
      ${selected
        ? html`<aside class="stack" aria-label=${t("thread.title")}>
            <div class="row spread">
              <span></span><button class="plain" aria-label=${t("shell.close")} @click=${() => mark({ sel: "" })}>${icons.close()}</button>
            </div>
            <tansiq-thread .thread=${selected}></tansiq-thread>
          </aside>`
        : nothing}
    </div>`;
  }

  private table(rows: ThreadView[], selected: string): TemplateResult {
    return html`<div class="scroll" tabindex="0" role="region" aria-label=${t("nav.board")}>
      <table>
        <thead>
          <tr>
            <th scope="col">${t("board.party")}</th>
            <th scope="col">${t("board.flight")}</th>
            <th scope="col">${t("board.begins")}</th>
            ${RUNGS.map((rung) => html`<th scope="col">${t(`rung.${rung}`)}</th>`)}
            <th scope="col">${t("board.lead")}</th>
            <th scope="col">${t("board.stage")}</th>
          </tr>
        </thead>
        <tbody>
          ${rows.map((thread) => this.row(thread, thread.id === selected))}
        </tbody>
      </table>
    </div>`;
  }

  private row(thread: ThreadView, selected: boolean): TemplateResult {
    const us = status.value?.party ?? "";
    const wait = waitsForUs(thread, us);
    const start = thread.start ? Date.parse(thread.start) : null;
    return html`<tr
      data-thread=${thread.id}
      class="${selected ? "selected" : ""} ${wait ? "waits" : ""} ${thread.superseded ? "superseded" : ""}"
      @click=${() => mark({ sel: thread.id })}
    >
      <td>
        <span class="row ${thread.ours ? "ours" : "theirs"}"
          >${thread.ours ? icons.outgoing() : icons.incoming()} <bdi>${thread.party}</bdi></span
        ><span class="faint">${t(thread.ours ? "board.out" : "board.in")}</span>
      </td>
      <td>
        <button class="plain flight" aria-pressed=${selected} @click=${() => mark({ sel: thread.id })}>
          <bdi>${thread.callsign || t(`board.subject-${thread.subject ?? "plan"}`)}</bdi>
        </button>
        ${thread.mode === "exercise" ? html`<span class="badge">${t("shell.exercise-word")}</span>` : nothing}
        ${thread.superseded ? html`<span class="badge">${t("board.superseded")}</span>` : nothing}
      </td>
      <td class="figures">
        ${start === null
          ? nothing
          : html`<strong>${countdown(start, now())}</strong><br /><span class="faint"
                >${thread.end ? period(start, Date.parse(thread.end), now()) : dtg(start, now())}</span
              >`}
      </td>
      ${RUNGS.map((rung) => this.rung(thread, rung))} ${this.lead(thread)}
      <td>
        <span class="badge ${wait ? "waiting" : ""}">${t(`stage.${thread.stage}`)}</span>
        ${wait ? html`<br /><strong>${t("board.your-turn")}</strong>` : nothing}
      </td>
    </tr>`;
  }

  private rung(thread: ThreadView, rung: (typeof RUNGS)[number]): TemplateResult {
    const reached = thread.rungs.find((each) => each.rung === rung);
    if (reached) return this.reached(reached);
    if (rung === "decided" && DECIDED.includes(thread.stage)) return html`<td class="rung done">${icons.done()} <span class="hidden-text">${t("board.done")}</span></td>`;
    if (thread.due?.rung === rung && thread.open) {
      const at = Date.parse(thread.due.at);
      const late = at <= now();
      return html`<td class="rung ${late ? "late" : "due"}">
        ${late ? icons.overdue() : icons.waiting()}
        <span class="figures">${countdown(at, now())}</span><br />
        <span class=${late ? "" : "faint"}>${t(late ? "board.overdue" : "board.due-by", { party: thread.due.by })}</span>
        ${late && thread.due.fired.length ? html`<br />${t("board.turned-to", { who: thread.due.fired.join(", ") })}` : nothing}
        ${late && thread.due.escalation
          ? html`<br /><span>${t("board.next", { who: thread.due.escalation, at: thread.due.escalation_at ? zulu(Date.parse(thread.due.escalation_at)) : "" })}</span>`
          : nothing}
      </td>`;
    }
    return html`<td class="rung faint">${icons.missing()}<span class="hidden-text">${t("board.not-yet")}</span></td>`;
  }

  private reached(rung: RungView): TemplateResult {
    return html`<td class="rung done">
      ${icons.done()} <span class="figures">${zulu(Date.parse(rung.time), false)}</span
      >${rung.by ? html`<br /><span class="faint"><bdi>${rung.by}</bdi></span>` : nothing}
    </td>`;
  }

  private lead(thread: ThreadView): TemplateResult {
    const { lead } = thread;
    if (!lead) return html`<td class="faint">—</td>`;
    return html`<td class="figures ${lead.late === "no" ? "" : "late"}">
      ${given(lead.shown)} / ${span(lead.required_s)}
      ${lead.late === "no" ? nothing : html`<br /><strong>${t(lead.late === "yes" ? "board.late" : "board.lead-unknown")}</strong>`}
    </td>`;
  }
}

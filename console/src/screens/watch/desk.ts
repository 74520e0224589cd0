/** Who has the watch; the sheet that is handed over, seen before it is signed; the test of the alarms. */
import { html, nothing, type TemplateResult } from "lit";
import { customElement, state } from "lit/decorators.js";
import type { WatchView } from "../../api/types";
import { openAlarms, stops } from "../../alarms/attention";
import { alarmWords } from "../../alarms/say";
import { audible, made, play } from "../../alarms/sound";
import { lines, outbox, picture, plans, status, threads } from "../../live/node";
import { may } from "../../live/session";
import { now, second } from "../../live/time";
import { act } from "../../offline/queue";
import { countdown, dtg, period, span } from "../../parts/format";
import { submitting, taken, text } from "../../parts/forms";
import { levelShape } from "../../parts/icons";
import { Pane } from "../../parts/pane";
import { settings } from "../../parts/settings";
import { told } from "../../parts/toast";
import { address } from "../../route";
import { language, ltr, named, t } from "../../words/words";
import { agreement, needAgreement } from "../line/agreed";

const AHEAD_MS = 12 * 3_600_000;
const LEVELS = ["advisory", "caution", "warning"] as const;

@customElement("tansiq-desk")
export class DeskPane extends Pane {
  @state() private taking = false;

  constructor() {
    super(lines, picture, plans, outbox, threads, status, second, agreement, made, audible, settings);
  }

  override connectedCallback(): void {
    super.connectedCallback();
    void needAgreement();
  }

  private async take(form: FormData): Promise<void> {
    const gone = await taken(
      act({
        path: "watch",
        body: { desk: text(form, "desk"), text: text(form, "text") },
        words: { key: "watch.deed-take" },
        late: "ask",
      }),
      t("watch.taken"),
    );
    if (gone) this.taking = false;
  }

  protected override render(): unknown {
    const watch = lines.value?.watch;
    if (!watch) return html`<p class="empty">${t("shell.loading")}</p>`;
    return html`<div class="two">
      <section class="panel stack" aria-label=${t("watch.section-desk")}>
        <h2>${t("watch.who")}</h2>
        ${this.who(watch)}
        ${may("watch")
          ? html`<div class="row">
              <button class="primary" data-take aria-expanded=${this.taking} @click=${() => (this.taking = !this.taking)}>${t("watch.take")}</button>
            </div>`
          : nothing}
        ${this.taking ? this.takeForm(watch) : nothing}
        <p><a class="button" href=${address("day", { sheet: "hand-over" })}>${t("watch.print-sheet")}</a></p>
      </section>
      ${this.openNow()} ${this.test()} ${watch.items.length ? this.sheet(watch) : nothing}
    </div>`;
  }

  private who(watch: WatchView): TemplateResult {
    if (!watch.name) return html`<p class="problem">${t("shell.no-watch")}</p>`;
    const since = watch.since ? Date.parse(watch.since) : null;
    return html`<dl class="facts">
      <dt>${t("watch.has")}</dt>
      <dd><strong><bdi>${watch.name}</bdi></strong> (<bdi>${watch.initials}</bdi>)</dd>
      ${since === null
        ? nothing
        : html`<dt>${t("watch.since")}</dt>
            <dd>${dtg(since, now())} · ${t("line_screen.ago", { age: span((now() - since) / 1000) })}</dd>`}
      ${watch.relieved ? html`<dt>${t("watch.relieved")}</dt><dd><bdi>${watch.relieved}</bdi></dd>` : nothing}
      ${watch.desk ? html`<dt>${t("watch.desk")}</dt><dd><bdi>${watch.desk}</bdi></dd>` : nothing}
      <dt>${t("watch.open-then")}</dt>
      <dd>${ltr(watch.open_items)}</dd>
      ${watch.text ? html`<dt>${t("watch.word")}</dt><dd class="free-words"><bdi>${watch.text}</bdi></dd>` : nothing}
    </dl>`;
  }

  /** What is open is read first: whoever takes the watch signs that it was shown. */
  private takeForm(watch: WatchView): TemplateResult {
    const desks = agreement.value?.parties.find((party) => party.ours)?.desks ?? [];
    return html`<form class="stack" data-form="take" @submit=${submitting((form) => this.take(form))}>
      <p>${watch.name ? t("watch.take-from", { who: watch.name }) : t("watch.take-empty")}</p>
      ${desks.length
        ? html`<label class="field"
            ><span>${t("watch.desk")}</span
            ><select name="desk">
              <option value="">${t("watch.no-desk")}</option>
              ${desks.map((desk) => html`<option value=${desk.id} ?selected=${desk.id === watch.desk}>${desk.names[language.value] ?? desk.names["en"] ?? desk.id}</option>`)}
            </select></label
          >`
        : nothing}
      <label class="field"><span>${t("watch.word")}</span><textarea name="text" rows="2" maxlength="2000" dir="auto"></textarea></label>
      <label class="check"><input type="checkbox" name="read" required />${t("watch.have-read", { n: this.items() })}</label>
      <button class="primary" data-take-send>${t("watch.take-confirm")}</button>
    </form>`;
  }

  private openThreads() {
    return (threads.value ?? []).filter((each) => each.open && !each.superseded);
  }

  private items(): number {
    return this.openThreads().length;
  }

  /** What would be handed over now. */
  private openNow(): TemplateResult {
    const open = this.openThreads();
    const next = (plans.value ?? [])
      .filter((plan) => plan.status !== "ended" && Date.parse(plan.time_end) > now() && Date.parse(plan.time_start) < now() + AHEAD_MS)
      .sort((a, b) => a.time_start.localeCompare(b.time_start));
    const waiting = outbox.value ?? [];
    const alarms = openAlarms();
    return html`<section class="panel stack" data-handed-over aria-label=${t("watch.handed-over")}>
      <h2>${t("watch.handed-over")}</h2>
      ${list(
        t("watch.stops"),
        stops().map((stop) => html`<a data-item href=${address("line", { thread: stop.id })}>${t(stop.ours ? "shell.stop-ours" : "shell.stop-banner", { party: stop.party })}</a>`),
      )}
      ${list(
        t("watch.open-alarms"),
        alarms.map((alarm) => html`<span class="row">${levelShape(alarm.level)} ${t(`level.${alarm.level}`)} · ${alarmWords(alarm)} · ${t(`alarm.stage-${alarm.stage}`)}</span>`),
      )}
      ${list(
        t("watch.open-talks"),
        open.map(
          (each) =>
            html`<a data-item href=${each.kind === "notice" ? address("board", { sel: each.id }) : address("line", { thread: each.id })}
              ><bdi>${each.party}</bdi> · ${t(`thread.kind-${each.kind}`)} ${each.callsign ? html`<bdi>${each.callsign}</bdi>` : nothing} · ${t(`stage.${each.stage}`)}
              ${each.due?.overdue ? html`<strong>${t("board.overdue")}</strong>` : nothing}</a
            >`,
        ),
      )}
      ${list(
        t("watch.outbox"),
        waiting.map(
          (each) => html`<bdi>${each.party}</bdi> · ${t(`thread.kind-${each.kind}`)} · ${t("line_screen.since", { at: dtg(Date.parse(each.since), now()) })}
            ${each.problem ? html`<br /><bdi lang="en" class="faint">${named(each.problem)}</bdi>` : nothing}`,
        ),
      )}
      ${list(
        t("watch.next-plans"),
        next.map(
          (plan) =>
            html`<span class="figures">${countdown(Date.parse(plan.time_start), now())}</span> <bdi>${plan.callsign}</bdi> ·
              ${period(Date.parse(plan.time_start), Date.parse(plan.time_end), now())} ·
              ${plan.coordinated ? t("watch.coordinated") : html`<strong>${t("watch.not-coordinated")}</strong>`}`,
        ),
      )}
    </section>`;
  }

  /** The sheet that was signed when the watch was taken. */
  private sheet(watch: WatchView): TemplateResult {
    return html`<section class="panel stack" aria-label=${t("watch.signed-sheet")}>
      <h2>${t("watch.signed-sheet")}</h2>
      ${list(
        t("watch.open-then"),
        watch.items.map(
          (item) =>
            html`<a data-item href=${address("line", { thread: item.thread })}><bdi>${item.party}</bdi> · ${t(`thread.kind-${item.kind}`)} · ${t(`stage.${item.stage}`)}</a>`,
        ),
      )}
      ${watch.sheet ? html`<p class="faint">${t("thread.id")} <code class="ltr">${watch.sheet.slice(0, 12)}</code></p>` : nothing}
    </section>`;
  }

  private test(): TemplateResult {
    const tested = openAlarms().find((alarm) => alarm.kind === "test");
    return html`<section class="panel stack" aria-label=${t("watch.test")}>
      <h2>${t("watch.test")}</h2>
      <p>${t("watch.test-what")}</p>
      <ul class="plain-list stack lamps">
        ${LEVELS.map(
          (level) => html`<li class="alarm ${level}"><span class="level">${levelShape(level)} ${t(`level.${level}`)}</span> <span class="grow">${t(`watch.sound-${level}`)}</span>
            ${level === "advisory"
              ? nothing
              : html`<button aria-label="${t("watch.hear")}: ${t(`level.${level}`)}" @click=${() => play(level)}>${t("watch.hear")}</button>`}
          </li>`,
        )}
      </ul>
      <p role="status">
        ${!settings.value.sound ? t("watch.sound-off") : audible.value ? t("watch.sound-ready") : t("shell.no-sound")}
        ${tested ? html`<br /><strong>${t("watch.test-runs")}</strong>` : nothing}
        ${made.value.length ? html`<br />${t("watch.last-sound", { what: t(`watch.made-${made.value.at(-1)}`) })}` : nothing}
      </p>
      ${may("watch")
        ? html`<button
            data-alarm-test
            @click=${() => void told(act({ path: "alarm-test", words: { key: "watch.test" }, late: "ask" }), t("watch.test-begun"))}
          >
            ${t("watch.test-do")}
          </button>`
        : nothing}
    </section>`;
  }
}

function list(title: string, rows: unknown[]): TemplateResult {
  return html`<div>
    <h3>${title} ${ltr(rows.length)}</h3>
    ${rows.length ? html`<ul class="plain-list rows">${rows.map((each) => html`<li>${each}</li>`)}</ul>` : html`<p class="faint">${t("line_screen.none")}</p>`}
  </div>`;
}

/** Alarms in sight and such as are over; keeping one silent, and saying that one was for nothing. */
import { html, nothing, type TemplateResult } from "lit";
import { customElement, state } from "lit/decorators.js";
import type { AlarmView } from "../../api/types";
import { openAlarms } from "../../alarms/attention";
import { sentences } from "../../alarms/facts";
import { alarmSentences, alarmWhere, alarmWords } from "../../alarms/say";
import { alarmHistory, picture, reread } from "../../live/node";
import { may } from "../../live/session";
import { now, second } from "../../live/time";
import { act } from "../../offline/queue";
import { dtg } from "../../parts/format";
import { field, number, submitting, taken, text } from "../../parts/forms";
import { levelShape } from "../../parts/icons";
import { Pane } from "../../parts/pane";
import { told } from "../../parts/toast";
import { ltr, named, t } from "../../words/words";

const SHOWN = 200;

@customElement("tansiq-alarm-list")
export class AlarmListPane extends Pane {
  @state() private silencing = "";
  @state() private original = "";

  constructor() {
    super(picture, alarmHistory, second);
  }

  override connectedCallback(): void {
    super.connectedCallback();
    void reread("alarms");
  }

  private async suppress(alarm: AlarmView, form: FormData): Promise<void> {
    const gone = await taken(
      act({
        path: `alarms/${alarm.id}/suppress`,
        body: { minutes: number(form, "minutes") ?? 10, reason: text(form, "reason") },
        words: { key: "watch.deed-suppress", values: { what: alarmWords(alarm) } },
        late: "ask",
      }),
      t("watch.suppressed"),
    );
    if (gone) this.silencing = "";
  }

  private async nuisance(alarm: AlarmView): Promise<void> {
    await told(
      act({ path: `alarms/${alarm.id}/nuisance`, words: { key: "watch.deed-nuisance", values: { what: alarmWords(alarm) } }, late: "ask" }),
      t("watch.nuisance-counted"),
    );
    await reread("alarms");
  }

  protected override render(): unknown {
    const open = openAlarms();
    const shown = new Set(open.map((alarm) => alarm.id));
    const over = (alarmHistory.value ?? [])
      .filter((alarm) => !shown.has(alarm.id))
      .sort((a, b) => b.changed.localeCompare(a.changed))
      .slice(0, SHOWN);
    return html`<section class="stack" aria-label=${t("watch.in-sight")}>
        <h2>${t("watch.in-sight")} ${ltr(open.length)}</h2>
        ${open.length ? this.table(open) : html`<p class="empty">${t("watch.no-alarms")}</p>`}
      </section>
      <section class="stack" aria-label=${t("watch.over")}>
        <h2>${t("watch.over")} ${ltr(over.length)}</h2>
        <p class="faint">${t("watch.nuisances", { n: picture.value?.view.nuisances_today ?? 0 })}</p>
        ${over.length ? this.table(over) : html`<p class="empty">${t("watch.no-history")}</p>`}
      </section>`;
  }

  private table(alarms: AlarmView[]): TemplateResult {
    return html`<ul class="plain-list stack">
      ${alarms.map((alarm) => this.row(alarm))}
    </ul>`;
  }

  private row(alarm: AlarmView): TemplateResult {
    const silencing = this.silencing === alarm.id;
    const shown = this.original === alarm.id;
    // What was too much yesterday cannot be kept silent any more; what rings as a warning must not be.
    const silenceable = !alarm.cleared && alarm.level !== "warning" && !["suppressed", "returned", "cleared"].includes(alarm.stage);
    return html`<li class="panel alarm-row" data-alarm-row=${alarm.id}>
      <div class="row">
        <button class="plain level" data-item aria-expanded=${shown} aria-label="${t(`level.${alarm.level}`)}: ${alarmWords(alarm)}" @click=${() => (this.original = shown ? "" : alarm.id)}>
          ${levelShape(alarm.level)} ${t(`level.${alarm.level}`)}
        </button>
        <strong class="grow">${alarmWords(alarm)}</strong>
        <span class="badge">${t(`alarm.stage-${alarm.stage}`)}</span>
        ${alarm.nuisance ? html`<span class="badge">${t("watch.nuisance")}</span>` : nothing}
      </div>
      ${alarmSentences(alarm).map((said) => html`<p>${said}</p>`)}
      <p class="faint">
        ${t("watch.raised", { at: dtg(Date.parse(alarm.raised), now()) })}
        ${alarm.cleared ? html` · ${t("watch.cleared", { at: dtg(Date.parse(alarm.cleared), now()) })}` : nothing}
        ${alarm.acknowledged_by ? html` · ${t("alarm.acknowledged-by", { who: alarm.acknowledged_by })}` : nothing}
        ${alarm.acknowledged_there.length ? html` · ${t("watch.there", { parties: alarm.acknowledged_there.join(", ") })}` : nothing}
        ${alarm.suppressed_until
          ? html` · ${t("watch.silent-until", { at: dtg(Date.parse(alarm.suppressed_until), now()), who: alarm.suppressed_by ?? "" })}`
          : nothing}
        ${alarm.worst && alarm.worst !== alarm.level ? html` · ${t("watch.worst", { level: t(`level.${alarm.worst}`) })}` : nothing}
      </p>
      ${shown
        ? html`<p><bdi lang="en">${named(alarm.sentence)}</bdi> <span class="ltr">${alarmWhere(alarm)}</span></p>
            ${alarm.ways.flatMap(sentences).map((way) => html`<p>${way}</p>`)}
            ${alarm.ways.length ? html`<p><em>${t("alarm.information-only")}</em></p>` : nothing}`
        : nothing}
      ${may("watch")
        ? html`<div class="row">
            ${silenceable
              ? html`<button data-suppress aria-expanded=${silencing} @click=${() => (this.silencing = silencing ? "" : alarm.id)}>${t("watch.suppress")}</button>`
              : nothing}
            ${alarm.nuisance ? nothing : html`<button data-nuisance @click=${() => void this.nuisance(alarm)}>${t("watch.mark-nuisance")}</button>`}
          </div>`
        : nothing}
      ${silencing
        ? html`<form class="row" data-form="suppress" @submit=${submitting((form) => this.suppress(alarm, form))}>
            ${field(t("watch.minutes"), "minutes", { type: "number", min: "1", most: "60", value: "10", required: true, ltr: true })}
            <div class="grow">${field(t("watch.reason"), "reason", { required: true, max: 200 })}</div>
            <button class="primary">${t("watch.suppress")}</button>
          </form>`
        : nothing}
    </li>`;
  }
}

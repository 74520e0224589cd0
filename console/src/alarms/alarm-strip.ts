/** The alarms, always in sight: colour, shape and word; acknowledging a warning takes two steps. */
import "../styles/shell.css";
import { html, LitElement, nothing, type TemplateResult } from "lit";
import { customElement, state } from "lit/decorators.js";
import type { AlarmView } from "../api/types";
import { useKeys } from "../keys";
import { freshness } from "../live/freshness";
import { picture } from "../live/node";
import { may, session } from "../live/session";
import { Watching } from "../live/store";
import { now, second } from "../live/time";
import { act } from "../offline/queue";
import { countdown } from "../parts/format";
import { levelShape } from "../parts/icons";
import { told } from "../parts/toast";
import { go } from "../route";
import { language, named, t } from "../words/words";
import { openAlarms } from "./attention";
import { sentences } from "./facts";
import { alarmSentences, alarmWhere, alarmWords } from "./say";

/** A second click sooner than this is the same click. */
const STEP_MS = 400;
/** After this the first step is forgotten. */
const FORGET_MS = 8_000;
const SHOWN = 50;

@customElement("tansiq-alarms")
export class AlarmStrip extends LitElement {
  @state() private asked: { id: string; at: number } | null = null;
  @state() private original: string | null = null;
  private endKeys = (): void => undefined;

  constructor() {
    super();
    new Watching(this, picture, second, language, session, freshness);
  }

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.endKeys = useKeys([{ code: "KeyA", words: "keys.acknowledge", run: () => this.acknowledgeFirst() }]);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.endKeys();
  }

  private acknowledgeFirst(): void {
    const first = openAlarms().find((alarm) => alarm.flashing);
    if (first) void this.acknowledge(first);
  }

  private async acknowledge(alarm: AlarmView): Promise<void> {
    if (!may("watch")) return;
    const at = performance.now();
    if (alarm.level === "warning") {
      const first = this.asked?.id === alarm.id ? this.asked : null;
      if (!first || at - first.at > FORGET_MS) {
        this.asked = { id: alarm.id, at };
        return;
      }
      if (at - first.at < STEP_MS) return;
    }
    this.asked = null;
    await told(
      act({
        path: `alarms/${alarm.id}/acknowledge`,
        words: { key: "deed.acknowledge", values: { what: alarmWords(alarm) } },
        late: "ask",
      }),
    );
  }

  protected override render(): unknown {
    const alarms = openAlarms();
    const urgent = alarms.filter((alarm) => alarm.flashing);
    const known = alarms.filter((alarm) => !alarm.flashing);
    const shown = known.find((alarm) => alarm.id === this.original);
    return html`${urgent.slice(0, SHOWN).map((alarm) => this.row(alarm))}${
      urgent.length > SHOWN
        ? html`<p class="alarm"><a href="#/watch">${t("alarm.more", { n: urgent.length - SHOWN })}</a></p>`
        : nothing
    }${shown ? this.row(shown) : nothing}${known.length ? this.chips(known) : nothing}`;
  }

  /** What somebody has seen already stays in sight, in one row; a touch opens it. */
  private chips(alarms: AlarmView[]): TemplateResult {
    return html`<div class="alarm-chips">
      ${alarms.slice(0, SHOWN).map(
        (alarm) =>
          html`<button
            class="chip ${alarm.level}"
            data-alarm=${alarm.id}
            aria-expanded=${this.original === alarm.id}
            @click=${() => (this.original = this.original === alarm.id ? null : alarm.id)}
          >
            ${levelShape(alarm.level)} <b>${t(`level.${alarm.level}`)}</b> ${alarmWords(alarm)} ${this.left(alarm)}
          </button>`,
      )}
      ${alarms.length > SHOWN ? html`<a class="button" href="#/watch">${t("alarm.more", { n: alarms.length - SHOWN })}</a>` : nothing}
    </div>`;
  }

  /** Time left to what it warns of, counted on from when the picture came. */
  private left(alarm: AlarmView): TemplateResult | typeof nothing {
    if (alarm.in_s === null) return nothing;
    const s = alarm.in_s - (performance.now() - (picture.value?.at ?? 0)) / 1000;
    return html`<span class="figures">${countdown(now() + s * 1000, now())}</span>`;
  }

  private row(alarm: AlarmView): TemplateResult {
    const asked = this.asked?.id === alarm.id && performance.now() - this.asked.at < FORGET_MS;
    const shown = this.original === alarm.id;
    return html`<div
      role="group"
      class="alarm ${alarm.level} ${alarm.stage} ${alarm.flashing ? "flashing" : ""}"
      data-alarm=${alarm.id}
      aria-label=${t(`level.${alarm.level}`)}
    >
      <span class="level">${levelShape(alarm.level)} ${t(`level.${alarm.level}`)}</span>
      ${this.left(alarm)}
      <span class="words">
        <strong>${alarmWords(alarm)}</strong>
        <span>${alarmSentences(alarm).join(" ")}</span>
        ${shown ? html`<br /><bdi lang="en">${named(alarm.sentence)}</bdi> <span class="ltr">${alarmWhere(alarm)}</span>` : nothing}
        ${shown ? alarm.ways.flatMap(sentences).map((way) => html`<br />${way}`) : nothing}
        ${shown && alarm.ways.length ? html`<br /><em>${t("alarm.information-only")}</em>` : nothing}
        ${alarm.not_told.length ? html` <span>${t("alarm.not-told", { parties: alarm.not_told.join(", ") })}</span>` : nothing}
      </span>
      <span>${this.stage(alarm)}</span>
      <button aria-expanded=${shown} @click=${() => (this.original = shown ? null : alarm.id)}>${t("alarm.original")}</button>
      ${alarm.lat_deg === null
        ? nothing
        : html`<button @click=${() => go("map", { sel: alarm.id })}>${t("alarm.on-map")}</button>`}
      ${alarm.flashing && may("watch")
        ? html`<button class="ack" @click=${() => void this.acknowledge(alarm)}>
            ${asked ? t("alarm.confirm") : t("alarm.acknowledge")}
          </button>`
        : nothing}
    </div>`;
  }

  private stage(alarm: AlarmView): string {
    if (alarm.stage === "suppressed") return t("alarm.suppressed");
    if (alarm.acknowledged_by) return t("alarm.acknowledged-by", { who: alarm.acknowledged_by });
    return t(`alarm.stage-${alarm.stage}`);
  }
}

/** What the node showed, played again. It looks different, and nothing can be sent from it. */
import "./replay.css";
import { html, LitElement, nothing, type TemplateResult } from "lit";
import { customElement } from "lit/decorators.js";
import type { AlarmView } from "../../api/types";
import { alarmWords } from "../../alarms/say";
import { useKeys } from "../../keys";
import { alarmHistory, picture, status } from "../../live/node";
import { Watching } from "../../live/store";
import { now } from "../../live/time";
import { Areas, NOTHING, sceneOf, type Scene } from "../../map/scene";
import "../../map/stage";
import "../../map/time_bar";
import { Trails } from "../../map/trails";
import { dtg, zulu } from "../../parts/format";
import { settings } from "../../parts/settings";
import { say } from "../../parts/toast";
import { mark, route } from "../../route";
import { language, ltr, named, t } from "../../words/words";
import { Player, SPEEDS, type Shown } from "./player";

/** An alarm is looked at from so long before it was raised. */
const BEFORE_MS = 20_000;
const MINUTE_MS = 60_000;
const BAR_STEP_MS = 10_000;

@customElement("tansiq-replay")
export class Replay extends LitElement {
  private readonly player = new Player();
  private readonly areas = new Areas();
  private readonly trails = new Trails();
  private kept: { shown: Shown; scene: Scene } | null = null;
  private ends: (() => void)[] = [];

  constructor() {
    super();
    new Watching(this, this.player.state, language, settings, route, status, alarmHistory);
  }

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    const step = (ms: number) => () => this.player.seek(this.player.state.value.time + ms);
    this.ends.push(
      useKeys([
        { code: "Space", words: "replay.key-play", run: () => this.turn() },
        { code: "BracketLeft", words: "replay.key-back", run: step(-BAR_STEP_MS) },
        { code: "BracketRight", words: "replay.key-on", run: step(BAR_STEP_MS) },
        { code: "Shift+BracketLeft", words: "replay.key-back-minute", run: step(-MINUTE_MS) },
        { code: "Shift+BracketRight", words: "replay.key-on-minute", run: step(MINUTE_MS) },
        { code: "KeyN", words: "replay.key-end", run: () => this.player.seek(now()) },
        { code: "KeyP", words: "replay.previous-alarm", run: () => this.jump(-1) },
        { code: "KeyX", words: "replay.next-alarm", run: () => this.jump(1) },
      ]),
    );
    const said = Date.parse(route.value.query.get("t") ?? "");
    void this.player.start(Number.isNaN(said) ? null : said);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    for (const end of this.ends.splice(0)) end();
    this.player.stop();
  }

  private turn(): void {
    if (this.player.state.value.playing) {
      this.player.pause();
      mark({ t: new Date(this.player.state.value.time).toISOString().slice(0, 19) + "Z" });
    } else this.player.play();
  }

  /** All alarms of the time that is kept, by when they were raised. */
  private alarms(): AlarmView[] {
    const { recorded } = this.player.state.value;
    if (!recorded) return [];
    const open = picture.value?.view.alarms ?? [];
    const all = new Map([...(alarmHistory.value ?? []), ...open].map((alarm) => [alarm.id, alarm]));
    return [...all.values()]
      .filter((alarm) => Date.parse(alarm.raised) >= recorded.from && Date.parse(alarm.raised) <= recorded.to)
      .sort((a, b) => a.raised.localeCompare(b.raised));
  }

  private jump(by: 1 | -1): void {
    const at = this.player.state.value.time + BEFORE_MS;
    const alarms = this.alarms();
    const found =
      by > 0
        ? alarms.find((alarm) => Date.parse(alarm.raised) > at + 500)
        : alarms.findLast((alarm) => Date.parse(alarm.raised) < at - 500);
    if (!found) {
      say(t("replay.no-alarm"));
      return;
    }
    say(`${t(`level.${found.level}`)}: ${alarmWords(found)}`);
    this.player.seek(Date.parse(found.raised) - BEFORE_MS);
    mark({ sel: found.id });
  }

  private scene(): Scene {
    const { shown, time } = this.player.state.value;
    if (!shown) return { ...NOTHING, time, mode: "unknown" };
    if (this.kept?.shown !== shown) {
      const at = Date.parse(shown.slice.time);
      this.trails.feed(at, shown.slice.tracks);
      this.kept = { shown, scene: sceneOf(shown.slice, this.areas.then(shown.areas, shown.slice.number), at) };
    }
    return this.kept.scene;
  }

  protected override render(): unknown {
    const { state } = this.player;
    const { ready, recorded, time, playing, speed, word, shown } = state.value;
    const scene = this.scene();
    return html`<div class="screen-head">
        <h1 class="hidden-text">${t("nav.replay")}</h1>
        <div class="replay-banner" role="status" aria-live="off" data-replay>
          <strong>${t("replay.banner", { time: recorded ? dtg(scene.time, now()) : "" })}</strong>
          <span class="figures">${recorded ? zulu(scene.time) : nothing}</span>
          <span>${t("replay.no-send")}</span>
          ${word ? html`<span>${t(`replay.word-${word}`)}</span>` : nothing}
          ${shown?.slice.sentence ? html`<bdi lang="en">${named(shown.slice.sentence)}</bdi>` : nothing}
        </div>
      </div>
      ${ready === "ready" && recorded
        ? html`<tansiq-stage
              .scene=${scene}
              .ours=${status.value?.party ?? ""}
              .selected=${route.value.query.get("sel") ?? ""}
              .trails=${this.trails}
              @stage-select=${(event: CustomEvent<string>) => mark({ sel: event.detail })}
              @stage-time=${(event: CustomEvent<number>) => this.player.seek(event.detail)}
            ></tansiq-stage>
            <div class="timeline">
              <div class="transport" role="group" aria-label=${t("replay.transport")}>
                <button aria-label=${t("replay.previous-alarm")} title=${t("replay.previous-alarm")} @click=${() => this.jump(-1)}>⏮</button>
                <button class="play" aria-pressed=${playing} @click=${() => this.turn()}>${t(playing ? "replay.pause" : "replay.play")}</button>
                <button aria-label=${t("replay.next-alarm")} title=${t("replay.next-alarm")} @click=${() => this.jump(1)}>⏭</button>
                <label class="row"
                  ><span class="hidden-text">${t("replay.speed")}</span
                  ><select name="speed" @change=${(event: Event) => this.hasten(Number((event.target as HTMLSelectElement).value))}>
                    ${SPEEDS.map((each) => html`<option value=${each} ?selected=${each === speed}>${ltr(`${each}×`)}</option>`)}
                  </select></label
                >
              </div>
              <tansiq-timebar
                .from=${recorded.from}
                .to=${recorded.to}
                .now=${now()}
                .stepMs=${BAR_STEP_MS}
                .value=${time}
                .recorded=${recorded}
                .marks=${this.alarms().map((alarm) => ({ time: Date.parse(alarm.raised), level: alarm.worst || alarm.level }))}
                @bar-time=${(event: CustomEvent<number>) => this.player.seek(event.detail)}
              ></tansiq-timebar>
              <strong class="figures">${zulu(time)}</strong>
            </div>`
        : this.unready(ready)}`;
  }

  private hasten(wanted: number): void {
    const speed = SPEEDS.find((each) => each === wanted);
    if (speed) this.player.hasten(speed);
  }

  private unready(ready: string): TemplateResult {
    const words = ready === "asking" ? "shell.loading" : ready === "failed" ? "replay.failed" : "replay.nothing";
    return html`<p class="empty">${t(words)}</p>`;
  }
}

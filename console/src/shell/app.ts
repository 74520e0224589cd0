/** The frame around every screen: where one can go, the time, the line, what is wrong, what rings. */
import { html, LitElement, nothing, type TemplateResult } from "lit";
import { customElement, state } from "lit/decorators.js";
import "../alarms/alarm-strip";
import { unseen } from "../alarms/attention";
import { announcement } from "../alarms/ring";
import { audible, silence, sounding } from "../alarms/sound";
import { useKeys, type Key } from "../keys";
import { freshness } from "../live/freshness";
import { lines, picture, status, threads } from "../live/node";
import { may, session } from "../live/session";
import { Watching } from "../live/store";
import { isNodeTime, now, second } from "../live/time";
import { durable, unsent } from "../offline/queue";
import { span, zulu } from "../parts/format";
import { icons } from "../parts/icons";
import { settings } from "../parts/settings";
import { toast } from "../parts/toast";
import { go, route, SCREENS, type Screen } from "../route";
import { language, ltr, named, t } from "../words/words";
import { stopBanner } from "./banners";
import "./dialogs";
import type { HelpDialog, SettingsDialog, UserDialog } from "./dialogs";
import "./login";
import { element, ready } from "./screens";
import "./unsent";

/** A page that was loaded this long ago and knows of no session was loaded without its node. */
const AWAY_MS = 2_000;

@customElement("tansiq-app")
export class App extends LitElement {
  @state() private loaded: Screen | null = null;
  @state() private lacking: Screen | null = null;
  private loading: Screen | null = null;
  private endKeys = (): void => undefined;

  constructor() {
    super();
    new Watching(this, session, language, settings, route, second, freshness, lines, status, threads);
    new Watching(this, picture, toast, announcement, audible, sounding, unsent, durable);
  }

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    const screens: Key[] = SCREENS.map((screen, index) => ({
      code: `Digit${index + 1}`,
      words: `nav.${screen}`,
      run: () => go(screen),
    }));
    this.endKeys = useKeys([
      ...screens,
      { code: "Shift+Slash", words: "keys.help", run: () => this.querySelector<HelpDialog>("tansiq-help")?.show() },
      { code: "Comma", words: "keys.settings", run: () => this.querySelector<SettingsDialog>("tansiq-settings")?.show() },
      { code: "KeyS", words: "keys.silence", run: silence },
      { code: "F8", words: "line_screen.key-call", run: () => go("line", { call: "1" }), inFields: true },
    ]);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.endKeys();
  }

  protected override render(): unknown {
    void this.load(route.value.screen);
    const inside = session.value.state === "in" || (session.value.state === "out" && session.value.expired);
    return html`
      <header class="no-print">${this.head()}</header>
      <div class="banners no-print">${inside ? this.banners() : this.away()}</div>
      ${inside ? html`<tansiq-alarms class="no-print" role="region" aria-label=${t("alarm.list")}></tansiq-alarms>` : html`<div></div>`}
      <main id="main" tabindex="-1" class=${route.value.screen === "replay" ? "replaying" : ""}>
        ${inside && this.loaded === route.value.screen ? element(route.value.screen) : this.missing()}
      </main>
      <div class="hidden-text" role="alert" aria-live="assertive">${announcement.value}</div>
      ${this.toast()}
      <tansiq-login></tansiq-login>
      <tansiq-settings></tansiq-settings>
      <tansiq-help></tansiq-help>
      <tansiq-user></tansiq-user>
    `;
  }

  private async load(screen: Screen): Promise<void> {
    if (this.loaded === screen || this.loading === screen) return;
    this.loading = screen;
    try {
      await ready(screen);
      if (route.value.screen === screen) this.loaded = screen;
    } catch {
      // Away from the node, or it has a newer console now and this one's files are gone. Tried again
      // at the next drawing, a second from now at most.
      this.lacking = screen;
    } finally {
      if (this.loading === screen) this.loading = null;
    }
  }

  private missing(): TemplateResult {
    if (this.lacking !== route.value.screen) return html`<p class="empty">${t("shell.loading")}</p>`;
    return html`<p class="empty" role="alert" data-lacking>
      ${t("shell.lacking")} <button @click=${() => location.reload()}>${t("shell.reload")}</button>
    </p>`;
  }

  private head(): TemplateResult {
    const waiting = unseen().length;
    return html`
      <strong class="row"><bdi>${status.value?.party ?? "Tansiq"}</bdi></strong>
      ${this.clock()} ${this.lineBadges()}
      <div class="row">
        ${sounding.value.size
          ? html`<button class="danger" @click=${silence} title=${t("keys.silence")}>${icons.silent()} ${t("shell.silence")}</button>`
          : nothing}
        <button class="plain" @click=${() => this.querySelector<HelpDialog>("tansiq-help")?.show()} aria-label=${t("keys.help")}>
          ${icons.keys()}
        </button>
        <button
          class="plain"
          @click=${() => this.querySelector<SettingsDialog>("tansiq-settings")?.show()}
          aria-label=${t("settings.title")}
        >
          ${icons.settings()}
        </button>
        <button class="plain" @click=${() => this.querySelector<UserDialog>("tansiq-user")?.show()} aria-label=${`${t("user.title")}: ${session.value.state === "in" ? session.value.me.initials : ""}`}>
          ${icons.user()} <bdi>${session.value.state === "in" ? session.value.me.initials : ""}</bdi>
        </button>
      </div>
      <nav aria-label=${t("nav.title")}>
        ${SCREENS.map(
          (screen) =>
            html`<a href="#/${screen}" aria-current=${route.value.screen === screen ? "page" : nothing}
              >${t(`nav.${screen}`)}${screen === "board" && waiting ? html`&nbsp;<b class="badge">${ltr(waiting)}</b>` : nothing}</a
            >`,
        )}
      </nav>
    `;
  }

  private clock(): TemplateResult {
    const ms = now();
    const local = new Date(ms);
    const zone = Intl.DateTimeFormat("en", { timeZoneName: "shortOffset" }).formatToParts(local);
    const offset = zone.find((part) => part.type === "timeZoneName")?.value ?? "";
    const clock = `${String(local.getHours()).padStart(2, "0")}:${String(local.getMinutes()).padStart(2, "0")}`;
    return html`<div class="clock" role="timer" aria-label=${t("shell.clock")}>
      <strong>${zulu(ms)}</strong><br /><span class="faint">${ltr(`${clock} ${offset}`)} · ${this.clockHealth()}</span>
    </div>`;
  }

  /** How well the node's clock is known; a laptop that only has its own says so. */
  private clockHealth(): string {
    if (!isNodeTime()) return t("shell.clock-laptop");
    const error = lines.value?.clock_error_s;
    if (error === undefined) return t("shell.clock-node");
    return error === null ? t("shell.clock-unknown") : t("shell.clock-error", { error: ltr(`± ${error.toFixed(2)} s`) });
  }

  private lineBadges(): TemplateResult {
    const shown = lines.value?.lines ?? [];
    return html`<div class="row">
      ${shown.map((line) => {
        const fine = freshness.value.state === "live" && line.state === "open" && !line.problem && line.check !== "warning" && !line.waiting;
        return html`<a class="badge" href="#/line?party=${line.party}" title=${line.problem ?? ""}>
          ${fine ? icons.link() : icons.cut()} <bdi>${line.name || line.party}</bdi> ${t(`line.state-${line.state}`)}
          ${line.waiting ? html`<b>${t("line.waiting-short", { n: line.waiting })}</b>` : nothing}
        </a>`;
      })}
    </div>`;
  }

  private banners(): TemplateResult {
    const { state, ageS } = freshness.value;
    const watch = lines.value?.watch;
    const exercise = lines.value?.lines.filter((line) => line.state === "exercise") ?? [];
    return html`
      ${state === "cut" || state === "late"
        ? html`<div class="banner ${state}" role=${state === "cut" ? "alert" : "status"} data-stale>
            ${icons.cut()} ${t("shell.stale", { age: span(ageS) })} ${state === "cut" ? this.reloadWord() : nothing}
          </div>`
        : nothing}
      ${stopBanner()}
      ${exercise.length
        ? html`<div class="banner exercise">${t("shell.exercise", { parties: exercise.map((line) => line.name || line.party).join(", ") })}</div>`
        : nothing}
      ${picture.value?.view.replay ? html`<div class="banner exercise">${t("shell.node-replays")}</div>` : nothing}
      ${picture.value?.view.sentence
        ? html`<div class="banner degraded" role="status">${t("shell.degraded")} <bdi lang="en">${named(picture.value.view.sentence)}</bdi></div>`
        : nothing}
      <tansiq-unsent></tansiq-unsent>
      ${watch && !watch.name && may("watch")
        ? html`<div class="banner late" role="status">${t("shell.no-watch")} <a class="button" href="#/watch">${t("nav.watch")}</a></div>`
        : nothing}
      ${!audible.value && settings.value.sound
        ? html`<div class="banner" role="status">${icons.silent()} ${t("shell.no-sound")}</div>`
        : nothing}
    `;
  }

  /** Loaded while the node is away: nothing of it can be shown, but what waits here is in sight. */
  private away(): TemplateResult | typeof nothing {
    if (session.value.state !== "unknown" || performance.now() < AWAY_MS) return nothing;
    return html`<div class="banner cut" role="alert" data-away>${icons.cut()} ${t("login.unreachable")} ${this.reloadWord()}</div>
      <tansiq-unsent></tansiq-unsent>`;
  }

  /** Whether a reload would find the page: said before somebody tries. */
  private reloadWord(): string {
    const kept = durable.value && "serviceWorker" in navigator && navigator.serviceWorker.controller !== null;
    return t(kept ? "shell.reload-ok" : "shell.reload-not");
  }

  private toast(): TemplateResult | typeof nothing {
    const shown = toast.value;
    if (!shown) return nothing;
    return html`<div class="toast ${shown.bad ? "problem" : ""}" role=${shown.bad ? "alert" : "status"}>
      ${shown.text}${shown.detail ? html`<br /><bdi lang="en" class="faint">${named(shown.detail)}</bdi>` : nothing}
      <button class="plain" aria-label=${t("shell.close")} @click=${() => toast.set(null)}>${icons.close()}</button>
    </div>`;
  }
}

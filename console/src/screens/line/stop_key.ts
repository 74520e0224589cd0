/**
 * The stop key under its guard: a cover that has to be lifted first and falls by itself.
 *
 * By keyboard the place of X with shift lifts it and puts the keyboard on the key: Enter sends.
 */
import { html, LitElement, nothing, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { stops } from "../../alarms/attention";
import { lines } from "../../live/node";
import { may, session } from "../../live/session";
import { Watching } from "../../live/store";
import { second } from "../../live/time";
import { act } from "../../offline/queue";
import { submitting, text } from "../../parts/forms";
import { icons } from "../../parts/icons";
import { told } from "../../parts/toast";
import { language, ltr, t } from "../../words/words";
import { practice, practising } from "./practice";

const LIFTED_BY_KEY_MS = 5_000;
const LIFTED_BY_HAND_MS = 15_000;

@customElement("tansiq-stop-key")
export class StopKey extends LitElement {
  /** Whom an exercise is with: a stop of an exercise goes to that party alone. */
  @property() party = "";
  @state() private until = 0;
  @state() private clearing = false;

  constructor() {
    super();
    new Watching(this, lines, second, language, session, practising);
  }

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  private get lifted(): boolean {
    return performance.now() < this.until;
  }

  /** Lift the cover for a moment, and put the keyboard on the key. */
  lift(byKey = true): void {
    if (!may("watch")) return;
    const lasts = byKey ? LIFTED_BY_KEY_MS : LIFTED_BY_HAND_MS;
    this.until = performance.now() + lasts;
    window.setTimeout(() => this.fall(), lasts + 20);
    if (byKey) void this.updateComplete.then(() => this.querySelector<HTMLElement>("[data-stop-send]")?.focus());
  }

  /** The cover falls; the keyboard must not stay on a key that is shut. */
  private fall(): void {
    if (this.lifted) return;
    if (document.activeElement?.matches("[data-stop-send]")) this.querySelector<HTMLElement>(".cover")?.focus();
    this.requestUpdate();
  }

  /** Let it fall; says whether it was up. */
  lower(): boolean {
    const was = this.lifted || this.clearing;
    this.until = 0;
    this.clearing = false;
    return was;
  }

  /** Whoever writes a word for it, or chooses whom it is for, has not let go of it. */
  private hold(): void {
    if (this.lifted) this.lift(false);
  }

  private async send(form: FormData): Promise<void> {
    if (!this.lifted) return;
    const practised = practice(this.party);
    const others = lines.value?.lines ?? [];
    const chosen = practised ? [this.party] : form.getAll("to").map(String);
    if (others.length > 1 && !chosen.length) return;
    const words = text(form, "text");
    this.until = 0;
    await told(
      act({
        path: "stops",
        body: {
          to: chosen.length === others.length ? [] : chosen,
          exercise: practised,
          ...(words ? { text: words, language: language.value } : {}),
        },
        words: { key: "line_screen.deed-stop" },
        late: "send",
        urgent: true,
      }),
      t("line_screen.stop-sent"),
    );
  }

  private async clear(form: FormData): Promise<void> {
    const words = text(form, "text");
    this.clearing = false;
    await told(
      act({
        path: "all-clear",
        body: words ? { text: words, language: language.value } : {},
        words: { key: "line_screen.deed-all-clear" },
        late: "ask",
      }),
      t("line_screen.cleared"),
    );
  }

  protected override render(): unknown {
    if (!may("watch")) return nothing;
    const ours = stops().filter((stop) => stop.ours);
    return html`<section class="stop-key ${this.lifted ? "lifted" : ""}" aria-label=${t("line_screen.stop-title")}>
      <form class="stack" @submit=${submitting((form) => this.send(form))} @input=${() => this.hold()}>
        <div class="row">
          <button type="button" class="cover" role="switch" aria-checked=${this.lifted} @click=${() => (this.lifted ? this.lower() : this.lift(false))}>
            ${this.lifted
              ? t("line_screen.guard-lifted", { s: ltr(Math.max(0, Math.ceil((this.until - performance.now()) / 1000))) })
              : t("line_screen.guard")}
          </button>
          <button class="danger stop" data-stop-send ?disabled=${!this.lifted}>
            ${practice(this.party) ? t("line_screen.stop-exercise") : t("line_screen.stop-all")}
          </button>
          ${ours.length
            ? html`<button type="button" data-all-clear aria-expanded=${this.clearing} @click=${() => (this.clearing = !this.clearing)}>
                ${icons.done()} ${t("line_screen.all-clear", { n: ours.length })}
              </button>`
            : nothing}
        </div>
        ${this.lifted ? this.details() : nothing}
      </form>
      ${this.clearing && ours.length ? this.clearForm(ours.length) : nothing}
    </section>`;
  }

  private details(): TemplateResult {
    const others = lines.value?.lines ?? [];
    return html`<div class="row">
      ${others.length > 1 && !practice(this.party)
        ? html`<fieldset class="row">
            <legend>${t("line_screen.stop-to")}</legend>
            ${others.map(
              (line) => html`<label class="check"><input type="checkbox" name="to" value=${line.party} checked /><bdi>${line.name || line.party}</bdi></label>`,
            )}
          </fieldset>`
        : nothing}
      <label class="field grow"><span>${t("thread.free-words")}</span><input name="text" maxlength="2000" dir="auto" autocomplete="off" /></label>
    </div>`;
  }

  private clearForm(n: number): TemplateResult {
    return html`<form class="panel stack" @submit=${submitting((form) => this.clear(form))}>
      <p>${t("line_screen.all-clear-sure", { n })}</p>
      <label class="field"><span>${t("thread.free-words")}</span><input name="text" maxlength="2000" dir="auto" autocomplete="off" /></label>
      <div class="row">
        <button class="primary" data-all-clear-send>${t("line_screen.all-clear-confirm")}</button>
        <button type="button" @click=${() => (this.clearing = false)}>${t("shell.close")}</button>
      </div>
    </form>`;
  }
}

/**
 * Notes carried by hand where no network goes: what waits for a party as a file, and a file that came.
 * The same files as `tansiq note export` and `tansiq note import` write and take.
 */
import { html, nothing, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { ask, Problem, Unreachable } from "../../api/client";
import type { Answer, Delivery, Wire } from "../../api/types";
import { outbox, reread } from "../../live/node";
import { may } from "../../live/session";
import { fileName, save } from "../../parts/download";
import { short } from "../../parts/format";
import { Pane } from "../../parts/pane";
import { say, told } from "../../parts/toast";
import { asProblem } from "../../parts/unreachable";
import { named, t } from "../../words/words";

const AT_ONCE = 32;
const FILE_BYTES_MAX = 16_000_000;

@customElement("tansiq-letters")
export class LettersPane extends Pane {
  @property() party = "";
  @state() private open = false;
  @state() private busy = false;
  @state() private fates: Answer["letters"] | null = null;

  constructor() {
    super(outbox);
  }

  private async give(): Promise<void> {
    const delivery = await told(ask<Delivery>("letters", { query: { party: this.party } }).catch(asProblem));
    if (!delivery) return;
    if (!delivery.letters.length) return say(t("line_screen.letters-none"));
    this.save(delivery.letters);
    say(t("line_screen.letters-saved", { n: delivery.letters.length }));
  }

  private save(letters: Wire[]): void {
    const file = new Blob([`${JSON.stringify({ letters })}\n`], { type: "application/json" });
    save(file, `${fileName("for", this.party)}.letters`);
  }

  /** Taken piece by piece; what is there already changes nothing, so a second try does no harm. */
  private async take(file: File | undefined): Promise<void> {
    if (!file || this.busy) return;
    this.busy = true;
    this.fates = null;
    try {
      const letters = await read(file);
      if (!letters) return say(t("line_screen.letters-not"), true);
      const fates: Answer["letters"] = [];
      for (let first = 0; first < letters.length; first += AT_ONCE) {
        const piece = letters.slice(first, first + AT_ONCE);
        fates.push(...(await ask<Answer>("letters", { method: "POST", body: { letters: piece } })).letters);
      }
      this.fates = fates;
      await reread("threads", "lines", "outbox");
    } catch (error) {
      if (!(error instanceof Problem || error instanceof Unreachable)) throw error;
      await told(Promise.reject(error).catch(asProblem));
    } finally {
      this.busy = false;
    }
  }

  protected override render(): unknown {
    if (!may("watch")) return nothing;
    return html`<div class="stack">
      <button class="plain underlined" aria-expanded=${this.open} data-letters @click=${() => (this.open = !this.open)}>${t("line_screen.letters")}</button>
      ${this.open ? this.form() : nothing}
    </div>`;
  }

  private form(): TemplateResult {
    return html`<p class="faint">${t("line_screen.letters-what")}</p>
      <button data-letters-give @click=${() => void this.give()}>${t("line_screen.letters-give")}</button>
      <label class="file"
        ><span class="button">${t("line_screen.letters-take")}</span
        ><input
          type="file"
          class="over-label"
          data-letters-take
          @change=${(event: Event) => {
            const input = event.target as HTMLInputElement;
            void this.take(input.files?.[0]);
            input.value = "";
          }}
      /></label>
      <div role="status">${this.fates ? this.result(this.fates) : nothing}</div>`;
  }

  private result(fates: Answer["letters"]): TemplateResult {
    const refused = fates.filter((fate) => fate.problem);
    const receipts = fates.flatMap((fate) => (fate.receipt ? [fate.receipt] : []));
    return html`<p>${t("line_screen.letters-taken", { n: fates.length - refused.length, all: fates.length })}</p>
      ${refused.map((fate) => html`<p><code>${short(fate.note)}</code> <bdi lang="en">${named(fate.problem ?? "")}</bdi></p>`)}
      ${receipts.length ? html`<button data-letters-receipts @click=${() => this.save(receipts)}>${t("line_screen.letters-receipts", { n: receipts.length })}</button>` : nothing}`;
  }
}

async function read(file: File): Promise<Wire[] | null> {
  if (file.size > FILE_BYTES_MAX) return null;
  try {
    const { letters } = JSON.parse(await file.text()) as Partial<Delivery>;
    return Array.isArray(letters) ? letters : null;
  } catch {
    return null;
  }
}

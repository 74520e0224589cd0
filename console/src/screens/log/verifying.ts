/** A bundle that somebody was given, held against our own agreement by the node. */
import { html, nothing, type TemplateResult } from "lit";
import { customElement, state } from "lit/decorators.js";
import { ask, askFile, Problem, Unreachable } from "../../api/client";
import type { VerifiedBundle } from "../../api/types";
import { now } from "../../live/time";
import { save } from "../../parts/download";
import { dtg, period, span } from "../../parts/format";
import { icons } from "../../parts/icons";
import { Pane } from "../../parts/pane";
import { told } from "../../parts/toast";
import { asProblem } from "../../parts/unreachable";
import { has, ltr, named, t } from "../../words/words";

const WAIT_MS = 120_000;
const LEVELS = ["wrong", "claimed", "withheld", "proved"] as const;
const SAID_SHOWN = 200;

@customElement("tansiq-verifying")
export class VerifyingPane extends Pane {
  @state() private found: VerifiedBundle | null = null;
  @state() private name = "";
  @state() private busy = false;
  @state() private problem = "";
  @state() private over = false;

  private async verify(file: File | undefined): Promise<void> {
    if (!file || this.busy) return;
    this.busy = true;
    this.found = null;
    this.problem = "";
    this.name = file.name;
    try {
      this.found = await ask<VerifiedBundle>("log/verify", { method: "POST", body: { bundle: await file.text() }, timeoutMs: WAIT_MS });
    } catch (error) {
      if (error instanceof Problem) this.problem = error.detail;
      else if (error instanceof Unreachable) this.problem = t("login.unreachable");
      else throw error;
    } finally {
      this.busy = false;
    }
  }

  private async page(): Promise<void> {
    const file = await told(askFile("log/page").catch(asProblem));
    if (file) save(file, "tansiq-verify.html");
  }

  protected override render(): unknown {
    return html`<section class="panel stack" aria-label=${t("log.verify")}>
      <h2>${t("log.verify")}</h2>
      <label
        class="drop ${this.over ? "over" : ""}"
        @dragover=${(event: DragEvent) => {
          event.preventDefault();
          this.over = true;
        }}
        @dragleave=${() => (this.over = false)}
        @drop=${(event: DragEvent) => {
          event.preventDefault();
          this.over = false;
          void this.verify(event.dataTransfer?.files[0]);
        }}
      >
        <span>${t("log.drop")}</span>
        <span class="button">${t("log.choose")}</span>
        <input
          type="file"
          class="over-label"
          data-bundle
          @change=${(event: Event) => {
            const input = event.target as HTMLInputElement;
            void this.verify(input.files?.[0]);
            input.value = "";
          }}
        />
      </label>
      <div role="status">${this.busy ? t("log.verifying") : nothing}</div>
      ${this.problem ? html`<p class="problem" role="alert"><bdi>${this.name}</bdi>: <bdi lang="en">${this.problem}</bdi></p>` : nothing}
      ${this.found ? this.verdict(this.found) : nothing}
      <p class="faint">${t("log.page-what")}</p>
      <button data-page @click=${() => void this.page()}>${t("log.page")}</button>
    </section>`;
  }

  private verdict(found: VerifiedBundle): TemplateResult {
    const key = found.good ? (found.pinned ? "log.good" : "log.good-if") : "log.bad";
    return html`<div class="stack" data-verdict=${found.good ? (found.pinned ? "good" : "if") : "bad"}>
      <p class="verdict ${found.good ? "" : "problem"}" role=${found.good ? "status" : "alert"}>
        ${found.good ? icons.done() : icons.overdue()} <strong>${t(key)}</strong><br /><bdi>${this.name}</bdi>
      </p>
      <dl class="facts">
        <dt>${t("log.by")}</dt>
        <dd><bdi>${found.by}</bdi></dd>
        <dt>${t("log.window")}</dt>
        <dd>${period(Date.parse(found.since), Date.parse(found.until), now())}</dd>
        <dt>${t("log.entries-here")}</dt>
        <dd>${t("log.of-size", { n: ltr(found.entries), size: ltr(found.size) })}</dd>
        <dt>SHA-256</dt>
        <dd><code class="hash">${found.sha256}</code></dd>
        <dt>${t("log.agreement-digest")}</dt>
        <dd><code class="hash">${found.agreement}</code></dd>
      </dl>
      ${LEVELS.map((level) => this.findings(found, level))}
      ${found.passages.length
        ? html`<h3>${t("log.passages")}</h3>
            <ul class="plain-list stack">
              ${found.passages.map(
                (each) => html`<li>
                  <bdi>${each.sender}</bdi> → <bdi>${each.receiver}</bdi> · <bdi lang="en">${named(each.words)}</bdi><br />
                  ${t("log.lead", {
                    receiver: lead(each.receivers_word.least_s),
                    sender: lead(each.senders_word.least_s),
                    guaranteed: lead(each.guaranteed_s),
                    required: span(each.required_s),
                  })}
                </li>`,
              )}
            </ul>`
        : nothing}
      <details>
        <summary>${t("log.said", { n: found.notes.length })}</summary>
        <ul class="plain-list stack">
          ${found.notes.slice(0, SAID_SHOWN).map(
            (note) => html`<li>
              <span class="figures faint">${dtg(Date.parse(note.time), now())}</span> <bdi>${note.sender}</bdi> → <bdi>${note.receiver}</bdi> ·
              ${has(`thread.kind-${note.kind}`) ? t(`thread.kind-${note.kind}`) : note.kind}<br /><bdi lang="en" class="free-words">${named(note.words)}</bdi>
            </li>`,
          )}
        </ul>
      </details>
      <details>
        <summary>${t("log.not-proven")}</summary>
        <ul>
          ${found.not_proven.map((each) => html`<li lang="en"><bdi>${each}</bdi></li>`)}
        </ul>
      </details>
    </div>`;
  }

  private findings(found: VerifiedBundle, level: (typeof LEVELS)[number]): TemplateResult | typeof nothing {
    const those = found.findings.filter((each) => each.level === level);
    if (!those.length) return nothing;
    return html`<details ?open=${level === "wrong"}>
      <summary>${level === "proved" ? icons.done() : level === "wrong" ? icons.overdue() : icons.missing()} ${t(`log.level-${level}`)} ${ltr(those.length)}</summary>
      <ul>
        ${those.map((each) => html`<li lang="en"><bdi>${named(each.sentence)}</bdi></li>`)}
      </ul>
    </details>`;
  }
}

function lead(s: number | null): string {
  return s === null ? ltr("?") : span(s);
}


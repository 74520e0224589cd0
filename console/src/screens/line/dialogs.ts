/** The call log, written in ten seconds; and opening an incident. */
import { html, LitElement, nothing, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { lines } from "../../live/node";
import { session } from "../../live/session";
import { Watching } from "../../live/store";
import { now } from "../../live/time";
import { act } from "../../offline/queue";
import { nearest, submitting, taken, text } from "../../parts/forms";
import { rfc3339 } from "../../parts/times";
import { language, t } from "../../words/words";

abstract class LineDialog extends LitElement {
  @property() party = "";
  @state() protected opened = 0;
  @state() protected wrong = "";

  constructor() {
    super();
    new Watching(this, lines, language, session);
  }

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  show(): void {
    this.opened = now();
    this.wrong = "";
    void this.updateComplete.then(() => {
      const dialog = this.querySelector("dialog");
      if (dialog && !dialog.open) dialog.showModal();
      this.querySelector<HTMLElement>("textarea")?.focus();
    });
  }

  protected hide(): void {
    this.querySelector("dialog")?.close();
  }

  protected frame(title: string, body: TemplateResult): TemplateResult {
    return html`<dialog aria-label=${title} @close=${() => (this.opened = 0)}>
      ${this.opened
        ? html`<div class="stack">
            <div class="row spread"><h1>${title}</h1><button type="button" @click=${() => this.hide()}>${t("shell.close")}</button></div>
            ${body}${this.wrong ? html`<p class="problem" role="alert">${this.wrong}</p>` : nothing}
          </div>`
        : nothing}
    </dialog>`;
  }

  /** `1432Z`, which is the nearest one; or a word that it is none. */
  protected moment(form: FormData, name: string): string | null {
    const at = nearest(text(form, name));
    if (!at) this.wrong = t("phrases.no-time");
    return at;
  }
}

const short = (ms: number): string => `${rfc3339(ms).slice(11, 13)}${rfc3339(ms).slice(14, 16)}Z`;

@customElement("tansiq-call-log")
export class CallLog extends LineDialog {
  private async send(form: FormData): Promise<void> {
    const at = text(form, "at");
    const said = at === short(this.opened) ? rfc3339(this.opened) : this.moment(form, "at");
    if (!said) return;
    const gone = await taken(
      act({
        path: "calls",
        body: { to: text(form, "to"), at: said, text: text(form, "text"), language: language.value },
        words: { key: "line_screen.deed-call", values: { party: text(form, "to") } },
        late: "send",
      }),
      t("line_screen.call-logged"),
    );
    if (gone) this.hide();
  }

  protected override render(): unknown {
    const others = lines.value?.lines ?? [];
    return this.frame(
      t("line_screen.call-title"),
      html`<form class="stack" data-form="call" @submit=${submitting((form) => this.send(form))}>
        <p class="faint">${t("line_screen.call-why")}</p>
        <label class="field"
          ><span>${t("line_screen.call-gist")}</span><textarea name="text" rows="3" maxlength="2000" dir="auto" required></textarea></label
        >
        <div class="grid-fields">
          <label class="field"
            ><span>${t("board.party")}</span
            ><select name="to" required>
              ${others.map((line) => html`<option value=${line.party} ?selected=${line.party === this.party}>${line.name || line.party}</option>`)}
            </select></label
          >
          <label class="field"
            ><span>${t("line_screen.call-at")}</span><input name="at" dir="ltr" required autocomplete="off" value=${short(this.opened)}
          /></label>
        </div>
        <button class="primary">${t("line_screen.call-save")}</button>
      </form>`,
    );
  }
}

const HOUR_MS = 3_600_000;

@customElement("tansiq-incident")
export class IncidentDialog extends LineDialog {
  private async send(form: FormData): Promise<void> {
    const start = this.moment(form, "start");
    const end = this.moment(form, "end");
    if (!start || !end) return;
    const gone = await taken(
      act({
        path: "incidents",
        body: { start, end, to: [text(form, "to")], text: text(form, "text"), language: language.value },
        words: { key: "line_screen.deed-incident", values: { party: text(form, "to") } },
        late: "send",
      }),
      t("thread.said"),
    );
    if (gone) this.hide();
  }

  protected override render(): unknown {
    const others = lines.value?.lines ?? [];
    return this.frame(
      t("line_screen.incident-title"),
      html`<form class="stack" data-form="incident" @submit=${submitting((form) => this.send(form))}>
        <p class="faint">${t("line_screen.incident-why")}</p>
        <label class="field"
          ><span>${t("thread.free-words")}</span><textarea name="text" rows="3" maxlength="2000" dir="auto" required></textarea></label
        >
        <div class="grid-fields">
          <label class="field"
            ><span>${t("board.party")}</span
            ><select name="to" required>
              ${others.map((line) => html`<option value=${line.party} ?selected=${line.party === this.party}>${line.name || line.party}</option>`)}
            </select></label
          >
          <label class="field"><span>${t("readback.start")}</span><input name="start" dir="ltr" required autocomplete="off" value=${short(this.opened - HOUR_MS)} /></label>
          <label class="field"><span>${t("readback.end")}</span><input name="end" dir="ltr" required autocomplete="off" value=${short(this.opened)} /></label>
        </div>
        <button class="primary">${t("line_screen.incident-open")}</button>
      </form>`,
    );
  }
}

/** Evidence for others: a window of the record, signed; its SHA-256 is made here, from the file itself. */
import { html, nothing } from "lit";
import { customElement, state } from "lit/decorators.js";
import { askFile } from "../../api/client";
import { lines } from "../../live/node";
import { may } from "../../live/session";
import { now } from "../../live/time";
import { fileName, save, sha256 } from "../../parts/download";
import { nearest, submitting, text, timeField, typedTime } from "../../parts/forms";
import { Pane } from "../../parts/pane";
import { say, told } from "../../parts/toast";
import { asProblem } from "../../parts/unreachable";
import { language, ltr, t } from "../../words/words";
import { partyName } from "../line/agreed";

const HOUR_MS = 3_600_000;
/** So that the minute that runs is in it. */
const MINUTE_MS = 60_000;
const WAIT_MS = 120_000;

@customElement("tansiq-exporting")
export class ExportingPane extends Pane {
  @state() private made: { name: string; size: number; sha256: string | null } | null = null;
  @state() private busy = false;

  constructor() {
    super(lines);
  }

  private async send(form: FormData): Promise<void> {
    const [from, to] = [nearest(text(form, "from")), nearest(text(form, "to"))];
    if (!from || !to) return say(t("phrases.no-time"), true);
    const party = text(form, "party");
    const named = text(form, "notes").split(/[\s,]+/).filter(Boolean);
    const withhold = [text(form, "withhold"), ...named].filter(Boolean).join(",");
    this.busy = true;
    this.made = null;
    const file = await told(
      askFile("log/bundle", { query: { from, to, party: party || null, withhold: withhold || null }, timeoutMs: WAIT_MS }).catch(asProblem),
    );
    this.busy = false;
    if (!file) return;
    const name = `${fileName("tansiq", party, from.slice(0, 16))}.bundle`;
    this.made = { name, size: file.size, sha256: await sha256(file) };
    save(file, name);
  }

  protected override render(): unknown {
    return html`<section class="panel stack" aria-label=${t("log.export")}>
      <h2>${t("log.export")}</h2>
      ${may("admin") ? this.form() : html`<p>${t("log.export-admin")}</p>`}
      ${this.made
        ? html`<div class="stack" role="status" data-exported>
            <p>${t("log.exported", { name: this.made.name, size: ltr(`${Math.ceil(this.made.size / 1000)} kB`) })}</p>
            <p>SHA-256 ${this.made.sha256 ? html`<code class="hash">${this.made.sha256}</code>` : t("log.no-crypto")}</p>
          </div>`
        : nothing}
    </section>`;
  }

  private form(): unknown {
    return html`<form class="stack" data-form="export" @submit=${submitting((form) => this.send(form))}>
      <p class="faint">${t("log.export-what")}</p>
      <div class="grid-fields">
        ${timeField(t("log.from"), "from", { required: true, value: typedTime(now() - HOUR_MS) })}
        ${timeField(t("log.to"), "to", { required: true, value: typedTime(now() + MINUTE_MS) })}
        <label class="field"
          ><span>${t("log.line-with")}</span
          ><select name="party">
            <option value="">${t("log.all-lines")}</option>
            ${(lines.value?.lines ?? []).map((line) => html`<option value=${line.party}>${partyName(line.party, language.value)}</option>`)}
          </select></label
        >
        <label class="field"
          ><span>${t("log.withhold")}</span
          ><select name="withhold">
            <option value="">${t("log.withhold-nothing")}</option>
            <option value="persons">${t("log.withhold-persons")}</option>
            <option value="all">${t("log.withhold-all")}</option>
          </select></label
        >
      </div>
      <label class="field"><span>${t("log.withhold-notes")}</span><input name="notes" dir="ltr" maxlength="1000" autocomplete="off" spellcheck="false" /></label>
      <button class="primary" ?disabled=${this.busy}>${t("log.export")}</button>
    </form>`;
  }
}

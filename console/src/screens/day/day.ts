/** Sheets to be printed: of a day, of a hand-over, of what happened in a window of time. */
import "./day.css";
import { html, nothing, type TemplateResult } from "lit";
import { customElement, state } from "lit/decorators.js";
import { ask, askFile, Problem, Unreachable } from "../../api/client";
import type { SectionView, SheetView, WordView } from "../../api/types";
import type { Key } from "../../keys";
import { lines } from "../../live/node";
import { may, session } from "../../live/session";
import { Watching } from "../../live/store";
import { now } from "../../live/time";
import { fileName, save } from "../../parts/download";
import { field, nearest, submitting, text, timeField, typedTime } from "../../parts/forms";
import { rfc3339 } from "../../parts/times";
import { ListScreen } from "../../parts/list_screen";
import { say, told } from "../../parts/toast";
import { asProblem } from "../../parts/unreachable";
import { mark, route } from "../../route";
import { isLanguage, language, LANGUAGES, NAMES, t } from "../../words/words";
import { needAgreement, partyName } from "../line/agreed";

const SHEETS = ["day", "hand-over", "after-action"] as const;
type SheetName = (typeof SHEETS)[number];
type Query = Record<string, string>;

const WAIT_MS = 60_000;
const HOUR_MS = 3_600_000;
/** So that the minute that runs is in it. */
const MINUTE_MS = 60_000;

@customElement("tansiq-day")
export class DayScreen extends ListScreen {
  @state() private view: SheetView | null = null;
  @state() private busy = false;
  @state() private problem = "";
  /** What the sheet on the screen was asked with: the printed one and the PDF are of the same. */
  private query: Query = {};
  private shown: SheetName = "day";
  private asked = "";

  constructor() {
    super();
    new Watching(this, language, session, route, lines);
  }

  override connectedCallback(): void {
    super.connectedCallback();
    void needAgreement();
  }

  protected override keys(): Key[] {
    return [...super.keys(), { code: "KeyP", words: "day.print", run: () => this.view && window.print() }];
  }

  private sheet(): SheetName {
    const wanted = route.value.query.get("sheet");
    return SHEETS.find((each) => each === wanted) ?? "day";
  }

  protected override willUpdate(): void {
    // The first look at each sheet needs no button; a window of time has to be chosen.
    const wanted = `${this.sheet()}/${session.value.state}`;
    if (wanted === this.asked || session.value.state !== "in") return;
    this.asked = wanted;
    this.view = null;
    this.problem = "";
    if (this.sheet() !== "after-action") void this.load(this.sheet(), { language: language.value });
  }

  private async load(sheet: SheetName, query: Query): Promise<void> {
    this.busy = true;
    [this.shown, this.query] = [sheet, query];
    try {
      const view = await ask<SheetView>(`sheets/${sheet}`, { query, timeoutMs: WAIT_MS });
      if (sheet === this.sheet()) this.view = view;
      this.problem = "";
    } catch (error) {
      this.view = null;
      if (error instanceof Problem) this.problem = error.detail;
      else if (error instanceof Unreachable) this.problem = t("login.unreachable");
      else throw error;
    } finally {
      this.busy = false;
    }
  }

  private async pdf(): Promise<void> {
    const { view } = this;
    if (!view) return;
    this.busy = true;
    const file = await told(askFile(`sheets/${this.shown}.pdf`, { query: this.query, timeoutMs: WAIT_MS }).catch(asProblem));
    this.busy = false;
    if (file) save(file, `${fileName(view.party, view.kind, view.made.slice(0, 10), view.language)}.pdf`);
  }

  private async bundle(path: string, digest: string): Promise<void> {
    const file = await told(askFile(path, { timeoutMs: WAIT_MS }).catch(asProblem));
    if (!file) return;
    save(file, `${fileName("tansiq", digest.slice(0, 16))}.bundle`);
    say(t("day.bundle-saved"));
  }

  protected override render(): unknown {
    const sheet = this.sheet();
    return html`<div class="screen stack day-screen">
      <div class="stack no-print">
        <div class="row spread">
          <h1>${t("nav.day")}</h1>
          <div class="row" role="group" aria-label=${t("day.which")}>
            ${SHEETS.map(
              (each) => html`<button data-item data-sheet=${each} aria-pressed=${each === sheet} @click=${() => mark({ sheet: each === "day" ? "" : each })}>${t(`day.sheet-${each}`)}</button>`,
            )}
          </div>
        </div>
        ${this.form(sheet)}
        ${this.problem ? html`<p class="problem" role="alert">${t("problem.unknown")} <bdi lang="en">${this.problem}</bdi></p>` : nothing}
        <div role="status" class="faint">${this.busy ? t("day.making") : nothing}</div>
      </div>
      ${this.view ? this.paper(this.view) : nothing}
    </div>`;
  }

  private form(sheet: SheetName): TemplateResult {
    const send = async (form: FormData): Promise<void> => {
      const query: Query = { language: text(form, "language") };
      if (form.get("withhold")) query["withhold"] = "persons";
      if (sheet === "day" && text(form, "date")) query["date"] = text(form, "date");
      if (sheet === "after-action") {
        const [from, to] = [nearest(text(form, "from")), nearest(text(form, "to"))];
        if (!from || !to) return say(t("phrases.no-time"), true);
        [query["from"], query["to"]] = [from, to];
        if (text(form, "party")) query["party"] = text(form, "party");
      }
      await this.load(sheet, query);
    };
    const today = rfc3339(now()).slice(0, 10);
    return html`<form class="panel stack" data-form="sheet" @submit=${submitting(send)}>
      <p class="faint">${t(`day.what-${sheet}`)}</p>
      <div class="grid-fields">
        ${sheet === "day"
          ? field(t("day.date"), "date", { ltr: true, value: today, hint: today, pattern: "\\d{4}-\\d{2}-\\d{2}" })
          : nothing}
        ${sheet === "after-action"
          ? html`${timeField(t("log.from"), "from", { required: true, value: typedTime(now() - HOUR_MS) })}
              ${timeField(t("log.to"), "to", { required: true, value: typedTime(now() + MINUTE_MS) })}
              <label class="field"
                ><span>${t("log.line-with")}</span
                ><select name="party">
                  <option value="">${t("log.all-lines")}</option>
                  ${(lines.value?.lines ?? []).map((line) => html`<option value=${line.party}>${partyName(line.party, language.value)}</option>`)}
                </select></label
              >`
          : nothing}
        <label class="field"
          ><span>${t("day.language")}</span
          ><select name="language">
            ${LANGUAGES.map((each) => html`<option value=${each} lang=${each} ?selected=${each === language.value}>${NAMES[each]}</option>`)}
          </select></label
        >
        <label class="check"><input type="checkbox" name="withhold" />${t("day.without-names")}</label>
      </div>
      <div class="row">
        <button class="primary" ?disabled=${this.busy}>${t("day.make")}</button>
        <button type="button" data-print ?disabled=${!this.view} @click=${() => window.print()}>${t("day.print")}</button>
        <button type="button" data-pdf ?disabled=${!this.view || this.busy} @click=${() => void this.pdf()}>${t("day.pdf")}</button>
        ${this.bundleButton()}
      </div>
    </form>`;
  }

  private bundleButton(): TemplateResult | typeof nothing {
    const bundle = this.view?.bundle;
    if (!bundle?.path || !bundle.sha256) return nothing;
    const { path, sha256 } = bundle;
    if (!may("admin")) return html`<span class="faint">${t("day.bundle-admin")}</span>`;
    return html`<button type="button" data-bundle @click=${() => void this.bundle(path, sha256)}>${t("day.bundle")}</button>`;
  }

  /** Head and foot stand in a table's, because browsers repeat those on each printed page. */
  private paper(view: SheetView): TemplateResult {
    return html`<article class="sheet" lang=${view.language} dir=${isLanguage(view.language) ? view.direction : "ltr"} aria-label=${view.title.text} data-sheet-of=${view.kind}>
      <table class="frame" role="presentation">
        <thead>
          <tr>
            <td>
              <p class="sheet-title">${view.title.text}</p>
              <p>${view.head.map((each, index) => html`${index ? " · " : nothing}${each.text}`)}</p>
            </td>
          </tr>
        </thead>
        <tfoot>
          <tr>
            <td>${view.foot.map((each) => html`<p>${each.text}</p>`)}</td>
          </tr>
        </tfoot>
        <tbody>
          <tr>
            <td>${view.sections.map((section) => part(section))}</td>
          </tr>
        </tbody>
      </table>
    </article>`;
  }
}

function part(section: SectionView): TemplateResult {
  return html`<section class="sheet-section ${section.code}">
    <h2>${section.title.text}</h2>
    ${section.says.length ? html`<ul class="says">${section.says.map((each) => html`<li>${each.text}</li>`)}</ul>` : nothing}
    ${section.columns.length && section.rows.length ? grid(section) : nothing}
  </section>`;
}

function grid(section: SectionView): TemplateResult {
  return html`<div class="scroll-x" tabindex="0" role="group" aria-label=${section.title.text}>
    <table class="rows">
      <thead>
        <tr>
          ${section.columns.map((each) => html`<th scope="col">${each.text}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${section.rows.map((row) => html`<tr>${row.cells.map((cell) => html`<td>${cell.map(line)}</td>`)}</tr>`)}
      </tbody>
    </table>
  </div>`;
}

function line(word: WordView): TemplateResult {
  return html`<p>${word.text}</p>`;
}

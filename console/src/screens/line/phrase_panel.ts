/** Coded messages: a button for each, a form for what it has to be told, both sentences before it goes. */
import { html, LitElement, nothing, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { Problem, Unreachable } from "../../api/client";
import type { PhraseBookView, PhraseParameter, PhraseView } from "../../api/types";
import { airspace, lines, plans } from "../../live/node";
import { may, session } from "../../live/session";
import { Watching } from "../../live/store";
import { now } from "../../live/time";
import { act } from "../../offline/queue";
import { place } from "../../parts/format";
import { nearest, placeOf, taken } from "../../parts/forms";
import { has, isLanguage, language, LANGUAGES, ltr, NAMES, t, type Language } from "../../words/words";
import { agreement, deskLanguages, needAgreement, partyName, partyNames } from "./agreed";
import { book, readerLanguage, sentence, TOPIC_ORDER, topicOf, type Filled } from "./phrase_book";
import { practice, practising } from "./practice";

const LEVELS = ["FL", "ft AMSL", "m AMSL", "ft W84", "m W84", "ft AGL", "m AGL"] as const;
/** Nobody looks through more names than this; what is not in the list is typed. */
const NAMES_MAX = 200;

@customElement("tansiq-phrases")
export class PhrasePanel extends LitElement {
  @property() party = "";
  @state() private own: PhraseBookView | null = null;
  @state() private theirs: PhraseBookView | null = null;
  @state() private reader: Language | null = null;
  @state() private topic = "line";
  @state() private wanted = "";
  @state() private chosen: PhraseView | null = null;
  @state() private filled: Filled = {};
  @state() private problems: Record<string, string> = {};
  @state() private failed = "";
  private asked = "";
  private readerOf = "";

  constructor() {
    super();
    new Watching(this, language, session, agreement, plans, airspace, practising, lines);
  }

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    void needAgreement();
  }

  /** Put the keyboard where a phrase is looked for. */
  find(): void {
    this.querySelector<HTMLElement>("[name=phrase]")?.focus();
  }

  protected override willUpdate(): void {
    if (this.readerOf !== this.party) [this.readerOf, this.reader] = [this.party, null];
    const wanted = `${language.value}/${this.readerCode()}`;
    if (wanted !== this.asked) {
      this.asked = wanted;
      void this.load(language.value, this.readerCode());
    }
  }

  /** In which language the other desk reads; a person may look at another one. */
  private readerCode(): Language {
    const agreed = readerLanguage(deskLanguages(this.party));
    return this.reader ?? (isLanguage(agreed) ? agreed : "en");
  }

  private async load(own: string, theirs: string): Promise<void> {
    try {
      const [ours, other] = await Promise.all([book(own), book(theirs)]);
      if (this.asked !== `${own}/${theirs}`) return;
      [this.own, this.theirs, this.failed] = [ours, other, ""];
      this.chosen = this.own.phrases.find((each) => each.code === this.chosen?.code) ?? null;
    } catch (error) {
      if (error instanceof Problem) this.failed = error.detail;
      else if (error instanceof Unreachable) this.failed = t("login.unreachable");
      else throw error;
      this.asked = "";
    }
  }

  private choose(phrase: PhraseView): void {
    this.chosen = this.chosen?.code === phrase.code ? null : phrase;
    this.filled = {};
    this.problems = {};
    void this.updateComplete.then(() => this.querySelector<HTMLElement>(".phrase-form input, .phrase-form select, .phrase-form button")?.focus());
  }

  /** Take the form away, where there is one; says whether there was. */
  close(): boolean {
    const was = this.chosen !== null;
    this.chosen = null;
    return was;
  }

  private complete(): boolean {
    return (this.chosen?.parameters ?? []).every((each) => {
      const value = this.filled[each.name];
      return value !== undefined && value !== "";
    });
  }

  private async send(): Promise<void> {
    const { chosen, own } = this;
    if (!chosen || !own || !this.complete()) return;
    const gone = await taken(
      act({
        path: "messages",
        body: { code: chosen.code, parameters: this.filled, to: [this.party], exercise: practice(this.party) },
        words: { key: "line_screen.deed-say", values: { what: sentence(own, chosen.code, this.filled, partyNames(), now()) } },
        late: "ask",
      }),
      t("thread.said"),
    );
    if (gone) this.chosen = null;
  }

  protected override render(): unknown {
    if (!may("watch")) return html`<p class="faint">${t("line_screen.watch-only")}</p>`;
    if (!this.own) return html`<p class="empty">${this.failed ? html`<bdi>${this.failed}</bdi>` : t("shell.loading")}</p>`;
    const needle = this.wanted.trim().toLocaleLowerCase(language.value);
    const said = this.own.phrases.filter((each) => each.say);
    const shown = said.filter((each) =>
      needle ? `${this.label(each)} ${each.code}`.toLocaleLowerCase(language.value).includes(needle) : topicOf(each) === this.topic,
    );
    return html`<section class="stack phrases" aria-label=${t("phrases.title")}>
      <div class="row">
        <h2>${t("phrases.title")}</h2>
        <label class="grow"
          ><span class="hidden-text">${t("phrases.find")}</span
          ><input
            type="search"
            name="phrase"
            dir="auto"
            placeholder=${t("phrases.find")}
            autocomplete="off"
            @input=${(event: Event) => (this.wanted = (event.target as HTMLInputElement).value)}
        /></label>
      </div>
      ${needle
        ? nothing
        : html`<div class="row" role="group" aria-label=${t("phrases.topics")}>
            ${TOPIC_ORDER.map(
              (topic) => html`<button class="plain" aria-pressed=${topic === this.topic} @click=${() => (this.topic = topic)}>${t(`phrases.topic-${topic}`)}</button>`,
            )}
          </div>`}
      <div class="phrase-buttons" role="group" aria-label=${t("phrases.title")}>
        ${shown.map(
          (each) =>
            html`<button data-phrase=${each.code} aria-pressed=${this.chosen?.code === each.code} @click=${() => this.choose(each)}>
              ${this.label(each)}
            </button>`,
        )}
        ${shown.length ? nothing : html`<p class="faint">${t("phrases.none")}</p>`}
      </div>
      ${this.chosen ? this.form(this.chosen) : nothing}
    </section>`;
  }

  private label(phrase: PhraseView): string {
    return sentence(this.own as PhraseBookView, phrase.code, {}, {}, 0);
  }

  private form(phrase: PhraseView): TemplateResult {
    const reads = this.readerCode();
    const said = (of: PhraseBookView | null): string => (of ? sentence(of, phrase.code, this.filled, partyNames(), now()) : "");
    return html`<form
      class="panel stack phrase-form"
      @submit=${(event: SubmitEvent) => {
        event.preventDefault();
        void this.send();
      }}
    >
      ${phrase.parameters.length ? html`<div class="grid-fields">${phrase.parameters.map((each) => this.input(each))}</div>` : nothing}
      <div class="stack" aria-live="polite">
        <p lang=${language.value}><span class="faint">${t("phrases.you-read")}</span><br /><strong data-preview="own">${said(this.own)}</strong></p>
        ${reads === language.value
          ? nothing
          : html`<p>
              <span class="faint">${t("phrases.they-read", { party: partyName(this.party, language.value) })}</span><br />
              <strong data-preview="theirs" lang=${reads} dir=${this.theirs?.direction ?? "auto"} class="preview">${said(this.theirs)}</strong>
            </p>`}
      </div>
      <div class="row">
        <button class="primary" ?disabled=${!this.complete()}>
          ${practice(this.party) ? t("phrases.send-exercise") : t("phrases.send", { party: partyName(this.party, language.value) })}
        </button>
        <button type="button" @click=${() => this.close()}>${t("shell.close")}</button>
        <label class="row"
          ><span class="faint">${t("phrases.their-language")}</span
          ><select
            class="narrow"
            @change=${(event: Event) => {
              const { value } = event.target as HTMLSelectElement;
              this.reader = isLanguage(value) ? value : null;
            }}
          >
            ${LANGUAGES.map((each) => html`<option value=${each} lang=${each} ?selected=${each === reads}>${NAMES[each]}</option>`)}
          </select></label
        >
      </div>
    </form>`;
  }

  private fill(name: string, value: string | number | undefined, problem = ""): void {
    const { [name]: _, ...others } = this.filled;
    this.filled = value === undefined || value === "" ? others : { ...others, [name]: value };
    this.problems = { ...this.problems, [name]: problem };
  }

  private input(parameter: PhraseParameter): TemplateResult {
    const key = `phrases.name-${parameter.name}`;
    const label = has(key) ? t(key) : parameter.name;
    const unit = parameter.unit && !["UTC", "deg"].includes(parameter.unit) ? ` (${ltr(parameter.unit)})` : "";
    const problem = this.problems[parameter.name];
    return html`<div class="field-with-word">
      <label class="field"><span>${label}${unit}</span>${this.control(parameter)}</label>
      ${problem ? html`<p class="problem" role="status">${problem}</p>` : nothing}
      ${parameter.kind === "position" && this.filled[parameter.name]
        ? html`<p class="faint">${this.understood(String(this.filled[parameter.name]))}</p>`
        : nothing}
    </div>`;
  }

  private understood(value: string): string {
    const [lat = 0, lng = 0] = value.split(",").map(Number);
    return t("phrases.understood", { place: place(lat, lng) });
  }

  private control(parameter: PhraseParameter): TemplateResult {
    const { name, kind } = parameter;
    const typed = (take: (value: string) => void) => (event: Event) => take((event.target as HTMLInputElement).value.trim());
    if (kind === "level" || kind === "altitude") return this.level(parameter);
    if (kind === "party")
      return this.select(name, (agreement.value?.parties ?? []).map((each) => [each.id, partyName(each.id, language.value)]));
    if (kind === "direction") return this.select(name, parameter.choices.map((each, index) => [each, parameter.choices_text[index] ?? each]));
    if (parameter.whole)
      return html`<input
        type="number"
        name=${name}
        dir="ltr"
        inputmode="numeric"
        required
        min=${parameter.least ?? nothing}
        max=${parameter.most ?? nothing}
        step="1"
        @input=${typed((value) => this.fill(name, /^\d+$/.test(value) ? Number(value) : undefined))}
      />`;
    if (kind === "time")
      return html`<input
        name=${name}
        dir="ltr"
        required
        placeholder="1432Z"
        autocomplete="off"
        @input=${typed((value) => this.fill(name, nearest(value) ?? undefined, value && !nearest(value) && value.length > 3 ? t("phrases.no-time") : ""))}
      />`;
    if (kind === "position")
      return html`<input
        name=${name}
        dir="ltr"
        required
        placeholder="35°21'14&quot;N 035°56'20&quot;E"
        autocomplete="off"
        @change=${typed((value) => void this.readPlace(name, value))}
      />`;
    if (kind === "callsign")
      return html`<input name=${name} dir="ltr" required maxlength=${parameter.chars_max ?? 60} list="line-callsigns" autocomplete="off" @input=${typed((value) => this.fill(name, value))} />
        <datalist id="line-callsigns">${callsigns().map((each) => html`<option value=${each}></option>`)}</datalist>`;
    const pattern = { frequency: "[0-9]{3}\\.[0-9]{3}", squawk: "[0-7]{4}", digest: "[0-9a-f]{64}" }[kind];
    return html`<input
      name=${name}
      dir=${pattern ? "ltr" : "auto"}
      required
      maxlength=${parameter.chars_max ?? nothing}
      pattern=${pattern ?? nothing}
      placeholder=${pattern ? String(parameter.example) : nothing}
      autocomplete="off"
      @input=${typed((value) => this.fill(name, value))}
    />`;
  }

  private select(name: string, options: [string, string][]): TemplateResult {
    return html`<select name=${name} required @change=${(event: Event) => this.fill(name, (event.target as HTMLSelectElement).value)}>
      <option value=""></option>
      ${options.map(([value, label]) => html`<option value=${value}>${label}</option>`)}
    </select>`;
  }

  /** A figure and what it counts from: neither goes without the other. */
  private level(parameter: PhraseParameter): TemplateResult {
    const { name } = parameter;
    const units = parameter.kind === "altitude" ? LEVELS.slice(1) : LEVELS;
    const join = (event: Event): void => {
      const both = (event.target as HTMLElement).closest(".level-field");
      const figure = both?.querySelector("input")?.value.trim() ?? "";
      const unit = both?.querySelector("select")?.value ?? "";
      const whole = /^-?\d+$/.test(figure) ? Number(figure) : null;
      const value = whole === null ? undefined : unit === "FL" ? (whole < 0 ? undefined : `FL${String(whole).padStart(3, "0")}`) : `${whole} ${unit}`;
      this.fill(name, value);
    };
    return html`<span class="row level-field"
      ><input type="number" name=${name} dir="ltr" required step="1" @input=${join} /><select
        class="narrow ltr"
        aria-label=${t("phrases.level-unit")}
        @change=${join}
      >
        ${units.map((unit) => html`<option value=${unit}>${unit}</option>`)}
      </select></span
    >`;
  }

  private async readPlace(name: string, typed: string): Promise<void> {
    if (!typed) return this.fill(name, undefined);
    this.fill(name, undefined);
    try {
      const found = await placeOf(typed);
      if (found) this.fill(name, found.map(coordinate).join(","));
      else this.fill(name, undefined, t("phrases.no-place"));
    } catch (error) {
      if (!(error instanceof Problem || error instanceof Unreachable)) throw error;
      this.fill(name, undefined, t("phrases.no-place"));
    }
  }
}

/** Degrees with six decimals and without the zeros behind them: one spelling of each place. */
function coordinate(value: number): string {
  return String(Number(value.toFixed(6)) || 0);
}

/** Call signs that are flying or will: ours, then those of others. */
function callsigns(): string[] {
  const ours = (plans.value ?? []).filter((plan) => plan.status !== "ended").map((plan) => plan.callsign);
  const theirs = (airspace.value ?? []).filter((entry) => entry.kind !== "constraint").map((entry) => entry.name);
  return [...new Set([...ours, ...theirs].filter(Boolean))].slice(0, NAMES_MAX);
}

/** The form of one part of a draft: where, how high, when. */
import { html, nothing, type TemplateResult } from "lit";
import type { ReadView } from "../../api/types";
import { now } from "../../live/time";
import { say } from "../../parts/toast";
import { readTime } from "../../parts/times";
import { has, named, t } from "../../words/words";
import { asksGround, type Part } from "./draft";

export interface PartHands {
  /** What the node understood of the text; null: nothing yet. */
  read: ReadView | null | undefined;
  problem: string;
  write: (text: string) => void;
  drop: (event: DragEvent) => void;
  change: (change: Partial<Part>) => void;
}

/** What a text leaves open is asked for by the form beside it. */
const FORM_SAYS = ["read-levels-open", "read-times-open"];

export function place(part: Part, hands: PartHands): TemplateResult {
  const { read, problem } = hands;
    return html`<label class="field"
        ><span>${t("plan.field-text")}</span
        ><textarea
          name="text"
          rows="4"
          dir="ltr"
          spellcheck="false"
          placeholder="333036N 0361729E radius 5 km"
          .value=${part.text}
          @input=${(event: Event) => hands.write((event.target as HTMLTextAreaElement).value)}
          @dragover=${(event: DragEvent) => event.preventDefault()}
          @drop=${(event: DragEvent) => hands.drop(event)}
        ></textarea></label
      >
      <p class="faint">${t("plan.text-forms")}</p>
      ${problem ? html`<p class="problem" role="status"><bdi lang="en">${named(problem)}</bdi></p>` : nothing}
      ${read
        ? html`<div class="panel understood" role="status">
            ${read.volumes
              .flatMap((volume) => volume.sentences)
              .filter((sentence) => !FORM_SAYS.includes(sentence.code) || read.volumes.length > 1)
              .map((sentence) => html`<p>${said(sentence)}</p>`)}
            ${read.warnings.map((warning) => html`<p class="problem">${said(warning)}</p>`)}
          </div>`
        : nothing}`;
  }

export function levels(part: Part, hands: PartHands): TemplateResult {
    const value = (event: Event): string => (event.target as HTMLInputElement).value;
    const number = (name: "lower" | "upper" | "ground_m"): TemplateResult =>
      html`<label class="field"
        ><span>${t(`plan.field-${name}`)}</span
        ><input name=${name} inputmode="decimal" dir="ltr" autocomplete="off" .value=${part[name]} @input=${(event: Event) => hands.change({ [name]: value(event) })}
      /></label>`;
    return html`<div class="grid-fields">
      ${number("lower")} ${number("upper")}
      <label class="field"
        ><span>${t("plan.field-units")}</span
        ><select name="units" @change=${(event: Event) => hands.change({ units: value(event) as Part["units"] })}>
          ${(["FT", "M", "FL"] as const).map((each) => html`<option value=${each} ?selected=${each === part.units}>${t(`plan.units-${each}`)}</option>`)}
        </select></label
      >
      ${part.units === "FL"
        ? nothing
        : html`<label class="field"
            ><span>${t("plan.field-datum")}</span
            ><select name="datum" @change=${(event: Event) => hands.change({ datum: value(event) as Part["datum"] })}>
              ${(["AMSL", "W84", "AGL"] as const).map((each) => html`<option value=${each} ?selected=${each === part.datum}>${t(`plan.datum-${each}`)}</option>`)}
            </select></label
          >`}
      ${asksGround(part, hands.read) ? number("ground_m") : nothing}
    </div>`;
  }

export function times(part: Part, hands: PartHands): TemplateResult {
    const take = (name: "start" | "end", text: string): void => {
      const about = name === "end" && part.start ? Date.parse(part.start) : now();
      const read = readTime(text, about);
      hands.change({ [name]: read ?? "" });
      if (text.trim() && !read) say(t("plan.time-bad"), true);
    };
    const field = (name: "start" | "end"): TemplateResult =>
      html`<label class="field"
        ><span>${t(`plan.field-${name}`)}</span
        ><input name=${name} dir="ltr" autocomplete="off" placeholder=${name === "start" ? "1432Z" : "1500Z"} .value=${part[name]} @change=${(event: Event) => take(name, (event.target as HTMLInputElement).value)}
      /></label>`;
    const lasting = (minutes: number): void => {
      const start = Date.parse(part.start);
      if (!Number.isNaN(start)) hands.change({ end: new Date(start + minutes * 60_000).toISOString().replace(/\.\d+Z/, "Z") });
    };
    const from = (minutes: number): void => {
      const start = Math.ceil(now() / 60_000 + minutes) * 60_000;
      hands.change({ start: new Date(start).toISOString().replace(/\.\d+Z/, "Z") });
    };
    return html`<div class="grid-fields">${field("start")} ${field("end")}</div>
      <div class="row">
        ${[15, 30, 60].map((minutes) => html`<button type="button" data-in=${minutes} @click=${() => from(minutes)}>${t("plan.in-minutes", { n: minutes })}</button>`)}
        ${[15, 30, 60].map((minutes) => html`<button type="button" data-lasts=${minutes} ?disabled=${!part.start} @click=${() => lasting(minutes)}>${t("plan.lasts-minutes", { n: minutes })}</button>`)}
      </div>`;
  }

/** A sentence of the reader in the viewer's words, by its code; in English where there are none. */
function said(sentence: { code: string; values: Record<string, string>; text: string }): string {
  const key = `reading.${sentence.code}`;
  return has(key) ? t(key, sentence.values) : sentence.text;
}

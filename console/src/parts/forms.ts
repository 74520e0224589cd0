/** What forms of several screens share: sent without leaving the page, read as text or numbers. */
import { html, nothing, type TemplateResult } from "lit";
import { now } from "../live/time";
import { Kept } from "../offline/queue";
import { points } from "../threads/reading_back";
import { readTime, rfc3339 } from "./times";
import { told } from "./toast";

/** Handle a form here, with the button that sent it among its values. */
export function submitting(handle: (form: FormData, element: HTMLFormElement) => Promise<void>): (event: SubmitEvent) => void {
  return (event) => {
    event.preventDefault();
    const element = event.target as HTMLFormElement;
    void handle(new FormData(element, event.submitter), element);
  };
}

/** Whether a form may go: its deed was done, or it is kept and will be sent. A refusal leaves it open. */
export async function taken(deed: Promise<unknown>, done = ""): Promise<boolean> {
  let kept = false;
  const watched = deed.catch((error: unknown) => {
    kept = error instanceof Kept;
    throw error;
  });
  const answer = await told(watched, done);
  return kept || answer !== null;
}

export function text(form: FormData, name: string): string {
  const value = form.get(name);
  return typeof value === "string" ? value.trim() : "";
}

/** A number that was typed; null where nothing was. */
export function number(form: FormData, name: string): number | null {
  const typed = text(form, name);
  return typed === "" || Number.isNaN(Number(typed)) ? null : Number(typed);
}

export interface FieldOptions {
  hint?: string;
  required?: boolean;
  value?: string;
  /** Written left to right whatever the language: figures, times, places. */
  ltr?: boolean;
  max?: number;
  list?: string;
  type?: string;
  min?: string;
  most?: string;
  step?: string;
  pattern?: string;
}

export function field(label: string, name: string, options: FieldOptions = {}): TemplateResult {
  return html`<label class="field"
    ><span>${label}</span
    ><input
      name=${name}
      type=${options.type ?? "text"}
      dir=${options.ltr ? "ltr" : "auto"}
      placeholder=${options.hint ?? nothing}
      value=${options.value ?? ""}
      maxlength=${options.max ?? nothing}
      list=${options.list ?? nothing}
      min=${options.min ?? nothing}
      max=${options.most ?? nothing}
      step=${options.step ?? nothing}
      pattern=${options.pattern ?? nothing}
      autocomplete="off"
      spellcheck="false"
      ?required=${options.required ?? false}
  /></label>`;
}

const CLOCK = /^\d{2}:?\d{2}(?::?\d{2})?Z?$/i;
const DAY_AND_CLOCK = /^(\d{4}-\d\d-\d\d) +(\d{2}):?(\d{2})(?::?(\d{2}))?Z?$/i;
const HALF_DAY_MS = 43_200_000;
const DAY_MS = 86_400_000;

/**
 * A time that was typed, UTC, as `readTime` has it, or `2026-11-28 14:32`; null where it is none.
 * A time of day alone is the one nearest to now: what has been is told as often as what comes.
 *
 * Not the browser's own field: that has the laptop's zone in mind, and twelve hours.
 */
export function nearest(typed: string, near = now()): string | null {
  const clean = typed.trim();
  const day = DAY_AND_CLOCK.exec(clean);
  const read = readTime(day ? `${day[1]}T${day[2]}:${day[3]}:${day[4] ?? "00"}Z` : clean, near);
  if (!read) return null;
  const at = Date.parse(read);
  return rfc3339(CLOCK.test(clean) && at - near > HALF_DAY_MS ? at - DAY_MS : at);
}

/** How a time stands in a field to begin with: `2026-11-28 14:32`. */
export function typedTime(ms: number): string {
  return rfc3339(ms).slice(0, 16).replace("T", " ");
}

/** A field for a time with its day, UTC. */
export function timeField(label: string, name: string, options: FieldOptions = {}): TemplateResult {
  return field(label, name, { ltr: true, hint: "2026-11-28 14:32", ...options });
}

/** The first place in a text, in any form that the node reads; null where there is none. */
export async function placeOf(typed: string): Promise<[number, number] | null> {
  const found = await points(typed);
  return found[0] ?? null;
}

/** One conversation: what was told, what was said since, and what may be said next. */
import "./thread.css";
import { html, LitElement, nothing, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { ask, Problem, Unreachable } from "../api/client";
import type { NoteView, ThreadView } from "../api/types";
import { plans, status, threads } from "../live/node";
import { may, session } from "../live/session";
import { Watching } from "../live/store";
import { now } from "../live/time";
import { act, type Deed } from "../offline/queue";
import { distance, dtg, given, height, span } from "../parts/format";
import { told } from "../parts/toast";
import { language, named, t } from "../words/words";
import { actsFor, type Act } from "./acts";
import { repeated } from "./reading_back";

/** Things that say something about the sky as it was: late, a person decides whether they hold. */
const OF_THE_SKY: Act[] = ["answer", "counter", "accept", "confirm", "clear"];

@customElement("tansiq-thread")
export class ThreadPanel extends LitElement {
  @property() thread = "";
  @state() private view: ThreadView | null = null;
  @state() private form: Act | null = null;
  @state() private originals = new Set<string>();
  @state() private problem = "";
  private asked = "";

  constructor() {
    super();
    new Watching(this, threads, language, session, plans, status);
  }

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  protected override willUpdate(): void {
    const newest = threads.value?.find((each) => each.id === this.thread);
    const wanted = `${this.thread}/${language.value}/${newest ? JSON.stringify([newest.stage, newest.rungs, newest.due]) : ""}`;
    if (this.thread && wanted !== this.asked) {
      if (!this.asked.startsWith(`${this.thread}/`)) {
        this.view = newest ?? null;
        this.form = null;
      }
      this.asked = wanted;
      void this.load();
    }
  }

  private async load(): Promise<void> {
    try {
      const { thread } = this;
      const view = await ask<ThreadView>(`threads/${thread}`, { query: { language: language.value } });
      // An answer that was long on its way must not take the place of what is looked at now.
      if (thread !== this.thread) return;
      this.view = view;
      this.problem = "";
    } catch (error) {
      if (error instanceof Problem) this.problem = error.detail;
      else if (error instanceof Unreachable) this.problem = t("login.unreachable");
      else throw error;
    }
  }

  /** Say something in this conversation. */
  private async say(what: Act, path: string, body: unknown = {}): Promise<void> {
    const { form } = this;
    const deed: Deed = {
      path: `threads/${this.thread}/${path}`,
      body,
      words: { key: `deed.${what}`, values: { what: this.view?.callsign ?? this.view?.party ?? "" } },
      late: OF_THE_SKY.includes(what) ? "ask" : "send",
    };
    const answer = await told(act(deed), t("thread.said"));
    // Meanwhile another form may have been opened, which is not to be shut by this.
    if (answer && this.form === form) this.form = null;
    await this.load();
  }

  protected override render(): unknown {
    const { view } = this;
    if (!view) return html`<p class="empty">${this.problem ? named(this.problem) : t("shell.loading")}</p>`;
    const us = status.value?.party ?? "";
    const acts = may("watch") ? actsFor(view, us) : [];
    return html`<article class="stack" aria-label=${t("thread.title")}>
      <header class="row spread">
        <h2>
          ${t(`thread.kind-${view.kind}`)} · <bdi>${view.callsign || view.party}</bdi>
          <span class="faint">${t(view.ours ? "thread.to" : "thread.from", { party: view.party })}</span>
        </h2>
        <span class="badge">${t(`stage.${view.stage}`)}</span>
      </header>
      ${view.mode === "exercise" ? html`<p class="badge">${t("shell.exercise-word")}</p>` : nothing}
      ${this.told(view)} ${this.lead(view)} ${this.proposal(view)} ${this.actions(acts)} ${this.formFor(view)}
      ${this.notes(view)}
      <p class="faint">${t("thread.id")} <code class="ltr">${view.id.slice(0, 12)}</code></p>
    </article>`;
  }

  private told(view: ThreadView): TemplateResult | typeof nothing {
    if (!view.told) return nothing;
    return html`<section class="panel stack">
      <h3>${t("thread.told")}</h3>
      ${view.told.words.map((words) => html`<p>${words}</p>`)}
    </section>`;
  }

  private lead(view: ThreadView): TemplateResult | typeof nothing {
    if (!view.lead) return nothing;
    const { lead } = view;
    return html`<p class=${lead.late === "no" ? "faint" : "problem"}>
      ${t(`lead.${lead.late === "no" ? "kept" : lead.late === "yes" ? "late" : "unknown"}`, {
        given: given(lead.shown),
        required: span(lead.required_s),
      })}
    </p>`;
  }

  private proposal(view: ThreadView): TemplateResult | typeof nothing {
    const move = view.proposal;
    if (!move || !view.proposed_by) return nothing;
    return html`<p class="panel">
      ${t("thread.proposal", { by: view.proposed_by, moves: view.moves ?? "" })} <strong>${moveWords({ delay_s: 0, up_m: 0, north_m: 0, east_m: 0, ...move })}</strong>
    </p>`;
  }

  private actions(acts: Act[]): TemplateResult | typeof nothing {
    if (!acts.length) return nothing;
    return html`<div class="row" role="group" aria-label=${t("thread.actions")}>
      ${acts.map((each) => html`<button data-act=${each} class=${each === acts[0] ? "primary" : ""} @click=${() => void this.begin(each)}>${t(`thread.${each}`)}</button>`)}
    </div>`;
  }

  private async begin(what: Act): Promise<void> {
    if (what === "seen") return this.say(what, "seen");
    if (what === "reply") return this.say(what, "reply");
    if (what === "decline") return this.say(what, "answer", { word: "unable" });
    this.form = this.form === what ? null : what;
    await this.updateComplete;
    this.querySelector<HTMLElement>("form input, form select, form textarea, form button")?.focus();
  }

  private formFor(view: ThreadView): TemplateResult | typeof nothing {
    switch (this.form) {
      case "readback":
        return view.told ? this.readback(view) : nothing;
      case "answer":
        return this.answer();
      case "counter":
        return this.counter(view);
      case "accept":
      case "confirm":
        return this.verdict(view, this.form);
      case "withdraw":
      case "clear":
      case "review":
        return this.words(this.form);
      default:
        return nothing;
    }
  }

  private submit(handle: (form: FormData) => Promise<void>): (event: SubmitEvent) => void {
    return (event) => {
      event.preventDefault();
      void handle(new FormData(event.target as HTMLFormElement, event.submitter));
    };
  }

  private readback(view: ThreadView): TemplateResult {
    const send = async (form: FormData): Promise<void> => {
      if (!view.told) return;
      const said = await told(repeated(form, view.told));
      if (said) await this.say("readback", "readback", said);
    };
    const field = (name: string, hint: string, required = true) => html`<label class="field"
      ><span>${t(`readback.${name}`)}</span
      ><input name=${name} dir="ltr" placeholder=${hint} autocomplete="off" spellcheck="false" ?required=${required}
    /></label>`;
    return html`<form class="panel stack" data-form="readback" @submit=${this.submit(send)}>
      <p class="faint">${t("readback.why")}</p>
      <label class="field"
        ><span>${t(view.told?.radius_m === null ? "readback.corners" : "readback.centre")}</span
        ><textarea name="points" dir="ltr" rows=${view.told?.radius_m === null ? 4 : 1} spellcheck="false" required></textarea>
      </label>
      ${view.told?.radius_m === null ? nothing : field("radius_m", "5000")} ${field("lower", "3500 ft AMSL")}
      ${field("upper", "FL085")} ${field("start", "1432Z")} ${field("end", "1500Z")}
      <button class="primary">${t("thread.readback")}</button>
    </form>`;
  }

  private answer(): TemplateResult {
    const send = (form: FormData): Promise<void> => {
      const word = String(form.get("word"));
      const minutes = Number(form.get("minutes"));
      const text = String(form.get("text") ?? "");
      return this.say("answer", "answer", {
        word,
        ...(word === "need-time" ? { minutes } : {}),
        ...(text ? { text, language: language.value } : {}),
      });
    };
    return html`<form class="panel stack" data-form="answer" @submit=${this.submit(send)}>
      <div class="row">
        ${["noted", "no-conflict", "unable", "need-time"].map((word) => html`<button name="word" value=${word}>${t(`stage.${word}`)}</button>`)}
      </div>
      <label class="field"><span>${t("thread.minutes")}</span><input type="number" name="minutes" min="1" max="43200" value="10" dir="ltr" /></label>
      ${this.freeWords()}
    </form>`;
  }

  private freeWords(required = false): TemplateResult {
    return html`<label class="field"
      ><span>${t("thread.free-words")}</span><textarea name="text" rows="2" maxlength="2000" dir="auto" ?required=${required}></textarea>
    </label>`;
  }

  private counter(view: ThreadView): TemplateResult {
    const send = (form: FormData): Promise<void> => {
      const number = (name: string): number => Number(form.get(name) ?? 0) || 0;
      const text = String(form.get("text") ?? "");
      return this.say("counter", "counter", {
        moves: String(form.get("moves")),
        shift: {
          delay_s: Math.round(number("delay_min") * 60),
          up_m: number("up_m"),
          north_m: number("north_km") * 1000,
          east_m: number("east_km") * 1000,
        },
        ...(text ? { text, language: language.value } : {}),
      });
    };
    // Any step: what the node worked out is seldom a whole number, and must not be refused here.
    const number = (name: string) =>
      html`<label class="field"><span>${t(`move.field-${name}`)}</span><input type="number" name=${name} step="any" value="0" dir="ltr" /></label>`;
    return html`<form class="panel stack" data-form="counter" @submit=${this.submit(send)}>
      ${this.offers(view)}
      <div class="grid-fields">${number("delay_min")} ${number("up_m")} ${number("north_km")} ${number("east_km")}</div>
      <label class="field"
        ><span>${t("thread.whose")}</span
        ><select name="moves">
          <option value="yours">${t("thread.yours")}</option>
          <option value="mine">${t("thread.mine")}</option>
        </select></label
      >
      ${this.freeWords()}
      <button class="primary">${t("thread.counter")}</button>
    </form>`;
  }

  /** What the node worked out for them, where a plan of ours was refused because of this one. */
  private offers(view: ThreadView): TemplateResult | typeof nothing {
    const moves = (plans.value ?? [])
      .filter((plan) => plan.blockers.some((one) => one.name === view.callsign && one.manager === view.party))
      .flatMap((plan) => plan.theirs);
    if (!moves.length) return nothing;
    const fill = (delay_s: number, up_m: number, north_m: number, east_m: number) => {
      const set = (name: string, value: number) => {
        const input = this.querySelector<HTMLInputElement>(`[name=${name}]`);
        if (input) input.value = String(value);
      };
      set("delay_min", Math.round((delay_s / 60) * 100) / 100);
      set("up_m", up_m);
      set("north_km", north_m / 1000);
      set("east_km", east_m / 1000);
    };
    return html`<div class="row" role="group" aria-label=${t("thread.offers")}>
      <span>${t("thread.offers")}</span>
      ${moves.map(
        (move) =>
          html`<button type="button" data-offer @click=${() => fill(move.delay_s, move.up_m, move.north_m, move.east_m)}>
            ${moveWords(move)}
          </button>`,
      )}
    </div>`;
  }

  private verdict(view: ThreadView, what: "accept" | "confirm"): TemplateResult {
    const send = (form: FormData): Promise<void> => {
      const plan = String(form.get("plan") ?? "");
      const agreed = form.get("agreed") !== "false";
      const body = what === "accept" ? {} : { agreed };
      return this.say(what, what, { ...body, ...(plan ? { plan } : {}) });
    };
    const oursMoves = view.moves === status.value?.party && !view.ours;
    return html`<form class="panel stack" data-form=${what} @submit=${this.submit(send)}>
      ${oursMoves
        ? html`<label class="field"
            ><span>${t("thread.which-plan")}</span
            ><select name="plan" required>
              ${(plans.value ?? []).map((plan) => html`<option value=${plan.id}>${plan.callsign} · ${plan.time_start}</option>`)}
            </select></label
          >`
        : nothing}
      <div class="row">
        <button class="primary" name="agreed" value="true">${t(what === "accept" ? "thread.accept" : "thread.agreed")}</button>
        ${what === "confirm" ? html`<button name="agreed" value="false">${t("thread.disputed")}</button>` : nothing}
      </div>
    </form>`;
  }

  private words(what: "withdraw" | "clear" | "review"): TemplateResult {
    const path = what === "clear" ? "all-clear" : what;
    const send = (form: FormData): Promise<void> => {
      const text = String(form.get("text") ?? "");
      return this.say(what, path, text ? { text, language: language.value } : {});
    };
    return html`<form class="panel stack" data-form=${what} @submit=${this.submit(send)}>
      ${this.freeWords(what === "review")}<button class="primary">${t(`thread.${what}`)}</button>
    </form>`;
  }

  private notes(view: ThreadView): TemplateResult {
    return html`<ol class="notes" aria-label=${t("thread.notes")}>
      ${view.notes.map((note) => this.note(note))}
    </ol>`;
  }

  private note(note: NoteView): TemplateResult {
    const us = note.sender === status.value?.party;
    const shown = this.originals.has(note.id);
    const toggle = () => {
      const next = new Set(this.originals);
      shown ? next.delete(note.id) : next.add(note.id);
      this.originals = next;
    };
    const spoken = note.sentences.length ? note.sentences : [t(`thread.kind-${note.kind}`)];
    return html`<li class=${us ? "ours-note" : "theirs-note"}>
      <span class="faint figures">${dtg(Date.parse(note.time), now())}</span> <bdi class=${us ? "ours" : "theirs"}>${note.sender}</bdi>
      ${note.arrived === false ? html`<span class="badge">${t("thread.not-arrived")}</span>` : nothing}
      ${note.out_of_turn ? html`<span class="badge">${t("thread.out-of-turn")}</span>` : nothing}
      <div class="free-words">${spoken.join("\n")}</div>
      <button class="plain" aria-expanded=${shown} @click=${toggle}>${t("alarm.original")}</button>
      ${shown
        ? html`<pre class="ltr original">${JSON.stringify({ ...note.own, ...(note.payload ?? {}) }, null, 1)}
${note.id}</pre>`
        : nothing}
    </li>`;
  }
}

/** A move in the viewer's words. */
export function moveWords(move: { delay_s: number; up_m: number; north_m: number; east_m: number }): string {
  return [
    move.delay_s ? t(move.delay_s > 0 ? "move.later" : "move.earlier", { by: span(Math.abs(move.delay_s)) }) : "",
    move.up_m ? t(move.up_m > 0 ? "move.higher" : "move.lower", { by: height(Math.abs(move.up_m)) }) : "",
    move.north_m ? t(move.north_m > 0 ? "move.north" : "move.south", { by: distance(Math.abs(move.north_m)) }) : "",
    move.east_m ? t(move.east_m > 0 ? "move.east" : "move.west", { by: distance(Math.abs(move.east_m)) }) : "",
  ]
    .filter(Boolean)
    .join(" · ");
}

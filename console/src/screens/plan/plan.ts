/** Declaring a plan or no-go area: drawn, typed or pasted; judged while it is written; sent. */
import "./plan.css";
import { html, LitElement, nothing, type TemplateResult } from "lit";
import { customElement, state } from "lit/decorators.js";
import { ask, Problem, Unreachable } from "../../api/client";
import type { Alternative, PlanView, ReadView } from "../../api/types";
import { useKeys } from "../../keys";
import { freshness } from "../../live/freshness";
import { airspace, constraints, plans } from "../../live/node";
import { may, session } from "../../live/session";
import { Watching } from "../../live/store";
import { second } from "../../live/time";
import { act, type Deed } from "../../offline/queue";
import * as shelf from "../../offline/shelf";
import { problemWords, say, told } from "../../parts/toast";
import { mark, route } from "../../route";
import { language, t } from "../../words/words";
import { draftOf, emptyDraft, emptyPart, filled, missing, moved, planFile, type Draft, type Part } from "./draft";
import { ownPlans } from "./own_plans";
import { levels, place, times, type PartHands } from "./part_form";
import "./plan-map";
import { verdict } from "./verdict";

const READ_MS = 250;
const JUDGE_MS = 200;
/** What others do may come in bursts. */
const AGAIN_MS = 1_000;
const UNDO_MAX = 100;
const FILE_BYTES_MAX = 1_000_000;
const CATEGORIES = ["drone", "balloon", "glider", "helicopter", "light", "medium", "heavy"];

@customElement("tansiq-plan")
export class PlanScreen extends LitElement {
  @state() private draft: Draft = emptyDraft();
  @state() private reads: (ReadView | null)[] = [null];
  @state() private readProblem = "";
  @state() private chosen = 0;
  @state() private judged: PlanView | null = null;
  @state() private judging = false;
  @state() private judgeProblem = "";
  @state() private notify = true;
  private undos: Draft[] = [];
  /** The text that each of `reads` is about: one that has been written on since is not judged, nor sent. */
  private readTexts: string[] = [""];
  private readTimer = 0;
  private judgeTimer = 0;
  private againTimer = 0;
  private turn = 0;
  private ends: (() => void)[] = [];

  constructor() {
    super();
    new Watching(this, plans, constraints, language, session, route, second, freshness);
  }

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    const keys = useKeys([
      { code: "KeyN", words: "plan.key-new", run: () => this.start() },
      { code: "KeyZ", words: "plan.key-undo", run: () => this.undo() },
      { code: "KeyE", words: "plan.key-edit", run: () => this.querySelector<HTMLElement>("textarea[name=text]")?.focus() },
      { code: "Escape", words: "keys.clear", run: () => (document.activeElement as HTMLElement | null)?.blur(), inFields: true },
    ]);
    // A verdict is about the sky as it was: it is asked for again whenever that has changed.
    const again = (): void => this.judgeAgain();
    const lives = freshness.watch(({ state }) => state === "live" && again());
    this.ends = [keys, lives, airspace.watch(again), plans.watch(again), constraints.watch(again)];
    void this.restore();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    for (const end of this.ends.splice(0)) end();
    clearTimeout(this.judgeTimer);
    clearTimeout(this.againTimer);
    this.againTimer = 0;
  }

  // ---- the draft, kept so that neither a reload nor an ended session loses it

  private key(): string {
    const current = session.value;
    return `draft-${current.state === "in" ? current.me.name : "nobody"}`;
  }

  private async restore(): Promise<void> {
    const kept = await shelf.get<Draft>(this.key()).catch(() => undefined);
    if (!kept || !Array.isArray(kept.parts)) return;
    this.draft = { ...emptyDraft(), ...kept };
    this.reads = this.draft.parts.map(() => null);
    await this.readAll();
  }

  private take(draft: Draft, remember = true): void {
    if (remember) this.undos = [...this.undos, this.draft].slice(-UNDO_MAX);
    this.draft = draft;
    void shelf.put(this.key(), draft).catch(() => undefined);
    this.judgeSoon();
  }

  private undo(): void {
    const last = this.undos.pop();
    if (!last) return;
    this.draft = last;
    this.chosen = Math.min(this.chosen, last.parts.length - 1);
    void shelf.put(this.key(), last).catch(() => undefined);
    void this.readAll();
  }

  private start(): void {
    this.take(emptyDraft());
    this.chosen = 0;
    this.reads = [null];
    this.readTexts = [""];
    this.judged = null;
    this.readProblem = this.judgeProblem = "";
    void this.updateComplete.then(() => this.querySelector<HTMLElement>("[name=callsign]")?.focus());
  }

  private changePart(change: Partial<Part>, remember = true): void {
    const parts = this.draft.parts.map((part, index) => (index === this.chosen ? { ...part, ...change } : part));
    this.take({ ...this.draft, parts }, remember);
  }

  // ---- reading what was typed, and having it judged

  private textChanged(text: string): void {
    this.changePart({ text });
    clearTimeout(this.readTimer);
    const at = this.chosen;
    this.readTimer = window.setTimeout(() => void this.readOne(at, true), READ_MS);
  }

  private async readAll(): Promise<void> {
    this.reads = this.draft.parts.map(() => null);
    this.readTexts = this.draft.parts.map(() => "");
    for (let index = 0; index < this.draft.parts.length; index++) await this.readOne(index, false);
  }

  private async readOne(index: number, fill: boolean): Promise<void> {
    const text = this.draft.parts[index]?.text ?? "";
    if (!text.trim()) return this.setRead(index, text, null);
    try {
      const read = await ask<ReadView>("read", { body: { text } });
      if (this.draft.parts[index]?.text !== text) return;
      this.readProblem = "";
      this.setRead(index, text, read);
      if (!fill) return;
      const parts = this.draft.parts.map((part, at) => (at === index ? filled(part, read) : part));
      const name = read.name || read.volumes[0]?.name || "";
      this.take({ ...this.draft, parts, callsign: this.draft.callsign || name.slice(0, 60) }, false);
    } catch (error) {
      this.setRead(index, text, null);
      this.readProblem = this.why(error);
    }
  }

  private setRead(index: number, text: string, read: ReadView | null): void {
    const put = <T>(list: readonly T[], one: T, none: T): T[] =>
      this.draft.parts.map((_, at) => (at === index ? one : (list[at] ?? none)));
    this.reads = put<ReadView | null>(this.reads, read, null);
    this.readTexts = put(this.readTexts, text, "");
    this.judgeSoon();
  }

  /** What was understood of the texts as they stand now; what has been written on since is not in it. */
  private understood(): (ReadView | null)[] {
    return this.draft.parts.map(({ text }, at) => (this.readTexts[at] === text ? (this.reads[at] ?? null) : null));
  }

  /** Have every text read as it stands now. */
  private async readRest(): Promise<void> {
    clearTimeout(this.readTimer);
    for (const [at, { text }] of this.draft.parts.entries()) if (this.readTexts[at] !== text) await this.readOne(at, true);
  }

  private why(error: unknown): string {
    if (error instanceof Problem) return error.detail;
    if (error instanceof Unreachable) return t("login.unreachable");
    throw error;
  }

  /** The draft has changed: what was said of it holds no longer. */
  private judgeSoon(): void {
    this.judging = true;
    this.turn++;
    clearTimeout(this.judgeTimer);
    this.judgeTimer = window.setTimeout(() => void this.judge(), JUDGE_MS);
  }

  /** The sky has changed, and the draft has not. */
  private judgeAgain(): void {
    if (!this.judging && !this.judged && !this.judgeProblem) return;
    this.againTimer ||= window.setTimeout(() => {
      this.againTimer = 0;
      void this.judge();
    }, AGAIN_MS);
  }

  private async judge(): Promise<void> {
    const turn = ++this.turn;
    const reads = this.understood();
    if (missing(this.draft, reads).length || this.draft.kind !== "plan" || !may("watch")) {
      this.judged = null;
      this.judgeProblem = "";
      this.judging = false;
      return;
    }
    try {
      const view = await ask<PlanView>("plans", { method: "POST", body: planFile(this.draft, reads), query: { dry_run: true } });
      if (turn !== this.turn) return;
      this.judged = view;
      this.judgeProblem = "";
    } catch (error) {
      if (turn !== this.turn) return;
      this.judged = null;
      this.judgeProblem = this.why(error);
    }
    this.judging = false;
  }

  private async dropped(event: DragEvent): Promise<void> {
    const file = event.dataTransfer?.files[0];
    if (!file) return;
    event.preventDefault();
    if (file.size > FILE_BYTES_MAX) return say(t("problem.too-large"), true, file.name);
    if (/\.kmz$/i.test(file.name)) return this.readPacked(file);
    this.textChanged(await file.text());
  }

  /** A KMZ is no text: the node unpacks it, and its shapes come back as text. */
  private async readPacked(file: File): Promise<void> {
    const bytes = new Uint8Array(await file.arrayBuffer());
    let packed = "";
    for (let at = 0; at < bytes.length; at += 8192) packed += String.fromCharCode(...bytes.subarray(at, at + 8192));
    try {
      const read = await ask<ReadView>("read", { body: { base64: btoa(packed) } });
      const features = read.volumes.flatMap((volume) => volume.features);
      this.textChanged(JSON.stringify({ type: "FeatureCollection", features }));
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      say(problemWords(error), true, error.detail);
    }
  }

  private useMove(move: Alternative): void {
    this.take(moved(this.draft, this.understood(), move));
    void this.readAll();
  }

  // ---- sending

  private async send(event: Event): Promise<void> {
    event.preventDefault();
    await this.readRest();
    const reads = this.understood();
    const wants = missing(this.draft, reads);
    if (wants.length) {
      say(t("plan.missing", { fields: wants.map((want) => t(`plan.field-${want}`)).join(", ") }), true);
      this.querySelector<HTMLElement>(`[name=${wants[0]}]`)?.focus();
      return;
    }
    const body = planFile(this.draft, reads);
    const what = this.draft.callsign || t(`plan.kind-${this.draft.kind}`);
    const { kind, replaces } = this.draft;
    const notify = this.notify && kind === "plan" && !replaces;
    let kept = false;
    const done = await told(act<object>(deed(kind, replaces, body, { what })), t("plan.sent"), () => {
      kept = true;
      say(t(notify ? "plan.kept" : "queue.kept"), true);
    });
    if (!done && !kept) return;
    // What waits in the queue is not sent from here a second time.
    this.start();
    await shelf.remove(this.key()).catch(() => undefined);
    if (!done || !("id" in done)) return;
    mark({ sel: String(done.id) });
    if (notify) await tell(done as PlanView, what);
  }

  private edit(plan: PlanView): void {
    this.take(draftOf(plan));
    this.chosen = 0;
    void this.readAll();
  }

  // ---- drawing on the screen

  protected override render(): unknown {
    const part = this.draft.parts[this.chosen] ?? emptyPart();
    const hands: PartHands = {
      read: this.reads[this.chosen],
      problem: this.readProblem,
      write: (text) => this.textChanged(text),
      drop: (event) => void this.dropped(event),
      change: (change) => this.changePart(change),
    };
    return html`<div class="screen plan">
      <section class="stack">
        <div class="row spread">
          <h1>${this.draft.replaces ? t("plan.title-change") : t("plan.title")}</h1>
          <div class="row">
            <button @click=${() => this.undo()} ?disabled=${!this.undos.length}>${t("plan.undo")}</button>
            <button @click=${() => this.start()}>${t("plan.new")}</button>
          </div>
        </div>
        ${may("watch") ? nothing : html`<p class="problem">${t("problem.forbidden")}</p>`}
        <form class="stack" novalidate @submit=${(event: Event) => void this.send(event)}>
          ${this.head()} ${this.parts()} ${place(part, hands)} ${levels(part, hands)} ${times(part, hands)}
          ${verdict({
            kind: this.draft.kind,
            judged: this.judged,
            judging: this.judging,
            stale: freshness.value.state !== "live",
            problem: this.judgeProblem,
            use: (move) => this.useMove(move),
          })}
          <div class="row">
            ${this.draft.kind === "plan" && !this.draft.replaces
              ? html`<label class="check"
                  ><input type="checkbox" name="notify" .checked=${this.notify} @change=${(event: Event) => (this.notify = (event.target as HTMLInputElement).checked)} />${t("plan.notify")}</label
                >`
              : nothing}
            <button class="primary" name="send" ?disabled=${!may("watch")}>
              ${t(this.draft.replaces ? "plan.send-change" : `plan.send-${this.draft.kind}`)}
            </button>
          </div>
        </form>
        ${ownPlans({ edit: (plan) => this.edit(plan) })}
      </section>
      <tansiq-plan-map
        .reads=${this.reads}
        .judged=${this.judged}
        .chosen=${this.chosen}
        .start=${Date.parse(part.start)}
        @drawn=${(event: CustomEvent<string>) => {
          this.textChanged(event.detail);
        }}
      ></tansiq-plan-map>
    </div>`;
  }

  private head(): TemplateResult {
    const { draft } = this;
    const set = (change: Partial<Draft>): void => this.take({ ...draft, ...change });
    const value = (event: Event): string => (event.target as HTMLInputElement).value;
    return html`<div class="grid-fields">
      <label class="field"
        ><span>${t("plan.field-kind")}</span
        ><select name="kind" ?disabled=${draft.replaces !== null} @change=${(event: Event) => set({ kind: value(event) as Draft["kind"] })}>
          ${(["plan", "constraint", "area"] as const).map((kind) => html`<option value=${kind} ?selected=${kind === draft.kind}>${t(`plan.kind-${kind}`)}</option>`)}
        </select></label
      >
      <label class="field"
        ><span>${t("plan.field-callsign")}</span
        ><input name="callsign" maxlength="60" dir="auto" autocomplete="off" spellcheck="false" .value=${draft.callsign} @input=${(event: Event) => set({ callsign: value(event) })}
      /></label>
    </div>
    ${draft.kind === "plan"
      ? html`<details ?open=${Boolean(draft.category || draft.formation || draft.priority !== "0")}>
          <summary class="touch">${t("plan.more")}</summary>
          <div class="grid-fields">
            <label class="field"
              ><span>${t("plan.field-category")}</span
              ><select name="category" @change=${(event: Event) => set({ category: value(event) })}>
                <option value="">${t("plan.category-none")}</option>
                ${CATEGORIES.map((each) => html`<option value=${each} ?selected=${each === draft.category}>${t(`plan.category-${each}`)}</option>`)}
              </select></label
            >
            <label class="field"
              ><span>${t("plan.field-priority")}</span
              ><input name="priority" type="number" step="1" dir="ltr" .value=${draft.priority} @input=${(event: Event) => set({ priority: value(event) })}
            /></label>
            <label class="field"
              ><span>${t("plan.field-formation")}</span
              ><input name="formation" maxlength="60" dir="auto" .value=${draft.formation} @input=${(event: Event) => set({ formation: value(event) })}
            /></label>
          </div>
        </details>`
      : nothing}`;
  }

  private parts(): TemplateResult {
    const { parts } = this.draft;
    return html`<div class="row" role="group" aria-label=${t("plan.volumes")}>
      ${parts.map(
        (_, index) =>
          html`<button type="button" aria-pressed=${index === this.chosen} @click=${() => (this.chosen = index)}>${t("plan.volume", { n: index + 1 })}</button>`,
      )}
      <button
        type="button"
        @click=${() => {
          this.take({ ...this.draft, parts: [...parts, emptyPart(parts[this.chosen])] });
          this.reads = [...this.reads, null];
          this.readTexts = [...this.readTexts, ""];
          this.chosen = parts.length;
        }}
      >
        ${t("plan.add-volume")}
      </button>
      ${parts.length > 1
        ? html`<button
            type="button"
            @click=${() => {
              const stays = (_: unknown, index: number): boolean => index !== this.chosen;
              this.take({ ...this.draft, parts: parts.filter(stays) });
              this.reads = this.reads.filter(stays);
              this.readTexts = this.readTexts.filter(stays);
              this.chosen = Math.max(0, this.chosen - 1);
            }}
          >
            ${t("plan.remove-volume")}
          </button>`
        : nothing}
    </div>`;
  }
}

function deed(kind: Draft["kind"], replaces: string | null, body: unknown, values: { what: string }): Deed {
  const words = { key: replaces ? "plan.deed-change" : `plan.deed-${kind}`, values };
  if (kind === "area") return { path: "notices/area", body, words, late: "ask" };
  const path = kind === "constraint" ? "constraints" : "plans";
  return {
    path: replaces ? `${path}/${replaces}` : path,
    method: replaces ? "PUT" : "POST",
    body,
    query: { wait_s: 5 },
    words,
    late: "ask",
  };
}

/** Give notice of a plan, once it stands; of a refused one there is nothing to tell. */
async function tell(plan: PlanView, what: string): Promise<void> {
  if (plan.status === "refused") return;
  const words = { key: "plan.deed-notice", values: { what } };
  await told(act({ path: "notices", body: { id: plan.id }, words }), t("plan.noticed"));
}

/** The record: looked through, proved, verified, exported. */
import "./log.css";
import { html, nothing, type TemplateResult } from "lit";
import { customElement, state } from "lit/decorators.js";
import { ask, askFile, Problem, Unreachable } from "../../api/client";
import type { FoundNotes, LogHeadView, NoteView } from "../../api/types";
import type { Key } from "../../keys";
import { lines, status, threads } from "../../live/node";
import { session } from "../../live/session";
import { Watching } from "../../live/store";
import { now } from "../../live/time";
import { fileName, save } from "../../parts/download";
import { dtg } from "../../parts/format";
import { nearest, submitting, text, timeField } from "../../parts/forms";
import { icons } from "../../parts/icons";
import { ListScreen } from "../../parts/list_screen";
import { say, told } from "../../parts/toast";
import { asProblem } from "../../parts/unreachable";
import { address } from "../../route";
import { has, language, ltr, t } from "../../words/words";
import { agreement, needAgreement, partyName } from "../line/agreed";
import "./exporting";
import "./verifying";

const PAGE = 50;
const KINDS = [
  "notice", "seen", "readback", "answer", "counter", "outcome", "confirm", "withdraw", "status", "receipt", "refusal", "stop", "all-clear",
  "check", "check-reply", "call", "say", "line", "alarm", "alarm-ack", "incident", "review", "handover", "clock", "gap", "key", "agreement",
];

interface Wanted {
  q: string;
  party: string;
  kind: string;
  from: string;
  to: string;
}

@customElement("tansiq-log")
export class LogScreen extends ListScreen {
  @state() private wanted: Wanted = { q: "", party: "", kind: "", from: "", to: "" };
  @state() private notes: NoteView[] = [];
  @state() private page: FoundNotes | null = null;
  @state() private busy = false;
  @state() private originals = new Set<string>();
  @state() private head: LogHeadView | null = null;
  @state() private problem = "";
  private asked = "";

  constructor() {
    super();
    new Watching(this, language, session, lines, status, agreement, threads);
  }

  override connectedCallback(): void {
    super.connectedCallback();
    void needAgreement();
    void this.loadHead();
  }

  protected override keys(): Key[] {
    return [...super.keys(), { code: "Slash", words: "log.key-search", run: () => this.querySelector<HTMLElement>("[name=q]")?.focus() }];
  }

  protected override leave(): void {
    this.originals = new Set();
  }

  protected override willUpdate(): void {
    if (language.value !== this.asked) {
      this.asked = language.value;
      void this.search(this.wanted);
    }
  }

  private async reading<T>(step: Promise<T>): Promise<T | null> {
    try {
      const answer = await step;
      this.problem = "";
      return answer;
    } catch (error) {
      if (error instanceof Problem) this.problem = error.detail;
      else if (error instanceof Unreachable) this.problem = t("login.unreachable");
      else throw error;
      return null;
    }
  }

  private async loadHead(): Promise<void> {
    this.head = await this.reading(ask<LogHeadView>("log/head"));
  }

  private async search(wanted: Wanted, before: number | null = null): Promise<void> {
    this.wanted = wanted;
    this.busy = true;
    const found = await this.reading(
      ask<FoundNotes>("log/notes", {
        query: {
          q: wanted.q || null,
          party: wanted.party || null,
          kind: wanted.kind || null,
          from: wanted.from || null,
          to: wanted.to || null,
          before,
          last: PAGE,
          language: language.value,
        },
      }),
    );
    this.busy = false;
    if (!found) return;
    this.notes = before === null ? found.notes : [...this.notes, ...found.notes];
    this.page = found;
  }

  private async proof(note: NoteView): Promise<void> {
    const file = await told(askFile(`log/notes/${note.id}/proof`).catch(asProblem));
    if (!file) return;
    save(file, fileName(note.id.slice(0, 12)) + ".tlog-proof");
    say(t("log.proof-saved"));
  }

  protected override render(): unknown {
    return html`<div class="screen stack log-screen">
      <div class="row spread"><h1>${t("nav.log")}</h1></div>
      ${this.headOf()}
      <div class="log-grid">
        <section class="stack" aria-label=${t("log.search")}>${this.form()} ${this.results()}</section>
        <aside class="stack" aria-label=${t("log.evidence")}>
          <tansiq-verifying></tansiq-verifying>
          <tansiq-exporting></tansiq-exporting>
        </aside>
      </div>
    </div>`;
  }

  /** What the record comes to, and who has vouched for how much of it. */
  private headOf(): TemplateResult {
    const { head } = this;
    return html`<section class="panel stack" aria-label=${t("log.head")}>
      <div class="row">
        <h2>${t("log.head")}</h2>
        ${head ? html`<span>${t("log.entries", { n: head.size })}</span> <span class="faint">${dtg(Date.parse(head.time), now())}</span>` : nothing}
        <button @click=${() => void this.loadHead()}>${t("log.look-again")}</button>
      </div>
      ${head
        ? html`<p>${t("log.root")} <code class="hash">${head.root}</code></p>
            <p>
              ${head.cosigned.length
                ? head.cosigned.map(
                    (each) => html`<span class="badge wrap"
                      >${each.size >= head.size ? icons.done() : icons.waiting()}
                      ${t("log.cosigned", { who: each.witness, size: ltr(each.size), at: dtg(Date.parse(each.time), now()) })}</span
                    > `,
                  )
                : t("log.not-cosigned")}
            </p>`
        : nothing}
    </section>`;
  }

  private form(): TemplateResult {
    const send = async (form: FormData): Promise<void> => {
      const moment = (name: string): string | null => (text(form, name) ? nearest(text(form, name)) : "");
      const [from, to] = [moment("from"), moment("to")];
      if (from === null || to === null) {
        this.problem = t("phrases.no-time");
        return;
      }
      await this.search({ q: text(form, "q"), party: text(form, "party"), kind: text(form, "kind"), from, to });
    };
    return html`<form class="panel stack" role="search" @submit=${submitting(send)}>
      <label class="field"
        ><span>${t("log.words")}</span><input type="search" name="q" dir="auto" maxlength="200" autocomplete="off" value=${this.wanted.q}
      /></label>
      <div class="grid-fields">
        <label class="field"
          ><span>${t("board.party")}</span
          ><select name="party">
            <option value="">${t("log.any")}</option>
            ${[status.value?.party, ...(lines.value?.lines ?? []).map((line) => line.party)].map((party) =>
              party ? html`<option value=${party}>${partyName(party, language.value)}</option>` : nothing,
            )}
          </select></label
        >
        <label class="field"
          ><span>${t("log.kind")}</span
          ><select name="kind">
            <option value="">${t("log.any")}</option>
            ${KINDS.map((kind) => html`<option value=${kind}>${t(`thread.kind-${kind}`)}</option>`)}
          </select></label
        >
        ${timeField(t("log.from"), "from")} ${timeField(t("log.to"), "to")}
      </div>
      <button class="primary" ?disabled=${this.busy}>${t("log.search")}</button>
      ${this.problem ? html`<p class="problem" role="alert"><bdi lang="en">${this.problem}</bdi></p>` : nothing}
    </form>`;
  }

  private results(): TemplateResult {
    const { page } = this;
    return html`<p role="status" class="faint">
        ${page
          ? html`${t("log.found", { n: this.notes.length })}
            ${page.searched_to_time ? t("log.searched-to", { at: dtg(Date.parse(page.searched_to_time), now()) }) : nothing}`
          : t("shell.loading")}
      </p>
      <ol class="notes">
        ${this.notes.map((note) => this.note(note))}
      </ol>
      ${page?.more && page.searched_to !== null
        ? html`<button data-item ?disabled=${this.busy} @click=${() => void this.search(this.wanted, page.searched_to)}>${t("log.older")}</button>`
        : nothing}`;
  }

  private note(note: NoteView): TemplateResult {
    const us = note.sender === status.value?.party;
    const shown = this.originals.has(note.id);
    const toggle = (): void => {
      const next = new Set(this.originals);
      shown ? next.delete(note.id) : next.add(note.id);
      this.originals = next;
    };
    const key = `thread.kind-${note.kind}`;
    const kind = has(key) ? t(key) : note.kind;
    const within = (threads.value ?? []).find((each) => each.id === note.thread);
    return html`<li class=${us ? "ours-note" : "theirs-note"} data-note=${note.id}>
      <div class="row">
        <span class="faint figures">${dtg(Date.parse(note.time), now())}</span>
        <span
          ><bdi class=${us ? "ours" : "theirs"}>${partyName(note.sender, language.value)}</bdi>${note.receiver === note.sender
            ? nothing
            : html` ${t("log.to-party", { party: partyName(note.receiver, language.value) })}`}</span
        >
        <strong>${kind}</strong>
        ${note.mode === "exercise" ? html`<span class="badge">${t("shell.exercise-word")}</span>` : nothing}
        ${note.arrived === false ? html`<span class="badge">${t("thread.not-arrived")}</span>` : nothing}
        ${note.out_of_turn ? html`<span class="badge">${t("thread.out-of-turn")}</span>` : nothing}
        <span class="faint">${t("log.entry", { n: ltr(note.entry) })}</span>
      </div>
      <div class="free-words">${note.sentences.length ? note.sentences.join("\n") : kind}</div>
      <div class="row">
        <button class="plain" data-item aria-expanded=${shown} aria-label=${`${t("alarm.original")}: ${kind}`} @click=${toggle}>${t("alarm.original")}</button>
        <button class="plain" data-proof @click=${() => void this.proof(note)}>${t("log.proof")}</button>
        ${within
          ? html`<a class="button plain-link" href=${within.kind === "notice" ? address("board", { sel: within.id }) : address("line", { thread: within.id })}>${t("thread.title")}</a>`
          : nothing}
      </div>
      ${shown
        ? html`<pre class="ltr original" tabindex="0">${JSON.stringify({ ...note.own, ...(note.payload ?? {}) }, null, 1)}
${note.id}</pre>`
        : nothing}
    </li>`;
  }
}

/** The line to each other party: how it stands, everything said on it, and what is said with one key. */
import "./line.css";
import { html, nothing, type TemplateResult } from "lit";
import { customElement, state } from "lit/decorators.js";
import { ask, Problem, Unreachable } from "../../api/client";
import type { FoundNotes, LineView, ThreadView } from "../../api/types";
import type { Key } from "../../keys";
import { lines, status, threads } from "../../live/node";
import { may, session } from "../../live/session";
import { Watching } from "../../live/store";
import { now, second } from "../../live/time";
import { dtg } from "../../parts/format";
import { icons } from "../../parts/icons";
import { ListScreen } from "../../parts/list_screen";
import { mark, route } from "../../route";
import { waitsForUs } from "../../threads/acts";
import "../../threads/thread-panel";
import { language, t } from "../../words/words";
import { agreement, needAgreement, partyName } from "./agreed";
import "./dialogs";
import type { CallLog, IncidentDialog } from "./dialogs";
import "./line_state";
import "./phrase_panel";
import type { PhrasePanel } from "./phrase_panel";
import "./stop_key";
import type { StopKey } from "./stop_key";

const SHOWN = 200;
const SAID_MAX = 200;

@customElement("tansiq-line")
export class LineScreen extends ListScreen {
  @state() private open = false;
  /** What the first note of each conversation says, in the viewer's language. */
  @state() private said = new Map<string, string>();
  private asked = "";
  private called = false;

  constructor() {
    super();
    new Watching(this, lines, threads, second, language, route, session, status, agreement);
  }

  override connectedCallback(): void {
    super.connectedCallback();
    void needAgreement();
  }

  protected override keys(): Key[] {
    const only = (run: () => void) => () => may("watch") && run();
    return [
      ...super.keys(),
      { code: "F8", words: "line_screen.key-call", run: only(() => this.querySelector<CallLog>("tansiq-call-log")?.show()), inFields: true },
      { code: "KeyP", words: "line_screen.key-phrase", run: only(() => this.querySelector<PhrasePanel>("tansiq-phrases")?.find()) },
      { code: "Shift+KeyX", words: "line_screen.key-guard", run: only(() => this.querySelector<StopKey>("tansiq-stop-key")?.lift()) },
    ];
  }

  protected override leave(): void {
    if (this.querySelector<StopKey>("tansiq-stop-key")?.lower()) return;
    if (this.querySelector<PhrasePanel>("tansiq-phrases")?.close()) return;
    mark({ thread: "" });
  }

  /** The party that one looks at: named in the address, or whose conversation is, or the first. */
  private party(): string {
    const { query } = route.value;
    const of = threads.value?.find((each) => each.id === query.get("thread"))?.party;
    const wanted = query.get("party") ?? of;
    const all = lines.value?.lines ?? [];
    return (all.find((line) => line.party === wanted) ?? all[0])?.party ?? "";
  }

  private rows(party: string): ThreadView[] {
    return (threads.value ?? [])
      .filter((each) => each.party === party && (!this.open || (each.open && !each.superseded)))
      .sort((a, b) => b.time.localeCompare(a.time) || a.id.localeCompare(b.id))
      .slice(0, SHOWN);
  }

  protected override willUpdate(): void {
    const party = this.party();
    const wanted = party ? `${party}/${language.value}/${threads.value?.length ?? 0}/${threads.value?.at(-1)?.id ?? ""}` : "";
    if (wanted && wanted !== this.asked) {
      this.asked = wanted;
      void this.loadSaid(party);
    }
  }

  protected override updated(): void {
    // F8 of the frame comes from any screen, by the address.
    if (route.value.query.get("call") && !this.called && may("watch")) {
      this.called = true;
      mark({ call: "" });
      void this.updateComplete.then(() => this.querySelector<CallLog>("tansiq-call-log")?.show());
    } else if (!route.value.query.get("call")) this.called = false;
  }

  private async loadSaid(party: string): Promise<void> {
    try {
      const found = await ask<FoundNotes>("log/notes", { query: { party, last: SAID_MAX, language: language.value } });
      const first = found.notes.filter((note) => note.id === note.thread && note.sentences.length);
      this.said = new Map(first.map((note) => [note.id, note.sentences[0] ?? ""]));
    } catch (error) {
      // The list stands without it: each conversation has its kind and stage.
      if (!(error instanceof Problem || error instanceof Unreachable)) throw error;
    }
  }

  protected override render(): unknown {
    const all = lines.value?.lines;
    if (!all) return html`<p class="empty">${t("shell.loading")}</p>`;
    if (!all.length) return html`<p class="empty">${t("line_screen.alone")}</p>`;
    const party = this.party();
    const selected = route.value.query.get("thread") ?? "";
    return html`<div class="screen stack line-screen">
      <div class="row spread">
        <h1>${t("nav.line")}</h1>
        <tansiq-stop-key .party=${party}></tansiq-stop-key>
        ${may("watch")
          ? html`<div class="row">
              <button data-call @click=${() => this.querySelector<CallLog>("tansiq-call-log")?.show()}>${t("line_screen.log-call")} <kbd>F8</kbd></button>
              <button data-incident @click=${() => this.querySelector<IncidentDialog>("tansiq-incident")?.show()}>${t("line_screen.open-incident")}</button>
            </div>`
          : nothing}
      </div>
      ${all.length > 1 ? this.parties(all, party) : nothing}
      <div class="line-grid ${selected ? "with-thread" : ""}">
        <tansiq-line-state .party=${party}></tansiq-line-state>
        <div class="stack talk">
          <tansiq-phrases .party=${party}></tansiq-phrases>
          ${this.list(this.rows(party), selected)}
        </div>
        ${selected
          ? html`<aside class="stack" aria-label=${t("thread.title")}>
              <div class="row spread">
                <span></span><button class="plain" aria-label=${t("shell.close")} @click=${() => mark({ thread: "" })}>${icons.close()}</button>
              </div>
              <tansiq-thread .thread=${selected}></tansiq-thread>
            </aside>`
          : nothing}
      </div>
      <tansiq-call-log .party=${party}></tansiq-call-log>
      <tansiq-incident .party=${party}></tansiq-incident>
    </div>`;
  }

  private parties(all: readonly LineView[], party: string): TemplateResult {
    return html`<div class="row" role="group" aria-label=${t("line_screen.parties")}>
      ${all.map((line) => {
        const attention = line.check === "warning" || line.check === "caution" || line.waiting || line.overdue_ours || line.stops;
        return html`<button aria-pressed=${line.party === party} data-party=${line.party} @click=${() => mark({ party: line.party, thread: "" })}>
          ${line.state === "open" ? icons.link() : icons.cut()} <bdi>${partyName(line.party, language.value)}</bdi> · ${t(`line.state-${line.state}`)}
          ${attention ? html`<b>! <span class="hidden-text">${t("line_screen.attention")}</span></b>` : nothing}
        </button>`;
      })}
    </div>`;
  }

  private list(rows: ThreadView[], selected: string): TemplateResult {
    return html`<section class="stack" aria-label=${t("line_screen.conversations")}>
      <div class="row spread">
        <h2>${t("line_screen.conversations")}</h2>
        <label class="check"
          ><input type="checkbox" .checked=${this.open} @change=${(event: Event) => (this.open = (event.target as HTMLInputElement).checked)} />${t(
            "line_screen.only-open",
          )}</label
        >
      </div>
      ${rows.length
        ? html`<ul class="plain-list talks">
            ${rows.map((thread) => this.row(thread, thread.id === selected))}
          </ul>`
        : html`<p class="empty">${t("line_screen.nothing-yet")}</p>`}
    </section>`;
  }

  private row(thread: ThreadView, selected: boolean): TemplateResult {
    const wait = waitsForUs(thread, status.value?.party ?? "");
    const said = this.said.get(thread.id);
    return html`<li class="${thread.superseded ? "superseded" : ""}">
      <button data-item data-thread=${thread.id} class="talk-row ${thread.ours ? "ours-note" : "theirs-note"}" aria-pressed=${selected} @click=${() => mark({ thread: thread.id, party: thread.party })}>
        <span class="row">
          <span class=${thread.ours ? "ours" : "theirs"}>${thread.ours ? icons.outgoing() : icons.incoming()}</span>
          <span class="hidden-text">${t(thread.ours ? "board.out" : "board.in")}</span>
          <span class="figures faint">${dtg(Date.parse(thread.time), now())}</span>
          <strong>${t(`thread.kind-${thread.kind}`)}</strong>
          ${thread.callsign ? html`<bdi>${thread.callsign}</bdi>` : nothing}
          <span class="badge ${wait ? "waiting" : ""}">${t(`stage.${thread.stage}`)}</span>
          ${thread.mode === "exercise" ? html`<span class="badge">${t("shell.exercise-word")}</span>` : nothing}
          ${wait ? html`<strong>${t("board.your-turn")}</strong>` : nothing}
        </span>
        ${said ? html`<span class="talk-words">${said}</span>` : nothing}
      </button>
    </li>`;
  }
}

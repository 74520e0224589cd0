/** What was done here and the node has not got: in sight until it has, or until a person takes it back. */
import { html, LitElement, nothing } from "lit";
import { customElement } from "lit/decorators.js";
import { session } from "../live/session";
import { Watching } from "../live/store";
import { second } from "../live/time";
import { discard, needsWord, sendAnyway, unsent, type Unsent } from "../offline/queue";
import { span } from "../parts/format";
import { language, named, t } from "../words/words";

/** An action that is on its way for less is not worth a word. */
const QUIET_MS = 1_500;

@customElement("tansiq-unsent")
export class UnsentBar extends LitElement {
  constructor() {
    super();
    new Watching(this, unsent, second, language, session);
  }

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  protected override render(): unknown {
    const waiting = unsent.value.filter((one) => one.tries || one.refused || Date.now() - one.made > QUIET_MS);
    if (!waiting.length) return nothing;
    return html`<div class="banner unsent" role="status" data-unsent=${waiting.length}>
      <strong>${t("queue.title", { n: waiting.length })}</strong>
      <ul class="stack">
        ${waiting.map((one) => this.row(one))}
      </ul>
    </div>`;
  }

  private row(one: Unsent): unknown {
    const me = session.value.state === "in" ? session.value.me.name : one.account;
    const foreign = one.account !== me;
    return html`<li class="row">
      ${t(one.words.key, one.words.values ?? {})} · ${t("queue.waits", { age: span((Date.now() - one.made) / 1000) })}
      ${foreign ? t("queue.foreign", { who: one.account }) : nothing}
      ${one.refused
        ? html`<span>${t("queue.refused")} <bdi lang="en">${named(one.problem ?? "")}</bdi></span>`
        : needsWord(one)
          ? t("queue.still")
          : nothing}
      ${!foreign && (one.refused || needsWord(one))
        ? html`<button @click=${() => void sendAnyway(one.id)}>${t("queue.send")}</button>`
        : nothing}
      <button @click=${() => void discard(one.id)}>${t("queue.discard")}</button>
    </li>`;
  }
}

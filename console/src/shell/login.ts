/** Logging in, also in the middle of something: what is on the screen stays under it. */
import { html, LitElement, nothing } from "lit";
import { customElement, state } from "lit/decorators.js";
import { Problem } from "../api/client";
import { logIn, session, setUp } from "../live/session";
import { Watching } from "../live/store";
import { problemWords } from "../parts/toast";
import { change } from "../parts/settings";
import { language, LANGUAGES, NAMES, speak, t, type Language } from "../words/words";

const SETUP = "#setup=";

@customElement("tansiq-login")
export class Login extends LitElement {
  @state() private problem = "";
  @state() private detail = "";
  @state() private busy = false;
  private token = location.hash.startsWith(SETUP) ? location.hash.slice(SETUP.length) : "";

  constructor() {
    super();
    new Watching(this, session, language);
    // A one-time token must not stay in the address, where it is copied and remembered.
    if (this.token) history.replaceState(null, "", "#/board");
  }

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  protected override updated(): void {
    const dialog = this.querySelector("dialog");
    if (dialog && !dialog.open) dialog.showModal();
  }

  private async submit(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    const form = new FormData(event.target as HTMLFormElement);
    const text = (name: string): string => String(form.get(name) ?? "");
    this.busy = true;
    this.problem = this.detail = "";
    try {
      if (this.token) {
        await setUp({
          token: this.token,
          name: text("name"),
          display_name: text("display_name"),
          initials: text("initials"),
          password: text("password"),
        });
        this.token = "";
      } else await logIn(text("name"), text("password"));
    } catch (error) {
      if (error instanceof Problem) [this.problem, this.detail] = [problemWords(error), error.detail];
      else this.problem = t("login.unreachable");
    } finally {
      this.busy = false;
    }
  }

  private async turn(to: Language): Promise<void> {
    change({ language: to });
    await speak(to);
  }

  protected override render(): unknown {
    const current = session.value;
    if (current.state !== "out") return nothing;
    return html`<dialog aria-labelledby="login-title" @cancel=${(event: Event) => event.preventDefault()}>
      <form class="stack" @submit=${(event: SubmitEvent) => void this.submit(event)}>
        <h1 id="login-title">${t(this.token ? "login.first" : "login.title")}</h1>
        ${current.expired ? html`<p role="status">${t("login.expired")}</p>` : nothing}
        ${this.token ? html`<p>${t("login.first-text")}</p>` : nothing}
        <label class="field"
          ><span>${t("login.name")}</span
          ><input name="name" autocomplete="username" autocapitalize="none" spellcheck="false" required dir="ltr" autofocus
        /></label>
        ${this.token
          ? html`<label class="field"
                ><span>${t("login.display-name")}</span><input name="display_name" autocomplete="name" required dir="auto"
              /></label>
              <label class="field"
                ><span>${t("login.initials")}</span><input name="initials" required maxlength="4" dir="ltr"
              /></label>`
          : nothing}
        <label class="field"
          ><span>${t("login.password")}</span
          ><input
            name="password"
            type="password"
            autocomplete=${this.token ? "new-password" : "current-password"}
            minlength=${this.token ? 12 : 1}
            required
            dir="ltr"
        /></label>
        ${this.problem
          ? html`<p class="problem" role="alert">
              ${this.problem}${this.detail ? html`<br /><bdi lang="en" class="faint">${this.detail}</bdi>` : nothing}
            </p>`
          : nothing}
        <div class="row spread">
          <div class="row" role="group" aria-label=${t("settings.language")}>
            ${LANGUAGES.map(
              (each) =>
                html`<button
                  type="button"
                  class="plain"
                  lang=${each}
                  aria-pressed=${language.value === each}
                  @click=${() => void this.turn(each)}
                >
                  ${NAMES[each]}
                </button>`,
            )}
          </div>
          <button class="primary" ?disabled=${this.busy}>${t("login.enter")}</button>
        </div>
      </form>
    </dialog>`;
  }
}

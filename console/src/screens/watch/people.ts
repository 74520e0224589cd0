/** Accounts and sessions: an admin's everybody's, anybody's own. */
import { html, nothing, type TemplateResult } from "lit";
import { customElement, state } from "lit/decorators.js";
import { ask, Problem, Unreachable } from "../../api/client";
import type { AccountList, AccountView, SessionList, SessionView } from "../../api/types";
import { may, session } from "../../live/session";
import { now } from "../../live/time";
import { act } from "../../offline/queue";
import { dtg } from "../../parts/format";
import { field, submitting, text } from "../../parts/forms";
import { Pane } from "../../parts/pane";
import { told } from "../../parts/toast";
import { asProblem } from "../../parts/unreachable";
import { t } from "../../words/words";

const ROLES = ["viewer", "watch", "admin"] as const;
const PASSWORD_CHARS_MIN = 12;
const SURE_MS = 8_000;

@customElement("tansiq-people")
export class PeoplePane extends Pane {
  @state() private accounts: AccountView[] | null = null;
  @state() private sessions: SessionView[] | null = null;
  @state() private problem = "";
  @state() private sure = "";
  @state() private renewing = "";

  override connectedCallback(): void {
    super.connectedCallback();
    void this.load();
  }

  private async load(): Promise<void> {
    try {
      this.sessions = (await ask<SessionList>("sessions")).sessions;
      if (may("admin")) this.accounts = (await ask<AccountList>("accounts")).accounts;
      this.problem = "";
    } catch (error) {
      if (error instanceof Problem) this.problem = error.detail;
      else if (error instanceof Unreachable) this.problem = t("login.unreachable");
      else throw error;
    }
  }

  /** What holds a password is sent at once or not at all: what waits is kept on this computer's disk. */
  private async secret(path: string, method: "POST" | "PUT", body: unknown, element: HTMLFormElement): Promise<void> {
    const answer = await told(ask(path, { method, body }).catch(asProblem), t("watch.done"));
    if (answer !== null) {
      element.reset();
      this.renewing = "";
    }
    await this.load();
  }

  private async add(form: FormData, element: HTMLFormElement): Promise<void> {
    const body = Object.fromEntries(["name", "display_name", "initials", "role"].map((name) => [name, text(form, name)]));
    await this.secret("accounts", "POST", { ...body, password: form.get("password") }, element);
  }

  private async setRole(account: AccountView, role: string): Promise<void> {
    await told(
      act({ path: `accounts/${account.id}/role`, method: "PUT", body: { role }, words: { key: "watch.deed-role", values: { who: account.name, role: t(`user.role-${role}`) } }, late: "ask" }),
      t("watch.done"),
    );
    await this.load();
  }

  private twice(id: string): boolean {
    if (this.sure === id) {
      this.sure = "";
      return true;
    }
    this.sure = id;
    window.setTimeout(() => this.sure === id && (this.sure = ""), SURE_MS);
    return false;
  }

  private async takeAway(account: AccountView): Promise<void> {
    if (!this.twice(account.id)) return;
    await told(act({ path: `accounts/${account.id}`, method: "DELETE", words: { key: "watch.deed-remove", values: { who: account.name } }, late: "ask" }), t("watch.done"));
    await this.load();
  }

  private async end(one: SessionView): Promise<void> {
    if (one.current && !this.twice(one.id)) return;
    await told(act({ path: `sessions/${one.id}`, method: "DELETE", words: { key: "watch.deed-end-session", values: { who: one.name } }, late: "ask" }), t("watch.done"));
    await this.load();
  }

  protected override render(): unknown {
    return html`${this.problem ? html`<p class="problem" role="alert"><bdi lang="en">${this.problem}</bdi></p>` : nothing}
      <div class="two">
        ${may("admin") ? this.people() : html`<p class="faint">${t("watch.admin-only")}</p>`}
        <div class="stack">${this.open()} ${this.own()}</div>
      </div>`;
  }

  private people(): TemplateResult {
    return html`<section class="stack" aria-label=${t("watch.accounts")}>
      <h2>${t("watch.accounts")}</h2>
      <ul class="plain-list stack">
        ${(this.accounts ?? []).map((each) => this.account(each))}
      </ul>
      <form class="panel stack" data-form="account" @submit=${submitting((form, element) => this.add(form, element))}>
        <h3>${t("watch.account-add")}</h3>
        <div class="grid-fields">
          ${field(t("login.name"), "name", { required: true, ltr: true, max: 32, pattern: "[a-z0-9._\\-]{2,32}" })}
          ${field(t("login.display-name"), "display_name", { required: true, max: 60 })}
          ${field(t("login.initials"), "initials", { required: true, ltr: true, max: 4 })}
          <label class="field"
            ><span>${t("watch.role")}</span
            ><select name="role">
              ${ROLES.map((role) => html`<option value=${role} ?selected=${role === "watch"}>${t(`user.role-${role}`)}</option>`)}
            </select></label
          >
          ${password("password", t("login.password"))}
        </div>
        <button class="primary">${t("watch.account-add")}</button>
      </form>
    </section>`;
  }

  private account(each: AccountView): TemplateResult {
    const me = session.value.state === "in" ? session.value.me.account : null;
    const renewing = this.renewing === each.id;
    return html`<li class="panel stack" data-account=${each.name}>
      <div class="row">
        <span><strong><bdi>${each.display_name}</bdi></strong> (<bdi>${each.initials}</bdi>)</span> <code class="ltr faint">${each.name}</code>
        <span class="faint">${t("watch.sessions-of", { n: each.sessions })}</span>
      </div>
      <div class="row">
        <label class="row"
          ><span class="hidden-text">${t("watch.role-of", { who: each.name })}</span
          ><select class="narrow" data-item @change=${(event: Event) => void this.setRole(each, (event.target as HTMLSelectElement).value)}>
            ${ROLES.map((role) => html`<option value=${role} ?selected=${role === each.role}>${t(`user.role-${role}`)}</option>`)}
          </select></label
        >
        <button aria-expanded=${renewing} @click=${() => (this.renewing = renewing ? "" : each.id)}>${t("watch.set-password")}</button>
        ${each.id === me
          ? nothing
          : html`<button class=${this.sure === each.id ? "primary" : ""} @click=${() => void this.takeAway(each)}>
              ${t(this.sure === each.id ? "watch.remove-sure" : "watch.remove")}
            </button>`}
      </div>
      ${renewing
        ? html`<form
            class="row"
            data-form="password"
            @submit=${submitting((form, element) => this.secret(`accounts/${each.id}/password`, "PUT", { password: form.get("password") }, element))}
          >
            ${password("password", t("watch.new-password"))}<button class="primary">${t("watch.set-password")}</button>
          </form>`
        : nothing}
    </li>`;
  }

  private open(): TemplateResult {
    return html`<section class="stack" aria-label=${t("watch.sessions")}>
      <h2>${t("watch.sessions")}</h2>
      <ul class="plain-list stack">
        ${(this.sessions ?? []).map(
          (one) => html`<li class="panel row">
            <bdi>${one.name}</bdi> <span class="faint">${t(`watch.session-${one.kind}`)} · <bdi class="ltr">${one.address}</bdi></span>
            <span class="faint">${t("watch.session-times", { begun: dtg(Date.parse(one.begun), now()), seen: dtg(Date.parse(one.seen), now()), ends: dtg(Date.parse(one.ends), now()) })}</span>
            ${one.current ? html`<span class="badge">${t("watch.this-one")}</span>` : nothing}
            <button data-item @click=${() => void this.end(one)}>${t(this.sure === one.id ? "watch.end-sure" : "watch.end-session")}</button>
          </li>`,
        )}
      </ul>
    </section>`;
  }

  private own(): TemplateResult {
    return html`<form
      class="panel stack"
      data-form="own-password"
      @submit=${submitting((form, element) => this.secret("me/password", "PUT", { current: form.get("current"), password: form.get("password") }, element))}
    >
      <h2>${t("watch.own-password")}</h2>
      ${password("current", t("watch.present-password"), "current-password", 1)} ${password("password", t("watch.new-password"))}
      <p class="faint">${t("watch.own-password-what")}</p>
      <button>${t("watch.set-password")}</button>
    </form>`;
  }
}

function password(name: string, label: string, complete = "new-password", least = PASSWORD_CHARS_MIN): TemplateResult {
  return html`<label class="field"
    ><span>${label}</span
    ><input name=${name} type="password" dir="ltr" required minlength=${least} maxlength="256" autocomplete=${complete}
  /></label>`;
}

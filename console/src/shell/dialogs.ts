/** Settings of one viewer, the keys, and who sits here. */
import { html, LitElement, type TemplateResult } from "lit";
import { customElement } from "lit/decorators.js";
import { allowNotifications } from "../alarms/ring";
import { keysNow, label } from "../keys";
import { logOut, session } from "../live/session";
import { Watching } from "../live/store";
import { change, settings, type ViewerSettings } from "../parts/settings";
import { told } from "../parts/toast";
import { isLanguage, language, LANGUAGES, NAMES, speak, t } from "../words/words";

abstract class Dialog extends LitElement {
  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  show(): void {
    this.requestUpdate();
    void this.updateComplete.then(() => {
      const dialog = this.querySelector("dialog");
      if (dialog && !dialog.open) dialog.showModal();
    });
  }

  protected hide(): void {
    this.querySelector("dialog")?.close();
  }

  protected frame(title: string, body: TemplateResult): TemplateResult {
    return html`<dialog aria-label=${title}>
      <form method="dialog" class="stack">
        <div class="row spread">
          <h1>${title}</h1>
          <button>${t("shell.close")}</button>
        </div>
      </form>
      <div class="stack">${body}</div>
    </dialog>`;
  }
}

const CHOICES = {
  theme: ["dark", "light", "night"],
  altitude: ["ft", "m"],
  distance: ["nm", "km"],
  coordinates: ["dms", "dm", "dd", "mgrs"],
} as const;

@customElement("tansiq-settings")
export class SettingsDialog extends Dialog {
  constructor() {
    super();
    new Watching(this, settings, language);
  }

  private choose(name: keyof typeof CHOICES, value: string): void {
    change({ [name]: value } as Partial<ViewerSettings>);
  }

  private async turn(value: string): Promise<void> {
    if (!isLanguage(value)) return;
    change({ language: value });
    await speak(value);
  }

  protected override render(): unknown {
    const current = settings.value;
    return this.frame(
      t("settings.title"),
      html`<label class="field"
          ><span>${t("settings.language")}</span
          ><select name="language" @change=${(event: Event) => void this.turn((event.target as HTMLSelectElement).value)}>
            ${LANGUAGES.map((each) => html`<option value=${each} lang=${each} ?selected=${each === language.value}>${NAMES[each]}</option>`)}
          </select></label
        >
        <label class="field"
          ><span>${t("settings.labels")}</span
          ><select
            name="labels"
            @change=${(event: Event) => {
              const value = (event.target as HTMLSelectElement).value;
              change({ labels: isLanguage(value) ? value : null });
            }}
          >
            <option value="" ?selected=${current.labels === null}>${t("settings.labels-same")}</option>
            ${LANGUAGES.map((each) => html`<option value=${each} lang=${each} ?selected=${each === current.labels}>${NAMES[each]}</option>`)}
          </select></label
        >
        ${(Object.keys(CHOICES) as (keyof typeof CHOICES)[]).map(
          (name) =>
            html`<label class="field"
              ><span>${t(`settings.${name}`)}</span
              ><select name=${name} @change=${(event: Event) => this.choose(name, (event.target as HTMLSelectElement).value)}>
                ${CHOICES[name].map((each) => html`<option value=${each} ?selected=${each === current[name]}>${t(`settings.${name}-${each}`)}</option>`)}
              </select></label
            >`,
        )}
        <label class="check"
          ><input
            type="checkbox"
            name="sound"
            .checked=${current.sound}
            @change=${(event: Event) => change({ sound: (event.target as HTMLInputElement).checked })}
          />${t("settings.sound")}</label
        >
        <label class="check"
          ><input
            type="checkbox"
            name="keys"
            .checked=${current.keys}
            @change=${(event: Event) => change({ keys: (event.target as HTMLInputElement).checked })}
          />${t("settings.keys")}</label
        >
        <button @click=${() => void allowNotifications()}>${t("settings.notifications")}</button>`,
    );
  }
}

@customElement("tansiq-help")
export class HelpDialog extends Dialog {
  constructor() {
    super();
    new Watching(this, language);
  }

  protected override render(): unknown {
    return this.frame(
      t("keys.title"),
      html`<p class="faint">${t("keys.where")}</p>
        <dl class="keys-list">
          ${keysNow().map((key) => html`<dt><kbd>${label(key.code)}</kbd></dt><dd>${t(key.words)}</dd>`)}
        </dl>`,
    );
  }
}

@customElement("tansiq-user")
export class UserDialog extends Dialog {
  constructor() {
    super();
    new Watching(this, session, language);
  }

  protected override render(): unknown {
    const current = session.value;
    if (current.state !== "in") return this.frame(t("user.title"), html``);
    const { me } = current;
    return this.frame(
      t("user.title"),
      html`<p><bdi>${me.display_name}</bdi> (<bdi>${me.initials}</bdi>) · ${t(`user.role-${me.role}`)}</p>
        <button
          @click=${async () => {
            this.hide();
            await told(logOut());
          }}
        >
          ${t("user.log-out")}
        </button>`,
    );
  }
}

/** The agreement in force: whose digest is the same, and every rule in the viewer's words. */
import "./agreement.css";
import { html, nothing, type TemplateResult } from "lit";
import { customElement, state } from "lit/decorators.js";
import { ask, Problem, Unreachable } from "../../api/client";
import type { AgreedDesk, AgreedMinima, AgreedParty, AgreedStep, AgreementView, SignedVersion } from "../../api/types";
import { status } from "../../live/node";
import { session } from "../../live/session";
import { Watching } from "../../live/store";
import { now } from "../../live/time";
import { fileName, save, sha256 } from "../../parts/download";
import { altitude, distance, dtg, height, place, span } from "../../parts/format";
import { icons } from "../../parts/icons";
import { ListScreen } from "../../parts/list_screen";
import { say } from "../../parts/toast";
import { has, language, ltr, t } from "../../words/words";
import { agreement } from "../line/agreed";

/** What peers show changes by itself: so often it is asked again while somebody looks. */
const AGAIN_MS = 30_000;

@customElement("tansiq-agreement")
export class AgreementScreen extends ListScreen {
  @state() private view: AgreementView | null = null;
  @state() private problem = "";
  private timer = 0;

  constructor() {
    super();
    new Watching(this, language, session, status);
  }

  override connectedCallback(): void {
    super.connectedCallback();
    void this.load();
    this.timer = window.setInterval(() => void this.load(), AGAIN_MS);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearInterval(this.timer);
  }

  private async load(): Promise<void> {
    try {
      this.view = await ask<AgreementView>("agreement");
      agreement.set(this.view);
      this.problem = "";
    } catch (error) {
      if (error instanceof Problem) this.problem = error.detail;
      else if (error instanceof Unreachable) this.problem = t("login.unreachable");
      else throw error;
    }
  }

  private async download(view: AgreementView): Promise<void> {
    const file = new Blob([view.document], { type: "application/toml" });
    save(file, `${fileName("agreement", String(view.version), view.digest.slice(0, 8))}.toml`);
    const made = await sha256(file);
    if (made === null) say(t("log.no-crypto"));
    else if (made === view.digest) say(t("agreement.saved-same"));
    else say(t("agreement.saved-differs"), true);
  }

  protected override render(): unknown {
    const { view } = this;
    if (!view) return html`<p class="empty">${this.problem ? html`<bdi>${this.problem}</bdi>` : t("shell.loading")}</p>`;
    return html`<div class="screen stack agreement-screen">
      <div class="row spread">
        <h1>${t("nav.agreement")}: <bdi>${view.name}</bdi></h1>
        <button data-download @click=${() => void this.download(view)}>${t("agreement.download")}</button>
      </div>
      ${this.problem ? html`<p class="problem" role="alert"><bdi lang="en">${this.problem}</bdi></p>` : nothing}
      ${this.inForce(view)} ${this.next(view)}
      <section class="stack" aria-label=${t("agreement.parties")}>
        <h2>${t("agreement.parties")}</h2>
        <ul class="plain-list parties">
          ${view.parties.map((party) => this.party(party))}
        </ul>
      </section>
      <div class="rules">
        ${this.minima(view)} ${this.lead(view)} ${this.timers(view)} ${this.registers(view)} ${this.area(view)} ${this.rules(view)}
      </div>
      ${this.versions(view)}
      <details>
        <summary>${t("agreement.in-words")}</summary>
        <dl class="facts" lang=${view.sentences_language} dir="ltr">
          ${view.sentences.map((each) => html`<dt>${each.about}</dt><dd>${each.says}</dd>`)}
        </dl>
      </details>
      <details>
        <summary>${t("agreement.file")}</summary>
        <pre class="ltr original" tabindex="0">${view.document}</pre>
      </details>
    </div>`;
  }

  private inForce(view: AgreementView): TemplateResult {
    const until = view.valid_until ? Date.parse(view.valid_until) : null;
    const over = until !== null && until <= now();
    return html`<section class="panel stack" aria-label=${t("agreement.in-force")}>
      <dl class="facts">
        <dt>${t("agreement.version")}</dt>
        <dd><strong>${ltr(view.version)}</strong></dd>
        <dt>${t("agreement.valid-until")}</dt>
        <dd class=${over ? "problem" : ""}>
          ${until === null ? t("agreement.no-end") : dtg(until, now())} ${over ? html`<strong>${t("agreement.is-over")}</strong>` : nothing}
        </dd>
        <dt>SHA-256</dt>
        <dd><code class="hash" data-digest>${view.digest}</code></dd>
        <dt>${t("agreement.by-voice")}</dt>
        <dd lang="en"><bdi>${view.words.join(" ")}</bdi></dd>
        ${view.previous ? html`<dt>${t("agreement.previous")}</dt><dd><code class="hash">${view.previous}</code></dd>` : nothing}
      </dl>
    </section>`;
  }

  private next(view: AgreementView): TemplateResult | typeof nothing {
    const { next } = view;
    if (!next) return nothing;
    return html`<section class="panel stack" aria-label=${t("agreement.next")}>
      <h2>${icons.waiting()} ${t("agreement.next")}</h2>
      <p>${t("agreement.next-is", { version: ltr(next.version) })} <code class="hash">${next.digest}</code></p>
      ${next.waits.length
        ? html`<p>${t("agreement.waits")}</p>
            <ul>
              ${next.waits.map((each) => html`<li lang="en"><bdi>${each}</bdi></li>`)}
            </ul>`
        : html`<p>${t("agreement.waits-nothing")}</p>`}
    </section>`;
  }

  /** Three shapes and three words: the same, another one, not heard yet. */
  private party(party: AgreedParty): TemplateResult {
    const how = party.ours ? "own" : party.same === null ? "unheard" : party.same ? "same" : "other";
    const shape = { own: icons.user, same: icons.done, other: icons.cut, unheard: icons.waiting }[how];
    return html`<li class="panel stack" data-same=${how}>
      <div class="row spread">
        <h3 tabindex="-1"><bdi>${party.names[language.value] ?? party.names["en"] ?? party.id}</bdi> <code class="ltr faint">${party.id}</code></h3>
        <span class="badge same-${how}">${shape()} ${t(`agreement.digest-${how}`)}</span>
      </div>
      ${how === "other"
        ? html`<p class="problem">${t("agreement.other-what")}<br /><code class="hash">${party.digest}</code></p>`
        : nothing}
      <dl class="facts">
        ${party.digest_at && !party.ours ? html`<dt>${t("agreement.shown-at")}</dt><dd>${dtg(Date.parse(party.digest_at), now())}</dd>` : nothing}
        ${party.struck ? html`<dt>${t("agreement.struck")}</dt><dd><strong>${t("agreement.struck-what")}</strong></dd>` : nothing}
        <dt>${t("agreement.key")}</dt>
        <dd lang="en"><bdi>${party.key_words.join(" ")}</bdi></dd>
        <dt>${t("agreement.address")}</dt>
        <dd><code class="ltr">${party.url}</code></dd>
        <dt>${t("agreement.has-register")}</dt>
        <dd>${t(party.register ? "agreement.yes" : "agreement.no")}</dd>
      </dl>
      ${party.desks.length
        ? html`<h4>${t("agreement.desks")}</h4>
            <ul class="plain-list stack">
              ${party.desks.map((desk) => this.desk(desk))}
            </ul>`
        : nothing}
    </li>`;
  }

  private desk(desk: AgreedDesk): TemplateResult {
    return html`<li>
      <strong><bdi>${desk.names[language.value] ?? desk.names["en"] ?? desk.id}</bdi></strong> ·
      ${desk.hours === "24h" ? t("agreement.always") : html`${ltr(`${desk.hours} Z`)} ${desk.days.length < 7 ? listed(desk.days.map((day) => t(`agreement.day-${day}`))) : nothing}`}
      ${desk.languages.length ? html` · ${listed(desk.languages.map(languageName))}` : nothing}
      ${desk.deputy ? html` · ${t("agreement.deputy", { desk: desk.deputy })}` : nothing}
      ${desk.voice ? html`<br /><bdi>${desk.voice}</bdi>` : nothing}
    </li>`;
  }

  private minima(view: AgreementView): TemplateResult {
    const row = (each: AgreedMinima): TemplateResult => html`<tr>
      <th scope="row">${each.between.length ? each.between.map((category) => t(`agreement.category-${category}`)).join(" – ") : t("agreement.all-others")}</th>
      <td>${distance(each.horizontal_m)}</td>
      <td>${height(each.vertical_m)}</td>
      <td>${span(each.time_s)}</td>
    </tr>`;
    return html`<section class="panel stack" aria-label=${t("agreement.minima")}>
      <h2>${t("agreement.minima")}</h2>
      <p class="faint">${t("agreement.minima-what")}</p>
      <div class="scroll-x" tabindex="0" role="group" aria-label=${t("agreement.minima")}>
        <table>
          <thead>
            <tr>
              <th scope="col">${t("agreement.between")}</th>
              <th scope="col">${t("agreement.horizontal")}</th>
              <th scope="col">${t("agreement.vertical")}</th>
              <th scope="col">${t("agreement.time")}</th>
            </tr>
          </thead>
          <tbody>
            ${view.minima.map(row)}
          </tbody>
        </table>
      </div>
    </section>`;
  }

  private lead(view: AgreementView): TemplateResult {
    return facts(t("agreement.lead"), t("agreement.lead-what"), [
      [t("agreement.lead-plan"), required(view.lead.plan_s)],
      [t("agreement.lead-no-go"), required(view.lead.no_go_s)],
      [t("agreement.lead-emergency"), required(view.lead.emergency_s)],
    ]);
  }

  private timers(view: AgreementView): TemplateResult {
    const { times } = view;
    return html`<section class="panel stack" aria-label=${t("agreement.timers")}>
      <h2>${t("agreement.timers")}</h2>
      ${list([
        [t("rung.arrived"), span(times.arrived_s)],
        [t("rung.seen"), span(times.seen_s)],
        [t("rung.read-back"), span(times.read_back_s)],
        [t("rung.answered"), span(times.answered_s)],
        [t("rung.decided"), span(times.decided_s)],
        [t("agreement.check-every"), span(times.check_every_s)],
        [t("agreement.check-caution"), span(times.check_caution_s)],
        [t("agreement.check-warning"), span(times.check_warning_s)],
        [t("agreement.clocks-differ"), span(times.clocks_differ_s)],
      ])}
      ${view.escalation.length
        ? html`<h3>${t("agreement.escalation")}</h3>
            <ol>
              ${view.escalation.map((step) => html`<li>${stepWords(step)}</li>`)}
            </ol>`
        : nothing}
    </section>`;
  }

  private registers(view: AgreementView): TemplateResult {
    return html`<section class="panel stack" aria-label=${t("agreement.registers")}>
      <h2>${t("agreement.registers")}</h2>
      <p class="faint">${t("agreement.registers-what")}</p>
      <ol>
        ${view.registers.map(
          (each) => html`<li>
            <strong><bdi>${each.id}</bdi></strong> <code class="ltr faint">${each.url}</code> ${each.foreign ? t("agreement.foreign") : nothing}
            ${each.counts ? nothing : html`<strong>${t("agreement.not-asked")}</strong>`}
          </li>`,
        )}
      </ol>
    </section>`;
  }

  private area(view: AgreementView): TemplateResult {
    const { area } = view;
    const circle = area.lat_deg !== null && area.lng_deg !== null && area.radius_m !== null;
    return html`<section class="panel stack" aria-label=${t("agreement.area")}>
      <h2>${t("agreement.area")}</h2>
      ${circle
        ? html`<p>${t("agreement.circle", { place: place(area.lat_deg as number, area.lng_deg as number), radius: distance(area.radius_m as number) })}</p>`
        : html`<ol>
            ${area.corners_lat_lng_deg.map(([lat, lng]) => html`<li>${place(lat, lng)}</li>`)}
          </ol>`}
      <p>${t("agreement.volume-max", { area: ltr(`${area.volume_km2_max} km²`) })}</p>
    </section>`;
  }

  private rules(view: AgreementView): TemplateResult {
    const { rules } = view;
    return html`<section class="panel stack" aria-label=${t("agreement.rules")}>
      <h2>${t("agreement.rules")}</h2>
      ${list([
        [t("agreement.equal"), t(rules.equal_priority_blocks ? "agreement.equal-blocks" : "agreement.equal-free")],
        [t("agreement.levels"), t("agreement.levels-are", { low: altitude(rules.lowest_m), high: altitude(rules.highest_m), step: height(rules.level_step_m) })],
        [t("agreement.delay"), span(rules.delay_max_s)],
        [t("agreement.unreachable"), t(`agreement.unreachable-${rules.if_unreachable}`)],
        [t("agreement.hold"), span(rules.hold_limit_s)],
        [t("agreement.silence"), t(`agreement.silence-${rules.silence}`)],
        [t("agreement.confirm-every"), rules.confirm_every_s === null ? t("agreement.never") : span(rules.confirm_every_s)],
        [t("agreement.expire-after"), rules.expire_after_s === null ? t("agreement.never") : span(rules.expire_after_s)],
        ...Object.entries(rules.formations).map(([name, signs]): [string, unknown] => [
          t("agreement.formation", { name }),
          html`${signs.map((sign, index) => html`${index ? ", " : nothing}<bdi>${sign}</bdi>`)}`,
        ]),
      ])}
    </section>`;
  }

  /** The papers in the node's folder, and who signed which. */
  private versions(view: AgreementView): TemplateResult | typeof nothing {
    if (!view.versions.length && !view.papers_problem) return nothing;
    return html`<section class="panel stack" aria-label=${t("agreement.papers")}>
      <h2>${t("agreement.papers")}</h2>
      ${view.papers_problem ? html`<p class="problem"><bdi lang="en">${view.papers_problem}</bdi></p>` : nothing}
      <ul class="plain-list stack">
        ${view.versions.map((each) => paper(each))}
      </ul>
    </section>`;
  }
}

function paper(each: SignedVersion): TemplateResult {
  return html`<li>
    ${each.in_force ? icons.done() : icons.missing()} ${t("agreement.paper", { version: ltr(each.version) })} <code class="hash">${each.digest.slice(0, 16)}…</code><br />
    ${t("agreement.signed", { signed: each.signed.join(", ") || "–", n: ltr(each.signed.length), needed: ltr(each.needed) })}
    ${[...each.reasons, ...each.bad].map((why) => html`<br /><bdi lang="en" class="faint">${why}</bdi>`)}
  </li>`;
}

function list(rows: [string, unknown][]): TemplateResult {
  return html`<dl class="facts">
    ${rows.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}
  </dl>`;
}

function facts(title: string, what: string, rows: [string, unknown][]): TemplateResult {
  return html`<section class="panel stack" aria-label=${title}>
    <h2>${title}</h2>
    <p class="faint">${what}</p>
    ${list(rows)}
  </section>`;
}

function required(s: number): string {
  return s ? span(s) : t("agreement.not-required");
}

function stepWords(step: AgreedStep): string {
  const who = step.role ? t(`agreement.role-${step.role}`) : step.desk;
  const rung = has(`rung.${step.rung}`) ? t(`rung.${step.rung}`) : step.rung;
  return t(step.by === "voice" ? "agreement.step-voice" : "agreement.step", { rung, after: span(step.after_s), who });
}

function languageName(code: string): string {
  try {
    return new Intl.DisplayNames([language.value], { type: "language" }).of(code) ?? code;
  } catch {
    return code;
  }
}

/** With the comma and the word of the viewer's language between them. */
function listed(items: string[]): string {
  return new Intl.ListFormat(language.value, { type: "conjunction" }).format(items);
}

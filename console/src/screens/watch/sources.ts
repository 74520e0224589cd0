/** Where positions come from, how each source is doing, and the switch of each. */
import { html, nothing, type TemplateResult } from "lit";
import { customElement } from "lit/decorators.js";
import type { FeedView } from "../../api/types";
import { picture } from "../../live/node";
import { may } from "../../live/session";
import { second } from "../../live/time";
import { act } from "../../offline/queue";
import { span } from "../../parts/format";
import { icons } from "../../parts/icons";
import { Pane } from "../../parts/pane";
import { told } from "../../parts/toast";
import { has, ltr, named, t } from "../../words/words";

@customElement("tansiq-sources")
export class SourcesPane extends Pane {
  constructor() {
    super(picture, second);
  }

  private async turn(feed: FeedView, on: boolean): Promise<void> {
    await told(
      act({
        path: "feeds",
        body: { name: feed.name, on },
        words: { key: on ? "watch.deed-feed-start" : "watch.deed-feed-stop", values: { what: feed.name } },
        late: "ask",
      }),
    );
  }

  protected override render(): unknown {
    const feeds = picture.value?.view.feeds ?? [];
    if (!feeds.length) return html`<p class="empty">${t("watch.no-feeds")}</p>`;
    return html`<section class="stack" aria-label=${t("watch.section-sources")}>
      <p class="faint">${t("watch.feeds-what")}</p>
      <ul class="plain-list stack">
        ${feeds.map((feed) => this.row(feed))}
      </ul>
    </section>`;
  }

  private row(feed: FeedView): TemplateResult {
    const good = feed.state === "ok";
    const stopped = feed.state === "stopped";
    const refused = Object.entries(feed.refused).filter(([, n]) => n);
    const age = feed.age_s === null ? null : feed.age_s + (performance.now() - (picture.value?.at ?? 0)) / 1000;
    const state = `watch.feed-${feed.state}`;
    return html`<li class="panel stack">
      <div class="row spread">
        <h2><bdi>${feed.name}</bdi> <span class="faint"><bdi>${feed.kind}</bdi></span></h2>
        <span class="badge">${good ? icons.done() : stopped ? icons.missing() : icons.overdue()} ${has(state) ? t(state) : feed.state}</span>
        ${may("watch")
          ? html`<button data-item data-feed=${feed.name} @click=${() => void this.turn(feed, stopped)}>${t(stopped ? "watch.feed-start" : "watch.feed-stop")}</button>`
          : nothing}
      </div>
      <dl class="facts">
        <dt>${t("watch.newest")}</dt>
        <dd>${age === null ? t("line_screen.never") : t("line_screen.ago", { age: span(age) })}</dd>
        <dt>${t("watch.counts")}</dt>
        <dd>${t("watch.counts-of", { messages: ltr(feed.messages), positions: ltr(feed.positions), connections: ltr(feed.connections) })}</dd>
        ${feed.clock_offset_s === null ? nothing : html`<dt>${t("line_screen.clock")}</dt><dd>${ltr(`${feed.clock_offset_s.toFixed(1)} s`)}</dd>`}
        ${refused.length
          ? html`<dt>${t("watch.refused")}</dt><dd lang="en">${refused.map(([why, n]) => html`<bdi>${why}: ${n}</bdi> `)}</dd>`
          : nothing}
      </dl>
      ${feed.sentence ? html`<p class=${good ? "faint" : "problem"}><bdi lang="en">${named(feed.sentence)}</bdi></p>` : nothing}
      ${feed.url ? html`<p class="faint"><code class="ltr">${feed.url}</code></p>` : nothing}
    </li>`;
  }
}

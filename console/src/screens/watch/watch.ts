/** The desk: who has the watch and what is handed over; alarms, sources, rings, drones, tracks, people. */
import "./watch.css";
import { html, type TemplateResult } from "lit";
import { customElement } from "lit/decorators.js";
import { lines, picture } from "../../live/node";
import { may, session } from "../../live/session";
import { Watching } from "../../live/store";
import { ListScreen } from "../../parts/list_screen";
import { address, route } from "../../route";
import { language, t } from "../../words/words";
import "./desk";
import "./alarm_list";
import "./sources";
import "./rings";
import "./drones";
import "./tracks";
import "./people";

const SECTIONS = ["desk", "alarms", "sources", "rings", "drones", "tracks", "people"] as const;
type Section = (typeof SECTIONS)[number];

@customElement("tansiq-watch")
export class WatchScreen extends ListScreen {
  constructor() {
    super();
    new Watching(this, language, route, session, lines, picture);
  }

  private section(): Section {
    const wanted = route.value.query.get("section");
    return SECTIONS.find((each) => each === wanted) ?? "desk";
  }

  protected override render(): unknown {
    const section = this.section();
    return html`<div class="screen stack watch-screen">
      <div class="row spread">
        <h1>${t("nav.watch")}</h1>
        ${may("watch") ? "" : html`<p class="faint">${t("watch.reads-only")}</p>`}
      </div>
      <nav class="row" aria-label=${t("watch.sections")}>
        ${SECTIONS.map(
          (each) =>
            html`<a class="button" href=${address("watch", each === "desk" ? {} : { section: each })} aria-current=${each === section ? "page" : "false"}
              >${t(`watch.section-${each}`)}</a
            >`,
        )}
      </nav>
      ${this.body(section)}
    </div>`;
  }

  private body(section: Section): TemplateResult {
    switch (section) {
      case "desk":
        return html`<tansiq-desk></tansiq-desk>`;
      case "alarms":
        return html`<tansiq-alarm-list></tansiq-alarm-list>`;
      case "sources":
        return html`<tansiq-sources></tansiq-sources>`;
      case "rings":
        return html`<tansiq-rings></tansiq-rings>`;
      case "drones":
        return html`<tansiq-drones></tansiq-drones>`;
      case "tracks":
        return html`<tansiq-tracks></tansiq-tracks>`;
      case "people":
        return html`<tansiq-people></tansiq-people>`;
    }
  }
}

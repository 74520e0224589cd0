/** The screens, each loaded when somebody goes there. */
import { html, type TemplateResult } from "lit";
import type { Screen } from "../route";

const LOAD: Record<Screen, () => Promise<unknown>> = {
  board: () => import("../screens/board/board"),
  map: () => import("../screens/map/map"),
  plan: () => import("../screens/plan/plan"),
  line: () => import("../screens/line/line"),
  log: () => import("../screens/log/log"),
  day: () => import("../screens/day/day"),
  watch: () => import("../screens/watch/watch"),
  agreement: () => import("../screens/agreement/agreement"),
  replay: () => import("../screens/replay/replay"),
};

export async function ready(screen: Screen): Promise<void> {
  await LOAD[screen]();
}

export function element(screen: Screen): TemplateResult {
  switch (screen) {
    case "board":
      return html`<tansiq-board></tansiq-board>`;
    case "map":
      return html`<tansiq-map></tansiq-map>`;
    case "plan":
      return html`<tansiq-plan></tansiq-plan>`;
    case "line":
      return html`<tansiq-line></tansiq-line>`;
    case "log":
      return html`<tansiq-log></tansiq-log>`;
    case "day":
      return html`<tansiq-day></tansiq-day>`;
    case "watch":
      return html`<tansiq-watch></tansiq-watch>`;
    case "agreement":
      return html`<tansiq-agreement></tansiq-agreement>`;
    case "replay":
      return html`<tansiq-replay></tansiq-replay>`;
  }
}

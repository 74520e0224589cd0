/** Stops in force: in the largest letters there are, on every screen, until the all-clear. */
import { html, nothing, type TemplateResult } from "lit";
import { stops } from "../alarms/attention";
import { may } from "../live/session";
import { act } from "../offline/queue";
import { zulu } from "../parts/format";
import { told } from "../parts/toast";
import { t } from "../words/words";

export function stopBanner(): TemplateResult | typeof nothing {
  const all = stops();
  if (!all.length) return nothing;
  return html`${all.map(
    (stop) => html`<div class="banner stop" role="alert" data-stop=${stop.id}>
      <span>
        ${t(stop.ours ? "shell.stop-ours" : "shell.stop-banner", { party: stop.party })} · ${zulu(Date.parse(stop.time))}
        ${(stop.told?.words ?? []).map((words) => html`<br /><bdi>${words}</bdi>`)}
      </span>
      ${!stop.ours && ["sent", "arrived"].includes(stop.stage) && may("watch")
        ? html`<button
            @click=${() =>
              void told(
                act({
                  path: `threads/${stop.id}/seen`,
                  words: { key: "deed.seen", values: { what: t("line.stop") } },
                  late: "send",
                }),
              )}
          >
            ${t("thread.seen")}
          </button>`
        : nothing}
      <a class="button" href="#/line?thread=${stop.id}">${t("nav.line")}</a>
    </div>`,
  )}`;
}

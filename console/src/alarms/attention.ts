/** What calls for an officer now: alarms nobody has acknowledged, stops, notices nobody has seen. */
import type { AlarmView, ThreadView } from "../api/types";
import { lines, picture, threads } from "../live/node";

const ORDER: Record<string, number> = { warning: 0, caution: 1, advisory: 2 };

/** Open alarms, the most urgent first: what is unacknowledged before what is, then by level and time. */
export function openAlarms(): AlarmView[] {
  const alarms = [...(picture.value?.view.alarms ?? [])];
  return alarms.sort(
    (a, b) =>
      rank(a) - rank(b) ||
      (ORDER[a.level] ?? 3) - (ORDER[b.level] ?? 3) ||
      (a.in_s ?? -1) - (b.in_s ?? -1) ||
      a.id.localeCompare(b.id),
  );
}

function rank(alarm: AlarmView): number {
  return alarm.flashing ? 0 : alarm.stage === "suppressed" ? 2 : 1;
}

/** Notices of others that no person here has seen. */
export function unseen(): ThreadView[] {
  return (threads.value ?? []).filter(
    (thread) =>
      thread.open &&
      !thread.ours &&
      !thread.superseded &&
      ["notice", "check", "stop", "call", "incident", "say"].includes(thread.kind) &&
      ["sent", "arrived"].includes(thread.stage),
  );
}

export function stops(): readonly ThreadView[] {
  return lines.value?.stops ?? [];
}

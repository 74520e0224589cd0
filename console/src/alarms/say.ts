/** An alarm in the viewer's words; the node's own sentence is its original, one click away. */
import type { AlarmView } from "../api/types";
import { place } from "../parts/format";
import { has, named, t } from "../words/words";
import { sentences } from "./facts";

/** What it is about, in one line. */
export function alarmWords(alarm: AlarmView): string {
  const kind = has(`alarm.kind-${alarm.kind}`) ? t(`alarm.kind-${alarm.kind}`) : alarm.kind;
  const names = alarm.names.filter(Boolean).map(named).join(" · ");
  return names ? `${kind}: ${names}` : kind;
}

/** All that is said of it. Of an alarm that an older node told there is no more than its sentence. */
export function alarmSentences(alarm: AlarmView): string[] {
  return sentences(alarm);
}

export function alarmWhere(alarm: AlarmView): string {
  return alarm.lat_deg === null || alarm.lng_deg === null ? "" : place(alarm.lat_deg, alarm.lng_deg);
}

/** Joins what calls for attention to sound, to notifications of the desktop, and to screen readers. */
import { freshness } from "../live/freshness";
import { lines, picture, threads } from "../live/node";
import { Store } from "../live/store";
import { t } from "../words/words";
import { openAlarms, stops, unseen } from "./attention";
import { alarmWords } from "./say";
import { soundFor, type Sound } from "./sound";

/** Said aloud by screen readers as soon as it changes. */
export const announcement = new Store("");

const told = new Set<string>();
const CUT = "cut";

function wanted(): Map<string, Sound> {
  const sounds = new Map<string, Sound>();
  for (const alarm of openAlarms()) {
    if (!alarm.flashing || alarm.stage === "suppressed") continue;
    if (alarm.level === "warning") sounds.set(`${alarm.id}/warning`, "warning");
    else if (alarm.level === "caution") sounds.set(`${alarm.id}/caution`, "caution");
  }
  for (const stop of stops())
    if (!stop.ours && ["sent", "arrived"].includes(stop.stage)) sounds.set(stop.id, "warning");
  for (const thread of unseen()) if (thread.kind !== "stop") sounds.set(thread.id, "bell");
  // Whoever looks elsewhere must hear that nothing new will come.
  if (freshness.value.state === "cut") sounds.set(CUT, "caution");
  return sounds;
}

function look(): void {
  const sounds = wanted();
  soundFor(sounds);
  for (const key of [...told]) if (!sounds.has(key)) told.delete(key);
  for (const alarm of openAlarms()) {
    const key = `${alarm.id}/${alarm.level}`;
    if (sounds.has(key)) tell(key, `${t(`level.${alarm.level}`)}: ${alarmWords(alarm)}`, alarm.level === "warning");
  }
  for (const stop of stops()) if (sounds.has(stop.id)) tell(stop.id, t("shell.stop-banner", { party: stop.party }), true);
  if (sounds.has(CUT)) tell(CUT, t("shell.cut"), true);
  for (const thread of unseen())
    if (sounds.get(thread.id) === "bell")
      tell(thread.id, t("board.new-notice", { party: thread.party, flight: thread.callsign ?? "—" }), false);
}

function tell(key: string, words: string, urgent: boolean): void {
  if (told.has(key)) return;
  told.add(key);
  announcement.set(words);
  if (!("Notification" in globalThis) || Notification.permission !== "granted" || !document.hidden) return;
  const shown = new Notification(words, { tag: key, requireInteraction: urgent });
  shown.onclick = () => {
    window.focus();
    shown.close();
  };
}

/** Begin to look at what the node says, and sound for it. */
export function ring(): void {
  picture.watch(look);
  threads.watch(look);
  lines.watch(look);
  freshness.watch(look);
}

/** Ask whether we may notify; the browser shows its own question. */
export async function allowNotifications(): Promise<void> {
  if ("Notification" in globalThis && Notification.permission === "default") await Notification.requestPermission();
}

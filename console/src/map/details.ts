/** All that is known of what is chosen: each number with its unit and datum, the node's own sentences. */
import { html, nothing, type TemplateResult } from "lit";
import type { AlarmView, TrackView } from "../api/types";
import { sentences } from "../alarms/facts";
import { alarmSentences, alarmWords } from "../alarms/say";
import { altitude, band, countdown, distance, height, level, period, place, span, speed, zulu } from "../parts/format";
import { levelShape } from "../parts/icons";
import { has, ltr, named, t } from "../words/words";
import { bare, trend } from "./draw";
import { inverse } from "./geodesy";
import { phaseOf, type Area, type Scene, type Subject } from "./scene";

type Row = [label: string, value: unknown];

export function details(scene: Scene, subject: Subject, ours: string): TemplateResult {
  if (subject.kind === "alarm") return ofAlarm(scene, subject.alarm);
  if (subject.kind === "track") return ofTrack(scene, subject.track, ours);
  return ofArea(scene, subject.area);
}

function list(rows: Row[]): TemplateResult {
  return html`<dl class="facts">
    ${rows.filter(([, value]) => value !== "" && value !== null && value !== nothing).map(([label, value]) => html`<dt>${t(`map.fact-${label}`)}</dt><dd>${value}</dd>`)}
  </dl>`;
}

function english(all: readonly string[]): TemplateResult[] {
  return all.filter(Boolean).map((sentence) => html`<p class="free-words"><bdi lang="en">${named(sentence)}</bdi></p>`);
}

/** What the node says, in the viewer's words; its own sentence one click away, or alone where there are no words. */
function saying(words: readonly string[], originals: readonly string[]): unknown {
  if (!words.length) return english(originals);
  return html`${words.map((each) => html`<p>${each}</p>`)}
    <details><summary>${t("alarm.original")}</summary>${english(originals)}</details>`;
}

/** A word for a code, or the code itself where a newer node has more of them. */
function word(words: string, code: string): string {
  return has(`${words}-${code}`) ? t(`${words}-${code}`) : code;
}

function ofArea(scene: Scene, area: Area): TemplateResult {
  const phase = phaseOf(area, scene.time);
  return html`<h2 class=${area.own ? "ours" : "theirs"}><bdi>${area.name || t(area.kind === "no-go" ? "map.no-go" : "map.nameless")}</bdi></h2>
    ${list([
      ["kind", t(area.kind === "no-go" ? "map.no-go" : "map.plan")],
      ["party", html`<bdi>${area.party}</bdi>`],
      ["phase", t(`map.phase-${phase}`)],
      ["state", area.state ? word("map.state", area.state.toLowerCase()) : ""],
      ["status", area.status ? word(area.kind === "no-go" ? "plan.area" : "plan.status", area.status.replaceAll(" ", "-")) : ""],
      ["coordinated", area.coordinated === null ? "" : t(area.coordinated ? "map.yes" : "map.no")],
      ["time", period(area.start, area.end, scene.time)],
      ["begins", scene.time < area.start ? countdown(area.start, scene.time) : ""],
      ["ends", scene.time >= area.start && scene.time < area.end ? countdown(area.end, scene.time) : ""],
      ["height", band(area.low, area.high)],
      ["volumes", ltr(area.pieces.length)],
      ["category", area.category ? word("plan.category", area.category) : ""],
      ["priority", area.kind === "plan" ? ltr(area.priority) : ""],
    ])}
    ${area.unread ? html`<p class="problem">${t("map.unread", { n: area.unread })}</p>` : nothing} ${english(area.sentences)}`;
}

function ofTrack(scene: Scene, track: TrackView, ours: string): TemplateResult {
  const age = track.age_s + scene.agedS;
  const owner = !track.party ? "" : track.party === ours ? "ours" : "theirs";
  return html`<h2 class=${owner}><bdi>${track.callsign || track.plan_name || track.address}</bdi></h2>
    ${track.level ? html`<p class="row level-${track.level}">${levelShape(track.level)} <strong>${t(`level.${track.level}`)}</strong></p>` : nothing}
    ${list([
      ["address", ltr(track.address)],
      ["plan", track.plan ? html`<bdi>${track.plan_name || track.plan}</bdi>` : t("map.no-plan")],
      ["party", track.party ? html`<bdi>${track.party}</bdi>` : ""],
      ["conformance", word("watch.conformance", track.conformance)],
      ["height", track.height_m === null ? "" : html`${altitude(track.height_m)} ${ltr(trend(track))} <span class="faint">${ltr(`± ${bare(height(track.height_error_m))}`)}</span>`],
      ["pressure", track.pressure_m === null ? "" : html`${level(track.pressure_m)} <span class="faint">${ltr("1013.25 hPa")}</span>`],
      ["climb", track.climb_mps === null ? "" : ltr(`${Math.round(track.climb_mps / 0.00508)} ft/min`)],
      ["speed", track.speed_mps === null ? "" : speed(track.speed_mps)],
      ["track", track.track_deg === null ? "" : t("map.true", { bearing: ltr(`${String(Math.round(track.track_deg) % 360).padStart(3, "0")}°`) })],
      ["place", place(track.lat_deg, track.lng_deg)],
      ["error", distance(track.horizontal_error_m)],
      ["ground", track.on_ground ? t("map.yes") : ""],
      ["measured", html`${zulu(Date.parse(track.time))} <strong class=${age >= 10 ? "aged" : ""}>${t("map.ago", { age: span(age) })}</strong>`],
      ["feed", html`<bdi>${track.feed}</bdi>`],
    ])}
    ${saying(sentences(track), [track.sentence])}`;
}

function ofAlarm(scene: Scene, alarm: AlarmView): TemplateResult {
  const left = alarm.in_s === null ? null : alarm.in_s - scene.agedS;
  const tracks = [alarm.one, alarm.other].map((id) => scene.tracks.find((each) => each.id === id));
  return html`<h2 class="row level-${alarm.level}">${levelShape(alarm.level)} ${t(`level.${alarm.level}`)}</h2>
    <p><strong>${alarmWords(alarm)}</strong></p>
    ${list([
      ["in", left === null ? "" : countdown(scene.time + left * 1000, scene.time)],
      ["stage", alarm.acknowledged_by ? t("alarm.acknowledged-by", { who: alarm.acknowledged_by }) : t(`alarm.stage-${alarm.stage}`)],
      ["raised", zulu(Date.parse(alarm.raised))],
      ["apart", apart(tracks)],
      ["place", alarm.lat_deg === null || alarm.lng_deg === null ? "" : place(alarm.lat_deg, alarm.lng_deg)],
      ["not-told", alarm.not_told.length ? html`<bdi>${alarm.not_told.join(", ")}</bdi>` : ""],
    ])}
    ${saying(alarmSentences(alarm), [alarm.sentence])} ${english(alarm.ways_out)}`;
}

/** How far two aircraft are from each other as they are drawn. */
function apart([one, other]: (TrackView | undefined)[]): string {
  if (!one || !other) return "";
  const { distanceM } = inverse({ lat: one.lat_deg, lng: one.lng_deg }, { lat: other.lat_deg, lng: other.lng_deg });
  if (one.height_m === null || other.height_m === null) return distance(distanceM);
  return `${distance(distanceM)} · ${height(Math.abs(one.height_m - other.height_m))}`;
}

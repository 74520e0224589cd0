/**
 * Sentences made from the node's codes and facts, in the viewer's language and units.
 *
 * The name of a fact ends in its unit; what kind of quantity a length is stands in front of that.
 */
import { altitude, distance, height, level, place, span, zulu } from "../parts/format";
import { settings } from "../parts/settings";
import { has, ltr, t, type Values } from "../words/words";

export interface Message {
  code: string;
  also?: readonly string[];
  facts: Record<string, string | number | null>;
}

const HEIGHTS = /vertical|up_m$|down_m$/;
const TIMES = /_at$|^time_start$|^time_end$|^first_free$/;
const FOOT_MIN_MPS = 0.00508;
/** Facts that are codes themselves, and where their words are. */
const CODED: Record<string, string> = { direction: "alarms.direction-", kind: "alarm.kind-" };

/** The sentences of a message in the viewer's words; none where this console does not know its code. */
export function sentences({ code, also = [], facts }: Message): string[] {
  if (!code || !has(`alarms.${code}`)) return [];
  const values = valuesOf(facts);
  return [code, ...also].filter((each) => has(`alarms.${each}`)).map((each) => t(`alarms.${each}`, values));
}

function valuesOf(facts: Message["facts"]): Values {
  const values: Values = {};
  for (const [name, value] of Object.entries(facts)) if (value !== null) values[name] = said(name, value);
  if (typeof facts["lat_deg"] === "number" && typeof facts["lng_deg"] === "number")
    values["place"] = place(facts["lat_deg"], facts["lng_deg"]);
  // Whose word it is that two are too close; a rule of well clear is called by its name.
  if (facts["by_code"] === "agreement") values["by"] = t("alarms.by-agreement");
  return values;
}

function said(name: string, value: string | number): string | number {
  const coded = CODED[name];
  if (coded && has(coded + value)) return t(coded + value);
  if (typeof value === "string") return TIMES.test(name) ? zulu(Date.parse(value)) : value;
  if (name === "pressure_altitude_m") return level(value);
  if (name === "height_w84_m") return altitude(value);
  if (name.endsWith("_mps")) return climb(value);
  if (name.endsWith("_m")) return HEIGHTS.test(name) ? height(value) : distance(value);
  if (name.endsWith("_s")) return span(value);
  if (name.endsWith("_deg")) return ltr(`${Math.round(value)}°`);
  return value;
}

function climb(mps: number): string {
  return ltr(settings.value.altitude === "ft" ? `${Math.round(mps / FOOT_MIN_MPS / 50) * 50} ft/min` : `${mps.toFixed(1)} m/s`);
}

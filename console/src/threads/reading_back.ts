/** What a person types when reading back, made into what the node compares. */
import { ask } from "../api/client";
import type { ReadView, Repeated, ToldView } from "../api/types";
import { readTime } from "../parts/times";

/** Read corners or a centre, in any form that the node reads: degrees, MGRS, one a line. */
export async function points(text: string): Promise<[number, number][]> {
  const decimal = decimals(text);
  if (decimal) return decimal;
  const [volume] = (await ask<ReadView>("read", { body: { text, kind: "coordinates" } })).volumes;
  const { circle, polygon, corridor } = volume?.outline ?? {};
  if (circle) return [[circle.lat, circle.lng]];
  return (polygon ?? corridor?.points ?? []) as [number, number][];
}

function decimals(text: string): [number, number][] | null {
  const found: [number, number][] = [];
  for (const line of text.split("\n").filter((each) => each.trim())) {
    const match = /^\s*(-?\d{1,2}(?:\.\d+)?)[,\s]+(-?\d{1,3}(?:\.\d+)?)\s*$/.exec(line);
    if (!match) return null;
    found.push([Number(match[1]), Number(match[2])]);
  }
  return found.length ? found : null;
}

export async function repeated(form: FormData, told: ToldView): Promise<Repeated> {
  const text = (name: string): string => String(form.get(name) ?? "").trim();
  const radius = text("radius_m");
  return {
    points: await points(text("points")),
    lower: levelText(text("lower")),
    upper: levelText(text("upper")),
    start: readTime(text("start"), Date.parse(told.start)) ?? text("start"),
    end: readTime(text("end"), Date.parse(told.end)) ?? text("end"),
    ...(radius ? { radius_m: Math.round(Number(radius)) } : {}),
  };
}

/** A level as the node compares it, however it was typed: `FL085`, `3500 ft AMSL`, `1100 m W84`. */
export function levelText(typed: string): string {
  const clean = typed.trim().replace(/(\d)[,\u0020\u00a0](?=\d{3})/g, "$1");
  const level = /^FL\s*(\d{1,3})$/i.exec(clean);
  if (level) return `FL${(level[1] ?? "").padStart(3, "0")}`;
  const height = /^(-?\d+)\s*(ft|m)\s*([a-z]+\d*)$/i.exec(clean);
  return height ? `${Number(height[1])} ${(height[2] ?? "").toLowerCase()} ${(height[3] ?? "").toUpperCase()}` : clean;
}

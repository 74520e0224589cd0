/** Where one is, in the address: `#/map?sel=...&t=...`. Never a secret, so that it can be sent on. */
import { Store } from "./live/store";

export const SCREENS = ["board", "map", "plan", "line", "log", "day", "watch", "agreement", "replay"] as const;
export type Screen = (typeof SCREENS)[number];

export interface Route {
  screen: Screen;
  query: URLSearchParams;
}

export const route = new Store<Route>(read());

function read(): Route {
  const [path = "", query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  const screen = SCREENS.find((each) => each === path) ?? "board";
  return { screen, query: new URLSearchParams(query) };
}

addEventListener("hashchange", () => route.set(read()));

/** Go to a screen; what the query does not name is forgotten. */
export function go(screen: Screen, query: Record<string, string> = {}): void {
  location.hash = address(screen, query);
}

export function address(screen: Screen, query: Record<string, string> = {}): string {
  const text = new URLSearchParams(query).toString();
  return `#/${screen}${text ? `?${text}` : ""}`;
}

/** Change part of the query in place, without a step in the history; an empty value takes it out. */
export function mark(part: Record<string, string>): void {
  const { screen, query } = route.value;
  const next = new URLSearchParams(query);
  for (const [name, value] of Object.entries(part)) value ? next.set(name, value) : next.delete(name);
  history.replaceState(null, "", address(screen, Object.fromEntries(next)));
  route.set({ screen, query: next });
}

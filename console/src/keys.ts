/**
 * Keys by where they are (`event.code`), not by what is printed on them: Arabic, Hebrew and Russian
 * layouts have the same ones. Each is told with the words that `?` shows.
 */
import { settings } from "./parts/settings";

export interface Key {
  /** Such as `KeyA`, `Shift+Slash`, `Digit1`. */
  code: string;
  /** What it does: a key of the words. */
  words: string;
  run: (event: KeyboardEvent) => void;
  /** Also while somebody writes in a field; only Escape and function keys should. */
  inFields?: boolean;
}

const layers: Key[][] = [[]];

/** Add keys for as long as something is on the screen; returns a function that takes them away. */
export function useKeys(keys: Key[]): () => void {
  layers.push(keys);
  return () => {
    const at = layers.indexOf(keys);
    if (at >= 0) layers.splice(at, 1);
  };
}

/** All keys that count now, the innermost first; a code that comes twice counts once. */
export function keysNow(): Key[] {
  const seen = new Set<string>();
  return [...layers]
    .reverse()
    .flat()
    .filter((key) => !seen.has(key.code) && seen.add(key.code));
}

/** How a key is written for people: where it is on a Latin keyboard. */
export function label(code: string): string {
  return code
    .replace("Shift+", "⇧ ")
    .replace("Alt+", "Alt ")
    .replace(/Key|Digit|Arrow/g, "")
    .replace("Slash", "/")
    .replace("BracketLeft", "[")
    .replace("BracketRight", "]")
    .replace("Comma", ",")
    .replace("Period", ".")
    .replace("Equal", "+")
    .replace("Minus", "-")
    .replace("Escape", "Esc");
}

function writes(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable || target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement)
    return true;
  return target instanceof HTMLInputElement && !["checkbox", "radio", "range", "button"].includes(target.type);
}

/** A slider has its arrows, a button its space bar: whoever is in one means that. */
function ownKey(target: EventTarget | null, code: string): boolean {
  if (target instanceof HTMLInputElement && target.type === "range") return /^(Arrow|Page|Home|End)/.test(code);
  return code === "Space" && target instanceof HTMLElement && target.matches("button, summary, [type=checkbox], [type=radio]");
}

/** Keys of one sign: whoever speaks to the machine, or has a trembling hand, may turn them off. */
function isSign(event: KeyboardEvent): boolean {
  return !event.altKey && event.key.length === 1 && event.code !== "Space";
}

function pressed(event: KeyboardEvent): void {
  if (!settings.value.keys && isSign(event)) return;
  if (event.ctrlKey || event.metaKey || event.isComposing || event.defaultPrevented) return;
  const code = `${event.altKey ? "Alt+" : ""}${event.shiftKey ? "Shift+" : ""}${event.code}`;
  const key = keysNow().find((each) => each.code === code);
  if (!key || (writes(event.target) && !key.inFields) || ownKey(event.target, event.code)) return;
  // An open dialog has the keyboard to itself, but for function keys; the browser closes it by Escape.
  if (document.querySelector("dialog[open]") && (code === "Escape" || !key.inFields)) return;
  event.preventDefault();
  key.run(event);
}

export function listen(): void {
  document.addEventListener("keydown", pressed);
}

/** Whether what is said now is practice; only a line that both sides call an exercise takes it. */
import { lines } from "../../live/node";
import { Store } from "../../live/store";

export const practising = new Store(false);

/** An exercise that is over must not go on by itself, nor one with somebody else begin. */
export function practice(party: string): boolean {
  return practising.value && inExercise(party);
}

export function inExercise(party: string): boolean {
  return lines.value?.lines.some((line) => line.party === party && line.state === "exercise") ?? false;
}

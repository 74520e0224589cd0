/** A word at the foot of the page: what was done, what was refused and why, what waits. */
import { Problem } from "../api/client";
import { Store } from "../live/store";
import { Kept } from "../offline/queue";
import { t } from "../words/words";

export interface Toast {
  text: string;
  bad: boolean;
  /** The node's own sentence, in English. */
  detail: string;
}

export const toast = new Store<Toast | null>(null);
const SHOWN_MS = 9_000;
let timer = 0;

export function say(text: string, bad = false, detail = ""): void {
  toast.set({ text, bad, detail });
  clearTimeout(timer);
  timer = window.setTimeout(() => toast.set(null), SHOWN_MS);
}

/** Wait for a deed and tell how it went, `kept` instead where it waits; returns its answer, or null where there is none. */
export async function told<T>(deed: Promise<T>, done = "", kept = (): void => say(t("queue.kept"), true)): Promise<T | null> {
  try {
    const answer = await deed;
    if (done) say(done);
    return answer;
  } catch (error) {
    if (error instanceof Kept) kept();
    else if (error instanceof Problem) say(problemWords(error), true, error.detail);
    else throw error;
    return null;
  }
}

/** A refusal in the viewer's words by its code, with the field; the English stays beside it. */
export function problemWords(problem: Problem): string {
  const key = `problem.${problem.code}`;
  const words = t(key);
  const what = words === key ? t("problem.unknown") : words;
  return problem.field ? `${what} (${t("problem.field", { field: problem.field })})` : what;
}

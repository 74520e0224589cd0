/** What may be said next in a conversation. The node decides; this only spares people its refusals. */
import type { ThreadView } from "../api/types";

export type Act =
  | "seen"
  | "readback"
  | "answer"
  | "counter"
  | "accept"
  | "decline"
  | "confirm"
  | "withdraw"
  | "reply"
  | "clear"
  | "review";

const UNSEEN = ["sent", "arrived"];
const UNANSWERED = ["sent", "arrived", "seen", "read-back", "need-time"];
const ANSWERED = ["noted", "no-conflict", "unable", "need-time", "declined"];

export function actsFor(thread: ThreadView, us: string): Act[] {
  if (thread.superseded) return [];
  switch (thread.kind) {
    case "notice":
      return noticeActs(thread, us);
    case "check":
      return thread.ours || thread.stage === "replied" ? [] : ["reply"];
    case "stop":
      return thread.stage === "cleared" ? [] : thread.ours ? ["clear"] : seen(thread);
    case "incident":
      return thread.ours || thread.stage === "reviewed" ? [] : [...seen(thread), "review"];
    case "call":
    case "line":
    case "say":
      return thread.ours ? [] : thread.kind === "call" && thread.stage !== "confirmed" ? [...seen(thread), "confirm"] : seen(thread);
    default:
      return [];
  }
}

function seen(thread: ThreadView): Act[] {
  return UNSEEN.includes(thread.stage) ? ["seen"] : [];
}

function noticeActs(thread: ThreadView, us: string): Act[] {
  const { stage } = thread;
  if (["withdrawn", "refused"].includes(stage)) return [];
  const acts: Act[] = [];
  if (!thread.ours) acts.push(...seen(thread));
  if (stage === "settled") return thread.ours ? [...acts, "withdraw"] : acts;
  if (stage === "outcome") acts.push(...(lastSigner(thread) === us ? [] : (["confirm"] as Act[])));
  else if (stage === "countered" && thread.proposed_by !== us) acts.push("accept", "decline");
  if (!thread.ours && [...UNANSWERED, ...ANSWERED, "countered"].includes(stage)) {
    if (!thread.rungs.some((rung) => rung.rung === "read-back")) acts.push("readback");
    acts.push("answer", "counter");
  }
  if (thread.ours && ["unable", "countered", "declined"].includes(stage)) acts.push("counter");
  if (thread.ours) acts.push("withdraw");
  return acts;
}

/** Who signed the outcome that stands; from the notes, where they are there. */
function lastSigner(thread: ThreadView): string {
  const outcomes = thread.notes.filter((note) => note.kind === "outcome");
  return outcomes.at(-1)?.sender ?? thread.due?.by ?? "";
}

/** Whether the next word is ours. */
export function waitsForUs(thread: ThreadView, us: string): boolean {
  if (!thread.open || thread.superseded) return false;
  if (thread.due) return thread.due.by === us;
  return !thread.ours && UNANSWERED.includes(thread.stage);
}

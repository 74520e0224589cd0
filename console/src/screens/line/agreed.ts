/** What the screens take from the agreement: names of parties, and in which languages their desks read. */
import { ask, Problem, Unreachable } from "../../api/client";
import type { AgreementView } from "../../api/types";
import { session } from "../../live/session";
import { Store } from "../../live/store";

export const agreement = new Store<AgreementView | null>(null);

/** Read it, where it was not read yet; a new version comes with a new session of the node. */
export async function needAgreement(again = false): Promise<void> {
  if ((agreement.value && !again) || session.value.state !== "in") return;
  try {
    agreement.set(await ask<AgreementView>("agreement"));
  } catch (error) {
    // Names are a comfort here; the screen of the agreement says why it cannot be read.
    if (!(error instanceof Problem || error instanceof Unreachable)) throw error;
  }
}

export function partyNames(): Record<string, Record<string, string>> {
  return Object.fromEntries((agreement.value?.parties ?? []).map((party) => [party.id, party.names]));
}

/** What a party is called in the viewer's language. */
export function partyName(id: string, language: string): string {
  const names = partyNames()[id];
  return names?.[language] ?? names?.["en"] ?? id;
}

export function deskLanguages(party: string): string[] {
  const of = agreement.value?.parties.find((each) => each.id === party);
  return of?.desks.flatMap((desk) => desk.languages) ?? [];
}

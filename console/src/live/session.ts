/** Who sits here: the session's cookie is the browser's, its CSRF token is ours. */
import { ask, Problem, setCsrf, Unreachable } from "../api/client";
import type { Me, SessionOpened } from "../api/types";
import { Store } from "./store";

export type Session =
  | { state: "unknown" }
  | { state: "out"; expired: boolean }
  | { state: "in"; me: Me };

/** `out` with `expired` keeps everything on the screen, under a login dialog. */
export const session = new Store<Session>({ state: "unknown" });

const RANKS = { viewer: 0, watch: 1, admin: 2 } as const;

/** Whether whoever sits here may do what takes this role. */
export function may(role: keyof typeof RANKS): boolean {
  const current = session.value;
  return current.state === "in" && RANKS[current.me.role] >= RANKS[role];
}

/** Ask the node who we are; a node that cannot be reached changes nothing. */
export async function refresh(): Promise<void> {
  try {
    const me = await ask<Me>("me");
    setCsrf(me.csrf_token);
    session.set({ state: "in", me });
  } catch (error) {
    if (error instanceof Problem && error.status === 401) ended();
    else if (!(error instanceof Unreachable)) throw error;
  }
}

export async function logIn(name: string, password: string): Promise<void> {
  const opened = await ask<SessionOpened>("sessions", { body: { name, password, kind: "cookie" } });
  setCsrf(opened.csrf_token);
  await refresh();
}

export interface FirstAccount {
  token: string;
  name: string;
  display_name: string;
  initials: string;
  password: string;
}

/** Make the first account with the one-time link's token, and log in as it. */
export async function setUp(account: FirstAccount): Promise<void> {
  await ask("setup", { body: account });
  await logIn(account.name, account.password);
}

export async function logOut(): Promise<void> {
  await ask("sessions/current", { method: "DELETE" });
  setCsrf(null);
  session.set({ state: "out", expired: false });
}

/** The node does not know our session any more. */
export function ended(): void {
  const was = session.value;
  if (was.state === "out") return;
  session.set({ state: "out", expired: was.state === "in" });
}

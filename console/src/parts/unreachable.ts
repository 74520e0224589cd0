/** That there is no node is told like what it refuses. */
import { Problem, Unreachable } from "../api/client";
import { t } from "../words/words";

export function asProblem(error: unknown): never {
  if (error instanceof Unreachable) throw new Problem(0, "busy", t("login.unreachable"), null);
  throw error;
}

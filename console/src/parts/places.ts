/** A place that somebody typed, for forms that send latitude and longitude. */
import { Problem, Unreachable } from "../api/client";
import { placeOf } from "./forms";
import { say } from "./toast";
import { t } from "../words/words";

/** The place; null where the text says none, and then whoever typed it was told. */
export async function typedPlace(typed: string): Promise<{ lat_deg: number; lng_deg: number } | null> {
  try {
    const found = await placeOf(typed);
    if (found) return { lat_deg: found[0], lng_deg: found[1] };
    say(t("phrases.no-place"), true);
  } catch (error) {
    if (error instanceof Problem) say(t("phrases.no-place"), true, error.detail);
    else if (error instanceof Unreachable) say(t("login.unreachable"), true);
    else throw error;
  }
  return null;
}

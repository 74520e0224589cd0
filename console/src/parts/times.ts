/** Times as desks write them, made into RFC 3339. */

const MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const DAY_MS = 86_400_000;
/** A time of day that is longer past than this means tomorrow's. */
const PAST_MS = 3_600_000;

/** Return an instant as the node takes it, in whole seconds. */
export function rfc3339(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, "Z");
}

/**
 * Read `1432`, `14:32:05Z`, `281432ZNOV26` or RFC 3339; null where it is none of them.
 *
 * A time of day alone is taken as the next one to come from `about` on, or one that has just passed.
 */
export function readTime(text: string, about: number): string | null {
  const clean = text.trim().toUpperCase();
  const clock = /^([01]\d|2[0-3]):?([0-5]\d)(?::?([0-5]\d))?Z?$/.exec(clean);
  if (clock) {
    const day = new Date(about).toISOString().slice(0, 10);
    const ms = Date.parse(`${day}T${clock[1]}:${clock[2]}:${clock[3] ?? "00"}Z`);
    const first = about - PAST_MS;
    // Half an hour after midnight 2345 has just passed, though it comes again today.
    return rfc3339(ms < first ? ms + DAY_MS : ms >= first + DAY_MS ? ms - DAY_MS : ms);
  }
  const group = /^(\d{2})(\d{2})(\d{2})(\d{2})?Z([A-Z]{3})(\d{2})$/.exec(clean);
  const month = group ? MONTHS.indexOf(group[5] ?? "") : -1;
  if (group && month >= 0)
    return checked(
      `20${group[6]}-${String(month + 1).padStart(2, "0")}-${group[1]}T${group[2]}:${group[3]}:${group[4] ?? "00"}Z`,
    );
  // Without a zone it would be the laptop's time, which is nobody's.
  return /^\d{4}-\d{2}-\d{2}T([01]\d|2[0-3]):[0-5]\d.*(Z|[+-]\d{2}:\d{2})$/.test(clean) ? checked(text.trim()) : null;
}

function checked(text: string): string | null {
  const day = text.slice(0, 10);
  const midnight = Date.parse(`${day}T00:00:00Z`);
  // 31 February is read as 3 March by browsers: whoever wrote it did not mean that.
  if (Number.isNaN(midnight) || rfc3339(midnight).slice(0, 10) !== day) return null;
  return Number.isNaN(Date.parse(text)) || /T24/i.test(text) ? null : text;
}

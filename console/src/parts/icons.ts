/** A shape for each level, so that colour is never the only word for it; and a few others. */
import { svg, html, type TemplateResult } from "lit";

const icon = (inner: TemplateResult): TemplateResult => html`<svg
  class="icon"
  viewBox="0 0 24 24"
  aria-hidden="true"
  focusable="false"
>
  ${inner}
</svg>`;

const stroke = (d: string): TemplateResult =>
  icon(
    svg`<path d=${d} fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round"/>`,
  );

/** Circle, triangle, octagon: advisory, caution, warning. */
export function levelShape(level: string): TemplateResult {
  if (level === "warning")
    return icon(
      svg`<path d="M8 2h8l6 6v8l-6 6H8l-6-6V8z" fill="currentColor"/><path d="M12 7v6M12 16v1.5" stroke="Canvas" stroke-width="2.5" stroke-linecap="round"/>`,
    );
  if (level === "caution")
    return icon(
      svg`<path d="M12 2 23 21H1z" fill="none" stroke="currentColor" stroke-width="2.5" stroke-linejoin="round"/><path d="M12 9v6M12 17.5v.8" stroke="currentColor" stroke-width="2.5" stroke-linecap="round"/>`,
    );
  return icon(svg`<circle cx="12" cy="12" r="9" fill="none" stroke="currentColor" stroke-width="2.5"/><path d="M12 11v6M12 7v.8" stroke="currentColor" stroke-width="2.5" stroke-linecap="round"/>`);
}

export const icons = {
  done: () => stroke("M4 12l5 6L20 5"),
  waiting: () => stroke("M12 3a9 9 0 1 0 .01 0M12 7v5l3 3"),
  missing: () => stroke("M6 12h12"),
  overdue: () => stroke("M12 3a9 9 0 1 0 .01 0M12 7v5M12 15.5v.5"),
  incoming: () => stroke("M12 3v14M6 11l6 6 6-6M4 21h16"),
  outgoing: () => stroke("M12 21V7M6 13l6-6 6 6M4 3h16"),
  settings: () => stroke("M4 7h10M18 7h2M4 17h2M10 17h10M14 4v6M6 14v6"),
  keys: () => stroke("M3 6h18v12H3zM7 10h.01M11 10h.01M15 10h.01M8 14h8"),
  user: () => stroke("M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4 21c1-5 15-5 16 0"),
  bell: () => stroke("M6 17V11a6 6 0 0 1 12 0v6l2 2H4zM10 21h4"),
  silent: () => stroke("M6 17V11a6 6 0 0 1 9-5M18 12v5l2 2H4M3 3l18 18"),
  link: () => stroke("M9 15l6-6M8 11l-3 3a4 4 0 0 0 5 5l3-3M16 13l3-3a4 4 0 0 0-5-5l-3 3"),
  cut: () => stroke("M8 11l-3 3a4 4 0 0 0 5 5l2-2M16 13l3-3a4 4 0 0 0-5-5l-2 2M4 4l16 16"),
  close: () => stroke("M5 5l14 14M19 5L5 19"),
};

/** How long a stretch of the map is, in the viewer's unit. */
import { html, nothing, svg, type TemplateResult } from "lit";
import { settings } from "../parts/settings";
import { ltr } from "../words/words";

const LONGEST_PX = 110;
const NM_M = 1852;

export function scaleBar(metresPerPixel: number): TemplateResult | typeof nothing {
  if (!metresPerPixel) return nothing;
  const nautical = settings.value.distance === "nm";
  const unit = nautical ? NM_M : 1000;
  const most = (LONGEST_PX * metresPerPixel) / unit;
  const power = 10 ** Math.floor(Math.log10(most));
  const value = ([5, 2, 1].find((each) => each * power <= most) ?? 1) * power;
  const px = (value * unit) / metresPerPixel;
  const text = `${Number(value.toPrecision(1))} ${nautical ? "NM" : "km"}`;
  return html`<span class="scale"
    ><svg width="120" height="12" aria-hidden="true">${svg`<path d="M2 3v6H${2 + px}V3" fill="none" stroke="currentColor" stroke-width="2"/>`}</svg>
    <span class="figures">${ltr(text)}</span></span
  >`;
}

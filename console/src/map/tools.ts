/** What is on the map: heights, how far ahead, names, the viewer's own layers; and what signs mean. */
import { html, LitElement, nothing, svg, type TemplateResult } from "lit";
import { customElement } from "lit/decorators.js";
import { Watching } from "../live/store";
import { altitude, span } from "../parts/format";
import { icons, levelShape } from "../parts/icons";
import { settings } from "../parts/settings";
import { say } from "../parts/toast";
import { language, named, t } from "../words/words";
import { dropLayer, FILES_MAX, Refused, takeFile, userLayers, type UserLayer } from "./user_files";
import { changeMap, HIGHEST_M, LOWEST_M, mapSettings, type MapSettings } from "./view_settings";

/** The handles move in the viewer's unit; their ends mean without end. */
const HANDLE = {
  ft: { min: -1_500, max: 65_000, step: 500, m: 0.3048 },
  m: { min: -500, max: 20_000, step: 100, m: 1 },
} as const;

@customElement("tansiq-map-tools")
export class MapTools extends LitElement {
  constructor() {
    super();
    new Watching(this, mapSettings, settings, language, userLayers);
  }

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  protected override render(): unknown {
    return html`<div class="row spread">
        <h2>${t("map.layers")}</h2>
        <button class="plain" aria-label=${t("shell.close")} @click=${() => this.dispatchEvent(new CustomEvent("tools-close"))}>${icons.close()}</button>
      </div>
      ${this.heights()}
      <div class="two">
        ${this.choice("aheadMin", [30, 120, 360, 1440], "map.ahead")} ${this.choice("vectorMin", [0, 1, 2, 5], "map.vector")}
        ${this.choice("stripMin", [30, 60, 180, 720], "strip.span", 2)}
      </div>
      <div class="two">
        ${this.check("labels", "map.show-labels")} ${this.check("places", "map.show-places")} ${this.check("borders", "map.show-borders")}
        ${this.check("water", "map.show-water")} ${this.check("rangeRings", "map.show-range-rings")}
      </div>
      ${this.files()} ${this.legend()}`;
  }

  private heights(): TemplateResult {
    const current = mapSettings.value;
    const handle = HANDLE[settings.value.altitude];
    const to = (m: number): number => Math.round(m / handle.m / handle.step) * handle.step;
    const from = (value: number): number => (value <= handle.min ? LOWEST_M : value >= handle.max ? HIGHEST_M : value * handle.m);
    const low = current.lowM <= LOWEST_M ? handle.min : to(current.lowM);
    const high = current.highM >= HIGHEST_M ? handle.max : to(current.highM);
    return html`<fieldset>
      <legend>${t("map.filter")}</legend>
      <p class="faint">${t("map.filter-text")}</p>
      <label class="field"
        ><span>${t("map.filter-from")}: ${current.lowM <= LOWEST_M ? t("map.filter-none") : altitude(current.lowM)}</span
        ><input
          type="range"
          dir="ltr"
          name="low"
          min=${handle.min}
          max=${handle.max}
          step=${handle.step}
          .value=${String(low)}
          aria-valuetext=${current.lowM <= LOWEST_M ? t("map.filter-none") : altitude(current.lowM)}
          @input=${(event: Event) => {
            const value = from(Number((event.target as HTMLInputElement).value));
            changeMap({ lowM: value, highM: Math.max(value, current.highM) });
          }}
      /></label>
      <label class="field"
        ><span>${t("map.filter-to")}: ${current.highM >= HIGHEST_M ? t("map.filter-none") : altitude(current.highM)}</span
        ><input
          type="range"
          dir="ltr"
          name="high"
          min=${handle.min}
          max=${handle.max}
          step=${handle.step}
          .value=${String(high)}
          aria-valuetext=${current.highM >= HIGHEST_M ? t("map.filter-none") : altitude(current.highM)}
          @input=${(event: Event) => {
            const value = from(Number((event.target as HTMLInputElement).value));
            changeMap({ highM: value, lowM: Math.min(value, current.lowM) });
          }}
      /></label>
      ${this.check("hide", "map.filter-hide")}
    </fieldset>`;
  }

  private choice(name: "aheadMin" | "vectorMin" | "stripMin", values: readonly number[], words: string, times = 1): TemplateResult {
    return html`<label class="field"
      ><span>${t(words)}</span
      ><select
        name=${name}
        @change=${(event: Event) => changeMap({ [name]: Number((event.target as HTMLSelectElement).value) } as Partial<MapSettings>)}
      >
        ${values.map((value) => html`<option value=${value} ?selected=${mapSettings.value[name] === value}>${value ? span(value * times * 60) : t("map.vector-none")}</option>`)}
      </select></label
    >`;
  }

  private check(name: "hide" | "labels" | "places" | "borders" | "water" | "rangeRings", words: string): TemplateResult {
    return html`<label class="check"
      ><input
        type="checkbox"
        name=${name}
        .checked=${mapSettings.value[name]}
        @change=${(event: Event) => changeMap({ [name]: (event.target as HTMLInputElement).checked })}
      />${t(words)}</label
    >`;
  }

  private files(): TemplateResult {
    return html`<fieldset>
      <legend>${t("map.files")}</legend>
      <p class="faint">${t("map.files-text")}</p>
      ${userLayers.value.length
        ? html`<ul class="files">
            ${userLayers.value.map((layer) => this.file(layer))}
          </ul>`
        : nothing}
      <label class="field"
        ><span>${t("map.files-add")}</span
        ><input
          type="file"
          accept=".geojson,.json,.pmtiles"
          multiple
          @change=${(event: Event) => {
            const input = event.target as HTMLInputElement;
            void takeFiles([...(input.files ?? [])], () => undefined).then(() => (input.value = ""));
          }}
      /></label>
    </fieldset>`;
  }

  private file(layer: UserLayer): TemplateResult {
    return html`<li class="row spread">
      <span
        ><bdi>${layer.name}</bdi>
        <span class="faint"
          >${layer.count === null ? t(`map.file-${layer.kind}`) : t("map.file-count", { n: layer.count })}
          ${layer.leftOut ? t("map.file-left-out", { n: layer.leftOut }) : nothing}</span
        ></span
      >
      <button aria-label=${t("map.file-remove", { name: layer.name })} @click=${() => dropLayer(layer.id)}>${icons.close()}</button>
    </li>`;
  }

  private legend(): TemplateResult {
    const line = (name: string, inner: TemplateResult): TemplateResult =>
      html`<dt><svg width="44" height="20" aria-hidden="true">${inner}</svg></dt><dd>${t(`map.${name}`)}</dd>`;
    const stroke = (style: string): TemplateResult => svg`<path class=${style} d="M2 10H42" fill="none" stroke="currentColor" stroke-width="2.4"/>`;
    return html`<details open>
      <summary>${t("map.legend")}</summary>
      <dl class="legend">
        ${line("phase-planned", stroke("dashed"))} ${line("phase-active", stroke(""))} ${line("phase-expired", stroke("dotted"))}
        ${line("phase-astray", svg`<path d="M2 2l16 16M10 2l16 16M18 2l16 16M26 2l16 16M18 2L2 18M26 2L10 18M34 2L18 18M42 2L26 18" stroke="currentColor" stroke-width="1.3"/>`)}
        ${line("no-go", svg`<path d="M2 18L18 2M10 18L26 2M18 18L34 2M26 18L42 2" stroke="currentColor" stroke-width="1.6"/>`)}
        ${line("legend-ours", svg`<rect class="ours" x="4" y="3" width="36" height="14" fill="currentColor"/>`)}
        ${line("legend-theirs", svg`<rect class="theirs" x="4" y="3" width="36" height="14" fill="currentColor"/>`)}
        ${line("legend-aged", svg`<path d="M22 2l6 15-6-4-6 4z" fill="none" stroke="currentColor" stroke-width="1.6"/>`)}
        ${line("legend-lost", svg`<path d="M22 2l6 15-6-4-6 4zM14 2l16 16M30 2L14 18" fill="none" stroke="currentColor" stroke-width="1.6"/>`)}
        ${(["advisory", "caution", "warning"] as const).map((level) => html`<dt class="level-${level}">${levelShape(level)}</dt><dd>${t(`level.${level}`)}</dd>`)}
        ${line("legend-disputed", stroke("dashed"))}
      </dl>
      <p class="faint">${t("map.legend-label")}</p>
    </details>`;
  }
}

/** Take files and say how it went; `look` is told where the last one lies. */
export async function takeFiles(files: readonly File[], look: (bounds: [number, number, number, number]) => void): Promise<void> {
  for (const file of files.slice(0, FILES_MAX)) {
    try {
      const layer = await takeFile(file);
      say(t("map.file-taken", { name: layer.name }));
      if (layer.bounds) look(layer.bounds);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      say(`${named(file.name)}: ${t(`map.file-refused-${error.code}`)}`, true);
    }
  }
}

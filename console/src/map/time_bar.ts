/** A slider of time, always left to right, with where something was recorded under it. */
import { html, LitElement, svg, type TemplateResult } from "lit";
import { customElement, property } from "lit/decorators.js";
import { Watching } from "../live/store";
import { dtg } from "../parts/format";
import { language, t } from "../words/words";
import type { Recorded } from "./history";

const WIDTH = 1000;
const TICKS_MS = [10, 30, 60, 180, 360, 720, 1440].map((minutes) => minutes * 60_000);

@customElement("tansiq-timebar")
export class TimeBar extends LitElement {
  @property({ attribute: false }) from = 0;
  @property({ attribute: false }) to = 1;
  @property({ attribute: false }) value = 0;
  @property({ attribute: false }) now = 0;
  @property({ attribute: false }) stepMs = 60_000;
  @property({ attribute: false }) recorded: Recorded | null = null;
  /** Moments that are marked: alarms. */
  @property({ attribute: false }) marks: readonly { time: number; level: string }[] = [];
  private frame = 0;
  private wanted = 0;

  constructor() {
    super();
    new Watching(this, language);
  }

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    cancelAnimationFrame(this.frame);
    this.frame = 0;
  }

  protected override render(): unknown {
    const steps = Math.round((this.to - this.from) / this.stepMs);
    const at = Math.round((this.value - this.from) / this.stepMs);
    return html`<svg class="spans" viewBox="0 0 ${WIDTH} 14" preserveAspectRatio="none" aria-hidden="true">
        <rect class="none" x="0" y="3" width=${WIDTH} height="8" />
        ${this.spans()} ${this.ticks()}
        ${this.marks.map((mark) => svg`<path class="level-${mark.level}" d="M${this.x(mark.time)} 0v14" stroke="currentColor" stroke-width="2" vector-effect="non-scaling-stroke"/>`)}
        ${this.now > this.from && this.now < this.to ? svg`<path class="present" d="M${this.x(this.now)} 0v14" stroke="currentColor" stroke-width="3" vector-effect="non-scaling-stroke"/>` : ""}
      </svg>
      <input
        type="range"
        dir="ltr"
        name="time"
        min="0"
        max=${steps}
        step="1"
        .value=${String(at)}
        aria-label=${t("map.time")}
        aria-valuetext=${dtg(this.value, this.now)}
        @input=${(event: Event) => this.input(Number((event.target as HTMLInputElement).value))}
      />`;
  }

  private x(time: number): number {
    return ((time - this.from) / (this.to - this.from)) * WIDTH;
  }

  private spans(): TemplateResult[] {
    const { recorded } = this;
    if (!recorded) return [];
    const edges = [recorded.from, ...recorded.gaps.flatMap((gap) => [gap.from, gap.to]), recorded.to];
    const spans: TemplateResult[] = [];
    for (let i = 0; i + 1 < edges.length; i += 2) {
      const [from, to] = [Math.max(edges[i]!, this.from), Math.min(edges[i + 1]!, this.to)];
      if (to > from) spans.push(svg`<rect class="kept" x=${this.x(from)} y="3" width=${this.x(to) - this.x(from)} height="8"/>` as TemplateResult);
    }
    return spans;
  }

  private ticks(): TemplateResult[] {
    const step = TICKS_MS.find((each) => (this.to - this.from) / each <= 24) ?? TICKS_MS.at(-1)!;
    const ticks: TemplateResult[] = [];
    for (let time = Math.ceil(this.from / step) * step; time <= this.to; time += step)
      ticks.push(svg`<path class="tick" d="M${this.x(time)} 3v8" stroke="currentColor" vector-effect="non-scaling-stroke"/>` as TemplateResult);
    return ticks;
  }

  /** One word a frame, however fast the handle moves. */
  private input(step: number): void {
    this.wanted = this.from + step * this.stepMs;
    if (!this.frame)
      this.frame = requestAnimationFrame(() => {
        this.frame = 0;
        this.dispatchEvent(new CustomEvent("bar-time", { detail: this.wanted }));
      });
  }
}

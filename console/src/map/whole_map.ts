/**
 * A map that draws what it is handed as one picture.
 *
 * MapLibre draws with each tile that comes: for a moment part of the next time stands beside part of
 * the last, and without a graphics card each drawing costs a tenth of a second.
 */
import { Map as LibreMap, type MapOptions, type MapSourceDataEvent } from "maplibre-gl";

/** A picture that is not whole by then is drawn as it is, tile by tile. */
const HOLD_MS = 2_000;
/** Names that drivers give themselves where the processor draws: of ANGLE, Mesa and Windows. */
const NO_CARD = /swiftshader|llvmpipe|softpipe|software|basic render/i;

export class WholeMap extends LibreMap {
  /** Told when what was handed over stands on the map, or that it is waited for no longer. */
  settled: (whole: boolean) => void = () => undefined;
  private readonly awaited = new Set<string>();
  private waiting = false;
  private still = false;
  /** Before it has stood still once, tiles are not known before they are drawn. */
  private calm = false;
  private timer = 0;
  private readonly softly: boolean;
  private coarse = false;
  private fine: number;

  constructor(options: MapOptions) {
    super(options);
    this.fine = this.getPixelRatio();
    const { gl } = this.painter.context;
    const said = gl.getExtension("WEBGL_debug_renderer_info")?.UNMASKED_RENDERER_WEBGL ?? gl.RENDERER;
    this.softly = NO_CARD.test(String(gl.getParameter(said)));
    this.once("idle", () => (this.calm = true));
    this.on("sourcedata", (event: MapSourceDataEvent) => {
      // Right after `metadata` the tiles still count as loaded: as they were.
      if (this.still && event.sourceDataType !== "metadata" && this.whole()) this.goOn();
    });
    this.on("resize", () => this.giveUp());
    this.on("render", () => this.rendered());
  }

  /** What was handed over last is awaited; hand over the next when it is drawn. */
  get held(): boolean {
    return this.waiting;
  }

  /** All that was handed over has been drawn. */
  get drawn(): boolean {
    return !this.awaited.size;
  }

  /** Draw nothing until all of these sources are there. */
  hold(sources: readonly string[]): void {
    for (const source of sources) this.awaited.add(source);
    this.waiting = this.still = true;
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => this.giveUp(), HOLD_MS);
  }

  /** Draw with so many pixels to one of the page. */
  override setPixelRatio(ratio: number): void {
    this.fine = ratio;
    super.setPixelRatio(ratio);
  }

  /**
   * From the next drawing on, where no graphics card helps: a quarter of the pixels. What is passed by
   * is seen sooner; it is drawn again in full when it rests.
   */
  passBy(on: boolean): void {
    this.coarse = on && this.softly;
  }

  override _render(at: number): this {
    // Together with the drawing: a canvas of another size is empty until then.
    const ratio = this.coarse ? this.fine / 2 : this.fine;
    if (ratio !== this.getPixelRatio()) {
      this._overridePixelRatio = ratio;
      this._resizeInternal();
    }
    return super._render(at);
  }

  /** Nothing is held back while the view moves: it follows the hand. */
  override triggerRepaint(): void {
    if (this.still && this.calm && !this.isMoving()) return;
    super.triggerRepaint();
  }

  override remove(): void {
    clearTimeout(this.timer);
    this.settled = () => undefined;
    super.remove();
  }

  private whole(): boolean {
    return [...this.awaited].every((source) => this.isSourceLoaded(source));
  }

  private goOn(): void {
    this.still = false;
    this.triggerRepaint();
  }

  private giveUp(): void {
    if (!this.waiting) return;
    clearTimeout(this.timer);
    this.waiting = false;
    this.goOn();
    this.settled(false);
  }

  private rendered(): void {
    // Without fading each frame places all symbols. MapLibre would draw another just the same.
    if (!this.isMoving()) this._placementDirty = false;
    if (!this.awaited.size || !this.whole()) return;
    clearTimeout(this.timer);
    this.waiting = this.still = false;
    this.awaited.clear();
    this.settled(true);
  }
}

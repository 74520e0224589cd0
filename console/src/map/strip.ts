/**
 * The altitude-time strip: what the map in view holds, by time (always left to right) and height
 * (viewer's unit, above the WGS84 ellipsoid). It is the vertical truth; the tilted map is a picture.
 *
 * Drawn on a canvas, for two thousand bands must follow the slider. The list beside the map is its
 * accessible twin.
 */
import "./strip.css";
import { html, LitElement, type PropertyValues } from "lit";
import { customElement, property } from "lit/decorators.js";
import { Watching } from "../live/store";
import { zulu } from "../parts/format";
import { settings } from "../parts/settings";
import { language, t } from "../words/words";
import { ageing, bare, EXPIRED_MS, kept, nameOf, ownerOf, short } from "./draw";
import { palette, type Palette } from "./palette";
import { alarmed, holdsAir, phaseOf, RANK, type Area, type Phase, type Scene } from "./scene";
import { meet, type Box, type Piece } from "./shapes";
import type { Trails } from "./trails";
import { HIGHEST_M, LOWEST_M, mapSettings, within } from "./view_settings";

const FOOT_M = 0.3048;
const MINUTE_MS = 60_000;
/** Which share of the strip lies before the time that is shown. */
const BEHIND = 1 / 3;
const PAD = { left: 64, right: 10, top: 8, bottom: 22 };
const TIME_STEPS_MIN = [1, 5, 10, 15, 30, 60, 180, 360, 720];
const HEIGHT_STEPS = [50, 100, 200, 500, 1000, 2000, 5000, 10_000];
const LEAST_M = 300;
const LABEL_PX = 54;
const LABELS_MAX = 12;
const LINE_PX = 12;
const MOVED_PX = 4;
const REACH_PX = 10;

interface Target {
  id: string;
  x: number;
  y: number;
  w: number;
  h: number;
}

@customElement("tansiq-strip")
export class Strip extends LitElement {
  @property({ attribute: false }) scene!: Scene;
  @property({ attribute: false }) ours = "";
  @property({ attribute: false }) box: Box | null = null;
  @property({ attribute: false }) selected = "";
  @property({ attribute: false }) trails: Trails | null = null;
  private targets: Target[] = [];
  private watch: ResizeObserver | null = null;
  private drag: { x: number; time: number; moved: boolean } | null = null;
  private frame = 0;
  private scale = { from: 0, perPx: 1, low: 0, high: 1, height: 1 };

  constructor() {
    super();
    new Watching(this, settings, language, mapSettings);
  }

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.watch = new ResizeObserver(() => this.soon());
    this.watch.observe(this);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.watch?.disconnect();
    cancelAnimationFrame(this.frame);
    this.frame = 0;
  }

  protected override render(): unknown {
    return html`<canvas
      role="img"
      aria-label=${t("strip.label", { time: zulu(this.scene.time), minutes: mapSettings.value.stripMin * 2 })}
      @pointerdown=${this.down}
      @pointermove=${this.move}
      @pointerup=${this.up}
      @pointercancel=${() => (this.drag = null)}
    ></canvas>`;
  }

  protected override updated(_: PropertyValues): void {
    this.soon();
  }

  private soon(): void {
    if (!this.frame)
      this.frame = requestAnimationFrame(() => {
        this.frame = 0;
        this.draw();
      });
  }

  private draw(): void {
    const canvas = this.querySelector("canvas");
    const width = this.clientWidth;
    const height = this.clientHeight;
    if (!canvas || !width || !height) return;
    const fine = Math.min(devicePixelRatio, 2);
    if (canvas.width !== width * fine || canvas.height !== height * fine) {
      canvas.width = width * fine;
      canvas.height = height * fine;
    }
    // Kept out of the graphics card: where that is software, the map needs all of it.
    const pen = canvas.getContext("2d", { willReadFrequently: true });
    if (!pen) return;
    pen.setTransform(fine, 0, 0, fine, 0, 0);
    pen.font = `11px ${getComputedStyle(this).fontFamily}`;
    const colours = palette();
    this.targets = [];
    const bands = this.bands();
    this.fit(bands, width, height);
    pen.clearRect(0, 0, width, height);
    this.grid(pen, colours, width, height);
    pen.save();
    pen.beginPath();
    pen.rect(PAD.left, 0, width - PAD.left - PAD.right, height - PAD.bottom);
    pen.clip();
    for (const band of bands) this.band(pen, colours, band);
    if (this.scene.mode !== "plan") this.aircraft(pen, colours);
    this.alarms(pen, colours);
    this.present(pen, colours, height);
    pen.restore();
  }

  /** What is drawn of the areas in view, ours and what is chosen on top. */
  private bands(): { area: Area; piece: Piece; phase: Phase; dim: boolean }[] {
    const { scene, box } = this;
    const current = mapSettings.value;
    const levels = alarmed(scene.alarms);
    const span = current.stripMin * 2 * MINUTE_MS;
    const [from, to] = [scene.time - span * BEHIND, scene.time + span * (1 - BEHIND)];
    const found: { area: Area; piece: Piece; phase: Phase; dim: boolean }[] = [];
    for (const area of scene.areas) {
      if (!holdsAir(area)) continue;
      const chosen = area.id === this.selected || area.intentId === this.selected;
      const phase = phaseOf(area, scene.time);
      for (const piece of area.pieces) {
        if (piece.end < from || piece.start > to) continue;
        if (box && !chosen && !meet(piece.box, box)) continue;
        const dim = !chosen && !kept(area, piece, levels, current);
        if (dim && current.hide) continue;
        const over = scene.time > piece.end;
        if (over && !chosen && piece.end < scene.time - EXPIRED_MS && scene.mode === "live") continue;
        found.push({ area, piece, phase: over ? "expired" : piece.astray ? "astray" : phase, dim });
      }
    }
    const rank = (area: Area): number => (area.id === this.selected ? 2 : area.own ? 1 : 0);
    return found.sort((a, b) => rank(a.area) - rank(b.area));
  }

  private inView(lng: number, lat: number): boolean {
    const { box } = this;
    return !box || meet({ west: lng, east: lng, south: lat, north: lat }, box);
  }

  private fit(bands: { piece: Piece }[], width: number, height: number): void {
    const current = mapSettings.value;
    const { scene } = this;
    const levels = alarmed(scene.alarms);
    let low = Infinity;
    let high = -Infinity;
    for (const { piece } of bands) {
      low = Math.min(low, piece.low);
      high = Math.max(high, piece.high);
    }
    for (const track of scene.tracks) {
      const at = track.height_m ?? track.pressure_m;
      // Whoever an alarm is about is drawn wherever it is.
      if (at === null || !(track.level || levels.has(track.id) || this.inView(track.lng_deg, track.lat_deg))) continue;
      low = Math.min(low, at);
      high = Math.max(high, at);
    }
    if (low > high) [low, high] = [0, 3000];
    if (current.lowM > LOWEST_M) low = Math.max(low, current.lowM - LEAST_M);
    if (current.highM < HIGHEST_M) high = Math.min(high, current.highM + LEAST_M);
    if (high - low < LEAST_M) high = low + LEAST_M;
    const pad = (high - low) * 0.06;
    const span = current.stripMin * 2 * MINUTE_MS;
    this.scale = {
      from: scene.time - span * BEHIND,
      perPx: span / Math.max(1, width - PAD.left - PAD.right),
      low: low - pad,
      high: high + pad,
      height: height - PAD.top - PAD.bottom,
    };
  }

  private x(time: number): number {
    return PAD.left + (time - this.scale.from) / this.scale.perPx;
  }

  private y(m: number): number {
    const { low, high, height } = this.scale;
    return PAD.top + height * (1 - (m - low) / (high - low));
  }

  private grid(pen: CanvasRenderingContext2D, colours: Palette, width: number, height: number): void {
    const { from, perPx, low, high } = this.scale;
    const to = from + perPx * (width - PAD.left - PAD.right);
    pen.strokeStyle = colours.border;
    pen.fillStyle = colours.faint;
    pen.lineWidth = 1;
    pen.globalAlpha = 1;
    const stepMin = TIME_STEPS_MIN.find((each) => (each * MINUTE_MS) / perPx >= 78) ?? 1440;
    const step = stepMin * MINUTE_MS;
    pen.textAlign = "center";
    for (let time = Math.ceil(from / step) * step; time <= to; time += step) {
      const x = Math.round(this.x(time)) + 0.5;
      pen.globalAlpha = 0.35;
      line(pen, x, PAD.top, x, height - PAD.bottom);
      pen.globalAlpha = 1;
      if (x > PAD.left + 22 && x < width - PAD.right - 22) pen.fillText(bare(zulu(time, false)), x, height - 7);
    }
    const unit = settings.value.altitude === "ft" ? FOOT_M : 1;
    const stepUnit = HEIGHT_STEPS.find((each) => (each * unit * this.scale.height) / (high - low) >= 24) ?? 20_000;
    pen.textAlign = "right";
    for (let value = Math.ceil(low / unit / stepUnit) * stepUnit; value * unit <= high; value += stepUnit) {
      const y = Math.round(this.y(value * unit)) + 0.5;
      pen.globalAlpha = 0.35;
      line(pen, PAD.left, y, width - PAD.right, y);
      pen.globalAlpha = 1;
      // Once with its datum, at the top, is enough; each has its unit.
      pen.fillText(`${value} ${settings.value.altitude}`, PAD.left - 6, y + 4);
    }
    pen.textAlign = "left";
    pen.fillText("W84", 4, height - 7);
  }

  private band(pen: CanvasRenderingContext2D, colours: Palette, { area, piece, phase, dim }: { area: Area; piece: Piece; phase: Phase; dim: boolean }): void {
    const x = this.x(piece.start);
    const w = Math.max(2, this.x(piece.end) - x);
    const y = this.y(piece.high);
    const h = Math.max(2, this.y(piece.low) - y);
    const chosen = area.id === this.selected || area.intentId === this.selected;
    const colour = phase === "expired" ? colours.faint : area.own ? colours.ours : colours.theirs;
    const here = piece.start <= this.scene.time && this.scene.time <= piece.end;
    pen.globalAlpha = dim ? 0.04 : phase === "expired" ? 0.03 : here ? 0.26 : 0.1;
    pen.fillStyle = colour;
    pen.fillRect(x, y, w, h);
    pen.globalAlpha = dim ? 0.25 : 1;
    pen.strokeStyle = colour;
    if (area.kind === "no-go" && phase !== "expired") hatched(pen, x, y, w, h, false);
    if (phase === "astray") hatched(pen, x, y, w, h, true);
    pen.lineWidth = chosen ? 3 : phase === "astray" ? 2.4 : 1.4;
    if (chosen) pen.strokeStyle = colours.focus;
    pen.setLineDash(phase === "planned" ? [6, 4] : phase === "expired" ? [1, 3] : []);
    pen.strokeRect(x, y, w, h);
    pen.setLineDash([]);
    this.targets.push({ id: area.id, x, y, w, h });
    const left = Math.max(x, PAD.left) + 4;
    if (x + w - left > LABEL_PX && h > 11 && area.name) {
      pen.save();
      pen.beginPath();
      pen.rect(left - 2, y, x + w - left, h);
      pen.clip();
      pen.textAlign = "left";
      pen.fillStyle = colour;
      pen.fillText(short(area.name), left, y + Math.min(h - 3, 12));
      pen.restore();
    }
    pen.globalAlpha = 1;
  }

  private aircraft(pen: CanvasRenderingContext2D, colours: Palette): void {
    const { scene } = this;
    const current = mapSettings.value;
    const levels = alarmed(scene.alarms);
    const labelled: number[] = [];
    const now = this.x(scene.time);
    const loudFirst = [...scene.tracks].sort((a, b) => (RANK[b.level] ?? 0) - (RANK[a.level] ?? 0));
    for (const track of loudFirst) {
      const at = track.height_m ?? track.pressure_m;
      const raised = track.level || levels.get(track.id) || "";
      const chosen = track.address === this.selected;
      const owner = ownerOf(track, this.ours);
      if (at === null || (!raised && !chosen && !this.inView(track.lng_deg, track.lat_deg))) continue;
      const keeps = Boolean(raised) || chosen || owner === "ours" || within(at, at, current);
      if (!keeps && current.hide) continue;
      const age = ageing(scene, track);
      const y = this.y(at);
      pen.globalAlpha = keeps ? 1 : 0.2;
      pen.strokeStyle = pen.fillStyle = chosen
        ? colours.focus
        : raised
          ? colours[raised as "warning"]
          : age === "fresh" && !scene.stale
            ? colours[owner]
            : colours.faint;
      pen.lineWidth = 1.2;
      const trail = this.trails?.of(track.id) ?? [];
      pen.beginPath();
      for (const past of trail) if (past.height !== null) pen.lineTo(this.x(past.time), this.y(past.height));
      pen.lineTo(now, y);
      pen.stroke();
      if (current.vectorMin && track.climb_mps !== null && !scene.stale) {
        pen.setLineDash([3, 3]);
        line(pen, now, y, this.x(scene.time + current.vectorMin * MINUTE_MS), this.y(at + track.climb_mps * current.vectorMin * 60));
        pen.setLineDash([]);
      }
      shape(pen, raised, now, y, raised ? 7 : 3.5);
      if (raised || chosen) pen.stroke();
      else pen.fill();
      this.targets.push({ id: track.address, x: now - 5, y: y - 5, w: 10, h: 10 });
      // A label that would lie on another is left out, but for alarms and for what is chosen.
      const free = labelled.length < LABELS_MAX && labelled.every((each) => Math.abs(each - y) >= LINE_PX);
      if (raised || chosen || (owner === "ours" && free)) {
        labelled.push(y);
        pen.textAlign = "left";
        pen.fillText(nameOf(track), now + 10, y + 4);
      }
      pen.globalAlpha = 1;
    }
  }

  private alarms(pen: CanvasRenderingContext2D, colours: Palette): void {
    const heights = new Map(this.scene.tracks.map((track) => [track.id, track.height_m ?? track.pressure_m]));
    const sorted = [...this.scene.alarms].sort((a, b) => (RANK[a.level] ?? 0) - (RANK[b.level] ?? 0));
    for (const alarm of sorted) {
      if (alarm.in_s === null) continue;
      const x = this.x(this.scene.time + (alarm.in_s - this.scene.agedS) * 1000);
      const at = heights.get(alarm.one) ?? heights.get(alarm.other);
      const y = at === null || at === undefined ? PAD.top + 8 : this.y(at);
      pen.strokeStyle = colours[alarm.level as "warning"] ?? colours.advisory;
      pen.lineWidth = 1.5;
      pen.setLineDash([2, 3]);
      line(pen, x, PAD.top, x, PAD.top + this.scale.height);
      pen.setLineDash([]);
      pen.lineWidth = 2.5;
      shape(pen, alarm.level, x, y, 7);
      pen.stroke();
      this.targets.push({ id: alarm.id, x: x - 8, y: y - 8, w: 16, h: 16 });
    }
  }

  private present(pen: CanvasRenderingContext2D, colours: Palette, height: number): void {
    const x = Math.round(this.x(this.scene.time)) + 0.5;
    pen.strokeStyle = colours.text;
    pen.lineWidth = 2;
    line(pen, x, 0, x, height - PAD.bottom);
  }

  private down = (event: PointerEvent): void => {
    if (event.button !== 0) return;
    this.drag = { x: event.clientX, time: this.scene.time, moved: false };
    (event.target as Element).setPointerCapture(event.pointerId);
  };

  private move = (event: PointerEvent): void => {
    const { drag } = this;
    if (!drag) return;
    const by = event.clientX - drag.x;
    if (!drag.moved && Math.abs(by) < MOVED_PX) return;
    drag.moved = true;
    this.dispatchEvent(new CustomEvent("strip-time", { detail: drag.time - by * this.scale.perPx }));
  };

  private up = (event: PointerEvent): void => {
    const { drag } = this;
    this.drag = null;
    if (!drag || drag.moved) return;
    const canvas = this.querySelector("canvas");
    if (!canvas) return;
    const from = canvas.getBoundingClientRect();
    this.dispatchEvent(new CustomEvent("strip-select", { detail: this.under(event.clientX - from.left, event.clientY - from.top) }));
  };

  /** The smallest thing there; an aircraft is easier to miss than a band, so it may be a bit off. */
  private under(x: number, y: number): string {
    const reach = (each: Target): number => (each.w <= 16 ? REACH_PX : 0);
    const found = this.targets.filter(
      (each) =>
        x >= each.x - reach(each) && x <= each.x + each.w + reach(each) && y >= each.y - reach(each) && y <= each.y + each.h + reach(each),
    );
    found.sort((a, b) => a.w * a.h - b.w * b.h);
    return found[0]?.id ?? "";
  }
}

function line(pen: CanvasRenderingContext2D, x1: number, y1: number, x2: number, y2: number): void {
  pen.beginPath();
  pen.moveTo(x1, y1);
  pen.lineTo(x2, y2);
  pen.stroke();
}

/** Circle, triangle, octagon by level; a dot without. */
function shape(pen: CanvasRenderingContext2D, level: string, x: number, y: number, r: number): void {
  pen.beginPath();
  if (level === "caution") {
    pen.moveTo(x, y - r);
    pen.lineTo(x + r, y + r * 0.8);
    pen.lineTo(x - r, y + r * 0.8);
    pen.closePath();
  } else if (level === "warning") {
    for (let i = 0; i < 8; i++) {
      const angle = (Math.PI / 8) * (2 * i + 1);
      pen.lineTo(x + r * Math.cos(angle), y + r * Math.sin(angle));
    }
    pen.closePath();
  } else pen.arc(x, y, r, 0, 2 * Math.PI);
}

function hatched(pen: CanvasRenderingContext2D, x: number, y: number, w: number, h: number, both: boolean): void {
  pen.save();
  pen.beginPath();
  pen.rect(x, y, w, h);
  pen.clip();
  pen.lineWidth = 0.8;
  pen.globalAlpha *= 0.6;
  pen.beginPath();
  // Only what can be seen: a band may be days long.
  const from = Math.max(x - h, -h);
  const to = Math.min(x + w, 4_000);
  for (let at = from - (from % 9); at < to; at += 9) {
    pen.moveTo(at, y + h);
    pen.lineTo(at + h, y);
    if (both) {
      pen.moveTo(at, y);
      pen.lineTo(at + h, y + h);
    }
  }
  pen.stroke();
  pen.restore();
}

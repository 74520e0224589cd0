/** A screen in the page's own DOM, with the keys of lists: j, k, Enter, Esc. */
import "./parts.css";
import { LitElement } from "lit";
import { useKeys, type Key } from "../keys";

/** What j and k go through, in the order of the page. */
const ITEMS = "[data-item]";

export abstract class ListScreen extends LitElement {
  private endKeys = (): void => undefined;

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.endKeys = useKeys(this.keys());
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.endKeys();
  }

  protected keys(): Key[] {
    return [
      { code: "KeyJ", words: "keys.next", run: () => this.step(1) },
      { code: "KeyK", words: "keys.previous", run: () => this.step(-1) },
      { code: "Enter", words: "keys.open", run: () => this.enter() },
      { code: "Escape", words: "keys.clear", run: () => this.escape(), inFields: true },
    ];
  }

  /** What Esc closes, once no field has the keyboard. */
  protected leave(): void {}

  protected step(by: number): void {
    const items = [...this.querySelectorAll<HTMLElement>(ITEMS)].filter((item) => item.getClientRects().length);
    if (!items.length) return;
    const at = items.findIndex((item) => item === document.activeElement);
    const next = at < 0 ? (by > 0 ? 0 : items.length - 1) : Math.min(items.length - 1, Math.max(0, at + by));
    items[next]?.focus();
    items[next]?.scrollIntoView({ block: "nearest" });
  }

  private enter(): void {
    const { activeElement } = document;
    if (activeElement instanceof HTMLElement && activeElement.matches("button, a, summary, label, input")) activeElement.click();
  }

  private escape(): void {
    const { activeElement } = document;
    if (activeElement instanceof HTMLElement && this.contains(activeElement) && activeElement.closest("form, input, textarea"))
      activeElement.blur();
    else this.leave();
  }
}

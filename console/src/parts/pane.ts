/** A part of a screen, in the page's own DOM, drawn again when one of its stores changes. */
import { LitElement } from "lit";
import { session } from "../live/session";
import { Watching, type Store } from "../live/store";
import { language } from "../words/words";

export abstract class Pane extends LitElement {
  constructor(...stores: Store<any>[]) {
    super();
    new Watching(this, language, session, ...stores);
  }

  protected override createRenderRoot(): HTMLElement {
    return this;
  }
}

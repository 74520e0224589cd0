/** A value that others watch. The whole of the console's shared state is a handful of these. */
import type { ReactiveController, ReactiveControllerHost } from "lit";

export class Store<T> {
  private readonly watchers = new Set<(value: T) => void>();

  constructor(private current: T) {}

  get value(): T {
    return this.current;
  }

  set(value: T): void {
    if (Object.is(value, this.current)) return;
    this.current = value;
    for (const tell of [...this.watchers]) tell(value);
  }

  update(change: (value: T) => T): void {
    this.set(change(this.current));
  }

  /** Call `tell` on every change, until the returned function is called. */
  watch(tell: (value: T) => void): () => void {
    this.watchers.add(tell);
    return () => this.watchers.delete(tell);
  }
}

/** Draws a Lit element again whenever one of some stores changes. */
export class Watching implements ReactiveController {
  private readonly ends: (() => void)[] = [];
  private readonly stores: readonly Store<never>[];

  constructor(
    private readonly host: ReactiveControllerHost,
    ...stores: Store<never>[] | Store<any>[]
  ) {
    this.stores = stores as readonly Store<never>[];
    host.addController(this);
  }

  hostConnected(): void {
    for (const store of this.stores) this.ends.push(store.watch(() => this.host.requestUpdate()));
  }

  hostDisconnected(): void {
    for (const end of this.ends.splice(0)) end();
  }
}

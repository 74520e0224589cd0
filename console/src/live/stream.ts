/**
 * Reads server-sent events with `fetch`, because comments must be heard too: they say that the
 * node still lives. `EventSource` keeps them to itself.
 */

export interface StreamEvent {
  name: string;
  id: string;
  data: string;
}

/** The node is asked to say something each second: after this long the connection is dead. */
const SILENT_MS = 10_000;
const AGAIN_MS = [250, 1_000, 2_000, 5_000] as const;

/** Follow a stream until `signal` is aborted, connecting again for as long as it takes. */
export async function follow(
  address: () => string,
  told: { event: (event: StreamEvent) => void; alive: () => void; lost: (status: number) => void },
  signal: AbortSignal,
): Promise<void> {
  let tries = 0;
  while (!signal.aborted) {
    const status = await once(address(), told, signal, () => (tries = 0));
    if (signal.aborted) return;
    told.lost(status);
    const pause = AGAIN_MS[Math.min(tries++, AGAIN_MS.length - 1)] ?? 5_000;
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

async function once(
  address: string,
  told: { event: (event: StreamEvent) => void; alive: () => void },
  signal: AbortSignal,
  begun: () => void,
): Promise<number> {
  const silent = new AbortController();
  let timer = setTimeout(() => silent.abort(), SILENT_MS);
  try {
    const response = await fetch(address, {
      headers: { Accept: "text/event-stream" },
      credentials: "same-origin",
      cache: "no-store",
      signal: AbortSignal.any([signal, silent.signal]),
    });
    if (!response.ok || !response.body) return response.status;
    begun();
    const parse = parser(told.event);
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return 200;
      clearTimeout(timer);
      timer = setTimeout(() => silent.abort(), SILENT_MS);
      told.alive();
      parse(value);
    }
  } catch {
    return 0;
  } finally {
    clearTimeout(timer);
  }
}

/** Return a function that takes pieces of a stream and calls `event` for each whole event. */
export function parser(event: (event: StreamEvent) => void): (piece: string) => void {
  let rest = "";
  return (piece) => {
    rest += piece;
    const blocks = rest.split("\n\n");
    rest = blocks.pop() ?? "";
    for (const block of blocks) {
      const found: StreamEvent = { name: "message", id: "", data: "" };
      for (const line of block.split("\n")) {
        if (line.startsWith("event: ")) found.name = line.slice(7);
        else if (line.startsWith("id: ")) found.id = line.slice(4);
        else if (line.startsWith("data: ")) found.data += line.slice(6);
      }
      if (found.data) event(found);
    }
  };
}

/** Hand a file to whoever asked for it, and say what it is: its SHA-256, made here. */

export function save(blob: Blob, name: string): void {
  const link = document.createElement("a");
  const address = URL.createObjectURL(blob);
  link.href = address;
  link.download = name;
  link.click();
  // The browser reads it after the click; a minute is long enough, for ever would keep it in memory.
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

/** Hexadecimal SHA-256; null where the browser has no cryptography (plain http from elsewhere). */
export async function sha256(blob: Blob): Promise<string | null> {
  if (!globalThis.crypto?.subtle) return null;
  const digest = await crypto.subtle.digest("SHA-256", await blob.arrayBuffer());
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** A name for a file, from words that may be anything. */
export function fileName(...parts: string[]): string {
  return parts.map((part) => part.replace(/[^A-Za-z0-9._-]+/g, "-")).filter(Boolean).join("-");
}

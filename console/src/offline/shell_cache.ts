/** Has the service worker keep the page itself, where the browser allows one (127.0.0.1, or TLS it trusts). */
export function keepShell(): void {
  if (!("serviceWorker" in navigator) || !isSecureContext || import.meta.env.DEV) return;
  navigator.serviceWorker.register("./sw.js").catch(() => undefined);
}

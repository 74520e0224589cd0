// Put into every page before its own script: what a test cannot ask for afterwards, and its questions.
(() => {
  if (globalThis.seenHere) return;
  const seen = { violations: [], tones: [] };
  Object.defineProperty(globalThis, "seenHere", { value: seen });
  addEventListener("securitypolicyviolation", (event) =>
    seen.violations.push(`${event.effectiveDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`),
  );
  const start = OscillatorNode.prototype.start;
  OscillatorNode.prototype.start = function (...when) {
    seen.tones.push(Math.round(this.frequency.value));
    return start.apply(this, when);
  };

  const ask = {
    /** Have other settings, as the dialog of the settings keeps them. */
    settle(some) {
      const kept = JSON.parse(localStorage.getItem("tansiq.settings") ?? "{}");
      localStorage.setItem("tansiq.settings", JSON.stringify({ ...kept, ...some }));
    },

    /** What axe finds wrong, a line each. */
    async axe(rules) {
      const only = rules.length ? { runOnly: { type: "rule", values: rules } } : {};
      const found = await axe.run(document, { resultTypes: ["violations"], ...only });
      return found.violations.flatMap((one) =>
        one.nodes.map((node) => `${one.id}: ${node.target.join(" ")}: ${node.failureSummary} ${node.html.slice(0, 160)}`),
      );
    },

    /** What one presses and is smaller than it has to be. A link within a sentence is as high as its line. */
    small(least) {
      const all =
        "a[href], button, input:not([type=file]), select, textarea, summary, [role=button], [role=slider], [role=switch], label.check";
      const found = new Set();
      for (const it of document.querySelectorAll(all)) {
        if (it.disabled || it.closest("[inert], .maplibregl-control-container")) continue;
        if (!it.checkVisibility({ visibilityProperty: true, opacityProperty: true })) continue;
        const sentence = it.closest("p, dd, li, td");
        const inline = it.matches("a") && getComputedStyle(it).display === "inline";
        if (inline && sentence && sentence.textContent.trim() !== it.textContent.trim()) continue;
        const pressed = it.matches("[type=checkbox], [type=radio]") ? (it.closest("label") ?? it) : it;
        const { width, height } = pressed.getBoundingClientRect();
        if (!width || !height || (width >= least - 0.5 && height >= least - 0.5)) continue;
        found.add(`${Math.round(width)} x ${Math.round(height)}: ${it.outerHTML.replace(/<!--.*?-->/g, "").slice(0, 140)}`);
      }
      return [...found];
    },

    /** Elements and attributes that none of our screens makes, and a stranger's text might. */
    strange() {
      const bad =
        "script[src*=evil], iframe, base, object, embed, img, form[action*=evil], meta[http-equiv], u, marquee, " +
        "[onerror], [onload], [onmouseover], [onfocus], [onclick], [style*=evil], [href*=evil], [href^=javascript], [href^=data]";
      const ours = "tansiq-map .ground *, .maplibregl-map *";
      return [...document.querySelectorAll(bad)].filter((it) => !it.matches(ours)).map((it) => it.outerHTML.slice(0, 120));
    },

    /** All text of a part of the page, what stands in its fields too. */
    text(at) {
      const part = document.querySelector(at);
      return [part.textContent, ...[...part.querySelectorAll("input, textarea")].map((field) => field.value)].join(" ");
    },

    links() {
      return [...document.querySelectorAll("a[href]")].map((link) => link.href);
    },

    /** Let a file fall on a part of the page. */
    drop({ at, name, content }) {
      const carried = new DataTransfer();
      carried.items.add(new File([content], name, { type: "application/geo+json" }));
      const target = document.querySelector(at);
      for (const kind of ["dragenter", "dragover", "drop"])
        target.dispatchEvent(new DragEvent(kind, { bubbles: true, cancelable: true, dataTransfer: carried }));
    },

    /** Whether a conversation's row on the board says that it was seen. */
    seenOnBoard(id) {
      const cells = document.querySelectorAll(`tr[data-thread="${id}"] td`);
      return cells[5]?.classList.contains("done") ?? false;
    },

    /** Where something lies from what has the keyboard: `here`, `before` or `after` it. */
    whereTo(it) {
      const at = document.activeElement ?? document.body;
      if (it === at) return "here";
      return at.compareDocumentPosition(it) & Node.DOCUMENT_POSITION_PRECEDING ? "before" : "after";
    },

    showsFocus(it) {
      const style = getComputedStyle(it);
      return it.matches(":focus-visible") && (style.outlineStyle !== "none" || style.boxShadow !== "none");
    },
  };
  Object.defineProperty(globalThis, "askHere", { value: ask });
})();

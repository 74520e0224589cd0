"""The console's map in a real browser without a graphics card: how soon, how smooth, how lean.

A made-up sky (``_sky.py``; seed 7) of 2,000 volumes and 1,000 aircraft at 1 Hz is served with the
built console under its own policy, and Debian's Chromium draws it with software GL at 1280 x 800.
*First useful picture* is from the address to plans, aircraft and land on the screen. *A step of the
slider*, ahead among the plans or back among the history, lasts from the key press until the screen
says that the map shows that time, MapLibre has nothing left to load or to draw, the graphics have
drawn it (a pixel is read back) and the next frame has begun. *Names* are those of areas and
aircraft, which follow when the slider rests. *A still picture* is drawn again with nothing new in
it: what no step can be faster than. *Replay*
plays at 60 times the speed and tells how much the page's memory grew after its first minute.
*Off the origin* counts requests that went anywhere else, *violations* those of the policy.

    python bench/console.py [--quick] [--json] [--dist FOLDER] [--minutes N]
"""

import argparse
import json
import os
import platform
import statistics
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from _rows import HEAD, Row, at_most, line, row
from _sky import Node, Sky, serving, text

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--ignore-gpu-blocklist",
    "--enable-precise-memory-info",
    "--js-flags=--expose-gc",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SIZE = {"width": 1280, "height": 800}
AIM_FIRST_S, AIM_STEP_MS, AIM_GROWTH = 4.0, 250.0, 1.15
DIST = Path(__file__).parent.parent / "src" / "tansiq" / "console" / "dist"

WATCH = """
window.violations = 0;
document.addEventListener("securitypolicyviolation", () => window.violations++);
"""
SHOWN = """() => {
  const view = document.querySelector("tansiq-stage")?.mapView;
  return Boolean(view?.grounded && view.handedOver > 0 && view.tracksShown > 0 &&
    ["land", "areas", "tracks"].every((source) => view.map.isSourceLoaded(source)));
}"""
STEP = """async ([key, restMs]) => {
  const screen = document.querySelector("tansiq-map");
  const stage = document.querySelector("tansiq-stage");
  const { map } = stage.mapView;
  const { gl } = map.painter.context;
  const frame = () => new Promise(requestAnimationFrame);
  let handed = 0, drawn = 0;
  const hand = () => { handed = performance.now(); };
  const draw = () => {
    // Reading a pixel waits until the graphics, here software, have really drawn.
    gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(4));
    drawn = performance.now();
  };
  map.on("dataloading", hand);
  map.on("idle", draw);
  const begun = performance.now();
  document.dispatchEvent(new KeyboardEvent("keydown", { code: key, bubbles: true }));
  const wanted = screen.time;
  const says = () => stage.scene.mode !== "unknown" && Math.abs(stage.scene.time - wanted) <= 500 &&
    !document.querySelector("[data-waits]");
  let frames = 0;
  // A minute in which nothing changes hands nothing over.
  const painted = () => says() && map.loaded() && (handed > begun ? drawn > handed : frames > 3);
  do { await frame(); if (says()) frames++; } while (!painted());
  const took = performance.now() - begun;
  if (restMs) await new Promise((ok) => setTimeout(ok, restMs));
  map.off("dataloading", hand);
  map.off("idle", draw);
  return [took, Math.max(drawn - begun, took)];
}"""
STILL = """async () => {
  const { map } = document.querySelector("tansiq-stage").mapView;
  const { gl } = map.painter.context;
  const frame = () => new Promise(requestAnimationFrame);
  await frame();
  const begun = performance.now();
  await new Promise((ok) => { map.once("render", ok); map.triggerRepaint(); });
  gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(4));
  await frame();
  return performance.now() - begun;
}"""
REST_MS, RESTS = 2_000, 5
HEAP = """() => { window.gc?.(); return performance.memory.usedJSHeapSize / 1e6; }"""


def opened(browser: Browser, origin: str, strange: list[str]) -> Page:
    page = browser.new_context(viewport=SIZE, service_workers="block").new_page()
    page.add_init_script(WATCH)
    page.on("request", lambda r: None if r.url.startswith(origin) else strange.append(r.url))
    return page


def first(
    browser: Browser, origin: str, rounds: int, strange: list[str]
) -> tuple[list[float], int]:
    """Return how long the first useful picture took, seconds, and violations of the policy."""
    found, violations = [], 0
    for _ in range(rounds):
        page = opened(browser, origin, strange)
        begun = time.perf_counter()
        page.goto(f"{origin}/#/map")
        page.wait_for_function(SHOWN, polling=100, timeout=60_000)
        found.append(time.perf_counter() - begun)
        violations += page.evaluate("() => window.violations")
        page.context.close()
    return found, violations


def steps(page: Page, key: str, count: int) -> list[float]:
    """Return how long each step of the slider took, milliseconds."""
    found = []
    for _ in range(count):
        found.append(page.evaluate(STEP, [key, 0])[0])
        page.wait_for_timeout(40)
    return found


def p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20)[-1] if len(values) > 1 else values[0]


def slider(browser: Browser, origin: str, count: int, strange: list[str]) -> dict[str, list[float]]:
    page = opened(browser, origin, strange)
    page.goto(f"{origin}/#/map")
    page.wait_for_function(SHOWN, polling=100, timeout=60_000)
    page.wait_for_timeout(1_000)
    found = {"ahead": steps(page, "BracketRight", count)}
    page.keyboard.press("KeyN")
    page.wait_for_timeout(1_500)
    found["back"] = steps(page, "BracketLeft", count)
    page.wait_for_timeout(REST_MS)
    found["still"] = [page.evaluate(STILL) for _ in range(count)]
    rested = [page.evaluate(STEP, ["BracketLeft", REST_MS]) for _ in range(RESTS)]
    found["names"] = [named for _, named in rested]
    page.context.close()
    return found


def replay(browser: Browser, origin: str, minutes: float, strange: list[str]) -> list[float]:
    """Return the heap of a page that replays, in MB, once every so often."""
    page = opened(browser, origin, strange)
    # So early that it does not come to its end while it is looked at.
    start = datetime.now(UTC) - timedelta(minutes=60 * minutes + 90)
    page.goto(f"{origin}/#/replay?t={text(start)}")
    page.locator(".timeline .play").click()
    page.locator("select[name=speed]").select_option("60")
    if page.locator(".timeline .play[aria-pressed=false]").count():
        page.locator(".timeline .play").click()
    heaps = []
    each_s = 10.0
    for _ in range(max(3, round(minutes * 60 / each_s))):
        page.wait_for_timeout(each_s * 1_000)
        heaps.append(float(page.evaluate(HEAP)))
    page.context.close()
    return heaps


def measured(dist: Path, *, quick: bool, minutes: float) -> list[Row]:
    sky = Sky(datetime.now(UTC), 2_000, 1_000)
    strange: list[str] = []
    rounds, count = (2, 20) if quick else (5, 60)
    with serving(Node(sky, dist)) as origin, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        times, violations = first(browser, origin, rounds, strange)
        moved = slider(browser, origin, count, strange)
        heaps = replay(browser, origin, minutes, strange)
        browser.close()
    ahead, back = moved["ahead"], moved["back"]
    # The first third fills caches; what counts is whether it goes on growing.
    third = max(1, len(heaps) // 3)
    early, late = statistics.median(heaps[third : 2 * third]), statistics.median(heaps[-third:])
    return [
        at_most("first useful picture", statistics.median(times), "s", AIM_FIRST_S),
        row("slider, a minute ahead, p50", statistics.median(ahead), "ms"),
        at_most("slider, a minute ahead, p95", p95(ahead), "ms", AIM_STEP_MS),
        row("slider, a minute back, p50", statistics.median(back), "ms"),
        at_most("slider, a minute back, p95", p95(back), "ms", AIM_STEP_MS),
        row("slider, a minute back, with all names, p50", statistics.median(moved["names"]), "ms"),
        row("a still picture drawn again, p50", statistics.median(moved["still"]), "ms"),
        row("a still picture drawn again, p95", p95(moved["still"]), "ms"),
        row(f"replay, heap after {minutes:g} min at 60 x", late, "MB"),
        at_most("replay, heap at the end to the middle", late / early, "ratio", AIM_GROWTH),
        at_most("requests off the origin", len(strange), "", 0),
        at_most("violations of the policy", violations, "", 0),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="within a minute")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--dist", type=Path, default=DIST, help="a built console")
    parser.add_argument("--minutes", type=float, help="of replay; 60 times as much is played")
    chosen = parser.parse_args()
    if not (chosen.dist / "index.html").is_file():
        sys.exit("the console is not built: run `make console`")
    if not Path(CHROMIUM).is_file():
        sys.exit("needs Chromium: apt-get install -y --no-install-recommends chromium")
    found = measured(
        chosen.dist, quick=chosen.quick, minutes=chosen.minutes or (0.5 if chosen.quick else 2.0)
    )
    if chosen.json:
        machine: dict[str, Any] = {"python": platform.python_version(), "cpus": os.cpu_count()}
        print(json.dumps({"machine": machine, "results": found}))
        return
    print(HEAD)
    for each in found:
        print(line(each))


if __name__ == "__main__":
    main()

"""The page knows how old it is in every way that a picture gets old, and says what it lacks."""

import json
import re
from typing import Any

import pytest
from playwright.sync_api import Route, expect
from tests.console.stage import House, Stage, callsign, flight, place
from tests.console.windows import Window, Windows

CUT_S = 8.0
SLACK_S = 12.0

_SLEEP = """{ const real = Date.now, ahead = () => globalThis.sleptHere ?? 0;
  Date.now = () => real() + ahead(); }"""
"""A laptop that slept: the wall goes on, and the stopwatch has stood still."""


def stop_streams(window: Window, pattern: str) -> None:
    window.page.context.route(re.compile(pattern), lambda route: route.abort())


def cut(window: Window, within_s: float = CUT_S + SLACK_S) -> None:
    expect(window("[data-stale].cut")).to_be_visible(timeout=within_s * 1000)


@pytest.mark.parametrize("stream", ["/events", "/watch/stream"])
def test_a_stream_that_never_opens_is_no_fresh_picture(
    shared_stage: Stage, windows: Windows, stream: str
) -> None:
    window = windows.open(shared_stage.north, "salma")
    stop_streams(window, stream)
    window.go("board")
    cut(window)


def test_a_laptop_that_slept_has_an_old_picture(shared_stage: Stage, windows: Windows) -> None:
    """Until the streams speak again, and they may take a second."""
    window = windows.open(shared_stage.north, "salma", script=_SLEEP)
    window.go("board")
    window.page.wait_for_timeout(1_000)
    assert window("[data-stale]").count() == 0
    seen = window.page.evaluate(
        """async () => {
          globalThis.sleptHere = 600_000;
          const end = performance.now() + 900;
          while (performance.now() < end) {
            const said = document.querySelector("[data-stale]");
            if (said) return said.textContent;
            await new Promise((go) => requestAnimationFrame(go));
          }
          return "";
        }"""
    )
    assert "10" in seen, seen
    expect(window("[data-stale]")).to_have_count(0, timeout=CUT_S * 1000)


def test_a_tab_that_opens_while_the_node_is_silent_makes_no_other_fresh(
    own_stage: Stage, windows: Windows
) -> None:
    north = own_stage.north
    window = windows.open(north, "salma")
    window.go("board")
    window.page.evaluate("() => navigator.serviceWorker.ready.then(() => true)")
    window.page.reload()
    expect(window("tansiq-board h1")).to_be_visible()
    north.hang()
    try:
        cut(window)
        other = windows.tab(window.page.context, north, "salma")
        other.page.goto(f"{north.url}/#/board", wait_until="commit")
        for _ in range(12):
            other.page.wait_for_timeout(250)
            assert window("[data-stale].cut").count() == 1, "the other tab's word was taken"
    finally:
        north.go_on()
    expect(window("[data-stale]")).to_have_count(0, timeout=20_000)
    expect(other("tansiq-board h1")).to_be_visible(timeout=20_000)
    expect(other("[data-stale]")).to_have_count(0, timeout=20_000)


@pytest.mark.parametrize("apart", [False, True])
def test_tabs_share_one_stream_and_the_next_takes_over(
    shared_stage: Stage, windows: Windows, *, apart: bool
) -> None:
    """A browser has six connections to a node. The control cannot agree: each tab takes one."""
    script = "delete Navigator.prototype.locks;" if apart else ""
    first = windows.open(shared_stage.north, "salma", script=script)
    first.go("board")
    second = windows.tab(first.page.context, shared_stage.north, "salma")
    second.go("board")
    second.page.wait_for_timeout(2_500)

    def streams() -> int:
        return sum("/watch/stream" in url for url in first.requests + second.requests)

    assert streams() == (2 if apart else 1)
    first.page.close()
    for _ in range(24):
        second.page.wait_for_timeout(250)
        assert second("[data-stale]").count() == 0
    assert streams() == 2


def test_a_screen_whose_files_cannot_be_had_says_so(shared_stage: Stage, windows: Windows) -> None:
    # A service worker would fetch them itself, where nothing can come between.
    window = windows.open(shared_stage.north, "salma", service_workers="block")
    window.go("board")
    files = re.compile(r"/assets/replay")
    window.page.route(files, lambda route: route.abort())
    window.page.evaluate("() => { location.hash = '/replay'; }")
    expect(window("[data-lacking]")).to_be_visible()
    window.go("board")
    assert window("[data-lacking]").count() == 0
    window.page.evaluate("() => { location.hash = '/replay'; }")
    window("[data-lacking] button").click()
    expect(window("[data-lacking]")).to_be_visible()
    # It is tried again by itself.
    window.page.unroute(files)
    expect(window("tansiq-replay")).to_be_visible()
    window.said = [each for each in window.said if "Service Worker" not in each]


def test_single_keys_can_be_turned_off(shared_stage: Stage, windows: Windows) -> None:
    window = windows.open(shared_stage.north, "salma")
    window.go("board")
    window.page.keyboard.press("Shift+Slash")
    expect(window("tansiq-help dialog[open]")).to_be_visible()
    window.page.keyboard.press("Escape")
    expect(window("tansiq-help dialog[open]")).to_have_count(0)
    window.settle(keys=False)
    expect(window("tansiq-board h1")).to_be_visible()
    window.page.keyboard.press("Shift+Slash")
    window.page.keyboard.press("Digit2")
    window.page.wait_for_timeout(300)
    assert window("tansiq-help dialog[open]").count() == 0
    expect(window("tansiq-board")).to_be_visible()


def test_an_old_notice_that_is_open_stays_on_the_board(
    shared_stage: Stage, windows: Windows
) -> None:
    """However many conversations came after it."""
    north, south = shared_stage.north, shared_stage.south
    name = callsign("O")
    south.declare(flight(name, place()))
    note = str(north.notice_of(name)["id"])
    window = windows.open(north, "salma")

    def latest(route: Route) -> None:
        """What the list of the latest would be, had three hundred others come since."""
        answer = route.fetch()
        view = answer.json()
        if "open=true" not in route.request.url:
            view["threads"] = [each for each in view["threads"] if each["id"] != note]
        route.fulfill(response=answer, json=view)

    window.page.route(re.compile(r"/api/v1/threads\?"), latest)
    window.go("board")
    expect(window(f"[data-thread='{note}']")).to_be_visible()


@pytest.mark.parametrize("stale", [False, True])
def test_a_verdict_does_not_outlive_what_it_was_about(
    own_stage: Stage, windows: Windows, *, stale: bool
) -> None:
    """Clear, until somebody else plans there; or until nobody hears what others do."""
    north, south = own_stage.north, own_stage.south
    window = windows.open(north, "salma")
    window.go("plan")
    where = place()
    document = flight(callsign("V"), where)
    window("[name=callsign]").fill("VERDICT1")
    write(window, document)
    expect(window("[data-verdict=clear]")).to_be_visible()
    if stale:
        north.hang()
        try:
            expect(window("[data-verdict=stale]")).to_be_visible(timeout=(CUT_S + SLACK_S) * 1000)
        finally:
            north.go_on()
        expect(window("[data-verdict=clear]")).to_be_visible(timeout=20_000)
        return
    south.declare(flight(callsign("W"), where))
    expect(window("[data-verdict=blocked]")).to_be_visible()


def plans_of(house: House, name: str) -> list[Any]:
    return [each for each in house.ask("GET", "/plans")["plans"] if each["callsign"] == name]


def write(window: Window, document: object) -> None:
    window("[name=text]").fill(json.dumps(document))


def test_what_is_sent_is_what_is_written(own_stage: Stage, windows: Windows) -> None:
    """Sent at once after the last letter, before anything has been read of it."""
    north = own_stage.north
    window = windows.open(north, "salma")
    window.go("plan")
    after = place()
    name = callsign("T")
    write(window, flight(name, place()))
    expect(window("[data-verdict=clear]")).to_be_visible()
    write(window, flight(name, after))
    window("button[name=send]").click()
    (plan,) = north.until(lambda: plans_of(north, name), "the plan")
    (center,) = (each["volume"]["outline_circle"]["center"] for each in plan["volumes"])
    assert center["lat"] == pytest.approx(after.lat_deg, abs=1e-5)
    assert center["lng"] == pytest.approx(after.lng_deg, abs=1e-5)


def test_a_plan_that_waits_is_not_sent_twice(own_stage: Stage, windows: Windows) -> None:
    north = own_stage.north
    window = windows.open(north, "salma")
    window.go("plan")
    name = callsign("K")
    write(window, flight(name, place()))
    expect(window("[data-verdict=clear]")).to_be_visible()
    window.page.route(re.compile(r"/api/v1/plans\?wait_s"), lambda route: route.abort())
    window("button[name=send]").click()
    expect(window("[data-unsent='1']")).to_be_visible()
    expect(window("[name=text]")).to_have_value("")
    window.page.unroute(re.compile(r"/api/v1/plans\?wait_s"))
    expect(window("[data-unsent]")).to_have_count(0, timeout=20_000)
    assert len(plans_of(north, name)) == 1

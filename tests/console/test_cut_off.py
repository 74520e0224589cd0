"""A node that goes in the middle of the story: nothing is lost, nothing stale is shown as fresh.

Each judgement has a broken variant of the page that it must catch: one that forgets its queue at a
reload, and one that takes any answer for the node's.
"""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect
from tests.console.stage import House, Stage, callsign, flight, place, stage
from tests.console.windows import Window, Windows

CUT_S = 8.0
"""From when on the page has to say that it is cut off (``live/freshness.ts``)."""
SLACK_S = 12.0
"""For a machine that does much else; the bound itself is held by ``test_pure.py``."""


@pytest.fixture(scope="module")
def dark_stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Two nodes that may be killed, but have to be started again."""
    with stage(Path(tmp_path_factory.mktemp("dark"))) as up:
        yield up


def deed(window: Window, note: str, act: str) -> None:
    """Press one of a conversation's buttons that need no form."""
    window.go("board", sel=note)
    window(f"tansiq-thread [data-act={act}]").click()


def unsent(window: Window) -> int:
    bar = window("[data-unsent]")
    return int(bar.get_attribute("data-unsent") or 0) if bar.count() else 0


def wait_cut(window: Window, within_s: float) -> float:
    started = time.monotonic()
    expect(window("[data-stale].cut")).to_be_visible(timeout=within_s * 1000)
    return time.monotonic() - started


def age_s(window: Window) -> int:
    """Return the age that the banner states, in seconds."""
    said = window("[data-stale]").inner_text()
    figures = [int(each) for each in "".join(c if c.isdigit() else " " for c in said).split()]
    return figures[0] * (60 if "min" in said else 1)


def notices(house: House, window: Window, count: int) -> list[str]:
    """Have so many notices of the other desk's flights on the board; return their ids."""
    other = next(each for each in house.stage.both() if each is not house)
    names = [callsign("K") for _ in range(count)]
    for name in names:
        other.declare(flight(name, place()))
    ids = [str(house.notice_of(name)["id"]) for name in names]
    window.go("board")
    for each in ids:
        expect(window(f"[data-thread='{each}']")).to_be_visible()
    return ids


def nothing_stale_is_shown_as_fresh(window: Window) -> None:
    """Whatever counts on goes on under a banner with the age, in large letters."""
    banner = window("[data-stale].cut")
    assert banner.count() == 1, "cut off, and nothing says so"
    assert banner.get_attribute("role") == "alert"
    box = banner.bounding_box()
    size = float(banner.evaluate("(it) => parseFloat(getComputedStyle(it).fontSize)"))
    assert box is not None
    assert box["width"] > 600
    assert size >= 16
    before = age_s(window)
    window.page.wait_for_timeout(1_600)
    assert age_s(window) > before, "the age stands still"


def seen_in_order(house: House, ids: list[str]) -> list[dict[str, Any]]:
    """Return the one note `seen` of each conversation; none twice."""
    notes = []
    for each in ids:
        found = [n for n in house.thread(each)["notes"] if n["kind"] == "seen"]
        assert len(found) == 1, f"{each[:10]}: {len(found)} notes that it was seen"
        notes += found
    assert [n["time"] for n in notes] == sorted(n["time"] for n in notes)
    return notes


def run(stage: Stage, window: Window, away_s: float) -> None:
    """Say three times that it was seen while the node is away; load the page again; wait."""
    north = stage.north
    ids = notices(north, window, 3)
    window.page.evaluate("() => navigator.serviceWorker.ready.then(() => true)")
    window.page.reload()
    expect(window(f"[data-thread='{ids[0]}']")).to_be_visible()
    north.kill()
    gone = time.monotonic()
    for each in ids:
        deed(window, each, "seen")
    expect(window("[data-unsent='3']")).to_be_visible()
    took_s = wait_cut(window, CUT_S + SLACK_S)
    assert took_s <= CUT_S + SLACK_S
    nothing_stale_is_shown_as_fresh(window)
    # Whoever reloads now is given the page by the service worker, and what waited.
    window.page.reload()
    expect(window("[data-away].cut")).to_be_visible()
    expect(window("[data-unsent='3']")).to_be_visible()
    assert window("tansiq-board tr[data-thread]").count() == 0, "rows that nobody has just said"
    rest_s = away_s - (time.monotonic() - gone)
    if rest_s > 0:
        window.page.wait_for_timeout(rest_s * 1000)
    assert unsent(window) == 3
    north.start_again()
    # Nothing came meanwhile that nobody has said is still meant; a minute is the bound for that.
    expect(window("[data-unsent]")).to_have_count(0, timeout=30_000)
    expect(window("[data-stale]")).to_have_count(0, timeout=30_000)
    seen_in_order(north, ids)
    for each in ids:
        window.go("board", sel=each)
        expect(window(f"[data-thread='{each}'] td").nth(5)).to_have_class("rung done")


def test_a_node_that_was_killed_for_a_while(dark_stage: Stage, windows: Windows) -> None:
    window = windows.open(dark_stage.north, "salma", language="ar")
    run(dark_stage, window, 12)
    # The same stage once more, for the variants that have to be caught.
    broken_queue(dark_stage, windows)


def broken_queue(stage: Stage, windows: Windows) -> None:
    """A page that does not keep what waits: the check above has to see that something is lost."""
    north = stage.north
    window = windows.open(
        north,
        "salma",
        script="IDBObjectStore.prototype.put = function () { return this.get('-'); };",
    )
    ids = notices(north, window, 1)
    window.page.evaluate("() => navigator.serviceWorker.ready.then(() => true)")
    window.page.reload()
    expect(window(f"[data-thread='{ids[0]}']")).to_be_visible()
    north.kill()
    deed(window, ids[0], "seen")
    expect(window("[data-unsent='1']")).to_be_visible()
    window.page.reload()
    with pytest.raises(AssertionError):
        expect(window("[data-unsent='1']")).to_be_visible(timeout=4_000)
    north.start_again()
    expect(window(f"[data-thread='{ids[0]}']")).to_be_visible(timeout=30_000)
    with pytest.raises(AssertionError, match="0 notes that it was seen"):
        seen_in_order(north, ids)


_SPEAKS_FOR_THE_NODE = """{ const real = fetch;
  globalThis.fetch = async (what, how) => {
    const answer = await real(what, how);
    if (!/stream|events/.test(String(what)) || !answer.body) return answer;
    const reader = answer.body.getReader();
    const body = new ReadableStream({ start(to) {
      const say = setInterval(() => to.enqueue(new TextEncoder().encode(": alive\\n\\n")), 500);
      const pass = async () => {
        let next;
        while (!(next = await reader.read()).done) to.enqueue(next.value);
        to.close();
      };
      pass().catch(() => undefined).finally(() => clearInterval(say));
    } });
    return new Response(body, { status: answer.status, headers: answer.headers });
  }; }"""
"""A page that goes on hearing something though the node says nothing."""


def test_a_node_that_stands_still_is_as_good_as_gone(dark_stage: Stage, windows: Windows) -> None:
    """Its connections stay open: nothing but silence says that it has gone."""
    north = dark_stage.north
    window = windows.open(north, "salma")
    broken = windows.open(north, "omar", script=_SPEAKS_FOR_THE_NODE)
    broken.go("board")
    expect(broken("tansiq-board h1")).to_be_visible()
    (note,) = notices(north, window, 1)
    north.hang()
    try:
        wait_cut(window, CUT_S + SLACK_S)
        nothing_stale_is_shown_as_fresh(window)
        with pytest.raises(AssertionError, match="nothing says so"):
            nothing_stale_is_shown_as_fresh(broken)
        deed(window, note, "seen")
        expect(window("[data-unsent='1']")).to_be_visible()
    finally:
        north.go_on()
    expect(window("[data-stale]")).to_have_count(0, timeout=15_000)
    expect(window("[data-unsent]")).to_have_count(0, timeout=30_000)
    north.stage_of(note, "seen")
    seen_in_order(north, [note])


@pytest.mark.soak
def test_a_node_that_was_gone_for_a_minute(dark_stage: Stage, windows: Windows) -> None:
    window = windows.open(dark_stage.north, "salma", language="he")
    run(dark_stage, window, 60)

"""Two officers on one node, and one with many tabs: each sees what the other did."""

import time

import pytest
from playwright.sync_api import Page, expect
from tests.console.stage import Stage, callsign, flight, place
from tests.console.windows import Window, Windows

WITHIN_S = 1.0


def row(window: Window, note: str) -> str:
    return f"[data-thread='{note}']"


def open_thread(window: Window, note: str) -> None:
    window.go("board", sel=note)
    expect(window("tansiq-thread article")).to_be_visible()


def took(page: Page, script: str, arg: str) -> float:
    """Return after how many seconds something is so."""
    started = time.monotonic()
    page.wait_for_function(script, arg=arg, polling=20)
    return time.monotonic() - started


def seen_by_the_other(stage: Stage, windows: Windows, times: int) -> list[float]:
    """Have one say that something was seen; return how long it took the other to see that."""
    north, south = stage.north, stage.south
    one = windows.open(north, "salma", language="ar")
    two = windows.open(north, "omar")
    one.go("board")
    two.go("board")
    took_s: list[float] = []
    for _ in range(times):
        name = callsign("T")
        south.declare(flight(name, place()))
        note = str(north.notice_of(name)["id"])
        open_thread(one, note)
        expect(two(row(two, note))).to_be_visible()
        one("[data-act=seen]").click()
        took_s.append(took(two.page, "(id) => askHere.seenOnBoard(id)", note))
        expect(two(f"{row(two, note)} td").nth(5)).to_contain_text("SH")
    return took_s


def test_what_one_does_the_other_is_told_at_once(shared_stage: Stage, windows: Windows) -> None:
    """By the event: conversations are read without one once a minute, and no test waits so long."""
    assert len(seen_by_the_other(shared_stage, windows, 2)) == 2


@pytest.mark.soak
def test_what_one_does_the_other_sees_within_a_second(
    shared_stage: Stage, windows: Windows
) -> None:
    """On a machine that does nothing else."""
    took_s = seen_by_the_other(shared_stage, windows, 20)
    assert max(took_s) < WITHIN_S, took_s


def test_a_plan_of_one_is_in_the_list_of_the_other(shared_stage: Stage, windows: Windows) -> None:
    north = shared_stage.north
    two = windows.open(north, "omar")
    two.go("plan")
    expect(two("tansiq-plan h1")).to_be_visible()
    name = callsign("T")
    plan = north.declare(flight(name, place()), notify=False, who="salma")
    expect(two(f"[data-plan='{plan['id']}']")).to_be_visible(timeout=15_000)
    north.ask("DELETE", f"/plans/{plan['id']}", None, "salma", wait_s=5)
    expect(two(f"[data-plan='{plan['id']}']")).to_have_count(0, timeout=15_000)


def test_six_tabs_of_one_browser_all_go_on(shared_stage: Stage, windows: Windows) -> None:
    """A browser allows six connections to one address; tabs share two of them."""
    north = shared_stage.north
    first = windows.open(north, "salma")
    tabs = [first, *(windows.tab(first.page.context, north, "salma") for _ in range(5))]
    for tab in tabs:
        tab.go("board")
    name = callsign("T")
    shared_stage.south.declare(flight(name, place()))
    note = str(north.notice_of(name)["id"])
    for tab in tabs:
        expect(tab(row(tab, note))).to_be_visible()
        assert tab("[data-stale]").count() == 0
    # Whichever tab reads for the others is closed: another takes it up.
    first.check()
    first.page.close()
    name = callsign("T")
    shared_stage.south.declare(flight(name, place()))
    note = str(north.notice_of(name)["id"])
    for tab in tabs[1:]:
        expect(tab(row(tab, note))).to_be_visible()

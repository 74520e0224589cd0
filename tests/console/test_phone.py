"""A phone's window: board and alarms are usable, by touch, without rolling the page sideways."""

import pytest
from playwright.sync_api import expect
from tests.console.hands import SCREENS
from tests.console.stage import Stage, callsign, flight, place
from tests.console.windows import PHONE, Window, Windows

_OVER = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


def fits(window: Window) -> None:
    assert window.page.evaluate(_OVER) <= 0, "the page is wider than the window"


@pytest.mark.parametrize("language", ["en", "ar"])
def test_board_and_alarms_on_a_phone(shared_stage: Stage, windows: Windows, language: str) -> None:
    north = shared_stage.north
    window = windows.open(
        north, "salma", language=language, size=PHONE, has_touch=True, is_mobile=True
    )
    window.go("board")
    fits(window)
    name = callsign("P")
    shared_stage.south.declare(flight(name, place()))
    note = str(north.notice_of(name)["id"])
    row = window(f"tr[data-thread='{note}']")
    expect(row).to_be_visible()
    row.locator("button.flight").tap()
    thread = window("tansiq-thread article")
    expect(thread).to_be_visible()
    fits(window)
    seen = window("tansiq-thread [data-act=seen]")
    seen.scroll_into_view_if_needed()
    box = seen.bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= PHONE["width"]
    seen.tap()
    expect(seen).to_have_count(0)
    north.stage_of(note, "seen")
    seen_at = {"lat_deg": 33.3, "lng_deg": 36.4, "words": "orange, four rotors"}
    drone = north.ask("POST", "/sightings", seen_at, "salma")["id"]
    expect(window("tansiq-alarms .alarm.warning").first).to_be_visible()
    fits(window)
    # Others raise and end alarms of their own on the same stage: this is about one of them.
    name = window("tansiq-alarms .alarm.warning").first.get_attribute("data-alarm")
    acknowledge = window(f".alarm[data-alarm='{name}'] button.ack")
    box = acknowledge.bounding_box()
    assert box is not None
    assert min(box["width"], box["height"]) >= 43.5
    acknowledge.tap()
    # A warning takes a second tap, and not at once.
    window.page.wait_for_timeout(600)
    acknowledge.tap()
    expect(acknowledge).to_have_count(0)
    assert [a["stage"] for a in north.alarms() if a["id"] == name] != ["raised"]
    north.ask("POST", "/sightings/gone", {"sighting": drone}, "salma")


@pytest.mark.parametrize("language", ["en", "he"])
def test_no_screen_is_wider_than_a_phone(
    shared_stage: Stage, windows: Windows, language: str
) -> None:
    window = windows.open(
        shared_stage.north, "chief", language=language, size=PHONE, has_touch=True, is_mobile=True
    )
    wide = []
    for screen in SCREENS:
        window.go(screen)
        window.page.wait_for_timeout(200)
        if window.page.evaluate(_OVER) > 0:
            wide.append(screen)
    assert wide == []

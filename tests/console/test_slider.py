"""The map's slider: what the map does not show yet is never said to be what it shows."""

from typing import Final

from playwright.sync_api import Route, expect
from tests.console.furniture import fly, furnish
from tests.console.stage import Stage
from tests.console.windows import Window, Windows

_SHOWN: Final = """() => {
  const view = document.querySelector("tansiq-stage")?.mapView;
  return Boolean(view?.grounded && view.tracksShown > 0 && view.map.loaded());
}"""
# Frames that are asked for do not come: as where the graphics are busy with something else.
_STAND_STILL: Final = """() => {
  const { map } = document.querySelector("tansiq-stage").mapView;
  map.triggerRepaint = () => undefined;
}"""
_GO_ON: Final = """() => {
  const { map } = document.querySelector("tansiq-stage").mapView;
  delete map.triggerRepaint;
  map.triggerRepaint();
}"""
_PIXELS: Final = """() => {
  const canvas = document.querySelector("tansiq-stage").mapView.map.getCanvas();
  return canvas.width / canvas.clientWidth / devicePixelRatio;
}"""
_NOTE_PIXELS: Final = """(softly) => {
  const { map } = document.querySelector("tansiq-stage").mapView;
  map.softly &&= softly;
  window.drawnAt = [];
  map.on("render", () => {
    const canvas = map.getCanvas();
    window.drawnAt.push(canvas.width / canvas.clientWidth / devicePixelRatio);
  });
}"""
_PATIENCE_MS: Final = 20_000


def sky(stage: Stage, windows: Windows) -> Window:
    """Return a window whose map shows an aircraft."""
    furnish(stage)
    fly(stage.north)
    window = windows.open(stage.north, "salma")
    window.go("map")
    window.page.wait_for_function(_SHOWN, timeout=_PATIENCE_MS)
    return window


def test_a_time_to_come_is_said_to_be_shown_only_when_it_is_drawn(
    shared_stage: Stage, windows: Windows
) -> None:
    window = sky(shared_stage, windows)
    # The live picture is drawn each second: one of these is still to come.
    window.page.wait_for_function(_SHOWN)
    window.page.evaluate(_STAND_STILL)
    window.page.keyboard.press("BracketRight")
    waits = window(".not-now[data-not-now=plan][data-waits]")
    expect(waits).to_have_count(1)
    expect(waits).to_contain_text("still shows another time")
    window.page.wait_for_timeout(2_500)
    expect(waits).to_have_count(1)
    window.page.evaluate(_GO_ON)
    expect(window(".not-now:not([data-waits])")).to_contain_text("Plans only")
    shown = "() => document.querySelector('tansiq-stage').mapView.tracksShown"
    assert window.page.evaluate(shown) == 0


def test_a_time_past_is_waited_for_and_the_last_one_is_not_shown_as_it(
    shared_stage: Stage, windows: Windows
) -> None:
    window = sky(shared_stage, windows)
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    window.page.route("**/api/v1/history/at*", hold)
    # A day back: no node of a test is as old as that, however long the tests take.
    window("tansiq-timebar input[type=range]").focus()
    window.page.keyboard.press("Home")
    expect(window(".not-now[data-not-now=unknown][data-waits]")).to_contain_text("being fetched")
    # Nothing of the live picture is left under the words of another time.
    window.page.wait_for_function(
        "() => document.querySelector('tansiq-stage').mapView.tracksShown === 0"
    )
    assert len(held) == 1
    held[0].continue_()
    expect(window(".not-now:not([data-waits])")).to_contain_text("Nothing was recorded")
    window.page.keyboard.press("KeyN")
    expect(window(".not-now")).to_have_count(0)


def steps_aside(window: Window) -> list[float]:
    """Go past some times; return the pixels to one of the page of each drawing until it rests."""
    for _ in range(4):
        window.page.keyboard.press("BracketRight")
    expect(window(".not-now:not([data-waits])")).to_contain_text("Plans only")
    window.page.wait_for_function(f"() => Math.abs(({_PIXELS})() - 1) < 0.01")
    window.page.wait_for_timeout(1_000)
    assert abs(window.page.evaluate(_PIXELS) - 1) < 0.01
    found: list[float] = window.page.evaluate("() => window.drawnAt")
    return [round(each, 1) for each in found]


def test_what_is_passed_by_is_drawn_coarsely_without_a_card_and_in_full_when_it_rests(
    shared_stage: Stage, windows: Windows
) -> None:
    window = sky(shared_stage, windows)
    window.page.evaluate(_NOTE_PIXELS, True)
    drawn = steps_aside(window)
    assert 0.5 in drawn, drawn
    assert drawn[-1] == 1.0, drawn


def test_a_card_draws_what_is_passed_by_in_full(shared_stage: Stage, windows: Windows) -> None:
    window = sky(shared_stage, windows)
    window.page.evaluate(_NOTE_PIXELS, False)
    drawn = steps_aside(window)
    assert set(drawn) == {1.0}, drawn

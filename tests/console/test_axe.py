"""Every screen in both directions and all themes: axe finds nothing, and no target is too small."""

from typing import Any, Final

import pytest
from playwright.sync_api import expect
from tests.console.furniture import fly, furnish
from tests.console.hands import SCREENS
from tests.console.stage import CONSOLE, Stage
from tests.console.windows import PHONE, Window, Windows

AXE: Final = CONSOLE / "node_modules" / "axe-core" / "axe.min.js"
SECTIONS: Final = ("alarms", "sources", "rings", "drones", "tracks", "people")
TARGET_PX: Final = 44
THEMES: Final = ("dark", "light", "night")


def addresses() -> list[tuple[str, dict[str, str]]]:
    """Return every screen, and the parts of those that have some."""
    plain: list[tuple[str, dict[str, str]]] = [(screen, {}) for screen in SCREENS]
    return plain + [("watch", {"section": section}) for section in SECTIONS]


def enter(window: Window, screen: str, query: dict[str, str]) -> None:
    window.go(screen, **query)
    expect(window(f"tansiq-{screen} h1, tansiq-{screen} canvas").first).to_be_visible()
    # What a screen asks the node for is there a moment later.
    window.page.wait_for_timeout(250)


def violations(window: Window, rules: tuple[str, ...] = ()) -> list[str]:
    """Return what axe finds, by all its rules or by some."""
    return list(window.page.evaluate("(rules) => askHere.axe(rules)", list(rules)))


def small(window: Window) -> list[str]:
    return list(window.page.evaluate("(least) => askHere.small(least)", TARGET_PX))


def open_window(stage: Stage, windows: Windows, language: str, theme: str, **more: Any) -> Window:
    furnished = furnish(stage)
    fly(stage.north)
    settings = {"theme": theme, "sound": False}
    script = AXE.read_text(encoding="utf-8")
    # Whatever flashes is looked at as it stands between.
    more |= {"reduced_motion": "reduce", "script": script}
    window = windows.open(stage.north, "chief", language=language, settings=settings, **more)
    window.go("board", sel=furnished["notice"])
    expect(window("tansiq-thread article")).to_be_visible()
    assert window.page.evaluate("() => document.documentElement.dir") == (
        "rtl" if language in ("ar", "he") else "ltr"
    )
    assert window.page.evaluate("() => document.documentElement.dataset.theme") == theme
    return window


def look(window: Window, rules: tuple[str, ...] = ()) -> list[str]:
    """Go to every screen and into every dialog, and return what is wrong, or too small."""

    def wrong(where: str) -> list[str]:
        return [f"{where}: {each}" for each in (*violations(window, rules), *small(window))]

    found = wrong("board with a thread")
    for screen, query in addresses():
        enter(window, screen, query)
        found += wrong(f"{screen} {query}")
    window.go("board")
    for number, dialog in enumerate(("help", "settings", "user")):
        window("header > .row button.plain").nth(number).click()
        expect(window(f"tansiq-{dialog} dialog[open]")).to_be_visible()
        found += wrong(dialog)
        window.page.keyboard.press("Escape")
    return found


@pytest.mark.parametrize("language", ["en", "ar"])
def test_axe_finds_nothing(shared_stage: Stage, windows: Windows, language: str) -> None:
    assert look(open_window(shared_stage, windows, language, "dark")) == []


@pytest.mark.parametrize(("language", "theme"), [("ru", "light"), ("he", "night")])
def test_axe_finds_nothing_in_the_colours_of_the_other_themes(
    shared_stage: Stage, windows: Windows, language: str, theme: str
) -> None:
    """All else is the same in every theme; the soak runs all rules in all of them."""
    window = open_window(shared_stage, windows, language, theme)
    assert look(window, ("color-contrast",)) == []


@pytest.mark.soak
@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("language", ["en", "ar", "he", "ru"])
def test_axe_finds_nothing_anywhere(
    shared_stage: Stage, windows: Windows, language: str, theme: str
) -> None:
    assert look(open_window(shared_stage, windows, language, theme)) == []


@pytest.mark.parametrize("language", ["en", "he"])
def test_axe_finds_nothing_at_the_door(
    shared_stage: Stage, windows: Windows, language: str
) -> None:
    window = windows.open(
        shared_stage.north, "salma", language=language, script=AXE.read_text(), logged_in=False
    )
    window.page.goto(window.house.url)
    expect(window("tansiq-login dialog[open]")).to_be_visible()
    assert violations(window) == []
    assert small(window) == []


def test_targets_on_a_phone_have_their_size(shared_stage: Stage, windows: Windows) -> None:
    window = open_window(shared_stage, windows, "ar", "light", size=PHONE, has_touch=True)
    found = [f"board with a thread: {each}" for each in small(window)]
    for screen, query in addresses():
        enter(window, screen, query)
        found += [f"{screen} {query}: {each}" for each in small(window)]
    assert found == []


def test_what_is_wrong_would_be_found(shared_stage: Stage, windows: Windows) -> None:
    """A target that misses by one pixel, and a button without words."""
    window = open_window(shared_stage, windows, "en", "dark")
    grow = """(px) => document.querySelectorAll("header button").forEach((it) => {
      it.style.setProperty("min-height", px);
      it.style.setProperty("height", px); })"""
    window.page.evaluate(grow, "43px")
    assert small(window) != []
    window.page.evaluate(grow, "44px")
    assert small(window) == []
    # One of its own: what the page drew itself may be drawn anew at any moment.
    add = "() => document.querySelector('main').append(document.createElement('button'))"
    window.page.evaluate(add)
    assert any(each.startswith("button-name") for each in violations(window))

"""Two ways to use a window: with a mouse, and with nothing but keys; both can do all of it."""

import re
from typing import Final, Protocol

from playwright.sync_api import Locator, expect
from tests.console.windows import Window

SCREENS: Final = ("board", "map", "plan", "line", "log", "day", "watch", "agreement", "replay")
_TABS_MAX: Final = 150


class Hands(Protocol):
    """What a person does with a window."""

    keys_only: bool

    def go(self, window: Window, screen: str) -> None: ...
    def press(self, target: Locator) -> None: ...
    def write(self, target: Locator, text: str) -> None: ...
    def choose(self, target: Locator, value: str) -> None: ...
    def tick(self, target: Locator) -> None: ...


class Mouse:
    keys_only = False

    def go(self, window: Window, screen: str) -> None:
        window(f"nav a[href='#/{screen}']").first.click()
        expect(window(f"main tansiq-{screen}")).to_be_visible()

    def press(self, target: Locator) -> None:
        target.click()

    def write(self, target: Locator, text: str) -> None:
        target.fill(text)
        target.dispatch_event("change")

    def choose(self, target: Locator, value: str) -> None:
        target.select_option(value)

    def tick(self, target: Locator) -> None:
        target.check()


class Keys:
    """A keyboard. Whatever cannot be reached and done by it fails here."""

    keys_only = True

    def go(self, window: Window, screen: str) -> None:
        keyboard = window.page.keyboard
        # Out of a field, a dialog or a choice first: there figures are figures.
        keyboard.press("Escape")
        keyboard.press("Escape")
        keyboard.press(f"Digit{SCREENS.index(screen) + 1}")
        expect(window(f"main tansiq-{screen}")).to_be_visible()

    def reach(self, target: Locator) -> None:
        """Go to something by the Tab key; it has to show that it has the keyboard."""
        expect(target).to_be_visible()
        keyboard = target.page.keyboard
        for _ in range(_TABS_MAX):
            # Which way is nearer: a person sees that.
            where = target.evaluate("(it) => askHere.whereTo(it)")
            if where == "here":
                break
            keyboard.press("Shift+Tab" if where == "before" else "Tab")
        else:
            raise AssertionError(f"{target}: the Tab key does not lead to it")
        shown = target.evaluate("(it) => askHere.showsFocus(it)")
        assert shown, f"{target} has the keyboard, and does not show it"

    def press(self, target: Locator) -> None:
        self.reach(target)
        target.page.keyboard.press("Enter")

    def write(self, target: Locator, text: str) -> None:
        self.reach(target)
        keyboard = target.page.keyboard
        keyboard.press("Control+a")
        lines = text.split("\n")
        for number, line in enumerate(lines):
            if number:
                keyboard.press("Enter")
            # Other scripts than ours come from an input method, as one piece.
            keyboard.type(line) if line.isascii() else keyboard.insert_text(line)
        # What is taken in when a field is left is taken in.
        target.dispatch_event("change")

    def choose(self, target: Locator, value: str) -> None:
        self.reach(target)
        keyboard = target.page.keyboard
        keyboard.press("Home")
        for _ in range(50):
            if target.input_value() == value:
                return
            keyboard.press("ArrowDown")
        raise AssertionError(f"{target}: {value} cannot be chosen with the arrows")

    def tick(self, target: Locator) -> None:
        self.reach(target)
        if not target.is_checked():
            target.page.keyboard.press("Space")
        expect(target).to_be_checked()


class NoMouse:
    """Makes every use of a pointer fail, for as long as it is in force."""

    SCRIPT: Final = """for (const kind of ["pointerdown", "mousedown", "touchstart"])
      addEventListener(kind, () => { globalThis.pointerUsed = true; }, { capture: true });"""

    @staticmethod
    def check(window: Window) -> None:
        assert not window.page.evaluate("() => globalThis.pointerUsed ?? false"), "a mouse was used"


def figures(text: str) -> list[int]:
    """Return the whole numbers in a text, isolation and words left out."""
    return [int(each) for each in re.findall(r"\d+", text)]

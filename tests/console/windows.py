"""Windows of a real browser on the console, each watched for what no page of ours may do."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect, sync_playwright
from tests.console.stage import House

CHROMIUM: Final = shutil.which("chromium") or shutil.which("chromium-browser") or ""
FLAGS: Final = (
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--ignore-gpu-blocklist",
    "--mute-audio",
)
PATIENCE_MS: Final = 15_000
expect.set_options(timeout=PATIENCE_MS)
DESKTOP: Final = {"width": 1280, "height": 800}
IN_PAGE: Final = (Path(__file__).parent / "in_page.js").read_text(encoding="utf-8")
PHONE: Final = {"width": 390, "height": 844}
WARNING_HERTZ, CAUTION_HERTZ, BELL_HERTZ = 880, 587, 784
_OTHERS: Final = (
    # Said by the browser of a node that is away or refuses, which pages show in words of theirs.
    *("Failed to load resource", "net::ERR_"),
    # Said by its drawing without a graphics card.
    *("GPU stall", "GroupMarkerNotSet"),
)


@dataclass
class Window:
    """One window: its page, whose it is, and what was seen of it."""

    page: Page
    house: House
    who: str
    requests: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.set_default_timeout(PATIENCE_MS)
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", lambda message: self._hear(message.type, message.text))
        self.page.on("dialog", self._dialog)

    def _hear(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.said.append(f"{kind}: {text}")

    def _dialog(self, dialog: Any) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    # ---- going about

    def go(self, screen: str = "board", **query: str) -> Locator:
        """Go to a screen, wait until it is there, and return it."""
        asked = "&".join(f"{name}={value}" for name, value in query.items())
        address = f"{self.house.url}/#/{screen}{'?' + asked if asked else ''}"
        if self.page.url.startswith(self.house.url):
            self.page.evaluate("(to) => { location.hash = to; }", address.partition("#")[2])
        else:
            self.page.goto(address)
        shown = self.page.locator(f"main tansiq-{screen}")
        expect(shown).to_be_visible(timeout=PATIENCE_MS)
        return shown

    def __call__(self, selector: str) -> Locator:
        return self.page.locator(selector)

    def speak(self, language: str) -> None:
        """Read in another language."""
        self.settle(language=language)

    def settle(self, **settings: Any) -> None:
        """Have other settings of the viewer, as the dialog of the settings keeps them."""
        self.page.evaluate("(some) => askHere.settle(some)", settings)
        self.page.reload()
        self.page.locator("main > *").first.wait_for()

    # ---- what was seen

    def tones(self) -> list[int]:
        """Return the frequencies of all tones that were begun."""
        return list(self.page.evaluate("() => seenHere.tones"))

    def wait_for_tone(self, hertz: int, before: int = 0) -> None:
        """Wait until a tone was begun more often than before."""
        self.page.wait_for_function(
            "([hertz, before]) => seenHere.tones.filter((each) => each === hertz).length > before",
            arg=[hertz, before],
        )

    def check(self) -> None:
        """Nothing left the origin, no policy was hurt, no script failed, nothing asked anything."""
        strangers = [
            url for url in self.requests if not url.startswith((self.house.url, "blob:", "data:"))
        ]
        assert strangers == []
        assert self.errors == []
        assert self.dialogs == []
        assert self.page.evaluate("() => seenHere.violations") == []
        assert [each for each in self.said if not any(word in each for word in _OTHERS)] == []


@contextmanager
def browser() -> Iterator[Browser]:
    """Start Debian's Chromium.

    Raises:
        AssertionError: it is not here; with the command that installs it.
    """
    assert CHROMIUM, "no Chromium here: run `make browser`, or `sudo apt-get install chromium`"
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        try:
            yield started
        finally:
            started.close()


@dataclass
class Windows:
    """Opens windows, and looks at the end what they did."""

    browser: Browser
    opened: list[Window] = field(default_factory=list)
    contexts: list[BrowserContext] = field(default_factory=list)

    def open(
        self,
        house: House,
        who: str,
        *,
        language: str = "en",
        size: Any = DESKTOP,
        script: str = "",
        settings: dict[str, Any] | None = None,
        logged_in: bool = True,
        **more: Any,
    ) -> Window:
        """Open a window of somebody, who is logged in; no page is loaded yet."""
        context = self.browser.new_context(
            viewport=size, locale="en-GB", timezone_id="Asia/Damascus", **more
        )
        self.contexts.append(context)
        if logged_in:
            context.add_cookies([house.cookie(who)])  # type: ignore[list-item]
        chosen = {"language": language, **(settings or {})}
        context.add_init_script(IN_PAGE)
        context.add_init_script(
            f"localStorage.getItem('tansiq.settings') ?? "
            f"localStorage.setItem('tansiq.settings', '{_json(chosen)}')"
        )
        if script:
            context.add_init_script(script)
        return self.tab(context, house, who)

    def tab(self, context: BrowserContext, house: House, who: str) -> Window:
        """Open another tab in the same browser."""
        window = Window(context.new_page(), house, who)
        self.opened.append(window)
        return window

    def close(self) -> None:
        try:
            for window in self.opened:
                if not window.page.is_closed():
                    window.check()
        finally:
            for context in self.contexts:
                context.close()


def _json(value: object) -> str:
    return json.dumps(value).replace("'", "\\'")

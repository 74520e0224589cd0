"""The story of two cells in two windows, step by step; each step leaves both as it ends.

South draws a plan that meets North's, sees why before sending, and sends it. North's board rings;
it is read back in Arabic and countered; South accepts, both sign. A live track leaves its volume
and the alarm sounds on both. Then a stop, the all-clear, the hand-over, and the record of it all.
"""

import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Locator, expect
from tests.console.hands import Hands
from tests.console.stage import DARAA, PASSWORD, House, LatLng, Stage, flight
from tests.console.windows import BELL_HERTZ, CAUTION_HERTZ, WARNING_HERTZ, Window, Windows

NORTHS, SOUTHS, FLYING = "N-101", "S-201", "N-103"
AT: Final = LatLng(32.65, 36.12)
"""Of South's plan; North's lies 3.8 km off, and its radius is 3 km."""
AWAY: Final = LatLng(32.70, 36.40)
RADIUS_M: Final = 2_500
LATER_MIN: Final = 90
VIEW: Final = f"""localStorage.getItem("tansiq.map.view") ??
  localStorage.setItem("tansiq.map.view",
    '{{"lat":{AT.lat_deg},"lng":{AT.lng_deg},"zoom":9.5}}');"""
"""Of a window: where its maps look first."""
Step = tuple[str, Callable[[], None]]


class Track(threading.Thread):
    """An aircraft that both nodes hear of, once a second, until it is stopped."""

    def __init__(self, houses: list[House], address: str, at: LatLng) -> None:
        super().__init__(name="track", daemon=True)
        self.houses, self.address, self.at = houses, address, at
        self.leaving = threading.Event()
        self.over = threading.Event()
        self.wrong: list[str] = []

    def run(self) -> None:
        north = 0.0
        while not self.over.wait(0.5):
            if self.leaving.is_set() and north < 0.05:
                north += 0.001
            at = LatLng(self.at.lat_deg + north, self.at.lng_deg)
            for house in self.houses:
                try:
                    house.fly(
                        self.address,
                        at,
                        4_700,
                        callsign=FLYING,
                        horizontal_error_m=5.0,
                        speed_mps=220.0,
                        track_deg=0.0,
                    )
                except (AssertionError, OSError) as error:
                    self.wrong.append(str(error))

    def stop(self) -> None:
        self.over.set()
        self.join(20)


@dataclass
class Story:
    """Both windows and whose hands use them."""

    stage: Stage
    south: Window
    north: Window
    admin: Window
    """Of South, for what only an admin may do."""
    hands: Hands
    languages: tuple[str, str] = ("he", "ar")
    """What South and North read."""
    notice: str = ""
    file: Path | None = None
    plans: dict[str, Any] = field(default_factory=dict)
    track: Track | None = None

    def steps(self) -> Iterator[Step]:
        """Return all steps in order, by name."""
        yield "watch", self.take_the_watches
        yield "draw", self.draw
        yield "why", self.see_why
        yield "send", self.send
        yield "ring", self.ring
        yield "read-back", self.read_back
        yield "counter", self.counter
        yield "accept", self.accept
        yield "sign", self.sign
        yield "fly", self.fly
        yield "alarm", self.leave
        yield "acknowledge", self.acknowledge
        yield "stop", self.stop
        yield "all-clear", self.clear
        yield "hand-over", self.hand_over
        yield "export", self.export
        yield "verify", self.verify

    def close(self) -> None:
        if self.track is not None:
            self.track.stop()

    # ---- before

    def prepare(self) -> None:
        """Have North's plans there: one to come, and one that begins."""
        north = self.stage.north
        for name, plan in (
            (NORTHS, flight(NORTHS, DARAA, after_min=60, lasts_min=60, radius_m=3_000)),
            (FLYING, flight(FLYING, AWAY, after_min=-1, lasts_min=40, radius_m=700)),
        ):
            self.plans[name] = north.declare(plan, notify=False)
            assert self.plans[name]["coordinated"], self.plans[name]

        def known() -> Any:
            entries = self.stage.south.ask("GET", "/airspace")["entries"]
            return [each for each in entries if each["name"] == NORTHS]

        self.stage.south.until(known, NORTHS)
        for window in (self.south, self.north):
            window.go("board")
            # Browsers sound once somebody has touched them.
            window.page.keyboard.press("Shift")

    # ---- the watch

    def take_the_watches(self) -> None:
        for window in (self.south, self.north):
            self._take(window)

    def _take(self, window: Window) -> None:
        hands = self.hands
        hands.go(window, "watch")
        hands.press(window("[data-take]"))
        form = window("[data-form=take]")
        hands.tick(form.locator("[name=read]"))
        hands.press(form.locator("[data-take-send]"))
        expect(form).to_have_count(0)

    # ---- a plan

    def draw(self) -> None:
        hands, window = self.hands, self.south
        hands.go(window, "plan")
        form = window("tansiq-plan form").first
        hands.write(form.locator("[name=callsign]"), SOUTHS)
        if hands.keys_only:
            text = f"{AT.lat_deg}N {AT.lng_deg}E\nradius {RADIUS_M} m"
            hands.write(form.locator("[name=text]"), text)
        else:
            self._draw_circle(window)
        expect(form.locator(".understood")).to_be_visible()
        hands.write(form.locator("[name=lower]"), "5000")
        hands.write(form.locator("[name=upper]"), "6500")
        hands.choose(form.locator("[name=units]"), "FT")
        hands.press(form.locator("[data-in='60']"))
        hands.press(form.locator("[data-lasts='30']"))
        expect(form.locator("[name=end]")).not_to_have_value("")

    def _draw_circle(self, window: Window) -> None:
        """Draw it on the map: from its middle to its edge."""
        place = window("tansiq-plan-map")
        expect(place.locator("[data-tool=circle]")).to_be_visible()
        expect(window("tansiq-plan-map[data-shown]")).to_be_visible()
        place.locator("[data-tool=circle]").click()
        box = place.locator(".ground").bounding_box()
        assert box is not None
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        mouse = window.page.mouse
        mouse.move(x, y)
        mouse.click(x, y)
        mouse.move(x + 20, y + 5, steps=4)
        mouse.move(x + 40, y + 10, steps=4)
        mouse.click(x + 40, y + 10)
        expect(window("tansiq-plan [name=text]")).to_have_value(re.compile("radius"))

    def see_why(self) -> None:
        verdict = self.south("[data-verdict=blocked]")
        expect(verdict).to_be_visible()
        expect(verdict).to_contain_text(NORTHS)
        self.hands.press(verdict.locator("summary").first)
        expect(verdict.locator("details[open]")).to_be_visible()
        assert verdict.locator("[data-alternative]").count() > 0

    def send(self) -> None:
        hands, window = self.hands, self.south
        hands.press(window("tansiq-plan form [name=send]"))
        own = window("[data-plan]").filter(has_text=SOUTHS)
        expect(own).to_be_visible()
        # It was refused, as was seen; that it is wanted all the same is told to North.
        expect(own.locator("[data-do=notice]")).to_be_visible()
        hands.press(own.locator("[data-do=notice]"))

    # ---- a conversation

    def ring(self) -> None:
        hands, window = self.hands, self.north
        hands.go(window, "board")
        self.notice = str(self.stage.north.notice_of(SOUTHS)["id"])
        expect(window(f"tr[data-thread='{self.notice}']")).to_be_visible()
        window.wait_for_tone(BELL_HERTZ)
        expect(window("nav .badge")).to_be_visible()

    def _open(self, window: Window) -> None:
        if self.notice not in window.page.url:
            self.hands.go(window, "board")
            row = window(f"tr[data-thread='{self.notice}']")
            expect(row).to_be_visible()
            self.hands.press(row.locator("button.flight"))
        expect(window("tansiq-thread article")).to_be_visible()

    def _act(self, window: Window, act: str) -> None:
        self.hands.press(window(f"tansiq-thread [data-act={act}]"))

    def read_back(self) -> None:
        hands, window = self.hands, self.north
        self._open(window)
        self._act(window, "seen")
        expect(window("tansiq-thread [data-act=seen]")).to_have_count(0)
        self._act(window, "readback")
        form = window("[data-form=readback]")
        told = self.stage.north.thread(self.notice)["told"]
        points = "\n".join(f"{lat} {lng}" for lat, lng in told["points"])
        hands.write(form.locator("[name=points]"), points)
        hands.write(form.locator("[name=radius_m]"), str(told["radius_m"]))
        hands.write(form.locator("[name=lower]"), "5100 ft AMSL")
        hands.write(form.locator("[name=upper]"), "6500 ft AMSL")
        hands.write(form.locator("[name=start]"), _clock(told["start"]))
        hands.write(form.locator("[name=end]"), _clock(told["end"]))
        hands.press(form.locator("button.primary"))
        # A level that is not what was told is refused, and the form stays as it was.
        expect(window(".toast.problem")).to_be_visible()
        assert window("[data-form=readback] [name=lower]").input_value() == "5100 ft AMSL"
        hands.write(form.locator("[name=lower]"), "5000 ft AMSL")
        hands.press(form.locator("button.primary"))
        expect(form).to_have_count(0)
        self.stage.south.stage_of(self.notice, "read-back")

    def counter(self) -> None:
        hands, window = self.hands, self.north
        self._act(window, "counter")
        form = window("[data-form=counter]")
        hands.write(form.locator("[name=delay_min]"), str(LATER_MIN))
        hands.choose(form.locator("[name=moves]"), "yours")
        hands.write(form.locator("[name=text]"), "نرجو التأخير ساعة واحدة")
        hands.press(form.locator("button.primary"))
        expect(form).to_have_count(0)
        self.stage.south.stage_of(self.notice, "countered")

    def accept(self) -> None:
        hands, window = self.hands, self.south
        self._open(window)
        self._act(window, "accept")
        hands.press(window("[data-form=accept] [name=agreed][value=true]"))
        self.stage.north.stage_of(self.notice, "outcome")

    def sign(self) -> None:
        hands, window = self.hands, self.north
        self._open(window)
        self._act(window, "confirm")
        hands.press(window("[data-form=confirm] [name=agreed][value=true]"))
        for house in self.stage.both():
            house.stage_of(self.notice, "settled")
        for each in (self.south, self.north):
            self._open(each)
            expect(each(f"tr[data-thread='{self.notice}'] td.rung").last).to_have_class("rung done")
        plan = next(
            p for p in self.stage.south.ask("GET", "/plans")["plans"] if p["callsign"] == SOUTHS
        )
        assert plan["coordinated"], plan

    # ---- in the air

    def fly(self) -> None:
        hands, window = self.hands, self.north
        hands.go(window, "plan")
        own = window("[data-plan]").filter(has_text=FLYING)
        if not own.locator("[data-do=activate]").is_visible():
            hands.press(own.locator("summary").first)
        hands.press(own.locator("[data-do=activate]"))
        expect(own.locator("[data-do=activate]")).to_have_count(0)
        address = f"intent:{self.plans[FLYING]['intent_id']}"
        self.track = Track(list(self.stage.both()), address, AWAY)
        self.track.start()
        hands.go(self.south, "map")
        hands.go(self.north, "board")

    def leave(self) -> None:
        assert self.track is not None
        before = {window.who: window.tones().count(CAUTION_HERTZ) for window in self._both()}
        self.track.leaving.set()
        for window in self._both():
            self._alarm(window)
            window.wait_for_tone(CAUTION_HERTZ, before[window.who])

    def _both(self) -> tuple[Window, Window]:
        return self.south, self.north

    def _alarm(self, window: Window) -> Locator:
        """Wait until a window shows the alarm that the aircraft has left its volume."""

        def shown() -> str:
            for alarm in window.house.alarms():
                here = window(f".alarm[data-alarm='{alarm['id']}']")
                left = alarm["kind"] == "left-volume" and alarm["level"] == "caution"
                if left and FLYING in alarm["names"] and here.count():
                    return str(alarm["id"])
            return ""

        mark = window.house.until(shown, "the alarm that it has left its volume", 60.0)
        return window(f".alarm[data-alarm='{mark}']")

    def acknowledge(self) -> None:
        hands, window = self.hands, self.north
        # By its words: its id is another one once both sides have said the same.
        rows = window("tansiq-alarms .alarm").filter(has_text=FLYING)
        ringing = rows.filter(has=window.page.locator("button.ack"))
        before = ringing.count()
        hands.press(ringing.first.locator("button.ack"))
        expect(ringing).to_have_count(before - 1)
        # It stays in sight, in one row with all that somebody has seen; a touch says who.
        chip = window("tansiq-alarms .alarm-chips [data-alarm]").filter(has_text=FLYING).first
        hands.press(chip)
        seen = rows.filter(has_text="سلمى حداد")
        expect(seen).to_be_visible()
        hands.press(chip)
        expect(seen).to_have_count(0)
        # The other desk goes on ringing until it has seen it, too.
        expect(self._alarm(self.south).locator("button.ack")).to_be_visible()

    # ---- the air is stopped

    def stop(self) -> None:
        hands, window = self.hands, self.south
        hands.go(window, "line")
        if hands.keys_only:
            window.page.keyboard.press("Shift+KeyX")
            window.page.keyboard.press("Enter")
        else:
            window(".stop-key .cover").click()
            window("[data-stop-send]").click()
        for each in (self.south, self.north):
            expect(each("[data-stop]")).to_be_visible()
        self.north.wait_for_tone(WARNING_HERTZ)
        hands.press(self.north("[data-stop] button"))
        expect(self.north("[data-stop] button")).to_have_count(0)

    def clear(self) -> None:
        hands, window = self.hands, self.south
        hands.press(window("[data-all-clear]"))
        hands.press(window("[data-all-clear-send]"))
        for each in (self.south, self.north):
            expect(each("[data-stop]")).to_have_count(0)

    # ---- the end of the watch

    def hand_over(self) -> None:
        hands, window = self.hands, self.north
        hands.press(window("header button").last)
        hands.press(window("tansiq-user dialog[open] .stack button").last)
        self._log_in(window, "omar")
        self._take(window)
        expect(window("tansiq-desk")).to_contain_text("عمر عزيز")
        held = self.stage.north.ask("GET", "/line")["watch"]
        assert held["initials"] == "OA", held
        assert "سلمى حداد" in held["relieved"], held

    def _log_in(self, window: Window, who: str) -> None:
        form = window("tansiq-login form")
        self.hands.write(form.locator("[name=name]"), who)
        self.hands.write(form.locator("[name=password]"), PASSWORD)
        self.hands.press(form.locator("button.primary"))
        expect(window("tansiq-login form")).to_have_count(0)

    def export(self) -> None:
        hands, window = self.hands, self.admin
        window.go("log")
        hands.go(window, "log")
        form = window("[data-form=export]")
        with window.page.expect_download(timeout=60_000) as coming:
            hands.press(form.locator("button.primary"))
        self.file = Path(coming.value.path())
        expect(window("[data-exported]")).to_be_visible()

    def verify(self) -> None:
        """The page itself verifies it; whoever calls verifies it once more, without any node."""
        assert self.file is not None
        chooser = self.admin("input[data-bundle]")
        chooser.set_input_files(
            {
                "name": "story.bundle",
                "mimeType": "application/octet-stream",
                "buffer": self.file.read_bytes(),
            }
        )
        expect(self.admin("[data-verdict=good], [data-verdict=if]")).to_be_visible()


def _clock(text: str) -> str:
    return f"{text[11:13]}{text[14:16]}Z"


def tell(stage: Stage, windows: Windows, hands: Hands, script: str = "") -> Story:
    """Tell it all, and return it."""
    south = windows.open(stage.south, "noa", language="he", script=VIEW + script)
    north = windows.open(stage.north, "salma", language="ar", script=VIEW + script)
    admin = windows.open(stage.south, "chief", language="en", script=script)
    story = Story(stage, south, north, admin, hands)
    try:
        story.prepare()
        for name, step in story.steps():
            try:
                step()
            except Exception:
                print(f"in step {name}")
                for which, window in (("south", south), ("north", north), ("admin", admin)):
                    window.page.screenshot(path=f"{stage.folder}/{name}-{which}.png")
                raise
        assert story.track is not None
        assert story.track.wrong == []
    finally:
        story.close()
    return story

"""Fifty hostile names, words and files on every screen: shown as text, and nothing but text."""

import json
import unicodedata
from typing import Any, Final

import pytest
from playwright.sync_api import expect
from tests.console.stage import House, LatLng, Refused, Stage, callsign, flight, place
from tests.console.windows import Window, Windows
from tests.museum.hostile_names import HOSTILE

# A script that ran would say so here, whatever it was told to do.
_CANARY: Final = """globalThis.alert = globalThis.confirm = globalThis.prompt =
  () => { globalThis.__xss = true; };"""


def bare(text: str) -> str:
    """Return a text without blanks and without what has no shape: a node may put a blank there."""
    return "".join(c for c in text if unicodedata.category(c)[0] not in "CZ" and not c.isspace())


def seen(text: str) -> str:
    """Return the beginning of a text, as a page has to show it."""
    return bare(text)[:40]


def harmless(window: Window) -> None:
    """Nothing of it became an element, an attribute, a script or a way out."""
    page = window.page
    assert not page.evaluate("() => globalThis.__xss ?? false"), "a script ran"
    assert window.dialogs == []
    assert page.evaluate("() => askHere.strange()") == []
    assert page.evaluate("() => document.title.includes('alert')") is False
    links = page.evaluate("() => askHere.links()")
    allowed = (window.house.url, "blob:", "https://www.geonames", "https://www.naturalearth")
    assert [each for each in links if not each.startswith(allowed)] == []


def shown(window: Window, selector: str = "main") -> str:
    """Return all text of a part of the page, in the same spelling."""
    return bare(str(window.page.evaluate("(at) => askHere.text(at)", selector)))


def hang_up(stage: Stage) -> dict[str, list[str]]:
    """Put all of them wherever a stranger or a colleague may write; return what was taken where."""
    north, south = stage.north, stage.south
    taken: dict[str, list[str]] = {"flight": [], "words": [], "ring": [], "drone": []}
    for name, text in HOSTILE:
        said = {"to": "north-cell", "text": text[:2_000], "language": "en"}
        if _put(south, "/calls", said, "noa"):
            taken["words"].append(name)
    for number, (name, text) in enumerate(HOSTILE[:16]):
        document = flight(
            text[:60], LatLng(33.6 + number * 0.02, 37.4 + number * 0.05), radius_m=300
        )
        if _put(south, "/plans", document, "noa"):
            taken["flight"].append(name)
        if number % 5 == 0:
            ring = {
                "name": text[:60],
                "lat_deg": 33.4,
                "lng_deg": 36.8 + number / 100,
                "area_nm": 1,
            }
            if _put(north, "/rings", ring, "salma"):
                taken["ring"].append(name)
            seen_at = {"lat_deg": 33.3, "lng_deg": 36.4, "words": text[:200]}
            if _put(north, "/sightings", seen_at, "salma"):
                taken["drone"].append(name)
    return taken


def _put(house: House, path: str, said: Any, who: str, **query: Any) -> bool:
    try:
        status, content = house.call("POST", path, said, who, **query)
    except UnicodeEncodeError:
        return False
    assert status in (200, 201, 400, 409, 413, 422), content
    return status < 300


def hear(house: House) -> None:
    """Have aircraft heard of that call themselves so; a track that no news come of goes."""
    for number, (_, text) in enumerate(HOSTILE):
        at = LatLng(32.8 + number * 0.01, 36.3 + number * 0.01)
        name, feet = text[:60], 5_000 + 100 * number
        try:
            house.fly(f"icao:{0xC0FFEE - number:06x}", at, feet, callsign=name, speed_mps=50.0)
        except Refused:
            continue


def the_calls(window: Window, calls: list[Any]) -> None:
    """Each is a conversation: its words stand in it, whole."""
    for call in calls:
        window.go("line", thread=call["id"])
        expect(window("tansiq-thread .notes")).to_be_visible()
        window.page.wait_for_function(
            "(id) => askHere.text('tansiq-thread').includes(id)", arg=call["id"][:12]
        )
        words = window.house.thread(call["id"])["notes"][0]["payload"]["text"]
        assert seen(str(words)) in shown(window, "tansiq-thread"), words
        harmless(window)


def the_lists(window: Window) -> None:
    """All tracks, rings and sightings are on their lists, under the names that they have."""
    north = window.house
    hear(north)

    def heard() -> list[str]:
        found = [each["callsign"] for each in north.ask("GET", "/picture")["tracks"]]
        return found if len(found) >= 10 else []

    tracks = north.until(heard, "tracks")
    expected = {
        "tracks": tracks,
        "rings": [each["name"] for each in north.ask("GET", "/rings")["rings"]],
        "drones": [each["words"] for each in north.ask("GET", "/sightings")["sightings"]],
    }
    for section, said in expected.items():
        window.go("watch", section=section)
        window.page.wait_for_function(
            "(n) => document.querySelectorAll('main li.panel').length >= n", arg=len(said)
        )
        text = shown(window)
        assert [each for each in said if seen(each) not in text] == []
        harmless(window)


def test_the_museum_on_every_screen(shared_stage: Stage, windows: Windows) -> None:
    stage = shared_stage
    taken = hang_up(stage)
    texts = dict(HOSTILE)
    assert len(taken["words"]) >= 40, taken
    assert len(taken["flight"]) >= 8, taken
    assert min(len(taken["ring"]), len(taken["drone"])) >= 2, taken
    stage.north.until(lambda: len(stage.north.threads(kind="call")) >= len(taken["words"]), "calls")
    calls = stage.north.threads(kind="call")[-len(taken["words"]) :]
    for language, some in (("en", calls[::4]), ("ar", calls[1::16])):
        window = windows.open(stage.north, "salma", language=language, script=_CANARY)
        the_calls(window, some)
        the_lists(window)
        for screen in ("log", "board", "map", "plan", "day", "agreement", "replay"):
            window.go(screen)
            window.page.wait_for_timeout(400)
            harmless(window)
    for each in stage.south.ask("GET", "/plans")["plans"]:
        if each["callsign"] in {text[:60] for text in texts.values()}:
            stage.south.call("DELETE", f"/plans/{each['id']}")
    for ring in stage.north.ask("GET", "/rings")["rings"]:
        stage.north.call("POST", "/rings/remove", {"ring": ring["id"]}, "salma")
    for drone in stage.north.ask("GET", "/sightings")["sightings"]:
        stage.north.call("POST", "/sightings/gone", {"sighting": drone["id"]}, "salma")


def test_call_signs_of_plans_are_text_on_board_and_plan(
    shared_stage: Stage, windows: Windows
) -> None:
    """Where call signs of ours and of others stand: on the board, in lists, in what was told."""
    stage = shared_stage
    window = windows.open(stage.north, "salma", script=_CANARY)
    window.go("board")
    for name in (
        "image-onerror",
        "end-of-title",
        "attribute-double",
        "override",
        "template-braces",
    ):
        said = f"{callsign('H')}{dict(HOSTILE)[name]}"[:60]
        document = flight(said, place(), radius_m=300)
        status, content = stage.south.call("POST", "/plans", document, "noa", wait_s=10)
        if status >= 400:
            assert b"callsign" in content, content
            continue
        plan = json.loads(content)
        stage.south.ask("POST", "/notices", {"id": plan["id"]}, "noa")
        note = stage.north.notice_of(plan["callsign"])["id"]
        row = window(f"tr[data-thread='{note}']")
        expect(row).to_be_visible()
        assert seen(said) in bare(row.inner_text())
        window.go("board", sel=note)
        expect(window("tansiq-thread article")).to_be_visible()
        assert seen(said) in shown(window, "tansiq-thread")
        harmless(window)
        stage.south.call("DELETE", f"/plans/{plan['id']}")


@pytest.mark.parametrize("screen", ["plan", "map"])
def test_files_of_any_name_and_content_are_text(
    shared_stage: Stage, windows: Windows, screen: str
) -> None:
    window = windows.open(shared_stage.north, "salma", script=_CANARY)
    window.go(screen)
    target = "tansiq-plan textarea[name=text]" if screen == "plan" else "tansiq-map .ground"
    expect(window(target)).to_be_visible()
    for _, text in HOSTILE[::7]:
        inside = json.dumps(
            {
                "type": "FeatureCollection",
                "features": [
                    {
                        "type": "Feature",
                        "properties": {"name": text[:60], "description": text[:200]},
                        "geometry": {"type": "Point", "coordinates": [36.3, 33.5]},
                    }
                ],
            }
        )
        dropped = {"at": target, "name": f"{text[:80]}.geojson", "content": inside}
        window.page.evaluate("(dropped) => askHere.drop(dropped)", dropped)
        window.page.wait_for_timeout(150)
        harmless(window)

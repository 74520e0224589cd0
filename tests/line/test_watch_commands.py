"""The watch as people use it: its commands against running nodes that read a receiver's file.

North's node polls an ``aircraft.json`` that is written each half second, as a receiver's own
decoder does; the aircraft in it fly straight ways.
"""

import json
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from floor import Desk, Floor, open_floor
from tests.planning.sky import free_ports

from tansiq.domain.ellipsoid import destination
from tansiq.domain.time import zulu
from tansiq.domain.volume import LatLng
from tansiq.feed_settings import FeedKind, FeedSource

SPOT = LatLng(39.0, -121.0)


@dataclass
class Sky:
    """Aircraft that a receiver hears, in its file."""

    file: Path
    heard: dict[str, dict[str, Any]] = field(default_factory=dict)
    began_s: float = field(default_factory=time.time)
    running: bool = True

    def put(self, address: str, at: LatLng, track_deg: float, speed_kt: float, **more: Any) -> None:
        self.heard[address] = {
            "at": at,
            "track_deg": track_deg,
            "speed_kt": speed_kt,
            "since_s": time.time(),
            **more,
        }

    def write(self) -> None:
        now_s = time.time()
        found = []
        for address, each in list(self.heard.items()):
            run_m = each["speed_kt"] * 0.514444 * (now_s - each["since_s"])
            place = destination(each["at"], each["track_deg"], run_m) if run_m else each["at"]
            found.append(
                {
                    "hex": address,
                    "flight": each.get("flight", ""),
                    "lat": place.lat_deg,
                    "lon": place.lng_deg,
                    "seen_pos": 0.1,
                    "gs": each["speed_kt"],
                    "track": each["track_deg"],
                    "baro_rate": 0,
                    "rc": 20,
                    **({"alt_geom": each["alt_ft"]} if "alt_ft" in each else {}),
                }
            )
        part = self.file.with_suffix(".part")
        part.write_text(json.dumps({"now": now_s, "messages": 1, "aircraft": found}))
        part.replace(self.file)

    def run(self) -> None:
        while self.running:
            self.write()
            time.sleep(0.5)


@pytest.fixture(scope="module")
def _watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Floor, Sky]]:
    folder = tmp_path_factory.mktemp("watched")
    sky = Sky(folder / "aircraft.json")
    sky.write()

    def prepare(floor: Floor) -> None:
        side = floor.desks["north"].side
        roof = FeedSource(name="roof", kind=FeedKind.AIRCRAFT_JSON, url=sky.file.as_uri())
        side.settings = replace(side.settings, feeds=(roof,))

    floor, close = open_floor(folder, free_ports(3), prepare)
    receiver = threading.Thread(target=sky.run, name="receiver")
    receiver.start()
    yield floor, sky
    sky.running = False
    receiver.join()
    close()


@pytest.fixture
def north(
    _watched: tuple[Floor, Sky],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Desk:
    floor = _watched[0]
    floor.capture, floor.patch = capsys, monkeypatch
    return floor.desks["north"]


@pytest.fixture
def south(north: Desk) -> Desk:
    return north.floor.desks["south"]


@pytest.fixture
def sky(_watched: tuple[Floor, Sky]) -> Iterator[Sky]:
    yield _watched[1]
    _watched[1].heard.clear()


def heard(north: Desk, says: str) -> str:
    """Wait until the list of tracks says something, and return it."""
    return north.until(lambda: north.good("track list").out, lambda out: says in out)


def alarms(north: Desk, kind: str, says: str = "") -> list[str]:
    """Wait for alarms of a kind, and return their ids, the most urgent first."""

    def look() -> list[str]:
        out = north.good("alarm list").out
        lines = zip(out.splitlines()[:-1:2], out.splitlines()[1::2], strict=True)
        found = [re.search(rf"  ([0-9a-f-]{{8}})  {kind}\b", a) for a, b in lines if says in b]
        return [each[1] for each in found if each]

    return north.until(look)


def meeting(sky: Sky, *, one: str = "a1b2c3", other: str = "a1b2c4") -> None:
    """Have two fly towards each other."""
    there = destination(SPOT, 90.0, 7_000.0)
    sky.put(one, SPOT, 90.0, 100.0, alt_ft=3000, flight="OSPREY-2")
    sky.put(other, there, 270.0, 100.0, alt_ft=3100, flight="HERON1")


def test_tracks_say_what_heights_count_from_and_how_old_they_are(north: Desk, sky: Sky) -> None:
    meeting(sky)
    sky.put("a1b2c5", destination(SPOT, 0.0, 60_000.0), 270.0, 100.0)
    out = heard(north, "icao:a1b2c5")
    assert re.search(r"OSPREY-2  icao:a1b2c3 .* 3,000 ft \(914 m\) W84  100 kt  \d+ s  roof", out)
    assert re.search(r"-  +icao:a1b2c5 .* unplanned .* not known ", out)
    tracks = json.loads(north.good("track list --json").out)["tracks"]
    assert {"icao:a1b2c3", "icao:a1b2c4", "icao:a1b2c5"} <= {each["address"] for each in tracks}
    sky.heard.clear()
    assert re.search(r"icao:a1b2c3 .* \d\d s STALE  roof", heard(north, " s STALE"))


def test_a_call_sign_is_confirmed_by_a_person_and_taken_back(north: Desk, sky: Sky) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    said = {"start": zulu(now), "end": zulu(now + timedelta(minutes=30)), "radius_m": 9_000}
    said |= {"callsign": "OSPREY-2", "lower": 500, "upper": 1500, "units": "M", "datum": "W84"}
    place = {"type": "Point", "coordinates": [-121.0, 39.0]}
    plan = {"type": "Feature", "geometry": place, "properties": said}
    north.good("plan submit", north.file("osprey.geojson", plan))
    sky.put("a1b2c3", SPOT, 90.0, 10.0, alt_ft=3000, flight="OSPREY 2")
    sky.put("a1b2c4", SPOT, 0.0, 10.0, alt_ft=9000, flight="HERON1")
    heard(north, "may be OSPREY-2 of north")
    ran = north("track bind --suggested")
    assert (ran.code, "say --yes as well" in ran.err) == (2, True)
    assert "may be OSPREY-2 of north" in ran.out, "shown before anybody is asked"
    ran = north.good("track bind --suggested --yes")
    assert "icao:a1b2c3: is OSPREY-2 of north" in ran.out
    assert "icao:a1b2c4" not in ran.out
    assert re.search(r"icao:a1b2c3  OSPREY-2 north \S+  inside", heard(north, "  inside"))
    assert "nothing is said of it any more" in north.good("track free a1b2c3").out
    north.bad(2, "nobody has said whose icao:a1b2c3 is", "track free a1b2c3")
    # By the id that people know a plan of ours by.
    own = json.loads(north.good("plan list --json").out)["plans"][0]["id"]
    assert "is OSPREY-2 of north" in north.good(f"track bind a1b2c4 {own[:8]}").out
    assert "flies no plan" in north.good("track bind icao:a1b2c4 --none").out
    north.bad(2, "aircraft that are heard begin so", "track bind a1b2 OSPREY-2")
    north.bad(2, "no plan about now is called so", "track bind a1b2c4 NOPE")
    north.bad(2, "say ADDRESS and PLAN", "track bind a1b2c4")
    north.bad(2, "say ADDRESS and PLAN", "track bind a1b2c4 OSPREY-2 --none")
    north.bad(2, "goes alone", "track bind a1b2c4 --suggested")
    north.bad(2, "'ffffff': is not heard", "track bind ffffff X")
    north.good("plan end OSPREY-2 --yes")


def test_alarms_are_acknowledged_kept_silent_and_counted(north: Desk, sky: Sky) -> None:
    sky.put("a1b2c9", SPOT, 0.0, 50.0, alt_ft=7000, flight="QUAIL-7")
    quiet = alarms(north, "no-plan", "QUAIL-7 flies")[0]
    assert "raised, FLASHING" in north.good(f"alarm show {quiet}").out
    out = north.good(f"alarm suppress {quiet} --minutes 5 --reason", "known to us").out
    assert re.search(r"silent until \d{4}Z, by Nina Hall", out)
    meeting(sky, one="a1b2d1", other="a1b2d2")
    urgent = alarms(north, "conflict-predicted", "will be too close")[0]
    out = north.good("alarm list").out
    assert re.search(rf"^[#^] [A-Z]+ +FLASHING +T-00:\d\d  {urgent} ", out, re.MULTILINE)
    ran = north.good(f"alarm ack {urgent} {quiet}")
    assert ran.out.count("seen here by Nina Hall") == 2
    north.until(lambda: north.good(f"alarm show {urgent}").out, lambda out: "# WARNING" in out)
    north.bad(1, "a warning is not suppressed", f"alarm suppress {urgent} --minutes 5 --reason x")
    north.bad(2, "90", f"alarm suppress {quiet} --minutes 90 --reason x")
    assert "for nothing" in north.good(f"alarm nuisance {quiet}").out
    assert ", 1 for nothing" in north.good("alarm list").out
    north.bad(2, "nor the first 6 characters of one", "alarm ack zz")
    north.bad(2, "tansiq alarm list --over 20", "alarm show 00000000")
    north.bad(2, "say --over N as well", "alarm list --since 2026-01-01T00:00:00Z")
    north.bad(2, "role watch", f"alarm ack {urgent}", who="wall")
    json.loads(north.good(f"alarm show {urgent} --json").out)


def test_what_becomes_of_alarms_is_followed_a_line_a_change(north: Desk) -> None:
    before = len(north.events("watch-alarm"))
    tried = re.search(r"  id +(\S+)", north.good("alarm test").out)
    assert tried
    out = north.good(f"alarm ack {tried[1][:8]}").out
    assert "# WARNING: test" in out
    assert len(north.events("watch-alarm")) >= before + 2
    lines = [each for each in north.good("events").out.splitlines() if tried[1][:8] in each]
    assert re.search(r"  watch-alarm +# WARNING +FLASHING +now .*nothing is wrong", lines[0])
    # Following: the same lines, as they come, until the node ends.
    got: list[str] = []

    def later() -> None:
        # Again and again, since nobody can tell when the other end reads: it is one line.
        for _ in range(10):
            got.append(north.api("POST", "/alarm-test").json["id"])
            time.sleep(0.3)
        north.side.up.events.stop()

    talking = threading.Thread(target=later)
    talking.start()
    ran = north("alarm follow")
    talking.join()
    assert ran.code == 3
    assert "tansiq events --follow --after" in ran.err
    assert ran.out.count(got[0][:8]) == 1, ran.out


def test_who_comes_to_a_ring_unknown_is_told_of_until_let_in(north: Desk, sky: Sky) -> None:
    at = ("--at", "39.5,-121.0")
    out = north.good("ring add", "Creek fire", *at, "--wildfire").out
    assert re.search(r"Creek fire  \S{8}  39.50000, -121.00000  12 NM  7 NM +5 NM ", out)
    north.bad(1, "are drawn already", "ring add", "Creek fire", *at, "--wildfire")
    north.bad(2, "say --wildfire alone", "ring add x", *at)
    north.bad(2, "say --wildfire alone", "ring add x", *at, "--wildfire", "--call", "5NM")
    north.bad(2, "smaller than the one before", "ring add x", *at, "--call=5NM", "--area=5NM")
    north.bad(2, "is not LAT,LNG", "ring add x --at 139.5,-121 --wildfire")
    north.bad(2, "at most 336h", "ring add x", *at, "--wildfire", "--for", "337h")
    north.bad(2, "at least 1min", "ring add x", *at, "--wildfire", "--for", "59s")
    north.bad(2, "--no-entry: give more than 0", "ring add x", *at, "--no-entry", "101NM")
    north.bad(2, "write 3NM or 1000ft", "ring add x", *at, "--call", "12")
    sky.put("a1b2c5", LatLng(39.53, -121.0), 270.0, 20.0, alt_ft=2000, flight="STRAY")
    alarms(north, "unknown-inbound", "Creek fire: STRAY is inside the inner ring")
    assert "icao:a1b2c5" in north.good("ring admit", "Creek fire", "stray").out
    north.until(
        lambda: north.good("alarm list").out,
        lambda out: not re.search(r"(FLASHING|acknowledged) .*unknown-inbound", out),
    )
    assert "nobody" in north.good("ring dismiss", "Creek fire", "icao:a1b2c5").out
    north.bad(2, "tansiq ring list", "ring dismiss", "Creek", "icao:a1b2c5")
    north.bad(2, "no aircraft that is heard is called so", "ring admit", "Creek fire", "a1b2c5")
    north.bad(2, "is not KIND:VALUE", "ring admit", "Creek fire", "icao:")
    assert "Creek fire" in north.good("ring list").out
    assert "no rings are drawn" in north.good("ring remove", "Creek fire", "--yes").out
    north.bad(2, "no rings are called so", "ring remove", "Creek fire", "--yes")


def test_a_drone_is_told_to_all_its_air_stopped_and_its_minutes_counted(
    north: Desk, south: Desk
) -> None:
    out = north.good("sighting add --at 39.2,-121.1 --radius 1km", "orange, four rotors").out
    seen = re.search(r"^([0-9a-f]{8})  \d{4}Z", out, re.MULTILINE)
    air = re.search(r"echo '(.*)' \| tansiq stop -", out)
    assert seen
    assert air
    alarms(north, "drone-sighting", "orange, four rotors")
    south.until(lambda: south.good("alarm list").out, lambda out: "drone" in out)
    north.good(f"stop {north.file('air.geojson', air[1].encode())}")
    north.good("all-clear --yes")
    assert seen[1] in north.good("sighting list").out
    gone = north.good(f"sighting gone {seen[1]}").out
    assert f"{seen[1]} is gone; 1 min lost" in gone
    assert "tansiq all-clear" in gone
    north.bad(2, "tansiq sighting list", f"sighting gone {seen[1]}")
    north.bad(2, "too little to tell", "sighting gone abc")
    north.bad(2, "--radius: give 1m to 20km", "sighting add --at 39,-121 --radius 21km")
    assert "no drone is reported" in north.good("sighting list").out


def test_feeds_are_listed_stopped_and_started(north: Desk, sky: Sky) -> None:
    sky.put("a1b2c3", SPOT, 0.0, 50.0)
    heard(north, "icao:a1b2c3")
    assert re.search(r"roof +aircraft-json +ok .* file:///", north.good("feed list").out)
    assert re.search(r"roof +aircraft-json +STOPPED ", north.good("feed stop roof").out)
    north.good("feed start roof")
    north.until(lambda: north.good("feed list").out, lambda out: "json  ok" in out)
    north.bad(2, "no feed 'rof'; there are: roof", "feed stop rof")


def test_positions_are_sent_and_each_is_judged_by_itself(north: Desk) -> None:
    good = {"address": "own:scout-3", "time": zulu(datetime.now(UTC)), "lat": 39.1, "lng": -121}
    assert north.good("position send", north.file("good.json", [good])).out == "1 taken\n"
    heard(north, "own:scout-3")
    mixed = [good, {**good, "lat": 139}, {"x": 1}]
    ran = north("position send", north.file("mixed.json", mixed))
    assert (ran.code, ran.out) == (1, "1 taken\n")
    assert "refused: [1].lat: latitude 139.0 is not within" in ran.err
    assert "refused: [2].x: is unknown" in ran.err
    old = {**good, "time": zulu(datetime.now(UTC) - timedelta(seconds=70))}
    ran = north("position send", north.file("old.json", [old]))
    assert (ran.code, ran.out) == (1, "0 taken\n")
    assert re.search(r"refused: own:scout-3 time: measured 7\d s ago by this node's clock", ran.err)
    north.bad(2, "is no list of positions", "position send", north.file("bad.json", {"x": 1}))
    north.bad(2, "role watch", "position send", north.file("good.json", [good]), who="wall")

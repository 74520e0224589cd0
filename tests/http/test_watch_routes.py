"""The watch through the own API: alarms, tracks, feeds, positions, rings, drones that were seen.

A real watch over an empty sky, with a real store; positions come in by the route itself, and each
look is asked for, so nothing waits.
"""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.http.own_world import NOON, World, world

from tansiq.domain.time import zulu
from tansiq.domain.track import Address
from tansiq.http.watch_table import POSITIONS_BYTES_MAX
from tansiq.services.watch.rings import ADMITTED_MAX, LIFE_MAX, RINGS_MAX, SIGHTINGS_MAX
from tansiq.settings import Limits

pytestmark = pytest.mark.anyio


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path / "node.db") as built:
        yield built


def at(second: float = 0.0, **more: Any) -> dict[str, Any]:
    """Return a position of an aircraft that keeps its place."""
    return {
        "address": "icao:a1b2c3",
        "time": zulu(NOON + timedelta(seconds=second)),
        "lat": 50.0,
        "lng": 10.0,
        "altitude": {"value": 1_000, "units": "M", "datum": "W84"},
        "speed_mps": 0,
        "track_deg": 0,
        "callsign": "HERON1",
        "horizontal_error_m": 5,
        **more,
    }


async def ask(
    node: World, method: str, path: str, said: object = None, *, status: int = 200
) -> Any:
    reply = await node.client.request(method, f"/api/v1{path}", json=said)
    assert reply.status_code == status, reply.text
    return reply.json()


async def look(node: World, second: float = 0.0) -> None:
    node.clock.later = timedelta(seconds=second)
    await node.api.watch.watch.tick(node.clock.now())


async def fly(node: World, *positions: dict[str, Any], second: float = 0.0) -> None:
    """Send positions, and look."""
    node.clock.later = timedelta(seconds=second)
    sent = await ask(node, "POST", "/positions", list(positions))
    assert sent == {"taken": len(positions), "wrong": []}
    await look(node, second)


async def alarm(node: World, kind: str = "no-plan") -> Any:
    found = (await ask(node, "GET", "/alarms"))["alarms"]
    (one,) = [each for each in found if each["kind"] == kind]
    return one


# Positions


async def test_an_aircraft_that_is_sent_is_in_the_picture_after_the_next_look(node: World) -> None:
    before = await ask(node, "GET", "/picture")
    assert before["sentence"] == "the watch has not looked yet"
    await fly(node, at(-1))
    picture = await ask(node, "GET", "/picture")
    (track,) = picture["tracks"]
    assert (track["address"], track["callsign"], track["feed"]) == ("icao:a1b2c3", "HERON1", "api")
    assert (track["height_m"], track["conformance"], track["level"]) == (
        1000,
        "unplanned",
        "advisory",
    )
    assert (await ask(node, "GET", "/feeds"))["tracks"] == 1


async def test_ten_thousand_positions_are_taken_at_once(node: World) -> None:
    many = [
        at(-1, address=f"own:x{n}", lat=n / 80 - 60, lng=n % 360 - 180, callsign="")
        for n in range(10_000)
    ]
    for each in many:
        del each["altitude"], each["horizontal_error_m"]
    sent = await ask(node, "POST", "/positions", many)
    assert sent == {"taken": 10_000, "wrong": []}
    await look(node)
    assert (await ask(node, "GET", "/feeds"))["tracks"] == 10_000


async def test_one_wrong_among_good_is_named_and_keeps_nobody_out(node: World) -> None:
    sent = [at(-1), at(-1, lat=90.1), at(-1, lat=90.0, address="icao:a1b2c4")]
    said = await ask(node, "POST", "/positions", sent)
    assert said["taken"] == 2
    (wrong,) = said["wrong"]
    assert wrong.startswith("[1].lat: latitude 90.1 is not within -90 to 90 degrees")


async def test_of_many_wrong_ones_the_first_hundred_are_told(node: World) -> None:
    said = await ask(node, "POST", "/positions", [{"x": 1}] * 101)
    assert (said["taken"], len(said["wrong"])) == (0, 100)


async def test_more_positions_than_are_taken_are_refused_as_a_whole(tmp_path: Path) -> None:
    limits = Limits(position_addresses_max=3)
    async with world(tmp_path / "small.db", limits=limits) as node:
        assert (await ask(node, "POST", "/positions", [at(-1)] * 3))["taken"] == 3
        refused = await ask(node, "POST", "/positions", [at(-1)] * 4, status=413)
        assert "4 positions; at most 3: send them in parts" in refused["detail"]
        await look(node)
        assert (await ask(node, "GET", "/feeds"))["tracks"] == 1


async def test_a_body_that_is_no_list_or_too_long_is_refused(node: World) -> None:
    refused = await ask(node, "POST", "/positions", {"x": 1}, status=400)
    assert refused["field"] == "body"
    body = b"[" + b" " * POSITIONS_BYTES_MAX + b"]"
    reply = await node.client.post(
        "/api/v1/positions", content=body, headers={"Content-Type": "application/json"}
    )
    assert reply.status_code == 413
    body = b"[" + b" " * (POSITIONS_BYTES_MAX - 2) + b"]"
    reply = await node.client.post(
        "/api/v1/positions", content=body, headers={"Content-Type": "application/json"}
    )
    assert reply.status_code == 200


# Alarms


async def test_an_alarm_is_seen_kept_silent_and_counted(node: World) -> None:
    await fly(node, at(-1))
    found = await alarm(node)
    assert (found["stage"], found["flashing"], found["level"]) == ("raised", True, "advisory")
    short = found["id"][:6]
    seen = await ask(node, "POST", f"/alarms/{short}/acknowledge")
    assert (seen["stage"], seen["acknowledged_by"]) == ("acknowledged", "this machine")
    said = {"minutes": 10, "reason": "known"}
    silent = await ask(node, "POST", f"/alarms/{short.upper()}/suppress", said)
    assert silent["stage"] == "suppressed"
    assert silent["suppressed_until"] == zulu(NOON + timedelta(minutes=10))
    await ask(node, "POST", f"/alarms/{short}/nuisance")
    again = await ask(node, "POST", f"/alarms/{short}/nuisance")
    assert again["nuisance"] is True
    listed = await ask(node, "GET", "/alarms")
    assert (listed["raised_today"], listed["nuisances_today"]) == ({"no-plan": 1}, 1)


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"minutes": 0.99, "reason": "x"}, "minutes"),
        ({"minutes": 60.01, "reason": "x"}, "minutes"),
        ({"minutes": 5, "reason": ""}, "reason"),
        ({"minutes": 5, "reason": "x" * 201}, "reason"),
        ({"minutes": 5}, "body"),
        ({"minutes": 5, "reason": "x", "until": "x"}, "body"),
    ],
)
async def test_silence_has_bounds_and_a_reason(node: World, said: Any, field: str) -> None:
    await fly(node, at(-1))
    path = f"/alarms/{(await alarm(node))['id']}/suppress"
    refused = await ask(node, "POST", path, said, status=400)
    assert refused["field"] == field
    for good in ({"minutes": 1, "reason": "x" * 200}, {"minutes": 60, "reason": "x"}):
        await ask(node, "POST", path, good)


async def test_what_is_over_or_a_warning_is_not_kept_silent(node: World) -> None:
    tried = await ask(node, "POST", "/alarm-test")
    assert (tried["kind"], tried["level"], tried["flashing"]) == ("test", "warning", True)
    path = f"/alarms/{tried['id']}"
    said = {"minutes": 5, "reason": "x"}
    refused = await ask(node, "POST", f"{path}/suppress", said, status=409)
    assert (refused["code"], refused["field"]) == ("wrong-state", "alarm")
    await ask(node, "POST", f"{path}/acknowledge")
    for second in range(1, 60):
        await look(node, second)
    over = await ask(node, "GET", path)
    assert (over["stage"], over["worst"], over["cleared"] is None) == ("cleared", "warning", False)
    for word, body in (("acknowledge", None), ("suppress", said)):
        refused = await ask(node, "POST", f"{path}/{word}", body, status=409)
        assert refused["code"] == "wrong-state"
    assert (await ask(node, "GET", "/alarms"))["alarms"] == []
    listed = await ask(node, "GET", "/alarms?over=1")
    assert [each["id"] for each in listed["alarms"]] == [tried["id"]]
    later = zulu(NOON + timedelta(hours=1))
    assert (await ask(node, "GET", f"/alarms?over=1&since={later}"))["alarms"] == []
    # Of one that is over, the beginning of its id is enough too.
    assert (await ask(node, "GET", f"{path[:-30]}"))["id"] == tried["id"]


@pytest.mark.parametrize(
    ("path", "status", "field"),
    [
        ("/alarms/ffffff", 404, "id"),
        ("/alarms/fffff", 400, "alarm"),
        ("/alarms/xyzxyz", 400, "alarm"),
        ("/alarms/" + "f" * 65, 400, "alarm"),
        ("/alarms?over=-1", 400, "over"),
        ("/alarms?over=1001", 400, "over"),
        ("/alarms?over=1&since=yesterday", 400, "since"),
        ("/alarms?last=1", 400, "last"),
    ],
)
async def test_what_is_no_alarm_and_no_list_is_refused(
    node: World, path: str, status: int, field: str
) -> None:
    assert (await ask(node, "GET", path, status=status))["field"] == field


@pytest.mark.parametrize("word", ["acknowledge", "suppress", "nuisance"])
async def test_nothing_is_said_of_an_alarm_that_is_not_there(node: World, word: str) -> None:
    body = {"minutes": 5, "reason": "x"} if word == "suppress" else None
    refused = await ask(node, "POST", f"/alarms/ffffff/{word}", body, status=404)
    assert "tansiq alarm list --over 20" in refused["detail"]


# Whose aircraft


async def test_a_person_says_whose_an_aircraft_is_and_takes_it_back(node: World) -> None:
    await fly(node, at(-1))
    said = {"address": "icao:a1b2c3"}
    shown = await ask(node, "POST", "/tracks/bind", said)
    assert shown["tracks"][0]["conformance"] == "unplanned"
    await ask(node, "POST", "/tracks/free", said)
    refused = await ask(node, "POST", "/tracks/free", said, status=404)
    assert refused["field"] == "address"


@pytest.mark.parametrize(
    ("said", "status", "field"),
    [
        ({"address": "icao:a1b2c3", "plan": "NOPE"}, 404, "plan"),
        ({"address": "a1b2c3"}, 400, "address"),
        ({"address": "icao:"}, 400, "address"),
        ({"address": "x"}, 400, "address"),
        ({"address": "icao:" + "a" * 106}, 400, "address"),
        ({"address": "intent:2f8343be-6482-4d1b-a474-16847e01af1e"}, 400, "address"),
        ({"plan": "OSPREY-2"}, 400, "body"),
        ({"address": "icao:a1b2c3", "plan": "x" * 61}, 400, "plan"),
    ],
)
async def test_what_says_nothing_of_an_aircraft_is_refused(
    node: World, said: Any, status: int, field: str
) -> None:
    await look(node)
    assert (await ask(node, "POST", "/tracks/bind", said, status=status))["field"] == field


# Feeds


async def test_a_feed_is_stopped_and_started(node: World) -> None:
    off = await ask(node, "POST", "/feeds", {"name": "roof", "on": False})
    assert off["feeds"][0]["state"] == "stopped"
    assert (await ask(node, "GET", "/feeds"))["feeds"][0]["state"] == "stopped"
    on = await ask(node, "POST", "/feeds", {"name": "roof", "on": True})
    assert on["feeds"][0]["state"] == "ok"
    refused = await ask(node, "POST", "/feeds", {"name": "ridge", "on": True}, status=404)
    assert "there are: roof" in refused["detail"]
    refused = await ask(node, "POST", "/feeds", {"name": "roof"}, status=400)
    assert "on" in refused["detail"]


# Rings


def fire(**more: Any) -> dict[str, Any]:
    said = {"name": "Creek fire", "lat_deg": 50.0, "lng_deg": 10.0, "call_nm": 12, "area_nm": 5}
    return said | more


async def test_who_comes_to_a_ring_unknown_is_told_of_until_let_in(node: World) -> None:
    ring = await ask(node, "POST", "/rings", fire(), status=201)
    assert ring["radii_nm"] == {"call": 12, "area": 5}
    assert ring["until"] == zulu(NOON + timedelta(hours=12))
    await fly(node, at(-1))
    assert (await alarm(node, "unknown-inbound"))["level"] == "warning"
    assert len((await ask(node, "GET", "/picture"))["rings"]) == 2
    said = {"ring": ring["id"][:6], "address": "icao:a1b2c3"}
    let_in = await ask(node, "POST", "/rings/admit", said)
    assert let_in["admitted"] == ["icao:a1b2c3"]
    for second in range(1, 60):
        await fly(node, at(second), second=second)
    assert (await alarm(node, "unknown-inbound"))["stage"] == "returned"
    await ask(node, "POST", "/rings/admit", {**said, "admitted": False})
    assert (await ask(node, "GET", "/rings"))["rings"][0]["admitted"] == []
    assert await ask(node, "POST", "/rings/remove", {"ring": "Creek fire"}) == {"rings": []}
    assert (await ask(node, "GET", "/picture"))["rings"] == []
    await ask(node, "POST", "/rings/remove", {"ring": "Creek fire"}, status=404)


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"lat_deg": 90.01}, "lat_deg"),
        ({"lng_deg": -180.01}, "lng_deg"),
        ({"call_nm": 100.01}, "call_nm"),
        ({"call_nm": 0}, "call_nm"),
        ({"call_nm": 5}, "rings"),
        ({"call_nm": None, "area_nm": None}, "rings"),
        ({"lasts_s": 59.9}, "lasts_s"),
        ({"lasts_s": LIFE_MAX.total_seconds() + 0.1}, "lasts_s"),
        ({"name": ""}, "name"),
        ({"name": "x" * 61}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"name": "  "}, "name"),
        ({"colour": "red"}, "body"),
    ],
)
async def test_what_is_no_ring_is_refused_by_its_field(node: World, more: Any, field: str) -> None:
    assert (await ask(node, "POST", "/rings", fire(**more), status=400))["field"] == field
    assert (await ask(node, "GET", "/rings"))["rings"] == []


async def test_the_widest_and_longest_rings_are_drawn(node: World) -> None:
    widest = {"lat_deg": 90.0, "lng_deg": 180.0, "call_nm": 100.0, "name": "x" * 60}
    lasts = LIFE_MAX.total_seconds()
    await ask(node, "POST", "/rings", fire(**widest, lasts_s=lasts), status=201)
    await ask(node, "POST", "/rings", fire(lasts_s=60), status=201)
    assert len((await ask(node, "GET", "/rings"))["rings"]) == 2


async def test_a_name_is_given_once_and_rings_are_not_without_number(node: World) -> None:
    await ask(node, "POST", "/rings", fire(name="0"), status=201)
    refused = await ask(node, "POST", "/rings", fire(name="0"), status=409)
    assert refused["field"] == "name"
    for number in range(1, RINGS_MAX):
        await ask(node, "POST", "/rings", fire(name=str(number)), status=201)
    refused = await ask(node, "POST", "/rings", fire(name="one more"), status=400)
    assert "remove some" in refused["detail"]


async def test_the_same_request_draws_and_reports_once(node: World) -> None:
    drone = {"lat_deg": 50, "lng_deg": 10}
    for path, said in (("/rings", fire()), ("/sightings", drone)):
        key = {"Idempotency-Key": path}
        first, second = [
            await node.client.post(f"/api/v1{path}", json=said, headers=key) for _ in range(2)
        ]
        assert first.status_code == second.status_code == 201
        assert first.content == second.content
    assert len((await ask(node, "GET", "/rings"))["rings"]) == 1
    assert len((await ask(node, "GET", "/sightings"))["sightings"]) == 1


async def test_more_than_a_thousand_are_not_let_in(node: World) -> None:
    await ask(node, "POST", "/rings", fire(), status=201)
    book = node.api.watch.watch.parts.rings
    for number in range(ADMITTED_MAX - 1):
        await book.admit("Creek fire", Address(f"own:{number}"), admitted=True)
    said = {"ring": "Creek fire", "address": "own:last"}
    assert len((await ask(node, "POST", "/rings/admit", said))["admitted"]) == ADMITTED_MAX
    said["address"] = "own:more"
    assert (await ask(node, "POST", "/rings/admit", said, status=400))["field"] == "address"


# Drones that were seen


async def test_a_drone_is_a_warning_until_it_is_gone_and_its_minutes_are_counted(
    node: World,
) -> None:
    said = {"lat_deg": 50.1, "lng_deg": 10.1, "radius_m": 1_000, "words": "orange"}
    seen = await ask(node, "POST", "/sightings", said, status=201)
    assert seen["until"] == zulu(NOON + timedelta(hours=2))
    await look(node)
    found = await alarm(node, "drone-sighting")
    assert (found["level"], "orange" in found["sentence"]) == ("warning", True)
    await look(node, 60)
    node.clock.later = timedelta(seconds=61)
    gone = await ask(node, "POST", "/sightings/gone", {"sighting": seen["id"][:6]})
    assert (gone["sighting"], gone["minutes_lost"]) == (seen, 2)
    assert (await ask(node, "GET", "/sightings"))["sightings"] == []
    await ask(node, "POST", "/sightings/gone", {"sighting": seen["id"]}, status=404)


@pytest.mark.parametrize(("second", "minutes"), [(0, 0), (1, 1), (60, 1), (61, 2)])
async def test_each_begun_minute_counts(node: World, second: int, minutes: int) -> None:
    seen = await ask(node, "POST", "/sightings", {"lat_deg": 50, "lng_deg": 10}, status=201)
    node.clock.later = timedelta(seconds=second)
    gone = await ask(node, "POST", "/sightings/gone", {"sighting": seen["id"]})
    assert gone["minutes_lost"] == minutes


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"radius_m": 0.9}, "radius_m"),
        ({"radius_m": 20_000.1}, "radius_m"),
        ({"lat_deg": -90.1}, "lat_deg"),
        ({"words": "x" * 201}, "words"),
        ({"words": "a\x1b[2Jb"}, "words"),
        ({"lasts_s": 59}, "lasts_s"),
    ],
)
async def test_what_is_no_sighting_is_refused_by_its_field(
    node: World, more: Any, field: str
) -> None:
    said = {"lat_deg": 50, "lng_deg": 10, **more}
    assert (await ask(node, "POST", "/sightings", said, status=400))["field"] == field
    for good in ({"radius_m": 1}, {"radius_m": 20_000}, {"words": "x" * 200}, {"lasts_s": 60}):
        await ask(node, "POST", "/sightings", {"lat_deg": -90, "lng_deg": 180, **good}, status=201)


async def test_sightings_are_not_without_number(node: World) -> None:
    said = {"lat_deg": 50, "lng_deg": 10}
    for _ in range(SIGHTINGS_MAX):
        await ask(node, "POST", "/sightings", said, status=201)
    assert (await ask(node, "POST", "/sightings", said, status=400))["field"] == "sighting"

"""Alarms and tracks through the own API: the sentence, and the code and values it is made of."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.http.own_world import World, world
from tests.http.test_watch_routes import ask, at, fly

from tansiq.domain.alarm import raised
from tansiq.domain.alarm_key import AlarmKind, Level, Subject, key
from tansiq.formats.alarm_facts import Message
from tansiq.formats.alarm_words import in_words
from tansiq.services.watch.alarms import _DECODER
from tansiq.services.watch.kept import Kept, alarm_view

pytestmark = pytest.mark.anyio
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path / "node.db") as built:
        yield built


def said(view: dict[str, Any]) -> str:
    """Return the sentence that a view's code and values make."""
    facts = {"code": view["code"], "facts": view["facts"], "also": view["also"]}
    return in_words(msgspec.convert(facts, Message))


async def raise_all(node: World) -> list[dict[str, Any]]:
    """Raise alarms of as many kinds as an empty sky has."""
    sighting = {"lat_deg": 50.0, "lng_deg": 10.0, "radius_m": 500, "words": "белый"}
    await ask(node, "POST", "/sightings", {**sighting, "lasts_s": 7200}, status=201)
    ring = {"name": "Creek fire", "lat_deg": 50.0, "lng_deg": 10.0, "lasts_s": 3600}
    await ask(node, "POST", "/rings", {**ring, "call_nm": 12, "no_entry_nm": 7}, status=201)
    await ask(node, "POST", "/alarm-test")
    near = at(-1, address="icao:a1b2c4", lat=50.0001, callsign="HERON2")
    await fly(node, at(-1), near)
    found: list[dict[str, Any]] = (await ask(node, "GET", "/alarms"))["alarms"]
    return found


async def test_the_sentence_of_every_alarm_is_made_of_its_code_and_values(node: World) -> None:
    alarms = await raise_all(node)
    kinds = {each["kind"] for each in alarms}
    assert kinds >= {"no-plan", "unknown-inbound", "drone-sighting", "test"}
    assert kinds & {"separation-lost", "conflict-predicted"}
    for each in alarms:
        assert said(each) == each["sentence"]
        ways = [in_words(msgspec.convert(way, Message)) for way in each["ways"]]
        assert ways == each["ways_out"]
    one = await ask(node, "GET", f"/alarms/{alarms[0]['id']}")
    assert (one["code"], one["facts"]) == (alarms[0]["code"], alarms[0]["facts"])


async def test_events_and_the_history_have_them_too(node: World) -> None:
    alarms = {each["id"]: each for each in await raise_all(node)}
    reply = await node.client.get("/api/v1/events", params={"after": 0, "follow": "false"})
    bodies = [
        msgspec.json.decode(line.removeprefix("data: "))["body"]
        for line in reply.text.splitlines()
        if line.startswith("data: ") and '"watch-alarm"' in line
    ]
    assert {body["id"] for body in bodies} >= set(alarms)
    assert all(said(body) == body["sentence"] for body in bodies)


async def test_a_track_that_is_old_says_so_as_data(node: World) -> None:
    await fly(node, at(-1))
    node.clock.later = timedelta(seconds=20)
    await node.api.watch.watch.tick(node.clock.now())
    (track,) = (await ask(node, "GET", "/picture"))["tracks"]
    assert track["code"] == "last-heard"
    assert in_words(Message(code=track["code"], facts=track["facts"])) in track["sentence"]


async def test_what_an_older_version_kept_has_its_sentence_alone() -> None:
    alarm, _ = raised(
        key(AlarmKind.NO_PLAN, Subject("2f8343be-6482-4d1b-a474-16847e01af1e")),
        Level.ADVISORY,
        NOON,
    )
    now = Kept(
        id="a" * 36, alarm=alarm, sentence="N123 flies", code="no-plan", facts={"flight": "N"}
    )
    document = msgspec.json.decode(msgspec.json.encode(now))
    for name in ("code", "also", "facts", "ways"):
        del document[name]
    view = alarm_view(_DECODER.decode(msgspec.json.encode(document)), NOON)
    assert (view.sentence, view.code, view.also, view.facts) == ("N123 flies", "", (), {})
    again = alarm_view(_DECODER.decode(msgspec.json.encode(now)), NOON)
    assert (again.code, again.facts) == ("no-plan", {"flight": "N"})

"""Details of foreign suppliers: each way of not being those of their reference stops a plan, with
the reason; the corrected answer lets it go on without anybody asking again.

Once with the register in our own node, once in a pool of somebody else's.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from outsider import Outsider, outside
from pool import become, pooled
from sky import NOON, PATIENCE_S, Side, flying, make_sky, plan, until, volume

from tansiq.domain.time import zulu
from tansiq.domain.volume import Volumes
from tansiq.f3548 import convert
from tansiq.services.planning.records import SLACK
from tansiq.services.views import Status

pytestmark = pytest.mark.anyio
MICRO = timedelta(microseconds=1)


@dataclass
class World:
    """Who plans, in whose register, the supplier that is also there, and hours that are free."""

    side: Side
    holder: Side
    supplier: Outsider
    hours: Any = field(default_factory=lambda: count(0, 120))

    def free(self) -> tuple[float, float]:
        """Return an hour, in minutes after NOON, that no other test of this world uses."""
        start = next(self.hours)
        return start, start + 60


@pytest.fixture(scope="module", params=["own", "pool"])
async def world(
    anyio_backend: str, request: Any, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    folder = tmp_path_factory.mktemp("details")
    if request.param == "pool":
        async with pooled(folder) as (sky, supplier):
            yield World(sky["north"], sky["dss"], supplier)
        return
    sky = make_sky(folder, parties=("north",), registers=[("north", True)])
    async with outside(sky) as supplier, flying(sky):
        yield World(sky["north"], sky["north"], supplier)


Spoil = Callable[[dict[str, Any]], None]


def _set(*path: str | int, to: Any) -> Spoil:
    def spoil(intent: dict[str, Any]) -> None:
        part: Any = intent
        for step in path[:-1]:
            part = part[step]
        part[path[-1]] = to

    return spoil


def _moved(name: str, by: timedelta) -> Spoil:
    """Move a time of the reference."""

    def spoil(intent: dict[str, Any]) -> None:
        value = convert.moment(
            msgspec.convert(intent["reference"][name], convert.wire.Time), name, round_up=False
        )
        intent["reference"][name]["value"] = zulu(value + by)

    return spoil


def _stretched(name: str, by: timedelta) -> Spoil:
    """Let the only volume reach beyond its reference, by so much."""

    def spoil(intent: dict[str, Any]) -> None:
        at = convert.wire.Time(**intent["reference"][name])
        value = convert.moment(at, name, round_up=False) + by
        intent["details"]["volumes"][0][name]["value"] = zulu(value)

    return spoil


_VOLUME: tuple[str | int, ...] = ("details", "volumes", 0)
_DEFECTS: dict[str, tuple[Spoil, str]] = {
    "another id": (_set("reference", "id", to=str(uuid4())), "id is"),
    "no uuid": (_set("reference", "id", to="7"), "id is"),
    "another manager": (_set("reference", "manager", to="others"), "manager is 'others'"),
    "an older version": (_set("reference", "version", to=0), "version is 0"),
    "another state": (_set("reference", "state", to="Activated"), "state is"),
    "no such state": (_set("reference", "state", to="Flying"), "Flying"),
    "no ovn": (_set("reference", "ovn", to=None), "without their OVN"),
    "a short ovn": (_set("reference", "ovn", to="f" * 15), "is no OVN"),
    "a long ovn": (_set("reference", "ovn", to="f" * 129), "is no OVN"),
    "the register's own phrase": (_set("reference", "ovn", to="Available from USS"), "is no OVN"),
    "an invented ovn": (_set("reference", "ovn", to="f" * 32), "does not take the OVN"),
    "an earlier start": (_moved("time_start", -SLACK - MICRO), "time_start is"),
    "a later start": (_moved("time_start", SLACK + MICRO), "time_start is"),
    "an earlier end": (_moved("time_end", -SLACK - MICRO), "time_end is"),
    "a later end": (_moved("time_end", SLACK + MICRO), "time_end is"),
    "volumes before": (_stretched("time_start", -SLACK - MICRO), "outside the time span"),
    "volumes after": (_stretched("time_end", SLACK + MICRO), "outside the time span"),
    "no volumes": (_set("details", "volumes", to=[]), "at least one volume"),
    "no list": (_set("details", "volumes", to=None), "at least one volume"),
    "off-nominal ones": (
        lambda i: _set("details", "off_nominal_volumes", to=i["details"]["volumes"])(i),
        "off-nominal",
    ),
    "half a priority": (_set("details", "priority", to=1.2), "priority"),
    "an absurd priority": (_set("details", "priority", to=10**30), "priority"),
    "local time": (_set(*_VOLUME, "time_start", "value", to="2026-01-01T00:00:00+02:00"), "in Z"),
    "no time": (_set(*_VOLUME, "time_end", to=None), "time_end"),
    "no such category": (
        lambda i: i["details"].update(tansiq={"category": "tanker"}),
        "details.tansiq.category: 'tanker' is no category of aircraft",
    ),
    "a category that is no word": (
        lambda i: i["details"].update(tansiq={"category": 4}),
        "details.tansiq.category",
    ),
    "feet": (_set(*_VOLUME, "volume", "altitude_lower", "units", to="FT"), "units"),
    "no altitude": (_set(*_VOLUME, "volume", "altitude_upper", to=None), "altitude_upper"),
    "no outline": (_set(*_VOLUME, "volume", "outline_circle", to=None), "outline"),
    "no radius": (_set(*_VOLUME, "volume", "outline_circle", "radius", "value", to=0), "radius"),
}
_BODIES = {
    "nothing": (b"", "not JSON"),
    "no JSON": (b"<html>", "not JSON"),
    "half of it": (b'{"operational_intent": {', "not JSON"),
    "a list": (b"[]", "object"),
    "no intent": (b"{}", "operational_intent"),
    "no reference": (b'{"operational_intent": {"details": {}}}', "reference"),
    "depth": (b"[" * 100_000 + b"]" * 100_000, "deep"),
}


async def _stops_until_corrected(world: World, spoilt: Any, entity: str, at: Any, why: str) -> None:
    side, supplier = world.side, world.supplier
    good = supplier.details[entity]
    supplier.details[entity] = spoilt
    # Of lower priority: it would not block, but the key has to name it.
    view = await side.up.plans.submit(plan(-121, "ALPHA", priority=1, at=at))
    told = await side.until(view.id, lambda v: "are not to be had" in (v.reason or ""))
    assert not told.coordinated
    assert why in (told.reason or ""), told.reason
    assert f"details of {entity[:8]} of drones are not to be had" in (told.reason or "")
    supplier.details[entity] = good
    settled = await side.settled(view.id)
    assert settled.status is Status.COORDINATED, settled.reason
    await side.up.plans.end(view.id)
    await side.settled(view.id)


def _copy(document: Any) -> Any:
    return msgspec.json.decode(msgspec.json.encode(document))


@pytest.mark.parametrize("defect", list(_DEFECTS))
async def test_each_defect_by_itself_stops_the_plan_until_it_is_corrected(
    world: World, defect: str
) -> None:
    spoil, why = _DEFECTS[defect]
    at = world.free()
    entity = await world.supplier.place(world.holder, plan(-121, at=at).volumes)
    spoilt = _copy(world.supplier.details[entity])
    spoil(spoilt["operational_intent"])
    await _stops_until_corrected(world, spoilt, entity, at, why)


@pytest.mark.parametrize("body", list(_BODIES))
async def test_what_is_no_such_message_stops_the_plan_until_it_is_one(
    world: World, body: str
) -> None:
    at = world.free()
    entity = await world.supplier.place(world.holder, plan(-121, at=at).volumes)
    spoilt, why = _BODIES[body]
    await _stops_until_corrected(world, spoilt, entity, at, why)


_HARMLESS: dict[str, Spoil] = {
    "capitals": lambda i: _set("reference", "id", to=i["reference"]["id"].upper())(i),
    "unknown fields": _set("reference", "colour", to="red"),
    "an earlier start": _moved("time_start", -SLACK),
    "a later start": _moved("time_start", SLACK),
    "an earlier end": _moved("time_end", -SLACK),
    "a later end": _moved("time_end", SLACK),
    "volumes before": _stretched("time_start", -SLACK),
    "volumes after": _stretched("time_end", SLACK),
    "another availability": _set("reference", "uss_availability", to="Down"),
    "no priority": _set("details", "priority", to=None),
}


@pytest.mark.parametrize("difference", list(_HARMLESS))
async def test_what_just_fits_and_what_does_not_matter_stop_nobody(
    world: World, difference: str
) -> None:
    side, supplier, at = world.side, world.supplier, world.free()
    entity = await supplier.place(world.holder, plan(-121, at=at).volumes)
    served = _copy(supplier.details[entity])
    _HARMLESS[difference](served["operational_intent"])
    supplier.details[entity] = served
    over = await side.declare(plan(-121, "OVER", priority=1, at=at))
    assert over.status is Status.COORDINATED, over.reason
    await side.up.plans.end(over.id)
    await side.settled(over.id)
    equal = await side.declare(plan(-121, "EQUAL", at=at))
    assert [b.id for b in equal.blockers] == [entity]


async def test_details_newer_than_the_reference_are_taken(world: World) -> None:
    """It changed between the register's answer and ours to it: the new one counts."""
    side, supplier, at = world.side, world.supplier, world.free()
    here = plan(-121, at=at).volumes
    entity = await supplier.place(world.holder, here, priority=-1)
    plain = supplier.answer_details

    async def changing(wanted: str) -> Any:
        if wanted == entity:
            await become(supplier, world.holder, entity, "Accepted", here)
            supplier.answer_details = plain  # type: ignore[method-assign]
        return await plain(wanted)

    supplier.answer_details = changing  # type: ignore[method-assign]
    first = await side.declare(plan(-121, "FIRST", at=at))
    assert first.status is Status.COORDINATED, first.reason
    register = side.up.planner.places[0].register.id
    known = side.up.planner.judging.airspace.get(register, entity)
    assert known is not None
    assert known.version == 2


# ---- states in which an aircraft is not where it said


_AIR: dict[str, tuple[str, bool]] = {
    "Nonconforming": ("Nonconforming", True),
    "Contingent": ("Contingent", True),
    "Contingent, nothing nominal left": ("Contingent", False),
}


@pytest.mark.parametrize("case", list(_AIR))
async def test_nominal_and_off_nominal_volumes_both_block(world: World, case: str) -> None:
    state, nominal_left = _AIR[case]
    side, supplier, at = world.side, world.supplier, world.free()
    nominal, beside = (volume(-121, at=at),), (volume(-121.05, at=at),)
    entity = await supplier.place(world.holder, nominal)
    await become(supplier, world.holder, entity, "Activated", nominal)
    kept: Volumes = nominal if nominal_left else ()
    await become(supplier, world.holder, entity, state, kept, beside)
    for lng, met in ((-121, nominal_left), (-121.05, True)):
        view = await side.declare(plan(lng, "ALPHA", at=at, radius_m=500.0))
        assert (view.status is Status.REFUSED) is met, (lng, view.reason)
        await side.up.plans.end(view.id)
        await side.settled(view.id)


@pytest.mark.parametrize("state", ["Nonconforming", "Contingent"])
async def test_off_nominal_without_off_nominal_volumes_stops_the_plan(
    world: World, state: str
) -> None:
    """Nobody knows where it is."""
    supplier, at = world.supplier, world.free()
    here = (volume(-121, at=at),)
    entity = await supplier.place(world.holder, here)
    await become(supplier, world.holder, entity, "Activated", here)
    await become(supplier, world.holder, entity, state, here, here)
    spoilt = _copy(supplier.details[entity])
    spoilt["operational_intent"]["details"]["off_nominal_volumes"] = []
    await _stops_until_corrected(world, spoilt, entity, at, "without off-nominal volumes")


# ---- notifications


async def _tell(world: World, entity: str, document: Any) -> tuple[int, str]:
    body = {"operational_intent_id": entity, "subscriptions": [], **document}
    url = f"{world.side.party.url}/uss/v1/operational_intents"
    answer = await world.supplier.ask("POST", url, msgspec.json.encode(body))
    return answer.status_code, answer.text


async def test_a_notification_beyond_its_own_reference_is_refused(world: World) -> None:
    supplier, at = world.supplier, world.free()
    entity = await supplier.place(world.holder, plan(-121, at=at).volumes)
    for by, status in ((SLACK, 204), (SLACK + MICRO, 400)):
        told = _copy(supplier.details[entity])
        _stretched("time_end", by)(told["operational_intent"])
        answer = await _tell(world, entity, told)
        assert answer[0] == status, answer


async def test_a_notification_that_the_register_contradicts_is_found_by_the_sweep(
    world: World,
) -> None:
    """It says that it flies an hour later than what stands in the register under its OVN."""
    side, supplier, at = world.side, world.supplier, world.free()
    entity = await supplier.place(world.holder, plan(-121, at=at).volumes)
    later = (at[0] + 90, at[1] + 90)
    told = _copy(supplier.details[entity])
    intent = told["operational_intent"]
    for name, minutes in (("time_start", later[0]), ("time_end", later[1])):
        at_text = zulu(NOON + timedelta(minutes=minutes))
        intent["reference"][name]["value"] = at_text
        intent["details"]["volumes"][0][name]["value"] = at_text
    assert (await _tell(world, entity, told))[0] == 204
    supplier.details[entity] = told
    (place,) = side.up.planner.places
    await side.up.upkeep._sweep(place)
    view = await side.up.plans.submit(plan(-121, "ALPHA", at=at))
    stopped = await side.until(view.id, lambda v: "outside the time span" in (v.reason or ""))
    assert not stopped.coordinated
    await side.up.plans.end(view.id)


@pytest.mark.parametrize("waits", ["for it", "for another"])
async def test_details_that_a_notification_overtakes_do_not_replace_it(
    world: World, waits: str
) -> None:
    """Asked for, changed, told of the change: the answer on its way all the while is old.

    So is one that came at once, while that of another intent was waited for.
    """
    side, supplier, at = world.side, world.supplier, world.free()
    entity = await supplier.place(world.holder, plan(-121, at=at).volumes)
    other = await supplier.place(world.holder, plan(-121, at=at).volumes, priority=-1)
    old = _copy(supplier.details[entity])
    away = plan(-121, at=at, band=(2_000, 2_100)).volumes
    asked, answer = asyncio.Event(), asyncio.Event()
    plain = supplier.answer_details

    async def slowly(wanted: str) -> Any:
        if wanted == (entity if waits == "for it" else other):
            asked.set()
            await answer.wait()
        return old if wanted == entity else await plain(wanted)

    supplier.answer_details = slowly  # type: ignore[method-assign]
    try:
        view = await side.up.plans.submit(plan(-121, "ALPHA", at=at))
        await asyncio.wait_for(asked.wait(), PATIENCE_S)
        await asyncio.sleep(0.1)
        await become(supplier, world.holder, entity, "Accepted", away)
        assert (await _tell(world, entity, supplier.details[entity]))[0] == 204
        answer.set()
        register = side.up.planner.places[0].register.id
        settled = await side.settled(view.id)
        assert settled.status is Status.COORDINATED, settled.reason
        known = side.up.planner.judging.airspace.get(register, entity)
        assert known is not None
        assert known.version == 2
    finally:
        answer.set()
        del supplier.answer_details  # type: ignore[method-assign]


async def test_the_record_of_a_supplier_is_under_one_id_however_it_writes_it(world: World) -> None:
    side, supplier, at = world.side, world.supplier, world.free()
    entity = await supplier.place(world.holder, plan(-121, at=at).volumes)
    told = _copy(supplier.details[entity])
    told["operational_intent"]["reference"]["id"] = entity.upper()
    assert (await _tell(world, entity.upper(), told))[0] == 204
    register = side.up.planner.places[0].register.id
    airspace = side.up.planner.judging.airspace

    async def ids() -> list[str]:
        return [i for i in airspace.at(register) if i.lower() == entity]

    await until(ids, lambda found: found == [entity])

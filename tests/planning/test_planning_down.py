"""Suppliers that are marked Down: what they have Accepted is in nobody's way until they are back;
what may be in the air stops us where its details are not to be had. And ourselves, marked Down.

Each with the register in our own node, in an agreement peer's, and in a pool of somebody else's.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from outsider import Outsider, outside
from pool import become, mark, pooled
from sky import TIMERS, Side, flying, make_sky, plan, until

from tansiq.services.views import Status
from tansiq.settings import Timers

pytestmark = pytest.mark.anyio
OFTEN = replace(TIMERS, sweep_s=0.2)
FLYING = ("Activated", "Nonconforming", "Contingent")


@dataclass
class World:
    """Who plans, in whose register, and the supplier that is also there."""

    side: Side
    holder: Side
    supplier: Outsider


@asynccontextmanager
async def _world(where: str, folder: Path, timers: Timers = TIMERS) -> AsyncIterator[World]:
    if where == "pool":
        async with pooled(folder, timers=timers) as (sky, supplier):
            await _read_once(sky["north"])
            yield World(sky["north"], sky["dss"], supplier)
        return
    sky = make_sky(folder, registers=[("north", True)], timers=timers)
    async with outside(sky) as supplier, flying(sky):
        side = sky["north" if where == "own" else "south"]
        await _read_once(side)
        yield World(side, sky["north"], supplier)


async def _read_once(side: Side) -> None:
    """Wait for the first sweep: what comes later is not known by it."""
    (place,) = side.up.planner.places
    await until(lambda: _now(place.reachable), bool)


@pytest.fixture(params=["own", "peer's", "pool"])
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    async with _world(request.param, tmp_path) as found:
        yield found


@pytest.fixture(params=["own", "peer's", "pool"])
async def swept(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    """The same, and registers are read several times a second."""
    async with _world(request.param, tmp_path, OFTEN) as found:
        yield found


async def _now(value: Any) -> Any:
    return value


async def test_what_it_has_accepted_is_in_nobodys_way_known_or_not(world: World) -> None:
    side, supplier = world.side, world.supplier
    known = await supplier.place(world.holder, plan(-121, at=(0, 60)).volumes)
    first = await side.declare(plan(-121, "FIRST", at=(0, 60)))
    assert first.status is Status.REFUSED, first  # We have its details by now.
    unknown = await supplier.place(world.holder, plan(-121, at=(120, 180)).volumes)
    await mark(supplier, world.holder, "Down")
    del supplier.details[known], supplier.details[unknown]
    await side.up.plans.change(first.id, plan(-121, "FIRST", at=(0, 60)))
    again = await side.until(first.id, lambda v: v.status is not Status.REFUSED)
    again = await side.settled(first.id)
    assert again.status is Status.COORDINATED, again.reason
    second = await side.declare(plan(-121, "SECOND", at=(120, 180)))
    assert second.status is Status.COORDINATED, second.reason


async def test_what_was_known_before_and_placed_over_is_said_when_it_is_back(swept: World) -> None:
    side, supplier = swept.side, swept.supplier
    entity = await supplier.place(swept.holder, plan(-121).volumes)
    refused = await side.declare(plan(-121, "ALPHA"))
    assert refused.status is Status.REFUSED
    await mark(supplier, swept.holder, "Down")
    await side.up.plans.change(refused.id, plan(-121, "ALPHA"))
    over = await side.until(refused.id, lambda v: v.status is Status.COORDINATED)
    assert over.warnings == ()
    await mark(supplier, swept.holder, "Normal")
    warned = await side.until(refused.id, lambda v: bool(v.warnings))
    assert warned.coordinated
    assert entity[:8] in warned.warnings[0]
    # It leaves: nothing to warn of any more.
    ovn = supplier.details[entity]["operational_intent"]["reference"]["ovn"]
    path = f"{swept.holder.party.url}/dss/v1/operational_intent_references/{entity}/{ovn}"
    assert (await supplier.ask("DELETE", path)).status_code == 200
    await side.until(refused.id, lambda v: v.warnings == ())


@pytest.mark.parametrize("state", FLYING)
async def test_what_may_be_in_the_air_and_cannot_be_asked_for_stops_the_plan_with_the_reason(
    world: World, state: str
) -> None:
    side, supplier, here = world.side, world.supplier, plan(-121).volumes
    entity = await supplier.place(world.holder, here)
    first = await side.declare(plan(-121, "FIRST"))
    assert first.status is Status.REFUSED, first  # What we know of it is what it was.
    if state != "Contingent":
        await become(supplier, world.holder, entity, "Activated", here)
    if state != "Activated":
        await become(supplier, world.holder, entity, state, here, here)
    await mark(supplier, world.holder, "Down")
    served = supplier.details.pop(entity)
    for priority in (0, 1):  # Of higher priority too: nobody knows whether it still is.
        view = await side.up.plans.submit(plan(-121, "SECOND", priority=priority))
        told = await side.until(view.id, lambda v: "may be in the air" in (v.reason or ""))
        assert not told.coordinated
        assert "of drones, which is marked Down, are not to be had" in (told.reason or "")
        await side.up.plans.end(view.id)
    view = await side.up.plans.submit(plan(-121, "THIRD"))
    await side.until(view.id, lambda v: "may be in the air" in (v.reason or ""))
    # It answers again, although nobody has marked it Normal: judged like any other.
    supplier.details[entity] = served
    settled = await side.settled(view.id)
    assert settled.status is Status.REFUSED, settled
    assert [b.id for b in settled.blockers] == [entity]


async def test_what_is_in_the_air_and_known_blocks_whoever_is_down(world: World) -> None:
    side, supplier = world.side, world.supplier
    entity = await supplier.place(world.holder, plan(-121).volumes)
    await become(supplier, world.holder, entity, "Activated", plan(-121).volumes)
    assert (await side.declare(plan(-121, "FIRST"))).status is Status.REFUSED
    await mark(supplier, world.holder, "Down")
    supplier.details.clear()
    view = await side.declare(plan(-121, "SECOND"))
    assert view.status is Status.REFUSED, view
    beside = await side.declare(plan(-121, "BESIDE", band=(1_000, 1_200)))
    assert beside.status is Status.COORDINATED, beside.reason


async def test_when_it_is_back_its_plans_block_again(swept: World) -> None:
    world = swept
    side, supplier = world.side, world.supplier
    for at, priority in (((0, 60), 0), ((120, 180), 1)):
        await supplier.place(world.holder, plan(-121, at=at).volumes, priority=priority)
    await mark(supplier, world.holder, "Down")
    equal = await side.declare(plan(-121, "EQUAL", at=(0, 60)))
    lower = await side.declare(plan(-121, "LOWER", at=(120, 180)))
    assert (equal.status, lower.status) == (Status.COORDINATED, Status.COORDINATED)
    await mark(supplier, world.holder, "Normal")
    displaced = await side.until(lower.id, lambda v: v.status is Status.DISPLACED)
    assert "of drones" in (displaced.reason or "")
    warned = await side.until(equal.id, lambda v: bool(v.warnings))
    assert warned.status is Status.COORDINATED
    assert "its supplier was marked Down" in warned.warnings[0]
    assert "of drones" in warned.warnings[0]
    # Both stand; whoever comes now is kept out by both.
    view = await side.declare(plan(-121, "LATER", at=(0, 60)))
    assert view.status is Status.REFUSED
    assert "drones" in {b.manager for b in view.blockers}


async def test_marked_down_ourselves_we_say_so_and_go_on_when_we_are_back(world: World) -> None:
    side, supplier = world.side, world.supplier
    stands = await side.declare(plan(-121, "STANDS", at=(120, 180)))
    assert stands.status is Status.COORDINATED
    await mark(supplier, world.holder, "Down", side.party.id)
    view = await side.up.plans.submit(plan(-121, "ALPHA"))
    told = await side.until(view.id, lambda v: "marked Down" in (v.reason or ""))
    assert not told.coordinated
    assert (await side.up.plans.plan(stands.id)).coordinated
    await side.up.plans.end(stands.id)
    await mark(supplier, world.holder, "Normal", side.party.id)
    assert (await side.settled(view.id)).status is Status.COORDINATED
    assert (await side.settled(stands.id)).status is Status.ENDED


async def test_a_register_that_demands_its_ovn_all_the_same_gets_it(tmp_path: Path) -> None:
    """Against F3548-21; but then asking for it is all that helps, and not a stream of requests."""
    async with _world("pool", tmp_path) as world:
        side, supplier = world.side, world.supplier
        entity = await supplier.place(world.holder, plan(-121).volumes, priority=-1)
        await mark(supplier, world.holder, "Down")
        served = supplier.details.pop(entity)
        intents = "tansiq.storage.intents.Intents.unknown"
        with pytest.MonkeyPatch.context() as patch:
            original = _member(intents)
            patch.setattr(
                intents, lambda s, w, k, **how: original(s, w, k, **{**how, "idle": ("", "")})
            )
            view = await side.up.plans.submit(plan(-121, "ALPHA"))
            await side.until(view.id, lambda v: "which is marked Down" in (v.reason or ""))
            supplier.details[entity] = served
            settled = await side.settled(view.id)
            assert settled.status is Status.COORDINATED, settled.reason


def _member(path: str) -> Any:
    module, name, member = path.rsplit(".", 2)
    return getattr(getattr(__import__(module, fromlist=[name]), name), member)


async def test_a_notification_of_a_supplier_that_is_down_is_believed_until_it_is_asked_about(
    world: World,
) -> None:
    """Its word counts as a hint; the register's decides."""
    side, supplier = world.side, world.supplier
    entity = await supplier.place(world.holder, plan(-121).volumes)
    await mark(supplier, world.holder, "Down")
    base = f"{side.party.url}/uss/v1/operational_intents"
    body = {"operational_intent_id": entity, "subscriptions": [], **supplier.details[entity]}
    assert (await supplier.ask("POST", base, msgspec.json.encode(body))).status_code == 204
    register = side.up.planner.places[0].register.id
    known = await until(lambda: _now(side.up.planner.judging.airspace.get(register, entity)), bool)
    assert known.id == entity
    view = await side.declare(plan(-121, "ALPHA"))
    assert view.status is Status.COORDINATED, view.reason

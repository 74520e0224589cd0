"""Peers that contradict a register or are half there, lost answers, a full disk: nothing sticks."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any, cast

import msgspec
import pytest
from outsider import Outsider, outside
from sky import TIMERS, Side, flying, make_sky, plan, two, until

from stores import only_sqlite
from tansiq.domain.volume import Volumes
from tansiq.errors import PeerError, PeerUnreachable
from tansiq.f3548 import convert, wire
from tansiq.services.airspace import Airspace
from tansiq.services.planning.ports import RegisterPort, Written
from tansiq.services.views import Status

pytestmark = pytest.mark.anyio
OFTEN = replace(TIMERS, sweep_s=0.2)


# ---- lost answers


@dataclass
class LosesDeletes:
    """A register whose answers to deletes are lost, although it obeys."""

    port: RegisterPort

    def __getattr__(self, name: str) -> Any:
        return getattr(self.port, name)

    async def delete_intent(self, intent_id: str, ovn: str) -> Written:
        await self.port.delete_intent(intent_id, ovn)
        raise PeerUnreachable("the answer is lost")


async def test_a_plan_whose_end_was_answered_by_nobody_blocks_none_of_its_own_party(
    tmp_path: Path,
) -> None:
    """What has left a register is not judged any more, however we come to know that it has."""
    async with two(tmp_path) as (north, south):
        for side, register in ((north, 1), (south, 0)):
            first = await side.declare(plan(-121, "FIRST"))
            assert first.status is Status.COORDINATED
            place = side.up.planner.places[register]
            place.port = cast(RegisterPort, LosesDeletes(place.port))
            await side.up.plans.end(first.id)
            assert (await side.settled(first.id)).status is Status.ENDED
            place.port = cast(LosesDeletes, place.port).port
            second = await side.declare(plan(-121, "SECOND"))
            assert second.status is Status.COORDINATED, second.reason
            await side.up.plans.end(second.id)
            await side.settled(second.id)


# ---- a disk that is full for a while


@contextmanager
def disk_full(side: Side) -> Iterator[None]:
    """Let the store refuse every write."""
    connection = side.up.store._connection
    connection.pragma("query_only", 1)
    try:
        yield
    finally:
        connection.pragma("query_only", 0)


@only_sqlite
async def test_what_a_full_disk_interrupted_goes_on_by_itself(tmp_path: Path) -> None:
    async with two(tmp_path, timers=OFTEN) as (north, south):
        for side in (north, south):
            declared = await side.up.plans.submit(plan(-121, "ALPHA"))
            area = await side.up.constraints.submit(plan(-122, "FIRE"))
            with disk_full(side):
                await asyncio.sleep(0.5)
                assert not (await side.up.plans.plan(declared.id)).coordinated
            assert (await side.settled(declared.id)).status is Status.COORDINATED
            assert (await side.area_settled(area.id)).status == "everywhere"
            assert not any(task.done() for task in side.up.upkeep._tasks)
            await side.up.plans.end(declared.id)
            with disk_full(side):
                await asyncio.sleep(0.3)
            assert (await side.settled(declared.id)).status is Status.ENDED


@only_sqlite
@pytest.mark.parametrize("seed", range(3))
async def test_a_disk_that_is_full_at_any_moment_leaves_no_plan_behind(
    tmp_path: Path, seed: int
) -> None:
    random = Random(seed)
    print("seed", seed)
    async with two(tmp_path) as (north, south):
        for i in range(8):
            side, at = random.choice((north, south)), (i * 100, i * 100 + 60)
            view = await side.up.plans.submit(plan(-121, "ALPHA", at=at))
            await asyncio.sleep(random.uniform(0.0, 0.02))
            with disk_full(random.choice((north, south))):
                await asyncio.sleep(random.uniform(0.0, 0.1))
            assert (await side.settled(view.id)).status is Status.COORDINATED
            assert not side.up.planner.newcomers._reopening


# ---- places that cannot be asked


@pytest.mark.parametrize(
    "url", [f"http://{'a' * 64}.example", "http://[::1", "http://a:99999999", "ftp://x", ""]
)
async def test_a_url_that_cannot_be_asked_is_a_peer_out_of_reach(tmp_path: Path, url: str) -> None:
    async with two(tmp_path) as (north, _):
        with pytest.raises(PeerError):
            await north.up.link.call("GET", f"{url}/uss/v1/x", scope="utm.strategic_coordination")


# ---- notifications that do not come


async def test_a_newcomer_that_only_the_sweep_finds_displaces_too(tmp_path: Path) -> None:
    """In a pool, a supplier of higher priority told nobody: the next sweep reopens the plan."""
    sky = make_sky(tmp_path, registers=[("north", True)], timers=OFTEN)
    async with outside(sky) as outsider, flying(sky):
        south = sky["south"]
        low = await south.declare(plan(-121, "LOW"))
        assert low.status is Status.COORDINATED
        high = await outsider.place(sky["north"], plan(-121).volumes, priority=1)
        displaced = await south.until(low.id, lambda v: v.status is Status.DISPLACED)
        assert [b.id for b in displaced.blockers] == [high]


async def test_in_a_pool_a_no_go_area_displaces_those_without_a_register_too(
    tmp_path: Path,
) -> None:
    async with two(tmp_path, registers=[("north", False)]) as (north, south):
        plan_south = await south.declare(plan(-121, "ALPHA"))
        assert plan_south.status is Status.COORDINATED
        area = await north.no_go(plan(-121, "FIRE"))
        displaced = await south.until(plan_south.id, lambda v: v.status is Status.DISPLACED)
        assert [b.id for b in displaced.blockers] == [area.id]


# ---- details that contradict the register


async def _rewrite(outsider: Outsider, holder: Side, entity: str, volumes: Volumes) -> Any:
    """Write an intent again, with the OVN that its details show; return the new reference."""
    ovn = outsider.details[entity]["operational_intent"]["reference"]["ovn"]
    params = wire.PutOperationalIntentReferenceParameters(
        extents=convert.volumes_to_wire(volumes),
        key=(),
        state="Accepted",  # type: ignore[arg-type]
        uss_base_url=outsider.url,
        new_subscription=wire.ImplicitSubscriptionParameters(uss_base_url=outsider.url),
    )
    path = f"{holder.party.url}/dss/v1/operational_intent_references/{entity}/{ovn}"
    answer = await outsider.ask("PUT", path, params)
    assert answer.status_code == 200, answer.text
    return answer.json()["operational_intent_reference"]


async def test_a_blocker_that_changed_and_whose_manager_is_silent_is_asked_for_with_pauses(
    tmp_path: Path,
) -> None:
    sky = make_sky(tmp_path, registers=[("north", True), ("south", False)])
    async with outside(sky) as outsider, flying(sky):
        north, south = sky["north"], sky["south"]
        entity = await outsider.place(north, plan(-121).volumes)
        first = await south.declare(plan(-121, "FIRST"))
        assert first.status is Status.REFUSED, first  # South knows it by now.
        reference = await _rewrite(outsider, north, entity, plan(-121, at=(300, 360)).volumes)
        good = outsider.details.pop(entity)
        asked = outsider.asked
        view = await south.up.plans.submit(plan(-121, "SECOND"))
        told = await south.until(view.id, lambda v: "no such entity" in (v.reason or ""))
        assert not told.coordinated
        await asyncio.sleep(1.0)
        assert outsider.asked - asked < 60
        good["operational_intent"]["reference"] = reference
        good["operational_intent"]["details"]["volumes"] = msgspec.to_builtins(
            convert.volumes_to_wire(plan(-121, at=(300, 360)).volumes)
        )
        outsider.details[entity] = good
        assert (await south.settled(view.id)).status is Status.COORDINATED


@pytest.mark.parametrize("party", ["north", "south"])
@pytest.mark.parametrize("field", ["ovn", "version"])
async def test_details_that_the_register_contradicts_stop_a_plan_with_the_reason_and_pauses(
    tmp_path: Path, party: str, field: str
) -> None:
    """An OVN that the register does not take, or a version it has not seen: whose word counts?"""
    sky = make_sky(
        tmp_path, registers=[("north", True), ("south", False)], hold_limit=timedelta(seconds=0.5)
    )
    async with outside(sky) as outsider, flying(sky):
        # Of lower priority: it does not block, but the key has to name it.
        entity = await outsider.place(sky["north"], plan(-121).volumes)
        good = outsider.details[entity]
        spoilt = msgspec.json.decode(msgspec.json.encode(good))
        spoilt["operational_intent"]["reference"]["ovn"] = "made-up-made-up-made-up"
        if field == "version":
            spoilt["operational_intent"]["reference"]["version"] = 1_000_000
        outsider.details[entity] = spoilt
        side = sky[party]
        view = await side.up.plans.submit(plan(-121, "ALPHA", priority=1))
        told = await side.until(view.id, lambda v: "does not take" in (v.reason or ""))
        assert not told.coordinated
        asked = outsider.asked
        await asyncio.sleep(1.0)
        assert outsider.asked - asked < 60
        outsider.details[entity] = good
        assert (await side.settled(view.id)).status is Status.COORDINATED


async def test_a_blocker_of_a_version_that_the_register_has_not_seen_blocks_all_the_same(
    tmp_path: Path,
) -> None:
    sky = make_sky(tmp_path, registers=[("north", True), ("south", False)])
    async with outside(sky) as outsider, flying(sky):
        entity = await outsider.place(sky["north"], plan(-121).volumes)
        outsider.details[entity]["operational_intent"]["reference"]["version"] = 1_000_000
        for party in ("south", "north"):
            view = await sky[party].declare(plan(-121, "ALPHA"))
            assert view.status is Status.REFUSED, view


# ---- who says what


async def test_a_change_asked_for_before_an_activation_leaves_the_plan_activated(
    tmp_path: Path,
) -> None:
    """Two officers: one's change was on its way while the other's activation went through."""
    async with two(tmp_path) as (north, _):
        view = await north.declare(plan(-121, "ALPHA"))
        before = north.up.planner.book.get(view.id)
        assert before is not None
        await north.up.plans.activate(view.id)
        await north.until(view.id, lambda v: v.state == "Activated" and v.status == "coordinated")
        later = plan(-121, "ALPHA", at=(10, 70))
        number = await north.up.store.write(
            lambda tx: north.up.planner.book.add_set(tx, view.id, later)
        )
        claim = replace(before.placement.want, parts=(number,))
        await north.up.plans._to(before, claim)
        changed = await north.until(view.id, lambda v: v.status is Status.COORDINATED)
        assert (changed.state, changed.time_start > view.time_start) == ("Activated", True)


async def test_whoever_claims_a_foreign_intent_first_is_not_believed_for_long(
    tmp_path: Path,
) -> None:
    async with two(tmp_path) as (north, south):
        view = await north.declare(plan(-121, "ALPHA"))
        airspace = south.up.planner.judging.airspace
        known = airspace.get("north", view.intent_id)
        assert known is not None
        airspace.put(replace(known, manager="drones"))
        await north.up.plans.change(view.id, plan(-121, "ALPHA", at=(10, 70)))

        async def manager() -> tuple[str, int]:
            now = airspace.get("north", view.intent_id)
            return ("", 0) if now is None else (now.manager, now.version)

        await until(manager, lambda m: m[0] == "north" and m[1] > known.version, 3.0)


async def test_details_of_a_hundred_thousand_volumes_are_not_read(tmp_path: Path) -> None:
    sky = make_sky(tmp_path, registers=[("north", True), ("south", False)])
    async with outside(sky) as outsider, flying(sky):
        entity = await outsider.place(sky["north"], plan(-121).volumes)
        good = outsider.details[entity]
        spoilt = msgspec.json.decode(msgspec.json.encode(good))
        spoilt["operational_intent"]["details"]["volumes"] *= 20_000
        outsider.details[entity] = msgspec.json.encode(spoilt)
        view = await sky["south"].up.plans.submit(plan(-121, "ALPHA"))
        told = await sky["south"].until(view.id, lambda v: "4000000 bytes" in (v.reason or ""))
        assert not told.coordinated


async def test_nobody_is_refused_by_a_memory(tmp_path: Path) -> None:
    """What was told of a plan's end never came: its record is asked for before it counts."""
    async with two(tmp_path) as (north, south):
        for side, other in ((south, north), (north, south)):
            airspace = side.up.planner.judging.airspace
            gone = await other.declare(plan(-121, "GONE"))

            async def where(entity: str = gone.intent_id, at: Airspace = airspace) -> int:
                return len(at.registers_of(entity))

            await until(where, lambda count: count == 2)
            records = [airspace.get(name, gone.intent_id) for name in ("north", "south")]
            await other.up.plans.end(gone.id)
            await until(where, lambda count: count == 0)
            for known in records:
                assert known is not None
                airspace.put(known)
            view = await side.declare(plan(-121, "ALPHA"))
            assert view.status is Status.COORDINATED, view.reason
            assert await where() == 0
            await side.up.plans.end(view.id)
            await side.settled(view.id)

"""No-go areas on two nodes: everywhere or not yet, and what they do to plans."""

import asyncio

import msgspec
import pytest
from sky import Side, plan, until

from tansiq.errors import NotFound, StateConflict, WrongState
from tansiq.services.views import Status
from tansiq.storage.constraints import Constraints

pytestmark = pytest.mark.anyio
Pair = tuple[Side, Side]


async def _stands(side: Side, constraint_id: str) -> bool:
    return await side.up.store.read(lambda tx: Constraints(tx).get(constraint_id)) is not None


async def test_a_no_go_area_stands_in_every_register_until_it_is_lifted(
    pair: Pair, lat: float
) -> None:
    for owner in pair:
        view = await owner.no_go(plan(-121, "FIRE", lat=lat))
        assert view.status == "everywhere"
        assert [r.holds for r in view.registers] == ["current", "current"]
        assert [await _stands(side, view.id) for side in pair] == [True, True]
        await owner.up.constraints.end(view.id)
        lifted = await owner.area_settled(view.id)
        assert lifted.status == "ended"
        assert (await owner.up.constraints.end(view.id)).status == "ended"
        assert [await _stands(side, view.id) for side in pair] == [False, False]
        assert view.id not in [v.id for v in await owner.up.constraints.list(ended=False)]
        with pytest.raises(WrongState, match="lifted"):
            await owner.up.constraints.change(view.id, plan(-121, "FIRE", lat=lat))
        with pytest.raises(StateConflict):
            await owner.up.constraints.submit(plan(-121, "FIRE", lat=lat, plan_id=view.id))
    with pytest.raises(NotFound):
        await owner.up.constraints.get("00000000-0000-4000-8000-000000000000")


async def test_it_keeps_new_plans_of_both_sides_out_with_the_reason(pair: Pair, lat: float) -> None:
    north, south = pair
    area = await south.no_go(plan(-121, "FIRE", lat=lat))
    for side in pair:
        # 0.3 km from its edge: within the minimum of 1 km.
        view = await side.declare(plan(-121 + 4.3 / 86.8, "ALPHA", lat=lat, priority=9))
        assert view.status is Status.REFUSED
        assert (view.reason or "").startswith("blocked by FIRE of South")
        assert [(b.id, b.kind) for b in view.blockers] == [(area.id, "constraint")]
        for alternative in (a for a in view.alternatives if a.kind == "delay"):
            await side.up.plans.shift(view.id, delay_s=alternative.delay_s, up_m=alternative.up_m)
            assert (await side.settled(view.id)).status is Status.COORDINATED
            await side.up.plans.end(view.id)
            await side.settled(view.id)
            break
    await south.up.constraints.end(area.id)
    await south.area_settled(area.id)
    for side in pair:
        beside = plan(-121 if side is north else -122, "ALPHA", lat=lat)
        assert (await side.declare(beside)).status is Status.COORDINATED


@pytest.mark.parametrize("gate_owns", [True, False])
async def test_plans_in_it_are_displaced_on_both_sides(
    pair: Pair, lat: float, gate_owns: bool
) -> None:
    owner, other = pair if gate_owns else pair[::-1]
    own = await owner.declare(plan(-121, "OWN", lat=lat))
    theirs = await other.declare(plan(-121, "THEIRS", lat=lat, band=(1_000, 1_300)))
    clear = await other.declare(plan(-121, "CLEAR", lat=lat, at=(90, 100)))
    area = await owner.no_go(plan(-121, "FIRE", lat=lat, band=(500, 1_300)))
    for side, view in ((owner, own), (other, theirs)):
        displaced = await side.until(view.id, lambda v: v.status is Status.DISPLACED)
        assert (displaced.reason or "").startswith("displaced: blocked by FIRE of ")
        assert [b.id for b in displaced.blockers] == [area.id]
    assert (await other.settled(clear.id)).status is Status.COORDINATED
    # It is moved away. A displaced plan stays so until its desk asks again.
    await owner.up.constraints.change(area.id, plan(-121, "FIRE", lat=lat, band=(4_000, 4_100)))
    assert (await owner.area_settled(area.id)).status == "everywhere"
    for side, view in ((owner, own), (other, theirs)):
        draft = plan(-121, view.callsign, lat=lat, at=(0, 50),
                     band=(500, 800) if side is owner else (1_000, 1_300))  # fmt: skip
        await side.up.plans.change(view.id, draft)
        await side.until(view.id, lambda v: v.status is Status.COORDINATED)


async def test_a_change_to_another_place_reaches_every_register(pair: Pair, lat: float) -> None:
    north, south = pair
    area = await north.no_go(plan(-121, "FIRE", lat=lat))
    await north.up.constraints.change(area.id, plan(-122, "FIRE", lat=lat))
    assert (await north.area_settled(area.id)).status == "everywhere"
    assert (await south.declare(plan(-121, "ALPHA", lat=lat))).status is Status.COORDINATED
    assert (await south.declare(plan(-122, "BRAVO", lat=lat))).status is Status.REFUSED
    # The same again changes nothing; while one change spreads, another may follow.
    same = await north.up.constraints.change(area.id, plan(-122, "FIRE", lat=lat))
    assert same.status == "everywhere"
    for i in range(5):
        await north.up.constraints.change(area.id, plan(-122, "FIRE", lat=lat, at=(i, 60)))
    settled = await north.area_settled(area.id)
    assert settled.status == "everywhere"
    row = await south.up.store.read(lambda tx: Constraints(tx).get(area.id))
    assert row is not None
    assert [r.holds for r in settled.registers] == ["current", "current"]


async def test_lifted_at_any_moment_of_its_spreading_it_stands_nowhere(
    pair: Pair, lat: float
) -> None:
    for turns in range(0, 40, 4):
        owner = pair[turns // 4 % 2]
        view = await owner.up.constraints.submit(plan(-123, "FIRE", lat=lat))
        for _ in range(turns):
            await asyncio.sleep(0)
        await owner.up.constraints.end(view.id)
        ended = await owner.area_settled(view.id)
        assert ended.status == "ended"
        assert [await _stands(side, view.id) for side in pair] == [False, False]
        await owner.up.constraints._tasks[view.id]  # Whatever was still to be sent.
        assert [await _stands(side, view.id) for side in pair] == [False, False]
        said = [event for event in await owner.up.events.after(0, 10_000) if event.id == view.id]
        statuses = [msgspec.json.decode(event.body)["status"] for event in said]
        assert statuses.index("ended") == len(statuses) - 1, "it was ended, and then was not"


async def test_not_everywhere_yet_while_a_register_is_down(pair: Pair, lat: float) -> None:
    north, south = pair
    await south.deafen()
    try:
        view = await north.up.constraints.submit(plan(-121, "FIRE", lat=lat))
        waiting = await until(
            lambda: north.up.constraints.get(view.id),
            lambda v: v.registers[0].holds == "current" and v.registers[1].problem is not None,
        )
        assert waiting.status == "not everywhere yet"
        assert waiting.registers[1].holds in ("nothing", "unknown")
        assert [await _stands(side, view.id) for side in pair] == [True, False]
    finally:
        await south.listen()
    settled = await north.area_settled(view.id)
    assert settled.status == "everywhere"
    assert [r.problem for r in settled.registers] == [None, None]
    assert await _stands(south, view.id)
    refused = await south.declare(plan(-121, "ALPHA", lat=lat))
    assert refused.status is Status.REFUSED


async def test_displaced_at_the_reachable_side_at_once_and_at_the_other_when_it_is_back(
    pair: Pair, lat: float
) -> None:
    north, south = pair
    near = await north.declare(plan(-121, "NEAR", lat=lat))
    far = await south.declare(plan(-122, "FAR", lat=lat))
    await south.deafen()
    try:
        await north.up.constraints.submit(plan(-121, "FIRE", lat=lat))
        await north.up.constraints.submit(plan(-122, "FLOOD", lat=lat))
        await north.until(near.id, lambda v: v.status is Status.DISPLACED)
        assert (await south.settled(far.id)).status is Status.COORDINATED
    finally:
        await south.listen()
    await south.until(far.id, lambda v: v.status is Status.DISPLACED)

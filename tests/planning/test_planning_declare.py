"""Declaring plans on two nodes: coordinated, refused, alternatives, and what people are shown."""

import asyncio
import json
import re
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from sky import NOON, Side, plan, plan_of, volume

from tansiq.domain.draft import Datum, PlanDraft, StatedBand, StatedGround, Units
from tansiq.domain.time import zulu
from tansiq.domain.volume import Volume4D
from tansiq.engine.sideways import Aside
from tansiq.errors import BadInput, NotFound, StateConflict
from tansiq.services.views import PlanView, Status
from tansiq.storage.intents import Intents

pytestmark = pytest.mark.anyio
Pair = tuple[Side, Side]


async def _stands(side: Side, view: PlanView) -> bool:
    """Report whether a side's register holds the plan's entity."""
    return await side.up.store.read(lambda tx: Intents(tx).get(view.intent_id)) is not None


async def test_a_free_plan_is_coordinated_in_every_register(pair: Pair, lat: float) -> None:
    north, south = pair
    for side in pair:
        view = await side.declare(plan(-121 if side is north else -122, "ALPHA", lat=lat))
        assert view.status is Status.COORDINATED
        assert view.coordinated
        assert [(r.id, r.holds) for r in view.registers] == [
            ("north", "current"),
            ("south", "current"),
        ]
        assert await _stands(north, view)
        assert await _stands(south, view)
        assert (view.reason, view.blockers, view.alternatives) == (None, (), ())


async def test_a_blocked_plan_gets_the_reason_in_one_sentence(pair: Pair, lat: float) -> None:
    north, south = pair
    first = await north.declare(plan(-121, "OSPREY-2", lat=lat))
    # 4.4 km between the discs' edges of 2 km each leaves 0.3 km: 0.7 km inside the minimum.
    second = await south.declare(
        plan(-121 + 4.3 / 86.8, "BRAVO", lat=lat, at=(40, 100), band=(700, 900))
    )
    assert second.status is Status.REFUSED
    assert not second.coordinated
    assert second.reason is not None
    start, end = (NOON + timedelta(minutes=m) for m in (40, 60))
    assert re.fullmatch(
        r"blocked by OSPREY-2 of North: same block 700-800 m W84, "
        rf"{start:%H:%M}Z-{end:%H:%M}Z, \d+ m inside the 1 km minimum",
        second.reason,
    ), second.reason
    (blocker,) = second.blockers
    assert (blocker.id, blocker.manager, blocker.kind) == (first.intent_id, "north", "intent")
    assert blocker.vertical_m == blocker.time_s == 0
    assert 0 < blocker.horizontal_m < 1_000
    # Nothing starts earlier without meeting it from the other side; both levels are free.
    kinds = [a.kind for a in second.alternatives]
    assert {"delay", "level", "sideways"} <= set(kinds)
    assert [a.cost for a in second.alternatives] == sorted(a.cost for a in second.alternatives)
    assert 0.0 < blocker.margin < 1.0
    assert blocker.least == "horizontal"
    assert abs(blocker.lat_deg - lat) < 0.1
    assert blocker.time_start == zulu(start)
    assert (blocker.altitude_m_min, blocker.altitude_m_max) == (700.0, 800.0)
    assert second.no_slot is None
    assert not await _stands(north, second)
    assert not await _stands(south, second)


@pytest.mark.parametrize("kind", ["delay", "level"])
@pytest.mark.parametrize("gate_first", [True, False])
async def test_an_alternative_that_is_taken_coordinates_and_the_next_smaller_does_not(
    pair: Pair, lat: float, kind: str, gate_first: bool
) -> None:
    first, second = pair if gate_first else pair[::-1]
    await first.declare(plan(-121, "ALPHA", lat=lat))
    refused = await second.declare(plan(-121, "BRAVO", lat=lat, at=(30, 90)))
    chosen = next(a for a in refused.alternatives if a.kind == kind)
    by = (chosen.delay_s - 1, 0.0) if kind == "delay" else (0, chosen.up_m - 300.0)
    await second.up.plans.shift(refused.id, delay_s=by[0], up_m=by[1])
    again = await second.settled(refused.id)
    assert again.status is Status.REFUSED, "the alternative was not the smallest"
    rest = 1 if kind == "delay" else 0, 0.0 if kind == "delay" else 300.0
    await second.up.plans.shift(refused.id, delay_s=rest[0], up_m=rest[1])
    moved = await second.settled(refused.id)
    assert moved.status is Status.COORDINATED, moved.reason
    assert moved.id == refused.id
    assert moved.reason is None


@pytest.mark.parametrize("kind", ["advance", "sideways"])
async def test_an_alternative_to_the_other_side_of_time_or_aside_coordinates_too(
    pair: Pair, lat: float, kind: str
) -> None:
    first, second = pair
    await first.declare(plan(-121, "ALPHA", lat=lat, at=(60, 120)))
    refused = await second.declare(plan(-121, "BRAVO", lat=lat, at=(50, 65)))
    chosen = next(a for a in refused.alternatives if a.kind == kind)
    aside = Aside.of(chosen.north_m, chosen.east_m) if kind == "sideways" else None
    assert (chosen.delay_s < 0) == (kind == "advance")
    await second.up.plans.shift(refused.id, delay_s=chosen.delay_s, up_m=chosen.up_m, aside=aside)
    moved = await second.settled(refused.id)
    assert moved.status is Status.COORDINATED, moved.reason
    await second.up.plans.end(moved.id)  # It may have moved to where the next test is.
    await second.settled(moved.id)


async def test_a_plan_above_the_ground_is_not_offered_what_lies_elsewhere_or_below_the_ground(
    pair: Pair, lat: float
) -> None:
    """The ground was given where the plan is; 2 km on there may be a hill."""
    first, second = pair
    await first.declare(plan(-121, "ALPHA", lat=lat, band=(650.0, 700.0)))
    ground = StatedGround(lowest_m=600.0, highest_m=600.0, datum=Datum.W84)
    band = StatedBand(lower=50.0, upper=100.0, units=Units.M, datum=Datum.AGL, ground=ground)
    low = plan(-121, "BRAVO", lat=lat, at=(30, 90), band=(650.0, 700.0))
    refused = await second.declare(replace(low, stated=(band,)))
    assert refused.status is Status.REFUSED
    assert {a.kind for a in refused.alternatives} >= {"delay", "level"}
    assert all(a.up_m >= 0.0 and not a.north_m for a in refused.alternatives)
    assert all(not a.east_m for a in refused.alternatives)
    with pytest.raises(BadInput, match="above the ground"):
        await second.up.plans.shift(refused.id, delay_s=0, up_m=0.0, aside=Aside.of(0.0, 5_000.0))
    # In metres of the ellipsoid nobody has said where the ground is.
    plain = await second.declare(low)
    assert any(a.up_m < 0.0 for a in plain.alternatives)
    assert any(a.north_m or a.east_m for a in plain.alternatives)


async def test_what_the_one_plan_in_the_way_could_do_is_said_too_and_would_help(
    pair: Pair, lat: float
) -> None:
    north, south = pair
    alpha = await north.declare(plan(-121, "ALPHA", lat=lat))
    draft = plan(-121, "BRAVO", lat=lat, at=(30, 90))
    refused = await south.declare(draft)
    assert refused.theirs
    for one in refused.theirs:
        assert one.sentence.startswith("ALPHA of North: ")
    level = next(one for one in refused.theirs if one.kind == "level")
    await north.up.plans.shift(alpha.id, delay_s=0, up_m=level.up_m)
    assert (await north.settled(alpha.id)).status is Status.COORDINATED
    await south.up.plans.change(refused.id, draft)
    assert (await south.settled(refused.id)).status is Status.COORDINATED


async def test_several_in_the_way_or_one_in_the_air_are_not_asked_to_move(
    pair: Pair, lat: float
) -> None:
    north, south = pair
    alpha = await north.declare(plan(-121, "ALPHA", lat=lat))
    charlie = await north.declare(plan(-121, "CHARLIE", lat=lat, band=(1_500.0, 1_600.0)))
    draft = plan(-121, "BRAVO", lat=lat, band=(700.0, 1_550.0))
    refused = await south.declare(draft)
    assert len(refused.blockers) == 2
    assert refused.theirs == ()
    await north.up.plans.end(charlie.id)
    await north.settled(charlie.id)
    await north.up.plans.activate(alpha.id)
    await north.settled(alpha.id)
    await south.up.plans.change(refused.id, draft)
    again = await south.settled(refused.id)
    assert [b.name for b in again.blockers] == ["ALPHA"]
    assert again.theirs == ()


async def test_where_nothing_is_free_that_is_said_with_the_first_free_time(
    pair: Pair, lat: float
) -> None:
    """A no-go area over all levels and the next ten hours; six hours may be proposed."""
    north, south = pair
    fire = await north.no_go(
        plan(-121, "FIRE", lat=lat, at=(-240, 600), band=(-1_000.0, 20_000.0), radius_m=20_000.0)
    )
    refused = await south.declare(plan(-121, "BRAVO", lat=lat))
    assert refused.alternatives == ()
    assert refused.no_slot is not None
    first = zulu(NOON + timedelta(minutes=601, seconds=1))
    assert refused.no_slot.startswith("no free slot within 360 min later, ")
    assert refused.no_slot.endswith(f"first free time at the present levels {first}")
    await north.up.constraints.end(fire.id)
    await north.up.constraints.settled(fire.id, 10.0)


async def test_a_refused_plan_may_be_asked_for_again_as_it_was(pair: Pair, lat: float) -> None:
    north, south = pair
    first = await north.declare(plan(-121, lat=lat))
    draft = plan(-121, "BRAVO", lat=lat)
    refused = await south.declare(draft)
    assert refused.status is Status.REFUSED
    await south.up.plans.change(refused.id, draft)
    assert (await south.settled(refused.id)).status is Status.REFUSED
    await north.up.plans.end(first.id)
    await north.settled(first.id)
    await south.up.plans.change(refused.id, draft)
    assert (await south.settled(refused.id)).status is Status.COORDINATED


async def test_a_refused_plan_may_be_changed_in_priority_alone(pair: Pair, lat: float) -> None:
    north, south = pair
    await north.declare(plan(-121, "ALPHA", lat=lat))
    refused = await south.declare(plan(-121, "BRAVO", lat=lat))
    await south.up.plans.change(refused.id, plan(-121, "BRAVO", lat=lat, priority=1))
    view = await south.settled(refused.id)
    assert (view.status, view.priority) == (Status.COORDINATED, 1)


async def test_no_entity_id_that_stood_in_a_register_is_used_again(pair: Pair, lat: float) -> None:
    """Readers cache details by id and version, and a new entity begins at version 1."""
    north, south = pair
    used = set()
    view = await south.declare(plan(-121, "BRAVO", lat=lat))
    for attempt in range(3):
        assert view.intent_id not in used
        used.add(view.intent_id)
        await south.up.plans.end(view.id)
        assert (await south.settled(view.id)).status is Status.ENDED
        view = await south.declare(plan(-121, "BRAVO", lat=lat, at=(attempt, 60)))
        assert view.status is Status.COORDINATED
    assert not any([await _stands(north, view) for view in await south.up.plans.plans(ended=True)
                    if view.status is Status.ENDED])  # fmt: skip


async def test_a_known_id_is_refused_also_after_the_plan_ended(pair: Pair, lat: float) -> None:
    north, _ = pair
    name = str(uuid4())
    await north.declare(plan(-121, "ALPHA", lat=lat, plan_id=name))
    with pytest.raises(StateConflict, match="here already"):
        await north.up.plans.submit(plan(-121, "ALPHA", lat=lat, plan_id=name))
    await north.up.plans.end(name)
    await north.settled(name)
    with pytest.raises(StateConflict, match="here already"):
        await north.up.plans.submit(plan(-121, "ALPHA", lat=lat, plan_id=name))


async def test_two_requests_with_one_id_make_one_plan(pair: Pair, lat: float) -> None:
    north, _ = pair
    draft = plan(-121, "ALPHA", lat=lat, plan_id=str(uuid4()))
    results = await asyncio.gather(
        *(north.up.plans.submit(draft) for _ in range(5)), return_exceptions=True
    )
    assert sum(isinstance(r, PlanView) for r in results) == 1
    assert sum(isinstance(r, StateConflict) for r in results) == 4


async def test_a_dry_run_judges_and_writes_nothing(pair: Pair, lat: float) -> None:
    north, south = pair
    await north.declare(plan(-121, "ALPHA", lat=lat))
    south_plans = len(await south.up.plans.plans(ended=True))
    seq = await south.up.events.bounds()
    blocked = await south.up.plans.preview(plan(-121, "BRAVO", lat=lat))
    assert blocked.status is Status.REFUSED
    assert "blocked by ALPHA of North" in (blocked.reason or "")
    assert blocked.alternatives
    free = await south.up.plans.preview(plan(-122, "BRAVO", lat=lat))
    assert (free.status, free.reason) == (Status.UNCOORDINATED, None)
    assert len(await south.up.plans.plans(ended=True)) == south_plans
    assert await south.up.events.bounds() == seq
    with pytest.raises(NotFound):
        await south.up.plans.plan(free.id)


async def test_the_view_shows_altitudes_as_they_were_given(pair: Pair, lat: float) -> None:
    north, _ = pair
    draft = plan(-121, "ALPHA", lat=lat, band=(500.0, 803.5))
    stated = StatedBand(lower=1_640, upper=2_636, units=Units.FT, datum=Datum.AMSL)
    view = await north.declare(replace(draft, stated=(stated,)))
    (shown,) = json.loads(bytes(view.stated))
    assert (shown["lower"], shown["upper"]) == (1_640, 2_636)
    assert shown["text"] == "1,640-2,636 ft AMSL"
    assert (view.altitude_m_min, view.altitude_m_max) == (500.0, 803.5)
    (placed,) = json.loads(bytes(view.volumes))
    assert placed["volume"]["altitude_lower"] == {"value": 500.0, "reference": "W84", "units": "M"}
    assert placed["time_start"]["value"] == view.time_start == zulu(NOON)


# ---- limits


def _shifted(draft: PlanDraft, by: timedelta) -> PlanDraft:
    moved: list[Volume4D] = [v.shifted(by=by) for v in draft.volumes]
    return replace(draft, volumes=tuple(moved))


async def test_a_past_end_is_refused_and_the_next_moment_is_not(pair: Pair, lat: float) -> None:
    north, _ = pair
    draft = plan(-121, lat=lat)
    ended = draft.volumes[0].time.end - (NOON - timedelta(hours=4))
    with pytest.raises(BadInput, match="has passed") as error:
        await north.up.plans.submit(_shifted(draft, -ended))
    assert error.value.field == "end"
    soon = NOON - timedelta(hours=1)
    view = await north.declare(_shifted(draft, soon - draft.volumes[0].time.end))
    assert view.status is Status.COORDINATED


async def test_what_is_too_far_ahead_too_large_or_outside_is_refused(
    pair: Pair, lat: float
) -> None:
    north, _ = pair
    submit = north.up.plans.submit
    with pytest.raises(BadInput, match="more than 30 days ahead"):
        await submit(_shifted(plan(-121, lat=lat), timedelta(days=30)))
    with pytest.raises(BadInput, match="leaves the area") as error:
        await submit(plan_of((volume(-121, lat=lat), volume(-124, lat=lat))))
    assert error.value.field == "volumes[1]"
    with pytest.raises(BadInput, match=r"allows 2,500 km2"):
        await submit(plan(-121, lat=39, radius_m=28_300.0))
    large = await north.declare(plan(-121, lat=39, radius_m=28_150.0, band=(9_000, 9_100)))
    assert large.status is Status.COORDINATED


async def test_a_plan_up_to_the_edge_of_the_area_is_coordinated(pair: Pair) -> None:
    """Its enlargement leaves the area; the registers take it all the same."""
    view = await pair[1].declare(plan(-123.97, "EDGE", lat=40, radius_m=2_500.0))
    assert view.status is Status.COORDINATED, view.reason

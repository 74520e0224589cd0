"""Plans of different priority: the higher one takes the place, and the lower one is told."""

import asyncio
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest
from sky import NOON, ShiftedClock, Side, flying, make_sky, plan

from tansiq.errors import WrongState
from tansiq.services.views import Status

pytestmark = pytest.mark.anyio
Pair = tuple[Side, Side]


@pytest.mark.parametrize("gate_is_lower", [True, False])
async def test_a_higher_plan_displaces_a_lower_one_which_is_told_why(
    pair: Pair, lat: float, gate_is_lower: bool
) -> None:
    lower, higher = pair if gate_is_lower else pair[::-1]
    low = await lower.declare(plan(-121, "LOW", lat=lat))
    high = await higher.declare(plan(-121, "HIGH", lat=lat, at=(30, 90), priority=1))
    assert high.status is Status.COORDINATED
    displaced = await lower.until(low.id, lambda v: v.status is Status.DISPLACED)
    assert not displaced.coordinated
    assert displaced.reason is not None
    assert displaced.reason.startswith("displaced: blocked by HIGH of ")
    assert [b.id for b in displaced.blockers] == [high.intent_id]
    with pytest.raises(WrongState, match="displaced"):
        await lower.up.plans.activate(low.id)
    # It stands in the registers still: an equal newcomer is kept out of its free part.
    third = await higher.declare(plan(-121, "THIRD", lat=lat, at=(0, 20)))
    assert third.status is Status.REFUSED
    # A shift that clears the higher one makes it coordinated again.
    (delay,) = (a for a in displaced.alternatives if a.kind == "delay")
    await lower.up.plans.shift(low.id, delay_s=delay.delay_s, up_m=0.0)
    shifted = await lower.until(low.id, lambda v: v.status is Status.COORDINATED)
    assert (shifted.reason, shifted.id, shifted.intent_id) == (None, low.id, low.intent_id)


async def test_a_flying_plan_that_is_displaced_is_offered_no_other_times(tmp_path: Path) -> None:
    """Its aircraft is in the air: it can climb, not start later."""
    sky, clock = make_sky(tmp_path), ShiftedClock()
    for side in sky.sides.values():
        side.clock = clock
    async with flying(sky):
        lower, higher = sky["north"], sky["south"]
        low = await lower.declare(plan(-121, "LOW"))
        await lower.up.plans.activate(low.id)
        await lower.until(low.id, lambda v: v.coordinated and v.state == "Activated")
        clock.ahead = NOON + timedelta(minutes=1) - clock.now()
        await higher.declare(plan(-121, "HIGH", at=(30, 90), priority=1))
        displaced = await lower.until(low.id, lambda v: v.status is Status.DISPLACED)
        assert {a.delay_s for a in displaced.alternatives} == {0}
        level = next(a for a in displaced.alternatives if a.kind == "level")
        assert level.sentence.endswith("at the same time")
        await lower.up.plans.shift(low.id, delay_s=0, up_m=level.up_m)
        clear = await lower.until(low.id, lambda v: v.status is Status.COORDINATED)
        assert clear.state == "Activated"


async def test_a_displaced_plan_that_does_not_clear_wholly_stays_displaced(
    pair: Pair, lat: float
) -> None:
    lower, higher = pair
    low = await lower.declare(plan(-121, "LOW", lat=lat))
    await higher.declare(plan(-121, "HIGH", lat=lat, at=(30, 90), priority=1))
    await lower.until(low.id, lambda v: v.status is Status.DISPLACED)
    await lower.up.plans.shift(low.id, delay_s=60, up_m=0.0)
    again = await lower.until(low.id, lambda v: (v.reason or "").startswith("change refused"))
    assert again.status is Status.DISPLACED
    await lower.up.plans.end(low.id)
    assert (await lower.settled(low.id)).status is Status.ENDED


@pytest.mark.parametrize("gate_is_lower", [True, False])
async def test_a_lower_plan_is_refused_by_a_higher_one(
    pair: Pair, lat: float, gate_is_lower: bool
) -> None:
    lower, higher = pair if gate_is_lower else pair[::-1]
    await higher.declare(plan(-121, "HIGH", lat=lat, priority=3))
    low = await lower.declare(plan(-121, "LOW", lat=lat, priority=2))
    assert low.status is Status.REFUSED
    assert "blocked by HIGH" in (low.reason or "")


async def test_an_own_higher_plan_displaces_an_own_lower_one(pair: Pair, lat: float) -> None:
    for side in pair:
        lng = -121 if side is pair[0] else -122
        low = await side.declare(plan(lng, "LOW", lat=lat))
        high = await side.declare(plan(lng, "HIGH", lat=lat, priority=1))
        assert high.status is Status.COORDINATED
        displaced = await side.until(low.id, lambda v: v.status is Status.DISPLACED)
        assert "blocked by HIGH" in (displaced.reason or "")


@pytest.mark.parametrize(
    ("seed", "rounds"),
    [(0, 12), (1, 12), *(pytest.param(seed, 25, marks=pytest.mark.soak) for seed in range(2, 6))],
)
async def test_a_lower_plan_is_never_shown_coordinated_after_a_higher_one_is(
    pair: Pair, seed: int, rounds: int
) -> None:
    """Rounds at random moments and from both sides, watched all the time."""
    random = Random(seed)
    print("seed", seed)
    ends = dict.fromkeys(Status, 0)
    for i in range(rounds):
        lower, higher = pair if random.random() < 0.5 else pair[::-1]
        if random.random() < 0.2:
            lower = higher
        at = (seed * 1_000 + i * 20, seed * 1_000 + i * 20 + 5)
        low = await lower.up.plans.submit(plan(-123, "LOW", lat=36.5, at=at))
        watching = asyncio.Event()

        name = f"HIGH-{seed}-{i}"
        watcher = asyncio.create_task(_never_both(pair, name, (lower, low.id), watching))
        await asyncio.sleep(random.uniform(0.0, 0.02))
        high = await higher.declare(plan(-123, name, lat=36.5, at=at, priority=1))
        assert high.status is Status.COORDINATED, high
        final = await lower.settled(low.id)
        assert final.status in (Status.DISPLACED, Status.REFUSED), final
        ends[final.status] += 1
        watching.set()
        assert await watcher > 5
    print({status.value: n for status, n in ends.items() if n})


async def _never_both(pair: Pair, name: str, low: tuple[Side, str], done: asyncio.Event) -> int:
    """Look again and again until ``done``; return how often."""
    looks = 0
    while not done.is_set():
        # The higher one first: between two looks it could only become coordinated.
        plans = [(s, p) for s in pair for p in s.up.planner.book.living() if p.callsign == name]
        above = [(await side.up.plans.plan(found.id)).coordinated for side, found in plans]
        below = await low[0].up.plans.plan(low[1])
        assert not (any(above) and below.coordinated), below
        looks += 1
        await asyncio.sleep(0.0005)
    return looks


async def test_where_equals_may_conflict_both_are_coordinated(tmp_path: Path) -> None:
    sky = make_sky(tmp_path, equal_priority_blocks=False)
    async with flying(sky):
        north, south = sky["north"], sky["south"]
        one = await north.declare(plan(-121, "ALPHA"))
        two = await south.declare(plan(-121, "BRAVO"))
        assert (one.status, two.status) == (Status.COORDINATED, Status.COORDINATED)
        higher = await south.declare(plan(-121, "HIGH", priority=1))
        assert higher.status is Status.COORDINATED
        for side, view in ((north, one), (south, two)):
            await side.until(view.id, lambda v: v.status is Status.DISPLACED)
        assert (await north.declare(plan(-121, "LOW"))).status is Status.REFUSED

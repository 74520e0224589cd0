"""A plan that stands: changed, activated, ended, and what its readers are served meanwhile."""

import asyncio
from datetime import timedelta

import pytest
from sky import NOON, Side, plan, plan_of, until, volume

from tansiq.domain.time import from_micros, zulu
from tansiq.domain.volume import time_bounds
from tansiq.errors import BadInput, NotFound, WrongState
from tansiq.f3548 import codec, convert, wire
from tansiq.peers.register_client import STRATEGIC
from tansiq.services.views import PlanView, Status
from tansiq.storage.intents import IntentRow, Intents

pytestmark = pytest.mark.anyio
Pair = tuple[Side, Side]


async def row(side: Side, intent_id: str) -> IntentRow | None:
    """Return what a side's register holds."""
    return await side.up.store.read(lambda tx: Intents(tx).get(intent_id))


async def served(
    reader: Side, owner: Side, register: str, intent_id: str
) -> wire.OperationalIntent | None:
    """Ask an owner for details as a reader of that register would."""
    url = f"{owner.party.url}/at/{register}/uss/v1/operational_intents/{intent_id}"
    answer = await reader.up.link.call("GET", url, scope=STRATEGIC)
    if answer.status == 404:
        return None
    assert answer.status == 200, answer
    kind = wire.GetOperationalIntentDetailsResponse
    return codec.decode(answer.body, kind, bytes_max=10**6).operational_intent


async def test_a_change_gives_the_old_place_back_and_takes_the_new_one(
    pair: Pair, lat: float
) -> None:
    north, south = pair
    view = await north.declare(plan(-121, "ALPHA", lat=lat))
    await north.up.plans.change(view.id, plan(-121, "ALPHA", lat=lat, at=(90, 150)))
    changed = await north.settled(view.id)
    assert (changed.status, changed.intent_id) == (Status.COORDINATED, view.intent_id)
    assert changed.time_start == zulu(NOON + timedelta(minutes=90))
    # It is coordinated as soon as it has the new place; the old one is given back after that.
    await north.until(view.id, _held_by_all)
    assert (await south.declare(plan(-121, "BRAVO", lat=lat))).status is Status.COORDINATED
    late = await south.declare(plan(-121, "CHARLIE", lat=lat, at=(100, 110)))
    assert late.status is Status.REFUSED
    for side in pair:
        held = await row(side, view.intent_id)
        assert held is not None
        # Half of the minimum of 60 s, rounded outwards by a microsecond.
        start = from_micros(held.time_start) - NOON - timedelta(minutes=90)
        assert start == timedelta(seconds=-30, microseconds=-1)


async def test_the_same_change_twice_is_as_good_as_once(pair: Pair, lat: float) -> None:
    north, _ = pair
    view = await north.declare(plan(-121, "ALPHA", lat=lat))
    new = plan(-121, "ALPHA", lat=lat, at=(10, 70))
    await north.up.plans.change(view.id, new)
    await north.up.plans.change(view.id, new)
    changed = await north.until(
        view.id, lambda v: v.time_start != view.time_start and _held_by_all(v)
    )
    held = await row(north, view.intent_id)
    await north.up.plans.change(view.id, new)
    assert await north.settled(view.id) == changed
    assert await row(north, view.intent_id) == held


async def test_at_each_moment_the_served_ovn_goes_with_the_volumes_written_under_it(
    pair: Pair, lat: float
) -> None:
    north, south = pair
    view = await north.declare(plan(-121, "ALPHA", lat=lat))
    done = asyncio.Event()
    compared = dict.fromkeys(("north", "south"), 0)
    spans = set()

    async def compare(holder: Side) -> None:
        register = holder.party.id
        while not done.is_set():
            before = await row(holder, view.intent_id)
            shown = await served(south, north, register, view.intent_id)
            after = await row(holder, view.intent_id)
            assert before is not None
            if shown is None or after is None or shown.reference.ovn not in (before.ovn, after.ovn):
                continue
            held = before if before.ovn == shown.reference.ovn else after
            assert shown.reference.version == held.version
            volumes = convert.volumes_to_domain(shown.details.volumes or (), "volumes")
            span = time_bounds(volumes)
            half = timedelta(seconds=30, microseconds=1)
            assert from_micros(held.time_start) == span.start - half
            assert from_micros(held.time_end) == span.end + half
            spans.add(span)
            compared[register] += 1

    comparing = [asyncio.create_task(compare(side)) for side in pair]
    for i in range(8):
        at = (90, 150) if i % 2 == 0 else (0, 60)
        await north.up.plans.change(view.id, plan(-121, "ALPHA", lat=lat, at=at))
        assert (await north.settled(view.id)).status is Status.COORDINATED
        await until(lambda: north.up.plans.plan(view.id), _held_by_all)
    done.set()
    await asyncio.gather(*comparing)
    print("compared", compared, "spans", len(spans))
    assert min(compared.values()) >= 20
    assert len(spans) == 3, "old, new and the union of both"


def _held_by_all(view: PlanView) -> bool:
    return all(register.holds == "current" for register in view.registers)


async def test_a_blocked_change_keeps_the_old_place_and_says_why(pair: Pair, lat: float) -> None:
    for owner, other in (pair, pair[::-1]):
        lng = -121 if owner is pair[0] else -122
        await other.declare(plan(lng, "WALL", lat=lat, at=(90, 150)))
        view = await owner.declare(plan(lng, "ALPHA", lat=lat))
        await owner.up.plans.change(view.id, plan(lng, "ALPHA", lat=lat, at=(80, 100)))
        kept = await owner.until(view.id, lambda v: v.reason is not None and _held_by_all(v))
        assert kept.status is Status.COORDINATED
        assert (kept.time_start, kept.time_end) == (view.time_start, view.time_end)
        assert (kept.reason or "").startswith(
            f"change refused, old volumes kept: blocked by WALL of {other.party.names['en']}"
        )
        assert [b.name for b in kept.blockers] == ["WALL"]
        third = await other.declare(plan(lng, "THIRD", lat=lat, at=(0, 60)))
        assert third.status is Status.REFUSED
        # The next change that passes takes the sentence away.
        await owner.up.plans.change(view.id, plan(lng, "ALPHA", lat=lat, at=(0, 50)))
        passed = await owner.settled(view.id)
        assert (passed.status, passed.reason, passed.blockers) == (Status.COORDINATED, None, ())


async def test_name_and_priority_of_a_plan_that_stands_are_fixed(pair: Pair, lat: float) -> None:
    north, _ = pair
    view = await north.declare(plan(-121, "ALPHA", lat=lat))
    with pytest.raises(BadInput) as error:
        await north.up.plans.change(view.id, plan(-121, "BRAVO", lat=lat))
    assert error.value.field == "callsign"
    for at in ((0, 60), (0, 50)):
        with pytest.raises(WrongState, match="priority"):
            await north.up.plans.change(view.id, plan(-121, "ALPHA", lat=lat, at=at, priority=1))
    assert (await north.up.plans.plan(view.id)).status is Status.COORDINATED


async def test_an_activated_plan_stays_activated_through_changes(pair: Pair, lat: float) -> None:
    north, south = pair
    view = await north.declare(plan(-121, "ALPHA", lat=lat))
    await north.up.plans.activate(view.id)
    active = await north.until(view.id, lambda v: v.state == "Activated" and _held_by_all(v))
    assert active.status is Status.COORDINATED
    for side in pair:
        held = await row(side, view.intent_id)
        assert held is not None
        assert held.state == "Activated"
    again = await north.up.plans.activate(view.id)
    assert again.state == "Activated"
    await north.up.plans.change(view.id, plan(-121, "ALPHA", lat=lat, at=(0, 70)))
    changed = await north.until(view.id, lambda v: v.time_end != view.time_end and _held_by_all(v))
    assert (changed.state, changed.status) == ("Activated", Status.COORDINATED)
    blocked = await south.declare(plan(-121, "BRAVO", lat=lat, at=(65, 90)))
    assert blocked.status is Status.REFUSED


async def test_only_a_coordinated_plan_is_activated(pair: Pair, lat: float) -> None:
    north, south = pair
    await north.declare(plan(-121, "ALPHA", lat=lat))
    refused = await south.declare(plan(-121, "BRAVO", lat=lat))
    with pytest.raises(WrongState, match="the plan is refused, not coordinated"):
        await south.up.plans.activate(refused.id)
    with pytest.raises(NotFound):
        await south.up.plans.activate("00000000-0000-4000-8000-000000000000")


async def test_a_flying_plan_grows_past_what_it_met_before_but_into_nothing_new(
    pair: Pair, lat: float
) -> None:
    """An activated plan that a higher one displaced may be changed, with no new conflict."""
    north, south = pair
    low = await north.declare(plan(-121, "LOW", lat=lat))
    await north.up.plans.activate(low.id)
    await north.until(low.id, lambda v: v.state == "Activated" and _held_by_all(v))
    await south.declare(plan(-121, "HIGH", lat=lat, at=(30, 90), priority=1))
    await south.declare(plan(-121, "WALL", lat=lat, at=(100, 130)))
    await north.until(low.id, lambda v: v.status is Status.DISPLACED)
    # Shorter, but still within the higher plan: allowed, and still displaced.
    await north.up.plans.change(low.id, plan(-121, "LOW", lat=lat, at=(0, 50)))
    shorter = await north.until(
        low.id, lambda v: v.time_end == zulu(NOON + timedelta(minutes=50)) and _held_by_all(v)
    )
    assert shorter.status is Status.DISPLACED
    # Into the wall: a new conflict.
    await north.up.plans.change(low.id, plan(-121, "LOW", lat=lat, at=(0, 110)))
    blocked = await north.until(low.id, lambda v: "WALL" in (v.reason or ""))
    assert blocked.time_end == shorter.time_end
    await north.until(low.id, _held_by_all)
    # Clear of it: coordinated again.
    await north.up.plans.change(low.id, plan(-121, "LOW", lat=lat, at=(0, 25)))
    clear = await north.until(low.id, lambda v: v.status is Status.COORDINATED)
    assert (clear.reason, clear.state) == (None, "Activated")


async def test_an_ended_plan_stands_nowhere_and_ending_twice_is_as_good_as_once(
    pair: Pair, lat: float
) -> None:
    north, south = pair
    for owner in pair:
        view = await owner.declare(plan(-121, "ALPHA", lat=lat))
        assert view.status is Status.COORDINATED
        await owner.up.plans.end(view.id)
        ended = await owner.settled(view.id)
        assert (ended.status, ended.coordinated) == (Status.ENDED, False)
        assert await owner.up.plans.end(view.id) == ended
        for side in (north, south):
            assert await row(side, view.intent_id) is None
        assert view.id not in [v.id for v in await owner.up.plans.plans(ended=False)]
        assert view.id in [v.id for v in await owner.up.plans.plans(ended=True)]
        with pytest.raises(NotFound):
            await owner.up.plans.change(view.id, plan(-121, "ALPHA", lat=lat))


@pytest.mark.parametrize("steps", range(0, 60, 4))
async def test_a_plan_ended_at_any_moment_of_its_placing_leaves_nothing(
    pair: Pair, lats: object, steps: int
) -> None:
    """``steps``: how many turns of the event loop pass before the end."""
    north, south = pair
    owner = pair[steps // 4 % 2]
    view = await owner.up.plans.submit(plan(-121, "ALPHA", lat=36.1, band=(3_000, 3_300)))
    for _ in range(steps):
        await asyncio.sleep(0)
    await owner.up.plans.end(view.id)
    ended = await owner.settled(view.id)
    assert ended.status is Status.ENDED
    for side in (north, south):
        assert await row(side, view.intent_id) is None
        assert await row(side, ended.intent_id) is None


async def test_end_and_change_at_once_end_the_plan(pair: Pair, lat: float) -> None:
    north, south = pair
    await north.declare(plan(-121, "ALPHA", lat=lat))
    for _ in range(5):
        refused = await south.declare(plan(-121, "BRAVO", lat=lat))
        results = await asyncio.gather(
            south.up.plans.end(refused.id),
            south.up.plans.change(refused.id, plan(-122, "BRAVO", lat=lat)),
            return_exceptions=True,
        )
        assert isinstance(results[0], PlanView)
        ended = await south.settled(refused.id)
        assert ended.status is Status.ENDED, results
        assert await row(north, ended.intent_id) is None


async def test_a_plan_of_many_volumes_changes_as_a_whole(pair: Pair, lat: float) -> None:
    north, south = pair
    legs = tuple(volume(-121 + 0.02 * i, lat=lat, at=(10 * i, 10 * i + 12)) for i in range(8))
    view = await north.declare(plan_of(legs, "TRACK"))
    assert view.status is Status.COORDINATED
    last = plan(-121 + 0.14, "BRAVO", lat=lat, at=(75, 80))
    assert (await south.declare(last)).status is Status.REFUSED
    await north.up.plans.change(view.id, plan_of(legs[:5], "TRACK"))
    assert (await north.settled(view.id)).status is Status.COORDINATED
    await north.until(view.id, _held_by_all)
    assert (await south.declare(last)).status is Status.COORDINATED

"""A register asks for the OVNs of what shares a point with a write, and of nothing beside it."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from register_world import NORTH, SOUTH, World, constraint, intent, volume
from tests.engine.pairs import pair

from plans import volume as plain
from tansiq.domain import geodesy
from tansiq.domain.agreement import NO_MINIMA, Minima
from tansiq.domain.conflict import conflicts
from tansiq.domain.time import TimeSpan
from tansiq.domain.volume import AltitudeBand, Circle, LatLng, Volume3D, Volume4D
from tansiq.f3548 import wire
from tansiq.services.register import AirspaceConflict, relevance
from tansiq.storage.intents import Unknown
from tansiq.storage.store import Tx

pytestmark = pytest.mark.anyio
HERE = LatLng(40.0, -105.0)
THERE = LatLng(40.0, -104.995)
APART_M = 1e-6 + geodesy.separation_m(*(Circle(center=c, radius_m=1e-9) for c in (HERE, THERE)))
"""What the definition understates is added; the touching one is larger by as much again."""

CLEAR_M = APART_M - 200.0 - 1e-3
"""Of a circle over there that misses one of 200 m here by a millimetre."""


@pytest.fixture(autouse=True)
def _parties(world: World) -> None:
    world.register.equals = frozenset({"north", "south"})


async def missing(
    world: World, params: wire.PutOperationalIntentReferenceParameters
) -> Sequence[str]:
    """Return the ids that a write by South lacks; none if it is accepted."""
    try:
        await world.put(SOUTH, params)
    except AirspaceConflict as conflict:
        return (*conflict.missing_intents, *conflict.missing_constraints)
    return ()


def beside(radius_m: float) -> wire.Volume4D:
    return volume(lng=THERE.lng_deg, radius_m=radius_m)


async def test_what_touches_is_asked_for_and_what_misses_by_a_millimetre_is_not(
    world: World,
) -> None:
    """Two circles of some 200 m within one cell."""
    made = await world.put(NORTH, intent(volume(radius_m=200.0)))
    assert await missing(world, intent(beside(APART_M - 200.0 + 1e-6))) == (made.id,)
    assert await missing(world, intent(beside(CLEAR_M))) == ()


async def test_the_same_of_constraints(world: World) -> None:
    barred = await world.bar(NORTH, constraint(volume(radius_m=200.0)))
    new = wire.ImplicitSubscriptionParameters(
        uss_base_url="https://uss.example/s", notify_for_constraints=True
    )
    near, clear = APART_M - 200.0 + 1e-6, CLEAR_M
    assert await missing(world, intent(beside(near), new_subscription=new)) == (barred.id,)
    assert await missing(world, intent(beside(clear), new_subscription=new)) == ()


async def test_what_was_stored_without_its_volumes_is_relevant_in_its_cells(world: World) -> None:
    made = await world.put(NORTH, intent(volume(radius_m=200.0)))

    async def forget(tx: Tx) -> None:
        await tx.execute("UPDATE intent SET extents = NULL")

    await world.store.write(forget)
    assert await missing(world, intent(beside(CLEAR_M))) == (made.id,)


async def test_a_change_is_held_against_by_its_new_place(world: World) -> None:
    made = await world.put(NORTH, intent(volume(radius_m=200.0)))
    await world.put(NORTH, intent(beside(200.0)), over=made)
    assert await missing(world, intent(volume(radius_m=APART_M - 201.0))) == ()
    assert await missing(world, intent(beside(1.0))) == (made.id,)


async def test_of_more_than_are_judged_all_are_asked_for(world: World) -> None:
    """A stranger cannot have the only writer judge for long."""
    key: list[str] = []
    ids = []
    for _ in range(relevance.JUDGED_MAX + 1):
        made = await world.put(NORTH, intent(volume(radius_m=200.0), key=tuple(key)))
        key.append(made.ovn or "")
        ids.append(made.id)
    wanted = intent(beside(CLEAR_M))
    assert set(await missing(world, wanted)) == set(ids)
    named = intent(beside(CLEAR_M), key=tuple(key[:1]))
    assert await missing(world, named) == ()


async def test_many_volumes_just_clear_of_each_other_do_not_hold_up_the_writer(
    world: World,
) -> None:
    """What the kernels cannot tell apart is asked for; the definition takes a thousand times as
    long, and who writes both could have it asked for each pair of them."""
    clear_m = APART_M - 200.0 - 2e-6
    many = 200
    made = await world.put(NORTH, intent(*[volume(radius_m=200.0)] * many))
    began = time.process_time()
    assert await missing(world, intent(*[beside(clear_m)] * many)) == (made.id,)
    assert time.process_time() - began < 1.0


async def test_of_what_has_very_many_volumes_all_is_asked_for(world: World) -> None:
    made = await world.put(NORTH, intent(*[volume(radius_m=200.0)] * 900))
    assert await missing(world, intent(*[beside(CLEAR_M)] * 900)) == (made.id,)
    assert await missing(world, intent(beside(CLEAR_M))) == ()


def test_volumes_come_back_exactly_as_they_were_packed() -> None:
    random = Random(5)
    for _ in range(100):
        start = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(microseconds=random.getrandbits(46))
        span = TimeSpan(start=start, end=start + timedelta(microseconds=random.getrandbits(30)))
        low_m = random.uniform(-400.0, 9_000.0)
        band = AltitudeBand(lower_m=low_m, upper_m=low_m + random.uniform(0.0, 500.0))
        volumes = tuple(
            Volume4D(volume=Volume3D(outline=outline, altitude=band), time=span)
            for outline in pair(random)
        )
        assert relevance.unpack(relevance.pack(volumes)) == volumes


@pytest.mark.parametrize("seed", range(3))
def test_relevant_is_what_the_definition_says(seed: int) -> None:
    random, told = Random(seed), set()
    for k in range(60):
        a, b = ((plain(outline),) for outline in pair(random))
        found = relevance.relevant(a, [Unknown(str(k), "north", relevance.pack(b))], {"north"})
        met = conflicts(a, b, NO_MINIMA)
        # Within a millimetre of each other they may be named all the same.
        assert met <= bool(found) <= conflicts(a, b, Minima(horizontal_m=0.001)), (seed, k)
        told.add(met)
    assert told == {True, False}


async def test_a_register_that_knew_cells_alone_would_ask_for_more(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: what the first test shows is not shown by an empty register or a far place."""
    made = await world.put(NORTH, intent(volume(radius_m=200.0)))
    monkeypatch.setattr(relevance, "JUDGED_MAX", 0)
    assert await missing(world, intent(beside(CLEAR_M))) == (made.id,)


@pytest.mark.parametrize("equals", [{"north"}, {"south"}, set()])
async def test_of_suppliers_outside_all_that_shares_a_cell_is_asked_for(
    world: World, equals: set[str]
) -> None:
    """The field's suite expects it: who plans beside a supplier looks at what it serves."""
    world.register.equals = frozenset(equals)
    made = await world.put(NORTH, intent(volume(radius_m=200.0)))
    barred = await world.bar(NORTH, constraint(volume(radius_m=200.0)))
    new = wire.ImplicitSubscriptionParameters(
        uss_base_url="https://uss.example/s", notify_for_constraints=True
    )
    lacking = await missing(world, intent(beside(CLEAR_M), new_subscription=new))
    assert lacking == (made.id, barred.id)

"""No manager takes more than its share: counts in the register, requests a second."""

import asyncio
from collections.abc import Awaitable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from register_world import (
    NOON,
    NORTH,
    SOUTH,
    World,
    constraint,
    intent,
    subscription,
    volume,
    wish,
)

from stores import AnyStore, open_store
from tansiq.errors import StateConflict, TooMany
from tansiq.http.problems import f3548_error
from tansiq.http.rates import _REMEMBERED_MAX, Rates
from tansiq.services.register import Caller, Register
from tansiq.services.register.cleaning import Cleaning
from tansiq.services.register.holdings import Holdings
from tansiq.settings import Limits
from tansiq.storage.cells import INTENT

pytestmark = pytest.mark.anyio
MOST = 3
LIMITS = Limits(
    intents_per_manager_max=MOST,
    constraints_per_manager_max=MOST,
    subscriptions_per_manager_max=MOST,
)


class SteppedClock:
    """Time as a test sets it."""

    def __init__(self) -> None:
        self.s = 100.0

    def now(self) -> datetime:
        return NOON + timedelta(seconds=self.s)

    def monotonic_s(self) -> float:
        return self.s

    async def sleep(self, seconds: float) -> None:
        raise NotImplementedError

    async def limit(self, awaitable: Awaitable[Any], seconds: float) -> Any:
        raise NotImplementedError


def crowded(store: AnyStore, **more: Any) -> World:
    world = World(store)
    world.register = Register(store, new_id=world.id, new_ovn=world._ovn, limits=LIMITS, **more)
    return world


@pytest.fixture
async def crowd(world: World) -> World:
    return crowded(world.store)


async def make(world: World, kind: str, who: Caller, place: int = 0) -> Any:
    """Create one; far from the others, so that nothing else refuses it."""
    where = volume(lat=-60 + place)
    if kind == "intent":
        return await world.put(who, intent(where, new_subscription=wish()))
    if kind == "constraint":
        return await world.bar(who, constraint(where))
    return await world.subscribe(who, subscription(where))


async def drop(world: World, kind: str, who: Caller, one: Any) -> None:
    if kind == "intent":
        await world.register.delete_intent(who, one.id, one.ovn, NOON)
    elif kind == "constraint":
        await world.register.delete_constraint(who, one.id, one.ovn, NOON)
    else:
        await world.register.delete_subscription(who, one.id, one.version)


KINDS = ["intent", "constraint", "subscription"]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_manager_holds_its_share_and_not_one_more(crowd: World, kind: str) -> None:
    held = [await make(crowd, kind, NORTH, i) for i in range(MOST)]
    before = await crowd.rows()
    with pytest.raises(TooMany, match=r"north holds 3 .* delete") as caught:
        await make(crowd, kind, NORTH, MOST)
    assert await crowd.rows() == before
    answer = f3548_error(caught.value)
    assert answer.status_code == 429
    assert answer.headers["retry-after"]
    await make(crowd, kind, SOUTH, MOST)  # Others have shares of their own.
    for other in KINDS:
        if other != kind:
            await make(crowd, other, NORTH, MOST + 1)  # And so have the other kinds.
    await drop(crowd, kind, NORTH, held[0])
    await make(crowd, kind, NORTH, MOST + 2)


async def test_what_is_changed_or_refused_does_not_count(crowd: World) -> None:
    one = await make(crowd, "intent", NORTH)
    for _ in range(2 * MOST):
        one = await crowd.put(NORTH, intent(volume(lat=-60)), over=one)
        with pytest.raises(StateConflict):  # There already.
            await crowd.register.put_intent(NORTH, one.id, None, intent(), NOON)
    assert crowd.register.holdings.count(INTENT, "north") == 1


async def test_many_at_once_do_not_pass_the_limit(crowd: World) -> None:
    made = await asyncio.gather(
        *(make(crowd, "intent", NORTH, i) for i in range(40)), return_exceptions=True
    )
    assert sum(not isinstance(one, BaseException) for one in made) == MOST
    assert (await crowd.rows())["intent"] == MOST


async def test_our_own_party_has_no_limit(world: World) -> None:
    own = crowded(world.store, exempt=("north",))
    for i in range(2 * MOST):
        await make(own, "intent", NORTH, i)


async def test_the_count_is_what_the_store_holds_after_a_restart(
    store_kind: str, tmp_path: Path
) -> None:
    first = crowded(open_store(tmp_path / "again.db"))
    for i in range(MOST):
        await make(first, "subscription", NORTH, i)
        await make(first, "intent", NORTH, i)  # Its implicit subscription is not counted.
    await first.store.close()
    second = crowded(open_store(tmp_path / "again.db"))
    holdings = second.register.holdings
    await Cleaning(second.store, SteppedClock(), holdings, timedelta(days=1)).compare()
    for kind in ("intent", "subscription"):
        with pytest.raises(TooMany):
            await make(second, kind, NORTH, MOST)
    await second.store.close()


def test_a_comparison_leaves_alone_what_changed_meanwhile() -> None:
    holdings = Holdings(LIMITS)
    holdings.take(INTENT, "a")
    holdings.take(INTENT, "b")
    holdings.compare()
    holdings.take(INTENT, "a")  # After the store was read.
    holdings.correct(INTENT, {"a": 1, "c": 2})
    assert [holdings.count(INTENT, name) for name in "abc"] == [2, 0, 2]


# Requests a second


def test_a_caller_may_ask_at_its_rate_and_once_more_is_refused() -> None:
    clock = SteppedClock()
    rates = Rates(clock, 10.0)
    for _ in range(10):
        rates.take("north")
    with pytest.raises(TooMany, match="10 times a second"):
        rates.take("north")
    rates.take("south")
    clock.s += 0.125
    rates.take("north")
    with pytest.raises(TooMany):
        rates.take("north")
    clock.s += 3_600.0  # A bucket holds one second's worth, however long it was left alone.
    for _ in range(10):
        rates.take("north")
    with pytest.raises(TooMany):
        rates.take("north")


def test_a_rate_below_one_a_second_lets_one_through() -> None:
    clock = SteppedClock()
    rates = Rates(clock, 0.5)
    rates.take("north")
    with pytest.raises(TooMany):
        rates.take("north")
    clock.s += 2.0
    rates.take("north")


def test_no_more_buckets_are_kept_than_stated() -> None:
    rates = Rates(SteppedClock(), 10.0)
    for i in range(3 * _REMEMBERED_MAX):
        rates.take(f"uss{i}")
    assert len(rates._buckets) == _REMEMBERED_MAX

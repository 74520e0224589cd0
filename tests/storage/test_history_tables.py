"""The history's file: what is dropped when, down to the last byte and microsecond; what is found.

The rules are held against a plain model, for any order of times.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from importlib.resources import files
from pathlib import Path
from random import Random
from typing import TypeVar

import pytest

from tansiq.storage.history import (
    DROP_AT_ONCE,
    Addition,
    AreaRow,
    Held,
    HistoryTables,
    SliceRow,
)
from tansiq.storage.sqlite import SqliteStore
from tansiq.storage.store import Tx

pytestmark = pytest.mark.anyio
T = TypeVar("T")

STEP = 10_000_000
KEPT_FOREVER = -(10**15)
MUCH = 10**12
Tables = Callable[[HistoryTables], Awaitable[T]]


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    tables = files("tansiq.storage") / "history_migrations"
    opened = SqliteStore.open(tmp_path / "history.db", migrations=tables)
    yield opened
    await opened.close()


async def write(store: SqliteStore, fn: Tables[T]) -> T:
    async def run(tx: Tx) -> T:
        return await fn(HistoryTables(tx))

    return await store.write(run)


async def read(store: SqliteStore, fn: Tables[T]) -> T:
    async def run(tx: Tx) -> T:
        return await fn(HistoryTables(tx))

    return await store.read(run)


async def add(
    store: SqliteStore,
    number: int,
    time: int,
    *,
    size: int = 100,
    block: int = 1,
    names: int = 0,
    ended: Sequence[str] = (),
    begun: Sequence[str] = (),
    step: int = STEP,
) -> None:
    new = Addition(
        slice=SliceRow(number=number, time=time, step=step, block=block, document=bytes(size)),
        names=bytes(names),
        ended=[("plan", name) for name in ended],
        begun=[
            AreaRow(kind="plan", entity=name, digest=b"d", size=7, document=bytes(50))
            for name in begun
        ],
    )
    await write(store, lambda tables: tables.add(new))


async def prune(store: SqliteStore, *, before: int = KEPT_FOREVER, bytes_max: int = MUCH) -> None:
    await write(store, lambda tables: tables.prune(before=before, bytes_max=bytes_max))


async def rows(store: SqliteStore, sql: str) -> list[int]:
    async def run(tx: Tx) -> list[int]:
        return [row[0] for row in await tx.fetch(sql)]

    return await store.read(run)


async def numbers(store: SqliteStore) -> list[int]:
    return await rows(store, "SELECT number FROM slice ORDER BY number")


async def held(store: SqliteStore) -> Held:
    return await read(store, lambda tables: tables.held())


# ---- limits


async def test_a_slice_of_just_the_age_stays_and_one_a_microsecond_older_goes(
    store: SqliteStore,
) -> None:
    for number, time in enumerate((99, 100, 200), start=1):
        await add(store, number, time)
    await prune(store, before=100)
    assert await numbers(store) == [2, 3]


async def test_just_the_bytes_fit_and_one_byte_more_drops_the_oldest(store: SqliteStore) -> None:
    for number in (1, 2, 3):
        await add(store, number, number)
    await prune(store, bytes_max=300)
    assert await numbers(store) == [1, 2, 3]
    await prune(store, bytes_max=299)
    assert await numbers(store) == [2, 3]
    assert (await held(store)).bytes == 200


async def test_the_newest_stays_whatever_the_limits(store: SqliteStore) -> None:
    await add(store, 1, 1)
    await add(store, 2, 2, begun=["a"])
    await prune(store, before=MUCH, bytes_max=1)
    assert await numbers(store) == [2]
    assert await held(store) == Held(1, 150, 2, 1)


async def test_one_step_drops_so_many_at_most_and_the_next_goes_on(store: SqliteStore) -> None:
    for number in range(1, DROP_AT_ONCE + 3):
        await add(store, number, number)
    await prune(store, bytes_max=1)
    assert await numbers(store) == [DROP_AT_ONCE + 1, DROP_AT_ONCE + 2]
    await prune(store, bytes_max=1)
    assert await numbers(store) == [DROP_AT_ONCE + 2]


async def test_names_go_with_the_last_slice_of_their_block(store: SqliteStore) -> None:
    await add(store, 1, 1, names=10, block=1)
    await add(store, 2, 2, names=10, block=1)
    await add(store, 3, 3, names=10, block=2)
    await prune(store, before=2)
    assert len(await read(store, lambda tables: tables.names(1))) == 2
    await prune(store, before=3)
    assert await read(store, lambda tables: tables.names(1)) == []
    assert (await held(store)).bytes == 110


async def test_an_area_goes_with_the_last_slice_that_has_it(store: SqliteStore) -> None:
    await add(store, 1, 1, begun=["a", "b"])
    await add(store, 2, 2, begun=["c"])
    await add(store, 3, 3, ended=["a"])  # Last so in slice 2.
    await prune(store, before=2)
    assert await rows(store, "SELECT COUNT(*) FROM area") == [3]
    await prune(store, before=3)
    assert await rows(store, "SELECT COUNT(*) FROM area WHERE entity = 'a'") == [0]
    assert await rows(store, "SELECT COUNT(*) FROM area") == [2]
    assert (await held(store)).bytes == 200


async def test_what_a_wrong_clock_wrote_goes_by_its_own_time_and_takes_nothing_along(
    store: SqliteStore,
) -> None:
    """The clock was a day behind for two slices, between good ones."""
    for number, time in enumerate((1_000, 1_010, 20, 30, 1_040), start=1):
        await add(store, number, time)
    await prune(store, before=900)
    assert await numbers(store) == [1, 2, 5]


async def test_what_is_kept_is_counted_to_the_byte_for_any_history(store: SqliteStore) -> None:
    """Method: 150 random steps; bytes are added up anew from the tables after each."""
    random = Random(7)
    total = """
        SELECT (SELECT COALESCE(SUM(LENGTH(document)), 0) FROM slice)
             + (SELECT COALESCE(SUM(LENGTH(document)), 0) FROM names)
             + (SELECT COALESCE(SUM(LENGTH(document)), 0) FROM area)
    """
    standing: set[str] = set()
    for number in range(1, 151):
        ended = {name for name in standing if random.random() < 0.3}
        begun = {name for name in "abcdef" if name not in standing - ended}
        begun = {name for name in begun if random.random() < 0.4}
        standing = (standing - ended) | begun
        await add(
            store,
            number,
            number * 10 + random.choice((0, 0, 0, -300)),
            size=random.randrange(1, 200),
            block=1 + number // 17,
            names=random.choice((0, 40)),
            ended=sorted(ended),
            begun=sorted(begun),
        )
        await prune(store, before=number * 10 - 200, bytes_max=random.randrange(500, 3_000))
        kept = await held(store)
        assert [kept.bytes] == await rows(store, total)
        assert kept.slices == len(await numbers(store))
        oldest = min(await rows(store, "SELECT block FROM slice"))
        assert all(block >= oldest for block in await rows(store, "SELECT block FROM names"))


# ---- what is found


async def test_the_last_at_a_time_is_the_one_of_that_very_microsecond(store: SqliteStore) -> None:
    await add(store, 1, 100)
    await add(store, 2, 200)
    for time, number in ((99, None), (100, 1), (199, 1), (200, 2), (10**9, 2)):
        found = await read(store, lambda tables, time=time: tables.last_at(time))  # type: ignore[misc]
        assert (None if found is None else found.number) == number


async def test_of_two_at_the_same_time_the_later_one_counts(store: SqliteStore) -> None:
    await add(store, 1, 100)
    await add(store, 2, 100)
    found = await read(store, lambda tables: tables.last_at(100))
    assert found is not None
    assert found.number == 2


@pytest.mark.parametrize(("after", "gap"), [(15_000_000, False), (15_000_001, True)])
async def test_half_a_step_late_is_no_gap_and_a_microsecond_more_is(
    store: SqliteStore, after: int, gap: bool
) -> None:
    await add(store, 1, 0)
    await add(store, 2, after)
    found = await read(store, lambda tables: tables.gaps())
    assert found == ([(0, after)] if gap else [])


async def test_a_gap_is_by_the_step_of_the_slice_before_it(store: SqliteStore) -> None:
    await add(store, 1, 0, step=60_000_000)
    await add(store, 2, 60_000_000, step=STEP)
    await add(store, 3, 120_000_000, step=STEP)
    assert await read(store, lambda tables: tables.gaps()) == [(60_000_000, 120_000_000)]


async def test_the_first_slice_of_each_turn_is_chosen(store: SqliteStore) -> None:
    """Method: beside a plain loop, for random times, ends and turns."""
    random = Random(11)
    times = sorted(random.sample(range(1_000), 120))
    for number, time in enumerate(times, start=1):
        await add(store, number, time)
    for _ in range(100):
        since, until = sorted(random.choices(range(-50, 1_050), k=2))
        every, limit = random.randrange(1, 90), random.randrange(1, 40)
        expected: dict[int, int] = {}
        for number, time in enumerate(times, start=1):
            if since <= time <= until:
                expected.setdefault((time - since) // every, number)
        chosen = await read(
            store,
            lambda tables, a=since, b=until, c=every, d=limit: tables.chosen(  # type: ignore[misc]
                since=a, until=b, every=c, limit=d
            ),
        )
        assert chosen == [(number, turn) for turn, number in expected.items()][:limit]


async def test_areas_are_found_in_each_slice_that_has_them_and_in_no_other(
    store: SqliteStore,
) -> None:
    await add(store, 1, 10)
    await add(store, 2, 20, begun=["a"])
    await add(store, 3, 30)
    await add(store, 4, 40, ended=["a"])
    for number, there in ((1, False), (2, True), (3, True), (4, False)):
        spans = await read(store, lambda tables, n=number: tables.areas(n, n))  # type: ignore[misc]
        assert bool(spans) == there
        assert all(span.covers(number) for span in spans)
    (span,) = await read(store, lambda tables: tables.areas(1, 4))
    assert (span.first, span.last, span.since, span.until, span.size) == (2, 3, 20, 40, 7)
    assert [span.covers(number) for number in (1, 2, 3, 4)] == [False, True, True, False]


async def test_an_area_changes_within_one_step(store: SqliteStore) -> None:
    await add(store, 1, 10, begun=["a"])
    await add(store, 2, 20, ended=["a"], begun=["a"])
    first, second = await read(store, lambda tables: tables.areas(1, 2))
    assert (first.first, first.last, second.first, second.last) == (1, 1, 2, None)
    assert await read(store, lambda tables: tables.standing()) == {("plan", "a"): b"d"}

"""The index table over PostgreSQL holds what SQLite's does, whatever statement wrote it."""

import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import stores
from stores import open_store
from tansiq.domain.volume import Circle, LatLng
from tansiq.f3548.convert import Area
from tansiq.storage.cell_rows import Cells, added, dropped, met
from tansiq.storage.cells import COARSE, INTENT, SUBSCRIPTION, Cover, cover
from tansiq.storage.postgres import PostgresStore
from tansiq.storage.sqlite import SqliteStore
from tansiq.storage.store import Row, Tx

pytestmark = pytest.mark.anyio
SEED = 20_261_130
NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)


@pytest.fixture
async def both(tmp_path: Path) -> AsyncIterator[tuple[SqliteStore, PostgresStore]]:
    with stores.using(stores.SQLITE):
        near = open_store(tmp_path / "store.db")
    with stores.using(stores.POSTGRESQL):
        far = open_store(tmp_path / "store.db")
    assert isinstance(near, SqliteStore)
    assert isinstance(far, PostgresStore)
    yield near, far
    await near.close()
    await far.close()


def some(rng: random.Random) -> Cover:
    """Return a cover near one place: one to three volumes, fine or coarse."""
    areas = []
    for _ in range(rng.randint(1, 3)):
        start = NOON + timedelta(minutes=rng.choice((0, 0, 30)))
        low = rng.choice((0.0, 50.0, 120.0))
        areas.append(
            Area(
                outline=Circle(
                    center=LatLng(40.0 + rng.uniform(-0.02, 0.02), -105.0),
                    radius_m=rng.choice((200.0, 900.0, 2_000.0, 30_000.0)),
                ),
                lower_m=low,
                upper_m=low + 60.0,
                start=start,
                end=start + timedelta(minutes=rng.choice((10, 10, 20))),
            )
        )
    return cover(areas)


async def rows(tx: Tx) -> list[Row]:
    return await tx.fetch("SELECT * FROM cell ORDER BY kind, cell, time_end, entity")


async def test_moving_leaves_the_rows_that_dropping_and_adding_leave(
    both: tuple[SqliteStore, PostgresStore],
) -> None:
    near, far = both
    rng = random.Random(SEED)
    standing: dict[str, Cover] = {}
    print(f"seed {SEED}")
    for _ in range(60):
        name, old = f"e{rng.randrange(4)}", None
        old = standing.pop(name, None)
        new = None if old is not None and rng.random() < 0.2 else some(rng)
        if old is not None and new is not None and rng.random() < 0.3:
            new = Cover(old.level, old.patches[: rng.randint(1, len(old.patches))])  # It shrinks.

        async def step(tx: Tx, name: str = name, old: Cover | None = old) -> None:
            if old is not None:
                await Cells(tx, INTENT).drop(name, old)
            if new is not None:  # noqa: B023 - run at once
                await Cells(tx, INTENT).add(name, new)  # noqa: B023

        await near.write(step)
        if old is not None or new is not None:
            asked = [] if old is None else [dropped(INTENT, name, old, kept=new)]
            asked += [] if new is None else [added(INTENT, name, new)]
            for each in asked:
                await far.write(lambda tx, each=each: tx.execute(*each))
        if new is not None:
            standing[name] = new
        assert await far.read(rows) == await near.read(rows)
    assert standing


async def test_a_search_for_several_covers_finds_what_one_for_each_finds(
    both: tuple[SqliteStore, PostgresStore],
) -> None:
    near, far = both
    rng = random.Random(SEED)
    print(f"seed {SEED}")
    stands = {f"e{n}": some(rng) for n in range(40)}

    async def fill(tx: Tx) -> None:
        for kind in (INTENT, SUBSCRIPTION):
            for number, (name, where) in enumerate(stands.items()):
                if number % 2 == kind % 2:
                    await Cells(tx, kind).add(name, where)

    await near.write(fill)
    await far.write(fill)
    levels, sizes = set[tuple[int, ...]](), set[int]()
    for _ in range(60):
        wanted = [some(rng) for _ in range(rng.randint(1, 3))]

        async def each(tx: Tx, wanted: list[Cover] = wanted) -> set[str]:
            return set().union(*[await Cells(tx, INTENT).find(where) for where in wanted])

        expected = await near.read(each)
        found = await far.read(lambda tx, wanted=wanted: tx.fetch(*met(INTENT, wanted)))
        assert [row[0] for row in sorted(found)] == sorted(expected)
        assert await far.read(each) == expected
        levels.add(tuple(sorted({where.level for where in wanted})))
        sizes.add(len(expected))
    assert len(levels) == 3, "fine alone, coarse alone, and both"
    assert max(level for one in levels for level in one) > COARSE
    assert len(sizes) > 5

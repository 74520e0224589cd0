"""Writes that are alone share a commit over PostgreSQL, and nothing else: none pays for another.

What a batch must not do is put in its place in the controls, and each of them is caught.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import asyncpg
import pytest
from wire_cutter import WireCutter

import stores
from tansiq.errors import BadInput, NotFound, StoreError
from tansiq.storage import postgres_batch, postgres_tx
from tansiq.storage.postgres import PostgresStore
from tansiq.storage.postgres_batch import Batch, Groups, Member, Pending
from tansiq.storage.postgres_tx import PostgresTx
from tansiq.storage.store import Recall, Tx, recall

pytestmark = pytest.mark.anyio
KEPT = "CREATE TABLE kept (n INTEGER PRIMARY KEY, text TEXT)"
Write = Callable[[Tx], Awaitable[int]]


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    with stores.using(stores.POSTGRESQL):
        stores.open_store(tmp_path / "store.db")
        yield stores.url_of(tmp_path / "store.db")


@pytest.fixture
async def store(url: str) -> AsyncIterator[PostgresStore]:
    opened = PostgresStore(url)
    await opened.write(lambda tx: tx.execute(KEPT))
    yield opened
    await opened.close()


def put(number: int) -> Write:
    async def fn(tx: Tx) -> int:
        await tx.execute("INSERT INTO kept (n) VALUES (:n)", {"n": number})
        return number

    return fn


def put_and(number: int, then: Callable[[Tx], Awaitable[object]]) -> Write:
    async def fn(tx: Tx) -> int:
        await put(number)(tx)
        await then(tx)
        return number

    return fn


async def kept(tx: Tx) -> list[int]:
    return [row[0] for row in await tx.fetch("SELECT n FROM kept ORDER BY n")]


async def commits(tx: Tx) -> int:
    """Return how many transactions have been alone: each raises the gate once."""
    row = await tx.fetch_one("SELECT n FROM stripe WHERE k = 0")
    assert row is not None
    return int(row[0])


class Held:
    """Keeps the first write from going on, so that all others wait and become one batch."""

    def __init__(self) -> None:
        self.inside, self.go = asyncio.Event(), asyncio.Event()

    async def fn(self, _: Tx) -> int:
        self.inside.set()
        await self.go.wait()
        return 0


async def together(
    store: PostgresStore, *writes: Write, before_go: Callable[[], None] | None = None
) -> list[int | BaseException]:
    """Run writes that wait for one before them; return what each was told."""
    held = Held()
    first = asyncio.create_task(store.write(held.fn))
    await held.inside.wait()
    tasks = [asyncio.create_task(store.write(fn)) for fn in writes]
    await asyncio.sleep(0.05)
    if before_go is not None:
        before_go()
    held.go.set()
    await first
    return await asyncio.gather(*tasks, return_exceptions=True)


async def test_those_who_wait_share_a_commit_in_their_order(store: PostgresStore) -> None:
    before, order = await store.read(commits), list[int]()

    def noting(number: int) -> Write:
        async def fn(tx: Tx) -> int:
            order.append(number)
            assert len(await kept(tx)) == number - 1, "it sees those before it"
            return await put(number)(tx)

        return fn

    count = postgres_batch.BATCH_MAX + 7
    told = await together(store, *(noting(n) for n in range(1, count + 1)))
    assert told == list(range(1, count + 1)) == order
    assert await store.read(kept) == told
    assert await store.read(commits) - before == 3, "the first, a full batch, and the rest"


async def nothing(_: Tx) -> None:
    raise NotFound("no such thing")


async def twice(tx: Tx) -> None:
    await tx.execute("INSERT INTO kept (n) VALUES (1)")


async def unfit(tx: Tx) -> None:
    await tx.execute("UPDATE kept SET text = :text", {"text": "a\0b"})


async def misspelt(tx: Tx) -> None:
    await tx.execute("SELECT nowhere FROM kept")


ERRORS = {
    "our own": (nothing, NotFound),
    "the database's": (twice, asyncpg.UniqueViolationError),
    "a text": (unfit, BadInput),
    "a mistake": (misspelt, asyncpg.UndefinedColumnError),
}


@pytest.mark.parametrize("control", [False, True], ids=["as it is", "control: not taken back"])
@pytest.mark.parametrize("kind", ERRORS)
async def test_an_error_takes_back_its_own_write_only(
    store: PostgresStore, monkeypatch: pytest.MonkeyPatch, kind: str, *, control: bool
) -> None:
    if control:
        monkeypatch.setattr(postgres_tx, "BACK", "RELEASE SAVEPOINT job; SAVEPOINT job")
    then, expected = ERRORS[kind]
    told = await together(store, put(1), put_and(2, then), put(3))
    if not control:
        assert told[0] == 1
        assert isinstance(told[1], expected)
        assert told[2] == 3
    assert (await store.read(kept) == [1, 3]) is not control


async def test_who_goes_on_after_a_failed_statement_fails_alone(store: PostgresStore) -> None:
    async def careless(tx: Tx) -> None:
        with pytest.raises(asyncpg.UniqueViolationError):
            await twice(tx)

    for last in (False, True):
        writes = [put(1), put_and(2, careless), put(3)]
        told = await together(store, *(writes[:2] if last else writes))
        assert told[0] == 1
        assert isinstance(told[1], StoreError)
        assert "nothing was written" in str(told[1])
        assert await store.read(kept) == ([1] if last else [1, 3])
        await store.write(lambda tx: tx.execute("DELETE FROM kept"))


async def test_a_collision_runs_all_again_and_each_has_its_effect_once(
    store: PostgresStore,
) -> None:
    runs = list[int]()

    def counted(number: int) -> Write:
        async def fn(tx: Tx) -> int:
            runs.append(number)
            await put(number)(tx)
            if runs == [1, 2]:
                raise asyncpg.SerializationError("as if another had been in the way")
            return number

        return fn

    assert await together(store, *(counted(n) for n in (1, 2, 3))) == [1, 2, 3]
    assert runs == [1, 2, 1, 2, 3]
    assert await store.read(kept) == [1, 2, 3]


class Hasty(Batch):
    """The control: commits what was taken back while it ran."""

    def check_wanted(self) -> None:
        """Look at nothing."""


@pytest.mark.parametrize("control", [False, True], ids=["as it is", "control: not looked"])
@pytest.mark.parametrize("late", [False, True], ids=["before it began", "when it has run"])
async def test_what_is_taken_back_is_left_out(
    store: PostgresStore, monkeypatch: pytest.MonkeyPatch, *, late: bool, control: bool
) -> None:
    if control:
        monkeypatch.setattr("tansiq.storage.postgres.Batch", Hasty)
    mine = list[Recall]()
    taken_back = list[bool]()

    def withdraw() -> None:
        taken_back.append(mine[0].withdraw())

    async def recalled() -> int:
        mine.append(Recall())
        recall.set(mine[0])
        return await store.write(put(2))

    async def last(_: Tx) -> None:
        if late and not taken_back:
            withdraw()

    held = Held()
    first = asyncio.create_task(store.write(held.fn))
    await held.inside.wait()
    tasks = [
        asyncio.create_task(store.write(put(1))),
        asyncio.create_task(recalled()),
        asyncio.create_task(store.write(put_and(3, last))),
    ]
    await asyncio.sleep(0.05)
    if not late:
        withdraw()
    held.go.set()
    await first
    told = await asyncio.gather(*tasks, return_exceptions=True)
    assert taken_back == [True]
    caught = await store.read(kept) != [1, 3]
    assert caught is (control and late)
    if not control:
        assert isinstance(told[1], StoreError)
        assert "taken back" in str(told[1])
        assert (told[0], told[2]) == (1, 3)


async def test_who_is_taken_back_before_another_try_is_left_out(store: PostgresStore) -> None:
    """Its part had run, another's collided, and in the pause its request was given up."""
    mine = list[Recall]()

    async def recalled() -> int:
        mine.append(Recall())
        recall.set(mine[0])
        return await store.write(put(2))

    tries = list[bool]()

    async def collides_once(_: Tx) -> None:
        if not tries:
            tries.append(mine[0].withdraw())
            raise asyncpg.SerializationError("as if another had been in the way")

    held = Held()
    first = asyncio.create_task(store.write(held.fn))
    await held.inside.wait()
    tasks = [
        asyncio.create_task(store.write(put(1))),
        asyncio.create_task(recalled()),
        asyncio.create_task(store.write(put_and(3, collides_once))),
    ]
    await asyncio.sleep(0.05)
    held.go.set()
    await first
    told = await asyncio.gather(*tasks, return_exceptions=True)
    assert tries == [True]
    assert (told[0], told[2]) == (1, 3)
    assert isinstance(told[1], StoreError)
    assert "taken back" in str(told[1])
    assert await store.read(kept) == [1, 3]


async def test_who_waited_too_long_is_left_out(store: PostgresStore) -> None:
    members = list[Member]()

    def expire() -> None:
        members.extend(store._waiting)
        members[1].pending.until_s = 0.0

    told = await together(store, put(1), put(2), put(3), before_go=expire)
    assert len(members) == 3
    assert (told[0], told[2]) == (1, 3)
    assert isinstance(told[1], StoreError)
    assert "did not come in time" in str(told[1])
    assert await store.read(kept) == [1, 3]


@pytest.mark.parametrize("deliver", [False, True], ids=["before it got there", "its answer"])
async def test_of_a_batch_whose_commit_was_cut_off_nothing_is_known(
    store: PostgresStore, url: str, *, deliver: bool
) -> None:
    """All of it or nothing is there; also who was refused is told so, having seen the others."""
    cutter = WireCutter(stores.server().port, at=b"never", deliver=deliver)
    await cutter.start()
    through = PostgresStore(re.sub(r":\d+/", f":{cutter.port}/", url))

    async def then_cut(_: Tx) -> None:
        cutter.at = b"COMMIT\0"

    told = await together(through, put(1), put_and(2, nothing), put_and(3, then_cut))
    assert cutter.cuts == 1
    assert all(isinstance(one, StoreError) and "not known" in str(one) for one in told), told
    assert await store.read(kept) == ([1, 3] if deliver else [])
    assert await through.write(put(9)) == 9
    await through.close()
    await cutter.stop()


async def test_a_connection_lost_in_the_middle_runs_all_again(
    store: PostgresStore, url: str
) -> None:
    cutter = WireCutter(stores.server().port, at=b"never")
    await cutter.start()
    through = PostgresStore(re.sub(r":\d+/", f":{cutter.port}/", url))

    async def then_cut(_: Tx) -> None:
        if not cutter.cuts:
            cutter.at = b"SELECT 77"

    async def looks(tx: Tx) -> None:
        await tx.execute("SELECT 77")

    writes = [put_and(1, then_cut), put_and(2, looks), put(3)]
    assert await together(through, *writes) == [1, 2, 3]
    assert cutter.cuts == 1
    assert await store.read(kept) == [1, 2, 3]
    await through.close()
    await cutter.stop()


# Those who go beside others


def member(*at: int) -> Member:
    return Member(put(0), Pending(0.0), asyncio.get_running_loop().create_future(), frozenset(at))


async def test_those_who_meet_begin_together_and_nobody_passes_who_waits() -> None:
    groups = Groups()
    a, b, c, d, e = (member(*at) for at in ((1, 2), (7,), (2, 3), (8, 1), (3, 9)))
    for one in (a, b, c, d, e):
        groups.add(one)
    assert groups.next(99) == [a, c, d, e], "each meets one before it"
    assert groups.next(99) == [b]
    assert groups.next(99) == []
    late, wide, narrow, free = member(2), member(2, 20), member(20), member(30)
    for one in (late, wide, narrow, free):
        groups.add(one)
    assert groups.next(99) == [free], "the others meet what has begun, or one who waits for it"
    groups.done([b])
    groups.done([a, c, d, e])
    assert groups.next(99) == [late, wide, narrow]
    groups.done([free])
    groups.done([late, wide, narrow])
    unknown = [member(), member()]
    for one in unknown:
        groups.add(one)
    assert [groups.next(99), groups.next(99)] == [[one] for one in unknown]


async def test_those_who_wait_are_shared_out_among_who_may_begin() -> None:
    groups = Groups()
    known = [member(n) for n in range(1, 8)]
    unknown = member()
    for one in (*known[:3], unknown, *known[3:]):
        groups.add(one)
    assert groups.next(3) == known[:3]
    assert groups.next(2) == [unknown]
    assert groups.next(1) == known[3:]


async def test_a_group_is_no_larger_than_it_may_be() -> None:
    groups = Groups()
    for _ in range(postgres_batch.GROUP_MAX + 1):
        groups.add(member(1))
    first = groups.next(99)
    assert len(first) == postgres_batch.GROUP_MAX
    assert groups.next(99) == []
    groups.done(first)
    assert len(groups.next(99)) == 1


def at_place(number: int, *more: int, alone: bool = False) -> Write:
    """Return a write of one place that also asks for ``more`` in the middle of its work."""

    async def fn(tx: Tx) -> int:
        await tx.lock([5_000])
        await put(number)(tx)
        if alone:
            await tx.alone()
        if more:
            await tx.lock(more)
        return number

    return fn


async def grouped(store: PostgresStore, *writes: Write) -> list[int | BaseException]:
    """Run writes of one place that wait there for one before them."""
    held = Held()

    async def first(tx: Tx) -> int:
        await tx.lock([5_000])
        return await held.fn(tx)

    before = asyncio.create_task(store.write(first, beside=True, at=[5_000]))
    await held.inside.wait()
    tasks = [asyncio.create_task(store.write(fn, beside=True, at=[5_000])) for fn in writes]
    await asyncio.sleep(0.05)
    held.go.set()
    await before
    return await asyncio.gather(*tasks, return_exceptions=True)


async def taken(tx: Tx) -> int:
    row = await tx.fetch_one("SELECT n FROM stripe WHERE k = 5000")
    return 0 if row is None else int(row[0])


async def test_those_at_one_place_share_a_commit(store: PostgresStore) -> None:
    before = await store.read(taken)
    assert await grouped(store, *(at_place(n) for n in range(1, 6))) == [1, 2, 3, 4, 5]
    assert await store.read(kept) == [1, 2, 3, 4, 5]
    assert await store.read(taken) - before == 2, "the first, and the others together"


async def test_one_of_a_group_that_asks_for_more_gets_it(store: PostgresStore) -> None:
    """More stripes, earlier or later ones, or to be alone: the others are done all the same."""
    writes = [at_place(1), at_place(2, 6_000), at_place(3, alone=True), at_place(4, 4_000)]
    told = await grouped(store, *writes, put_and(5, nothing), at_place(6))
    assert told[:4] == [1, 2, 3, 4]
    assert isinstance(told[4], NotFound)
    assert told[5] == 6
    assert await store.read(kept) == [1, 2, 3, 4, 6]


@pytest.mark.parametrize("control", [False, True], ids=["as it is", "control: still counted"])
async def test_a_stripe_of_what_was_taken_back_is_taken_again(
    store: PostgresStore, url: str, monkeypatch: pytest.MonkeyPatch, *, control: bool
) -> None:
    """Going back to a savepoint frees what was taken since: another may have changed what it is
    about."""
    if control:

        async def back(self: PostgresTx) -> None:
            await self._connection.execute(postgres_tx.BACK)

        monkeypatch.setattr(PostgresTx, "back", back)
    other, seen = PostgresStore(url), list[int]()

    async def fails(tx: Tx) -> int:
        await tx.lock([5_000, 6_000])
        raise NotFound("after it had its stripe")

    async def reads(tx: Tx) -> int:
        await other.write(lambda free: free.lock([6_000]), beside=True, at=[6_000])
        await tx.lock([5_000, 6_000])
        row = await tx.fetch_one("SELECT n FROM stripe WHERE k = 6000")
        assert row is not None
        seen.append(row[0])
        return 0

    await store.write(lambda tx: tx.lock([6_000]), beside=True)
    await grouped(store, fails, reads)
    assert (seen[-1] == 3) is not control, "one of before, one of the other, one of its own"
    await other.close()

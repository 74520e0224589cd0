"""What the watch keeps: open alarms, history within bounds, bindings and rings to their end."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from stores import AnyStore, open_store
from tansiq.storage.store import Tx
from tansiq.storage.watch import AlarmRow, BindingRow, RingRow, WatchTables

pytestmark = pytest.mark.anyio


@pytest.fixture
async def store(store_kind: str, tmp_path: Path) -> AsyncIterator[AnyStore]:
    store = open_store(tmp_path / "watch.db")
    yield store
    await store.close()


async def test_history_is_dropped_by_age_and_by_number_and_what_is_open_never(
    store: AnyStore,
) -> None:
    async def write(tx: Tx) -> int:
        tables = WatchTables(tx)
        for number in range(10):
            await tables.put_alarm(
                AlarmRow(id=f"p{number}", open=False, changed=number, document=b"{}")
            )
        await tables.put_alarm(AlarmRow(id="o", open=True, changed=0, document=b"{}"))
        # Changed at exactly the limit is kept, one microsecond earlier is not.
        dropped = await tables.drop_past(before=2, kept=100)
        assert [row.id for row in await tables.past_alarms(since=0, most=100)][-1] == "p2"
        return dropped + await tables.drop_past(before=2, kept=3)

    assert await store.write(write) == 2 + 5

    async def read(tx: Tx) -> tuple[list[str], list[str]]:
        tables = WatchTables(tx)
        past = await tables.past_alarms(since=8, most=100)
        return [row.id for row in past], [row.id for row in await tables.open_alarms()]

    assert await store.read(read) == (["p9", "p8"], ["o"])


async def test_an_alarm_is_written_over_and_closed(store: AnyStore) -> None:
    async def write(tx: Tx) -> AlarmRow | None:
        tables = WatchTables(tx)
        await tables.put_alarm(AlarmRow(id="a", open=True, changed=1, document=b"1"))
        await tables.put_alarm(AlarmRow(id="a", open=False, changed=2, document=b"2"))
        assert await tables.open_alarms() == []
        assert await tables.alarm("b") is None
        return await tables.alarm("a")

    assert await store.write(write) == AlarmRow(id="a", open=False, changed=2, document=b"2")


async def test_bindings_and_rings_hold_until_their_end(store: AnyStore) -> None:
    def binding(address: str, until: int, intent: str = "i") -> BindingRow:
        return BindingRow(address=address, intent=intent, until=until, said_by="AB")

    async def write(tx: Tx) -> None:
        tables = WatchTables(tx)
        await tables.bind(binding("icao:1", 10))
        await tables.bind(binding("icao:1", 20, ""))
        await tables.bind(binding("icao:2", 19))
        await tables.put_ring(RingRow(id="r", until=20, document=b"r"))
        await tables.put_ring(RingRow(id="s", until=19, document=b"s"))
        assert await tables.bindings(20) == [binding("icao:1", 20, "")]
        assert await tables.rings(20) == [RingRow(id="r", until=20, document=b"r")]
        assert await tables.unbind("icao:1")
        assert not await tables.unbind("icao:2")
        assert await tables.drop_ring("r")
        assert not await tables.drop_ring("r")

    await store.write(write)

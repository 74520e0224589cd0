"""The record shown to the other side: cosigned as it grows; who lost some of it says nothing."""

import asyncio
from random import Random

import pytest
from stations import Air, Faults, Station, agreement_of, settled
from test_delivery import check_draft
from virtual import simulate

from tansiq.errors import RecordRolledBack
from tansiq.formats.signed_note import NameOf
from tansiq.services.record.start import check
from tansiq.storage.witness import EvidenceKind, Witnessed


def two(faults: Faults | None = None, seed: int = 1) -> tuple[Station, Station]:
    air = Air(Random(seed), faults or Faults())
    agreement = agreement_of("north", "south")
    return Station("north", agreement, air), Station("south", agreement, air)


async def cosigned(station: Station, by: str) -> int:
    last = await station.store.read(lambda tx: Witnessed(tx).last(NameOf.WITNESS.by(by)))
    return 0 if last is None else last.size


@pytest.mark.parametrize("seed", range(3))
def test_all_of_it_is_cosigned_in_the_end(seed: int) -> None:
    async def main() -> None:
        north, south = two(Faults(lose=0.3, lose_answer=0.3, delay_s=(0.01, 0.3)), seed)
        for station in (north, south):
            station.start()
        for _ in range(30):
            await north.say(check_draft("south"))
            await south.say(check_draft("north"))
            await asyncio.sleep(north.air.random.uniform(0, 2))
        await settled(north, south)
        await asyncio.sleep(600.0)
        for one, other in ((north, south), (south, north)):
            head = await one.store.read(lambda tx, one=one: one.record.head(tx))
            assert await cosigned(one, other.party) == head.size == 120
            found = await check(one.record, clock=one.clock, witnesses=one.cosigning.witnesses)
            assert (found.size, found.cosigned) == (120, 1)
            await one.stop()

    simulate(main)


def test_a_restored_backup_says_nothing_to_anybody() -> None:
    async def main() -> None:
        north, south = two()
        for station in (north, south):
            station.start()
        await north.say(check_draft("south"))
        await settled(north)
        backup = north.store.copied()
        for _ in range(3):
            await north.say(check_draft("south"))
        await settled(north)
        await asyncio.sleep(5.0)
        known = set(await south.threads())
        await north.stop()
        north.store = backup
        north.open()
        north.start()
        await north.say(check_draft("south"))
        await asyncio.sleep(60.0)
        assert north.cosigning.broken is not None
        assert "an old copy of the store was put back" in north.cosigning.broken
        with pytest.raises(RecordRolledBack):
            await north.cosigning.check("south")
        assert set(await south.threads()) == known
        assert len(await north.outbox.waiting(10)) == 1
        for station in (north, south):
            await station.stop()

    simulate(main)


def test_without_asking_first_it_would_speak_under_numbers_that_are_taken() -> None:
    """The control: a node that does not ask what others hold tells two stories."""

    async def main() -> None:
        north, south = two()
        for station in (north, south):
            station.start()
        backup = north.store.copied()
        first = await north.say(check_draft("south"))
        await settled(north)
        await north.stop()
        north.store = backup
        north.open()
        north.outbox.before = north.outbox._nothing
        north.outbox.start()
        second = await north.say(check_draft("south"))
        await settled(north)
        assert first.number == second.number == 1
        assert {first.id, second.id} <= set(await south.threads())
        for station in (north, south):
            await station.stop()

    simulate(main)


def test_a_second_root_of_one_size_is_kept() -> None:
    async def main() -> None:
        north, south = two()
        twin = north.store.copied()
        north.start()
        south.start()
        await north.say(check_draft("south"))
        await settled(north)
        await asyncio.sleep(5.0)
        await north.stop()
        held = await south.witness.held("north/log")
        assert held is not None
        north.store = twin
        north.open()
        for _ in range(held.size):
            await north.say(check_draft("south"))
        north.cosigning._compared.add("south")
        north.cosigning.start()
        await asyncio.sleep(30.0)
        (evidence,) = await south.witness.evidence()
        assert evidence.kind == EvidenceKind.FORK
        assert "south" in north.cosigning.problems
        await north.stop()
        await south.stop()

    simulate(main)

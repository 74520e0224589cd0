"""Two sides' records compared: all outcomes, the edges of windows, and what no comparison takes."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

import pytest
from evidence_world import World, notice_draft, talked, world
from stations import key_of, settled
from virtual import START, simulate

from tansiq.domain.note import Head, Kind, Mode, Note, commitment
from tansiq.errors import BadInput
from tansiq.formats import signed_note
from tansiq.formats.comparison import Comparison, Outcome, compare
from tansiq.formats.evidence import verify_bundle

HOUR = timedelta(hours=1)


def compared(fn: Callable[[World], Coroutine[Any, Any, tuple[bytes, bytes]]]) -> Comparison:
    async def main() -> tuple[bytes, bytes]:
        made = world()
        for station in made.stations.values():
            station.outbox.start()
        found = await fn(made)
        for station in made.stations.values():
            await station.outbox.stop()
        return found

    here, there = simulate(main)
    return compare(verify_bundle(here), verify_bundle(there))


def of(found: Comparison) -> dict[str, int]:
    return {outcome: count for outcome, count in found.counts.items() if count}


def check_note(sender: str, receiver: str, *, payload: bytes, entry: int = 0) -> bytes:
    """A note as somebody with the key can make a second one of the same number."""
    note = Note(
        kind=Kind.CHECK,
        sender=sender,
        receiver=receiver,
        agreement="a" * 64,
        mode=Mode.LIVE,
        number=1,
        turn=1,
        time=START,
        clock_error_ms=20,
        head=Head(entry, bytes(32)),
        thread=None,
        re=None,
        own=(),
        payload=commitment(b"s" * 16, payload),
    )
    return signed_note.sign(str(note), name=sender, key=key_of(sender))


async def append(made: World, party: str, body: bytes) -> None:
    record = made.exporters[party].record
    now = made.stations[party].clock.now()
    await record.store.write(lambda tx: record.append(tx, "note", body, now=now))


def test_both_sides_of_an_honest_line_are_equal() -> None:
    async def main() -> tuple[bytes, bytes]:
        made = await talked()
        return await made.bundle("north"), await made.bundle("south", withhold="all")

    here, there = simulate(main)
    found = compare(verify_bundle(here), verify_bundle(there))
    assert found.equal
    assert of(found) == {"matched": 10}
    # What North told East, and what stays with North, does not concern South.
    assert {pair.receiver for pair in found.pairs} == {"north", "south"}
    again = compare(verify_bundle(here), verify_bundle(here))
    assert again.equal
    assert again.counts["matched"] == 12


def test_what_one_side_lacks_is_told_from_both_ends() -> None:
    async def main(made: World) -> tuple[bytes, bytes]:
        north, south = made.stations["north"], made.stations["south"]
        await north.say(notice_draft("south"))
        await settled(north, south)
        north.air.faults.cut = True
        await north.say(notice_draft("south", number=2))
        return await made.bundle("north"), await made.bundle("south")

    found = compared(main)
    assert not found.equal
    assert of(found) == {"matched": 2, "missing-there": 1}

    async def turned(made: World) -> tuple[bytes, bytes]:
        north, south = await main(made)
        return south, north

    found = compared(turned)
    assert of(found) == {"matched": 2, "missing-here": 1}
    (missing,) = [pair for pair in found.pairs if pair.outcome is Outcome.MISSING_HERE]
    assert (missing.here, missing.sender, missing.number) == (None, "north", 2)


def test_another_note_under_one_number_differs() -> None:
    async def main(made: World) -> tuple[bytes, bytes]:
        await append(made, "north", check_note("south", "north", payload=b"{}"))
        await append(made, "south", check_note("south", "north", payload=b'{"text":"x"}'))
        return await made.bundle("north"), await made.bundle("south")

    found = compared(main)
    assert not found.equal
    assert of(found) == {"differs": 1}
    assert found.pairs[0].here != found.pairs[0].there


def test_what_the_other_window_does_not_reach_is_outside_and_not_missing() -> None:
    async def main(made: World) -> tuple[bytes, bytes]:
        north, south = made.stations["north"], made.stations["south"]
        for number in range(2):
            await north.say(notice_draft("south", number=number))
            await settled(north, south)
            await asyncio.sleep(3_600)
        narrow = {"since": START - HOUR, "until": START + HOUR / 2}
        return await made.bundle("north"), await made.bundle("south", **narrow)

    found = compared(main)
    assert found.equal
    assert of(found) == {"matched": 2, "outside": 2}


def test_two_records_of_one_size_are_told_even_where_each_bundle_is_good() -> None:
    async def main() -> tuple[bytes, bytes]:
        first, second = await talked(), world()
        await second.stations["north"].say(notice_draft("south", number=9))
        size = (await first.exporters["north"].head()).size
        for _ in range(size - 1):
            await second.stations["north"].say(notice_draft("south", number=9))
        return await first.bundle("north"), await second.bundle("north")

    here, there = simulate(main)
    assert verify_bundle(here).verified
    assert verify_bundle(there).verified
    found = compare(verify_bundle(here), verify_bundle(there))
    assert found.forked == ("north",)
    assert not found.equal


def test_only_bundles_that_hold_are_compared() -> None:
    async def main() -> tuple[bytes, bytes]:
        made = await talked()
        return await made.bundle("north"), await made.bundle("south")

    here, there = simulate(main)
    good = verify_bundle(here)
    with pytest.raises(BadInput, match="log verify"):
        compare(good, verify_bundle(there, agreement=b"another"))
    with pytest.raises(BadInput, match="log verify"):
        compare(verify_bundle(here, agreement=b"another"), verify_bundle(there))

    async def other() -> bytes:
        made = world(parties=("north", "south"))
        await made.stations["north"].say(notice_draft("south"))
        return await made.bundle("north")

    with pytest.raises(BadInput, match="different agreements"):
        compare(good, verify_bundle(simulate(other)))

"""Notes over a link that loses, delays, repeats and reorders: none lost, none twice in effect."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest
from stations import Air, Faults, Station, agreement_of, key_of, settled
from virtual import SimulatedClock, simulate

from tansiq.domain.agreement import Agreement
from tansiq.domain.note import Kind, NoteID
from tansiq.domain.pact import Rung
from tansiq.domain.thread import Stage
from tansiq.formats.agreement import read_agreement, render_agreement
from tansiq.formats.payload import Payload, Person
from tansiq.services.line.inbox import Inbox
from tansiq.services.line.pen import Draft, Pen
from tansiq.services.planning.versions import Versions
from tansiq.storage.notes import NoteStore
from tansiq.storage.store import Tx
from tansiq.storage.versions import VersionRows

WATCH = Person(name="A. Watch", initials="AW")
BAD = Faults(lose=0.2, lose_answer=0.2, repeat=0.2, shuffle=0.3, delay_s=(0.01, 0.4))


def check_draft(to: str) -> Draft:
    return Draft(kind=Kind.CHECK, to=to, payload=Payload(by=WATCH))


async def receipts_of(station: Station) -> dict[NoteID, list[str]]:
    """Return the receipts that a station wrote, by the note they are of."""

    async def read(tx: Tx) -> dict[NoteID, list[str]]:
        found: dict[NoteID, list[str]] = {}
        for row in await NoteStore(tx).after(-1, 1_000_000):
            if row.kind is Kind.RECEIPT and row.sender == station.party and row.re is not None:
                found.setdefault(row.re, []).append(row.id)
        return found

    return await station.store.read(read)


async def exchange(seed: int, count: int, *, kills: int = 0) -> None:
    random = Random(seed)
    air = Air(random, BAD)
    agreement = agreement_of("north", "south")
    north, south = Station("north", agreement, air), Station("south", agreement, air)
    for station in (north, south):
        station.start()
    said: list[NoteID] = []

    async def talk() -> None:
        for _ in range(count):
            one, other = random.sample([north, south], 2)
            if not one.down:
                said.append((await one.say(check_draft(other.party))).id)
            await asyncio.sleep(random.uniform(0.0, 0.2))

    async def die() -> None:
        for _ in range(kills):
            await asyncio.sleep(random.uniform(0.0, 0.2 * count / (kills + 1)))
            await random.choice([north, south]).kill(random.uniform(0.1, 3.0))

    await asyncio.gather(talk(), die())
    await settled(north, south)
    while air.later:
        await asyncio.sleep(1.0)
    mine, theirs = await north.threads(), await south.threads()
    assert mine == theirs
    assert set(said) <= set(mine)
    assert all(thread.stage is Stage.ARRIVED for thread in mine.values())
    for station in (north, south):
        receipts = await receipts_of(station)
        assert all(len(each) == 1 for each in receipts.values())
        await station.stop()


@pytest.mark.parametrize("seed", range(5))
def test_none_is_lost_and_none_is_taken_twice(seed: int) -> None:
    simulate(lambda: exchange(seed, 100))


@pytest.mark.parametrize("seed", range(5))
def test_nor_when_both_nodes_are_killed_in_between(seed: int) -> None:
    simulate(lambda: exchange(seed, 100, kills=10))


def test_a_stop_waits_for_nothing() -> None:
    async def main() -> None:
        air = Air(Random(1), Faults(delay_s=(2.0, 2.0)))
        agreement = agreement_of("north", "south")
        north, south = Station("north", agreement, air), Station("south", agreement, air)
        for _ in range(500):
            await north.say(check_draft("south"))
        north.start()
        await asyncio.sleep(1.0)
        stop = await north.say(Draft(kind=Kind.STOP, to="south", payload=Payload(by=WATCH)))
        await asyncio.sleep(2.1)
        threads = await south.threads()
        assert stop.id in threads
        assert len(threads) < 100
        await north.stop()

    simulate(main)


def test_what_is_urgent_is_tried_every_second_and_at_once_when_the_peer_speaks() -> None:
    async def main() -> None:
        air = Air(Random(1), Faults(cut=True))
        agreement = agreement_of("north", "south")
        north, south = Station("north", agreement, air), Station("south", agreement, air)
        north.start()
        south.start()
        notice = await north.say(check_draft("south"))
        stop = await north.say(Draft(kind=Kind.STOP, to="south", payload=Payload(by=WATCH)))
        await asyncio.sleep(3_600.0)
        waiting = {each.note: each for each in await north.outbox.waiting(10)}
        assert waiting[stop.id].tries > 1_000
        assert 100 < waiting[notice.id].tries < 500
        assert "did not answer" in (waiting[stop.id].problem or "")
        air.faults.cut = False
        await south.say(check_draft("north"))
        await asyncio.sleep(0.5)
        assert not await north.outbox.waiting(10)
        for station in (north, south):
            await station.stop()

    simulate(main)


@pytest.mark.parametrize("off_s", [0.0, 5.0, -5.0, 3_600.0, -3_600.0])
def test_lead_times_with_wrong_clocks(off_s: float) -> None:
    """The four times of the exchange give the truth away, whoever's clock is wrong."""

    async def main() -> None:
        air = Air(Random(1), Faults(delay_s=(0.1, 0.3)))
        agreement = agreement_of("north", "south")
        north = Station("north", agreement, air)
        south = Station("south", agreement, air, clock=SimulatedClock(timedelta(seconds=off_s)))
        north.start()
        row = await north.say(check_draft("south"))
        await settled(north)
        passage = await north.store.read(lambda tx: NoteStore(tx).passage(row.id))
        assert passage is not None
        assert passage.offset.least <= off_s * 1e6 <= passage.offset.most
        assert passage.offset.most - passage.offset.least < 1_000_000
        assert passage.impossible == (off_s != 0.0)
        thread = (await south.threads())[row.id]
        assert thread.step(Rung.ARRIVED) is not None
        await north.stop()

    simulate(main)


def test_a_second_delivery_brings_the_same_receipt_to_the_byte() -> None:
    async def main() -> None:
        air = Air(Random(1))
        agreement = agreement_of("north", "south")
        north, south = Station("north", agreement, air), Station("south", agreement, air)
        row = await north.say(check_draft("south"))
        letter = await north.store.read(lambda tx: north.pen.letter(tx, row))
        first = await south.heard([letter.wire], "north")
        await asyncio.sleep(100.0)
        await south.say(check_draft("north"))
        again = await south.heard([letter.wire], "north")
        assert first[0].receipt is not None
        assert again[0].receipt is not None
        assert first[0].receipt.wire == again[0].receipt.wire

    simulate(main)


def test_numbers_that_never_came_are_known() -> None:
    async def main() -> None:
        air = Air(Random(1))
        agreement = agreement_of("north", "south")
        north, south = Station("north", agreement, air), Station("south", agreement, air)
        letters = []
        for _ in range(6):
            row = await north.say(check_draft("south"))
            letters.append(await north.store.read(lambda tx, row=row: north.pen.letter(tx, row)))
        await south.heard([letters[n].wire for n in (1, 5)], "north")
        for limit, expected in ((10, [1, 3, 4, 5]), (2, [1, 3])):
            missing = await south.store.read(
                lambda tx, limit=limit: NoteStore(tx).missing("north", "north", limit)
            )
            assert missing == expected

    simulate(main)


@pytest.mark.parametrize("known", [True, False])
def test_notes_pass_between_versions_that_follow_each_other(*, known: bool) -> None:
    """While nodes go over, stop and notices pass; under an unrelated agreement nothing does."""

    async def main() -> None:
        air = Air(Random(1))
        one, two = (agreement_of("north", "south", digest=d * 64) for d in "de")
        ahead, behind = Station("north", two, air), Station("south", one, air)
        if known:
            ahead.site.versions.follow([one.digest])
            behind.site.versions.follow([two.digest])
        for station in (ahead, behind):
            station.start()
        said = await ahead.say(Draft(kind=Kind.STOP, to="south", payload=Payload(by=WATCH)))
        await behind.say(check_draft("north"))
        await asyncio.sleep(60.0)
        assert (await ahead.outbox.waiting(1) == []) is known
        assert (await behind.outbox.waiting(1) == []) is known
        assert (NoteID(said.id) in await behind.threads()) is known
        if known:
            assert await ahead.threads() == await behind.threads()
        for station in (ahead, behind):
            await station.stop()

    simulate(main)


async def served(station: Station, agreement: Agreement) -> None:
    """Note that a station's node served under a version."""
    file = render_agreement(agreement)
    digest = read_agreement(file).digest

    async def write(tx: Tx) -> None:
        await VersionRows(tx).add(digest, 0, file)

    await station.store.write(write)


@pytest.mark.parametrize("changed", [True, False])
def test_a_note_by_a_key_that_was_changed_since_is_refused_with_the_remedy(
    *, changed: bool
) -> None:
    """Who has the old key could have written it today; a stop is no exception."""

    async def main() -> None:
        air = Air(Random(1))
        one = read_agreement(render_agreement(agreement_of("north", "south")))
        entry = one.parties[0]
        if changed:
            entry = replace(entry, public_key=key_of("another").public_key().public_bytes_raw())
        two = replace(
            one, version=2, previous=one.digest, digest="e" * 64, parties=(entry, one.parties[1])
        )
        north, south = Station("north", one, air), Station("south", two, air)
        south.site = replace(south.site, versions=Versions([one.digest]))
        south.inbox = Inbox(south.site, pen=south.pen)
        await served(south, one)
        drafts = [
            Draft(kind=Kind.STOP, to="south", payload=Payload(by=WATCH)),
            check_draft("south"),
        ]
        rows = [await north.say(draft) for draft in drafts]
        letters = [
            await north.store.read(lambda tx, r=row: north.pen.letter(tx, r)) for row in rows
        ]
        answers = await south.heard([letter.wire for letter in letters], "north")
        if not changed:
            assert all(each.problem is None for each in answers)
            return
        for each in answers:
            assert each.receipt is None
            assert "the key that north had under version 1" in (each.problem or "")
            assert "say it again" in (each.problem or "")
        assert await south.threads() == {}
        # The same bytes by a key that north never had are only not signed by north.
        forged = Station("west", agreement_of("west", "south"), Air(Random(2)))
        forged.pen = Pen(
            party="north",
            agreement=one.digest,
            key=key_of("thief"),
            clock_error_ms=lambda: None,
            salt=Random(3).randbytes,
        )
        row = await forged.say(drafts[0])
        letter = await forged.store.read(lambda tx: forged.pen.letter(tx, row))
        (answer,) = await south.heard([letter.wire], "north")
        assert "had under version" not in (answer.problem or "had under version")

    simulate(main)


def test_a_note_by_the_key_of_the_version_to_come_is_taken_once_it_has_come() -> None:
    async def main() -> None:
        air = Air(Random(1))
        one, two = (agreement_of("north", "south", digest=d * 64) for d in "de")
        old = replace(one.parties[0], public_key=key_of("another").public_key().public_bytes_raw())
        ahead = Station("north", two, air)
        behind = Station("south", replace(one, parties=(old, one.parties[1])), air)
        behind.site.versions.follow([two.digest])
        row = await ahead.say(check_draft("south"))
        letter = await ahead.store.read(lambda tx: ahead.pen.letter(tx, row))
        (answer,) = await behind.heard([letter.wire], "north")
        assert "is to go over to" in (answer.problem or "")
        behind.agreement = two
        behind.open()
        (answer,) = await behind.heard([letter.wire], "north")
        assert answer.problem is None

    simulate(main)

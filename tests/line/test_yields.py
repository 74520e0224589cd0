"""The yield ledger: what both signed is counted, alike at both ends, and nothing else."""

from datetime import timedelta
from random import Random

from evidence_world import ADA, BORIS, notice_draft
from stations import Air, Station, agreement_of, settled
from virtual import START, simulate

from tansiq.cli.line_text import yields_text
from tansiq.domain.note import Kind, Mode, NoteID
from tansiq.formats.payload import Move, Payload, Person
from tansiq.services.line.pen import Draft
from tansiq.services.line.views import YieldsView
from tansiq.services.line.yields import WhichYields, yields


async def ledger(of: Station, **which: object) -> YieldsView:
    await of.board.catch_up()
    threads = tuple(of.board.threads.values())
    wanted = WhichYields(**which)  # type: ignore[arg-type]
    return await of.store.read(lambda tx: yields(tx, threads, of.party, wanted))


async def word(of: Station, kind: Kind, re: str, own: dict[str, str], **said: object) -> str:
    by: Person = ADA if of.party == "north" else BORIS
    other = "south" if of.party == "north" else "north"
    mode = said.pop("mode", Mode.LIVE)
    payload = Payload(by=by, **said)  # type: ignore[arg-type]
    draft = Draft(kind=kind, to=other, own=own, re=NoteID(re), payload=payload, mode=mode)  # type: ignore[arg-type]
    return (await of.say(draft)).id


async def agreed(
    opener: Station,
    other: Station,
    number: int,
    moves: str,
    shift: Move,
    *,
    mode: Mode = Mode.LIVE,
    verdict: str = "agreed",
) -> None:
    """One notice, a counter-proposal to it, and what comes of it."""
    draft = notice_draft(other.party, number=number)
    notice = await opener.say(Draft(**{**_fields(draft), "mode": mode}))
    await settled(opener, other)
    whose = "yours" if moves == opener.party else "mine"
    counter = await word(other, Kind.COUNTER, notice.id, {"moves": whose}, shift=shift, mode=mode)
    await settled(opener, other)
    own = {"moves": moves, "id": draft.own["id"], "version": "1"}
    outcome = await word(opener, Kind.OUTCOME, counter, own, shift=shift, mode=mode)
    await settled(opener, other)
    if verdict:
        await word(other, Kind.CONFIRM, outcome, {"verdict": verdict}, mode=mode)
        await settled(opener, other)


def _fields(draft: Draft) -> dict[str, object]:
    return {name: getattr(draft, name) for name in Draft.__dataclass_fields__}


def test_what_both_signed_is_counted_alike_at_both_ends() -> None:
    async def main() -> tuple[YieldsView, ...]:
        air, agreement = Air(Random(1)), agreement_of("north", "south")
        north, south = Station("north", agreement, air), Station("south", agreement, air)
        for each in (north, south):
            each.start()
        later, higher = Move(delay_s=-240), Move(up_m=300.0, north_m=500.0)
        await agreed(north, south, 1, "north", later)
        await agreed(north, south, 2, "south", higher)
        await agreed(south, north, 3, "north", Move(delay_s=600))
        # None of these: practised, disputed, not confirmed, of somebody who is not there.
        await agreed(north, south, 4, "north", later, mode=Mode.EXERCISE)
        await agreed(north, south, 5, "north", later, verdict="disputed")
        await agreed(north, south, 6, "north", later, verdict="")
        await agreed(north, south, 7, "east", later)
        found = (
            await ledger(north),
            await ledger(south),
            await ledger(north, last=1),
            await ledger(north, party="east"),
            await ledger(north, since=START + timedelta(days=1)),
        )
        for each in (north, south):
            await each.stop()
        return found

    ours, theirs, last, nobody, later = simulate(main)
    (mine,), (other,) = ours.tally, theirs.tally
    assert (mine.party, mine.ours, mine.theirs) == ("south", 2, 1)
    assert (mine.ours_delay_s, mine.theirs_delay_s) == (840, 0)
    assert (other.party, other.ours, other.theirs) == ("north", 1, 2)
    assert (other.ours_delay_s, other.theirs_delay_s) == (0, 840)
    assert [(e.thread, e.moved) for e in ours.yields] == [
        (e.thread, e.moved) for e in theirs.yields
    ]
    assert [each.moved for each in ours.yields] == ["north", "south", "north"]
    assert last.yields == ours.yields[-1:]
    assert last.tally == ours.tally
    assert nobody.tally == nobody.yields == ()
    assert (later.tally, later.since) == ((), "2026-01-02T00:00:00Z")

    text = yields_text(ours).splitlines()
    assert text[0] == "south     we moved 2x (14 min in time), they 1x (0 min)"
    assert "we moved by -4 min, with south" in text[1]
    assert "south moved by +300 m up, +500 m north, with south" in text[2]
    assert yields_text(nobody) == "Nobody has given way yet."


def test_since_is_closed() -> None:
    async def main() -> tuple[str, int, int]:
        air, agreement = Air(Random(1)), agreement_of("north", "south")
        north, south = Station("north", agreement, air), Station("south", agreement, air)
        for each in (north, south):
            each.start()
        await agreed(north, south, 1, "north", Move(delay_s=60))
        row = await ledger(north)
        outcome = next(t.outcome for t in north.board.threads.values() if t.outcome is not None)
        at = START.fromtimestamp(0, START.tzinfo) + timedelta(microseconds=outcome.time)
        counts = [
            len((await ledger(north, since=since)).yields)
            for since in (at, at + timedelta(microseconds=1))
        ]
        for each in (north, south):
            await each.stop()
        return row.yields[0].time, counts[0], counts[1]

    _, touching, missing = simulate(main)
    assert (touching, missing) == (1, 0)

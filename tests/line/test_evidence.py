"""What a bundle shows, withholds, and finds wrong, over records of real stations."""

import asyncio
import base64
import json
from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from evidence_world import (
    ADA,
    SECRETS,
    World,
    agreement_file,
    notice_draft,
    sample,
    talked,
    world,
)
from stations import key_of, settled
from virtual import START, simulate

from tansiq.domain.note import Head, Kind, Mode, Note, NoteID, commitment
from tansiq.errors import BadInput, NotFound
from tansiq.formats import signed_note
from tansiq.formats.bundle import (
    Withheld,
    read_bundle,
    write_bundle,
)
from tansiq.formats.evidence import verify_bundle
from tansiq.formats.findings import Findings, Level
from tansiq.formats.payload import Payload
from tansiq.services.line.pen import Draft
from tansiq.services.line.showing import Showing
from tansiq.services.line.views import ThreadView
from tansiq.services.record.bundling import read_withhold


def codes(found: Findings, level: Level) -> set[str]:
    return {each.code for each in found.findings if each.level is level}


def again(data: bytes, **changed: Any) -> bytes:
    """Return a bundle with other contents, signed by its exporter."""
    contents = replace(read_bundle(data).contents, **changed)
    return write_bundle(contents, key_of(contents.by))


def in_world(fn: Callable[[World], Coroutine[Any, Any, bytes]]) -> bytes:
    async def main() -> bytes:
        made = world()
        for station in made.stations.values():
            station.outbox.start()
        data = await fn(made)
        for station in made.stations.values():
            await station.outbox.stop()
        return data

    return simulate(main)


# What it shows


def test_it_shows_who_told_whom_what_when_by_both_clocks() -> None:
    found = verify_bundle(sample(), agreement=agreement_file())
    assert (found.verified, found.pinned) == (True, True)
    notice = found.notes[0]
    assert (notice.sender, notice.receiver, notice.number) == ("north", "south", 1)
    assert "OSPREY-2" in notice.words
    assert notice.time == "2026-01-01T00:00:00Z"
    assert notice.received is not None
    assert notice.receipt in {each.id for each in found.notes if each.kind == "receipt"}
    assert codes(found, Level.PROVED) >= {
        "agreement", "bundle-signature", "inclusion", "cosigned", "signed", "receipts",
        "third-party",
    }  # fmt: skip


def test_lead_time_is_shown_by_three_words() -> None:
    (notice,) = verify_bundle(sample()).notices
    assert notice.arrived
    assert notice.third_party == "east"
    assert notice.receivers_word.least_s == pytest.approx(7_200, abs=0.1)
    assert notice.senders_word.most_s == pytest.approx(7_200, abs=0.1)
    # Cosigned two seconds later; its time is cut to the second, and clocks may differ by two.
    assert notice.guaranteed_s == pytest.approx(7_200 - 2 - 1 - 2, abs=1.0)
    assert notice.guaranteed_s < notice.receivers_word.least_s
    assert not notice.impossible


@pytest.mark.parametrize("party", ["north", "south"])
def test_a_node_shows_the_lead_time_that_its_bundle_proves(party: str) -> None:
    async def shown(made: World) -> ThreadView:
        station = made.stations[party]
        await station.board.catch_up()
        (thread,) = (each for each in station.board.threads.values() if each.kind is Kind.NOTICE)
        showing = Showing(station.site, board=station.board)
        return await station.store.read(lambda tx: showing.thread(tx, thread))

    async def both() -> tuple[ThreadView, bytes]:
        made = await talked()
        return await shown(made), await made.bundle(party)

    view, bundle = simulate(both)
    (notice,) = verify_bundle(bundle, agreement=agreement_file()).notices
    assert view.lead is not None
    assert view.lead.guaranteed_s is not None
    assert view.lead.guaranteed_s == notice.guaranteed_s


def test_what_the_other_side_exports_shows_the_same_notice() -> None:
    ours, theirs = verify_bundle(sample("north")), verify_bundle(sample("south"))
    one = next(note for note in ours.notes if note.kind == "notice")
    other = next(note for note in theirs.notes if note.kind == "notice")
    assert (one.id, one.received, one.receipt) == (other.id, other.received, other.receipt)
    assert ours.notices[0].receivers_word == theirs.notices[0].receivers_word
    assert theirs.notices[0].third_party == "east"


def test_without_a_third_party_nothing_is_guaranteed() -> None:
    async def two(made: World) -> bytes:
        await made.stations["north"].say(notice_draft("south"))
        await settled(*made.stations.values())
        await made.cosign("north", "south")
        return await made.bundle("north")

    found = verify_bundle(in_world(two))
    assert found.verified
    assert found.notices[0].guaranteed_s is None
    assert "no-third-party" in codes(found, Level.CLAIMED)


def test_clocks_that_contradict_each_other_are_told_and_not_corrected() -> None:
    async def made() -> bytes:
        return await (await talked(off={"south": -timedelta(hours=1)})).bundle("north")

    found = verify_bundle(simulate(made))
    assert found.verified
    assert found.notices[0].impossible
    assert "clocks" in codes(found, Level.CLAIMED)


def test_the_end_that_nobody_has_cosigned_is_told() -> None:
    async def early(made: World) -> bytes:
        north = made.stations["north"]
        await north.say(notice_draft("south"))
        await settled(*made.stations.values())
        await made.cosign("north", "east")
        await north.say(notice_draft("south", number=2))
        await settled(*made.stations.values())
        return await made.bundle("north")

    data = in_world(early)
    found = verify_bundle(data)
    assert found.verified
    assert [read_bundle(data).contents.size, len(read_bundle(data).contents.anchors)] == [4, 1]
    (bare,) = [each for each in found.findings if each.code == "not-cosigned"]
    assert "2 of these entries" in bare.sentence
    assert [notice.third_party for notice in found.notices] == ["east", None]


def test_a_notice_without_receipt_is_not_shown_to_have_arrived() -> None:
    async def cut(made: World) -> bytes:
        made.stations["north"].air.faults.cut = True
        await made.stations["north"].say(notice_draft("south"))
        return await made.bundle("north")

    found = verify_bundle(in_world(cut))
    assert found.verified
    assert not found.notices[0].arrived
    assert {"no-receipt", "not-cosigned"} <= codes(found, Level.CLAIMED)


def test_a_receipt_that_came_after_the_window_is_in_it_and_stands_by_the_file_alone() -> None:
    async def late(made: World) -> bytes:
        north, south = made.stations["north"], made.stations["south"]
        north.air.faults.cut = True
        await north.say(notice_draft("south"))
        await asyncio.sleep(3_600)
        north.air.faults.cut = False
        south.outbox.wake()
        await settled(north, south)
        return await made.bundle("north", until=START + timedelta(minutes=1))

    contents = read_bundle(in_world(late)).contents
    assert [entry.index for entry in contents.entries] == [0, 1]
    found = verify_bundle(write_bundle(contents, key_of("north")))
    assert found.verified
    assert found.notices[0].arrived
    assert found.notices[0].receivers_word.most_s is not None
    assert found.notices[0].receivers_word.most_s < 3_700


# What it withholds


@pytest.mark.parametrize(
    ("wanted", "kept"),
    [
        ({"withhold": Withheld.ALL}, set()),
        ({"withhold": Withheld.PERSONS}, {"OSPREY-2"}),
    ],
)
def test_what_is_withheld_is_nowhere_in_it_and_the_rest_proves(
    wanted: dict[str, Any], kept: set[str]
) -> None:
    assert verify_bundle(sample()).verified
    data = sample("north", **wanted)
    found = verify_bundle(data, agreement=agreement_file())
    assert found.verified
    assert "payloads" in codes(found, Level.WITHHELD)
    document = json.loads(read_bundle(data).signed.text.rstrip("\n").rpartition("\n")[2])
    plain = data + b"".join(
        base64.b64decode(entry[key])
        for entry in document["entries"]
        for key in ("salt", "payload")
        if key in entry
    )
    assert {secret for secret in SECRETS if secret.encode() in plain} == kept
    assert found.notices[0].guaranteed_s is not None


def test_one_note_can_be_withheld_by_the_beginning_of_its_name() -> None:
    whole = verify_bundle(sample())
    note = next(each for each in whole.notes if each.kind == "answer")
    data = sample("north", notes=frozenset({note.id[:6]}))
    found = {each.id: each for each in verify_bundle(data).notes}
    assert found[note.id].payload is None
    assert sum(each.payload is None for each in found.values()) == 1
    assert read_bundle(data).contents.withheld is Withheld.NOTES
    with pytest.raises(NotFound, match="no note abcdef"):
        sample("north", notes=frozenset({"abcdef"}))


def test_what_was_erased_before_is_withheld_too() -> None:
    async def erased(made: World) -> bytes:
        from tansiq.storage.notes import NoteStore

        row = await made.stations["north"].say(notice_draft("south"))
        await settled(*made.stations.values())
        await made.stations["north"].store.write(lambda tx: NoteStore(tx).erase(row.id))
        return await made.bundle("north")

    found = verify_bundle(in_world(erased))
    assert found.verified
    assert found.notes[0].payload is None


@pytest.mark.parametrize("word", ["person", "abcde", "ABCDEF", "a" * 65, ""])
def test_what_to_withhold_is_read_strictly(word: str) -> None:
    with pytest.raises(BadInput, match="withhold"):
        read_withhold([word])


def test_a_line_alone_says_what_it_leaves_out_and_shows_no_gap_of_its_own() -> None:
    data = sample("north", party="south")
    found = verify_bundle(data)
    assert found.verified
    parties = {each.sender for each in found.notes} | {each.receiver for each in found.notes}
    assert parties == {"north", "south"}
    assert "entries" in codes(found, Level.WITHHELD)
    assert "handover" not in {each.kind for each in found.notes}


def test_numbers_that_are_not_here_are_told_by_whose_they_are() -> None:
    data = sample()
    entries = read_bundle(data).contents.entries
    found = verify_bundle(data)
    assert "numbers" not in codes(found, Level.WITHHELD)

    async def gap(made: World) -> bytes:
        for minute in range(3):
            await made.stations["north"].say(notice_draft("south", number=minute))
            await settled(*made.stations.values())
            await asyncio.sleep(60)
        return await made.bundle("north")

    contents = read_bundle(in_world(gap)).contents
    assert len(contents.entries) == 6
    assert len(entries) == 15
    shorter = tuple(e for e in contents.entries if e.index not in (2, 3))
    found = verify_bundle(write_bundle(replace(contents, entries=shorter), key_of("north")))
    assert "inclusion" in codes(found, Level.WRONG)  # The proof was for other entries.
    assert "numbers" in codes(found, Level.WITHHELD)


# What it finds wrong


def note_of(sender: str, receiver: str, entry: int, **changed: Any) -> tuple[bytes, bytes, bytes]:
    """Return a signed note with salt and payload, as somebody with the key could make it."""
    salt, payload = b"s" * 16, b"{}"
    values: dict[str, Any] = {
        "kind": Kind.CHECK,
        "sender": sender,
        "receiver": receiver,
        "agreement": "a" * 64,
        "mode": Mode.LIVE,
        "number": 1,
        "turn": 1,
        "time": START,
        "clock_error_ms": None,
        "head": Head(entry, b"h" * 32),
        "thread": None,
        "re": None,
        "own": (),
        "payload": commitment(salt, payload),
    }
    text = str(Note(**(values | changed)))
    return signed_note.sign(text, name=sender, key=key_of(sender)), salt, payload


async def _recorded(made: World, bodies: list[bytes]) -> bytes:
    record = made.exporters["north"].record
    for body in bodies:
        await record.store.write(lambda tx, body=body: record.append(tx, "note", body, now=START))
    return await made.bundle("north")


@pytest.mark.parametrize(
    ("bodies", "code"),
    [
        ([note_of("south", "north", 0)[0], note_of("south", "north", 1)[0]], "two-stories"),
        (
            [
                note_of("south", "north", 0)[0],
                note_of("south", "north", 0, number=2, head=Head(0, b"i" * 32))[0],
            ],
            "forked",
        ),
        ([note_of("north", "south", 7)[0]], "place"),
        ([note_of("south", "east", 0)[0]], "stranger"),
        ([note_of("south", "north", 0)[0].replace(b"from: south", b"from: east ")], "note"),
        ([note_of("west", "north", 0)[0]], "note"),
        ([b"tansiq/exchange@v1\n"], "kind"),
    ],
)
def test_what_a_dishonest_record_holds_is_found(bodies: list[bytes], code: str) -> None:
    found = verify_bundle(in_world(lambda made: _recorded(made, bodies)))
    assert codes(found, Level.WRONG) == {code}


def test_a_receipt_of_another_note_is_none() -> None:
    async def wrong(made: World) -> bytes:
        row = await made.stations["north"].say(
            Draft(kind=Kind.CHECK, to="south", payload=Payload(by=ADA))
        )
        made.stations["north"].air.faults.cut = True
        body, _, _ = note_of(
            "east",
            "north",
            0,
            kind=Kind.RECEIPT,
            number=0,
            thread=NoteID(row.id),
            re=NoteID(row.id),
            own=(("received", "2026-01-01T00:00:00.000000Z"),),
        )
        return await _recorded(made, [body])

    found = verify_bundle(in_world(wrong))
    assert codes(found, Level.WRONG) == {"receipt"}


def test_another_agreement_than_the_readers_ends_it() -> None:
    other = agreement_file(("north", "south", "west"))
    found = verify_bundle(sample(), agreement=other)
    assert [each.code for each in found.findings] == ["agreement-differs"]
    assert not found.notes


def test_a_stranger_with_keys_of_his_own_is_found_out_by_the_agreement_alone() -> None:
    """Whoever makes up an agreement can make up all else: only the reader's own file tells."""
    data = sample()
    assert verify_bundle(data).verified
    assert "agreement" in codes(verify_bundle(data), Level.CLAIMED)
    assert not verify_bundle(data, agreement=agreement_file(("north", "south"))).verified


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"digest": "0" * 64}, "agreement-digest"),
        ({"by": "west"}, "exporter"),
        ({"size": 14}, "size"),
        ({"hashes": (b"h" * 32,)}, "inclusion"),
        ({"checkpoint": b"north/log\n0\n\n"}, "checkpoint"),
    ],
)
def test_envelope_that_does_not_fit(changed: dict[str, Any], code: str) -> None:
    data = sample()
    if "checkpoint" in changed:
        changed = {"checkpoint": read_bundle(sample("south")).contents.checkpoint}
    assert code in codes(verify_bundle(again(data, **changed)), Level.WRONG)


def test_keys_that_are_not_the_agreements() -> None:
    contents = read_bundle(sample()).contents
    ours = contents.keys
    assert len(ours) == 3
    found = verify_bundle(write_bundle(replace(contents, keys=ours[:2]), key_of("north")))
    assert codes(found, Level.WRONG) == {"keys"}

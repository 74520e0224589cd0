"""Cases for the vectors: how long before its start a notice arrived, and states of lines."""

from collections.abc import Iterator
from dataclasses import replace
from random import Random

from conversations import NOON, PARTIES, Talk, sayings

from tansiq.domain.lead import EVER, MICROS, Between, Passage, lead, vouched_by
from tansiq.domain.line import LineState
from tansiq.domain.note import Kind, Mode
from tansiq.domain.time import micros
from tansiq.formats.evidence_notes import Vouched, third_party

HOUR = 3_600 * MICROS
AT = micros(NOON)
ERROR = 20_000
INDEX = 118
"""Where the receipt stands in the record that was cosigned."""
PLAIN = Passage(
    signed=AT,
    received=AT + 300_000,
    receipt_signed=AT + 350_000,
    receipt_got=AT + 700_000,
    sender_error=ERROR,
    receiver_error=ERROR,
)


def lead_times() -> list[dict[str, object]]:
    """Return passages of a notice and its receipt, and what each clock's word comes to."""
    found = [_lead(what, way) for what, way in _passages()]
    found += [_lead(*case) for case in _vouched()]
    way = PLAIN
    at = lead(AT + HOUR, way).shown
    for what, required in [
        ("as much as is asked for", at.least),
        ("a microsecond less", at.least + 1),
        ("as much at most", at.most),
        ("less in any case", at.most + 1),
    ]:
        found.append(_lead(what, way, required=required))
    open_ended = replace(way, receipt_got=None)
    most = lead(AT + HOUR, open_ended).shown.most
    for what, required in [
        ("as much at most, no end known", most),
        ("less, no end known", most + 1),
    ]:
        found.append(_lead(what, open_ended, required=required))
    unknown = replace(way, receiver_error=None)
    found.append(_lead("nobody can tell", unknown, required=1))
    early = [Vouched(size=INDEX + 1, root=b"", witness="west", time_s=AT // MICROS + 1)]
    enough = AT + HOUR - vouched_by(early[0].time_s, 0)
    for what, required in [("enough by a third party", enough), ("not enough", enough + 1)]:
        found.append(_lead(what, unknown, early, differ=0, required=required))
    return found


def _passages() -> Iterator[tuple[str, Passage]]:
    way = PLAIN
    yield "both clocks right", way
    for wrong in (5, -5, 3_600, -3_600):
        by = wrong * MICROS
        yield (
            f"the receiver's clock off by {wrong} s",
            replace(way, received=way.received + by, receipt_signed=way.receipt_signed + by),
        )
        assert way.receipt_got is not None
        yield (
            f"the sender's clock off by {wrong} s",
            replace(way, signed=way.signed + by, receipt_got=way.receipt_got + by),
        )
    for whose in ("sender_error", "receiver_error"):
        yield f"{whose} unknown", replace(way, **{whose: None})
        yield f"{whose} none", replace(way, **{whose: 0})
        yield f"{whose} of an hour", replace(way, **{whose: HOUR})
        off = {"received": way.received + HOUR, "receipt_signed": way.receipt_signed + HOUR}
        yield f"{whose} of an hour, and off by it", replace(way, **{whose: HOUR}, **off)
        yield f"{whose} unknown, and off", replace(way, **{whose: None}, **off)
    yield "both unknown", replace(way, sender_error=None, receiver_error=None)
    yield "when the receipt came is not known", replace(way, receipt_got=None)
    late = replace(way, receipt_got=None, received=way.received + HOUR)
    yield "nor is, with a clock ahead", replace(late, receipt_signed=late.receipt_signed + HOUR)
    early = replace(way, receipt_got=None, received=way.received - HOUR)
    yield "nor is, with a clock behind", replace(early, receipt_signed=early.receipt_signed - HOUR)
    yield "a receipt signed at once", replace(way, receipt_signed=way.received)
    yield "a receipt signed before", replace(way, receipt_signed=way.received - 1)
    edge = replace(way, sender_error=0, receiver_error=0)
    for what, at in (("in no time", 0), ("before it was sent", -1), ("a microsecond later", 1)):
        yield f"arrived {what}", replace(edge, received=AT + at, receipt_signed=AT + at)
    got = AT + 700_000
    for what, at in (("when it was signed", 0), ("before it was signed", -1)):
        yield f"the receipt got {what}", replace(edge, received=AT, receipt_signed=got - at)
    for bound in (2 * ERROR, 2 * ERROR + 1):
        yield (
            f"the receiver's clock behind by {bound}",
            replace(way, received=AT - bound, receipt_signed=AT + 1),
        )
        yield (
            f"the receiver's clock ahead by {bound}",
            replace(way, received=AT + 1, receipt_signed=got + bound, receipt_got=got),
        )
    yield (
        "longer than any turn may take",
        replace(way, receipt_signed=AT + 9_000_000, receipt_got=AT),
    )
    yield "after its start", replace(way, received=AT + 2 * HOUR, receipt_signed=AT + 2 * HOUR)
    random = Random(118)
    for n in range(40):
        off, error = (
            random.choice([0, 5, -5, 3_600]) * MICROS,
            random.choice([0, ERROR, 10**7, None]),
        )
        there = AT + random.randrange(MICROS)
        signed = there + random.randrange(MICROS) - MICROS // 8
        yield (
            f"any {n}",
            Passage(
                signed=AT,
                received=there + off,
                receipt_signed=signed + off,
                receipt_got=random.choice([signed + random.randrange(MICROS), None]),
                sender_error=random.choice([error, ERROR]),
                receiver_error=error,
            ),
        )


def _vouched() -> Iterator[tuple[str, Passage, list[Vouched], int]]:
    noon = AT // MICROS

    def seen(witness: str, size: int = INDEX + 1, time_s: int = noon + 60) -> Vouched:
        return Vouched(size=size, root=b"", witness=witness, time_s=time_s)

    for differ in (0, 500_000, 2 * MICROS, HOUR):
        yield f"a third party, {differ} apart", PLAIN, [seen("west")], differ
    two = 2 * MICROS
    yield "sender and receiver alone", PLAIN, [seen("north"), seen("south")], two
    yield "not yet in it", PLAIN, [seen("west", INDEX)], two
    yield "in a larger one", PLAIN, [seen("west", INDEX, noon), seen("west", INDEX + 900)], two
    yield "the earlier one", PLAIN, [seen("west", time_s=noon + 61), seen("east")], two
    yield "the earlier one of the larger", PLAIN, [seen("west", INDEX + 9, noon), seen("east")], two
    yield "two at one second", PLAIN, [seen("west"), seen("east")], two
    yield "after the start", PLAIN, [seen("west", time_s=noon + 7_200)], two
    yield "a clock of a third party behind", PLAIN, [seen("west", time_s=noon - 60)], two
    yield "clocks unknown", replace(PLAIN, sender_error=None), [seen("west")], two
    off = replace(PLAIN, received=AT + HOUR, receipt_signed=AT + HOUR)
    yield "clocks in contradiction", off, [seen("west")], two


def _lead(
    what: str,
    way: Passage,
    vouched: list[Vouched] | None = None,
    differ: int = 2 * MICROS,
    required: int = HOUR // 2,
) -> dict[str, object]:
    start = AT + HOUR
    third = third_party(vouched or [], INDEX, ("north", "south"))
    by = None if third is None else vouched_by(third.time_s, differ)
    found = lead(start, way, vouched=by)
    late = found.late(required)
    return {
        "what": what,
        "t": [way.signed, way.received, way.receipt_signed, way.receipt_got],
        "e": [way.sender_error, way.receiver_error],
        "start": start,
        "required": required,
        "index": INDEX,
        "parties": ["north", "south"],
        "clocks_differ": differ,
        "cosignatures": [
            {"witness": each.witness, "size": each.size, "time_s": each.time_s}
            for each in vouched or []
        ],
        "ahead": _ends(way.offset),
        "impossible": found.impossible,
        "receivers_word": _ends(found.receivers_word),
        "senders_word": _ends(found.senders_word),
        "shown": _ends(found.shown),
        "third": None if third is None else third.witness,
        "guaranteed": found.guaranteed,
        "late": {None: "unknown", True: "yes", False: "no"}[late],
    }


def _ends(span: Between) -> list[int | None]:
    return [
        None if span.least <= -EVER else span.least,
        None if span.most >= EVER else span.most,
    ]


# States of lines


STATES = ("open", "degraded", "suspended", "exercise", "closed")


def lines() -> list[dict[str, object]]:
    """Return what the two parties last said of a line, and what comes of it."""
    found: list[dict[str, object]] = []
    for one in STATES:
        for other in STATES:
            talk = Talk(NOON)
            talk.say("north", Kind.LINE, state="closed")
            talk.say("north", Kind.LINE, state=one)
            talk.say("south", Kind.LINE, state=other)
            found.append({"north": one, "south": other, "state": _state(talk).state})
    return found


def line_notes() -> list[dict[str, object]]:
    """Return line notes of two parties, in no order, and the state of their line."""
    found: list[dict[str, object]] = []
    for seed in range(60):
        random, talk = Random(seed), Talk(NOON)
        for _ in range(seed % 7):
            mode = random.choice([Mode.LIVE, Mode.LIVE, Mode.EXERCISE])
            talk.say(random.choice(PARTIES), Kind.LINE, mode=mode, state=random.choice(STATES))
        random.shuffle(talk.notes)
        said = [
            {
                "from": note.sender,
                "to": note.receiver,
                "turn": note.turn,
                "mode": note.mode,
                "state": note["state"],
            }
            for _, note in talk.notes
        ]
        found.append({"said": said, "state": _state(talk).state})
    return found


def _state(talk: Talk) -> LineState:
    line = LineState(parties=PARTIES)
    for said in sayings(talk):
        line = line.heard(said)
    return line

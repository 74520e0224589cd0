"""Cases for the vectors: conversations, and what both nodes make of them."""

from collections.abc import Iterable
from random import Random

from conversations import PARTIES, Talk, any_talk, likely_talk, sayings

from tansiq.domain.note import FORMS, Kind, NoteID, Place
from tansiq.domain.thread import TABLES, Saying, Stage, Who, folded

Words = list[tuple[str, Who]]
WORDS = [
    word
    for kind, form in FORMS.items()
    if form.place is Place.ANSWERS
    for word in (
        [f"answer/{each}" for each in ("noted", "no-conflict", "unable", "need-time")]
        if kind is Kind.ANSWER
        else [f"confirm/{each}" for each in ("agreed", "disputed")]
        if kind is Kind.CONFIRM
        else [kind.value]
    )
]
FEW = frozenset({Kind.SAY, Kind.STATUS, Kind.CLOCK, Kind.AGREEMENT, Kind.KEY, Kind.CALL})
"""They share the table of the line's state, of which every cell is tried."""


def conversations(seeds: Iterable[int] = range(300)) -> list[dict[str, object]]:
    """Return a conversation of each seed, in no order, and what it comes to."""
    found = []
    for seed in seeds:
        talk = likely_talk if seed % 2 else any_talk
        found.append(_conversation(talk(Random(seed), 2 + seed % 12), seed))
    return found


def cells() -> list[dict[str, object]]:
    """Return, for each stage that can be reached, what leads on and what counts for nothing.

    The way there is the shortest; what counts for nothing is all said in one conversation.
    """
    found = []
    for kind, table in TABLES.items():
        for stage, way in _ways(kind).items():
            on = [(word, who) for at, word, who in table if at is stage]
            off = [(word, who) for word in WORDS for who in Who if (word, who) not in on]
            ends = [*on[:1], *on[-2:]] if kind in FEW else on
            found += [_cell(kind, [*way, each], stage) for each in ends]
            if kind not in FEW:
                found.append(_cell(kind, [*way, *off], stage))
    return found


def _ways(kind: Kind) -> dict[Stage, Words]:
    """Return the shortest way to each stage."""
    found: dict[Stage, Words] = {Stage.SENT: []}
    waiting = [Stage.SENT]
    for stage in waiting:
        for (at, word, who), to in TABLES[kind].items():
            if at is stage and to not in found:
                found[to] = [*found[stage], (word, who)]
                waiting.append(to)
    return found


def _cell(kind: Kind, words: Words, stage: Stage) -> dict[str, object]:
    talk = Talk()
    thread = talk.say("north", kind)
    last: dict[Kind, NoteID] = {}
    by: dict[Kind, str] = {}
    for word, who in words:
        said, _, rest = word.partition("/")
        sender = PARTIES[who is not Who.OPENER]
        if said == Kind.CONFIRM and by.get(Kind.OUTCOME) == sender:
            sender = PARTIES[sender == PARTIES[0]]  # Nobody confirms his own.
        before = {Kind.OUTCOME.value: Kind.COUNTER, Kind.CONFIRM.value: Kind.OUTCOME}.get(said)
        own = {"word": rest} if said == Kind.ANSWER else {"verdict": rest}
        moves = PARTIES[0] if said == Kind.OUTCOME else "yours"
        re = last.get(before, thread) if before else thread
        last[Kind(said)] = talk.say(
            sender, Kind(said), re=re, thread=thread, moves=moves, **(own if rest else {})
        )
        by[Kind(said)] = sender
    return _conversation(sayings(talk), len(words))


def _conversation(said: list[Saying], seed: int) -> dict[str, object]:
    thread = folded(said)
    assert thread is not None
    shuffled = list(said)
    Random(seed).shuffle(shuffled)
    # In the order of the names, which decides between equal turns of one sender.
    names = {note: n for n, note in enumerate(sorted(each.id for each in said))}
    return {
        "opened_by": thread.kind,
        "notes": [_note(each, names) for each in shuffled],
        "stage": thread.stage,
        "rungs": {rung: names[step.id] for rung, step in thread.rungs},
        "out_of_turn": sorted(names[each] for each in thread.out_of_turn),
    }


def _note(each: Saying, names: dict[NoteID, int]) -> dict[str, object]:
    found = {
        "n": names[each.id],
        "from": each.sender,
        "to": each.receiver,
        "number": each.number,
        "turn": each.turn,
        "mode": each.mode,
        "word": each.kind if each.kind is Kind.LINE else each.word,
    }
    if each.re is not None:
        found["re"] = names[each.re]
    if each.thread is None:
        found["opens"] = True
    return found

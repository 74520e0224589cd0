"""Cases for the vectors: conversations, and what both nodes make of them."""

from collections.abc import Callable, Iterable
from datetime import timedelta
from functools import partial
from random import Random
from typing import Final

from conversations import NOON, PARTIES, Talk, any_talk, likely_talk, sayings

from tansiq.domain.note import FORMS, Kind, Mode, NoteID, Place
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


def turns() -> list[dict[str, object]]:
    """Return conversations that turn on one rule each."""
    found = []
    for what, say in _TURNS.items():
        # A name is a hash. What decides between equal turns must come out both ways.
        for later in range(6):
            talk = Talk(NOON + timedelta(days=later))
            say(talk)
            found.append({"what": what, **_conversation(sayings(talk), later)})
            if "equal turns" not in what:
                break
    return found


def _notice(talk: Talk) -> NoteID:
    return talk.say("north", Kind.NOTICE)


def _of(talk: Talk, thread: NoteID, who: str, kind: Kind, **own: str) -> NoteID:
    return talk.say(who, kind, re=thread, **own)


def _back(talk: Talk, *, turns: int = 1, number_of: str | None = None) -> None:
    """Let the next note have a turn, and a sender's number, that another one has."""
    talk.turn -= turns
    if number_of is not None:
        talk.numbers[number_of] -= 1


def _two_receipts(talk: Talk) -> None:
    notice = _notice(talk)
    _of(talk, notice, "south", Kind.RECEIPT)
    _back(talk)
    _of(talk, notice, "south", Kind.RECEIPT)


def _both_at_once(talk: Talk) -> None:
    notice = _notice(talk)
    _of(talk, notice, "south", Kind.ANSWER, word="unable")
    _back(talk)
    _of(talk, notice, "north", Kind.COUNTER)


def _both_at_once_later(talk: Talk) -> None:
    notice = _notice(talk)
    _of(talk, notice, "south", Kind.ANSWER, word="unable")
    _of(talk, notice, "north", Kind.COUNTER)
    _back(talk)
    _of(talk, notice, "south", Kind.COUNTER)


def _two_stories(talk: Talk) -> None:
    notice = _notice(talk)
    _of(talk, notice, "south", Kind.ANSWER, word="noted")
    _back(talk, turns=0, number_of="south")
    _of(talk, notice, "south", Kind.ANSWER, word="unable")
    _of(talk, notice, "south", Kind.SEEN)


def _lower_number_later(talk: Talk) -> None:
    notice = _notice(talk)
    talk.numbers["south"] += 1
    _of(talk, notice, "south", Kind.ANSWER, word="noted")
    talk.numbers["south"] -= 2
    _of(talk, notice, "south", Kind.ANSWER, word="unable")


def _early_receipt(talk: Talk) -> None:
    talk.turn = 4
    notice = _notice(talk)
    _back(talk, turns=2)
    _of(talk, notice, "south", Kind.RECEIPT)


def _same_turn(talk: Talk) -> None:
    notice = _notice(talk)
    _back(talk)
    _of(talk, notice, "south", Kind.ANSWER, word="noted")


def _seen_of_an_answer(talk: Talk) -> None:
    notice = _notice(talk)
    answer = _of(talk, notice, "south", Kind.ANSWER, word="noted")
    for who in PARTIES:
        talk.say(who, Kind.SEEN, re=answer, thread=notice)
        talk.say(who, Kind.RECEIPT, re=answer, thread=notice)


def _refusal_of_an_answer(talk: Talk) -> None:
    notice = _notice(talk)
    counter = _of(talk, notice, "north", Kind.COUNTER)
    talk.say("south", Kind.REFUSAL, re=counter, thread=notice)


def _all_clear_of_something(talk: Talk) -> None:
    stop = talk.say("north", Kind.STOP)
    seen = _of(talk, stop, "south", Kind.SEEN)
    talk.say("north", Kind.ALL_CLEAR, re=seen, thread=stop)


def _confirm_of_something(talk: Talk) -> None:
    call = talk.say("north", Kind.CALL)
    receipt = _of(talk, call, "south", Kind.RECEIPT)
    talk.say("south", Kind.CONFIRM, re=receipt, thread=call)


def _withdraw_of_something(talk: Talk) -> None:
    notice = _notice(talk)
    seen = _of(talk, notice, "south", Kind.SEEN)
    talk.say("north", Kind.WITHDRAW, re=seen, thread=notice)


def _outcome(talk: Talk, *, of: str, by: str, confirmed: str = "outcome") -> None:
    notice = _notice(talk)
    counters = {"first": _of(talk, notice, "south", Kind.COUNTER)}
    counters["last"] = _of(talk, notice, "south", Kind.COUNTER)
    counters["notice"] = notice
    outcome = talk.say("north", Kind.OUTCOME, re=counters[of], thread=notice, moves="north")
    confirms = outcome if confirmed == "outcome" else counters[confirmed]
    talk.say(by, Kind.CONFIRM, re=confirms, thread=notice)


def _counter_out_of_turn(talk: Talk) -> None:
    """A counter in another mode comes between a counter and the outcome of it."""
    notice = _notice(talk)
    counter = _of(talk, notice, "south", Kind.COUNTER)
    other = talk.say("south", Kind.COUNTER, re=notice, mode=Mode.EXERCISE)
    talk.say("north", Kind.OUTCOME, re=other, thread=notice, moves="north")
    talk.say("north", Kind.OUTCOME, re=counter, thread=notice, moves="north")


def _outcome_out_of_turn(talk: Talk) -> None:
    notice = _notice(talk)
    counter = _of(talk, notice, "south", Kind.COUNTER)
    outcome = talk.say("north", Kind.OUTCOME, re=counter, thread=notice, moves="north")
    other = talk.say("south", Kind.OUTCOME, re=counter, thread=notice, moves="north")
    talk.say("north", Kind.CONFIRM, re=other, thread=notice)
    talk.say("south", Kind.CONFIRM, re=outcome, thread=notice)


def _disputed_and_again(talk: Talk) -> None:
    """The second outcome is by the other side, and confirmed by whoever wrote the first."""
    notice = _notice(talk)
    counter = _of(talk, notice, "south", Kind.COUNTER)
    first = talk.say("north", Kind.OUTCOME, re=counter, thread=notice, moves="north")
    talk.say("south", Kind.CONFIRM, re=first, thread=notice, verdict="disputed")
    second = talk.say("south", Kind.OUTCOME, re=counter, thread=notice, moves="north")
    talk.say("south", Kind.CONFIRM, re=first, thread=notice)
    talk.say("north", Kind.CONFIRM, re=second, thread=notice)


def _in_an_exercise(talk: Talk) -> None:
    notice = talk.say("north", Kind.NOTICE, mode=Mode.EXERCISE)
    _of(talk, notice, "south", Kind.ANSWER, word="noted")
    talk.say("south", Kind.ANSWER, re=notice, mode=Mode.EXERCISE, word="unable")


_TURNS: Final[dict[str, Callable[[Talk], object]]] = {
    "two receipts at equal turns": _two_receipts,
    "an answer and a counter at equal turns": _both_at_once,
    "two counters at equal turns": _both_at_once_later,
    "two notes of one number": _two_stories,
    "a lower number at a later turn": _lower_number_later,
    "a receipt before its notice": _early_receipt,
    "an answer at the turn of its notice": _same_turn,
    "seen and receipts of an answer": _seen_of_an_answer,
    "a refusal of something else": _refusal_of_an_answer,
    "an all-clear of something else": _all_clear_of_something,
    "a confirmation of something else": _confirm_of_something,
    "a withdrawal of something else": _withdraw_of_something,
    "the last counter agreed": partial(_outcome, of="last", by="south"),
    "an outcome of the first counter": partial(_outcome, of="first", by="south"),
    "an outcome of the notice": partial(_outcome, of="notice", by="south"),
    "their own outcome confirmed": partial(_outcome, of="last", by="north"),
    "the counter confirmed for the outcome": partial(
        _outcome, of="last", by="south", confirmed="last"
    ),
    "the notice confirmed for the outcome": partial(
        _outcome, of="last", by="south", confirmed="notice"
    ),
    "a counter out of turn": _counter_out_of_turn,
    "an outcome out of turn": _outcome_out_of_turn,
    "disputed, and another outcome": _disputed_and_again,
    "a live answer in an exercise": _in_an_exercise,
}


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

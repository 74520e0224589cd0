"""Conversations: the stages, and that both ends see the same whatever came first."""

from dataclasses import replace
from random import Random

import pytest
from conversations import Talk, any_talk, name, sayings

from tansiq.domain.note import FORMS, Kind, Mode, Place
from tansiq.domain.pact import LADDER, Rung
from tansiq.domain.thread import TABLES, Stage, Thread, Who, backdated, begun, folded, saying, told

STAGES = [
    # (who, kind, own lines, stage after)
    ("south", Kind.RECEIPT, {}, Stage.ARRIVED),
    ("south", Kind.SEEN, {}, Stage.SEEN),
    ("south", Kind.READBACK, {}, Stage.READ_BACK),
    ("south", Kind.ANSWER, {"word": "need-time"}, Stage.NEED_TIME),
    ("south", Kind.ANSWER, {"word": "no-conflict"}, Stage.NO_CONFLICT),
    ("north", Kind.WITHDRAW, {}, Stage.WITHDRAWN),
]


def thread_of(talk: Talk) -> Thread:
    thread = folded(sayings(talk))
    assert thread is not None
    return thread


def test_a_notice_climbs_the_ladder() -> None:
    talk = Talk()
    notice = talk.say("north", Kind.NOTICE)
    assert thread_of(talk).stage is Stage.SENT
    for who, kind, own, stage in STAGES:
        talk.say(who, kind, re=notice, **own)
        assert thread_of(talk).stage is stage
    thread = thread_of(talk)
    assert [rung for rung, _ in thread.rungs] == list(LADDER)
    assert thread.out_of_turn == ()
    assert not thread.open


def test_a_counter_proposal_ends_in_an_outcome_of_both() -> None:
    talk = Talk()
    notice = talk.say("north", Kind.NOTICE)
    counter = talk.say("south", Kind.COUNTER, re=notice)
    assert thread_of(talk).stage is Stage.COUNTERED
    outcome = talk.say("north", Kind.OUTCOME, re=counter, thread=notice, moves="north")
    assert thread_of(talk).stage is Stage.OUTCOME
    own = talk.say("north", Kind.CONFIRM, re=outcome, thread=notice)
    assert thread_of(talk).stage is Stage.OUTCOME, "nobody confirms what they said themselves"
    talk.say("south", Kind.CONFIRM, re=outcome, thread=notice)
    thread = thread_of(talk)
    assert thread.stage is Stage.SETTLED
    assert thread.out_of_turn == (own,)


def test_an_outcome_of_an_older_proposal_is_none() -> None:
    talk = Talk()
    notice = talk.say("north", Kind.NOTICE)
    older = talk.say("south", Kind.COUNTER, re=notice)
    talk.say("south", Kind.COUNTER, re=notice)
    talk.say("north", Kind.OUTCOME, re=older, thread=notice)
    assert thread_of(talk).stage is Stage.COUNTERED


def test_silence_is_never_yes() -> None:
    """Nothing but an answer of the other side reaches the stage of one."""
    talk = Talk()
    notice = talk.say("north", Kind.NOTICE)
    for kind in (Kind.RECEIPT, Kind.SEEN, Kind.READBACK):
        talk.say("south", kind, re=notice)
        talk.say("north", kind, re=notice)
        talk.say("north", Kind.ANSWER, re=notice, word="no-conflict")
        thread = thread_of(talk)
        assert thread.step(Rung.ANSWERED) is None
        assert thread.open


def test_an_exercise_cannot_answer_what_is_meant() -> None:
    talk = Talk()
    notice = talk.say("north", Kind.NOTICE)
    talk.say("south", Kind.ANSWER, re=notice, mode=Mode.EXERCISE, word="no-conflict")
    assert thread_of(talk).stage is Stage.SENT


def test_only_who_stopped_gives_the_all_clear() -> None:
    talk = Talk()
    stop = talk.say("north", Kind.STOP)
    talk.say("south", Kind.ALL_CLEAR, re=stop)
    assert thread_of(talk).open
    talk.say("north", Kind.ALL_CLEAR, re=stop)
    assert thread_of(talk).stage is Stage.CLEARED


def test_a_late_receipt_still_counts() -> None:
    talk = Talk()
    notice = talk.say("north", Kind.NOTICE)
    talk.say("south", Kind.ANSWER, re=notice, word="noted")
    talk.say("south", Kind.RECEIPT, re=notice)
    thread = thread_of(talk)
    assert thread.stage is Stage.NOTED
    assert thread.step(Rung.ARRIVED) is not None


@pytest.mark.parametrize("seed", range(300))
def test_both_ends_see_the_same_whatever_came_first(seed: int) -> None:
    random = Random(seed)
    notes = any_talk(random, random.randrange(12))
    expected = folded(notes)
    assert expected is not None
    for _ in range(5):
        random.shuffle(notes)
        assert folded(notes) == expected


def test_in_the_order_of_arrival_they_would_not() -> None:
    """The control: folded as they come, the two ends differ."""
    differing = 0
    for each in range(300):
        random = Random(each)
        notes = any_talk(random, 12)
        expected = folded(notes)
        later = notes[1:]
        random.shuffle(later)
        thread = begun(notes[0])
        for note in later:
            thread = told(thread, note)
        differing += thread.stage is not getattr(expected, "stage", None)
    assert differing > 20


def test_every_kind_that_opens_has_a_table() -> None:
    assert set(TABLES) == {kind for kind, form in FORMS.items() if form.place is Place.OPENS}


@pytest.mark.parametrize("kind", TABLES)
def test_what_is_final_stays(kind: Kind) -> None:
    """Nothing leaves WITHDRAWN or CLEARED, and a refusal comes before a person has seen it."""
    for (stage, _, who), to in TABLES[kind].items():
        if stage in (Stage.WITHDRAWN, Stage.CLEARED):
            assert to is stage
        if to is Stage.REFUSED and stage is not Stage.REFUSED:
            assert stage in (Stage.SENT, Stage.ARRIVED)
            assert who is Who.OTHER


def test_without_its_first_note_there_is_no_conversation_yet() -> None:
    talk = Talk()
    notice = talk.say("north", Kind.NOTICE)
    talk.say("south", Kind.SEEN, re=notice)
    said = sayings(talk)
    assert folded(said[1:]) is None
    assert folded(said[::-1]) == folded(said)


def test_what_is_said_of_an_answer_is_no_rung_of_the_notice() -> None:
    talk = Talk()
    notice = talk.say("north", Kind.NOTICE)
    answer = talk.say("south", Kind.ANSWER, re=notice, word="need-time")
    talk.say("north", Kind.RECEIPT, re=answer, thread=notice)
    talk.say("north", Kind.SEEN, re=answer, thread=notice)
    thread = thread_of(talk)
    assert thread.stage is Stage.NEED_TIME
    assert thread.out_of_turn == ()
    assert thread.step(Rung.ARRIVED) is None


def test_a_turn_written_back_undoes_nothing() -> None:
    """A note that is signed later cannot be slipped in before what both have agreed."""
    talk = Talk()
    notice = talk.say("north", Kind.NOTICE)
    counter = talk.say("south", Kind.COUNTER, re=notice)
    outcome = talk.say("north", Kind.OUTCOME, re=counter, thread=notice, moves="north")
    talk.say("south", Kind.CONFIRM, re=outcome, thread=notice)
    settled = thread_of(talk)
    assert settled.stage is Stage.SETTLED
    talk.say("south", Kind.REFUSAL, re=notice)
    for turn in (1, 2):
        note = replace(talk.notes[-1][1], turn=turn)
        again = folded([*sayings(talk)[:-1], saying(name(note), note)])
        assert again is not None
        assert again.stage is Stage.SETTLED
        assert again.out_of_turn == (name(note),)
    first = talk.notes[1][1]
    early = replace(talk.notes[-1][1], turn=first.turn, number=first.number + 1)
    assert saying(name(early), early).id in backdated(
        [*sayings(talk)[:-1], saying(name(early), early)]
    )
    later = replace(early, turn=first.turn + 1)
    assert saying(name(later), later).id not in backdated(
        [*sayings(talk)[:-1], saying(name(later), later)]
    )


def test_a_stranger_has_no_say() -> None:
    talk = Talk()
    notice = talk.say("north", Kind.NOTICE)
    talk.say("south", Kind.ANSWER, re=notice, word="no-conflict")
    west = sayings(talk)[1]._replace(sender="west")
    thread = folded([sayings(talk)[0], west])
    assert thread is not None
    assert thread.stage is Stage.SENT
    assert thread.out_of_turn == (west.id,)


def test_the_random_talks_come_to_every_stage() -> None:
    reached = {folded(any_talk(Random(seed), 14)).stage for seed in range(400)}  # type: ignore[union-attr]
    assert reached >= {Stage.SETTLED, Stage.OUTCOME, Stage.CONFIRMED, Stage.UNABLE}


def test_a_counter_proposal_is_declined() -> None:
    talk = Talk()
    notice = talk.say("north", Kind.NOTICE)
    talk.say("south", Kind.COUNTER, re=notice)
    talk.say("north", Kind.ANSWER, re=notice, word="unable")
    assert thread_of(talk).stage is Stage.DECLINED

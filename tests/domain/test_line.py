"""The state of a line follows from both stances, the same at both ends."""

from itertools import permutations, product

import pytest
from conversations import PARTIES, Talk, sayings

from tansiq.domain.line import FLOWING, LineState, Stance, refused, stopped
from tansiq.domain.note import Kind, Mode
from tansiq.domain.thread import folded

WORST = [Stance.CLOSED, Stance.SUSPENDED]


def line_of(talk: Talk) -> LineState:
    line = LineState(parties=PARTIES)
    for said in sayings(talk):
        line = line.heard(said)
    return line


@pytest.mark.parametrize(("one", "other"), list(product(Stance, Stance)))
def test_the_worse_of_two_stances(one: Stance, other: Stance) -> None:
    talk = Talk()
    talk.say("north", Kind.LINE, state=one)
    talk.say("south", Kind.LINE, state=other)
    line = line_of(talk)
    for worst in WORST:
        if worst in (one, other):
            assert line.state is worst
            assert set(line.by) == {
                p for p, s in zip(PARTIES, (one, other), strict=True) if s is worst
            }
            return
    assert line.practising == (one is other is Stance.EXERCISE)
    assert (line.state is Stance.DEGRADED) == (Stance.DEGRADED in (one, other))


def test_the_order_of_arrival_does_not_matter() -> None:
    talk = Talk()
    for who, state in [("north", "suspended"), ("south", "degraded"), ("north", "open")]:
        talk.say(who, Kind.LINE, state=state)
    expected = line_of(talk)
    assert expected.state is Stance.DEGRADED
    for order in permutations(sayings(talk)):
        line = LineState(parties=PARTIES)
        for said in order:
            line = line.heard(said)
        assert line == expected


def test_nobody_can_suspend_a_stop() -> None:
    talk = Talk()
    talk.say("south", Kind.LINE, state="closed")
    line = line_of(talk)
    assert refused(line, Kind.STOP, Mode.LIVE) is None
    assert refused(line, Kind.ALL_CLEAR, Mode.LIVE) is None
    assert refused(line, Kind.NOTICE, Mode.LIVE) == "line-closed"


@pytest.mark.parametrize("stance", Stance)
def test_practice_passes_only_where_both_practise(stance: Stance) -> None:
    talk = Talk()
    talk.say("south", Kind.LINE, state="exercise")
    talk.say("north", Kind.LINE, state=stance)
    line = line_of(talk)
    expected = None if stance is Stance.EXERCISE else "not-in-exercise"
    assert refused(line, Kind.STOP, Mode.EXERCISE) == expected
    assert (refused(line, Kind.NOTICE, Mode.LIVE) is None) == (line.state in FLOWING)


def test_a_stance_cannot_be_practised() -> None:
    talk = Talk()
    talk.say("south", Kind.LINE, state="closed", mode=Mode.EXERCISE)
    assert line_of(talk).state is Stance.OPEN


def standing(talk: Talk) -> bool:
    thread = folded(sayings(talk))
    assert thread is not None
    return stopped([thread]) == (thread,)


def test_stops_stand_until_they_are_cleared() -> None:
    talk = Talk()
    stop = talk.say("north", Kind.STOP)
    assert standing(talk)
    talk.say("south", Kind.RECEIPT, re=stop)
    talk.say("south", Kind.SEEN, re=stop)
    assert standing(talk)
    talk.say("north", Kind.ALL_CLEAR, re=stop)
    assert not standing(talk)

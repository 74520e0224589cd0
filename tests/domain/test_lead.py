"""Lead time: the span shown holds the truth as long as one of two clocks keeps its bound."""

from random import Random

import pytest

from tansiq.domain.lead import EVER, MICROS, Between, Passage, lead, minutes, offset, vouched_by

HOUR = 3_600 * MICROS
START = 10 * HOUR


def passage(
    random: Random, *, sender_off: int, receiver_off: int, error: int | None
) -> tuple[Passage, int]:
    """Return a passage by two clocks that are off by so much, and when it truly arrived."""
    signed = random.randrange(HOUR)
    arrived = signed + random.randrange(MICROS)
    answered = arrived + random.randrange(MICROS // 10)
    got = answered + random.randrange(MICROS)
    return (
        Passage(
            signed=signed + sender_off,
            received=arrived + receiver_off,
            receipt_signed=answered + receiver_off,
            receipt_got=got + sender_off,
            sender_error=error,
            receiver_error=error,
        ),
        arrived,
    )


ERROR = 20_000  # 20 ms: what both clocks say of themselves.


@pytest.mark.parametrize("wrong_s", [0.0, 5.0, -5.0, 3_600.0, -3_600.0])
@pytest.mark.parametrize("whose", ["sender", "receiver"])
@pytest.mark.parametrize("seed", range(50))
def test_the_truth_is_within_and_a_wrong_clock_is_told(
    wrong_s: float, whose: str, seed: int
) -> None:
    random = Random(seed)
    off = {"sender": 0, "receiver": 0, whose: round(wrong_s * MICROS)}
    way, arrived = passage(
        random, sender_off=off["sender"], receiver_off=off["receiver"], error=ERROR
    )
    found = lead(START, way)
    assert found.shown.least <= START - arrived <= found.shown.most
    assert found.impossible == (wrong_s != 0)
    assert way.offset.least <= off["receiver"] - off["sender"] <= way.offset.most


def test_both_words_as_one_would_miss_the_truth() -> None:
    """The control: where only what both say is shown, a wrong clock hides the truth."""
    missed = 0
    for seed in range(200):
        way, arrived = passage(Random(seed), sender_off=0, receiver_off=-(MICROS // 4), error=ERROR)
        found = lead(START, way)
        assert found.shown.least <= START - arrived <= found.shown.most
        both = found.receivers_word.within(found.senders_word)
        missed += not (both.least <= START - arrived <= both.most)
    assert missed > 20


def test_an_unknown_clock_guarantees_nothing() -> None:
    way, _ = passage(Random(1), sender_off=0, receiver_off=0, error=None)
    found = lead(START, way)
    assert found.late(0) is None
    assert minutes(found.shown) == "unknown"
    assert lead(START, way, vouched=START - 60 * MICROS).late(60 * MICROS) is False
    assert lead(START, way, vouched=START - 60 * MICROS).late(60 * MICROS + 1) is None


def test_a_third_partys_second_is_counted_to_its_end() -> None:
    """Time cut to the second, and a clock as far off as agreed: both are taken off."""
    assert vouched_by(1_000, 2 * MICROS) == 1_003 * MICROS
    assert vouched_by(0, 0) == MICROS


def test_late_by_the_smallest_step() -> None:
    way = Passage(
        signed=0, received=5, receipt_signed=6, receipt_got=10, sender_error=0, receiver_error=0
    )
    found = lead(1_000, way)
    assert (found.shown.least, found.shown.most) == (990, 1_000)
    assert found.late(990) is False
    assert found.late(991) is True


@pytest.mark.parametrize(
    ("received", "signed", "receiver_error", "impossible"),
    [(100, 110, 0, False), (100, 99, 0, True), (-11, 0, 10, True), (-10, 0, 10, False)],
)
def test_impossible_by_the_smallest_step(
    received: int, signed: int, receiver_error: int, *, impossible: bool
) -> None:
    way = Passage(
        signed=0,
        received=received,
        receipt_signed=signed,
        receipt_got=200,
        sender_error=0,
        receiver_error=receiver_error,
    )
    assert way.impossible == impossible


def test_the_offset_of_several_exchanges_is_what_they_share() -> None:
    samples = [(0, Between(-100, 300)), (1_000, Between(-50, 500))]
    found = offset(samples, 1_000)
    assert found == Between(-51, 301)  # A microsecond each: drift is rounded up.
    assert not offset([(0, Between(0, 10)), (0, Between(13, 20))], 0).possible
    assert offset([(0, Between(0, 10)), (0, Between(12, 20))], 0).possible
    assert offset([], 0) == Between(-EVER, EVER)

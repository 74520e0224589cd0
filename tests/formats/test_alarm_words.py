"""Each finding is one sentence, with a unit on every number and its doubt said."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tansiq.domain.alarm import Alarm, acknowledge, raised, step, suppress
from tansiq.domain.alarm import Rules as AlarmRules
from tansiq.domain.alarm_key import AlarmKind, Level, Subject, key
from tansiq.domain.conformance import Conformance, Status, Wanting
from tansiq.domain.crossing import Crossing
from tansiq.domain.estimate import Staleness
from tansiq.domain.following import Quality
from tansiq.domain.ring import Approach, RingKind, wildfire
from tansiq.domain.whereabouts import Within
from tansiq.formats import alarm_words
from watching import HERE, NOON, at_s, estimate

CALL, NO_ENTRY, AREA = wildfire(HERE).rings


@pytest.mark.parametrize(
    ("metres", "text"),
    [
        (0.0, "1 m"),
        (0.4, "1 m"),
        (99.4, "99 m"),
        (185.1, "185 m"),
        (185.2, "0.1 NM (185 m)"),
        (1_250.0, "0.7 NM (1,250 m)"),
        (22_224.0, "12.0 NM (22,200 m)"),
    ],
)
def test_distances(metres: float, text: str) -> None:
    assert alarm_words.distance(metres) == text


def test_heights() -> None:
    assert alarm_words.height(100.0) == "328 ft (100 m)"
    assert alarm_words.height(0.001) == "1 ft (1 m)"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0 s"),
        (-3.0, "0 s"),
        (59.4, "59 s"),
        (60.0, "1 min"),
        (150.0, "2 min 30 s"),
        (3_900.0, "1 h 5 min"),
        (7_215.0, "2 h"),
    ],
)
def test_spans_of_time(seconds: float, text: str) -> None:
    assert alarm_words.duration(seconds) == text


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (Conformance(status=Status.INSIDE), "T1 is inside its volume."),
        (
            Conformance(status=Status.INSIDE, certain=False, horizontal_error_m=300.0),
            "T1 may be inside its volume; its position is known within 0.2 NM (300 m).",
        ),
        (
            Conformance(status=Status.NOT_YET, seconds=90.0),
            "T1 is outside its volumes; the first starts in 1 min 30 s.",
        ),
        (
            Conformance(status=Status.NOT_AIRBORNE, seconds=60.0),
            "T1 is on the ground, not yet flown; its plan starts in 1 min.",
        ),
        (Conformance(status=Status.NOT_AIRBORNE), "T1 is on the ground, not yet flown."),
        (Conformance(status=Status.LANDED), "T1 is on the ground, landed."),
        (
            Conformance(status=Status.EARLY, seconds=90.0),
            "T1 is inside its volume 1 min 30 s before that starts.",
        ),
        (
            Conformance(status=Status.LEFT, horizontal_m=500.0, away_deg=40.0),
            "T1 is outside its volume by 0.3 NM (500 m) to the north-east.",
        ),
        (
            Conformance(status=Status.LEFT, horizontal_m=500.0, vertical_m=-100.0),
            "T1 is outside its volume by 0.3 NM (500 m), and 328 ft (100 m) below its levels.",
        ),
        (
            Conformance(status=Status.OFF_LEVEL, vertical_m=100.0),
            "T1 is 328 ft (100 m) above its levels.",
        ),
        (
            Conformance(
                status=Status.OFF_LEVEL, certain=False, vertical_m=50.0, vertical_error_m=100.0
            ),
            "T1 may be 164 ft (50 m) above its levels; its height is known within 328 ft (100 m).",
        ),
        (
            Conformance(status=Status.OFF_LEVEL, certain=False, vertical_m=50.0),
            "T1 may be 164 ft (50 m) above its levels; which aircraft this is is not certain.",
        ),
        (
            Conformance(status=Status.OVER_RUN, seconds=20.0),
            "T1 is still flying 20 s after the end.",
        ),
        (
            Conformance(status=Status.OVER_RUN, seconds=20.0, volume=0),
            "T1 is still in a volume 20 s after its end.",
        ),
        (
            Conformance(status=Status.UNKNOWN, certain=False, wanting=Wanting.HEIGHT),
            "T1 is inside the outline of its volume; its height is not known.",
        ),
        (
            Conformance(status=Status.UNKNOWN, certain=False, wanting=Wanting.POSITION),
            "The position of T1 is not known: there is none that is recent.",
        ),
    ],
)
def test_conformance(found: Conformance, text: str) -> None:
    assert alarm_words.of_conformance("T1", found) == text


@pytest.mark.parametrize(
    ("ahead", "text"),
    [
        (Crossing(possible_s=20.0, likely_s=20.2), "T1 enters NG-2 in 20 s."),
        (
            Crossing(possible_s=20.0, likely_s=30.0),
            "T1 enters NG-2 in 30 s, at the earliest in 20 s.",
        ),
        (Crossing(possible_s=20.0, likely_s=None), "T1 may enter NG-2 in 20 s at the earliest."),
    ],
)
def test_entries(ahead: Crossing, text: str) -> None:
    assert alarm_words.of_entry("T1", "NG-2", ahead) == text


@pytest.mark.parametrize(
    ("within", "text"),
    [
        (Within.IN, "T1 is inside NG-2."),
        (Within.LIKELY_IN, "T1 is probably inside NG-2."),
        (Within.UNKNOWN, "T1 may be inside NG-2: its height is not known."),
        (Within.LIKELY_OUT, "T1 may be inside NG-2: by the error of its position."),
        (Within.OUT, "T1 is outside NG-2."),
    ],
)
def test_no_go_areas(within: Within, text: str) -> None:
    assert alarm_words.of_no_go("T1", "NG-2", within) == text


def approach(within: Within, crossing: Crossing | None = None, ring: object = CALL) -> Approach:
    return Approach(
        ring=ring,  # type: ignore[arg-type]
        within=within,
        distance_m=18_520.0,
        bearing_deg=180.0,
        crossing=crossing,
    )


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (
            approach(Within.IN),
            "X is inside the call ring of 12 NM (22,224 m): "
            "10.0 NM (18,500 m) south of the centre.",
        ),
        (
            approach(Within.LIKELY_OUT, ring=NO_ENTRY),
            "X may be inside the no-entry ring of 7 NM (12,964 m): "
            "10.0 NM (18,500 m) south of the centre, by the error of its position.",
        ),
        (
            approach(Within.OUT, ring=AREA),
            "X is outside the inner ring of 5 NM (9,260 m): "
            "10.0 NM (18,500 m) south of the centre.",
        ),
        (
            approach(Within.OUT, Crossing(possible_s=5.0, likely_s=5.0)),
            "X enters the call ring of 12 NM (22,224 m) in 5 s: "
            "10.0 NM (18,500 m) south of the centre.",
        ),
    ],
)
def test_rings(found: Approach, text: str) -> None:
    assert alarm_words.of_approach("X", found) == text


def test_every_word_is_there() -> None:
    assert set(alarm_words.KINDS) == set(AlarmKind)
    for kind in RingKind:
        assert kind in alarm_words._RINGS
    assert set(alarm_words._STATUS) | {Status.UNKNOWN} == set(Status)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({}, "The position of T1 is 0 s old; it is true within 0.1 NM (200 m)."),
        (
            {"staleness": Staleness.STALE, "age_s": 40.0, "quality": Quality.CONTESTED},
            "The position of T1 is 40 s old: where it is now is not known; it is true within "
            "0.1 NM (200 m); two places say this address, one of them is not this aircraft.",
        ),
    ],
)
def test_positions(changes: dict[str, object], text: str) -> None:
    found = estimate(horizontal_error_m=200.0, **changes)
    assert alarm_words.of_estimate("T1", found) == text


def test_alarms() -> None:
    rules = AlarmRules()
    alarm, _ = raised(key(AlarmKind.LEFT_VOLUME, SUBJECT), Level.CAUTION, NOON)

    def said(alarm: Alarm, seconds: float = 30.0) -> str:
        return alarm_words.of_alarm(alarm, at_s(seconds))

    assert said(alarm) == "Caution: Outside its volume, for 30 s; not acknowledged."
    seen, _ = acknowledge(alarm, by="Anna", now=NOON)
    assert said(seen) == "Caution: Outside its volume, for 30 s; acknowledged by Anna."
    quiet, _ = suppress(alarm, by="Bo", until=at_s(90.0), reason="training", now=NOON, rules=rules)
    assert said(quiet) == (
        "Caution: Outside its volume, for 30 s; suppressed by Bo for 1 min more: training."
    )
    over, _ = step(alarm, None, at_s(60.0), rules)
    assert said(over) == "Caution: Outside its volume; over, and not acknowledged."
    gone, _ = step(seen, None, at_s(60.0), rules)
    assert said(gone) == "Caution: Outside its volume; over."
    assert said(replace(alarm, level=Level.WARNING)).startswith("Warning: ")


SUBJECT = Subject("11111111-1111-4111-8111-111111111111")
UNIT = re.compile(r"[\d.,]*\d (?:NM|m|ft|min|s|h)\b")


@given(
    status=st.sampled_from(Status),
    certain=st.booleans(),
    figures=st.tuples(*[st.floats(0.0, 1e6)] * 4),
    vertical_m=st.floats(-1e4, 1e4),
    volume=st.none() | st.just(0),
)
def test_every_number_has_its_unit(
    status: Status,
    certain: bool,
    figures: tuple[float, float, float, float],
    vertical_m: float,
    volume: int | None,
) -> None:
    seconds, horizontal_m, error_m, vertical_error_m = figures
    found = Conformance(
        status=status,
        certain=certain,
        volume=volume,
        seconds=seconds,
        horizontal_m=horizontal_m,
        horizontal_error_m=error_m,
        away_deg=seconds % 360.0,
        vertical_m=vertical_m,
        vertical_error_m=vertical_error_m,
    )
    text = alarm_words.of_conformance("T", found)
    assert not re.search(r"\d", UNIT.sub("", text)), text
    assert text.endswith(".")
    assert text.count(". ") == 0

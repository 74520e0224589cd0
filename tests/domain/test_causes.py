"""What asks for which alarm, at which level."""

import pytest

from tansiq.domain.alarm_key import AlarmKind, Level
from tansiq.domain.causes import Ahead, Cause, of_approach, of_conformance, of_no_go
from tansiq.domain.conformance import Conformance, Status, Wanting
from tansiq.domain.crossing import Crossing
from tansiq.domain.ring import Approach, RingKind, wildfire
from tansiq.domain.whereabouts import Within
from tansiq.errors import BadInput
from watching import HERE

ADVISORY, CAUTION, WARNING = Level
WHEN = Ahead()


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (Status.EARLY, AlarmKind.EARLY),
        (Status.LEFT, AlarmKind.LEFT_VOLUME),
        (Status.OFF_LEVEL, AlarmKind.OFF_LEVEL),
        (Status.OVER_RUN, AlarmKind.OVER_RUN),
    ],
)
def test_departures(status: Status, kind: AlarmKind) -> None:
    assert of_conformance(Conformance(status=status)) == Cause(kind, CAUTION)
    assert of_conformance(Conformance(status=status, certain=False)) == Cause(kind, ADVISORY)


def test_the_rest_of_conformance() -> None:
    lost = Conformance(status=Status.UNKNOWN, certain=False, wanting=Wanting.POSITION)
    assert of_conformance(lost) == Cause(AlarmKind.TRACK_LOST, CAUTION)
    no_height = Conformance(status=Status.UNKNOWN, certain=False, wanting=Wanting.HEIGHT)
    assert of_conformance(no_height) is None
    for status in (Status.INSIDE, Status.NOT_YET, Status.NOT_AIRBORNE, Status.LANDED):
        assert of_conformance(Conformance(status=status)) is None


def ahead(possible_s: float, likely_s: float | None = None) -> Crossing:
    return Crossing(possible_s=possible_s, likely_s=likely_s)


@pytest.mark.parametrize(
    ("crossing", "level"),
    [
        (None, None),
        (ahead(0.0, 20.0), WARNING),
        (ahead(0.0, 20.01), CAUTION),
        (ahead(21.0, 60.0), CAUTION),
        (ahead(21.0, 60.01), ADVISORY),
        (ahead(20.0), CAUTION),
        (ahead(20.01), ADVISORY),
    ],
)
def test_entries_to_come(crossing: Crossing | None, level: Level | None) -> None:
    no_go = of_no_go(Within.OUT, crossing, WHEN)
    assert no_go == (level and Cause(AlarmKind.NO_GO_ENTRY_PREDICTED, level))
    for ring in wildfire(HERE).rings:
        found = Approach(
            ring=ring, within=Within.OUT, distance_m=0.0, bearing_deg=0.0, crossing=crossing
        )
        asked = level and (ADVISORY if ring.kind is RingKind.CALL else level)
        assert of_approach(found, WHEN) == (asked and Cause(AlarmKind.UNKNOWN_INBOUND, asked))


@pytest.mark.parametrize(
    ("within", "level"),
    [
        (Within.IN, WARNING),
        (Within.LIKELY_IN, WARNING),
        (Within.UNKNOWN, CAUTION),
        (Within.LIKELY_OUT, CAUTION),
    ],
)
def test_inside_a_no_go_area(within: Within, level: Level) -> None:
    assert of_no_go(within, ahead(0.0, 0.0), WHEN) == Cause(AlarmKind.NO_GO_ENTERED, level)


@pytest.mark.parametrize(
    ("within", "call", "inner"),
    [
        (Within.IN, CAUTION, WARNING),
        (Within.LIKELY_IN, CAUTION, WARNING),
        (Within.LIKELY_OUT, ADVISORY, CAUTION),
    ],
)
def test_inside_a_ring(within: Within, call: Level, inner: Level) -> None:
    for ring in wildfire(HERE).rings:
        found = Approach(ring=ring, within=within, distance_m=0.0, bearing_deg=0.0, crossing=None)
        level = call if ring.kind is RingKind.CALL else inner
        assert of_approach(found, WHEN) == Cause(AlarmKind.UNKNOWN_INBOUND, level)


def test_times_that_cannot_be() -> None:
    assert Ahead(warning_s=0.0, caution_s=0.0)
    for bad in ({"warning_s": 60.1}, {"warning_s": -0.1}, {"caution_s": float("inf")}):
        with pytest.raises(BadInput, match="caution_s"):
            Ahead(**bad)

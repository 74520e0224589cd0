"""Rings: closed bounds, time to each, and what each asks for."""

import math

import pytest

from tansiq.domain.following import Velocity
from tansiq.domain.phrase import CODE
from tansiq.domain.ring import (
    PROCEDURE,
    Approach,
    Ring,
    RingKind,
    Rings,
    approaches,
    asked_for,
    rings_nm,
    wildfire,
)
from tansiq.domain.volume import Circle
from tansiq.domain.whereabouts import Within
from tansiq.errors import BadInput, InvalidVolume
from tansiq.formats.phrase_book import phrase_book
from watching import HERE, LIMITS, east, estimate

FIRE = wildfire(HERE)
NM = 1_852.0


def seen(away_m: float, *, error_m: float = 0.0, speed_mps: float = 0.0) -> tuple[Approach, ...]:
    """Return what rings see of an aircraft so far east that flies west."""
    velocity = Velocity(east_mps=-speed_mps, north_mps=0.0, error_mps=0.0)
    there = estimate(east(away_m), None, velocity=velocity, horizontal_error_m=error_m)
    return approaches(there, FIRE, look_ahead_s=120.0, limits=LIMITS)


def test_the_wildfire_has_three() -> None:
    assert [(ring.kind, ring.radius_nm) for ring in FIRE.rings] == [
        (RingKind.CALL, 12.0),
        (RingKind.NO_ENTRY, 7.0),
        (RingKind.AREA, 5.0),
    ]
    assert FIRE.rings[0].circle.radius_m == 22_224.0


def test_procedures_are_in_the_phrase_book() -> None:
    assert set(PROCEDURE) == set(RingKind)
    for code in PROCEDURE.values():
        assert CODE.fullmatch(code)
        assert code in phrase_book().codes


@pytest.mark.parametrize(
    ("off_m", "error_m", "within"),
    [
        (-0.001, 0.0, Within.IN),
        (0.001, 0.0, Within.OUT),
        (-10.0, 9.99, Within.IN),
        (-10.0, 10.01, Within.LIKELY_IN),
        (10.0, 10.01, Within.LIKELY_OUT),
        (10.0, 9.99, Within.OUT),
    ],
)
def test_inside_and_outside(off_m: float, error_m: float, within: Within) -> None:
    for i, radius in enumerate((12, 7, 5)):
        found = seen(radius * NM + off_m, error_m=error_m)[i]
        assert found.within is within
        assert found.outside_m == pytest.approx(max(0.0, off_m), abs=1e-6)
        assert found.bearing_deg == pytest.approx(90.0, abs=0.2)


def test_on_the_ring_is_inside() -> None:
    place = east(10_000.0)
    from tansiq.domain.geodesy import distance_m

    radius_m = distance_m(place, HERE)
    for radius, within in ((radius_m, Within.IN), (math.nextafter(radius_m, 0), Within.OUT)):
        ring = Ring(kind=RingKind.CALL, circle=Circle(center=HERE, radius_m=radius))
        (found,) = approaches(
            estimate(place), Rings(rings=(ring,)), look_ahead_s=0.0, limits=LIMITS
        )
        assert found.within is within


def test_the_time_to_each() -> None:
    found = seen(12 * NM + 1_000.0, speed_mps=100.0)
    assert found[0].crossing is not None
    assert found[0].crossing.likely_s == pytest.approx(10.0, abs=0.26)
    assert found[1].crossing is not None
    assert found[1].crossing.likely_s == pytest.approx(10.0 + 5 * NM / 100.0, abs=0.26)
    assert found[2].crossing is None, "beyond the two minutes looked ahead"
    assert all(a.crossing is None for a in seen(13 * NM, speed_mps=-100.0))


def test_parameters() -> None:
    assert [r.kind for r in rings_nm(HERE, call=10.0, no_entry=None, area=3.0).rings] == [
        RingKind.CALL,
        RingKind.AREA,
    ]
    for call, no_entry, area in ((None, None, None), (7.0, 7.0, None), (5.0, 7.0, 3.0)):
        with pytest.raises(BadInput) as caught:
            rings_nm(HERE, call=call, no_entry=no_entry, area=area)
        assert caught.value.field == "rings"
    with pytest.raises(InvalidVolume):
        rings_nm(HERE, call=0.0, no_entry=None, area=None)
    a, b, _ = FIRE.rings
    elsewhere = Ring(kind=b.kind, circle=Circle(center=east(1.0), radius_m=b.circle.radius_m))
    for rings in ((b, a), (a, a), (a, elsewhere)):
        with pytest.raises(BadInput):
            Rings(rings=rings)


@pytest.mark.parametrize(
    ("contact", "clearance", "owed"),
    [(False, False, [0, 1, 2]), (True, False, [2]), (True, True, []), (False, True, [])],
)
def test_what_is_asked_for(contact: bool, clearance: bool, owed: list[int]) -> None:
    found = [asked_for(ring, contact=contact, clearance=clearance) for ring in FIRE.rings]
    assert [i for i, owes in enumerate(found) if owes] == owed

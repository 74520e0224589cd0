"""Manoeuvres suggested for two aircraft of a fleet, anywhere on earth."""

import math

import numpy as np
import pytest
from fleets import GEOD, RULES, north_of, two

from tansiq.domain.evasion import Manoeuvre
from tansiq.domain.well_clear import Thresholds
from tansiq.engine import encounters
from tansiq.errors import BadInput

BALL = Thresholds(dthr_m=1_000.0, zthr_m=100.0)


@pytest.mark.parametrize(("lat_deg", "lng_deg"), [(45.0, 7.0), (89.999, 0.0), (-89.9, 180.0)])
def test_ways_out_are_those_of_the_plane_anywhere(lat_deg: float, lng_deg: float) -> None:
    """Head on, the intruder to the left: right is enough, wherever on earth, for either."""
    lng, lat, back = GEOD.fwd(lng_deg, lat_deg, 40.0, 2_400.0)
    ahead, behind = math.radians(40.0), math.radians(back)
    lng, lat, _ = GEOD.fwd(lng, lat, back + 90.0, 300.0)
    north = [50.0 * math.cos(ahead), 50.0 * math.cos(behind)]
    east = [50.0 * math.sin(ahead), 50.0 * math.sin(behind)]
    held = two()._replace(
        lat_deg=np.array([lat_deg, lat]),
        lng_deg=np.array([lng_deg, lng]),
        east_mps=np.array(east),
        north_mps=np.array(north),
    )
    rule = Thresholds(dthr_m=500.0, zthr_m=100.0).within(60.0)
    found = encounters.suggest(held, 0, 1, [rule])
    turns = {way.manoeuvre for way in found if way.by == 30.0}
    assert turns == {Manoeuvre.TURN_RIGHT}
    assert {way.manoeuvre for way in encounters.suggest(held, 1, 0, [rule]) if way.by == 30.0} == (
        turns
    )


def test_ways_out_where_no_height_is_known_are_turns() -> None:
    held = north_of(two(pressure_m=math.nan, geometric_m=math.nan), 4_500.0)
    held = held._replace(north_mps=np.array([50.0, -50.0]))
    found = encounters.suggest(held, 0, 1, [BALL.within(60.0)])
    assert {way.manoeuvre for way in found} == {Manoeuvre.TURN_LEFT, Manoeuvre.TURN_RIGHT}


@pytest.mark.parametrize(
    ("own", "intruder", "field"), [(2, 0, "own"), (0, -1, "intruder"), (1, 1, "intruder")]
)
def test_rows_that_are_no_pair_are_refused(own: int, intruder: int, field: str) -> None:
    with pytest.raises(BadInput) as caught:
        encounters.suggest(two(), own, intruder, RULES)
    assert caught.value.field == field

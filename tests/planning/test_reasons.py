"""Reasons speak in the altitudes that the desk gave; flight levels are too wide for that."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tansiq.domain.draft import Datum, StatedBand, Units
from tansiq.domain.time import TimeSpan
from tansiq.domain.volume import AltitudeBand, Circle, LatLng, Volume3D, Volume4D
from tansiq.formats.altitude import w84_band
from tansiq.services.airspace import Candidate
from tansiq.services.planning.reasons import in_words_of

CIRCLE = Circle(center=LatLng(39.0, -121.0), radius_m=2_000.0)
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def candidate(stated: StatedBand) -> Candidate:
    volume = Volume4D(
        volume=Volume3D(outline=CIRCLE, altitude=w84_band(stated, CIRCLE)),
        time=TimeSpan(start=NOON, end=NOON + timedelta(hours=1)),
    )
    return Candidate(
        intent_id="x",
        priority=0,
        callsign="A",
        formation="",
        volumes=(volume,),
        stated=(stated,),
    )


@pytest.mark.parametrize(
    ("lower", "upper", "units", "datum", "text"),
    [
        (900.0, 1_200.0, Units.M, Datum.AMSL, "900-1,200 m AMSL"),
        (3_000.0, 4_000.0, Units.FT, Datum.AMSL, "3,000-4,000 ft AMSL"),
        (900.0, 1_200.0, Units.M, Datum.W84, "900-1,200 m W84"),
    ],
)
def test_a_desks_own_figures_come_back_unchanged(
    lower: float, upper: float, units: Units, datum: Datum, text: str
) -> None:
    mine = candidate(StatedBand(lower=lower, upper=upper, units=units, datum=datum))
    assert in_words_of(mine, 0, mine.volumes[0].altitude) == text


def test_a_part_is_counted_from_the_figures_given() -> None:
    mine = candidate(StatedBand(lower=900.0, upper=1_200.0, units=Units.M, datum=Datum.AMSL))
    own = mine.volumes[0].altitude
    shared = AltitudeBand(lower_m=own.lower_m + 100.0, upper_m=own.upper_m - 50.0)
    assert in_words_of(mine, 0, shared) == "1,000-1,150 m AMSL"


def test_flight_levels_and_plans_without_figures_are_told_in_metres_of_the_ellipsoid() -> None:
    levels = candidate(StatedBand(lower=95.0, upper=105.0, units=Units.FL, datum=Datum.FL))
    shared = AltitudeBand(lower_m=2_900.0, upper_m=3_100.0)
    assert in_words_of(levels, 0, shared) == "2,900-3,100 m W84"
    bare = replace(levels, stated=())
    assert in_words_of(bare, 0, shared) == "2,900-3,100 m W84"

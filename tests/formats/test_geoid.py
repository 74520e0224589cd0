"""The geoid in the package against published values, and its ranges against its points.

Once, by hand, against PROJ on the same grid (which PROJ must be given): 20,000 points, worst
0.005 m.
"""

from random import Random

import pytest

from tansiq.formats import geoid

# Values published with test suites of several libraries that read the same 15' grid.
PUBLISHED = [
    (42.0, -76.0, -32.894001),
    (0.0, 0.0, 17.16158),
    (37.12378643, 138.28398171, 39.27814),
    (55.55, 66.66, -21.80307),
]
NGA_POINTS = [(38.6281550, 269.7791550 - 360, -31.628), (-14.6212170, 305.0211140 - 360, -2.969)]
"""Of the harmonic model itself, hence within the stated bound and not closer."""


@pytest.mark.parametrize(("lat", "lng", "expected"), PUBLISHED)
def test_published_values(lat: float, lng: float, expected: float) -> None:
    assert geoid.undulation_m(lat, lng) == pytest.approx(expected, abs=0.006)


@pytest.mark.parametrize(("lat", "lng", "expected"), NGA_POINTS)
def test_harmonic_model_is_within_the_stated_bound(lat: float, lng: float, expected: float) -> None:
    assert abs(geoid.undulation_m(lat, lng) - expected) < geoid.ERROR_M


def test_extremes_of_the_whole_earth_are_those_of_the_grid() -> None:
    assert geoid.undulation_range_m(-90, 90, -180, 180) == (-106.99, 85.39)
    assert geoid.undulation_range_m(-90, 90, 0.1, 0.0) == (-106.99, 85.39)


def test_no_seam_at_the_180th_meridian_nor_at_the_poles() -> None:
    for lat in (-89.9, -12.3, 0.0, 51.27, 89.99):
        assert geoid.undulation_m(lat, 180.0) == geoid.undulation_m(lat, -180.0)
        assert geoid.undulation_m(lat, 179.9999) == pytest.approx(
            geoid.undulation_m(lat, -179.9999), abs=0.01
        )
    assert len({geoid.undulation_m(90.0, lng) for lng in range(-180, 181, 15)}) == 1
    assert len({geoid.undulation_m(-90.0, lng) for lng in range(-180, 181, 15)}) == 1


def test_range_of_a_box_holds_every_point_in_it_and_is_met() -> None:
    """Method: 300 seeded boxes, some across the 180th meridian, 60 points in each."""
    random = Random(20)
    for number in range(300):
        south = random.uniform(-90, 89)
        north = min(90.0, south + random.choice([0.0, 0.001, 0.3, 2.0]))
        west = random.uniform(-180, 180) if number % 5 else 179.9
        span = random.choice([0.0, 0.002, 0.4, 3.0])
        east = west + span if west + span <= 180 else west + span - 360
        low, high = geoid.undulation_range_m(south, north, west, east)
        found = []
        for _ in range(60):
            lng = west + random.random() * span
            lat = random.uniform(south, north)
            found.append(geoid.undulation_m(lat, lng if lng <= 180 else lng - 360))
        assert low - 1e-9 <= min(found), number
        assert max(found) <= high + 1e-9, number
        assert high - low <= max(found) - min(found) + 3.0, number  # Not needlessly wide.

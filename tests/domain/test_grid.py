"""Grid references and degrees, held against two other implementations."""

import math
from random import Random

import mgrs as other
import pytest
from pyproj import Proj

from tansiq.domain import grid
from tansiq.domain.ellipsoid import distance_m
from tansiq.domain.volume import LatLng

SEED = 20261128


def places(count: int) -> list[LatLng]:
    """Return places all over the earth, the poles and the odd zones of the north more often."""
    random = Random(SEED)
    boxes = [(-90, 90, -180, 180), (84, 90, -180, 180), (-90, -80, -180, 180), (55, 84, -1, 43)]
    found = []
    for i in range(count):
        south, north, west, east = boxes[i % len(boxes)]
        found.append(LatLng(random.uniform(south, north), random.uniform(west, east)))
    return found


def squares(text: str) -> tuple[str, int, int]:
    """Return the 100 km square of a reference in metres, and the figures."""
    text = text.replace(" ", "").lstrip("0")
    return text[:-10], int(text[-10:-5]), int(text[-5:])


def test_references_are_those_of_another_implementation() -> None:
    """To the metre, but where a figure is cut off on one side of a limit and not on the other."""
    theirs, apart = other.MGRS(), 0
    for place in places(20_000):
        head, east, north = squares(grid.mgrs(place))
        head2, east2, north2 = squares(theirs.toMGRS(place.lat_deg, place.lng_deg))
        assert head == head2, (place, f"seed {SEED}")
        assert abs(east - east2) <= 1, place
        assert abs(north - north2) <= 1, place
        apart += (east, north) != (east2, north2)
    assert apart < 40  # 0.1 % lie within half a millimetre of such a limit.


def test_metres_are_those_of_proj() -> None:
    worst_m = 0.0
    for place in places(8_000):
        if not -80 <= place.lat_deg <= 84:
            north = place.lat_deg > 0
            theirs = Proj(proj="ups", ellps="WGS84", south=not north)
            ours = grid._polar_stereographic(place)
        else:
            zone = grid.utm_zone(place)
            theirs = Proj(proj="utm", zone=zone, ellps="WGS84", south=place.lat_deg < 0)
            ours = grid._transverse_mercator(place.lat_deg, place.lng_deg - (zone * 6 - 183))
        x, y = theirs(place.lng_deg, place.lat_deg)
        worst_m = max(worst_m, math.hypot(x - ours[0], y - ours[1]))
    assert worst_m < 1e-4, worst_m


@pytest.mark.parametrize(
    ("lat", "lng", "reference"),
    [
        (0.0, 0.0, "31N AA 66021 00000"),
        (90.0, 0.0, "Z AH 00000 00000"),
        (-90.0, 0.0, "B AN 00000 00000"),
        (0.0, 180.0, "01N AA 66021 00000"),
        (0.0, -180.0, "01N AA 66021 00000"),
        (84.0, 0.0, "31X DP 65005 29005"),
        (-80.0, 0.0, "31C DM 41867 16915"),
        (60.0, 5.0, "32V KM 76979 58157"),
        (72.0, 9.0, "33X TV 93363 99233"),
    ],
)
def test_references_at_limits(lat: float, lng: float, reference: str) -> None:
    assert grid.mgrs(LatLng(lat, lng)) == reference


@pytest.mark.parametrize(
    ("lat", "lng", "zone"),
    [
        (55.999999, 3.0, 31), (56.0, 3.0, 32), (56.0, 2.999999, 31), (63.999999, 3.0, 32),
        (64.0, 3.0, 31), (56.0, 11.999999, 32), (56.0, 12.0, 33), (71.999999, 8.0, 32),
        (72.0, 8.0, 31), (72.0, 9.0, 33), (72.0, 20.999999, 33), (72.0, 21.0, 35),
        (72.0, 33.0, 37), (72.0, 41.999999, 37), (72.0, 42.0, 38), (72.0, -0.000001, 30),
        (0.0, 179.999999, 60), (0.0, 180.0, 1), (0.0, -180.0, 1),
        (0.0, 5.999999, 31), (0.0, 6.0, 32),
    ],
)  # fmt: skip
def test_zones_with_their_limits(lat: float, lng: float, zone: int) -> None:
    assert grid.utm_zone(LatLng(lat, lng)) == zone


def test_figures_are_cut_off_and_not_rounded() -> None:
    place = LatLng(35.353889, 35.938889)
    references = [grid.mgrs(place, digits=digits) for digits in (5, 4, 3, 2, 1)]
    assert references == [
        "36S YE 67057 16254",
        "36S YE 6705 1625",
        "36S YE 670 162",
        "36S YE 67 16",
        "36S YE 6 1",
    ]


@pytest.mark.parametrize(
    ("lat", "lng", "told"),
    [
        (35.353889, 35.938889, "35°21'14\"N 035°56'20\"E"),
        (-35.353889, -35.938889, "35°21'14\"S 035°56'20\"W"),
        (0.0, 0.0, "00°00'00\"N 000°00'00\"E"),
        (-0.0001, -0.0001, "00°00'00\"N 000°00'00\"E"),  # Nobody reads back 0 south.
        (-0.000139, -0.000139, "00°00'01\"S 000°00'01\"W"),
        (89.99999, 179.99999, "90°00'00\"N 180°00'00\"E"),
        (1 - 0.4 / 3_600, 2 - 0.6 / 3_600, "01°00'00\"N 001°59'59\"E"),
        (-90.0, -180.0, "90°00'00\"S 180°00'00\"W"),
    ],
)
def test_degrees_minutes_and_seconds(lat: float, lng: float, told: str) -> None:
    assert grid.dms(LatLng(lat, lng)) == told


@pytest.mark.parametrize(("digits", "within_m"), [(5, 0.8), (4, 8.0), (1, 7_300.0)])
def test_a_reference_names_a_place_in_its_square(digits: int, within_m: float) -> None:
    """The middle is within half a diagonal, and a little more where the grid is stretched."""
    for place in places(6_000):
        reference = grid.mgrs(place, digits=digits)
        middle = grid.place_of_grid(reference)
        assert distance_m(place, middle) < within_m, (place, reference)


def test_places_of_references_are_those_of_another_implementation() -> None:
    """Theirs is the south-west corner of the square, ours its middle."""
    theirs = other.MGRS()
    for place in places(4_000):
        reference = grid.mgrs(place).replace(" ", "")
        ours, corner = grid.place_of_grid(reference), LatLng(*theirs.toLatLon(reference))
        assert distance_m(ours, corner) < 1.0, place


def test_small_letters_and_blanks_do_not_matter() -> None:
    assert grid.place_of_grid(" 36s ye 6705 1625 ") == grid.place_of_grid("36SYE67051625")

"""What counts as the same when somebody reads a notice back: each limit, from both sides."""

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from tansiq.domain.draft import Datum, StatedBand, StatedGround, Units
from tansiq.domain.ellipsoid import destination, distance_m
from tansiq.domain.readback import (
    CORNERS_MAX,
    PLACE_M,
    Item,
    Readback,
    Told,
    circle_around,
    differences,
    told,
)
from tansiq.domain.time import TimeSpan
from tansiq.domain.volume import (
    AltitudeBand,
    Circle,
    LatLng,
    Outline,
    Polygon,
    Volume3D,
    Volume4D,
)
from tansiq.errors import BadInput

START = datetime(2026, 6, 1, 14, 40, tzinfo=UTC)
END = START + timedelta(minutes=15)
CENTER = LatLng(35.353889, 35.938889)
SQUARE = (LatLng(38.5, -120.2), LatLng(38.5, -120.1), LatLng(38.6, -120.1), LatLng(38.6, -120.2))
CIRCLE = Circle(center=CENTER, radius_m=1_500)
BAND = StatedBand(lower=3_000, upper=4_500, units=Units.FT, datum=Datum.AMSL)


def volume(
    outline: Outline = CIRCLE,
    *,
    lower_m: float = 940.2,
    upper_m: float = 1_400.7,
    start: datetime = START,
    end: datetime = END,
) -> Volume4D:
    return Volume4D(
        volume=Volume3D(outline=outline, altitude=AltitudeBand(lower_m=lower_m, upper_m=upper_m)),
        time=TimeSpan(start=start, end=end),
    )


NOTICE = told((volume(),), (BAND,))
SAID = Readback(
    points=(CENTER,),
    radius_m=1_500,
    lower="3000 ft AMSL",
    upper="4500 ft AMSL",
    start=START,
    end=END,
)


def wrong(notice: Told = NOTICE, **said: Any) -> list[str]:
    return [str(item) for item in differences(replace(SAID, **said), notice)]


# What is told


def test_a_circle_is_told_by_centre_and_radius() -> None:
    expected = Told(
        points=(CENTER,),
        radius_m=1_500,
        lower=("3000 ft AMSL", "940 m W84"),
        upper=("4500 ft AMSL", "1401 m W84"),
        start=START,
        end=END,
    )
    assert expected == NOTICE


@pytest.mark.parametrize(
    ("radius_m", "said_m"), [(0.5, 1), (1.0, 1), (1_500.0000001, 1_500), (1_500.001, 1_501)]
)
def test_a_radius_is_rounded_outwards(radius_m: float, said_m: int) -> None:
    outline = Circle(center=CENTER, radius_m=radius_m)
    assert told((volume(outline),)).radius_m == said_m


@pytest.mark.parametrize(
    ("lower", "upper", "said"),
    [
        (3_000.0, 4_500.0, ("3000", "4500")),
        (3_000.9, 4_500.1, ("3000", "4501")),
        (-0.5, 0.5, ("-1", "1")),
        (2_999.9999999, 4_500.0000001, ("3000", "4500")),
        (2_999.99, 4_500.01, ("2999", "4501")),
    ],
)
def test_levels_are_rounded_outwards(lower: float, upper: float, said: tuple[str, str]) -> None:
    band = replace(BAND, lower=lower, upper=upper)
    notice = told((volume(),), (band,))
    assert (notice.lower[0], notice.upper[0]) == tuple(f"{each} ft AMSL" for each in said)


GROUND = StatedGround(lowest_m=100, highest_m=130, datum=Datum.AMSL)


@pytest.mark.parametrize(
    ("band", "lower", "upper"),
    [
        (None, ("940 m W84",), ("1401 m W84",)),
        (
            StatedBand(lower=85, upper=95, units=Units.FL, datum=Datum.FL),
            ("FL085", "940 m W84"),
            ("FL095", "1401 m W84"),
        ),
        (
            StatedBand(lower=85.5, upper=95.5, units=Units.FL, datum=Datum.FL),
            ("FL085", "940 m W84"),
            ("FL096", "1401 m W84"),
        ),
        # There is no way to say a level below zero or above the scale: metres remain.
        (
            StatedBand(lower=-1, upper=95, units=Units.FL, datum=Datum.FL),
            ("940 m W84",),
            ("1401 m W84",),
        ),
        (
            StatedBand(lower=600, upper=651, units=Units.FL, datum=Datum.FL),
            ("940 m W84",),
            ("1401 m W84",),
        ),
        (
            StatedBand(lower=0, upper=650, units=Units.FL, datum=Datum.FL),
            ("FL000", "940 m W84"),
            ("FL650", "1401 m W84"),
        ),
        (
            StatedBand(lower=940.2, upper=1_400.7, units=Units.M, datum=Datum.W84),
            ("940 m W84",),
            ("1401 m W84",),
        ),
        (
            StatedBand(lower=3_084.6, upper=4_595.5, units=Units.FT, datum=Datum.W84),
            ("3084 ft W84",),
            ("4596 ft W84",),
        ),
        (
            StatedBand(lower=0, upper=400, units=Units.FT, datum=Datum.AGL, ground=GROUND),
            ("0 ft AGL", "940 m W84"),
            ("400 ft AGL", "1401 m W84"),
        ),
    ],
)
def test_levels_are_told_as_stated_and_in_metres(
    band: StatedBand | None, lower: tuple[str, ...], upper: tuple[str, ...]
) -> None:
    notice = told((volume(),), (band,) if band else ())
    assert (notice.lower, notice.upper) == (lower, upper)


def test_times_are_rounded_outwards_to_the_second() -> None:
    micro = timedelta(microseconds=1)
    notice = told((volume(start=START + micro, end=END + micro),))
    assert (notice.start, notice.end) == (START, END + timedelta(seconds=1))


def test_corners_are_told_up_to_a_number() -> None:
    def ring(corners: int) -> Polygon:
        turns = (360.0 * i / corners for i in range(corners))
        return Polygon(vertices=tuple(destination(CENTER, turn, 1_000) for turn in turns))

    most = ring(CORNERS_MAX)
    notice = told((volume(most),), (BAND,))
    assert notice.points == most.vertices
    assert wrong(notice, points=most.vertices, radius_m=None) == []
    many = told((volume(ring(CORNERS_MAX + 1)),))
    assert len(many.points) == 1
    assert many.radius_m is not None
    assert 1_000 <= many.radius_m <= 1_020


def test_several_volumes_are_told_by_what_holds_them() -> None:
    east = Circle(center=destination(CENTER, 90, 10_000), radius_m=500)
    later = timedelta(hours=1)
    notice = told(
        (volume(), volume(east, lower_m=900, upper_m=1_000, start=START + later, end=END + later)),
        (BAND, replace(BAND, lower=2_900, upper=3_200)),
    )
    assert notice.radius_m is not None
    for circle in (CIRCLE, east):
        reach_m = distance_m(notice.points[0], circle.center) + circle.radius_m
        assert reach_m <= notice.radius_m + 1e-6
    assert notice.radius_m == pytest.approx(6_000, abs=5)
    assert (notice.lower, notice.upper) == (
        ("2900 ft AMSL", "900 m W84"),
        ("4500 ft AMSL", "1401 m W84"),
    )
    assert (notice.start, notice.end) == (START, END + later)


def test_volumes_that_were_stated_unlike_are_told_in_metres() -> None:
    level = StatedBand(lower=85, upper=95, units=Units.FL, datum=Datum.FL)
    assert told((volume(), volume()), (BAND, level)).lower == ("940 m W84",)


def test_what_reaches_round_the_earth_has_a_circle_too() -> None:
    far = Circle(center=LatLng(-CENTER.lat_deg, CENTER.lng_deg - 180), radius_m=1_000_000)
    assert 15_000_000 < circle_around([CIRCLE, far])[1] <= 20_037_508
    assert told((volume(), volume(far))).radius_m == 20_005_432


# What counts as the same


def test_what_was_told_is_the_same() -> None:
    assert wrong() == []
    assert wrong(lower="940 m W84", upper="1401 m W84") == []
    assert wrong(lower="940 m W84") == []
    elsewhere = timezone(timedelta(hours=3))
    assert wrong(start=START.astimezone(elsewhere), end=END.astimezone(elsewhere)) == []


def test_a_place_is_the_same_within_a_distance_that_belongs_to_it() -> None:
    for azimuth in range(0, 360, 15):
        near = destination(CENTER, azimuth, PLACE_M - 1e-6)
        far = destination(CENTER, azimuth, PLACE_M + 1e-6)
        assert wrong(points=(near,)) == []
        assert wrong(points=(far,)) == ["place"]


def test_the_distance_itself_still_counts() -> None:
    """Two places that are apart by the limit to the last bit, and then by the next number."""
    notice = told((volume(Circle(center=LatLng(0, 0), radius_m=1_500)),), (BAND,))
    at = LatLng(0.0002257599566652807, 1.2173624190462479e-05)
    assert distance_m(LatLng(0, 0), at) == PLACE_M
    assert wrong(notice, points=(at,)) == []
    beyond = at
    while distance_m(LatLng(0, 0), beyond) <= PLACE_M:
        beyond = LatLng(math.nextafter(beyond.lat_deg, 90), beyond.lng_deg)
    assert beyond.lat_deg - at.lat_deg < 1e-15
    assert wrong(notice, points=(beyond,)) == ["place"]


def test_what_is_read_off_the_words_is_always_near_enough() -> None:
    """A second of arc is rounded by half at most, a grid square of 10 m cut to its middle."""
    for lat in (-89.9, -60, -1, 0.4, 35.3, 59, 84):
        at = LatLng(lat, 35.938889)
        half = 0.5 / 3_600
        for dlat, dlng in ((half, half), (half, -half), (-half, half), (-half, -half)):
            assert distance_m(at, LatLng(lat + dlat, at.lng_deg + dlng)) < PLACE_M
    second = LatLng(CENTER.lat_deg + 1.5 / 3_600, CENTER.lng_deg)
    assert wrong(points=(second,)) == ["place"]


def test_a_centre_is_the_same_across_the_180th_meridian() -> None:
    notice = told((volume(Circle(center=LatLng(10, 180), radius_m=1_500)),), (BAND,))
    assert wrong(notice, points=(LatLng(10, -179.99999),)) == []


@pytest.mark.parametrize("radius_m", [1_499, 1_501, 15_000, 150])
def test_another_radius_is_another_place(radius_m: int) -> None:
    assert wrong(radius_m=radius_m) == ["place"]


def corners(*points: LatLng) -> list[str]:
    notice = told((volume(Polygon(vertices=SQUARE)),), (BAND,))
    return wrong(notice, points=points, radius_m=None)


def test_corners_may_begin_anywhere_and_go_either_way_round() -> None:
    for at in range(4):
        turned = SQUARE[at:] + SQUARE[:at]
        assert corners(*turned) == []
        assert corners(*turned[::-1]) == []


def test_corners_in_another_order_are_another_place() -> None:
    a, b, c, d = SQUARE
    assert corners(a, c, b, d) == ["place"]
    assert corners(a, b, d, c) == ["place"]


def test_a_corner_too_few_too_many_or_elsewhere_is_another_place() -> None:
    a, b, c, d = SQUARE
    assert corners(a, b, c) == ["place"]
    assert corners(a, b, c, d, a) == ["place"]
    assert corners(a, b, c, destination(d, 45, PLACE_M - 1e-6)) == []
    assert corners(a, b, c, destination(d, 45, PLACE_M + 1e-6)) == ["place"]


def test_a_circle_is_not_said_by_corners_nor_the_other_way_round() -> None:
    assert wrong(points=SQUARE, radius_m=None) == ["place"]
    notice = told((volume(Polygon(vertices=SQUARE)),), (BAND,))
    assert wrong(notice) == ["place"]


@pytest.mark.parametrize(
    "level",
    ["2999 ft AMSL", "3001 ft AMSL", "3000 m AMSL", "3000 ft W84", "3000 ft AGL", "FL030",
     "914 m AMSL", "939 m W84", "941 m W84", "940 m AMSL", "4500 ft AMSL"],
)  # fmt: skip
def test_another_number_unit_or_datum_is_another_level(level: str) -> None:
    assert wrong(lower=level) == ["lower"]
    if level != "4500 ft AMSL":
        assert wrong(upper=level) == ["upper"]


@pytest.mark.parametrize("by", [timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1)])
def test_another_second_is_another_time(by: timedelta) -> None:
    for sign in (1, -1):
        assert wrong(start=START + sign * by) == ["start"]
        assert wrong(end=END + sign * by) == ["end"]
    assert wrong(start=START + timedelta(microseconds=1)) == ["start"]


def test_a_notice_to_the_second_is_read_back_to_the_second() -> None:
    notice = told((volume(start=START + timedelta(seconds=5)),), (BAND,))
    assert wrong(notice) == ["start"]
    assert wrong(notice, start=START + timedelta(seconds=5)) == []


def test_everything_that_differs_is_named_in_order() -> None:
    said = replace(
        SAID,
        points=(LatLng(0, 0),),
        lower="FL010",
        upper="FL020",
        start=END,
        end=START,
    )
    assert differences(said, NOTICE) == tuple(Item)


# What is no read-back


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"points": ()}, "points"),
        ({"points": SQUARE}, "points"),
        ({"points": SQUARE[:2], "radius_m": None}, "points"),
        ({"points": (CENTER,), "radius_m": None}, "points"),
        ({"points": SQUARE * 4, "radius_m": None}, "points"),
        ({"radius_m": -1}, "radius_m"),
        ({"lower": "3000"}, "lower"),
        ({"upper": ""}, "upper"),
        ({"start": datetime(2026, 6, 1)}, "start"),  # noqa: DTZ001 - that is the mistake
        ({"end": datetime(2026, 6, 1)}, "end"),  # noqa: DTZ001
    ],
)
def test_a_read_back_that_is_none_is_refused(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(BadInput) as caught:
        replace(SAID, **changes)
    assert caught.value.field == field

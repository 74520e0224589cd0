"""Datums to metres W84: the band returned always holds what was stated."""

import math
from random import Random

import pytest

from tansiq.domain.draft import Datum, StatedBand, StatedGround, Units, shared_band
from tansiq.domain.volume import Circle, LatLng, Outline, Polygon
from tansiq.errors import BadInput, InvalidVolume
from tansiq.formats import altitude, geoid

VALLEY = Circle(center=LatLng(38.5, -120.2), radius_m=3_000)


def stated(lower: float, upper: float, units: str, datum: str, *ground: object) -> StatedBand:
    return StatedBand(
        lower=lower,
        upper=upper,
        units=Units(units),
        datum=Datum(datum),
        ground=StatedGround(lowest_m=ground[0], highest_m=ground[1], datum=Datum(ground[2]))  # type: ignore[arg-type]
        if ground
        else None,
    )


def test_metres_above_the_ellipsoid_stay_as_they_are() -> None:
    band = altitude.w84_band(stated(900, 1_200.5, "M", "W84"), VALLEY)
    assert (band.lower_m, band.upper_m) == (900, 1_200.5)


def test_feet_are_exact() -> None:
    band = altitude.w84_band(stated(1_000, 2_000, "FT", "W84"), VALLEY)
    assert (band.lower_m, band.upper_m) == pytest.approx((304.8, 609.6), abs=1e-9)


def test_sea_level_is_shifted_by_the_geoid_and_widened_by_its_bound() -> None:
    point = Circle(center=VALLEY.center, radius_m=0.01)
    undulation = geoid.undulation_m(38.5, -120.2)
    band = altitude.w84_band(stated(900, 1_200, "M", "AMSL"), point)
    assert band.lower_m == pytest.approx(900 + undulation - geoid.ERROR_M, abs=0.001)
    assert band.upper_m == pytest.approx(1_200 + undulation + geoid.ERROR_M, abs=0.001)


@pytest.mark.parametrize("seed", range(40))
def test_sea_level_band_holds_everywhere_in_the_outline(seed: int) -> None:
    """Method: seeded outlines of 1 to 200 km, all over the earth, 200 points along their edges."""
    random = Random(seed)
    lat, lng = random.uniform(-88, 88), random.uniform(-180, 180)
    outline, samples = _outline(random, lat, lng)
    band = altitude.w84_band(stated(100, 100, "M", "AMSL"), outline)
    for at in samples:
        height = 100 + geoid.undulation_m(at.lat_deg, at.lng_deg)
        assert band.lower_m + geoid.ERROR_M <= height + 1e-6, seed
        assert height - 1e-6 <= band.upper_m - geoid.ERROR_M, seed


def _outline(random: Random, lat: float, lng: float) -> tuple[Outline, list[LatLng]]:
    pyproj = pytest.importorskip("pyproj")
    geod = pyproj.Geod(ellps="WGS84")
    radius = random.choice([1e3, 2e4, 1e5])
    turns = [random.uniform(0, 360) for _ in range(200)]
    if random.random() < 0.5:
        rim = [geod.fwd(lng, lat, turn, radius * math.sqrt(random.random())) for turn in turns]
        return Circle(center=LatLng(lat, lng), radius_m=radius), [LatLng(y, x) for x, y, _ in rim]
    corners = [geod.fwd(lng, lat, turn, radius)[:2] for turn in (10, 130, 250)]
    edges = []
    for a, b in zip(corners, [*corners[1:], corners[0]], strict=True):
        edges += [LatLng(y, x) for x, y in geod.npts(*a, *b, 60)]
    return Polygon(vertices=tuple(LatLng(y, x) for x, y in corners)), edges


def test_above_ground_adds_lowest_and_highest_ground() -> None:
    band = altitude.w84_band(stated(100, 400, "FT", "AGL", 850, 910, "W84"), VALLEY)
    assert (band.lower_m, band.upper_m) == pytest.approx((880.48, 1_031.92), abs=1e-9)


def test_above_ground_on_sea_level_is_shifted_like_sea_level() -> None:
    agl = altitude.w84_band(stated(0, 100, "M", "AGL", 850, 910, "AMSL"), VALLEY)
    amsl = altitude.w84_band(stated(850, 1_010, "M", "AMSL"), VALLEY)
    assert agl == amsl


def test_above_ground_without_ground_is_refused_with_the_reason() -> None:
    with pytest.raises(BadInput, match="never guessed: add ground_m") as caught:
        stated(100, 400, "M", "AGL")
    assert caught.value.field == "ground_m"


@pytest.mark.parametrize(
    ("lowest", "highest", "good"), [(5, 5, True), (5.001, 5, False), (-500, 9_000, True)]
)
def test_ground_bounds(lowest: float, highest: float, good: bool) -> None:
    if good:
        StatedGround(lowest_m=lowest, highest_m=highest, datum=Datum.AMSL)
    else:
        with pytest.raises(BadInput, match="lowest first"):
            StatedGround(lowest_m=lowest, highest_m=highest, datum=Datum.AMSL)


@pytest.mark.parametrize("datum", [Datum.AGL, Datum.FL])
def test_ground_is_above_sea_level_or_ellipsoid_only(datum: Datum) -> None:
    with pytest.raises(BadInput, match="W84 or AMSL"):
        StatedGround(lowest_m=0, highest_m=0, datum=datum)


def _true_height_m(level: float, *, qnh: float, warmer: float) -> float:
    """Oracle: the hydrostatic equation in small steps, gravity falling with height.

    The standard atmosphere by its defining constants, found by bisection of pressure.
    """

    def temperature(hpa: float) -> float:
        return max(288.15 * (hpa / 1013.25) ** (0.0065 * 287.05287 / 9.80665), 216.65)

    def climb(start: float, end: float, shift: float) -> float:
        steps, height = 400, 0.0
        for i in range(steps):
            p = start * (end / start) ** ((i + 0.5) / steps)
            gravity = 9.80665 * (6_356_766 / (6_356_766 + height)) ** 2
            warm = temperature(p) + shift
            height += 287.05287 * warm / gravity * math.log(start / end) / steps
        return height

    low, high = 40.0, 1_200.0
    target = level * 30.48
    for _ in range(50):
        middle = math.sqrt(low * high)
        geopotential = _geopotential(climb(1013.25, middle, 0.0))
        low, high = (middle, high) if geopotential > target else (low, middle)
    return climb(qnh, low, warmer)


def _geopotential(geometric: float) -> float:
    return 6_356_766 * geometric / (6_356_766 + geometric)


@pytest.mark.parametrize("level", [0, 20, 95, 180, 245, 410, 650])
def test_flight_level_holds_every_atmosphere_within_the_stated_bounds(level: float) -> None:
    low, high = altitude.w84_range_m(level, Units.FL, Datum.FL, LatLng(0, 0))
    low, high = low - 17.16 + geoid.ERROR_M, high - 17.16 - geoid.ERROR_M
    random = Random(level)
    corners = [(q, t) for q in altitude.QNH_HPA_RANGE for t in altitude.TEMPERATURE_K_RANGE]
    inner = [(random.uniform(948, 1_050), random.uniform(-40, 30)) for _ in range(6)]
    heights = [_true_height_m(level, qnh=q, warmer=t) for q, t in corners + inner]
    assert low <= min(heights)
    assert max(heights) <= high
    # And no wider than that by more than gravity's share.
    assert min(heights) - low <= 30 + 0.008 * level * 30.48
    assert high - max(heights) <= 30 + 0.008 * level * 30.48


@pytest.mark.parametrize(
    ("level", "good"), [(-20, True), (-20.01, False), (650, True), (650.01, False)]
)
def test_flight_levels_have_ends(level: float, good: bool) -> None:
    if good:
        altitude.w84_range_m(level, Units.FL, Datum.FL, LatLng(0, 0))
    else:
        with pytest.raises(InvalidVolume, match="hundreds of feet"):
            altitude.w84_range_m(level, Units.FL, Datum.FL, LatLng(0, 0))


def test_a_band_outside_what_exists_names_the_field() -> None:
    with pytest.raises(InvalidVolume, match="out of range") as caught:
        altitude.w84_band(stated(0, 400_000, "FT", "AMSL"), VALLEY)
    assert caught.value.field == "upper"


@pytest.mark.parametrize(
    ("band", "text"),
    [
        (stated(900, 1_200, "M", "AMSL"), "900-1,200 m AMSL"),
        (stated(1_000.5, 2_000, "FT", "W84"), "1,000.5-2,000 ft W84"),
        (stated(95, 120, "FL", "FL"), "FL095-FL120"),
        (stated(0, 400, "FT", "AGL", 850, 850, "AMSL"), "0-400 ft AGL (ground 850 m AMSL)"),
        (stated(0, 400, "FT", "AGL", 850, 910, "W84"), "0-400 ft AGL (ground 850-910 m W84)"),
    ],
)
def test_text_and_document(band: StatedBand, text: str) -> None:
    assert str(band) == text
    assert altitude.from_document(altitude.to_document(band)) == band


def test_shared_band_only_in_the_same_words() -> None:
    a, b = stated(900, 1_200, "M", "AMSL"), stated(1_200, 1_500, "M", "AMSL")
    assert shared_band(a, b) == stated(1_200, 1_200, "M", "AMSL")
    assert shared_band(a, stated(1_200.01, 1_500, "M", "AMSL")) is None
    assert shared_band(a, stated(900, 1_200, "FT", "AMSL")) is None
    assert shared_band(a, stated(900, 1_200, "M", "W84")) is None


@pytest.mark.parametrize(("units", "datum"), [("FT", "FL"), ("M", "FL"), ("FL", "AMSL")])
def test_units_and_datum_go_together(units: str, datum: str) -> None:
    with pytest.raises(BadInput, match="flight levels carry no other unit") as caught:
        stated(1, 2, units, datum)
    assert caught.value.field == "units"

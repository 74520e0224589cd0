"""No verdict of the kernels is other than the definition's, and near a minimum the safe side wins.

The definition itself is held against PROJ in ``tests/domain/test_geodesy.py``, and here once more
where it counts: next to the limit.
"""

from random import Random

import pytest
from pairs import KINDS, destination, outline, place
from pyproj import Geod
from verdicts import MILLIMETRE, Tally, held_against_the_definition, tally_of_many

from plans import volume
from tansiq.domain.agreement import Minima
from tansiq.domain.boundary import RESOLUTION_M
from tansiq.domain.volume import Circle, LatLng, Outline
from tansiq.engine.index import AirspaceIndex
from tansiq.engine.judgement import conflicts
from tansiq.engine.prepared import Prepared
from tansiq.errors import InvalidVolume

AWKWARD = {
    *KINDS,
    "circle",
    "triangle",
    "polygon",
    "1,000 vertices",
    "sliver",
    "over a pole",
    "across the 180th meridian",
    "a vertex in common",
    "within a millimetre",
    "beyond any minimum",
}


def assert_faultless(tally: Tally) -> None:
    assert tally.wrong == tally.unsure == tally.unsafe == 0
    assert tally.worst_m <= MILLIMETRE
    assert tally.met > 0.9 * tally.pairs
    assert tally.near > tally.pairs


def test_no_disagreement_with_the_definition() -> None:
    total = Tally()
    for seed in range(4):
        total.add(held_against_the_definition(seed, 500))
    print(total)
    assert_faultless(total)
    assert total.traits.keys() >= AWKWARD


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_no_disagreement_in_a_million_pairs() -> None:
    """Takes hours of CPU; may be ended, and goes on where it was."""
    total = tally_of_many(range(1_000, 6_000), 200)
    print(total)
    assert_faultless(total)
    assert total.pairs == 1_000_000
    assert all(total.traits[trait] > 500 for trait in AWKWARD)


@pytest.mark.parametrize("lax_m", [-2 * MILLIMETRE, 2 * MILLIMETRE])
def test_a_judge_that_is_off_by_two_millimetres_is_caught(lax_m: float) -> None:
    tally = held_against_the_definition(0, 60, lax_m=lax_m)
    assert tally.wrong > 10


# Next to the limit, by another library


GEOD = Geod(ellps="WGS84")
TOO_NEAR_M = (0.0, 1e-8, 1e-6, 1e-4, RESOLUTION_M, MILLIMETRE)
"""A limit that exceeds the true separation by so much, or not at all, must be told of."""
PROJ_M = 5e-8
"""Within which PROJ's distances are true, and the least of several along an edge is found."""


def true_separation(random: Random, center: LatLng, size_m: float) -> tuple[Outline, Circle, float]:
    """Return an outline, a circle beside it, and how far apart PROJ says they are."""
    a = outline(random, center, size_m)
    away_m = size_m * random.uniform(1.5, 3.0)
    spot = destination(center, random.uniform(0.0, 360.0), away_m)
    if isinstance(a, Circle):
        to_boundary_m = _distance_m(spot, a.center) - a.radius_m
    else:
        corners = a.vertices
        to_boundary_m = min(
            _to_edge_m(spot, corners[i - 1], corners[i]) for i in range(len(corners))
        )
    radius_m = to_boundary_m * random.uniform(0.01, 0.99)
    return a, Circle(center=spot, radius_m=radius_m), to_boundary_m - radius_m


def _distance_m(a: LatLng, b: LatLng) -> float:
    return float(GEOD.inv(a.lng_deg, a.lat_deg, b.lng_deg, b.lat_deg)[2])


def _to_edge_m(spot: LatLng, a: LatLng, b: LatLng) -> float:
    """Return the least distance to a geodesic, by ternary search: it has one minimum."""
    azimuth_deg, _, length_m = GEOD.inv(a.lng_deg, a.lat_deg, b.lng_deg, b.lat_deg)

    def at(along_m: float) -> float:
        return _distance_m(spot, destination(a, azimuth_deg, along_m))

    low_m, high_m = 0.0, length_m
    # Distances are flat near the least: to find it within 1e-8 m, the place may be off by more.
    while high_m - low_m > 1e-5 * length_m:
        third_m = (high_m - low_m) / 3
        if at(low_m + third_m) < at(high_m - third_m):
            high_m -= third_m
        else:
            low_m += third_m
    return min(at(0.0), at(length_m), at((low_m + high_m) / 2))


def next_to_the_limit(seed: int, count: int) -> None:
    random = Random(seed)
    for _ in range(count):
        a, b, true_m = true_separation(random, place(random), 10 ** random.uniform(1.0, 4.0))
        try:
            one, other = Prepared.of(volume(a)), Prepared.of(volume(b))
        except InvalidVolume:
            continue
        index = AirspaceIndex([a].__getitem__)
        index.insert(volume(a))
        for over_m in TOO_NEAR_M:
            minima = Minima(horizontal_m=true_m + PROJ_M + over_m)
            assert conflicts(one, other, minima), (a, b, over_m)
            assert conflicts(other, one, minima)
            assert index.conflicts(other, minima) == [0]
        under_m = RESOLUTION_M + 2e-5  # That, and the 10 um within which a piece keeps its plane.
        minima = Minima(horizontal_m=max(0.0, true_m - PROJ_M - under_m))
        if true_m > PROJ_M + under_m:
            assert not conflicts(one, other, minima), (a, b)
            assert not index.conflicts(other, minima)


def test_what_is_within_a_minimum_by_any_margin_is_told_of() -> None:
    next_to_the_limit(1, 150)


@pytest.mark.soak
@pytest.mark.timeout(0)
@pytest.mark.parametrize("seed", range(2, 12))
def test_what_is_within_a_minimum_by_any_margin_is_told_of_many_times(seed: int) -> None:
    next_to_the_limit(seed, 2_000)

"""What is decided at a glance, by cores and one plane, is never decided wrongly.

Each scene puts the limit a millimetre beside the true separation, where a glance must leave it open
unless the side it takes is the true one. Truth is PROJ's or the definition's.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from random import Random

import numpy as np
import pytest
from pairs import box, destination, outline, pair, place, ring
from pyproj import Geod

from plans import ALPS, volume
from tansiq.domain import geodesy
from tansiq.domain.volume import Circle, LatLng, Outline, Polygon
from tansiq.engine import outlines, search
from tansiq.engine.outlines import APART, UNSURE, WITHIN, Shape
from tansiq.engine.prepared import Prepared

GEOD = Geod(ellps="WGS84")
MILLIMETRE = 1e-3
Scene = tuple[Outline, Outline, float]
"""Two outlines and how far apart they are."""
Change = Callable[[Shape], Shape]
AT_A_GLANCE = getattr(outlines.at_a_glance, "py_func", outlines.at_a_glance)
"""As Python, so that parts of it can be replaced."""
CORE_M = getattr(outlines.core_m, "py_func", outlines.core_m)


def shape_of(outline: Outline) -> Shape:
    found: Shape = search.shape_of(Prepared.of(volume(outline)).sky, 0)
    return found


def circles(random: Random) -> Scene:
    """Two circles anywhere, up to as far apart as a glance reaches."""
    center, away_m = place(random), 10 ** random.uniform(2.0, 4.98)
    other = destination(center, random.uniform(0.0, 360.0), away_m)
    one_m, other_m = (away_m * random.uniform(0.05, 0.45) for _ in range(2))
    apart_m = GEOD.inv(center.lng_deg, center.lat_deg, other.lng_deg, other.lat_deg)[2]
    circle = Circle(center=center, radius_m=one_m)
    return circle, Circle(center=other, radius_m=other_m), apart_m - one_m - other_m


def beside_an_edge(random: Random) -> Scene:
    """A square, and a circle where its core comes closest to an edge."""
    center, size_m = place(random), 10 ** random.uniform(1.5, 4.2)
    square = ring(center, [size_m] * 4, turn := random.uniform(0.0, 90.0))
    radius_m = size_m * random.uniform(0.1, 2.0)
    apart_m = random.uniform(0.01, 1.0) * size_m
    away_m = size_m * 0.5**0.5 + radius_m + apart_m
    circle = Circle(center=destination(center, turn + 45.0, away_m), radius_m=radius_m)
    return square, circle, geodesy.separation_m(square, circle)


def on_an_edge(random: Random) -> Scene:
    """A small box on an edge of a large one, where that is above its chord: they touch.

    It stands where a plane between them is most likely to seem to part them: square on the edge.
    """
    length_m, turn_deg = random.uniform(10_000.0, 19_000.0), random.uniform(0.0, 360.0)
    center = LatLng(random.uniform(-70.0, 70.0), random.uniform(-170.0, 170.0))
    large = box(center, length_m=length_m, width_m=19_000.0, azimuth_deg=turn_deg)
    low, high = 0.35, 0.55
    while high - low > 1e-8:
        third = (high - low) / 3
        if parted_m(large, on_edge(large, low + third)) < parted_m(
            large, on_edge(large, high - third)
        ):
            low += third
        else:
            high -= third
    return large, on_edge(large, low), 0.0


def on_edge(large: Polygon, share: float) -> Polygon:
    start, end = large.vertices[0], large.vertices[1]
    azimuth_deg, _, long_m = GEOD.inv(start.lng_deg, start.lat_deg, end.lng_deg, end.lat_deg)
    one, other = (destination(start, azimuth_deg, (share + more) * long_m) for more in (0.0, 0.1))
    return Polygon(
        vertices=(
            one,
            other,
            *(destination(at, azimuth_deg + 90.0, 2_000.0) for at in (other, one)),
        )
    )


def parted_m(a: Polygon, b: Polygon) -> float:
    """Return how far apart two outlines seem, along the line between their centres."""
    one, other = shape_of(a), shape_of(b)
    way = np.subtract(other.center, one.center)
    ahead, back = (
        at @ way / np.sqrt(way @ way)
        for at in (one.at - np.array(one.center), other.at - np.array(one.center))
    )
    return float(back.min() - ahead.max())


def in_a_bay(random: Random) -> Scene:
    """A horseshoe, and a circle that stands in it free of its sides."""
    center, size_m = place(random), 10 ** random.uniform(1.5, 4.0)
    turn_deg = random.uniform(0.0, 360.0)
    outer, inner = range(30, 331, 20), range(330, 29, -20)
    corners = [destination(center, turn_deg + a, size_m) for a in outer]
    corners += [destination(center, turn_deg + a, 0.7 * size_m) for a in inner]
    horseshoe = Polygon(vertices=tuple(corners))
    circle = Circle(center=center, radius_m=0.3 * size_m)
    return horseshoe, circle, geodesy.separation_m(horseshoe, circle)


def any_pair(random: Random) -> Scene:
    a, b = pair(random)
    return a, b, geodesy.separation_m(a, b)


def same(shape: Shape) -> Shape:
    return shape


def wrong(
    scene: Callable[[Random], Scene], count: int, change: Change = same
) -> tuple[int, Counter[int]]:
    """Return how many glances were wrong, and how many there were of each verdict."""
    random, mistakes, said = Random(3), 0, Counter[int]()
    for _ in range(count):
        a, b, apart_m = scene(random)
        one, other = change(shape_of(a)), change(shape_of(b))
        for limit_m in limits(apart_m):
            expected = WITHIN if apart_m <= limit_m else APART
            for x, y in ((one, other), (other, one)):
                found = AT_A_GLANCE(x, y, limit_m)
                mistakes += found not in (expected, UNSURE)
                said[found] += 1
    return mistakes, said


def limits(apart_m: float) -> Iterator[float]:
    yield from {0.0, max(0.0, apart_m - MILLIMETRE), apart_m + MILLIMETRE}
    yield max(0.0, 0.9 * apart_m - 100.0)
    yield 1.1 * apart_m + 300.0


SCENES = [circles, beside_an_edge, on_an_edge, in_a_bay, any_pair]


@pytest.mark.parametrize("scene", SCENES)
def test_what_is_seen_at_a_glance_is_so(scene: Callable[[Random], Scene]) -> None:
    mistakes, said = wrong(scene, 50 if scene is on_an_edge else 150)
    assert mistakes == 0
    assert said[UNSURE]


def test_a_glance_is_enough_for_many() -> None:
    said = wrong(circles, 150)[1] + wrong(beside_an_edge, 150)[1]
    assert said[WITHIN] > said.total() / 10
    assert said[APART] > said.total() / 10


@pytest.mark.parametrize("scene", [circles, on_an_edge])
def test_a_glance_without_its_doubt_is_caught(
    scene: Callable[[Random], Scene], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outlines, "doubt_m", lambda _: 0.0)
    assert wrong(scene, 50)[0]


def test_a_core_that_is_too_large_is_caught() -> None:
    def grown(shape: Shape) -> Shape:
        return shape._replace(core_m=shape.core_m * 1.01) if shape.core_m > 0.0 else shape

    assert wrong(beside_an_edge, 50, grown)[0]


def test_a_core_outside_its_outline_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outlines, "holds", lambda *_: WITHIN)

    def anyhow(shape: Shape) -> Shape:
        return shape if shape.size == 1 else shape._replace(core_m=CORE_M(shape))

    assert wrong(in_a_bay, 20, anyhow)[0]


def test_a_plane_that_leaves_out_the_rims_is_caught() -> None:
    assert wrong(circles, 50, lambda shape: shape._replace(rim_m=0.0))[0]


def test_all_ground_in_a_core_is_the_outlines_own() -> None:
    random, seen = Random(4), 0
    for _ in range(60):
        center = ALPS if random.random() < 0.5 else place(random)
        polygon = outline(random, center, 10 ** random.uniform(1.0, 4.0))
        shape = shape_of(polygon)
        if isinstance(polygon, Circle) or shape.core_m < 1.0:
            continue
        seen += 1
        middle = geodesy.point_at(shape.center)
        for turn_deg in range(0, 360, 15):
            spot: LatLng = destination(middle, turn_deg, shape.core_m)
            assert geodesy.separation_m(Circle(center=spot, radius_m=1e-3), polygon) == 0.0
    assert seen > 20


def test_large_outlines_have_no_core_and_are_not_glanced_at() -> None:
    square = ring(ALPS, [25_000.0] * 4, 10.0)
    assert shape_of(square).core_m == outlines.NO_CORE_M
    far = Circle(center=destination(ALPS, 90.0, 190_000.0), radius_m=60_000.0)
    near = Circle(center=ALPS, radius_m=60_000.0)
    assert AT_A_GLANCE(shape_of(near), shape_of(far), 0.0) == UNSURE

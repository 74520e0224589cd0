"""The shortcut of ``check_outline``: what it lets pass would pass the whole search, too."""

import math
from random import Random

import pytest

from tansiq.domain import boundary, geodesy
from tansiq.domain.volume import LatLng, Polygon


def corners(random: Random) -> tuple[LatLng, ...]:
    """Return a polygon near convex: some corners pushed in, some order broken, thin or round."""
    lat, lng = random.uniform(-69, 69), random.uniform(-179, 179)
    count = random.randint(3, 9)
    size = 10 ** random.uniform(-4.5, -0.7)
    flat = 10 ** random.uniform(-3, 0)
    turns = sorted(random.uniform(0, 2 * math.pi) for _ in range(count))
    if random.random() < 0.3:
        random.shuffle(turns)
    twist = random.uniform(0, math.pi)
    points = []
    for turn in turns:
        reach = size * (random.uniform(0.5, 1) if random.random() < 0.1 else 1)
        x, y = reach * math.cos(turn), flat * reach * math.sin(turn)
        points.append(
            LatLng(
                lat + x * math.sin(twist) + y * math.cos(twist),
                lng + x * math.cos(twist) - y * math.sin(twist),
            )
        )
    return tuple(points)


def test_nothing_passes_that_the_search_refuses() -> None:
    random, passed, refused = Random(31), 0, 0
    for number in range(3_000):
        vertices = corners(random)
        chain = boundary.of_vertices(vertices)
        found = boundary.touching_edges(chain, vertices=len(vertices))
        if geodesy._plainly_convex(vertices):
            passed += 1
            assert found is None, (number, vertices)
        refused += found is not None
    assert passed > 500
    assert refused > 300


@pytest.mark.parametrize(("out_m", "plain"), [(1.05, True), (0.95, False)])
def test_a_corner_stands_out_by_a_metre(out_m: float, plain: bool) -> None:
    up = out_m / 111_319.5
    square = (LatLng(0, 0), LatLng(0, 0.01), LatLng(0.005, 0.01 + up), LatLng(0.01, 0.01))
    assert geodesy._plainly_convex((*square, LatLng(0.01, 0))) is plain
    geodesy.check_outline(Polygon(vertices=(*square, LatLng(0.01, 0))))


def test_a_star_turns_twice() -> None:
    turns = [2 * math.pi * 2 * i / 5 for i in range(5)]
    star = tuple(LatLng(0.1 * math.sin(t), 0.1 * math.cos(t)) for t in turns)
    assert not geodesy._plainly_convex(star)


def test_across_the_180th_meridian_and_near_poles_the_search_decides() -> None:
    assert not geodesy._plainly_convex((LatLng(0, 179.9), LatLng(0, -179.9), LatLng(0.1, 180)))
    assert not geodesy._plainly_convex((LatLng(80, 0), LatLng(80, 0.1), LatLng(80.1, 0)))

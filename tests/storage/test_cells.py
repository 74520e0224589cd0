"""Covers are complete against the ellipsoid, bounded, and found by any search that touches them."""

import math
import random
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import s2geometry as s2
from pyproj import Geod

from stores import AnyStore, open_store
from tansiq.domain.time import from_micros, micros
from tansiq.domain.volume import Circle, LatLng, Outline, Polygon
from tansiq.errors import InvalidVolume, TooLarge
from tansiq.f3548.convert import Area
from tansiq.storage import cells
from tansiq.storage.cell_rows import Cells
from tansiq.storage.cells import (
    COARSE,
    FINE,
    FINE_CELLS_MAX,
    INTENT,
    Cover,
    area_km2,
    check,
    cover,
    parent,
    signed,
)
from tansiq.storage.store import Tx

SEED = 20_261_123
GEOD = Geod(ellps="WGS84")
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def fresh_cache() -> Iterator[None]:
    """Forget covers, because some tests compute them with a margin taken away."""
    cells._short_cells.cache_clear()
    yield
    cells._short_cells.cache_clear()


def circle(radius_m: float, lat: float = 40.0, lng: float = -105.0) -> Circle:
    return Circle(center=LatLng(lat, lng), radius_m=radius_m)


def polygon(*vertices: tuple[float, float]) -> Polygon:
    return Polygon(vertices=tuple(LatLng(*vertex) for vertex in vertices))


def box(lat: float, lng: float, size_deg: float) -> Polygon:
    far_lat, far_lng = lat + size_deg, lng + size_deg
    return polygon((lat, lng), (far_lat, lng), (far_lat, far_lng), (lat, far_lng))


def covered(where: Cover, lat: float, lng: float) -> bool:
    leaf = s2.S2CellId(s2.S2LatLng.FromDegrees(lat, lng).ToPoint())
    ids = {cell for patch in where.patches for cell in patch.cells}
    return signed(leaf.parent(where.level).id()) in ids


def rim_of_circle(shape: Circle, rng: random.Random, count: int) -> list[tuple[float, float]]:
    points = []
    for _ in range(count):
        lng, lat, _back = GEOD.fwd(
            shape.center.lng_deg,
            shape.center.lat_deg,
            rng.uniform(0, 360),
            shape.radius_m * rng.choice([1.0, 1.0, rng.random()]),
        )
        points.append((lat, lng))
    return points


def points_of_edges(shape: Polygon, rng: random.Random, count: int) -> list[tuple[float, float]]:
    points = []
    ends = list(zip(shape.vertices, shape.vertices[1:] + shape.vertices[:1], strict=True))
    for _ in range(count):
        a, b = rng.choice(ends)
        azimuth, _back, length = GEOD.inv(a.lng_deg, a.lat_deg, b.lng_deg, b.lat_deg)
        lng, lat, _back = GEOD.fwd(a.lng_deg, a.lat_deg, azimuth, length * rng.random())
        points.append((lat, lng))
    return points


def test_circles_are_covered_wholly_on_the_ellipsoid() -> None:
    print(f"seed {SEED}")
    rng = random.Random(SEED)
    places = [(90.0, 0.0), (-90.0, 7.0), (0.0, 180.0), (5.0, -179.9999), (45.0, 45.0)]
    places += [
        (math.degrees(math.asin(rng.uniform(-1, 1))), rng.uniform(-180, 180)) for _ in range(60)
    ]
    for lat, lng in places:
        shape = circle(math.exp(rng.uniform(math.log(1), math.log(120_000))), lat, lng)
        where = cover([Area(outline=shape)])
        for point in rim_of_circle(shape, rng, 60):
            assert covered(where, *point), (shape, point)


def test_the_circle_test_catches_a_cover_without_margin(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(SEED)
    monkeypatch.setattr("tansiq.storage.cells.CIRCLE_MARGIN", 1.0)
    missed = 0
    for _ in range(300):
        lat = math.degrees(math.asin(rng.uniform(-1, 1)))
        shape = circle(rng.uniform(3_000, 6_000), lat, rng.uniform(-180, 180))
        where = cover([Area(outline=shape)])
        missed += sum(not covered(where, *point) for point in rim_of_circle(shape, rng, 60))
    print(f"{missed} of 18,000 rim points missed without the margin")
    assert missed > 0


def test_polygon_edges_are_covered_along_the_geodesic() -> None:
    print(f"seed {SEED}")
    rng = random.Random(SEED)
    shapes = [
        polygon((0, 179.9), (0, -179.9), (0.1, -179.9), (0.1, 179.9)),
        polygon((89.9, 0), (89.9, 120), (89.9, -120)),
        polygon((60, 0), (60, 8), (60.001, 4)),
        polygon((0, 0), (0, 0.1), (0, 0.2)),  # No area: a line.
    ]
    for _ in range(60):
        lat, lng = rng.uniform(-85, 85), rng.uniform(-179, 178)
        size = math.exp(rng.uniform(math.log(0.0005), math.log(4)))
        corners = [
            (lat, lng),
            (lat + size, lng + size * rng.random() / 3),
            (lat + size * rng.random(), min(180.0, lng + size)),
        ]
        shapes.append(polygon(*[(min(90.0, a), b) for a, b in corners]))
    for shape in shapes:
        where = cover([Area(outline=shape)])
        for point in points_of_edges(shape, rng, 60):
            assert covered(where, *point), (shape, point)


def edges_past_a_corner(rng: random.Random, count: int) -> list[tuple[Polygon, float, float]]:
    """Return triangles of which one geodesic edge just enters a coarse cell at its corner.

    The great circle between the same vertices passes up to 66 m beside it, so half of the time it
    misses the cell. With each comes the point that lies in the cell.
    """
    found = []
    for _ in range(count):
        lat, lng = rng.uniform(-60, 60), rng.uniform(-160, 160)
        leaf = s2.S2CellId(s2.S2LatLng.FromDegrees(lat, lng).ToPoint())
        cell = s2.S2Cell(leaf.parent(COARSE))
        corner, center = (
            s2.S2LatLng(cell.GetVertex(rng.randrange(4))),
            s2.S2LatLng(cell.GetCenter()),
        )
        c_lat, c_lng = corner.lat().degrees(), corner.lng().degrees()
        inwards, _, _ = GEOD.inv(c_lng, c_lat, center.lng().degrees(), center.lat().degrees())
        lng, lat, _ = GEOD.fwd(c_lng, c_lat, inwards, 20)
        a, b, c = (
            GEOD.fwd(lng, lat, inwards + turn, length)
            for turn, length in ((90, 500_000), (-90, 500_000), (180, 30_000))
        )
        found.append((polygon((a[1], a[0]), (b[1], b[0]), (c[1], c[0])), lat, lng))
    return found


def test_an_edge_that_just_enters_a_cell_is_covered() -> None:
    print(f"seed {SEED}")
    for shape, lat, lng in edges_past_a_corner(random.Random(SEED), 60):
        assert covered(cover([Area(outline=shape)]), lat, lng), shape


def test_the_edge_test_catches_a_cover_without_margin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tansiq.storage.cells._strip_cells", lambda *_: [])
    shapes = edges_past_a_corner(random.Random(SEED), 60)
    missed = sum(not covered(cover([Area(outline=shape)]), *point) for shape, *point in shapes)
    print(f"{missed} of 60 points missed without the margin")
    assert missed > 0


def test_the_inside_is_covered_whatever_the_winding() -> None:
    shape = box(40, -105, 0.1)
    turned = Polygon(vertices=tuple(reversed(shape.vertices)))
    for one in (shape, turned):
        where = cover([Area(outline=one)])
        assert covered(where, 40.05, -104.95)
        assert not covered(where, 41, -104.95)
        assert area_km2(one) == pytest.approx(94.6, abs=0.1)


@pytest.mark.parametrize(
    ("shape", "level"),
    [(circle(100), FINE), (circle(7_000), FINE), (circle(8_000), COARSE), (box(0, 0, 0.5), COARSE)],
)
def test_large_things_are_indexed_coarsely(shape: Outline, level: int) -> None:
    where = cover([Area(outline=shape)])
    assert where.level == level
    assert sum(len(patch.cells) for patch in where.patches) <= FINE_CELLS_MAX


def test_many_small_volumes_become_coarse_together() -> None:
    areas = [Area(outline=circle(1_000, 40, -105 + i * 0.1)) for i in range(40)]
    where = cover(areas)
    assert where.level == COARSE
    assert cover(areas[:5]).level == FINE
    assert cover(areas[:5]).union(cover(areas[5:])).level == COARSE


def test_estimates_are_never_too_low() -> None:
    print(f"seed {SEED}")
    rng = random.Random(SEED)
    for _ in range(60):
        lat, lng = rng.uniform(-80, 80), rng.uniform(-170, 170)
        small = rng.uniform(0.001, 0.2)
        for shape in (circle(small * 60_000, lat, lng), box(lat, lng, small)):
            size = cells._size(shape)
            assert len(cells._cells(shape, FINE)) <= size.fine_max
            assert len(cells._cells(shape, COARSE)) <= size.coarse_max


def test_bounds_of_several_volumes_stay_apart_by_cell() -> None:
    early = Area(outline=circle(100), lower_m=0, upper_m=10, start=NOON, end=NOON)
    later = NOON + timedelta(hours=1)
    far = Area(outline=circle(100, 41), lower_m=90, upper_m=99, start=later, end=later)
    where = cover([early, far])
    bounds = {(patch.low_m, patch.high_m, from_micros(patch.time_end)) for patch in where.patches}
    assert bounds == {(0, 10, NOON), (90, 99, later)}
    both = cover([early, Area(outline=circle(100), lower_m=90, upper_m=99, start=later, end=later)])
    assert [(p.low_m, p.high_m, p.time_start, p.time_end) for p in both.patches] == [
        (0, 99, micros(NOON), micros(later))
    ]
    assert (where.time_start, where.time_end) == (micros(NOON), micros(later))


def test_covers_survive_their_row() -> None:
    where = cover([Area(outline=box(40, -105, 0.1), lower_m=1, upper_m=2, start=NOON, end=NOON)])
    assert Cover.from_bytes(where.to_bytes()) == where


def test_a_cover_contains_what_its_area_contains() -> None:
    large, small = cover([Area(outline=circle(30_000))]), cover([Area(outline=circle(500))])
    same = cover([Area(outline=circle(600))])
    assert large.level == COARSE
    assert large.contains(small)
    assert not small.contains(large)
    assert same.contains(small)
    assert not cover([Area(outline=circle(500, 41))]).contains(small)


def test_parents_agree_with_the_library() -> None:
    for lat, lng in [(0, 0), (80, 170), (-80, -170), (-5, 179)]:
        leaf = s2.S2CellId(s2.S2LatLng.FromDegrees(lat, lng).ToPoint())
        assert parent(signed(leaf.parent(FINE).id())) == signed(leaf.parent(COARSE).id())


@pytest.mark.parametrize(
    ("shape", "error", "field"),
    [
        (
            polygon((0, 0), (1, 1), (1, 0), (0, 1)),
            InvalidVolume,
            "a.volume.outline_polygon.vertices",
        ),
        (
            polygon((0, 0), (1, 1), (0, 1), (1, 1), (2, 0)),
            InvalidVolume,
            "a.volume.outline_polygon",
        ),
        (circle(900_000), TooLarge, "a.volume"),
        (polygon((0, 0), (0, 120), (0, -120)), TooLarge, "a.volume"),
        (box(0, 0, 30), TooLarge, "a.volume"),
    ],
)
def test_what_would_kill_the_process_is_refused(
    shape: Outline, error: type[Exception], field: str
) -> None:
    with pytest.raises(error) as caught:
        check(Area(outline=shape), km2_max=2_500, path="a")
    assert str(caught.value).startswith(field)


def test_a_long_thin_thing_is_refused_by_its_reach() -> None:
    zigzag = [(0.0 + (i % 2) * 80, i * 0.01) for i in range(2_000)]
    back = [(lat + 1e-7, lng) for lat, lng in reversed(zigzag)]
    shape = polygon(*zigzag, *back)
    with pytest.raises((TooLarge, InvalidVolume)):
        check(Area(outline=shape), km2_max=1e9, path="a")


def test_area_limits_touch_and_miss() -> None:
    shape = circle(1_000)
    km2 = area_km2(shape)
    check(Area(outline=shape), km2_max=km2, path="a")
    with pytest.raises(TooLarge):
        check(Area(outline=shape), km2_max=math.nextafter(km2, 0), path="a")


@pytest.fixture
async def store(store_kind: str, tmp_path: Path) -> AsyncIterator[AnyStore]:
    opened = open_store(tmp_path / "store.db")
    yield opened
    await opened.close()


def at(shape: Outline, *, low: float = 0, high: float = 100, start: int = 0, end: int = 60) -> Area:
    return Area(
        outline=shape,
        lower_m=low,
        upper_m=high,
        start=NOON + timedelta(seconds=start),
        end=NOON + timedelta(seconds=end),
    )


@pytest.mark.anyio
async def test_search_touches_and_misses_by_the_smallest_step(store: AnyStore) -> None:
    stands = at(circle(100))
    moment = timedelta(microseconds=1)
    above, below = math.nextafter(100, math.inf), math.nextafter(0, -math.inf)
    assert stands.start is not None
    assert stands.end is not None
    start, end = stands.start, stands.end
    cases = [
        (at(circle(100), low=100, high=200), True),
        (at(circle(100), low=above, high=200), False),
        (at(circle(100), low=-50, high=0), True),
        (at(circle(100), low=-50, high=below), False),
        (Area(outline=circle(100), start=end, end=end + moment), True),
        (Area(outline=circle(100), start=end + moment, end=end + moment), False),
        (Area(outline=circle(100), start=start - moment, end=start), True),
        (Area(outline=circle(100), start=start - moment, end=start - moment), False),
        (Area(outline=circle(100)), True),
        (at(circle(100, 41)), False),
    ]

    async def fn(tx: Tx) -> None:
        index = Cells(tx, INTENT)
        await index.add("it", cover([stands]))
        for area, found in cases:
            assert await index.find(cover([area])) == ({"it"} if found else set()), area
        await index.drop("it", cover([stands]))
        assert await index.find(cover([Area(outline=circle(100))])) == set()
        assert await tx.fetch("SELECT * FROM cell") == []

    await store.write(fn)


@pytest.mark.anyio
async def test_things_of_any_size_find_each_other(store: AnyStore) -> None:
    """Oracle: two circles that overlap on the ellipsoid are found by each other."""
    print(f"seed {SEED}")
    rng = random.Random(SEED)
    shapes = []
    for _ in range(150):
        radius = math.exp(rng.uniform(math.log(50), math.log(60_000)))
        shapes.append(circle(radius, rng.uniform(39, 41), rng.uniform(-106, -104)))

    async def fn(tx: Tx) -> tuple[int, int]:
        index = Cells(tx, INTENT)
        for i, shape in enumerate(shapes):
            await index.add(f"{i}", cover([at(shape)]))
        overlaps = found_in_all = 0
        for i, a in enumerate(shapes):
            found = await index.find(cover([at(a)]))
            assert f"{i}" in found
            found_in_all += len(found)
            for j, b in enumerate(shapes):
                _, _, distance = GEOD.inv(
                    a.center.lng_deg, a.center.lat_deg, b.center.lng_deg, b.center.lat_deg
                )
                if distance <= a.radius_m + b.radius_m:
                    overlaps += 1
                    assert f"{j}" in found, (a, b)
        return overlaps, found_in_all

    overlaps, found = await store.write(fn)
    print(f"{overlaps} overlapping pairs, {found} found")
    assert overlaps > 800

"""Whatever outline somebody sends costs a bounded amount of work: refused in words, or covered.

Work is counted, not timed: coverings asked of the library, and cells that it gave. Outlines come
from a seed: crossing, degenerate, tiny, enormous, with 10,000 vertices, at poles and antimeridian.
"""

import asyncio
import math
import random
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any

import pytest
import s2geometry as s2
from pyproj import Geod
from register_world import NORTH, URL, World, subscription, volume

from tansiq.domain.volume import VERTICES_MAX, Circle, LatLng, Outline, Polygon
from tansiq.errors import BadInput, InvalidVolume, TooLarge
from tansiq.f3548 import wire
from tansiq.f3548.convert import Area
from tansiq.services.register import requests
from tansiq.storage import cells
from tansiq.storage.cells import COARSE_CELLS_MAX, CROWD_MAX, Cover, check, cover, signed

SEED = 20_261_124
GEOD = Geod(ellps="WGS84")
OUTLINES = 250
STRANGER_KM2 = 2_500.0
PARTY_KM2 = 1_000_000.0
PLACES = [(90.0, 0.0), (-90.0, 0.0), (89.9, 180.0), (0.0, 180.0), (5.0, -179.99), (0.0, 0.0)]

_ours = ContextVar("_ours", default=False)
"""Whether work is done for a test here: nodes of other tests may work in threads of theirs."""


class Work:
    """What the library was asked for, and what it gave."""

    def __init__(self, covering: Callable[[Any, int], list[int]]) -> None:
        self._covering = covering
        self.calls = self.cells = 0

    def __call__(self, region: Any, level: int) -> list[int]:
        found = self._covering(region, level)
        if _ours.get():
            self.calls += 1
            self.cells += len(found)
        return found


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Iterator[Work]:
    counted = Work(cells._covering)
    monkeypatch.setattr(cells, "_covering", counted)
    cells._short_cells.cache_clear()
    token = _ours.set(True)
    yield counted
    _ours.reset(token)
    cells._short_cells.cache_clear()


def place(rng: random.Random) -> tuple[float, float]:
    if rng.random() < 0.4:
        return rng.choice(PLACES)
    return math.degrees(math.asin(rng.uniform(-1, 1))), rng.uniform(-180, 180)


def round_about(
    rng: random.Random, lat: float, lng: float, size_m: float, count: int
) -> list[tuple[float, float]]:
    """Return points about a place; by their order a star, or crossing edges."""
    azimuths = sorted(rng.uniform(0, 360) for _ in range(count))
    if rng.random() < 0.3:
        rng.shuffle(azimuths)
    if rng.random() < 0.3:
        azimuths.reverse()
    rough = rng.choice([0.0, 0.3, 1.0])
    points = []
    for azimuth in azimuths:
        length = size_m * (1 - rough * rng.random())
        far_lng, far_lat, _ = GEOD.fwd(lng, lat, azimuth, length)
        points.append((far_lat, far_lng))
    return points


def comb(rng: random.Random, lat: float, lng: float, size_m: float, count: int) -> Any:
    """Return a zigzag that comes back beside itself: little area, a rim without end."""
    deg = size_m / 111_000
    there = [(lat + deg * (i % 2), lng + deg * i / count) for i in range(count // 2)]
    return [*there, *((a + 1e-9, b) for a, b in reversed(there))]


def line(rng: random.Random, lat: float, lng: float, size_m: float, count: int) -> Any:
    """Return points of one meridian: no area at all."""
    return [(lat * 0.9 + size_m / 111_000 * i / count, lng) for i in range(count)]


def repeated(rng: random.Random, lat: float, lng: float, size_m: float, count: int) -> Any:
    points = round_about(rng, lat, lng, size_m, count)
    return [*points, points[rng.randrange(len(points))]]


def outline(rng: random.Random) -> Outline:
    """Make an outline; raises BadInput where a value cannot even exist."""
    lat, lng = place(rng)
    size_m = math.exp(rng.uniform(math.log(1e-4), math.log(2.1e7)))
    if rng.random() < 0.3:
        return Circle(center=LatLng(lat, lng), radius_m=size_m)
    count = rng.choice([3, 4, 5, 8, 40, 300]) if rng.random() < 0.95 else VERTICES_MAX
    shape = rng.choice([round_about, round_about, round_about, comb, line, repeated])
    wrapped = ((a, (b + 180) % 360 - 180) for a, b in shape(rng, lat, lng, size_m, count))
    return Polygon(vertices=tuple(LatLng(a, b) for a, b in wrapped))


def points_of(shape: Outline, rng: random.Random) -> Iterator[tuple[float, float]]:
    """Yield points that belong to an outline, by the geodesics of the ellipsoid."""
    if isinstance(shape, Circle):
        for _ in range(20):
            at = shape.center
            lng, lat, _ = GEOD.fwd(at.lng_deg, at.lat_deg, rng.uniform(0, 360), shape.radius_m)
            yield lat, lng
        return
    vertices = shape.vertices
    for _ in range(20):
        i = rng.randrange(len(vertices))
        a, b = vertices[i - 1], vertices[i]
        azimuth, _, length = GEOD.inv(a.lng_deg, a.lat_deg, b.lng_deg, b.lat_deg)
        lng, lat, _ = GEOD.fwd(a.lng_deg, a.lat_deg, azimuth, length * rng.random())
        yield lat, lng


def holds(where: Cover, lat: float, lng: float) -> bool:
    leaf = s2.S2CellId(s2.S2LatLng.FromDegrees(lat, lng).ToPoint())
    ids = {cell for patch in where.patches for cell in patch.cells}
    return signed(leaf.parent(where.level).id()) in ids


@pytest.mark.parametrize("km2_max", [STRANGER_KM2, PARTY_KM2])
def test_every_outline_is_refused_or_covered_within_its_budget(work: Work, km2_max: float) -> None:
    rng = random.Random(SEED)
    accepted = refused = most_calls = most_cells = 0
    for number in range(OUTLINES):
        work.calls = work.cells = 0
        try:
            shape = outline(rng)
            check(Area(outline=shape), km2_max=km2_max, path="extents")
            where = cover([Area(outline=shape)])
        except BadInput:
            assert work.calls == 0, f"{number}: work was done before it was refused"
            refused += 1
            continue
        accepted += 1
        corners = len(shape.vertices) if isinstance(shape, Polygon) else 0
        found = sum(len(patch.cells) for patch in where.patches)
        # At both levels: the whole, and a cap and a strip for each edge.
        assert work.calls <= 2 * (1 + 2 * corners), number
        # An edge's own cells, about its length, are in the estimate; each corner adds a few.
        assert work.cells <= 2 * COARSE_CELLS_MAX + 40 * corners, number
        assert found <= COARSE_CELLS_MAX, number
        most_calls, most_cells = max(most_calls, work.calls), max(most_cells, work.cells)
        for lat, lng in points_of(shape, rng):
            assert holds(where, lat, lng), (number, shape, lat, lng)
    print(
        f"seed {SEED}: {accepted} covered, {refused} refused; "
        f"at most {most_calls} coverings and {most_cells} cells for one"
    )
    assert accepted > 50
    assert refused > 50


def test_the_budget_is_broken_by_covering_what_is_not_checked(work: Work) -> None:
    """The control: without the bound on reach, one zigzag asks for more than the budget."""
    zigzag = [(60.0 * (i % 2), 0.02 * i) for i in range(1_500)]
    shape = Polygon(vertices=tuple(LatLng(a, b) for a, b in zigzag))
    with pytest.raises((TooLarge, BadInput)):
        check(Area(outline=shape), km2_max=PARTY_KM2, path="extents")
    for a, b in zip(shape.vertices[:1_400], shape.vertices[1:1_401], strict=True):
        ends = (cells._xyz(a.lat_deg, a.lng_deg), cells._xyz(b.lat_deg, b.lng_deg))
        cells._strip_cells(*ends, 1e-9, cells.COARSE)
    assert work.cells > 2 * COARSE_CELLS_MAX


@pytest.mark.parametrize(("crowd", "good"), [(CROWD_MAX, True), (CROWD_MAX + 1, False)])
def test_a_heap_of_vertices_in_one_spot_is_refused(crowd: int, *, good: bool) -> None:
    """Ten thousand of them would keep the library busy for minutes."""
    heap = [(1e-11 * i, 1e-12 * i * i) for i in range(crowd)]
    shape = Polygon(vertices=tuple(LatLng(a, b) for a, b in [*heap, (1.0, 0.0)]))
    area = Area(outline=shape)
    if good:
        check(area, km2_max=STRANGER_KM2, path="extents")
        return
    with pytest.raises(InvalidVolume, match=f"{crowd} of them lie within 0.01 m") as caught:
        check(area, km2_max=STRANGER_KM2, path="extents")
    assert caught.value.field == "extents.volume.outline_polygon.vertices"


# Who else is served meanwhile


@pytest.mark.anyio
async def test_outlines_of_many_corners_are_covered_aside(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A search and a subscription as well as a write: the event loop goes on meanwhile."""
    ring = [(40 + 0.1 * math.sin(i / 250), 0.1 * math.cos(i / 250)) for i in range(1_500)]
    vertices = tuple(wire.LatLngPoint(lat=a, lng=b) for a, b in ring)
    usual = volume()
    polygon = wire.Volume3D(
        outline_polygon=wire.Polygon(vertices=vertices),
        altitude_lower=usual.volume.altitude_lower,
        altitude_upper=usual.volume.altitude_upper,
    )
    area = wire.Volume4D(volume=polygon, time_start=usual.time_start, time_end=usual.time_end)
    aside = list[bool]()
    loop = asyncio.get_running_loop()

    def noted(areas: Any) -> Cover:
        if not _ours.get():
            return cover(areas)
        try:
            aside.append(asyncio.get_running_loop() is not loop)
        except RuntimeError:
            aside.append(True)
        return cover(areas)

    monkeypatch.setattr(requests, "cover", noted)
    _ours.set(True)
    await world.register.query_intents(NORTH, area)
    await world.register.query_constraints(NORTH, area)
    await world.subscribe(NORTH, subscription(area))
    params = wire.PutConstraintReferenceParameters(extents=(area,), uss_base_url=URL)
    await world.bar(NORTH, params)
    assert aside == [True] * 4
    await world.register.query_intents(NORTH, usual)
    assert aside[-1] is False, "a small one is not worth a thread"

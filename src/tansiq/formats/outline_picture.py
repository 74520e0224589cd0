"""A small picture of outlines, north up, beside their words: as SVG, and as text for a terminal.

It shows a person whether the area is the one they think of: shape, proportion, and how the volumes
lie to one another. Not for measuring: edges are drawn straight.
"""

import math
from collections.abc import Iterator, Sequence
from html import escape
from typing import Final

from tansiq.domain.volume import Circle, LatLng, Outline
from tansiq.formats.projection import Point, Projection

SIZE: Final = 200.0
OUTLINES_MAX: Final = 200
POINTS_MAX: Final = 2_000
"""Of one outline; of more, every second or third is drawn."""
_RIM: Final = 0.06
_RING: Final = 48
_STEPS_M: Final = tuple(m * 10.0**k for k in range(8) for m in (1.0, 2.0, 5.0))


def svg(outlines: Sequence[Outline], label: str) -> str:
    """Return outlines as an SVG of ``SIZE`` by ``SIZE`` with a scale; ``label`` is for readers
    who do not see it. Colours are those of the text around it.
    """
    frame = _Frame(outlines)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {SIZE:g} {SIZE:g}" role="img" '
        f'aria-label="{escape(label)}" direction="ltr">',
        *(_path(frame.on_page(ring)) for ring in frame.rings),
        *_scale(frame.metres_a_unit),
        "</svg>",
    ]
    return "\n".join(parts)


def text(outlines: Sequence[Outline], *, columns: int = 32) -> str:
    """Return outlines as rows of characters, ``columns`` wide and as tall: # inside, . outside.

    A character is about twice as tall as wide. What is smaller than one is shown as one.
    """
    rows = columns // 2
    frame = _Frame(outlines)
    rings = [frame.on_page(ring) for ring in frame.rings]
    wide, tall = SIZE / columns, SIZE / rows
    full = {(int(y // tall), int(x // wide)) for ring in rings for x, y in _edge(ring, wide / 2)}
    for row in range(rows):
        for column in range(columns):
            middle = (column + 0.5) * wide, (row + 0.5) * tall
            if any(_holds(ring, middle) for ring in rings):
                full.add((row, column))
    lines = ("".join(".#"[(r, c) in full] for c in range(columns)) for r in range(rows))
    return "\n".join(lines)


def _edge(ring: Sequence[Point], step: float) -> Iterator[Point]:
    """Yield points all along a ring, so that what is thinner than a character shows as well."""
    for (x1, y1), (x2, y2) in zip(ring, (*ring[1:], ring[0]), strict=True):
        count = max(1, math.ceil(math.hypot(x2 - x1, y2 - y1) / step))
        for i in range(count):
            yield x1 + (x2 - x1) * i / count, y1 + (y2 - y1) * i / count


class _Frame:
    """Where outlines lie in a square of ``SIZE``, y downwards."""

    def __init__(self, outlines: Sequence[Outline]) -> None:
        shown = outlines[:OUTLINES_MAX]
        project = Projection([place for outline in shown for place in _places(outline)])
        self.rings = [_ring(outline, project) for outline in shown]
        xs = [x for ring in self.rings for x, _ in ring]
        ys = [y for ring in self.rings for _, y in ring]
        span_m = max(max(xs) - min(xs), max(ys) - min(ys), 1.0)
        self.metres_a_unit = span_m / (SIZE * (1 - 2 * _RIM))
        self._middle = (min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2

    def on_page(self, ring: Sequence[Point]) -> list[Point]:
        """Return points of metres as points of the picture."""
        (x0, y0), m = self._middle, self.metres_a_unit
        return [(SIZE / 2 + (x - x0) / m, SIZE / 2 - (y - y0) / m) for x, y in ring]


def _places(outline: Outline) -> Sequence[LatLng]:
    if isinstance(outline, Circle):
        return (outline.center,)
    return outline.vertices[:: math.ceil(len(outline.vertices) / POINTS_MAX)]


def _ring(outline: Outline, project: Projection) -> list[Point]:
    if not isinstance(outline, Circle):
        return [project(place) for place in _places(outline)]
    (x, y), r = project(outline.center), outline.radius_m
    turns = (2 * math.pi * i / _RING for i in range(_RING))
    return [(x + r * math.sin(turn), y + r * math.cos(turn)) for turn in turns]


def _path(ring: Sequence[Point]) -> str:
    way = "L".join(f"{x:.1f} {y:.1f}" for x, y in ring)
    return f'<path d="M{way}Z" fill="currentColor" fill-opacity="0.15" stroke="currentColor"/>'


def _scale(metres_a_unit: float) -> Iterator[str]:
    length_m = max((m for m in _STEPS_M if m / metres_a_unit <= SIZE / 4), default=_STEPS_M[0])
    long = length_m / metres_a_unit
    told = f"{length_m / 1_000:g} km" if length_m >= 1_000 else f"{length_m:g} m"
    yield f'<path d="M4 {SIZE - 8:g}v4h{long:.1f}v-4" fill="none" stroke="currentColor"/>'
    at = f'x="{long + 8:.1f}" y="{SIZE - 4:g}"'
    yield f'<text {at} font-size="9" fill="currentColor">{told}</text>'


def _holds(ring: Sequence[Point], point: Point) -> bool:
    """Report whether a point is inside, by the number of edges to the right of it."""
    x, y = point
    inside = False
    for (x1, y1), (x2, y2) in zip(ring, (*ring[1:], ring[0]), strict=True):
        if (y1 > y) != (y2 > y) and x < x1 + (x2 - x1) * (y - y1) / (y2 - y1):
            inside = not inside
    return inside

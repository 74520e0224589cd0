"""Where and when conflicts are, as SVG: a map and a timeline. Pictures, not for measuring.

The map is azimuthal equidistant on a sphere round the middle of what it shows: true from there,
and within 1 % anywhere up to 1,500 km away. Edges are drawn straight.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html import escape

from tansiq.cli.audit_lines import Finding
from tansiq.cli.audit_set import Member
from tansiq.domain.volume import Circle, LatLng, Volume4D
from tansiq.formats.projection import EARTH_M, Point, Projection, unit

WIDE = 1_000.0
TIME_TALL = 360.0
MAP_SIZE, CLOSE_SIZE = (WIDE, 640.0), (490.0, 380.0)
_LEFT, _RIGHT, _TOP, _BOTTOM = 76.0, 12.0, 12.0, 46.0
_MARK = 9.0


@dataclass(frozen=True, slots=True)
class Shown:
    """A volume to be drawn."""

    volume: Volume4D
    no_go: bool


def marks(places: Sequence[Point], box: tuple[float, float, float, float]) -> list[Point]:
    """Return where numbers go: at their places, or so far beside that none hides another."""
    at = [list(place) for place in places]
    near = 2 * _MARK + 1.0
    for _ in range(200):
        moved = False
        for i in range(len(at)):
            for j in range(i):
                dx, dy = at[i][0] - at[j][0], at[i][1] - at[j][1]
                apart = math.hypot(dx, dy)
                if apart >= near:
                    continue
                if apart < 1e-6:  # Any way will do, as long as it is always the same.
                    dx, dy, apart = math.cos(2.4 * i), math.sin(2.4 * i), 1.0
                    push = near / 2
                else:
                    push = (near - apart) / 2
                for k, sign in ((i, 1.0), (j, -1.0)):
                    at[k][0] += sign * push * dx / apart
                    at[k][1] += sign * push * dy / apart
                moved = True
        for each in at:
            each[0] = min(max(each[0], box[0] + _MARK), box[2] - _MARK)
            each[1] = min(max(each[1], box[1] + _MARK), box[3] - _MARK)
        if not moved:
            break
    return [(x, y) for x, y in at]


def _numbers(
    places: Sequence[Point], worst: Sequence[Finding], box: tuple[float, float, float, float]
) -> Iterator[str]:
    """Yield numbered marks, each with a line to where it belongs."""
    found = marks(places, box)
    for (x, y), (u, v) in zip(places, found, strict=True):
        if math.hypot(u - x, v - y) > 1.0:
            yield f'<path class="lead" d="M{x:.1f} {y:.1f}L{u:.1f} {v:.1f}"/>'
        yield f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="2"/>'
    for one, (u, v) in zip(worst, found, strict=True):
        names = escape(f"{one.number}: {one.first.name} - {one.second.name}")
        yield (
            f'<g class="mark"><title>{names}</title>'
            f'<circle cx="{u:.1f}" cy="{v:.1f}" r="{_MARK}"/>'
            f'<text x="{u:.1f}" y="{v + 3.2:.1f}">{one.number}</text></g>'
        )


def _svg(size: tuple[float, float], label: str, parts: Iterable[str]) -> str:
    head = f'<svg viewBox="0 0 {size[0]:g} {size[1]:g}" role="img" aria-label="{escape(label)}">'
    return "\n".join((head, *parts, "</svg>"))


def _nice(span: float, most: int, steps: Sequence[float]) -> float:
    """Return the smallest of some steps that divides a span into at most so many."""
    return next((step for step in steps if span / step <= most), steps[-1])


# The timeline

_MINUTES = (1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1_440, 2_880, 10_080, 43_200, 525_600)
_METRES = tuple(m * 10.0**k for k in range(-1, 6) for m in (1.0, 2.0, 5.0))


def timeline(
    shown: Sequence[Shown], every: Sequence[Finding], worst: Sequence[Finding], label: str
) -> str:
    """Return volumes as boxes of time and altitude, and conflicts where they begin."""
    flown = [s.volume for s in shown if not s.no_go] or [s.volume for s in shown]
    start, end = min(v.time.start for v in flown), max(v.time.end for v in flown)
    end = max(end, start + timedelta(minutes=1))
    lows = [v.altitude.lower_m for v in flown]
    low_m, high_m = min(lows), max(v.altitude.upper_m for v in flown)
    high_m = max(high_m, low_m + 10.0)
    low_m, high_m = low_m - 0.03 * (high_m - low_m), high_m + 0.03 * (high_m - low_m)
    across = (WIDE - _LEFT - _RIGHT) / (end - start).total_seconds()
    up = (TIME_TALL - _TOP - _BOTTOM) / (high_m - low_m)

    def at(moment: datetime, altitude_m: float) -> Point:
        x = _LEFT + min(max((moment - start).total_seconds(), 0.0) * across, WIDE - _LEFT - _RIGHT)
        y = _TOP + min(max((high_m - altitude_m) * up, 0.0), TIME_TALL - _TOP - _BOTTOM)
        return x, y

    def middle(one: Finding) -> Point:
        band = one.conflict.altitude
        return at(one.conflict.time.start, (band.lower_m + band.upper_m) / 2)

    def parts() -> Iterator[str]:
        for each in shown:
            (x, y), (u, v) = (
                at(each.volume.time.start, each.volume.altitude.upper_m),
                at(each.volume.time.end, each.volume.altitude.lower_m),
            )
            kind = "area" if each.no_go else "plan"
            yield (
                f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" width="{max(u - x, 0.5):.1f}" '
                f'height="{max(v - y, 0.5):.1f}"/>'
            )
        yield from _time_axis(start, end, at(start, low_m)[1], across)
        yield from _altitude_axis(low_m, high_m, up)
        for x, y in map(middle, every):
            yield f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="2"/>'
        box = (_LEFT, _TOP, WIDE - _RIGHT, TIME_TALL - _BOTTOM)
        yield from _numbers([middle(one) for one in worst], worst, box)

    return _svg((WIDE, TIME_TALL), label, parts())


def _time_axis(start: datetime, end: datetime, y: float, across: float) -> Iterator[str]:
    step = timedelta(minutes=_nice((end - start).total_seconds() / 60, 12, _MINUTES))
    midnight = datetime(start.year, start.month, start.day, tzinfo=UTC)
    tick = midnight + step * math.ceil((start - midnight) / step)
    dated = ""
    while tick <= end:
        x = _LEFT + (tick - start).total_seconds() * across
        yield f'<path class="grid" d="M{x:.1f} {_TOP}V{y:.1f}"/>'
        yield f'<text class="tick" x="{x:.1f}" y="{y + 15:.1f}">{tick:%H:%M}Z</text>'
        if (day := f"{tick:%Y-%m-%d}") != dated:
            yield f'<text class="tick" x="{x:.1f}" y="{y + 30:.1f}">{day}</text>'
            dated = day
        tick += step


def _altitude_axis(low_m: float, high_m: float, up: float) -> Iterator[str]:
    step_m = _nice(high_m - low_m, 7, _METRES)
    for k in range(math.ceil(low_m / step_m), math.floor(high_m / step_m) + 1):
        y = _TOP + (high_m - k * step_m) * up
        yield f'<path class="grid" d="M{_LEFT} {y:.1f}H{WIDE - _RIGHT}"/>'
        yield f'<text class="side" x="{_LEFT - 6}" y="{y + 4:.1f}">{k * step_m:,.10g} m</text>'


# The map


class Map:
    """A map of conflicts and of the outlines around them."""

    def __init__(
        self,
        shown: Sequence[Shown],
        every: Sequence[Finding],
        size: tuple[float, float] = MAP_SIZE,
    ) -> None:
        self._wide, self._tall = size
        self._shown = shown
        places = [p for one in every if (p := one.conflict.place) is not None]
        self._at = Projection(places or [_corner(s.volume) for s in shown])
        points = [self._at(place) for place in places]
        for each in () if places else shown:
            points += self._outline(each.volume)
        west, east = _span([x for x, _ in points])
        south, north = _span([y for _, y in points])
        self._m = max((east - west) / self._wide, (north - south) / self._tall)
        """Metres a unit of the picture."""
        self._middle = (west + east) / 2, (south + north) / 2
        self.outside = 0
        """Volumes that the map does not reach; known when it is drawn."""

    def _outline(self, volume: Volume4D) -> list[Point]:
        outline = volume.outline
        if isinstance(outline, Circle):
            (x, y), r = self._at(outline.center), outline.radius_m
            return [(x - r, y - r), (x + r, y + r)]
        return [self._at(vertex) for vertex in outline.vertices]

    def _place(self, point: Point) -> Point:
        x = self._wide / 2 + (point[0] - self._middle[0]) / self._m
        return x, self._tall / 2 - (point[1] - self._middle[1]) / self._m

    @property
    def span_m(self) -> float:
        """How far it reaches, the longer way."""
        return self._m * max(self._wide, self._tall)

    def draw(self, every: Sequence[Finding], worst: Sequence[Finding], label: str) -> str:
        """Return the map."""
        return _svg((self._wide, self._tall), label, self._parts(every, worst))

    def _parts(self, every: Sequence[Finding], worst: Sequence[Finding]) -> Iterator[str]:
        self.outside = 0
        for each in self._shown:
            yield from self._drawn(each)
        yield from self._graticule()
        for one in every:
            if (place := one.conflict.place) is not None:
                x, y = self._place(self._at(place))
                if not (0.0 <= x <= self._wide and 0.0 <= y <= self._tall):
                    continue
                yield f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="2"/>'
        placed = [one for one in worst if one.conflict.place is not None]
        points = [self._place(self._at(one.conflict.place)) for one in placed if one.conflict.place]
        yield from _numbers(points, placed, (0.0, 0.0, self._wide, self._tall))
        yield from self._scale()

    def _drawn(self, each: Shown) -> Iterator[str]:
        points = [self._place(point) for point in self._outline(each.volume)]
        xs, ys = [x for x, _ in points], [y for _, y in points]
        if max(xs) < 0 or min(xs) > self._wide or max(ys) < 0 or min(ys) > self._tall:
            self.outside += 1
            return
        kind, outline = "area" if each.no_go else "plan", each.volume.outline
        if isinstance(outline, Circle):
            x, y = self._place(self._at(outline.center))
            r = max(outline.radius_m / self._m, 0.5)
            yield f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="{r:.1f}"/>'
        else:
            path = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
            yield f'<path class="{kind}" d="M{path}Z"/>'

    def _graticule(self) -> Iterator[str]:
        """Yield parallels and meridians, with their degrees at the rim."""
        half_x, half_y = self._wide / 2 * self._m, self._tall / 2 * self._m
        if math.hypot(*self._middle) + math.hypot(half_x, half_y) > 8e6:
            return
        x0, y0 = self._middle
        rim = [
            self._at.back((x0 + half_x * i, y0 + half_y * j))
            for i in (-1.0, 0.0, 1.0)
            for j in (-1.0, 0.0, 1.0)
        ]
        if max(abs(place.lat_deg) for place in rim) > 85.0:
            return
        center = self._at.back(self._middle)
        lats = [place.lat_deg for place in rim]
        lngs = [(place.lng_deg - center.lng_deg + 540.0) % 360.0 - 180.0 for place in rim]
        step = _nice(max(lats) - min(lats), 6, _DEGREES)
        for lat in _multiples(min(lats), max(lats), step):
            line = [(lat, center.lng_deg + t) for t in _along(min(lngs), max(lngs))]
            yield from self._parallel(line, _degrees(lat, step, "NS"), first=0)
        step = _nice(max(lngs) - min(lngs), 8, _DEGREES)
        for lng in _multiples(center.lng_deg + min(lngs), center.lng_deg + max(lngs), step):
            line = [(lat, lng) for lat in _along(min(lats), max(lats))]
            turned = (lng + 540.0) % 360.0 - 180.0
            yield from self._parallel(line, _degrees(turned, step, "EW"), first=1)

    def _parallel(self, line: list[Point], label: str, *, first: int) -> Iterator[str]:
        points = [
            self._place(self._at(LatLng(lat, (lng + 540.0) % 360.0 - 180.0))) for lat, lng in line
        ]
        path = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
        yield f'<path class="grid" d="M{path}"/>'
        inside = [p for p in points if 0 <= p[0] <= self._wide and 0 <= p[1] <= self._tall]
        if inside:
            x, y = inside[0]
            dx, dy = (4.0, -3.0) if first == 0 else (3.0, -4.0)
            yield f'<text class="degree" x="{x + dx:.1f}" y="{y + dy:.1f}">{label}</text>'

    def _scale(self) -> Iterator[str]:
        length_m = max((m for m in _METRES if m / self._m <= self._wide / 5), default=1.0)
        long = length_m / self._m
        text = f"{length_m / 1000:g} km" if length_m >= 1_000 else f"{length_m:g} m"
        x, y = self._wide - 14 - long, 26.0
        yield f'<path class="scale" d="M{x:.1f} {y - 5}v5h{long:.1f}v-5"/>'
        yield f'<text class="tick" x="{x + long / 2:.1f}" y="{y - 5}">{text}</text>'


_DEGREES = tuple(m * 10.0**k for k in range(-5, 2) for m in (1.0, 2.0, 5.0))


def _multiples(low: float, high: float, step: float) -> list[float]:
    return [k * step for k in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _along(low: float, high: float) -> list[float]:
    return [low + (high - low) * k / 40 for k in range(41)]


def _degrees(value: float, step: float, signs: str) -> str:
    digits = max(0, -math.floor(math.log10(step) + 1e-9))
    sign = signs[0] if value >= 0 else signs[1]
    return f"{abs(value):.{digits}f}° {sign}"


def _span(values: Sequence[float]) -> tuple[float, float]:
    """Return a span around values, with a rim and at least a kilometre."""
    low, high = min(values), max(values)
    rim = max(0.08 * (high - low), 500.0)
    return low - rim, high + rim


def _corner(volume: Volume4D) -> LatLng:
    outline = volume.outline
    return outline.center if isinstance(outline, Circle) else outline.vertices[0]


def chosen(members: Sequence[Member], worst: Sequence[Finding], most: int) -> list[Shown]:
    """Return the volumes to draw: those of the worst conflicts, then evenly of the others."""
    first = {id(member) for one in worst for member in (one.first, one.second)}
    ours = [m for m in members if id(m) in first]
    others = [m for m in members if id(m) not in first]
    shown = [Shown(v, m.draft.constraint) for m in ours for v in m.draft.volumes]
    rest = [Shown(v, m.draft.constraint) for m in others for v in m.draft.volumes]
    room = max(0, most - len(shown))
    step = max(1, math.ceil(len(rest) / room)) if room else len(rest) + 1
    found = shown[:most] + rest[::step][:room]
    # No-go areas below, so that plans remain to be seen.
    return sorted(found, key=lambda each: not each.no_go)


def close_ups(worst: Sequence[Finding], span_m: float) -> list[list[Finding]]:
    """Return conflicts that lie so close together that a map of ``span_m`` does not part them.

    The largest groups first; what is alone needs no picture of its own.
    """
    groups: list[list[Finding]] = []
    for one in worst:
        near = [group for group in groups if any(_near(one, o, span_m / 12) for o in group)]
        groups = [group for group in groups if group not in near]
        groups.append([one, *(other for group in near for other in group)])
    found = [sorted(g, key=lambda one: one.number) for g in groups if len(g) > 1]
    return sorted(found, key=lambda group: (-len(group), group[0].number))


def meeting(group: Sequence[Finding]) -> list[Shown]:
    """Return the volumes that meet, those that stand for each conflict, and no others."""
    found: dict[tuple[int, int], Shown] = {}
    for one in group:
        for member, k in zip((one.first, one.second), one.conflict.pair, strict=True):
            shown = Shown(member.draft.volumes[k], member.draft.constraint)
            found[id(member), k] = shown
    return sorted(found.values(), key=lambda each: not each.no_go)


def _near(one: Finding, other: Finding, within_m: float) -> bool:
    a, b = one.conflict.place, other.conflict.place
    if a is None or b is None:
        return False
    return math.dist(unit(a), unit(b)) * EARTH_M <= within_m

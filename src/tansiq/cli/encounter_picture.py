"""Encounters as SVG: both tracks on a map, and their altitudes over time. Not for measuring."""

import math
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from html import escape

from tansiq.cli.encounter_lines import FT_M, NM_M, Searched, criterion, near
from tansiq.domain.encounter import Encounter, Participant, Vertical
from tansiq.domain.track import PositionReport
from tansiq.formats.projection import Point, Projection

WIDE, TALL = 490.0, 330.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 62.0, 12.0, 14.0, 30.0
_KINDS = ("one", "other")
_STEPS_S = (10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 21_600)
_STEPS_FT = tuple(m * 10**k for k in range(1, 5) for m in (1, 2, 5))
_STEPS_NM = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0)


def plan_view(searched: Searched, number: int, one: Encounter) -> str:
    """Return both tracks on a map, north up, with a circle of the threshold at the closest."""
    return _svg(f"encounter {number} on the map", _plan(searched, one))


def _plan(searched: Searched, one: Encounter) -> Iterator[str]:
    parties = (one.first, one.second)
    tracks = [near(searched, one, who) for who in parties]
    at = Projection([who.position for who in parties])
    ends = [at(who.position) for who in parties]
    reach_m = max(2.0 * math.dist(*ends), 0.6 * searched.search.within.horizontal_m)
    inside = [
        p for p in (at(r.position) for t in tracks for r in t) if math.hypot(*p) < 6 * reach_m
    ]
    far_m = max([reach_m, *(math.hypot(*p) for p in inside)])
    half_m = min(far_m, 4 * reach_m) * 1.08
    scale = min(WIDE, TALL) / 2 / half_m

    def place(point: Point) -> Point:
        return WIDE / 2 + point[0] * scale, TALL / 2 - point[1] * scale

    yield from _rings(half_m, scale)
    for kind, who, track in zip(_KINDS, parties, tracks, strict=True):
        yield from _flown(kind, searched, track, lambda r: place(at(r.position)))
        yield from _mark(kind, who, place(at(who.position)))
    (x, y), (u, v) = map(place, ends)
    yield f'<path class="lead" d="M{x:.1f} {y:.1f}L{u:.1f} {v:.1f}"/>'


def _rings(half_m: float, scale: float) -> Iterator[str]:
    """Yield circles round the middle, each with its distance."""
    step_nm = next((s for s in _STEPS_NM if half_m / NM_M / s <= 4), _STEPS_NM[-1])
    x, y = WIDE / 2, TALL / 2
    for k in range(1, 5):
        r = k * step_nm * NM_M * scale
        if r > min(WIDE, TALL) / 2:
            break
        yield f'<circle class="ring" cx="{x}" cy="{y}" r="{r:.1f}"/>'
        yield f'<text class="degree" x="{x + 3}" y="{y - r + 12:.1f}">{k * step_nm:g} NM</text>'


def _flown(
    kind: str,
    searched: Searched,
    track: Sequence[PositionReport],
    place: Callable[[PositionReport], Point],
) -> Iterator[str]:
    """Yield a track, broken where it has gaps, and a dot for each report."""
    path = ""
    before: PositionReport | None = None
    for report in track:
        x, y = place(report)
        gap = before is None or _apart_s(before, report) > searched.search.gap_s
        path += f"{'M' if gap else 'L'}{x:.1f} {y:.1f}"
        before = report
    yield f'<path class="track {kind}" d="{path or "M0 0"}"/>'
    for report in track[:: max(1, len(track) // 300)]:
        x, y = place(report)
        yield f'<circle class="dot {kind}" cx="{x:.1f}" cy="{y:.1f}" r="1.6"/>'


def _apart_s(before: PositionReport, after: PositionReport) -> float:
    return (after.time - before.time).total_seconds()


def _mark(kind: str, who: Participant, at: Point) -> Iterator[str]:
    x, y = at
    yield (
        f'<circle class="now {kind}" cx="{x:.1f}" cy="{y:.1f}" r="4.5">'
        f"<title>{escape(who.callsign or who.address)}</title></circle>"
    )


def altitudes(searched: Searched, number: int, one: Encounter) -> str:
    """Return the altitudes of both over time, and the time of the encounter."""
    return _svg(f"encounter {number}: altitudes over time", _upright(searched, one))


def altitude_words(one: Encounter) -> str:
    """Return what the altitudes of the picture are."""
    if one.vertical is Vertical.PRESSURE:
        return "pressure altitude, feet"
    return "height above the ellipsoid, or pressure altitude where there is none, feet"


def _upright(searched: Searched, one: Encounter) -> Iterator[str]:
    by_pressure = one.vertical is Vertical.PRESSURE

    def feet(report: PositionReport) -> float | None:
        pressure_m, height_m = report.pressure_m, report.geometric_m
        first, second = (pressure_m, None) if by_pressure else (height_m, pressure_m)
        found = first if first is not None else second
        return None if found is None else found / FT_M

    tracks = [
        [r for r in near(searched, one, who) if feet(r) is not None]
        for who in (one.first, one.second)
    ]
    known = [(r.time, f) for t in tracks for r in t if (f := feet(r)) is not None]
    if not known:
        return
    start, end = min(t for t, _ in known), max(t for t, _ in known)
    end = max(end, start + timedelta(seconds=10))
    low, high = min(f for _, f in known), max(f for _, f in known)
    spare = max(0.08 * (high - low), 60.0)
    low, high = low - spare, high + spare
    across = (WIDE - _LEFT - _RIGHT) / (end - start).total_seconds()
    up = (TALL - _TOP - _BOTTOM) / (high - low)

    def along(moment: datetime) -> float:
        inner = min(max(moment, start), end)
        return _LEFT + (inner - start).total_seconds() * across

    def place(report: PositionReport) -> Point:
        return along(report.time), _TOP + (high - (feet(report) or 0.0)) * up

    x, u = along(one.entered), along(one.left)
    yield (
        f'<rect class="inside" x="{x:.1f}" y="{_TOP}" width="{max(u - x, 1.0):.1f}" '
        f'height="{TALL - _TOP - _BOTTOM}"/>'
    )
    yield from _axes(start, end, low, high)
    for kind, track in zip(_KINDS, tracks, strict=True):
        yield from _flown(kind, searched, track, place)
    moment = along(one.closest)
    yield f'<path class="lead" d="M{moment:.1f} {_TOP}V{TALL - _BOTTOM}"/>'


def _axes(start: datetime, end: datetime, low: float, high: float) -> Iterator[str]:
    seconds = (end - start).total_seconds()
    step_s = next((s for s in _STEPS_S if seconds / s <= 6), _STEPS_S[-1])
    across = (WIDE - _LEFT - _RIGHT) / seconds
    midnight = start.replace(hour=0, minute=0, second=0, microsecond=0)
    tick = midnight + timedelta(seconds=step_s) * math.ceil(
        (start - midnight) / timedelta(seconds=step_s)
    )
    while tick <= end:
        x = _LEFT + (tick - start).total_seconds() * across
        yield f'<path class="grid" d="M{x:.1f} {_TOP}V{TALL - _BOTTOM}"/>'
        text = f"{tick:%H:%M:%S}" if step_s < 60 else f"{tick:%H:%M}"
        yield f'<text class="tick" x="{x:.1f}" y="{TALL - _BOTTOM + 16}">{text}Z</text>'
        tick += timedelta(seconds=step_s)
    step_ft = next((s for s in _STEPS_FT if (high - low) / s <= 6), _STEPS_FT[-1])
    up = (TALL - _TOP - _BOTTOM) / (high - low)
    for k in range(math.ceil(low / step_ft), math.floor(high / step_ft) + 1):
        y = _TOP + (high - k * step_ft) * up
        yield f'<path class="grid" d="M{_LEFT} {y:.1f}H{WIDE - _RIGHT}"/>'
        yield f'<text class="side" x="{_LEFT - 5}" y="{y + 4:.1f}">{k * step_ft:,} ft</text>'


def _svg(label: str, parts: Iterator[str]) -> str:
    head = f'<svg viewBox="0 0 {WIDE:g} {TALL:g}" role="img" aria-label="{escape(label)}">'
    return "\n".join((head, *parts, "</svg>"))


def legend(searched: Searched) -> str:
    """Return what the pictures show, in words."""
    return (
        "The map has rings round the middle between the two. The shaded time is from the first to "
        f"the last moment {criterion(searched.search)}, the line is the closest moment, dots are "
        "reports."
    )

"""Who comes too close to whom: the agreement's minima and DO-365's well clear, at three levels.

One gathering for all rules. The pair's level is the highest whose look-ahead its first violation
lies in; separation that is lost already is a warning of a kind of its own. Aircraft that have
agreed to fly close (a formation of the agreement) are left out, and shown as left out.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from math import inf, isnan
from typing import Final

import numpy as np

from tansiq.domain.agreement import Minima, MinimaTable
from tansiq.domain.alarm_key import AlarmKind, Level, key
from tansiq.domain.bearing import azimuth_deg
from tansiq.domain.ellipsoid import destination
from tansiq.domain.volume import LatLng
from tansiq.domain.well_clear import (
    EN_ROUTE,
    NON_COOPERATIVE,
    TERMINAL,
    Rule,
    Thresholds,
)
from tansiq.engine.encounters import Encounters, Found, find, judge, suggest
from tansiq.formats.alarm_facts import AGREEMENT, Meeting, Message, too_close, way_out
from tansiq.formats.alarm_words import in_words
from tansiq.services.watch.kept import Cause
from tansiq.services.watch.scene import Aircraft, Scene

WELL_CLEAR: Final = {
    "en-route": EN_ROUTE,
    "terminal": TERMINAL,
    "non-cooperative": NON_COOPERATIVE,
}
_LEVELS: Final = (Level.ADVISORY, Level.CAUTION, Level.WARNING)
PAIRS_MAX: Final = 20_000
"""Pairs of one look; of more, the picture says that it is not whole."""
CAUSES_MAX: Final = 2_000
"""Of so many pairs, those that meet first, causes are made: each takes some 0.1 ms."""
LOOKS_MAX: Final = 50_000_000
HELPED_MAX: Final = 20
"""Warnings of one look that ways out are tried for: each costs a millisecond or two."""
WAYS_MAX: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Separation:
    """What is too close, and how long before each level tells of it."""

    table: MinimaTable
    """The agreement's minima, by category."""
    well_clear: str = "en-route"
    """``en-route``, ``terminal``, ``non-cooperative``, or ``off``: the minima alone."""
    advisory_s: float = 120.0
    caution_s: float = 60.0
    warning_s: float = 30.0

    def named(self, minima: Minima) -> dict[str, Thresholds]:
        """Return what is too close for two that keep ``minima``, by whose word.

        As many for each pair, so that one pair's columns are those of another.
        """
        found = {}
        most = self.table.largest
        if most.horizontal_m or most.vertical_m:
            found[AGREEMENT] = Thresholds.of_minima(minima)
        if self.well_clear in WELL_CLEAR:
            found[f"DO-365B ({self.well_clear})"] = WELL_CLEAR[self.well_clear]
        return found

    def rules(self, minima: Minima) -> tuple[Rule, ...]:
        """Return each threshold at each level, the levels of one threshold together."""
        aheads = (self.advisory_s, self.caution_s, self.warning_s)
        return tuple(
            each.within(ahead_s) for each in self.named(minima).values() for ahead_s in aheads
        )

    def kept(self, one: Aircraft, other: Aircraft) -> Minima:
        """Return the minima of two: those of their plans' categories; the largest for unknown."""
        a, b = (
            None if known is None else known.category
            for known in (one.bound.known, other.bound.known)
        )
        return self.table.between(a, b)


def look(scene: Scene, separation: Separation) -> Found | None:
    """Return all pairs that come too close; None: nothing counts as too close."""
    rules = separation.rules(separation.table.largest)
    if not rules:
        return None
    found = find(scene.fleet, rules, pairs_max=PAIRS_MAX, looks_max=LOOKS_MAX)
    return _by_category(scene, found, separation) if separation.table.entries else found


def _by_category(scene: Scene, found: Found, separation: Separation) -> Found:
    """Judge pairs that keep less than the largest anew; those that are clear then are left out."""
    pairs = found.encounters
    rows: dict[Minima, list[int]] = {}
    for row, (i, j) in enumerate(zip(pairs.i.tolist(), pairs.j.tolist(), strict=True)):
        minima = separation.kept(scene.aircraft[i], scene.aircraft[j])
        rows.setdefault(minima, []).append(row)
    judged = []
    for minima, some in rows.items():
        part = Encounters._make(column[some] for column in pairs)
        if minima != separation.table.largest:
            both = np.stack((part.i, part.j), axis=1)
            part = judge(scene.fleet, separation.rules(minima), both)
        judged.append(part)
    if not judged:
        return found
    whole = Encounters._make(np.concatenate(column) for column in zip(*judged, strict=True))
    order = np.lexsort((whole.j, whole.i))
    return found._replace(encounters=Encounters._make(column[order] for column in whole))


def causes(scene: Scene, found: Found, separation: Separation) -> Iterator[Cause]:
    """Yield a cause for each pair of two plans or aircraft that comes too close."""
    helped = 0
    for row in _soonest(found):
        i, j = int(found.encounters.i[row]), int(found.encounters.j[row])
        one, other = scene.aircraft[i], scene.aircraft[j]
        if one.subject == other.subject:
            continue  # One aircraft, heard twice.
        minima = separation.kept(one, other)
        named = separation.named(minima)
        cause = _cause(scene, (one, other), (i, j), found.encounters, row, named)
        if cause.level is Level.WARNING and helped < HELPED_MAX:
            helped += 1
            ways = _ways_out(scene, (i, j), separation.rules(minima))
            cause = replace(cause, ways=ways, ways_out=tuple(map(in_words, ways)))
        yield cause


def beyond(found: Found) -> int:
    """Return how many pairs are too close and get no cause, because sooner ones fill the room."""
    return max(0, len(found.encounters.i) - CAUSES_MAX)


def _soonest(found: Found) -> list[int]:
    """Return the rows of the pairs that a cause is made for: all, or those that meet first."""
    many = len(found.encounters.i)
    if many <= CAUSES_MAX:
        return list(range(many))
    starts = np.nanmin(found.encounters.t_in_s, axis=1)
    rows: list[int] = np.argsort(starts, kind="stable")[:CAUSES_MAX].tolist()
    return rows


def excepted(scene: Scene, found: Found) -> list[tuple[str, str]]:
    """Return the names of pairs that fly close by agreement."""
    pairs = found.excepted
    return [
        (scene.aircraft[int(i)].name, scene.aircraft[int(j)].name)
        for i, j in zip(pairs.i, pairs.j, strict=True)
    ]


def _ways_out(scene: Scene, rows: tuple[int, int], rules: Sequence[Rule]) -> tuple[Message, ...]:
    """Return, for either of the two, the first few manoeuvres that would end the loss."""
    said: list[Message] = []
    for own, intruder in (rows, rows[::-1]):
        name = scene.aircraft[own].name
        found = suggest(scene.fleet, own, intruder, rules)
        said += [way_out(name, way.manoeuvre, way.by) for way in found[:WAYS_MAX]]
    return tuple(said)


def _lost(named: Mapping[str, Thresholds], e: Encounters, row: int) -> str:
    """Return by whose word two are within one of the distances now, by the middle of where they can
    be; empty: they are not.

    Well clear is lost long before that, by time: that is foreseen, and so is what only the errors
    allow.
    """
    apart_m, dz_m = float(e.d_now_m[row]), abs(float(e.dz_now_m[row]))
    within = (
        name
        for name, each in named.items()
        if apart_m <= each.dthr_m and (isnan(dz_m) or dz_m <= each.zthr_m)
    )
    return next(within, "")


def _cause(  # One row of columns.
    scene: Scene,
    pair: tuple[Aircraft, Aircraft],
    rows: tuple[int, int],
    e: Encounters,
    row: int,
    named: Mapping[str, Thresholds],
) -> Cause:
    starts = [(float(t), at) for at, t in enumerate(e.t_in_s[row]) if not isnan(t)]
    in_s, first = min(starts, default=(inf, 0))
    level = max(_LEVELS[at % len(_LEVELS)] for _, at in starts)
    lost = _lost(named, e, row)
    by = lost or list(named)[first // len(_LEVELS)]
    kind = AlarmKind.SEPARATION_LOST if lost else AlarmKind.CONFLICT_PREDICTED
    one, other = pair
    said = _said(pair, e, row, scene.now, None if lost else in_s, by)
    return Cause(
        key=key(kind, one.subject, other.subject),
        level=Level.WARNING if lost else level,
        sentence=in_words(said),
        said=said,
        names=tuple(sorted((one.name, other.name))),
        in_s=None if lost else in_s,
        place=_between(scene, rows, float(e.t_cpa_s[row])),
        parties=(*one.parties, *other.parties),
    )


def _said(
    pair: tuple[Aircraft, Aircraft],
    e: Encounters,
    row: int,
    now: datetime,
    in_s: float | None,
    by: str,
) -> Message:
    one, other = (each.name for each in pair)
    return too_close(
        Meeting(
            names=(one, other),
            by=by,
            now=now,
            in_s=in_s,
            horizontal_m=float(e.d_now_m[row]),
            vertical_m=float(e.dz_now_m[row]),
            closest_in_s=float(e.t_cpa_s[row]),
            closest_horizontal_m=float(e.d_cpa_m[row]),
            closest_vertical_m=float(e.dz_cpa_m[row]),
            horizontal_error_m=float(e.horizontal_error_m[row]),
            vertical_error_m=float(e.vertical_error_m[row]),
        )
    )


def _between(scene: Scene, rows: Sequence[int], after_s: float) -> LatLng:
    """Return where the first of two will be when they are closest, which is near the other."""
    fleet, i = scene.fleet, rows[0]
    place = LatLng(float(fleet.lat_deg[i]), float(fleet.lng_deg[i]))
    east, north = float(fleet.east_mps[i]), float(fleet.north_mps[i])
    away_m = (east * east + north * north) ** 0.5 * after_s
    if away_m == 0.0:
        return place
    return destination(place, azimuth_deg(east, north), away_m)

"""Which reports of one aircraft go together: spikes, spoofing, wrong clocks and faulty heights.

Leaves out what could not have been flown and says how much that was. What is left need not be
true: a position that is wrong by less than an aircraft could fly is not found here.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median
from typing import Final

from tansiq.domain.ellipsoid import Vector, arc_m_max, ecef
from tansiq.domain.track import Address, PositionReport
from tansiq.formats.recording import Recording
from tansiq.formats.reported import Fault

SPEED_MPS_MAX: Final = 350.0
"""A report that could only be reached faster is a jump (680 kt)."""
CLIMB_MPS_MAX: Final = 60.0
"""The same up and down (12,000 ft a minute)."""
LEEWAY_S: Final = 1.0
"""Recordings round times to seconds."""
LEEWAY_M: Final = 30.0
"""Altitudes come in steps of 25 or 100 ft."""
HEIGHT_FAULT_M: Final = 457.2
"""1,500 ft: further than this from the flight's median difference to the pressure altitude a height
is a fault. In the CAL FIRE week 99.8 % of all differences lie within it."""
MOVING_MPS: Final = 10.0
"""Faster than this, the same position to the last digit is an old one."""
FLIGHT_PAUSE_S: Final = 1_800.0
"""A longer pause begins another flight, of another difference between height and pressure."""
_RUNS_MAX: Final = 8
_RUN_PAUSE_S: Final = 60.0
_BACK: Final = 64
"""Runs that one may follow: so many before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedAircraft:
    """One aircraft of a recording: what is believed of it, in order of time."""

    address: Address
    reports: tuple[PositionReport, ...]
    left_out: Counter[Fault]

    @property
    def callsign(self) -> str:
        """What it called itself most often; the first of those said as often."""
        said = Counter(r.callsign for r in self.reports if r.callsign)
        return said.most_common(1)[0][0] if said else ""


def aircraft_of(recordings: Iterable[Recording]) -> Iterator[RecordedAircraft]:
    """Yield the aircraft of some recordings together, by address.

    Reports of one address are of one aircraft. One that nothing is believed of is not there.
    """
    together: dict[Address, list[PositionReport]] = {}
    for recording in recordings:
        for address, reports in recording.reports.items():
            together.setdefault(address, []).extend(reports)
    for address in sorted(together):
        yield believed(address, together[address])


def believed(address: Address, reports: Sequence[PositionReport]) -> RecordedAircraft:
    """Return what is believed of an aircraft."""
    left_out: Counter[Fault] = Counter()
    kept = _fresh(sorted(reports, key=lambda report: report.time), left_out)
    flown = _without_jumps(kept)
    left_out[Fault.JUMP] += len(kept) - len(flown)
    found = tuple(r for flight in _flights(flown) for r in _heights(flight, left_out))
    return RecordedAircraft(address=address, reports=found, left_out=+left_out)


def _fresh(reports: Sequence[PositionReport], left_out: Counter[Fault]) -> list[PositionReport]:
    """Return reports without those that repeat an instant or an old position."""
    kept: list[PositionReport] = []
    for report in reports:
        before = kept[-1] if kept else None
        if before is None:
            kept.append(report)
        elif report.time == before.time:
            left_out[Fault.REPEATED] += 1
        elif (
            report.position == before.position
            and report.speed_mps is not None
            and report.speed_mps > MOVING_MPS
        ):
            left_out[Fault.STALE] += 1
        else:
            kept.append(report)
    return kept


_Point = tuple[PositionReport, Vector]


def _without_jumps(reports: Sequence[PositionReport]) -> list[PositionReport]:
    """Return the most reports that one aircraft could have flown one after the other."""
    points = [(report, ecef(report.position)) for report in reports]
    if all(_follows(before, after) for before, after in pairwise(points)):
        return list(reports)
    return [report for report, _ in _chain(_runs(points))]


def _runs(points: Sequence[_Point]) -> list[list[_Point]]:
    """Return runs without pauses or jumps, by their beginning.

    A report joins the longest run that it can follow, else it starts one: so a spike does not take
    the true track down with it. At most ``_RUNS_MAX`` are open at once.
    """
    done: list[list[_Point]] = []
    opened: list[list[_Point]] = []
    for point in points:
        still: list[list[_Point]] = []
        for run in opened:
            paused = (point[0].time - run[-1][0].time).total_seconds() > _RUN_PAUSE_S
            (done if paused else still).append(run)
        opened = sorted(still, key=len, reverse=True)
        longest = next((r for r in opened if _follows(r[-1], point)), None)
        if longest is not None:
            longest.append(point)
        else:
            done += opened[_RUNS_MAX - 1 :]
            opened = [*opened[: _RUNS_MAX - 1], [point]]
    return sorted(done + opened, key=lambda run: run[0][0].time)


def _chain(runs: Sequence[list[_Point]]) -> list[_Point]:
    """Return the most points of runs that follow each other: of two ways the one told more often.

    A run that lies within another one's time is left out whole. Spoofed positions that could have
    been reached, and left again, go when the way past them holds more.
    """
    counts: list[int] = []
    before: list[int] = []
    for j, run in enumerate(runs):
        most, link = len(run), -1
        # The latest ones first: of equal chains the one with the shorter leaps.
        for i in range(j - 1, max(-1, j - 1 - _BACK), -1):
            if (
                counts[i] + len(run) > most
                and runs[i][-1][0].time < run[0][0].time
                and _follows(runs[i][-1], run[0])
            ):
                most, link = counts[i] + len(run), i
        counts.append(most)
        before.append(link)
    at = max(range(len(runs)), key=counts.__getitem__)
    chain: list[list[_Point]] = []
    while at >= 0:
        chain.append(runs[at])
        at = before[at]
    return [point for run in reversed(chain) for point in run]


def _follows(before: tuple[PositionReport, Vector], after: tuple[PositionReport, Vector]) -> bool:
    (a, p), (b, q) = before, after
    seconds = (b.time - a.time).total_seconds() + LEEWAY_S
    far_m = SPEED_MPS_MAX * seconds
    dx, dy, dz = p[0] - q[0], p[1] - q[1], p[2] - q[2]
    chord_m = (dx * dx + dy * dy + dz * dz) ** 0.5
    # The chord is the shorter one; the arc costs more, and tells only of the very far.
    if chord_m > far_m or (chord_m > 100_000.0 and arc_m_max(chord_m) > far_m):
        return False
    climb_m = CLIMB_MPS_MAX * seconds + LEEWAY_M
    if a.pressure_m is not None and b.pressure_m is not None:
        return abs(b.pressure_m - a.pressure_m) <= climb_m
    if a.pressure_m is not None or b.pressure_m is not None:
        return True
    # With no pressure to judge a height by, its own leaps are all there is.
    if a.geometric_m is not None and b.geometric_m is not None:
        return abs(b.geometric_m - a.geometric_m) <= climb_m
    return True


def _flights(reports: Sequence[PositionReport]) -> Iterator[list[PositionReport]]:
    flight: list[PositionReport] = []
    for report in reports:
        if flight and (report.time - flight[-1].time).total_seconds() > FLIGHT_PAUSE_S:
            yield flight
            flight = []
        flight.append(report)
    if flight:
        yield flight


def _heights(
    flight: Sequence[PositionReport], left_out: Counter[Fault]
) -> Iterator[PositionReport]:
    """Yield a flight without the heights that its pressure altitudes belie.

    Source: what ADS-B of the CAL FIRE week shows, where heights of 0 and of 120,100 ft stand
    beside 13,000 ft of pressure altitude.
    """
    differences = [
        r.geometric_m - r.pressure_m
        for r in flight
        if r.geometric_m and r.pressure_m is not None  # 0 is what receivers say for nothing.
    ]
    usual = median(differences) if differences else 0.0
    for report in flight:
        if report.geometric_m is None or report.pressure_m is None or not _belied(report, usual):
            yield report
        else:
            left_out[Fault.HEIGHT] += 1
            yield replace(report, geometric_m=None, geometric_error_m=0.0)


def _belied(report: PositionReport, usual_m: float) -> bool:
    assert report.geometric_m is not None  # noqa: S101 # Both are there: its only caller asks.
    assert report.pressure_m is not None  # noqa: S101
    if report.geometric_m == 0.0:
        return True
    return abs(report.geometric_m - report.pressure_m - usual_m) > HEIGHT_FAULT_M

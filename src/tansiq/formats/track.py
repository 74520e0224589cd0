"""Recorded tracks: read from CSV or JSON, and turned into time-sliced volumes with stated buffers.

Decides: which points are jumps, where the track is cut into slices, how large their volumes are.
Leaves out: smoothing, and where the aircraft was in a gap. A gap is an error, or a guess that the
result says (``TrackBuffers.bridge_gaps``).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from math import floor

from tansiq.domain import corridor, ellipsoid
from tansiq.domain.draft import Datum, StatedBand, Units, figure
from tansiq.domain.time import TimeSpan, zulu
from tansiq.domain.volume import AltitudeBand, Volume3D, Volume4D, Volumes
from tansiq.errors import BadInput
from tansiq.formats.track_file import TrackPoint

_LEEWAY_S = 1.0
_LEEWAY_M = 30.0
_RUNS_MAX = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackBuffers:
    """How a track becomes volumes. The defaults suit a manned aircraft at low level.

    Raises:
        BadInput: a value out of its range.
    """

    slice_s: float = 300.0
    """Longest time that one volume covers, before its time buffer."""
    horizontal_m: float = 500.0
    vertical_m: float = 60.0
    time_s: float = 30.0
    """Added before and after each slice."""
    gap_s: float = 300.0
    """A longer pause between two points is a gap."""
    bridge_gaps: bool = False
    """Guess that the aircraft flew along the geodesic across each gap, rather than refuse it."""
    speed_mps_max: float = 350.0
    """A point that could only be reached faster is a jump, and dropped."""
    climb_mps_max: float = 60.0
    """The same for climb and descent."""

    def __post_init__(self) -> None:
        for name, least, most in (
            ("slice_s", 1.0, 86_400.0),
            ("horizontal_m", 1.0, 50_000.0),
            ("vertical_m", 1.0, 5_000.0),
            ("time_s", 0.0, 86_400.0),
            ("gap_s", 1.0, 86_400.0),
            ("speed_mps_max", 1.0, 3_000.0),
            ("climb_mps_max", 1.0, 1_000.0),
        ):
            if not least <= getattr(self, name) <= most:
                raise BadInput(f"{getattr(self, name)} is not {least:g} to {most:g}", field=name)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackPlan:
    """A track as volumes: what was left out, and what was assumed."""

    volumes: Volumes
    dropped_points: int
    notes: tuple[str, ...]

    @property
    def stated(self) -> tuple[StatedBand, ...]:
        """The volumes' altitudes as stated bands, metres W84."""
        return tuple(
            StatedBand(
                lower=v.altitude.lower_m, upper=v.altitude.upper_m, units=Units.M, datum=Datum.W84
            )
            for v in self.volumes
        )


def volumes_from_track(points: Sequence[TrackPoint], buffers: TrackBuffers) -> TrackPlan:
    """Return volumes that hold every point kept, and the geodesic between consecutive ones.

    Neighbouring slices share their border point, so each leg lies whole in one volume.

    Raises:
        BadInput: no points, times that run backwards, or a gap that is not to be bridged.
        InvalidVolume: a leg or slice longer than ``corridor`` admits.
    """
    _check_order(points)
    kept = _without_jumps(points, buffers)
    dropped = len(points) - len(kept)
    notes = [] if not dropped else [f"{dropped} of {len(points)} points dropped as jumps"]
    notes += _gap_notes(kept, buffers)
    volumes = tuple(_volume(piece, buffers) for piece in _slices(kept, buffers.slice_s))
    return TrackPlan(volumes=volumes, dropped_points=dropped, notes=tuple(notes))


def _check_order(points: Sequence[TrackPoint]) -> None:
    if not points:
        raise BadInput("holds no point; a track has at least one", field="track")
    for number, (before, after) in enumerate(pairwise(points), start=2):
        if after.time < before.time:
            raise BadInput(
                f"goes back in time, from {zulu(before.time)} to {zulu(after.time)}; sort the "
                "points by time, and give each aircraft a file of its own",
                field=f"point {number}",
            )


def _without_jumps(points: Sequence[TrackPoint], buffers: TrackBuffers) -> list[TrackPoint]:
    """Return the longest run of points that an aircraft could have flown.

    A point joins the longest run that it can follow, else it starts one: so a spike, even as the
    first point, does not take the true track down with it. At most ``_RUNS_MAX`` runs are kept.
    """
    runs: list[list[TrackPoint]] = []
    for point in points:
        runs.sort(key=len, reverse=True)
        run = next((r for r in runs if _follows(r[-1], point, buffers)), None)
        if run is not None:
            run.append(point)
        else:
            runs = [*runs[: _RUNS_MAX - 1], [point]]
    return max(runs, key=len)


def _follows(before: TrackPoint, after: TrackPoint, buffers: TrackBuffers) -> bool:
    seconds = (after.time - before.time).total_seconds() + _LEEWAY_S
    apart_m = abs(after.altitude_m - before.altitude_m)
    if apart_m > buffers.climb_mps_max * seconds + _LEEWAY_M:
        return False
    return ellipsoid.distance_m(before.position, after.position) <= buffers.speed_mps_max * seconds


def _gap_notes(points: Sequence[TrackPoint], buffers: TrackBuffers) -> list[str]:
    gaps = [
        (after.time - before.time, before.time)
        for before, after in pairwise(points)
        if (after.time - before.time).total_seconds() > buffers.gap_s
    ]
    if not gaps:
        return []
    longest, since = max(gaps)
    found = (
        f"{len(gaps)} gaps" if len(gaps) > 1 else "1 gap"
    ) + f" over {buffers.gap_s:g} s, the longest {longest.total_seconds():g} s at {zulu(since)}"
    if not buffers.bridge_gaps:
        raise BadInput(
            f"{found}: where the aircraft was is not known; cut the track there, allow a longer "
            "gap, or bridge gaps and take the guess",
            field="track",
        )
    return [f"guess: {found}; taken as flown along the geodesic, at any speed"]


def _slices(points: Sequence[TrackPoint], slice_s: float) -> list[Sequence[TrackPoint]]:
    """Cut greedily; a leg longer than a slice is a slice of its own."""
    slices: list[Sequence[TrackPoint]] = []
    first = 0
    for last in range(1, len(points)):
        if (points[last].time - points[first].time).total_seconds() > slice_s and last - first > 1:
            slices.append(points[first:last])
            first = last - 1
    slices.append(points[first:])
    return slices


def _volume(points: Sequence[TrackPoint], buffers: TrackBuffers) -> Volume4D:
    lower_m = min(p.altitude_m - p.altitude_error_m for p in points) - buffers.vertical_m
    upper_m = max(p.altitude_m + p.altitude_error_m for p in points) + buffers.vertical_m
    return Volume4D(
        volume=Volume3D(
            outline=corridor.around([p.position for p in points], buffers.horizontal_m),
            altitude=AltitudeBand(lower_m=_down(lower_m), upper_m=-_down(-upper_m)),
        ),
        time=TimeSpan(start=points[0].time, end=points[-1].time).widened(
            timedelta(seconds=buffers.time_s)
        ),
    )


def _down(value_m: float) -> float:
    """Round down to a decimetre."""
    return floor(value_m * 10) / 10


def summary(plan: TrackPlan, points: int) -> list[str]:
    """Return sentences on what became of a track, for people."""
    first, last = plan.volumes[0].time.start, plan.volumes[-1].time.end
    return [
        f"{figure(points)} points, {len(plan.volumes)} volumes, {zulu(first)} to {zulu(last)}",
        *plan.notes,
    ]

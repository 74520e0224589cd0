"""All aircraft that are heard: reports taken in, tracks kept, and the fleet as columns.

Reports are put aside as they come, and followed once a tick: of those that one aircraft sent in
between, each counts, oldest first, up to a few. Memory is bounded by the number of tracks; what
comes above it is refused and counted, and the picture says so.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from functools import lru_cache
from math import ceil, floor
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tansiq.domain import estimate
from tansiq.domain.draft import Datum, Units
from tansiq.domain.estimate import Estimate, Levels, Staleness
from tansiq.domain.following import Limits, Measured, Track, error_m, follow
from tansiq.domain.track import Address, PositionReport
from tansiq.domain.volume import LatLng
from tansiq.formats.altitude import FLIGHT_LEVEL_MAX, FLIGHT_LEVEL_MIN, FOOT_M, w84_range_m

HELD_MAX: Final = 4
"""Reports of one aircraft that are held until the next tick; of more, the newest count."""
_SECOND: Final = timedelta(seconds=1)
_GROWTH: Final = 2
_STEP_M: Final = 10.0
_NEIGHBOUR_M: Final = 20.0
"""More than the geoid changes within half a degree: 15 m at most of 20,000 places tried."""
(
    LAT,
    LNG,
    MADE,
    EAST,
    NORTH,
    UP,
    ERROR,
    DRIFT,
    HEIGHT,
    HEIGHT_ERROR,
    HEIGHT_MADE,
    PRESSURE,
    PRESSURE_MADE,
) = range(13)
COLUMNS: Final = 13

Floats = NDArray[np.float64]


class Heard(NamedTuple):
    """One report, by which feed, and when it came."""

    report: PositionReport
    feed: str
    received: datetime


class Tracks:
    """The tracks of one node. On the event loop only."""

    def __init__(self, limits: Limits, *, tracks_max: int) -> None:
        self.limits = limits
        self._most = tracks_max
        self._held: dict[Address, list[Heard]] = {}
        self._rows: dict[Address, int] = {}
        self._tracks: list[Track | None] = []
        self._feeds: list[str] = []
        self._free: list[int] = []
        self._columns: Floats = np.full((64, COLUMNS), np.nan)
        self._written: dict[int, tuple[float, ...]] = {}
        """Rows that are to be written: many at once take a fifth of the time of one by one."""
        self.refused: Counter[str] = Counter()
        """Reports that were not taken, by reason, since the start."""
        self.kept = 0
        """Reports that were."""
        self._refused_before = 0
        self.full = False
        """Between the last two ticks more aircraft were heard than are followed."""

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, address: Address) -> bool:
        return address in self._rows

    # ---- taking in

    def hear(self, feed: str, reports: Iterable[PositionReport], received: datetime) -> None:
        """Put reports aside until the next tick. Cost: under a microsecond each."""
        held, most = self._held, self._most
        for report in reports:
            of_it = held.get(report.address)
            if of_it is not None:
                of_it.append(Heard(report, feed, received))
                if len(of_it) > HELD_MAX:
                    del of_it[0]
                    self.refused["burst"] += 1
            elif len(held) < most:
                held[report.address] = [Heard(report, feed, received)]
            else:
                self.refused["full"] += 1

    def tick(self, now: datetime) -> list[Track]:
        """Follow what was heard, drop what is too old; return the tracks that were dropped."""
        self.follow_heard()
        self.full = self.refused["full"] > self._refused_before
        self._refused_before = self.refused["full"]
        return self._drop_old(now)

    def follow_heard(self, most: int | None = None) -> None:
        """Follow what was put aside, of ``most`` aircraft at most: some 30 us each.

        Done in pieces between two ticks, so that a tick has little left to do.
        """
        held = self._held
        for _ in range(len(held) if most is None else min(most, len(held))):
            address = next(iter(held))
            of_it = held.pop(address)
            if len(of_it) > 1:
                of_it.sort(key=lambda heard: heard.report.time)
            for heard in of_it:
                self._follow(address, heard)

    def _follow(self, address: Address, heard: Heard) -> None:
        row = self._rows.get(address)
        before = None if row is None else self._tracks[row]
        found = follow(before, heard.report, received=heard.received, limits=self.limits)
        if found.refused is not None:
            self.refused[found.refused.value] += 1
        else:
            self.kept += 1
        track = found.track
        if track is None or track is before:
            return
        if row is None:
            if len(self._rows) >= self._most:
                self.refused["full"] += 1
                return
            row = self._new_row(address)
        self._tracks[row] = track
        if found.refused is None:
            self._feeds[row] = heard.feed
            self._write(row, track)

    def _new_row(self, address: Address) -> int:
        if self._free:
            row = self._free.pop()
        else:
            row = len(self._tracks)
            self._tracks.append(None)
            self._feeds.append("")
            if row == len(self._columns):
                more = np.full((_GROWTH * row, COLUMNS), np.nan)
                more[:row] = self._columns
                self._columns = more
        self._rows[address] = row
        return row

    def _write(self, row: int, track: Track) -> None:
        last, v, nan = track.last, track.velocity, np.nan
        height, pressure = track.geometric, track.pressure
        if height is None and pressure is not None:
            height = height_by_pressure(pressure, last.position)
        # Of a single position that states no velocity nothing is predicted: it stands where it is.
        known = v.stated or track.kept > 1
        self._written[row] = (
            last.position.lat_deg,
            last.position.lng_deg,
            last.time.timestamp(),
            v.east_mps if known else 0.0,
            v.north_mps if known else 0.0,
            v.up_mps or 0.0,
            error_m(last, self.limits) + v.speed_mps * self.limits.time_error_s,
            v.error_mps if known else 0.0,
            nan if height is None else height.value_m,
            nan if height is None else height.error_m,
            nan if height is None else height.made.timestamp(),
            nan if pressure is None else pressure.value_m,
            nan if pressure is None else pressure.made.timestamp(),
        )

    def _rows_written(self) -> int:
        """Write what waits to be written; return how many rows there are."""
        if self._written:
            self._columns[list(self._written)] = list(self._written.values())
            self._written.clear()
        return len(self._tracks)

    def _drop_old(self, now: datetime) -> list[Track]:
        many = self._rows_written()
        with np.errstate(invalid="ignore"):
            ages = now.timestamp() - self._columns[:many, MADE]
            # One that was made in what is the future now: our clock was set back, and until it has
            # caught up every report would count as older than the last.
            wrong = (ages > self.limits.stale_s) | (ages < -self.limits.clock_s)
            old = np.flatnonzero(wrong)
        dropped = []
        for row in old.tolist():
            track = self._tracks[row]
            assert track is not None  # noqa: S101 - a row without one holds no time
            del self._rows[track.address]
            self._tracks[row] = None
            self._columns[row] = np.nan
            self._free.append(row)
            dropped.append(track)
        return dropped

    # ---- looking

    def get(self, address: Address) -> Track | None:
        """Return one track."""
        row = self._rows.get(address)
        return None if row is None else self._tracks[row]

    def feed_of(self, address: Address) -> str:
        """Return which feed said the last of a track."""
        row = self._rows.get(address)
        return "" if row is None else self._feeds[row]

    def all(self) -> Iterator[Track]:
        """Yield all tracks."""
        return (track for track in self._tracks if track is not None)

    def at(self, track: Track, now: datetime) -> Estimate:
        """Return where an aircraft is; where only its pressure altitude is known, with what height
        that can be.
        """
        found = estimate.at(track, now, self.limits)
        if found.height is None and found.pressure is not None:
            low_m, high_m = found.pressure.lower_m, found.pressure.upper_m
            height = height_band(low_m, high_m, found.position)
            if height is not None:
                return replace(found, height=height)
        return found

    def columns(self, now: datetime) -> tuple[list[Track], Floats, Floats]:
        """Return the tracks that are not stale and not on the ground, their columns, and the ages.

        Shapes: (n, COLUMNS) and (n,) seconds, in the order of the tracks.
        """
        many = self._rows_written()
        with np.errstate(invalid="ignore"):
            ages = now.timestamp() - self._columns[:many, MADE]
            live = (ages <= self.limits.ageing_s) & (ages >= -self.limits.clock_s)
        rows = [
            row
            for row in np.flatnonzero(live).tolist()
            if (track := self._tracks[row]) is not None and not track.last.on_ground
        ]
        tracks = [track for row in rows if (track := self._tracks[row]) is not None]
        return tracks, self._columns[rows], ages[rows]


def height_by_pressure(pressure: Measured, position: LatLng) -> Measured | None:
    """Return what height a pressure altitude can be; ``formats/altitude.py`` says how far off."""
    found = height_band(
        pressure.value_m - pressure.error_m, pressure.value_m + pressure.error_m, position
    )
    if found is None:
        return None
    half_m = (found.upper_m - found.lower_m) / 2
    return Measured(value_m=found.middle_m, error_m=half_m, made=pressure.made)


def height_band(low_m: float, high_m: float, position: LatLng) -> Levels | None:
    """Return the heights that pressure altitudes from ``low_m`` to ``high_m`` can be, metres W84.

    None for altitudes at which no flight level is. Wider than it must be by up to 30 m a side: what
    is found once is kept for neighbours.
    """
    lowest = _w84_range_m(floor(low_m / _STEP_M), round(position.lat_deg), round(position.lng_deg))
    highest = _w84_range_m(ceil(high_m / _STEP_M), round(position.lat_deg), round(position.lng_deg))
    if lowest is None or highest is None:
        return None
    return Levels(lower_m=lowest[0] - _NEIGHBOUR_M, upper_m=highest[1] + _NEIGHBOUR_M)


@lru_cache(maxsize=65_536)
def _w84_range_m(step: int, lat_deg: int, lng_deg: int) -> tuple[float, float] | None:
    level = step * _STEP_M / FOOT_M / 100.0
    if not FLIGHT_LEVEL_MIN <= level <= FLIGHT_LEVEL_MAX:
        return None
    return w84_range_m(level, Units.FL, Datum.FL, LatLng(lat_deg, lng_deg))


def staleness(track: Track, now: datetime, limits: Limits) -> Staleness:
    """Return how old a track's last report is, in a word."""
    return estimate.staleness((now - track.made) / _SECOND, limits)

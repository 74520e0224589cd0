"""One look at the sky: every aircraft that is heard, whose it is, and all of them as a fleet.

Where an aircraft is *now* is run on along its last velocity. What it can be wrong by is its own
error and that of its velocity. That it may turn or climb meanwhile is left out here: whoever
foresees a minute takes velocities as they are for all of it, and errors that grow with a turn that
nobody flies would warn of everything.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tansiq.domain.alarm_key import Subject, subject_of
from tansiq.domain.following import Track
from tansiq.domain.track import CLIMB_MPS_MAX, ERROR_M_MAX, SPEED_MPS_MAX, Address
from tansiq.engine.encounters import NO_GROUP, Fleet
from tansiq.services.watch.binding import INTENT, NOT_BOUND, Bindings, Bound
from tansiq.services.watch.expected import Expected
from tansiq.services.watch.tracks import (
    DRIFT,
    EAST,
    ERROR,
    HEIGHT,
    HEIGHT_ERROR,
    HEIGHT_MADE,
    LAT,
    LNG,
    NORTH,
    PRESSURE,
    UP,
    Tracks,
)

Floats = NDArray[np.float64]
_A_M: Final = 6_378_137.0
_F: Final = 1.0 / 298.257223563
_E2: Final = _F * (2.0 - _F)
_SUBJECTS_MAX: Final = 400_000
_CLIMB_ERROR_MPS: Final = 3.0
_HEIGHT_AGE_S_MAX: Final = 60.0


@dataclass(frozen=True, slots=True)
class Aircraft:
    """One that is heard."""

    track: Track
    subject: Subject
    """The plan's intent where it is bound to one, else made of its address."""
    name: str
    bound: Bound = NOT_BOUND

    @property
    def parties(self) -> tuple[str, ...]:
        """Whose plan it flies, if one is known and it is not ours."""
        known = self.bound.known
        return () if known is None or known.own else (known.manager,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """All that is heard at one instant."""

    now: datetime
    aircraft: Sequence[Aircraft]
    """Those whose position is not stale and who are not on the ground; a row of the fleet each."""
    fleet: Fleet
    ages_s: Floats
    by_subject: Mapping[Subject, Aircraft] = field(default_factory=dict)
    """Of several of one subject the one heard last."""


class Looking:
    """Makes scenes; remembers what does not change between two."""

    def __init__(
        self, tracks: Tracks, bindings: Bindings, expected: Expected, formations: Sequence[str]
    ) -> None:
        self._tracks = tracks
        self._bindings = bindings
        self._expected = expected
        self._formations = {name: number for number, name in enumerate(formations)}
        self._subjects: dict[Address, Subject] = {}

    def subject(self, address: Address) -> Subject:
        """Return how alarms name an aircraft without a plan."""
        found = self._subjects.get(address)
        if found is None:
            if len(self._subjects) >= _SUBJECTS_MAX:
                self._subjects.clear()
            found = self._subjects[address] = subject_of(address)
        return found

    def forget(self, dropped: Iterable[Track]) -> None:
        """Let go of what is kept of tracks that were dropped."""
        for track in dropped:
            self._subjects.pop(track.address, None)

    def aircraft(self, track: Track, now: datetime) -> Aircraft:
        """Return whose a track is."""
        bound = self._bound(track, now)
        known = bound.known
        if known is not None:
            return Aircraft(track, Subject(known.id), known.name, bound)
        name = track.callsign or track.address
        return Aircraft(track, self.subject(track.address), name, bound)

    def _bound(self, track: Track, now: datetime) -> Bound:
        if (
            track.address.startswith(INTENT)
            or self._bindings.has(track.address)
            or (track.callsign and self._expected.called(track.callsign))
        ):
            return self._bindings.of(self._tracks.at(track, now), self._expected)
        return NOT_BOUND

    def look(self, now: datetime) -> Scene:
        """Return all aircraft as they are now."""
        tracks, columns, ages = self._tracks.columns(now)
        aircraft = [self.aircraft(track, now) for track in tracks]
        groups = np.full(len(tracks), NO_GROUP, np.int64)
        by_subject: dict[Subject, Aircraft] = {}
        for row, each in enumerate(aircraft):
            known = each.bound.known
            if known is not None and known.formation:
                groups[row] = self._formations.get(known.formation, NO_GROUP)
            before = by_subject.get(each.subject)
            if before is None or before.track.made <= each.track.made:
                by_subject[each.subject] = each
        return Scene(
            now=now,
            aircraft=aircraft,
            fleet=fleet_of(columns, ages, now, self._tracks.limits.coast_s, groups),
            ages_s=ages,
            by_subject=by_subject,
        )


def fleet_of(
    columns: Floats, ages: Floats, now: datetime, coast_s: float, groups: NDArray[np.int64]
) -> Fleet:
    """Return tracks' columns as a fleet at ``now``, ``ages`` seconds after they were made."""
    run = np.clip(ages, 0.0, coast_s)
    lat, lng = moved(
        columns[:, LAT], columns[:, LNG], columns[:, EAST] * run, columns[:, NORTH] * run
    )
    speed = np.hypot(columns[:, EAST], columns[:, NORTH])
    slower = SPEED_MPS_MAX / np.maximum(speed, SPEED_MPS_MAX)
    past = np.abs(ages)
    error = columns[:, ERROR] + columns[:, DRIFT] * past
    # An altitude that is wrong makes a climb that no aircraft has.
    climb = np.clip(columns[:, UP], -CLIMB_MPS_MAX, CLIMB_MPS_MAX)
    height_age = now.timestamp() - columns[:, HEIGHT_MADE]
    height = columns[:, HEIGHT] + climb * np.clip(height_age, 0.0, coast_s)
    height_error = columns[:, HEIGHT_ERROR] + _CLIMB_ERROR_MPS * np.abs(height_age)
    gone = ~(np.abs(height_age) <= _HEIGHT_AGE_S_MAX)
    return Fleet(
        lat_deg=lat,
        lng_deg=lng,
        geometric_m=np.where(gone, np.nan, height),
        geometric_error_m=np.where(gone, np.inf, height_error),
        pressure_m=columns[:, PRESSURE] + climb * run,
        east_mps=columns[:, EAST] * slower,
        north_mps=columns[:, NORTH] * slower,
        climb_mps=climb,
        horizontal_error_m=np.minimum(error, ERROR_M_MAX),
        group=groups,
    )


def moved(
    lat_deg: Floats, lng_deg: Floats, east_m: Floats, north_m: Floats
) -> tuple[Floats, Floats]:
    """Return places moved within the plane that touches the ellipsoid there.

    Within 1 m of the geodesic for up to 10 km, at any latitude; poles and the 180th meridian are
    no exception. Source: Bowring 1976 for the way back from space.
    """
    lat, lng = np.radians(lat_deg), np.radians(lng_deg)
    sin_lat, cos_lat, sin_lng, cos_lng = np.sin(lat), np.cos(lat), np.sin(lng), np.cos(lng)
    normal = _A_M / np.sqrt(1.0 - _E2 * sin_lat * sin_lat)
    x = normal * cos_lat * cos_lng - east_m * sin_lng - north_m * sin_lat * cos_lng
    y = normal * cos_lat * sin_lng + east_m * cos_lng - north_m * sin_lat * sin_lng
    z = normal * (1.0 - _E2) * sin_lat + north_m * cos_lat
    across = np.hypot(x, y)
    minor = _A_M * (1.0 - _F)
    reduced = np.arctan2(z * _A_M, across * minor)
    lat = np.arctan2(
        z + _E2 / (1.0 - _E2) * minor * np.sin(reduced) ** 3,
        across - _E2 * _A_M * np.cos(reduced) ** 3,
    )
    return np.degrees(lat), np.degrees(np.arctan2(y, x))

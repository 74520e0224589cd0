"""Aircraft and places that they are to keep out of: no-go areas, rings, drones that were seen.

An entry is told before it happens. Which aircraft are near enough to be asked is found for all of
them at once, by balls in space; each that is left is followed along its way.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tansiq.domain import causes
from tansiq.domain.alarm_key import AlarmKind, Level, Subject, key
from tansiq.domain.causes import Ahead
from tansiq.domain.crossing import Crossing, entry
from tansiq.domain.ellipsoid import Vector, ecef
from tansiq.domain.estimate import Estimate
from tansiq.domain.extent import Extent
from tansiq.domain.following import Limits
from tansiq.domain.intent import PartyID
from tansiq.domain.ring import approaches, asked_for
from tansiq.domain.volume import LatLng
from tansiq.domain.whereabouts import Within
from tansiq.domain.whereabouts import within as how_within
from tansiq.formats import alarm_facts
from tansiq.formats.alarm_facts import Message
from tansiq.formats.alarm_words import in_words
from tansiq.services.airspace import Known
from tansiq.services.watch.expected import Expected
from tansiq.services.watch.kept import Cause
from tansiq.services.watch.rings import RingSet, Sighting
from tansiq.services.watch.scene import Aircraft, Scene
from tansiq.services.watch.tracks import Tracks

LOOK_AHEAD_S: Final = 120.0
_SLACK_M: Final = 1_000.0
"""More than chords and heights change at such ranges."""


class KeepOut:
    """What the watch looks for in each scene besides plans and pairs."""

    def __init__(
        self,
        tracks: Tracks,
        expected: Expected,
        *,
        rings: Callable[[], Iterable[RingSet]],
        sightings: Callable[[], Iterable[Sighting]],
        parties: Sequence[PartyID],
        when: Ahead | None = None,
    ) -> None:
        self._tracks = tracks
        self._expected = expected
        self._rings = rings
        self._sightings = sightings
        self._parties = tuple(parties)
        self.when = when or Ahead()

    def causes(self, scene: Scene) -> Iterator[Cause]:
        """Yield what aircraft do that they should not, and what was seen in the air."""
        yield from self._seen()
        if not scene.aircraft:
            return
        fleet = _Near(scene)
        for known in self._expected.constraints:
            yield from self._no_go(scene, fleet, known)
        for ring in self._rings():
            yield from self._ring(scene, fleet, ring)

    def _no_go(self, scene: Scene, fleet: "_Near", known: Known) -> Iterator[Cause]:
        if known.extent is None:
            return
        for row in fleet.rows(known.extent):
            aircraft = scene.aircraft[row]
            if aircraft.subject == known.id:
                continue  # An id that names both an area and, at another register, a plan.
            estimate = self._tracks.at(aircraft.track, scene.now)
            within, ahead = _meets(known, estimate, self._tracks.limits)
            found = causes.of_no_go(within, ahead, self.when)
            if found is not None:
                said = _no_go_said(aircraft, known, within, ahead)
                yield Cause(
                    key=key(found.kind, aircraft.subject, Subject(known.id)),
                    level=found.level,
                    sentence=in_words(said),
                    said=said,
                    names=(aircraft.name, known.name),
                    in_s=_soonest_s(ahead) if found.kind is not AlarmKind.NO_GO_ENTERED else None,
                    place=estimate.position,
                    parties=(*aircraft.parties, *(() if known.own else (known.manager,))),
                )

    def _ring(self, scene: Scene, fleet: "_Near", ring: RingSet) -> Iterator[Cause]:
        circle = ring.rings.rings[0].circle
        for row in fleet.rows_round(circle.center, circle.radius_m):
            aircraft = scene.aircraft[row]
            known = aircraft.bound.known is not None
            estimate = self._tracks.at(aircraft.track, scene.now)
            worst: Cause | None = None
            for approach in approaches(
                estimate, ring.rings, look_ahead_s=LOOK_AHEAD_S, limits=self._tracks.limits
            ):
                admitted = known or aircraft.track.address in ring.admitted
                if not asked_for(approach.ring, contact=admitted, clearance=admitted):
                    continue
                found = causes.of_approach(approach, self.when)
                if found is None:
                    continue
                inside = approach.within >= Within.LIKELY_IN
                if worst is None or (found.level, inside) > (worst.level, False):
                    said = alarm_facts.of_approach(aircraft.name, approach, ring.name)
                    worst = Cause(
                        key=key(found.kind, aircraft.subject, Subject(ring.id)),
                        level=found.level,
                        sentence=in_words(said),
                        said=said,
                        names=(aircraft.name, ring.name),
                        in_s=_soonest_s(approach.crossing),
                        place=estimate.position,
                        parties=self._parties,
                    )
            if worst is not None:
                yield worst

    def _seen(self) -> Iterator[Cause]:
        for seen in self._sightings():
            said = alarm_facts.drone_seen(
                seen.time,
                LatLng(seen.lat_deg, seen.lng_deg),
                seen.radius_m,
                seen.words,
                seen.id[:8],
            )
            yield Cause(
                key=key(AlarmKind.DRONE_SIGHTING, Subject(seen.id)),
                level=Level.WARNING,
                sentence=in_words(said),
                said=said,
                names=("drone",),
                place=LatLng(seen.lat_deg, seen.lng_deg),
                parties=self._parties,
            )


class _Near:
    """A scene's aircraft as points in space, each with how far it can come."""

    def __init__(self, scene: Scene) -> None:
        fleet = scene.fleet
        lat, lng = np.radians(fleet.lat_deg), np.radians(fleet.lng_deg)
        normal = 6_378_137.0 / np.sqrt(1.0 - 6.694379990141317e-3 * np.sin(lat) ** 2)
        self._points = np.stack(
            (
                normal * np.cos(lat) * np.cos(lng),
                normal * np.cos(lat) * np.sin(lng),
                normal * (1.0 - 6.694379990141317e-3) * np.sin(lat),
            ),
            axis=1,
        )
        speed = np.hypot(fleet.east_mps, fleet.north_mps) + 10.0
        self._reach_m = fleet.horizontal_error_m + speed * LOOK_AHEAD_S + _SLACK_M

    def rows(self, extent: Extent) -> list[int]:
        """Return the aircraft that may come into a ball around volumes, ascending."""
        return self._within(extent.center, extent.radius_m)

    def rows_round(self, center: LatLng, radius_m: float) -> list[int]:
        """Return the aircraft that may come into a circle."""
        return self._within(ecef(center), radius_m)

    def _within(self, center: Vector, radius_m: float) -> list[int]:
        away: NDArray[np.float64] = np.sqrt(((self._points - np.array(center)) ** 2).sum(axis=1))
        found: list[int] = np.flatnonzero(away <= radius_m + self._reach_m).tolist()
        return found


def _meets(known: Known, estimate: Estimate, limits: Limits) -> tuple[Within, Crossing | None]:
    """Return how surely an aircraft is in a no-go area now, and when it will be."""
    within, ahead = Within.OUT, None
    for volume in known.volumes:
        if volume.time.start <= estimate.time <= volume.time.end:
            error_m, height = estimate.horizontal_error_m, estimate.height
            within = max(within, how_within(volume, estimate.position, error_m, height))
        found = entry(estimate, volume, look_ahead_s=LOOK_AHEAD_S, limits=limits)
        if found is not None and (ahead is None or found.possible_s < ahead.possible_s):
            ahead = found
    return within, ahead


def _soonest_s(ahead: Crossing | None) -> float | None:
    if ahead is None:
        return None
    return ahead.possible_s if ahead.likely_s is None else ahead.likely_s


def _no_go_said(
    aircraft: Aircraft, known: Known, within: Within, ahead: Crossing | None
) -> Message:
    area: alarm_facts.Facts = {"area": known.id[:8], "party": known.manager}
    if known.name:
        area["area_name"] = known.name
    if within is Within.OUT and ahead is not None:
        return alarm_facts.of_entry(aircraft.name, ahead, area)
    return alarm_facts.of_no_go(aircraft.name, within, area)

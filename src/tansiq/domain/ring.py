"""Rings around a point: where an aircraft calls, keeps out without contact, or needs clearance.

The template of a wildfire has three, at 12, 7 and 5 nautical miles: at the first an aircraft calls,
within the second it does not come without an answer, and into the third it needs clearance. Bounds
are closed: on a ring is inside. How an aircraft is judged by its errors is as for volumes.
Source: the fire traffic area of the NWCG, as others describe it; each party sets its own radii.
"""

import itertools
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from tansiq.domain.bearing import azimuth_deg, east_north_m
from tansiq.domain.crossing import Crossing, reach
from tansiq.domain.estimate import Estimate
from tansiq.domain.following import Limits
from tansiq.domain.geodesy import distance_m
from tansiq.domain.volume import Circle, LatLng
from tansiq.domain.whereabouts import Within
from tansiq.errors import BadInput

NAUTICAL_MILE_M: Final = 1_852.0


class RingKind(StrEnum):
    """What a ring asks for, from the outermost inwards."""

    CALL = "call"
    """Call before you cross it."""
    NO_ENTRY = "no-entry"
    """Do not cross it without contact."""
    AREA = "area"
    """Do not cross it without clearance."""


PROCEDURE: Final = {
    RingKind.CALL: "say.request-intentions",
    RingKind.NO_ENTRY: "say.keep-clear-of-position",
    RingKind.AREA: "say.request-leave-area",
}
"""What is said to one that has crossed it and should not: codes of the phrase book."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ring:
    """One ring."""

    kind: RingKind
    circle: Circle

    @property
    def radius_nm(self) -> float:
        return self.circle.radius_m / NAUTICAL_MILE_M


@dataclass(frozen=True, slots=True, kw_only=True)
class Rings:
    """All rings around a point, the outermost first.

    Raises:
        BadInput: none, or not of distinct kinds in their order, each smaller than the one before.
    """

    rings: tuple[Ring, ...]

    def __post_init__(self) -> None:
        kinds = [ring.kind for ring in self.rings]
        if not kinds or kinds != [kind for kind in RingKind if kind in kinds]:
            raise BadInput(
                "give one or more of call, no-entry and area, in this order", field="rings"
            )
        radii = [ring.circle.radius_m for ring in self.rings]
        if any(a <= b for a, b in itertools.pairwise(radii)):
            raise BadInput("each ring is smaller than the one before it", field="rings")
        if len({ring.circle.center for ring in self.rings}) > 1:
            raise BadInput("the rings have one centre", field="rings")


def rings_nm(
    center: LatLng, *, call: float | None, no_entry: float | None, area: float | None
) -> Rings:
    """Return rings by their radii in nautical miles; None: there is no such ring.

    Raises:
        BadInput: as for ``Rings``, or a radius that no circle has.
    """
    radii = {RingKind.CALL: call, RingKind.NO_ENTRY: no_entry, RingKind.AREA: area}
    return Rings(
        rings=tuple(
            Ring(kind=kind, circle=Circle(center=center, radius_m=radius_nm * NAUTICAL_MILE_M))
            for kind, radius_nm in radii.items()
            if radius_nm is not None
        )
    )


WILDFIRE_NM: Final = {RingKind.CALL: 12.0, RingKind.NO_ENTRY: 7.0, RingKind.AREA: 5.0}


def wildfire(center: LatLng) -> Rings:
    """Return the rings of a wildfire: 12, 7 and 5 nautical miles."""
    return rings_nm(
        center,
        call=WILDFIRE_NM[RingKind.CALL],
        no_entry=WILDFIRE_NM[RingKind.NO_ENTRY],
        area=WILDFIRE_NM[RingKind.AREA],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Approach:
    """An aircraft seen from one ring."""

    ring: Ring
    within: Within
    """Horizontally; rings have no levels."""
    distance_m: float
    """From the centre."""
    bearing_deg: float
    """From the centre, from true north, clockwise."""
    crossing: Crossing | None
    """When it crosses the ring inwards on its present velocity; None: not in the time looked
    ahead."""

    @property
    def outside_m(self) -> float:
        """How far it is outside the ring; 0 inside."""
        return max(0.0, self.distance_m - self.ring.circle.radius_m)


def approaches(
    estimate: Estimate, rings: Rings, *, look_ahead_s: float, limits: Limits
) -> tuple[Approach, ...]:
    """Return how an aircraft stands to each ring, the outermost first."""
    found = []
    for ring in rings.rings:
        away_m = distance_m(estimate.position, ring.circle.center)
        found.append(
            Approach(
                ring=ring,
                within=_within(away_m, estimate.horizontal_error_m, ring.circle.radius_m),
                distance_m=away_m,
                bearing_deg=azimuth_deg(*east_north_m(ring.circle.center, estimate.position)),
                crossing=reach(estimate, ring.circle, look_ahead_s=look_ahead_s, limits=limits),
            )
        )
    return tuple(found)


def _within(away_m: float, error_m: float, radius_m: float) -> Within:
    if away_m > radius_m:
        return Within.OUT if away_m - radius_m > error_m else Within.LIKELY_OUT
    return Within.IN if radius_m - away_m >= error_m else Within.LIKELY_IN


def asked_for(ring: Ring, *, contact: bool, clearance: bool) -> bool:
    """Report whether an aircraft still owes what a ring asks for. A clearance includes contact."""
    if ring.kind is RingKind.AREA:
        return not clearance
    return not (contact or clearance)

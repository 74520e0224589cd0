"""What people say and see of incidents: rings drawn around them, drones that were seen."""

from typing import Annotated, Final

import msgspec

from tansiq.domain.ring import RingKind
from tansiq.domain.time import zulu
from tansiq.services.watch.rings import LIFE_MAX, RingSet, Sighting

LASTS_S_MAX: Final = LIFE_MAX.total_seconds()
RADIUS_NM_MAX: Final = 100.0
SIGHTING_M: Final = (1.0, 20_000.0)
NAME_CHARS_MAX: Final = 60

_Lat = Annotated[float, msgspec.Meta(ge=-90.0, le=90.0)]
_Lng = Annotated[float, msgspec.Meta(ge=-180.0, le=180.0)]
_Lasts = Annotated[float, msgspec.Meta(ge=60.0, le=LASTS_S_MAX)]
_Radius = Annotated[float, msgspec.Meta(gt=0.0, le=RADIUS_NM_MAX)]
_Named = Annotated[str, msgspec.Meta(min_length=1, max_length=NAME_CHARS_MAX)]


class RingDrawing(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Rings to be drawn around a point: one or more, each smaller than the one before."""

    name: _Named
    lat_deg: _Lat
    lng_deg: _Lng
    call_nm: _Radius | None = None
    """Who comes here calls."""
    no_entry_nm: _Radius | None = None
    """Nobody comes in without contact."""
    area_nm: _Radius | None = None
    """Nobody comes in without clearance."""
    lasts_s: _Lasts = 43_200.0

    @property
    def radii_nm(self) -> dict[RingKind, float]:
        """Those that were given, in nautical miles."""
        given = {
            RingKind.CALL: self.call_nm,
            RingKind.NO_ENTRY: self.no_entry_nm,
            RingKind.AREA: self.area_nm,
        }
        return {kind: radius for kind, radius in given.items() if radius is not None}


class RingAdmission(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """That an aircraft has called and been let in, or is not any more."""

    ring: _Named
    """The rings' name, their id, or at least six characters of that."""
    address: Annotated[str, msgspec.Meta(min_length=3, max_length=110)]
    admitted: bool = True


class RingNamed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which rings are meant."""

    ring: _Named


class RingSetView(msgspec.Struct, frozen=True, kw_only=True):
    """The rings around one point."""

    id: str
    name: str
    lat_deg: float
    lng_deg: float
    radii_nm: dict[str, float]
    """By kind: ``call``, ``no-entry``, ``area``."""
    until: str
    admitted: tuple[str, ...] = ()
    """Addresses that were let in."""


class RingList(msgspec.Struct, frozen=True, kw_only=True):
    """All rings, by name."""

    rings: tuple[RingSetView, ...]


class SightingReport(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A drone that somebody has seen."""

    lat_deg: _Lat
    lng_deg: _Lng
    radius_m: Annotated[float, msgspec.Meta(ge=SIGHTING_M[0], le=SIGHTING_M[1])] = 500.0
    """It was within this of the place."""
    words: Annotated[str, msgspec.Meta(max_length=200)] = ""
    lasts_s: _Lasts = 7_200.0


class SightingNamed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which sighting is meant."""

    sighting: Annotated[str, msgspec.Meta(min_length=6, max_length=36)]
    """Its id, or at least six characters of it."""


class SightingView(msgspec.Struct, frozen=True, kw_only=True):
    """A drone that was seen and is not gone."""

    id: str
    lat_deg: float
    lng_deg: float
    radius_m: float
    time: str
    until: str
    words: str


class SightingList(msgspec.Struct, frozen=True, kw_only=True):
    """All that were seen and are not gone, the latest first."""

    sightings: tuple[SightingView, ...]


class SightingGone(msgspec.Struct, frozen=True, kw_only=True):
    """A drone that is gone, and what it has cost."""

    sighting: SightingView
    minutes_lost: int
    """From when it was seen, each begun minute."""


def ring_view(ring: RingSet) -> RingSetView:
    """Return rings as people see them."""
    center = ring.rings.rings[0].circle.center
    return RingSetView(
        id=ring.id,
        name=ring.name,
        lat_deg=center.lat_deg,
        lng_deg=center.lng_deg,
        radii_nm={each.kind.value: round(each.radius_nm, 6) for each in ring.rings.rings},
        until=zulu(ring.until),
        admitted=tuple(sorted(ring.admitted)),
    )


def sighting_view(seen: Sighting) -> SightingView:
    """Return a sighting as people see it."""
    return SightingView(
        id=seen.id,
        lat_deg=seen.lat_deg,
        lng_deg=seen.lng_deg,
        radius_m=seen.radius_m,
        time=zulu(seen.time),
        until=zulu(seen.until),
        words=seen.words,
    )

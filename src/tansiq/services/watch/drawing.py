"""What the services show, as values that ``formats`` draws.

What cannot be drawn is left out and counted, never guessed at. Volumes are read once for each
version of their plan: they are the costly part, and the same from one second to the next.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import msgspec

from tansiq.domain.time import parse_rfc3339
from tansiq.domain.volume import Circle, LatLng, Volume4D, Volumes
from tansiq.errors import BadInput
from tansiq.f3548 import convert, wire
from tansiq.formats.picture import Alarm, Area, AreaKind, Ring, Seen, Shape, corner_count, shape_of
from tansiq.services.views import OFF_NOMINAL, AirspaceEntry, ConstraintView, PlanView, Status
from tansiq.services.watch.views import AlarmView, PictureView, RingView, TrackView

_VOLUMES: Final = msgspec.json.Decoder(tuple[wire.Volume4D, ...])
_OFF_NOMINAL_STATES: Final = frozenset({"Nonconforming", "Contingent"})
_ACCEPTED: Final = "Accepted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """Areas that can be drawn, and what could not be."""

    areas: tuple[Area, ...]
    beyond: int
    """Volumes left out for their number."""
    unread: int
    """Entities of which something cannot be read."""


@dataclass(slots=True)
class _Read:
    raw: bytes
    volumes: Volumes | None
    shapes: dict[int, Shape]
    """By the number of their volume; made when they are drawn first."""


class Shapes:
    """Remembers what was drawn last, by id and by the bytes it was read from."""

    def __init__(self) -> None:
        self._known: dict[str, _Read] = {}
        self._used: set[str] = set()

    def read(self, entity: str, raw: bytes) -> Volumes | None:
        """Return an entity's volumes; None where they cannot be read."""
        self._used.add(entity)
        known = self._known.get(entity)
        if known is None or known.raw != raw:
            known = self._known[entity] = _Read(raw, _read(raw), {})
        return known.volumes

    def shape(self, entity: str, number: int) -> Shape:
        """Return a volume of what was read, ready to be drawn."""
        known = self._known[entity]
        assert known.volumes is not None  # noqa: S101 - ``read`` said so
        if number not in known.shapes:
            known.shapes[number] = shape_of(known.volumes[number])
        return known.shapes[number]

    def forget_unused(self) -> None:
        """Drop what was not asked for since the last call."""
        for entity in self._known.keys() - self._used:
            del self._known[entity]
        self._used.clear()


def _read(raw: bytes) -> Volumes | None:
    try:
        return convert.volumes_to_domain(_VOLUMES.decode(raw), "volumes")
    except (msgspec.MsgspecError, BadInput):
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """An area that is not drawn yet: which volumes of which parts of it count."""

    area: Area
    parts: tuple[tuple[str, int], ...]
    start: datetime
    points: int


def areas(
    shapes: Shapes,
    *,
    plans: Iterable[PlanView],
    airspace: Iterable[AirspaceEntry],
    constraints: Iterable[ConstraintView],
    now: datetime,
    points_max: int,
) -> Drawn:
    """Return what holds air now or later, no-go areas first, then in order of start.

    Of more corners than ``points_max`` the latest plans are left out, and counted.
    """
    made = [
        *(_no_go(view) for view in constraints if view.status != "ended"),
        *map(_foreign, airspace),
        *(_own(view) for view in plans if _holds_air(view)),
    ]
    found, unread = [], 0
    for area, raws in made:
        one, bad = _found(shapes, area, raws, now)
        unread += bad
        if one is not None:
            found.append(one)
    shapes.forget_unused()
    found.sort(key=lambda one: (one.area.kind is not AreaKind.NO_GO, one.start))
    kept, beyond, points = [], 0, 0
    for one in found:
        points += one.points
        if points > points_max:
            beyond += len(one.parts)
        else:
            drawn = tuple(shapes.shape(entity, number) for entity, number in one.parts)
            kept.append(replace(one.area, shapes=drawn))
    return Drawn(areas=tuple(kept), beyond=beyond, unread=unread)


def _found(
    shapes: Shapes, area: Area, raws: Sequence[msgspec.Raw], now: datetime
) -> tuple[_Found | None, bool]:
    """Return what of an area counts now or later, and whether some of it cannot be read."""
    parts: list[tuple[str, int]] = []
    counted: list[Volume4D] = []
    bad = False
    for name, raw in enumerate(raws):
        entity = f"{area.kind}/{area.id}/{name}"
        volumes = shapes.read(entity, bytes(raw))
        bad = bad or volumes is None
        for number, volume in enumerate(volumes or ()):
            if volume.time.end >= now:
                parts.append((entity, number))
                counted.append(volume)
    if not counted:
        return None, bad
    start = min(volume.time.start for volume in counted)
    points = sum(corner_count(volume.outline) for volume in counted)
    return _Found(area=area, parts=tuple(parts), start=start, points=points), bad


_Made = tuple[Area, tuple[msgspec.Raw, ...]]


def _holds_air(view: PlanView) -> bool:
    # A refused plan holds nothing; one that is refused anew while its aircraft flies is shown.
    on_paper = view.status is Status.REFUSED and view.state == _ACCEPTED
    return view.status is not Status.ENDED and not on_paper


def _own(view: PlanView) -> _Made:
    parts = (view.volumes, view.off_nominal_volumes)
    area = Area(
        id=view.id,
        kind=AreaKind.OWN,
        name=view.callsign,
        party=view.party,
        status=str(view.status),
        certain=view.coordinated,
        off_nominal=view.status in OFF_NOMINAL,
        sentence=" ".join(view.warnings),
    )
    return area, parts[1:] if view.status is Status.CONTINGENT else parts


def _foreign(entry: AirspaceEntry) -> _Made:
    no_go = entry.kind == "constraint"
    where = ", ".join(entry.registers)
    area = Area(
        id=entry.id,
        kind=AreaKind.NO_GO if no_go else AreaKind.OTHERS,
        name=entry.name,
        party=entry.manager,
        status=f"{entry.state or 'declared'}, in {where or 'no register'}",
        certain=bool(entry.registers),
        off_nominal=entry.state in _OFF_NOMINAL_STATES,
    )
    return area, (entry.volumes,)


def _no_go(view: ConstraintView) -> _Made:
    area = Area(
        id=view.id,
        kind=AreaKind.NO_GO,
        name=view.name,
        party=view.party,
        status=view.status,
        certain=view.status == "everywhere",
        sentence="Somebody has to confirm it." if view.standing == "due" else "",
    )
    return area, (view.volumes,)


def tracks(view: PictureView, tracks_max: int) -> tuple[Seen, ...]:
    """Return the aircraft, those with alarms first."""
    ordered = sorted(view.tracks, key=lambda t: (not t.level, t.id))
    return tuple(map(_seen, ordered[:tracks_max]))


def _seen(track: TrackView) -> Seen:
    return Seen(
        id=track.id,
        name=track.callsign or track.plan_name or track.address,
        measured=parse_rfc3339(track.time, "time"),
        age_s=track.age_s,
        staleness=track.staleness,
        place=LatLng(track.lat_deg, track.lng_deg),
        error_m=track.horizontal_error_m,
        height_m=track.height_m,
        height_error_m=track.height_error_m,
        pressure_m=track.pressure_m,
        speed_mps=track.speed_mps,
        track_deg=track.track_deg,
        climb_mps=track.climb_mps,
        on_ground=track.on_ground,
        planned=bool(track.plan),
        party=track.party,
        conformance=track.conformance,
        sentence=track.sentence,
        level=track.level,
    )


def alarms(view: PictureView) -> tuple[Alarm, ...]:
    """Return the open alarms, not those whose cause has gone.

    One without a place is where an aircraft is that it is about.
    """
    where = {track.id: LatLng(track.lat_deg, track.lng_deg) for track in view.tracks}
    return tuple(_alarm(alarm, where) for alarm in view.alarms if alarm.stage != "returned")


def _alarm(alarm: AlarmView, where: dict[str, LatLng]) -> Alarm:
    place = where.get(alarm.one) or where.get(alarm.other)
    if alarm.lat_deg is not None and alarm.lng_deg is not None:
        place = LatLng(alarm.lat_deg, alarm.lng_deg)
    return Alarm(
        id=alarm.id,
        kind=alarm.kind,
        level=alarm.level,
        stage=alarm.stage,
        sentence=alarm.sentence,
        raised=parse_rfc3339(alarm.raised, "raised"),
        place=place,
        in_s=alarm.in_s,
    )


def rings(view: PictureView) -> tuple[Ring, ...]:
    """Return the rings."""
    return tuple(map(_ring, view.rings))


def _ring(ring: RingView) -> Ring:
    return Ring(
        id=f"{ring.id}-{ring.kind}",  # An incident has several.
        name=ring.name,
        no_entry=ring.kind != "call",
        circle=Circle(center=LatLng(ring.lat_deg, ring.lng_deg), radius_m=ring.radius_m),
        until=parse_rfc3339(ring.until, "until"),
    )

"""The picture as Cursor on Target 2.0 events, for TAK clients (ATAK, WinTAK, iTAK).

A client shows an event from its arrival until its ``stale``, whatever its ``start`` says: so only
what counts now or soon is sent, and it goes stale by itself where nothing new comes. Plans and
no-go areas are drawings (``u-d-f``; circles ``u-d-c-c``) with their floor as height above the
ellipsoid and their thickness; aircraft are neutral where a plan is known of them and unknown
otherwise, never friend and never hostile, for nobody has said so; alarms are ``b-a-*``.

What is not known is 9999999, as the base schema has it. ``opex`` and every label tell a replay or
an exercise from the live sky. Left out: alarms without a place, which an event cannot be without,
and suppressed ones; trails.
Source: MITRE MP 090284 (the base schema); types as public TAK clients use them.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from tansiq.domain.time import zulu
from tansiq.domain.volume import Circle, LatLng
from tansiq.formats import markup
from tansiq.formats.picture import (
    NAME_CHARS_MAX,
    NOT_CERTIFIED,
    SENTENCE_CHARS_MAX,
    Alarm,
    Area,
    AreaKind,
    Picture,
    Ring,
    Seen,
    Shape,
)

MEDIA_TYPE: Final = "application/xml"
UNKNOWN: Final = "9999999.0"
TRACK_STALE: Final = timedelta(seconds=30)
"""From the moment of measurement: what is older, clients show as such."""
ALARM_STALE: Final = timedelta(seconds=30)
AREA_STALE: Final = timedelta(minutes=2)
"""From the picture's time, and never beyond its end: what was lifted or moved is gone by then."""

_LOOKS: Final = {
    # Line, and how opaque the filling is.
    "own": (0x56B4E9, 0x40),
    "others": (0xCC79A7, 0x40),
    "no-go": (0xD55E00, 0x50),
    "doubtful": (0xB0B0B0, 0x30),
    "ring": (0xF0E442, 0x20),
}
_KINDS: Final = {AreaKind.OWN: "own", AreaKind.OTHERS: "others", AreaKind.NO_GO: "no-go"}


def events(picture: Picture, *, ahead: timedelta) -> list[str]:
    """Return one event each; areas only that have begun or begin within ``ahead``."""
    writer = _Writer(picture)
    made = [writer.alarm(one) for one in picture.alarms]
    made += [writer.seen(one) for one in picture.tracks]
    for area in picture.areas:
        made += writer.area(area, picture.time + ahead)
    made += [writer.ring(one) for one in picture.rings if one.until >= picture.time]
    return [one for one in made if one]


def document(made: list[str]) -> bytes:
    """Return events as one XML document."""
    head = '<?xml version="1.0" encoding="UTF-8"?>\n<events>\n'
    return (head + "".join(made) + "</events>\n").encode()


def stream(made: list[str], alive: str) -> bytes:
    """Return events as they go over a connection, the sign of life first."""
    return (alive + "".join(made)).encode()


def alive(now: datetime, party: str) -> str:
    """Return the event by which a client sees that the connection is alive: a server's pong."""
    uid = markup.attribute(f"tansiq-{party}", chars_max=NAME_CHARS_MAX)
    head = _head(uid, "t-x-c-t-r", "m-g", (now, now, now + ALARM_STALE))
    return f"{head}>{_point(LatLng(0.0, 0.0), UNKNOWN, UNKNOWN, UNKNOWN)}<detail/></event>\n"


def _head(uid: str, kind: str, how: str, times: tuple[datetime, datetime, datetime]) -> str:
    made, start, stale = map(_time, times)
    return (
        f'<event version="2.0" uid="{uid}" type="{kind}" how="{how}" '
        f'time="{made}" start="{start}" stale="{stale}"'
    )


def _time(moment: datetime) -> str:
    # To the millisecond: not every client reads more digits, nor none.
    return zulu(moment.replace(microsecond=0))[:-1] + f".{moment.microsecond // 1000:03d}Z"


def _point(place: LatLng, hae: str, ce: str, le: str) -> str:
    at = f'lat="{place.lat_deg:.7f}" lon="{place.lng_deg:.7f}"'
    return f'<point {at} hae="{hae}" ce="{ce}" le="{le}"/>'


def _metres(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:.1f}"


class _Writer:
    """Writes the events of one picture."""

    def __init__(self, picture: Picture) -> None:
        self._now = picture.time
        self._mark = picture.mark
        # What is not live must never take the place of what is.
        kind = "replay-" if picture.replay else "exercise-" if picture.exercise else ""
        self._uid = f"tansiq-{kind}{picture.party}-"
        self._opex = "s-replay" if picture.replay else "e-exercise" if picture.exercise else "o"
        self._simulated = picture.replay

    def area(self, area: Area, until: datetime) -> Iterator[str]:
        """Yield the area's volumes that count now or begin before ``until``."""
        look = _KINDS[area.kind]
        if area.kind is not AreaKind.NO_GO and (area.off_nominal or not area.certain):
            look = "doubtful"
        for number, shape in enumerate(area.shapes):
            time = shape.time
            if time.start > until or time.end < self._now:
                continue
            # No event is stale before it starts; when the air is held from is in its label.
            start = min(time.start, self._now)
            times = (self._now, start, min(time.end, self._now + AREA_STALE))
            label = area.label
            if time.start > self._now:
                label += f" from {time.start:%H:%M:%S}Z"
            said = (
                f"{area.kind} of {area.party}, {area.status}; "
                f"{zulu(time.start)} to {zulu(time.end)}; "
                f"{shape.band.lower_m:.0f} to {shape.band.upper_m:.0f} m above the WGS84 ellipsoid"
            )
            said = "; ".join(text for text in (said, area.sentence, NOT_CERTIFIED) if text)
            thick_m = shape.band.upper_m - shape.band.lower_m
            height = f'<height value="{thick_m:.1f}"/>'
            kind, drawn = _drawn(shape)
            yield self._event(
                f"{area.id}-{number}",
                kind,
                "h-e",
                times,
                _point(shape.middle, _metres(shape.band.lower_m), UNKNOWN, UNKNOWN),
                self._said(label, said) + drawn + height + _look(look),
            )

    def ring(self, ring: Ring) -> str:
        """Return a ring."""
        times = (self._now, self._now, min(ring.until, self._now + AREA_STALE))
        said = f"radius {ring.circle.radius_m:.0f} m, until {zulu(ring.until)}; {NOT_CERTIFIED}"
        return self._event(
            f"ring-{ring.id}",
            "u-d-c-c",
            "h-e",
            times,
            _point(ring.circle.center, UNKNOWN, UNKNOWN, UNKNOWN),
            self._said(ring.label, said)
            + _circle(ring.circle)
            + _look("no-go" if ring.no_entry else "ring"),
        )

    def seen(self, seen: Seen) -> str:
        """Return an aircraft."""
        stale = seen.measured + TRACK_STALE
        if seen.stale:
            stale = min(stale, self._now)
        height = seen.height_m
        known = height is not None and seen.height_error_m > 0
        way = ""
        if seen.track_deg is not None and seen.speed_mps is not None:
            way = f'<track course="{seen.track_deg:.1f}" speed="{seen.speed_mps:.1f}"/>'
        return self._event(
            seen.id,
            "a-n-A" if seen.planned else "a-u-A",
            "m-r",
            (self._now, seen.measured, max(stale, seen.measured)),
            _point(
                seen.place,
                _metres(height),
                _metres(seen.error_m or None),
                _metres(seen.height_error_m if known else None),
            ),
            self._said(seen.label, "; ".join((*seen.lines, NOT_CERTIFIED))) + way,
        )

    def alarm(self, alarm: Alarm) -> str:
        """Return an alarm; empty where it has no place, or a person has suppressed it."""
        if alarm.place is None or alarm.stage == "suppressed":
            return ""
        return self._event(
            f"alarm-{alarm.id}",
            "b-a-o-pan" if alarm.level == "warning" else "b-a-g",
            "m-p",
            (self._now, alarm.raised, self._now + ALARM_STALE),
            _point(alarm.place, UNKNOWN, UNKNOWN, UNKNOWN),
            self._said(alarm.label, f"{alarm.kind}: {alarm.sentence}; {NOT_CERTIFIED}"),
        )

    def _event(
        self,
        uid: str,
        kind: str,
        how: str,
        times: tuple[datetime, datetime, datetime],
        point: str,
        detail: str,
    ) -> str:
        name = markup.attribute(self._uid + uid, chars_max=2 * NAME_CHARS_MAX)
        head = _head(name, kind, "m-s" if self._simulated else how, times)
        return f'{head} opex="{self._opex}">{point}<detail>{detail}</detail></event>\n'

    def _said(self, label: str, said: str) -> str:
        callsign = markup.attribute(self._mark + label, chars_max=NAME_CHARS_MAX)
        remarks = markup.text(self._mark + said, chars_max=SENTENCE_CHARS_MAX)
        return f'<contact callsign="{callsign}"/><remarks>{remarks}</remarks>'


def _drawn(shape: Shape) -> tuple[str, str]:
    """Return the type of a drawing, and the drawing."""
    if isinstance(shape.outline, Circle):
        return "u-d-c-c", _circle(shape.outline)
    low = _metres(shape.band.lower_m)
    points = [f'<link point="{p.lat_deg:.7f},{p.lng_deg:.7f},{low}"/>' for p in shape.ring]
    # Closed, as clients close a polygon: the first again at the end.
    return "u-d-f", "".join([*points, points[0]])


def _circle(circle: Circle) -> str:
    radius = f"{circle.radius_m:.1f}"
    return f'<shape><ellipse major="{radius}" minor="{radius}" angle="360"/></shape>'


def _look(name: str) -> str:
    colour, opaque = _LOOKS[name]
    return (
        f'<strokeColor value="{_argb(0xFF, colour)}"/><strokeWeight value="2.0"/>'
        f'<fillColor value="{_argb(opaque, colour)}"/><labels_on value="true"/>'
    )


def _argb(opaque: int, colour: int) -> int:
    """Return a colour as clients write it: 32 bits, signed."""
    value = opaque << 24 | colour
    return value - (1 << 32) if value >> 31 else value

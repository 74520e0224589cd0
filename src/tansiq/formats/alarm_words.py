"""What the watch has found, in one sentence each: English, every number with its unit.

Distances in nautical miles and metres, heights in feet and metres, each rounded to what the
position is good for and never to nothing. What is not certain is said so, with the error. The
facts come from ``domain``; nothing is decided here.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from tansiq.domain.alarm import Alarm, Display, display
from tansiq.domain.alarm_key import AlarmKind
from tansiq.domain.bearing import compass
from tansiq.domain.conformance import Conformance, Status, Wanting
from tansiq.domain.crossing import Crossing
from tansiq.domain.estimate import Estimate, Staleness
from tansiq.domain.following import Quality
from tansiq.domain.phrase import FOOT_M, Direction
from tansiq.domain.ring import NAUTICAL_MILE_M, Approach, RingKind
from tansiq.domain.whereabouts import Within

_WAYS: Final = {
    Direction.N: "north",
    Direction.NE: "north-east",
    Direction.E: "east",
    Direction.SE: "south-east",
    Direction.S: "south",
    Direction.SW: "south-west",
    Direction.W: "west",
    Direction.NW: "north-west",
}
_RINGS: Final = {
    RingKind.CALL: "the call ring",
    RingKind.NO_ENTRY: "the no-entry ring",
    RingKind.AREA: "the inner ring",
}
KINDS: Final = {
    AlarmKind.CONFLICT_PREDICTED: "Loss of separation predicted",
    AlarmKind.SEPARATION_LOST: "Separation lost",
    AlarmKind.NO_GO_ENTRY_PREDICTED: "Entry into a no-go area predicted",
    AlarmKind.NO_GO_ENTERED: "Inside a no-go area",
    AlarmKind.LEFT_VOLUME: "Outside its volume",
    AlarmKind.EARLY: "Inside its volume early",
    AlarmKind.OVER_RUN: "Flying past its end",
    AlarmKind.OFF_LEVEL: "Off its levels",
    AlarmKind.NO_PLAN: "Aircraft without a plan",
    AlarmKind.UNKNOWN_INBOUND: "Unknown aircraft inbound",
    AlarmKind.DRONE_SIGHTING: "Drone seen",
    AlarmKind.FEED_LOST: "No data from a source of positions",
    AlarmKind.TRACK_LOST: "Position lost",
    AlarmKind.TEST: "Test of the alarms",
}


def distance(metres: float) -> str:
    """Write a distance, such as ``0.7 NM (1,250 m)``; below 0.1 NM in metres only."""
    rounded = _rounded(metres)
    if metres < NAUTICAL_MILE_M / 10:
        return f"{rounded:,} m"
    return f"{metres / NAUTICAL_MILE_M:.1f} NM ({rounded:,} m)"


def height(metres: float) -> str:
    """Write a difference of height, such as ``328 ft (100 m)``."""
    return f"{_rounded(metres / FOOT_M):,} ft ({_rounded(metres):,} m)"


def hms(time: datetime, after_s: float = 0.0) -> str:
    """Write the time of the day some seconds after a time in UTC, such as ``12:44:05Z``."""
    return f"{time + timedelta(seconds=after_s):%H:%M:%S}Z"


def radius(metres: float) -> str:
    """Write a distance that somebody has set, as exactly as it was: ``12 NM (22,224 m)``."""
    return f"{metres / NAUTICAL_MILE_M:.4g} NM ({round(metres):,} m)"


def _rounded(value: float) -> int:
    """Return three figures of a value, and at least 1: an aircraft is not outside by nothing."""
    if value < 1_000:
        return max(1, round(value))
    step = 10.0 ** (len(str(int(value))) - 3)
    return int(round(value / step) * step)


def duration(seconds: float) -> str:
    """Write a span of time, such as ``1 h 5 min``, ``2 min 30 s`` or ``20 s``."""
    whole = max(0, round(seconds))
    hours, rest = divmod(whole, 3_600)
    minutes, left = divmod(rest, 60)
    parts = [(hours, "h"), (minutes, "min"), (left if not hours else 0, "s")]
    return " ".join(f"{number} {unit}" for number, unit in parts if number) or "0 s"


def of_conformance(flight: str, found: Conformance) -> str:
    """Say how a flight keeps to its plan."""
    if found.status is Status.UNKNOWN:
        if found.wanting is Wanting.HEIGHT:
            return f"{flight} is inside the outline of its volume; its height is not known."
        return f"The position of {flight} is not known: there is none that is recent."
    verb = "is" if found.certain else "may be"
    return f"{flight} {verb} {_STATUS[found.status](found)}{_margin(found)}."


def _margin(found: Conformance) -> str:
    """Say by how much the position can be wrong, where that leaves it open."""
    if found.certain:
        return ""
    if found.status is Status.OFF_LEVEL and found.vertical_error_m:
        return f"; its height is known within {height(found.vertical_error_m)}"
    if found.horizontal_error_m:
        return f"; its position is known within {distance(found.horizontal_error_m)}"
    return "; which aircraft this is is not certain"


def _left(found: Conformance) -> str:
    way = "" if found.direction is None else f" to the {_WAYS[found.direction]}"
    level = f", and {_off(found)}" if found.vertical_m else ""
    return f"outside its volume by {distance(found.horizontal_m)}{way}{level}"


def _off(found: Conformance) -> str:
    side = "above" if found.vertical_m > 0 else "below"
    return f"{height(abs(found.vertical_m))} {side} its levels"


def _ground(found: Conformance) -> str:
    starts = f"; its plan starts in {duration(found.seconds)}" if found.seconds else ""
    return f"on the ground, not yet flown{starts}"


_STATUS: Final[dict[Status, Callable[[Conformance], str]]] = {
    Status.INSIDE: lambda _: "inside its volume",
    Status.NOT_YET: lambda found: (
        f"outside its volumes; the first starts in {duration(found.seconds)}"
    ),
    Status.NOT_AIRBORNE: _ground,
    Status.LANDED: lambda _: "on the ground, landed",
    Status.EARLY: lambda found: f"inside its volume {duration(found.seconds)} before that starts",
    Status.LEFT: _left,
    Status.OFF_LEVEL: _off,
    Status.OVER_RUN: lambda found: (
        f"still flying {duration(found.seconds)} after the end"
        if found.volume is None
        else f"still in a volume {duration(found.seconds)} after its end"
    ),
}


def of_entry(flight: str, place: str, ahead: Crossing) -> str:
    """Say when an aircraft enters an area on its present way."""
    return f"{flight} {_enters(ahead, place)}."


def _enters(ahead: Crossing, place: str) -> str:
    if ahead.likely_s is None:
        return f"may enter {place} in {duration(ahead.possible_s)} at the earliest"
    early = ""
    if duration(ahead.possible_s) != duration(ahead.likely_s):
        early = f", at the earliest in {duration(ahead.possible_s)}"
    return f"enters {place} in {duration(ahead.likely_s)}{early}"


def of_no_go(flight: str, place: str, within: Within) -> str:
    """Say how surely an aircraft is inside an area."""
    if within >= Within.LIKELY_IN:
        return f"{flight} is {'' if within is Within.IN else 'probably '}inside {place}."
    if within is Within.OUT:
        return f"{flight} is outside {place}."
    why = "its height is not known" if within is Within.UNKNOWN else "by the error of its position"
    return f"{flight} may be inside {place}: {why}."


def of_approach(flight: str, found: Approach) -> str:
    """Say how an aircraft stands to a ring."""
    ring = f"{_RINGS[found.ring.kind]} of {radius(found.ring.circle.radius_m)}"
    where = f"{distance(found.distance_m)} {_WAYS[compass(found.bearing_deg)]} of the centre"
    if found.within >= Within.LIKELY_IN:
        return f"{flight} is inside {ring}: {where}."
    if found.within is Within.LIKELY_OUT:
        return f"{flight} may be inside {ring}: {where}, by the error of its position."
    if found.crossing is None:
        return f"{flight} is outside {ring}: {where}."
    return f"{flight} {_enters(found.crossing, ring)}: {where}."


_STALENESS: Final = {
    Staleness.FRESH: "{age} old",
    Staleness.AGEING: "{age} old and ageing",
    Staleness.STALE: "{age} old: where it is now is not known",
    Staleness.DROPPED: "{age} old: the track is dropped",
}
_QUALITY: Final = {
    Quality.GOOD: "",
    Quality.NEW: "; one report so far",
    Quality.DOUBTFUL: "; it jumped here not long ago and may be false",
    Quality.CONTESTED: "; two places say this address, one of them is not this aircraft",
}


def of_estimate(flight: str, found: Estimate) -> str:
    """Say how old a position is, how far it can be wrong, and how far it can be believed."""
    age = _STALENESS[found.staleness].format(age=duration(found.age_s))
    return (
        f"The position of {flight} is {age}; it is true within "
        f"{distance(found.horizontal_error_m)}{_QUALITY[found.quality]}."
    )


def of_alarm(alarm: Alarm, now: datetime) -> str:
    """Say what an alarm is, at which level, and what has been done about it."""
    what = f"{alarm.level.name.capitalize()}: {KINDS[alarm.key.kind]}"
    since = f"for {duration((now - alarm.raised).total_seconds())}"
    shown = display(alarm, now)
    if shown is Display.SUPPRESSED and alarm.suppression is not None:
        kept = alarm.suppression
        left = duration((kept.until - now).total_seconds())
        return f"{what}, {since}; suppressed by {kept.by} for {left} more: {kept.reason}."
    if shown is Display.STEADY and alarm.acknowledged is not None:
        return f"{what}, {since}; acknowledged by {alarm.acknowledged.by}."
    if shown is Display.RETURNED:
        return f"{what}; over, and not acknowledged."
    if shown is Display.GONE:
        return f"{what}; over."
    return f"{what}, {since}; not acknowledged."

"""What the watch has found, in one sentence each: English, every number with its unit.

Distances in nautical miles and metres, heights in feet and metres, each rounded to what the
position is good for and never to nothing. What is not certain is said so, with the error. The
facts come from ``domain``; nothing is decided here.
"""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Final, TypeAlias

from tansiq.domain.alarm import Alarm, Display, display
from tansiq.domain.alarm_key import AlarmKind
from tansiq.domain.conformance import Conformance, Status
from tansiq.domain.crossing import Crossing
from tansiq.domain.estimate import Estimate, Staleness
from tansiq.domain.following import Quality
from tansiq.domain.phrase import FOOT_M, Direction
from tansiq.domain.ring import NAUTICAL_MILE_M, Approach, RingKind
from tansiq.domain.whereabouts import Within
from tansiq.formats import alarm_facts
from tansiq.formats.alarm_facts import MAYBE, Fact, Message

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


DOUBTS: Final = {
    alarm_facts.UNHEARD: "; not heard any more, it may still be so",
    alarm_facts.FAILED: "; it could not be looked at, it may still be so",
}
"""What ends the sentence of an alarm of which nobody can tell any more."""


def of_conformance(flight: str, found: Conformance) -> str:
    """Say how a flight keeps to its plan."""
    return in_words(alarm_facts.of_conformance(flight, found))


def of_entry(flight: str, place: str, ahead: Crossing) -> str:
    """Say when an aircraft enters an area on its present way."""
    return in_words(alarm_facts.of_entry(flight, ahead, {"place": place}))


def of_no_go(flight: str, place: str, within: Within) -> str:
    """Say how surely an aircraft is inside an area."""
    return in_words(alarm_facts.of_no_go(flight, within, {"place": place}))


def of_approach(flight: str, found: Approach) -> str:
    """Say how an aircraft stands to a ring."""
    return in_words(alarm_facts.of_approach(flight, found))


def in_words(said: Message) -> str:
    """Return the English sentence of what is said: made of the code and the values alone.

    Raises:
        KeyError: a code that there is not.
    """
    code = said.code.removesuffix(MAYBE)
    sentence = _SENTENCES[code](_Told(said.facts, said.also, maybe=said.code != code))
    doubt = next((DOUBTS[each] for each in said.also if each in DOUBTS), "")
    return f"{sentence.removesuffix('.')}{doubt}" if doubt else sentence


class _Told:
    """Values by name, as the makers of sentences need them."""

    def __init__(self, facts: Mapping[str, Fact], also: Collection[str], *, maybe: bool) -> None:
        self.facts, self.also, self.maybe = facts, also, maybe

    def __getitem__(self, name: str) -> str:
        return str(self.facts[name])

    def number(self, name: str) -> float:
        return float(self.facts[name])

    def distance(self, name: str) -> str:
        return distance(self.number(name))

    def height(self, name: str) -> str:
        """Write a height, or that it is not known."""
        return height(self.number(name)) if name in self.facts else "an unknown height"

    def duration(self, name: str) -> str:
        return duration(self.number(name))

    def climb(self, name: str) -> str:
        return f"{self.number(name) / FOOT_M * 60:,.0f} ft/min"

    def time_of_day(self, name: str) -> str:
        return f"{self[name][11:19]}Z"


_Maker: TypeAlias = Callable[[_Told], str]


def _kept(what: _Maker) -> _Maker:
    """Return what makes the sentence about a flight that keeps, or does not keep, to its plan."""

    def made(told: _Told) -> str:
        verb = "may be" if told.maybe else "is"
        return f"{told['flight']} {verb} {what(told)}{_margin(told)}."

    return made


def _margin(told: _Told) -> str:
    """Say by how much the position can be wrong, where that leaves it open."""
    if not told.maybe:
        return ""
    if "height-within" in told.also:
        return f"; its height is known within {told.height('vertical_error_m')}"
    if "position-within" in told.also:
        return f"; its position is known within {told.distance('horizontal_error_m')}"
    return "; which aircraft this is is not certain"


def _left(told: _Told) -> str:
    way = f" to the {_WAYS[Direction(told['direction'])]}" if "way" in told.also else ""
    level = next((s for s in ("above", "below") if f"also-{s}-levels" in told.also), "")
    off = f", and {told.height('vertical_m')} {level} its levels" if level else ""
    return f"outside its volume by {told.distance('horizontal_m')}{way}{off}"


def _ground(told: _Told) -> str:
    starts = "plan-starts-in" in told.also
    after = f"; its plan starts in {told.duration('seconds_s')}" if starts else ""
    return f"on the ground, not yet flown{after}"


def _not_heard(told: _Told) -> str:
    until = "lasts until" if "plan-lasts" in told.also else "ended at"
    return (
        f"{told['flight']} is not heard: its last position is {told.duration('age_s')} old, and "
        f"its plan {until} {told['plan_until_at']}"
    )


def _no_plan(told: _Told) -> str:
    where = "at an unknown height"
    if "at-height" in told.also:
        where = f"at {told.height('height_w84_m')} W84"
    elif "at-pressure-altitude" in told.also:
        where = f"at a pressure altitude of {told.height('pressure_altitude_m')}"
    sentence = f"{told['flight']} flies {where} in the agreed area and no plan of it is known"
    return f"{sentence}; it {_may_be(told)}" if "may-be" in told.also else sentence


def _may_be(told: _Told) -> str:
    return (
        f"may be {told['plans']}: confirm it with tansiq track bind {told['address']} "
        f"{told['plan_id']}"
    )


def _area(told: _Told) -> str:
    if "place" in told.facts:
        return told["place"]
    return f"the no-go area {told['area']} of {told['party']}"


def _enters(told: _Told, place: str) -> str:
    if told.maybe:
        return f"may enter {place} in {told.duration('earliest_s')} at the earliest"
    early = ""
    if "entry-earliest" in told.also:
        early = f", at the earliest in {told.duration('earliest_s')}"
    return f"enters {place} in {told.duration('in_s')}{early}"


def _inside_area(told: _Told) -> str:
    if not told.maybe:
        return f"{told['flight']} is inside {_area(told)}."
    unknown = "height-unknown" in told.also
    why = "its height is not known" if unknown else "by the error of its position"
    return f"{told['flight']} may be inside {_area(told)}: {why}."


_ASKS: Final = {
    "not-called": "has not called",
    "no-contact": "has no contact",
    "no-clearance": "has no clearance",
}


def _ring(what: Callable[[_Told, str], str]) -> _Maker:
    def made(told: _Told) -> str:
        kind = _RINGS[RingKind(told["ring_kind"])]
        ring = f"{kind} of {radius(told.number('ring_radius_m'))}"
        way = _WAYS[Direction(told["direction"])]
        where = f"{told.distance('distance_m')} {way} of the centre"
        error = ", by the error of its position" if told.maybe and "by-error" in told.also else ""
        said = f"{told['flight']} {what(told, ring)}: {where}{error}"
        if "ring" not in told.facts:
            return f"{said}."
        asks = next(words for code, words in _ASKS.items() if code in told.also)
        return f"{told['ring']}: {said}; it {asks}."

    return made


def _drone(told: _Told) -> str:
    words = told["words"] if "words" in told.also else "no more is known"
    lat, lng = (told.number(name) for name in ("lat_deg", "lng_deg"))
    return (
        f"A drone was seen at {told['seen_at']} within {told.distance('radius_m')} of {lat:.5f}, "
        f"{lng:.5f}: {words}. tansiq stop keeps everybody out; tansiq sighting gone "
        f"{told['sighting']} ends it."
    )


def _pair(told: _Told) -> str:
    what = "may be too close" if told.maybe else "are too close"
    if "too_close_at" in told.facts:
        what = f"will be too close at {told.time_of_day('too_close_at')}"
    apart = (
        f"{told.distance('horizontal_m')} and {told.height('vertical_m')} apart at "
        f"{told.time_of_day('measured_at')}"
    )
    closest = (
        f"closest at {told.time_of_day('closest_at')}: {told.distance('closest_horizontal_m')}, "
        f"{told.height('closest_vertical_m')}"
    )
    errors = f"{told.distance('horizontal_error_m')} and {told.height('vertical_error_m')}"
    return (
        f"{told['one']} and {told['other']} {what} by {told['by']}: {apart}, {closest}, "
        f"true within {errors}."
    )


def _feed(told: _Told) -> str:
    return (
        f"feed {told['feed']} is {told['state']}: {told['reason']}; aircraft that only it hears "
        "are not in the picture"
    )


def _names(told: _Told, nobody: str) -> str:
    return told["flights"] if "flights" in told.facts else nobody


_STATUS: Final[dict[Status, _Maker]] = {
    Status.INSIDE: lambda _: "inside its volume",
    Status.NOT_YET: lambda told: (
        f"outside its volumes; the first starts in {told.duration('seconds_s')}"
    ),
    Status.NOT_AIRBORNE: _ground,
    Status.LANDED: lambda _: "on the ground, landed",
    Status.EARLY: lambda told: f"inside its volume {told.duration('seconds_s')} before that starts",
    Status.LEFT: _left,
    Status.OFF_LEVEL: lambda told: f"{told.height('vertical_m')} above its levels",
    Status.OVER_RUN: lambda told: f"still flying {told.duration('seconds_s')} after the end",
}
_SENTENCES: Final[dict[str, _Maker]] = {
    **{alarm_facts.PLAIN[status]: _kept(what) for status, what in _STATUS.items()},
    "below-levels": _kept(lambda told: f"{told.height('vertical_m')} below its levels"),
    "over-run-volume": _kept(
        lambda told: f"still in a volume {told.duration('seconds_s')} after its end"
    ),
    "inside-height-unknown": lambda told: (
        f"{told['flight']} is inside the outline of its volume; its height is not known."
    ),
    "position-unknown": lambda told: (
        f"The position of {told['flight']} is not known: there is none that is recent."
    ),
    "two-places": lambda told: (
        f"{told['flight']}: two places say its address; where it is is not known"
    ),
    "not-heard": _not_heard,
    "no-plan": _no_plan,
    "may-be": _may_be,
    "no-go-entry": lambda told: f"{told['flight']} {_enters(told, _area(told))}.",
    "no-go-inside": _inside_area,
    "no-go-inside-probably": lambda told: f"{told['flight']} is probably inside {_area(told)}.",
    "no-go-outside": lambda told: f"{told['flight']} is outside {_area(told)}.",
    "ring-entry": _ring(_enters),
    "ring-inside": _ring(lambda told, ring: f"{'may be' if told.maybe else 'is'} inside {ring}"),
    "ring-outside": _ring(lambda _, ring: f"is outside {ring}"),
    "drone-seen": _drone,
    "too-close": _pair,
    "too-close-at": _pair,
    "climb": lambda told: f"{told['flight']}: climb {told.climb('climb_mps')} more",
    "descend": lambda told: f"{told['flight']}: descend {told.climb('climb_mps')} more",
    "turn-left": lambda told: (
        f"{told['flight']}: turn left by {told.number('turn_deg'):.0f} degrees"
    ),
    "turn-right": lambda told: (
        f"{told['flight']}: turn right by {told.number('turn_deg'):.0f} degrees"
    ),
    "feed-silent": _feed,
    "feed-failing": _feed,
    "test": lambda told: (
        f"TEST of the alarms by {told['person']} at {told['tried_at']}: nothing is wrong"
    ),
    "heard": lambda told: f"{told['party']}: {told['words']}",
    "heard-kind": lambda told: f"{told['party']}: {told['kind'].replace('-', ' ')}",
    "lost-before": lambda told: (
        f"{_names(told, 'an aircraft')} is not heard: it was lost before this node was started, "
        "and not heard since"
    ),
    "pair-crowded": lambda told: (
        f"{_names(told, 'two')} were too close: too many are near to tell whether that is still so"
    ),
    "pair-unheard": lambda told: (
        f"{_names(told, 'the two')}: one of them is not heard any more; they may still be too close"
    ),
    "last-heard": lambda told: f"last heard {told.duration('age_s')} ago",
    "address-twice": lambda _: "two places say this address",
    "jumped": lambda _: "it has jumped: its position is doubtful",
    "back-in-plan": lambda told: (
        f"it is back in its plan: tansiq plan activate {told['flight']} says so"
    ),
    "long-away": lambda _: (
        "it has been away for long: say whether it is Contingent (tansiq plan off-nominal)"
    ),
}
CODES: Final = frozenset(_SENTENCES)
"""All that something can be said by, as certain."""


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

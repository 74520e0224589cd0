"""What the watch has found, as data: a code, named values, and codes of what is said besides.

``alarm_words`` makes the English sentence of nothing else, and a console the sentences of its
reader's language. Codes are stable. Values say their unit in their name: ``_m`` metres, ``_s``
seconds, ``_deg`` degrees, ``_at`` a time in RFC 3339 UTC; heights are differences unless their
name says above what. A value that is not known is left out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import isfinite, isnan
from typing import Final, TypeAlias

from tansiq.domain.bearing import compass
from tansiq.domain.conformance import Conformance, Status, Wanting
from tansiq.domain.crossing import Crossing
from tansiq.domain.evasion import Manoeuvre
from tansiq.domain.ring import Approach, RingKind
from tansiq.domain.time import zulu
from tansiq.domain.volume import LatLng
from tansiq.domain.whereabouts import Within

Fact: TypeAlias = str | float
Facts: TypeAlias = dict[str, Fact]

MAYBE: Final = "-maybe"
"""Ends the code of what is possible only, and not certain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One thing that is to be said; an empty code: there is no more than a sentence."""

    code: str = ""
    facts: Mapping[str, Fact] = field(default_factory=dict)
    also: tuple[str, ...] = ()
    """What is said besides, with the same values, in this order."""


SENTENCE_ONLY: Final = Message()


def _rounded(value: float) -> float:
    return round(float(value), 3)


# An aircraft and its plan

PLAIN: Final = {
    # Of what is off its levels, where that is above them.
    Status.INSIDE: "inside",
    Status.NOT_YET: "not-yet",
    Status.NOT_AIRBORNE: "on-ground",
    Status.LANDED: "landed",
    Status.EARLY: "early",
    Status.LEFT: "left",
    Status.OFF_LEVEL: "above-levels",
    Status.OVER_RUN: "over-run",
}
_TIMED: Final = frozenset({Status.NOT_YET, Status.NOT_AIRBORNE, Status.EARLY, Status.OVER_RUN})


def of_conformance(flight: str, found: Conformance) -> Message:
    """Say how a flight keeps to its plan."""
    facts: Facts = {"flight": flight}
    if found.status is Status.UNKNOWN:
        height = found.wanting is Wanting.HEIGHT
        return Message(code="inside-height-unknown" if height else "position-unknown", facts=facts)
    code, also = PLAIN[found.status], list[str]()
    if found.status in _TIMED:
        facts["seconds_s"] = _rounded(found.seconds)
    if found.status is Status.NOT_AIRBORNE and found.seconds:
        also.append("plan-starts-in")
    if found.status is Status.OVER_RUN and found.volume is not None:
        code = "over-run-volume"
    if found.status is Status.LEFT:
        facts["horizontal_m"] = _rounded(found.horizontal_m)
        if found.direction is not None:
            facts["direction"] = found.direction.value
            also.append("way")
    if found.status is Status.OFF_LEVEL or (found.status is Status.LEFT and found.vertical_m):
        facts["vertical_m"] = _rounded(abs(found.vertical_m))
        side = "above-levels" if found.vertical_m > 0 else "below-levels"
        if found.status is Status.OFF_LEVEL:
            code = side
        else:
            also.append(f"also-{side}")
    if not found.certain:
        code += MAYBE
        also.append(_margin(found, facts))
    return Message(code=code, facts=facts, also=tuple(also))


def _margin(found: Conformance, facts: Facts) -> str:
    """Return by what the verdict is left open, and note how large that is."""
    if found.status is Status.OFF_LEVEL and found.vertical_error_m:
        facts["vertical_error_m"] = _rounded(found.vertical_error_m)
        return "height-within"
    if found.horizontal_error_m:
        facts["horizontal_error_m"] = _rounded(found.horizontal_error_m)
        return "position-within"
    return "which-aircraft"


def two_places(flight: str) -> Message:
    """Say that two places say one address."""
    return Message(code="two-places", facts={"flight": flight})


def not_heard(flight: str, age_s: float, end: datetime, now: datetime) -> Message:
    """Say that an aircraft is not heard any more that is in the air by its plan."""
    facts: Facts = {"flight": flight, "age_s": _rounded(age_s), "plan_until_at": zulu(end)}
    return Message(
        code="not-heard", facts=facts, also=("plan-lasts" if now <= end else "plan-ended",)
    )


def no_plan(flight: str, above_w84_m: float | None, pressure_m: float | None) -> Message:
    """Say that an aircraft flies in the agreed area and no plan of it is known."""
    facts: Facts = {"flight": flight}
    if above_w84_m is not None:
        facts["height_w84_m"] = _rounded(above_w84_m)
        return Message(code="no-plan", facts=facts, also=("at-height",))
    if pressure_m is not None:
        facts["pressure_altitude_m"] = _rounded(pressure_m)
        return Message(code="no-plan", facts=facts, also=("at-pressure-altitude",))
    return Message(code="no-plan", facts=facts, also=("at-unknown-height",))


def suggested(plans: str, address: str, plan_id: str) -> Message:
    """Say which plans an aircraft may fly, for a person to confirm."""
    return Message(code="may-be", facts={"plans": plans, "address": address, "plan_id": plan_id})


# Places


def of_entry(flight: str, ahead: Crossing, place: Facts) -> Message:
    """Say when an aircraft enters an area on its present way."""
    return _entry("no-go", {"flight": flight, **place}, ahead)


def _entry(what: str, facts: Facts, ahead: Crossing) -> Message:
    facts["earliest_s"] = _rounded(ahead.possible_s)
    if ahead.likely_s is None:
        return Message(code=f"{what}-entry{MAYBE}", facts=facts)
    facts["in_s"] = _rounded(ahead.likely_s)
    # The same to the second is not said twice.
    also = ("entry-earliest",) if round(ahead.possible_s) != round(ahead.likely_s) else ()
    return Message(code=f"{what}-entry", facts=facts, also=also)


def of_no_go(flight: str, within: Within, place: Facts) -> Message:
    """Say how surely an aircraft is inside an area."""
    facts: Facts = {"flight": flight, **place}
    if within is Within.OUT:
        return Message(code="no-go-outside", facts=facts)
    if within >= Within.LIKELY_IN:
        code = "no-go-inside" if within is Within.IN else "no-go-inside-probably"
        return Message(code=code, facts=facts)
    why = "height-unknown" if within is Within.UNKNOWN else "by-error"
    return Message(code=f"no-go-inside{MAYBE}", facts=facts, also=(why,))


_RINGS: Final = {
    RingKind.CALL: "ring-call",
    RingKind.NO_ENTRY: "ring-no-entry",
    RingKind.AREA: "ring-area",
}
_ASKS: Final = {
    RingKind.CALL: "not-called",
    RingKind.NO_ENTRY: "no-contact",
    RingKind.AREA: "no-clearance",
}


def of_approach(flight: str, found: Approach, name: str = "") -> Message:
    """Say how an aircraft stands to a ring; with the ring's name, what it asks of it too."""
    facts: Facts = {
        "flight": flight,
        "ring_kind": found.ring.kind.value,
        "ring_radius_m": _rounded(found.ring.circle.radius_m),
        "distance_m": _rounded(found.distance_m),
        "direction": compass(found.bearing_deg).value,
    }
    if name:
        facts["ring"] = name
    if found.within >= Within.LIKELY_IN:
        said = Message(code="ring-inside", facts=facts)
    elif found.within is Within.LIKELY_OUT:
        said = Message(code=f"ring-inside{MAYBE}", facts=facts, also=("by-error",))
    elif found.crossing is None:
        said = Message(code="ring-outside", facts=facts)
    else:
        said = _entry("ring", facts, found.crossing)
    asks = (_ASKS[found.ring.kind],) if name else ()
    also = (_RINGS[found.ring.kind], *said.also, "ring-where", *asks)
    return Message(code=said.code, facts=said.facts, also=also)


def drone_seen(
    seen: datetime, place: LatLng, radius_m: float, words: str, sighting: str
) -> Message:
    """Say that a drone was seen."""
    facts: Facts = {
        "seen_at": zulu(seen),
        "lat_deg": round(place.lat_deg, 7),
        "lng_deg": round(place.lng_deg, 7),
        "radius_m": _rounded(radius_m),
        "sighting": sighting,
    }
    if words:
        facts["words"] = words
    return Message(code="drone-seen", facts=facts, also=("words" if words else "no-more-known",))


# Pairs


AGREEMENT: Final = "the agreement"


@dataclass(frozen=True, slots=True, kw_only=True)
class Meeting:
    """Two that come too close; a height that is not a number is not known."""

    names: tuple[str, str]
    by: str
    """By whose word it is too close: the agreement, or a rule of well clear."""
    now: datetime
    in_s: float | None
    """Until they are; None: they are."""
    horizontal_m: float
    vertical_m: float
    closest_in_s: float
    closest_horizontal_m: float
    closest_vertical_m: float
    horizontal_error_m: float
    vertical_error_m: float
    """Not finite: not known."""


def too_close(found: Meeting) -> Message:
    """Say it so that it is true whenever it is read: with times of the day, and no "now"."""
    one, other = sorted(found.names)
    agreed = found.by == AGREEMENT
    facts: Facts = {
        "one": one,
        "other": other,
        "by": found.by,
        "by_code": "agreement" if agreed else "well-clear",
        "measured_at": zulu(found.now),
    }
    code = "too-close"
    if found.in_s is not None:
        code = "too-close-at"
        if found.in_s <= 0.0:
            code = f"too-close{MAYBE}"
        else:
            facts["too_close_at"] = _after(found.now, found.in_s)
    facts["closest_at"] = _after(found.now, found.closest_in_s)
    facts["horizontal_m"] = _rounded(found.horizontal_m)
    facts["closest_horizontal_m"] = _rounded(found.closest_horizontal_m)
    facts["horizontal_error_m"] = _rounded(found.horizontal_error_m)
    heights = (
        ("apart", "vertical_m", found.vertical_m),
        ("closest", "closest_vertical_m", found.closest_vertical_m),
        ("within", "vertical_error_m", found.vertical_error_m),
    )
    also = []
    for what, name, value in heights:
        known = not isnan(value) if what != "within" else isfinite(value)
        if known:
            facts[name] = _rounded(abs(value))
        also.append(f"pair-{what}" if known else f"pair-{what}-no-height")
    return Message(code=code, facts=facts, also=tuple(also))


_WAYS: Final = {
    Manoeuvre.CLIMB: ("climb", "climb_mps"),
    Manoeuvre.DESCEND: ("descend", "climb_mps"),
    Manoeuvre.TURN_LEFT: ("turn-left", "turn_deg"),
    Manoeuvre.TURN_RIGHT: ("turn-right", "turn_deg"),
}


def way_out(flight: str, manoeuvre: Manoeuvre, by: float) -> Message:
    """Say what would end a loss of separation: information only."""
    code, name = _WAYS[manoeuvre]
    return Message(code=code, facts={"flight": flight, name: _rounded(by)})


def _after(now: datetime, seconds: float) -> str:
    return zulu(now + timedelta(seconds=seconds))


# The watch itself, and what others say


def feed_lost(feed: str, state: str, reason: str) -> Message:
    """Say that a source of positions gives nothing."""
    facts: Facts = {"feed": feed, "state": state, "reason": reason}
    return Message(code=f"feed-{state}", facts=facts, also=("feed-reason",))


def tried(person: str, now: datetime) -> Message:
    """Say that somebody tries out lamps and sounds."""
    at = zulu(now.replace(microsecond=0))
    return Message(code="test", facts={"person": person, "tried_at": at})


def heard(party: str, words: str, kind: str) -> Message:
    """Say what another party's node has found, as it says it itself."""
    facts: Facts = {"party": party, "kind": kind}
    if words:
        facts["words"] = words
    return Message(code="heard" if words else "heard-kind", facts=facts)


def lost_before(names: Sequence[str]) -> Message:
    """Say that an aircraft was lost before this node was started."""
    return _named("lost-before", names)


def pair_crowded(names: Sequence[str]) -> Message:
    """Say that too many are near to tell whether two are still too close."""
    return _named("pair-crowded", names)


def pair_unheard(names: Sequence[str]) -> Message:
    """Say that one of two is not heard any more."""
    return _named("pair-unheard", names)


def _named(code: str, names: Sequence[str]) -> Message:
    """Return it with the names; of an alarm that an older version kept there may be none."""
    return (
        Message(code=code, facts={"flights": " and ".join(names)}) if names else Message(code=code)
    )


UNHEARD: Final = "unheard"
FAILED: Final = "failed"
"""Message besides of an alarm of which nobody can tell any more."""


def doubted(said: Message, doubt: str) -> Message:
    """Add a doubt to what was said, in place of one that was there."""
    if not said.code:
        return said
    also = (*(each for each in said.also if each not in (UNHEARD, FAILED)), doubt)
    return Message(code=said.code, facts=said.facts, also=also)


def joined(parts: Sequence[Message]) -> Message:
    """Return several things as one: the first of them leads. Their values must not collide."""
    codes = [code for each in parts for code in (each.code, *each.also) if code]
    facts = {name: value for each in parts for name, value in each.facts.items()}
    return Message(code=codes[0], facts=facts, also=tuple(codes[1:])) if codes else SENTENCE_ONLY

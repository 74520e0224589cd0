"""Which of a few manoeuvres of the own aircraft end a predicted loss. Information, not advice.

Each is tried as it would be flown: on as now for ``REACTION_S``, then a turn at 3 degrees a second
to a new track, or at once another rate of climb, and so on to the end of the look-ahead. The
intruder keeps its velocity. Only these two are looked at: nothing is said of terrain, of others, of
what the aircraft can fly, or of who has the right of way.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import cos, radians, sin
from typing import Final, NamedTuple

from tansiq.domain.well_clear import FOOT_M, Relative, Rule, Span, violation

REACTION_S: Final = 5.0
"""From being told to flying it: reading, deciding, the control link."""
TURN_DEG_PER_S: Final = 3.0
TURNS_DEG: Final = (30.0, 60.0, 90.0)
CLIMBS_MPS: Final = (500.0 * FOOT_M / 60.0, 1_000.0 * FOOT_M / 60.0)
_STEP_S: Final = 1.0
"""A turn is flown as chords of so long: at 250 m/s within 2 m of the arc, 0.02 m at 25 m/s."""


class Manoeuvre(StrEnum):
    """What the own aircraft can do."""

    CLIMB = "climb"
    DESCEND = "descend"
    TURN_LEFT = "turn_left"
    TURN_RIGHT = "turn_right"


class Velocity(NamedTuple):
    """Of the own aircraft, in the frame of the relative motion."""

    east_mps: float
    north_mps: float
    up_mps: float


@dataclass(frozen=True, slots=True, kw_only=True)
class WayOut:
    """A manoeuvre after which no rule is violated within its look-ahead any more."""

    manoeuvre: Manoeuvre
    by: float
    """Degrees of a turn; metres per second more, or less, of climb."""
    until_s: float
    """When the last violation ends that it does not prevent; 0 if there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Errors:
    """Of both positions together; see ``well_clear``."""

    horizontal_m: float = 0.0
    vertical_m: float = 0.0


def ways_out(
    relative: Relative, own: Velocity, rules: Sequence[Rule], errors: Errors
) -> tuple[WayOut, ...]:
    """Return the manoeuvres that end the loss which the rules foresee, the best first.

    Where nothing is violated yet, those after which nothing will be; where something is already,
    those after which it ends sooner than without, and nothing follows within the look-ahead. The
    order: what prevents all, then what ends soonest; among equals the smaller, climb and descent
    before turns. Nothing, if nothing is foreseen.
    """
    longest_s = max((rule.lookahead_s for rule in rules), default=0.0)
    straight = list(_losses(relative, [(longest_s, own)], own, rules, errors))
    if not straight:
        return ()
    begun = min(span.start_s for span in straight) == 0.0
    found = []
    for manoeuvre, by in _choices():
        legs = _legs(manoeuvre, by, own, longest_s)
        spans = list(_losses(relative, legs, own, rules, errors))
        until_s = max((span.end_s for span in spans), default=0.0)
        sooner = begun and until_s < max(span.end_s for span in straight)
        if not spans or sooner:
            found.append(WayOut(manoeuvre=manoeuvre, by=by, until_s=until_s))
    return tuple(sorted(found, key=lambda way: way.until_s))  # Stable: the smaller first.


def _choices() -> Iterator[tuple[Manoeuvre, float]]:
    for by in CLIMBS_MPS:
        yield Manoeuvre.CLIMB, by
        yield Manoeuvre.DESCEND, by
    for by in TURNS_DEG:
        yield Manoeuvre.TURN_LEFT, by
        yield Manoeuvre.TURN_RIGHT, by


def _legs(
    manoeuvre: Manoeuvre, by: float, own: Velocity, longest_s: float
) -> Iterator[tuple[float, Velocity]]:
    """Yield for how long which velocity is flown."""
    left_s = longest_s - REACTION_S
    yield min(REACTION_S, longest_s), own
    if left_s <= 0.0:
        return
    if manoeuvre in (Manoeuvre.CLIMB, Manoeuvre.DESCEND):
        more = by if manoeuvre is Manoeuvre.CLIMB else -by
        yield left_s, own._replace(up_mps=own.up_mps + more)
        return
    sense = -1.0 if manoeuvre is Manoeuvre.TURN_LEFT else 1.0
    turned_deg = 0.0
    while turned_deg < by and left_s > 0.0:
        step_s = min(_STEP_S, left_s, (by - turned_deg) / TURN_DEG_PER_S)
        middle_deg = turned_deg + 0.5 * step_s * TURN_DEG_PER_S
        yield step_s, _turned(own, sense * middle_deg)
        turned_deg += step_s * TURN_DEG_PER_S
        left_s -= step_s
    if left_s > 0.0:
        yield left_s, _turned(own, sense * by)


def _turned(own: Velocity, clockwise_deg: float) -> Velocity:
    c, s = cos(radians(clockwise_deg)), sin(radians(clockwise_deg))
    return Velocity(
        own.east_mps * c + own.north_mps * s, own.north_mps * c - own.east_mps * s, own.up_mps
    )


def _losses(
    relative: Relative,
    legs: Iterable[tuple[float, Velocity]],
    own: Velocity,
    rules: Sequence[Rule],
    errors: Errors,
) -> Iterator[Span]:
    """Yield the spans of violation, of each rule and on each leg."""
    from_s = 0.0
    x, y, z = relative.east_m, relative.north_m, relative.up_m
    for lasts_s, flown in legs:
        u = relative.east_mps + (flown.east_mps - own.east_mps)
        v = relative.north_mps + (flown.north_mps - own.north_mps)
        w = relative.up_mps + (flown.up_mps - own.up_mps)
        here = Relative(east_m=x, north_m=y, up_m=z, east_mps=u, north_mps=v, up_mps=w)
        for rule in rules:
            if from_s > rule.lookahead_s:
                continue
            found = violation(
                here,
                rule._replace(lookahead_s=min(lasts_s, rule.lookahead_s - from_s)),
                horizontal_error_m=errors.horizontal_m,
                vertical_error_m=errors.vertical_m,
            )
            if found is not None:
                yield Span(from_s + found.start_s, from_s + found.end_s)
        x, y, z = x + lasts_s * u, y + lasts_s * v, z + lasts_s * w
        from_s += lasts_s

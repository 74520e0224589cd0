"""Whether two aircraft stay well clear of each other, and from when to when they will not.

Both keep their velocities. Everything is relative, own minus intruder, in a plane with height above
it: position s, velocity v. *Violation* (DO-365, as WCV_TAUMOD):

- horizontally: the range is at most ``dthr_m``; or they approach, will pass within ``dthr_m``, and
  modified tau, (dthr**2 - s.s) / (s.v), is at most ``tthr_s``;
- and vertically: the difference is at most ``zthr_m``, or they reach the same height within
  ``tcoa_s``.

With both times 0 that is a cylinder, so fixed minima are judged by the same lines. Each of the two
holds for one closed span of time, and the violation is where the spans meet.

Positions known within an error e: violated is then what *can* be violated. Because s.s + T s.v is
the square of |s + T v / 2| less a constant, modified tau asks whether s lies in a disc about
-T v / 2; each disc, strip and band grows by e. Where disc and strip would need different errors at
once, that is early by less than e / |v|, never late. Velocities are taken as they are.

Source: the rule as NASA's DAIDALUS 2.0.4 documents it; its answers to 1,000 encounters of our own
are in ``tests/data/daidalus_vectors.csv``. Left out: alerts that last (hysteresis, M of N), bands
of headings, and the uncertainty of velocities.
"""

from dataclasses import dataclass
from math import inf, sqrt
from typing import Final, NamedTuple, Self

from tansiq.domain.agreement import Minima
from tansiq.errors import BadInput

FOOT_M: Final = 0.3048
NAUTICAL_MILE_M: Final = 1_852.0
LOOKAHEAD_S_MAX: Final = 600.0
"""What is foreseen by constant velocity beyond that means nothing."""
DTHR_M_MAX: Final = 200_000.0
ZTHR_M_MAX: Final = 20_000.0
TIME_S_MAX: Final = 120.0

NEVER = (inf, -inf)
"""A span of no time."""


class Rule(NamedTuple):
    """Thresholds, and how far ahead they are asked for; as kernels take it.

    ``Thresholds.within`` makes valid ones.
    """

    dthr_m: float
    zthr_m: float
    tthr_s: float
    tcoa_s: float
    lookahead_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """When two aircraft are not well clear; with times of 0, a cylinder of radius and half height.

    Raises:
        BadInput: negative, too large or not a number.
    """

    dthr_m: float
    zthr_m: float
    tthr_s: float = 0.0
    tcoa_s: float = 0.0

    def __post_init__(self) -> None:
        for name, most in (
            ("dthr_m", DTHR_M_MAX),
            ("zthr_m", ZTHR_M_MAX),
            ("tthr_s", TIME_S_MAX),
            ("tcoa_s", TIME_S_MAX),
        ):
            _within(name, getattr(self, name), most)

    @classmethod
    def of_minima(cls, minima: Minima) -> Self:
        """Return the cylinder of an agreement's separation; its time is for plans alone."""
        return cls(dthr_m=minima.horizontal_m, zthr_m=minima.vertical_m)

    def within(self, lookahead_s: float) -> Rule:
        """Return the rule that a violation begins within so many seconds from now.

        Raises:
            BadInput: negative, over ``LOOKAHEAD_S_MAX`` or not a number.
        """
        _within("lookahead_s", lookahead_s, LOOKAHEAD_S_MAX)
        return Rule(self.dthr_m, self.zthr_m, self.tthr_s, self.tcoa_s, lookahead_s)


def _within(name: str, value: float, most: float) -> None:
    # Positive, because NaN fails every comparison.
    if not 0.0 <= value <= most:
        raise BadInput(f"{value} is not 0 to {most:g}", field=name)


# Source: DAIDALUS, Configurations/DO_365B_no_SUM.conf. 0.66 NM are 4,010.2 ft, not 4,000.
EN_ROUTE: Final = Thresholds(dthr_m=0.66 * NAUTICAL_MILE_M, zthr_m=450.0 * FOOT_M, tthr_s=35.0)
"""``DWC_Phase_I``: corrective and warning."""
EN_ROUTE_PREVENTIVE: Final = Thresholds(
    dthr_m=0.66 * NAUTICAL_MILE_M, zthr_m=700.0 * FOOT_M, tthr_s=35.0
)
TERMINAL: Final = Thresholds(dthr_m=1_500.0 * FOOT_M, zthr_m=450.0 * FOOT_M)
"""``DWC_Phase_II``."""
NON_COOPERATIVE: Final = Thresholds(dthr_m=2_200.0 * FOOT_M, zthr_m=450.0 * FOOT_M)
"""``DWC_Non_Coop``: an intruder without a transponder."""


class AlertTimes(NamedTuple):
    """How long before a violation each level tells of it at the latest; seconds."""

    preventive_s: float
    corrective_s: float
    warning_s: float


EN_ROUTE_ALERTS: Final = AlertTimes(55.0, 55.0, 25.0)
TERMINAL_ALERTS: Final = AlertTimes(45.0, 45.0, 45.0)
NON_COOPERATIVE_ALERTS: Final = AlertTimes(55.0, 55.0, 25.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Relative:
    """Own minus intruder, in a plane and above it."""

    east_m: float
    north_m: float
    up_m: float
    east_mps: float
    north_mps: float
    up_mps: float

    @property
    def flat(self) -> "Flat":
        """What of it counts horizontally."""
        x, y, u, w = self.east_m, self.north_m, self.east_mps, self.north_mps
        cross = x * w - y * u
        return Flat(x * x + y * y, x * u + y * w, u * u + w * w, cross * cross)


class Flat(NamedTuple):
    """A horizontal motion by its products, which are the same in every frame and either way round.

    All four, though three would do: to subtract large products costs the digits that a passing
    distance has.
    """

    ss: float
    sv: float
    vv: float
    cross: float
    """The square of the cross product: ss * vv - sv**2."""


class Span(NamedTuple):
    """From when to when; seconds from now, both closed."""

    start_s: float
    end_s: float


class Closest(NamedTuple):
    """Where two aircraft are closest horizontally."""

    t_cpa_s: float
    d_cpa_m: float
    dz_cpa_m: float
    """Own height less the intruder's, at that time."""


def horizontal_span(flat: Flat, rule: Rule, error_m: float) -> tuple[float, float]:
    """Return from when to when the horizontal part is violated, ``NEVER`` if not in time.

    A kernel: alone, on floats, without a call.
    """
    near_m = rule.dthr_m + error_m
    limit = near_m * near_m
    inside = flat.ss <= limit
    if flat.vv == 0.0:
        return (0.0, rule.lookahead_s) if inside else NEVER
    # The line passes within near_m where this is not negative.
    room = flat.vv * limit - flat.cross
    if not inside and (flat.sv >= 0.0 or room < 0.0):
        return NEVER
    root = sqrt(max(0.0, room))
    # Of the two forms of each root the one that adds, where the other would cancel.
    leaves_s = (limit - flat.ss) / (root + flat.sv) if flat.sv > 0.0 else (root - flat.sv) / flat.vv
    enters_s = 0.0
    if not inside and rule.tthr_s == 0.0:
        enters_s = (flat.ss - limit) / (root - flat.sv)
    elif not inside:
        half_s = 0.5 * rule.tthr_s
        disc = rule.dthr_m * rule.dthr_m + half_s * half_s * flat.vv
        grown = 2.0 * error_m * sqrt(disc) + error_m * error_m
        left = flat.ss + rule.tthr_s * flat.sv - (rule.dthr_m * rule.dthr_m + grown)
        if left > 0.0:
            wide = sqrt(max(0.0, flat.vv * (disc + grown) - flat.cross))
            enters_s = left / (wide - (flat.sv + half_s * flat.vv))
    if enters_s > rule.lookahead_s:
        return NEVER
    # Passing at the very limit, the two are one moment, rounded twice.
    return enters_s, min(max(enters_s, leaves_s), rule.lookahead_s)


def vertical_span(up_m: float, up_mps: float, rule: Rule, error_m: float) -> tuple[float, float]:
    """Return from when to when the vertical part is violated, ``NEVER`` if not in time.

    A kernel: alone, on floats, without a call.
    """
    near_m = rule.zthr_m + error_m
    if up_mps == 0.0:
        return (0.0, rule.lookahead_s) if abs(up_m) <= near_m else NEVER
    # Turned so that the difference grows: from below the limit, through zero, to beyond it.
    rate_mps = abs(up_mps)
    from_m = up_m if up_mps > 0.0 else -up_m
    if from_m > near_m:
        return NEVER
    wide_m = max(rule.zthr_m, rule.tcoa_s * rate_mps) + error_m
    enters_s = 0.0 if from_m >= -wide_m else (-wide_m - from_m) / rate_mps
    if enters_s > rule.lookahead_s:
        return NEVER
    return enters_s, min(max(enters_s, (near_m - from_m) / rate_mps), rule.lookahead_s)


def closest_s(flat: Flat, within_s: float) -> float:
    """Return when they are closest horizontally, from now up to ``within_s``. A kernel."""
    if flat.vv == 0.0 or flat.sv >= 0.0:
        return 0.0
    return min(-flat.sv / flat.vv, within_s)


def violation(
    relative: Relative,
    rule: Rule,
    *,
    horizontal_error_m: float = 0.0,
    vertical_error_m: float = 0.0,
) -> Span | None:
    """Return from when to when, within the look-ahead, the two will not be well clear.

    Starts at 0 if they are not now; ends at the look-ahead if it lasts longer. The errors are those
    of both positions together. Times are exact but for rounding: within 1 us of DAIDALUS.
    """
    across = horizontal_span(relative.flat, rule, horizontal_error_m)
    above = vertical_span(relative.up_m, relative.up_mps, rule, vertical_error_m)
    start_s, end_s = max(across[0], above[0]), min(across[1], above[1])
    return Span(start_s, end_s) if start_s <= end_s else None


def violated(
    relative: Relative,
    thresholds: Thresholds,
    *,
    horizontal_error_m: float = 0.0,
    vertical_error_m: float = 0.0,
) -> bool:
    """Report whether the two are not well clear now."""
    found = violation(
        relative,
        thresholds.within(0.0),
        horizontal_error_m=horizontal_error_m,
        vertical_error_m=vertical_error_m,
    )
    return found is not None


def closest(relative: Relative, within_s: float) -> Closest:
    """Return where the two are closest horizontally, from now up to ``within_s`` seconds.

    Now, where they part, or where nothing changes.
    """
    t_s = closest_s(relative.flat, within_s)
    x_m = relative.east_m + t_s * relative.east_mps
    y_m = relative.north_m + t_s * relative.north_mps
    return Closest(t_s, sqrt(x_m * x_m + y_m * y_m), relative.up_m + t_s * relative.up_mps)

"""Predicted encounters: which of many aircraft will not be well clear of each other, and when.

A fleet is columns, extrapolated to one instant by the caller. All rules are asked in one gathering
(``vicinity``), the pairs that are found are told in full (``passing``); what a rule is, and what
errors do, is in ``domain/well_clear.py``.
"""

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tansiq.domain import ellipsoid
from tansiq.domain.evasion import Errors, Velocity, WayOut, ways_out
from tansiq.domain.track import CLIMB_MPS_MAX, ERROR_M_MAX, SPEED_MPS_MAX
from tansiq.domain.well_clear import Relative, Rule, Thresholds
from tansiq.engine import passing, vicinity
from tansiq.engine.compiled import Floats, Ints, seen
from tansiq.engine.passing import Moving, Spans
from tansiq.engine.vicinity import Asked, Balls, Gathered, Sorted
from tansiq.errors import BadInput

RULES_MAX: Final = 16
NO_GROUP: Final = -1
_CROWD: Final = 25.0
"""With fewer in a cube, finer cubes cost more than they save; measured."""
_FEW: Final = 0.1


class Fleet(NamedTuple):
    """Aircraft at one instant: columns of float64, as long as each other."""

    lat_deg: Floats
    lng_deg: Floats
    geometric_m: Floats
    """Height above the WGS84 ellipsoid; where only the pressure is known, the middle of the band
    that the height can be in. NaN: nothing is known, so every other may be at that height."""
    geometric_error_m: Floats
    """The height is true within this; may be infinite."""
    pressure_m: Floats
    """Pressure altitude, NaN where not known. Two that have one are compared by it alone."""
    east_mps: Floats
    north_mps: Floats
    climb_mps: Floats
    horizontal_error_m: Floats
    group: Ints
    """int64: two of one group, 0 or above, have agreed to fly close; -1 for none."""


class Encounters(NamedTuple):
    """Pairs that a rule foresees within its look-ahead: columns, a row a pair.

    Ordered by ``i``, then ``j``; each pair once, ``i`` below ``j``. Differences are those of ``i``
    less ``j``. Times are seconds from the instant of the fleet. Spans are the longest that the
    errors of the positions allow; the rest is nominal.
    """

    i: Ints
    j: Ints
    t_in_s: Floats
    """(n, rules): when the violation begins, 0 if it has; NaN where the rule foresees none."""
    t_out_s: Floats
    """(n, rules): when it ends, at most the look-ahead; NaN as above."""
    t_cpa_s: Floats
    """Of the horizontally closest approach within the longest look-ahead."""
    d_cpa_m: Floats
    dz_cpa_m: Floats
    """NaN where nothing is known of a height."""
    d_now_m: Floats
    """Along the ellipsoid."""
    dz_now_m: Floats
    horizontal_error_m: Floats
    """Of both together."""
    vertical_error_m: Floats
    """Of both together, in what was compared; infinite where nothing is known."""


class Found(NamedTuple):
    """What one look at a fleet gave."""

    encounters: Encounters
    excepted: Encounters
    """The same for pairs of one group: within limits by agreement, and to be shown as that."""
    complete: bool
    """False: there was no room for another pair, or time for another look; pairs are missing, and
    nobody is known to be clear. Not a pair that was found is wrong."""
    excepted_left_out: int
    """How many more excepted pairs there are; they never end the search."""
    looks: int
    """How many pairs were looked at."""


def find(
    fleet: Fleet, rules: Sequence[Rule], *, pairs_max: int = 200_000, looks_max: int = 2_000_000_000
) -> Found:
    """Return all pairs that violate any of the rules within its look-ahead.

    Cost: a few microseconds an aircraft at constant density, more where many are in reach of each
    other; a look takes some nanoseconds, so ``looks_max`` bounds the time.

    Raises:
        BadInput: a column or a rule holds what cannot be; names it and the row.
    """
    table = _table(rules)
    moving = _moving(fleet)
    if len(fleet.lat_deg) < 2:
        none = np.empty((0, 2), np.int64)
        told = _told(moving, table, none)
        return Found(told, told, complete=True, excepted_left_out=0, looks=0)
    held = _sorted(moving, vicinity.demand_of(table))
    asked = Asked(
        _seen_moving(Moving._make(column[held.row] for column in moving)),
        seen(table),
        Rule._make(table.max(axis=0).tolist()),
    )
    out = Gathered(
        pairs=np.empty((pairs_max, 2), np.int64),
        excepted=np.empty((pairs_max, 2), np.int64),
        numbers=np.zeros(4, np.int64),
        looks_max=looks_max,
        runs=np.empty((vicinity.ROWS, 2), np.int64),
    )
    complete = vicinity.gather(_seen_sorted(held), asked, _seen_gathered(out))
    found, excepted, looks, left_out = out.numbers.tolist()
    return Found(
        _told(moving, table, out.pairs[:found]),
        _told(moving, table, out.excepted[:excepted]),
        complete=bool(complete),
        excepted_left_out=left_out,
        looks=looks,
    )


def judge(fleet: Fleet, rules: Sequence[Rule], pairs: Ints) -> Encounters:
    """Return of some pairs, int64 of shape (n, 2), those that violate any of the rules: as ``find``
    does of all, for pairs that other rules are kept to than to the rest.

    Raises:
        BadInput: as in ``find``.
    """
    told = _told(_moving(fleet), _table(rules), pairs)
    foreseen = ~np.isnan(told.t_in_s).all(axis=1)
    return Encounters._make(column[foreseen] for column in told)


def suggest(fleet: Fleet, own: int, intruder: int, rules: Sequence[Rule]) -> tuple[WayOut, ...]:
    """Return which manoeuvres of ``own`` end the loss that rules foresee with ``intruder``, the
    best first; both are rows. Information only: ``domain/evasion.py`` says what is not looked at.

    Raises:
        BadInput: as ``find``; or a row that does not exist, or twice the same.
    """
    for name, row in (("own", own), ("intruder", intruder)):
        if not 0 <= row < len(fleet.lat_deg):
            raise BadInput(f"row {row} is not among {len(fleet.lat_deg)}", field=name)
    if own == intruder:
        raise BadInput(f"row {own} is the own aircraft", field="intruder")
    table = _table(rules)
    moving = _seen_moving(_moving(fleet))
    pair = passing.pair_of(moving, own, intruder)
    x, y, z = (float(at[own] + at[intruder]) for at in (moving.x_m, moving.y_m, moving.z_m))
    first, second = ellipsoid.plane(ellipsoid.up((x, y, z)))  # Anticlockwise from above.

    def flat(*vector: float) -> tuple[float, float]:
        return _dot(vector, first), _dot(vector, second)

    x_m, y_m = flat(pair.x_m, pair.y_m, pair.z_m)
    u_mps, v_mps = flat(pair.u_mps, pair.v_mps, pair.w_mps)
    known = not math.isnan(pair.up_m)
    relative = Relative(
        east_m=x_m,
        north_m=y_m,
        up_m=float(pair.up_m) if known else 0.0,
        east_mps=u_mps,
        north_mps=v_mps,
        up_mps=float(pair.up_mps),
    )
    flown = flat(moving.u_mps[own], moving.v_mps[own], moving.w_mps[own])
    longest_s = float(table[:, 4].max())
    ways_m = [longest_s * float(moving.speed_mps[k]) for k in (own, intruder)]
    bent_m = passing.plane_error_m(math.hypot(x_m, y_m), ways_m[0], ways_m[1])
    errors = Errors(
        horizontal_m=float(pair.horizontal_error_m + bent_m),
        vertical_m=float(pair.vertical_error_m),
    )
    return ways_out(relative, Velocity(*flown, float(moving.climb_mps[own])), rules, errors)


def _dot(a: Sequence[float], b: Sequence[float]) -> float:
    return float(a[0] * b[0] + a[1] * b[1] + a[2] * b[2])


# What comes in


def _table(rules: Sequence[Rule]) -> Floats:
    """Return the rules as rows, checked."""
    if not 1 <= len(rules) <= RULES_MAX:
        raise BadInput(f"{len(rules)} rules; 1 to {RULES_MAX} can be asked at once", field="rules")
    for rule in rules:
        Thresholds(
            dthr_m=rule.dthr_m, zthr_m=rule.zthr_m, tthr_s=rule.tthr_s, tcoa_s=rule.tcoa_s
        ).within(rule.lookahead_s)
    return np.array(rules, np.float64)


_LIMITS: Final = (
    ("lat_deg", -90.0, 90.0),
    ("lng_deg", -180.0, 180.0),
    ("geometric_error_m", 0.0, math.inf),
    ("climb_mps", -CLIMB_MPS_MAX, CLIMB_MPS_MAX),
    ("horizontal_error_m", 0.0, ERROR_M_MAX),
)


def _moving(fleet: Fleet) -> Moving:
    """Return a fleet as kernels take it, checked."""
    count = len(fleet.lat_deg)
    for name, column in fleet._asdict().items():
        kind = np.int64 if name == "group" else np.float64
        if column.shape != (count,) or column.dtype != kind:
            raise BadInput(
                f"is {column.dtype} of shape {column.shape}; must be {kind.__name__} of ({count},)",
                field=name,
            )
    for name, least, most in _LIMITS:
        column = getattr(fleet, name)
        _refuse(name, column, ~((column >= least) & (column <= most)))  # NaN fails both.
    speed = np.sqrt(fleet.east_mps * fleet.east_mps + fleet.north_mps * fleet.north_mps)
    _refuse("east_mps", speed, ~(speed <= SPEED_MPS_MAX * (1.0 + 1e-9)))
    for name in ("geometric_m", "pressure_m"):
        _refuse(name, getattr(fleet, name), np.isinf(getattr(fleet, name)))
    # A copy: the caller's may change meanwhile, and of a column in another layout, or read-only,
    # numba would compile everything anew.
    own = Fleet._make(np.array(column) for column in fleet)
    blank = np.empty((7, count))
    moving = Moving(
        *(blank[0], blank[1], blank[2], blank[3], blank[4], blank[5], blank[6]),
        *(own.horizontal_error_m, own.climb_mps, own.pressure_m),
        *(own.geometric_m, own.geometric_error_m, own.group),
    )
    passing.place(
        *(seen(own.lat_deg), seen(own.lng_deg), seen(own.east_mps), seen(own.north_mps)),
        _seen_moving(moving),
    )
    return moving


def _refuse(name: str, column: Floats, wrong: NDArray[np.bool_]) -> None:
    if wrong.any():
        row = int(np.argmax(wrong))
        raise BadInput(f"{column[row]} in row {row} cannot be of an aircraft", field=name)


# Sorting


def _sorted(moving: Moving, demand: vicinity.Demand) -> Sorted:
    """Return the balls of a fleet in order of cubes that suit it."""
    count = len(moving.x_m)
    balls = Balls(*np.empty((6, count)))
    widest_m = vicinity.enclose(_seen_moving(moving), demand, _seen_balls(balls))
    cube_m = np.array([max(vicinity.CUBE_M_MIN, 2.0 * widest_m * (1.0 + 1e-9))])
    while True:
        keys = np.empty(count, np.int64)
        fit = vicinity.assign(_seen_balls(balls), seen(cube_m), seen(keys))
        order = np.argsort(keys, kind="stable")
        keys = keys[order]
        finer_m = 0.5 * cube_m[0]
        if (
            fit < _FEW * count
            or finer_m < vicinity.CUBE_M_MIN
            or len(cube_m) == vicinity.LEVELS_MAX
            or vicinity.crowded(seen(keys)) < _CROWD
        ):
            break
        cube_m = np.concatenate([[finer_m], cube_m])
    first = np.searchsorted(keys, np.arange(len(cube_m) + 1) << 3 * vicinity.BITS)
    return Sorted(
        key=keys,
        row=order.astype(np.int64, copy=False),
        balls=Balls(*(column[order] for column in balls)),
        first=first.astype(np.int64, copy=False),
        cube_m=cube_m,
    )


# What goes out


def _told(moving: Moving, table: Floats, pairs: Ints) -> Encounters:
    order = np.lexsort((pairs[:, 1], pairs[:, 0]))
    ones, others = (np.ascontiguousarray(pairs[order, side]) for side in (0, 1))
    count = len(pairs)
    told = Spans(*np.empty((2, count, len(table))), *np.empty((7, count)))
    if count:
        passing.describe(
            _seen_moving(moving),
            seen(table),
            seen(ones),
            seen(others),
            Spans(*(seen(column) for column in told)),
        )
    return Encounters(ones, others, *told)


def _seen_moving(moving: Moving) -> Moving:
    return Moving(*(seen(column) for column in moving))


def _seen_balls(balls: Balls) -> Balls:
    return Balls(*(seen(column) for column in balls))


def _seen_sorted(held: Sorted) -> Sorted:
    return held._replace(
        key=seen(held.key),
        row=seen(held.row),
        balls=_seen_balls(held.balls),
        first=seen(held.first),
        cube_m=seen(held.cube_m),
    )


def _seen_gathered(out: Gathered) -> Gathered:
    return out._replace(
        pairs=seen(out.pairs),
        excepted=seen(out.excepted),
        numbers=seen(out.numbers),
        runs=seen(out.runs),
    )

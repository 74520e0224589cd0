"""Kernels that find, among many aircraft, the pairs that can come near each other in time.

Each aircraft is a ball in space: about where it will be in the middle of the time that counts, as
large as the way from there to either end and half of what has to be kept. Two whose balls do not
meet need no judging. Balls are sorted into cubes; a ball lies at the level whose cubes are at least
as wide as itself, so what it meets at its own level lies in the cubes around its own, and at a
coarser level in those around the cube that holds its middle. Cubes in space, not of latitude and
longitude: nothing is special at the poles or the 180th meridian.

Keys of cubes are sorted, x last, so the cubes of a row lie side by side and are found by one
search. Who is near in space is told from the ball and from the heights it passes; who is left is
judged.
"""

from math import inf
from typing import NamedTuple

from tansiq.domain.ellipsoid import CURVATURE_MAX
from tansiq.domain.well_clear import Rule
from tansiq.engine.compiled import Floats, Ints, inlined, kernel
from tansiq.engine.passing import BEND, DEPTH_SHARE, PRESSURE_ALLOWANCE_M, Moving, judged

OFFSET_M = 8_000_000.0
"""Makes coordinates positive; nobody is as far from the centre of the earth."""
CUBE_M_MIN = 64.0
LEVELS_MAX = 24
BITS = 19
"""Of a coordinate: more than twice ``OFFSET_M`` over ``CUBE_M_MIN``."""
_Y, _Z, _LEVEL = 1 << BITS, 1 << 2 * BITS, 1 << 3 * BITS
ROWS = 9
SLACK_M = 0.01
"""Far above what lengths and heights are rounded by, far below what matters."""
_CURVED = 2.2 * CURVATURE_MAX * CURVATURE_MAX

# Numbers of a gathering.
FOUND, EXCEPTED, LOOKS, LEFT_OUT = range(4)


class Demand(NamedTuple):
    """What all rules ask for at most."""

    horizon_s: float
    """Of look-ahead and ``tthr_s`` together."""
    lookahead_s: float
    dthr_m: float
    zthr_m: float
    tcoa_s: float
    wide: float
    """Of how many thresholds and errors the violation is away at the horizon; see ``reach_m``."""


class Balls(NamedTuple):
    """Where aircraft may be while it counts."""

    x_m: Floats
    y_m: Floats
    z_m: Floats
    reach_m: Floats
    low_m: Floats
    high_m: Floats


class Sorted(NamedTuple):
    """The same in order of their cubes."""

    key: Ints
    row: Ints
    """Which aircraft."""
    balls: Balls
    first: Ints
    """(levels + 1,): where each level begins."""
    cube_m: Floats
    """(levels,): edges, each twice the one before."""


class Asked(NamedTuple):
    """By what pairs are judged."""

    moving: Moving
    """In order of cubes, so that neighbours lie together in memory."""
    rules: Floats
    most: Rule


class Gathered(NamedTuple):
    """Where pairs go: a row a pair, the lower number first; and the numbers FOUND to LEFT_OUT."""

    pairs: Ints
    excepted: Ints
    numbers: Ints
    looks_max: int
    runs: Ints
    """(ROWS, 2): room to work in."""


def demand_of(rules: Floats) -> Demand:
    """Return the largest of everything; rules as (n, 5), in the order of ``Rule``."""
    dthr, zthr, tthr, tcoa, lookahead = (float(most) for most in rules.max(axis=0))
    horizon_s = float((rules[:, 2] + rules[:, 4]).max())
    return Demand(horizon_s, lookahead, dthr, zthr, tcoa, 1.0 if tthr == 0.0 else 1.4143)


@inlined
def reach_m(speed_mps: float, error_m: float, error_m_max: float, demand: Demand) -> float:
    """Return the radius of a ball: two that violate a rule in time have balls that meet.

    While modified tau counts, the pair is within tthr v + dthr + e ahead and dthr + e aside, hence
    within sqrt(2) (dthr + e) at some time up to the horizon; otherwise within dthr + e. Half of all
    that, and of the error of the plane (``passing``) what this one may add to it; the excess of
    space over plane is at most k**2 / 2 times the cube of both radii together.
    """
    way_m = speed_mps * demand.lookahead_s
    kept_m = demand.wide * (demand.dthr_m + 2.0 * error_m_max)
    far_m = kept_m + 2.0 * speed_mps * demand.horizon_s
    bent_m = 2.0 * BEND * far_m * way_m * way_m
    sunk_m = DEPTH_SHARE * far_m
    near_m = demand.wide * (0.5 * demand.dthr_m + error_m + 1.01 * (bent_m + sunk_m))
    reach = near_m + 0.5 * speed_mps * demand.horizon_s
    return reach + _CURVED * reach * reach * reach + SLACK_M


@kernel
def enclose(moving: Moving, demand: Demand, balls: Balls) -> float:
    """Fill in the balls of all aircraft; return the largest radius."""
    error_m_max = 0.0
    for i in range(len(moving.error_m)):
        error_m_max = max(error_m_max, moving.error_m[i])
    most = 0.0
    middle_s = 0.5 * demand.horizon_s
    for i in range(len(moving.error_m)):
        balls.x_m[i] = moving.x_m[i] + middle_s * moving.u_mps[i]
        balls.y_m[i] = moving.y_m[i] + middle_s * moving.v_mps[i]
        balls.z_m[i] = moving.z_m[i] + middle_s * moving.w_mps[i]
        balls.reach_m[i] = reach_m(moving.speed_mps[i], moving.error_m[i], error_m_max, demand)
        most = max(most, balls.reach_m[i])
        balls.low_m[i], balls.high_m[i] = _heights(moving, i, demand)
    return most


@inlined
def _heights(moving: Moving, i: int, demand: Demand) -> tuple[float, float]:
    """Return the heights that count, by pressure and by height at once: either may be compared."""
    pressure_m, height_m = moving.pressure_m[i], moving.height_m[i]
    error_m = moving.height_error_m[i]
    if height_m != height_m:  # NaN: nobody's height can be compared, unless both have a pressure.
        return -inf, inf
    low, high = height_m - error_m, height_m + error_m
    if pressure_m == pressure_m:
        low = min(low, pressure_m - 0.5 * PRESSURE_ALLOWANCE_M)
        high = max(high, pressure_m + 0.5 * PRESSURE_ALLOWANCE_M)
    climb = moving.climb_mps[i]
    kept_m = 0.5 * demand.zthr_m + demand.tcoa_s * abs(climb) + SLACK_M
    way_m = climb * demand.lookahead_s
    return low + min(0.0, way_m) - kept_m, high + max(0.0, way_m) + kept_m


@kernel
def assign(balls: Balls, cube_m: Floats, keys: Ints) -> int:
    """Fill in the keys of the cubes; return how many would fit cubes half as wide as the finest."""
    fit = 0
    for i in range(len(keys)):
        reach = balls.reach_m[i]
        if 4.0 * reach <= cube_m[0]:
            fit += 1
        level = 0
        while level < len(cube_m) - 1 and 2.0 * reach > cube_m[level]:
            level += 1
        edge = cube_m[level]
        x, y, z = _place(balls, i, edge)
        keys[i] = level * _LEVEL + z * _Z + y * _Y + x
    return fit


@inlined
def _cube(at_m: float, edge_m: float) -> int:
    return int((at_m + OFFSET_M) / edge_m) + 1


@inlined
def _place(balls: Balls, e: int, edge_m: float) -> tuple[int, int, int]:
    return _cube(balls.x_m[e], edge_m), _cube(balls.y_m[e], edge_m), _cube(balls.z_m[e], edge_m)


@kernel
def crowded(keys: Ints) -> float:
    """Return how many stand in the finest cube of one that stands there, itself included."""
    count, squares, e = 0, 0.0, 0
    while e < len(keys) and keys[e] < _LEVEL:
        end = e + 1
        while end < len(keys) and keys[end] == keys[e]:
            end += 1
        squares += float(end - e) * float(end - e)
        count += end - e
        e = end
    return squares / count if count else 0.0


@inlined
def _search(keys: Ints, key: int, low: int, high: int) -> int:
    """Return the first place from ``low`` to ``high`` that holds ``key`` or more."""
    while low < high:
        middle = (low + high) >> 1
        if keys[middle] < key:
            low = middle + 1
        else:
            high = middle
    return low


@inlined
def _look(some: tuple[int, int], count: int, held: Sorted, asked: Asked, out: Gathered) -> bool:
    """Hold some, from one to before another, against so many runs of those after them; report
    whether there was room for what was found.

    Many at once: what is handed over is dear beside one look.
    """
    balls, numbers, runs = held.balls, out.numbers, out.runs
    lows, highs, xs, ys, zs = balls.low_m, balls.high_m, balls.x_m, balls.y_m, balls.z_m
    for e in range(some[0], some[1]):
        x, y, z, reach, low, high = xs[e], ys[e], zs[e], balls.reach_m[e], lows[e], highs[e]
        for k in range(count):
            begin, end = max(e + 1, runs[k, 0]), runs[k, 1]
            numbers[LOOKS] += end - begin
            for f in range(begin, end):
                if lows[f] > high or highs[f] < low:
                    continue
                dx, dy, dz = xs[f] - x, ys[f] - y, zs[f] - z
                both = balls.reach_m[f] + reach
                if dx * dx + dy * dy + dz * dz > both * both:
                    continue
                if judged(asked.moving, asked.rules, asked.most, e, f) and not _put(
                    e, f, held.row, asked.moving.group, out
                ):
                    return False
        if numbers[LOOKS] > out.looks_max:
            return False
    return True


@inlined
def _put(e: int, f: int, row: Ints, group: Ints, out: Gathered) -> bool:
    """Write down a pair; report whether there was room."""
    numbers, i, j = out.numbers, min(row[e], row[f]), max(row[e], row[f])
    if group[e] >= 0 and group[e] == group[f]:
        # These must not take the room of the others, nor end the search.
        if numbers[EXCEPTED] == len(out.excepted):
            numbers[LEFT_OUT] += 1
            return True
        out.excepted[numbers[EXCEPTED], 0] = i
        out.excepted[numbers[EXCEPTED], 1] = j
        numbers[EXCEPTED] += 1
        return True
    if numbers[FOUND] == len(out.pairs):
        return False
    out.pairs[numbers[FOUND], 0] = i
    out.pairs[numbers[FOUND], 1] = j
    numbers[FOUND] += 1
    return True


@inlined
def _rows_beside(held: Sorted, level: int, e: int, runs: Ints) -> int:
    """Find the rows of cubes from that of ``e`` on at its own level; return how many have some."""
    key, end = held.key[e], held.first[level + 1]
    place = _search(held.key, key + 2, e, end)
    runs[0, 0], runs[0, 1] = e, place
    count = 1
    for dz in range(2):
        for dy in range(-1, 2):
            if dz == 0 and dy < 1:
                continue
            row = key + dz * _Z + dy * _Y
            place = _search(held.key, row - 1, place, end)
            after = _search(held.key, row + 2, place, end)
            if after > place:
                runs[count, 0], runs[count, 1] = place, after
                count += 1
    return count


@inlined
def _rows_around(held: Sorted, level: int, at: tuple[int, int, int], runs: Ints) -> int:
    """Find the rows of cubes around one of a level; return how many have some."""
    place, end = held.first[level], held.first[level + 1]
    (x, y, z), count = at, 0
    for dz in range(-1, 2):
        for dy in range(-1, 2):
            row = level * _LEVEL + (z + dz) * _Z + (y + dy) * _Y + x
            place = _search(held.key, row - 1, place, end)
            after = _search(held.key, row + 2, place, end)
            if after > place:
                runs[count, 0], runs[count, 1] = place, after
                count += 1
    return count


@kernel
def gather(held: Sorted, asked: Asked, out: Gathered) -> bool:
    """Find all pairs that violate a rule in time, each once; report whether all were looked at.

    It ends early only where ``out`` has no room for another pair, or after ``looks_max`` looks.
    """
    for level in range(len(held.cube_m)):
        if not _within_level(held, level, asked, out):
            return False
        for coarser in range(level + 1, len(held.cube_m)):
            if held.first[coarser] < held.first[coarser + 1] and not _between_levels(
                held, level, coarser, asked, out
            ):
                return False
    return True


@kernel
def _within_level(held: Sorted, level: int, asked: Asked, out: Gathered) -> bool:
    e, end = held.first[level], held.first[level + 1]
    while e < end:
        after = e + 1
        while after < end and held.key[after] == held.key[e]:
            after += 1
        count = _rows_beside(held, level, e, out.runs)
        if not _look((e, after), count, held, asked, out):
            return False
        e = after
    return True


@kernel
def _between_levels(held: Sorted, level: int, coarser: int, asked: Asked, out: Gathered) -> bool:
    edge = held.cube_m[coarser]
    e, end = held.first[level], held.first[level + 1]
    while e < end:
        at = _place(held.balls, e, edge)
        after = e + 1
        while after < end and _place(held.balls, after, edge) == at:
            after += 1
        count = _rows_around(held, coarser, at, out.runs)
        if not _look((e, after), count, held, asked, out):
            return False
        e = after
    return True

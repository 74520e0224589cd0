"""Kernels of two aircraft that pass: where both are in space, and what a rule says of the pair.

Places and velocities are vectors in space (ECEF), so that there is no special case at the poles or
the 180th meridian. A pair is judged in the plane that touches the ellipsoid between the two, at
the normal of the ray through the middle of their chord. The chord lies in that plane (for two
points p, q of a quadric x'Ax = 1, (p - q)'A(p + q) = 0), so only the velocities are projected.

True is: each goes on along its geodesic at constant speed, and the separation is the length of the
geodesic between them. The plane errs in two ways, both known:

- The path of an aircraft leaves its straight line by at most half its acceleration across the
  normal times t**2: the normal turns by at most ``CURVATURE_MAX`` a metre, hence by no more than
  k**2 (s/2 + d) d**2 / 2 for k the curvature, s the chord and d the longer way flown. The sum for
  both is added to the errors of the positions: 5 m for two at 250 m/s, 100 km apart, in 180 s; a
  micrometre for drones.
- In the plane two points are no further apart than on the ellipsoid. That side is safe; it is less
  than 1e-4 of the separation within 90 km of the middle.

Speeds are those over the ellipsoid. Who flies h metres above it covers h / R less (0.2 % at 12 km),
which makes what is foreseen early, never late. Below it, by at most ``DEPTH_M``, the difference is
added to the errors.
"""

from math import inf, nan, sqrt
from typing import NamedTuple

from tansiq.domain import well_clear
from tansiq.domain.ellipsoid import CURVATURE_MAX, SEMI_MAJOR_M, SEMI_MINOR_M
from tansiq.domain.well_clear import Flat, Rule
from tansiq.engine.compiled import Floats, Ints, inlined, kernel
from tansiq.engine.earth import Vector, arc_m, ecef, sin_cos

PRESSURE_ALLOWANCE_M = 12.5
"""Added to the difference of two pressure altitudes: 7.6 m because each is told in steps of 25 ft,
the rest for the altimeters. Not their whole tolerance (75 m), with which everybody who rightly
keeps 500 ft would be within 450 ft. Weather does not count: it moves both alike."""
DEPTH_M = 500.0
"""No aircraft is lower below the ellipsoid."""
DEPTH_SHARE = DEPTH_M / SEMI_MINOR_M
BEND = 0.5 * CURVATURE_MAX * CURVATURE_MAX * 1.01
"""The hundredth: a chord is shorter than its arc, and lengths are rounded."""

_PER_A2 = 1.0 / SEMI_MAJOR_M**2
_PER_B2 = 1.0 / SEMI_MINOR_M**2

horizontal_span = inlined(well_clear.horizontal_span)
vertical_span = inlined(well_clear.vertical_span)
closest_s = inlined(well_clear.closest_s)


class Moving(NamedTuple):
    """A fleet as kernels take it: a row an aircraft."""

    x_m: Floats
    y_m: Floats
    z_m: Floats
    u_mps: Floats
    v_mps: Floats
    w_mps: Floats
    speed_mps: Floats
    error_m: Floats
    climb_mps: Floats
    pressure_m: Floats
    """NaN where not known."""
    height_m: Floats
    """NaN where not known."""
    height_error_m: Floats
    group: Ints


class Pair(NamedTuple):
    """Two aircraft in the plane between them, as vectors in space: the first less the second."""

    x_m: float
    y_m: float
    z_m: float
    u_mps: float
    v_mps: float
    w_mps: float
    up_m: float
    up_mps: float
    horizontal_error_m: float
    vertical_error_m: float
    """Infinite if nothing is known of one's height."""


class Spans(NamedTuple):
    """What is told of the pairs that were found: a row a pair."""

    t_in_s: Floats
    """(n, rules)"""
    t_out_s: Floats
    t_cpa_s: Floats
    d_cpa_m: Floats
    dz_cpa_m: Floats
    d_now_m: Floats
    dz_now_m: Floats
    horizontal_error_m: Floats
    vertical_error_m: Floats


@kernel
def place(
    lat_deg: Floats, lng_deg: Floats, east_mps: Floats, north_mps: Floats, moving: Moving
) -> None:
    """Fill in places and velocities in space."""
    for i in range(len(lat_deg)):
        at = ecef(lat_deg[i], lng_deg[i])
        sin_lat, cos_lat = sin_cos(lat_deg[i])
        sin_lng, cos_lng = sin_cos(lng_deg[i])
        east, north = east_mps[i], north_mps[i]
        moving.x_m[i], moving.y_m[i], moving.z_m[i] = at.x, at.y, at.z
        moving.u_mps[i] = -sin_lng * east - sin_lat * cos_lng * north
        moving.v_mps[i] = cos_lng * east - sin_lat * sin_lng * north
        moving.w_mps[i] = cos_lat * north
        moving.speed_mps[i] = sqrt(east * east + north * north)


@inlined
def pair_of(moving: Moving, i: int, j: int) -> Pair:
    """Return two aircraft in the plane between them; the same to the bit either way round."""
    nx = (moving.x_m[i] + moving.x_m[j]) * _PER_A2
    ny = (moving.y_m[i] + moving.y_m[j]) * _PER_A2
    nz = (moving.z_m[i] + moving.z_m[j]) * _PER_B2
    squared = nx * nx + ny * ny + nz * nz
    u = moving.u_mps[i] - moving.u_mps[j]
    v = moving.v_mps[i] - moving.v_mps[j]
    w = moving.w_mps[i] - moving.w_mps[j]
    out = 0.0
    if squared > 0.0:  # Between antipodes there is no plane; they are out of every reach.
        out = (u * nx + v * ny + w * nz) / squared
    up_m = moving.pressure_m[i] - moving.pressure_m[j]
    vertical_error_m = PRESSURE_ALLOWANCE_M
    if up_m != up_m:  # NaN: one has no pressure altitude.
        up_m = moving.height_m[i] - moving.height_m[j]
        vertical_error_m = moving.height_error_m[i] + moving.height_error_m[j]
    if up_m != up_m:
        vertical_error_m = inf
    return Pair(
        moving.x_m[i] - moving.x_m[j],
        moving.y_m[i] - moving.y_m[j],
        moving.z_m[i] - moving.z_m[j],
        u - out * nx,
        v - out * ny,
        w - out * nz,
        up_m,
        moving.climb_mps[i] - moving.climb_mps[j],
        moving.error_m[i] + moving.error_m[j],
        vertical_error_m,
    )


@inlined
def flat_of(pair: Pair) -> Flat:
    """Return what counts of a pair horizontally."""
    x, y, z, u, v, w = pair.x_m, pair.y_m, pair.z_m, pair.u_mps, pair.v_mps, pair.w_mps
    a, b, c = y * w - z * v, z * u - x * w, x * v - y * u
    return Flat(
        x * x + y * y + z * z,
        x * u + y * v + z * w,
        u * u + v * v + w * w,
        a * a + b * b + c * c,
    )


@inlined
def plane_error_m(chord_m: float, one_m: float, other_m: float) -> float:
    """Return how far apart the plane may wrongly show two that go so far."""
    longest_m = max(one_m, other_m)
    bent_m = BEND * (0.5 * chord_m + longest_m) * (one_m * one_m + other_m * other_m)
    return bent_m + DEPTH_SHARE * chord_m


@inlined
def rule_of(rules: Floats, k: int) -> Rule:
    """Return a rule of the table."""
    return Rule(rules[k, 0], rules[k, 1], rules[k, 2], rules[k, 3], rules[k, 4])


@inlined
def above(pair: Pair, rule: Rule) -> tuple[float, float]:
    """Return the vertical span, all of it where nothing is known."""
    if pair.vertical_error_m == inf:
        return 0.0, rule.lookahead_s
    return vertical_span(pair.up_m, pair.up_mps, rule, pair.vertical_error_m)


@inlined
def span(
    pair: Pair, flat: Flat, rule: Rule, one_mps: float, other_mps: float
) -> tuple[float, float]:
    """Return from when to when a rule is violated by a pair; the end before the start if never."""
    first = above(pair, rule)
    if first[0] > first[1]:
        return first
    bent_m = plane_error_m(sqrt(flat.ss), one_mps * rule.lookahead_s, other_mps * rule.lookahead_s)
    second = horizontal_span(flat, rule, pair.horizontal_error_m + bent_m)
    return max(first[0], second[0]), min(first[1], second[1])


@inlined
def judged(moving: Moving, rules: Floats, most: Rule, i: int, j: int) -> bool:
    """Report whether any rule is violated by a pair within its look-ahead.

    ``most`` has the largest of each threshold: who passes further off violates none.
    """
    pair = pair_of(moving, i, j)
    flat = flat_of(pair)
    one_mps, other_mps = moving.speed_mps[i], moving.speed_mps[j]
    near_m = most.dthr_m + pair.horizontal_error_m
    near_m += plane_error_m(sqrt(flat.ss), one_mps * most.lookahead_s, other_mps * most.lookahead_s)
    limit = near_m * near_m
    if flat.ss > limit and (flat.sv >= 0.0 or flat.cross > flat.vv * limit):
        return False
    for k in range(len(rules)):
        found = span(pair, flat, rule_of(rules, k), one_mps, other_mps)
        if found[0] <= found[1]:
            return True
    return False


@kernel
def describe(moving: Moving, rules: Floats, ones: Ints, others: Ints, told: Spans) -> None:
    """Tell everything about pairs that were found."""
    longest_s = 0.0
    for k in range(len(rules)):
        longest_s = max(longest_s, rules[k, 4])
    for n in range(len(ones)):
        i, j = ones[n], others[n]
        pair = pair_of(moving, i, j)
        flat = flat_of(pair)
        for k in range(len(rules)):
            rule = rule_of(rules, k)
            start, end = span(pair, flat, rule, moving.speed_mps[i], moving.speed_mps[j])
            told.t_in_s[n, k] = start if start <= end else nan
            told.t_out_s[n, k] = end if start <= end else nan
        t_s = closest_s(flat, longest_s)
        x_m = pair.x_m + t_s * pair.u_mps
        y_m = pair.y_m + t_s * pair.v_mps
        z_m = pair.z_m + t_s * pair.w_mps
        told.t_cpa_s[n] = t_s
        told.d_cpa_m[n] = sqrt(x_m * x_m + y_m * y_m + z_m * z_m)
        told.dz_cpa_m[n] = pair.up_m + t_s * pair.up_mps
        told.d_now_m[n] = arc_m(
            Vector(moving.x_m[i], moving.y_m[i], moving.z_m[i]),
            Vector(moving.x_m[j], moving.y_m[j], moving.z_m[j]),
        )
        told.dz_now_m[n] = pair.up_m
        told.horizontal_error_m[n] = pair.horizontal_error_m
        told.vertical_error_m[n] = pair.vertical_error_m

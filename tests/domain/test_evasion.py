"""Ways out of a predicted loss: each is flown step by step by another hand, and must end it."""

import math
from random import Random

import pytest

from tansiq.domain.evasion import (
    REACTION_S,
    TURN_DEG_PER_S,
    Errors,
    Manoeuvre,
    Velocity,
    WayOut,
    ways_out,
)
from tansiq.domain.well_clear import EN_ROUTE, Relative, Rule, Thresholds

NONE = Errors()
BALL = Thresholds(dthr_m=500.0, zthr_m=100.0)
MINUTE = BALL.within(60.0)
EAST = Velocity(50.0, 0.0, 0.0)


def relative(*values: float) -> Relative:
    x, y, z, u, v, w = values
    return Relative(east_m=x, north_m=y, up_m=z, east_mps=u, north_mps=v, up_mps=w)


def kinds(found: tuple[WayOut, ...]) -> set[Manoeuvre]:
    return {way.manoeuvre for way in found}


def test_nothing_is_suggested_where_nothing_is_foreseen() -> None:
    assert ways_out(relative(-3_000.0, 501.0, 0, 100, 0, 0), EAST, [MINUTE], NONE) == ()
    assert ways_out(relative(0, 0, 0, 0, 0, 0), EAST, [], NONE) == ()


def test_head_on_every_way_is_open_and_the_smallest_comes_first() -> None:
    found = ways_out(relative(-6_000.0, 0, 0, 100, 0, 0), EAST, [BALL.within(120.0)], NONE)
    assert kinds(found) == set(Manoeuvre)
    assert all(way.until_s == 0.0 for way in found)
    assert [way.manoeuvre for way in found[:2]] == [Manoeuvre.CLIMB, Manoeuvre.DESCEND]


def test_the_own_side_of_a_passing_is_told() -> None:
    """The intruder comes head on, 300 m to the left: to go right is enough, left is not."""
    # Own flies east, at the origin; the intruder is ahead and to the north, its left.
    found = ways_out(relative(-2_400.0, -300.0, 0, 100, 0, 0), EAST, [MINUTE], NONE)
    assert WayOut(manoeuvre=Manoeuvre.TURN_RIGHT, by=30.0, until_s=0.0) in found
    assert Manoeuvre.TURN_LEFT not in {way.manoeuvre for way in found if way.by == 30.0}


def test_away_from_an_intruder_above() -> None:
    found = ways_out(relative(-2_000.0, 0, -60.0, 100, 0, 0), EAST, [MINUTE], NONE)
    assert Manoeuvre.DESCEND in kinds(found)
    assert Manoeuvre.CLIMB not in kinds(found)


def test_there_may_be_no_way() -> None:
    assert ways_out(relative(-600.0, 0, 0, 100, 0, 0), EAST, [MINUTE], NONE) == ()
    soon = BALL.within(REACTION_S)
    assert ways_out(relative(-600.0, 0, 0, 100, 0, 0), EAST, [soon], NONE) == ()


def test_what_has_begun_is_ended_sooner() -> None:
    found = ways_out(relative(-400.0, 0, 0, 20, 0, 0), EAST, [MINUTE], NONE)
    assert found
    assert all(0.0 < way.until_s < 45.0 for way in found)  # Straight on it takes 45 s.
    assert [way.until_s for way in found] == sorted(way.until_s for way in found)


def test_errors_ask_for_more() -> None:
    near = relative(-4_000.0, 0, 0, 100, 0, 0)
    exact = ways_out(near, EAST, [MINUTE], NONE)
    rough = ways_out(near, EAST, [MINUTE], Errors(horizontal_m=300.0, vertical_m=40.0))
    assert set(rough) < set(exact)


def flown(way: WayOut, own: Velocity, t_s: float) -> Velocity:
    """Return the velocity at a time, by the definition of the manoeuvre."""
    since_s = t_s - REACTION_S
    if since_s < 0.0:
        return own
    if way.manoeuvre in (Manoeuvre.CLIMB, Manoeuvre.DESCEND):
        sign = 1.0 if way.manoeuvre is Manoeuvre.CLIMB else -1.0
        return own._replace(up_mps=own.up_mps + sign * way.by)
    sign = 1.0 if way.manoeuvre is Manoeuvre.TURN_RIGHT else -1.0
    track = math.atan2(own.east_mps, own.north_mps)
    track += sign * math.radians(min(way.by, TURN_DEG_PER_S * since_s))
    speed = math.hypot(own.east_mps, own.north_mps)
    return Velocity(speed * math.sin(track), speed * math.cos(track), own.up_mps)


def nearest(seen: Relative, own: Velocity, way: WayOut, rule: Rule) -> float:
    """Return the least range while the heights are within the rule, from ``until_s`` on."""
    step_s, x, y, z, least = 0.01, seen.east_m, seen.north_m, seen.up_m, math.inf
    for k in range(round(rule.lookahead_s / step_s)):
        now = flown(way, own, (k + 0.5) * step_s)
        x += step_s * (seen.east_mps + now.east_mps - own.east_mps)
        y += step_s * (seen.north_mps + now.north_mps - own.north_mps)
        z += step_s * (seen.up_mps + now.up_mps - own.up_mps)
        if (k + 1) * step_s > way.until_s and abs(z) <= rule.zthr_m:
            least = min(least, math.hypot(x, y))
    return least


def test_what_is_suggested_ends_the_loss_when_it_is_flown() -> None:
    random, tried = Random(6), 0
    for _ in range(60):
        own = Velocity(random.uniform(-60, 60), random.uniform(-60, 60), random.choice([0.0, 2.0]))
        u, v, when_s = random.uniform(-90, 90), random.uniform(-90, 90), random.uniform(20, 50)
        seen = relative(
            random.gauss(0, 200) - u * when_s, random.gauss(0, 200) - v * when_s, 40.0, u, v, -1.0
        )
        for way in ways_out(seen, own, [MINUTE], NONE)[:3]:
            tried += 1
            assert nearest(seen, own, way, MINUTE) > MINUTE.dthr_m - 1.5
    assert tried > 50


@pytest.mark.parametrize("lookahead_s", [55.0, 180.0])
def test_modified_tau_is_ended_too(lookahead_s: float) -> None:
    rule = EN_ROUTE.within(lookahead_s)
    seen = relative(-12_500.0, 0, 0, 150, 0, 0)
    found = ways_out(seen, Velocity(75.0, 0.0, 0.0), [rule], NONE)
    assert found
    for way in found:
        assert nearest(seen, Velocity(75.0, 0.0, 0.0), way, rule) > rule.dthr_m - 1.5

"""Two at the very edge of what a rule foresees have balls that meet, and heights that do."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from fleets import GEOD

from tansiq.domain.well_clear import Rule, Thresholds
from tansiq.engine import vicinity
from tansiq.engine.compiled import Floats
from tansiq.engine.encounters import NO_GROUP, Fleet, find

INSIDE = 0.99999
RULES = [
    Thresholds(dthr_m=200.0, zthr_m=50.0).within(60.0),
    Thresholds(dthr_m=200.0, zthr_m=50.0).within(0.0),
    Thresholds(dthr_m=200.0, zthr_m=50.0, tthr_s=35.0).within(60.0),
    Thresholds(dthr_m=2_000.0, zthr_m=50.0, tthr_s=35.0, tcoa_s=20.0).within(5.0),
    Thresholds(dthr_m=1.0, zthr_m=0.0, tcoa_s=120.0).within(600.0),
]


def at_the_edge(random: np.random.Generator, rule: Rule) -> Fleet:
    """Return two that come head on, for whom the violation begins as the look-ahead ends."""
    speed_mps, error_m = random.choice([0.0, 5.0, 150.0]), random.choice([0.0, 20.0, 300.0])
    climb_mps, height_error_m = random.choice([0.0, 10.0]), random.choice([0.0, 100.0])
    closing_mps, both_m = 2 * speed_mps, 2 * error_m
    # Each as much of the limit as the other leaves.
    near_m = rule.dthr_m + both_m
    aside_m = near_m * random.choice([0.0, 0.5, 0.999])
    ahead_m = math.sqrt(near_m**2 - aside_m**2)
    if closing_mps > 0.0:
        half_m = 0.5 * rule.tthr_s * closing_mps
        disc_m = math.sqrt(rule.dthr_m**2 + half_m**2) + both_m
        ahead_m = half_m + math.sqrt(disc_m**2 - aside_m**2)
    ahead_m = INSIDE * ahead_m + closing_mps * rule.lookahead_s
    below_m = 2 * height_error_m + max(rule.zthr_m, rule.tcoa_s * 2 * climb_mps)
    below_m = INSIDE * below_m + 2 * climb_mps * rule.lookahead_s
    # The first flies to azimuth 50 from here; the other is ahead, to the right, and comes back.
    lng, lat, back = GEOD.fwd(7.0, 45.0, 50.0, ahead_m)
    side_lng, side_lat, _ = GEOD.fwd(lng, lat, back - 90.0, aside_m * INSIDE)
    tracks = np.radians([50.0, back])
    return Fleet(
        lat_deg=np.array([45.0, side_lat]),
        lng_deg=np.array([7.0, side_lng]),
        geometric_m=np.array([0.0, below_m]),
        geometric_error_m=np.full(2, height_error_m),
        pressure_m=np.full(2, np.nan),
        east_mps=speed_mps * np.sin(tracks),
        north_mps=speed_mps * np.cos(tracks),
        climb_mps=np.array([climb_mps, -climb_mps]),
        horizontal_error_m=np.full(2, error_m),
        group=np.full(2, NO_GROUP, np.int64),
    )


def missed(rule: Rule) -> int:
    random = np.random.default_rng(3)
    return sum(not len(find(at_the_edge(random, rule), [rule]).encounters.i) for _ in range(300))


@pytest.mark.parametrize("rule", RULES)
def test_nobody_at_the_edge_is_overlooked(rule: Rule) -> None:
    assert missed(rule) == 0


@pytest.mark.parametrize(
    "lax",
    [
        lambda demand: demand._replace(horizon_s=0.97 * demand.horizon_s),
        lambda demand: demand._replace(horizon_s=demand.lookahead_s),
        lambda demand: demand._replace(lookahead_s=0.97 * demand.lookahead_s),
        lambda demand: demand._replace(dthr_m=0.97 * demand.dthr_m),
        lambda demand: demand._replace(zthr_m=0.97 * demand.zthr_m),
        lambda demand: demand._replace(tcoa_s=0.0),
    ],
)
def test_a_demand_that_is_a_little_less_overlooks_some(
    lax: Callable[[vicinity.Demand], vicinity.Demand], monkeypatch: pytest.MonkeyPatch
) -> None:
    true = vicinity.demand_of

    def less(rules: Floats) -> vicinity.Demand:
        return lax(true(rules))

    monkeypatch.setattr(vicinity, "demand_of", less)
    assert sum(missed(rule) for rule in RULES) > 0

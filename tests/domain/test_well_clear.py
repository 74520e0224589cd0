"""Well clear: against another program's answers, against the rule as written, and at each bound."""

import csv
import math
from dataclasses import astuple, replace
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest

from tansiq.domain import well_clear
from tansiq.domain.agreement import NO_MINIMA, Minima
from tansiq.domain.well_clear import (
    EN_ROUTE,
    EN_ROUTE_PREVENTIVE,
    NON_COOPERATIVE,
    TERMINAL,
    Relative,
    Rule,
    Thresholds,
    closest,
    violated,
    violation,
)
from tansiq.errors import BadInput

VECTORS = Path(__file__).parent.parent / "data" / "daidalus_vectors.csv"
CYLINDER = Thresholds(dthr_m=5 * 1_852.0, zthr_m=304.8)
VOLUMES = {"p1": EN_ROUTE, "nc": NON_COOPERATIVE, "cyl": CYLINDER}
TIME_S = 1e-4


def relative(*values: float) -> Relative:
    x, y, z, u, v, w = values
    return Relative(east_m=x, north_m=y, up_m=z, east_mps=u, north_mps=v, up_mps=w)


def turned(found: Relative) -> Relative:
    """The intruder's view."""
    return relative(*(-value for value in astuple(found)))


# Another program


def disagreements(volumes: dict[str, Thresholds]) -> tuple[int, int, float]:
    """Return how many decisions there are, how many differ, and the worst difference of time."""
    compared, differ, worst_s = 0, 0, 0.0
    with VECTORS.open() as file:
        for row in csv.DictReader(file):
            seen = relative(*(float(row[name]) for name in ("sx", "sy", "sz", "vx", "vy", "vz")))
            for name, thresholds in volumes.items():
                found = violation(seen, thresholds.within(180.0))
                compared += 1
                if (found is not None) != (row[f"{name}_in"] != ""):
                    differ += 1
                elif found is not None:
                    told = float(row[f"{name}_in"]), float(row[f"{name}_out"])
                    worst_s = max(worst_s, abs(found[0] - told[0]), abs(found[1] - told[1]))
    return compared, differ, worst_s


def test_daidalus_decides_a_thousand_encounters_alike() -> None:
    compared, differ, worst_s = disagreements(VOLUMES)
    assert (compared, differ) == (3_000, 0)
    assert worst_s < TIME_S


@pytest.mark.parametrize(
    "wrong",
    [
        {"p1": replace(EN_ROUTE, dthr_m=4_000 * 0.3048)},
        {"p1": replace(EN_ROUTE, tthr_s=34.9)},
        {"nc": replace(NON_COOPERATIVE, zthr_m=449 * 0.3048)},
    ],
)
def test_thresholds_that_are_a_little_off_are_caught(wrong: dict[str, Thresholds]) -> None:
    _, differ, worst_s = disagreements(wrong)
    assert differ > 0 or worst_s > 100 * TIME_S


def test_thresholds_are_those_of_the_public_configuration() -> None:
    assert EN_ROUTE.dthr_m / 0.3048 == pytest.approx(4_010.2, abs=0.05)
    assert replace(EN_ROUTE, zthr_m=700 * 0.3048) == EN_ROUTE_PREVENTIVE
    assert (TERMINAL.dthr_m, TERMINAL.zthr_m) == (1_500 * 0.3048, 450 * 0.3048)
    assert (TERMINAL.tthr_s, TERMINAL.tcoa_s, EN_ROUTE.tcoa_s) == (0.0, 0.0, 0.0)


# The rule as written


def violated_as_written(seen: Relative, thresholds: Thresholds) -> bool:
    """The rule for one moment, with its divisions, by nothing of the module."""
    x, y, z, u, v, w = astuple(seen)
    ss, sv, vv = x * x + y * y, x * u + y * v, u * u + v * v
    across = math.hypot(x, y) <= thresholds.dthr_m
    if not across and sv < 0.0:
        t_s = -sv / vv
        passing_m = math.hypot(x + t_s * u, y + t_s * v)
        tau_s = (thresholds.dthr_m**2 - ss) / sv
        across = passing_m <= thresholds.dthr_m and tau_s <= thresholds.tthr_s
    above = abs(z) <= thresholds.zthr_m
    if not above and z * w < 0.0:
        above = -z / w <= thresholds.tcoa_s
    return across and above


def moved(seen: Relative, t_s: float) -> Relative:
    x, y, z, u, v, w = astuple(seen)
    return relative(x + t_s * u, y + t_s * v, z + t_s * w, u, v, w)


def some(random: Random) -> tuple[Relative, Thresholds]:
    """Return an encounter that a rule is likely to concern, at some time."""
    thresholds = Thresholds(
        dthr_m=random.choice([0.0, 50.0, 500.0, 1_222.0, 1_222.0]),
        zthr_m=random.choice([0.0, 20.0, 137.0, 137.0]),
        tthr_s=random.choice([0.0, 5.0, 35.0]),
        tcoa_s=random.choice([0.0, 3.0, 20.0, 40.0]),
    )
    u, v = random.uniform(-200, 200), random.uniform(-200, 200)
    w = random.choice([0.0, random.uniform(-15, 15)])
    if random.random() < 0.05:
        u = v = 0.0
    when_s = random.uniform(-30.0, 130.0)
    x = random.gauss(0.0, 0.8 * thresholds.dthr_m + 1.0) - u * when_s
    y = random.gauss(0.0, 0.8 * thresholds.dthr_m + 1.0) - v * when_s
    z = random.gauss(0.0, 0.8 * thresholds.zthr_m + 1.0) - w * when_s
    return relative(x, y, z, u, v, w), thresholds


@pytest.mark.parametrize("pairs", [300, pytest.param(3_000, marks=pytest.mark.soak)])
def test_spans_are_those_of_the_rule_asked_moment_by_moment(pairs: int) -> None:
    random, step_s, foreseen, by_tcoa = Random(1), 0.05, 0, 0
    for _ in range(pairs):
        seen, thresholds = some(random)
        found = violation(seen, thresholds.within(100.0))
        start_s, end_s = found or well_clear.NEVER
        foreseen += found is not None
        for k in range(2_001):
            t_s = k * step_s
            if abs(t_s - start_s) < 1e-6 or abs(t_s - end_s) < 1e-6:
                continue
            expected = violated_as_written(moved(seen, t_s), thresholds)
            assert expected == (start_s <= t_s <= end_s), (seen, thresholds, t_s)
            by_tcoa += expected and abs(seen.up_m + t_s * seen.up_mps) > thresholds.zthr_m
    assert foreseen > pairs // 4
    assert by_tcoa > pairs // 2


def test_now_is_the_rule_at_this_moment() -> None:
    random, yes = Random(2), 0
    for _ in range(20_000):
        seen, thresholds = some(random)
        seen = moved(seen, random.uniform(0.0, 130.0))
        assert violated(seen, thresholds) == violated_as_written(seen, thresholds)
        yes += violated(seen, thresholds)
    assert yes > 500


def test_either_aircraft_foresees_the_same_to_the_bit() -> None:
    random = Random(3)
    for _ in range(2_000):
        seen, thresholds = some(random)
        rule = thresholds.within(120.0)
        error_m = random.choice([0.0, 30.0])
        assert violation(seen, rule, horizontal_error_m=error_m) == violation(
            turned(seen), rule, horizontal_error_m=error_m
        )
        here, there = closest(seen, 120.0), closest(turned(seen), 120.0)
        assert here[:2] == there[:2]
        assert here.dz_cpa_m == -there.dz_cpa_m


# Errors


def test_whatever_an_error_allows_is_foreseen() -> None:
    """Shifted by any error within the bound, nothing is violated that was not foreseen."""
    random, caught = Random(4), 0
    for _ in range(4_000):
        seen, thresholds = some(random)
        rule, across_m, above_m = thresholds.within(100.0), random.uniform(0, 300), 40.0
        found = violation(seen, rule, horizontal_error_m=across_m, vertical_error_m=above_m)
        start_s, end_s = found or well_clear.NEVER
        for _ in range(5):
            turn, off_m = random.uniform(0, 2 * math.pi), across_m * random.choice([1.0, 0.7])
            shifted = replace(
                seen,
                east_m=seen.east_m + off_m * math.cos(turn),
                north_m=seen.north_m + off_m * math.sin(turn),
                up_m=seen.up_m + random.uniform(-above_m, above_m),
            )
            possible = violation(shifted, rule)
            if possible is not None:
                assert start_s <= possible.start_s + 1e-9
                assert end_s >= possible.end_s - 1e-9
                caught += violation(seen, rule) is None
    assert caught > 100


def test_grown_thresholds_alone_would_miss_what_errors_allow() -> None:
    """Modified tau does not grow with the threshold as it does with an error."""
    seen = relative(-11_000.0, 0.0, 0.0, 250.0, 0.0, 0.0)
    close = relative(-10_500.0, 0.0, 0.0, 250.0, 0.0, 0.0)
    grown = replace(EN_ROUTE, dthr_m=EN_ROUTE.dthr_m + 500.0)
    first = violation(close, EN_ROUTE.within(180.0))
    erring = violation(seen, EN_ROUTE.within(180.0), horizontal_error_m=500.0)
    larger = violation(seen, grown.within(180.0))
    assert first is not None
    assert erring is not None
    assert larger is not None
    assert erring.start_s == pytest.approx(first.start_s, abs=1e-9)
    assert larger.start_s > first.start_s + 0.5


def test_a_cylinder_and_an_error_are_a_larger_cylinder() -> None:
    random = Random(5)
    for _ in range(1_000):
        seen, thresholds = some(random)
        thresholds = replace(thresholds, tthr_s=0.0, tcoa_s=0.0)
        larger = Thresholds(dthr_m=thresholds.dthr_m + 64.0, zthr_m=thresholds.zthr_m + 8.0)
        assert violation(
            seen, thresholds.within(90.0), horizontal_error_m=64.0, vertical_error_m=8.0
        ) == violation(seen, larger.within(90.0))


# Bounds: each touches, and misses by the smallest step


def beyond(value: float) -> float:
    return math.nextafter(value, math.copysign(math.inf, value))


BALL = Thresholds(dthr_m=1_000.0, zthr_m=100.0)
TAU = Thresholds(dthr_m=1_000.0, zthr_m=100.0, tthr_s=30.0)
COA = Thresholds(dthr_m=1_000.0, zthr_m=100.0, tcoa_s=20.0)


@pytest.mark.parametrize(
    ("thresholds", "touches", "misses"),
    [
        # Range, at rest and parting.
        (BALL, (1_000.0, 0, 0, 0, 0, 0), (beyond(1_000.0), 0, 0, 0, 0, 0)),
        (BALL, (0, -1_000.0, 0, 0, -10, 0), (0, beyond(-1_000.0), 0, 0, -10, 0)),
        # Modified tau: (1000**2 - 2000**2) / (-2000 * 50) = 30.
        (TAU, (-2_000.0, 0, 0, 50, 0, 0), (beyond(-2_000.0), 0, 0, 50, 0, 0)),
        # Passing distance, while tau is far within.
        (TAU, (-1_100.0, 1_000.0, 0, 100, 0, 0), (-1_100.0, beyond(1_000.0), 0, 100, 0, 0)),
        # Height, level and parting.
        (BALL, (0, 0, 100.0, 0, 0, 0), (0, 0, beyond(100.0), 0, 0, 0)),
        (BALL, (0, 0, -100.0, 0, 0, -1), (0, 0, beyond(-100.0), 0, 0, -1)),
        # Time to the same height: 20 s, which is further than 100 m.
        (COA, (0, 0, -200.0, 0, 0, 10), (0, 0, beyond(-200.0), 0, 0, 10)),
        (COA, (0, 0, 200.0, 0, 0, -10), (0, 0, beyond(200.0), 0, 0, -10)),
        # Approach too slow for the time to count: then the height does.
        (COA, (0, 0, 100.0, 0, 0, -1), (0, 0, beyond(100.0), 0, 0, -1)),
    ],
)
def test_now_touches_and_misses_by_the_smallest_step(
    thresholds: Thresholds, touches: tuple[float, ...], misses: tuple[float, ...]
) -> None:
    for sense in (relative, lambda *values: turned(relative(*values))):
        assert violated(sense(*touches), thresholds)
        assert not violated(sense(*misses), thresholds)


@pytest.mark.parametrize(
    ("start", "thresholds", "start_s"),
    [
        ((-2_000.0, 0, 0, 50, 0, 0), BALL, 20.0),
        ((-3_000.0, 0, 0, 50, 0, 0), TAU, 20.0),
        ((0, 0, -200.0, 0, 0, 5), BALL, 20.0),
        ((0, 0, -400.0, 0, 0, 10), COA, 20.0),
        ((-4_000.0, 1_000.0, 0, 200, 0, 0), BALL, 20.0),  # Touches for one moment.
    ],
)
def test_the_look_ahead_is_closed(
    start: tuple[float, ...], thresholds: Thresholds, start_s: float
) -> None:
    found = violation(relative(*start), thresholds.within(start_s))
    assert found is not None
    assert found.start_s == found.end_s == start_s
    short_s = math.nextafter(start_s, 0.0)
    assert violation(relative(*start), thresholds.within(short_s)) is None


def test_passing_at_the_very_limit_is_a_violation() -> None:
    found = violation(relative(-3_000.0, 1_000.0, 0, 7, 0, 0), BALL.within(600.0))
    assert found is not None
    assert found.start_s == pytest.approx(3_000 / 7)
    missed = relative(-3_000.0, beyond(1_000.0), 0, 7, 0, 0)
    assert violation(missed, BALL.within(600.0)) is None


def test_one_after_the_other_is_no_violation() -> None:
    """Leaves the radius at 10 s; reaches the height then, or the smallest step later."""
    start = relative(0, 0, -200.0, 100, 0, 10)
    assert violation(start, BALL.within(60.0)) == (10.0, 10.0)
    assert violation(replace(start, up_m=beyond(-200.0)), BALL.within(60.0)) is None


def test_nothing_moves() -> None:
    still = relative(0, 0, 0, 0, 0, 0)
    nothing = Thresholds(dthr_m=0.0, zthr_m=0.0)
    assert violation(still, nothing.within(60.0)) == (0.0, 60.0)
    assert violation(replace(still, east_m=5e-324), BALL.within(60.0)) == (0.0, 60.0)
    assert violation(replace(still, up_m=100.5), BALL.within(60.0)) is None


def test_hardly_anything_moves() -> None:
    for tiny in (5e-324, 1e-300, 1e-160, 1e-30):
        for u, w in ((tiny, 0.0), (-tiny, tiny), (0.0, -tiny)):
            inside = violation(relative(900.0, 0, 90.0, u, 0, w), TAU.within(60.0))
            assert inside == (0.0, 60.0)
            assert violation(relative(1_100.0, 0, 0, u, 0, w), TAU.within(60.0)) is None


# Closest approach


def test_closest_approach() -> None:
    assert closest(relative(-1_000.0, 300.0, 50.0, 100, 0, -2), 60.0) == (10.0, 300.0, 30.0)
    assert closest(relative(-1_000.0, 300.0, 50.0, -100, 0, -2), 60.0) == (
        0.0,
        math.sqrt(1_090_000.0),
        50.0,
    )
    assert closest(relative(-1_000.0, 0.0, 0.0, 10, 0, 1), 60.0) == (60.0, 400.0, 60.0)
    assert closest(relative(3.0, 4.0, 1.0, 0, 0, 1), 60.0) == (0.0, 5.0, 1.0)


# What cannot be


@pytest.mark.parametrize(
    ("field", "most"),
    [("dthr_m", 200_000.0), ("zthr_m", 20_000.0), ("tthr_s", 120.0), ("tcoa_s", 120.0)],
)
def test_thresholds_are_within_bounds(field: str, most: float) -> None:
    good = {"dthr_m": 1.0, "zthr_m": 1.0}
    assert Thresholds(**{**good, field: most})
    assert Thresholds(**{**good, field: 0.0})
    for bad in (beyond(most), -5e-324, math.nan):
        with pytest.raises(BadInput) as caught:
            Thresholds(**{**good, field: bad})
        assert caught.value.field == field


def test_any_minima_of_an_agreement_are_a_cylinder() -> None:
    largest = Minima(horizontal_m=200_000.0, vertical_m=20_000.0, time=timedelta(minutes=5))
    assert Thresholds.of_minima(largest) == Thresholds(dthr_m=200_000.0, zthr_m=20_000.0)
    assert Thresholds.of_minima(NO_MINIMA) == Thresholds(dthr_m=0.0, zthr_m=0.0)


def test_the_look_ahead_is_within_bounds() -> None:
    assert BALL.within(600.0) == Rule(1_000.0, 100.0, 0.0, 0.0, 600.0)
    for bad in (beyond(600.0), -5e-324, math.nan, math.inf):
        with pytest.raises(BadInput) as caught:
            BALL.within(bad)
        assert caught.value.field == "lookahead_s"

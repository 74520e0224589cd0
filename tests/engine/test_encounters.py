"""Encounters of fleets: none missing, none twice, none invented; the same in any order."""

import math
from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pytest
from fleets import GEOD, KINDS, RULES, SMALL, fleet, foreseen, north_of, two

from tansiq.domain.well_clear import LOOKAHEAD_S_MAX, Rule, Thresholds
from tansiq.engine import compiled, encounters, passing, vicinity
from tansiq.engine.encounters import NO_GROUP, Encounters, Fleet, find
from tansiq.errors import BadInput

MICRO_M = 1e-6
"""Within so much of a limit the two opinions may differ: products are rounded."""
TIME_S = 1e-3
STEP_S = 0.2


def rules_of(kind: str) -> tuple[Rule, ...]:
    return SMALL if kind == "drones" else RULES


def pairs(found: Encounters) -> list[tuple[int, int]]:
    return list(zip(found.i.tolist(), found.j.tolist(), strict=True))


def held_against_every_pair(held: Fleet, rules: Sequence[Rule]) -> tuple[int, int]:
    """Hold what is found against the plain opinion of every pair; return pairs, and pairs near."""
    found = find(held, rules)
    assert found.complete
    rows = {}
    for told, excepted in ((found.encounters, False), (found.excepted, True)):
        assert pairs(told) == sorted(set(pairs(told)))
        for n, (i, j) in enumerate(pairs(told)):
            together = held.group[i] == held.group[j] != NO_GROUP
            assert i < j
            assert together == excepted
            rows[i, j] = told.t_in_s[n], told.t_out_s[n]
    near = 0
    for i, j in combinations(range(len(held.lat_deg)), 2):
        t_in_s, t_out_s = rows.get((i, j), (np.full(len(rules), np.nan),) * 2)
        for k, rule in enumerate(rules):
            least = foreseen(held, i, j, rule, -MICRO_M)
            most = foreseen(held, i, j, rule, MICRO_M)
            told = not math.isnan(t_in_s[k])
            assert (least is not None) <= told <= (most is not None), (i, j, rule)
            near += (least is None) != (most is None)
            if least is not None and most is not None:
                assert most.start_s - TIME_S <= t_in_s[k] <= least.start_s + TIME_S
                assert least.end_s - TIME_S <= t_out_s[k] <= most.end_s + TIME_S
    return len(rows), near


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_found_is_what_every_pair_says(kind: str) -> None:
    total = 0
    for seed in range(3):
        count, near = held_against_every_pair(fleet(kind, 70, seed), rules_of(kind))
        assert near <= 5, "an opinion that is mostly open says nothing"
        total += count
    assert total > 20


def every_pair(held: Fleet, rules: Sequence[Rule]) -> tuple[set[tuple[int, int]], int]:
    """Judge every pair with the kernels, without looking for it."""
    moving, table = encounters._moving(held), encounters._table(rules)
    count = len(held.lat_deg)
    everything = np.array(list(combinations(range(count), 2)), np.int64)
    told = encounters._told(moving, table, everything)
    some = ~np.isnan(told.t_in_s).all(axis=1)
    return set(map(tuple, everything[some].tolist())), len(everything)


@pytest.mark.skipif(not compiled.COMPILED, reason="takes minutes as Python")
@pytest.mark.parametrize("kind", KINDS)
def test_none_is_overlooked_in_large_fleets(kind: str) -> None:
    held = fleet(kind, 1_200, 7)
    found = find(held, rules_of(kind))
    expected, count = every_pair(held, rules_of(kind))
    assert set(pairs(found.encounters)) | set(pairs(found.excepted)) == expected
    assert found.looks <= count


@pytest.mark.skipif(not compiled.COMPILED, reason="takes minutes as Python")
@pytest.mark.parametrize("dthr_m", [0.0, 1e-3, 1.0, 40.0])
def test_none_is_overlooked_where_all_hover_and_little_is_kept(dthr_m: float) -> None:
    """The finest cubes have a least size, or their numbers would run into each other."""
    held = fleet("drones", 1_000, 9)
    still = np.zeros(1_000)
    random = np.random.default_rng(9)
    held = held._replace(
        lat_deg=np.round(36.0 + random.uniform(0.0, 0.002, 1_000), 4),
        lng_deg=np.round(random.uniform(0.0, 0.002, 1_000), 4),
        east_mps=still,
        north_mps=still,
        horizontal_error_m=still,
    )
    rules = [Thresholds(dthr_m=dthr_m, zthr_m=5.0).within(60.0)]
    found = find(held, rules)
    expected, _ = every_pair(held, rules)
    assert set(pairs(found.encounters)) | set(pairs(found.excepted)) == expected
    assert len(expected) > 50


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_none_is_overlooked_in_many_fleets() -> None:
    total = 0
    for seed in range(1_000, 1_100):
        for kind in KINDS:
            count, _ = held_against_every_pair(fleet(kind, 70, seed), rules_of(kind))
            held = fleet(kind, 1_200, seed)
            found = find(held, rules_of(kind), pairs_max=1_000_000)
            expected, _ = every_pair(held, rules_of(kind))
            assert set(pairs(found.encounters)) | set(pairs(found.excepted)) == expected
            total += count + len(expected)
    print(total)


@pytest.mark.skipif(not compiled.COMPILED, reason="takes minutes as Python")
@pytest.mark.parametrize("share", [0.5, 0.8])
def test_balls_that_are_too_small_are_caught(share: float, monkeypatch: pytest.MonkeyPatch) -> None:
    true = vicinity.demand_of

    def lax(rules: compiled.Floats) -> vicinity.Demand:
        demand = true(rules)
        return demand._replace(horizon_s=share * demand.horizon_s, dthr_m=share * demand.dthr_m)

    monkeypatch.setattr(vicinity, "demand_of", lax)
    missed = 0
    for kind in ("manned", "north pole", "flock"):
        held = fleet(kind, 1_200, 7)
        found = find(held, RULES)
        missed += len(every_pair(held, RULES)[0]) - len(found.encounters.i) - len(found.excepted.i)
    assert missed > 0


@pytest.mark.parametrize("kind", ["manned", "mixed", "north pole", "180th meridian"])
def test_the_order_of_a_fleet_changes_nothing_to_the_bit(kind: str) -> None:
    held = fleet(kind, 150, 3)
    turn = np.random.default_rng(1).permutation(150)
    mixed = Fleet._make(column[turn] for column in held)
    here, there = find(held, RULES).encounters, find(mixed, RULES).encounters
    by_pair = {}
    for n, (a, b) in enumerate(pairs(there)):
        i, j = int(turn[a]), int(turn[b])
        by_pair[min(i, j), max(i, j)] = n, 1.0 if i < j else -1.0
    assert len(by_pair) == len(here.i) > 20
    for n, pair in enumerate(pairs(here)):
        other, sign = by_pair[pair]
        for name, column in here._asdict().items():
            if name in ("i", "j"):
                continue
            expected = getattr(there, name)[other] * (sign if name.startswith("dz") else 1.0)
            assert np.array_equal(column[n], expected, equal_nan=True), name


def test_the_180th_meridian_and_turns_of_the_earth_change_nothing() -> None:
    held = fleet("manned", 150, 5)
    expected = set(pairs(find(held, RULES).encounters))
    for turn_deg in (90.0, 179.5, -120.0):
        lng = (held.lng_deg + turn_deg + 180.0) % 360.0 - 180.0
        found = find(held._replace(lng_deg=lng), RULES).encounters
        assert len(expected.symmetric_difference(pairs(found))) <= 1


# The truth: aircraft on geodesics


def flown(held: Fleet, k: int, t_s: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return where an aircraft is (lng, lat) after times, by PROJ."""
    east, north = held.east_mps[k], held.north_mps[k]
    azimuth = np.full(len(t_s), math.degrees(math.atan2(east, north)))
    starts = np.full(len(t_s), held.lng_deg[k]), np.full(len(t_s), held.lat_deg[k])
    lng, lat, _ = GEOD.fwd(*starts, azimuth, math.hypot(east, north) * t_s)
    return lng, lat


@pytest.mark.parametrize("kind", ["manned", "north pole", "180th meridian", "mixed", "fast"])
def test_no_approach_along_geodesics_is_missed_or_late(kind: str) -> None:
    """Whenever two are within the radius in truth, that time is within what was foreseen; and what
    was foreseen is no more than the stated error early, or off.
    """
    rule = Thresholds(dthr_m=9_260.0, zthr_m=20_000.0).within(180.0)
    held = fleet(kind, 90, 11)
    held = held._replace(
        geometric_m=np.zeros(90), pressure_m=np.zeros(90), horizontal_error_m=np.zeros(90)
    )
    found = find(held, [rule])
    rows = {}
    for told in (found.encounters, found.excepted):
        rows |= {
            pair: (told.t_in_s[n, 0], told.t_out_s[n, 0], told.t_cpa_s[n], told.d_cpa_m[n])
            for n, pair in enumerate(pairs(told))
        }
    t_s = np.linspace(0.0, 180.0, 901)
    at = [flown(held, k, t_s) for k in range(90)]
    truly = 0
    for i, j in combinations(range(90), 2):
        (a, b), (c, d) = at[i], at[j]
        distance = GEOD.inv(a, b, c, d)[2]
        inside = distance <= rule.dthr_m
        ways = [math.hypot(held.east_mps[k], held.north_mps[k]) for k in (i, j)]
        chord_m = distance[0]
        bound_m = 1e-3 + passing.plane_error_m(chord_m, ways[0] * 180.0, ways[1] * 180.0)
        if inside.any():
            truly += 1
            t_in_s, t_out_s, t_cpa_s, d_cpa_m = rows[i, j]
            assert t_in_s <= t_s[inside][0]
            assert t_out_s >= t_s[inside][-1]
            share = ((chord_m / 2 + max(ways) * 180.0) / 6.3e6) ** 2
            closest_m = np.interp(t_cpa_s, t_s, distance)
            assert abs(closest_m - d_cpa_m) <= bound_m + share * d_cpa_m + max(ways) * STEP_S
        elif (i, j) in rows:
            assert distance.min() <= rule.dthr_m + 2.1 * bound_m + max(ways) * STEP_S
    assert truly > 20


# Heights


BALL = Thresholds(dthr_m=1_000.0, zthr_m=100.0)


MINUTE = BALL.within(60.0)


def meets(held: Fleet, rule: Rule = MINUTE) -> bool:
    return len(find(held, [rule]).encounters.i) == 1


def beyond(value: float) -> float:
    return math.nextafter(value, math.inf)


def test_two_pressure_altitudes_are_compared_with_an_allowance() -> None:
    limit = 1_000.0 + 100.0 + passing.PRESSURE_ALLOWANCE_M
    assert meets(two(pressure_m=limit, geometric_m=9_000.0))
    assert not meets(two(pressure_m=beyond(limit), geometric_m=1_000.0))


def test_those_who_keep_500_feet_are_well_clear_by_pressure() -> None:
    """The allowance stays below what 450 ft leave to it."""
    held = two(pressure_m=1_000.0 + 500 * 0.3048)
    assert not meets(held, Thresholds(dthr_m=1_000.0, zthr_m=450 * 0.3048).within(60.0))


def test_bands_of_height_are_compared_where_one_has_no_pressure_altitude() -> None:
    for held, limit in (
        (two(pressure_m=math.nan), 1_100.0),
        (two(pressure_m=math.nan, geometric_error_m=50.0), 1_150.0),
    ):
        up, over = held.geometric_m.copy(), held.geometric_m.copy()
        up[1], over[1] = limit, beyond(limit)
        assert meets(held._replace(geometric_m=up))
        assert not meets(held._replace(geometric_m=over))
    far = two(pressure_m=math.nan, geometric_m=9_000.0, geometric_error_m=math.inf)
    assert meets(far)


def test_where_nothing_is_known_of_a_height_it_may_be_the_same() -> None:
    held = two(pressure_m=math.nan, geometric_m=math.nan)
    found = find(held, [BALL.within(60.0)]).encounters
    assert (found.t_in_s[0, 0], found.t_out_s[0, 0]) == (0.0, 60.0)
    assert math.isnan(found.dz_now_m[0])
    assert math.isnan(found.dz_cpa_m[0])
    assert found.vertical_error_m[0] == math.inf
    both = held._replace(pressure_m=np.array([0.0, 5_000.0]))
    assert not meets(both)


def test_a_climb_is_foreseen() -> None:
    held = two(pressure_m=2_000.0 + passing.PRESSURE_ALLOWANCE_M, climb_mps=-15.0)
    assert meets(held)
    assert find(held, [BALL.within(60.0)]).encounters.t_in_s[0, 0] == 60.0
    assert not meets(held._replace(climb_mps=np.array([0.0, -math.nextafter(15.0, 0.0)])))
    rate = held._replace(climb_mps=np.array([0.0, -15.0]))
    assert find(rate, [BALL.within(60.0)]).encounters.dz_now_m[0] == pytest.approx(-1_012.5)


# Horizontally, as far as the plane allows


def test_a_radius_touches_and_misses_within_a_tenth_of_a_metre() -> None:
    """At 1 km: the bound is 8 cm, nearly all for aircraft below the ellipsoid."""
    assert meets(north_of(two(), 1_000.0))
    assert not meets(north_of(two(), 1_000.1))
    found = find(north_of(two(), 1_000.0), [BALL.within(60.0)]).encounters
    assert found.d_now_m[0] == pytest.approx(1_000.0, abs=1e-6)
    assert found.d_cpa_m[0] == pytest.approx(1_000.0, abs=1e-3)


def test_errors_of_both_are_added() -> None:
    held = two(horizontal_error_m=30.0)._replace(horizontal_error_m=np.array([20.0, 30.0]))
    assert meets(north_of(held, 1_050.0))
    assert not meets(north_of(held, 1_050.2))
    assert find(north_of(held, 1_050.0), [BALL.within(1.0)]).encounters.horizontal_error_m[0] == 50


# Groups and limits


def test_formations_are_told_apart() -> None:
    held = fleet("one place", 30, 1)
    agreed = held._replace(group=np.full(30, 7, np.int64), geometric_m=np.zeros(30))
    found = find(agreed, RULES)
    assert len(found.encounters.i) == 0
    assert len(found.excepted.i) > 100
    alone = find(agreed._replace(group=np.full(30, NO_GROUP, np.int64)), RULES)
    assert pairs(alone.encounters) == pairs(found.excepted)


def test_no_pair_is_left_out_in_silence() -> None:
    held = fleet("one place", 40, 2)
    whole = find(held, RULES)
    count = len(whole.encounters.i)
    assert count > 100
    exact = find(held, RULES, pairs_max=count)
    assert exact.complete
    assert pairs(exact.encounters) == pairs(whole.encounters)
    short = find(held, RULES, pairs_max=count - 1)
    assert not short.complete
    assert len(short.encounters.i) == count - 1
    assert set(pairs(short.encounters)) < set(pairs(whole.encounters))


def test_a_large_formation_takes_no_room_of_others() -> None:
    held = fleet("one place", 40, 2)
    group = np.zeros(40, np.int64)
    group[:2] = NO_GROUP
    held = held._replace(
        group=group, geometric_error_m=np.full(40, 1e4), pressure_m=np.full(40, np.nan)
    )
    found = find(held, RULES, pairs_max=77)
    assert found.complete
    assert len(found.encounters.i) == 77  # 2 with 38 each, and with each other.
    assert len(found.excepted.i) == 77
    assert found.excepted_left_out == 38 * 37 // 2 - 77


def test_the_number_of_looks_is_bounded() -> None:
    held = fleet("stacked", 100, 2)
    whole = find(held, RULES)
    assert whole.complete
    assert find(held, RULES, looks_max=whole.looks).complete
    assert not find(held, RULES, looks_max=whole.looks - 1).complete


@pytest.mark.parametrize("count", [0, 1])
def test_nobody_meets_alone(count: int) -> None:
    found = find(fleet("manned", count, 1), RULES)
    assert found.complete
    assert len(found.encounters.i) == len(found.excepted.i) == 0
    assert found.encounters.t_in_s.shape == (0, len(RULES))


# What cannot be


@pytest.mark.parametrize(
    ("column", "bad"),
    [
        ("lat_deg", math.nan),
        ("lat_deg", beyond(90.0)),
        ("lng_deg", -beyond(180.0)),
        ("geometric_m", math.inf),
        ("pressure_m", -math.inf),
        ("geometric_error_m", math.nan),
        ("geometric_error_m", -1.0),
        ("east_mps", math.nan),
        ("north_mps", 2_001.0),
        ("climb_mps", math.nan),
        ("climb_mps", beyond(500.0)),
        ("horizontal_error_m", math.nan),
        ("horizontal_error_m", beyond(50_000.0)),
    ],
)
def test_what_no_aircraft_can_have_is_refused_with_column_and_row(column: str, bad: float) -> None:
    with pytest.raises(BadInput, match="row 1") as caught:
        find(two(**{column: bad}), RULES)
    assert caught.value.field in (column, "east_mps")


def test_columns_are_of_one_length_and_kind() -> None:
    held = two()
    for wrong in (
        held._replace(climb_mps=np.zeros(3)),
        held._replace(climb_mps=np.zeros(2, np.float32)),
        held._replace(group=np.zeros(2)),
    ):
        with pytest.raises(BadInput) as caught:
            find(wrong, RULES)
        assert caught.value.field in ("climb_mps", "group")


def test_rules_are_checked() -> None:
    for rules in ([], [RULES[0]] * 17, [RULES[0]._replace(lookahead_s=LOOKAHEAD_S_MAX + 1)]):
        with pytest.raises(BadInput):
            find(two(), rules)
    assert find(two(), [RULES[0]] * 16).complete


def test_any_corner_of_what_is_allowed_is_judged() -> None:
    """The largest of everything, at the poles, on opposite sides of the earth."""
    largest = Thresholds(dthr_m=2e5, zthr_m=2e4, tthr_s=120.0, tcoa_s=120.0).within(600.0)
    lat = np.array([90.0, -90.0, 0.0, 0.0, -0.0, 90.0, 45.0, -45.0])
    lng = np.array([180.0, -180.0, 0.0, 180.0, -180.0, 0.0, 90.0, -90.0])
    most = np.full(8, 2_000.0)
    held = Fleet(
        *(lat, lng, np.full(8, 1e5), np.full(8, 5e4), np.full(8, np.nan), most, np.zeros(8)),
        *(np.full(8, -500.0), np.full(8, 5e4), np.full(8, NO_GROUP, np.int64)),
    )
    found = find(held, [largest])
    assert found.complete
    assert {(0, 5), (3, 4)} <= set(pairs(found.encounters))
    assert (0, 1) not in pairs(found.encounters)

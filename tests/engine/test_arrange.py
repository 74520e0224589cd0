"""Sets of plans arranged in time: clear by the plain definition, near the least there is, and fair.

The oracle knows nothing of intervals: it shifts volumes and asks ``domain.conflict``.
"""

import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from datetime import timedelta
from functools import cache
from itertools import combinations, pairwise
from random import Random

import numpy as np
import pytest

from plans import ALPS, NOON, volume
from shapes import ring
from tansiq.domain import geodesy
from tansiq.domain.agreement import NO_MINIMA, Minima, MinimaTable
from tansiq.domain.arrangement import Arrangement, Declared, Effort, Fixed, Freedom
from tansiq.domain.conflict import conflicts
from tansiq.domain.fairness import Share, jain, spread_s
from tansiq.domain.volume import Circle, Volumes
from tansiq.engine import ways
from tansiq.engine.arrange import arrange
from tansiq.engine.compiled import Ints
from tansiq.engine.ways import Scene
from tansiq.errors import BadInput

MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)
ZERO = timedelta(0)
MINIMA = Minima(horizontal_m=500.0, vertical_m=50.0, time=timedelta(seconds=90))
TWENTY = Freedom(longest=20 * MINUTE, step=MINUTE)
TOTAL_ALONE = Effort(weight=0.0)


def some_volumes(random: Random, *, within_m: float = 6_000.0) -> Volumes:
    """Return one to four volumes in turn along a way."""
    place = geodesy.destination(ALPS, random.uniform(0, 360), random.uniform(0, within_m))
    azimuth, start_s = random.uniform(0, 360), 60.0 * random.randint(0, 15)
    low_m = 100.0 * random.randint(0, 2)
    found = []
    for _ in range(random.randint(1, 4)):
        radius_m = random.uniform(500.0, 1_500.0)
        outline = random.choice(
            [
                Circle(center=place, radius_m=radius_m),
                ring(place, [radius_m * random.uniform(0.5, 1.0) for _ in range(6)]),
            ]
        )
        lasts_s = random.uniform(60.0, 300.0)
        found.append(
            volume(outline, levels_m=(low_m, low_m + 60.0), seconds=(start_s, start_s + lasts_s))
        )
        start_s += lasts_s
        place = geodesy.destination(place, azimuth, 2_000.0)
    return tuple(found)


def some_plans(random: Random, count: int, *, priorities: int = 1) -> list[Declared]:
    return [
        Declared(
            name=f"P{k}",
            party=random.choice(["north", "south", "west"]),
            volumes=some_volumes(random),
            priority=random.randrange(priorities),
        )
        for k in range(count)
    ]


def some_areas(random: Random, count: int) -> list[Fixed]:
    return [Fixed(name=f"F{k}", volumes=some_volumes(random)) for k in range(count)]


def shifted(volumes: Volumes, by: timedelta) -> Volumes:
    return tuple(each.shifted(by=by) for each in volumes)


def run(
    plans: Sequence[Declared],
    fixed: Sequence[Fixed] = (),
    minima: Minima = MINIMA,
    *,
    freedom: Freedom = TWENTY,
    effort: Effort = TOTAL_ALONE,
    seed: int = 0,
) -> Arrangement:
    return arrange(
        plans, fixed, MinimaTable(usual=minima), freedom=freedom, effort=effort, random=Random(seed)
    )


def steps(found: Arrangement, freedom: Freedom = TWENTY) -> list[int | None]:
    return [None if a.shift is None else a.shift // freedom.step for a in found.plans]


def meets(found: Arrangement, fixed: Sequence[Fixed], minima: Minima) -> int:
    """Count the pairs that conflict, every pair compared by the definition."""
    there = [a.volumes for a in found.plans if a.shift is not None]
    count = sum(conflicts(a, b, minima) for a, b in combinations(there, 2))
    return count + sum(conflicts(a, b.volumes, minima) for a in there for b in fixed)


# What is forbidden


@pytest.mark.parametrize("seed", range(3))
def test_what_is_forbidden_is_what_the_definition_finds_at_every_step(seed: int) -> None:
    """Each difference of the shifts of two plans from -25 to 25 minutes."""
    random, forbidden = Random(seed), 0
    for _ in range(20):
        a, b = (some_volumes(random, within_m=2_000.0) for _ in range(2))
        bounds = [[-5, 20], [-5, 20]]
        found = Scene([a, b], MinimaTable(usual=MINIMA)).ways(np.array(bounds), step_us=60_000_000)
        own = slice(found.first[0], found.first[1])
        spans = list(zip(found.low[own].tolist(), found.high[own].tolist(), strict=True))
        for step in range(-25, 26):
            expected = conflicts(shifted(a, step * MINUTE), b, MINIMA)
            assert any(low <= step <= high for low, high in spans) == expected
            forbidden += expected
        assert all(y[0] > x[1] + 1 for x, y in pairwise(spans))
    assert forbidden > 50


@pytest.mark.parametrize("step", [timedelta(microseconds=1), SECOND])
@pytest.mark.parametrize("time", [ZERO, 10 * SECOND])
def test_a_shift_that_touches_is_forbidden_and_one_step_more_is_free(
    step: timedelta, time: timedelta
) -> None:
    minima = Minima(time=time)
    plans = [
        Declared(name="A", party="north", volumes=(volume(),)),
        Declared(name="B", party="south", volumes=(volume(),)),
    ]
    freedom = Freedom(longest=timedelta(hours=1), step=step)
    found = run(plans, minima=minima, freedom=freedom)
    assert sorted(a.shift for a in found.plans if a.shift is not None) == [
        ZERO,
        600 * SECOND + time + step,
    ]
    (late,) = (a for a in found.plans if a.shift)
    (other,) = (a for a in found.plans if not a.shift)
    touching = shifted(late.plan.volumes, 600 * SECOND + time)
    assert conflicts(touching, other.volumes, minima)
    assert late.hindrances[0].until == late.shift
    assert (late.hindrances[0].name, late.hindrances[0].party) == (
        other.plan.name,
        other.plan.party,
    )


# The whole


@pytest.mark.parametrize("seed", range(6))
def test_nothing_conflicts_and_nobody_waits_for_nothing(seed: int) -> None:
    random = Random(seed)
    plans, fixed = some_plans(random, 25, priorities=3), some_areas(random, 3)
    freedom = Freedom(longest=40 * MINUTE, advance=random.choice([ZERO, 5 * MINUTE]), step=MINUTE)
    found = run(plans, fixed, freedom=freedom, effort=Effort(rounds=20))
    assert meets(found, fixed, MINIMA) == 0
    assert found.total == sum((abs(a.shift) for a in found.plans if a.shift), ZERO)
    assert found.at_least <= found.total
    assert [a.plan for a in found.plans] == plans
    by_name = {a.plan.name: a.volumes for a in found.plans} | {f.name: f.volumes for f in fixed}
    moved = [a for a in found.plans if a.shift]
    assert moved
    for arranged in moved:
        shift = arranged.shift or ZERO
        sign = -1 if shift < ZERO else 1
        at = 0
        for hindrance in arranged.hindrances:
            while sign * at * MINUTE < abs(hindrance.until) and abs(at) * MINUTE < abs(shift):
                there = shifted(arranged.plan.volumes, at * MINUTE)
                assert conflicts(there, by_name[hindrance.name], MINIMA)
                at += sign
            if abs(at) * MINUTE >= abs(shift):
                break
        assert at * MINUTE == shift
    for arranged in found.plans:
        if arranged.shift is None:
            chain = [h.until for h in arranged.hindrances]
            assert chain == sorted(chain)
            assert chain[-1] > freedom.longest


def test_who_meets_nobody_or_outranks_all_stays() -> None:
    for seed in range(5):
        plans = some_plans(Random(seed), 20, priorities=4)
        found = run(plans, effort=Effort(rounds=20))
        top = [p for p in plans if p.priority == max(q.priority for q in plans)]
        alone = run(top, effort=Effort(rounds=20))
        # Those of the highest rank stand as if there were nobody else.
        assert [a.shift for a in found.plans if a.plan in top] == [a.shift for a in alone.plans]
        for a in found.plans:
            near = [p for p in plans if p is not a.plan and _could_meet(p.volumes, a.plan.volumes)]
            if all(p.priority < a.plan.priority for p in near):
                assert a.shift == ZERO
                assert not a.hindrances


def _could_meet(a: Volumes, b: Volumes) -> bool:
    return conflicts(a, b, dataclasses.replace(MINIMA, time=MINIMA.time + 40 * MINUTE))


def test_the_order_given_and_the_parties_names_decide_nothing() -> None:
    renamed = {"north": "zulu", "south": "alpha", "west": "mike"}
    for seed in range(4):
        plans = some_plans(Random(seed), 20)
        found = {a.plan.name: a.shift for a in run(plans, effort=Effort(rounds=20)).plans}
        mixed = [dataclasses.replace(p, party=renamed[p.party]) for p in plans]
        Random(seed).shuffle(mixed)
        again = run(mixed, effort=Effort(rounds=20))
        assert {a.plan.name: a.shift for a in again.plans} == found


def test_the_same_seed_gives_the_same_and_equals_are_drawn_by_lot() -> None:
    plans = some_plans(Random(3), 20)
    assert run(plans, seed=5) == run(plans, seed=5)
    twins = [Declared(name=name, party=name, volumes=(volume(),)) for name in ("north", "south")]
    late = [[a.plan.name for a in run(twins, seed=seed).plans if a.shift] for seed in range(20)]
    assert {name for (name,) in late} == {"north", "south"}


def test_a_plan_without_a_place_is_told_with_what_is_in_its_way() -> None:
    area = Fixed(name="F", volumes=(volume(seconds=(0.0, 1_000.0)),))
    later = Fixed(name="G", volumes=(volume(seconds=(1_010.0, 9_000.0)),))
    plan = Declared(name="A", party="north", volumes=(volume(seconds=(0.0, 60.0)),))
    other = Declared(name="B", party="north", volumes=(volume(levels_m=(900.0, 950.0)),))
    found = run([plan, other], [area, later])
    (unplaced,) = found.unplaced
    assert unplaced.plan is plan
    assert unplaced.volumes == plan.volumes
    assert [h.name for h in unplaced.hindrances] == ["F", "G"]
    assert found.total == ZERO
    # It counts as the longest delay: half of the party's plans, 20 minutes.
    assert found.shares == (
        Share(party="north", plans=2, moved=0, unplaced=1, mean_s=600.0, largest_s=0.0),
    )


def test_earlier_only_if_allowed_and_never_before_the_earliest() -> None:
    area = Fixed(name="F", volumes=(volume(seconds=(600.0, 9_000.0)),))
    plan = Declared(name="A", party="north", volumes=(volume(seconds=(300.0, 720.0)),))
    assert run([plan], [area], NO_MINIMA).unplaced
    freedom = dataclasses.replace(TWENTY, advance=3 * MINUTE)
    (found,) = run([plan], [area], NO_MINIMA, freedom=freedom).plans
    assert found.shift == -3 * MINUTE  # At -2 minutes it touches.
    assert [(h.name, h.until) for h in found.hindrances] == [("F", -3 * MINUTE)]
    freedom = dataclasses.replace(freedom, advance=2 * MINUTE)
    assert run([plan], [area], NO_MINIMA, freedom=freedom).unplaced
    for wait_s, shift in ((300, ZERO), (301, MINUTE), (1_500, 20 * MINUTE), (1_501, None)):
        freedom = dataclasses.replace(TWENTY, earliest=NOON + wait_s * SECOND)
        (found,) = run([plan], freedom=freedom).plans
        assert (found.shift, found.hindrances) == (shift, ())


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (Freedom, {"longest": ZERO}),
        (Freedom, {"longest": timedelta(days=7, microseconds=1)}),
        (Freedom, {"longest": MINUTE, "advance": -MINUTE}),
        (Freedom, {"longest": MINUTE, "step": ZERO}),
        (Freedom, {"longest": MINUTE, "step": 61 * SECOND}),
        (Effort, {"weight": float("nan")}),
        (Effort, {"weight": -0.1}),
        (Effort, {"rounds": -1}),
    ],
)
def test_limits_of_what_may_be_asked(kind: type, values: dict[str, object]) -> None:
    with pytest.raises(BadInput):
        kind(**values)


# How near the least


def least_total(plans: Sequence[Declared], fixed: Sequence[Fixed], most: int) -> int | None:
    """Return the least total delay in minutes of any arrangement, None if there is none.

    Every combination of whole minutes, except those that cost no less than one already found.
    """

    @cache
    def apart(a: int, b: int, difference: int) -> bool:
        return not conflicts(
            shifted(plans[a].volumes, difference * MINUTE), plans[b].volumes, MINIMA
        )

    @cache
    def free(a: int) -> list[int]:
        return [
            d
            for d in range(most + 1)
            if not any(
                conflicts(shifted(plans[a].volumes, d * MINUTE), f.volumes, MINIMA) for f in fixed
            )
        ]

    best: list[int] = []

    def go(a: int, delays: tuple[int, ...], total: int) -> None:
        if best and total + sum(min(free(k)) for k in range(a, len(plans))) >= best[0]:
            return
        if a == len(plans):
            best[:] = [total]
            return
        for d in free(a):
            if all(apart(a, b, d - delays[b]) for b in range(a)):
                go(a + 1, (*delays, d), total + d)

    if all(free(k) for k in range(len(plans))):
        go(0, (), 0)
    return best[0] if best else None


def crowded(seed: int) -> tuple[list[Declared], list[Fixed]]:
    """Return three to six plans so near each other that most are in somebody's way."""
    random = Random(seed)
    plans = [
        Declared(
            name=f"P{k}", party=random.choice("ab"), volumes=some_volumes(random, within_m=2_000.0)
        )
        for k in range(random.randint(3, 6))
    ]
    return plans, some_areas(random, random.randrange(2))


@cache
def least_of(seed: int) -> int | None:
    return least_total(*crowded(seed), 20)


def held_against_the_oracle(seeds: Sequence[int], effort: Effort) -> tuple[int, int, int, int, int]:
    """Return sets, those found at the least, those all of which the oracle alone places, and
    minutes: found, and least of all.
    """
    sets = exact = missed = ours = least = 0
    for seed in seeds:
        plans, fixed = crowded(seed)
        expected = least_of(seed)
        found = run(plans, fixed, effort=effort)
        assert meets(found, fixed, MINIMA) == 0
        if expected is None:
            assert found.unplaced
            continue
        sets += 1
        if found.unplaced:
            missed += 1
            continue
        total = found.total // MINUTE
        assert found.at_least // MINUTE <= expected <= total
        exact += total == expected
        ours, least = ours + total, least + expected
    print(f"{sets} sets: {exact} at the least, {missed} not placed, {ours} min against {least}")
    return sets, exact, missed, ours, least


def test_small_sets_are_at_the_least_that_any_arrangement_reaches() -> None:
    """No bound can be given for a search by trial; this is what it reaches, by seed."""
    sets, exact, missed, ours, least = held_against_the_oracle(range(40), TOTAL_ALONE)
    assert sets > 30
    assert missed == 0
    assert exact >= 0.95 * sets
    assert ours <= 1.02 * least


def test_the_search_is_what_makes_it_so() -> None:
    plain = held_against_the_oracle(range(40), Effort(weight=0.0, rounds=0))
    assert plain[1] < 0.9 * plain[0]


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_a_thousand_small_sets() -> None:
    sets, exact, missed, ours, least = held_against_the_oracle(range(1_000, 2_000), TOTAL_ALONE)
    assert missed <= 0.01 * sets
    assert exact >= 0.95 * sets
    assert ours <= 1.02 * least


# Fairness


def two_meetings() -> list[Declared]:
    """Return two pairs far from each other, in both of which south's plan begins later."""
    away = geodesy.destination(ALPS, 90.0, 50_000.0)
    here, there = (Circle(center=place, radius_m=1_000.0) for place in (ALPS, away))
    return [
        Declared(name="A", party="north", volumes=(volume(here, seconds=(0.0, 600.0)),)),
        Declared(name="B", party="south", volumes=(volume(here, seconds=(1.0, 601.0)),)),
        Declared(name="C", party="north", volumes=(volume(there, seconds=(0.0, 600.0)),)),
        Declared(name="D", party="south", volumes=(volume(there, seconds=(1.0, 601.0)),)),
    ]


def test_who_yields_is_shared_out_by_its_weight() -> None:
    freedom = Freedom(longest=timedelta(hours=1))
    plain = run(two_meetings(), minima=NO_MINIMA, freedom=freedom, effort=Effort(rounds=0))
    assert [share.moved for share in plain.shares] == [0, 2]
    assert (plain.total, plain.spread_s, plain.jain) == (1_200 * SECOND, 600.0, 0.5)
    # It costs two seconds more in all that each yields once.
    fair = run(two_meetings(), minima=NO_MINIMA, freedom=freedom, effort=Effort())
    assert [share.moved for share in fair.shares] == [1, 1]
    assert fair.total == 1_202 * SECOND
    assert fair.spread_s == 1.0
    assert fair.jain > 0.999
    cheap = run(two_meetings(), minima=NO_MINIMA, freedom=freedom, effort=TOTAL_ALONE)
    assert cheap.total == 1_200 * SECOND


def test_figures_of_fairness() -> None:
    def share(mean_s: float) -> Share:
        return Share(party="", plans=4, moved=1, unplaced=0, mean_s=mean_s, largest_s=0.0)

    assert (jain([]), spread_s([])) == (1.0, 0.0)
    assert jain([share(0.0), share(0.0)]) == 1.0
    assert jain([share(5.0), share(5.0), share(5.0)]) == pytest.approx(1.0)
    assert jain([share(5.0), share(0.0), share(0.0), share(0.0)]) == 0.25
    assert spread_s([share(5.0), share(1.0), share(3.0)]) == 4.0
    assert share(5.0).moved_share == 0.25


# Broken variants


def test_open_bounds_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """A node that takes touching for apart lets one step too much through."""
    true = ways._forbidden

    def opened(*arguments: object) -> Ints:
        rows = true(*arguments)  # type: ignore[arg-type]
        rows[:, 2] += 1
        rows[:, 3] -= 1
        return rows[rows[:, 2] <= rows[:, 3]]

    plans = [Declared(name=name, party=name, volumes=(volume(),)) for name in "ab"]
    freedom = Freedom(longest=timedelta(hours=1))
    assert run(plans, minima=NO_MINIMA, freedom=freedom).total == 601 * SECOND
    monkeypatch.setattr(ways, "_forbidden", opened)
    with pytest.raises(AssertionError, match="conflict"):
        run(plans, minima=NO_MINIMA, freedom=freedom)


@pytest.mark.parametrize("layer", ["fixed", "plans"])
def test_a_layer_that_is_ignored_is_caught(monkeypatch: pytest.MonkeyPatch, layer: str) -> None:
    true = ways._forbidden

    def without(pairs: Ints, owners: Ints, *rest: object) -> Ints:
        rows = true(pairs, owners, *rest)  # type: ignore[arg-type]
        return rows[(rows[:, 1] < 2) == (layer == "fixed")]

    plans = [Declared(name=name, party=name, volumes=(volume(),)) for name in "ab"]
    fixed = [Fixed(name="F", volumes=(volume(seconds=(0.0, 60.0)),))]
    assert not run(plans, fixed, NO_MINIMA, freedom=Freedom(longest=60 * MINUTE)).unplaced
    monkeypatch.setattr(ways, "_forbidden", without)
    with pytest.raises(AssertionError, match="conflict"):
        run(plans, fixed, NO_MINIMA, freedom=Freedom(longest=60 * MINUTE))


# Without machine code


def outcome() -> list[object]:
    random = Random(11)
    plans, fixed = some_plans(random, 12, priorities=2), some_areas(random, 1)
    freedom = Freedom(longest=30 * MINUTE, advance=2 * MINUTE, step=SECOND)
    found = run(plans, fixed, freedom=freedom, effort=Effort(rounds=10))
    return [None if a.shift is None else a.shift.total_seconds() for a in found.plans]


def test_the_same_without_machine_code() -> None:
    script = "import json, test_arrange; print(json.dumps(test_arrange.outcome()))"
    paths = [path for path in sys.path if path]
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        check=True,
        text=True,
    )
    assert json.loads(done.stdout) == outcome()
    assert any(outcome())

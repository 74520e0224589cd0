"""The engine judges each pair by the minima of its categories, as the definition does."""

from dataclasses import replace
from datetime import timedelta
from itertools import combinations, pairwise
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_arrange import TWENTY, shifted, some_volumes
from test_audit import day

from plans import ALPS, volume, volumes
from shapes import AZIMUTHS
from tansiq.domain import geodesy
from tansiq.domain.agreement import NO_MINIMA, Between, Minima, MinimaTable
from tansiq.domain.arrangement import Declared, Effort, Fixed
from tansiq.domain.category import Category
from tansiq.domain.conflict import Conflict, conflicts
from tansiq.domain.conflict import conflict_between as by_definition
from tansiq.domain.volume import Circle
from tansiq.engine.arrange import arrange
from tansiq.engine.audit import Audit, Entity
from tansiq.engine.enlarge import enlarged_by
from tansiq.engine.judgement import conflict_between as by_kernels
from tansiq.engine.judgement import conflicts as met_by_kernels
from tansiq.engine.judgement import may_conflict
from tansiq.engine.prepared import Prepared
from tansiq.engine.ways import Scene

ANY = (None, *Category)
DRONE, LIGHT, HEAVY = Category.DRONE, Category.LIGHT, Category.HEAVY


def of(horizontal_m: float, vertical_m: float, seconds: float) -> Minima:
    return Minima(horizontal_m=horizontal_m, vertical_m=vertical_m, time=timedelta(seconds=seconds))


def between(minima: Minima, *categories: Category) -> Between:
    return Between(categories=frozenset(categories), minima=minima)


USUAL = of(800.0, 60.0, 90.0)
TABLE = MinimaTable(
    usual=USUAL,
    entries=(
        between(of(50.0, 0.0, 0.0), DRONE),
        between(of(4_000.0, 60.0, 240.0), LIGHT, HEAVY),
        between(of(0.0, 150.0, 30.0), DRONE, LIGHT),
    ),
)


def mixed(random: Random, count: int) -> list[Entity]:
    kinds = (None, DRONE, DRONE, LIGHT, HEAVY, Category.GLIDER)
    return [
        entity if entity.no_go else replace(entity, category=random.choice(kinds))
        for entity in day(random, count)
    ]


def meetings(entities: list[Entity], table: MinimaTable) -> dict[frozenset[int], Conflict]:
    found = {}
    for a, b in combinations(range(len(entities)), 2):
        one, other = entities[a], entities[b]
        if one.no_go and other.no_go:
            continue
        minima = table.between(one.category, other.category)
        if conflict := by_definition(one.volumes, other.volumes, minima):
            found[frozenset((a, b))] = conflict
    return found


@pytest.mark.parametrize("seed", range(6))
def test_an_audit_finds_what_the_definition_finds_of_each_pair(seed: int) -> None:
    entities = mixed(Random(seed), 60)
    print(f"seed {seed}")
    wanted = meetings(entities, TABLE)
    # Both the usual and the largest minima would find others.
    for minima in (USUAL, TABLE.largest):
        assert wanted.keys() ^ meetings(entities, MinimaTable(usual=minima)).keys()
    audit, found = Audit(entities, TABLE), {}
    for piece in audit.conflicts():
        for row in range(len(piece)):
            a, b = piece.pair[row].tolist()
            assert frozenset((a, b)) not in found
            found[frozenset((a, b))] = audit.conflict(piece, row)
            minima = TABLE.between(entities[a].category, entities[b].category)
            one, other = Prepared.of(*entities[a].volumes), Prepared.of(*entities[b].volumes)
            assert audit.conflict(piece, row) == by_kernels(one, other, minima)
    assert found.keys() == wanted.keys()
    counted = [frozenset(p) for chunk in Audit(entities, TABLE).count() for p in chunk.tolist()]
    assert len(counted) == len(set(counted))
    assert set(counted) == wanted.keys()
    # Depth is a share of the minima of the pair.
    assert all(abs(found[p].margin - wanted[p].margin) < 1e-4 for p in wanted if found[p].margin)


def test_conflicts_of_an_audit_come_in_order_of_time_whatever_minima_they_keep() -> None:
    entities = mixed(Random(7), 80)
    starts = [
        int(piece.span[row, 0])
        for piece in Audit(entities, TABLE).conflicts()
        for row in range(len(piece))
    ]
    assert len(starts) > 20
    assert starts == sorted(starts)


@pytest.mark.parametrize(
    ("pair", "touching_s", "usual"),
    [((DRONE, DRONE), 0.0, True), ((LIGHT, HEAVY), 240.0, False), ((DRONE, LIGHT), 30.0, True)],
)
def test_an_audit_has_what_touches_and_not_what_misses_by_the_smallest_step(
    pair: tuple[Category, Category], touching_s: float, *, usual: bool
) -> None:
    for a, b in (pair, pair[::-1]):
        for by_s, met in ((touching_s, 1), (touching_s + 1e-6, 0)):
            later = volume(seconds=(600.0 + by_s, 2_000.0))
            entities = [
                Entity(volumes=(later,), category=a),
                Entity(volumes=(volume(),), category=b),
            ]
            assert sum(map(len, Audit(entities, TABLE).conflicts())) == met
            assert sum(map(len, Audit(entities, TABLE).count())) == met
            # Without categories it is decided otherwise.
            plain = [replace(entity, category=None) for entity in entities]
            found = sum(map(len, Audit(plain, MinimaTable(usual=USUAL)).conflicts()))
            assert found == usual


@pytest.mark.parametrize("seed", range(4))
def test_verdicts_of_pairs_are_the_definitions_and_the_same_both_ways(seed: int) -> None:
    random, entities, differing = Random(seed), mixed(Random(seed), 40), 0
    for _ in range(400):
        a, b = random.sample(entities, 2)
        minima = TABLE.between(a.category, b.category)
        one, other = Prepared.of(*a.volumes), Prepared.of(*b.volumes)
        wanted = conflicts(a.volumes, b.volumes, minima)
        assert met_by_kernels(one, other, minima) == wanted
        there = by_kernels(one, other, minima)
        back = by_kernels(other, one, TABLE.between(b.category, a.category))
        assert (there is not None) == (back is not None) == wanted
        if there is not None and back is not None:
            assert repr(there) == repr(replace(back, pair=back.pair[::-1]))
        differing += wanted != conflicts(a.volumes, b.volumes, USUAL)
    assert differing > 5


# Arranged


@pytest.mark.parametrize("seed", range(3))
def test_what_is_forbidden_to_two_plans_is_so_by_their_minima_at_every_step(seed: int) -> None:
    random, minute, differing = Random(seed), timedelta(minutes=1), 0
    for _ in range(12):
        plans = [some_volumes(random, within_m=2_000.0) for _ in range(3)]
        kinds = random.choices((None, DRONE, LIGHT, HEAVY), k=3)
        found = Scene(plans, TABLE, kinds).ways(np.array([[-5, 20]] * 3), step_us=60_000_000)
        for p, q in combinations(range(3), 2):
            rows = range(found.first[p], found.first[p + 1])
            spans = [(found.low[r], found.high[r]) for r in rows if found.other[r] == q]
            assert all(y[0] > x[1] + 1 for x, y in pairwise(spans))
            for step in range(-25, 26):
                there = shifted(plans[p], step * minute)
                wanted = conflicts(there, plans[q], TABLE.between(kinds[p], kinds[q]))
                assert any(low <= step <= high for low, high in spans) == wanted
                differing += wanted != conflicts(there, plans[q], USUAL)
    assert differing > 20


@pytest.mark.parametrize("seed", range(3))
def test_arranged_plans_keep_the_minima_of_each_pair(seed: int) -> None:
    random = Random(seed)
    kinds = (None, DRONE, DRONE, LIGHT, HEAVY)
    plans = [
        Declared(
            name=str(k),
            party="ab"[k % 2],
            volumes=some_volumes(random, within_m=3_000.0),
            category=random.choice(kinds),
        )
        for k in range(14)
    ]
    fixed = [Fixed(name="fire", volumes=some_volumes(random, within_m=3_000.0))]
    found = arrange(
        plans, fixed, TABLE, freedom=TWENTY, effort=Effort(rounds=5), random=Random(seed)
    )
    there = [a for a in found.plans if a.shift is not None]
    assert len(there) > 3
    for a, b in combinations(there, 2):
        minima = TABLE.between(a.plan.category, b.plan.category)
        assert not conflicts(a.volumes, b.volumes, minima)
    for a in there:
        assert not conflicts(a.volumes, fixed[0].volumes, TABLE.most(a.plan.category))


def test_two_drones_stay_where_others_would_have_to_wait() -> None:
    near = volume(seconds=(630.0, 1_200.0))

    def waits(*kinds: Category | None) -> bool:
        plans = [
            Declared(name=str(k), party="a", volumes=(each,), category=kinds[k])
            for k, each in enumerate((volume(), near))
        ]
        found = arrange(plans, (), TABLE, freedom=TWENTY, effort=Effort(), random=Random(1))
        return found.total > timedelta(0)

    assert not waits(DRONE, DRONE)
    assert waits(DRONE, None)
    assert waits(DRONE, HEAVY)


# Placed


@st.composite
def tables(draw: st.DrawFn) -> MinimaTable:
    figures = st.builds(
        of,
        st.floats(0.0, 20_000.0),
        st.floats(0.0, 1_000.0),
        st.integers(0, 10**9).map(lambda micros: micros / 1e6),
    )
    pairs = draw(st.lists(st.tuples(st.sampled_from(Category), st.sampled_from(Category))))
    found = {frozenset(pair): between(draw(figures), *pair) for pair in pairs}
    return MinimaTable(usual=draw(figures), entries=tuple(found.values()))


@settings(derandomize=True, deadline=None, max_examples=150)
@given(tables(), st.sampled_from(ANY), st.sampled_from(ANY), AZIMUTHS)
def test_two_plans_exactly_at_their_minima_always_meet_where_they_are_placed(
    table: MinimaTable, a: Category | None, b: Category | None, azimuth_deg: float
) -> None:
    minima = table.between(a, b)
    one = volume(Circle(center=ALPS, radius_m=700.0), levels_m=(100.3, 600.1))
    center = geodesy.destination(ALPS, azimuth_deg, 1_000.0 + minima.horizontal_m)
    level_m = 600.1 + minima.vertical_m
    other = volume(Circle(center=center, radius_m=300.0), levels_m=(level_m, level_m))
    other = replace(other, time=other.time.shifted(one.time.end - other.time.start + minima.time))
    assert conflicts((one,), (other,), minima)
    _check_placed((one,), a, (other,), b, table)


@settings(derandomize=True, deadline=None, max_examples=150)
@given(volumes(), volumes(), tables(), st.sampled_from(ANY), st.sampled_from(ANY))
def test_two_plans_within_their_minima_always_meet_where_they_are_placed(
    one: tuple, other: tuple, table: MinimaTable, a: Category | None, b: Category | None
) -> None:
    if conflicts(one, other, table.between(a, b)):
        _check_placed(one, a, other, b, table)


def _check_placed(
    one: tuple, a: Category | None, other: tuple, b: Category | None, table: MinimaTable
) -> None:
    """Check both kinds of register: halves there, the whole of one at a foreign one."""
    halves = [
        enlarged_by(each, table.most(category), fraction=0.5)
        for each, category in ((one, a), (other, b))
    ]
    assert conflicts(*halves, NO_MINIMA)
    assert may_conflict(*(Prepared.of(*each) for each in halves), NO_MINIMA)
    assert conflicts(enlarged_by(one, table.most(a), fraction=1.0), other, table.beyond(b, a))
    assert conflicts(one, enlarged_by(other, table.most(b), fraction=1.0), table.beyond(a, b))


def test_two_halves_of_what_the_pair_keeps_would_not_do_for_a_third() -> None:
    """A drone that is placed by what drones keep from drones is not found by a heavy."""
    table = MinimaTable(usual=USUAL, entries=(between(NO_MINIMA, DRONE),))
    later = volume(seconds=(680.0, 1_200.0))
    assert conflicts((volume(),), (later,), table.between(DRONE, HEAVY))
    most = table.most(HEAVY)
    too_small = enlarged_by((volume(),), table.between(DRONE, DRONE), fraction=0.5)
    assert not conflicts(too_small, enlarged_by((later,), most, fraction=0.5), NO_MINIMA)

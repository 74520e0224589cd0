"""An audit finds what comparing all with all finds, with the same figures, in order, in memory."""

import tracemalloc
from collections.abc import Sequence
from datetime import timedelta
from itertools import combinations
from random import Random

import numpy as np
import pytest
from pairs import outline

from plans import ALPS, volume
from shapes import box
from tansiq.domain import geodesy
from tansiq.domain.agreement import NO_MINIMA, Minima, MinimaTable
from tansiq.domain.conflict import Conflict, rank
from tansiq.domain.conflict import conflict_between as by_definition
from tansiq.domain.volume import Circle, Volume4D
from tansiq.engine import audit as module
from tansiq.engine import partners
from tansiq.engine.audit import Audit, Entity, Found
from tansiq.engine.judgement import conflict_between as by_kernels
from tansiq.engine.prepared import Prepared

SOME = Minima(horizontal_m=800.0, vertical_m=60.0, time=timedelta(seconds=90))
Pairs = dict[frozenset[int], Conflict]


def part(random: Random, start_s: float, size_m: float) -> Volume4D:
    """Return a volume within some kilometres; levels and times are round: some are equal."""
    center = geodesy.destination(ALPS, random.uniform(0.0, 360.0), random.uniform(0.0, 9_000.0))
    low_m, start_s = 50.0 * random.randint(0, 8), start_s + 60.0 * random.randint(0, 20)
    return volume(
        outline(random, center, size_m * random.uniform(0.3, 1.0)),
        levels_m=(low_m, low_m + 50.0 * random.randint(0, 2)),
        seconds=(start_s, start_s + 60.0 * random.randint(1, 10)),
    )


def day(random: Random, count: int, *, lasting_s: float = 7_200.0) -> list[Entity]:
    """Return plans of one to five volumes and a few no-go areas; some outlines stand twice."""
    found = []
    for k in range(count):
        start_s = random.uniform(0.0, lasting_s)
        volumes = [part(random, start_s, 1_500.0) for _ in range(random.randint(1, 5))]
        if found and random.random() < 0.2:
            volumes.append(random.choice(found).volumes[0])
        found.append(Entity(volumes=tuple(volumes), no_go=k % 9 == 0))
    return found


def expected(entities: Sequence[Entity], minima: Minima) -> Pairs:
    found = {}
    for a, b in combinations(range(len(entities)), 2):
        one, other = entities[a], entities[b]
        if one.no_go and other.no_go:
            continue
        if conflict := by_definition(one.volumes, other.volumes, minima):
            found[frozenset((a, b))] = conflict
    return found


def audited(entities: Sequence[Entity], minima: Minima) -> list[tuple[tuple[int, int], Conflict]]:
    audit = Audit(entities, MinimaTable(usual=minima))
    return [
        (tuple(found.pair[row].tolist()), audit.conflict(found, row))
        for found in audit.conflicts()
        for row in range(len(found))
    ]


def counted(entities: Sequence[Entity], minima: Minima) -> set[frozenset[int]]:
    pairs = [
        frozenset(p)
        for chunk in Audit(entities, MinimaTable(usual=minima)).count()
        for p in chunk.tolist()
    ]
    assert len(pairs) == len(set(pairs)), "a pair came twice"
    return set(pairs)


def disagreements(entities: Sequence[Entity], minima: Minima) -> int:
    """Return how many pairs of entities come not as brute force has them: missing, too many, twice,
    or with other times, levels, margins."""
    wanted, found = expected(entities, minima), audited(entities, minima)
    wrong = len(found) - len({frozenset(pair) for pair, _ in found})
    got = {frozenset(pair): conflict for pair, conflict in found}
    wrong += len(got.keys() ^ wanted.keys()) + len(counted(entities, minima) ^ wanted.keys())
    for pair in got.keys() & wanted.keys():
        a, b = got[pair], wanted[pair]
        wrong += abs(a.margin - b.margin) > 1e-5
        wrong += abs(a.separation.horizontal_m - b.separation.horizontal_m) > 1e-3
    return wrong


# Against brute force


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("minima", [NO_MINIMA, SOME], ids=["none", "some"])
def test_it_finds_what_comparing_all_with_all_finds(seed: int, minima: Minima) -> None:
    entities = day(Random(seed), 60)
    print(f"seed {seed}")
    assert len(expected(entities, minima)) > 20
    assert disagreements(entities, minima) == 0


@pytest.mark.parametrize("seed", range(10, 14))
def test_figures_are_the_judges_to_the_bit(seed: int) -> None:
    """Which pair of volumes stands for two plans, and everything that is said of it."""
    entities = day(Random(seed), 60)
    for (a, b), conflict in audited(entities, SOME):
        one, other = Prepared.of(*entities[a].volumes), Prepared.of(*entities[b].volumes)
        assert conflict == by_kernels(one, other, SOME), f"seed {seed}"


def test_what_touches_is_found_and_what_misses_by_the_smallest_step_is_not() -> None:
    first = Entity(volumes=(volume(levels_m=(300.0, 600.0), seconds=(0.0, 600.0)),))
    for touching, missing in [
        ({"seconds": (690.0, 9_999.0)}, {"seconds": (690.000001, 9_999.0)}),
        ({"levels_m": (660.0, 900.0)}, {"levels_m": (660.00000001, 900.0)}),
    ]:
        for change, met in ((touching, 1), (missing, 0)):
            entities = [Entity(volumes=(volume(**change),)), first]
            assert len(audited(entities, SOME)) == len(counted(entities, SOME)) == met


def test_boxes_that_touch_without_a_common_corner_are_settled_by_the_definition() -> None:
    """The kernels cannot tell: a row of boxes side by side, each shifted along the common edge."""
    boxes = []
    for k in range(6):
        center = geodesy.destination(geodesy.destination(ALPS, 90.0, 200.0 * k), 0.0, 30.0 * k)
        boxes.append(box(center, length_m=400.0, width_m=200.0, azimuth_deg=0.0))
    entities = [Entity(volumes=(volume(outline),)) for outline in boxes]
    assert disagreements(entities, NO_MINIMA) == 0


def test_a_set_without_conflicts_and_an_empty_one() -> None:
    assert audited([], SOME) == []
    assert counted([], SOME) == set()
    assert audited([Entity(volumes=(volume(), volume()))], SOME) == []


def test_no_go_areas_meet_plans_and_not_each_other() -> None:
    area, plan = Entity(volumes=(volume(),), no_go=True), Entity(volumes=(volume(),))
    assert audited([area, area], SOME) == []
    assert [pair for pair, _ in audited([area, plan, area], SOME)] == [(0, 1), (1, 2)]


# Mistakes that must be caught


def test_pairs_dropped_at_the_end_of_a_step_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """As an audit would that goes on behind the entity for which there was no more room."""
    entities = day(Random(3), 60)
    monkeypatch.setattr(module, "_ROOM", 64)
    assert disagreements(entities, SOME) == 0
    join = partners.join

    def careless(*arguments):
        onwards, many, lacking = join(*arguments)
        return (onwards + 1, many, 0) if lacking and many else (onwards, many, lacking)

    monkeypatch.setattr(module.partners, "join", careless)
    assert disagreements(entities, SOME) > 0


def test_pairs_joined_by_halves_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """As an audit would that joins the volumes of two plans step by step of some rows."""
    joined = Audit._joined

    def halves(self, *, measured):
        for hits, figures in joined(self, measured=measured):
            for start in range(0, len(hits), 7):
                yield hits[start : start + 7], figures[start : start + 7]

    monkeypatch.setattr(Audit, "_joined", halves)
    assert disagreements(day(Random(4), 60), SOME) > 0


# Order


@pytest.mark.parametrize("seed", range(20, 24))
def test_conflicts_come_in_order_of_time_and_none_too_late(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_STEP", 3)
    entities = day(Random(seed), 90)
    starts = [conflict.time.start for _, conflict in audited(entities, SOME)]
    assert starts == sorted(starts), f"seed {seed}"
    assert len(starts) == len(expected(entities, SOME))


@pytest.mark.parametrize("seed", range(30, 33))
def test_the_order_of_the_entities_changes_no_conflict(seed: int) -> None:
    random = Random(seed)
    entities = day(random, 60)
    shuffled = random.sample(range(len(entities)), len(entities))
    forth = {frozenset(pair): conflict for pair, conflict in audited(entities, SOME)}
    back = {
        frozenset(shuffled[k] for k in pair): conflict
        for pair, conflict in audited([entities[k] for k in shuffled], SOME)
    }
    assert forth.keys() == back.keys(), f"seed {seed}"
    for pair, conflict in forth.items():
        other = back[pair]
        assert (conflict.time, conflict.altitude) == (other.time, other.altitude)
        assert (conflict.margin, conflict.separation) == (other.margin, other.separation)


def test_the_worst_come_first_as_conflicts_are_ranked() -> None:
    audit = Audit(day(Random(5), 60), MinimaTable(usual=SOME))
    pieces = list(audit.conflicts())
    found = sum(pieces[1:], pieces[0])
    worst = found[found.worst(10)]
    ranks = [rank(audit.conflict(found, row)) for row in range(len(found))]
    assert [rank(audit.conflict(worst, row)) for row in range(10)] == sorted(ranks)[:10]


# Memory


def crowd(count: int, *, lasting_s: float) -> list[Entity]:
    """Return plans of one place, ten minutes each: each meets those next to it in time."""
    circle = Circle(center=ALPS, radius_m=100.0)
    return [
        Entity(volumes=(volume(circle, seconds=(s, s + 600.0)),))
        for s in np.linspace(0.0, lasting_s, count).tolist()
    ]


def held_at_most(entities: Sequence[Entity], monkeypatch: pytest.MonkeyPatch) -> tuple[int, int]:
    """Return how many conflicts an audit held at most for later, and how many there were."""
    most, every = 0, 0
    plus = Found.__add__

    def watched(self: Found, other: Found) -> Found:
        nonlocal most
        joined = plus(self, other)
        most = max(most, len(joined))
        return joined

    monkeypatch.setattr(Found, "__add__", watched)
    for found in Audit(entities, MinimaTable(usual=NO_MINIMA)).conflicts():
        every += len(found)
    return most, every


def test_what_is_held_follows_what_is_in_the_air_not_the_day(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_STEP", 16)
    monkeypatch.setattr(module, "_ROOM", 1_024)
    most, every = held_at_most(crowd(1_500, lasting_s=86_400.0), monkeypatch)
    assert every > 14_000
    assert most < every / 10
    at_once, every = held_at_most(crowd(150, lasting_s=0.0), monkeypatch)
    assert at_once == every == 150 * 149 // 2


def test_counting_keeps_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_ROOM", 4_096)
    audit = Audit(crowd(400, lasting_s=1.0), MinimaTable(usual=NO_MINIMA))
    next(audit.count())
    tracemalloc.start()
    pairs = sum(len(chunk) for chunk in audit.count())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert pairs == 400 * 399 // 2
    assert peak < 2_000_000  # One list of them would be 8 MB.

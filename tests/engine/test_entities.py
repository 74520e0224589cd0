"""Plans found by name through their volumes: nobody who is near is forgotten, changes are seen."""

from datetime import timedelta
from random import Random

import pytest
from pairs import place

from plans import volume
from shapes import ring
from tansiq.domain import geodesy
from tansiq.domain.agreement import NO_MINIMA, Minima
from tansiq.domain.conflict import conflicts
from tansiq.domain.volume import Circle, LatLng, Volumes
from tansiq.engine.entities import ALTITUDES, EntityIndex, loosened, reaching, thinned
from tansiq.engine.prepared import Prepared


def _plan(random: Random, centers: list[LatLng]) -> Volumes:
    center = geodesy.destination(
        random.choice(centers), random.uniform(0, 360), random.uniform(0, 30_000)
    )
    found = []
    for k in range(random.randint(1, 3)):
        size_m = 10 ** random.uniform(2, 4.3)
        at = geodesy.destination(center, 90.0, 1_000.0 * k)
        outline = (
            Circle(center=at, radius_m=size_m)
            if random.random() < 0.4
            else ring(at, [size_m * random.uniform(0.3, 1.0) for _ in range(5)])
        )
        low_m, start_s = random.uniform(0, 1_000), random.uniform(0, 7_200)
        found.append(
            volume(outline, levels_m=(low_m, low_m + 100), seconds=(start_s, start_s + 600))
        )
    return tuple(found)


@pytest.mark.parametrize("seed", range(4))
def test_it_finds_whom_a_plain_loop_finds(seed: int) -> None:
    """200 plans at awkward places, changed and dropped in between; exact, and at least so near."""
    random, index, plans = Random(seed), EntityIndex[str](), dict[str, Volumes]()
    centers = [place(random) for _ in range(3)]
    minima = Minima(horizontal_m=2_000.0, vertical_m=100.0, time=timedelta(minutes=2))
    met = 0
    for k in range(260):
        name = str(random.randrange(200))
        index.put(name, _plan(random, centers))
        plans[name] = index_volumes = _plan(random, centers)
        index.put(name, index_volumes)
        if random.random() < 0.2:
            gone = random.choice(sorted(plans))
            index.drop(gone)
            del plans[gone]
        if k % 5:
            continue  # So that several wait to be taken in.
        asked = _plan(random, centers)
        expected = {n for n, volumes in plans.items() if conflicts(asked, volumes, minima)}
        assert index.conflicting(Prepared.of(*asked), minima) == expected, f"seed {seed}"
        assert index.near(Prepared.of(*asked), minima) >= expected
        met += len(expected)
    assert met > 20
    assert len(index) == len(plans)
    for name, volumes in plans.items():
        assert name in index
        assert index.near(Prepared.of(*volumes), NO_MINIMA) >= {name}


def test_one_without_volumes_and_one_that_is_dropped_twice() -> None:
    index = EntityIndex[int]()
    index.put(1, ())
    index.drop(2)
    assert index.near(Prepared.of(volume()), NO_MINIMA) == set()
    index.put(1, (volume(),))
    assert index.conflicting(Prepared.of(volume()), NO_MINIMA) == {1}
    index.drop(1)
    index.drop(1)
    assert index.near(Prepared.of(volume()), NO_MINIMA) == set()


def test_a_loosened_plan_is_everywhere_at_all_its_times_and_levels() -> None:
    plan = (volume(seconds=(0.0, 60.0)), volume(levels_m=(900.0, 950.0), seconds=(500.0, 600.0)))
    loose = loosened(plan)
    assert {(v.time, v.altitude) for v in loose} == {(loose[0].time, loose[0].altitude)}
    assert loose[0].altitude.lower_m == 300.0
    assert loose[0].altitude.upper_m == 950.0
    between = volume(levels_m=(700.0, 750.0), seconds=(200.0, 210.0))
    assert not conflicts((between,), plan, NO_MINIMA)
    assert conflicts((between,), loose, NO_MINIMA)


@pytest.mark.parametrize("seed", range(4))
def test_few_volumes_of_a_plan_find_all_that_it_finds(seed: int) -> None:
    random, index = Random(seed), EntityIndex[int]()
    centers = [place(random)]
    for k in range(150):
        index.put(k, _plan(random, centers))
    plan = tuple(v for _ in range(40) for v in _plan(random, centers))
    everywhere = reaching(plan, volume(seconds=(0.0, 9_000.0)).time, ALTITUDES)
    for slack_m in (0.0, 500.0, 5_000.0):
        few = thinned(everywhere, slack_m)
        wider = Minima(horizontal_m=2_000.0 + slack_m)
        found = index.near(Prepared.of(*few), wider)
        assert found >= index.conflicting(Prepared.of(*everywhere), Minima(horizontal_m=2_000.0))
    assert 0 < len(few) < len(plan) / 2
    assert len(thinned(everywhere[:1] * 3, 0.0)) == 1

"""The index finds what brute force finds, whatever was put in, changed and taken out before."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from pairs import outline, place

from plans import ALPS, NOON, volume
from shapes import box
from tansiq.domain import geodesy
from tansiq.domain.agreement import NO_MINIMA, Minima
from tansiq.domain.conflict import conflicts
from tansiq.domain.volume import LatLng, Volume4D
from tansiq.engine import grid
from tansiq.engine.batch import Batch
from tansiq.engine.index import AirspaceIndex
from tansiq.engine.prepared import Prepared

FIVE = Minima(horizontal_m=500.0, vertical_m=100.0, time=timedelta(minutes=5))
WIDE = Minima(horizontal_m=20_000.0, vertical_m=3_000.0, time=timedelta(hours=3))


def near(random: Random, centers: Iterable[LatLng] = (ALPS,)) -> Volume4D:
    """Return a volume of any size, for seconds to months, near one of some places."""
    center = random.choice(list(centers))
    center = geodesy.destination(center, random.uniform(0.0, 360.0), 10 ** random.uniform(0.0, 4.5))
    large = random.random()
    size_m = 10 ** random.uniform(1.0, 3.5 if large < 0.8 else 5.3)
    low_m, start_s = 50.0 * random.randint(0, 12), random.uniform(-9_000.0, 9_000.0)
    lasting_s = 10 ** random.uniform(0.5, 3.5 if random.random() < 0.8 else 7.0)
    return volume(
        outline(random, center, size_m),
        levels_m=(low_m, low_m + 50.0 * random.randint(0, 3)),
        seconds=(start_s, start_s + lasting_s),
    )


class Sky:
    """An index, and the same volumes beside it."""

    def __init__(self, kind: type[AirspaceIndex] = AirspaceIndex) -> None:
        self.held: dict[int, Volume4D] = {}
        self.index = kind(lambda entity: self.held[entity].outline)

    def extend(self, volumes: list[Volume4D]) -> None:
        ids = self.index.extend(Batch.of(volumes)).tolist()
        assert not self.held.keys() & set(ids)
        self.held.update(zip(ids, volumes, strict=True))

    def expected(self, own: Volume4D, minima: Minima) -> list[int]:
        return sorted(i for i, v in self.held.items() if conflicts((own,), (v,), minima))

    def assert_found(self, own: Volume4D, minima: Minima) -> None:
        prepared = Prepared.of(own)
        expected = self.expected(own, minima)
        assert self.index.conflicts(prepared, minima) == expected
        assert set(self.index.candidates(prepared, minima)) >= set(expected)

    def assert_pairs(self, minima: Minima) -> int:
        held = sorted(self.held.items())
        expected = {
            (i, j)
            for k, (i, x) in enumerate(held)
            for j, y in held[k + 1 :]
            if conflicts((x,), (y,), minima)
        }
        found = [
            (min(pair), max(pair)) for chunk in self.index.pairs(minima) for pair in chunk.tolist()
        ]
        assert len(found) == len(set(found)), "a pair came twice"
        assert set(found) == expected
        assert self.index.count_pairs(minima) == len(expected)
        return len(expected)


# Boundaries


@pytest.mark.parametrize("minima", [NO_MINIMA, FIVE])
def test_it_touches_and_misses_by_the_smallest_step(minima: Minima) -> None:
    sky = Sky()
    sky.extend([volume(levels_m=(300.0, 600.0), seconds=(0.0, 600.0))])
    time_s, rise_m = minima.time.total_seconds(), minima.vertical_m
    for touching, missing in [
        ({"seconds": (600.0 + time_s, 9_999.0)}, {"seconds": (600.000001 + time_s, 9_999.0)}),
        ({"seconds": (-9_999.0, -time_s)}, {"seconds": (-9_999.0, -time_s - 0.000001)}),
        ({"levels_m": (600.0 + rise_m, 9_999.0)}, {"levels_m": (600.00000001 + rise_m, 9_999.0)}),
        ({"levels_m": (0.0, 300.0 - rise_m)}, {"levels_m": (0.0, 299.99999999 - rise_m)}),
    ]:
        assert sky.index.conflicts(Prepared.of(volume(**touching)), minima) == [0]
        assert sky.index.conflicts(Prepared.of(volume(**missing)), minima) == []


def test_unknown_ids_and_an_empty_index() -> None:
    index = Sky().index
    assert index.conflicts(Prepared.of(volume())) == []
    assert list(index.pairs()) == []
    assert len(index.expire(NOON)) == 0
    assert 0 not in index
    with pytest.raises(KeyError):
        index.remove(0)
    with pytest.raises(KeyError):
        index.change(7, volume())
    assert index.insert(volume()) == 0
    index.remove(0)
    with pytest.raises(KeyError):
        index.remove(0)


def test_what_has_ended_before_a_moment_is_forgotten() -> None:
    sky = Sky()
    sky.extend([volume(seconds=(0.0, 600.0)), volume(seconds=(0.0, 600.000001))])
    end = NOON + timedelta(seconds=600)
    assert sky.index.expire(end).tolist() == []
    assert sky.index.expire(end + timedelta(microseconds=1)).tolist() == [0]
    assert sky.index.conflicts(Prepared.of(volume())) == [1]


# Against brute force

POLE_AND_DATE_LINE = [LatLng(90.0, 0.0), LatLng(-90.0, 10.0), LatLng(12.0, 180.0), ALPS]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("minima", [NO_MINIMA, FIVE, WIDE])
def test_sizes_from_ten_metres_to_two_hundred_kilometres(seed: int, minima: Minima) -> None:
    random = Random(seed)
    sky = Sky()
    sky.extend([near(random, POLE_AND_DATE_LINE) for _ in range(120)])
    for _ in range(20):
        sky.assert_found(near(random, POLE_AND_DATE_LINE), minima)
    assert sky.assert_pairs(minima) > 20


def test_all_over_the_earth() -> None:
    random = Random(4)
    sky = Sky()
    sky.extend(
        [volume(outline(random, place(random), 10 ** random.uniform(3.0, 6.0))) for _ in range(150)]
    )
    assert sky.assert_pairs(WIDE) > 30


def test_so_many_in_one_place_that_room_must_be_made() -> None:
    """1,500 candidates for each, 200,000 pairs at once; and their sum does not depend on order."""
    random = Random(5)
    volumes = [volume(levels_m=(0.0, 10.0 * random.randint(1, 9))) for _ in range(1_500)]
    sky = Sky()
    sky.extend(volumes)
    everything = list(sky.held)
    assert sky.index.conflicts(Prepared.of(volume(levels_m=(0.0, 5.0)))) == everything
    assert sky.index.count_pairs() == 1_500 * 1_499 // 2
    chunks = list(sky.index.pairs())
    assert len(chunks) > 1
    assert len({tuple(sorted(pair)) for chunk in chunks for pair in chunk.tolist()}) == 1_124_250


def test_a_country_and_a_season_beside_many_small_ones() -> None:
    random = Random(6)
    small = [
        volume(box(near_by(random), length_m=200.0, width_m=100.0, azimuth_deg=10.0), seconds=span)
        for span in [(60.0 * i, 60.0 * i + 300.0) for i in range(300)]
    ]
    country = volume(
        box(ALPS, length_m=900_000.0, width_m=600_000.0, azimuth_deg=70.0), seconds=(0.0, 1e7)
    )
    season = volume(seconds=(-8e6, 8e6))
    sky = Sky()
    sky.extend([*small, country, season])
    for own in (country, season, small[5]):
        sky.assert_found(own, NO_MINIMA)
        sky.assert_found(own, FIVE)
    sky.assert_pairs(NO_MINIMA)


def near_by(random: Random) -> LatLng:
    return geodesy.destination(ALPS, random.uniform(0.0, 360.0), random.uniform(0.0, 3_000.0))


def found_among_thousands(kind: type[AirspaceIndex]) -> None:
    """Search where there are more cells than any search looks at."""
    random = Random(10)
    sky = Sky(kind)
    sky.extend([near(random) for _ in range(3_000)])
    for _ in range(40):
        own = near(random)
        for minima in (NO_MINIMA, FIVE):
            sky.assert_found(own, minima)


def test_search_among_thousands() -> None:
    found_among_thousands(AirspaceIndex)


def test_bulk_and_one_by_one_come_to_the_same() -> None:
    random = Random(7)
    volumes = [near(random) for _ in range(700)]
    bulk, single = Sky(), Sky()
    bulk.extend(volumes)
    for one in volumes:
        single.extend([one])
    assert single.index.count_pairs(FIVE) == bulk.index.count_pairs(FIVE)
    for own in volumes[:40]:
        prepared = Prepared.of(own)
        assert single.index.conflicts(prepared, FIVE) == bulk.index.conflicts(prepared, FIVE)
        assert bulk.expected(own, FIVE) == bulk.index.conflicts(prepared, FIVE)


def test_a_bulk_leaves_no_larger_a_table_than_its_cells_need() -> None:
    random = Random(5)
    places = [place(random) for _ in range(200)]
    index = AirspaceIndex({}.__getitem__)
    # The first hundred let it expect a cell for each of them.
    index.extend(Batch.of([volume(outline(random, at, 100.0)) for at in 15 * places]))
    assert len(index._cells) == 1_024
    # Then elsewhere: there is room again.
    index.extend(Batch.of([volume(outline(random, place(random), 100.0)) for _ in range(2_000)]))
    assert len(index) == 5_000


def test_long_use_leaves_no_waste() -> None:
    """A hundred times as many come and go as ever stay, of ever other sizes."""
    random, sky = Random(8), Sky()
    sky.extend([near(random) for _ in range(300)])
    small = [
        volume(outline(random, near_by(random), 100.0, vertices=random.randint(3, 40)))
        for _ in range(500)
    ]
    size = None
    for turn in range(60):
        ids = sky.index.extend(Batch.of(small))
        for entity in ids.tolist():
            sky.index.remove(entity)
        random.shuffle(small)
        if turn == 20:
            size = sky.index.nbytes
    assert size is not None
    assert sky.index.nbytes <= size * 1.3
    sky.assert_pairs(NO_MINIMA)


# Any order of changes, and broken indexes that must be caught


class Changes(RuleBasedStateMachine):
    """Any sequence of changes, after each of which a search is compared."""

    kind: type[AirspaceIndex] = AirspaceIndex
    seeds = st.integers(0, 10**6)

    def __init__(self) -> None:
        super().__init__()
        self.sky = Sky(self.kind)

    @rule(seed=seeds, count=st.integers(1, 40))
    def extend(self, seed: int, count: int) -> None:
        random = Random(seed)
        self.sky.extend([near(random) for _ in range(count)])

    @rule(seed=seeds)
    def insert(self, seed: int) -> None:
        own = near(Random(seed))
        entity = self.sky.index.insert(own)
        assert entity not in self.sky.held
        self.sky.held[entity] = own

    @rule(seed=seeds)
    def change(self, seed: int) -> None:
        if self.sky.held:
            random = Random(seed)
            entity = random.choice(sorted(self.sky.held))
            self.sky.held[entity] = near(random)
            self.sky.index.change(entity, self.sky.held[entity])

    @rule(seed=seeds, share=st.sampled_from([0.05, 0.5, 1.0]))
    def remove(self, seed: int, share: float) -> None:
        random = Random(seed)
        for entity in sorted(self.sky.held):
            if random.random() < share:
                self.sky.index.remove(entity)
                del self.sky.held[entity]

    @rule(after_s=st.integers(-9_000, 9_000))
    def expire(self, after_s: int) -> None:
        before = NOON + timedelta(seconds=after_s)
        ended = {i for i, v in self.sky.held.items() if v.time.end < before}
        assert set(self.sky.index.expire(before).tolist()) == ended
        self.sky.held = {i: v for i, v in self.sky.held.items() if i not in ended}

    @rule(seed=seeds, minima=st.sampled_from([NO_MINIMA, FIVE, WIDE]))
    def search(self, seed: int, minima: Minima) -> None:
        self.sky.assert_found(near(Random(seed)), minima)

    @rule(minima=st.sampled_from([NO_MINIMA, FIVE]))
    def audit(self, minima: Minima) -> None:
        if len(self.sky.held) < 60:
            self.sky.assert_pairs(minima)

    @invariant()
    def counted(self) -> None:
        assert len(self.sky.index) == len(self.sky.held)
        assert self.sky.index.ids().tolist() == sorted(self.sky.held)


def run(kind: type[AirspaceIndex], examples: int, steps: int = 25, *, shrink: bool = True) -> None:
    class Run(Changes):
        pass

    Run.kind = kind
    run_state_machine_as_test(
        Run,
        settings=settings(
            derandomize=True,
            deadline=None,
            max_examples=examples,
            stateful_step_count=steps,
            phases=list(Phase) if shrink else [Phase.generate],
            report_multiple_bugs=False,
            database=None,
            print_blob=False,
        ),
    )


def test_any_sequence_of_changes() -> None:
    run(AirspaceIndex, 60)


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_any_long_sequence_of_changes() -> None:
    run(AirspaceIndex, 300, 60)


class LeavesOld(AirspaceIndex):
    """A change that does not take the old volume out of the grid."""

    def _withdraw(self, entity: int) -> None:
        before = self._where.copy()
        super()._withdraw(entity)
        self._where[: len(before), 1] = before[:, 1]

    def change(self, entity: int, volume: Volume4D) -> None:
        self.extend(Batch.of([volume]))


class LooksInOneCell(AirspaceIndex):
    """A search that does not allow for the size of what it looks for."""

    def conflicts(self, prepared: Prepared, minima: Minima = NO_MINIMA) -> list[int]:
        widest = self._bands[: grid.BANDS, grid.WIDEST].copy()
        self._bands[: grid.BANDS, grid.WIDEST] = 0
        found = super().conflicts(prepared, minima)
        self._bands[: grid.BANDS, grid.WIDEST] = widest
        return found


class ForgetsABand(AirspaceIndex):
    """One that holds something is not among those that are looked through."""

    def conflicts(self, prepared: Prepared, minima: Minima = NO_MINIMA) -> list[int]:
        listed = self._bands[:, grid.LISTED].copy()
        self._bands[grid.BASE, grid.LISTED] -= 1
        found = super().conflicts(prepared, minima)
        self._bands[:, grid.LISTED] = listed
        return found


class ForgetsTheMinima(AirspaceIndex):
    def conflicts(self, prepared: Prepared, minima: Minima = NO_MINIMA) -> list[int]:
        return super().conflicts(prepared, NO_MINIMA)


class KeepsWhatEnded(AirspaceIndex):
    def expire(self, before: datetime) -> Any:
        return super().expire(before - timedelta(minutes=10))


class MixesUpVertices(AirspaceIndex):
    """Room that was left is given out twice."""

    def _withdraw(self, entity: int) -> None:
        super()._withdraw(entity)
        for runs in self._runs.values():
            runs.extend(runs[:1])


@pytest.mark.parametrize("kind", [LooksInOneCell, ForgetsABand, ForgetsTheMinima])
def test_a_search_that_misses_something_is_caught(kind: type[AirspaceIndex]) -> None:
    with pytest.raises(AssertionError):
        found_among_thousands(kind)


@pytest.mark.parametrize("kind", [LeavesOld, ForgetsTheMinima, KeepsWhatEnded, MixesUpVertices])
def test_a_broken_index_is_caught(kind: type[AirspaceIndex]) -> None:
    with pytest.raises(AssertionError):
        run(kind, 100, shrink=False)


def test_ids_of_the_same_volumes_are_the_same_on_every_node() -> None:
    random = Random(9)
    volumes = [near(random) for _ in range(50)]
    first, second = Sky(), Sky()
    first.extend(volumes)
    second.extend(volumes)
    one = np.concatenate(list(first.index.pairs(FIVE)))
    other = np.concatenate(list(second.index.pairs(FIVE)))
    assert one.tobytes() == other.tobytes()


def test_bands_that_hold_something_are_listed() -> None:
    """While bands are filled and emptied, until there is none."""
    random, index, many = Random(4), Sky().index, set[int]()
    for step in range(400):
        ids = index.ids().tolist()
        if ids and random.random() < (0.3 if step < 150 else 0.8):
            index.remove(random.choice(ids))
        else:
            index.insert(near(random))
        bands = np.asarray(index._bands)
        held = np.flatnonzero(bands[: grid.BANDS, grid.HELD]).tolist()
        assert bands[: bands[grid.BASE, grid.LISTED], grid.LISTED].tolist() == held
        many.add(len(held))
    assert many >= {0, 1, 2, 9}

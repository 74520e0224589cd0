"""Arrays handed to kernels as one number: what is not as a kernel takes it is refused, and what an
index hands over is what it has, however it was changed."""

import copy
import pickle
from collections.abc import Callable
from datetime import timedelta
from random import Random

import numpy as np
import pytest
from pairs import pair

from plans import volume
from tansiq.domain.agreement import Minima
from tansiq.domain.volume import Outline
from tansiq.engine import compiled, search
from tansiq.engine.addresses import FREE, Addressed, Layout, floats_at, ints_at, list_at, shorts_at
from tansiq.engine.batch import Batch
from tansiq.engine.index import AirspaceIndex
from tansiq.engine.prepared import Prepared

TWO: Layout = ((np.float64, (FREE, 3)), (np.int64, (FREE,)))

needs_machine_code = pytest.mark.skipif(not compiled.COMPILED, reason="numba is not installed")


@compiled.kernel
def told(given: object) -> tuple[float, int, int, int]:
    """Return what stands last in each, and write into the last."""
    floats, ints = floats_at(given, 0), ints_at(given, 1)
    shorts, numbers = shorts_at(given, 2), list_at(given, 3)
    numbers[0] = 99
    return (
        floats[floats.shape[0] - 1, 2],
        ints[ints.shape[0] - 1, 1],
        shorts[1, shorts.shape[1] - 1],
        numbers[numbers.shape[0] - 1],
    )


def test_a_kernel_reads_and_writes_the_arrays_themselves() -> None:
    layout: Layout = (
        *((np.float64, (FREE, 3)), (np.int64, (FREE, 2))),
        *((np.int32, (2, FREE)), (np.int64, (FREE,))),
    )
    numbers = np.arange(7)
    arrays = (
        *(np.arange(12.0).reshape(4, 3), np.arange(10).reshape(5, 2)),
        *(np.arange(6, dtype=np.int32).reshape(2, 3), numbers),
    )
    addressed = Addressed(layout, [compiled.seen(array) for array in arrays])
    assert told(addressed.given) == (11.0, 9, 5, 6)
    assert numbers[0] == 99


def _read_only() -> np.ndarray:
    array = np.zeros((2, 3))
    array.flags.writeable = False
    return array


@needs_machine_code
@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((2, 3), np.float32),
        np.zeros((2, 3), np.int64),
        np.zeros((2, 4)),
        np.zeros((2, 2)),
        np.zeros(6),
        np.zeros((2, 3, 1)),
        np.zeros((3, 2)).T,
        np.zeros((4, 3))[::2],
        np.zeros((2, 6))[:, ::2],
        np.zeros(49, np.uint8)[1:].view(np.float64).reshape(2, 3),
        np.zeros((2, 3), ">f8"),
        _read_only(),
    ],
)
def test_what_a_kernel_would_misread_is_refused(wrong: np.ndarray) -> None:
    numbers = np.zeros(1, np.int64)
    Addressed(TWO, [np.zeros((2, 3)), numbers])
    with pytest.raises(ValueError, match="cannot be taken as"):
        Addressed(TWO, [wrong, numbers])


@needs_machine_code
@pytest.mark.parametrize("count", [1, 3])
def test_too_few_or_too_many_are_refused(count: int) -> None:
    arrays = [np.zeros((2, 3)), np.zeros(1, np.int64), np.zeros(1, np.int64)]
    with pytest.raises(ValueError, match="zip"):
        Addressed(TWO, arrays[:count])


@needs_machine_code
def test_a_copy_names_its_own_arrays() -> None:
    outline, _ = pair(Random(3))
    plan = Prepared.of(volume(outline))
    for other in (copy.deepcopy(plan), pickle.loads(pickle.dumps(plan))):
        assert other.volumes == plan.volumes
        assert other.addressed.given != plan.addressed.given
        _names(other.addressed, other.sky)


def _names(addressed: Addressed, arrays: object) -> None:
    """Check that a table names these arrays, where they are and as long as they are."""
    said = np.array(addressed._table).reshape(-1, 3).tolist()
    is_so = [[a.ctypes.data, a.shape[0], a.shape[-1]] for a in tuple(arrays)]  # type: ignore[call-overload]
    assert said == is_so
    assert all(mine is theirs for mine, theirs in zip(addressed.arrays, arrays, strict=True))  # type: ignore[call-overload]


def _current(index: AirspaceIndex) -> None:
    kept = (index._cells, index._entries, index._bands, index._found, index._rows)
    _names(index._searched, (*index._sky, *kept, index._distances_m, index._times_us))


def _changed_many_times(kind: type[AirspaceIndex]) -> None:
    random, held = Random(17), dict[int, Outline]()
    index = kind(lambda entity: held[entity])
    asked = [Minima(), Minima(horizontal_m=200_000.0), Minima(time=timedelta(hours=2))]
    replaced = set[int]()
    for step in range(900):
        outline, other = pair(random)
        before = index._searched
        if held and random.random() < (0.2 if step % 300 < 200 else 0.8):
            entity = random.choice(sorted(held))
            del held[entity]
            index.remove(entity)
        elif held and random.random() < 0.2:
            entity = random.choice(sorted(held))
            held[entity] = outline
            index.change(entity, volume(outline))
        else:
            ids = index.extend(Batch.of([volume(outline), volume(other)])).tolist()
            held |= dict(zip(ids, (outline, other), strict=True))
        _current(index)
        if step % 10 == 0:
            plan = Prepared.of(volume(outline))
            index.conflicts(plan, random.choice(asked))
            index.candidates(plan, asked[1])
            _current(index)
        mine, theirs = before.arrays, index._searched.arrays
        replaced |= {k for k, (a, b) in enumerate(zip(mine, theirs, strict=True)) if a is not b}
    assert replaced >= {0, 1, 2, 3, 4}
    for _ in index.pairs(asked[1]):
        _current(index)


def _given_room(kind: type[AirspaceIndex]) -> None:
    """More candidates than there is room for, and larger outlines."""
    outline, _ = pair(Random(3))
    index = kind(lambda _: outline)
    index.extend(Batch.of([volume(outline)] * 1_025))
    before = index._searched.arrays
    index.candidates(Prepared.of(volume(outline)))
    _current(index)
    index._fit_rows(len(index._rows))
    _current(index)
    mine = index._searched.arrays
    assert [k for k, (a, b) in enumerate(zip(before, mine, strict=True)) if a is not b] == [6, 7]


@needs_machine_code
def test_an_index_hands_over_what_it_has_however_it_was_changed() -> None:
    """Every way that arrays are replaced: more volumes, vertices, cells and entries, less of them,
    larger outlines, more that is found, another base."""
    _changed_many_times(AirspaceIndex)
    _given_room(AirspaceIndex)


class KeepsTheOldTable(AirspaceIndex):
    """Arrays are replaced, and what searches are handed is where they were."""

    def _bind(self) -> None:
        before = getattr(self, "_searched", None)
        super()._bind()
        self._searched = before or self._searched


class KeepsItWhereMoreIsFound(AirspaceIndex):
    def _widen(self, many: int) -> None:
        before = self._searched
        super()._widen(many)
        self._searched = before


class KeepsItForLargeOutlines(AirspaceIndex):
    def _fit_rows(self, vertices: int) -> None:
        before = self._searched
        super()._fit_rows(vertices)
        self._searched = before


@needs_machine_code
@pytest.mark.parametrize(
    ("walk", "kind"),
    [
        (_changed_many_times, KeepsTheOldTable),
        (_given_room, KeepsItWhereMoreIsFound),
        (_given_room, KeepsItForLargeOutlines),
    ],
)
def test_a_table_that_is_not_renewed_is_caught(
    walk: Callable[[type[AirspaceIndex]], None], kind: type[AirspaceIndex]
) -> None:
    """Caught by what it names, before a kernel reads it."""
    with pytest.raises(AssertionError):
        walk(kind)


def test_minima_of_the_latest_search_are_those_that_count() -> None:
    random = Random(5)
    outlines = [outline for _ in range(40) for outline in pair(random)]
    index = AirspaceIndex(outlines.__getitem__)
    index.extend(Batch.of([volume(outline) for outline in outlines]))
    plans = [Prepared.of(volume(outline)) for outline in outlines]
    each = [Minima(), Minima(horizontal_m=20_000.0), Minima(horizontal_m=200_000.0)]
    alone = []
    for minima in each:
        fresh = AirspaceIndex(outlines.__getitem__)
        fresh.extend(Batch.of([volume(outline) for outline in outlines]))
        alone.append([fresh.conflicts(plan, minima) for plan in plans])
    for k, plan in enumerate(plans):
        assert [index.conflicts(plan, minima) for minima in each] == [said[k] for said in alone]


def test_room_for_what_is_found_grows_between_two_searches() -> None:
    """As many candidates as there is room for, and one more; none is lost."""
    outline, _ = pair(Random(3))
    for count in (1023, 1024, 1025, 2049):
        index = AirspaceIndex(lambda _: outline)
        index.extend(Batch.of([volume(outline)] * count))
        plan = Prepared.of(volume(outline))
        assert index.conflicts(plan) == list(range(count))
        assert (
            search.candidates(
                index._kept, plan.sky, search.Limits(0.0, 0.0, 0), 0, index._kernel_found
            )
            == count
        )

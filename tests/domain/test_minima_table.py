"""Which minima two aircraft keep: by their categories, the largest where one is not known."""

import math
from dataclasses import replace
from datetime import timedelta
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plans import HERE, MINIMA, intent, volume
from tansiq.domain import geodesy
from tansiq.domain.agreement import NO_MINIMA, Between, Minima, MinimaTable
from tansiq.domain.category import Category, category_of
from tansiq.domain.conflict import blockers, conflict_between, conflicts, how_near
from tansiq.domain.volume import Circle, Volume4D
from tansiq.errors import BadInput

SEEDED = settings(derandomize=True, deadline=None, max_examples=200)
ANY = (None, *Category)
DRONE, HELICOPTER, LIGHT, HEAVY = (
    Category.DRONE,
    Category.HELICOPTER,
    Category.LIGHT,
    Category.HEAVY,
)


def of(horizontal_m: float, vertical_m: float, seconds: float) -> Minima:
    return Minima(horizontal_m=horizontal_m, vertical_m=vertical_m, time=timedelta(seconds=seconds))


def between(minima: Minima, *categories: Category) -> Between:
    return Between(categories=frozenset(categories), minima=minima)


USUAL = of(1_000.0, 150.0, 60.0)
CLOSE = of(100.0, 30.0, 10.0)
WIDE = of(5_000.0, 100.0, 120.0)
TABLE = MinimaTable(usual=USUAL, entries=(between(CLOSE, DRONE), between(WIDE, LIGHT, HEAVY)))


@st.composite
def tables(draw: st.DrawFn) -> MinimaTable:
    pairs = draw(st.sets(st.frozensets(st.sampled_from(Category), min_size=1, max_size=2)))
    entries = tuple(
        Between(categories=pair, minima=draw(MINIMA)) for pair in sorted(pairs, key=sorted)
    )
    return MinimaTable(usual=draw(MINIMA), entries=entries)


def figures(minima: Minima) -> tuple[float, float, float]:
    return minima.horizontal_m, minima.vertical_m, minima.time.total_seconds()


def test_an_entry_counts_for_its_pair_alone_and_both_ways() -> None:
    assert TABLE.between(DRONE, DRONE) == CLOSE
    assert TABLE.between(LIGHT, HEAVY) == TABLE.between(HEAVY, LIGHT) == WIDE
    for a, b in ((DRONE, LIGHT), (LIGHT, LIGHT), (HEAVY, HEAVY), (HELICOPTER, DRONE)):
        assert TABLE.between(a, b) == TABLE.between(b, a) == USUAL


def test_an_unknown_category_takes_the_largest_that_could_apply_in_each_dimension() -> None:
    assert TABLE.between(None, DRONE) == USUAL
    assert TABLE.between(None, LIGHT) == of(5_000.0, 150.0, 120.0)
    assert TABLE.between(HEAVY, None) == of(5_000.0, 150.0, 120.0)
    assert TABLE.between(None, None) == TABLE.largest == of(5_000.0, 150.0, 120.0)
    # Not less than the usual ones, even where every pair has an entry.
    lesser = MinimaTable(usual=USUAL, entries=tuple(between(CLOSE, DRONE, c) for c in Category))
    assert lesser.between(None, DRONE) == USUAL


@SEEDED
@given(tables())
def test_unknown_is_never_less_than_any_category_and_one_of_the_figures_agreed(
    table: MinimaTable,
) -> None:
    agreed = [table.usual, *(entry.minima for entry in table.entries)]
    for a in ANY:
        most = table.most(a)
        for k in range(3):
            said = [figures(table.between(a, b))[k] for b in Category]
            assert figures(most)[k] >= max(said)
            assert figures(most)[k] in [figures(each)[k] for each in agreed]


@SEEDED
@given(tables())
def test_two_halves_of_the_most_are_at_least_what_any_two_keep(table: MinimaTable) -> None:
    """So two plans within the minima of each other always meet in a register."""
    for a, b in product(ANY, ANY):
        kept, ours, theirs = (
            figures(each) for each in (table.between(a, b), table.most(a), table.most(b))
        )
        assert all((x + y) / 2 >= z for x, y, z in zip(ours, theirs, kept, strict=True))
        assert all(min(x, y) >= z for x, y, z in zip(ours, theirs, kept, strict=True))


@SEEDED
@given(tables())
def test_either_side_keeps_the_same_from_what_the_other_has_enlarged(table: MinimaTable) -> None:
    for a, b in product(ANY, ANY):
        kept = figures(table.between(a, b))
        one = [
            x + y for x, y in zip(figures(table.beyond(a, b)), figures(table.most(b)), strict=True)
        ]
        other = [
            x + y for x, y in zip(figures(table.beyond(b, a)), figures(table.most(a)), strict=True)
        ]
        assert one == pytest.approx(other, abs=1e-9)
        assert all(x >= y - 1e-9 for x, y in zip(one, kept, strict=True))


def test_without_entries_all_keep_the_usual_ones_and_nothing_is_said_of_it() -> None:
    table = MinimaTable(usual=USUAL)
    for a, b in product(ANY, ANY):
        assert table.between(a, b) is USUAL
        assert table.beyond(a, b) is NO_MINIMA
        assert table.why(a, b) == table.why(a, b, area=True) == ""


def test_two_entries_for_one_pair_and_entries_for_no_pair_are_refused() -> None:
    with pytest.raises(BadInput, match="two entries"):
        MinimaTable(entries=(between(CLOSE, DRONE, LIGHT), between(WIDE, LIGHT, DRONE)))
    for categories in (frozenset[Category](), frozenset({DRONE, LIGHT, HEAVY})):
        with pytest.raises(BadInput, match="one or two"):
            Between(categories=categories, minima=CLOSE)


# Touching, and missing by the smallest step, where the usual minima would decide otherwise


def later(seconds: float) -> Volume4D:
    return volume(seconds=(600.0 + seconds, 9_000.0))


def higher(by_m: float) -> Volume4D:
    return volume(levels_m=(600.0 + by_m, 3_000.0))


@pytest.mark.parametrize(
    ("pair", "touching", "missing"),
    [
        ((DRONE, DRONE), later(10.0), later(10.000001)),
        ((DRONE, DRONE), higher(30.0), higher(30.0 + 2e-9)),
        ((LIGHT, HEAVY), later(120.0), later(120.000001)),
        ((LIGHT, HEAVY), higher(100.0), higher(100.0 + 2e-9)),
    ],
)
def test_each_pair_is_judged_by_its_own_minima(
    pair: tuple[Category, Category], touching: Volume4D, missing: Volume4D
) -> None:
    for a, b in (pair, pair[::-1]):
        assert conflicts((volume(),), (touching,), TABLE.between(a, b))
        assert not conflicts((volume(),), (missing,), TABLE.between(a, b))
    # Of one of the two the usual ones would say the contrary.
    usual = conflicts((volume(),), (touching,), USUAL), conflicts((volume(),), (missing,), USUAL)
    assert usual in ((True, True), (False, False))


@pytest.mark.parametrize("pair", [(DRONE, DRONE), (LIGHT, HEAVY)])
def test_distances_too_to_the_last_bit(pair: tuple[Category, Category]) -> None:
    """The minimum is what is moved by the smallest step: a distance cannot be."""
    away_m = 100.0 if pair == (DRONE, DRONE) else 5_000.0
    beside = Circle(center=geodesy.destination(HERE.center, 77.0, 2_000.0 + away_m), radius_m=1e3)
    apart_m = geodesy.separation_m(HERE, beside)
    assert abs(apart_m - away_m) < 0.01
    for limit_m, met in ((apart_m, True), (math.nextafter(apart_m, 0.0), False)):
        minima = of(limit_m, 0.0, 0.0)
        table = MinimaTable(usual=USUAL, entries=(between(minima, *pair),))
        assert conflicts((volume(),), (volume(beside),), table.between(*pair)) is met
    assert conflicts((volume(),), (volume(beside),), USUAL) is (away_m < 1_000.0)


def test_whose_category_blocks_whom() -> None:
    near = replace(intent(2, (later(30.0),)), category=DRONE)
    for category, met in ((DRONE, False), (HELICOPTER, True), (None, True)):
        planned = replace(intent(1, (volume(),)), category=category)
        found = blockers(planned, [near], TABLE, equal_priority_blocks=True)
        assert bool(found) is met


# Words


def test_it_is_said_which_minima_are_kept_and_why() -> None:
    assert TABLE.why(DRONE, DRONE) == "those between drone and drone"
    assert TABLE.why(HEAVY, LIGHT) == "those between heavy and light"
    assert TABLE.why(DRONE, HEAVY) == "the usual ones between drone and heavy"
    assert TABLE.why(None, HEAVY) == "the largest for heavy, as the other names no category"
    assert TABLE.why(HEAVY, None) == "the largest for heavy, as the other names no category"
    assert TABLE.why(None, None) == "the largest for all, as neither names its category"
    assert TABLE.why(DRONE, None, area=True) == "the largest for drone, as from any no-go area"
    conflict = conflict_between((volume(),), (later(10.0),), CLOSE)
    assert conflict is not None
    said = how_near(conflict, minima=CLOSE, why=TABLE.why(DRONE, DRONE))
    assert said.endswith("; minima 100 m, 30 m and 10 s: those between drone and drone")
    assert ";" not in how_near(conflict, minima=CLOSE)


def test_words_that_are_no_category_are_refused_with_those_that_are() -> None:
    assert category_of("heavy", "x") is HEAVY
    for word in ("", "Drone", "tanker", "military", "drone "):
        with pytest.raises(BadInput, match="drone, balloon, glider, helicopter, light") as caught:
            category_of(word, "here")
        assert caught.value.field == "here"

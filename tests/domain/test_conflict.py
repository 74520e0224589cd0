"""Conflict: closed bounds in each dimension, symmetry to the bit, the rule of priority."""

import math
from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import oracle
from plans import ALPS, HERE, MINIMA, NOON, intent, volume, volumes
from shapes import box
from tansiq.domain import geodesy
from tansiq.domain.agreement import NO_MINIMA, Minima, MinimaTable
from tansiq.domain.conflict import (
    Conflict,
    Separation,
    blockers,
    blocks,
    conflict_between,
    conflicts,
    explain,
)
from tansiq.domain.intent import IntentState
from tansiq.domain.time import TimeSpan
from tansiq.domain.volume import AltitudeBand, Circle, Volume4D, Volumes

FIVE = Minima(horizontal_m=5_000.0, vertical_m=300.0, time=timedelta(minutes=5))
SEEDED = settings(derandomize=True, deadline=None, max_examples=150)


def both_ways(a: Volume4D, b: Volume4D, minima: Minima) -> bool:
    found = conflicts((a,), (b,), minima)
    assert found == conflicts((b,), (a,), minima)
    assert found == (conflict_between((a,), (b,), minima) is not None)
    return found


# Touching and missing by the smallest step, in each dimension

MICRO = timedelta(microseconds=1)


@pytest.mark.parametrize("minimum", [timedelta(0), MICRO, timedelta(minutes=5), timedelta(days=1)])
def test_time_touches_exactly_and_misses_by_a_microsecond(minimum: timedelta) -> None:
    minima = Minima(time=minimum)
    first = volume(seconds=(0, 600))
    span = TimeSpan(start=first.time.end + minimum, end=first.time.end + minimum * 2)
    touching = replace(first, time=span)
    missing = replace(first, time=span.shifted(MICRO))
    assert both_ways(first, touching, minima)
    assert not both_ways(first, missing, minima)


@pytest.mark.parametrize("level_m", [0.1, 300.0, 1234.5678, 99_000.1])
def test_levels_without_a_minimum_touch_exactly_and_miss_by_the_last_bit(level_m: float) -> None:
    below = volume(levels_m=(0.0, level_m))
    assert both_ways(below, volume(levels_m=(level_m, 99_999.0)), NO_MINIMA)
    over = math.nextafter(level_m, math.inf)
    assert not both_ways(below, volume(levels_m=(over, 99_999.0)), NO_MINIMA)


@pytest.mark.parametrize("minimum_m", [0.1, 150.0, 304.8])
@pytest.mark.parametrize("level_m", [0.1, 1234.5678, 15_000.3])
def test_levels_touch_at_the_minimum_and_miss_by_ten_nanometres(
    minimum_m: float, level_m: float
) -> None:
    minima = Minima(vertical_m=minimum_m)
    below = volume(levels_m=(0.0, level_m))
    at_m = level_m + minimum_m
    assert both_ways(below, volume(levels_m=(at_m, 20_000.0)), minima)
    assert not both_ways(below, volume(levels_m=(at_m + 1e-8, 20_000.0)), minima)


@pytest.mark.parametrize("minimum_m", [0.0, 500.0, 5_000.0])
def test_outlines_touch_at_the_minimum_and_miss_by_a_millimetre(minimum_m: float) -> None:
    minima = Minima(horizontal_m=minimum_m)

    def at(gap_m: float) -> Volume4D:
        center = geodesy.destination(ALPS, 70.0, HERE.radius_m + gap_m + 400.0)
        return volume(Circle(center=center, radius_m=400.0))

    assert both_ways(volume(), at(minimum_m), minima)
    assert not both_ways(volume(), at(minimum_m + 0.001), minima)


def test_all_three_must_be_within() -> None:
    far = Circle(center=geodesy.destination(ALPS, 10.0, 20_000.0), radius_m=100.0)
    assert both_ways(volume(), volume(), FIVE)
    assert not both_ways(volume(), volume(far), FIVE)
    assert not both_ways(volume(), volume(levels_m=(901.0, 950.0)), FIVE)
    assert not both_ways(volume(), volume(seconds=(901, 950)), FIVE)
    assert both_ways(volume(), volume(levels_m=(900.0, 950.0), seconds=(900, 950)), FIVE)


def test_no_volumes_conflict_with_nothing() -> None:
    assert not conflicts((), (volume(),), FIVE)
    assert not conflicts((volume(),), (), FIVE)


def test_volumes_that_are_apart_though_their_wholes_are_not() -> None:
    """Two plans that swap levels: as wholes they share time and altitude, volume by volume not."""
    a = (
        volume(levels_m=(0, 100), seconds=(0, 60)),
        volume(levels_m=(500, 600), seconds=(100, 160)),
    )
    b = (
        volume(levels_m=(500, 600), seconds=(0, 60)),
        volume(levels_m=(0, 100), seconds=(100, 160)),
    )
    assert not conflicts(a, b, NO_MINIMA)
    assert conflicts(a, b, Minima(time=timedelta(seconds=40)))


# Symmetry, and another opinion


@SEEDED
@given(volumes(), volumes(), MINIMA)
def test_the_same_to_the_bit_from_either_side(a: Volumes, b: Volumes, minima: Minima) -> None:
    forth, back = conflict_between(a, b, minima), conflict_between(b, a, minima)
    if forth is None or back is None:
        assert forth is back
        return
    i, j = back.pair
    assert replace(back, pair=(j, i)) == forth or {a[forth.pair[0]], b[forth.pair[1]]} == {
        b[i],
        a[j],
    }
    assert replace(back, pair=forth.pair) == forth


@settings(SEEDED, max_examples=40)
@given(volumes(), volumes(), MINIMA)
def test_verdicts_are_those_of_the_oracle(a: Volumes, b: Volumes, minima: Minima) -> None:
    """Pairs that the oracle puts within 1 cm of the minimum may go either way."""
    least_m = math.inf
    for x in a:
        for y in b:
            near = x.time.gap_to(y.time) <= minima.time and (
                max(
                    x.altitude.lower_m - y.altitude.upper_m, y.altitude.lower_m - x.altitude.upper_m
                )
                <= minima.vertical_m
            )
            if near:
                least_m = min(least_m, oracle.separation_m(x.outline, y.outline))
    found = conflicts(a, b, minima)
    if least_m <= minima.horizontal_m:
        assert found
    elif least_m > minima.horizontal_m + 0.01:
        assert not found


# What is reported


def test_the_worst_pair_is_the_deepest_within_the_minima() -> None:
    near = Circle(center=geodesy.destination(ALPS, 90.0, 3_000.0), radius_m=1_000.0)
    nearer = Circle(center=geodesy.destination(ALPS, 90.0, 2_500.0), radius_m=1_000.0)
    found = conflict_between(
        (volume(),), (volume(near, seconds=(700, 800)), volume(nearer, seconds=(660, 800))), FIVE
    )
    assert found is not None
    assert found.pair == (0, 1)
    assert found.separation == Separation(pytest.approx(500.0, abs=1e-5), 0.0, 60.0)
    assert found.margin == pytest.approx(1 - 60 / 300)
    assert found.time == TimeSpan(
        start=NOON + timedelta(seconds=600), end=NOON + timedelta(minutes=11)
    )
    assert found.altitude == AltitudeBand(lower_m=300.0, upper_m=600.0)


def test_skipping_what_cannot_be_worse_changes_no_verdict() -> None:
    """Against every pair of volumes judged by itself: 150 pairs of plans, many ties among them."""
    random = Random(7)
    print("seed", 7)

    def part() -> Volume4D:
        low = random.choice((0.0, 100.0, 350.0))
        start = random.choice((0, 60, 400))
        return volume(
            Circle(
                center=geodesy.destination(ALPS, 90.0, random.uniform(0.0, 9_000.0)), radius_m=1e3
            ),
            levels_m=(low, low + 200.0),
            seconds=(start, start + 100),
        )

    met = 0
    for _ in range(150):
        a, b = (tuple(part() for _ in range(random.randint(1, 6))) for _ in "ab")
        alone = [
            (found, x, y) for x in a for y in b if (found := conflict_between((x,), (y,), FIVE))
        ]
        whole = conflict_between(a, b, FIVE)
        assert (whole is None) == (not alone) == (not conflicts(a, b, FIVE))
        if whole is None:
            continue
        met += 1
        ranks = [
            (-f.margin, f.separation.horizontal_m, f.separation.vertical_m, f.separation.time_s,
             f.time.start, f.altitude.lower_m) for f, _, _ in alone
        ]  # fmt: skip
        least = [one for one, rank in zip(alone, ranks, strict=True) if rank == min(ranks)]
        best, x, y = min(least, key=lambda one: sorted((repr(one[1]), repr(one[2]))))
        assert replace(whole, pair=(0, 0)) == best
        assert sorted((repr(a[whole.pair[0]]), repr(b[whole.pair[1]]))) == sorted(
            (repr(x), repr(y))
        )
    assert met > 100


def test_overlap_is_whole_margin_and_shared_spans() -> None:
    found = conflict_between(
        (volume(),), (volume(levels_m=(500.0, 900.0), seconds=(300, 900)),), NO_MINIMA
    )
    assert found is not None
    assert found.margin == 1.0
    assert found.separation == Separation(0.0, 0.0, 0.0)
    assert found.time == TimeSpan(
        start=NOON + timedelta(minutes=5), end=NOON + timedelta(minutes=10)
    )
    assert found.altitude == AltitudeBand(lower_m=500.0, upper_m=600.0)


def test_exactly_at_a_minimum_is_no_margin() -> None:
    found = conflict_between((volume(),), (volume(levels_m=(900.0, 950.0)),), FIVE)
    assert found is not None
    assert found.margin == 0.0
    assert found.altitude == AltitudeBand(lower_m=600.0, upper_m=900.0)


# Priority


@pytest.mark.parametrize(
    ("planned", "other", "equal_blocks", "expected"),
    [(0, 0, True, True), (0, 0, False, False), (0, 1, False, True), (1, 0, True, False)],
)
def test_priority(planned: int, other: int, *, equal_blocks: bool, expected: bool) -> None:
    assert blocks(planned, other, equal_priority_blocks=equal_blocks) is expected


def test_blockers_are_sorted_by_priority_and_leave_out_oneself() -> None:
    here, away = (volume(),), (volume(seconds=(9_000, 9_100)),)
    planned = intent(1, here, priority=5)
    sky = [intent(1, here, 9), intent(2, here, 5), intent(3, here, 7), intent(4, here, 4)]
    sky += [intent(5, away, 9), intent(6, here, 7)]
    hidden = replace(intent(7, away, 9), state=IntentState.CONTINGENT, off_nominal_volumes=here)

    def found(*, equal: bool) -> list[str]:
        table = MinimaTable(usual=FIVE)
        hits = blockers(planned, [*sky, hidden], table, equal_priority_blocks=equal)
        return [one.id[7] for one in hits]

    assert found(equal=True) == ["7", "3", "6", "2"]
    assert found(equal=False) == ["7", "3", "6"]


# The sentence


def sentence(conflict: Conflict | None, minima: Minima = FIVE, **options: object) -> str:
    assert conflict is not None
    return explain(conflict, name="OSPREY-2 of South", minima=minima, **options)  # type: ignore[arg-type]


def test_the_sentence_names_block_time_and_margin() -> None:
    other = Circle(center=geodesy.destination(ALPS, 0.0, 4_900.0), radius_m=1_000.0)
    found = conflict_between((volume(),), (volume(other, seconds=(120, 900)),), FIVE)
    assert sentence(found) == (
        "blocked by OSPREY-2 of South: same block 300-600 m W84, 12:02Z-12:10Z, "
        "2.1 km inside the 5 km minimum"
    )
    assert "same block FL010-FL020," in sentence(found, altitude=lambda _: "FL010-FL020")


@pytest.mark.parametrize(
    ("other", "text"),
    [
        (volume(levels_m=(720.0, 900.0)), "120 m between levels (600-720 m W84), minimum 300 m, "),
        (volume(seconds=(720, 900)), "12:10Z-12:12Z between them, minimum 5 min, outlines overlap"),
        (volume(seconds=(610, 620)), "12:10:00Z-12:10:10Z between them"),
        (volume(seconds=(-90_000, 90_000)), "12:00Z-12:10Z, outlines overlap"),
    ],
)
def test_the_sentence_tells_gaps_from_overlaps(other: Volume4D, text: str) -> None:
    assert text in sentence(conflict_between((volume(),), (other,), FIVE))


def test_the_sentence_dates_what_passes_midnight_and_keeps_small_numbers() -> None:
    late = volume(seconds=(0, 90_000))
    found = conflict_between((late,), (late,), Minima(time=timedelta(seconds=45)))
    assert "2026-11-23 12:00Z-2026-11-24 13:00Z" in sentence(found)
    wall = box(geodesy.destination(ALPS, 0.0, 2_499.0), length_m=1e3, width_m=1e3, azimuth_deg=0.0)
    found = conflict_between((volume(),), (volume(wall),), Minima(horizontal_m=1_000.0))
    assert " m inside the 1 km minimum" in sentence(found, Minima(horizontal_m=1_000.0))
    soon = Minima(time=timedelta(seconds=45))
    found = conflict_between((volume(),), (volume(seconds=(630, 700)),), soon)
    assert "minimum 45 s" in sentence(found, soon)


@given(st.floats(0.0, 6_000.0))
@settings(SEEDED, max_examples=50)
def test_the_sentence_never_fails(away_m: float) -> None:
    other = volume(Circle(center=geodesy.destination(ALPS, 1.0, away_m), radius_m=1_000.0))
    assert sentence(conflict_between((volume(),), (other,), FIVE)).startswith("blocked by OSPREY-2")

"""The best changes of a blocked plan, held against trying every one."""

import math
from datetime import timedelta
from random import Random
from typing import Any

import numpy as np
import pytest
from pairs import place

from plans import ALPS, NOON, SECOND, volume
from shapes import box, ring
from tansiq.domain import geodesy
from tansiq.domain.agreement import NO_MINIMA, Minima
from tansiq.domain.conflict import conflicts
from tansiq.domain.volume import Circle, LatLng, Polygon, Volumes
from tansiq.engine import resolution, sideways
from tansiq.engine.batch import Batch
from tansiq.engine.index import AirspaceIndex
from tansiq.engine.prepared import Prepared
from tansiq.engine.resolution import (
    Bounds,
    Kind,
    Layer,
    Proposal,
    Resolution,
    cost_of,
    resolve,
    standing,
)
from tansiq.errors import BadInput

HOUR = timedelta(hours=1)
PLAN = (volume(levels_m=(900.0, 1_200.0)),)
START = NOON - timedelta(days=1)


def bounds(**changed: Any) -> Bounds:
    usual: dict[str, Any] = {
        "earliest": START,
        "later_max": HOUR,
        "earlier_max": HOUR,
        "step_m": 300.0,
        "levels_m": (0.0, 3_000.0),
    }
    return Bounds(**usual | changed)


def asked(
    plan: Volumes, *obstacles: Volumes, minima: Minima = NO_MINIMA, **changed: Any
) -> dict[Kind, Proposal]:
    found = resolve(Prepared.of(*plan), [standing(o, minima) for o in obstacles], bounds(**changed))
    for one in found.proposals:
        assert not any(conflicts(one.volumes, obstacle, minima) for obstacle in obstacles)
    return {one.kind: one for one in found.proposals}


# Boundaries


def test_a_slot_that_touches_is_not_free_and_one_a_microsecond_longer_is() -> None:
    plan = (volume(seconds=(0, 600)),)
    first = (volume(seconds=(0, 300)),)
    # From 301 s to 901 s it is between the two.
    for second_s, delay_s in ((901.0, 1_501), (901.000001, 301)):
        second = (volume(seconds=(second_s, 1_500)),)
        assert asked(plan, first, second)[Kind.LATER].delay_s == delay_s
    last = (volume(seconds=(300, 600)),)
    for end_s, delay_s in ((-301.0, -1_001), (-301.000001, -301)):
        before = (volume(seconds=(-400, end_s)),)
        assert asked(plan, last, before)[Kind.EARLIER].delay_s == delay_s


def test_delays_are_whole_seconds_and_leave_the_touch_behind() -> None:
    plan = (volume(seconds=(0, 600)),)
    minima = Minima(time=timedelta(seconds=60))
    for end_s, delay_s in ((900, 901), (900.5, 901), (900.999999, 901), (901, 902)):
        busy = (volume(seconds=(0, end_s)),)
        assert asked(plan, busy)[Kind.LATER].delay_s == delay_s
        assert asked(plan, busy, minima=minima)[Kind.LATER].delay_s == delay_s + 60
    for start_s, delay_s in ((-5, -606), (-4.5, -605), (-4.000001, -605), (-4, -605)):
        busy = (volume(seconds=(start_s, 900)),)
        assert asked(plan, busy)[Kind.EARLIER].delay_s == delay_s


def test_limits_count_as_within() -> None:
    plan, busy = (volume(seconds=(0, 600)),), (volume(seconds=(0, 900)),)
    for limit_s, found in ((901, True), (900, False)):
        assert (Kind.LATER in asked(plan, busy, later_max=limit_s * SECOND)) is found
    for limit_s, found in ((601, True), (600, False)):
        assert (Kind.EARLIER in asked(plan, busy, earlier_max=limit_s * SECOND)) is found


def test_a_touch_in_altitude_takes_another_step() -> None:
    for top_m, up_m in ((1_200.0, 600.0), (1_199.0, 300.0)):
        wall = (volume(levels_m=(900.0, top_m)),)
        assert asked(PLAN, wall)[Kind.HIGHER].up_m == up_m
    wall = (volume(levels_m=(900.0, 1_200.0)),)
    assert asked(PLAN, wall, minima=Minima(vertical_m=300.0))[Kind.HIGHER].up_m == 900.0
    assert asked(PLAN, wall, minima=Minima(vertical_m=299.0))[Kind.HIGHER].up_m == 600.0


def test_levels_bound_the_change_and_count_as_within() -> None:
    wall = (volume(levels_m=(1_000.0, 1_100.0)),)
    for levels_m, up, down in (
        ((900.0, 1_500.0), True, False),
        ((900.0, 1_499.0), False, False),
        ((600.0, 1_499.0), False, True),
        ((601.0, 1_499.0), False, False),
        ((600.0, 1_500.0), True, True),
    ):
        found = asked(PLAN, wall, levels_m=levels_m)
        assert (Kind.HIGHER in found, Kind.LOWER in found) == (up, down)
    for rise_m, either in ((300.0, True), (299.0, False)):
        assert (Kind.HIGHER in asked(PLAN, wall, rise_m_max=rise_m)) is either


def test_a_plan_beyond_the_levels_may_stay_or_come_back() -> None:
    high = (volume(levels_m=(3_300.0, 3_500.0)),)
    found = asked(high, high)
    assert Kind.HIGHER not in found
    assert found[Kind.LOWER].up_m == -600.0
    assert Kind.LATER in found
    deep = (volume(levels_m=(-900.0, -700.0)),)
    assert asked(deep, deep)[Kind.HIGHER].up_m == 900.0


def test_no_start_lies_in_the_past() -> None:
    plan, busy = (volume(seconds=(0, 600)),), (volume(seconds=(0, 300)),)
    # It could be 601 s earlier, if it were so early now.
    for now_s, found in ((-601, True), (-600.999999, False), (0, False)):
        assert (Kind.EARLIER in asked(plan, busy, earliest=NOON + now_s * SECOND)) is found
    # Its own start has passed: nothing at the same time, and a delay that makes up for it.
    late = asked(plan, busy, earliest=NOON + 400.5 * SECOND, aside_m_max=9_000.0)
    assert late[Kind.LATER].delay_s == 401
    assert not {Kind.HIGHER, Kind.LOWER, Kind.SIDEWAYS, Kind.EARLIER} & set(late)


def test_equal_ways_are_both_told_up_first_and_later_before_earlier() -> None:
    wall = (volume(levels_m=(1_000.0, 1_100.0)),)
    found = resolve(Prepared.of(*PLAN), [standing(wall, NO_MINIMA)], bounds())
    assert [one.kind for one in found.proposals][:2] == [Kind.HIGHER, Kind.LOWER]
    assert found.proposals[0].cost == found.proposals[1].cost
    costs = [one.cost for one in found.proposals]
    assert costs == sorted(costs)
    assert len(costs) <= resolution.PROPOSALS_MAX


def test_nothing_in_the_way_is_still_a_change_and_no_volumes_are_none() -> None:
    assert asked(PLAN)[Kind.LATER].delay_s == 1
    assert asked(PLAN)[Kind.HIGHER].up_m == 300.0
    assert resolve(Prepared.of(), [], bounds()) == Resolution((), None)


def test_a_combination_is_told_only_if_no_single_change_is_as_cheap() -> None:
    plan = (volume(levels_m=(900.0, 1_200.0), seconds=(0, 60)),)
    walls = (
        # All levels for two minutes, the present one and those below for an hour.
        volume(levels_m=(0.0, 3_000.0), seconds=(0, 120)),
        volume(levels_m=(0.0, 1_200.0), seconds=(120, 3_600)),
    )
    found = asked(plan, walls, earlier_max=0 * SECOND)
    assert set(found) == {Kind.COMBINED}
    assert (found[Kind.COMBINED].delay_s, found[Kind.COMBINED].up_m) == (121, 600.0)
    assert found[Kind.COMBINED].cost == pytest.approx(121 / 60 + 6 + 1)
    assert Kind.COMBINED not in asked(plan, walls)  # A minute earlier is cheaper.


def test_bounds_are_checked() -> None:
    for wrong in (
        {"step_m": 0.0},
        {"step_m": math.nan},
        {"later_max": -SECOND},
        {"earlier_max": -SECOND},
        {"rise_m_max": -1.0},
        {"aside_m_max": math.nan},
    ):
        with pytest.raises(BadInput):
            bounds(**wrong)


# Layers


def test_every_layer_counts_with_its_own_minima() -> None:
    near = (volume(levels_m=(1_300.0, 1_400.0)),)
    plan = Prepared.of(*PLAN)
    strict = Minima(vertical_m=100.0)
    free = resolve(plan, [standing(PLAN, NO_MINIMA), standing(near, NO_MINIMA)], bounds())
    kept = resolve(plan, [standing(PLAN, NO_MINIMA), standing(near, strict)], bounds())
    assert {one.kind: one.up_m for one in free.proposals}[Kind.HIGHER] == 600.0
    assert {one.kind: one.up_m for one in kept.proposals}[Kind.HIGHER] == 900.0


def test_what_does_not_count_is_no_obstacle() -> None:
    held = (volume(seconds=(0, 600)), volume(seconds=(601, 900)))
    index = AirspaceIndex(lambda i: held[i].outline)
    index.extend(Batch.of(held))
    plan = Prepared.of(volume(seconds=(0, 100)))
    for counts, delay_s in (((True, True), 901), ((True, False), 601), ((False, False), 1)):
        layer = Layer(index, NO_MINIMA, np.array(counts))
        found = {one.kind: one for one in resolve(plan, [layer], bounds()).proposals}
        assert found[Kind.LATER].delay_s == delay_s
    with pytest.raises(ValueError, match="1 places for 2 ids"):
        resolve(plan, [Layer(index, NO_MINIMA, np.array([True]))], bounds())


def test_the_other_side_moves_instead() -> None:
    """What stands is asked for with the planned one as one more obstacle, and itself left out."""
    theirs, planned = (volume(seconds=(0, 600)),), (volume(seconds=(300, 400)),)
    index = AirspaceIndex(lambda i: theirs[i].outline)
    index.extend(Batch.of(theirs))
    others = Layer(index, NO_MINIMA, np.zeros(1, np.bool_))
    layers = [others, standing(planned, NO_MINIMA)]
    found = resolve(Prepared.of(*theirs), layers, bounds()).proposals
    assert {one.kind: one.delay_s for one in found}[Kind.LATER] == 401


# Nothing free


def test_when_nothing_is_free_it_says_what_was_searched_and_what_is_the_first_free_time() -> None:
    wall = (volume(levels_m=(0.0, 4_000.0), seconds=(-99_999, 15_000.5)),)
    found = resolve(
        Prepared.of(*PLAN),
        [standing(wall, NO_MINIMA)],
        bounds(rise_m_max=600.0, earliest=NOON - 90 * SECOND),
    )
    assert found.proposals == ()
    none = found.none_free
    assert none is not None
    assert (none.earlier_s, none.later_s, none.down_m, none.up_m) == (90, 3_600, 600.0, 600.0)
    assert none.first_free == NOON + 15_001 * SECOND


@pytest.mark.parametrize("gap_s", [600.0, 600.000001, 601.0])
def test_the_first_free_time_uses_gaps_too(gap_s: float) -> None:
    """The plan takes 600 s; touching both ends is not free. However the search is cut, it finds."""
    for first_end_s in (3_600.0, 7_199.0, 7_200.0, 7_201.0, 12_345.0, 400_000.0):
        walls = (
            volume(levels_m=(0.0, 4_000.0), seconds=(-99_999, first_end_s)),
            volume(levels_m=(0.0, 4_000.0), seconds=(first_end_s + 1 + gap_s, 900_000)),
        )
        found = resolve(Prepared.of(*PLAN), [standing(walls, NO_MINIMA)], bounds())
        assert found.none_free is not None
        expected_s = first_end_s + 1 if gap_s > 600 else 900_001
        assert found.none_free.first_free == NOON + expected_s * SECOND


def test_what_never_ends_leaves_no_first_free_time() -> None:
    wall = (volume(levels_m=(0.0, 4_000.0), seconds=(-99_999, 6e9)),)
    found = resolve(Prepared.of(*PLAN), [standing(wall, NO_MINIMA)], bounds())
    assert found.none_free is not None
    assert found.none_free.first_free is None


def test_a_plan_that_is_later_than_may_be_has_no_answer_but_a_first_free_time() -> None:
    found = resolve(Prepared.of(*PLAN), [], bounds(earliest=NOON + 2 * HOUR))
    assert found.proposals == ()
    assert found.none_free is not None
    assert found.none_free.first_free == NOON + 2 * HOUR


# Sideways


def test_ways_aside_are_round_numbers_in_eight_directions() -> None:
    plan = Prepared.of(volume(Circle(center=ALPS, radius_m=430.0)))
    assert sideways.step_m(plan, 0.0) == 500.0
    assert sideways.step_m(plan, 501.0) == 1_000.0
    assert sideways.step_m(plan, 1_000.0) == 1_000.0
    assert sideways.step_m(Prepared.of(volume(Circle(center=ALPS, radius_m=1.0))), 0.0) == 100.0
    ways = sideways.ways(500.0, 2_000.0)
    assert [way.distance_m for way in ways[::8]] == [500.0, 1_000.0, 2_000.0]
    assert len(sideways.ways(500.0, 1_999.0)) == 16
    assert sideways.ways(500.0, 0.0) == ()
    for way in ways:
        assert math.hypot(way.north_m, way.east_m) == pytest.approx(way.distance_m)


def test_a_plan_moves_aside_as_one_wherever_it_is() -> None:
    """Distances within it stay; the middle goes as far, and as far north and east, as was said."""
    random = Random(3)
    for _ in range(200):
        center, size_m = place(random), 10 ** random.uniform(2.0, 4.0)
        corners = ring(center, [size_m * random.uniform(0.3, 1.0) for _ in range(5)])
        plan = Prepared.of(volume(corners), volume(Circle(center=center, radius_m=50.0)))
        for way in random.sample(sideways.ways(1_000.0, 4_000.0), 4):
            rotation = sideways.Turns(plan).rotation(way)
            moved, disc = (sideways.turned_outline(v.outline, rotation) for v in plan.volumes)
            assert isinstance(moved, Polygon)
            assert isinstance(disc, Circle)
            assert disc.radius_m == 50.0
            gone_m = geodesy.distance_m(center, disc.center)
            assert gone_m == pytest.approx(way.distance_m, rel=1e-4)
            for a, b in zip(corners.vertices, moved.vertices, strict=True):
                before_m, after_m = (
                    geodesy.distance_m(center, a),
                    geodesy.distance_m(disc.center, b),
                )
                assert after_m == pytest.approx(before_m, rel=1e-4)
            sky = sideways.Turns(plan).sky(rotation)
            given = Prepared.of(volume(moved), volume(disc)).sky
            assert np.allclose(np.asarray(sky.at), np.asarray(given.at), rtol=0.0, atol=1e-6)
            assert np.allclose(np.asarray(sky.bounds), np.asarray(given.bounds), rtol=0, atol=1e-6)


def test_north_is_north_and_east_is_east() -> None:
    plan = Prepared.of(volume(Circle(center=LatLng(10.0, 179.999), radius_m=100.0)))
    for way in sideways.ways(1_000.0, 1_000.0):
        rotation = sideways.Turns(plan).rotation(way)
        outline = sideways.turned_outline(plan.volumes[0].outline, rotation)
        assert isinstance(outline, Circle)
        azimuth_deg = math.degrees(math.atan2(way.east_m, way.north_m))
        expected = geodesy.destination(LatLng(10.0, 179.999), azimuth_deg, 1_000.0)
        assert geodesy.distance_m(outline.center, expected) < 0.2


def test_the_agreed_area_is_never_left() -> None:
    """A strip along the equator of the plan: north and south lead out of it, east and west not."""
    disc = Circle(center=ALPS, radius_m=400.0)
    plan = (volume(disc),)
    strip = box(ALPS, length_m=9_000.0, width_m=1_400.0, azimuth_deg=90.0)
    found = asked(plan, plan, aside_m_max=4_000.0)[Kind.SIDEWAYS]
    assert (found.north_m, found.east_m) == (1_000.0, 0.0)
    kept = asked(plan, plan, aside_m_max=4_000.0, area=strip)[Kind.SIDEWAYS]
    assert (kept.north_m, kept.east_m) == (0.0, 1_000.0)
    assert all(geodesy.inside(one.outline, strip) for one in kept.volumes)
    narrow = box(ALPS, length_m=1_400.0, width_m=1_400.0, azimuth_deg=90.0)
    assert Kind.SIDEWAYS not in asked(plan, plan, aside_m_max=4_000.0, area=narrow)


def test_a_plan_at_the_pole_moves_aside() -> None:
    plan = (volume(Circle(center=LatLng(90.0, 0.0), radius_m=400.0)),)
    assert asked(plan, plan, aside_m_max=4_000.0)[Kind.SIDEWAYS].cost == cost_of(0, 0.0, 1_000.0)

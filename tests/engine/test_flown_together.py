"""Encounters of whole tracks: the same as stepping through geodesics, at the edges too."""

from dataclasses import replace
from datetime import timedelta
from itertools import combinations, product
from random import Random

import numpy as np
import pytest
from stepped import NOON, WGS84, apart, at, random_tracks, report, steps

from tansiq.domain.ellipsoid import ecef, up
from tansiq.domain.encounter import HORIZONTAL_ERROR_M, Encounter, Vertical, Within, lost
from tansiq.domain.track import Address, PositionReport
from tansiq.domain.volume import LatLng
from tansiq.domain.well_clear import EN_ROUTE
from tansiq.engine import flown_together
from tansiq.engine.flown import PIECE_M, along, stretches
from tansiq.engine.flown_legs import legs
from tansiq.engine.flown_together import GAP_S, Search, encounters, well_clear
from tansiq.errors import TooLarge

NEAR = Within(horizontal_m=5_556.0, vertical_m=304.8)
SEARCH = Search(within=NEAR)
EACH = Search(within=NEAR, pause_s=1e-4)
"""Every passage by itself."""
Tracks = dict[Address, list[PositionReport]]
PLACES = [(38.0, -120.0), (0.0, 179.99), (85.0, 30.0), (-89.99, 0.0), (51.5, 0.0)]


def tracks(*each: list[PositionReport]) -> Tracks:
    return {track[0].address: track for track in each}


def one(found: list[Encounter]) -> Encounter:
    (only,) = found
    return only


def check(found: list[Encounter], flown: Tracks, gap_s: float) -> None:
    """Hold encounters against the second judge, moment by moment."""
    for name, other in combinations(sorted(flown), 2):
        ours = [e for e in found if (e.first.address, e.second.address) == (name, other)]
        for moment, level_m, up_m in steps(flown[name], flown[other], step_s=7.0, gap_s=gap_s):
            within = any(e.entered <= moment <= e.left for e in ours)
            if level_m <= NEAR.horizontal_m and up_m <= NEAR.vertical_m:
                assert within, (name, other, moment)
            # Twice the bound: it counts as within, and is what the two judges may differ by.
            if (
                level_m > NEAR.horizontal_m + 2 * HORIZONTAL_ERROR_M
                or up_m > NEAR.vertical_m + 0.01
            ):
                assert not within, (name, other, moment)
            assert not within or all(
                e.least_horizontal_m <= level_m + HORIZONTAL_ERROR_M
                for e in ours
                if e.entered <= moment <= e.left
            )
        for e in ours:
            a = at(flown[name], e.closest, gap_s)
            b = at(flown[other], e.closest, gap_s)
            assert a is not None
            assert b is not None
            level_m, up_m = apart(a, b)
            # The moment is rounded to microseconds, in which nobody flies a millimetre.
            assert e.apart.horizontal_m == pytest.approx(level_m, abs=HORIZONTAL_ERROR_M)
            assert e.apart.vertical_m == pytest.approx(up_m, abs=0.01)


@pytest.mark.parametrize("seed", range(60))
def test_the_same_as_stepping_along_geodesics(seed: int) -> None:
    random = Random(seed)
    place = PLACES[seed % len(PLACES)]
    flown = random_tracks(random, aircraft=5, around=place, spread_m=random.choice((3e3, 2e4, 6e4)))
    check(encounters(flown, EACH), flown, GAP_S)


def test_the_random_tracks_do_meet() -> None:
    found = 0
    for seed in range(60):
        flown = random_tracks(Random(seed), aircraft=5, around=PLACES[seed % 5], spread_m=2e4)
        found += len(encounters(flown, EACH))
    assert found > 50


# At the edges


def parked(name: str, after_s: list[float], lat: float, lng: float, up_m: float = 1_000.0):  # type: ignore[no-untyped-def]
    return [report(name, s, lat, lng, up_m) for s in after_s]


@pytest.mark.parametrize("azimuth", [0.0, 37.0, 90.0, 211.0])
@pytest.mark.parametrize("place", PLACES)
def test_exactly_at_the_threshold_counts_and_a_hair_beyond_does_not(
    place: tuple[float, float], azimuth: float
) -> None:
    still = parked("icao:000001", [0.0, 60.0], *place)

    def other(away_m: float) -> list[PositionReport]:
        end = WGS84.Direct(*place, azimuth, away_m)
        return parked("icao:000002", [0.0, 60.0], end["lat2"], end["lon2"])

    found = one(encounters(tracks(still, other(5_556.0)), SEARCH))
    assert found.apart.horizontal_m == pytest.approx(5_556.0, abs=1e-3)
    assert encounters(tracks(still, other(5_556.0 + 2 * HORIZONTAL_ERROR_M)), SEARCH) == []


def test_exactly_a_thousand_feet_counts_and_a_quarter_of_an_inch_more_does_not() -> None:
    low = parked("icao:000001", [0.0, 60.0], 38.0, -120.0, 35_000 * 0.3048)
    high = parked("icao:000002", [0.0, 60.0], 38.0, -120.0, 36_000 * 0.3048)
    assert one(encounters(tracks(low, high), SEARCH)).inside_s == pytest.approx(60.0)
    higher = parked("icao:000002", [0.0, 60.0], 38.0, -120.0, 36_000 * 0.3048 + 0.006)
    assert encounters(tracks(low, higher), SEARCH) == []


def test_a_gap_of_exactly_the_limit_is_bridged_and_a_microsecond_more_is_not() -> None:
    still = parked("icao:000001", [0.0, 150.0, 300.0], 38.0, -120.0)
    # From 20 km south to 20 km north: near only in the middle of the leg.
    past = [report("icao:000002", s, lat, -120.0, 1_000.0) for s, lat in ((0, 37.82), (300, 38.18))]
    assert one(encounters(tracks(still, past), SEARCH)).apart.horizontal_m < 1.0
    late = [past[0], replace(past[1], time=past[1].time + timedelta(microseconds=1))]
    assert encounters(tracks(still, late), SEARCH) == []
    assert encounters(tracks(still, late), Search(within=NEAR, gap_s=301.0))


def test_a_single_report_is_a_moment() -> None:
    still = parked("icao:000001", [0.0, 200.0], 38.0, -120.0)
    alone = parked("icao:000002", [60.0], 38.0, -120.01)
    found = one(encounters(tracks(still, alone), SEARCH))
    assert (found.entered, found.left, found.inside_s) == (found.closest, found.closest, 0.0)
    assert found.closest == NOON + timedelta(seconds=60)


def test_two_that_share_one_moment_meet_in_it_and_not_a_microsecond_later() -> None:
    for at_s in (60.0, 47.0):  # On a border of slots, and within one.
        first = parked("icao:000001", [0.0, at_s], 38.0, -120.0)
        second = parked("icao:000002", [at_s, 200.0], 38.0, -120.0)
        assert one(encounters(tracks(first, second), SEARCH)).inside_s == 0.0
        second[0] = replace(second[0], time=second[0].time + timedelta(microseconds=1))
        assert encounters(tracks(first, second), SEARCH) == []


def test_on_the_ground_nobody_is_met() -> None:
    still = parked("icao:000001", [0.0, 60.0, 120.0], 38.0, -120.0)
    landed = [replace(r, on_ground=True) for r in parked("icao:000002", [0, 60, 120], 38, -120.0)]
    assert encounters(tracks(still, landed), SEARCH) == []
    landing = [replace(landed[0], on_ground=False), *landed[1:]]
    assert encounters(tracks(landed), SEARCH) == []  # Nobody flies at all.
    # Until its last report in the air; the way down from there is not guessed.
    assert one(encounters(tracks(still, landing), SEARCH)).left == NOON


def test_one_aircraft_does_not_meet_itself_after_a_gap() -> None:
    alone = parked("icao:000001", [0.0, 10.0, 400.0, 410.0], 38.0, -120.0)
    assert encounters(tracks(alone), SEARCH) == []


def test_a_pause_longer_than_said_makes_two_encounters() -> None:
    still = parked("icao:000001", [0.0, 200.0, 400.0], 38.0, -120.0)
    places = [(0, 38.0), (100, 38.0), (101, 38.1), (160, 38.1), (161, 38.0), (400, 38.0)]
    away = [report("icao:000002", s, lat, -120.0, 1_000.0) for s, lat in places]
    short = one(encounters(tracks(still, away), SEARCH))
    assert (short.passages, short.entered) == (2, NOON)
    assert 335 < short.inside_s < 345
    assert len(encounters(tracks(still, away), Search(within=NEAR, pause_s=58.0))) == 2


# Up and down


def heights(name: str, **known: float | None) -> list[PositionReport]:
    return [
        PositionReport(
            address=Address(name),
            time=NOON + timedelta(seconds=s),
            position=report(name, 0, 38.0, -120.0, 0.0).position,
            **known,  # type: ignore[arg-type]
        )
        for s in (0, 60)
    ]


def test_pressure_altitudes_decide_where_both_have_them() -> None:
    # By height 500 m apart: two sensors, of which one is wrong.
    first = heights("icao:000001", pressure_m=1_000.0, geometric_m=1_000.0)
    second = heights("icao:000002", pressure_m=1_100.0, geometric_m=1_500.0)
    found = one(encounters(tracks(first, second), SEARCH))
    assert (found.vertical, found.apart.vertical_m) == (Vertical.PRESSURE, pytest.approx(100.0))
    assert (found.first.pressure_m, found.second.height_m) == (1_000.0, 1_500.0)


def test_a_height_that_is_missing_once_is_missing_there_alone() -> None:
    first = heights("icao:000001", pressure_m=1_000.0, geometric_m=1_040.0)
    later = replace(first[1], time=NOON + timedelta(seconds=90), geometric_m=None)
    second = heights("icao:000002", pressure_m=1_000.0)
    found = one(encounters(tracks([*first, later], second), SEARCH))
    assert (found.first.height_m, found.second.height_m) == (1_040.0, None)
    apart = [replace(r, time=r.time + timedelta(seconds=75)) for r in second]
    assert one(encounters(tracks([*first, later], apart), SEARCH)).first.height_m is None


def test_heights_decide_where_one_has_no_pressure_altitude() -> None:
    first = heights("icao:000001", pressure_m=500.0, geometric_m=1_000.0)
    second = heights("icao:000002", geometric_m=1_200.0, geometric_error_m=5.0)
    found = one(encounters(tracks(first, second), SEARCH))
    assert (found.vertical, found.apart.vertical_m) == (Vertical.HEIGHT, pytest.approx(200.0))
    assert found.apart.unsure_m == pytest.approx(5.0)


def test_the_error_of_a_height_counts_towards_near() -> None:
    first = heights("icao:000001", geometric_m=1_000.0)
    second = heights("icao:000002", geometric_m=1_310.0, geometric_error_m=5.3)
    assert encounters(tracks(first, second), SEARCH)
    exact = heights("icao:000002", geometric_m=1_310.0)
    assert encounters(tracks(first, exact), SEARCH) == []


def test_pressure_against_height_is_near_if_any_weather_makes_it_so() -> None:
    first = heights("icao:000001", pressure_m=1_000.0)
    near = heights("icao:000002", geometric_m=1_500.0)
    found = one(encounters(tracks(first, near), SEARCH))
    assert found.vertical is Vertical.MIXED
    assert found.apart.unsure_m > 300.0
    far = heights("icao:000002", geometric_m=3_000.0)
    assert encounters(tracks(first, far), SEARCH) == []


@pytest.mark.parametrize("seed", range(8))
def test_the_farthest_thresholds_keep_the_bound(seed: int) -> None:
    far = Within(horizontal_m=100_000.0, vertical_m=20_000.0)
    flown = random_tracks(Random(seed), aircraft=3, around=PLACES[seed % 5], spread_m=80_000.0)
    for found in encounters(flown, Search(within=far)):
        a, b = (at(flown[w.address], found.entered, GAP_S) for w in (found.first, found.second))
        assert a is not None
        assert b is not None
        assert apart(a, b)[0] <= far.horizontal_m + 2 * HORIZONTAL_ERROR_M
        p, q = (at(flown[w.address], found.closest, GAP_S) for w in (found.first, found.second))
        assert p is not None
        assert q is not None
        assert found.apart.horizontal_m == pytest.approx(apart(p, q)[0], abs=HORIZONTAL_ERROR_M)


# Well clear

LOST = well_clear(EN_ROUTE, pause_s=1e-4)


@pytest.mark.parametrize("seed", range(20))
def test_what_is_not_well_clear_is_found_from_afar(seed: int) -> None:
    """The same as asking every leg of every two, without a search."""
    flown = random_tracks(Random(seed), aircraft=10, around=PLACES[seed % 5], spread_m=8e3)
    found = encounters(flown, LOST)
    since = NOON
    cut = [
        list(stretches(k, flown[name], since=since, gap_s=GAP_S))
        for k, name in enumerate(sorted(flown))
    ]
    names = sorted(flown)
    for a, b in combinations(range(len(names)), 2):
        lost_s = 0.0
        for one_of, other_of in product(cut[a], cut[b]):
            start_s = max(one_of.time_s[0], other_of.time_s[0])
            end_s = min(one_of.time_s[-1], other_of.time_s[-1])
            if start_s < end_s:
                both = legs(one_of, other_of, start_s, end_s)
                drifts = [both.drift(k) for k in range(len(both.level))]
                spans = [(d.seconds, lost(d, EN_ROUTE)) for d in drifts]
                lost_s += sum(s * (span[1] - span[0]) for s, span in spans if span)
        ours = [e for e in found if (e.first.address, e.second.address) == (names[a], names[b])]
        assert sum(e.inside_s for e in ours) == pytest.approx(lost_s, abs=1e-3)


def test_random_tracks_do_lose_it() -> None:
    found = [
        e
        for seed in range(20)
        for e in encounters(
            random_tracks(Random(seed), aircraft=10, around=PLACES[seed % 5], spread_m=8e3), LOST
        )
    ]
    assert len(found) > 5
    assert max(e.least_horizontal_m for e in found) > EN_ROUTE.dthr_m


def test_head_on_well_clear_is_lost_a_while_before_they_are_near() -> None:
    def flies(name: str, sign: float) -> list[PositionReport]:
        ends = (WGS84.Direct(38.0, -120.0, 90.0, sign * m) for m in (20_000.0, -20_000.0))
        return [
            report(name, s, end["lat2"], end["lon2"], 1_000.0)
            for s, end in zip((0.0, 200.0), ends, strict=True)
        ]

    found = one(encounters(tracks(flies("icao:000001", 1.0), flies("icao:000002", -1.0)), LOST))
    # At 200 m/s closing as much each: (r * r - D * D) / (r * 400) = 35 s.
    half = 35.0 * 400.0 / 2
    away_m = half + (half * half + EN_ROUTE.dthr_m**2) ** 0.5
    lost_at_s = (40_000.0 - away_m) / 400.0
    assert (found.entered - NOON).total_seconds() == pytest.approx(lost_at_s, abs=0.1)
    past_s = (40_000.0 + EN_ROUTE.dthr_m) / 400.0
    assert (found.left - NOON).total_seconds() == pytest.approx(past_s, abs=0.1)


# The search


def test_sweeping_in_small_blocks_finds_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    flown = random_tracks(Random(7), aircraft=12, around=PLACES[0], spread_m=1e4)
    whole = encounters(flown, SEARCH)
    assert whole
    monkeypatch.setattr(flown_together, "_BLOCK", 3)
    assert encounters(flown, SEARCH) == whole


def test_the_order_of_aircraft_does_not_matter() -> None:
    flown = random_tracks(Random(3), aircraft=8, around=PLACES[1], spread_m=1e4)
    turned = dict(reversed(flown.items()))
    assert encounters(flown, SEARCH) == encounters(turned, SEARCH)


def test_what_would_not_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    flown = tracks(*(parked(f"icao:00000{k}", [0.0, 59.0], 38.0, -120.0) for k in range(4)))
    monkeypatch.setattr(flown_together, "NEAR_MAX", 6)
    assert len(encounters(flown, SEARCH)) == 6
    monkeypatch.setattr(flown_together, "NEAR_MAX", 5)
    with pytest.raises(TooLarge):
        encounters(flown, SEARCH)


def test_nothing_of_nothing() -> None:
    assert encounters({}, SEARCH) == []
    assert encounters({Address("icao:000001"): []}, SEARCH) == []


def test_places_between_nodes_lie_on_the_geodesic() -> None:
    random = Random(11)
    for _ in range(200):
        lat, lng = random.uniform(-89.9, 89.9), random.uniform(-180, 180)
        line = WGS84.DirectLine(lat, lng, random.uniform(-180, 180), PIECE_M)
        end, share = line.Position(PIECE_M), random.random()
        middle = line.Position(share * PIECE_M)
        true = np.array(ecef(LatLng(middle["lat2"], middle["lon2"])))
        start = np.array([ecef(LatLng(lat, lng))])
        found = along(start, np.array([ecef(LatLng(end["lat2"], end["lon2"]))]), np.array([share]))[
            0
        ]
        normal = np.array(up(tuple(true)))
        off = found - true
        assert abs(off @ normal) < 0.02
        assert np.linalg.norm(off - (off @ normal) * normal) < 0.001

"""Which reports go together: at each limit one that is believed and one that is not."""

import math
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tansiq.domain.ellipsoid import destination
from tansiq.domain.track import Address, PositionReport
from tansiq.domain.volume import LatLng
from tansiq.formats.recording import Recording
from tansiq.formats.recording_faults import (
    CLIMB_MPS_MAX,
    HEIGHT_FAULT_M,
    LEEWAY_M,
    LEEWAY_S,
    MOVING_MPS,
    SPEED_MPS_MAX,
    aircraft_of,
    believed,
)
from tansiq.formats.reported import Fault

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
ME = Address("icao:000001")
START = LatLng(38.0, -120.0)


def at(after_s: float, east_m: float = 0.0, up_m: float | None = 1_000.0, **more: object):  # type: ignore[no-untyped-def]
    return PositionReport(
        address=ME,
        time=NOON + timedelta(seconds=after_s),
        position=destination(START, 90.0, east_m) if east_m else START,
        pressure_m=up_m,
        **more,  # type: ignore[arg-type]
    )


def kept(*reports: PositionReport) -> tuple[list[float], Counter[Fault]]:
    found = believed(ME, reports)
    return [(r.time - NOON).total_seconds() for r in found.reports], found.left_out


def test_reports_are_sorted_and_a_second_one_of_an_instant_goes() -> None:
    assert kept(at(10, 500), at(0), at(10, 900)) == ([0, 10], Counter({Fault.REPEATED: 1}))


def test_the_same_place_again_is_old_if_it_says_that_it_moves() -> None:
    fast = math.nextafter(MOVING_MPS, math.inf)
    assert kept(at(0), at(10, speed_mps=fast))[1] == Counter({Fault.STALE: 1})
    assert kept(at(0), at(10, speed_mps=MOVING_MPS))[1] == Counter()
    assert kept(at(0), at(10))[1] == Counter()


def test_a_spike_goes_also_as_the_first_or_the_last() -> None:
    track = [at(s, 100.0 * s) for s in range(0, 100, 10)]
    spike = replace(at(0), position=LatLng(40.0, -120.0))
    for after_s in (-5, 35, 95):
        odd = replace(spike, time=NOON + timedelta(seconds=after_s))
        assert kept(*track, odd) == (list(range(0, 100, 10)), Counter({Fault.JUMP: 1}))


def test_the_fastest_that_is_believed() -> None:
    reach_m = SPEED_MPS_MAX * (10 + LEEWAY_S)
    track = [at(s, 10.0) for s in (-20, -10)]
    assert kept(*track, at(0, 10.0), at(10, reach_m))[1] == Counter()
    assert kept(*track, at(0, 10.0), at(10, reach_m + 11.0))[1] == Counter({Fault.JUMP: 1})


def test_the_steepest_that_is_believed() -> None:
    climb_m = CLIMB_MPS_MAX * (10 + LEEWAY_S) + LEEWAY_M
    track = [at(-20, 0, 0.0), at(-10, 1, 0.0)]
    for sign in (1.0, -1.0):
        assert kept(*track, at(0, 2, sign * climb_m))[1] == Counter()
        odd = at(0, 2, sign * (climb_m + 0.001))
        assert kept(*track, odd)[1] == Counter({Fault.JUMP: 1})


def test_without_pressure_a_height_that_leaps_is_a_spike() -> None:
    track = [at(s, s, None, geometric_m=1_000.0) for s in (0, 10, 20, 30)]
    odd = at(15, 15, None, geometric_m=3_000.0)
    assert kept(*track, odd) == ([0, 10, 20, 30], Counter({Fault.JUMP: 1}))


def test_positions_that_could_have_been_reached_but_not_left_again_go() -> None:
    """Spoofed, after a pause, to a place ahead; the way past it holds more than the way there."""
    before = [at(s, 200.0 * s) for s in range(0, 600, 10)]
    spoofed = [at(s, 380_000.0 - s) for s in range(1_800, 2_100, 5)]
    after = [at(s, 200.0 * s) for s in range(2_110, 2_900, 10)]
    times, left_out = kept(*before, *spoofed, *after)
    assert left_out == Counter({Fault.JUMP: len(spoofed)})
    assert times == [*range(0, 600, 10), *range(2_110, 2_900, 10)]


def test_of_two_aircraft_that_say_one_address_the_one_told_more_often_stays() -> None:
    mine = [at(s, 100.0 * s) for s in range(0, 300, 10)]
    theirs = [replace(at(s), position=LatLng(45.0, 7.0)) for s in range(5, 250, 10)]
    times, left_out = kept(*mine, *theirs)
    assert times == list(range(0, 300, 10))
    assert left_out == Counter({Fault.JUMP: len(theirs)})


def test_a_late_position_costs_itself_and_not_the_track() -> None:
    track = [at(s, 240.0 * s) for s in range(0, 600, 10)]
    track[30] = at(300, 240.0 * 300 - 2_000.0)
    times, left_out = kept(*track)
    assert left_out == Counter({Fault.JUMP: 1})
    assert len(times) == 59


def test_bad_reports_on_both_sides_of_a_pause_cost_themselves() -> None:
    first = [at(s, 200.0 * s) for s in range(0, 300, 10)]
    second = [at(s, 200.0 * s) for s in range(400, 700, 10)]
    odd = replace(at(395), position=LatLng(40.0, -120.0))
    second[0] = replace(second[0], position=LatLng(39.0, -120.0))
    times, left_out = kept(*first, odd, *second)
    assert left_out == Counter({Fault.JUMP: 2})
    assert len(times) == 59


def test_many_runs_at_once_are_bounded_and_the_track_is_found() -> None:
    track = [at(s, 100.0 * s) for s in range(0, 600, 10)]
    noise = [
        replace(at(s + 1 + k / 20), position=LatLng(-60.0 + 8 * k, 10.0))
        for s in range(0, 600, 30)
        for k in range(15)
    ]
    times, left_out = kept(*track, *noise)
    assert times == list(range(0, 600, 10))
    assert left_out == Counter({Fault.JUMP: len(noise)})


@pytest.mark.parametrize("usual_m", [0.0, -120.0])
def test_a_height_far_from_what_the_pressure_says_goes_and_the_report_stays(usual_m: float) -> None:
    true = [at(s, s, geometric_m=1_000.0 + usual_m) for s in range(0, 50, 10)]
    edge = at(50, 50, geometric_m=1_000.0 + usual_m + HEIGHT_FAULT_M - 1e-9)
    beyond = at(60, 60, geometric_m=1_000.0 + usual_m - HEIGHT_FAULT_M - 1e-9)
    zero = at(70, 70, 400.0, geometric_m=0.0)
    found = believed(ME, [*true, edge, beyond, zero])
    assert found.left_out == Counter({Fault.HEIGHT: 2})
    assert len(found.reports) == 8
    assert found.reports[-3].geometric_m is not None
    assert [r.geometric_m for r in found.reports[-2:]] == [None, None]
    assert [r.pressure_m for r in found.reports[-2:]] == [1_000.0, 400.0]


def test_each_flight_has_its_own_difference() -> None:
    morning = [at(s, s, geometric_m=1_700.0) for s in range(0, 50, 10)]
    evening = [at(s, s, geometric_m=300.0) for s in range(1_841, 1_890, 10)]
    assert kept(*morning, *evening)[1] == Counter()
    # Of one flight, the fewer of these would be faults.
    near = [at(s, s, geometric_m=300.0) for s in range(1_840, 1_870, 10)]
    assert kept(*morning, *near)[1] == Counter({Fault.HEIGHT: 3})


def test_reports_of_one_address_in_two_files_are_of_one_aircraft() -> None:
    def file(name: str, *reports: PositionReport) -> Recording:
        return Recording(name=name, reports={ME: reports}, rows=1, left_out={}, layout="")

    one = file("a", at(0, callsign="A"), at(20, 10, callsign="B"))
    (found,) = aircraft_of([one, file("b", at(10, 5, callsign="B"), at(0))])
    assert [(r.time - NOON).total_seconds() for r in found.reports] == [0, 10, 20]
    assert (found.left_out, found.callsign) == (Counter({Fault.REPEATED: 1}), "B")

"""Reports become one track, what cannot be flown does not, and two aircraft are seen to be two."""

import itertools
import math
import random
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tansiq.domain.ellipsoid import destination, distance_m
from tansiq.domain.estimate import at
from tansiq.domain.following import Followed, Limits, Quality, Refusal, Track, follow
from tansiq.domain.track import Address, PositionReport
from tansiq.domain.volume import LatLng
from tansiq.errors import BadInput
from watching import HERE, LIMITS, NOON, TICK, at_s, east, north, report, taken, tracked

FAR = east(50_000.0)


def test_the_first_report_begins_a_track() -> None:
    found = taken(None, report(callsign="TANKER 1"))
    assert found.new
    assert found.refused is None
    assert found.track is not None
    assert (found.track.callsign, found.track.kept) == ("TANKER 1", 1)
    assert found.track.quality(NOON) is Quality.NEW


def test_the_next_is_kept_and_the_callsign_stays() -> None:
    track = tracked(report(callsign="TANKER 1"), report(1.0, callsign=""))
    assert (track.callsign, track.kept) == ("TANKER 1", 2)
    assert track.last == report(1.0, callsign="")
    assert track.quality(NOON) is Quality.GOOD


def test_another_address_is_a_mistake() -> None:
    with pytest.raises(BadInput, match="is not icao:a1b2c3") as caught:
        taken(tracked(report()), report(1.0, address=Address("icao:000000")))
    assert caught.value.field == "address"


@pytest.mark.parametrize(
    ("received", "refused"),
    [
        (at_s(-5.0), None),
        (at_s(-5.0) - TICK, Refusal.CLOCK),
        (at_s(60.0), None),
        (at_s(60.0) + TICK, Refusal.TOO_OLD),
    ],
)
def test_the_clock_of_the_source(received: object, refused: Refusal | None) -> None:
    found = follow(None, report(), received=received, limits=LIMITS)  # type: ignore[arg-type]
    assert found.refused is refused
    assert (found.track is None) is (refused is not None)


def test_no_report_is_made_after_it_came() -> None:
    first = follow(None, report(4.0), received=NOON, limits=LIMITS).track
    assert first is not None
    assert first.made == NOON
    for received, made in ((at_s(5.0), 5.0), (at_s(9.0), 6.0)):
        found = follow(first, report(6.0), received=received, limits=LIMITS).track
        assert found is not None
        assert found.made == at_s(made)


def test_older_and_duplicate() -> None:
    track = tracked(report(), report(1.0))
    assert taken(track, report(1.0)) == Followed(track=track, refused=Refusal.DUPLICATE)
    older = replace(report(1.0), time=at_s(1.0) - TICK)
    assert taken(track, older) == Followed(track=track, refused=Refusal.OLDER)
    assert taken(track, replace(older, time=at_s(1.0) + TICK)).refused is None


def test_one_time_and_two_places_is_a_jump() -> None:
    track = tracked(report())
    found = taken(track, report(0.0, FAR))
    assert found.refused is Refusal.JUMP
    assert found.track is not None
    assert (found.track.jumps, found.track.last) == (1, track.last)


def test_after_a_long_silence_the_track_begins_anew() -> None:
    track = tracked(report(), report(1.0))
    kept = taken(track, report(61.0))
    assert not kept.new
    late = replace(report(61.0, FAR), time=at_s(61.0) + TICK)
    found = taken(track, late)
    assert found.new
    assert found.track is not None
    assert found.track.quality(NOON) is Quality.NEW


def reach_m(seconds: float, speed_mps: float) -> float:
    """Say independently how far an aircraft gets: by the documented limits."""
    span = seconds + 1.0
    return min(350.0 * span, (speed_mps + 5.0) * span + 5.0 * span**2) + 2 * 10.0


@pytest.mark.parametrize(("seconds", "speed"), [(1.0, 0.0), (3.0, 100.0), (59.0, 200.0)])
def test_what_can_be_flown(seconds: float, speed: float) -> None:
    first = report(speed_mps=speed, track_deg=0.0)
    most_m = reach_m(seconds, speed)
    assert taken(tracked(first), report(seconds, east(most_m - 0.001))).refused is None
    assert taken(tracked(first), report(seconds, east(most_m + 0.001))).refused is Refusal.JUMP


def test_exactly_as_far_as_can_be_flown_is_kept() -> None:
    """Also to the last digit: the errors make up what the flight leaves."""
    place = east(2_000.0)
    away_m = distance_m(HERE, place)
    first = report(speed_mps=0.0, track_deg=0.0)
    span_m = min(350.0 * 2.0, 5.0 * 2.0 + 5.0 * 4.0)
    error_m = away_m - span_m - 10.0
    while span_m + (10.0 + error_m) < away_m:
        error_m = math.nextafter(error_m, math.inf)
    while span_m + (10.0 + error_m) > away_m:
        error_m = math.nextafter(error_m, 0.0)
    assert span_m + (10.0 + error_m) == away_m
    touching = report(1.0, place, horizontal_error_m=error_m)
    assert taken(tracked(first), touching).refused is None
    missing = report(1.0, place, horizontal_error_m=error_m - 1e-9)
    assert taken(tracked(first), missing).refused is Refusal.JUMP


def test_an_error_not_stated_is_the_limits_own() -> None:
    most_m = reach_m(1.0, 0.0) + 2 * (200.0 - 10.0)
    first = report(speed_mps=0.0, track_deg=0.0, horizontal_error_m=0.0)

    def to(metres: float) -> Followed:
        return taken(tracked(first), report(1.0, east(metres), horizontal_error_m=0.0))

    assert to(most_m - 0.001).refused is None
    assert to(most_m + 0.001).refused is Refusal.JUMP


@pytest.mark.parametrize(("name", "error_m"), [("geometric_m", 50.0), ("pressure_m", 40.0)])
def test_what_can_be_climbed(name: str, error_m: float) -> None:
    first = report(**{name: 1_000.0})
    most_m = 60.0 * 2.0 + 2 * error_m
    for sign in (1, -1):
        up = taken(tracked(first), report(1.0, **{name: 1_000.0 + sign * most_m}))
        assert up.refused is None
        beyond = 1_000.0 + sign * math.nextafter(most_m, math.inf) + sign * 1e-9
        assert taken(tracked(first), report(1.0, **{name: beyond})).refused is Refusal.JUMP


def test_pressure_altitude_and_height_are_not_compared() -> None:
    track = tracked(report(geometric_m=1_000.0), report(1.0, pressure_m=9_000.0))
    assert track.geometric is not None
    assert track.pressure is not None
    assert (track.geometric.value_m, track.pressure.value_m) == (1_000.0, 9_000.0)


def test_an_error_of_height_that_is_stated_counts_if_it_is_greater() -> None:
    stated = tracked(report(geometric_m=0.0, geometric_error_m=80.0)).geometric
    assert stated is not None
    assert stated.error_m == 80.0


# ---- jumps that are not


def jumps(track: Track, *reports: PositionReport) -> Track:
    for new in reports:
        found = taken(track, new)
        assert found.refused is Refusal.JUMP
        assert found.track is not None
        track = found.track
    return track


def test_three_in_a_row_that_agree_begin_the_track_anew() -> None:
    track = jumps(tracked(report(callsign="A")), report(1.0, FAR), report(2.0, FAR))
    found = taken(track, report(3.0, FAR))
    assert found.new
    assert found.refused is None
    assert found.track is not None
    assert found.track.last == report(3.0, FAR)
    assert found.track.callsign == "A"
    assert found.track.quality(at_s(3.0)) is Quality.DOUBTFUL


def test_the_doubt_ends_with_the_tenth_report() -> None:
    track = jumps(tracked(report()), report(1.0, FAR), report(2.0, FAR))
    for second in range(3, 12):
        track = taken(track, report(second, FAR)).track  # type: ignore[assignment]
        assert track.doubtful
    track = taken(track, report(12.0, FAR)).track  # type: ignore[assignment]
    assert (track.kept, track.doubtful) == (10, False)


def test_jumps_that_do_not_agree_begin_nothing() -> None:
    wild = [report(s, east(50_000.0 * s)) for s in (1.0, 2.0, 3.0, 4.0, 5.0)]
    track = jumps(tracked(report()), *wild)
    assert track.elsewhere is not None
    assert track.elsewhere.run == 1
    assert track.jumps == 5


def test_a_jump_said_twice_counts_once() -> None:
    track = jumps(tracked(report()), report(1.0, FAR), report(2.0, FAR))
    assert taken(track, report(2.0, FAR)) == Followed(track=track, refused=Refusal.DUPLICATE)


def test_a_jump_older_than_the_last_jump_counts_anew() -> None:
    track = jumps(tracked(report()), report(2.0, FAR), report(1.0, FAR))
    assert track.elsewhere is not None
    assert track.elsewhere.run == 1


def test_a_report_from_the_own_place_begins_the_count_anew() -> None:
    track = jumps(tracked(report()), report(1.0, FAR), report(2.0, FAR))
    kept = taken(track, report(2.5))
    assert kept.refused is None
    assert kept.track is not None
    jumps(kept.track, report(3.0, FAR), report(4.0, FAR))


# ---- two aircraft, one address


def test_two_places_that_alternate_are_contested_for_a_minute() -> None:
    track = jumps(tracked(report()), report(1.0, FAR))
    assert track.quality(at_s(1.0)) is Quality.NEW
    kept = taken(track, report(2.0)).track
    assert kept is not None
    assert kept.quality(at_s(2.0)) is Quality.GOOD
    track = jumps(kept, report(3.0, FAR))
    assert track.quality(at_s(3.0)) is Quality.CONTESTED
    assert track.quality(at_s(63.0)) is Quality.CONTESTED
    assert track.quality(at_s(63.0) + TICK) is Quality.GOOD


def test_a_place_left_behind_that_speaks_again_is_contested() -> None:
    """A forgery took the track over; the true one is heard once more."""
    track = jumps(tracked(report()), report(1.0, FAR), report(2.0, FAR))
    anew = taken(track, report(3.0, FAR)).track
    assert anew is not None
    assert anew.quality(at_s(3.0)) is Quality.DOUBTFUL
    assert jumps(anew, report(4.0)).quality(at_s(4.0)) is Quality.CONTESTED


def test_another_place_is_forgotten_with_its_last_report() -> None:
    track = jumps(tracked(report()), report(1.0, FAR))
    for second in (31.0, 61.0):
        track = taken(track, report(second)).track  # type: ignore[assignment]
        assert track.elsewhere is not None
    track = taken(track, replace(report(61.0), time=at_s(61.0) + TICK)).track  # type: ignore[assignment]
    assert track.elsewhere is None


@given(st.lists(st.booleans(), min_size=12, max_size=60), st.integers(0, 2**32))
def test_two_aircraft_never_pass_for_one(turns: list[bool], seed: int) -> None:
    """However the reports of two fixed places mix, once each spoke twice it is contested."""
    chance = random.Random(seed)
    track: Track | None = None
    time, changes = 0.0, 0
    for i, turn in enumerate(turns):
        time += chance.uniform(0.5, 2.0)
        found = taken(track, report(time, FAR if turn else HERE))
        track = found.track
        assert track is not None
        changes += i > 0 and turn != turns[i - 1]
        if changes >= 3:
            assert track.quality(at_s(time)) is Quality.CONTESTED or not _recent(turns[: i + 1])
        if changes == 0:
            assert track.quality(at_s(time)) in (Quality.NEW, Quality.GOOD)


def _recent(turns: list[bool]) -> bool:
    """Report whether both have spoken in turn within the last reports, less than a minute old."""
    last = turns[-20:]
    return sum(a != b for a, b in itertools.pairwise(last)) >= 3


# ---- velocities


def test_the_source_knows_its_velocity_best() -> None:
    v = tracked(report(speed_mps=100.0, track_deg=90.0, climb_mps=-2.0)).velocity
    assert v.stated
    assert (v.east_mps, v.up_mps, v.error_mps) == (100.0, -2.0, 5.0)
    assert abs(v.north_mps) < 1e-9
    assert (v.speed_mps, v.track_deg) == pytest.approx((100.0, 90.0))


def test_nothing_known_is_said_so() -> None:
    v = tracked(report(speed_mps=100.0)).velocity
    assert (v.east_mps, v.north_mps, v.error_mps, v.up_mps) == (0.0, 0.0, 350.0, None)
    assert tracked(report(track_deg=1.0)).velocity == v
    assert tracked(report(climb_mps=3.0)).velocity.up_mps == 3.0


def test_a_velocity_from_two_positions_three_seconds_apart() -> None:
    near = tracked(report(), replace(report(3.0, north(300.0)), time=at_s(3.0) - TICK))
    assert near.velocity.error_mps == 350.0
    v = tracked(report(), report(3.0, north(300.0))).velocity
    assert (v.east_mps, v.north_mps) == pytest.approx((0.0, 100.0), abs=1e-4)
    assert v.error_mps == pytest.approx((10 + 10 + 100) / 3 + 5 * 3, abs=1e-3)
    assert not v.stated


def test_the_velocity_is_taken_from_reports_some_seconds_apart_however_often_they_come() -> None:
    track = tracked(*(report(s / 2, north(50.0 * s)) for s in range(30)))
    assert track.velocity.north_mps == pytest.approx(100.0, abs=1e-3)
    apart = track.last.time - track.anchors[0].time
    assert timedelta(seconds=3) <= apart <= timedelta(seconds=6.5)


def test_the_earlier_report_is_replaced_as_soon_as_there_is_another() -> None:
    a, b, c = report(), report(3.0), report(6.0)
    assert tracked(a, b).anchors == (a, b)
    assert tracked(a, b, replace(c, time=c.time - TICK)).anchors == (a, b)
    assert tracked(a, b, c).anchors == (b, c)


def test_a_velocity_once_stated_ages_until_positions_give_another() -> None:
    first = report(speed_mps=100.0, track_deg=0.0, climb_mps=1.0)
    v = tracked(first, report(2.0, north(200.0))).velocity
    assert (v.north_mps, v.error_mps, v.up_mps, v.up_error_mps) == (100.0, 25.0, 1.0, 9.0)
    assert not v.stated
    v = tracked(report(), report(2.0)).velocity
    assert (v.error_mps, v.up_mps) == (350.0, None)


@pytest.mark.parametrize(("name", "error_m"), [("geometric_m", 50.0), ("pressure_m", 40.0)])
def test_a_climb_from_two_altitudes(name: str, error_m: float) -> None:
    v = tracked(report(**{name: 100.0}), report(3.0, **{name: 130.0})).velocity
    assert v.up_mps == pytest.approx(10.0)
    assert v.up_error_mps == pytest.approx((2 * error_m + 10.0) / 3 + 1.5 * 3)


def test_a_climb_needs_one_reference() -> None:
    assert tracked(report(geometric_m=0.0), report(3.0, pressure_m=0.0)).velocity.up_mps is None


@pytest.mark.parametrize(
    ("field", "bad"),
    [
        ("fresh_s", 0.0),
        ("acceleration_mps2", math.nan),
        ("speed_mps_max", math.inf),
        ("agree_reports", 0),
        ("coast_s", 60.1),
    ],
)
def test_limits_that_cannot_be(field: str, bad: float) -> None:
    with pytest.raises(BadInput) as caught:
        Limits(**{field: bad})  # type: ignore[arg-type]
    assert caught.value.field == field


def test_ages_in_order() -> None:
    assert Limits(fresh_s=60.0, ageing_s=60.0, stale_s=60.0, coast_s=60.0).coast_s == 60.0
    for changes in ({"fresh_s": 15.1}, {"ageing_s": 60.1}):
        with pytest.raises(BadInput, match="ascending"):
            Limits(**changes)


# ---- the truth lies within what is said


@given(
    seed=st.integers(0, 2**32),
    states=st.booleans(),
    interval_s=st.sampled_from([0.5, 1.0, 2.0, 5.0, 12.0]),
    later_s=st.floats(0.0, 59.0),
    lat=st.sampled_from([0.0, 36.0, -60.0, 85.0]),
)
def test_the_aircraft_is_where_it_is_said_to_be(
    seed: int, states: bool, interval_s: float, later_s: float, lat: float
) -> None:
    """An aircraft that flies as wildly as limits allow is never outside its stated error."""
    chance = random.Random(seed)
    track: Track | None = None
    place, time, height = LatLng(lat, 179.99), 0.0, 2_000.0
    ve, vn, vu = chance.uniform(-150, 150), chance.uniform(-150, 150), 0.0
    due = 0.0

    def flown(span_s: float) -> None:
        nonlocal place, time, ve, vn, vu, height
        angle, pull = chance.uniform(0, 2 * math.pi), chance.uniform(0.0, 9.9)
        left = span_s
        while left > 1e-9:
            dt = min(0.1, left)
            left -= dt
            ve += pull * math.sin(angle) * dt
            vn += pull * math.cos(angle) * dt
            most = max(1.0, math.hypot(ve, vn) / 300.0)
            ve, vn = ve / most, vn / most
            vu = max(-50.0, min(50.0, vu + chance.choice([-2.9, 2.9]) * dt))
            moved = math.hypot(ve, vn) * dt
            place = destination(place, math.degrees(math.atan2(ve, vn)), moved)
            height += vu * dt
            time += dt

    for _ in range(8):
        off = destination(place, chance.uniform(0, 360), chance.uniform(0, 9.9))
        stated = {}
        if states:
            stated = {
                "speed_mps": math.hypot(ve, vn),
                "track_deg": math.degrees(math.atan2(ve, vn)) % 360.0,
                "climb_mps": vu,
            }
        new = report(due, off, geometric_m=height + chance.uniform(-49, 49), **stated)
        found = taken(track, new)
        assert found.refused is None
        track = found.track
        due += interval_s
        flown(interval_s)
    assert track is not None
    flown(later_s)
    said = at(track, at_s(time), LIMITS)
    assert distance_m(place, said.position) <= said.horizontal_error_m
    if said.height is not None:
        assert said.height.lower_m <= height <= said.height.upper_m

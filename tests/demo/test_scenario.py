"""Plans made of flights, and the small scenario that ships."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from tansiq.demo.calfire import Flight
from tansiq.demo.scenario import (
    BUFFERS,
    LEAD,
    MINIMA,
    TOGETHER_S,
    Scenario,
    busiest_day,
    formations,
    from_flights,
    party_by_aircraft,
)
from tansiq.demo.small import small
from tansiq.demo.story import DELAY_S_MAX
from tansiq.domain.conflict import conflicts
from tansiq.domain.resolution import smallest_delay
from tansiq.domain.volume import LatLng
from tansiq.formats.plans import read_plan
from tansiq.formats.track_file import TrackPoint

DAY = datetime(2020, 9, 8, tzinfo=UTC)
NOW = datetime(2026, 6, 1, 8, 30, 0, 250_000, tzinfo=UTC)


def flight(
    callsign: str, *, number: int = 0, start: datetime = DAY, minutes: int = 10, lat: float = 38.0
) -> Flight:
    points = tuple(
        TrackPoint(
            time=start + timedelta(minutes=minute),
            position=LatLng(lat, -122.0 + minute / 100),
            altitude_m=1_000.0,
        )
        for minute in range(minutes + 1)
    )
    return Flight(
        id=f"{callsign}_{number}", icao24=f"a-{callsign}", callsign=callsign, points=points,
        corrected=0,
    )  # fmt: skip


def test_aircraft_go_to_the_parties_in_turn() -> None:
    flights = [flight(name, number=n) for name in "dacb" for n in range(2)]
    assert party_by_aircraft(flights) == {
        "a-a": "north", "a-b": "south", "a-c": "north", "a-d": "south",
    }  # fmt: skip


def test_the_busiest_day_is_chosen_and_the_first_of_equals() -> None:
    one, two = [flight("a")], [flight("b", start=DAY + timedelta(days=1), number=n) for n in (0, 1)]
    assert busiest_day(one + two) == (DAY + timedelta(days=1)).date()
    assert busiest_day(one + two[:1]) == DAY.date()


def test_flights_that_kept_company_are_a_formation_and_each_has_one_partner() -> None:
    minutes = TOGETHER_S // 60
    found = formations(
        [
            flight("a", minutes=minutes + 5),
            flight("b", minutes=minutes + 5),
            flight("c", minutes=minutes),  # With both of them, but not for so long.
        ]
    )
    assert {name: formation.name for name, formation in found.items()} == {
        "a_0": "a+b",
        "b_0": "a+b",
    }


def test_five_minutes_together_are_enough_and_less_is_not() -> None:
    minutes = TOGETHER_S // 60
    assert formations([flight("a", minutes=minutes), flight("b", minutes=minutes)])
    assert not formations([flight("a", minutes=minutes - 1), flight("b", minutes=minutes)])


def test_one_aircraft_is_no_formation_with_itself() -> None:
    assert not formations([flight("a", number=0), flight("a", number=1)])


def test_flights_become_plans_an_hour_ahead_by_whole_seconds() -> None:
    scenario = from_flights([flight("a"), flight("b", lat=39.0)], now=NOW, all_days=False)
    first = scenario.sorties[0].start
    assert timedelta(0) <= first - (NOW + LEAD) < timedelta(seconds=1)
    assert scenario.shift.microseconds == 0
    assert first - scenario.shift == DAY - timedelta(seconds=BUFFERS.time_s)


def test_flights_outside_the_area_are_left_out_and_named() -> None:
    inside, florida = flight("a"), flight("FFS20", lat=29.0)
    scenario = from_flights([inside, florida], now=NOW, all_days=False)
    assert [sortie.name for sortie in scenario.sorties] == ["a"]
    assert any("FFS20" in note for note in scenario.notes)


def bodies_read_back(scenario: Scenario) -> None:
    for sortie in scenario.sorties:
        read = read_plan(sortie.body)
        assert read.volumes == sortie.draft.volumes
        assert (read.callsign, read.formation) == (sortie.draft.callsign, sortie.draft.formation)


def test_what_is_sent_reads_back_as_the_same_plan() -> None:
    bodies_read_back(from_flights([flight("a"), flight("b", lat=39.0)], now=NOW, all_days=False))
    bodies_read_back(small(NOW))


def test_the_small_scenario_has_what_it_promises() -> None:
    """Two each, one pair in formation, one pair of drones in conflict, a tanker in a no-go area."""
    scenario = small(NOW)
    plans = {sortie.name: sortie.draft for sortie in scenario.sorties}
    assert Counter(sortie.party for sortie in scenario.sorties) == {"north": 2, "south": 2}
    (area,) = (sortie.draft for sortie in scenario.no_go)

    def meet(a: str, b: str) -> bool:
        return conflicts(plans[a].volumes, plans[b].volumes, MINIMA)

    assert meet("LEAD-1", "TANKER-7")
    assert plans["LEAD-1"].formation == plans["TANKER-7"].formation == "drop run"
    assert meet("DRONE-N", "DRONE-S")
    assert not meet("DRONE-N", "TANKER-7")
    assert not meet("LEAD-1", "DRONE-N")
    assert [name for name in plans if conflicts(plans[name].volumes, area.volumes, MINIMA)] == [
        "TANKER-7"
    ]


@pytest.mark.parametrize("second", ["DRONE-N", "DRONE-S"])
def test_whichever_drone_comes_second_has_a_way_out_that_a_desk_takes(second: str) -> None:
    """Both parties declare at once, so the small scenario must end well either way."""
    scenario = small(datetime(2026, 11, 23, tzinfo=UTC))
    drafts = [sortie.draft for sortie in (*scenario.sorties, *scenario.no_go)]
    mine = next(draft for draft in drafts if draft.callsign == second)
    others = [draft.volumes for draft in drafts if draft.callsign != second]
    delay = smallest_delay(mine.volumes, others, scenario.minima, limit=timedelta(hours=6))
    assert delay is not None
    assert delay.total_seconds() <= DELAY_S_MAX

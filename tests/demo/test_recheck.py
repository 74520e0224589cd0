"""The second opinion: every pair, from what the API says, in its own reading of it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from tansiq.demo.nodes import free_ports
from tansiq.demo.recheck import astray, decode_volumes, recheck
from tansiq.demo.scenario import MINIMA, WEST
from tansiq.domain.agreement import Agreement, Between, Formation, Party, Register
from tansiq.domain.category import Category
from tansiq.domain.intent import PartyID
from tansiq.domain.time import TimeSpan
from tansiq.domain.volume import (
    AltitudeBand,
    Circle,
    LatLng,
    Outline,
    Polygon,
    Volume3D,
    Volume4D,
)
from tansiq.f3548.convert import volumes_to_wire
from tansiq.services.views import PlanView, Status

START = datetime(2026, 6, 1, 12, tzinfo=UTC)
NORTH = PartyID("north")
AGREEMENT = Agreement(
    name="test",
    digest="",
    parties=(
        Party(id=NORTH, names={"en": "North"}, public_key=b"", url="http://x", tls_sha256=b""),
    ),
    registers=(Register(id="north", party=NORTH, url="http://x"),),
    area=WEST,
    area_km2_max=1.0,
    minima=MINIMA,
    formations=(Formation(name="run", callsigns=frozenset({"A", "B"})),),
)
DISC = Circle(center=LatLng(38.0, -122.0), radius_m=1_000.0)


def volume(outline: Outline = DISC, *, lower_m: float = 500.0) -> Volume4D:
    return Volume4D(
        volume=Volume3D(
            outline=outline, altitude=AltitudeBand(lower_m=lower_m, upper_m=lower_m + 100.0)
        ),
        time=TimeSpan(start=START, end=START + timedelta(minutes=10)),
    )


def plan(
    callsign: str,
    volumes: Sequence[Volume4D] = (volume(),),
    formation: str = "",
    category: Category | None = None,
) -> PlanView:
    return PlanView(
        id=f"id-{callsign}",
        intent_id="",
        party="north",
        callsign=callsign,
        formation=formation,
        category=category,
        priority=0,
        state="Accepted",
        status=Status.COORDINATED,
        coordinated=True,
        time_start="",
        time_end="",
        altitude_m_min=0.0,
        altitude_m_max=0.0,
        registers=(),
        volumes=msgspec.Raw(msgspec.json.encode(volumes_to_wire(tuple(volumes)))),
    )


def test_volumes_are_read_as_they_are_served() -> None:
    square = Polygon(vertices=(LatLng(1.0, 2.0), LatLng(1.0, 3.0), LatLng(2.0, 3.0)))
    whole = (volume(), volume(square))
    assert decode_volumes(plan("A", whole).volumes) == whole


@pytest.mark.parametrize(("gap_m", "conflicts"), [(150.0, 1), (150.1, 0)])
def test_each_pair_within_the_minima_is_named(gap_m: float, conflicts: int) -> None:
    judged = recheck(
        [plan("A"), plan("B", [volume(lower_m=600.0 + gap_m)])], [], AGREEMENT, no_go={}
    )
    assert (judged.plans, judged.pairs) == (2, 1)
    assert judged.conflicts == (("A", "B"),) * conflicts


@pytest.mark.parametrize(("gap_m", "met"), [(30.0, True), (30.1, False)])
def test_each_pair_is_judged_by_its_categories(gap_m: float, *, met: bool) -> None:
    close = replace(MINIMA, vertical_m=30.0)
    agreement = replace(
        AGREEMENT, between=(Between(categories=frozenset({Category.DRONE}), minima=close),)
    )
    above, drone = [volume(lower_m=600.0 + gap_m)], Category.DRONE
    for one, other, found in ((drone, drone, met), (drone, None, True), (None, None, True)):
        plans = [plan("A", category=one), plan("B", above, category=other)]
        judged = recheck(plans, [], agreement, no_go={})
        assert bool(judged.conflicts) == found
        refused = recheck(plans[:1], plans[1:], agreement, no_go={})
        assert refused.met_by_none == (() if found else ("B",))
    area = {"CREW": tuple(above)}
    judged = recheck([plan("A", category=drone)], [], agreement, no_go=area)
    assert judged.conflicts == (("A", "CREW"),)


def test_a_formation_exempts_only_when_both_name_it_and_stand_in_it() -> None:
    both = recheck(
        [plan("A", formation="run"), plan("B", formation="run")], [], AGREEMENT, no_go={}
    )
    assert (both.conflicts, both.exempted) == ((), (("A", "B", "run"),))
    one = recheck([plan("A", formation="run"), plan("B")], [], AGREEMENT, no_go={})
    assert (one.conflicts, one.exempted) == ((("A", "B"),), ())
    stranger = recheck(
        [plan("A", formation="run"), plan("C", formation="run")], [], AGREEMENT, no_go={}
    )
    assert stranger.conflicts == (("A", "C"),)


def test_a_refused_plan_that_meets_nothing_is_named() -> None:
    far = plan("C", [volume(lower_m=5_000.0)])
    assert recheck([plan("A")], [plan("B"), far], AGREEMENT, no_go={}).met_by_none == ("C",)


@pytest.mark.parametrize(("gap_m", "conflicts"), [(150.0, 1), (150.1, 0)])
def test_a_plan_within_the_minima_of_a_no_go_area_is_named(gap_m: float, conflicts: int) -> None:
    area = {"CREW": (volume(lower_m=600.0 + gap_m),)}
    judged = recheck([plan("A")], [], AGREEMENT, no_go=area)
    assert judged.conflicts == (("A", "CREW"),) * conflicts
    refused = recheck([], [plan("B")], AGREEMENT, no_go=area)
    assert refused.met_by_none == ("B",) * (1 - conflicts)


def test_plans_that_are_gone_or_altered_are_astray() -> None:
    expected = {"id-A": (volume(),), "id-B": (volume(),), "id-C": (volume(),)}
    moved = volume(lower_m=500.002)
    assert astray(expected, [plan("A"), plan("B", [moved])]) == ["id-B", "id-C"]
    close = replace(
        volume(),
        volume=replace(
            volume().volume, altitude=AltitudeBand(lower_m=500.0 + 1e-9, upper_m=600.0 + 1e-9)
        ),
    )
    assert astray({"id-A": (volume(),)}, [plan("A", [close])]) == []


def test_free_ports_are_free_and_different() -> None:
    ports = free_ports(4, 18_000)
    assert len(set(ports)) == 4

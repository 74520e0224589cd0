"""In a pool of somebody else's: areas that it takes, subscriptions, no-go areas both ways."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from outsider import Outsider
from pool import VALLEY, pooled
from sky import TIMERS, ShiftedClock, Side, plan, until

from tansiq.domain.volume import LatLng, Outline, Polygon
from tansiq.f3548 import convert, wire
from tansiq.services.views import Status
from tansiq.settings import Limits
from tansiq.storage.cells import Cover, area_km2, cover, parent
from tansiq.storage.subscriptions import SubscriptionRow, Subscriptions
from tansiq.storage.tiles import tiles

pytestmark = pytest.mark.anyio
OFTEN = replace(TIMERS, sweep_s=0.2)


# ---- pieces of an area


def _cells(outline: Outline) -> set[int]:
    found: Cover = cover([convert.Area(outline=outline)])
    return {cell for patch in found.patches for cell in patch.cells}


@pytest.mark.parametrize(
    "seed", [*range(5), *(pytest.param(seed, marks=pytest.mark.soak) for seed in range(5, 20))]
)
def test_pieces_are_small_enough_and_leave_nothing_out(seed: int) -> None:
    random = Random(seed)
    print("seed", seed)
    lat, lng = random.uniform(-80, 80), random.uniform(-180, 180)
    tall, wide = random.uniform(0.2, 6), random.uniform(0.2, 6)
    corners = ((lat, lng), (lat + tall, lng), (lat + tall, lng + wide), (lat, lng + wide))
    outline = Polygon(vertices=tuple(LatLng(a, (b + 180) % 360 - 180) for a, b in corners))
    for km2_max in (2_500.0, 600.0):
        pieces = tiles(outline, km2_max)
        assert all(area_km2(piece) <= km2_max for piece in pieces)
        covered = set().union(*(_cells(piece) for piece in pieces))
        whole = _cells(outline)
        # By what a register goes by: each of its cells is found by one of the pieces.
        for _ in range(200):
            point = LatLng(
                lat + random.random() * tall, (lng + random.random() * wide + 180) % 360 - 180
            )
            near = Polygon(
                vertices=(
                    point,
                    LatLng(point.lat_deg + 1e-4, point.lng_deg),
                    LatLng(point.lat_deg, point.lng_deg + 1e-4 if point.lng_deg < 179 else 179.0),
                )
            )
            assert _meets(_cells(near), covered) or not _meets(_cells(near), whole)


def _meets(cells: set[int], others: set[int]) -> bool:
    parents = {parent(cell) for cell in others}
    return any(cell in others or parent(cell) in others or cell in parents for cell in cells)


def test_what_is_small_enough_is_one_piece() -> None:
    km2 = area_km2(VALLEY)
    assert tiles(VALLEY, km2 / 0.95 + 1e-6) == (VALLEY,)
    assert len(tiles(VALLEY, km2 / 0.95 - 1e-6)) > 1


# ---- subscriptions


async def _subscriptions(dss: Side, manager: str = "north") -> list[SubscriptionRow]:
    rows = await dss.up.store.read(lambda tx: tx.fetch("SELECT id FROM subscription", {}))
    found = [await dss.up.store.read(lambda tx, i=i: Subscriptions(tx).get(i)) for (i,) in rows]
    return [row for row in found if row is not None and row.manager == manager]


async def test_a_small_area_has_one_standing_subscription_that_plans_hang_on(
    tmp_path: Path,
) -> None:
    async with pooled(tmp_path) as (sky, _):
        north, dss = sky["north"], sky["dss"]
        await until(lambda: _now(north.up.upkeep.subscribing.standing("pool")), bool)
        view = await north.declare(plan(-121, "ALPHA"))
        assert view.status is Status.COORDINATED, view.reason
        (row,) = await _subscriptions(dss)
        assert not row.implicit
        standing = north.up.upkeep.subscribing.standing("pool")
        assert standing is not None
        assert standing.id == row.id


async def test_a_subscription_is_renewed_in_time_and_plans_beyond_it_bring_their_own(
    tmp_path: Path,
) -> None:
    """A pool's last a day; a plan that has begun keeps the old one from being moved."""
    clock = ShiftedClock()
    async with pooled(tmp_path, timers=OFTEN, clock=clock) as (sky, _):
        north, dss = sky["north"], sky["dss"]
        await until(lambda: _subscriptions(dss), lambda found: len(found) == 1)
        soon = await north.declare(plan(-121, "SOON", at=(0, 600)))
        beyond = await north.declare(plan(-121, "BEYOND", at=(1_800, 1_860)))
        assert (soon.status, beyond.status) == (Status.COORDINATED, Status.COORDINATED)
        rows = await _subscriptions(dss)
        assert [row.implicit for row in sorted(rows, key=lambda r: r.implicit)] == [False, True]
        first = north.up.upkeep.subscribing.standing("pool")
        assert first is not None
        subscribing = north.up.upkeep.subscribing
        clock.ahead = timedelta(hours=11)
        await asyncio.sleep(3 * OFTEN.sweep_s)
        standing = subscribing.standing("pool")
        assert standing is not None
        assert standing.id == first.id
        clock.ahead = timedelta(hours=13)  # Half its time has passed in between.
        await until(
            lambda: _now(subscribing.standing("pool")), lambda s: s is not None and s.id != first.id
        )
        # A request under way when the clock was set may have shown a token of before.
        place = north.up.planner.places[0]
        await until(lambda: _now(place.problem), lambda problem: problem is None)
        now = await north.declare(plan(-120.9, "LATER", at=(1_000, 1_060)))
        assert now.status is Status.COORDINATED, now.reason
        for view in (soon, beyond):
            assert (await north.up.plans.plan(view.id)).coordinated


WIDE = Polygon(vertices=(LatLng(38, -122), LatLng(38, -120), LatLng(40, -120), LatLng(40, -122)))
"""38,000 km2: far more than the pool takes in one search or subscription."""


async def test_an_area_above_the_pools_limit_is_read_in_pieces_and_plans_bring_subscriptions(
    tmp_path: Path,
) -> None:
    async with pooled(tmp_path, timers=OFTEN, area=WIDE) as (sky, outsider):
        north, dss = sky["north"], sky["dss"]
        place = north.up.planner.places[0]
        await until(lambda: _now(place.reachable), bool)
        assert place.problem is None
        assert await _subscriptions(dss) == []
        corners = [(38.1, -121.9), (38.1, -120.1), (39.9, -121.9), (39.9, -120.1), (39, -121)]
        entities = {await outsider.place(dss, plan(lng, lat=lat).volumes) for lat, lng in corners}
        airspace = north.up.planner.judging.airspace
        await until(lambda: _now(set(airspace.at("pool"))), lambda ids: entities <= ids)
        view = await north.declare(plan(-121, "ALPHA", band=(2_000, 2_100)))
        assert view.status is Status.COORDINATED, view.reason
        (row,) = await _subscriptions(dss)
        assert row.implicit
        # Told of a newcomer over it at once, by that subscription.
        high = await outsider.place(dss, plan(-121, band=(2_000, 2_100)).volumes, priority=5)
        assert {a.status_code for a in await outsider.notify(high)} == {204}
        await north.until(view.id, lambda v: v.status is Status.DISPLACED)


async def test_a_pool_that_takes_even_less_is_read_in_smaller_pieces(tmp_path: Path) -> None:
    """Its limit is not known beforehand: its refusals tell."""
    async with pooled(
        tmp_path, timers=OFTEN, theirs=Limits(area_km2_max=400.0, area_km2_beyond_max=400.0)
    ) as (sky, outsider):
        north, dss = sky["north"], sky["dss"]
        entity = await outsider.place(dss, plan(-121.1, radius_m=500.0).volumes)
        airspace = north.up.planner.judging.airspace
        await until(lambda: _now(airspace.get("pool", entity)), bool)
        assert north.up.planner.places[0].problem is None
        view = await north.declare(plan(-121, "ALPHA", radius_m=500.0))
        assert view.status is Status.COORDINATED, view.reason
        (row,) = await _subscriptions(dss)
        assert row.implicit


async def test_what_is_known_beyond_the_area_is_not_taken_for_gone(tmp_path: Path) -> None:
    async with pooled(tmp_path, timers=OFTEN) as (sky, outsider):
        north, dss = sky["north"], sky["dss"]
        entity = await outsider.place(dss, plan(-119, lat=36.0).volumes)
        body = {"operational_intent_id": entity, "subscriptions": [], **outsider.details[entity]}
        url = f"{north.party.url}/uss/v1/operational_intents"
        assert (await outsider.ask("POST", url, msgspec.json.encode(body))).status_code == 204
        airspace = north.up.planner.judging.airspace
        await asyncio.sleep(4 * OFTEN.sweep_s)
        assert airspace.get("pool", entity) is not None
        ovn = outsider.details[entity]["operational_intent"]["reference"]["ovn"]
        path = f"{dss.party.url}/dss/v1/operational_intent_references/{entity}/{ovn}"
        assert (await outsider.ask("DELETE", path)).status_code == 200
        await until(lambda: _now(airspace.get("pool", entity)), lambda known: known is None)


async def _now(value: Any) -> Any:
    return value


# ---- no-go areas


async def _restrict(outsider: Outsider, dss: Side, where: Any, *, told: bool) -> str:
    """Put a constraint of the outsider's into the pool, and tell those whom it names."""
    entity = str(uuid4())
    volumes = convert.volumes_to_wire(where)
    params = wire.PutConstraintReferenceParameters(extents=volumes, uss_base_url=outsider.url)
    url = f"{dss.party.url}/dss/v1/constraint_references/{entity}"
    answer = await outsider.ask("PUT", url, params)
    assert answer.status_code == 201, answer.text
    constraint = {
        "reference": answer.json()["constraint_reference"],
        "details": {"volumes": msgspec.to_builtins(volumes)},
    }
    outsider.details[entity] = {"constraint": constraint}
    for one in answer.json()["subscribers"] if told else ():
        body = {"constraint_id": entity, "constraint": constraint, **one}
        del body["uss_base_url"]
        url = f"{one['uss_base_url']}/uss/v1/constraints"
        assert (await outsider.ask("POST", url, msgspec.json.encode(body))).status_code == 204
    return entity


@pytest.mark.parametrize("told", [True, False])
async def test_a_suppliers_no_go_area_keeps_us_out_and_displaces_what_stands_in_it(
    tmp_path: Path, told: bool
) -> None:
    """Told of by notification, or found by the register's answer and the sweep."""
    timers = TIMERS if told else OFTEN
    async with pooled(tmp_path, timers=timers) as (sky, outsider):
        north, dss = sky["north"], sky["dss"]
        stands = await north.declare(plan(-121, "STANDS", at=(0, 60)))
        assert stands.status is Status.COORDINATED
        over = await _restrict(outsider, dss, plan(-121, at=(0, 60)).volumes, told=told)
        displaced = await north.until(stands.id, lambda v: v.status is Status.DISPLACED)
        assert (displaced.reason or "").startswith("displaced: blocked by constraint")
        assert [(b.id, b.kind, b.manager) for b in displaced.blockers] == [
            (over, "constraint", "drones")
        ]
        ahead = await _restrict(outsider, dss, plan(-121, at=(120, 180)).volumes, told=told)
        view = await north.declare(plan(-121, "ALPHA", at=(120, 180), priority=9))
        assert [b.id for b in view.blockers] == [ahead]
        # It has to be known what it is.
        hidden = await _restrict(outsider, dss, plan(-121, at=(240, 300)).volumes, told=False)
        served = outsider.details.pop(hidden)
        stopped = await north.up.plans.submit(plan(-121, "BRAVO", at=(240, 300)))
        await north.until(stopped.id, lambda v: "are not to be had" in (v.reason or ""))
        outsider.details[hidden] = served
        assert (await north.settled(stopped.id)).status is Status.REFUSED


async def test_our_no_go_area_stands_in_the_pool_is_served_and_told(tmp_path: Path) -> None:
    async with pooled(tmp_path) as (sky, outsider):
        north, dss = sky["north"], sky["dss"]
        await outsider.subscribe(dss, plan(-121).volumes)
        area = await north.no_go(plan(-121, "SECRET"))
        assert area.status == "everywhere"
        told = await until(
            lambda: _now([b for p, b in outsider.told if b.get("constraint_id") == area.id]), bool
        )
        url = f"{north.party.url}/uss/v1/constraints/{area.id}"
        served = (await outsider.ask("GET", url)).json()["constraint"]
        assert served == told[0]["constraint"]
        assert served["details"]["volumes"] == list(
            msgspec.to_builtins(convert.volumes_to_wire(plan(-121).volumes))
        )
        assert served["reference"]["manager"] == "north"
        assert len(served["reference"]["ovn"]) >= 16
        assert "SECRET" not in str(served)
        await north.up.constraints.end(area.id)
        assert (await north.area_settled(area.id)).status == "ended"
        last = await until(
            lambda: _now([b for p, b in outsider.told if b.get("constraint_id") == area.id]),
            lambda found: len(found) == 2,
        )
        assert "constraint" not in last[1]
        assert (await outsider.ask("GET", url)).status_code == 404


async def test_two_parties_coordinate_in_somebody_elses_pool(tmp_path: Path) -> None:
    async with pooled(tmp_path, parties=("north", "south")) as (sky, _):
        north, south = sky["north"], sky["south"]
        views = await asyncio.gather(
            *(side.declare(plan(-121, "ALPHA")) for side in (north, south))
        )
        assert sorted(view.status for view in views) == [Status.COORDINATED, Status.REFUSED]
        area = await south.no_go(plan(-120.9, "FIRE"))
        refused = await north.declare(plan(-120.9, "BRAVO"))
        assert [b.id for b in refused.blockers] == [area.id]

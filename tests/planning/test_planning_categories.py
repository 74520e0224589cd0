"""Two nodes whose agreement has minima by category: each pair keeps its own, on both nodes."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from pool import pooled
from sky import MINIMA, Side, make_sky, plan, two, until, volume

from asgi import ask
from tansiq.domain import geodesy
from tansiq.domain.agreement import Agreement, Between, Minima
from tansiq.domain.category import Category
from tansiq.domain.draft import PlanDraft
from tansiq.domain.intent import IntentState
from tansiq.domain.volume import LatLng
from tansiq.engine.sideways import Aside
from tansiq.errors import BadInput, PeerMalformed
from tansiq.f3548 import wire
from tansiq.formats.agreement import load_agreement
from tansiq.services.planning.records import Records
from tansiq.services.planning.succession import changed_rules
from tansiq.services.views import Blocker, PlanView, Status
from tansiq.settings import load_own_token
from tansiq.storage.plans import Views

pytestmark = pytest.mark.anyio
Pair = tuple[Side, Side]
DRONE, HELICOPTER, LIGHT, HEAVY = (
    Category.DRONE,
    Category.HELICOPTER,
    Category.LIGHT,
    Category.HEAVY,
)
BETWEEN = (
    Between(
        categories=frozenset({DRONE}),
        minima=Minima(horizontal_m=100.0, vertical_m=30.0, time=timedelta(seconds=10)),
    ),
    Between(categories=frozenset({LIGHT, HEAVY}), minima=replace(MINIMA, horizontal_m=3_500.0)),
)


@pytest.fixture(scope="module")
async def pair(anyio_backend: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Pair]:
    async with two(tmp_path_factory.mktemp("categories"), between=BETWEEN) as sides:
        yield sides


def east(away_m: float, lat: float) -> float:
    return geodesy.destination(LatLng(lat, -121.0), 90.0, away_m).lng_deg


def disc(apart_m: float, callsign: str, category: Category | None, **how: Any) -> PlanDraft:
    """Return a disc whose edge is so far east of the edge of the one of ``apart_m`` None."""
    aside_m = 1_000.0 + apart_m if apart_m >= 0.0 else 0.0
    lng = east(aside_m, how.get("lat", 39.0))
    return replace(plan(lng, callsign, radius_m=500.0, **how), category=category)


def first(callsign: str, category: Category | None, **how: Any) -> PlanDraft:
    return disc(-1.0, callsign, category, **how)


async def airspace(side: Side) -> Any:
    """Return what a node's own API shows of the plans of others."""
    token = load_own_token(side.settings.data)
    host, port = "127.0.0.1", side.settings.own_port
    headers = (("authorization", f"Bearer {token}"), ("host", f"{host}:{port}"))
    answer = await ask(side.up.own, "/api/v1/airspace", headers=headers)
    assert answer.status == 200, answer.body
    return answer.json["entries"]


def only(view: PlanView) -> Blocker:
    (blocker,) = view.blockers
    return blocker


# Each pair its own


@pytest.mark.parametrize("gate_first", [True, False])
async def test_drones_stay_near_each_other_and_a_helicopter_is_refused_there_and_told_why(
    pair: Pair, lat: float, *, gate_first: bool
) -> None:
    one, other = pair if gate_first else pair[::-1]
    stands = await one.declare(first("DRONE-1", DRONE, lat=lat))
    assert (stands.status, stands.category) == (Status.COORDINATED, DRONE)
    near = await other.declare(disc(500.0, "DRONE-2", DRONE, lat=lat, at=(0, 30)))
    assert near.status is Status.COORDINATED, near.reason
    # The same outline, level and length, later: nothing else of it differs.
    refused = await other.declare(disc(500.0, "HELI-1", HELICOPTER, lat=lat, at=(32, 60)))
    assert refused.status is Status.REFUSED
    assert refused.reason is not None
    assert f"blocked by DRONE-1 of {one.party.names['en']}: same block" in refused.reason
    assert " m inside the 1 km minimum; minima 1 km, 150 m and 1 min: " in refused.reason
    assert refused.reason.endswith("the usual ones between helicopter and drone")
    assert 300.0 < only(refused).horizontal_m < 700.0
    # Of what it is told it takes one, and is not in anybody's way then.
    chosen = next(a for a in refused.alternatives if a.kind == "sideways")
    await other.up.plans.shift(
        refused.id, delay_s=0, up_m=0.0, aside=Aside.of(chosen.north_m, chosen.east_m)
    )
    moved = await other.settled(refused.id)
    assert (moved.status, moved.category) == (Status.COORDINATED, HELICOPTER)
    for side, view in ((one, stands), (other, near), (other, moved)):
        await side.up.plans.end(view.id)
        await side.settled(view.id)


async def test_nearer_than_drones_may_drones_are_refused_by_what_drones_keep(
    pair: Pair, lat: float
) -> None:
    one, other = pair
    await one.declare(first("DRONE-1", DRONE, lat=lat))
    refused = await other.declare(disc(50.0, "DRONE-2", DRONE, lat=lat))
    assert refused.status is Status.REFUSED
    assert refused.reason is not None
    assert refused.reason.endswith(
        " m inside the 100 m minimum; minima 100 m, 30 m and 10 s: those between drone and drone"
    )
    # By time: 10 s is too near, and one second more is enough; others keep a minute.
    kept = {}
    for after_s, category in ((10, DRONE), (11, DRONE), (11, None), (61, None)):
        draft = first("NEXT", category, lat=lat, at=(60 + after_s / 60, 62 + after_s / 60))
        view = await other.declare(draft)
        kept[after_s, category] = view.status
        await other.up.plans.end(view.id)
        await other.settled(view.id)
    assert kept == {
        (10, DRONE): Status.REFUSED,
        (11, DRONE): Status.COORDINATED,
        (11, None): Status.REFUSED,
        (61, None): Status.COORDINATED,
    }


@pytest.mark.parametrize("unknown_first", [True, False])
async def test_whose_category_is_not_said_keeps_the_largest_that_could_apply(
    pair: Pair, lat: float, *, unknown_first: bool
) -> None:
    kinds = (None, HEAVY) if unknown_first else (HEAVY, None)
    await pair[0].declare(first("ALPHA", kinds[0], lat=lat))
    refused = await pair[1].declare(disc(3_000.0, "BRAVO", kinds[1], lat=lat))
    assert refused.status is Status.REFUSED, refused
    assert (refused.reason or "").endswith(
        " m inside the 3.5 km minimum; minima 3.5 km, 150 m and 1 min: "
        "the largest for heavy, as the other names no category"
    )
    # A medium may be as near to a heavy; towards one of unknown category a drone keeps the usual.
    other = await pair[1].declare(
        disc(3_000.0, "CHARLIE", Category.MEDIUM if kinds[0] else DRONE, lat=lat)
    )
    assert other.status is Status.COORDINATED, other.reason


async def test_a_no_go_area_is_kept_away_from_as_from_an_unknown_aircraft(
    pair: Pair, lat: float
) -> None:
    area = replace(plan(-121.0, "FIRE", radius_m=500.0, lat=lat), constraint=True)
    await pair[0].no_go(area)
    refused = await pair[1].declare(disc(500.0, "DRONE-1", DRONE, lat=lat))
    assert refused.status is Status.REFUSED
    assert (refused.reason or "").endswith(": the largest for drone, as from any no-go area")
    wide = await pair[1].declare(disc(3_000.0, "HEAVY-1", HEAVY, lat=lat))
    assert wide.status is Status.REFUSED
    free = await pair[1].declare(disc(1_500.0, "DRONE-2", DRONE, lat=lat))
    assert free.status is Status.COORDINATED, free.reason


async def test_a_higher_priority_displaces_as_far_as_its_pair_reaches(
    pair: Pair, lat: float
) -> None:
    """Registers find it there: what it is placed in is enlarged by half of its largest."""
    one, other = pair
    light = await one.declare(first("LIGHT-1", LIGHT, lat=lat, at=(0, 20)))
    drone = await one.declare(first("DRONE-1", DRONE, lat=lat, at=(30, 50)))
    assert light.status is drone.status is Status.COORDINATED
    for at in ((0, 20), (30, 50)):
        heavy = await other.declare(disc(3_400.0, "HEAVY-1", HEAVY, lat=lat, at=at, priority=5))
        assert heavy.status is Status.COORDINATED, heavy.reason
    lost = await one.until(light.id, lambda v: v.status is Status.DISPLACED)
    assert "those between light and heavy" in (lost.reason or "")
    assert (await one.settled(drone.id)).status is Status.COORDINATED


async def test_who_strays_is_warned_of_by_what_the_two_keep(pair: Pair, lat: float) -> None:
    one, other = pair
    drone = await one.declare(first("DRONE-1", DRONE, lat=lat))
    near = await other.declare(disc(9_000.0, "DRONE-2", DRONE, lat=lat))
    heli = await other.declare(disc(4_000.0, "HELI-2", HELICOPTER, lat=lat))
    assert near.status is heli.status is Status.COORDINATED
    await one.up.plans.activate(drone.id)
    await one.settled(drone.id)

    async def stray(to_m: float) -> None:
        """Be 500 m from the disc whose middle is so far east: a drone may, of another drone."""
        where = volume(east(to_m - 1_500.0, lat), radius_m=500.0, lat=lat)
        state = IntentState.NONCONFORMING
        await one.up.plans.off_nominal(drone.id, state=state, volumes=(where,))

    await stray(10_000.0)
    register = other.up.planner.places[1].register.id

    async def known() -> Any:
        return other.up.planner.judging.airspace.get(register, drone.intent_id)

    await until(known, lambda k: k is not None and k.off_nominal)
    await stray(5_000.0)
    told = await other.until(heli.id, lambda v: bool(v.warnings))
    assert "DRONE-1" in told.warnings[0]
    # Both times all plans were judged anew.
    assert (await other.settled(near.id)).warnings == ()


# What is kept and shown


async def test_a_category_reaches_the_peer_and_outlives_a_restart_of_either(
    tmp_path: Path,
) -> None:
    async with two(tmp_path, between=BETWEEN) as (north, south):
        stands = await north.declare(first("DRONE-1", DRONE))
        await north.restart()
        await south.restart()
        assert (await north.up.plans.plan(stands.id)).category is DRONE
        assert [entry["category"] for entry in await airspace(south)] == ["drone"]
        view = await south.declare(disc(500.0, "DRONE-2", DRONE))
        assert view.status is Status.COORDINATED, view.reason
        await south.up.plans.end(view.id)
        ended = await south.up.plans.plan((await south.settled(view.id)).id)
        assert (ended.status, ended.category) == (Status.ENDED, DRONE)


async def test_the_category_of_a_plan_stays_as_it_is(pair: Pair, lat: float) -> None:
    side = pair[0]
    view = await side.declare(first("DRONE-1", DRONE, lat=lat))
    for category in (None, LIGHT):
        with pytest.raises(BadInput, match=r"stays as it is \(drone\)") as caught:
            await side.up.plans.change(view.id, first("DRONE-1", category, lat=lat))
        assert caught.value.field == "category"
    await side.up.plans.change(view.id, first("DRONE-1", DRONE, lat=lat, at=(5, 60)))
    changed = await side.settled(view.id)
    assert (changed.status, changed.category) == (Status.COORDINATED, DRONE)


async def test_a_dry_run_asks_by_category_too(pair: Pair, lat: float) -> None:
    await pair[0].declare(first("DRONE-1", DRONE, lat=lat))
    for category, status in ((DRONE, Status.UNCOORDINATED), (None, Status.REFUSED)):
        view = await pair[1].up.plans.preview(disc(500.0, "X", category, lat=lat))
        assert (view.status, view.category) == (status, category)


# Whom it is believed of


def _agreement(tmp_path: Path) -> Agreement:
    make_sky(tmp_path, between=BETWEEN)
    return load_agreement(tmp_path / "north" / "agreement.toml")


async def test_a_malformed_category_of_a_party_is_no_unknown_one_but_malformed(
    tmp_path: Path,
) -> None:
    async with two(tmp_path, between=BETWEEN) as (north, south):
        stands = await north.declare(first("DRONE-1", DRONE))
        row = await south.up.store.read(lambda tx: Views(tx).get("north", stands.intent_id))
    assert row is not None
    records = Records(_agreement(tmp_path / "again"), "south")
    good = msgspec.json.decode(row.document, type=wire.OperationalIntent)
    assert records.of("north", good).known.category is DRONE
    for word in ("", "DRONE", "tanker"):
        details = msgspec.structs.replace(good.details, tansiq=wire.TansiqDetails(category=word))
        with pytest.raises(PeerMalformed, match="no category of aircraft"):
            records.of("north", msgspec.structs.replace(good, details=details))
    details = msgspec.structs.replace(good.details, tansiq=None)
    known = records.of("north", msgspec.structs.replace(good, details=details)).known
    assert known.category is None


async def test_a_supplier_outside_the_agreement_is_not_believed(tmp_path: Path) -> None:
    """In a pool: what stands of ours is enlarged by our largest, and theirs may be anything."""
    async with pooled(tmp_path, between=BETWEEN) as (sky, supplier):
        north = sky["north"]
        entity = await supplier.place(sky["dss"], first("", None).volumes)
        intent = supplier.details[entity]["operational_intent"]
        intent["details"]["tansiq"] = {"category": "drone"}
        refused = await north.declare(disc(500.0, "DRONE-1", DRONE))
        assert [b.id for b in refused.blockers] == [entity]
        assert "the other names no category" in (refused.reason or "")
        assert [entry["category"] for entry in await airspace(north)] == [None]


async def test_in_a_pool_with_strangers_two_parties_keep_the_larger_of_their_largest(
    tmp_path: Path,
) -> None:
    """Both stand enlarged by the whole of it, so that nobody is nearer by asking second."""
    parties = ("north", "south")
    async with pooled(tmp_path, parties=parties, between=BETWEEN) as (sky, _):
        for one, other, kinds in (
            ("north", "south", (DRONE, HEAVY)),
            ("south", "north", (HEAVY, DRONE)),
        ):
            stands = await sky[one].declare(first("ALPHA", kinds[0], at=(0, 20)))
            assert stands.status is Status.COORDINATED, stands.reason
            refused = await sky[other].declare(disc(3_000.0, "BRAVO", kinds[1], at=(0, 20)))
            assert refused.status is Status.REFUSED, (one, refused)
            free = await sky[other].declare(disc(3_600.0, "CHARLIE", kinds[1], at=(0, 20)))
            assert free.status is Status.COORDINATED, (one, free.reason)
            assert (await sky[one].settled(stands.id)).warnings == ()
            for party, view in ((one, stands), (other, free)):
                await sky[party].up.plans.end(view.id)
                await sky[party].settled(view.id)


def test_other_minima_between_categories_wait_until_no_plan_stands(tmp_path: Path) -> None:
    old = _agreement(tmp_path)
    assert changed_rules(old, replace(old, between=BETWEEN[:1])) == ("between",)
    assert changed_rules(old, replace(old, name="Other")) == ()

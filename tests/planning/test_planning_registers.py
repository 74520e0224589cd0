"""Other arrangements than two registers of two parties: pool, three parties, foreign suppliers,
formations, TLS; and pairs of plans at exactly the minima.
"""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from outsider import Outsider, outside
from sky import MINIMA, NOON, Side, Sky, flying, make_sky, plan, plan_of, two, until, volume

from tansiq.domain.agreement import Formation
from tansiq.domain.geodesy import destination, separation_m
from tansiq.domain.time import from_micros
from tansiq.domain.volume import LatLng, Volume4D
from tansiq.f3548 import codec, convert, wire
from tansiq.peers.register_client import STRATEGIC
from tansiq.services.views import PlanView, Status
from tansiq.storage.intents import Intents

pytestmark = pytest.mark.anyio
Pair = tuple[Side, Side]


async def _stands(side: Side, intent_id: str) -> bool:
    return await side.up.store.read(lambda tx: Intents(tx).get(intent_id)) is not None


# ---- pool, three parties, TLS


@pytest.mark.parametrize("holder", ["north", "host"])
async def test_in_a_pool_one_register_decides_and_its_readers_see_the_plain_url(
    tmp_path: Path, holder: str
) -> None:
    parties = ("north", "south") if holder == "north" else ("north", "south", "host")
    sky = make_sky(tmp_path, parties=parties, registers=[(holder, False)])
    async with flying(sky):
        north, south = sky["north"], sky["south"]
        first = await south.declare(plan(-121, "ALPHA"))
        assert [(r.id, r.holds) for r in first.registers] == [(holder, "current")]
        refused = await north.declare(plan(-121, "BRAVO"))
        assert "blocked by ALPHA of South" in (refused.reason or "")
        (alternative,) = (a for a in refused.alternatives if a.kind == "delay")
        await north.up.plans.shift(refused.id, delay_s=alternative.delay_s, up_m=0.0)
        assert (await north.settled(refused.id)).status is Status.COORDINATED
        row = await sky[holder].up.store.read(lambda tx: Intents(tx).get(first.intent_id))
        assert row is not None
        assert row.uss_base_url == south.party.url
        # A higher plan, of another and of the same party; a no-go area of its own.
        await north.declare(plan(-121, "HIGH", at=(0, 30), priority=1))
        await south.until(first.id, lambda v: v.status is Status.DISPLACED)
        low = await south.declare(plan(-120, "LOW"))
        await south.declare(plan(-120, "HIGHER", priority=1))
        await south.until(low.id, lambda v: v.status is Status.DISPLACED)
        third = await south.declare(plan(-119, "CHARLIE"))
        assert (await south.no_go(plan(-119, "FIRE"))).status == "everywhere"
        await south.until(third.id, lambda v: v.status is Status.DISPLACED)
        await south.up.plans.end(first.id)
        assert (await south.settled(first.id)).status is Status.ENDED
        assert not await _stands(sky[holder], first.intent_id)


async def test_a_refusal_is_never_told_as_waiting(tmp_path: Path) -> None:
    """A blocker is seen in one register after the other, and the looks run side by side: whichever
    of them ends in the refusal, its reason is that of a refusal."""
    async with flying(make_sky(tmp_path, parties=("north", "south", "west"))) as sky:
        await sky["north"].declare(plan(callsign="ALPHA"))
        reasons = []
        for i in range(12):
            view = await sky["south"].declare(plan(callsign=f"BRAVO-{i}"))
            assert view.status is Status.REFUSED
            reasons.append(view.reason)
        assert all(reason.startswith("blocked by ALPHA of North") for reason in reasons), reasons


async def test_three_parties_coordinate_in_three_registers(tmp_path: Path) -> None:
    names = ("north", "south", "west")
    async with flying(make_sky(tmp_path, parties=names)) as sky:
        sides = [sky[name] for name in names]
        views = await asyncio.gather(*(s.declare(plan(-121, s.party.id.upper())) for s in sides))
        statuses = sorted(view.status for view in views)
        assert statuses == [Status.COORDINATED, Status.REFUSED, Status.REFUSED], statuses
        for view in views:
            standing = [await _stands(holder, view.intent_id) for holder in sides]
            assert set(standing) == {view.status is Status.COORDINATED}
        # Those refused take their alternatives one after the other; all fly in the end.
        for side, view in zip(sides, views, strict=True):
            while view.status is not Status.COORDINATED:
                delay = next(a.delay_s for a in view.alternatives if a.kind == "delay")
                await side.up.plans.shift(view.id, delay_s=delay, up_m=0.0)
                view = await side.settled(view.id)  # noqa: PLW2901 - asked again


async def test_over_pinned_tls_and_not_with_another_certificate(tmp_path: Path) -> None:
    async with two(tmp_path, tls=True) as (north, south):
        assert (await north.declare(plan(-121, "ALPHA"))).status is Status.COORDINATED
        assert (await south.declare(plan(-121, "BRAVO"))).status is Status.REFUSED
        await south.deafen()
        for name in ("tls.key", "tls.crt"):
            own = (north.settings.data / name).read_bytes()
            (south.settings.data / name).write_bytes(own)
        await south.listen()
        await north.up.link.close()  # Kept connections have been checked already.
        view = await north.up.plans.submit(plan(-120, "CHARLIE"))
        told = await north.until(view.id, lambda v: "certificate" in (v.reason or ""))
        assert told.status is not Status.COORDINATED
        assert "not the one in the agreement; nothing was sent" in (told.reason or "")


# ---- exactly at the minima


def _beside(volume_m: Volume4D, apart_m: float) -> Volume4D:
    """Return a disc whose edge is so far east of the other's."""
    outline = volume_m.outline
    center = destination(outline.center, 90.0, 2 * outline.radius_m + apart_m)  # type: ignore[union-attr]
    return volume(center.lng_deg, lat=center.lat_deg)


@pytest.mark.parametrize("gate_first", [True, False])
async def test_pairs_at_exactly_the_minima_meet_and_just_beyond_pass(
    pair: Pair, lats: Any, gate_first: bool
) -> None:
    first, second = pair if gate_first else pair[::-1]
    touch_m, micro = MINIMA.horizontal_m, timedelta(microseconds=1)
    base = volume(-121, lat=39)
    minute = timedelta(minutes=61)
    cases: list[tuple[str, Volume4D, Status]] = [
        ("beside, at the minimum", _beside(base, touch_m - 1e-7), Status.REFUSED),
        ("beside, 1 mm inside", _beside(base, touch_m - 1e-3), Status.REFUSED),
        ("beside, clear of the stated error", _beside(base, touch_m + 1.6), Status.COORDINATED),
        ("above, at the minimum", base.shifted(up_m=450.0), Status.REFUSED),
        ("above, 1 mm beyond", base.shifted(up_m=450.001), Status.COORDINATED),
        ("below, at the minimum", base.shifted(up_m=-450.0), Status.REFUSED),
        ("later, at the minimum", base.shifted(by=minute), Status.REFUSED),
        ("later, 1 us beyond", base.shifted(by=minute + micro), Status.COORDINATED),
        ("earlier, at the minimum", base.shifted(by=-minute), Status.REFUSED),
        ("earlier, 1 us beyond", base.shifted(by=-minute - micro), Status.COORDINATED),
    ]
    for i, (name, other, wanted) in enumerate(cases):
        by = timedelta(hours=10 * i + (300 if gate_first else 0))
        one = await first.declare(plan_of((base.shifted(by=by),), "ALPHA"))
        assert one.status is Status.COORDINATED
        view = await second.declare(plan_of((other.shifted(by=by),), "BRAVO"))
        assert view.status is wanted, (name, view.reason)


@pytest.mark.parametrize("apart_m", [-1e-3, 1e-3])
async def test_a_pair_1_mm_off_gets_one_verdict_in_both_orders(
    pair: Pair, lat: float, apart_m: float
) -> None:
    """Beyond the minimum by less than the stated error either verdict is right, but only one."""
    a = volume(-121, lat=lat)
    b = _beside(a, MINIMA.horizontal_m + apart_m)
    assert abs(separation_m(a.outline, b.outline) - 1_000 - apart_m) < 2e-3
    verdicts = set()
    for i, (first, second) in enumerate([pair, pair[::-1]]):
        for j, (one, other) in enumerate([(a, b), (b, a)]):
            by = timedelta(hours=10 * (2 * i + j))
            await first.declare(plan_of((one.shifted(by=by),), "ALPHA"))
            view = await second.declare(plan_of((other.shifted(by=by),), "BRAVO"))
            verdicts.add(view.status)
    assert len(verdicts) == 1
    assert apart_m > 0 or verdicts == {Status.REFUSED}


# ---- suppliers outside the agreement


FORMATION = Formation(name="attack", callsigns=frozenset({"TANKER", "LEAD"}))


@pytest.fixture(scope="module")
async def drones(anyio_backend: str, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """North's register is foreign: a supplier from outside plans there too, and there alone."""
    sky = make_sky(
        tmp_path_factory.mktemp("drones"),
        registers=[("north", True), ("south", False)],
        formations=(FORMATION,),
    )
    async with outside(sky) as outsider, flying(sky):
        yield sky, outsider


async def _served(reader: Side, owner: Side, register: str, view: PlanView) -> Any:
    url = f"{owner.party.url}/at/{register}/uss/v1/operational_intents/{view.intent_id}"
    answer = await reader.up.link.call("GET", url, scope=STRATEGIC)
    assert answer.status == 200
    kind = wire.GetOperationalIntentDetailsResponse
    return codec.decode(answer.body, kind, bytes_max=10**6).operational_intent


async def test_at_a_foreign_register_ours_stand_enlarged_by_the_whole_minima(
    drones: tuple[Sky, Outsider], lat: float
) -> None:
    sky, _ = drones
    north, south = sky["north"], sky["south"]
    view = await south.declare(plan(-121, "ALPHA", lat=lat))
    assert view.status is Status.COORDINATED
    for register, share in (("north", 1.0), ("south", 0.5)):
        row = await sky[register].up.store.read(lambda tx: Intents(tx).get(view.intent_id))
        assert row is not None
        early = NOON - from_micros(row.time_start)
        assert early == share * MINIMA.time + timedelta(microseconds=1)
    there = await _served(north, south, "north", view)
    (true,) = convert.volumes_to_domain(
        (await _served(north, south, "south", view)).details.volumes, "v"
    )
    assert true == plan(-121, lat=lat).volumes[0]
    (enlarged,) = convert.volumes_to_domain(there.details.volumes, "v")
    assert enlarged.altitude.lower_m == pytest.approx(350.0)
    assert enlarged.altitude.upper_m == pytest.approx(950.0)
    assert enlarged.time.start == NOON - MINIMA.time - timedelta(microseconds=1)


async def test_parties_keep_the_minima_once_not_twice_at_a_foreign_register(
    drones: tuple[Sky, Outsider], lat: float
) -> None:
    sky, _ = drones
    for first, second, lng in (
        (sky["north"], sky["south"], -121),
        (sky["south"], sky["north"], -122),
    ):
        base = volume(lng, lat=lat)
        await first.declare(plan_of((base,), "ALPHA"))
        near = await second.declare(plan_of((base.shifted(up_m=450.0),), "NEAR"))
        assert near.status is Status.REFUSED
        far = await second.declare(plan_of((base.shifted(up_m=450.5),), "FAR"))
        assert far.status is Status.COORDINATED, far.reason


async def test_a_no_go_area_keeps_the_whole_minima_at_a_foreign_register_too(
    drones: tuple[Sky, Outsider], lat: float
) -> None:
    sky, _ = drones
    await sky["north"].no_go(plan(-121, "FIRE", lat=lat))
    for side in (sky["north"], sky["south"]):
        near = await side.declare(plan(-121, "NEAR", lat=lat, band=(940, 990)))
        assert near.status is Status.REFUSED
        await side.up.plans.end(near.id)
    far = await sky["south"].declare(plan(-121, "FAR", lat=lat, band=(951, 999)))
    assert far.status is Status.COORDINATED


async def test_the_whole_minima_are_kept_from_a_supplier_who_does_not_enlarge(
    drones: tuple[Sky, Outsider], lat: float
) -> None:
    sky, outsider = drones
    entity = await outsider.place(sky["north"], plan(-121, lat=lat).volumes)
    for side in (sky["north"], sky["south"]):
        near = await side.declare(plan(-121, "NEAR", lat=lat, band=(940, 990)))
        assert near.status is Status.REFUSED
        assert [b.id for b in near.blockers] == [entity]
        assert f"blocked by intent {entity[:8]} of drones" in (near.reason or "")
    far = await sky["south"].declare(plan(-121, "FAR", lat=lat, band=(951, 999)))
    assert far.status is Status.COORDINATED


async def test_a_suppliers_higher_plan_displaces_ours_when_its_notification_comes(
    drones: tuple[Sky, Outsider], lat: float
) -> None:
    sky, outsider = drones
    views = {}
    for side, at in ((sky["north"], (0, 20)), (sky["south"], (30, 60))):
        views[side.party.id] = await side.declare(plan(-121, "ALPHA", lat=lat, at=at))
    entity = await outsider.place(sky["north"], plan(-121, lat=lat).volumes, priority=5)
    answers = await outsider.notify(entity)
    assert {a.status_code for a in answers} == {204}
    for name, view in views.items():
        displaced = await sky[name].until(view.id, lambda v: v.status is Status.DISPLACED)
        assert [b.id for b in displaced.blockers] == [entity]


async def test_call_sign_and_formation_are_told_to_parties_only(
    drones: tuple[Sky, Outsider], lat: float
) -> None:
    sky, outsider = drones
    north, south = sky["north"], sky["south"]
    await outsider.subscribe(north, plan(-121, lat=lat).volumes)
    view = await south.declare(plan(-121, "LEAD", lat=lat, formation="attack"))
    shown = await _served(north, south, "north", view)
    assert (shown.details.tansiq.callsign, shown.details.tansiq.formation) == ("LEAD", "attack")
    url = f"{south.party.url}/at/north/uss/v1/operational_intents/{view.intent_id}"
    answer = await outsider.ask("GET", url)
    assert answer.status_code == 200
    assert "tansiq" not in answer.text
    assert "LEAD" not in answer.text
    told = await until(
        lambda: _told(outsider, view),
        bool,
    )
    assert told[0]["operational_intent"]["details"]["volumes"]
    assert "LEAD" not in msgspec.json.encode(told).decode()
    area = await south.no_go(plan(-120, "SECRET", lat=lat))
    url = f"{south.party.url}/at/north/uss/v1/constraints/{area.id}"
    answer = await outsider.ask("GET", url)
    assert answer.status_code == 200
    assert "SECRET" not in answer.text
    known = north.up.planner.judging.airspace.get("south", view.intent_id)
    assert known is not None
    assert (known.callsign, known.formation) == ("LEAD", "attack")


async def _told(outsider: Outsider, view: PlanView) -> list[Any]:
    return [b for _, b in outsider.told if b.get("operational_intent_id") == view.intent_id]


@pytest.mark.parametrize(
    ("callsign", "formation", "exempt"),
    [
        ("TANKER", "attack", True),
        ("TANKER", "", False),
        ("TANKER", "other", False),
        ("DRONE", "attack", False),
        ("", "attack", False),
    ],
)
async def test_only_two_named_members_of_one_formation_are_exempt(
    drones: tuple[Sky, Outsider], lat: float, callsign: str, formation: str, exempt: bool
) -> None:
    sky, _ = drones
    await sky["north"].declare(plan(-121, "LEAD", lat=lat, formation="attack"))
    view = await sky["south"].declare(plan(-121, callsign, lat=lat, formation=formation))
    assert view.status is (Status.COORDINATED if exempt else Status.REFUSED), view.reason
    # Others conflict with both of them.
    other = await sky["south"].declare(plan(-121, "OTHER", lat=lat))
    assert other.status is Status.REFUSED
    assert len(other.blockers) >= 1


async def test_a_supplier_cannot_make_itself_a_member_of_a_formation(
    drones: tuple[Sky, Outsider], lat: float
) -> None:
    sky, outsider = drones
    entity = await outsider.place(sky["north"], plan(-121, lat=lat).volumes)
    extra = {"callsign": "TANKER", "formation": "attack"}
    outsider.details[entity]["operational_intent"]["details"]["tansiq"] = extra
    for side in (sky["north"], sky["south"]):
        view = await side.declare(plan(-121, "LEAD", lat=lat, formation="attack"))
        assert view.status is Status.REFUSED


async def test_a_point_of_the_area_is_where_it_is_said_to_be(pair: Pair) -> None:
    """The helper that places discs beside each other is right to a micrometre."""
    a = volume(-121, lat=39)
    b = _beside(a, 1_000.0)
    assert isinstance(b.outline.center, LatLng)  # type: ignore[union-attr]
    assert separation_m(a.outline, b.outline) == pytest.approx(1_000.0, abs=1e-4)

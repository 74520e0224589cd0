"""Real nodes go over to a version that strikes one of them off, and to one that takes it back."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from amending import OFTEN, THREE, amended, first, gone_over, hand, signed
from sky import NOON, flying, make_sky, plan, until

import stores
from tansiq.clock import SystemClock
from tansiq.errors import BadInput, Forbidden, WrongState
from tansiq.formats.agreement import load_agreement, read_agreement, render_agreement
from tansiq.peers.succession import NEXT
from tansiq.services.planning.drafts import check_may_plan
from tansiq.services.views import Status
from tansiq.serving import look

pytestmark = pytest.mark.anyio


async def test_one_that_is_switched_off_is_struck_off_and_comes_back(tmp_path: Path) -> None:
    async with flying(make_sky(tmp_path, parties=THREE, timers=OFTEN)) as sky:
        north, south, east = (sky[name] for name in THREE)
        one = first(sky)
        before = await north.declare(plan(-121.0, "ALPHA"))
        theirs = await east.declare(plan(-121.2, "ECHO"))
        assert {before.status, theirs.status} == {Status.COORDINATED}
        await east.stop()
        stuck = await north.up.plans.submit(plan(-120.8, "BRAVO"))
        await north.until(stuck.id, lambda v: v.registers[2].problem is not None)

        path = signed(sky, amended(one, ["east"]), ("north", "south"), ("north", "south"))
        hand(north, path)
        hand(south, path)
        await gone_over(north, 2)
        # South is still at version 1: it refuses what north places, and answers what it asks.
        refused = await north.until(
            stuck.id, lambda v: "agreement" in (v.registers[1].problem or "")
        )
        assert [register.id for register in refused.registers] == ["north", "south"]
        await gone_over(south, 2)
        moved_on = await north.until(stuck.id, lambda v: v.status is Status.COORDINATED)
        assert [register.holds for register in moved_on.registers] == ["current", "current"]
        kept = await north.up.plans.plan(before.id)
        assert (kept.status, len(kept.registers)) == (Status.COORDINATED, 2)

        # What east had goes on blocking, whatever the priority: it would hear of nothing.
        for priority in (0, 9):
            blocked = await south.declare(plan(-121.2, f"CHARLIE{priority}", priority=priority))
            assert blocked.status is Status.REFUSED
            assert "ECHO" in (blocked.reason or "")

        await east.start()
        assert east.up.agreement.version == 1
        two = read_agreement(path.read_bytes())
        back = signed(sky, amended(two, []), ("north", "south"), THREE)
        signed(sky, path.read_bytes(), ("north", "south"), ("east",))
        hand(east, path)
        await gone_over(east, 2)
        with pytest.raises(Forbidden, match="strikes east off"):
            await east.up.plans.submit(plan(-121.4, "FOXTROT"))
        with pytest.raises(Forbidden, match="strikes east off"):
            await east.up.plans.change(theirs.id, plan(-121.25, "ECHO"))

        for side in (north, south, east):
            hand(side, back)
        for side in (north, south, east):
            await gone_over(side, 3)
            assert not (side.settings.data / NEXT).exists()
            assert load_agreement(side.settings.agreement).version == 3
        # East's register is filled with what was placed without it, and then counts like any other.
        filled = await north.until(stuck.id, lambda v: v.registers[2].holds == "current")
        assert filled.status is Status.COORDINATED
        assert (await east.up.plans.plan(theirs.id)).status is Status.COORDINATED
        refused = await east.declare(plan(-120.8, "GOLF"))
        assert refused.status is Status.REFUSED
        assert (await east.declare(plan(-121.4, "FOXTROT"))).status is Status.COORDINATED
        assert (await south.declare(plan(-121.4, "HOTEL"))).status is Status.REFUSED


async def test_a_no_go_area_goes_along(tmp_path: Path) -> None:
    async with flying(make_sky(tmp_path, parties=THREE, timers=OFTEN)) as sky:
        north, south, east = (sky[name] for name in THREE)
        one = first(sky)
        area = await north.up.constraints.submit(plan(-121.0, "FIRE"))
        await north.area_settled(area.id)
        await east.stop()
        late = await north.up.constraints.submit(plan(-120.8, "SMOKE"))
        path = signed(sky, amended(one, ["east"]), ("north", "south"), ("north", "south"))
        for side in (north, south):
            hand(side, path)
            await gone_over(side, 2)
        assert (await north.area_settled(late.id)).status == "everywhere"
        await north.up.constraints.end(area.id)
        back = signed(
            sky, amended(read_agreement(path.read_bytes()), []), ("north", "south"), THREE
        )
        signed(sky, path.read_bytes(), ("north", "south"), ("east",))
        await east.start()
        for side in (north, south, east):
            hand(side, back)
        for side in (north, south, east):
            await gone_over(side, 3)
        assert (await north.area_settled(late.id)).status == "everywhere"
        assert len((await north.up.constraints.get(late.id)).registers) == 3

        assert (await east.declare(plan(-120.8, "ALPHA"))).status is Status.REFUSED
        # Its register may hold what was ended meanwhile, until a sweep of North's has looked.
        await until(
            lambda: east.declare(plan(-121.0, "BRAVO")),
            lambda view: view.status is Status.COORDINATED,
        )


async def test_what_is_not_in_force_is_not_taken_up(tmp_path: Path) -> None:
    async with flying(make_sky(tmp_path, parties=THREE)) as sky:
        north = sky["north"]
        one = first(sky)
        path = signed(sky, amended(one, ["east"]), ("north",), ("north",))
        hand(north, path)
        with pytest.raises(WrongState, match="signed by 1 of 3 parties; more than half are 2"):
            await look(north.up)
        view = north.up.succession.view()
        assert view is not None
        assert "not in force" in view.waits[0]
        # Nor by putting the file there oneself, where plans stand.
        await north.declare(plan())
        await north.stop()
        north.settings.agreement.write_bytes(path.read_bytes())
        (north.settings.data / NEXT).unlink()
        with pytest.raises(WrongState, match="not in force"):
            await north.start()
        north.settings.agreement.write_bytes(render_agreement(one))
        await north.start()
        assert north.up.agreement.version == 1


async def test_versions_that_share_no_register_wait_for_ever_and_say_so(tmp_path: Path) -> None:
    sky = make_sky(tmp_path, parties=THREE, registers=[("north", False)])
    async with flying(sky):
        north = sky["north"]
        one = first(sky)
        moved = replace(
            one, version=2, previous=one.digest, registers=(replace(one.registers[0], id="other"),)
        )
        path = signed(sky, render_agreement(moved), THREE, THREE)
        hand(north, path)
        assert await look(north.up) is None
        view = north.up.succession.view()
        assert view is not None
        assert view.waits == (
            "no register counts before and after; go by a version between that lists both",
        )


async def test_other_minima_wait_until_no_plan_stands(tmp_path: Path) -> None:
    async with flying(make_sky(tmp_path, parties=THREE, timers=OFTEN)) as sky:
        north = sky["north"]
        one = first(sky)
        view = await north.declare(plan())
        wider = replace(one.minima, horizontal_m=one.minima.horizontal_m + 1.0)
        two = replace(one, version=2, previous=one.digest, minima=wider)
        hand(north, signed(sky, render_agreement(two), THREE, THREE))
        assert await look(north.up) is None
        told = north.up.succession.view()
        assert told is not None
        assert told.waits == ("minima differ, and plans stand (1); end them first",)
        await north.restart()
        assert north.up.agreement.version == 1
        await north.up.plans.end(view.id)
        await north.until(view.id, lambda v: v.status is Status.ENDED)
        await gone_over(north, 2)
        assert north.up.agreement.minima == wider


async def test_an_unrelated_file_with_other_registers_is_refused_while_plans_stand(
    tmp_path: Path,
) -> None:
    async with flying(make_sky(tmp_path)) as sky:
        north = sky["north"]
        view = await north.declare(plan())
        one = load_agreement(north.settings.agreement)
        other = replace(one, registers=one.registers[:1])
        await north.stop()
        north.settings.agreement.write_bytes(render_agreement(other))
        with pytest.raises(BadInput, match="lists other registers"):
            await north.start()
        north.settings.agreement.write_bytes(render_agreement(one))
        await north.start()
        await north.up.plans.end(view.id)
        await north.until(view.id, lambda v: v.status is Status.ENDED)
        await north.stop()
        north.settings.agreement.write_bytes(render_agreement(other))
        await north.start()
        assert [place.register.id for place in north.up.planner.places] == ["north"]
        assert len((await north.up.plans.plan(view.id)).registers) == 1


def test_after_its_end_nothing_new_is_planned(tmp_path: Path) -> None:
    agreement = load_agreement(make_sky(tmp_path)["north"].settings.agreement)
    ending = replace(agreement, valid_until=NOON)
    check_may_plan(agreement, "north", NOON + timedelta(days=3_650))
    check_may_plan(ending, "north", NOON)
    with pytest.raises(Forbidden, match="the agreement ended at"):
        check_may_plan(ending, "north", NOON + timedelta(microseconds=1))


async def test_what_stands_is_flown_and_ended_after_the_agreement_has_ended(tmp_path: Path) -> None:
    # A node tries a database out before it serves from it.
    until = SystemClock().now() + timedelta(seconds=4 if stores.kind() == stores.SQLITE else 15)
    async with flying(make_sky(tmp_path, valid_until=until)) as sky:
        north = sky["north"]
        view = await north.declare(plan())
        assert view.status is Status.COORDINATED
        while SystemClock().now() <= until:
            await asyncio.sleep(0.05)
        with pytest.raises(Forbidden, match="ended at"):
            await north.up.plans.submit(plan(-120.5))
        with pytest.raises(Forbidden, match="ended at"):
            await north.up.plans.change(view.id, plan(-121.1))
        await north.up.plans.activate(view.id)
        await north.until(view.id, lambda v: v.state == "Activated")
        await north.up.plans.end(view.id)
        await north.until(view.id, lambda v: v.status is Status.ENDED)

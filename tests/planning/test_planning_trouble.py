"""What goes wrong between two nodes: shown with its reason, and mended without anybody's help."""

import asyncio
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any
from uuid import uuid4

import apsw
import msgspec
import pytest
from outsider import Outsider, outside
from sky import TIMERS, ShiftedClock, Side, Sky, flying, make_sky, plan, two, until

from stores import only_sqlite
from tansiq.domain.agreement import IfUnreachable
from tansiq.domain.intent import IntentState
from tansiq.f3548 import convert, wire
from tansiq.services.views import PlanView, Status
from tansiq.settings import STORE
from tansiq.storage.constraints import Constraints
from tansiq.storage.intents import Intents

pytestmark = pytest.mark.anyio
OFTEN = replace(TIMERS, sweep_s=0.2)


async def _stands(side: Side, intent_id: str) -> bool:
    return await side.up.store.read(lambda tx: Intents(tx).get(intent_id)) is not None


def _put_back(store: Path, old: Path) -> None:
    """Make everything but the record what it was in the old copy; the node is stopped."""
    with apsw.Connection(str(store)) as db:
        db.execute("ATTACH ? AS old", (str(old),))
        tables = db.execute("SELECT name FROM old.sqlite_master WHERE type = 'table'").fetchall()
        for (name,) in tables:
            if not name.startswith(("record_", "sqlite_")):
                db.execute(f'DELETE FROM main."{name}"')
                db.execute(f'INSERT INTO main."{name}" SELECT * FROM old."{name}"')
        assert db.execute("SELECT COUNT(*) FROM intent").fetchall() == [(0,)]
    db.close()


def _everywhere(view: PlanView) -> bool:
    return view.status is Status.COORDINATED and all(r.holds == "current" for r in view.registers)


# ---- agreements


async def test_with_another_agreement_both_sides_refuse_and_say_why(tmp_path: Path) -> None:
    sky = make_sky(tmp_path)
    file = tmp_path / "south" / "agreement.toml"
    file.write_bytes(file.read_bytes() + b"# one line more\n")
    async with flying(sky):
        for side, other in ((sky["north"], sky["south"]), (sky["south"], sky["north"])):
            view = await side.up.plans.submit(plan(-121, "ALPHA"))
            told = await side.until(view.id, lambda v: "your agreement starts" in (v.reason or ""))
            assert told.status is Status.UNCOORDINATED
            mine, theirs = side.up.agreement.digest[:8], other.up.agreement.digest[:8]
            assert f"starts with '{mine}', ours with '{theirs}'" in (told.reason or "")
            assert "use the same bytes on both sides" in (told.reason or "")
            assert not await _stands(side, view.intent_id)
            await side.up.plans.end(view.id)


# ---- a register is down


@pytest.mark.parametrize("rule", list(IfUnreachable))
async def test_while_a_register_is_down_a_plan_is_visibly_uncoordinated_and_holds_nothing_long(
    tmp_path: Path, rule: IfUnreachable
) -> None:
    how: dict[str, Any] = {"hold_limit": timedelta(seconds=1), "if_unreachable": rule}
    async with two(tmp_path, **how) as (north, south):
        first = await north.declare(plan(-122, "FIRST"))
        assert first.status is Status.COORDINATED
        await south.deafen()
        view = await north.up.plans.submit(plan(-121, "ALPHA"))
        held = await north.until(view.id, lambda v: v.registers[0].holds == "current")
        assert (held.status, held.coordinated) == (Status.PLACING, False)
        told = await north.until(view.id, lambda v: v.reason is not None)
        assert told.registers[1].problem is not None
        follows = {
            IfUnreachable.WAIT: "it is tried again until all registers answer",
            IfUnreachable.LINE: "the agreement says: coordinate by the line meanwhile",
        }
        assert (told.reason or "").endswith(follows[rule])
        assert (told.reason or "").startswith("not coordinated: south: ")
        released = await north.until(view.id, lambda v: v.status is Status.UNCOORDINATED)
        assert not released.coordinated
        await until(lambda: _stands(north, held.intent_id), lambda stands: not stands)
        # What was coordinated stays so.
        assert (await north.up.plans.plan(first.id)).status is Status.COORDINATED
        await south.listen()
        back = await north.until(view.id, _everywhere)
        assert back.intent_id != held.intent_id, "what was released takes a fresh id"
        assert back.reason is None


async def test_a_change_that_cannot_be_placed_is_given_up_and_the_old_place_kept(
    tmp_path: Path,
) -> None:
    async with two(tmp_path, hold_limit=timedelta(seconds=0.3)) as (north, south):
        view = await north.declare(plan(-121, "ALPHA"))
        await south.deafen()
        changing = await north.up.plans.change(view.id, plan(-121, "ALPHA", at=(0, 90)))
        assert changing.status is Status.CHANGING
        await north.until(
            view.id, lambda v: v.registers[0].holds == "current" and v.time_end == view.time_end
            and v.status is not Status.CHANGING
        )  # fmt: skip
        await south.listen()
        kept = await north.until(view.id, _everywhere)
        assert kept.time_end == view.time_end


async def test_ending_while_a_register_is_down_is_finished_when_it_is_back(tmp_path: Path) -> None:
    async with two(tmp_path) as (north, south):
        view = await north.declare(plan(-121, "ALPHA"))
        await south.deafen()
        ending = await north.up.plans.end(view.id)
        assert (ending.status, ending.coordinated) == (Status.ENDING, False)
        await asyncio.sleep(0.2)
        assert await _stands(north, view.intent_id), "the gate is released last"
        await south.listen()
        assert (await north.settled(view.id)).status is Status.ENDED
        assert not await _stands(south, view.intent_id)


# ---- restarts


@pytest.mark.parametrize("seed", range(2))
async def test_a_node_stopped_at_any_moment_goes_on_where_it_was(tmp_path: Path, seed: int) -> None:
    """Either side declares, changes or ends, is stopped at a random moment and opened again."""
    random = Random(seed)
    print("seed", seed)
    async with two(tmp_path, timers=OFTEN) as (north, south):
        for i in range(5):
            side, other = (north, south) if random.random() < 0.5 else (south, north)
            at = (i * 200, i * 200 + 60)
            view = await side.up.plans.submit(plan(-121, "ALPHA", at=at))
            act = random.choice(["declare", "change", "end"])
            later = plan(-121, "ALPHA", at=(at[0] + 70, at[1] + 70))
            if act != "declare":
                await side.settled(view.id)
                doing = side.up.plans.change(view.id, later)
                await (side.up.plans.end(view.id) if act == "end" else doing)
                if act == "end":
                    doing.close()
            await asyncio.sleep(random.uniform(0.0, 0.03))
            await side.restart()
            if act == "end":
                ended = await side.settled(view.id)
                assert ended.status is Status.ENDED
                for register in (north, south):
                    assert not await _stands(register, view.intent_id)
            else:
                shown = await side.until(view.id, _everywhere)
                start = later.volumes[0].time.start if act == "change" else None
                assert start is None or shown.time_start == start.isoformat().replace("+00:00", "Z")
            # The other one is told, and refuses what would collide.
            probe = await other.declare(plan(-121, "PROBE", at=(at[0], at[1] + 70)))
            wanted = Status.COORDINATED if act == "end" else Status.REFUSED
            assert probe.status is wanted, (act, probe.reason)
            await other.up.plans.end(probe.id)
            await other.settled(probe.id)


async def test_a_restart_forgets_nothing_of_the_sky(tmp_path: Path) -> None:
    async with two(tmp_path) as (north, south):
        await south.declare(plan(-121, "BRAVO"))
        area = await south.no_go(plan(-122, "FIRE"))
        own = await north.declare(plan(-120, "ALPHA"))
        # Wait until north has been told of both.
        known = north.up.planner.judging.airspace
        await until(_ready(lambda: len(known.everything())), lambda n: n == 2)
        before = sorted((k.id, k.ovn, k.volumes) for k in known.everything())
        await south.deafen()
        await north.restart()
        again = north.up.planner.judging.airspace
        assert sorted((k.id, k.ovn, k.volumes) for k in again.everything()) == before
        preview = await north.up.plans.preview(plan(-121, "CHARLIE"))
        assert "blocked by BRAVO of South" in (preview.reason or "")
        barred = await north.up.plans.preview(plan(-122, "CHARLIE"))
        assert [b.id for b in barred.blockers] == [area.id]
        assert (await north.up.plans.plan(own.id)).status is Status.COORDINATED
        await south.listen()


async def test_a_no_go_area_on_its_way_survives_a_restart(tmp_path: Path) -> None:
    async with two(tmp_path) as (north, south):
        await south.deafen()
        view = await north.up.constraints.submit(plan(-121, "FIRE"))
        await asyncio.sleep(0.05)
        await north.restart()
        assert (await north.up.constraints.get(view.id)).status == "not everywhere yet"
        await south.listen()
        assert (await north.area_settled(view.id)).status == "everywhere"
        refused = await south.declare(plan(-121, "ALPHA"))
        assert refused.status is Status.REFUSED


# ---- strays and lost entries


async def test_a_stray_under_our_name_is_swept_once_somebody_meets_it(tmp_path: Path) -> None:
    """A late create of a request long given up: no living plan's, and nobody serves its details."""
    async with two(tmp_path) as (north, south):
        stray = str(uuid4())
        port = south.up.planner.places[0].port
        written = await port.put_intent(stray, None, _parameters(south.party.url + "/at/north"))
        assert written.reference is not None, written
        assert await _stands(north, stray)
        view = await north.declare(plan(-121, "ALPHA"))
        assert view.status is Status.COORDINATED, view.reason
        assert not await _stands(north, stray)


async def test_a_stray_is_swept_by_the_clock_too(tmp_path: Path) -> None:
    async with two(tmp_path, timers=OFTEN) as (north, south):
        stray, area = str(uuid4()), str(uuid4())
        port = south.up.planner.places[0].port
        await port.put_intent(stray, None, _parameters(south.party.url + "/at/north"))
        extents = convert.volumes_to_wire(plan(-121).volumes)
        await port.put_constraint(
            area,
            None,
            wire.PutConstraintReferenceParameters(
                extents=extents, uss_base_url=south.party.url + "/at/north"
            ),
        )
        await until(lambda: _stands(north, stray), lambda stands: not stands)
        await until(
            lambda: north.up.store.read(lambda tx: Constraints(tx).get(area)), lambda row: not row
        )


def _parameters(base_url: str) -> wire.PutOperationalIntentReferenceParameters:
    return wire.PutOperationalIntentReferenceParameters(
        extents=convert.volumes_to_wire(plan(-121).volumes),
        key=(),
        state=IntentState.ACCEPTED,
        uss_base_url=base_url,
    )


@only_sqlite
async def test_what_a_register_from_an_old_backup_has_lost_is_written_again(tmp_path: Path) -> None:
    """Plan, no-go area and subscription; another register shuts others out meanwhile.

    The record stays as it is: one that went back with the rest would silence the node.
    """
    async with two(tmp_path, timers=OFTEN) as (north, south):
        store = south.settings.data / STORE
        await south.stop()
        shutil.copy(store, tmp_path / "old.db")
        await south.start()
        view = await north.declare(plan(-121, "ALPHA"))
        area = await north.no_go(plan(-122, "FIRE"))
        await south.stop()
        _put_back(store, tmp_path / "old.db")
        await south.start()
        await until(lambda: _stands(south, view.intent_id), lambda stands: stands)
        shown = await north.until(view.id, _everywhere)
        assert shown.intent_id == view.intent_id
        await until(
            lambda: south.up.store.read(lambda tx: Constraints(tx).get(area.id)), lambda row: row
        )
        assert (await north.area_settled(area.id)).status == "everywhere"
        # North hears again of what is accepted there, and new plans of its own pass.
        after = await south.declare(plan(-120, "BRAVO"))
        await until(
            _ready(lambda: north.up.planner.judging.airspace.get("south", after.intent_id)),
            lambda known: known is not None,
        )
        assert (await north.declare(plan(-119, "CHARLIE"))).status is Status.COORDINATED


async def test_a_lost_answer_to_the_subscription_does_not_stop_the_sweep(tmp_path: Path) -> None:
    """North asked for it, south has it, and north crashed before it knew."""
    async with two(tmp_path, timers=OFTEN) as (north, _):
        await north.up.store.write(
            lambda tx: tx.execute("UPDATE standing SET version = NULL WHERE register = 'south'")
        )
        await north.restart()
        await until(
            _ready(lambda: north.up.upkeep.subscribing.standing("south")),
            lambda standing: standing is not None and standing.version is not None,
        )
        view = await north.declare(plan(-121, "ALPHA"))
        assert view.status is Status.COORDINATED


async def test_what_is_past_is_left_alone_for_a_day_and_then_ended(tmp_path: Path) -> None:
    """No register takes it again, and it is in nobody's way; lists do not grow for ever."""
    sky = make_sky(tmp_path, timers=OFTEN)
    clock = ShiftedClock()
    for side in sky.sides.values():
        side.clock = clock
    async with flying(sky):
        north, south = sky["north"], sky["south"]
        view = await north.declare(plan(-121, "ALPHA"))
        area = await north.no_go(plan(-122, "FIRE"))
        seq = (await north.up.events.bounds())[1]
        clock.ahead = timedelta(hours=20)
        await asyncio.sleep(3 * OFTEN.sweep_s)
        assert (await north.up.events.bounds())[1] == seq, "nothing has happened"
        assert _everywhere(await north.up.plans.plan(view.id))
        assert (await north.up.constraints.get(area.id)).status == "everywhere"
        clock.ahead = timedelta(days=3)
        later = plan(-121, "BRAVO", at=(4 * 1_440, 4 * 1_440 + 60))
        assert (await south.declare(later)).status is Status.COORDINATED
        await north.until(view.id, lambda v: v.status is Status.ENDED)
        await until(lambda: north.up.constraints.get(area.id), lambda v: v.status == "ended")


def _ready(ask: Callable[[], Any]) -> Callable[[], Any]:
    async def asked() -> Any:
        return ask()

    return asked


# ---- details that cannot be believed


def _other_id(details: dict[str, Any]) -> None:
    details["operational_intent"]["reference"]["id"] = str(uuid4())


def _other_id_and_later(details: dict[str, Any]) -> None:
    _other_id(details)
    details["operational_intent"]["reference"]["version"] += 1


def _older(details: dict[str, Any]) -> None:
    details["operational_intent"]["reference"]["version"] -= 1


def _other_manager(details: dict[str, Any]) -> None:
    details["operational_intent"]["reference"]["manager"] = "south"


def _no_ovn(details: dict[str, Any]) -> None:
    del details["operational_intent"]["reference"]["ovn"]


def _other_time(details: dict[str, Any]) -> None:
    for volume in details["operational_intent"]["details"]["volumes"]:
        start = volume["time_start"]
        start["value"] = start["value"].replace("202", "201", 1)  # Ten years ago.


def _reversed(details: dict[str, Any]) -> None:
    for volume in details["operational_intent"]["details"]["volumes"]:
        volume["volume"]["altitude_lower"]["value"] = 90_000


def _not_a_number(details: dict[str, Any]) -> None:
    for volume in details["operational_intent"]["details"]["volumes"]:
        volume["volume"]["outline_circle"]["radius"]["value"] = "wide"


SPOILT = [
    (_other_id, "id is '"),
    (_other_id_and_later, "id is '"),
    (_older, "version is 0"),
    (_other_manager, "manager is 'south', the register says 'drones'"),
    (_no_ovn, "without their OVN"),
    (_other_time, "outside the time span"),
    (_reversed, "altitude_lower"),
    (_not_a_number, "radius"),
    (None, "no such entity"),
    (b"{", "not GetOperationalIntentDetailsResponse"),
]


@pytest.fixture(scope="module")
async def drones(anyio_backend: str, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """North, south and a supplier from outside who plans at north's register."""
    sky = make_sky(tmp_path_factory.mktemp("drones"), registers=[("north", True), ("south", False)])
    async with outside(sky) as outsider, flying(sky):
        yield sky, outsider


@pytest.mark.parametrize(("spoil", "why"), SPOILT, ids=lambda v: getattr(v, "__name__", None))
async def test_details_that_cannot_be_believed_stop_a_plan_with_the_reason(
    drones: tuple[Sky, Outsider], lat: float, spoil: Any, why: str
) -> None:
    sky, outsider = drones
    entity = await outsider.place(sky["north"], plan(-121, lat=lat).volumes)
    good = outsider.details[entity]
    spoilt = msgspec.json.decode(msgspec.json.encode(good))
    if callable(spoil):
        spoil(spoilt)
    outsider.details[entity] = spoil if isinstance(spoil, bytes) else spoilt
    if spoil is None:
        del outsider.details[entity]
    for party in ("south", "north"):
        side = sky[party]
        draft = plan(-121, "ALPHA", lat=lat)
        view = await side.up.plans.submit(draft)
        told = await side.until(view.id, lambda v: why in (v.reason or ""))
        assert not told.coordinated
        assert f"details of {entity[:8]} of drones are not to be had" in (told.reason or "")
        assert not await _stands(sky["south"], view.intent_id)
        await side.up.plans.end(view.id)
        await side.settled(view.id)
    waiting = await sky["south"].up.plans.submit(draft)
    await sky["south"].until(waiting.id, lambda v: why in (v.reason or ""))
    outsider.details[entity] = good
    refused = await sky["south"].settled(waiting.id)
    assert (refused.reason or "").startswith(
        f"blocked by intent {entity[:8]} of drones: same block"
    )

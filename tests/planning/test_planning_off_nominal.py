"""A plan whose aircraft is not where it said: told at once, everywhere, and back again.

Whole nodes, real registers. What must hold in every order of events is for the checker
(``tests/placement``); here it is that the nodes do it, and what people are shown.
"""

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from outsider import outside
from pool import become, pooled
from sky import MINIMA, NOON, Side, flying, make_sky, plan, two, until, volume

from tansiq.domain.intent import IntentState
from tansiq.domain.placement import Placement
from tansiq.domain.time import TimeSpan, zulu
from tansiq.domain.volume import Volumes
from tansiq.errors import BadInput, TooLarge, WrongState
from tansiq.f3548 import codec, convert, wire
from tansiq.peers.register_client import STRATEGIC
from tansiq.services.planning.claim import Claim
from tansiq.services.views import PlanView, Status
from tansiq.storage.intents import IntentRow, Intents

pytestmark = pytest.mark.anyio
Pair = tuple[Side, Side]

NONCONFORMING, CONTINGENT = IntentState.NONCONFORMING, IntentState.CONTINGENT


def strayed(lng: float = -120.9, **where: Any) -> Volumes:
    """Return where the aircraft may be: 8.6 km east of the usual plan."""
    return (volume(lng, **where),)


def everywhere(view: PlanView) -> bool:
    return all(register.holds == "current" for register in view.registers)


async def row(side: Side, intent_id: str) -> IntentRow | None:
    return await side.up.store.read(lambda tx: Intents(tx).get(intent_id))


async def states(sides: Pair, intent_id: str) -> list[str | None]:
    """Return the state in which each side's register holds an intent."""
    rows = [await row(side, intent_id) for side in sides]
    return [None if found is None else found.state for found in rows]


async def served(reader: Side, owner: Side, register: str, intent_id: str) -> Any:
    url = f"{owner.party.url}/at/{register}/uss/v1/operational_intents/{intent_id}"
    answer = await reader.up.link.call("GET", url, scope=STRATEGIC)
    assert answer.status == 200, answer
    kind = wire.GetOperationalIntentDetailsResponse
    return codec.decode(answer.body, kind, bytes_max=10**6).operational_intent


async def strays(side: Side, view: PlanView, volumes: Volumes, **how: Any) -> PlanView:
    state = how.pop("state", NONCONFORMING)
    await side.up.plans.off_nominal(view.id, state=state, volumes=volumes, **how)
    return await side.settled(view.id)


# ---- told at once, to everybody


async def test_it_is_told_to_all_registers_and_served_with_both_lists(
    pair: Pair, lat: float
) -> None:
    north, south = pair
    view = await north.declare(plan(-121, "ALPHA", lat=lat))
    away = strayed(lat=lat)
    at_once = await north.up.plans.off_nominal(view.id, state=NONCONFORMING, volumes=away)
    assert (at_once.status, at_once.coordinated) == (Status.NONCONFORMING, False)
    told = await north.settled(view.id)
    assert (told.status, told.state, everywhere(told)) == (
        Status.NONCONFORMING,
        "Nonconforming",
        True,
    )
    assert (told.intent_id, told.reason) == (view.intent_id, None)
    assert msgspec.json.decode(told.volumes) == msgspec.json.decode(view.volumes)
    shown = msgspec.json.decode(told.off_nominal_volumes, type=tuple[wire.Volume4D, ...])
    assert shown == convert.volumes_to_wire(away)
    assert await states(pair, view.intent_id) == ["Nonconforming", "Nonconforming"]
    for register in ("north", "south"):
        intent = await served(south, north, register, view.intent_id)
        assert intent.details.off_nominal_volumes == convert.volumes_to_wire(away)
        assert intent.details.volumes == convert.volumes_to_wire((volume(-121, lat=lat),))
    # The peer was notified of both lists, at both registers.
    for register in ("north", "south"):

        async def heard(register: str = register) -> Any:
            return south.up.planner.judging.airspace.get(register, view.intent_id)

        known = await until(heard, lambda k: k is not None and k.off_nominal)
        assert known.volumes == (volume(-121, lat=lat), *away)


async def test_nobody_gets_a_new_plan_there_and_who_stands_is_warned(
    pair: Pair, lat: float
) -> None:
    north, south = pair
    stands = await south.declare(plan(-120.9, "BRAVO", lat=lat))
    mine = await north.declare(plan(-120.9, "CHARLIE", lat=lat, at=(90, 120)))
    view = await north.declare(plan(-121, "ALPHA", lat=lat))
    seq = (await south.up.events.bounds())[1]
    await strays(north, view, strayed(lat=lat, at=(0, 100)))
    said = ("meets ALPHA of North, which is Nonconforming",)
    warned = await south.until(stands.id, lambda v: v.warnings == said and v.coordinated)
    assert warned.status is Status.COORDINATED
    await north.until(mine.id, lambda v: v.warnings == said and v.coordinated)
    late = await south.declare(plan(-120.9, "DELTA", lat=lat, at=(61.5, 88)))
    assert late.status is Status.REFUSED
    assert "ALPHA of North" in (late.reason or "")
    # An own change into it is refused too; and so is a flight that has not begun.
    with_it = await south.declare(plan(-120.5, "ECHO", lat=lat))
    await south.up.plans.change(with_it.id, plan(-120.9, "ECHO", lat=lat, at=(65, 85)))
    kept = await south.settled(with_it.id)
    assert kept.status is Status.COORDINATED
    assert "change refused" in (kept.reason or "")
    await south.up.plans.activate(stands.id)
    still = await south.settled(stands.id)
    assert (still.state, still.coordinated) == ("Accepted", True)
    assert "activation refused" in (still.reason or "")
    # It ends, and so do the warnings; the feed told of both.
    await north.up.plans.end(view.id)
    await south.until(stands.id, lambda v: not v.warnings)
    await north.until(mine.id, lambda v: not v.warnings)
    told = [
        msgspec.json.decode(event.body)["warnings"]
        for event in await south.up.events.after(seq, 100)
        if event.id == stands.id
    ]
    first = told.index(list(said))
    assert [] in told[first:]
    await south.up.plans.activate(stands.id)
    assert (await south.settled(stands.id)).state == "Activated"


async def test_touching_warns_and_the_smallest_step_away_does_not(pair: Pair, lat: float) -> None:
    """The minimum of time: 60 s, and a microsecond more."""
    north, south = pair
    stands = await south.declare(plan(-120.9, "BRAVO", lat=lat, at=(0, 60)))
    view = await north.declare(plan(-121, "ALPHA", lat=lat, at=(0, 200)))
    end = NOON + timedelta(minutes=60)
    for beyond, warned in ((timedelta(0), True), (timedelta(microseconds=1), False)):
        start = end + MINIMA.time + beyond
        found = volume(-120.9, lat=lat, at=(0, 200))
        moved = replace(found, time=replace(found.time, start=start))
        await strays(north, view, (moved,))
        await south.until(stands.id, lambda v, w=warned: bool(v.warnings) == w)


async def test_the_first_words_count_at_once_and_the_next_replace_them(
    pair: Pair, lat: float
) -> None:
    north, south = pair
    view = await north.declare(plan(-121, "ALPHA", lat=lat))
    first, later = strayed(lat=lat), strayed(-120.8, lat=lat, at=(0, 300))
    await strays(north, view, first)
    before = await row(north, view.intent_id)
    again = await strays(north, view, first)
    after = await row(north, view.intent_id)
    assert before is not None
    assert after is not None
    assert (before.ovn, again.status) == (after.ovn, Status.NONCONFORMING)
    longer = await strays(north, view, later)
    assert longer.time_end == zulu(NOON + timedelta(minutes=300))
    assert (await south.declare(plan(-120.9, "BRAVO", lat=lat))).status is Status.COORDINATED
    assert (await south.declare(plan(-120.8, "CHARLIE", lat=lat))).status is Status.REFUSED


async def test_contingent_gives_its_own_volumes_up_and_only_ends(pair: Pair, lat: float) -> None:
    north, south = pair
    view = await north.declare(plan(-121, "ALPHA", lat=lat))
    await north.up.plans.activate(view.id)
    await north.settled(view.id)
    lost = await strays(north, view, strayed(lat=lat), state=CONTINGENT)
    assert (lost.status, lost.state, everywhere(lost)) == (Status.CONTINGENT, "Contingent", True)
    intent = await served(south, north, "south", view.intent_id)
    assert (intent.details.volumes, len(intent.details.off_nominal_volumes)) == ((), 1)
    assert (await south.declare(plan(-121, "BRAVO", lat=lat))).status is Status.COORDINATED
    plans = north.up.plans
    with pytest.raises(WrongState, match="not expected back"):
        await plans.activate(view.id)
    with pytest.raises(WrongState, match="not expected back"):
        await plans.change(view.id, plan(-121.2, "ALPHA", lat=lat))
    with pytest.raises(WrongState, match="stays so"):
        await plans.off_nominal(view.id, state=NONCONFORMING, volumes=strayed(lat=lat))
    moved = await strays(north, view, strayed(-120.7, lat=lat), state=CONTINGENT)
    assert everywhere(moved)
    await plans.end(view.id)
    assert (await north.settled(view.id)).status is Status.ENDED
    assert await states(pair, view.intent_id) == [None, None]


async def test_outside_the_agreed_area_too(pair: Pair, lat: float) -> None:
    """Nothing covers it but a subscription of its own; the sweep does not take it for lost."""
    north, south = pair
    view = await north.declare(plan(-121, "ALPHA", lat=lat))
    out = await strays(north, view, strayed(-117.5, lat=lat), state=CONTINGENT)
    assert everywhere(out)
    held = await row(south, view.intent_id)
    for side in pair:
        await side.up.upkeep._sweep(side.up.planner.places[1])
    again = await row(south, view.intent_id)
    assert held is not None
    assert again is not None
    assert held.ovn == again.ovn


# ---- back


async def test_it_comes_back_to_its_plan(pair: Pair, lat: float) -> None:
    north, south = pair
    view = await north.declare(plan(-121, "ALPHA", lat=lat))
    beside = await south.declare(plan(-120.9, "BRAVO", lat=lat))
    await strays(north, view, strayed(lat=lat))
    await north.up.plans.activate(view.id)
    back = await north.settled(view.id)
    assert (back.status, back.state, everywhere(back)) == (
        Status.COORDINATED,
        "Activated",
        True,
    )
    assert msgspec.json.decode(back.off_nominal_volumes) == []
    assert await states(pair, view.intent_id) == ["Activated", "Activated"]
    await south.until(beside.id, lambda v: not v.warnings)
    assert (await south.declare(plan(-120.8, "CHARLIE", lat=lat))).status is Status.COORDINATED
    # And once more: what was Activated before.
    await strays(north, view, strayed(lat=lat))
    await north.up.plans.change(view.id, plan(-121, "ALPHA", lat=lat))
    again = await north.settled(view.id)
    assert (again.status, again.state) == (Status.COORDINATED, "Activated")


async def test_it_goes_on_elsewhere_only_where_nobody_is(pair: Pair, lat: float) -> None:
    north, south = pair
    view = await north.declare(plan(-121, "ALPHA", lat=lat))
    await south.declare(plan(-120.9, "BRAVO", lat=lat))
    await strays(north, view, strayed(lat=lat))
    await north.up.plans.change(view.id, plan(-120.9, "ALPHA", lat=lat))
    refused = await north.settled(view.id)
    assert (refused.status, everywhere(refused)) == (Status.NONCONFORMING, True)
    assert "BRAVO of South" in (refused.reason or "")
    assert await states(pair, view.intent_id) == ["Nonconforming", "Nonconforming"]
    await north.up.plans.change(view.id, plan(-121.3, "ALPHA", lat=lat))
    on = await north.settled(view.id)
    assert (on.status, on.state, on.reason) == (Status.COORDINATED, "Activated", None)
    await north.until(view.id, everywhere)  # The old place is given back after that.
    assert (await south.declare(plan(-121, "CHARLIE", lat=lat))).status is Status.COORDINATED


async def test_what_came_meanwhile_and_goes_before_it_displaces_it_on_its_return(
    pair: Pair, lat: float
) -> None:
    north, south = pair
    view = await north.declare(plan(-121, "ALPHA", lat=lat))
    await strays(north, view, strayed(lat=lat))
    high = await south.declare(plan(-121, "HIGH", lat=lat, priority=1))
    assert high.status is Status.COORDINATED
    assert high.warnings or (await south.until(high.id, lambda v: bool(v.warnings))).warnings
    assert (await north.up.plans.plan(view.id)).status is Status.NONCONFORMING
    await north.up.plans.activate(view.id)
    back = await north.settled(view.id)
    assert (back.status, back.state, back.coordinated) == (Status.DISPLACED, "Activated", False)
    assert await states(pair, view.intent_id) == ["Activated", "Activated"]


# ---- with a register out of reach, crashes, lost entries


async def test_a_register_out_of_reach_gets_it_when_it_is_back(tmp_path: Path) -> None:
    async with two(tmp_path) as (north, south):
        view = await north.declare(plan(-121, "ALPHA"))
        await south.deafen()
        told = await north.up.plans.off_nominal(view.id, state=NONCONFORMING, volumes=strayed())
        assert told.status is Status.NONCONFORMING
        known = await north.until(view.id, lambda v: v.reason is not None)
        assert "not known everywhere yet: south" in known.reason
        assert known.status is Status.NONCONFORMING
        await until(lambda: row(north, view.intent_id), lambda r: r.state == "Nonconforming")
        # It is on its way back before that register has heard that it ever left.
        await north.up.plans.activate(view.id)
        assert (await north.up.plans.plan(view.id)).state == "Nonconforming"
        await south.listen()
        back = await north.settled(view.id)
        assert (back.status, back.state) == (Status.COORDINATED, "Activated")
        await south.deafen()
        await north.up.plans.off_nominal(view.id, state=NONCONFORMING, volumes=strayed())
        await south.listen()
        await north.until(view.id, everywhere)
        assert await states((north, south), view.intent_id) == ["Nonconforming"] * 2


async def test_a_change_under_way_is_broken_off(tmp_path: Path) -> None:
    """The change is stuck at a register out of reach; the news goes to both all the same."""
    async with two(tmp_path) as (north, south):
        view = await north.declare(plan(-121, "ALPHA"))
        await south.deafen()
        await north.up.plans.change(view.id, plan(-121.4, "ALPHA"))
        await north.until(view.id, lambda v: v.registers[0].holds == "current")
        told = await north.up.plans.off_nominal(view.id, state=NONCONFORMING, volumes=strayed())
        assert msgspec.json.decode(told.volumes) == msgspec.json.decode(view.volumes)
        await south.listen()
        await north.until(view.id, everywhere)
        assert (await south.declare(plan(-121.4, "BRAVO"))).status is Status.COORDINATED
        assert (await south.declare(plan(-121, "CHARLIE"))).status is Status.REFUSED
        assert (await south.declare(plan(-120.9, "DELTA"))).status is Status.REFUSED


async def test_a_restart_forgets_nothing(tmp_path: Path) -> None:
    """Neither the state, nor what is still to be told, nor a warning that ends meanwhile."""
    async with two(tmp_path) as (north, south):
        view = await north.declare(plan(-121, "ALPHA"))
        stands = await south.declare(plan(-120.9, "BRAVO"))
        await south.deafen()
        await north.up.plans.off_nominal(view.id, state=NONCONFORMING, volumes=strayed())
        await north.restart()
        shown = await north.up.plans.plan(view.id)
        assert (shown.status, shown.coordinated) == (Status.NONCONFORMING, False)
        await south.listen()
        await north.until(view.id, everywhere)
        await south.until(stands.id, lambda v: bool(v.warnings) and v.coordinated)
        seq = (await south.up.events.bounds())[1]
        await south.stop()
        await south.start()
        assert (await south.up.plans.plan(stands.id)).warnings
        await asyncio.sleep(0.2)
        later = await south.up.events.after(seq, 100)
        assert not [e for e in later if e.id == stands.id], "nothing began, nothing ended"
        await south.stop()
        await north.up.plans.end(view.id)
        await south.start()
        await south.until(stands.id, lambda v: not v.warnings)


@pytest.mark.parametrize("state", ["Activated", "Nonconforming", "Contingent"])
@pytest.mark.parametrize("loser", ["north", "south"])
async def test_a_flight_that_a_register_lost_is_written_again(
    pair: Pair, lat: float, state: str, loser: str
) -> None:
    """In two writes, because a new entry must be Accepted, with a key over what stands there."""
    north, south = pair
    view = await north.declare(plan(-121, "ALPHA", lat=lat))
    await south.declare(plan(-120.9, "BRAVO", lat=lat))
    await north.up.plans.activate(view.id)
    await north.settled(view.id)
    if state != "Activated":
        await strays(north, view, strayed(lat=lat), state=IntentState(state))
    register = {"north": north, "south": south}[loser]
    place = next(p for p in north.up.planner.places if p.register.id == loser)

    async def lose(tx: Any) -> None:
        held = await Intents(tx).get(view.intent_id)
        assert held is not None
        await Intents(tx).delete(held)

    await register.up.store.write(lose)
    await north.up.upkeep._sweep(place)

    async def stands() -> str | None:
        found = await row(register, view.intent_id)
        return None if found is None else found.state

    await until(stands, lambda found: found == state)
    assert everywhere(await north.until(view.id, everywhere))
    shown = await north.settled(view.id)
    assert (shown.state, shown.intent_id) == (state, view.intent_id)


async def test_the_node_does_not_end_it_while_it_is_on_its_way(tmp_path: Path) -> None:
    """A day after the plan's own end, but not while its off-nominal volumes run."""
    sky = make_sky(tmp_path)
    async with flying(sky):
        north = sky["north"]
        view = await north.declare(plan(-121, "ALPHA"))
        await strays(north, view, strayed(at=(0, 60 * 24 * 3)))
        north.up.upkeep._clock = _Ahead(north.up.upkeep._clock, timedelta(days=2))
        await north.up.upkeep._end_past()
        assert (await north.up.plans.plan(view.id)).status is Status.NONCONFORMING
        north.up.upkeep._clock = _Ahead(north.up.upkeep._clock, timedelta(days=3))
        await north.up.upkeep._end_past()
        assert (await north.settled(view.id)).status is Status.ENDED


class _Ahead:
    """A clock ahead of another."""

    def __init__(self, clock: Any, ahead: timedelta) -> None:
        self._clock, self._ahead = clock, ahead

    def now(self) -> Any:
        return self._clock.now() + self._ahead

    def __getattr__(self, name: str) -> Any:
        return getattr(self._clock, name)


# ---- pools and foreign suppliers


async def test_in_a_pool_of_somebody_elses(tmp_path: Path) -> None:
    """The register and the outsider know nothing of Tansiq; ours is served enlarged there."""
    async with pooled(tmp_path) as (sky, outsider):
        north, dss = sky["north"], sky["dss"]
        await outsider.subscribe(dss, (volume(-121),))
        view = await north.declare(plan(-121, "ALPHA"))
        await strays(north, view, strayed())
        held = await row(dss, view.intent_id)
        assert held is not None
        assert held.state == "Nonconforming"

        async def told() -> Any:
            return outsider.told[-1][1]["operational_intent"]["details"]

        details = await until(told, lambda found: "off_nominal_volumes" in found)
        assert (len(details["volumes"]), len(details["off_nominal_volumes"])) == (1, 1)
        radius_m = details["off_nominal_volumes"][0]["volume"]["outline_circle"]["radius"]["value"]
        assert 3_000.0 <= radius_m < 3_001.0
        await north.up.plans.activate(view.id)
        assert (await north.settled(view.id)).state == "Activated"


async def test_a_foreign_supplier_that_strays_warns_ours(tmp_path: Path) -> None:
    sky = make_sky(tmp_path, registers=[("north", True), ("south", False)])
    async with outside(sky) as outsider, flying(sky):
        north = sky["north"]
        stands = await north.declare(plan(-121, "ALPHA"))
        entity = await outsider.place(north, (volume(-120.5),))
        await become(outsider, north, entity, "Nonconforming", (volume(-120.5),), strayed(-121))
        assert all(answer.status_code == 204 for answer in await outsider.notify(entity))
        # Looked at again at our own register, it is not shown as coordinated for a moment.
        warned = await north.until(stands.id, lambda v: bool(v.warnings) and v.coordinated)
        assert warned.warnings == (f"meets intent {entity[:8]} of drones, which is Nonconforming",)


# ---- what cannot be


async def test_a_plan_that_stands_nowhere_cannot_stray(pair: Pair, lat: float) -> None:
    north, south = pair
    await south.declare(plan(-121, "BRAVO", lat=lat))
    view = await north.declare(plan(-121, "ALPHA", lat=lat))
    assert view.status is Status.REFUSED
    with pytest.raises(WrongState, match="nothing of it stands"):
        await north.up.plans.off_nominal(view.id, state=NONCONFORMING, volumes=strayed(lat=lat))


async def test_what_no_register_takes_is_refused_at_the_door(pair: Pair, lat: float) -> None:
    north, _ = pair
    view = await north.declare(plan(-121, "ALPHA", lat=lat))
    say = north.up.plans.off_nominal
    now = north.up.plans._clock.now()

    def until_(end: Any) -> Volumes:
        time = TimeSpan(start=now - timedelta(hours=1), end=end)
        return (replace(volume(-121, lat=lat), time=time),)

    for volumes, state, field in (
        ((), NONCONFORMING, "off_nominal_volumes"),
        (strayed(lat=lat), IntentState.ACTIVATED, "state"),
        (until_(now), NONCONFORMING, "off_nominal_volumes[0]"),
        (until_(now + timedelta(days=31)), NONCONFORMING, "off_nominal_volumes[0]"),
        (strayed(lat=lat, radius_m=60_000.0), NONCONFORMING, "off_nominal_volumes[0]"),
    ):
        with pytest.raises(BadInput) as refused:
            await say(view.id, state=state, volumes=volumes)
        assert refused.value.field == field
    most = north.settings.limits.volumes_max
    with pytest.raises(TooLarge):
        await say(view.id, state=NONCONFORMING, volumes=strayed(lat=lat) * most)
    unchanged = await north.up.plans.plan(view.id)
    assert unchanged.status is Status.COORDINATED


def test_a_placement_stored_before_there_was_any_of_this_is_read() -> None:
    stored = (
        b'{"phase":"coordinated","slots":[],"own":0,"want":{"parts":[1],"state":"Accepted",'
        b'"priority":0},"base":{"parts":[1],"state":"Accepted","priority":0},"goal":null,'
        b'"activating":false,"after":null,"blocker":null,"seen":[],"recheck":[],"heard":[],'
        b'"alarms":0,"displaced_by":null,"number":3}'
    )
    placement = msgspec.json.decode(stored, type=Placement[Claim])
    assert placement.base is not None
    assert (placement.base.off_parts, placement.off_nominal) == ((), False)


async def test_who_strayed_into_a_flight_keeps_their_own_plan(pair: Pair, lat: float) -> None:
    """To have met them where they are astray excuses no change into where they come back to."""
    north, south = pair
    view = await north.declare(plan(-121, "ALPHA", lat=lat))
    met = await south.declare(plan(-120.9, "BRAVO", lat=lat))
    await south.up.plans.activate(met.id)
    await south.settled(met.id)
    await strays(north, view, strayed(lat=lat))
    # Away from its plan, still within where it strayed: no new conflict.
    await south.up.plans.change(met.id, plan(-120.89, "BRAVO", lat=lat))
    await south.settled(met.id)
    moved = await south.until(met.id, everywhere)
    assert (moved.status, moved.reason) == (Status.COORDINATED, None)
    await south.up.plans.change(met.id, plan(-121, "BRAVO", lat=lat))
    refused = await south.settled(met.id)
    assert "change refused" in (refused.reason or "")
    await north.up.plans.activate(view.id)
    assert (await north.settled(view.id)).status is Status.COORDINATED

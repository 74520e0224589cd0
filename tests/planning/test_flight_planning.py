"""The test interface, driven over HTTP: what a test program asks for happens by the operator's own
ways, and of what is refused nothing stays, neither in the register nor in the node.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from driver import Driver, driven, ready, request
from sky import plan, until, volume

from tansiq.domain.intent import IntentState
from tansiq.domain.volume import LatLng, Polygon, Volume4D, Volumes
from tansiq.f3548 import convert, wire
from tansiq.services.planning.flight_planning import FlightPlanning
from tansiq.services.views import Status

pytestmark = pytest.mark.anyio

HERE: Volumes = (volume(),)
HIGHER: Volumes = (volume(band=(600.0, 900.0)),)
"""Meets ``HERE``."""
ABOVE: Volumes = (volume(band=(801.0, 900.0)),)
"""Does not."""
COMPLETED, REJECTED = "Completed", "Rejected"


@pytest.fixture(params=["own", "pool"])
async def driver(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Driver]:
    async with driven(request.param, tmp_path) as found:
        yield found


@pytest.fixture
async def pool(tmp_path: Path) -> AsyncIterator[Driver]:
    async with driven("pool", tmp_path) as found:
        yield found


async def nothing_stays(driver: Driver) -> None:
    assert await driver.standing() == []
    assert await driver.side.up.plans.plans(ended=False) == []


# ---- what goes well


async def test_a_flight_from_plan_to_landing(driver: Driver) -> None:
    result, status, answer = await driver.fly(HERE)
    assert (result, status, await driver.states()) == (COMPLETED, "Planned", ["Accepted"]), answer
    flight = answer["id"]
    assert [view.id for view in await driver.side.up.plans.plans(ended=False)] == [flight]
    assert (await driver.fly(ABOVE, flight=flight))[:2] == (COMPLETED, "Planned")
    view = await driver.side.up.plans.plan(flight)
    assert (view.altitude_m_min, view.status) == (801.0, Status.COORDINATED)
    assert (await driver.fly(ABOVE, "InUse", flight))[:2] == (COMPLETED, "OkToFly")
    assert await driver.states() == ["Activated"]
    assert (await driver.fly(HIGHER, "InUse", flight))[:2] == (COMPLETED, "OkToFly")
    strayed = await driver.fly(HERE, "InUse", flight, uas="OffNominal")
    assert strayed[:2] == (COMPLETED, "OffNominal"), strayed
    assert await driver.states() == ["Nonconforming"]
    assert (await driver.fly(HIGHER, "InUse", flight))[:2] == (COMPLETED, "OkToFly")
    assert await driver.states() == ["Activated"]
    lost = await driver.fly(HERE, "InUse", flight, uas="Contingent")
    assert (*lost[:2], await driver.states()) == (COMPLETED, "OffNominal", ["Contingent"]), lost
    assert (await driver.fly(HERE, "InUse", flight))[:2] == (REJECTED, "OffNominal")
    assert await driver.close(flight) == (COMPLETED, "Closed")
    await nothing_stays(driver)
    assert (await driver.ask("DELETE", f"/flight_plans/{flight}")).status_code == 404


async def test_a_flight_that_was_never_planned_may_begin_where_nobody_is(driver: Driver) -> None:
    result, status, answer = await driver.fly(HERE, "InUse")
    assert (result, status, await driver.states()) == (COMPLETED, "OkToFly", ["Activated"]), answer
    landed = await driver.fly(HERE, "Planned", answer["id"])
    assert landed[:2] == (REJECTED, "OkToFly")
    assert "in the air" in landed[2]["notes"]
    assert (await driver.fly((), "Closed", answer["id"]))[:2] == (COMPLETED, "Closed")
    await nothing_stays(driver)
    assert (await driver.fly((), "Closed", answer["id"]))[:2] == (REJECTED, "NotPlanned")


async def test_who_gives_way_is_said(driver: Driver) -> None:
    await driver.supplier.place(driver.holder, HERE)
    result, status, answer = await driver.fly(HIGHER, priority=1)
    assert (result, status) == (COMPLETED, "Planned"), answer
    assert answer["includes_advisories"] == "AtLeastOneAdvisoryOrCondition"
    assert "give way" in answer["notes"]
    alone = await driver.fly(ABOVE, priority=2)
    assert alone[2]["includes_advisories"] == "AtLeastOneAdvisoryOrCondition"  # It meets HIGHER.
    apart = await driver.fly((volume(band=(2_000.0, 2_100.0)),))
    assert apart[2]["includes_advisories"] == "NoAdvisoriesOrConditions"
    assert "notes" not in apart[2]


# ---- what is refused


def changed(old: Volume4D, **how: Any) -> Volumes:
    return (replace(old, **how),)


def _crossing() -> Volumes:
    cross = Polygon(
        vertices=(
            LatLng(39.0, -121.0),
            LatLng(39.02, -120.98),
            LatLng(39.02, -121.0),
            LatLng(39.0, -120.98),
        )
    )
    return (replace(HERE[0], volume=replace(HERE[0].volume, outline=cross)),)


WRONG = {
    "starts in 32 days": (volume(at=(32 * 1_440, 32 * 1_440 + 45)),),
    "has ended": (volume(at=(-600, -300)),),
    "leaves the area": (volume(lng=-110.0),),
    "crosses itself": _crossing(),
    "is nowhere": (),
    "has too many volumes": HERE * 1_001,
}


async def test_what_no_plan_may_be_is_refused_by_the_checks_of_every_plan(pool: Driver) -> None:
    for wrong, volumes in WRONG.items():
        for usage in ("Planned", "InUse"):
            case = f"{wrong}, {usage}"
            result, status, answer = await pool.fly(volumes, usage)
            assert (result, status) == (REJECTED, "NotPlanned"), case
            assert answer["notes"], case
            await nothing_stays(pool)
            planned = await pool.fly(HERE, flight=answer["id"])
            assert planned[:2] == (COMPLETED, "Planned"), case
            refused = await pool.fly(volumes, usage, answer["id"])
            assert refused[:2] == (REJECTED, "Planned"), case
            assert await pool.states() == ["Accepted"], case
            assert await pool.close(answer["id"]) == (COMPLETED, "Closed")


@pytest.mark.parametrize("usage", ["Planned", "InUse"])
async def test_a_flight_in_somebodys_way_is_refused_and_nothing_of_it_stays(
    driver: Driver, usage: str
) -> None:
    entity = await driver.supplier.place(driver.holder, HERE)
    result, status, answer = await driver.fly(HIGHER, usage)
    assert (result, status) == (REJECTED, "NotPlanned")
    assert "drones" in answer["notes"]
    await nothing_stays(driver)
    clear = await driver.fly(ABOVE, usage, answer["id"])
    assert clear[0] == COMPLETED, "refused once, asked for again under the same id"
    again = await driver.fly(HIGHER, usage, answer["id"])
    assert again[:2] == (REJECTED, clear[1])
    view = (await driver.side.up.plans.plans(ended=False))[0]
    assert (view.altitude_m_min, len(await driver.standing())) == (801.0, 1)
    assert driver.supplier.told == [] or entity  # It may have been told of what stands.


async def test_a_driver_that_takes_nothing_back_is_caught(
    driver: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control of all tests that look whether anything stays."""

    async def left(self: FlightPlanning, plan_id: str, wait_s: float) -> bool:
        return True

    monkeypatch.setattr(FlightPlanning, "_gone", left)
    await driver.supplier.place(driver.holder, HERE)
    assert (await driver.fly(HIGHER))[:2] == (REJECTED, "NotPlanned")
    with pytest.raises(AssertionError):
        await nothing_stays(driver)


async def test_own_flights_keep_apart_as_all_others(driver: Driver) -> None:
    assert (await driver.fly(HERE))[0] == COMPLETED
    tiny = volume(band=(800.0, 900.0))
    assert (await driver.fly((tiny,)))[:2] == (REJECTED, "NotPlanned")  # They touch.
    apart = volume(band=(800.001, 900.0))
    assert (await driver.fly((apart,)))[:2] == (COMPLETED, "Planned")
    assert len(await driver.standing()) == 2


@pytest.mark.parametrize(
    ("where", "fault"), [("pool", "missing"), ("own", "malformed"), ("pool", "of another")]
)
async def test_where_details_are_not_to_be_had_nothing_is_planned(
    tmp_path: Path, where: str, fault: str
) -> None:
    async with driven(where, tmp_path) as driver:
        entity = await driver.supplier.place(driver.holder, HIGHER)
        served = driver.supplier.details.pop(entity)
        if fault == "malformed":
            driver.supplier.details[entity] = b'{"operational_intent": {"reference": 7}}'
        elif fault == "of another":
            intent = served["operational_intent"]
            other = {**intent["reference"], "id": str(uuid4())}
            driver.supplier.details[entity] = {"operational_intent": {**intent, "reference": other}}
        result, status, answer = await driver.fly(HERE)
        assert (result, status) == (REJECTED, "NotPlanned")
        assert "not to be had" in answer["notes"], answer
        await nothing_stays(driver)
        driver.supplier.details[entity] = served
        above_it = await driver.fly(HERE, flight=answer["id"], priority=1)
        assert above_it[:2] == (COMPLETED, "Planned"), above_it


async def test_a_register_that_is_silent_is_our_failure_and_nothing_stays(pool: Driver) -> None:
    await pool.holder.deafen()
    result, status, answer = await pool.fly(HERE)
    assert (result, status) == ("Failed", "NotPlanned"), answer
    assert answer["notes"]
    cleared = await pool.ask("POST", "/clear_area_requests", clearing())
    assert not cleared.json()["outcome"]["success"]
    assert "pool" in cleared.json()["outcome"]["message"]
    await pool.holder.listen()
    await until(lambda: pool.side.up.plans.plans(ended=False), lambda views: not views)
    assert await pool.standing() == []


# ---- who comes later


async def test_a_displaced_flight_stays_planned_and_flies_once_the_way_is_clear(
    driver: Driver,
) -> None:
    flight = (await driver.fly(HERE))[2]["id"]
    entity = await driver.supplier.place(driver.holder, HIGHER, priority=5)
    await driver.supplier.notify(entity)
    await driver.side.until(flight, lambda view: view.status is Status.DISPLACED)
    told = await driver.ask("GET", "/user_notifications?after=2020-01-01T00:00:00Z")
    assert [one["conflicts"] for one in told.json()["user_notifications"]] == ["Single"]
    after = told.json()["user_notifications"][0]["observed_at"]["value"]
    for query, count in [
        (f"after={after}", 1),
        (f"after={_shifted(after)}", 0),
        (f"after=2020-01-01T00:00:00Z&before={after}", 1),
        ("after=2020-01-01T00:00:00Z&before=2020-01-02T00:00:00Z", 0),
    ]:
        found = await driver.ask("GET", f"/user_notifications?{query}")
        assert len(found.json()["user_notifications"]) == count, query
    for usage in ("Planned", "InUse"):
        assert (await driver.fly(HERE, usage, flight))[:2] == (REJECTED, "Planned"), usage
    assert await driver.states() == ["Accepted"]
    await gone(driver, entity)
    assert (await driver.fly(HERE, "InUse", flight))[:2] == (COMPLETED, "OkToFly")


async def test_in_the_air_what_was_met_may_be_met_on_but_nothing_new(driver: Driver) -> None:
    flight = (await driver.fly(HERE, "InUse"))[2]["id"]
    entity = await driver.supplier.place(driver.holder, HIGHER, priority=5)
    await driver.supplier.notify(entity)
    await driver.side.until(flight, lambda view: view.status is Status.DISPLACED)
    kept = await driver.fly((volume(band=(550.0, 850.0)),), "InUse", flight)
    assert kept[:2] == (COMPLETED, "OkToFly"), kept
    assert kept[2]["includes_advisories"] == "AtLeastOneAdvisoryOrCondition"
    await driver.supplier.place(
        driver.holder, (volume(band=(1_000.0, 1_100.0)),), priority=5, entity=str(uuid4())
    )
    more = await driver.fly((volume(band=(550.0, 1_000.0)),), "InUse", flight)
    assert more[:2] == (REJECTED, "OkToFly"), more
    view = await driver.side.up.plans.plan(flight)
    assert (view.altitude_m_max, view.state) == (850.0, "Activated")
    (reference,) = await driver.standing()
    assert reference["state"] == "Activated"


# ---- what only might be, and what is


async def test_what_is_hypothetical_writes_nothing(driver: Driver) -> None:
    async def written() -> tuple[int, int, int]:
        views = await driver.side.up.plans.plans(ended=True)
        bounds = await driver.side.up.events.bounds()
        return len(views), bounds[1], len(await driver.standing())

    await driver.supplier.place(driver.holder, HERE)
    refused = await driver.fly(HIGHER)  # Now it is known.
    before = await written()
    assert (await driver.fly(HIGHER, style="Hypothetical"))[:2] == (REJECTED, "NotPlanned")
    assert (await driver.fly(ABOVE, style="Hypothetical"))[:2] == (COMPLETED, "Planned")
    assert (await driver.fly(ABOVE, "InUse", style="Hypothetical"))[:2] == (COMPLETED, "OkToFly")
    for what in ({"usage": "Closed"}, {"usage": "InUse", "uas": "OffNominal"}):
        found = await driver.fly(ABOVE, style="Hypothetical", **what)
        assert found[:2] == (REJECTED, "NotPlanned"), what
    assert await written() == before
    flight = (await driver.fly(ABOVE, flight=refused[2]["id"]))[2]["id"]
    before = await written()
    own = await driver.fly((*ABOVE, volume(at=(60, 90))), flight=flight, style="Hypothetical")
    assert own[:2] == (REJECTED, "Planned"), "from 60 to 90 min HERE is met at its last instant"
    later = (volume(at=(61, 90)),)
    own = await driver.fly((*ABOVE, *later), flight=flight, style="Hypothetical")
    assert own[:2] == (COMPLETED, "Planned"), "it is not in its own way"
    ends = await driver.fly(ABOVE, "Closed", flight, style="Hypothetical")
    assert ends[:2] == (COMPLETED, "Closed")
    strays = await driver.fly(ABOVE, "InUse", flight, uas="OffNominal", style="Hypothetical")
    assert strays[:2] == (COMPLETED, "OffNominal")
    assert await written() == before


async def test_what_happens_in_reality_is_told_even_if_it_was_refused(driver: Driver) -> None:
    await driver.supplier.place(driver.holder, HERE)
    flight = (await driver.fly(ABOVE))[2]["id"]
    real = await driver.fly(HIGHER, "InUse", flight, style="InReality")
    assert real[:2] == (COMPLETED, "OffNominal"), real
    assert await driver.states() == ["Nonconforming"]
    clear = await driver.fly(ABOVE, "InUse", flight, style="InReality")
    assert clear[:2] == (COMPLETED, "OkToFly")
    nowhere = await driver.fly(HIGHER, "InUse", style="InReality")
    assert nowhere[:2] == ("NotSupported", "NotPlanned")
    strayed = await driver.fly(HIGHER, "InUse", uas="OffNominal")
    assert strayed[:2] == (REJECTED, "NotPlanned")
    assert len(await driver.standing()) == 1


# ---- the director


def clearing(where: Volume4D = HERE[0], **how: Any) -> dict[str, Any]:
    extent = msgspec.to_builtins(convert.to_wire(where))
    return {"request_id": str(uuid4()), "extent": {**extent, **how}}


async def test_clearing_ends_what_is_there_strays_too_and_nothing_else(driver: Driver) -> None:
    inside = (await driver.fly(HERE))[2]["id"]
    outside = (await driver.fly((volume(band=(801.0, 802.0)),)))[2]["id"]
    (place,) = driver.side.up.planner.places
    stray = str(uuid4())
    parameters = wire.PutOperationalIntentReferenceParameters(
        extents=convert.volumes_to_wire((volume(at=(61, 90)),)),
        key=(),
        state=IntentState.ACCEPTED,
        uss_base_url=driver.side.party.url,
        new_subscription=wire.ImplicitSubscriptionParameters(
            uss_base_url=driver.side.party.url, notify_for_constraints=True
        ),
    )
    written = await place.port.put_intent(stray, None, parameters)
    assert written.reference is not None, written
    foreign = await driver.supplier.place(driver.holder, (volume(at=(100, 110)),))
    answer = await driver.ask("POST", "/clear_area_requests", clearing(volume(at=(60, 120))))
    assert answer.json() == {"outcome": {"success": True, "message": ""}}
    left = {view.id for view in await driver.side.up.plans.plans(ended=False)}
    assert (left, len(await driver.standing())) == ({outside}, 1)
    open_ended = clearing(time_start=None, time_end=None)
    answer = await driver.ask("POST", "/clear_area_requests", open_ended)
    assert answer.json()["outcome"]["success"]
    assert {view.id for view in await driver.side.up.plans.plans(ended=False)} == {outside}
    everything = clearing(volume(band=(-500.0, 9_000.0), at=(-60, 600)))
    assert (await driver.ask("POST", "/clear_area_requests", everything)).status_code == 200
    await nothing_stays(driver)
    assert (
        await driver.supplier.ask(
            "GET", f"{driver.holder.party.url}/dss/v1/operational_intent_references/{foreign}"
        )
    ).status_code == 200, "what is others' is theirs"
    assert (await driver.ask("DELETE", f"/flight_plans/{inside}")).status_code == 404


async def test_a_flight_outlives_the_node(driver: Driver) -> None:
    flight = (await driver.fly(HERE, "InUse"))[2]["id"]
    await driver.side.restart()
    await ready(driver.side)
    assert (await driver.fly(HIGHER, "InUse", flight))[:2] == (COMPLETED, "OkToFly")
    assert await driver.close(flight) == (COMPLETED, "Closed")
    await nothing_stays(driver)


async def test_a_request_that_comes_twice_is_answered_twice_and_done_once(driver: Driver) -> None:
    flight, asked = str(uuid4()), request(HERE)
    answers = [await driver.ask("PUT", f"/flight_plans/{flight}", asked) for _ in range(2)]
    assert answers[0].content == answers[1].content
    assert len(await driver.standing()) == 1
    other = {**asked, "execution_style": "InReality"}
    assert (await driver.ask("PUT", f"/flight_plans/{flight}", other)).status_code == 409
    elsewhere = await driver.ask("PUT", f"/flight_plans/{uuid4()}", asked)
    assert elsewhere.status_code == 409


async def test_one_request_at_a_time_for_a_flight(pool: Driver) -> None:
    flight = str(uuid4())
    await pool.holder.deafen()  # The first one waits.
    first = asyncio.create_task(pool.fly(HERE, flight=flight))
    while not await pool.side.up.plans.plans(ended=False):
        await asyncio.sleep(0.005)
    for method in ("PUT", "DELETE"):
        answer = await pool.ask(method, f"/flight_plans/{flight}", request(HERE))
        assert answer.status_code == 409, answer.text
    await pool.holder.listen()
    assert (await first)[:2] == (COMPLETED, "Planned")
    assert await pool.close(flight) == (COMPLETED, "Closed")


async def gone(driver: Driver, entity: str) -> None:
    """Delete the supplier's intent, and tell those concerned."""
    reference = driver.supplier.details[entity]["operational_intent"]["reference"]
    path = f"/dss/v1/operational_intent_references/{entity}/{reference['ovn']}"
    answer = await driver.supplier.ask("DELETE", driver.holder.party.url + path)
    assert answer.status_code == 200, answer.text
    for one in answer.json()["subscribers"]:
        body = {"operational_intent_id": entity, "subscriptions": one["subscriptions"]}
        await driver.supplier.ask(
            "POST",
            f"{one['uss_base_url']}/uss/v1/operational_intents",
            msgspec.json.encode(body),
        )


def _shifted(text: str) -> str:
    moment = convert.moment(wire.Time(value=text, format="RFC3339"), "x", round_up=False)
    return convert.to_time(moment + timedelta(microseconds=1)).value


async def test_planning_by_hand_and_by_test_are_the_same_plan(driver: Driver) -> None:
    view = await driver.side.declare(plan(-121, "HAND"))
    assert (await driver.fly(ABOVE, flight=view.id))[:2] == (COMPLETED, "Planned")
    shown = await driver.side.up.plans.plan(view.id)
    assert (shown.callsign, shown.altitude_m_min) == ("HAND", 801.0)

"""Notifications between nodes: taken in once, refused with the reason, owed until they are told."""

from collections.abc import AsyncIterator
from dataclasses import fields, replace
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from outsider import Outsider, outside
from sky import Side, Sky, flying, make_sky, plan, until

from tansiq.f3548 import codec, convert, wire
from tansiq.peers.register_client import MANAGEMENT, PROCESSING, STRATEGIC
from tansiq.services.airspace import Known
from tansiq.services.views import PlanView, Status
from tansiq.storage.plans import Views

pytestmark = pytest.mark.anyio
Told = tuple[Sky, Outsider]


@pytest.fixture(scope="module")
async def told(anyio_backend: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Told]:
    sky = make_sky(tmp_path_factory.mktemp("told"))
    async with outside(sky) as outsider, flying(sky):
        yield sky, outsider


async def _post(
    sender: Side, receiver: Side, body: object, *, kind: str = "operational_intents"
) -> tuple[int, str]:
    """Send a notification about the gate's register as a party; return status and message."""
    url = f"{receiver.party.url}/at/north/uss/v1/{kind}"
    scope = STRATEGIC if kind == "operational_intents" else MANAGEMENT
    content = body if isinstance(body, bytes) else msgspec.json.encode(body)
    answer = await sender.up.link.call("POST", url, scope=scope, body=content)
    return answer.status, answer.body.decode()


async def _details(asker: Side, owner: Side, view: PlanView) -> dict[str, Any]:
    url = f"{owner.party.url}/at/north/uss/v1/operational_intents/{view.intent_id}"
    answer = await asker.up.link.call("GET", url, scope=STRATEGIC)
    assert answer.status == 200
    found: dict[str, Any] = msgspec.json.decode(answer.body)
    return found


def _known(side: Side, entity: str) -> Known | None:
    return side.up.planner.judging.airspace.get("north", entity)


async def _stored(side: Side, entity: str) -> bytes | None:
    row = await side.up.store.read(lambda tx: Views(tx).get("north", entity))
    return None if row is None else row.document


async def _now(value: Any) -> Any:
    return value


def _message(details: dict[str, Any]) -> dict[str, Any]:
    entity = details["operational_intent"]["reference"]["id"]
    return {"operational_intent_id": entity, "subscriptions": [], **details}


async def test_what_is_answered_with_204_is_on_disk_and_repeats_change_nothing(
    told: Told, lat: float
) -> None:
    north, south = told[0]["north"], told[0]["south"]
    view = await south.declare(plan(-121, "ALPHA", lat=lat))
    body = _message(await _details(north, south, view))
    for _ in range(3):
        assert await _post(south, north, body) == (204, "")
        stored = await _stored(north, view.intent_id)
        assert stored is not None
        assert codec.decode(stored, wire.OperationalIntent, bytes_max=10**6) == msgspec.convert(
            body["operational_intent"], wire.OperationalIntent
        )
    assert (await south.settled(view.id)).status is Status.COORDINATED


async def test_an_older_version_does_not_replace_a_newer_one(told: Told, lat: float) -> None:
    north, south = told[0]["north"], told[0]["south"]
    view = await south.declare(plan(-121, "ALPHA", lat=lat))
    old = _message(await _details(north, south, view))
    await south.up.plans.change(view.id, plan(-121, "ALPHA", lat=lat, at=(90, 120)))
    await south.until(view.id, lambda v: v.registers[0].holds == "current"
                      and v.time_start != view.time_start)  # fmt: skip
    newest = (await _details(north, south, view))["operational_intent"]["reference"]["version"]
    await until(lambda: _now(_known(north, view.intent_id)), lambda k: k.version == newest)
    status, message = await _post(south, north, old)
    assert status == 409
    assert f"version {newest}" in message
    known = _known(north, view.intent_id)
    assert known is not None
    assert known.version == newest


async def test_nobody_speaks_for_another(told: Told, lat: float) -> None:
    sky, outsider = told
    north, south = sky["north"], sky["south"]
    view = await south.declare(plan(-121, "ALPHA", lat=lat))
    body = _message(await _details(north, south, view))
    await until(lambda: _now(_known(north, view.intent_id)), bool)
    url = f"{north.party.url}/at/north/uss/v1/operational_intents"
    for message in (body, {**body, "operational_intent": None}):
        answer = await outsider.ask("POST", url, msgspec.json.encode(message))
        assert answer.status_code == 403
        assert "south" in answer.json()["message"]
    assert _known(north, view.intent_id) is not None
    # Of what is not known yet the reference's manager decides.
    fresh = {**body, "operational_intent_id": str(uuid4())}
    fresh["operational_intent"] = {
        **body["operational_intent"],
        "reference": {
            **body["operational_intent"]["reference"],
            "id": fresh["operational_intent_id"],
        },
    }
    answer = await outsider.ask("POST", url, msgspec.json.encode(fresh))
    assert answer.status_code == 403
    assert _known(north, fresh["operational_intent_id"]) is None


async def test_malformed_notifications_name_the_field_and_change_nothing(
    told: Told, lat: float
) -> None:
    north, south = told[0]["north"], told[0]["south"]
    view = await south.declare(plan(-121, "ALPHA", lat=lat))
    before = await until(lambda: _now(_known(north, view.intent_id)), bool)

    def spoilt(path: list[str | int], value: Any) -> bytes:
        body = msgspec.json.decode(msgspec.json.encode(good))
        part = body
        for step in path[:-1]:
            part = part[step]
        part[path[-1]] = value
        return msgspec.json.encode(body)

    good = _message(await _details(north, south, view))
    intent: list[str | int] = ["operational_intent"]
    first: list[str | int] = [*intent, "details", "volumes", 0]
    cases = [
        (b"", "body"),
        (b"[]", "object"),
        (spoilt(["operational_intent_id"], "7"), "operational_intent_id"),
        (spoilt(["operational_intent_id"], str(uuid4())), "names another entity"),
        (spoilt([*intent, "reference", "id"], str(uuid4())), "names another entity"),
        (spoilt([*intent, "reference", "ovn"], None), "without their OVN"),
        (spoilt([*first, "time_start", "value"], "noon"), "time_start"),
        (spoilt([*first, "volume", "altitude_lower", "value"], 90_000), "altitude_lower"),
        (spoilt([*first, "volume", "outline_circle"], None), "outline"),
    ]  # fmt: skip
    for body, why in cases:
        status, message = await _post(south, north, body)
        assert status == 400, (why, message)
        assert why in message, message
    after = _known(north, view.intent_id)
    assert after is not None
    # A look at the register may meanwhile have confirmed what the good notification told.
    differs = {
        field.name: (getattr(before, field.name), getattr(after, field.name))
        for field in fields(Known)
        if field.compare and getattr(before, field.name) != getattr(after, field.name)
    }
    assert after in (before, replace(before, told=False)), differs
    url = f"{north.party.url}/at/nowhere/uss/v1/operational_intents"
    answer = await south.up.link.call("POST", url, scope=STRATEGIC, body=spoilt(["x"], 1))
    assert answer.status == 404
    assert (await south.up.link.call("POST", url, scope=PROCESSING, body=b"{}")).status == 403


async def test_an_end_is_told_too_and_telling_it_twice_is_harmless(told: Told, lat: float) -> None:
    north, south = told[0]["north"], told[0]["south"]
    view = await south.declare(plan(-121, "ALPHA", lat=lat))
    await until(lambda: _now(_known(north, view.intent_id)), bool)
    await south.up.plans.end(view.id)
    await until(lambda: _now(_known(north, view.intent_id)), lambda known: known is None)
    assert await _stored(north, view.intent_id) is None
    gone = {"operational_intent_id": view.intent_id, "subscriptions": []}
    assert await _post(south, north, gone) == (204, "")
    preview = await north.up.plans.preview(plan(-121, "BRAVO", lat=lat))
    assert preview.reason is None


async def test_a_lie_about_a_plan_that_stands_nowhere_refuses_nobody(
    told: Told, lat: float
) -> None:
    """A blocker is confirmed at the register before it counts."""
    sky, outsider = told
    north, south = sky["north"], sky["south"]
    ghost = str(uuid4())
    reference = wire.OperationalIntentReference(
        id=ghost,
        manager="drones",
        uss_availability=wire.UssAvailabilityState.UNKNOWN,
        version=1,
        state="Accepted",  # type: ignore[arg-type]
        ovn="0123456789abcdef",
        time_start=convert.to_time(plan(lat=lat).volumes[0].time.start),
        time_end=convert.to_time(plan(lat=lat).volumes[0].time.end),
        uss_base_url=outsider.url,
        subscription_id=wire.NO_SUBSCRIPTION,
    )
    volumes = convert.volumes_to_wire(plan(-121, lat=lat).volumes)
    details = wire.OperationalIntentDetails(volumes=volumes, priority=7)
    body = wire.PutOperationalIntentDetailsParameters(
        operational_intent_id=ghost,
        subscriptions=(),
        operational_intent=wire.OperationalIntent(reference=reference, details=details),
    )
    for side in (north, south):
        for register in ("north", "south"):
            url = f"{side.party.url}/at/{register}/uss/v1/operational_intents"
            answer = await outsider.ask("POST", url, body)
            assert answer.status_code == 204
        view = await side.declare(plan(-121, "ALPHA", lat=lat, at=(0, 60)))
        assert view.status is Status.COORDINATED, view.reason
        await side.up.plans.end(view.id)
        await side.settled(view.id)


async def test_who_has_not_been_reached_is_shown_and_told_later_even_after_a_restart(
    told: Told, lat: float
) -> None:
    sky, outsider = told
    north = sky["north"]
    await outsider.subscribe(north, plan(-121, lat=lat).volumes)
    outsider.answer_status = 503
    try:
        view = await north.declare(plan(-121, "ALPHA", lat=lat))
        assert view.status is Status.COORDINATED, "telling others does not hold up the plan"
        shown = await north.until(view.id, lambda v: "503" in "".join(v.not_reached))
        (name,) = shown.not_reached
        assert name.startswith(outsider.url)
        await north.up.plans.change(view.id, plan(-121, "ALPHA", lat=lat, at=(0, 70)))
        await north.settled(view.id)
        await north.restart()
        again = await north.until(view.id, lambda v: "503" in "".join(v.not_reached))
        assert again.status is Status.COORDINATED
    finally:
        outsider.told.clear()
        outsider.answer_status = 204
    versions = await until(lambda: _now(_versions(outsider, view)), lambda found: len(found) >= 2)
    assert versions == sorted(versions), "each in its order"
    await north.until(view.id, lambda v: not v.not_reached)


def _versions(outsider: Outsider, view: PlanView) -> list[int]:
    return [
        body["operational_intent"]["reference"]["version"]
        for _, body in outsider.told
        if body["operational_intent_id"] == view.intent_id
    ]


async def test_who_refuses_a_notification_is_not_asked_for_ever(told: Told, lat: float) -> None:
    sky, outsider = told
    north = sky["north"]
    await outsider.subscribe(north, plan(-121, lat=lat).volumes)
    outsider.answer_status = 409
    try:
        view = await north.declare(plan(-121, "ALPHA", lat=lat))
        await north.until(view.id, lambda v: not v.not_reached)
    finally:
        outsider.answer_status = 204
    mine = [b for _, b in outsider.told if b["operational_intent_id"] == view.intent_id]
    assert len(mine) <= 1

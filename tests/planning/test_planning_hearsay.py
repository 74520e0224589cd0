"""What a supplier tells of and no register shows: kept within a share, and in nobody's way."""

from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from outsider import Outsider
from pool import pooled
from sky import TIMERS, Side, plan, until

from tansiq.f3548 import convert
from tansiq.services.views import Status
from tansiq.settings import Limits
from tansiq.storage.plans import Views

pytestmark = pytest.mark.anyio


async def _tell(outsider: Outsider, side: Side, like: str, entity: str | None = None) -> str:
    """Notify of an intent that stands nowhere, made after one that does."""
    entity = entity or str(uuid4())
    volumes = msgspec.to_builtins(convert.volumes_to_wire(plan(-121).volumes))
    span = {name: volumes[0][name] for name in ("time_start", "time_end")}
    real = outsider.details[like]["operational_intent"]["reference"]
    reference = {**real, "id": entity, "ovn": str(uuid4()), **span}
    body = {
        "operational_intent_id": entity,
        "subscriptions": [],
        "operational_intent": {
            "reference": reference,
            "details": {"volumes": volumes, "priority": 0},
        },
    }
    url = f"{side.party.url}/uss/v1/operational_intents"
    answer = await outsider.ask("POST", url, msgspec.json.encode(body))
    assert answer.status_code == 204, answer.text
    return entity


async def _kept(side: Side) -> set[str]:
    """Return the foreign intents in the store, which are those in memory."""
    rows = await side.up.events.store.read(lambda tx: Views(tx).all())
    stored = {row.entity for row in rows if not row.own}
    known = {k.id for k in side.up.planner.judging.airspace.at("pool").values() if not k.own}
    assert stored == known
    return stored


async def _limited(side: Side, **how: Any) -> None:
    side.settings = replace(side.settings, limits=replace(Limits(), **how))
    await side.restart()
    (place,) = side.up.planner.places

    async def read() -> bool:
        return bool(place.reachable)

    await until(read, bool)


@pytest.mark.parametrize("kind", ["operational_intent", "constraint"])
async def test_what_we_are_about_to_place_nobody_tells_us_of(tmp_path: Path, kind: str) -> None:
    """Its id is seen at the gate before others hold it, and nothing is known of it there by
    then: somebody else's word would stand in the place of what we are to serve.
    """
    async with pooled(tmp_path) as (sky, drones):
        north = sky["north"]
        real = await drones.place(sky["dss"], plan(-121, at=(600, 660)).volumes)
        await sky["dss"].deafen()
        if kind == "constraint":
            entity = (await north.up.constraints.submit(plan(-121, "CLOSED"))).id
        else:
            entity = (await north.up.plans.submit(plan(-121, "ALPHA"))).intent_id
        reference = drones.details[real]["operational_intent"]["reference"]
        volumes = msgspec.to_builtins(convert.volumes_to_wire(plan(-121, at=(600, 660)).volumes))
        details = {"volumes": volumes, "type": "x", "priority": 0}
        told = {"reference": {**reference, "id": entity, "version": 9}, "details": details}
        body = {f"{kind}_id": entity, "subscriptions": [], kind: told}
        url = f"{north.party.url}/uss/v1/{kind}s"
        answer = await drones.ask("POST", url, msgspec.json.encode(body))
        assert (answer.status_code, "managed here" in answer.text) == (403, True), answer.text
        assert entity not in await _kept(north)
        await sky["dss"].listen()
        holder = north.up.plans if kind == "operational_intent" else north.up.constraints
        view = await until(
            lambda: _only(holder), lambda v: all(r.holds == "current" for r in v.registers)
        )
        assert view.registers


async def _only(holder: Any) -> Any:
    """Return the one plan or no-go area."""
    found = await (holder.plans if hasattr(holder, "plans") else holder.list)(ended=False)
    return found[0]


async def test_the_oldest_is_forgotten_and_what_a_register_shows_is_not(tmp_path: Path) -> None:
    timers = replace(TIMERS, sweep_s=3_600)
    async with pooled(tmp_path, timers=timers) as (sky, drones):
        north = sky["north"]
        await _limited(north, hearsay_max=4)
        real = await drones.place(sky["dss"], plan(-121, at=(600, 660)).volumes)
        await drones.notify(real)
        view = await north.declare(plan(-121, "MEETS", at=(600, 660)))
        assert view.status is Status.REFUSED, "the register has shown it by now"
        told = [await _tell(drones, north, real) for _ in range(4)]
        assert await _kept(north) == {real, *told}
        told.append(await _tell(drones, north, real))
        assert await _kept(north) == {real, *told[1:]}
        await _tell(drones, north, real, told[1])  # Told again, it is the latest.
        told.append(await _tell(drones, north, real))
        assert await _kept(north) == {real, told[1], *told[3:]}
        # None of it stands anywhere, so none of it is in the way.
        assert (await north.declare(plan(-121, "ALPHA"))).status is Status.COORDINATED
        assert await _kept(north) == {real}


async def test_their_messages_have_a_share_too(tmp_path: Path) -> None:
    async with pooled(tmp_path) as (sky, drones):
        north = sky["north"]
        real = await drones.place(sky["dss"], plan(-121, at=(600, 660)).volumes)
        first = await _tell(drones, north, real)
        rows = await north.up.events.store.read(lambda tx: Views(tx).all())
        size = next(len(row.document) for row in rows if row.entity == first)
        for share, left in ((3 * size, 3), (3 * size - 1, 2)):
            await _limited(north, hearsay_bytes_max=share)
            before = await _kept(north)
            told = [await _tell(drones, north, real) for _ in range(5)]
            assert await _kept(north) - before == set(told[-left:])


async def test_many_that_stand_nowhere_hold_up_no_plan(tmp_path: Path) -> None:
    async with pooled(tmp_path) as (sky, drones):
        north = sky["north"]
        real = await drones.place(sky["dss"], plan(-121, at=(600, 660)).volumes)
        for _ in range(60):
            await _tell(drones, north, real)
        assert (await north.declare(plan(-121, "ALPHA"))).status is Status.COORDINATED

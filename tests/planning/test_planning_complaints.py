"""Reports of trouble: who gets which, how often, and that nobody waits for them."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from outsider import Outsider
from pool import pooled
from sky import TIMERS, ShiftedClock, Side, plan, until

from tansiq.f3548 import codec, wire
from tansiq.services.planning.complaints import EVERY
from tansiq.services.views import Status

pytestmark = pytest.mark.anyio


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[tuple[Side, Side, Outsider, ShiftedClock]]:
    clock = ShiftedClock()
    async with pooled(tmp_path, clock=clock, timers=replace(TIMERS, peer_request_s=2.0)) as (
        sky,
        drones,
    ):
        (place,) = sky["north"].up.planner.places
        await until(lambda: _now(place.reachable), bool)
        yield sky["north"], sky["dss"], drones, clock


async def _now(value: Any) -> Any:
    return value


def _reports(drones: Outsider) -> list[wire.ExchangeRecord]:
    return [
        msgspec.convert(body, wire.ErrorReport).exchange
        for path, body in drones.told
        if path == "/uss/v1/reports"
    ]


async def _filed(dss: Side) -> list[wire.ExchangeRecord]:
    rows = await dss.up.store.read(lambda tx: tx.fetch("SELECT body FROM report", {}))
    found = [codec.decode(row[0], wire.ErrorReport, bytes_max=10**6) for row in rows]
    return [report.exchange for report in found]


async def _stop(side: Side, name: str, at: tuple[float, float]) -> str:
    view = await side.up.plans.submit(plan(-121, name, at=at))
    told = await side.until(view.id, lambda v: "are not to be had" in (v.reason or ""))
    assert not told.coordinated
    return view.id


async def _asks_on(drones: Outsider) -> None:
    """Wait until details were asked for some more times, with pauses in between."""
    asked = drones.asked
    await until(lambda: _now(drones.asked), lambda now: now >= asked + 4)


async def test_who_answers_wrongly_is_told_once_an_hour(
    world: tuple[Side, Side, Outsider, ShiftedClock],
) -> None:
    north, dss, drones, clock = world
    entity = await drones.place(dss, plan(-121).volumes)
    good, drones.details[entity] = drones.details[entity], b"{}"
    drones.answer_status = 201
    stopped = await _stop(north, "ALPHA", (0, 60))
    (exchange,) = await until(lambda: _now(_reports(drones)), bool)
    assert exchange.url == f"{drones.url}/uss/v1/operational_intents/{entity}"
    assert (exchange.method, exchange.recorder_role) == ("GET", "Client")
    assert (exchange.request_source, exchange.response_code) == ("north", 200)
    assert "operational_intent" in (exchange.problem or "")
    assert exchange.headers == ("Authorization: Bearer (withheld)",)
    assert exchange.response_time is not None
    await _asks_on(drones)
    assert len(_reports(drones)) == 1
    clock.ahead = EVERY - timedelta(seconds=30)
    await _asks_on(drones)
    assert len(_reports(drones)) == 1
    clock.ahead = EVERY + timedelta(seconds=30)
    await until(lambda: _now(_reports(drones)), lambda found: len(found) == 2)
    assert await _filed(dss) == [], "the register has nothing to do with it"
    drones.details[entity] = good
    assert (await north.settled(stopped)).status is Status.REFUSED


async def test_of_silence_the_register_is_told(
    world: tuple[Side, Side, Outsider, ShiftedClock],
) -> None:
    north, dss, drones, _ = world
    entity = await drones.place(dss, plan(-121).volumes)

    over = asyncio.Event()

    async def silent(_: str) -> Any:
        await over.wait()

    drones.answer_details = silent  # type: ignore[method-assign]
    await _stop(north, "ALPHA", (0, 60))
    (exchange,) = await until(lambda: _filed(dss), bool)
    assert exchange.url.endswith(entity)
    assert exchange.response_code is None
    assert exchange.response_time is None
    assert "did not answer" in (exchange.problem or "")
    assert _reports(drones) == []
    over.set()


async def test_whoever_does_not_take_a_report_stops_nothing(
    world: tuple[Side, Side, Outsider, ShiftedClock],
) -> None:
    north, dss, drones, _ = world
    entity = await drones.place(dss, plan(-121).volumes)
    good, drones.details[entity] = drones.details[entity], b"{}"
    drones.answer_status = 500
    stopped = await _stop(north, "ALPHA", (0, 60))
    await until(lambda: _now(_reports(drones)), bool)
    drones.details[entity] = good
    assert (await north.settled(stopped)).status is Status.REFUSED

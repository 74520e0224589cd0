"""A plan that an equal meets, because nothing kept them apart, says so as long as both stand."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pool import become, mark
from sky import plan
from test_planning_down import OFTEN, World, _world

from tansiq.services.views import PlanView, Status

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["own", "peer's", "pool"])
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    async with _world(request.param, tmp_path, OFTEN) as found:
        yield found


async def _met(world: World) -> tuple[str, PlanView]:
    """Let a supplier come back to a plan of ours in its place."""
    entity = await world.supplier.place(world.holder, plan(-121).volumes)
    await mark(world.supplier, world.holder, "Down")
    equal = await world.side.declare(plan(-121, "EQUAL"))
    assert equal.status is Status.COORDINATED
    await mark(world.supplier, world.holder, "Normal")
    await world.side.until(equal.id, lambda v: bool(v.warnings))
    return entity, equal


async def _stays_warned(world: World, plan_id: str) -> None:
    for _ in range(30):  # Some sweeps long.
        view = await world.side.up.plans.plan(plan_id)
        assert view.warnings or not view.coordinated, "both stand, and nothing is said"
        await asyncio.sleep(0.02)


async def test_after_a_restart_too(world: World) -> None:
    _, equal = await _met(world)
    await world.side.restart()
    await world.side.until(equal.id, lambda v: bool(v.warnings))
    await _stays_warned(world, equal.id)


async def test_and_when_the_other_takes_off(world: World) -> None:
    entity, equal = await _met(world)
    await become(world.supplier, world.holder, entity, "Activated", plan(-121).volumes)
    for answer in await world.supplier.notify(entity):
        assert answer.status_code == 204
    await world.side.until(equal.id, lambda v: bool(v.warnings))
    await _stays_warned(world, equal.id)


async def test_and_no_longer(world: World) -> None:
    entity, equal = await _met(world)
    reference = world.supplier.details[entity]["operational_intent"]["reference"]
    path = f"operational_intent_references/{entity}/{reference['ovn']}"
    url = f"{world.holder.party.url}/dss/v1/{path}"
    assert (await world.supplier.ask("DELETE", url)).status_code == 200
    await world.side.until(equal.id, lambda v: not v.warnings)
    await world.side.restart()
    await asyncio.sleep(0.3)
    assert not (await world.side.up.plans.plan(equal.id)).warnings

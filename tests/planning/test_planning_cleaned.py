"""A reference of ours that the register has cleaned away is not taken for one that it has lost."""

import asyncio
import logging
from datetime import timedelta
from pathlib import Path

import pytest
from sky import NOON, ShiftedClock, plan, two

from tansiq.services.register.cleaning import Cleaning

pytestmark = pytest.mark.anyio


async def test_a_plan_whose_reference_was_cleaned_away_ends_and_is_not_written_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    async with two(tmp_path) as (north, south):
        view = await north.declare(plan(callsign="LATE-1"))
        assert view.status == "coordinated"
        for side in (north, south):
            side.clock = ShiftedClock()
            side.clock.ahead = NOON + timedelta(minutes=90) - side.clock.now()
            await side.restart()
        # Over, and not yet ended by its own node: now both registers clean up at once.
        for side in (north, south):
            assert side.clock is not None
            node = side.up
            limits = timedelta(minutes=10)
            cleaning = Cleaning(
                node.store, side.clock, node.housekeeping._cleaning._holdings, limits
            )
            assert await cleaning.run() >= 1
            assert not await node.store.read(lambda tx: tx.fetch("SELECT id FROM intent"))
        for side in (north, south):
            for register in ("north", "south"):
                side.up.upkeep.sweep_soon(register, "test")
        await asyncio.sleep(0.5)
        for side in (north, south):
            assert not await side.up.store.read(lambda tx: tx.fetch("SELECT id FROM intent"))
        assert (await north.up.plans.plan(view.id)).status == "coordinated"
        await north.up.plans.end(view.id)
        await north.until(view.id, lambda found: found.status == "ended")

"""Where the agreement says "hold", a plan waits for an answer to its notice."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from sky import TIMERS, Side, flying, make_sky, plan

from tansiq.domain.actor import Actor, Role
from tansiq.domain.pact import OnSilence, Silence
from tansiq.domain.thread import Thread
from tansiq.errors import WrongState
from tansiq.services.line.speaking import Words

pytestmark = pytest.mark.anyio

HOLD = Silence(plan=OnSilence.HOLD)


def actor(side: Side) -> Actor:
    name = str(side.party.id)
    return Actor(name=name, display_name=name.title(), initials="AB", role=Role.WATCH)


async def told(giver: Side, plan_id: str, to: Side) -> str:
    """Give a notice, and wait until it has arrived."""
    line = giver.up.voice.line
    (row,) = await line.notices.give(plan_id, [to.party.id], actor(giver))

    async def arrived() -> bool:
        board = to.up.voice.line.board
        await board.catch_up()
        return row.id in board.threads

    await until(arrived)
    return str(row.id)


async def until(there: Any) -> None:
    for _ in range(600):
        if await there():
            return
        await asyncio.sleep(0.02)
    pytest.fail("did not come")


async def heard(side: Side, notice: str, stage: str) -> None:
    async def there() -> bool:
        board = side.up.voice.line.board
        await board.catch_up()
        thread: Thread = board.threads[notice]  # type: ignore[index]
        return str(thread.stage) == stage

    await until(there)


async def test_a_plan_is_held_until_its_notice_is_answered(tmp_path: Path) -> None:
    async with flying(make_sky(tmp_path, timers=TIMERS, silence=HOLD)) as sky:
        north, south = sky["north"], sky["south"]
        view = await north.declare(plan(-121.0, "ALPHA"))
        notice = await told(north, view.id, south)
        theirs = south.up.voice.line.notices
        with pytest.raises(WrongState, match="until the notice of it is answered by south"):
            await north.up.plans.activate(view.id)
        await theirs.answer(notice, "need-time", actor(south), Words(), minutes=10)
        await heard(north, notice, "need-time")
        with pytest.raises(WrongState, match="south"):
            await north.up.plans.activate(view.id)
        await theirs.answer(notice, "unable", actor(south), Words())
        await heard(north, notice, "unable")
        await north.up.plans.activate(view.id)
        await north.until(view.id, lambda v: v.state == "Activated")


async def test_a_notice_that_is_withdrawn_holds_nothing(tmp_path: Path) -> None:
    async with flying(make_sky(tmp_path, timers=TIMERS, silence=HOLD)) as sky:
        north, south = sky["north"], sky["south"]
        view = await north.declare(plan(-121.0, "ALPHA"))
        notice = await told(north, view.id, south)
        with pytest.raises(WrongState):
            await north.up.plans.activate(view.id)
        await north.up.voice.line.notices.withdraw(notice, actor(north))
        await north.up.plans.activate(view.id)
        await north.until(view.id, lambda v: v.state == "Activated")


@pytest.mark.parametrize("silence", [Silence(), HOLD])
async def test_without_a_notice_or_without_the_rule_nothing_waits(
    tmp_path: Path, silence: Silence
) -> None:
    async with flying(make_sky(tmp_path, timers=TIMERS, silence=silence)) as sky:
        north, south = sky["north"], sky["south"]
        view = await north.declare(plan(-121.0, "ALPHA"))
        if silence.plan is OnSilence.UNANSWERED:
            await told(north, view.id, south)
        else:
            other = await north.declare(plan(-121.3, "BRAVO"))
            await told(north, other.id, south)
        await north.up.plans.activate(view.id)
        await north.until(view.id, lambda v: v.state == "Activated")

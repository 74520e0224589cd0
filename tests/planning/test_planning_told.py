"""Whoever had notice of a plan is told how it stands: displaced, off-nominal, ended; each once."""

import asyncio
from pathlib import Path

import pytest
from sky import Side, flying, make_sky, plan

from tansiq.domain.actor import Actor, Role
from tansiq.domain.intent import IntentState
from tansiq.domain.note import Kind
from tansiq.services.views import Status

pytestmark = pytest.mark.anyio


def actor(side: Side) -> Actor:
    name = str(side.party.id)
    return Actor(name=name, display_name=name.title(), initials="AB", role=Role.WATCH)


async def told(side: Side) -> list[tuple[str, str, str]]:
    """Return who told of which plan and state, in the order in which it came.

    That a plan is coordinated may be told first of all: as its last event comes before or after
    the notice of it.
    """
    board = side.up.voice.line.board
    await board.catch_up()
    found = [
        (thread.opener, board.facts[thread.id]["id"], board.facts[thread.id]["state"])
        for thread in board.threads.values()
        if thread.kind is Kind.STATUS
    ]
    return found[1:] if [state for _, _, state in found[:1]] == ["coordinated"] else found


async def until(side: Side, expected: list[tuple[str, str, str]]) -> None:
    for _ in range(600):
        if await told(side) == expected:
            return
        await asyncio.sleep(0.02)
    assert await told(side) == expected


async def notice(giver: Side, plan_id: str, to: Side) -> str:
    (row,) = await giver.up.voice.line.notices.give(plan_id, [to.party.id], actor(giver))
    return str(row.id)


async def test_a_plan_that_is_displaced_and_ended_is_told_of(tmp_path: Path) -> None:
    async with flying(make_sky(tmp_path)) as sky:
        north, south = sky["north"], sky["south"]
        view = await north.declare(plan(-121.0, "ALPHA"))
        await notice(north, view.id, south)
        other = await south.declare(plan(-121.0, "BRAVO", priority=9))
        assert other.status is Status.COORDINATED
        await north.until(view.id, lambda v: v.status is Status.DISPLACED)
        said = [("north", view.id, "displaced")]
        await until(south, said)
        await north.up.plans.change(view.id, plan(-121.4, "ALPHA"))
        await north.until(view.id, lambda v: v.status is Status.COORDINATED)
        said += [("north", view.id, "coordinated")]
        await until(south, said)
        await north.up.plans.end(view.id)
        said += [("north", view.id, "ended")]
        await until(south, said)
        # In the reader's language, with the call sign that the notice named.
        line = south.up.voice.line
        board = line.board
        (first, *_) = (t for t in board.threads.values() if t.kind is Kind.STATUS)
        for language, words in (("en", "lost its place"), ("ru", "уступил место")):
            shown = await line.thread(first.id, language)
            (text,) = shown.notes[0].sentences
            assert "ALPHA" in text
            assert words in text


async def test_off_nominal_is_told_and_nothing_twice_after_a_restart(tmp_path: Path) -> None:
    async with flying(make_sky(tmp_path)) as sky:
        north, south = sky["north"], sky["south"]
        view = await north.declare(plan(-121.0, "ALPHA"))
        await notice(north, view.id, south)
        await north.up.plans.activate(view.id)
        await north.until(view.id, lambda v: v.state == "Activated")
        astray = plan(-121.05)
        await north.up.plans.off_nominal(
            view.id,
            state=IntentState.NONCONFORMING,
            volumes=astray.volumes,
            stated=astray.stated,
        )
        said = [("north", view.id, "off-nominal")]
        await until(south, said)
        await north.restart()
        await north.until(view.id, lambda v: v.status is Status.NONCONFORMING)
        await asyncio.sleep(0.3)
        assert await told(south) == said


async def test_what_changed_while_the_node_was_told_nothing_is_told_at_its_start(
    tmp_path: Path,
) -> None:
    async with flying(make_sky(tmp_path)) as sky:
        north, south = sky["north"], sky["south"]
        view = await north.declare(plan(-121.0, "ALPHA"))
        quiet = await north.declare(plan(-121.4, "QUIET"))
        for each in (view, quiet):
            await notice(north, each.id, south)
        await north.up.voice.line.telling.stop()
        await north.up.plans.end(view.id)
        await north.until(view.id, lambda v: v.status is Status.ENDED)
        await asyncio.sleep(0.2)
        assert await told(south) == []
        await north.restart()
        await until(south, [("north", view.id, "ended")])


async def test_whoever_had_no_notice_or_had_it_withdrawn_is_told_nothing(tmp_path: Path) -> None:
    async with flying(make_sky(tmp_path)) as sky:
        north, south = sky["north"], sky["south"]
        without = await north.declare(plan(-121.0, "ALPHA"))
        taken_back = await north.declare(plan(-121.4, "BRAVO"))
        name = await notice(north, taken_back.id, south)
        await north.up.voice.line.notices.withdraw(name, actor(north))
        for each in (without, taken_back):
            await north.up.plans.end(each.id)
            await north.until(each.id, lambda v: v.status is Status.ENDED)
        await asyncio.sleep(0.5)
        assert await told(south) == await told(north) == []


async def test_what_a_suspended_line_did_not_let_pass_is_told_when_it_opens(tmp_path: Path) -> None:
    async with flying(make_sky(tmp_path)) as sky:
        north, south = sky["north"], sky["south"]
        view = await north.declare(plan(-121.0, "ALPHA"))
        await notice(north, view.id, south)
        talk = north.up.voice.line.talk
        await talk.set_line(["south"], "suspended", actor(north))
        await north.up.plans.end(view.id)
        await north.until(view.id, lambda v: v.status is Status.ENDED)
        await asyncio.sleep(0.6)
        assert await told(north) == []
        await talk.set_line(["south"], "open", actor(north))
        await until(south, [("north", view.id, "ended")])

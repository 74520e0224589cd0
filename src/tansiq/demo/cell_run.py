"""The second scenario from beginning to end: three nodes, the story, and what both ends have.

Answers 0 when every step came about as it should and both nodes of each line have the same.
"""

from collections.abc import Sequence
from pathlib import Path

import aiohttp

from tansiq.clock import Clock
from tansiq.demo import cell_story as story
from tansiq.demo.cell_desk import Desk
from tansiq.demo.cell_evidence import evidence
from tansiq.demo.cell_floor import Floor
from tansiq.demo.cell_ledger import ledger
from tansiq.demo.cell_outage import outage
from tansiq.demo.cells import CELLS, LEAD, agree
from tansiq.demo.nodes import Node, NodeFailed, nodes_of
from tansiq.demo.run import Options, Say, failures_of, folder_of, serve_on
from tansiq.demo.story import DeskError
from tansiq.formats.spelling import Setting


async def run_cells(options: Options, clock: Clock, say: Say) -> int:
    """Run the scenario and return the exit code."""
    say("two coordination cells and a civil authority near Damascus, Daraa, Quneitra, Al-Bukamal")
    say(f"  invented; flight safety only. A plan is to be announced {LEAD.seconds // 60} min ahead")
    for cell in CELLS:
        people = ", ".join(f"{person.initials}" for person in cell.people)
        say(f"  {cell.party:<10}  {cell.names['en']}, language {cell.language}, on watch {people}")
    seats = [cell.seat for cell in CELLS]
    with folder_of(options.data) as folder:
        try:
            async with nodes_of(folder, seats, agree, ports=options.ports, clock=clock) as (
                nodes,
                _,
            ):
                code, desks = await _tell(nodes, folder, clock, say)
                if not options.once:
                    lines = _farewell(desks, folder, options.program)
                    await serve_on(nodes, lines, say)
                return code
        except* (NodeFailed, DeskError) as failures:
            for failure in failures_of(failures):
                say(f"failed: {failure}")
    return 1


async def _tell(
    nodes: Sequence[Node], folder: Path, clock: Clock, say: Say
) -> tuple[int, list[Desk]]:
    began, began_s = clock.now(), clock.monotonic_s()
    async with aiohttp.ClientSession() as session:
        desks = [
            Desk(cell=cell, node=node, clock=clock, session=session)
            for cell, node in zip(CELLS, nodes, strict=True)
        ]
        for desk in desks:
            await desk.enrol()
        floor = Floor(
            desks={desk.party: desk for desk in desks},
            print=say,
            setting=Setting(day=began.date(), parties={cell.party: cell.names for cell in CELLS}),
        )
        await story.comm_check(floor)
        await story.watches(floor)
        plan, notice = await story.plan_with_notice(floor)
        await story.meeting_plan(floor, plan, notice)
        await story.news_of_the_move(floor, plan)
        await story.late_notice(floor)
        await story.stop_and_all_clear(floor)
        await story.hand_over(floor)
        await outage(floor)
        await evidence(floor, folder, began)
        await ledger(floor)
    for node in nodes:
        node.check()
    for failure in floor.failures:
        say(f"FAILED: {failure}")
    seconds = clock.monotonic_s() - began_s
    say(
        f"{'all as it should be' if not floor.failures else 'NOT as it should be'}, {seconds:.0f} s"
    )
    return (1 if floor.failures else 0), desks


def _farewell(desks: Sequence[Desk], folder: Path, program: str) -> list[str]:
    first = desks[0].node
    return [
        "",
        f"the nodes go on until Ctrl-C; their data is in {folder}. In another terminal:",
        f"  {program} line show --data {first.data}",
        f"  {program} notice list --all --data {first.data}",
        f"  {program} events --data {first.data} --follow",
        *(
            f"  {desk.party}: {desk.node.own_url}, log in as "
            + " or ".join(person.account for person in desk.cell.people)
            + f", password {desk.password}"
            for desk in desks
        ),
    ]

"""The demo from beginning to end: prepare, start both nodes, declare, judge, keep serving.

Answers 0 when no two coordinated plans conflict and every step worked, else 1.
"""

import asyncio
import signal
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import aiohttp

from tansiq.clock import Clock
from tansiq.demo import calfire, report
from tansiq.demo.flown import Meeting, meetings
from tansiq.demo.nodes import Node, NodeFailed, let_in, two_nodes
from tansiq.demo.recheck import Judged, astray, recheck
from tansiq.demo.scenario import Scenario, from_flights
from tansiq.demo.small import small
from tansiq.demo.story import Desk, DeskError, Outcome, declare_all
from tansiq.domain.agreement import Agreement
from tansiq.services.views import PlanView, Status

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command line may choose."""

    once: bool
    data: Path | None
    """Where the nodes' data folders go and stay; None: a folder that is removed at the end."""
    cache: Path
    all_days: bool
    program: str = "tansiq"
    """How the reader calls us, for the commands that we suggest."""
    ports: tuple[int, ...] = ()
    """Own and peer port of each node, north first; empty: free ones."""


def prepare(options: Options, now: datetime, say: Say) -> Scenario:
    """Return the recorded flights' scenario, or where they cannot be had the small one."""
    try:
        wheel = calfire.obtain(options.cache, say)
    except calfire.NotObtainable as error:
        say(f"the recorded flights cannot be had here ({error}); a small scenario runs instead")
        return small(now)
    return from_flights(calfire.read_flights(wheel), now=now, all_days=options.all_days)


async def run(options: Options, clock: Clock, say: Say) -> int:
    """Run the demo and return the exit code."""
    scenario = prepare(options, clock.now(), say)
    for line in report.heading(scenario):
        say(line)
    with folder_of(options.data) as folder:
        try:
            async with two_nodes(folder, scenario, options.ports, clock) as (nodes, agreement):
                code = await _story(scenario, nodes, agreement, clock, say)
                if not options.once:
                    login = await let_in(nodes)
                    lines = report.farewell(nodes, folder, options.program, login)
                    await serve_on(nodes, lines, say)
                return code
        except* (NodeFailed, DeskError) as failures:
            for failure in failures_of(failures):
                say(f"failed: {failure}")
    return 1


@contextmanager
def folder_of(data: Path | None) -> Iterator[Path]:
    """Give the folder that was asked for, or one that is removed at the end."""
    if data is not None:
        data.mkdir(parents=True, exist_ok=True)
        yield data
        return
    with tempfile.TemporaryDirectory(prefix="tansiq-demo-") as folder:
        yield Path(folder)


def failures_of(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    """Yield every failure of a group, however deep."""
    for each in group.exceptions:
        if isinstance(each, BaseExceptionGroup):
            yield from failures_of(each)
        else:
            yield each


async def _story(
    scenario: Scenario, nodes: Sequence[Node], agreement: Agreement, clock: Clock, say: Say
) -> int:
    for node in nodes:
        say(f"{node.party}: node at {node.peer_url}, own API at {node.own_url}")
    async with aiohttp.ClientSession() as session:
        desks = [Desk(node.party, node.own_url, node.token, clock, session) for node in nodes]
        started_s = clock.monotonic_s()
        outcomes = await _declare(desks, scenario, say)
        seconds = clock.monotonic_s() - started_s
        views = [view for desk in desks for view in await desk.plans()]
    for line in report.summary(outcomes, seconds=seconds):
        say(line)
    for node in nodes:
        node.check()
    judged = judge(scenario, outcomes, views, agreement)
    for line in report.verdict(judged):
        say(line)
    near, tracks = fly(outcomes, agreement)
    for line in report.flown(near, tracks):
        say(line)
    return 1 if judged.conflicts or judged.astray or near else 0


async def _declare(desks: Sequence[Desk], scenario: Scenario, say: Say) -> list[Outcome]:
    """Have both desks declare at the same time, each in order of start."""
    total, done = len(scenario.sorties), 0

    def tell(outcome: Outcome) -> None:
        nonlocal done
        done += outcome.final
        for line in report.progress(done, total, outcome):
            say(line)

    for desk in desks:
        for area in scenario.no_go:
            if area.party == desk.party:
                await desk.submit_no_go(area.body)
                say(f"{desk.party}: no-go area {area.name} stands in every register")
    async with asyncio.TaskGroup() as group:
        tasks = []
        for desk in desks:
            own = [sortie for sortie in scenario.sorties if sortie.party == desk.party]
            tasks.append(group.create_task(declare_all(desk, own, tell)))
    return [outcome for task in tasks for outcome in task.result()]


def judge(
    scenario: Scenario,
    outcomes: Sequence[Outcome],
    views: Sequence[PlanView],
    agreement: Agreement,
) -> Judged:
    """Compare all pairs of what the nodes now say is coordinated, and that with what was told."""
    standing = [view for view in views if view.status is Status.COORDINATED]
    refused = [outcome.plan for outcome in outcomes if not outcome.coordinated]
    expected = {o.plan.id: o.volumes for o in outcomes if o.coordinated}
    names = {outcome.plan.id: outcome.sortie.name for outcome in outcomes}
    lost = [names[plan_id] for plan_id in astray(expected, standing)]
    no_go = {area.name: area.draft.volumes for area in scenario.no_go}
    return replace(recheck(standing, refused, agreement, no_go=no_go), astray=tuple(lost))


def fly(outcomes: Sequence[Outcome], agreement: Agreement) -> tuple[list[Meeting], int]:
    """Fly the recorded tracks of the coordinated plans, moved as those were."""
    plans: dict[str, PlanView] = {}
    tracks = []
    for outcome in outcomes:
        track = outcome.sortie.track
        if track and outcome.coordinated:
            plans[track.id] = outcome.plan
            by = timedelta(seconds=outcome.delay_s)
            tracks.append(track.moved(by=by, up_m=outcome.up_m))

    def mates(meeting: Meeting) -> bool:
        a, b = (plans[track_id] for track_id in meeting.ids)
        return agreement.same_formation((a.callsign, a.formation), (b.callsign, b.formation))

    minima = agreement.minima
    found = meetings(tracks, horizontal_m=minima.horizontal_m, vertical_m=minima.vertical_m)
    return [meeting for meeting in found if not mates(meeting)], len(tracks)


async def serve_on(nodes: Sequence[Node], farewell: Sequence[str], say: Say) -> None:
    """Leave the nodes up until somebody ends us, or a node ends by itself.

    Raises:
        NodeFailed: one did.
    """
    loop, asked = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, asked.set)
    for line in farewell:
        say(line)
    waits: list[asyncio.Task[object]] = [asyncio.create_task(asked.wait())]
    waits += [asyncio.create_task(node.process.wait()) for node in nodes]
    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()
    for node in nodes:
        node.check()

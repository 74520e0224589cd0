"""Warnings on plans that stand: whose aircraft may be in their volumes without a right to it.

An off-nominal intent asks nobody, so it may meet plans that are coordinated, and they stay so. So
may one that did not count while its supplier was Down. But none of them is shown as plainly fine:
its view says whom it meets, and the feed when that begins and ends. What is warned of is kept with
the plan, so that a restart tells of both ends.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace

from tansiq.domain.placement import Phase
from tansiq.errors import NotFound, StoreError
from tansiq.services.airspace import INTENT, Airspace, Candidate, Known
from tansiq.services.planning.book import Book, Plan
from tansiq.services.planning.drive import tell
from tansiq.services.planning.planner import Planner
from tansiq.services.planning.site import Site
from tansiq.storage.store import Tx

_STEP = 64
"""Plans judged in a row before others get a turn."""


class Strayed:
    """Judges plans that stand against off-nominal intents, whenever either changes."""

    def __init__(
        self,
        site: Site,
        *,
        planner: Planner,
        airspace: Airspace,
        party_name: Callable[[str], str],
    ) -> None:
        self._store = site.store
        self._clock = site.clock
        self._timers = site.timers
        self._book: Book = planner.book
        self._airspace = airspace
        self._party_name = party_name
        self._plans: set[str] = set()
        self._all = True
        self._due = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        airspace.on_strayed = self._sky_changed
        planner.on_taken = self._plan_changed

    def start(self) -> None:
        """Begin; at first every plan is judged."""
        self._sky_changed()
        self._task = asyncio.create_task(self._run(), name="warnings")
        self._task.add_done_callback(tell)

    async def stop(self) -> None:
        """Stop; the warnings so far are in the store."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _sky_changed(self) -> None:
        self._all = True
        self._due.set()

    def _plan_changed(self, plan: Plan) -> None:
        if plan.warnings or self._airspace.strayed():
            self._plans.add(plan.id)
            self._due.set()

    async def _run(self) -> None:
        for plan in self._book.living():
            await self._recall(plan)
            await self._clock.sleep(0)
        while True:
            await self._due.wait()
            self._due.clear()
            if self._all:
                self._plans.update(plan.id for plan in self._book.living())
                self._all = False
            plans, self._plans = sorted(self._plans), set()
            try:
                for at, plan_id in enumerate(plans):
                    if at % _STEP == _STEP - 1:
                        await self._clock.sleep(0)
                    await self._judge(plan_id)
            except StoreError:
                self._plans.update(plans)
                self._due.set()
                await self._clock.sleep(self._timers.retry_last_s)

    async def _recall(self, plan: Plan) -> None:
        """Find, after a start, which equals a plan met when we stopped: no record says so."""
        base = plan.placement.base
        if base is None:
            return
        candidate = self._book.candidate(plan, base)
        for register in self._book.registers:
            near = [
                known
                for known in self._airspace.relevant(candidate, candidate.volumes, register)
                if not known.own and not known.warns and self._is_equal(candidate, known)
            ]
            if self._airspace.is_long(candidate, near):
                met = await asyncio.to_thread(self._met, candidate, near)
            else:
                met = self._met(candidate, near)
            for known in met:
                self._airspace.warn_of(known)

    def _is_equal(self, candidate: Candidate, known: Known) -> bool:
        equal = known.kind == INTENT and known.priority == candidate.priority
        return equal and self._airspace.blocks(candidate, known)

    async def _judge(self, plan_id: str) -> None:
        plan = self._book.get(plan_id)
        if plan is None:
            return
        warnings = await self._warnings(plan)
        if warnings == plan.warnings:
            return

        async def write(tx: Tx) -> Plan:
            current = await self._book.load(tx, plan_id)
            if current.placement.phase is Phase.ENDED:
                return current
            changed = replace(current, warnings=warnings, updated=self._clock.now())
            await self._book.save(tx, changed)
            return changed

        try:
            self._book.remember(await self._store.write(write))
        except NotFound:
            return

    async def _warnings(self, plan: Plan) -> tuple[str, ...]:
        base = plan.placement.base
        others = [known for known in self._airspace.strayed() if known.id != plan.intent_id]
        if base is None or not others:
            return ()
        candidate = self._book.candidate(plan, base)
        if self._airspace.is_long(candidate, others):
            met = await asyncio.to_thread(self._met, candidate, others)
        else:
            met = self._met(candidate, others)
        return tuple(
            f"meets {known.name} of {self._party_name(known.manager)}, {_why(known)}"
            for known in met
        )

    def _met(self, candidate: Candidate, others: list[Known]) -> list[Known]:
        return [
            o
            for o in others
            if (o.off_nominal or self._airspace.blocks(candidate, o))
            and self._airspace.judge_one(candidate, o) is not None
        ]


def _why(known: Known) -> str:
    if known.off_nominal:
        return f"which is {known.state}"
    return (
        "which nothing kept apart: its supplier was marked Down, or a register had lost one of them"
    )

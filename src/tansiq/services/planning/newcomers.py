"""What newcomers do to plans that stand: those that may have to yield are judged again.

Our own register tells of a newcomer in the transaction that accepts it, so that no plan of ours is
shown as coordinated once somebody of higher priority can be. Elsewhere the notification is the
first we hear; of our own entities we hear by the answer.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine

from tansiq.domain.agreement import NO_MINIMA
from tansiq.domain.extent import Extent
from tansiq.domain.placement import Phase
from tansiq.domain.placement_steps import Step, recheck
from tansiq.engine.judgement import may_conflict
from tansiq.engine.prepared import Prepared
from tansiq.errors import StoreError
from tansiq.services.airspace import CONSTRAINT, Airspace, Candidate, Known
from tansiq.services.planning.book import Plan
from tansiq.services.planning.claim import Claim
from tansiq.services.planning.drive import tell
from tansiq.services.planning.site import Site
from tansiq.services.planning.steps import Event, Steps
from tansiq.services.register import AcceptedWrite
from tansiq.storage.store import Tx


class Newcomers:
    """Reopens own plans; ``apply`` is the planner's way to commit an event."""

    def __init__(
        self,
        site: Site,
        *,
        steps: Steps,
        airspace: Airspace,
        own: int | None,
        apply: Callable[[str, Event], Awaitable[Plan]],
    ) -> None:
        self._registers = site.agreement.registers
        self._clock = site.clock
        self._timers = site.timers
        self._steps = steps
        self._book = steps.book
        self._airspace = airspace
        self._own = own
        self._apply = apply
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._reopening: list[str] = []

    async def stop(self) -> None:
        """Stop; what was reopened is in the store."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def reopening(self, plan_id: str) -> bool:
        """Report whether a register's transaction has just reopened a plan; it is not to be shown
        as coordinated, although memory does not say so yet.
        """
        return plan_id in self._reopening

    async def accepted(self, tx: Tx, write: AcceptedWrite) -> None:
        """Reopen own plans that a newcomer meets, in the transaction that accepts it.

        From then on they are not shown as coordinated until the newcomer has been judged. Our own
        plans may outrank each other too.
        """
        if self._own is None or write.removed:
            return
        index = self._own
        now, newcomer = self._clock.now(), Extent.of(write.extents)
        prepared: Prepared | None = None
        for plan in self._book.living():
            claim = _standing(plan)
            if claim is None or plan.intent_id == write.id:
                continue
            placed = self._book.extents(plan, claim, self._registers[index])
            if placed.extent.apart(newcomer, NO_MINIMA):
                continue
            prepared = prepared or Prepared.of(*write.extents)
            if may_conflict(placed.prepared, prepared, NO_MINIMA):
                await tx.alone()  # From here on our own plans are written.
                # On the store's thread; appending to a list and removing from it are safe there.
                self._reopening.append(plan.id)
                self._loop.call_soon_threadsafe(self._spawn, self._reload(plan.id))
                await self._steps.step(tx, plan.id, lambda p: recheck(p, index), None, now)

    async def _reload(self, plan_id: str) -> None:
        """Take in what a register's transaction made of a plan, once it is committed."""
        try:
            await self._surely(lambda: self._apply(plan_id, lambda p: Step(placement=p)))
        finally:
            self._reopening.remove(plan_id)

    async def heard(self, known: Known) -> None:
        """Reopen own plans that something at another register meets and outranks; warn of it where
        it is their equal, at our own register too: that accepted it knowing of them.
        """
        index = self._index(known)
        await self._reopen(index, known, reopened=index == self._own)

    async def found(self, known: Known) -> None:
        """The same for what we come to know by asking, at our own register too: when that told of
        it, it may not have counted, because its manager was marked Down.
        """
        await self._reopen(self._index(known), known)

    def _index(self, known: Known) -> int:
        return next(i for i, r in enumerate(self._registers) if r.id == known.register)

    async def _reopen(self, index: int, known: Known, *, reopened: bool = False) -> None:
        """``reopened``: what it outranks is being judged again already."""
        if not known.counts:
            return
        for plan in self._book.living():
            claim = _standing(plan)
            if claim is None or plan.intent_id == known.id:
                continue
            candidate = self._book.candidate(plan, claim)
            if not self._airspace.blocks(candidate, known):
                continue
            outranks = known.kind == CONSTRAINT or known.priority > claim.priority
            if (outranks and reopened) or not await self._meets(candidate, known):
                continue
            if outranks:
                await self._apply(plan.id, lambda p: recheck(p, index))
            elif plan.placement.base is not None:
                # Neither gives way to the other; that they meet is said.
                self._airspace.warn_of(known)

    async def _meets(self, candidate: Candidate, known: Known) -> bool:
        if self._airspace.is_long(candidate, (known,)):
            return await asyncio.to_thread(self._airspace.judge_one, candidate, known) is not None
        return self._airspace.judge_one(candidate, known) is not None

    def heard_of_own(self, known: Known) -> None:
        """The same for an entity of ours; without own register its answer is all we hear of it."""
        if self._own is None:
            self._spawn(self._surely(lambda: self.heard(known)))

    async def _surely(self, work: Callable[[], Awaitable[object]]) -> None:
        """Do it again until the store takes it: nobody else would."""
        while True:
            try:
                await work()
            except StoreError:
                await self._clock.sleep(self._timers.retry_last_s)
            else:
                return

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(tell)


def _standing(plan: Plan) -> Claim | None:
    """Return what a plan of ours takes or is about to take.

    Memory may be a commit behind: what it shows as being placed may be coordinated by now.
    """
    placement = plan.placement
    stands = placement.base is not None or placement.phase is Phase.PLACING
    return placement.want if stands else None

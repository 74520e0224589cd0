"""Looking at one register for one plan: what blocks, what is not known, which OVNs prove the rest.

Judges from the records in memory, because peers notify us of every change and the register's key
check catches whatever we have missed: its 409 names exactly that, and ``learn`` fetches it. A
blocker is confirmed at the register before it counts, so that nobody is refused by a memory.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from tansiq.domain.placement import Aim, Blocker, Due, Look, News, Placement, SlotState
from tansiq.domain.placement_steps import Step, looked
from tansiq.f3548 import wire
from tansiq.services.airspace import CONSTRAINT, Airspace, Blocking, Candidate, Known
from tansiq.services.planning.book import Book, Plan
from tansiq.services.planning.claim import Claim
from tansiq.services.planning.fetching import Fetching, Missing, is_idle
from tansiq.services.planning.ports import RegisterPort, Written
from tansiq.services.planning.problem import Problem
from tansiq.services.planning.records import Reference
from tansiq.services.planning.site import Site

CONFIRMED_AT_ONCE = 4
"""Blockers asked for at the register in one go; one that stands is enough. Twice as many each time
that none does: somebody may have told us of many that stand nowhere."""
CONFIRMED_MOST = 256
LEARNT_AT_ONCE = 1_000
"""References taken from one answer; a register names the rest again."""
_DOWN = wire.UssAvailabilityState.DOWN
_SAID = {
    News.REFUSED: "",
    News.WAITING: "waiting: ",
    News.DISPLACED: "displaced: ",
    News.CHANGE_REFUSED: "change refused, old volumes kept: ",
    News.ACTIVATION_REFUSED: "activation refused: ",
}
REASON_CODES = {
    _SAID[News.REFUSED]: "blocked",
    _SAID[News.WAITING]: "waiting",
    _SAID[News.DISPLACED]: "displaced",
    _SAID[News.CHANGE_REFUSED]: "change-refused",
    _SAID[News.ACTIVATION_REFUSED]: "activation-refused",
}
"""By how a reason begins; stable, for machines."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One look at one register."""

    look: Look[Claim]
    key: frozenset[str]
    """OVNs of all that was judged not to block."""
    blocking: tuple[Blocking, ...]
    judged: Mapping[str, str]
    """Entity id -> OVN of everything considered, blocking or not."""

    def key_for(self, step: Step[Claim]) -> frozenset[str]:
        """Return the key of the step's request.

        Where the table lets a write pass although something meets it (its place is ours already,
        or the other outranks us and displaces us anyway), the key names that too.
        """
        if self.look.blockers and step.request is not None:
            return frozenset(self.judged.values())
        return self.key

    def told(self, placement: Placement[Claim]) -> str | None:
        """Return how the reason begins that this look gives people; None where it gives none."""
        if not self.blocking or self.look.due.against is None:
            return None
        news = looked(placement, self.look).news
        return None if news is None else _SAID.get(news)

    def without(self, written: Written) -> "Seen":
        """Return what is left when some of it is out of date, and nothing newer is to be had.

        Nobody is refused by a memory: what was known of these is no reason to.
        """
        unknown = frozenset(written.missing_ids)
        old = unknown.union(written.gone, written.ignored)
        blockers = tuple(b for b in self.look.blockers if b.id not in old)
        return replace(
            self,
            look=replace(self.look, unknown=unknown, blockers=blockers),
            blocking=tuple(b for b in self.blocking if b.known.id not in old),
        )


class Judging:
    """Judges plans at registers, and learns what it does not know."""

    def __init__(
        self,
        site: Site,
        *,
        book: Book,
        airspace: Airspace,
        fetching: Fetching,
    ) -> None:
        self._agreement = site.agreement
        self._book = book
        self.airspace = airspace
        self._missing: dict[tuple[str, str], tuple[Missing, ...]] = {}
        self._named: dict[tuple[str, str], set[str]] = {}
        self._fetching = fetching
        fetching.on_stray, fetching.on_learnt = self._strayed, self._learnt
        self.on_stray: Callable[[str, str], None] = lambda register, entity: None
        self.on_learnt: Callable[[Known], Awaitable[None]] = _nobody
        """Called for what no notification told us of; own plans may have to yield to it."""

    def _strayed(self, register: str, entity: str) -> None:
        self.on_stray(register, entity)

    async def _learnt(self, known: Known) -> None:
        await self.on_learnt(known)

    async def stop(self) -> None:
        """Stop what goes on aside."""
        await self._fetching.stop()

    async def see(
        self, plan: Plan, look: Due[Claim], port: RegisterPort | None, *, reachable: bool | None
    ) -> Seen:
        """Return what one look shows; over the network where ``port`` is given.

        Raises:
            PeerError: the register did not answer something that had to be asked.
        """
        register = self._agreement.registers[look.register].id
        own_ovn = None
        if port is not None:
            own_ovn = await self._own_ovn(plan, look, port)
            if look.aim is Aim.JUDGE and reachable is not True:
                await port.get_intent(plan.intent_id)  # Is anybody there?
        if look.against is None:
            return Seen(Look(due=look, own_ovn=own_ovn), frozenset(), (), {})
        unknown = frozenset[str]()
        if port is not None:
            unknown = await self._learn_again(plan.id, register, port)
        candidate = self._candidate(plan, look, look.against, register)
        within = self._book.candidate(plan, look.write or look.against).volumes
        named = self._named.get((plan.id, register), ())
        asked: dict[str, Missing | None] = {}
        while True:
            relevant = self.airspace.relevant(candidate, within, register, named)
            judged = {known.id: known.ovn for known in relevant if known.counts}
            judgement = (
                await asyncio.to_thread(self.airspace.judge, candidate, relevant)
                if self.airspace.is_long(candidate, relevant)
                else self.airspace.judge(candidate, relevant)
            )
            blocking = judgement.blocking
            if port is None or not blocking:
                break
            blocking, changed = await self._confirm(plan, blocking, register, port, asked)
            if blocking or not changed:
                break
        lacking = tuple(missing for missing in asked.values() if missing is not None)
        if lacking:
            key = plan.id, register
            self._missing[key] = (*self._missing.get(key, ()), *lacking)
            unknown |= {missing.reference.id for missing in lacking}
        shown = Look(
            due=look,
            own_ovn=own_ovn,
            blockers=tuple(self._blocker(plan, look, b) for b in blocking),
            unknown=unknown,
        )
        return Seen(shown, judgement.key, blocking, judged)

    def _candidate(self, plan: Plan, look: Due[Claim], against: Claim, register: str) -> Candidate:
        candidate = self._book.candidate(plan, against)
        if look.exempt is not None:
            before = self._book.candidate(plan, look.exempt)
            candidate = self.airspace.exempting(candidate, before, (register,))
        if self._agreement.struck and look.aim is Aim.KEEP:
            candidate = replace(candidate, stands=True)
        return candidate

    async def _own_ovn(self, plan: Plan, look: Due[Claim], port: RegisterPort) -> str | None:
        slot = plan.placement.slots[look.register]
        if slot.state is SlotState.ABSENT:
            return None
        if slot.state is SlotState.HELD and slot.view is not None:
            return slot.view.ovn
        reference = await port.get_intent(plan.intent_id)
        return None if reference is None else reference.ovn

    def _blocker(self, plan: Plan, look: Due[Claim], found: Blocking) -> Blocker:
        known = found.known
        coordinated: bool | None = None
        outside = self._agreement.party(known.manager) is None
        if known.kind == CONSTRAINT or outside or known.manager in self._agreement.struck:
            coordinated = True  # Final where it stands: nobody there waits or gives way.
        elif known.own:
            other = self._book.by_intent(known.id)
            coordinated = self._stands(plan, look, other)
        claim = look.against
        priority = plan.priority if claim is None else claim.priority
        outranks = known.kind == CONSTRAINT or known.priority > priority
        return Blocker(
            id=known.id,
            outranks=outranks,
            coordinated=coordinated,
            off_nominal=known.off_nominal,
        )

    def _stands(self, plan: Plan, look: Due[Claim], other: Plan | None) -> bool:
        """Report whether an own plan is coordinated in volumes that meet the look's."""
        if other is None or other.placement.base is None or look.against is None:
            return False
        candidate = self._book.candidate(plan, look.against)
        return self.airspace.meets(
            candidate, self._book.volumes(other.id, other.placement.base), other.category
        )

    async def _confirm(
        self,
        plan: Plan,
        blocking: Sequence[Blocking],
        register: str,
        port: RegisterPort,
        asked: dict[str, Missing | None],
    ) -> tuple[tuple[Blocking, ...], bool]:
        """Ask the register for the first blockers, each once in a look, and note that in ``asked``.

        Return those that stand as we know them, and whether anything we believed was out of date.
        """
        waited_for = plan.placement.blocker.id if plan.placement.blocker else None
        # One that stands is enough, but the one that is waited for must be known for certain.
        ordered = sorted(blocking, key=lambda b: b.known.id != waited_for)[
            : min(CONFIRMED_MOST, max(CONFIRMED_AT_ONCE, len(asked)))
        ]
        fresh = [b for b in ordered if b.known.id not in asked]
        answers = await asyncio.gather(*(self._stands_at(b, register, port) for b in fresh))
        changed = set()
        for found, answer in zip(fresh, answers, strict=True):
            asked[found.known.id] = answer if isinstance(answer, Missing) else None
            if answer is False:
                changed.add(found.known.id)
        confirmed = tuple(
            b for b in ordered if b.known.id not in changed and asked[b.known.id] is None
        )
        return confirmed, bool(changed)

    async def _stands_at(
        self, found: Blocking, register: str, port: RegisterPort
    ) -> bool | Missing:
        """Report whether it stands as we know it; what is new of it is learnt, if it is to be had.

        Where its manager tells of a version that the register has not seen, the manager's word
        counts: whoever asks a second time in the same look would ask for ever. What does not count
        any more, because its manager is marked Down, does not stand.
        """
        known = found.known
        if known.own and known.kind != CONSTRAINT:
            return True
        ask = port.get_constraint if known.kind == CONSTRAINT else port.get_intent
        reference: Reference | None = await ask(known.id)
        if reference is None:
            await self._fetching.forget(register, known.id)
            return False
        if self.is_idle(register, reference):
            self.airspace.mark(register, known.id, down=True)
            now = self.airspace.get(register, known.id)
            if now is None or not now.counts:
                return False
        if reference.version == known.version:
            self.airspace.confirm(register, known.id)
            return True
        missing = await self._fetching.fetch(register, (reference,))
        return missing[0] if missing else False

    # ---- learning

    async def learn(
        self, plan_id: str, register: str, written: Written, named: Collection[str] = ()
    ) -> bool:
        """Fetch what a register says we have not judged; False if some of it is not to be had.

        ``named`` are the OVNs that we had named. Details that come with one of these again
        contradict the register, and are as good as none.
        """
        for entity in written.gone:
            await self._fetching.forget(register, entity)
        for entity in written.ignored:
            self.airspace.mark(register, entity, down=True)
        missing: tuple[Reference, ...] = (*written.missing_intents, *written.missing_constraints)
        self._fetching.demands(register, missing)
        wanted = self._unheard_of(plan_id, register, missing[:LEARNT_AT_ONCE])
        failed = await self._fetching.fetch(register, wanted)
        failed += self._refused(register, wanted, failed, named)
        if failed:
            self._missing[plan_id, register] = failed
        return not failed

    async def catch_up(
        self, register: str, news: Sequence[Reference], gone: Collection[str]
    ) -> None:
        """Fetch what is new at a register, for no plan in particular, and forget what has gone."""
        for entity in gone:
            await self._fetching.forget(register, entity)
        for i in range(0, len(news), LEARNT_AT_ONCE):
            for missing in await self._fetching.fetch(register, news[i : i + LEARNT_AT_ONCE]):
                known = self.airspace.get(register, missing.reference.id)
                if known is not None and known.version == missing.reference.version:
                    # We were told something that this reference contradicts: whoever meets it
                    # there is stopped by what its manager answers now.
                    await self._fetching.forget(register, known.id)

    def is_idle(self, register: str, reference: Reference) -> bool:
        """Report whether a reference is Accepted and its manager Down, and may be left out."""
        return self._fetching.is_idle(register, reference)

    def _refused(
        self,
        register: str,
        references: Sequence[Reference],
        failed: Sequence[Missing],
        refused: Collection[str],
    ) -> tuple[Missing, ...]:
        """Return those, besides the failed, of which we know an OVN that the register refuses."""
        found = []
        without = {missing.reference.id for missing in failed}
        for reference in references:
            known = self.airspace.get(register, reference.id)
            if known is not None and known.ovn in refused and reference.id not in without:
                why = "the register does not take the OVN in them"
                found.append(Missing(reference, why, refused=known.ovn))
        return tuple(found)

    def _unheard_of(
        self, plan_id: str, register: str, missing: Sequence[Reference]
    ) -> tuple[Reference, ...]:
        """Return what is to be fetched of what a register names.

        What we know in that version was thought too far away to matter: from now on it is in the
        plan's key. If it is named again all the same, our OVN of it is out of date.
        """
        named = self._named.setdefault((plan_id, register), set())
        unheard = []
        for reference in missing:
            known = self.airspace.get(register, reference.id)
            current = known is not None and known.version == reference.version
            if not current or reference.id in named:
                unheard.append(reference)
            named.add(reference.id)
        return tuple(unheard)

    def waiting_for(self, register: str, entity: str) -> tuple[str, ...]:
        """Return the plans that were stopped by not knowing an entity at a register."""
        return tuple(
            plan_id
            for (plan_id, at), missing in list(self._missing.items())
            if at == register and any(one.reference.id == entity for one in missing)
        )

    def problem(self, plan_id: str, register: str) -> Problem | None:
        """Return which details a plan's judgement lacks at a register, and why."""
        missing = self._missing.get((plan_id, register))
        if not missing:
            return None
        first, more = missing[0], len(missing) - 1
        tail = f", and {more} more" if more else ""
        reference = first.reference
        name = f"{reference.id[:8]} of {reference.manager}"
        if reference.uss_availability is not _DOWN:
            return _lacking(f"details of {name} are not to be had ({first.why}){tail}")
        name += ", which is marked Down,"
        if isinstance(reference, wire.ConstraintReference) or is_idle(reference):
            return _lacking(f"details of {name} are not to be had ({first.why}){tail}")
        return _lacking(
            f"details of {name} are not to be had: its flight may be in the air "
            f"({reference.state}; {first.why}){tail}"
        )

    def learnt(self, plan_id: str, register: str) -> None:
        """Note that nothing is lacking at a register any more."""
        self._missing.pop((plan_id, register), None)

    def forget_plan(self, plan_id: str) -> None:
        """Drop what a plan that has ended was stopped by."""
        for key in [key for key in self._missing if key[0] == plan_id]:
            del self._missing[key]
        for key in [key for key in self._named if key[0] == plan_id]:
            del self._named[key]

    async def _learn_again(self, plan_id: str, register: str, port: RegisterPort) -> frozenset[str]:
        """Try once more for what was not to be had; return what still is not."""
        # What has left the register since has no details any more, and needs none.
        lacking = self._missing.get((plan_id, register), ())
        missing = await self._still_there(register, [one.reference for one in lacking], port)
        failed = await self._fetching.fetch(register, missing) if missing else ()
        refused = {one.refused for one in lacking if one.refused is not None}
        failed += self._refused(register, missing, failed, refused)
        self.learnt(plan_id, register)
        if failed:
            self._missing[plan_id, register] = failed
        return frozenset(one.reference.id for one in failed)

    async def _still_there(
        self, register: str, references: Sequence[Reference], port: RegisterPort
    ) -> tuple[Reference, ...]:
        async def ask(reference: Reference) -> Reference | None:
            if isinstance(reference, wire.ConstraintReference):
                return await port.get_constraint(reference.id)
            return await port.get_intent(reference.id)

        found = await asyncio.gather(*(ask(reference) for reference in references))
        return tuple(
            reference
            for reference in found
            if reference is not None and not self.is_idle(register, reference)
        )


def _lacking(sentence: str) -> Problem:
    return Problem.coded("details", sentence)


async def _nobody(_: Known) -> None:
    """Take no notice."""

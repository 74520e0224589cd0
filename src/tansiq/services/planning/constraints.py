"""Own no-go areas: written to every register, no gate, resent until all hold them.

No order is needed, because nobody competes for a no-go area: a register that has it keeps new plans
out, and marks the plans that stand in it for recheck. Until all have it, it is shown as *not
everywhere yet*.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import datetime

import msgspec

from tansiq.domain.draft import PlanDraft, StatedBand
from tansiq.domain.pact import Standing, StandingState
from tansiq.domain.placement import Outcome
from tansiq.domain.time import from_micros, micros, zulu
from tansiq.domain.volume import altitude_bounds, time_bounds
from tansiq.engine.enlarge import enlarged_by
from tansiq.errors import NotFound, StateConflict, TansiqError, WrongState
from tansiq.f3548 import convert, wire
from tansiq.services.airspace import CONSTRAINT, Airspace, Known
from tansiq.services.events import Events
from tansiq.services.planning.drafts import check_aside
from tansiq.services.planning.no_go import NoGo, Slot, nogo_of
from tansiq.services.planning.notices import Notices
from tansiq.services.planning.planner import Place
from tansiq.services.planning.ports import Written
from tansiq.services.planning.problem import Problem, code_of
from tansiq.services.planning.records import Records
from tansiq.services.planning.site import Site
from tansiq.services.planning.status import stated_document
from tansiq.services.views import ConstraintView, RegisterView
from tansiq.storage.notifications import Notification
from tansiq.storage.own_constraints import OwnConstraintRow, OwnConstraintRows
from tansiq.storage.plans import Views
from tansiq.storage.store import Tx

_ENCODER = msgspec.json.Encoder()


class OwnConstraints:
    """Use cases on own no-go areas; satisfies ``services.facade.Constraints``."""

    def __init__(
        self,
        site: Site,
        *,
        airspace: Airspace,
        records: Records,
        notices: Notices,
        events: Events,
        places: tuple[Place, ...],
    ) -> None:
        self._agreement = site.agreement
        self._party = site.party
        self._store = site.store
        self._airspace = airspace
        self._records = records
        self._notices = notices
        self._events = events
        self._places = places
        self._clock = site.clock
        self._timers = site.timers
        self._limits = site.limits
        self._new_id = site.new_id
        self._known: dict[str, NoGo] = {}
        self._wakes: dict[str, asyncio.Event] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._changed = asyncio.Event()
        self._problems: dict[tuple[str, str], str] = {}
        self._told: dict[str, int] = {}
        """Of which confirmation the feed has said that it is due to be renewed."""
        self.on_placed: Callable[[Known], Awaitable[None]] = _nobody
        """Called when a register has confirmed one; own plans may stand in it."""

    # ---- start and stop

    async def start(self) -> None:
        """Take up what an earlier run left unfinished."""
        for row in await self._store.read(lambda tx: OwnConstraintRows(tx).all()):
            nogo = self._known[row.id] = nogo_of(row)
            if not row.confirmed and not row.ending:
                await self.confirm(row.id)
                nogo = self._known[row.id]
            if not nogo.ended and not nogo.everywhere:
                self._wake(row.id)

    async def stop(self) -> None:
        """Stop; what is owed stays in the store."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def living(self) -> frozenset[str]:
        """Return the ids of what may stand in registers."""
        return frozenset(i for i, nogo in self._known.items() if not nogo.ended)

    def _wake(self, constraint_id: str) -> None:
        self._wakes.setdefault(constraint_id, asyncio.Event()).set()
        task = self._tasks.get(constraint_id)
        if task is None or task.done():
            self._tasks[constraint_id] = asyncio.create_task(self._spread(constraint_id))

    async def look_through(self, before: datetime) -> None:
        """Lift what ended before a time, and what nobody has confirmed; tell of what is due."""
        now, rules = self._clock.now(), self._agreement.standing
        for nogo in list(self._known.values()):
            standing, told = nogo.standing(rules, now), self._told.get(nogo.row.id)
            past = from_micros(nogo.row.time_end) < before
            if standing is StandingState.EXPIRED or (past and standing is not None):
                await self.end(nogo.row.id)
            elif standing is StandingState.DUE and told != nogo.row.confirmed:
                self._told[nogo.row.id] = nogo.row.confirmed
                await self._remind(nogo.row.id)

    async def _remind(self, constraint_id: str) -> None:
        """Have the feed say that somebody has to confirm it."""

        async def write(tx: Tx) -> NoGo:
            return await self._save(tx, (await self._load(tx, constraint_id)).row)

        self._taken(await self._store.write(write))

    # ---- use cases

    async def submit(self, draft: PlanDraft) -> ConstraintView:
        """Keep the no-go area and begin to write it to every register.

        Raises:
            BadInput: its end has passed, or it leaves the agreed area.
            StateConflict: one of that id is here already.
        """
        now = self._clock.now()
        await check_aside(draft, self._agreement, now, self._limits.constraint_ahead_max)
        constraint_id = draft.id or self._new_id()
        span = time_bounds(draft.volumes)
        slots = {place.register.id: Slot() for place in self._places}
        row = OwnConstraintRow(
            id=constraint_id,
            name=draft.callsign,
            revision=1,
            ending=False,
            time_start=micros(span.start),
            time_end=micros(span.end),
            volumes=_ENCODER.encode(convert.volumes_to_wire(draft.volumes)),
            stated=_ENCODER.encode(draft.stated),
            slots=_ENCODER.encode(slots),
            updated=micros(now),
            confirmed=micros(now),
        )

        async def write(tx: Tx) -> NoGo:
            if await OwnConstraintRows(tx).get(constraint_id) is not None:
                raise StateConflict(f"a no-go area {constraint_id} is here already", field="id")
            return await self._save(tx, row)

        return self._spreading(await self._store.write(write))

    async def change(self, constraint_id: str, draft: PlanDraft) -> ConstraintView:
        """Put the draft in its place.

        Raises:
            WrongState: it is being lifted.
        """
        now = self._clock.now()
        await check_aside(draft, self._agreement, now, self._limits.constraint_ahead_max)
        span = time_bounds(draft.volumes)
        volumes = _ENCODER.encode(convert.volumes_to_wire(draft.volumes))
        stated = _ENCODER.encode(draft.stated)

        def changed(row: OwnConstraintRow) -> OwnConstraintRow:
            if row.ending:
                raise WrongState("the no-go area has been lifted; submit a new one")
            if (row.volumes, row.stated) == (volumes, stated):
                return row
            return replace(
                row,
                revision=row.revision + 1,
                time_start=micros(span.start),
                time_end=micros(span.end),
                volumes=volumes,
                stated=stated,
                confirmed=micros(now),
            )

        return await self._revise(constraint_id, changed)

    async def confirm(self, constraint_id: str) -> ConstraintView:
        """Say that it is still wanted.

        Raises:
            WrongState: it is being lifted.
        """
        now = micros(self._clock.now())

        def confirmed(row: OwnConstraintRow) -> OwnConstraintRow:
            if row.ending:
                raise WrongState("the no-go area has been lifted; submit a new one")
            return replace(row, confirmed=now)

        return await self._revise(constraint_id, confirmed)

    async def end(self, constraint_id: str) -> ConstraintView:
        """Lift it. Twice is as good as once."""
        return await self._revise(constraint_id, lambda row: replace(row, ending=True))

    async def list(self, *, ended: bool) -> list[ConstraintView]:
        """Return own no-go areas in order of start."""
        found = [n for n in self._known.values() if ended or not n.ended]
        return [self._view(n) for n in sorted(found, key=lambda n: (n.row.time_start, n.row.id))]

    async def get(self, constraint_id: str) -> ConstraintView:
        """Return one.

        Raises:
            NotFound: no no-go area of that id.
        """
        return self._view(self._get(constraint_id))

    async def settled(self, constraint_id: str, wait_s: float) -> ConstraintView:
        """Return it once every register holds it (or none any more), or after ``wait_s``."""
        until_s = self._clock.monotonic_s() + wait_s
        while True:
            changed = self._changed
            nogo = self._get(constraint_id)
            left_s = until_s - self._clock.monotonic_s()
            if nogo.everywhere or nogo.ended or left_s <= 0:
                return self._view(nogo)
            try:
                await self._clock.limit(changed.wait(), left_s)
            except TimeoutError:
                return self._view(self._get(constraint_id))

    def _get(self, constraint_id: str) -> NoGo:
        nogo = self._known.get(constraint_id)
        if nogo is None:
            raise NotFound(f"no no-go area {constraint_id} here; `tansiq constraint list --all`")
        return nogo

    def _view(self, nogo: NoGo) -> ConstraintView:
        row = nogo.row
        volumes = self._volumes(row)
        band = altitude_bounds(convert.constraint_volumes(volumes, "volumes"))
        if row.ending:
            status = "ended" if nogo.ended else "ending"
        else:
            status = "everywhere" if nogo.everywhere else "not everywhere yet"
        stated = msgspec.json.decode(row.stated, type=tuple[StatedBand, ...])
        return ConstraintView(
            id=row.id,
            party=self._party,
            name=row.name,
            status=status,
            time_start=zulu(from_micros(row.time_start)),
            time_end=zulu(from_micros(row.time_end)),
            altitude_m_min=band.lower_m,
            altitude_m_max=band.upper_m,
            registers=tuple(self._register(nogo, name) for name in nogo.slots),
            volumes=msgspec.Raw(row.volumes),
            stated=stated_document(stated),
            updated=zulu(from_micros(row.updated)),
            confirmed=zulu(from_micros(row.confirmed)),
            standing=nogo.standing(self._agreement.standing, self._clock.now()),
            expires=_expires(row, self._agreement.standing),
        )

    def _register(self, nogo: NoGo, register: str) -> RegisterView:
        slot = nogo.slots[register]
        holds = "nothing" if slot.revision is None else "other"
        if slot.revision == nogo.row.revision:
            holds = "current"
        problem = self._problems.get((nogo.row.id, register))
        return RegisterView(
            id=register,
            holds="unknown" if slot.doubt else holds,
            problem=None if problem is None else str(problem),
            problem_code=code_of(problem),
        )

    def _volumes(self, row: OwnConstraintRow) -> tuple[wire.Volume4D, ...]:
        return msgspec.json.decode(row.volumes, type=tuple[wire.Volume4D, ...])

    # ---- spreading

    async def _revise(
        self, constraint_id: str, edit: Callable[[OwnConstraintRow], OwnConstraintRow]
    ) -> ConstraintView:
        """Change what is wanted of it; what registers hold stays as the store has it."""
        self._get(constraint_id)

        async def write(tx: Tx) -> NoGo:
            old = await self._load(tx, constraint_id)
            new = edit(old.row)
            return old if new == old.row else await self._save(tx, new)

        return self._spreading(await self._store.write(write))

    def _spreading(self, nogo: NoGo) -> ConstraintView:
        self._taken(nogo)
        self._wake(nogo.row.id)
        return self._view(nogo)

    async def _load(self, tx: Tx, constraint_id: str) -> NoGo:
        row = await OwnConstraintRows(tx).get(constraint_id)
        if row is None:
            raise NotFound(f"no-go area {constraint_id} has vanished")
        return nogo_of(row)

    async def _save(self, tx: Tx, row: OwnConstraintRow) -> NoGo:
        now = self._clock.now()
        nogo = nogo_of(replace(row, updated=micros(now)))
        await OwnConstraintRows(tx).put(nogo.row)
        body = _ENCODER.encode(self._view(nogo))
        await self._events.append(tx, CONSTRAINT, nogo.row.id, body, now)
        return nogo

    def _taken(self, nogo: NoGo) -> None:
        self._known[nogo.row.id] = nogo
        self._changed.set()
        self._changed = asyncio.Event()

    async def _spread(self, constraint_id: str) -> None:
        """Write until every register holds the present revision, or none holds any."""
        wake = self._wakes[constraint_id]
        pause_s = self._timers.retry_first_s
        while True:
            wake.clear()
            nogo = self._known[constraint_id]
            if nogo.everywhere or nogo.ended:
                return
            results = await asyncio.gather(*(self._write(nogo, place) for place in self._places))
            if all(results):
                pause_s = self._timers.retry_first_s
                continue
            try:
                await self._clock.limit(wake.wait(), pause_s)
            except TimeoutError:
                pause_s = min(pause_s * 2, self._timers.retry_last_s)

    async def _write(self, nogo: NoGo, place: Place) -> bool:
        """Bring one register up to date; False if it did not take it."""
        register, row = place.register.id, nogo.row
        slot = nogo.slots[register]
        if row.ending and slot.revision is None and not slot.doubt:
            return True
        if not row.ending and slot.revision == row.revision and not slot.doubt:
            return True
        try:
            ovn = slot.ovn
            if slot.doubt:
                reference = await place.port.get_constraint(row.id)
                ovn = None if reference is None else reference.ovn
            if not await self._begun(nogo, register):
                return True  # Revised meanwhile: what is to be done now is another thing.
            written = await self._ask(nogo, place, ovn)
            return await self._answered(nogo, place, written)
        except TansiqError as error:
            self._problems[row.id, register] = Problem.of(error)
            return False

    async def _ask(self, nogo: NoGo, place: Place, ovn: str | None) -> Written:
        row = nogo.row
        if row.ending:
            if ovn is None:
                return Written(outcome=Outcome.GONE)
            return await place.port.delete_constraint(row.id, ovn)
        parameters = wire.PutConstraintReferenceParameters(
            extents=self._extents(row), uss_base_url=place.base_url
        )
        return await place.port.put_constraint(row.id, ovn, parameters)

    def _extents(self, row: OwnConstraintRow) -> tuple[wire.Volume4D, ...]:
        """Return what is written: enlarged by half the largest minima, as a plan of no category is,
        so that a plan within its minima of it always meets it there.
        """
        volumes = convert.constraint_volumes(self._volumes(row), "volumes")
        most = self._agreement.minima_table.largest
        return convert.volumes_to_wire(enlarged_by(volumes, most, fraction=0.5))

    async def _answered(self, nogo: NoGo, place: Place, written: Written) -> bool:
        register, row = place.register.id, nogo.row
        lifted = row.ending and written.outcome in (Outcome.OK, Outcome.GONE)
        if not lifted and written.outcome is not Outcome.OK:
            self._problems[row.id, register] = Problem.coded(
                "refused", written.problem or str(written.outcome)
            )
            return False
        self._problems.pop((row.id, register), None)
        document = None if lifted else self._document(row, written)
        record = None if document is None else self._records.of(register, document)
        slot = Slot()
        if record is not None:
            slot = Slot(revision=row.revision, ovn=record.known.ovn)

        async def write(tx: Tx) -> tuple[NoGo, list[Notification]]:
            changed = await self._set_slot(tx, row.id, register, slot)
            if record is None:
                await Views(tx).drop(register, row.id)
            else:
                await Views(tx).put(record.row)
            owed = self._notices.owed(written.subscribers, CONSTRAINT, row.id, document)
            return changed, await self._notices.add(tx, owed, self._clock.now())

        changed, notifications = await self._store.write(write)
        if record is None:
            self._airspace.drop(register, row.id)
        else:
            self._airspace.put(record.known)
        self._taken(changed)
        self._notices.push(notifications)
        if record is not None:
            await self.on_placed(record.known)
        return True

    def _document(self, row: OwnConstraintRow, written: Written) -> wire.Constraint:
        reference = written.reference
        assert isinstance(reference, wire.ConstraintReference)  # noqa: S101 - ports.py
        return wire.Constraint(
            reference=reference,
            details=wire.ConstraintDetails(
                volumes=self._volumes(row), tansiq=wire.TansiqDetails(callsign=row.name or None)
            ),
        )

    async def _begun(self, nogo: NoGo, register: str) -> bool:
        """Store that something is about to be sent, before it is.

        False if it is not wanted any more: what was lifted before anything was sent has ended, and
        must not be written after that.
        """

        async def write(tx: Tx) -> NoGo | None:
            now = await self._load(tx, nogo.row.id)
            if (now.row.revision, now.row.ending) != (nogo.row.revision, nogo.row.ending):
                return None
            slot = msgspec.structs.replace(now.slots[register], doubt=True)
            return await self._set_slot(tx, nogo.row.id, register, slot)

        noted = await self._store.write(write)
        if noted is not None:
            self._taken(noted)
        return noted is not None

    async def _set_slot(self, tx: Tx, constraint_id: str, register: str, slot: Slot) -> NoGo:
        nogo = await self._load(tx, constraint_id)
        slots = {**nogo.slots, register: slot}
        return await self._save(tx, replace(nogo.row, slots=_ENCODER.encode(slots)))

    # ---- audit

    def standing(self, register: str) -> dict[str, Slot]:
        """Return what a register is to hold now; for ``audit``, from before its reading."""
        now = micros(self._clock.now())
        return {
            constraint_id: nogo.slots[register]
            for constraint_id, nogo in self._known.items()
            if not nogo.ended and nogo.row.time_end > now and not nogo.slots[register].doubt
        }

    async def audit(
        self, register: str, before: Mapping[str, Slot], found: Mapping[str, str | None]
    ) -> None:
        """Write again what a register has lost; ``found`` are the OVNs of ours that stand there."""
        for constraint_id, slot in before.items():
            if slot.ovn != found.get(constraint_id):
                await self._doubt(constraint_id, register, slot)

    async def _doubt(self, constraint_id: str, register: str, slot: Slot) -> None:
        async def write(tx: Tx) -> NoGo | None:
            nogo = await self._load(tx, constraint_id)
            if nogo.slots[register] != slot:
                return None  # Written since.
            doubted = msgspec.structs.replace(slot, doubt=True)
            return await self._set_slot(tx, constraint_id, register, doubted)

        nogo = await self._store.write(write)
        if nogo is not None:
            self._spreading(nogo)


def _expires(row: OwnConstraintRow, rules: Standing) -> str | None:
    """Return when it is lifted if nobody confirms it; None: not before it ends."""
    if row.ending or rules.expire_after is None:
        return None
    at = from_micros(row.confirmed) + rules.expire_after
    return zulu(at) if at < from_micros(row.time_end) else None


async def _nobody(_: Known) -> None:
    """Take no notice."""

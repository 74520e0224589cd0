"""What others tell us, and what we tell who asks: details of intents and no-go areas.

A notification is stored before it is answered, then plans that it concerns are looked at again.
"""

from collections.abc import Callable
from dataclasses import replace

import msgspec

from tansiq.errors import BadInput, Forbidden, NotFound, PeerMalformed, StateConflict
from tansiq.f3548 import convert, wire
from tansiq.services.airspace import Airspace
from tansiq.services.planning.book import Book
from tansiq.services.planning.hearsay import Hearsay
from tansiq.services.planning.planner import Planner
from tansiq.services.planning.records import Entity, Records, without_extra
from tansiq.services.planning.site import Site
from tansiq.services.planning.telemetry import Telemetry
from tansiq.storage.own_constraints import OwnConstraintRows
from tansiq.storage.plans import Views
from tansiq.storage.store import Tx


class Hearing:
    """The USS role towards peers, except for sending."""

    def __init__(
        self,
        site: Site,
        *,
        airspace: Airspace,
        records: Records,
        planner: Planner,
        telemetry: Telemetry,
    ) -> None:
        self._hearsay = Hearsay(airspace, site.limits)
        self._agreement = site.agreement
        self._store = site.store
        self._airspace = airspace
        self._records = records
        self._planner = planner
        self._book: Book = planner.book
        self.telemetry = telemetry
        self.on_stray: Callable[[str, str], None] = lambda register, entity: None

    def register_of(self, name: str | None) -> str:
        """Return the register whose readers speak; without a name the gate, or the pool.

        Raises:
            NotFound: the agreement names no such register.
        """
        registers = self._agreement.registers
        if name is None:
            return registers[0].id
        if all(register.id != name for register in registers):
            raise NotFound(f"the agreement names no register {name[:60]}")
        return name

    # ---- what others tell us

    async def intent_changed(
        self, register: str, message: wire.PutOperationalIntentDetailsParameters, sender: str
    ) -> None:
        """Store a peer's notification about one of its intents.

        Raises:
            BadInput: it is not about the entity that it names, or its volumes cannot be.
            Forbidden: the sender does not manage that intent.
            StateConflict: we hold a newer version.
        """
        entity = convert.entity_id(message.operational_intent_id, "operational_intent_id")
        await self._changed(register, entity, message.operational_intent, sender)

    async def constraint_changed(
        self, register: str, message: wire.PutConstraintDetailsParameters, sender: str
    ) -> None:
        """Store a peer's notification about one of its no-go areas; errors as above."""
        entity = convert.entity_id(message.constraint_id, "constraint_id")
        await self._changed(register, entity, message.constraint, sender)

    async def _changed(
        self, register: str, entity: str, document: Entity | None, sender: str
    ) -> None:
        if self._book.by_intent(entity) is not None:  # On its way there, perhaps.
            raise _ours(entity)
        self._check_manager(register, entity, sender)
        if document is None:
            if self._airspace.get(register, entity) is not None:
                await self._drop(register, entity)
            self._wake_for(register, entity)
            return
        if document.reference.id.lower() != entity:
            raise BadInput("names another entity than the notification", field="reference.id")
        if document.reference.manager != sender:
            raise Forbidden(f"{sender} cannot speak for {document.reference.manager}")
        self._refuse_old(register, entity, document)
        try:
            record = await self._records.of_any_size(register, document)
        except PeerMalformed as error:
            raise BadInput(str(error), field="operational_intent") from error
        self._refuse_old(register, entity, document)

        async def write(tx: Tx) -> None:
            if await OwnConstraintRows(tx).get(entity) is not None:
                raise _ours(entity)
            await Views(tx).put(record.row)

        await self._store.write(write)
        self._refuse_old(register, entity, document)  # Meanwhile a newer one came and counts.
        told = replace(record.known, told=True)
        self._airspace.put(told)
        self._wake_for(register, entity)
        await self._planner.newcomers.heard(told)
        for place, forgotten in self._hearsay.note(told, len(record.row.document)):
            await self._drop(place, forgotten)

    def _check_manager(self, register: str, entity: str, sender: str) -> None:
        known = self._airspace.get(register, entity)
        if known is not None and known.manager != sender:
            if not known.own:
                self.on_stray(register, entity)  # One of the two lies; the register knows which.
            raise Forbidden(f"{entity} is managed by {known.manager}, not by {sender}")

    def _refuse_old(self, register: str, entity: str, document: Entity) -> None:
        self._check_manager(register, entity, document.reference.manager)
        known = self._airspace.get(register, entity)
        if known is not None and document.reference.version < known.version:
            raise StateConflict(f"version {known.version} of {entity} is known already")

    async def _drop(self, register: str, entity: str) -> None:
        async def write(tx: Tx) -> None:
            await Views(tx).drop(register, entity)

        await self._store.write(write)
        self._airspace.drop(register, entity)

    def _wake_for(self, register: str, entity: str) -> None:
        """Look again at plans that wait for this entity, or to know it."""
        self._planner.known_now(register, entity)
        for plan in self._book.living():
            placement = plan.placement
            blocker = placement.blocker
            if placement.recheck or (blocker is not None and blocker.id == entity):
                self._planner.wake(plan.id)

    # ---- what others ask

    async def intent_details(
        self, register: str, intent_id: str, *, party: bool
    ) -> wire.OperationalIntent:
        """Return one of our intents as that register's readers are to see it.

        Raises:
            NotFound: no register has confirmed that intent to us.
        """
        document = await self._served(register, intent_id)
        intent = msgspec.json.decode(document, type=wire.OperationalIntent)
        return intent if party else without_extra(intent)

    async def constraint_details(
        self, register: str, constraint_id: str, *, party: bool
    ) -> wire.Constraint:
        """Return one of our no-go areas; errors as above."""
        document = await self._served(register, constraint_id)
        constraint = msgspec.json.decode(document, type=wire.Constraint)
        return constraint if party else without_extra(constraint)

    async def _served(self, register: str, entity: str) -> bytes:
        entity = convert.entity_id(entity, "entityid")

        async def read(tx: Tx) -> bytes | None:
            view = await Views(tx).get(register, entity)
            return view.document if view is not None and view.own else None

        document = await self._store.read(read)
        if document is None:
            if self._book.by_intent(entity) is None:
                # Somebody found a reference of ours that is no living plan's: a stray.
                self.on_stray(register, entity)
            raise NotFound(f"{entity} is not managed here")
        return document


def _ours(entity: str) -> Forbidden:
    return Forbidden(f"{entity} is managed here")

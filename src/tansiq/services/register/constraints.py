"""Constraint references: create, update, delete, get and query, inside a transaction."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from tansiq.domain.intent import EntityID
from tansiq.domain.time import micros
from tansiq.domain.volume import Volumes
from tansiq.errors import NotFound
from tansiq.f3548 import wire
from tansiq.services.register.intents import availability_of, check_previous
from tansiq.services.register.relevance import pack
from tansiq.services.register.requests import ConstraintWrite
from tansiq.services.register.values import (
    AcceptedWrite,
    Caller,
    Kind,
    OnAccepted,
    constraint_reference,
    subscribers,
)
from tansiq.storage.cells import Cover
from tansiq.storage.constraints import ConstraintRow, Constraints
from tansiq.storage.store import Tx
from tansiq.storage.stripes import take_covers, take_entity
from tansiq.storage.subscriptions import Notified, Subscriptions

_NOUN = "constraint"


@dataclass(frozen=True, slots=True)
class ConstraintRegister:
    """The rules for constraints: they need no key, and only their manager changes them."""

    new_ovn: Callable[[], str]
    on_accepted: OnAccepted

    async def put(self, tx: Tx, write: ConstraintWrite) -> wire.ChangeConstraintReferenceResponse:
        """Create or update a constraint.

        Raises:
            NotFound, Forbidden, StaleOVN: the stored version is not what the request presumes.
        """
        constraints = Constraints(tx)
        await take_entity(tx, write.id)
        old = await constraints.get(write.id)
        check_previous(old, write.caller, write.ovn, _NOUN)
        changed = [write.cover] if old is None else [old.cover, write.cover]
        await take_covers(tx, changed)
        new = ConstraintRow(
            id=write.id,
            manager=write.caller.id,
            version=1 if old is None else old.version + 1,
            ovn=self.new_ovn(),
            uss_base_url=write.uss_base_url,
            time_start=write.cover.time_start,
            time_end=write.cover.time_end,
            cover=write.cover,
            extents=pack(write.extents),
            availability=await availability_of(tx, write.caller.id),
        )
        await constraints.put(new, old=old)
        told = await Subscriptions(tx).raise_indices(
            changed, constraint=True, now=tx.time_us(write.now)
        )
        await self.on_accepted(tx, _accepted(new, write.extents, removed=False))
        return _changed(new, write.caller, told)

    async def delete(
        self, tx: Tx, caller: Caller, constraint_id: EntityID, ovn: str, now: datetime
    ) -> wire.ChangeConstraintReferenceResponse:
        """Remove a constraint.

        Raises:
            NotFound, Forbidden, StaleOVN: the stored version is not what the request presumes.
        """
        constraints = Constraints(tx)
        await take_entity(tx, constraint_id)
        old = await constraints.get(constraint_id)
        check_previous(old, caller, ovn, _NOUN)
        assert old is not None  # noqa: S101 - check_previous raised otherwise
        await take_covers(tx, [old.cover])
        await constraints.delete(old)
        told = await Subscriptions(tx).raise_indices(
            [old.cover], constraint=True, now=tx.time_us(micros(now))
        )
        await self.on_accepted(tx, _accepted(old, (), removed=True))
        return _changed(old, caller, told)


async def get_constraint(
    tx: Tx, caller: Caller, constraint_id: EntityID
) -> wire.ConstraintReference:
    """Return one constraint.

    Raises:
        NotFound: it is not here.
    """
    row = await Constraints(tx).get(constraint_id)
    if row is None:
        raise NotFound(f"no {_NOUN} {constraint_id} stands here", field="entityid")
    return constraint_reference(row, caller.id)


async def query_constraints(
    tx: Tx, caller: Caller, where: Cover
) -> tuple[wire.ConstraintReference, ...]:
    """Return all constraints that a search meets, ordered by id."""
    return tuple(constraint_reference(row, caller.id) for row in await Constraints(tx).met(where))


def _accepted(row: ConstraintRow, extents: Volumes, *, removed: bool) -> AcceptedWrite:
    return AcceptedWrite(
        kind=Kind.CONSTRAINT,
        id=row.id,
        manager=row.manager,
        extents=extents,
        removed=removed,
        version=row.version,
        uss_base_url=row.uss_base_url,
        cover=row.cover,
    )


def _changed(
    row: ConstraintRow, caller: Caller, told: list[Notified]
) -> wire.ChangeConstraintReferenceResponse:
    return wire.ChangeConstraintReferenceResponse(
        subscribers=subscribers(told), constraint_reference=constraint_reference(row, caller.id)
    )

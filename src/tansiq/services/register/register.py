"""The register as a service: validates, runs one transaction, answers after its commit.

Each write is there twice: ``put_intent`` for a caller from outside, and ``read_intent`` (validation
and covers, no store) with ``put_intent_tx`` for whoever holds a transaction already.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from datetime import datetime
from typing import TypeVar

from tansiq.domain.intent import EntityID
from tansiq.errors import Forbidden, MissingOVNs
from tansiq.f3548 import wire
from tansiq.f3548.convert import entity_id
from tansiq.services.register import availability, constraints, intents, requests, subscriptions
from tansiq.services.register.holdings import Holdings
from tansiq.services.register.places import Places
from tansiq.services.register.values import (
    AVAILABILITY_ARBITRATION,
    CONSTRAINT_MANAGEMENT,
    AirspaceConflict,
    Caller,
    OnAccepted,
    nobody,
)
from tansiq.settings import Limits
from tansiq.storage.cells import CONSTRAINT, INTENT, SUBSCRIPTION, Cover
from tansiq.storage.store import Store, Tx
from tansiq.storage.stripes import entity_keys

_ENTITY = "entityid"
_SUBSCRIPTION = "subscriptionid"
_QUICK_CORNERS = 512
T = TypeVar("T")


async def _aside(extents: Sequence[wire.Volume4D], read: Callable[[], T]) -> T:
    """Validate and cover a request; in a thread where it has so many corners that others notice."""
    corners = sum(
        len(extent.volume.outline_polygon.vertices)
        for extent in extents
        if extent.volume.outline_polygon is not None
    )
    return read() if corners <= _QUICK_CORNERS else await asyncio.to_thread(read)


class Register:
    """Who has placed what, and who is to hear of it.

    ``new_id`` makes UUIDs of version 4, ``new_ovn`` unguessable texts of 16 to 128 characters that
    need no escape in a URL. ``on_accepted`` runs inside the transaction of each accepted change.
    ``exempt`` are managers who may hold any number of entities.
    """

    def __init__(
        self,
        store: Store,
        *,
        new_id: Callable[[], str],
        new_ovn: Callable[[], str],
        on_accepted: OnAccepted = nobody,
        limits: Limits | None = None,
        exempt: Iterable[str] = (),
    ) -> None:
        self._store = store
        self.equals: Collection[str] = frozenset()
        """Suppliers whom no arbiter may mark Down."""
        self._new_id = new_id
        self._new_version = new_ovn
        self._limits = limits = limits or Limits()
        self.holdings = Holdings(limits, exempt)
        self._places = Places()
        self._intents = intents.IntentRegister(new_id, new_ovn, on_accepted)
        self._constraints = constraints.ConstraintRegister(new_ovn, on_accepted)
        self._subscriptions = subscriptions.SubscriptionRegister(
            new_ovn, limits.subscription_max, limits.subscription_skew
        )

    async def _created(
        self,
        kind: int,
        caller: Caller,
        put: Callable[[Tx], Awaitable[T]],
        at: Collection[int] = (),
    ) -> T:
        """Write an entity that is not there yet, if its manager may hold one more.

        Raises:
            TooMany: it may not.
        """
        self.holdings.take(kind, caller.id)
        try:
            return await self._store.write(put, beside=True, at=at)
        except BaseException:  # Refused, failed or taken back: it is not there.
            self.holdings.give_back(kind, caller.id)
            raise

    # Operational intents

    def read_intent(
        self,
        caller: Caller,
        intent_id: str,
        ovn: str | None,
        params: wire.PutOperationalIntentReferenceParameters,
        now: datetime,
    ) -> requests.IntentWrite:
        """Validate a request; looks at nothing stored. Raises BadInput or Forbidden."""
        return requests.read_intent(caller, intent_id, ovn, params, now, self._limits)

    async def put_intent_tx(
        self, tx: Tx, write: requests.IntentWrite
    ) -> wire.ChangeOperationalIntentReferenceResponse:
        """Create or update an intent inside a transaction; see ``IntentRegister.put``.

        Raises:
            AirspaceConflict: the key lacks OVNs; all of the entities are listed.
        """
        try:
            return await self._intents.put(tx, write, self.equals)
        except MissingOVNs as missing:
            conflict = await intents.listed(tx, write.caller, missing)
            raise conflict or missing from missing

    async def put_intent(
        self,
        caller: Caller,
        intent_id: str,
        ovn: str | None,
        params: wire.PutOperationalIntentReferenceParameters,
        now: datetime,
    ) -> wire.ChangeOperationalIntentReferenceResponse:
        """Create (``ovn`` is None) or update an intent.

        Raises:
            AirspaceConflict: the key lacks OVNs; all of the entities are listed.
        """
        write = await _aside(
            params.extents, lambda: self.read_intent(caller, intent_id, ovn, params, now)
        )

        async def put(tx: Tx) -> wire.ChangeOperationalIntentReferenceResponse:
            return await self._intents.put(tx, write, self.equals)

        creating = ovn is None
        at = entity_keys(write.id, [write.cover], [write.subscription_id])
        while True:
            try:
                answer = await (
                    self._created(INTENT, caller, put, at)
                    if creating
                    # Where it was and where it will be; of what will be alone, nothing.
                    else self._store.write(
                        put, beside=True, at=at and at | self._places.of(write.id)
                    )
                )
            except MissingOVNs as error:
                missing = error
            else:
                self._places.note(write.id, at)
                return answer
            conflict = await self._listed(caller, missing)
            if conflict is not None:
                raise conflict
            # All that stood in the way has gone since: then the key may do now.

    async def _listed(self, caller: Caller, missing: MissingOVNs) -> AirspaceConflict | None:
        return await self._store.read(lambda tx: intents.listed(tx, caller, missing))

    async def delete_intent_tx(
        self, tx: Tx, caller: Caller, intent_id: EntityID, ovn: str, now: datetime
    ) -> wire.ChangeOperationalIntentReferenceResponse:
        """Remove an intent inside a transaction; see ``IntentRegister.delete``."""
        return await self._intents.delete(tx, caller, intent_id, ovn, now)

    async def delete_intent(
        self, caller: Caller, intent_id: str, ovn: str, now: datetime
    ) -> wire.ChangeOperationalIntentReferenceResponse:
        """Remove an intent."""
        entity, given = entity_id(intent_id, _ENTITY), requests.version_given(ovn, "ovn")
        answer = await self._store.write(
            lambda tx: self._intents.delete(tx, caller, entity, given, now),
            beside=True,
            at=self._places.of(entity),
        )
        self._places.note(entity, frozenset())
        self.holdings.give_back(INTENT, caller.id)
        return answer

    async def get_intent(
        self, caller: Caller, intent_id: str
    ) -> wire.GetOperationalIntentReferenceResponse:
        """Return one intent. Raises NotFound."""
        entity = entity_id(intent_id, _ENTITY)
        found = await self._store.read(lambda tx: intents.get_intent(tx, caller, entity))
        return wire.GetOperationalIntentReferenceResponse(operational_intent_reference=found)

    def read_search(self, caller: Caller, area: wire.Volume4D | None) -> Cover:
        """Validate the area of a query; looks at nothing stored. Raises BadInput."""
        return requests.read_search(caller, area)

    async def _searched(self, caller: Caller, area: wire.Volume4D | None) -> Cover:
        extents = () if area is None else (area,)
        return await _aside(extents, lambda: self.read_search(caller, area))

    async def query_intents(
        self, caller: Caller, area: wire.Volume4D | None
    ) -> wire.QueryOperationalIntentReferenceResponse:
        """Return all intents in an area, ordered by id."""
        where = await self._searched(caller, area)
        found = await self._store.read(lambda tx: intents.query_intents(tx, caller, where))
        return wire.QueryOperationalIntentReferenceResponse(operational_intent_references=found)

    # Constraints

    def read_constraint(
        self,
        caller: Caller,
        constraint_id: str,
        ovn: str | None,
        params: wire.PutConstraintReferenceParameters,
        now: datetime,
    ) -> requests.ConstraintWrite:
        """Validate a request; looks at nothing stored. Raises BadInput or Forbidden."""
        return requests.read_constraint(caller, constraint_id, ovn, params, now, self._limits)

    async def put_constraint(
        self,
        caller: Caller,
        constraint_id: str,
        ovn: str | None,
        params: wire.PutConstraintReferenceParameters,
        now: datetime,
    ) -> wire.ChangeConstraintReferenceResponse:
        """Create (``ovn`` is None) or update a constraint."""
        write = await _aside(
            params.extents, lambda: self.read_constraint(caller, constraint_id, ovn, params, now)
        )

        async def put(tx: Tx) -> wire.ChangeConstraintReferenceResponse:
            return await self._constraints.put(tx, write)

        creating = ovn is None
        return await (
            self._created(CONSTRAINT, caller, put)
            if creating
            else self._store.write(put, beside=True)
        )

    async def delete_constraint(
        self, caller: Caller, constraint_id: str, ovn: str, now: datetime
    ) -> wire.ChangeConstraintReferenceResponse:
        """Remove a constraint."""
        caller.require(CONSTRAINT_MANAGEMENT, "deleting a constraint")
        entity, given = entity_id(constraint_id, _ENTITY), requests.version_given(ovn, "ovn")
        answer = await self._store.write(
            lambda tx: self._constraints.delete(tx, caller, entity, given, now), beside=True
        )
        self.holdings.give_back(CONSTRAINT, caller.id)
        return answer

    async def get_constraint(
        self, caller: Caller, constraint_id: str
    ) -> wire.GetConstraintReferenceResponse:
        """Return one constraint. Raises NotFound."""
        entity = entity_id(constraint_id, _ENTITY)
        found = await self._store.read(lambda tx: constraints.get_constraint(tx, caller, entity))
        return wire.GetConstraintReferenceResponse(constraint_reference=found)

    async def query_constraints(
        self, caller: Caller, area: wire.Volume4D | None
    ) -> wire.QueryConstraintReferencesResponse:
        """Return all constraints in an area, ordered by id."""
        where = await self._searched(caller, area)
        found = await self._store.read(lambda tx: constraints.query_constraints(tx, caller, where))
        return wire.QueryConstraintReferencesResponse(constraint_references=found)

    # Subscriptions

    def read_subscription(
        self,
        caller: Caller,
        subscription_id: str,
        version: str | None,
        params: wire.PutSubscriptionParameters,
        now: datetime,
    ) -> requests.SubscriptionWrite:
        """Validate a request; looks at nothing stored. Raises BadInput or Forbidden."""
        return requests.read_subscription(caller, subscription_id, version, params, now)

    async def put_subscription(
        self,
        caller: Caller,
        subscription_id: str,
        version: str | None,
        params: wire.PutSubscriptionParameters,
        now: datetime,
    ) -> wire.PutSubscriptionResponse:
        """Create (``version`` is None) or update a subscription; return what stands in it.

        That is read after the commit: what comes in between is told twice rather than never, and
        a subscription to a crowded area does not hold up everybody's writes.
        """
        write = await _aside(
            (params.extents,),
            lambda: self.read_subscription(caller, subscription_id, version, params, now),
        )

        async def put(tx: Tx) -> subscriptions.Subscribed:
            return await self._subscriptions.put(tx, write)

        creating = version is None
        made = await (
            self._created(SUBSCRIPTION, caller, put)
            if creating
            else self._store.write(put, beside=True)
        )
        return await self._store.read(lambda tx: subscriptions.with_entities(tx, caller, made))

    async def delete_subscription(
        self, caller: Caller, subscription_id: str, version: str
    ) -> wire.DeleteSubscriptionResponse:
        """Remove a subscription."""
        entity = entity_id(subscription_id, _SUBSCRIPTION)
        given = requests.version_given(version, "version")
        answer = await self._store.write(
            lambda tx: self._subscriptions.delete(tx, caller, entity, given), beside=True
        )
        if not answer.subscription.implicit_subscription:
            self.holdings.give_back(SUBSCRIPTION, caller.id)
        return answer

    async def get_subscription(
        self, caller: Caller, subscription_id: str
    ) -> wire.GetSubscriptionResponse:
        """Return one subscription of the caller's. Raises NotFound or Forbidden."""
        entity = entity_id(subscription_id, _SUBSCRIPTION)
        found = await self._store.read(
            lambda tx: subscriptions.get_subscription(tx, caller, entity)
        )
        return wire.GetSubscriptionResponse(subscription=found)

    async def query_subscriptions(
        self, caller: Caller, area: wire.Volume4D | None, now: datetime
    ) -> wire.QuerySubscriptionsResponse:
        """Return the caller's living subscriptions in an area, ordered by id."""
        where = await self._searched(caller, area)
        found = await self._store.read(
            lambda tx: subscriptions.query_subscriptions(tx, caller, where, now)
        )
        return wire.QuerySubscriptionsResponse(subscriptions=found)

    # Availability

    async def get_availability(self, uss: str) -> wire.UssAvailabilityStatusResponse:
        """Return what is known of a supplier's availability."""
        checked = availability.check_uss(uss)
        return await self._store.read(lambda tx: availability.get_availability(tx, checked))

    async def set_availability(
        self, caller: Caller, uss: str, params: wire.SetUssAvailabilityStatusParameters
    ) -> wire.UssAvailabilityStatusResponse:
        """Set a supplier's availability. Raises Forbidden, BadInput or StateConflict."""
        caller.require(AVAILABILITY_ARBITRATION, "setting availability")
        checked, state = availability.check_uss(uss), availability.read_state(params.availability)
        if caller.party:
            # Its token is its own work, the scope in it too: it would arbitrate in its own cause.
            raise Forbidden("a party of the agreement is no arbiter, whatever scope it names")
        if checked in self.equals:
            # Else one word from outside would take the air from what a party holds in Accepted.
            raise Forbidden(
                f"{checked} is a party of an agreement in which each holds a register; no arbiter "
                "marks it, and its absence is settled between the parties",
                field="uss_id",
            )
        return await self._store.write(
            lambda tx: availability.set_availability(
                tx, checked, state, params.old_version or "", self._new_version
            )
        )

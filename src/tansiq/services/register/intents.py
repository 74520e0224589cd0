"""Operational intent references: create, update, delete, get and query, inside a transaction.

The order of an accepted write matters: the key is checked before anything is written, an implicit
subscription that falls away is dropped before subscribers are counted on a write and after that
on a deletion, and ``on_accepted`` sees the register as it will be.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import datetime

from tansiq.domain.intent import NEEDS_KEY, EntityID, IntentState
from tansiq.domain.time import micros
from tansiq.errors import BadInput, Forbidden, MissingOVNs, NotFound, StaleOVN, UssDown
from tansiq.f3548 import wire
from tansiq.services.register.looking import DOWN, Seen, look, take_rest
from tansiq.services.register.relevance import pack, relevant
from tansiq.services.register.requests import IntentWrite
from tansiq.services.register.values import (
    AcceptedWrite,
    AirspaceConflict,
    Caller,
    Kind,
    OnAccepted,
    constraint_reference,
    intent_reference,
    subscribers,
)
from tansiq.storage.availability import Availability
from tansiq.storage.cells import Cover
from tansiq.storage.constraints import ConstraintRow, Constraints
from tansiq.storage.intents import UNKNOWN, IntentRow, Intents, Unknown
from tansiq.storage.store import Tx
from tansiq.storage.stripes import take_covers, take_entity
from tansiq.storage.subscriptions import Notified, SubscriptionRow, Subscriptions

_NOUN = "operational intent"
STRETCHED_CELLS_MAX = 2_000
"""Of one implicit subscription: all of them are written again whenever it grows."""


async def availability_of(tx: Tx, uss: str) -> str:
    """Return what the arbiter says of a supplier."""
    row = await Availability(tx).get(uss)
    return UNKNOWN if row is None else row.availability


def check_up(availability: str, caller: Caller, what: str) -> None:
    """Refuse what a supplier that is marked Down may not do.

    Raises:
        UssDown: it is.
    Source: utm.yaml ``UssAvailabilityState``.
    """
    if availability == DOWN:
        raise UssDown(
            f"{caller.id} is marked Down here and may not {what}; have the arbiter mark it Normal"
        )


def check_previous(
    old: IntentRow | ConstraintRow | None, caller: Caller, ovn: str | None, noun: str
) -> None:
    """Check what a write presumes of the stored version: None for a creation, else its OVN.

    Raises:
        NotFound, Forbidden, StaleOVN: it is not there, not the caller's, or another version.
    """
    if old is None:
        if ovn is not None:
            raise NotFound(f"no {noun} of that id stands here; create it without an OVN")
        return
    if old.manager != caller.id:
        raise Forbidden(f"the {noun} {old.id} is managed by {old.manager}, not by {caller.id}")
    if ovn is None:
        raise StaleOVN(f"the {noun} {old.id} exists already; name its OVN to update it")
    if ovn != old.ovn:
        raise StaleOVN(f"the {noun} {old.id} is no longer at that OVN; read it again", field="ovn")


def _check_still_flying(old: IntentRow | None, state: IntentState) -> None:
    """Refuse to take back that an aircraft is lost to its plan.

    The only change of state that the interface file rules out: a manager knows its flight, and a
    register that stood in the way of another change would show peers a state that is not so.

    Raises:
        BadInput: the intent is Contingent and is to become something else.
    Source: utm.yaml ``OperationalIntentState``.
    """
    contingent = IntentState.CONTINGENT
    if old is not None and old.state == contingent and state is not contingent:
        raise BadInput(
            f"it is Contingent and can only end; delete it, and create another to be {state}",
            field="state",
        )


@dataclass(frozen=True, slots=True)
class IntentRegister:
    """The rules for intents. Randomness is injected; time comes with each request."""

    new_id: Callable[[], str]
    new_ovn: Callable[[], str]
    on_accepted: OnAccepted

    async def put(
        self, tx: Tx, write: IntentWrite, equals: Collection[str] = ()
    ) -> wire.ChangeOperationalIntentReferenceResponse:
        """Create or update an intent; ``equals`` are held against each other exactly.

        Raises:
            NotFound, Forbidden, StaleOVN: the stored version is not what the request presumes.
            UssDown: the caller is marked Down.
            BadInput: the subscription named cannot serve this intent, or it is Contingent already.
            MissingOVNs: the key lacks OVNs; all of the entities are named. ``listed`` tells more.
        """
        intents, subscriptions = Intents(tx), Subscriptions(tx)
        seen = await look(tx, write)
        old, named = seen.old, seen.named
        check_previous(old, write.caller, write.ovn, _NOUN)
        await take_rest(tx, write, old)
        _check_still_flying(old, write.state)
        if write.state in NEEDS_KEY:
            check_up(seen.availability, write.caller, f"write intents that are {write.state}")
        _check_named(write, named)
        if write.state in NEEDS_KEY:
            hears = _hears_constraints(write, named)
            await _check_key(tx, write, seen, for_constraints=hears, equals=equals)
        new = replace(self._next(write, old), availability=seen.availability)
        now = tx.time_us(write.now)
        covers = [new.cover] if old is None else [old.cover, new.cover]
        if tx.distant and _stays(write, old, named):
            new = replace(new, subscription_id=write.subscription_id)
            if old is not None:
                await intents.leave(old, new)
            changes = intents.changes(new, old=old)
            told = await subscriptions.changed(changes, covers, constraint=False, now=now)
        else:
            new = replace(new, subscription_id=await self._attach(subscriptions, write, named))
            await intents.put(new, old=old)
            if old is not None and old.subscription_id != new.subscription_id:
                await drop_unused(intents, subscriptions, old.subscription_id)
            told = await subscriptions.raise_indices(covers, constraint=False, now=now)
        await self.on_accepted(tx, _accepted(write, new))
        return _changed(new, write.caller, told)

    async def _attach(
        self, subscriptions: Subscriptions, write: IntentWrite, named: SubscriptionRow | None
    ) -> str | None:
        """Make or stretch the subscription that serves the intent; return its id."""
        wish = write.new_subscription
        if wish is not None:
            made = SubscriptionRow(
                id=self.new_id(),
                manager=write.caller.id,
                version=self.new_ovn(),
                notification_index=0,
                uss_base_url=wish.uss_base_url,
                for_intents=True,
                for_constraints=wish.for_constraints,
                implicit=True,
                time_start=write.cover.time_start,
                time_end=write.cover.time_end,
                cover=write.cover,
            )
            await subscriptions.put(made, old=None)
            return made.id
        if named is None:
            return None
        if not covers(named, write.cover):  # Checked before: then it is an implicit one.
            stretched = _stretched(named, write.cover)
            if stretched.cover.count > STRETCHED_CELLS_MAX:
                raise BadInput(
                    "the subscription would reach too far; wish for a new_subscription instead",
                    field="subscription_id",
                )
            await subscriptions.put(stretched, old=named)
        return named.id

    def _next(self, write: IntentWrite, old: IntentRow | None) -> IntentRow:
        ovn = write.requested_ovn or self.new_ovn()
        if old is not None and ovn == old.ovn:
            raise BadInput("each version needs a new one", field="requested_ovn_suffix")
        return IntentRow(
            id=write.id,
            manager=write.caller.id,
            state=write.state,
            version=1 if old is None else old.version + 1,
            ovn=ovn,
            uss_base_url=write.uss_base_url,
            subscription_id=None,
            time_start=write.cover.time_start,
            time_end=write.cover.time_end,
            cover=write.cover,
            extents=pack(write.extents),
        )

    async def delete(
        self, tx: Tx, caller: Caller, intent_id: EntityID, ovn: str, now: datetime
    ) -> wire.ChangeOperationalIntentReferenceResponse:
        """Remove an intent, and its implicit subscription if nothing else hangs on it.

        Raises:
            NotFound, Forbidden, StaleOVN: the stored version is not what the request presumes.
            UssDown: the caller is marked Down.
        """
        intents, subscriptions = Intents(tx), Subscriptions(tx)
        await take_entity(tx, intent_id)
        old = await intents.get(intent_id)
        check_previous(old, caller, ovn, _NOUN)
        assert old is not None  # noqa: S101 - check_previous raised otherwise
        await take_covers(tx, [old.cover], subscriptions=[old.subscription_id])
        check_up(old.availability, caller, "delete intents")
        at = tx.time_us(micros(now))
        if tx.distant:
            told = await subscriptions.changed(
                intents.removal(old), [old.cover], constraint=False, now=at
            )
        else:
            told = await subscriptions.raise_indices([old.cover], constraint=False, now=at)
            await intents.delete(old)
        await drop_unused(intents, subscriptions, old.subscription_id)
        await self.on_accepted(
            tx,
            AcceptedWrite(
                kind=Kind.INTENT,
                id=old.id,
                manager=old.manager,
                extents=(),
                removed=True,
                version=old.version,
                uss_base_url=old.uss_base_url,
                cover=old.cover,
            ),
        )
        return _changed(old, caller, told)


async def get_intent(
    tx: Tx, caller: Caller, intent_id: EntityID
) -> wire.OperationalIntentReference:
    """Return one intent.

    Raises:
        NotFound: it is not here.
    """
    row = await Intents(tx).get(intent_id)
    if row is None:
        raise NotFound(f"no {_NOUN} {intent_id} stands here", field="entityid")
    return intent_reference(row, caller.id)


async def query_intents(
    tx: Tx, caller: Caller, where: Cover
) -> tuple[wire.OperationalIntentReference, ...]:
    """Return all intents that a search meets, ordered by id."""
    return tuple(intent_reference(row, caller.id) for row in await Intents(tx).met(where))


def covers(subscription: SubscriptionRow, where: Cover) -> bool:
    """Report whether a subscription holds all cells and the whole time of an intent."""
    return (
        subscription.time_start <= where.time_start
        and where.time_end <= subscription.time_end
        and subscription.cover.contains(where)
    )


def _stretched(subscription: SubscriptionRow, where: Cover) -> SubscriptionRow:
    start = min(subscription.time_start, where.time_start)
    end = max(subscription.time_end, where.time_end)
    return replace(
        subscription,
        time_start=start,
        time_end=end,
        cover=subscription.cover.union(where).timed(start, end),
    )


def _check_named(write: IntentWrite, found: SubscriptionRow | None) -> None:
    """Refuse a subscription that cannot serve the intent.

    Raises:
        BadInput, Forbidden: the one that the request names is not there, or cannot.
    """
    if write.subscription_id is None:
        return
    if found is None:
        raise BadInput("no subscription of that id stands here", field="subscription_id")
    if found.manager != write.caller.id:
        raise Forbidden("the subscription is somebody else's", field="subscription_id")
    if not found.for_intents:
        raise BadInput("it does not notify for operational intents", field="subscription_id")
    if not found.implicit and not covers(found, write.cover):
        raise BadInput(
            "it does not cover the whole area and time of the intent; enlarge it first",
            field="subscription_id",
        )


def _stays(write: IntentWrite, old: IntentRow | None, named: SubscriptionRow | None) -> bool:
    """Report whether the intent hangs on what it hung on, and no subscription is changed for it."""
    return (
        write.new_subscription is None
        and (named is None or covers(named, write.cover))
        and (old is None or old.subscription_id == write.subscription_id)
    )


def _hears_constraints(write: IntentWrite, named: SubscriptionRow | None) -> bool:
    if named is not None:
        return named.for_constraints
    return write.new_subscription is not None and write.new_subscription.for_constraints


async def _check_key(
    tx: Tx, write: IntentWrite, seen: Seen, *, for_constraints: bool, equals: Collection[str] = ()
) -> None:
    """Refuse a write whose author has not shown that they know everything relevant."""
    judged = equals if write.caller.id in equals else ()
    missing = relevant(write.extents, seen.unknown, judged)
    barred: list[str] = []
    if for_constraints:
        found = await Constraints(tx).find(write.cover)
        lacking = [
            Unknown(row.id, row.manager, row.extents) for row in found if row.ovn not in write.key
        ]
        barred = relevant(write.extents, lacking, judged)
    if missing or barred:
        raise MissingOVNs("the key lacks OVNs", missing_intents=missing, missing_constraints=barred)


async def listed(tx: Tx, caller: Caller, missing: MissingOVNs) -> AirspaceConflict | None:
    """Return the refusal that lists what a key lacks, or None if nothing of it is there any more.

    Apart from the check, because thousands may be missing, and the writer should not read them.
    """
    found = await Intents(tx).bare(missing.missing_intents)
    barring = await Constraints(tx).bare(missing.missing_constraints)
    intents = [intent_reference(row, caller.id) for row in found]
    constraints = [constraint_reference(row, caller.id) for row in barring]
    return AirspaceConflict(intents, constraints) if intents or constraints else None


async def drop_unused(
    intents: Intents, subscriptions: Subscriptions, subscription_id: str | None
) -> None:
    """Delete an implicit subscription on which nothing hangs any more."""
    if subscription_id is None:
        return
    left = await subscriptions.get(subscription_id)
    if left is not None and left.implicit and not await intents.dependents(subscription_id):
        await subscriptions.delete(left)


def _accepted(write: IntentWrite, new: IntentRow) -> AcceptedWrite:
    return AcceptedWrite(
        kind=Kind.INTENT,
        id=new.id,
        manager=new.manager,
        extents=write.extents,
        removed=False,
        version=new.version,
        uss_base_url=new.uss_base_url,
        cover=new.cover,
    )


def _changed(
    row: IntentRow, caller: Caller, told: list[Notified]
) -> wire.ChangeOperationalIntentReferenceResponse:
    return wire.ChangeOperationalIntentReferenceResponse(
        subscribers=subscribers(told),
        operational_intent_reference=intent_reference(row, caller.id),
    )

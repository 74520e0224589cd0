"""Subscriptions: create, update, delete, get and query, inside a transaction."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from tansiq.domain.intent import EntityID
from tansiq.domain.time import from_micros, micros, zulu
from tansiq.errors import BadInput, Forbidden, NotFound, StateConflict
from tansiq.f3548 import wire
from tansiq.services.register.constraints import query_constraints
from tansiq.services.register.intents import covers, query_intents
from tansiq.services.register.requests import SubscriptionWrite
from tansiq.services.register.values import Caller, subscription_answer
from tansiq.storage.cells import Cover
from tansiq.storage.intents import Intents
from tansiq.storage.store import Tx
from tansiq.storage.stripes import take_covers, take_subscription
from tansiq.storage.subscriptions import SubscriptionRow, Subscriptions


@dataclass(frozen=True, slots=True)
class Subscribed:
    """A subscription as it was written."""

    row: SubscriptionRow
    dependents: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SubscriptionRegister:
    """The rules for subscriptions: each is its manager's alone, and ends within a day."""

    new_version: Callable[[], str]
    life_max: timedelta
    skew: timedelta

    async def put(self, tx: Tx, write: SubscriptionWrite) -> Subscribed:
        """Create or update a subscription.

        Raises:
            NotFound, Forbidden, StateConflict: the stored version is not what is presumed.
            BadInput: times out of bounds, or it would leave an intent that hangs on it.
        """
        subscriptions = Subscriptions(tx)
        await take_subscription(tx, write.id)
        old = await subscriptions.get(write.id)
        _check_previous(old, write.caller, write.version)
        start, end = self._times(write, old, from_micros(tx.time_us(micros(write.now))))
        new = SubscriptionRow(
            id=write.id,
            manager=write.caller.id,
            version=self.new_version(),
            notification_index=0 if old is None else old.notification_index,
            uss_base_url=write.uss_base_url,
            for_intents=write.for_intents,
            for_constraints=write.for_constraints,
            implicit=False,  # Whoever writes it has made it their own.
            time_start=micros(start),
            time_end=micros(end),
            cover=write.cover.timed(micros(start), micros(end)),
        )
        await take_covers(tx, [new.cover] if old is None else [old.cover, new.cover])
        dependents = await _served(tx, new)
        await subscriptions.put(new, old=old)
        return Subscribed(row=new, dependents=dependents)

    def _times(
        self, write: SubscriptionWrite, old: SubscriptionRow | None, now: datetime
    ) -> tuple[datetime, datetime]:
        """Settle when a subscription starts and ends."""
        start, end = write.start, write.end
        life_max = write.caller.subscription_max or self.life_max
        if start is None:
            start = now if old is None else from_micros(old.time_start)
        elif start < now - self.skew:
            raise BadInput(
                f"{zulu(start)} is more than {self.skew} ago; leave it out to start now",
                field="extents.time_start",
            )
        if end is None:
            end = start + life_max if old is None else from_micros(old.time_end)
        if end < start or end < now:
            raise BadInput(
                f"{zulu(end)} is before its start, or before now ({zulu(now)})",
                field="extents.time_end",
            )
        if end - start > life_max:
            raise BadInput(
                f"{zulu(start)} to {zulu(end)} is longer than {life_max}; renew it in time",
                field="extents.time_end",
            )
        return start, end

    async def delete(
        self, tx: Tx, caller: Caller, subscription_id: EntityID, version: str
    ) -> wire.DeleteSubscriptionResponse:
        """Remove a subscription.

        Raises:
            NotFound, Forbidden, StateConflict: the stored version is not what is presumed.
            BadInput: intents hang on it.
        """
        subscriptions = Subscriptions(tx)
        await take_subscription(tx, subscription_id)
        old = await subscriptions.get(subscription_id)
        _check_previous(old, caller, version)
        assert old is not None  # noqa: S101 - _check_previous raised otherwise
        await take_covers(tx, [old.cover])
        dependents = await Intents(tx).dependents(old.id)
        if dependents:
            raise BadInput(
                f"{len(dependents)} operational intents hang on it ({dependents[0]}); "
                "give them another subscription, or delete them, first",
                field="subscriptionid",
            )
        await subscriptions.delete(old)
        return wire.DeleteSubscriptionResponse(subscription=subscription_answer(old, ()))


async def with_entities(tx: Tx, caller: Caller, made: Subscribed) -> wire.PutSubscriptionResponse:
    """Return the answer to a subscription: itself, and what stands in it."""
    row = made.row
    return wire.PutSubscriptionResponse(
        subscription=subscription_answer(row, made.dependents),
        operational_intent_references=(
            await query_intents(tx, caller, row.cover) if row.for_intents else None
        ),
        constraint_references=(
            await query_constraints(tx, caller, row.cover) if row.for_constraints else None
        ),
    )


def _check_previous(old: SubscriptionRow | None, caller: Caller, version: str | None) -> None:
    if old is None:
        if version is not None:
            raise NotFound("no subscription of that id stands here", field="subscriptionid")
        return
    if old.manager != caller.id:
        raise Forbidden("the subscription is somebody else's", field="subscriptionid")
    if version is None:
        raise StateConflict(f"the subscription {old.id} exists already; name its version")
    if version != old.version:
        raise StateConflict(
            f"the subscription {old.id} is no longer at that version; read it again",
            field="version",
        )


async def _served(tx: Tx, new: SubscriptionRow) -> tuple[str, ...]:
    """Return the intents that hang on a subscription, if it goes on serving all of them."""
    hanging = await Intents(tx).of_subscription(new.id)
    for intent in hanging:
        if not new.for_intents or not covers(new, intent.cover):
            raise BadInput(
                f"the operational intent {intent.id} hangs on it and would no longer be covered",
                field="extents",
            )
    return tuple(intent.id for intent in hanging)


async def get_subscription(tx: Tx, caller: Caller, subscription_id: EntityID) -> wire.Subscription:
    """Return one subscription of the caller's, expired or not.

    Raises:
        NotFound: it is not here.
        Forbidden: it is somebody else's.
    """
    row = await Subscriptions(tx).get(subscription_id)
    if row is None:
        raise NotFound(f"no subscription {subscription_id} stands here", field="subscriptionid")
    if row.manager != caller.id:
        raise Forbidden("the subscription is somebody else's", field="subscriptionid")
    return subscription_answer(row, await Intents(tx).dependents(row.id))


async def query_subscriptions(
    tx: Tx, caller: Caller, where: Cover, now: datetime
) -> tuple[wire.Subscription, ...]:
    """Return the caller's living subscriptions that a search meets, ordered by id."""
    intents = Intents(tx)
    rows = await Subscriptions(tx).find(where, manager=caller.id, now=micros(now))
    return tuple([subscription_answer(row, await intents.dependents(row.id)) for row in rows])

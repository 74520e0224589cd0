"""What a write of an intent goes by, read when nobody else can change it any more.

Over a database that is a way there and back for the stripes and one for all that is read: most
writes cover what they know of. One whose old form covers more begins again, with all of it.
"""

from dataclasses import dataclass

from tansiq.domain.intent import NEEDS_KEY, IntentState
from tansiq.f3548 import wire
from tansiq.services.register.requests import IntentWrite
from tansiq.storage.availability import Availability
from tansiq.storage.intents import UNKNOWN, IntentRow, Intents, Unknown
from tansiq.storage.store import Asked, Tx
from tansiq.storage.stripes import take_all, take_covers, take_entity
from tansiq.storage.subscriptions import SubscriptionRow, Subscriptions

DOWN = wire.UssAvailabilityState.DOWN
_IDLE = (IntentState.ACCEPTED, DOWN)
"""Accepted intents of a supplier that is Down need not be known: nobody can be asked for them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What stands, as far as it concerns one write."""

    old: IntentRow | None
    availability: str
    """Of the caller."""
    named: SubscriptionRow | None
    """The subscription that the write names."""
    unknown: list[Unknown]
    """What its key lacks, as far as cells tell; of a write that needs no key, nothing."""


async def look(tx: Tx, write: IntentWrite) -> Seen:
    """Take the stripes of a write, and read what stands."""
    if not tx.distant:
        return await _near(tx, write)
    if tx.shares:
        await _take(tx, write)
    asked: list[Asked] = [Intents.asked(write.id), Availability.asked(write.caller.id)]
    if write.subscription_id is not None:
        asked.append(Subscriptions.asked(write.subscription_id))
    if write.state in NEEDS_KEY:
        asked.append(Intents.asked_unknown(write.cover, write.key, besides=write.id, idle=_IDLE))
    old, availability, *rest = await tx.fetch_each(asked)
    found = Availability.read(availability)
    return Seen(
        old=Intents.read(old),
        availability=UNKNOWN if found is None else found.availability,
        named=None if write.subscription_id is None else Subscriptions.read(rest[0]),
        unknown=Intents.read_unknown(rest[-1]) if write.state in NEEDS_KEY else [],
    )


async def _take(tx: Tx, write: IntentWrite) -> None:
    if write.ovn is None or write.new_subscription is None:
        # A creation has no old form, or is refused; a change mostly stays where it was.
        await take_all(tx, write.id, [write.cover], subscriptions=[write.subscription_id])
        return
    await take_entity(tx, write.id)
    await take_rest(tx, write, await Intents(tx).get(write.id))


async def take_rest(tx: Tx, write: IntentWrite, old: IntentRow | None) -> None:
    """Take what the old form covers too, once it is known."""
    if old is not None:
        hung_on = (write.subscription_id, old.subscription_id)
        await take_covers(tx, [old.cover, write.cover], subscriptions=hung_on)


async def _near(tx: Tx, write: IntentWrite) -> Seen:
    intents = Intents(tx)
    old = await intents.get(write.id)
    found = await Availability(tx).get(write.caller.id)
    named = (
        None
        if write.subscription_id is None
        else await Subscriptions(tx).get(write.subscription_id)
    )
    unknown = (
        await intents.unknown(write.cover, write.key, besides=write.id, idle=_IDLE)
        if write.state in NEEDS_KEY
        else []
    )
    availability = UNKNOWN if found is None else found.availability
    return Seen(old=old, availability=availability, named=named, unknown=unknown)

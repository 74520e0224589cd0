"""Whose aircraft a track is: by identifier, by a person's word, or perhaps by its call sign.

A call sign is what anybody may send. One that is a plan's, near that plan's volumes, is shown as a
suggestion, and counts once a person has confirmed it.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from tansiq.domain.estimate import Estimate
from tansiq.domain.nearness import nearness
from tansiq.domain.time import micros, zulu
from tansiq.domain.track import Address
from tansiq.errors import BadInput, NotFound
from tansiq.formats.alarm_facts import Message, suggested
from tansiq.services.airspace import Known
from tansiq.services.watch.expected import Expected
from tansiq.storage.store import Store, Tx
from tansiq.storage.watch import BindingRow, WatchTables

NEAR_M: Final = 20_000.0
"""A track this close to a plan's volumes may be of it, if it has its call sign."""
HELD_FOR: Final = timedelta(hours=12)
"""How long a person's word counts, at least until the plan has ended and half an hour more."""
INTENT: Final = "intent:"
BINDINGS_MAX: Final = 10_000


class How(StrEnum):
    """By what a track is known to be of a plan."""

    IDENTIFIER = "identifier"
    SAID = "said"
    """By a person."""


@dataclass(frozen=True, slots=True)
class Bound:
    """What is known of a track's plan."""

    known: Known | None = None
    how: How | None = None
    may_be: tuple[Known, ...] = ()
    """Plans that a person could confirm it to be of."""


NOT_BOUND: Final = Bound()


class Bindings:
    """What was said of addresses."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._said: dict[Address, BindingRow] = {}

    async def start(self, now: datetime) -> None:
        """Read what was said before."""

        async def write(tx: Tx) -> list[BindingRow]:
            return await WatchTables(tx).bindings(micros(now))

        self._said = {Address(row.address): row for row in await self._store.write(write)}

    def intents(self) -> Collection[str]:
        """Return the intents that addresses are said to fly."""
        return {row.intent for row in self._said.values() if row.intent}

    def intent_of(self, address: Address) -> str:
        """Return the intent that a person has said an address flies; empty: none."""
        row = self._said.get(address)
        return "" if row is None else row.intent

    def has(self, address: Address) -> bool:
        """Whether a person has said whose an address is."""
        return address in self._said

    def of(self, estimate: Estimate, expected: Expected) -> Bound:
        """Return what is known of one track's plan."""
        row = self._said.get(estimate.address)
        if row is not None:
            known = expected.intent(row.intent) if row.intent else None
            if known is not None or not row.intent:
                return Bound(known=known, how=How.SAID)
            # That plan is gone, or was placed anew under another id: its call sign may tell.
        if estimate.address.startswith(INTENT):
            return Bound(expected.intent(estimate.address.removeprefix(INTENT)), How.IDENTIFIER)
        called = expected.called(estimate.callsign)
        if not called:
            return NOT_BOUND
        return Bound(may_be=tuple(known for known in called if _near(estimate, known)))

    async def bind(self, address: Address, known: Known | None, by: str, now: datetime) -> None:
        """Note a person's word: an address is of that plan, or (None) of none.

        Raises:
            BadInput: more bindings than are kept.
        """
        if address.startswith(INTENT):
            raise BadInput("names its plan itself; there is nothing to confirm", field="address")
        if address not in self._said and len(self._said) >= BINDINGS_MAX:
            raise BadInput(
                f"{BINDINGS_MAX} addresses are bound already; free some", field="address"
            )
        until = now + HELD_FOR
        if known is not None:
            until = max(until, known.time.end + HELD_FOR)
        row = BindingRow(
            address=address,
            intent="" if known is None else known.id,
            until=micros(until),
            said_by=by,
        )

        async def write(tx: Tx) -> None:
            await WatchTables(tx).bind(row)

        await self._store.write(write)
        self._said[address] = row

    async def unbind(self, address: Address) -> None:
        """Take a person's word back.

        Raises:
            NotFound: nothing was said of that address.
        """

        async def write(tx: Tx) -> bool:
            return await WatchTables(tx).unbind(address)

        if not await self._store.write(write):
            raise NotFound(f"nobody has said whose {address} is", field="address")
        self._said.pop(address, None)

    def forget_old(self, now: datetime) -> None:
        """Let go of what has ended; the store forgets it at the next start."""
        for address in [a for a, row in self._said.items() if row.until < micros(now)]:
            del self._said[address]


def suggestion(estimate: Estimate, bound: Bound) -> Message | None:
    """Return what a person is asked to confirm; None: nothing."""
    if not bound.may_be:
        return None
    plans = " or ".join(
        f"{known.name} of {known.manager}, {zulu(known.time.start)} to {zulu(known.time.end)}"
        for known in bound.may_be
    )
    return suggested(plans, estimate.address, bound.may_be[0].id[:8])


def _near(estimate: Estimate, known: Known) -> bool:
    nearest = (
        nearness(estimate.position, volume.outline, beyond_m=NEAR_M) for volume in known.volumes
    )
    return any(each.inside or each.least_m <= NEAR_M for each in nearest)

"""The event feed: what happened to plans, no-go areas and peers, in one resumable order.

An event is written in the transaction that it reports, so there is never one without the other.
Readers pull from the table and hold nothing in memory here; a slow one costs nothing but itself.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from datetime import datetime
from typing import TypeVar

import msgspec

from tansiq.clock import Clock
from tansiq.domain.time import from_micros, micros, zulu
from tansiq.services.views import EventView
from tansiq.settings import Limits
from tansiq.storage.events import EventLog, EventRow
from tansiq.storage.store import Store, Tx

T = TypeVar("T")

PRUNE_EVERY = 64
"""Events between two prunings; far fewer than one pruning may drop."""

_NULL = b"null"


class Events:
    """The feed of one node: append inside a transaction, follow from any number."""

    def __init__(self, store: Store, clock: Clock, limits: Limits) -> None:
        self._store = store
        self._clock = clock
        self._limits = limits
        self._changed = asyncio.Event()
        self.stopping = False
        self._appended_in: set[int] = set()
        self.store: Store = _WakingStore(store, self)
        """The same store, which wakes the feed's readers after each commit that appended."""

    async def append(self, tx: Tx, kind: str, entity: str, body: bytes, now: datetime) -> int:
        """Write one event in the caller's transaction and return its number.

        ``body`` is the JSON of the subject after the event. Where it is too large to repeat, the
        event carries ``null`` and the reader fetches the subject by its id.
        """
        log = EventLog(tx)
        if len(body) > self._limits.event_bytes_max:
            body = _NULL
        elif b"\n" in body or b"\r" in body:
            body = msgspec.json.format(body, indent=-1)  # One event is one line of the feed.
        seq = await log.append(kind, entity, body, time=micros(now))
        if seq % PRUNE_EVERY == 0:
            await log.prune(
                floor=seq - self._limits.events_max,
                cutoff=micros(now - self._limits.events_keep),
            )
        self._appended_in.add(id(tx))
        return seq

    async def after(self, seq: int, limit: int) -> list[EventView]:
        """Return the events that follow ``seq``, oldest first, at most ``limit``."""

        async def read(tx: Tx) -> list[EventRow]:
            return await EventLog(tx).after(seq, limit)

        return [_view(row) for row in await self._store.read(read)]

    async def bounds(self) -> tuple[int, int]:
        """Return the oldest number kept and the last one given."""

        async def read(tx: Tx) -> tuple[int, int]:
            return await EventLog(tx).bounds()

        return await self._store.read(read)

    async def follow(self, seq: int, limit: int, wait_s: float) -> list[EventView]:
        """Return the events that follow ``seq``; wait up to ``wait_s`` for the first of them.

        May return nothing sooner: an event that another process wrote is found by asking again.
        """
        changed = self._changed  # Taken before the read: a commit in between is not missed.
        if found := await self.after(seq, limit):
            return found
        try:
            await self._clock.limit(changed.wait(), wait_s)
        except TimeoutError:
            return []
        return await self.after(seq, limit)

    def wake(self) -> None:
        """Tell waiting readers that something was committed. On the event loop only."""
        self._changed.set()
        self._changed = asyncio.Event()

    def stop(self) -> None:
        """Let go of all readers: the node is about to stop, and waits for their connections."""
        self.stopping = True
        self.wake()

    def begun(self, tx: Tx) -> None:
        """Forget what an earlier run under the same ``tx`` appended."""
        self._appended_in.discard(id(tx))

    def appended(self, tx: Tx) -> bool:
        """Report whether the transaction has appended, and forget it."""
        found = id(tx) in self._appended_in
        self._appended_in.discard(id(tx))
        return found


class _WakingStore:
    """A store that wakes the feed's readers once what they wait for is on disk.

    No writer has to remember to do it, and a commit without events wakes nobody.
    """

    def __init__(self, store: Store, events: Events) -> None:
        self._store = store
        self._events = events

    async def write(
        self,
        fn: Callable[[Tx], Awaitable[T]],
        *,
        beside: bool = False,
        at: Collection[int] = (),
    ) -> T:
        appended = False

        async def noting(tx: Tx) -> T:
            nonlocal appended
            self._events.begun(tx)
            try:
                return await fn(tx)
            finally:
                appended = self._events.appended(tx)

        result = await self._store.write(noting, beside=beside, at=at)
        if appended:
            self._events.wake()
        return result

    async def read(self, fn: Callable[[Tx], Awaitable[T]]) -> T:
        return await self._store.read(fn)

    async def close(self) -> None:
        await self._store.close()


def _view(row: EventRow) -> EventView:
    return EventView(
        seq=row.seq,
        time=zulu(from_micros(row.time)),
        kind=row.kind,
        id=row.id,
        body=msgspec.Raw(row.body),
    )

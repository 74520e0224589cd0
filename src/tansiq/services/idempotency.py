"""One effect for one Idempotency-Key: reserve, act, complete.

The key is reserved on disk, together with the id that a create must use, before the request acts,
and completed with its answer afterwards. A crash in between leaves the reservation without an
answer; the next attempt is then told that it *resumes*, and under the reserved id finds out what
the first one did, or which notes it wrote. What cannot find out (a relative move) answers
``InDoubt`` instead of acting twice. Of concurrent duplicates in this process, one acts and the
others get its answer.

Leaves out several processes on one store: they would need a lease on the reservation.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta
from weakref import WeakValueDictionary

from tansiq.clock import Clock
from tansiq.domain.time import micros
from tansiq.errors import KeyReused, StoreError
from tansiq.settings import Limits
from tansiq.storage.answers import AnswerRow, Answers
from tansiq.storage.store import Store, Tx


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try of a request."""

    entity: str
    """The id that a create must use."""
    resumed: bool = False
    """An earlier attempt under this key may have taken effect already."""
    said: tuple[str, ...] = ()
    """The notes that it wrote, by id."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A finished answer, to be repeated byte for byte."""

    status: int
    body: bytes
    location: str | None = None


_key: ContextVar[str | None] = ContextVar("key", default=None)
"""Of the request that is being acted on. Not handed down: between the route that reads the key and
the transaction that writes notes lie services that know nothing of requests."""


def keeper() -> Callable[[Tx, Sequence[str]], Awaitable[None]]:
    """Return what keeps, with the key of the request that runs here, which notes it writes.

    In the transaction that writes them, which may run elsewhere: after a crash the same request
    finds them, and says nothing twice.
    """
    key = _key.get()

    async def keep(tx: Tx, notes: Sequence[str]) -> None:
        if key is not None:
            await Answers(tx).said(key, notes)

    return keep


Act = Callable[[Attempt], Awaitable[Kept]]


class Idempotency:
    """The keys of one node."""

    def __init__(
        self, store: Store, clock: Clock, limits: Limits, *, new_id: Callable[[], str]
    ) -> None:
        self._store = store
        self._clock = clock
        self._limits = limits
        self.new_id = new_id
        # Weak: a lock lives as long as somebody holds it or waits for it.
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def once(self, key: str, digest: bytes, act: Act) -> Kept:
        """Run ``act`` unless its answer is kept already.

        ``digest`` tells one request from another. A StoreError changes nothing, so the key is
        free again after it.

        Raises:
            KeyReused: the key was used for another request.
        """
        lock = self._locks.setdefault(key, asyncio.Lock())
        async with lock:
            return await self._once(key, digest, act)

    async def _once(self, key: str, digest: bytes, act: Act) -> Kept:
        found = await self._reserve(key, digest)
        if isinstance(found, Kept):
            return found
        held = _key.set(key)
        try:
            kept = await act(found)
        except StoreError:
            await self._store.write(lambda tx: Answers(tx).release(key))
            raise
        finally:
            _key.reset(held)
        row = AnswerRow(digest, found.entity, kept.status, kept.body, kept.location)
        await self._store.write(lambda tx: Answers(tx).complete(key, row))
        return kept

    async def _reserve(self, key: str, digest: bytes) -> Attempt | Kept:
        now = self._clock.now()
        made, since = micros(now), micros(now - self._limits.idempotency_keep)
        fresh = self.new_id()

        async def reserve(tx: Tx) -> AnswerRow | None:
            answers = Answers(tx)
            row = await answers.get(key, since=since)
            if row is None:
                await answers.prune(since=since, keep=self._limits.idempotency_max - 1)
                await answers.reserve(key, digest, fresh, made=made)
            return row

        row = await self._store.write(reserve)
        if row is None:
            return Attempt(fresh)
        if row.digest != digest:
            raise KeyReused(
                "this key was used for another request within the last "
                f"{self._limits.idempotency_keep / timedelta(hours=1):g} h; take a new key",
                field="Idempotency-Key",
            )
        if row.status is None or row.answer is None:
            said = () if row.answer is None else tuple(row.answer.decode().split())
            return Attempt(row.entity, resumed=True, said=said)
        return Kept(row.status, row.answer, row.location)

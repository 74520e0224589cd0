"""Several writes of one process in one transaction with one COMMIT: those who wait for their turn.

Who is alone waits for all who are before it; who goes beside others waits for those at the same
place and time, or for one of those who may go at once. Those who so wait run one after the other.
What one raises takes back its own part only: then all begin again, each in a savepoint. All are
told after the COMMIT, because a later one has seen what an earlier one wrote. A collision, or one
that is taken back when its part has run, lets all begin again, those without it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import asyncpg

from tansiq.clock import Clock
from tansiq.errors import BadInput, StoreError
from tansiq.storage.postgres_link import GONE, AgainError, said
from tansiq.storage.postgres_tx import BeginAgainError, PostgresTx
from tansiq.storage.store import Tx

BATCH_MAX: Final = 64
"""Writes in one commit; bounds how long the first waits for the last, and all others for them."""

GROUP_MAX: Final = 16
"""The same of those who go beside others."""
LOOKED_AT_MAX: Final = 200
"""Of those who wait, how many may begin out of turn: each look goes over all of them."""

COLLISIONS: Final = (
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.InvalidCachedStatementError,  # A migration by another process.
)
NOT_KEPT: Final = (asyncpg.CharacterNotInRepertoireError, asyncpg.UntranslatableCharacterError)
"""U+0000, which no text of PostgreSQL holds."""
NO_ROOM: Final = (asyncpg.LockNotAvailableError, asyncpg.InsufficientResourcesError)
"""Others held it for too long; its disk is full, say."""


class GivenUpError(StoreError):
    """The server has rolled back where it was to commit: a statement had failed unseen."""


class MarksNeededError(Exception):
    """One of several writes failed, and the others are still whole only with savepoints."""


@dataclass(slots=True)
class Pending:
    """One write; it can be taken back until its COMMIT is sent."""

    until_s: float
    withdrawn: bool = False
    committing: bool = False

    def withdraw(self) -> bool:
        """Take it back; report whether it leaves nothing."""
        if self.committing:
            return False
        self.withdrawn = True
        return True

    def check_wanted(self) -> None:
        """Refuse what was taken back.

        Raises:
            StoreError: it was.
        """
        if self.withdrawn:
            raise StoreError("it was taken back in time; nothing was written")

    def commits(self) -> None:
        """Note that its COMMIT is sent."""
        self.committing = True


@dataclass(slots=True, eq=False)
class Member:
    """One write of a batch, and what has become of it in the latest try."""

    fn: Callable[[Tx], Awaitable[Any]]
    pending: Pending
    future: "asyncio.Future[Any]"
    at: frozenset[int] = frozenset()
    """Of one that goes beside others: the stripes that it is known to take."""
    ran: bool = False
    result: Any = None
    error: Exception | None = None

    def answer(self) -> None:
        """Tell who waits."""
        if self.error is None:
            self.future.set_result(self.result)
        else:
            self.future.set_exception(self.error)


@dataclass(slots=True)
class Batch:
    """Several writes as one: what runs in the transaction, and what may be taken back of it."""

    members: Sequence[Member]
    clock: Clock
    until_s: float = field(init=False)
    marked: bool = True
    """Whether each has a savepoint: a way there and back more, needed only where one fails."""
    latest: Member | None = None
    """Whose part ran last."""

    def __post_init__(self) -> None:
        self.until_s = max(member.pending.until_s for member in self.members)

    def check_wanted(self) -> None:
        """Let those begin again of whom one was taken back after its part had run.

        Raises:
            AgainError: one was.
        """
        if any(member.ran and member.pending.withdrawn for member in self.members):
            for member in self.members:
                member.ran = False
            raise AgainError("one of several writes was taken back")

    def commits(self) -> None:
        """Note that their COMMIT is sent."""
        for member in self.members:
            if member.ran:
                member.pending.commits()

    async def run(self, tx: Tx) -> None:
        """Run all of them; what one raises is its own.

        Raises:
            Exception: what concerns the whole transaction.
        """
        assert isinstance(tx, PostgresTx)  # noqa: S101 - the store's own
        if tx.shares:
            await tx.lock([*self.at])  # Before the first savepoint: for all of them.
        before = False
        for member in self.members:
            member.ran, member.error = False, self._refusal(member)
            if member.error is not None:
                continue
            if self.marked:
                try:
                    # The savepoint before is left in the same way there and back.
                    await tx.mark(leaving=before)
                except asyncpg.InFailedSQLTransactionError as error:
                    raise GivenUpError("a statement had failed, and the write went on") from error
            before, member.ran, self.latest = True, True, member
            try:
                member.result = await member.fn(tx)
            except Exception as error:
                if tx.begins_again or _concerns_all(error, tx):
                    raise
                if not self.marked:
                    raise MarksNeededError from error
                member.error = own(error)
                await tx.back()
            if tx.begins_again:  # Whatever it made of it.
                raise BeginAgainError

    @property
    def at(self) -> frozenset[int]:
        """The stripes of all of them."""
        return frozenset().union(*(member.at for member in self.members))

    def _refusal(self, member: Member) -> StoreError | None:
        if member.pending.withdrawn:
            return StoreError("it was taken back in time; nothing was written")
        if self.clock.monotonic_s() > member.pending.until_s:
            return StoreError("its turn did not come in time; nothing was written")
        return None


def _concerns_all(error: Exception, tx: PostgresTx) -> bool:
    if isinstance(error, asyncpg.InterfaceError):
        return tx.is_lost()  # Else our own mistake, such as a wrong parameter.
    whole = (AgainError, *COLLISIONS, *GONE, asyncpg.ReadOnlySQLTransactionError)
    return isinstance(error, whole)


def own(error: Exception) -> Exception:
    """Return what is told of an error that is a write's own."""
    if isinstance(error, asyncpg.LockNotAvailableError):
        return StoreError(f"others held it for too long ({said(error)}); nothing was written")
    if isinstance(error, asyncpg.InsufficientResourcesError):
        return StoreError(f"the database has no room ({said(error)}); nothing was written")
    if isinstance(error, NOT_KEPT):
        return BadInput(f"a text holds a character that cannot be kept ({error}); leave it out")
    return error


class Groups:
    """Which of the writes that go beside others begin next: one, or several that meet.

    Those who meet one that has begun wait for it here, not in the database; and nobody passes one
    who waits and whom it meets.
    """

    def __init__(self) -> None:
        self._waiting: list[Member] = []
        self._begun: list[frozenset[int]] = []

    def add(self, member: Member) -> None:
        """Let one wait for its turn."""
        self._waiting.append(member)

    def next(self, free: int) -> list[Member]:
        """Take out those who begin now, in their order; none: all wait for others.

        ``free``: how many transactions may begin. Where more wait, they are shared out among them.
        """
        held = frozenset[int]().union(*self._begun)
        room = -(-len(self._waiting) // free)
        found: list[Member] = []
        mine: frozenset[int] = frozenset()
        for member in self._waiting[:LOOKED_AT_MAX]:
            if not member.at.isdisjoint(held):
                held |= member.at
            elif not found or not member.at.isdisjoint(mine) or (member.at and len(found) < room):
                found.append(member)
                mine |= member.at
                # Of whom nothing is known, nothing can be taken for several at once.
                if len(found) == GROUP_MAX or not mine:
                    break
        if found:
            self._waiting = [member for member in self._waiting if member not in found]
            self._begun.append(mine)
        return found

    def done(self, members: Sequence[Member]) -> None:
        """Note that those who began together have ended."""
        self._begun.remove(frozenset[int]().union(*(member.at for member in members)))

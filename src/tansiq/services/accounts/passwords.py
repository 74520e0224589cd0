"""Hashes passwords with argon2id, a few at a time, and never on the event loop.

One hash takes 64 MiB and about a tenth of a second of several threads: that is the point of it, and
why only ``logins_at_once`` run at a time, ``logins_waiting`` wait, and the rest is refused at once.
"""

import asyncio
import threading
import unicodedata
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from tansiq.errors import Busy
from tansiq.settings import Limits

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one hash costs."""

    passes: int
    memory_kib: int
    lanes: int


COST: Final = Cost(passes=3, memory_kib=65_536, lanes=4)
"""RFC 9106, section 4, the second recommended option."""
_HASH_BYTES: Final = 32
_SALT_BYTES: Final = 16


class Passwords:
    """Makes and checks hashes."""

    def __init__(self, limits: Limits, cost: Cost = COST) -> None:
        self._hasher = PasswordHasher(
            time_cost=cost.passes,
            memory_cost=cost.memory_kib,
            parallelism=cost.lanes,
            hash_len=_HASH_BYTES,
            salt_len=_SALT_BYTES,
        )
        # No password has this hash, and to find that out takes as long as with any other.
        self._nobodys = (
            f"$argon2id$v=19$m={cost.memory_kib},t={cost.passes},p={cost.lanes}"
            f"${'A' * 22}${'A' * 43}"
        )
        self._pool = ThreadPoolExecutor(limits.logins_at_once, thread_name_prefix="password")
        self._places = threading.BoundedSemaphore(limits.logins_at_once + limits.logins_waiting)

    async def hash(self, password: str) -> str:
        """Return a hash of the password, with a salt of its own.

        Raises:
            Busy: as many as may are waiting.
        """
        return await self._run(lambda: self._hasher.hash(_composed(password)))

    async def verify(self, password: str, encoded: str | None) -> bool:
        """Report whether the hash is of this password; None, of nobody, takes as long.

        Raises:
            Busy: as many as may are waiting.
        """
        against = self._nobodys if encoded is None else encoded

        def check() -> bool:
            try:
                return self._hasher.verify(against, _composed(password))
            except (VerificationError, InvalidHashError):
                return False

        return await self._run(check) and encoded is not None

    def close(self) -> None:
        """Let the threads go."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _run(self, work: Callable[[], T]) -> T:
        if not self._places.acquire(blocking=False):
            raise Busy("too many passwords are being checked; try again in a few seconds")
        try:
            job = self._pool.submit(work)
        except RuntimeError:
            self._places.release()
            raise Busy("the node stops") from None
        # By the job and not by the caller, who may go away while the thread works on.
        job.add_done_callback(self._leave)
        return await asyncio.wrap_future(job)

    def _leave(self, _: Future[T]) -> None:
        self._places.release()


def _composed(password: str) -> str:
    # One keyboard sends é as one character, another as two (RFC 8265, OpaqueString).
    return unicodedata.normalize("NFC", password)

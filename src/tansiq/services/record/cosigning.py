"""Shows our record to the other parties as it grows, and stops us where it is not what they saw.

Before anything else is said to a party, its node is asked which state of our record it holds. If
our record does not lead to that state (an old copy was put back, or two nodes run with one key),
nothing is said to anybody until people have looked. After each growth every party is handed a new
checkpoint with its proof, and its cosignature is kept: from then on a third party can tell when
what we hold was there at the latest.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final, Protocol

from tansiq.clock import Clock
from tansiq.errors import (
    BadInput,
    BadSignature,
    NotFound,
    PeerError,
    PeerMalformed,
    PeerUnreachable,
    RecordRolledBack,
    StoreError,
)
from tansiq.formats.checkpoint import AddCheckpoint
from tansiq.formats.signed_note import NameOf, SignatureType, VerifierKey
from tansiq.services.record.log import Record

COSIGN_EVERY_S: Final = 1.0
"""How soon after it grew a party sees our record, at the earliest."""
ASK_AGAIN_S: Final = 60.0
"""How long a party is left alone that did not cosign, at most; less at first."""

_log = logging.getLogger(__name__)


class WitnessPort(Protocol):
    """Other parties' nodes, as witnesses of our record."""

    async def held(self, party: str) -> bytes | None:
        """Return the last checkpoint of ours that a party cosigned; None: it has none.

        Raises:
            PeerError: no answer, or a refusal.
        """
        ...

    async def add_checkpoint(self, party: str, body: bytes) -> str | int:
        """Hand over a new checkpoint; return signature lines, or the size that the party holds
        where the proof does not begin there.

        Raises:
            PeerError: no answer, or a refusal for another reason.
        """
        ...


class Cosigning:
    """One task a party."""

    def __init__(
        self, record: Record, peers: WitnessPort, clock: Clock, keys: dict[str, bytes]
    ) -> None:
        self._record = record
        self._peers = peers
        self._clock = clock
        self._keys = {
            party: VerifierKey(NameOf.WITNESS.by(party), key, SignatureType.COSIGNATURE)
            for party, key in keys.items()
        }
        self._grown = {party: asyncio.Event() for party in keys}
        self._reachable = {party: asyncio.Event() for party in keys}
        self._compared: set[str] = set()
        self._tasks: list[asyncio.Task[None]] = []
        self.broken: str | None = None
        """Why nothing is said any more; None: the record is what everybody has seen."""
        self.problems: dict[str, str] = {}
        """Why a party has not cosigned, if it has not."""
        self.on_broken: Callable[[str], None] = lambda _: None

    @property
    def witnesses(self) -> Sequence[VerifierKey]:
        """Whose cosignatures count."""
        return tuple(self._keys.values())

    def start(self) -> None:
        """Begin to show the record."""
        self._tasks = [
            asyncio.create_task(self._show_on(party), name=f"cosigning {party}")
            for party in self._keys
        ]

    async def stop(self) -> None:
        """Stop."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with suppress(asyncio.CancelledError):
                await task
        self._tasks = []

    def grown(self) -> None:
        """Show the record again: something was added."""
        for event in self._grown.values():
            event.set()

    def reachable(self, party: str) -> None:
        """Try again now: the party's node has just spoken to us."""
        if party in self._reachable:
            self._reachable[party].set()

    async def check(self, party: str) -> None:
        """Let nothing be said to a party before it is known what it holds of our record.

        Raises:
            RecordRolledBack: our record is not what it was; people have to look.
            PeerError: the party does not answer.
        """
        if self.broken is not None:
            raise RecordRolledBack(self.broken)
        if party in self._compared:
            return
        seen = await self._peers.held(party)
        await self._compare(party, seen)

    async def _compare(self, party: str, seen: bytes | None) -> None:
        if seen is not None:
            try:
                await self._record.compare(party, seen)
            except RecordRolledBack as error:
                self._break(str(error))
                raise
            except (BadInput, BadSignature) as error:
                # Not ours, or not signed by us: nobody can stop us by a claim.
                raise PeerMalformed(f"{party} shows no checkpoint of ours: {error}") from error
        self._compared.add(party)

    def _break(self, why: str) -> None:
        if self.broken is None:
            self.broken = why
            _log.critical("THE RECORD IS NOT WHAT OTHERS HAVE SEEN: %s", why)
            self.on_broken(why)

    async def _show_on(self, party: str) -> None:
        grown, reachable, pause_s = self._grown[party], self._reachable[party], COSIGN_EVERY_S
        while self.broken is None:
            grown.clear()
            reachable.clear()
            try:
                await self._show(party)
            except RecordRolledBack as error:
                self._break(str(error))
            except (PeerError, StoreError) as error:
                self.problems[party] = str(error)
                with suppress(TimeoutError):
                    await self._clock.limit(reachable.wait(), pause_s)
                pause_s = min(ASK_AGAIN_S, 2 * pause_s)
            else:
                self.problems.pop(party, None)
                pause_s = COSIGN_EVERY_S
                await self._clock.sleep(COSIGN_EVERY_S)
                await grown.wait()

    async def _show(self, party: str) -> None:
        await self.check(party)
        asked = await self._record.to_witness(NameOf.WITNESS.by(party))
        answer = await self._peers.add_checkpoint(party, asked.encode())
        if isinstance(answer, int):
            asked = await self._again(party, answer)
            answer = await self._peers.add_checkpoint(party, asked.encode())
            if isinstance(answer, int):
                raise PeerUnreachable(f"{party} holds another size of our record each time")
        try:
            await self._record.keep(asked.checkpoint, answer, [self._keys[party]])
        except (BadInput, BadSignature) as error:
            raise PeerMalformed(f"{party}'s cosignature is not good: {error}") from error

    async def _again(self, party: str, size: int) -> AddCheckpoint:
        """Begin the proof where the party says that it is."""
        try:
            return await self._record.to_witness(NameOf.WITNESS.by(party), old=size)
        except (BadInput, NotFound):
            # It holds more of our record than there is: its word alone is none, its proof is.
            await self._compare(party, await self._peers.held(party))
            raise PeerMalformed(f"{party} says to hold {size:,} entries of ours") from None

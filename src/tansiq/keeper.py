"""Keeps a worker's claim to the desk, in a thread of its own.

So that a long computation of the node does not look like its death to the others. That the node
itself still turns is looked at too: where it has not for ``STALLED_S``, the claim is let go.
"""

import asyncio
import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from tansiq.clock import Clock
from tansiq.errors import StoreError
from tansiq.storage.desk import Desk, DeskRow

STALLED_S: Final = 20.0
_LOOKS: Final = 10
"""Looks in the life of a claim."""

_log = logging.getLogger(__name__)

Told = Callable[[Desk], None]


class Keeper:
    """Looks at the desk's row again and again, and claims it while that is wanted.

    ``told`` is called on the loop that ``start`` was called on, with what stands in the row.
    """

    def __init__(
        self, url: str, clock: Clock, *, name: str, secret: str, life_s: float, told: Told
    ) -> None:
        self.name = name
        self.wanted = False
        """Whether this worker takes the desk, or keeps it."""
        self.address = ""
        """Where the others hand requests to; empty while the node is not ready."""
        self._url = url
        self._clock = clock
        self._secret = secret
        self._life_us = int(life_s * 1e6)
        self._pause_s = life_s / _LOOKS
        self._told = told
        self._alive_s = clock.monotonic_s()
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self) -> None:
        """Begin."""
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(
            target=asyncio.run, args=(self._keep(),), name="desk", daemon=True
        )
        self._thread.start()

    def alive(self) -> None:
        """Note that the node turns."""
        self._alive_s = self._clock.monotonic_s()

    async def stop(self) -> None:
        """Give the desk back, if it is ours, and end."""
        self._ending.set()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join)

    async def _keep(self) -> None:
        row, said, before = DeskRow(self._url, self._clock), "", ""
        while not self._ending.is_set():
            try:
                if self.wanted and self._clock.monotonic_s() - self._alive_s < STALLED_S:
                    await row.claim(
                        self.name, address=self.address, secret=self._secret, life_us=self._life_us
                    )
                found = await row.look()
                if found.holder == self.name and before not in ("", self.name):
                    await self._cut_off(row, before)
                before = found.holder  # Empty: it was given back, by one that ends in order.
            except StoreError as error:
                # Nothing is known, so nothing changes: who holds the desk goes on as it can.
                if str(error) != said:
                    _log.warning("who holds the desk cannot be read: %s", error)
                said = str(error)
            else:
                said = ""
                self._tell(found)
            await self._clock.sleep(self._pause_s)
        with suppress(StoreError):
            await row.give_back(self.name)
        await row.close()

    async def _cut_off(self, row: DeskRow, process: str) -> None:
        """See to it that who was replaced holds up nobody."""
        try:
            count = await row.cut_off(process)
        except StoreError as error:  # Then the server ends them, later.
            _log.warning("sessions of the worker that was replaced: %s", error)
        else:
            _log.warning("the desk is taken over from %s, %d sessions ended", process, count)

    def _tell(self, found: Desk) -> None:
        assert self._loop is not None  # noqa: S101 - ``start`` has set it
        with suppress(RuntimeError):  # The loop has ended.
            self._loop.call_soon_threadsafe(self._told, found)

"""The watch's picture to many readers at once: encoded once a change, the newest wins.

A reader holds no queue. It asks for whatever is newer than what it has, and waits where nothing is:
one that is slow misses the pictures in between, and nothing of it is kept for anybody. Not even the
newest is made while nobody reads.
"""

import asyncio
from typing import Final

import msgspec

from tansiq.clock import Clock
from tansiq.services.planning.drive import tell
from tansiq.services.watch.picture import LiveWatch
from tansiq.settings import Timers

_ENCODER: Final = msgspec.json.Encoder()


class Fanout:
    """One encoded picture, and a number that rises with each."""

    def __init__(self, watch: LiveWatch, clock: Clock, timers: Timers) -> None:
        self._watch = watch
        self._clock = clock
        self._timers = timers
        self._changed = asyncio.Event()
        self._wanted = asyncio.Event()
        self._newer = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._readers = 0
        self.seq = 0
        """Number of the newest picture; 0: none was made yet."""
        self.latest = b""
        """It, as JSON without line breaks; empty while nobody reads."""
        self.stopping = False

    @property
    def readers(self) -> int:
        """Return how many read now."""
        return self._readers

    def start(self) -> None:
        """Begin; nothing is encoded before somebody reads."""
        self._task = asyncio.create_task(self._run(), name="watch stream")
        self._task.add_done_callback(tell)

    async def stop(self) -> None:
        """Let go of all readers and end."""
        self.let_go()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def let_go(self) -> None:
        """Let readers end: the node is about to stop, and waits for their connections."""
        self.stopping = True
        self._wake()

    def changed(self) -> None:
        """Note that the watch has something new to show. On the event loop only."""
        self._changed.set()

    def enter(self) -> None:
        """Count one reader more; the first one sets the encoding going."""
        self._readers += 1
        if self._readers == 1:
            self._changed.set()
            self._wanted.set()

    def leave(self) -> None:
        """Count one reader less."""
        self._readers -= 1
        if self._readers == 0:
            self._wanted.clear()
            # Whoever comes next, perhaps in hours, must not be shown it as the present.
            self.latest = b""

    async def after(self, seq: int, wait_s: float) -> tuple[int, bytes]:
        """Return the newest picture with its number, once that is above ``seq``.

        After ``wait_s``, or where the node stops, the number is not above it.
        """
        newer = self._newer
        if not self._has_newer(seq) and not self.stopping:
            try:
                await self._clock.limit(newer.wait(), wait_s)
            except TimeoutError:
                return seq, b""
        return (self.seq, self.latest) if self._has_newer(seq) else (seq, b"")

    def _has_newer(self, seq: int) -> bool:
        return self.seq > seq and self.latest != b""

    async def _run(self) -> None:
        while True:
            await self._changed.wait()
            await self._wanted.wait()
            self._changed.clear()
            self.latest = _ENCODER.encode(self._watch.view())
            self.seq += 1
            self._wake()
            await self._clock.sleep(self._timers.picture_s)

    def _wake(self) -> None:
        self._newer.set()
        self._newer = asyncio.Event()

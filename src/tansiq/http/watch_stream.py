"""The watch as server-sent events: each is the whole picture, and a slow reader misses some.

Unlike the event feed nothing is resumed: whoever connects is shown how it is now. A reader that
takes nothing for a while is cut off and connects again.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from tansiq.clock import Clock
from tansiq.errors import Busy
from tansiq.http.feed import HEADERS, MEDIA_TYPE, until_gone
from tansiq.services.watch.fanout import Fanout
from tansiq.settings import Limits, Timers

_ALIVE = b": alive\n\n"


class WatchStream:
    """Hands out streams, to a stated number of readers at once."""

    def __init__(self, fanout: Fanout, clock: Clock, limits: Limits, timers: Timers) -> None:
        self.fanout = fanout
        self.clock = clock
        self.timers = timers
        self.cut_off = 0
        """Readers that were too slow, since the start."""
        self._readers_max = limits.watch_clients_max
        self._framed = (0, b"")

    @property
    def readers(self) -> int:
        """Return how many read now."""
        return self.fanout.readers

    def open(self, alive_s: int | None = None) -> Response:
        """Return a stream that begins now, idle for at most ``alive_s`` seconds without a comment.

        Raises:
            Busy: as many readers as are served at once are here already.
        """
        if self.fanout.readers >= self._readers_max:
            raise Busy(f"{self.fanout.readers} readers follow the watch already; try again later")
        return _Stream(self, alive_s)

    def frame(self, seq: int, picture: bytes) -> bytes:
        """Return a picture as an event; the same bytes for every reader."""
        if self._framed[0] != seq:
            self._framed = (seq, b"event: watch\ndata: %b\n\n" % picture)
        return self._framed[1]


class _Stream(Response):
    """One reader's stream."""

    media_type = MEDIA_TYPE

    def __init__(self, watch: WatchStream, alive_s: int | None) -> None:
        super().__init__()
        self._watch = watch
        self._heartbeat_s = watch.timers.feed_heartbeat_s if alive_s is None else float(alive_s)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._watch.fanout.enter()
        try:
            async with asyncio.TaskGroup() as tasks:
                gone = tasks.create_task(until_gone(receive))
                stream = tasks.create_task(self._run(send))
                gone.add_done_callback(lambda _: stream.cancel())
                stream.add_done_callback(lambda _: gone.cancel())
        finally:
            self._watch.fanout.leave()

    async def _run(self, send: Send) -> None:
        clock, stall_s = self._watch.clock, self._watch.timers.feed_stall_s
        try:
            await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
            async with aclosing(self._chunks()) as chunks:
                async for chunk in chunks:
                    message = {"type": "http.response.body", "body": chunk, "more_body": True}
                    await clock.limit(send(message), stall_s)
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        except TimeoutError:
            self._watch.cut_off += 1

    async def _chunks(self) -> AsyncGenerator[bytes, None]:
        fanout, heartbeat_s = self._watch.fanout, self._heartbeat_s
        seq = 0
        yield b"retry: 2000\n\n"
        while not fanout.stopping:
            found, picture = await fanout.after(seq, heartbeat_s)
            if found > seq:
                seq = found
                yield self._watch.frame(seq, picture)
            else:
                yield _ALIVE

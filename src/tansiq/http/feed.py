"""The event feed as server-sent events: resumable, bounded, alive while idle.

A reader says where it stands (``Last-Event-ID``, else ``?after=``, else now) and gets everything
that follows, once, in order. Where that is no longer possible it is told so in a last event
``cut-off``, whose id is where it may go on after reading the lists afresh.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import msgspec
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from tansiq.clock import Clock
from tansiq.errors import Busy, StoreError
from tansiq.services.events import Events
from tansiq.services.views import EventView
from tansiq.settings import Limits, Timers

MEDIA_TYPE = "text/event-stream"
_BATCH = 20
"""Events written at once: with the limit of one event, what a reader may cost in memory."""

HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]


class CutOff(msgspec.Struct, frozen=True, kw_only=True):
    """The last event of a feed that cannot go on."""

    code: str
    """``gone``: what follows was dropped; ``ahead``: no such event yet; ``stopping``: the node
    stops; ``store``: the store cannot be read."""
    message: str
    first: int
    """Oldest event that can still be read."""
    last: int
    """Newest event."""


class Feed:
    """Hands out feeds, to a stated number of readers at once."""

    def __init__(self, events: Events, clock: Clock, limits: Limits, timers: Timers) -> None:
        self.events = events
        self.clock = clock
        self.timers = timers
        self.readers = 0
        self._readers_max = limits.feed_clients_max

    async def open(
        self, after: int | None, *, follow: bool, resumed: bool, alive_s: int | None = None
    ) -> Response:
        """Return a feed from after that event, or from now.

        0 is the oldest event kept, unless a reader says that it has been there (``resumed``). Who
        must know soon that nothing has happened asks for a comment each ``alive_s`` seconds.

        Raises:
            Busy: as many readers as are served at once are here already.
            StoreError: the feed cannot be read.
        """
        if self.readers >= self._readers_max:
            raise Busy(f"{self.readers} readers follow the feed already; try again later")
        first, last = await self.events.bounds()
        if after is None:
            after = last
        elif after == 0 and not resumed:
            after = first - 1
        return _Stream(self, after, (first, last), follow=follow, alive_s=alive_s)


class _Stream(Response):
    """One reader's feed."""

    media_type = MEDIA_TYPE

    def __init__(
        self,
        feed: Feed,
        seq: int,
        bounds: tuple[int, int],
        *,
        follow: bool,
        alive_s: int | None,
    ) -> None:
        super().__init__()
        self._feed = feed
        self._seq = seq
        self._bounds = bounds
        self._follow = follow
        self._heartbeat_s = feed.timers.feed_heartbeat_s if alive_s is None else float(alive_s)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._feed.readers += 1
        try:
            async with asyncio.TaskGroup() as tasks:
                gone = tasks.create_task(until_gone(receive))
                stream = tasks.create_task(self._run(send))
                gone.add_done_callback(lambda _: stream.cancel())
                stream.add_done_callback(lambda _: gone.cancel())
        finally:
            self._feed.readers -= 1

    async def _run(self, send: Send) -> None:
        clock, stall_s = self._feed.clock, self._feed.timers.feed_stall_s
        try:
            await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
            async with aclosing(self._chunks()) as chunks:
                async for chunk in chunks:
                    # A reader that takes nothing holds its connection no longer than this. It has
                    # lost nothing: its next Last-Event-ID says where it stopped.
                    message = {"type": "http.response.body", "body": chunk, "more_body": True}
                    await clock.limit(send(message), stall_s)
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        except TimeoutError:
            return

    async def _chunks(self) -> AsyncGenerator[bytes, None]:
        seq, (first, last) = self._seq, self._bounds
        # A reader that loses the connection before its first event still knows where it stood.
        yield b'retry: 2000\nid: %d\nevent: start\ndata: {"seq":%d}\n\n' % (seq, seq)
        if reason := _cannot_resume(seq, first, last):
            yield _cut_off(*reason, first=first, last=last)
            return
        events = self._feed.events
        while not events.stopping:
            try:
                found = await self._next(seq)
            except StoreError as error:
                yield _cut_off("store", str(error), first=first, last=seq)
                return
            if found and found[0].seq != seq + 1:
                yield _cut_off("gone", _GONE, first=found[0].seq, last=found[-1].seq)
                return
            if found:
                seq = found[-1].seq
                yield b"".join(map(_text, found))
            elif not self._follow:
                return
            else:
                yield b": alive\n\n"
        yield _cut_off("stopping", "the node stops; resume later", first=first, last=seq)

    async def _next(self, seq: int) -> list[EventView]:
        if not self._follow:
            return await self._feed.events.after(seq, _BATCH)
        return await self._feed.events.follow(seq, _BATCH, self._heartbeat_s)


_GONE = "events that follow have been dropped; read the lists afresh, then go on from this id"


def _cannot_resume(seq: int, first: int, last: int) -> tuple[str, str] | None:
    if seq > last:
        return "ahead", f"the last event is {last}; was the store replaced? read the lists afresh"
    if seq + 1 < first:
        return "gone", _GONE
    return None


def _text(event: EventView) -> bytes:
    data = msgspec.json.encode(event)
    return b"id: %d\nevent: %b\ndata: %b\n\n" % (event.seq, event.kind.encode(), data)


def _cut_off(code: str, message: str, *, first: int, last: int) -> bytes:
    data = msgspec.json.encode(CutOff(code=code, message=message, first=first, last=last))
    return b"id: %d\nevent: cut-off\ndata: %b\n\n" % (last, data)


async def until_gone(receive: Receive) -> None:
    """Return once the client has closed the connection."""
    while (await receive())["type"] != "http.disconnect":
        pass

"""How long a request of another node may take, and that one which took longer has written nothing.

A write that waits for its turn is taken back; one that the store has begun is awaited, however long
it takes, because its caller must learn that it stands. So "timed out" always means "not done".
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tansiq.clock import Clock
from tansiq.errors import TimedOut
from tansiq.storage.store import Recall, recall


@dataclass(slots=True, eq=False)
class _Open:
    """One request that has not begun to answer."""

    task: "asyncio.Task[object]"
    until_s: float
    recall: Recall
    ended: bool = False

    def end(self) -> None:
        """End it, unless what it writes is beyond recall."""
        if self.recall.withdraw():
            self.ended = True
            self.task.cancel()


class Deadline:
    """Ends requests that have not begun to answer after ``seconds``, by ``TimedOut``.

    All have the same time, so the oldest is always the next: one task watches all of them, and
    only while there are any. A request itself costs no timer.
    """

    def __init__(self, clock: Clock, seconds: float) -> None:
        self._clock = clock
        self._seconds = seconds
        self._open: dict[_Open, None] = {}
        self._watch: asyncio.Task[None] | None = None

    def around(self, app: ASGIApp) -> ASGIApp:
        """Return the application with the deadline for each of its requests.

        The result raises ``TimedOut``: what is around it answers.
        """

        async def limited(scope: Scope, receive: Receive, send: Send) -> None:
            task = asyncio.current_task()
            if scope["type"] != "http" or task is None:
                await app(scope, receive, send)
                return
            mine = _Open(task, self._clock.monotonic_s() + self._seconds, Recall())

            async def watched(message: Message) -> None:
                # Half an answer must not be taken back: a slow reader is not a slow request.
                self._open.pop(mine, None)
                await send(message)

            token = recall.set(mine.recall)
            self._add(mine)
            try:
                await app(scope, receive, watched)
            except asyncio.CancelledError:
                if not mine.ended:
                    raise
                task.uncancel()
                raise TimedOut(
                    f"not done within {self._seconds:g} s, and nothing of it was kept; try again"
                ) from None
            finally:
                self._open.pop(mine, None)
                recall.reset(token)

        return limited

    async def stop(self) -> None:
        """Stop watching."""
        if self._watch is not None:
            self._watch.cancel()
            with suppress(asyncio.CancelledError):
                await self._watch

    def _add(self, request: _Open) -> None:
        self._open[request] = None
        if self._watch is None or self._watch.done():
            self._watch = asyncio.create_task(self._end_late(), name="deadline")

    async def _end_late(self) -> None:
        while self._open:
            oldest = next(iter(self._open))
            wait_s = oldest.until_s - self._clock.monotonic_s()
            if wait_s > 0:
                await self._clock.sleep(wait_s)
            else:
                del self._open[oldest]
                oldest.end()

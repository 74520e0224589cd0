"""One feed of positions: started, watched over, stopped; any number at once.

A feed's task ends only when it is stopped. An error that nobody foresaw is logged and shown, and
the feed begins anew: that one receiver sends what trips us must not end the watch over the others.
"""

import asyncio
import logging
from collections.abc import Coroutine, Sequence
from typing import Any

from tansiq.clock import Clock
from tansiq.errors import BadInput
from tansiq.feed_settings import FeedSource
from tansiq.feeds import kinds
from tansiq.feeds.datagrams import listen
from tansiq.feeds.health import FeedHealth
from tansiq.feeds.intake import Intake, OnReports
from tansiq.feeds.polling import Polling
from tansiq.feeds.streams import read_stream
from tansiq.settings import Limits, Timers

_log = logging.getLogger(__name__)


class Feed:
    """Reads one source and hands its reports on."""

    def __init__(
        self,
        source: FeedSource,
        on_reports: OnReports,
        clock: Clock,
        limits: Limits,
        timers: Timers,
    ) -> None:
        self._source = source
        self._clock = clock
        self._limits = limits
        self._timers = timers
        self._intake = Intake(source, on_reports, clock, limits, timers)
        self._task: asyncio.Task[None] | None = None

    @property
    def name(self) -> str:
        return self._source.name

    def start(self) -> None:
        """Begin to read, on the running loop; nothing where it reads already."""
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name=f"feed {self.name}")

    async def stop(self) -> None:
        """End reading, and return when nothing more is handed on."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait({task})

    def health(self) -> FeedHealth:
        """Return how it is doing."""
        return self._intake.health(running=self._task is not None)

    async def _run(self) -> None:
        while True:
            reading = asyncio.create_task(self._read(), name=f"feed {self.name} reading")
            try:
                await asyncio.wait({reading})
            finally:
                reading.cancel()
                await asyncio.wait({reading})
            error = reading.exception()
            if isinstance(error, BadInput):  # A library that is not installed.
                self._intake.failed(str(error))
            else:
                _log.error("feed %s: an error of ours", self.name, exc_info=error)
                self._intake.failed(f"an error of ours, in the log: {type(error).__name__}")
            await self._clock.sleep(self._timers.retry_last_s)

    def _read(self) -> Coroutine[Any, Any, None]:
        source, limits = self._source, self._limits
        if source.parts.scheme == "udp":
            return listen(
                source,
                lambda: kinds.cot_parser(source, limits),
                self._intake,
                self._clock,
                limits,
                self._timers,
            )
        if source.parts.scheme in ("tcp", "tls"):
            return read_stream(
                source,
                lambda: kinds.stream_parser(source, limits, self._clock),
                self._intake,
                self._clock,
                self._timers,
            )
        parse = kinds.document_parser(source, limits)
        polling = Polling(source, parse, self._intake, self._clock, limits)
        return polling.run(self._timers, self._timers.retry_last_s)


class Feeds:
    """All feeds of a node."""

    def __init__(
        self,
        sources: Sequence[FeedSource],
        on_reports: OnReports,
        clock: Clock,
        limits: Limits,
        timers: Timers,
    ) -> None:
        self._feeds = [Feed(source, on_reports, clock, limits, timers) for source in sources]

    def start(self) -> None:
        """Begin to read all of them."""
        for feed in self._feeds:
            feed.start()

    async def stop(self) -> None:
        """End all of them."""
        for feed in self._feeds:
            await feed.stop()

    def named(self, name: str) -> Feed | None:
        """Return the feed of that name."""
        return next((feed for feed in self._feeds if feed.name == name), None)

    def health(self) -> tuple[FeedHealth, ...]:
        """Return how each is doing, in the order of the settings."""
        return tuple(feed.health() for feed in self._feeds)

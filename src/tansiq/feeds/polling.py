"""Reads a file, or asks an HTTP server, again and again.

Receivers on the local network speak plain HTTP without a token; a redirect is not followed, and
no proxy of the environment is asked.
"""

import asyncio
import stat
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final
from urllib.parse import unquote

import aiohttp

from tansiq.clock import Clock
from tansiq.errors import BadInput, TooLarge
from tansiq.feed_settings import FeedLimits, FeedSource, FeedTimers
from tansiq.feeds.intake import Intake
from tansiq.formats.position_reports import Parsed, Refusal

Parse = Callable[[bytes], Parsed]
_IN_THREAD_BYTES: Final = 200_000
"""From here on parsing takes longer than others should wait for the event loop."""


class Unreadable(Exception):
    """What is polled gave no document; the sentence says why."""


class Polling:
    """One file or URL."""

    def __init__(
        self, source: FeedSource, parse: Parse, intake: Intake, clock: Clock, limits: FeedLimits
    ) -> None:
        self._source = source
        self._parse = parse
        self._intake = intake
        self._clock = clock
        self._limits = limits
        self._reading: asyncio.Future[bytes] | None = None
        """A file being read. One at a time: a disk that hangs takes one thread and no more."""

    async def run(self, timers: FeedTimers, retry_last_s: float) -> None:
        """Poll until cancelled; where that fails, less and less often up to ``retry_last_s``."""
        async with _session() as session:
            try:
                await self._poll_on(session, timers, retry_last_s)
            finally:
                if self._reading is not None:
                    self._reading.cancel()

    async def _poll_on(
        self, session: aiohttp.ClientSession, timers: FeedTimers, retry_last_s: float
    ) -> None:
        pause_s = interval_s = self._source.interval_s
        while True:
            began_s = self._clock.monotonic_s()
            try:
                await self._poll(session, timers)
            except (Unreadable, BadInput) as error:
                self._intake.failed(str(error))
                pause_s = max(interval_s, min(2 * pause_s, retry_last_s))
            else:
                self._intake.reached()
                pause_s = interval_s
            passed_s = self._clock.monotonic_s() - began_s
            await self._clock.sleep(max(0.0, pause_s - passed_s))

    async def _poll(self, session: aiohttp.ClientSession, timers: FeedTimers) -> None:
        seconds = timers.position_request_s
        local = self._source.parts.scheme == "file"
        try:
            data = await self._clock.limit(self._file() if local else self._fetch(session), seconds)
        except TimeoutError as error:
            raise Unreadable(f"no answer within {seconds:g} s") from error
        try:
            parsed = (
                await asyncio.to_thread(self._parse, data)
                if len(data) > _IN_THREAD_BYTES
                else self._parse(data)
            )
        except BadInput as error:
            reason = Refusal.TOO_LARGE if isinstance(error, TooLarge) else Refusal.MALFORMED
            unread = Parsed(messages=1)
            unread.refused[reason] += 1
            self._intake.take(unread)
            raise
        self._intake.take(parsed)

    async def _file(self) -> bytes:
        if self._reading is None:
            self._reading = asyncio.ensure_future(asyncio.to_thread(self._read_file))
        await asyncio.wait({self._reading})  # Not awaited itself: the time-out would cancel it.
        reading, self._reading = self._reading, None
        return reading.result()

    def _read_file(self) -> bytes:
        path = Path(unquote(self._source.parts.path))
        try:
            if not stat.S_ISREG(path.stat().st_mode):
                raise Unreadable(f"{path} is no file")
            with path.open("rb") as file:
                data = file.read(self._limits.position_poll_bytes_max + 1)
        except (OSError, ValueError) as error:
            said = error.strerror if isinstance(error, OSError) else error
            raise Unreadable(f"{path} cannot be read: {said}") from error
        self._check(len(data))
        return data

    async def _fetch(self, session: aiohttp.ClientSession) -> bytes:
        data = bytearray()
        try:
            async with session.get(self._source.url, allow_redirects=False) as answer:
                if answer.status != 200:
                    raise Unreadable(f"answered {answer.status}, not 200")
                async for chunk in answer.content.iter_any():
                    data += chunk
                    self._check(len(data))
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise Unreadable(str(error) or type(error).__name__) from error
        return bytes(data)

    def _check(self, size: int) -> None:
        limit = self._limits.position_poll_bytes_max
        if size > limit:
            raise Unreadable(f"more than {limit} bytes (limits.position_poll_bytes_max)")


@asynccontextmanager
async def _session() -> AsyncIterator[aiohttp.ClientSession]:
    # The injected clock keeps the deadline, and a receiver's cookies are of no use.
    session = aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=None),
        cookie_jar=aiohttp.DummyCookieJar(),
        # Uncompressed, so that the limit on its size holds before it is in memory.
        headers={"Accept": "application/json", "Accept-Encoding": "identity"},
        auto_decompress=False,
    )
    try:
        yield session
    finally:
        await session.close()

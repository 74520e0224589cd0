"""Reads a stream over TCP, and connects again when it ends, fails or says nothing."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Final, Protocol

from tansiq.clock import Clock
from tansiq.feed_settings import FeedSource
from tansiq.feeds.intake import Intake
from tansiq.formats.position_reports import Parsed
from tansiq.settings import Timers

CHUNK_BYTES: Final = 16_384
"""Parsed without a pause; some 10 ms of the slowest parser."""
_SILENCES: Final = 2
"""After so many times ``timers.position_silent`` without a byte the connection is taken for dead:
a receiver whose power failed closes none."""


class StreamParser(Protocol):
    """Finds messages in pieces of a stream."""

    def feed(self, data: bytes, now: datetime) -> Parsed: ...


async def read_stream(
    source: FeedSource,
    new_parser: Callable[[], StreamParser],
    intake: Intake,
    clock: Clock,
    timers: Timers,
) -> None:
    """Read until cancelled; each connection gets a parser of its own."""
    pause_s = timers.retry_first_s
    parts = source.parts
    while True:
        parser = new_parser()
        try:
            reader, writer = await clock.limit(
                asyncio.open_connection(parts.hostname, parts.port), timers.position_request_s
            )
        except TimeoutError:
            intake.failed(f"no connection within {timers.position_request_s:g} s")
        except OSError as error:
            intake.failed(f"no connection: {error.strerror or error}")
        else:
            intake.reached()
            try:
                if await _read(reader, parser, intake, clock, timers):
                    pause_s = timers.retry_first_s
            finally:
                writer.close()
        await clock.sleep(pause_s)
        pause_s = min(2 * pause_s, timers.retry_last_s)


async def _read(
    reader: asyncio.StreamReader,
    parser: StreamParser,
    intake: Intake,
    clock: Clock,
    timers: Timers,
) -> bool:
    """Read one connection to its end; report whether it gave anything."""
    silent_s = _SILENCES * timers.position_silent.total_seconds()
    gave = False
    while True:
        try:
            data = await clock.limit(reader.read(CHUNK_BYTES), silent_s)
        except TimeoutError:
            intake.failed(f"nothing for {silent_s:g} s; connecting again")
            return gave
        except OSError as error:
            intake.failed(f"the connection broke: {error.strerror or error}")
            return gave
        if not data:
            intake.failed("the other side closed the connection")
            return gave
        gave = True
        intake.take(parser.feed(data, clock.now()))
        # What has arrived already is read without waiting: others get their turn here.
        await clock.sleep(0.0)

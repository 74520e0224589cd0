"""Reads a stream over TCP or TLS, and connects again when it ends, fails or says nothing."""

import asyncio
import ssl
from collections.abc import Callable
from datetime import datetime
from typing import Final, Protocol, TypedDict

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


class _Secured(TypedDict, total=False):
    ssl: ssl.SSLContext
    server_hostname: str


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
            how = secured(source)
            reader, writer = await clock.limit(
                asyncio.open_connection(parts.hostname, parts.port, **how),
                timers.position_request_s,
            )
        except TimeoutError:
            intake.failed(f"no connection within {timers.position_request_s:g} s")
        except ssl.SSLCertVerificationError as error:
            intake.failed(f"its certificate is not to be trusted: {error.verify_message}")
        except (OSError, ValueError) as error:
            said = error.strerror if isinstance(error, OSError) else None
            intake.failed(f"no connection: {said or error}")
        else:
            intake.reached()
            try:
                if await _read(reader, parser, intake, clock, timers):
                    pause_s = timers.retry_first_s
            finally:
                writer.close()
        await clock.sleep(pause_s)
        pause_s = min(2 * pause_s, timers.retry_last_s)


def secured(source: FeedSource) -> _Secured:
    """Return how to connect; files are read each time, since certificates are renewed.

    Raises:
        OSError: a file cannot be read, or is no certificate or key; the sentence names it.
    """
    if source.parts.scheme != "tls":
        return {}
    try:
        context = ssl.create_default_context(
            cafile=None if source.authority is None else str(source.authority)
        )
        if source.certificate is not None:
            context.load_cert_chain(source.certificate, source.key, password=_no_password)
    except OSError as error:
        files = [str(f) for f in (source.authority, source.certificate, source.key) if f]
        raise OSError(f"{', '.join(files)}: {error.strerror or error}") from error
    return {"ssl": context, "server_hostname": source.server_name or source.parts.hostname or ""}


def _no_password() -> str:
    # Else OpenSSL asks the terminal, and the node stands still.
    raise OSError("the key has a password; write it without one")


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

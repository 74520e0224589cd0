"""A port that TAK clients connect to: each is sent the picture again and again, and nothing else.

What clients say, their own positions and their pings, is read and thrown away. There is no queue:
a client is sent the newest picture once it has taken the one before, and one that takes nothing for
too long is disconnected, which is logged and counted. Under TLS with client certificates, or for
this machine only: ``cot_settings.py`` refuses anything between.
"""

import asyncio
import logging
import ssl
from dataclasses import dataclass
from pathlib import Path

from tansiq.clock import Clock
from tansiq.cot_settings import CotSettings
from tansiq.errors import BadInput, TansiqError
from tansiq.services.watch.picture import Form, Pictures

_log = logging.getLogger(__name__)

_HEARD_BYTES = 4_096
_HEARD_PAUSE_S = 0.1
"""At most 40 kB/s are read of each client, so that none keeps us busy."""
_HANDSHAKE_S = 10.0


@dataclass(slots=True)
class CotCounts:
    """What became of clients, for ``/metrics``."""

    connected: int = 0
    dropped: int = 0
    """Too slow."""
    refused: int = 0
    """Beyond the limit."""


class CotStream:
    """The port, between ``start`` and ``stop``."""

    def __init__(
        self,
        settings: CotSettings,
        pictures: Pictures,
        clock: Clock,
        *,
        data: Path,
        counts: CotCounts | None = None,
    ) -> None:
        self._settings = settings
        self._pictures = pictures
        self._clock = clock
        self._context = secured(settings, data) if settings.tls else None
        self._server: asyncio.Server | None = None
        self._clients: set[asyncio.Task[None]] = set()
        self.counts = CotCounts() if counts is None else counts

    async def start(self) -> None:
        """Listen.

        Raises:
            OSError: the port is taken, or the address is not ours.
        """
        self._server = await asyncio.start_server(
            self._connected,
            self._settings.host,
            self._settings.port,
            ssl=self._context,
            ssl_handshake_timeout=None if self._context is None else _HANDSHAKE_S,
            limit=_HEARD_BYTES,
        )

    async def stop(self) -> None:
        """Disconnect everybody and close the port."""
        if self._server is not None:
            self._server.close()
        for task in self._clients:
            task.cancel()
        await asyncio.gather(*self._clients, return_exceptions=True)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        who = _peer(writer)
        if self.counts.connected >= self._settings.clients_max:
            self.counts.refused += 1
            _log.warning("TAK client %s refused: %d are connected", who, self.counts.connected)
            writer.transport.abort()
            return
        self.counts.connected += 1
        task = asyncio.create_task(self._serve(reader, writer, who), name=f"TAK client {who}")
        self._clients.add(task)
        task.add_done_callback(self._clients.discard)

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, who: str
    ) -> None:
        try:
            async with asyncio.TaskGroup() as tasks:
                hearing = tasks.create_task(self._hear(reader))
                telling = tasks.create_task(self._tell(writer, who))
                hearing.add_done_callback(lambda _: telling.cancel())
                telling.add_done_callback(lambda _: hearing.cancel())
        finally:
            self.counts.connected -= 1
            # Not closed in order: one that takes nothing would keep what is buffered for it.
            writer.transport.abort()

    async def _hear(self, reader: asyncio.StreamReader) -> None:
        try:
            while await reader.read(_HEARD_BYTES):
                await self._clock.sleep(_HEARD_PAUSE_S)
        except OSError:
            return

    async def _tell(self, writer: asyncio.StreamWriter, who: str) -> None:
        # ``drain`` returns once all is handed to the kernel: one picture under way, never two.
        writer.transport.set_write_buffer_limits(high=0)
        try:
            while True:
                if picture := await self._picture():
                    writer.write(picture)
                    await self._clock.limit(writer.drain(), self._settings.stall_s)
                await self._clock.sleep(self._settings.every_s)
        except TimeoutError:
            self.counts.dropped += 1
            _log.warning(
                "TAK client %s disconnected: it took nothing for %g s", who, self._settings.stall_s
            )
        except OSError:
            return

    async def _picture(self) -> bytes:
        try:
            return (await self._pictures.written(Form.COT_STREAM)).body
        except TansiqError as error:
            # Clients see by themselves that nothing new comes: what they have goes stale.
            _log.warning("no picture for TAK clients: %s", error)
            return b""


def secured(settings: CotSettings, data: Path) -> ssl.SSLContext:
    """Return what the port is secured with.

    Raises:
        BadInput: the node's certificate or the clients' authority cannot be read.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(data / "tls.crt", data / "tls.key")
    except (OSError, ssl.SSLError) as error:
        raise BadInput(
            f"the node's certificate cannot be read: {error}", field="tls.crt"
        ) from error
    if settings.clients is not None:
        try:
            context.load_verify_locations(settings.clients)
        except (OSError, ssl.SSLError) as error:
            raise BadInput(
                f"not a PEM file of certificates: {error}", field="cot.clients"
            ) from error
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def _peer(writer: asyncio.StreamWriter) -> str:
    address = writer.get_extra_info("peername")
    return str(address[0]) if address else "?"

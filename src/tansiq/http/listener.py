"""One listener: uvicorn as a node wants it. Plain http is for this machine only, always."""

import contextlib
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from tansiq.errors import BadInput
from tansiq.settings import Settings, is_loopback


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """What a listener shows itself by."""

    certificate: Path
    key: Path


def tls_of_node(settings: Settings) -> TlsFiles:
    """Return the node's own, which the agreement pins."""
    return TlsFiles(settings.data / "tls.crt", settings.data / "tls.key")


class Listener(uvicorn.Server):
    """A server whose signals are somebody else's business: there are two in one process."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def listener(
    app: ASGIApp, host: str, port: int, settings: Settings, *, tls: TlsFiles | None
) -> Listener:
    """Return a server for an application, not started yet.

    Raises:
        BadInput: plain http, and not for this machine only.
    """
    if tls is None and not is_loopback(host):
        # Both listeners pass here: passwords and tokens leave this machine under TLS or not at all.
        raise BadInput(f"plain http is for this machine only, and {host} is not", field="host")
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        loop="none",
        http="httptools",
        ws="none",
        lifespan="off",
        access_log=False,
        # What a client says of where it comes from is nobody's word.
        proxy_headers=False,
        log_level="warning",
        log_config=None,  # As everything else is logged.
        server_header=False,
        # Longer than any client of ours keeps a connection: the side that reuses it closes it.
        timeout_keep_alive=75,
        timeout_graceful_shutdown=5,
        limit_concurrency=settings.limits.connections_max * 4,
        ssl_keyfile=None if tls is None else tls.key,
        ssl_certfile=None if tls is None else tls.certificate,
        ssl_version=ssl.PROTOCOL_TLS_SERVER,
    )
    return Listener(config)

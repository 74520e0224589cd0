"""One listener: uvicorn as a node wants it. Plain http is for this machine only, always.

Where the own listener is to be reached from other machines, this is the check that it has to pass;
``guard.py`` says what else belongs to it.
"""

import contextlib
import ssl
from collections.abc import Iterator

import uvicorn
from starlette.applications import Starlette

from tansiq.errors import BadInput
from tansiq.settings import Settings, is_loopback


class Listener(uvicorn.Server):
    """A server whose signals are somebody else's business: there are two in one process."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def listener(app: Starlette, host: str, port: int, settings: Settings, *, tls: bool) -> Listener:
    """Return a server for an application, not started yet.

    Raises:
        BadInput: plain http, and not for this machine only.
    """
    if not tls and not is_loopback(host):
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
        server_header=False,
        # Longer than any client of ours keeps a connection: the side that reuses it closes it.
        timeout_keep_alive=75,
        timeout_graceful_shutdown=5,
        limit_concurrency=settings.limits.connections_max * 4,
        ssl_keyfile=settings.data / "tls.key" if tls else None,
        ssl_certfile=settings.data / "tls.crt" if tls else None,
        ssl_version=ssl.PROTOCOL_TLS_SERVER,
    )
    return Listener(config)

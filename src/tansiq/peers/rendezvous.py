"""A reply straight to the inviter: a listener for one request, and the request.

For the minutes of ``tansiq invite --wait``, before any agreement is there to serve under; a node
that serves takes the same request (``doorstep``). The
joiner knows the inviter's certificate from the invitation and sends nothing before it has seen it;
the inviter takes nothing but a reply to an invitation that is open. Whoever stands between the two
can still have changed the invitation: the six words show it.
"""

import http.client
import ssl
from collections.abc import Callable
from datetime import datetime
from hashlib import sha256
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socket import AF_INET, AF_INET6
from socketserver import TCPServer
from typing import Final
from urllib.parse import urlsplit

from tansiq.clock import Clock
from tansiq.domain.agreement import Party
from tansiq.errors import BadInput
from tansiq.formats.invitation import CHARS_MAX
from tansiq.formats.invitation import JOIN_PATH as PATH
from tansiq.peers.identity import TLS_CERTIFICATE, TLS_KEY
from tansiq.peers.joining import Meeting, take_reply
from tansiq.settings import Settings

_ANSWER_BYTES_MAX: Final = 1_000
_ONE_REQUEST_S: Final = 5.0
_LOOK_S: Final = 0.5


def deliver(inviter: Party, line: str, *, timeout_s: float = 3.0) -> str:
    """Bring a reply to the inviter; return why that failed, empty if it was taken."""
    parts = urlsplit(inviter.url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    plain = parts.scheme == "http"
    connection = (
        http.client.HTTPConnection(host, port, timeout=timeout_s)
        if plain
        else http.client.HTTPSConnection(host, port, timeout=timeout_s, context=_by_fingerprint())
    )
    try:
        connection.connect()
        if not plain and not _is_of(connection, inviter):
            return "another certificate than the invitation's answers there"
        connection.request("POST", parts.path + PATH, line.encode())
        answer = connection.getresponse()
        said = answer.read(_ANSWER_BYTES_MAX).decode("utf-8", "replace")
        return "" if answer.status == 200 else _plain(said) or f"it answers {answer.status}"
    except (OSError, http.client.HTTPException) as error:
        return f"{host}:{port}: {str(error) or type(error).__name__}"
    finally:
        connection.close()


def _plain(text: str) -> str:
    """Return what a stranger answered as one line that can be shown."""
    return text if text.isprintable() and len(text) <= 300 else ""


def _by_fingerprint() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # Nobody vouches for a node's certificate: its fingerprint is compared instead, see _is_of.
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _is_of(connection: http.client.HTTPConnection, inviter: Party) -> bool:
    sock = connection.sock
    shown = sock.getpeercert(binary_form=True) if isinstance(sock, ssl.SSLSocket) else None
    return shown is not None and sha256(shown).digest() == inviter.tls_sha256


def wait_for_reply(settings: Settings, clock: Clock, until: datetime) -> Meeting | None:
    """Listen where the node will serve until a good reply has come; None if none did.

    Raises:
        BadInput: the port is taken.
    """
    taken: list[Meeting] = []

    def take(line: str) -> None:
        taken.append(take_reply(settings.data, line, clock.now()))

    with _listener(settings, take) as server:
        while not taken and clock.now() < until:
            server.handle_request()
    return taken[0] if taken else None


def _listener(settings: Settings, take: Callable[[str], None]) -> TCPServer:
    class Handler(_Handler):
        def take(self, line: str) -> None:
            take(line)

    # Not HTTPServer: that asks the DNS for its own name, and waits for it where there is none.
    class Listener(TCPServer):
        allow_reuse_address = True
        address_family = AF_INET6 if ":" in settings.peer_host else AF_INET
        timeout = _LOOK_S

    try:
        server = Listener((settings.peer_host, settings.peer_port), Handler)
    except OSError as error:
        raise BadInput(
            f"{settings.peer_host}:{settings.peer_port}: {error.strerror}; is a node running? "
            "It can be invited without --wait",
            field="peer_port",
        ) from error
    if settings.peer_tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        data: Path = settings.data
        context.load_cert_chain(data / TLS_CERTIFICATE, data / TLS_KEY)
        # The handshake belongs to the request, which has a time limit; accepting has none.
        server.socket = context.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
    return server


class _Handler(BaseHTTPRequestHandler):
    """Takes one reply; everything else is refused in a sentence."""

    timeout = _ONE_REQUEST_S
    server_version, sys_version = "tansiq", ""

    def take(self, line: str) -> None:
        raise NotImplementedError

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if self.path != PATH or not length.isdecimal() or int(length[:9]) > CHARS_MAX:
            self._answer(404, "only replies to an invitation are taken here")
            return
        line = self.rfile.read(int(length)).decode("ascii", "replace")
        try:
            self.take(line)
        except BadInput as error:
            self._answer(400, str(error))
            return
        self._answer(200, "taken")

    def handle(self) -> None:
        try:
            super().handle()
        except OSError:
            self.close_connection = True  # Gone, too slow, or not TLS: it may come again.

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Say nothing: the terminal is for the six words."""

    def _answer(self, status: int, sentence: str) -> None:
        body = sentence.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

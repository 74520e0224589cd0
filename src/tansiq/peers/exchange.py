"""One HTTP exchange with somebody else: pinned TLS, limits, one deadline, and what its end means.

Leaves out who we are to the other side: ``link`` adds our token to it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import aiohttp

from tansiq.clock import Clock
from tansiq.domain.agreement import Agreement, Party
from tansiq.errors import NeverSent, PeerMalformed, PeerRefused, PeerUnreachable
from tansiq.settings import Limits, Timers, is_loopback
from tansiq.traces import Kind, span


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete answer: its fate is known."""

    status: int
    body: bytes


class Exchange:
    """Our side of all outgoing connections.

    A party of the agreement is recognised by the fingerprint of its certificate, compared before a
    byte of the request leaves us; anybody else by the machine's certificate authorities.
    """

    def __init__(self, agreement: Agreement, clock: Clock, limits: Limits, timers: Timers) -> None:
        self._agreement = agreement
        self._clock = clock
        self._limits = limits
        self._timers = timers
        self._sessions: dict[bool, aiohttp.ClientSession] = {}
        """For those we chose ourselves, and for others: a crowd takes no connection of ours."""
        parties = [party.url for party in agreement.parties]
        self._agreed = (*parties, *(register.url for register in agreement.registers))
        self._at_home = any(is_loopback(urlsplit(url).hostname or "") for url in parties)
        # One object a party: connections are kept under it, and a new one would never be reused.
        self._pins = {
            party.id: aiohttp.Fingerprint(party.tls_sha256)
            for party in agreement.parties
            if party.tls_sha256
        }

    def _open(self, *, chosen: bool) -> aiohttp.ClientSession:
        session = self._sessions.get(chosen)
        if session is None:
            # trust_env stays off: a proxy from the environment would see pinned traffic.
            session = self._sessions[chosen] = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    limit=self._limits.connections_max, limit_per_host=48
                ),
                # The injected clock keeps the deadline. Connecting has a shorter one of its own,
                # because of a request that found no connection it is known that it never left.
                timeout=aiohttp.ClientTimeout(
                    total=None, sock_connect=0.8 * self._timers.peer_request_s
                ),
                auto_decompress=False,
                # An issuer's cookie is nobody else's business, ours included.
                cookie_jar=aiohttp.DummyCookieJar(),
            )
            # A kept connection that breaks must not send a write twice behind our back: the second
            # answer would hide the first. There is no public switch.
            session._retry_connection = False  # noqa: SLF001
        return session

    async def close(self) -> None:
        """Close all connections."""
        while self._sessions:
            await self._sessions.popitem()[1].close()

    def party_at(self, url: str) -> Party | None:
        """Return the agreement party whose node answers at ``url``."""
        return next((p for p in self._agreement.parties if _is_at(url, p.url)), None)

    def _tls(self, url: str, *, chosen: bool) -> aiohttp.Fingerprint | bool:
        parts = urlsplit(url)
        if parts.scheme == "http":
            if not is_loopback(parts.hostname or ""):
                raise PeerRefused(f"{url} is plain http beyond this machine; use https", status=0)
            if not chosen and not self._at_home:
                # Else a supplier's URL would have us ask services that trust this machine.
                raise PeerRefused(
                    f"{url} is on this machine, and nobody of the agreement is; nothing was sent",
                    status=0,
                )
            return True
        party = self.party_at(url)
        return True if party is None else self._pins.get(party.id, True)

    async def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None = None,
        bytes_max: int | None = None,
        chosen: bool = False,
    ) -> Answer:
        """Send one request and return the whole answer, whatever its status.

        ``bytes_max`` bounds the answer; left out, it is ``limits.peer_answer_bytes_max``.
        ``chosen`` is for URLs of our own settings; those of the agreement are known, and all others
        are a stranger's choice.

        Raises:
            PeerUnreachable: no complete answer in time; whether it took effect is not known.
            NeverSent: no connection in time.
            PeerRefused: never sent: the certificate or the scheme is wrong.
            PeerMalformed: the answer is larger than the limit.
        """
        seconds = self._timers.peer_request_s
        limit = self._limits.peer_answer_bytes_max if bytes_max is None else bytes_max
        chosen = chosen or any(_is_at(url, agreed) for agreed in self._agreed)
        whole = self._whole(method, url, headers, body, limit, chosen=chosen)
        try:
            with span(f"{method} to a peer", Kind.ASKING) as traced:
                answer = await self._clock.limit(whole, seconds)
                party = self.party_at(url)
                traced.note("tansiq.peer", "none of the agreement" if party is None else party.id)
                traced.note("http.request.method", method)
                traced.note("http.response.status_code", answer.status)
                return answer
        except aiohttp.ConnectionTimeoutError as error:
            raise NeverSent(f"{_host(url)} cannot be reached") from error
        except TimeoutError as error:
            raise PeerUnreachable(f"{_host(url)} did not answer within {seconds:g} s") from error
        except aiohttp.ServerFingerprintMismatch as error:
            raise PeerRefused(
                f"{_host(url)} shows a certificate that is not the one in the agreement; "
                "nothing was sent",
                status=0,
            ) from error
        except aiohttp.ClientConnectorError as error:
            raise NeverSent(f"{_host(url)}: {error.os_error}") from error
        except (aiohttp.ClientError, OSError) as error:
            raise PeerUnreachable(f"{_host(url)}: {str(error) or type(error).__name__}") from error
        except ValueError as error:  # Others choose the URLs: host names that cannot be, and such.
            raise PeerUnreachable(f"{url[:80]!r} cannot be asked: {error}") from error

    async def document(self, url: str, bytes_max: int) -> bytes:
        """Return what is at a URL of our own settings, in whole; no redirect is followed.

        Raises:
            PeerUnreachable, PeerMalformed: as in ``send``.
            PeerRefused: as there, or the answer is not 200.
        """
        headers = {"Accept": "application/json"}
        answer = await self.send("GET", url, headers=headers, bytes_max=bytes_max, chosen=True)
        if answer.status != 200:
            raise PeerRefused(f"{_host(url)} answered {answer.status}", status=answer.status)
        return answer.body

    async def _whole(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None,
        limit: int,
        *,
        chosen: bool,
    ) -> Answer:
        tls = self._tls(url, chosen=chosen)
        async with self._open(chosen=chosen).request(
            method, url, data=body, headers=headers, ssl=tls, allow_redirects=False
        ) as response:
            if (response.content_length or 0) > limit:
                raise PeerMalformed(f"{_host(url)} answered with more than {limit} bytes")
            content = bytearray()
            async for chunk in response.content.iter_any():
                content += chunk
                if len(content) > limit:
                    raise PeerMalformed(f"{_host(url)} answered with more than {limit} bytes")
            return Answer(response.status, bytes(content))


def _is_at(url: str, base: str) -> bool:
    return url == base or url.startswith(base + "/")


def _host(url: str) -> str:
    return urlsplit(url).netloc

"""One authenticated exchange with another node: the request, our token, the whole answer.

Leaves out what the messages mean (``register_client`` and ``uss_client`` know that), which token
is for whom (``credentials``), and how a connection is made (``exchange``).
"""

from collections.abc import Mapping
from typing import Protocol

from tansiq.domain.agreement import Party
from tansiq.peers.exchange import Answer

__all__ = ["Answer", "Link", "Tokens"]


class Tokens(Protocol):
    """Where our bearer tokens come from."""

    async def token(self, url: str, scope: str) -> str:
        """Return a token for whoever answers at ``url``; scopes are parted by spaces.

        Raises:
            NeverSent: none can be had, for the reason in the sentence.
        """
        ...

    def refused(self, url: str, scope: str, token: str) -> bool:
        """Note that a token was answered with 401; report whether another one may do better."""
        ...


class Sending(Protocol):
    """``Exchange``, or what records around it."""

    def party_at(self, url: str) -> Party | None: ...

    async def close(self) -> None: ...

    async def send(
        self, method: str, url: str, *, headers: Mapping[str, str], body: bytes | None = None
    ) -> Answer: ...


class Link:
    """Requests in our name."""

    def __init__(self, exchange: Sending, tokens: Tokens) -> None:
        self._exchange = exchange
        self._tokens = tokens

    async def close(self) -> None:
        """Close all connections."""
        await self._exchange.close()

    def party_at(self, url: str) -> Party | None:
        """Return the agreement party whose node answers at ``url``."""
        return self._exchange.party_at(url)

    async def call(
        self, method: str, url: str, *, scope: str | None, body: bytes | None = None
    ) -> Answer:
        """Send one request and return the whole answer, whatever its status.

        Raises:
            PeerUnreachable: no complete answer in time; whether it took effect is not known.
            NeverSent: no connection in time, or no token to send with.
            PeerRefused: never sent: the certificate or the scheme is wrong.
            PeerMalformed: the answer is larger than the limit.
        """
        headers = {"Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        if scope is None:
            return await self._exchange.send(method, url, headers=headers, body=body)
        token = await self._tokens.token(url, scope)
        answer = await self._send(method, url, headers, body, token)
        # A 401 means that nothing was done, so a second request repeats nothing.
        if answer.status == 401 and self._tokens.refused(url, scope, token):
            token = await self._tokens.token(url, scope)
            answer = await self._send(method, url, headers, body, token)
        return answer

    async def _send(
        self, method: str, url: str, headers: dict[str, str], body: bytes | None, token: str
    ) -> Answer:
        shown = {**headers, "Authorization": f"Bearer {token}"}
        return await self._exchange.send(method, url, headers=shown, body=body)

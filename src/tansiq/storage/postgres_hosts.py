"""Which of the hosts that a URL names takes writes: the one that did so last is asked first.

The library asks them one after the other and gives all of them one time limit, so that a machine
that is switched off, and does not even refuse, uses up the time of those behind it: no connection
would be made any more after a failover. Here the others are asked at once, as soon as the first
does not answer for a moment. Whoever is not the primary is passed over.

A connection to a machine that is switched off must not be waited for either: the system gives it up
after a few seconds in which nothing is confirmed.
"""

import asyncio
import socket
from typing import Any, Final
from urllib.parse import urlsplit

import asyncpg

HEAD_START_S: Final = 0.5
"""How long the host that was right last is asked alone."""
UNCONFIRMED_S: Final = 10
"""After so long without a sign from the other machine a connection is dead."""
_IDLE_S: Final = 5
_BETWEEN_S: Final = 2
_PRIMARY: Final = "target_session_attrs=primary"

_OPTIONS: Final = (
    (socket.SOL_SOCKET, "SO_KEEPALIVE", 1),
    (socket.IPPROTO_TCP, "TCP_KEEPIDLE", _IDLE_S),
    (socket.IPPROTO_TCP, "TCP_KEEPINTVL", _BETWEEN_S),
    (socket.IPPROTO_TCP, "TCP_KEEPCNT", 3),
    (socket.IPPROTO_TCP, "TCP_USER_TIMEOUT", UNCONFIRMED_S * 1_000),
)


def hosts_of(url: str) -> list[str]:
    """Return a URL for each host that one names; of several, the one that takes writes is meant."""
    parts = urlsplit(url)
    user, at, hosts = parts.netloc.rpartition("@")
    names = hosts.split(",")
    if len(names) == 1:
        return [url]
    query = parts.query
    if "target_session_attrs=" not in query:
        query = f"{query}&{_PRIMARY}" if query else _PRIMARY
    return [
        parts._replace(netloc=f"{user}{at}{name}", query=query).geturl() for name in names if name
    ]


def several_hosts(url: str) -> bool:
    """Report whether a URL names several servers, of which one takes the other's place."""
    return len(hosts_of(url)) > 1


class Hosts:
    """Makes connections; remembers which host was right last."""

    def __init__(self, url: str) -> None:
        self._urls = hosts_of(url)
        self._last = 0

    async def connect(self, *_: object, **options: Any) -> Any:
        """Connect to the host that takes writes, as the library's pool asks for it.

        Raises:
            OSError, asyncpg.PostgresError, asyncpg.InternalClientError: none of them does; what is
                raised is what the most promising one said.
        """
        connection = await self._first(options)
        _watch_over(connection)
        return connection

    async def _first(self, options: dict[str, Any]) -> Any:
        if len(self._urls) == 1:
            return await asyncpg.connect(self._urls[0], **options)
        trying = {self._tried(self._last, options)}
        others = [at for at in range(len(self._urls)) if at != self._last]
        failed: list[BaseException] = []
        wait_s: float | None = HEAD_START_S
        try:
            while trying:
                done, trying = await asyncio.wait(
                    trying, timeout=wait_s, return_when=asyncio.FIRST_COMPLETED
                )
                for task in done:
                    if (error := task.exception()) is not None:
                        failed.append(error)
                        continue
                    at, connection = task.result()
                    trying |= done - {task}
                    self._last = at
                    return connection
                trying |= {self._tried(at, options) for at in others}
                others, wait_s = [], None
        finally:
            await _given_up(trying)
        raise min(failed, key=_promising)

    def _tried(self, at: int, options: dict[str, Any]) -> "asyncio.Task[tuple[int, Any]]":
        async def connect() -> tuple[int, Any]:
            return at, await asyncpg.connect(self._urls[at], **options)

        return asyncio.create_task(connect())


async def _given_up(trying: "set[asyncio.Task[tuple[int, Any]]]") -> None:
    """End attempts that are not needed any more, and what they have come to."""
    for task in trying:
        task.cancel()
    if trying:
        await asyncio.wait(trying)
    for task in trying:
        if not task.cancelled() and task.exception() is None:
            task.result()[1].terminate()


def _promising(error: BaseException) -> int:
    """Return the rank of an error among those of several hosts: the first says most.

    A primary that cannot be reached yet is worth another try, even if a standby does not let us in.
    """
    if isinstance(error, (asyncpg.CannotConnectNowError, OSError, TimeoutError)):
        return 0
    return 2 if isinstance(error, asyncpg.TargetServerAttributeNotMatched) else 1


def _watch_over(connection: Any) -> None:
    """Have the system notice that the other machine is gone."""
    transport = connection._transport  # noqa: SLF001 # The library has no other way to its socket.
    wire = transport.get_extra_info("socket")
    if wire is None or wire.family not in (socket.AF_INET, socket.AF_INET6):
        return
    for level, name, value in _OPTIONS:
        if hasattr(socket, name):
            wire.setsockopt(level, getattr(socket, name), value)

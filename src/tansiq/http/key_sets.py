"""Reads the key sets of issuers again and again, and keeps the last good reading on disk.

A reading that fails changes nothing but what people see: the keys go on counting for
``timers.jwks_keep``, across a restart too. A token that names a key which is not there brings the
next reading forward, at most once a minute, whoever sends how many.
"""

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec

from tansiq.clock import Clock
from tansiq.errors import BadInput, TansiqError
from tansiq.http.issuers import Issuer, read_key_set
from tansiq.services.views import IssuerView
from tansiq.settings import Limits, Timers

Fetch = Callable[[str, int], Awaitable[bytes]]
"""(URL, bytes at most) -> content; raises ``PeerError``."""

BETWEEN_S: Final = 60.0
"""Least pause before a reading that somebody's token asked for."""

_log = logging.getLogger(__name__)


class _Kept(msgspec.Struct, frozen=True):
    """A good reading as it stands in the data folder."""

    iss: str
    jwks: str
    read_at: datetime
    content: str


class KeySets:
    """All issuers of a node; owns the tasks that read their key sets."""

    def __init__(
        self,
        issuers: Sequence[Issuer],
        fetch: Fetch,
        clock: Clock,
        *,
        folder: Path,
        limits: Limits,
        timers: Timers,
    ) -> None:
        self.issuers = tuple(issuers)
        self._fetch = fetch
        self._clock = clock
        self._folder = folder
        self._limits = limits
        self._timers = timers
        self._tasks: list[asyncio.Task[None]] = []
        for issuer in self.issuers:
            if isinstance(issuer.jwks, str):
                self._restore(issuer, issuer.jwks)

    def start(self) -> None:
        """Begin to read; nobody waits for it, because an issuer may be away."""
        self._tasks = [
            asyncio.create_task(self._follow(issuer, issuer.jwks))
            for issuer in self.issuers
            if issuer.jwks is not None
        ]

    async def stop(self) -> None:
        """Stop reading."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def views(self) -> tuple[IssuerView, ...]:
        """Return what people see of all issuers."""
        now, now_s, keep = self._clock.now(), self._clock.monotonic_s(), self._timers.jwks_keep
        return tuple(issuer.view(now, now_s, keep) for issuer in self.issuers)

    async def _follow(self, issuer: Issuer, source: str | Path) -> None:
        failures, often_s = 0, self._timers.jwks_refresh.total_seconds()
        while True:
            began_s = self._clock.monotonic_s()
            issuer.wanted.clear()
            known = issuer.problem
            content = await self.read(issuer, source)
            if issuer.problem not in (None, known):
                _log.warning("keys of issuer %s: %s", issuer.iss, issuer.problem)
            good = content is not None
            if content is not None and isinstance(source, str):
                await self._save(issuer, source, content)
            failures = 0 if good else min(failures + 1, 30)
            # A failure is looked at again sooner, and then less and less often.
            pause_s = often_s if good else min(often_s, 2.0 ** (failures - 1))
            await self._pause(issuer, pause_s, began_s)

    async def _pause(self, issuer: Issuer, pause_s: float, began_s: float) -> None:
        try:
            await self._clock.limit(issuer.wanted.wait(), pause_s)
        except TimeoutError:
            return
        await self._clock.sleep(max(0.0, began_s + BETWEEN_S - self._clock.monotonic_s()))

    async def read(self, issuer: Issuer, source: str | Path) -> bytes | None:
        """Read one key set once and believe it; return it, or None where it is not good."""
        try:
            content = await self._content(source)
            keys = read_key_set(content, self._limits)
        except TansiqError as error:
            issuer.problem = str(error)
            return None
        issuer.take(keys, self._clock.now(), self._clock.monotonic_s())
        return content

    async def _save(self, issuer: Issuer, source: str, content: bytes) -> None:
        if issuer.read_at is not None:
            kept = _Kept(issuer.iss, source, issuer.read_at, content.decode())
            await asyncio.to_thread(_write, self._file(issuer), msgspec.json.encode(kept))

    async def _content(self, source: str | Path) -> bytes:
        if isinstance(source, str):
            return await self._fetch(source, self._limits.jwks_bytes_max)
        try:
            return await asyncio.to_thread(_start_of, source, self._limits.jwks_bytes_max + 1)
        except OSError as error:
            raise BadInput(f"cannot be read ({error.strerror})", field=str(source)) from error

    def _file(self, issuer: Issuer) -> Path:
        return self._folder / f"jwks-{hashlib.sha256(issuer.iss.encode()).hexdigest()[:16]}.json"

    def _restore(self, issuer: Issuer, source: str) -> None:
        """Go on with the last good reading of an earlier run, as old as it is."""
        try:
            kept = msgspec.json.decode(self._file(issuer).read_bytes(), type=_Kept)
            keys = read_key_set(kept.content.encode(), self._limits)
        except (OSError, ValueError, BadInput):
            return  # None yet, or half written: the issuer is asked soon.
        now, now_s = self._clock.now(), self._clock.monotonic_s()
        if (kept.iss, kept.jwks) == (issuer.iss, source) and kept.read_at <= now:
            issuer.take(keys, kept.read_at, now_s - (now - kept.read_at).total_seconds())


def _start_of(path: Path, count: int) -> bytes:
    with path.open("rb") as file:
        return file.read(count)


def _write(path: Path, content: bytes) -> None:
    """Replace a file; where that fails, a restart merely waits for its issuer."""
    fresh = path.with_suffix(".new")
    try:
        fresh.write_bytes(content)
        fresh.replace(path)
    except OSError as error:
        _log.warning("%s cannot be written (%s)", path, error.strerror)

"""The record of exchanges: what we said to other nodes, what they said to us, and what came back.

Written beside the work, never before it: an exchange is noted in memory and written within a
second, many in one commit, to a file of its own. A power cut loses at most what was noted since;
a full disk loses what no longer fits into memory, and it is counted. Nothing waits for any of it.

Bodies above ``limits.exchange_body_bytes_max`` are cut, and the record says so. Of the headers
those are kept that say something about the exchange; a token is kept without its signature, so that
the record shows who spoke and nobody can speak in their name with it. Queries are left out of URLs.
"""

import asyncio
import base64
import binascii
import json
import logging
import zlib
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from typing import Final, Literal

import msgspec

from tansiq.clock import Clock
from tansiq.domain.time import from_micros, micros
from tansiq.errors import StoreError
from tansiq.f3548 import codec, wire
from tansiq.f3548.convert import to_time
from tansiq.f3548.logs import PlanningRecord
from tansiq.settings import Limits
from tansiq.storage.exchanges import Entry, ExchangeRow, Exchanges, Held
from tansiq.storage.store import Store, Tx

ATTEMPT: Final = "attempt"
WRITE_EVERY_S: Final = 1.0
PRUNE_EVERY_S: Final = 3_600.0
"""How often the oldest are looked at where nothing is written."""
WAITING_BYTES_MAX: Final = 64_000_000
"""What may wait in memory for a disk that does not keep up; more is counted as lost."""
_ROW_BYTES: Final = 1_000
"""What an exchange without bodies takes in memory, roughly."""
_URL_CHARS_MAX: Final = 2_000
_HEADER_CHARS_MAX: Final = 8_192
_SHOWN: Final = frozenset(
    {"accept", "content-length", "content-type", "date", "host", "user-agent"}
)
_INTENT_PATH: Final = "/dss/v1/operational_intent_references/"

_log = logging.getLogger(__name__)


class Said(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One exchange: a request, and its answer if one came. Times are microseconds UTC."""

    url: str
    method: str
    role: Literal["Client", "Server"]
    source: str
    """Who sent the request: a party, a supplier by its token, or an address."""
    asked: int
    headers: tuple[str, ...] = ()
    request: bytes = b""
    answered: int | None = None
    answer: bytes = b""
    code: int | None = None
    problem: str | None = None


class _KeyPart(msgspec.Struct, frozen=True):
    key: tuple[str, ...] | None = None


_PACK = msgspec.msgpack.Encoder()
_UNPACK = msgspec.msgpack.Decoder(Said)
_KEY = msgspec.json.Decoder(_KeyPart)
_CONFLICT = msgspec.json.Decoder(wire.AirspaceConflictResponse)


class ExchangeLog:
    """Notes exchanges and writes them; use ``note`` and ``enter`` on the event loop."""

    def __init__(self, store: Store, clock: Clock, limits: Limits) -> None:
        self._store = store
        self._clock = clock
        self._limits = limits
        self._rows: list[tuple[str, Said]] = []
        self._entries: list[Entry] = []
        self._event: int | None = None
        self._bytes = 0
        self._lost = 0
        self._told = 0
        """How many of the oldest that wait ``on_write`` has had already."""
        self._writing: asyncio.Task[None] | None = None
        self.on_write: Callable[[list[tuple[str, Said]]], Awaitable[None]] = _nothing
        """Awaited with exchanges before they are written, each once; a failure holds them back."""

    def note(self, peer: str, said: Said) -> None:
        """Record one exchange with a peer, within a second or so."""
        said, attempt = _clipped(said, self._limits.exchange_body_bytes_max), _attempt(said)
        size = len(said.request) + len(said.answer) + _ROW_BYTES
        if self._bytes + size > WAITING_BYTES_MAX:
            self._lost += 1
            return
        self._bytes += size
        self._rows.append((peer, said))
        if attempt is not None:
            self._entries.append(entry(ATTEMPT, said.asked, "", attempt))

    def enter(self, entries: Iterable[Entry], event: int) -> None:
        """Record entries of the log set's other parts, read from the events up to ``event``."""
        self._entries += entries
        self._event = event

    async def held(self) -> Held:
        """Return how much is kept, and what was lost."""
        return await self._store.read(lambda tx: Exchanges(tx).held())

    def start(self) -> None:
        """Begin to write."""
        self._writing = asyncio.create_task(self._write_on())

    async def stop(self) -> None:
        """Write what was noted, and close the file."""
        if self._writing is not None:
            self._writing.cancel()
            with suppress(asyncio.CancelledError):
                await self._writing
        await self.flush()
        await self._store.close()

    async def flush(self, *, even_nothing: bool = False) -> None:
        """Write what was noted so far and drop what is too old.

        What cannot be written goes on waiting. Where nothing was noted, nothing is done.
        """
        rows, entries, event, lost = self._rows, self._entries, self._event, self._lost
        if not (rows or entries or lost or even_nothing) and event is None:
            return
        size, limits = self._bytes, self._limits
        self._rows, self._entries, self._event, self._bytes, self._lost = [], [], None, 0, 0
        before = micros(self._clock.now() - limits.exchanges_keep)

        async def write(tx: Tx) -> None:
            table = Exchanges(tx)
            await table.add([_row(peer, said) for peer, said in rows], entries, lost)
            if event is not None:
                await table.read_to(event)
            await table.prune(
                before=before,
                rows_max=limits.exchanges_max,
                bytes_max=limits.exchanges_bytes_max,
            )

        try:
            try:
                await self.on_write(rows[self._told :])
            except asyncio.CancelledError:
                self._take_back(rows, entries, event)
                self._bytes, self._lost = self._bytes + size, self._lost + lost
                raise
            self._told = len(rows)
            await self._store.write(write)
            self._told = 0
        except StoreError as error:
            _log.warning("the record of exchanges waits: %s", error)
            self._take_back(rows, entries, event)
            self._bytes, self._lost = self._bytes + size, self._lost + lost

    def _take_back(
        self, rows: list[tuple[str, Said]], entries: list[Entry], event: int | None
    ) -> None:
        # What was noted meanwhile is younger.
        self._rows, self._entries = rows + self._rows, entries + self._entries
        if self._event is None:
            self._event = event

    async def _write_on(self) -> None:
        pruned_s = None
        while True:
            now_s = self._clock.monotonic_s()
            due = pruned_s is None or now_s - pruned_s >= PRUNE_EVERY_S
            await self.flush(even_nothing=due)
            pruned_s = now_s if due else pruned_s
            await self._clock.sleep(WRITE_EVERY_S)


async def _nothing(_: list[tuple[str, Said]]) -> None:
    """Where nobody wants to know."""


def entry(kind: str, time: int, subject: str, record: wire.Message, *, once: bool = False) -> Entry:
    """Return one line of another part of the log set."""
    return Entry(time=time, kind=kind, subject=subject, document=codec.encode(record), once=once)


def as_record(document: bytes) -> wire.ExchangeRecord:
    """Return an exchange as F3548-21 has it; bodies in Base64."""
    said = _UNPACK.decode(zlib.decompress(document))
    return wire.ExchangeRecord(
        url=said.url,
        method=said.method,
        headers=said.headers,
        recorder_role=said.role,
        request_source=said.source,
        request_time=to_time(from_micros(said.asked)),
        request_body=base64.b64encode(said.request).decode() or None,
        response_time=None if said.answered is None else to_time(from_micros(said.answered)),
        response_body=base64.b64encode(said.answer).decode() or None,
        response_code=said.code,
        problem=said.problem,
    )


def shown_headers(headers: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """Return the headers that are kept, a token without its signature."""
    kept = []
    for name, value in headers:
        if name.lower() == "authorization":
            kept.append(f"Authorization: {_unsigned(value)}")
        elif name.lower() in _SHOWN:
            kept.append(f"{name}: {value}"[:_HEADER_CHARS_MAX])
    return tuple(kept)


def shown_url(url: str) -> str:
    """Return a URL without its query, which F3548-21 does not use and a secret may stand in."""
    return url.partition("?")[0][:_URL_CHARS_MAX]


def _unsigned(value: str) -> str:
    """Return who a token speaks for; nothing of what is not certainly a signed JWT."""
    scheme, _, token = value.partition(" ")
    parts = token.split(".")
    if scheme.lower() != "bearer" or len(parts) != 3 or len(token) > _HEADER_CHARS_MAX:
        return "(left out)"
    try:
        head = json.loads(base64.urlsafe_b64decode(parts[0] + "=" * (-len(parts[0]) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        return "(left out)"
    signed = isinstance(head, dict) and str(head.get("alg", "none")).lower() != "none"
    return f"Bearer {parts[0]}.{parts[1]}.(signature left out)" if signed else "(left out)"


def _clipped(said: Said, limit: int) -> Said:
    cut = [
        f"{name} cut to {limit:,} of {len(body):,} bytes"
        for name, body in (("request body", said.request), ("response body", said.answer))
        if len(body) > limit
    ]
    if not cut:
        return said
    told = "; ".join([*([said.problem] if said.problem else []), *cut])
    return msgspec.structs.replace(
        said, request=said.request[:limit], answer=said.answer[:limit], problem=told
    )


def _attempt(said: Said) -> PlanningRecord | None:
    """Return the planning attempt that a register refused for what its key lacked, if it is one."""
    if said.code != 409 or said.role != "Client" or _INTENT_PATH not in said.url:
        return None
    try:
        conflict = _CONFLICT.decode(said.answer)
        key = _KEY.decode(said.request or b"{}").key
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return PlanningRecord(
        time=to_time(from_micros(said.asked)),
        ovns=key or (),
        operational_intent_id=said.url.partition(_INTENT_PATH)[2].partition("/")[0],
        missing_operational_intents=tuple(r.id for r in conflict.missing_operational_intents),
        missing_constraints=tuple(r.id for r in conflict.missing_constraints),
        problem=conflict.message,
    )


def _row(peer: str, said: Said) -> ExchangeRow:
    # On the writer's thread: packing costs the event loop nothing.
    return ExchangeRow(
        time=said.asked, peer=peer, document=zlib.compress(_PACK.encode(said), level=1)
    )

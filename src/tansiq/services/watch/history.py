"""Keeps the history of the live picture: what was shown, a slice each ten seconds or so.

Kept beside the watch, never before it: nothing waits for the history. Where a slice cannot be
stored, there is none, and the history says since when and why; it never shows a span of which it
knows nothing as quiet. Reading it is in ``past.py``.
"""

import asyncio
import logging
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Final

import msgspec

from tansiq.clock import Clock
from tansiq.domain.time import micros, zulu
from tansiq.errors import StoreError
from tansiq.services.watch import slices
from tansiq.services.watch.areas_then import areas_then
from tansiq.services.watch.history_views import AreaThen
from tansiq.services.watch.picture import Sources
from tansiq.services.watch.views import PictureView
from tansiq.settings import Settings
from tansiq.storage.history import Addition, AreaRow, HistoryTables, SliceRow
from tansiq.storage.store import Store, Tx

BLOCK: Final = 360
"""Slices that share a list of names: an hour of them, so that a list neither grows for days nor is
begun so often that it counts."""
NAMES_MAX: Final = 50_000
"""Entries of a list; a block with more ends early."""

_ENCODER: Final = msgspec.json.Encoder()
_DIGEST_BYTES: Final = 16
_log = logging.getLogger(__name__)

Standing = dict[tuple[str, str], bytes]
"""The digest of each area, by kind and id."""


@dataclass(slots=True)
class _Kept:
    """What the newest slice in the store has."""

    number: int
    block: int
    in_block: int
    names: slices.Names
    standing: Standing


@dataclass(frozen=True, slots=True)
class _Said:
    """One area as JSON, and its digest."""

    document: bytes
    digest: bytes


class Recorder:
    """Stores a slice of the picture every ``watch.history_step_s``."""

    def __init__(self, sources: Sources, store: Store, clock: Clock, settings: Settings) -> None:
        self._sources = sources
        self._store = store
        self._clock = clock
        self._limits = settings.limits
        self.step_s = settings.watch.history_step_s
        self._kept: _Kept | None = None
        self._task: asyncio.Task[None] | None = None
        self.failing = ""
        """Why nothing is kept, and since when; empty: slices are kept."""

    def start(self) -> None:
        """Begin to keep slices, the first one at once."""
        self._task = asyncio.create_task(self._run(), name="history")

    async def stop(self) -> None:
        """End, and close the file."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._store.close()

    async def _run(self) -> None:
        while True:
            began_s = self._clock.monotonic_s()
            # A task of its own: one that fails as nobody foresaw must not end all that follow.
            one = asyncio.create_task(self.record(), name="a slice of the history")
            try:
                await asyncio.wait({one})
            finally:
                one.cancel()
                await asyncio.wait({one})
            if not one.cancelled() and (error := one.exception()) is not None:
                self._kept = None
                _log.error("a slice of the history failed; the next is tried", exc_info=error)
                self._fails(f"{type(error).__name__}, see the log")
            left_s = began_s + self.step_s - self._clock.monotonic_s()
            await self._clock.sleep(max(0.0, left_s))

    async def record(self) -> None:
        """Keep one slice now, and drop what is too old or too much."""
        try:
            await self._record()
        except StoreError as error:
            self._kept = None  # What is in the file is asked anew: nobody knows what got there.
            if not self.failing:
                _log.warning("the history is not kept: %s", error)
            self._fails(error.message)
        else:
            self.failing = ""

    def _fails(self, reason: str) -> None:
        if not self.failing:
            now = self._clock.now().replace(microsecond=0)
            self.failing = f"the history is not kept since {zulu(now)}: {reason}"

    async def _record(self) -> None:
        kept = self._kept or await self._take_up()
        sources = self._sources
        plans = await sources.planning.plans(ended=False)
        airspace = await sources.status.airspace()
        constraints = await sources.constraints.list(ended=False)
        # Nothing is awaited between the two: the picture and its time belong together.
        view, now = sources.watch.view(), self._clock.now()
        # In a thread: thousands of areas take some hundredths of a second.
        said = await asyncio.to_thread(_said, list(areas_then(plans, airspace, constraints)))
        if kept.in_block >= BLOCK or len(kept.names) > NAMES_MAX:
            kept = _Kept(kept.number, kept.block + 1, 0, {}, kept.standing)
        new_names = slices.new_names(view, kept.names)
        await self._store.write(self._write(kept, view, now, said, new_names))
        # Only now: what a disk has refused is to be written by the next slice.
        self._kept = _Kept(
            number=kept.number + 1,
            block=kept.block,
            in_block=kept.in_block + 1,
            names=kept.names | new_names,
            standing={key: each.digest for key, each in said.items()},
        )

    async def _take_up(self) -> _Kept:
        async def read(tx: Tx) -> _Kept:
            tables = HistoryTables(tx)
            held = await tables.held()
            # Another block: which names the last one has is not read again.
            return _Kept(held.number, held.block + 1, 0, {}, await tables.standing())

        return await self._store.read(read)

    def _write(
        self,
        kept: _Kept,
        view: PictureView,
        now: datetime,
        said: Mapping[tuple[str, str], _Said],
        new_names: slices.Names,
    ) -> "_Write":
        return _Write(
            kept=kept,
            view=view,
            now=now,
            said=said,
            new_names=new_names,
            step=round(self.step_s * 1e6),
            before=micros(now - self._limits.history_keep),
            bytes_max=self._limits.history_bytes_max,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Write:
    """Writes one slice; packing is done on the writer's thread and costs the event loop nothing."""

    kept: _Kept
    view: PictureView
    now: datetime
    said: Mapping[tuple[str, str], _Said]
    new_names: slices.Names
    step: int
    before: int
    bytes_max: int

    async def __call__(self, tx: Tx) -> None:
        tables = HistoryTables(tx)
        standing, said = self.kept.standing, self.said
        changed = [key for key, each in said.items() if standing.get(key) != each.digest]
        gone = standing.keys() - said.keys()
        names = slices.packed_names(self.new_names)
        await tables.add(
            Addition(
                slice=SliceRow(
                    number=self.kept.number + 1,
                    time=micros(self.now),
                    step=self.step,
                    block=self.kept.block,
                    document=slices.packed(self.view, self.now, self.kept.names, self.new_names),
                ),
                names=names,
                ended=[*gone, *(key for key in changed if key in standing)],
                begun=[_row(key, said[key]) for key in changed],
            )
        )
        await tables.prune(before=self.before, bytes_max=self.bytes_max)


def _row(key: tuple[str, str], said: _Said) -> AreaRow:
    kind, entity = key
    return AreaRow(
        kind=kind,
        entity=entity,
        digest=said.digest,
        size=len(said.document),
        document=zlib.compress(said.document),
    )


def _said(areas: Sequence[AreaThen]) -> dict[tuple[str, str], _Said]:
    said = {}
    for area in areas:
        document = _ENCODER.encode(area)
        # A foreign one may have the id of one of ours: both are shown.
        kind = f"{area.kind}{'' if area.own else ' of others'}"
        digest = sha256(document).digest()[:_DIGEST_BYTES]
        said[kind, area.id] = _Said(document, digest)
    return said

"""Reads the history of the live picture: how much there is, one moment, many slices in a row.

All of an answer is of one snapshot of the file, and made on the store's reading threads: unpacking
a thousand tracks takes milliseconds, and an answer may hold hundreds of slices.
"""

import zlib
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import msgspec

from tansiq.clock import Clock
from tansiq.domain.time import from_micros, micros, zulu
from tansiq.errors import BadInput, NotFound, StoreError
from tansiq.formats.alarm_words import duration
from tansiq.services.watch import slices
from tansiq.services.watch.history import Recorder
from tansiq.services.watch.history_views import (
    AreaThen,
    AreaView,
    Gap,
    HistoryMoment,
    HistoryView,
    SliceView,
)
from tansiq.settings import Limits
from tansiq.storage.history import AreaSpan, HistoryTables, SliceRow
from tansiq.storage.store import Store, Tx

SLICES_MAX: Final = 360
"""In one answer."""
BYTES_MAX: Final = 8_000_000
"""Of one answer's JSON, roughly; one slice with its areas may be more."""
GAPS_MAX: Final = 1_000
"""Shown; of more the newest."""
REACH_STEPS: Final = 10
"""A slice that is older than so many steps is no answer any more."""
REACH_AHEAD_STEPS: Final = 2
"""The same, for a time that is still to come."""
_BLOCKS_MAX: Final = 2
"""Lists of names that are held at once: slices come in order, hence block by block."""
_SHORT_BYTES: Final = 800
"""Of an area without its volumes, roughly."""
_NEARLY: Final = 0.9
_UNREAD: Final = (
    "WHAT WAS SHOWN CANNOT BE READ: another version of Tansiq has written it, or the file is "
    "damaged"
)

_ENCODER: Final = msgspec.json.Encoder()
_AREA: Final = msgspec.json.Decoder(AreaThen)


class _Page(msgspec.Struct, frozen=True, kw_only=True):
    """A ``HistoryPage`` whose parts are written already."""

    slices: list[msgspec.Raw]
    areas: list[msgspec.Raw]
    next: str | None


@dataclass(frozen=True, slots=True)
class _Held:
    """What the store says of itself."""

    span: tuple[int, int] | None
    slices: int
    bytes: int
    gaps: list[tuple[int, int]]


class Past:
    """Answers what was shown when."""

    def __init__(self, store: Store, recorder: Recorder, clock: Clock, limits: Limits) -> None:
        self._store = store
        self._recorder = recorder
        self._clock = clock
        self._limits = limits

    @property
    def step_s(self) -> float:
        """Return how often a slice is kept."""
        return self._recorder.step_s

    async def view(self) -> HistoryView:
        """Return how much is kept, where nothing is, and what is wrong."""
        try:
            held = await self._store.read(_held)
        except StoreError as error:
            said = self._recorder.failing or f"the history cannot be read: {error.message}"
            return HistoryView(
                since=None,
                until=None,
                step_s=self.step_s,
                slices=0,
                bytes=0,
                gaps=(),
                sentence=said,
            )
        gaps = list(held.gaps)
        if held.span is not None:
            now = micros(self._clock.now())
            # The one that goes on: no slice ends it yet.
            if (now - held.span[1]) * 2 > round(self.step_s * 1e6) * 3:
                gaps.append((held.span[1], now))
        since, until = (None, None) if held.span is None else map(_zulu, held.span)
        return HistoryView(
            since=since,
            until=until,
            step_s=self.step_s,
            slices=held.slices,
            bytes=held.bytes,
            gaps=tuple(Gap(since=_zulu(a), until=_zulu(b)) for a, b in gaps[-GAPS_MAX:]),
            sentence="; ".join(self._wrong(held, len(gaps) - GAPS_MAX)),
        )

    def _wrong(self, held: _Held, gaps_beyond: int) -> list[str]:
        said = [self._recorder.failing] if self._recorder.failing else []
        if held.span is None:
            return said or ["nothing is kept yet"]
        age = self._clock.now() - from_micros(held.span[1])
        if not said and age > timedelta(seconds=2 * self.step_s):
            said.append(f"the newest slice is {duration(age.total_seconds())} old")
        if age < timedelta(seconds=-1):
            said.append("the newest slice is of a later time than now: the clock was set back")
        reach = self._clock.now() - from_micros(held.span[0])
        full = held.bytes > _NEARLY * self._limits.history_bytes_max
        if full and reach < _NEARLY * self._limits.history_keep:
            said.append(
                f"it goes back {duration(reach.total_seconds())} only: more does not fit into "
                f"limits.history_bytes_max, {self._limits.history_bytes_max:,} bytes"
            )
        if gaps_beyond > 0:
            said.append(f"{gaps_beyond} earlier gaps are not listed")
        return said

    async def at(self, moment: datetime, *, volumes: bool = True) -> bytes:
        """Return the last slice at or before a time, as the JSON of a ``HistoryMoment``.

        Without ``volumes`` its areas have none: who follows a slider has seen most of them.

        Raises:
            NotFound: there is none within ten steps before it; within two, if it is still to come.
        """
        time = micros(moment)
        # What was shown last is no picture of the future; yet the asker's clock may be ahead.
        reach = REACH_AHEAD_STEPS if moment > self._clock.now() else REACH_STEPS

        async def read(tx: Tx) -> bytes | None:
            tables = HistoryTables(tx)
            row = await tables.last_at(time)
            if row is None or time - row.time > reach * row.step:
                return None
            spans = await tables.areas(row.number, row.number)
            return _ENCODER.encode(
                HistoryMoment(
                    age_s=(time - row.time) / 1e6,
                    slice=await _Names(tables).unpacked(row),
                    areas=tuple([await _area(tables, span, volumes=volumes) for span in spans]),
                )
            )

        found = await self._store.read(read)
        if found is None:
            raise NotFound(
                f"nothing is kept of {zulu(moment)}, nor of {reach} steps before it; "
                "GET /api/v1/history says of when there is",
                field="time",
            )
        return found

    async def page(
        self, since: datetime, until: datetime, every_s: float, *, volumes: bool = True
    ) -> bytes:
        """Return slices in order of time, as the JSON of a ``HistoryPage``.

        Of each ``every_s`` from ``since`` on the first slice is taken, as far as an answer goes.
        Without ``volumes`` its areas have none.

        Raises:
            BadInput: the span ends before it begins.
        """
        if since > until:
            raise BadInput("lies after `to`; give the earlier time first", field="from")
        start, end, every = micros(since), micros(until), round(every_s * 1e6)

        async def read(tx: Tx) -> bytes:
            tables = HistoryTables(tx)
            chosen = await tables.chosen(since=start, until=end, every=every, limit=SLICES_MAX + 1)
            numbers = [number for number, _ in chosen[:SLICES_MAX]]
            spans = await tables.areas(min(numbers), max(numbers)) if numbers else []
            taken = _Taken(tables, spans, volumes=volumes)
            for number in numbers:
                if not await taken.take(number):
                    break
            rest = chosen[len(taken.slices) :]
            following = _zulu(start + rest[0][1] * every) if rest else None
            return _ENCODER.encode(
                _Page(slices=taken.slices, areas=await taken.areas(), next=following)
            )

        return await self._store.read(read)


class _Names:
    """Lists of names, each read once while slices of its block come in a row."""

    def __init__(self, tables: HistoryTables) -> None:
        self._tables = tables
        self._read: OrderedDict[int, list[slices.Who]] = OrderedDict()

    async def unpacked(self, row: SliceRow) -> SliceView:
        """Return a slice; where it cannot be read, one that says so."""
        try:
            if row.block not in self._read:
                documents = await self._tables.names(row.block)
                self._read[row.block] = slices.unpacked_names(documents)
                if len(self._read) > _BLOCKS_MAX:
                    self._read.popitem(last=False)
            return slices.unpacked(row.number, row.time, row.document, self._read[row.block])
        except slices.UNREADABLE:
            time = _zulu(row.time)
            return SliceView(
                number=row.number,
                time=time,
                picture_time=time,
                sentence=_UNREAD,
            )


class _Taken:
    """Slices of one answer, and the areas that they need, up to its size."""

    def __init__(self, tables: HistoryTables, spans: Sequence[AreaSpan], *, volumes: bool) -> None:
        self._tables = tables
        self._spans = spans
        """Areas that any slice may need."""
        self._left = list(spans)
        """Those that none has needed so far."""
        self._volumes = volumes
        self._names = _Names(tables)
        self._bytes = 0
        self.slices: list[msgspec.Raw] = []

    async def take(self, number: int) -> bool:
        """Take one slice more, unless the answer is full; report whether it was taken."""
        view = await self._names.unpacked(await self._tables.slice(number))
        new = [span for span in self._left if span.covers(number)]
        document = _ENCODER.encode(view)
        size = len(document) + sum(map(self._size, new))
        if self.slices and self._bytes + size > BYTES_MAX:
            return False
        self._bytes += size
        if new:
            self._left = [span for span in self._left if not span.covers(number)]
        self.slices.append(msgspec.Raw(document))
        return True

    def _size(self, span: AreaSpan) -> int:
        return span.size if self._volumes else min(span.size, _SHORT_BYTES)

    async def areas(self) -> list[msgspec.Raw]:
        """Return the areas that are needed, as JSON."""
        left = {span.row for span in self._left}
        written = []
        for span in self._spans:
            if span.row not in left:
                area = await _area(self._tables, span, volumes=self._volumes)
                written.append(msgspec.Raw(_ENCODER.encode(area)))
        return written


async def _held(tx: Tx) -> _Held:
    tables = HistoryTables(tx)
    held = await tables.held()
    return _Held(await tables.span(), held.slices, held.bytes, await tables.gaps())


async def _area(tables: HistoryTables, span: AreaSpan, *, volumes: bool) -> AreaView:
    kind, entity, document = await tables.area(span.row)
    since, until = _zulu(span.since), None if span.until is None else _zulu(span.until)
    try:
        then = _AREA.decode(zlib.decompress(document))
    except slices.UNREADABLE:
        # Without volumes, hence drawn nowhere: that it was there has to be said.
        then = AreaThen(
            id=entity,
            kind=kind,
            own=False,
            intent_id=entity,
            party="",
            name="",
            status="",
            time_start=since,
            time_end=until or since,
            altitude_m_min=0.0,
            altitude_m_max=0.0,
            sentence=_UNREAD,
        )
    if not volumes:
        none = msgspec.Raw(b"[]")
        then = msgspec.structs.replace(then, volumes=none, off_nominal_volumes=none)
    return AreaView(
        **{name: getattr(then, name) for name in AreaThen.__struct_fields__},
        first=span.first,
        last=span.last,
        since=since,
        until=until,
    )


def _zulu(time: int) -> str:
    return zulu(from_micros(time))

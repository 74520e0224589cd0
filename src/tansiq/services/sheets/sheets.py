"""The three sheets of a node, and the evidence that each of them names."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Final

from tansiq.clock import Clock
from tansiq.domain.actor import Actor
from tansiq.domain.time import zulu
from tansiq.errors import BadInput
from tansiq.formats.bundle import Withheld
from tansiq.formats.sheet import Section, Sheet, SheetKind, SheetView, Word, word
from tansiq.formats.sheet_pdf import pdf_of
from tansiq.formats.sheet_words import said_in
from tansiq.services.record.bundling import Wanted
from tansiq.services.sheets.after_action import after_action_sections
from tansiq.services.sheets.bundles import SheetBundles, Span
from tansiq.services.sheets.day import day_sections, day_span
from tansiq.services.sheets.hand_over import hand_over_sections, watch_began
from tansiq.services.sheets.rows import Scribe
from tansiq.services.sheets.sources import Sources
from tansiq.storage.kept_bundles import KeptBundles

SHEETS: Final = "sheets"
"""Folder of the data folder in which the evidence of sheets is kept."""
WINDOW_MAX: Final = timedelta(days=31)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """How a sheet is wanted."""

    language: str
    actor: Actor
    withhold: Withheld = Withheld.NOTHING

    @property
    def persons(self) -> bool:
        """Whether persons are named."""
        return self.withhold is Withheld.NOTHING


class Sheets:
    """Makes sheets."""

    def __init__(self, sources: Sources, folder: Path, clock: Clock) -> None:
        self._sources = sources
        self._bundles = SheetBundles(sources.line.evidence, KeptBundles(folder=folder))
        self._clock = clock
        self._one_drawing = asyncio.Lock()
        """Drawing takes seconds of a core; whoever asks for many sheets waits for their own."""

    async def day(self, day: date | None, asked: Asked) -> SheetView:
        """Return the sheet of a UTC day; None: of today.

        Raises:
            BadInput: the day has not begun.
        """
        now = self._clock.now()
        of = now.date() if day is None else day
        if of > now.date():
            raise BadInput(f"{of} has not begun; today is {now.date()} (UTC)", field="date")
        since, last = day_span(of)
        sections = await day_sections(self._sources, self._scribe(asked), since, last)
        span = Span(since=since, until=min(now, last), persons=asked.persons, lasts=now <= last)
        head = (word("head.day", date=of.isoformat()), word("head.as-known"))
        return await self._sheet(SheetKind.DAY, span, sections, head, asked, day=of)

    async def hand_over(self, asked: Asked) -> SheetView:
        """Return the sheet of a hand-over now, by whoever asks or by those who sign it."""
        now = self._clock.now()
        since = watch_began(await self._sources.line.talk.watch(), now)
        sections = await hand_over_sections(self._sources, self._scribe(asked), now, asked.actor)
        span = Span(since=since, until=now, persons=asked.persons, lasts=True)
        head = (word("head.window", time=zulu(since), until=zulu(now)),)
        return await self._sheet(SheetKind.HAND_OVER, span, sections, head, asked, day=now.date())

    async def after_action(
        self, since: datetime, until: datetime, party: str | None, asked: Asked
    ) -> SheetView:
        """Return the report over a window, of all lines or the one with a party.

        Raises:
            BadInput: the window is reversed, or longer than ``WINDOW_MAX``.
            NotFound: no line with that party.
        """
        if since > until:
            raise BadInput("lies after `to`; give the earlier time first", field="from")
        if until - since > WINDOW_MAX:
            raise BadInput(f"at most {WINDOW_MAX.days} days before `to`", field="from")
        self._sources.check_party(party)
        now = self._clock.now()
        if since > now:
            raise BadInput(f"has not come yet; it is {zulu(now)}", field="from")
        wanted = Wanted(since=since, until=min(until, now), party=party)
        sections = await after_action_sections(
            self._sources, self._scribe(asked), wanted, asked.language
        )
        span = Span(
            since=since,
            until=min(until, now),
            party=party,
            persons=asked.persons,
            lasts=until >= now,
        )
        head: tuple[Word, ...] = (word("head.window", time=zulu(since), until=zulu(span.until)),)
        if party is not None:
            head = (*head, word("head.one-line", party=party))
        day = since.date() if since.date() == span.until.date() else None
        return await self._sheet(SheetKind.AFTER_ACTION, span, sections, head, asked, day=day)

    async def pdf(self, view: SheetView) -> bytes:
        """Return a sheet as a PDF document.

        Raises:
            StateConflict: the libraries that draw it are not installed here.
        """
        async with self._one_drawing:
            return await asyncio.to_thread(pdf_of, view)

    async def bundle(self, sha256: str) -> bytes:
        """Return the evidence that a sheet names, byte for byte.

        Raises:
            NotFound: it is not, or no longer, kept here.
        """
        return await self._bundles.get(sha256)

    def _scribe(self, asked: Asked) -> Scribe:
        return Scribe(me=self._sources.me, persons=asked.persons)

    async def _sheet(
        self,
        kind: SheetKind,
        span: Span,
        sections: Sequence[Section],
        head: Sequence[Word],
        asked: Asked,
        *,
        day: date | None,
    ) -> SheetView:
        agreement, me = self._sources.agreement, self._sources.me
        sheet = Sheet(
            kind=kind,
            party=me,
            agreement=agreement.digest,
            # Read again: the sheet was not made before what stands on it was known.
            made=self._clock.now().replace(microsecond=0),
            since=span.since,
            until=span.until,
            day=day,
            head=(
                word("value.party", party=me),
                *head,
                word("head.agreement", name=agreement.name, number=agreement.version),
                self._error(),
                *(() if asked.persons else (word("head.withheld"),)),
            ),
            bundle=await self._bundles.of(span),
            sections=tuple(sections),
        )
        # Thousands of rows take a second to be spelled; the watch looks once a second.
        return await asyncio.to_thread(said_in, sheet, asked.language, self._sources.names)

    def _error(self) -> Word:
        error_ms = self._sources.line.evidence.clock_error_ms()
        if error_ms is None:
            return word("head.clock-unknown")
        return word("head.clock", milliseconds=f"{error_ms / 1_000:.3f} s")

"""What sheets are made from: the parts of the node that know it, looked at over a window."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec

from tansiq.domain.agreement import Agreement
from tansiq.domain.note import Kind
from tansiq.domain.time import from_micros, micros, parse_rfc3339, zulu
from tansiq.errors import NotFound
from tansiq.formats.phrase_book import FALLBACK
from tansiq.formats.sheet import ROWS_MAX
from tansiq.services.facade import Constraints, NodeStatus, Planning
from tansiq.services.line.line import Line
from tansiq.services.line.views import NoteView, ThreadView
from tansiq.services.watch.alarms import LISTED_MAX
from tansiq.services.watch.desk import WatchDesk
from tansiq.services.watch.views import AlarmView
from tansiq.storage.notes import NoteRow
from tansiq.storage.store import Tx
from tansiq.storage.window_notes import WindowNotes

_PERSONAL: Final = frozenset({"by", "relieved", "text", "open_items", "parameters"})
"""What the record withholds with ``persons``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One note of a window."""

    row: NoteRow
    view: NoteView
    subject: str
    """Call sign or name that its conversation is about."""

    @property
    def is_personal(self) -> bool:
        """Whether it names a person or holds free words."""
        try:
            members = msgspec.json.decode(self.view.payload, type=dict[str, msgspec.Raw] | None)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return True
        return bool(members and members.keys() & _PERSONAL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """The node's own parts, as the own API has them."""

    line: Line
    planning: Planning
    constraints: Constraints
    status: NodeStatus
    watch: WatchDesk

    @property
    def agreement(self) -> Agreement:
        """The one in force."""
        return self.line.evidence.agreement

    @property
    def me(self) -> str:
        """Our party."""
        return self.line.evidence.party

    @property
    def names(self) -> Mapping[str, Mapping[str, str]]:
        """Names of the parties by language."""
        return {party.id: party.names for party in self.agreement.parties}

    def check_party(self, party: str | None) -> None:
        """Refuse a party with which there is no line.

        Raises:
            NotFound: there is none.
        """
        if party is not None and party not in self.line.board.lines:
            known = ", ".join(self.line.board.lines) or "none"
            raise NotFound(f"no line with {party[:60]}; there is one with: {known}", field="party")

    async def rows(
        self, since: datetime, until: datetime, party: str | None = None
    ) -> tuple[list[NoteRow], int]:
        """Return the notes that were recorded in a window, and how many more there are."""
        await self.line.board.catch_up()
        low, high = micros(since), micros(until)

        async def read(tx: Tx) -> tuple[list[NoteRow], int]:
            notes = WindowNotes(tx)
            rows = await notes.within(low, high, limit=ROWS_MAX)
            more = 0 if len(rows) < ROWS_MAX else await notes.count(low, high) - len(rows)
            return rows, more

        rows, more = await self.line.evidence.record.store.read(read)
        if party is not None:
            # As in a bundle: that our node was down explains silence to anybody.
            rows = [row for row in rows if row.peer == party or row.kind is Kind.GAP]
        return rows, more

    async def last_before(self, before: datetime, kind: Kind) -> NoteRow | None:
        """Return the last note of a kind before a time."""

        async def read(tx: Tx) -> NoteRow | None:
            return await WindowNotes(tx).last_before(micros(before), kind)

        return await self.line.evidence.record.store.read(read)

    async def heard(self, rows: Sequence[NoteRow], language: str = FALLBACK) -> list[Heard]:
        """Return what notes say, in a language."""
        board = self.line.board
        subjects = {view.id: view.callsign or "" for view in await self.threads(rows)}

        async def read(tx: Tx) -> list[Heard]:
            showing = self.line.showing
            return [
                Heard(
                    row=row,
                    view=await showing.note(tx, row, board.threads.get(row.thread), language),
                    subject=subjects.get(row.thread, ""),
                )
                for row in rows
            ]

        return await self.line.evidence.record.store.read(read)

    async def threads(self, rows: Iterable[NoteRow]) -> tuple[ThreadView, ...]:
        """Return the conversations that notes belong to, in the order of their first one."""
        board = self.line.board
        known = [row for row in rows if row.thread in board.threads]
        return await self.line.of(known) if known else ()

    async def notices(self, since: datetime, until: datetime) -> tuple[ThreadView, ...]:
        """Return notices of anything that is in the air within a window, whenever they were given;
        at most ``ROWS_MAX``, the latest."""
        board = self.line.board
        found = [
            each
            for each, thread in board.threads.items()
            if thread.kind is Kind.NOTICE and _meets(board.facts[each], since, until)
        ]
        return await self.threads(await self.line.rows(found[-ROWS_MAX:]))

    async def alarms(self, since: datetime, until: datetime) -> tuple[tuple[AlarmView, ...], bool]:
        """Return alarms that were there within a window, the first raised first, and whether all
        were looked at."""
        listed = await self.watch.alarms(over=LISTED_MAX, since=zulu(since))
        found = [
            each
            for each in listed.alarms
            if _at(each.raised) <= until and (each.cleared is None or _at(each.cleared) >= since)
        ]
        found.sort(key=lambda each: (_at(each.raised), each.id))
        over = sum(each.stage == "cleared" for each in listed.alarms)
        return tuple(found), over < LISTED_MAX


def _meets(facts: Mapping[str, str], since: datetime, until: datetime) -> bool:
    start, end = facts.get("start"), facts.get("end")
    if start is None or end is None:
        return False
    return _at(start) <= until and _at(end) >= since


def _at(text: str) -> datetime:
    return parse_rfc3339(text, "time")


def recorded(row: NoteRow) -> str:
    """Return when a note was recorded here, by our clock."""
    return zulu(from_micros(row.written))


def signed(row: NoteRow) -> str:
    """Return when a note was signed, by its sender's clock."""
    return zulu(from_micros(row.time))

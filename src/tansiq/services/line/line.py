"""The line of one node: its parts joined, started and stopped as one."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tansiq.domain.line import stopped
from tansiq.domain.note import Kind, NoteID, write_instant
from tansiq.domain.thread import TABLES, UNANSWERED, Thread
from tansiq.domain.time import from_micros
from tansiq.errors import BadInput, NotFound
from tansiq.formats.letter import Letter
from tansiq.formats.phrase_book import FALLBACK
from tansiq.services.events import Events
from tansiq.services.facade import Constraints, Planning
from tansiq.services.line.board import Board
from tansiq.services.line.inbox import Inbox, Taken
from tansiq.services.line.notices import Notices
from tansiq.services.line.outbox import Outbox
from tansiq.services.line.pen import Draft, Pen
from tansiq.services.line.ports import LinePort
from tansiq.services.line.searching import Search
from tansiq.services.line.showing import Showing
from tansiq.services.line.speaking import Speaking
from tansiq.services.line.talk import Talk
from tansiq.services.line.telling import Telling
from tansiq.services.line.views import LinesView, OutboxView, ThreadView, YieldsView
from tansiq.services.line.vigil import Vigil
from tansiq.services.line.yields import WhichYields, yields
from tansiq.services.planning.site import Site
from tansiq.services.record import Record
from tansiq.services.record.bundling import Exporter
from tansiq.storage.notes import NoteRow, NoteStore
from tansiq.storage.record import RecordLog
from tansiq.storage.store import Tx

OUTBOX_SHOWN: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What the line needs besides the site."""

    key: Ed25519PrivateKey
    peers: LinePort
    salt: Callable[[int], bytes]
    clock_error_ms: Callable[[], int | None]
    """Bound on the error of our clock as it is now; None: unknown."""
    check_code: Callable[[str, Mapping[str, str | int]], None]
    """Raises where a coded message is none, or its parameters are not its own."""
    agreement_file: bytes = b""
    """For evidence bundles."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Which:
    """Which conversations to list."""

    open_only: bool = False
    party: str | None = None
    kind: str | None = None
    last: int = 100
    """So many of the latest."""


class Line:
    """Everything that is said and heard."""

    def __init__(
        self,
        site: Site,
        tools: Tools,
        events: Events,
        *,
        plans: Planning,
        constraints: Constraints,
    ) -> None:
        self._site = site
        self._tools = tools
        self.pen = Pen(
            party=site.party,
            agreement=site.agreement.digest,
            key=tools.key,
            clock_error_ms=tools.clock_error_ms,
            salt=tools.salt,
        )
        self.inbox = Inbox(site, pen=self.pen, events=events)
        self.outbox = Outbox(site, pen=self.pen, inbox=self.inbox, peers=tools.peers)
        self.board = Board(site.store, site.party, [each.id for each in site.agreement.parties])
        self.speaking = Speaking(
            site, pen=self.pen, outbox=self.outbox, board=self.board, events=events
        )
        self.notices = Notices(self.speaking, plans=plans, constraints=constraints, me=site.party)
        self.talk = Talk(site, self.speaking, check_code=tools.check_code)
        self.showing = Showing(site, board=self.board)
        self.search = Search(site.store, board=self.board, showing=self.showing)
        self.evidence = Exporter(
            record=Record(site.store, party=site.party, signing_key=tools.key, limits=site.limits),
            clock=site.clock,
            agreement=site.agreement,
            file=tools.agreement_file,
            party=site.party,
            key=tools.key,
            clock_error_ms=tools.clock_error_ms,
        )
        self.vigil = Vigil(
            site, events, board=self.board, showing=self.showing, speaking=self.speaking
        )
        self.telling = Telling(site, events, board=self.board, speaking=self.speaking, plans=plans)
        self.on_written: Callable[[], None] = lambda: None
        """Called once notes of either side are on disk."""
        self.on_reachable: Callable[[str], None] = lambda _: None
        """Called with a party whose node has just spoken to us."""
        self.speaking.on_written = self._written
        self.outbox.on_receipts = lambda _: self._written()

    async def start(self) -> None:
        """Read what was said, and go on delivering."""
        await self._note_gap()
        await self.board.catch_up()
        self.outbox.start()
        self.vigil.start()
        self.telling.start()

    async def stop(self) -> None:
        """Stop delivering; what has not arrived stays in the store."""
        await self.telling.stop()
        await self.vigil.stop()
        await self.outbox.stop()

    async def _note_gap(self) -> None:
        """Record that nothing was recorded since the last entry: the node was not there."""
        now = self._site.clock.now()

        async def write(tx: Tx) -> None:
            log = RecordLog(tx)
            size = (await log.head()).size
            last = await log.entries(size - 1, size) if size else []
            # A clock that was set back leaves no gap that could be stated.
            if last and from_micros(last[0].time) <= now:
                own = {
                    "start": write_instant(from_micros(last[0].time)),
                    "end": write_instant(now),
                }
                draft = Draft(kind=Kind.GAP, to=self._site.party, own=own)
                await self.pen.write(tx, draft, now)

        await self._site.store.write(write)

    def heard(self, party: str, new: bool) -> None:  # noqa: FBT001 - a callback's signature
        """Note that a party's node has just delivered something, and whether any of it was new."""
        self.outbox.reachable(party)
        self.on_reachable(party)
        if new:
            self._written()

    def _written(self) -> None:
        self.on_written()

    # ---- looking

    async def threads(self, which: Which) -> tuple[ThreadView, ...]:
        """Return conversations, the latest last.

        Raises:
            NotFound: no line with that party.
            BadInput: no such kind.
        """
        if which.party is not None and which.party not in self.board.lines:
            raise self._no_line(which.party)
        if which.kind is not None and which.kind not in TABLES:
            raise BadInput(f"{which.kind[:40]!r} is none of {', '.join(TABLES)}", field="kind")
        await self.board.catch_up()
        found = [
            each
            for each in self.board.threads.values()
            if (not which.open_only or (each.open and not self.board.superseded(each)))
            and which.party in (None, each.opener, each.other)
            and which.kind in (None, each.kind)
        ]
        return await self._shown(found[-which.last :])

    def _no_line(self, party: str) -> NotFound:
        known = ", ".join(self.board.lines) or "none"
        return NotFound(f"no line with {party[:60]}; there is one with: {known}", field="party")

    async def _shown(
        self, threads: Sequence[Thread], *, told: bool = False
    ) -> tuple[ThreadView, ...]:
        async def read(tx: Tx) -> tuple[ThreadView, ...]:
            return await self.showing.threads(tx, threads, told=told)

        return await self._site.store.read(read)

    async def thread(self, named: str, language: str = FALLBACK) -> ThreadView:
        """Return one conversation with its notes, and what they say in a language.

        Raises:
            NotFound: no such conversation.
        """
        thread = await self.speaking.thread(named)

        async def read(tx: Tx) -> ThreadView:
            return await self.showing.thread(tx, thread, notes=True, language=language)

        return await self._site.store.read(read)

    async def words_of(self, thread: str, note: str) -> tuple[str, ...]:
        """Return what one note says in English, with the air that it is about; empty: unknown.

        Raises:
            NotFound: no such conversation.
        """
        view = await self.thread(thread)
        said = next((each.sentences for each in view.notes if each.id == note), ())
        air = view.told.words if view.told is not None and note == view.id else ()
        return tuple(dict.fromkeys((*said, *air)))

    async def of(self, rows: Sequence[NoteRow]) -> tuple[ThreadView, ...]:
        """Return the conversations that notes belong to."""
        if not all(map(self.board.has, rows)):
            await self.board.catch_up()
        found = dict.fromkeys(row.thread for row in rows)
        return await self._shown([self.board.threads[each] for each in found])

    async def silent(self, plan_id: str) -> tuple[str, ...]:
        """Return the parties that were told of a plan of ours and have not answered."""
        await self.board.catch_up()
        notices = (self.board.notice_of("plan", plan_id, peer) for peer in self.board.lines)
        return tuple(sorted(each.other for each in notices if each and each.stage in UNANSWERED))

    async def yields(self, which: WhichYields) -> YieldsView:
        """Return who moved, how often and by how much."""
        await self.board.catch_up()
        threads = tuple(self.board.threads.values())
        me = self._site.party
        return await self._site.store.read(lambda tx: yields(tx, threads, me, which))

    async def rows(self, notes: Sequence[str]) -> list[NoteRow]:
        """Return notes that are here, by their ids."""

        async def read(tx: Tx) -> list[NoteRow]:
            found = [await NoteStore(tx).get(NoteID(note)) for note in notes]
            return [row for row in found if row is not None]

        return await self._site.store.read(read)

    def clock_error_s(self) -> float | None:
        """Return the bound on the error of our clock as it is now; None: unknown."""
        error_ms = self._tools.clock_error_ms()
        return None if error_ms is None else error_ms / 1_000

    async def lines(self) -> LinesView:
        """Return all lines, the watch, and every stop in force."""
        await self.board.catch_up()
        watch = await self.talk.watch()
        stops = await self._shown(stopped(self.board.threads.values()), told=True)

        async def read(tx: Tx) -> LinesView:
            return LinesView(
                lines=tuple([await self.showing.line(tx, peer) for peer in self.board.lines]),
                watch=watch,
                clock_error_s=self.clock_error_s(),
                stops=stops,
            )

        return await self._site.store.read(read)

    async def not_arrived(self) -> OutboxView:
        """Return what has not arrived, as far as we know."""
        waiting = await self.outbox.waiting(OUTBOX_SHOWN)

        async def read(tx: Tx) -> OutboxView:
            return OutboxView(waiting=await self.showing.outbox(tx, waiting))

        return await self._site.store.read(read)

    # ---- letters carried by hand

    async def letters(
        self, *, note: str | None = None, party: str | None = None
    ) -> tuple[Letter, ...]:
        """Return a note as it travels, or everything that has not arrived at a party.

        Raises:
            NotFound: no such note or party.
        """

        async def read(tx: Tx) -> tuple[Letter, ...]:
            store = NoteStore(tx)
            if note is not None:
                return (await self.pen.letter(tx, await _named(store, note)),)
            waiting = await store.waiting(OUTBOX_SHOWN, peer=party)
            rows = [await store.get(each.note) for each in waiting]
            return tuple([await self.pen.letter(tx, row) for row in rows if row is not None])

        if note is None and party not in self.board.lines:
            raise self._no_line(party or "")
        return await self._site.store.read(read)

    async def take(self, letters: Sequence[Letter], received: datetime) -> list[Taken]:
        """Take letters that somebody carried here; receipts among them count as such."""
        taken = await self.inbox.take(letters, received)
        await self.board.catch_up()
        self.outbox.wake()
        self._written()
        return taken


async def _named(store: NoteStore, beginning: str) -> NoteRow:
    """Return the note of that name, or the only one whose name begins so."""
    found = await store.named(beginning)
    if len(found) == 1:
        return found[0]
    several = "several begin so; write more of it" if found else "no note of that name is here"
    raise NotFound(f"{beginning[:20]!r}: {several}", field="note")

"""Looking for notes: newest first, by words, party, kind and time.

What is looked through is bounded: a search that finds little in a long record stops, says how far
it has looked, and goes on from there when it is asked again. Words are compared without case and
without the marks that a hurried writer leaves out, in any script.
"""

import asyncio
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec

from tansiq.domain.note import Kind, NoteID
from tansiq.domain.time import from_micros, micros, zulu
from tansiq.errors import BadInput
from tansiq.formats.phrase_book import FALLBACK
from tansiq.services.line.board import Board
from tansiq.services.line.showing import Showing
from tansiq.services.line.views import FoundNotes, NoteView
from tansiq.storage.note_search import Looked, NoteSearch, Texts
from tansiq.storage.notes import NoteStore
from tansiq.storage.store import Store, Tx

LAST_MAX: Final = 200
LOOKED_MAX: Final = 10_000
"""Notes that one search looks at."""
WORDS_MAX: Final = 20
ID_DIGITS: Final = 6
"""So many digits of a note's name are a name, and no word."""
ENTRY_MAX: Final = 2**53
_AT_ONCE: Final = 200
_UNREAD: Final = frozenset({"volumes", "language", "stated"})
"""Members of a payload that hold no words of anybody."""
_HEX: Final = frozenset("0123456789abcdef")
_TATWEEL: Final = "\u0640"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """Which notes to show."""

    text: str = ""
    """All of its words have to be there."""
    party: str | None = None
    """Said by it, or on the line with it."""
    kind: str | None = None
    since: datetime | None = None
    """Recorded here at this time or later."""
    until: datetime | None = None
    before: int | None = None
    """Only entries of the record that come before this one."""
    last: int = 50
    language: str = FALLBACK


def plain(text: str) -> str:
    """Return text as it is compared: without case, accents, vowel signs and stretching."""
    if text.isascii():
        return text.lower()
    parts = unicodedata.normalize("NFKD", text.casefold())
    # Cf: marks of direction and joiners, which nobody types into a search.
    kept = (c for c in parts if unicodedata.category(c) not in ("Mn", "Cf") and c != _TATWEEL)
    return unicodedata.normalize("NFKC", "".join(kept)).casefold()


def words_of(text: str) -> tuple[str, ...]:
    """Return the words that are looked for.

    Raises:
        BadInput: too many.
    """
    words = tuple(dict.fromkeys(plain(text).split()))
    if len(words) > WORDS_MAX:
        raise BadInput(f"{len(words)} words; look for {WORDS_MAX} at most", field="q")
    return words


class Search:
    """Finds notes of the record, and shows them."""

    def __init__(self, store: Store, *, board: Board, showing: Showing) -> None:
        self._store = store
        self._board = board
        self._showing = showing

    async def notes(self, sought: Sought) -> FoundNotes:
        """Return the newest notes that are sought.

        Raises:
            BadInput: there is no such kind of notes, or too many words.
        """
        if sought.kind is not None and sought.kind not in set(Kind):
            raise BadInput(f"write one of {', '.join(Kind)}", field="kind")
        words = words_of(sought.text)
        await self._board.catch_up()
        first, before = await self._store.read(lambda tx: _span(tx, sought))
        found: list[Looked] = []
        looked, to = 0, None
        while looked < LOOKED_MAX and len(found) < sought.last:
            page = await self._page(first, before, min(_AT_ONCE, LOOKED_MAX - looked))
            if not page:
                break
            looked += len(page)
            found += await self._matching(page, sought, words)
            to = page[-1]
            before = to.seq
        if len(found) >= sought.last:
            found = found[: sought.last]
            to = found[-1]
        return await self._answer(found, to, first, sought.language)

    async def _page(self, first: int, before: int, limit: int) -> list[Looked]:
        async def read(tx: Tx) -> list[Looked]:
            return await NoteSearch(tx).page(first=first, before=before, limit=limit)

        return await self._store.read(read)

    async def _matching(
        self, page: Sequence[Looked], sought: Sought, words: Collection[str]
    ) -> list[Looked]:
        since = None if sought.since is None else micros(sought.since)
        until = None if sought.until is None else micros(sought.until)
        rows = [
            row
            for row in page
            if sought.party in (None, row.peer, row.sender)
            and sought.kind in (None, row.kind)
            and (since is None or row.written >= since)
            and (until is None or row.written <= until)
        ]
        if not words or not rows:
            return rows

        async def read(tx: Tx) -> dict[str, Texts]:
            return await NoteSearch(tx).texts(row.id for row in rows)

        texts = await self._store.read(read)
        # Folding a page takes some ten milliseconds; nobody else is to wait for that.
        return await asyncio.to_thread(_with_words, rows, texts, words)

    async def _answer(
        self, found: Sequence[Looked], to: Looked | None, first: int, language: str
    ) -> FoundNotes:
        async def read(tx: Tx) -> tuple[tuple[NoteView, ...], bool]:
            older = to is not None and await NoteSearch(tx).is_older(first=first, before=to.seq)
            return tuple([v for row in found if (v := await self._view(tx, row, language))]), older

        notes, more = await self._store.read(read)
        return FoundNotes(
            notes=notes,
            more=more,
            searched_to=None if to is None else to.seq,
            searched_to_time=None if to is None else zulu(from_micros(to.written)),
        )

    async def _view(self, tx: Tx, found: Looked, language: str) -> NoteView | None:
        row = await NoteStore(tx).get(NoteID(found.id))
        thread = self._board.threads.get(NoteID(found.thread))
        return None if row is None else await self._showing.note(tx, row, thread, language)


async def _span(tx: Tx, sought: Sought) -> tuple[int, int]:
    """Return the first entry to look at, and the one behind the last."""
    store = NoteSearch(tx)
    first, before = 0, ENTRY_MAX if sought.before is None else sought.before
    if sought.since is not None:
        since = await store.first_since(micros(sought.since))
        first = before if since is None else since
    if sought.until is not None:
        until = await store.last_until(micros(sought.until))
        before = 0 if until is None else min(before, until + 1)
    return first, before


def _with_words(
    rows: Iterable[Looked], texts: dict[str, Texts], words: Collection[str]
) -> list[Looked]:
    openings: dict[str, str] = {}
    found = []
    for row in rows:
        text = texts.get(row.id)
        if text is None:
            continue
        if row.thread not in openings:
            openings[row.thread] = plain(_name_in(text.opened))
        said = plain("\n".join(_said(row, text.said)))
        whole = f"{said}\n{openings[row.thread]}"
        if all(word in whole or _names(word, row.id) for word in words):
            found.append(row)
    return found


def _names(word: str, note: str) -> bool:
    return len(word) >= ID_DIGITS and _HEX.issuperset(word) and note.startswith(word)


def _said(row: Looked, came: bytes | None) -> Iterator[str]:
    """Yield every word that a note has."""
    yield from (row.kind, row.word)
    for line in row.own.splitlines():
        yield line.partition(": ")[2]
    if came is not None:
        yield from _strings(msgspec.json.decode(came))


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, each in value.items():
            if name not in _UNREAD:
                yield from _strings(each)
    elif isinstance(value, list):
        for each in value:
            yield from _strings(each)


def _name_in(came: bytes | None) -> str:
    """Return what the conversation is about: its answers do not repeat the call sign."""
    if came is None:
        return ""
    document = msgspec.json.decode(came)
    names = (document.get("callsign"), document.get("name")) if isinstance(document, dict) else ()
    return "\n".join(each for each in names if isinstance(each, str))

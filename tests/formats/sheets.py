"""Sheets to be drawn in tests, and a reader of PDFs that is not ours: PDFium, as in Chromium."""

import ctypes
import re
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pypdfium2
import pypdfium2.raw as pdfium

from tansiq.formats.sheet import BundleRef, Section, Sheet, SheetKind, SheetView, Word, word
from tansiq.formats.sheet_words import said_in

NOON = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)
LANGUAGES = ("en", "ar", "he", "ru")
PARTIES = {"north": {"en": "North", "ar": "الشمال", "he": "צפון", "ru": "Север"}}
DIGEST, HASH = "d" * 64, "0123456789abcdef" * 4


def sheet(sections: Sequence[Section], *, made: datetime = NOON) -> Sheet:
    return Sheet(
        kind=SheetKind.DAY,
        party="north",
        agreement=DIGEST,
        made=made,
        since=NOON - timedelta(hours=12),
        until=NOON,
        day=NOON.date(),
        head=(word("value.party", party="north"), word("head.day", date="2026-11-29")),
        bundle=BundleRef(since=NOON - timedelta(hours=12), until=NOON, sha256=HASH, size=1),
        sections=tuple(sections),
    )


def plans(names: Iterable[str], *, says: Sequence[Word] = ()) -> Section:
    """Return a table of plans with these call signs."""
    return Section(
        code="plans",
        says=tuple(says),
        columns=("start", "party", "flight", "status", "levels"),
        widths=(12, 16, 24, 24, 24),
        rows=tuple(
            (
                (word("value.time", time="2026-11-29T14:32:00Z"),),
                (word("value.party", party="north"),),
                (word("value.flight", flight=name),),
                (word("status.coordinated"),),
                (word("value.levels", lower="300 m W84", upper="600 m W84"),),
            )
            for name in names
        ),
    )


def view(sections: Sequence[Section], language: str = "en", **more: datetime) -> SheetView:
    return said_in(sheet(sections, **more), language, PARTIES)


@dataclass(frozen=True)
class Glyph:
    """One character as it stands on the page; points, from the lower left corner."""

    char: str
    left: float
    bottom: float
    right: float
    top: float


def glyphs(content: bytes) -> list[list[Glyph]]:
    """Return what is drawn on each page, in the order in which the document draws it."""
    document = pypdfium2.PdfDocument(content)
    found = []
    for page in document:
        text = page.get_textpage()
        raw = text.raw
        some = []
        for i in range(text.count_chars()):
            box = [ctypes.c_double() for _ in range(4)]
            pdfium.FPDFText_GetCharBox(raw, i, *map(ctypes.byref, box))
            left, right, bottom, top = (each.value for each in box)
            char = chr(pdfium.FPDFText_GetUnicode(raw, i))
            some.append(Glyph(char, left, bottom, right, top))
        found.append(some)
        text.close()
        page.close()
    document.close()
    return found


def drawn(content: bytes) -> str:
    """Return all characters that are drawn, without white space."""
    return "".join(each.char for page in glyphs(content) for each in page if each.char.strip())


def places(page: Sequence[Glyph], text: str) -> list[list[Glyph]]:
    """Return where a text is drawn from left to right, whatever order it was drawn in."""
    rows: dict[int, list[Glyph]] = {}
    for each in page:
        if each.char.strip() and each.right > each.left:
            rows.setdefault(round(each.bottom / 2), []).append(each)
    found = []
    wanted = text.replace(" ", "")
    lines = [*rows.values(), *(rows[n] + rows.get(n + 1, []) for n in rows)]
    for some in lines:
        line = sorted(some, key=lambda each: each.left)
        shown = "".join(each.char for each in line)
        start = shown.find(wanted)
        if start >= 0 and len(shown) == len(line):
            found.append(line[start : start + len(wanted)])
    return found


def objects(content: bytes) -> list[bytes]:
    """Return the document's objects as they are written, streams unpacked."""
    found = []
    for body in re.findall(rb"\d+ 0 obj\n(.*?)\nendobj", content, re.DOTALL):
        head, _, stream = body.partition(b"stream\n")
        found.append(head)
        if stream and b"/FlateDecode" in head:
            found.append(b"STREAM" + zlib.decompress(stream))
    return found


FONTS = Path(__file__).parents[2] / "src" / "tansiq" / "fonts"

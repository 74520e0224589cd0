"""Lines of mixed scripts for a PDF: which font, which way, where a line ends, what stands where.

fpdf2 shapes (with HarfBuzz) and embeds; it is handed runs of one font and one direction, each with
its place. Breaking and ordering are done here, by the levels of Unicode's algorithm (UAX 9, which
fpdf2 has as well): a cell of a table must be broken before it is put in order, and no glyph may be
dropped. What no font of ours has is written by its number.

Imported only where a PDF is drawn: fpdf2 and uharfbuzz are an extra.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from itertools import groupby
from typing import Final

from fontTools.ttLib import TTFont
from fpdf import FPDF
from fpdf.bidi import BidiParagraph
from fpdf.enums import TextDirection

from tansiq.formats.plain import numbered
from tansiq.formats.spelling import FSI, LRI, PDI, RLI

FACES: Final = ("sans", "arabic", "hebrew")
"""In the order in which they are asked for a character."""
GLUED_CHARS_MAX: Final = 24
"""An isolate up to this length is not broken: "300 m" stays on one line."""
CHARS_MAX: Final = 8_000
_OPENING: Final = frozenset({LRI, RLI, FSI})
_MARKS: Final = _OPENING | {PDI}
_JOINERS: Final = frozenset("\u200c\u200d")
_RIGHT: Final = frozenset({"R", "AL", "AN"})
_SPACES: Final = frozenset({"WS"})


@lru_cache(maxsize=1)
def coverage() -> dict[str, frozenset[int]]:
    """Return which characters each face has; regular and bold have the same."""
    found = {}
    for face in FACES:
        with resources.as_file(_file(face, bold=False)) as path, TTFont(path) as font:
            found[face] = frozenset(font.getBestCmap())
    return found


def _file(face: str, *, bold: bool) -> resources.abc.Traversable:
    name = f"{face}-{'bold' if bold else 'regular'}.ttf"
    return resources.files("tansiq").joinpath("fonts", name)


def add_fonts(pdf: FPDF) -> None:
    """Give a document all faces, regular and bold."""
    for face in FACES:
        for style in ("", "B"):
            with resources.as_file(_file(face, bold=bool(style))) as path:
                pdf.add_font(face, style, path)


def face_of(char: str) -> str | None:
    """Return the first face that has a character; None: none has."""
    covered, number = coverage(), ord(char)
    return next((face for face in FACES if number in covered[face]), None)


def drawable(text: str) -> str:
    """Return text in which everything can be drawn: what cannot is written by its number.

    Isolates are kept where they are in pairs; any other mark of direction, and half of a pair, is a
    stranger's, and shown.
    """
    said = text if len(text) <= CHARS_MAX else text[: CHARS_MAX - 1] + "…"
    paired = _paired(said)
    shown = []
    for i, char in enumerate(said):
        if i in paired or char in _JOINERS:
            shown.append(char)
        elif char.isspace():
            shown.append(" ")
        elif char.isprintable() and face_of(char) is not None:
            shown.append(char)
        else:
            shown.append(f"{LRI}{numbered(char)}{PDI}")
    return "".join(shown)


def _paired(text: str) -> frozenset[int]:
    """Return where the isolates stand that are closed, and what closes them."""
    opened: list[int] = []
    found: set[int] = set()
    for i, char in enumerate(text):
        if char in _OPENING:
            opened.append(i)
        elif char == PDI and opened:
            found |= {opened.pop(), i}
    return frozenset(found)


@dataclass(frozen=True, slots=True)
class Run:
    """Characters of one face and one level, in the order in which they are read."""

    text: str
    face: str
    level: int

    @property
    def is_rtl(self) -> bool:
        """Whether it is drawn from right to left."""
        return self.level % 2 == 1


@dataclass(frozen=True, slots=True)
class Line:
    """One line: runs from left to right, as they are drawn, and how wide they are together."""

    runs: tuple[Run, ...]
    width_mm: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """How text is set."""

    size_pt: float
    bold: bool = False


class Typesetter:
    """Breaks and draws text in one document."""

    def __init__(self, pdf: FPDF, *, rtl: bool) -> None:
        self._pdf = pdf
        self._rtl = rtl
        self._lines: dict[tuple[str, float, Style], tuple[Line, ...]] = {}
        """States, parties and times come again and again down a table."""
        self._widths: dict[tuple[str, str, bool, Style], float] = {}

    def lines(self, text: str, width_mm: float, style: Style) -> tuple[Line, ...]:
        """Return text broken into lines of at most a width; at least one line."""
        key = (text, width_mm, style)
        known = self._lines.get(key)
        if known is None:
            said = drawable(text)
            levels = _levels(said, rtl=self._rtl)
            faces = _faces(said)
            spans = self._spans(said, levels, faces, width_mm, style)
            known = tuple(self._line(said, levels, faces, span, style) for span in spans)
            self._lines[key] = known
        return known

    def draw(self, line: Line, x_mm: float, y_mm: float, height_mm: float, style: Style) -> None:
        """Draw a line with its left end and its top at a place."""
        for run in line.runs:
            self._set(run.face, style, rtl=run.is_rtl)
            self._pdf.set_xy(x_mm, y_mm)
            width_mm = self._width(run.text, run.face, style, rtl=run.is_rtl)
            self._pdf.cell(width_mm, height_mm, run.text)
            x_mm += width_mm

    # How wide

    def _set(self, face: str, style: Style, *, rtl: bool) -> None:
        self._pdf.set_font(face, "B" if style.bold else "", style.size_pt)
        self._pdf.set_text_shaping(
            use_shaping_engine=True, direction=TextDirection.RTL if rtl else TextDirection.LTR
        )

    def _width(self, text: str, face: str, style: Style, *, rtl: bool) -> float:
        key = (text, face, rtl, style)
        known = self._widths.get(key) if text else 0.0
        if known is None:
            self._set(face, style, rtl=rtl)
            known = self._widths[key] = float(self._pdf.get_string_width(text))
        return known

    def _reach(
        self, said: str, levels: Sequence[int], faces: Sequence[str], span: range, style: Style
    ) -> float:
        runs = _runs(said, levels, faces, span)
        return sum(self._width(run.text, run.face, style, rtl=run.is_rtl) for run in runs)

    # Where lines end

    def _spans(
        self,
        said: str,
        levels: Sequence[int],
        faces: Sequence[str],
        width_mm: float,
        style: Style,
    ) -> list[range]:
        """Return which characters stand on which line."""
        found: list[range] = []
        start = end = 0
        used_mm = 0.0
        for atom in _atoms(said):
            bare = range(atom.start, _bare_end(said, atom))
            bare_mm = self._reach(said, levels, faces, bare, style)
            if end > start and used_mm + bare_mm > width_mm:
                found.append(range(start, end))
                start = end = atom.start
                used_mm = 0.0
            if bare_mm > width_mm:
                pieces = self._chopped(said, levels, faces, bare, (width_mm, style))
                found += pieces[:-1]
                start, end = pieces[-1].start, atom.stop
                used_mm = self._reach(said, levels, faces, range(start, end), style)
                continue
            end = atom.stop
            used_mm += self._reach(said, levels, faces, atom, style)
        if end > start or not found:
            found.append(range(start, end))
        return found

    def _chopped(
        self,
        said: str,
        levels: Sequence[int],
        faces: Sequence[str],
        span: range,
        within: tuple[float, Style],
    ) -> list[range]:
        """Return a word wider than a line in pieces, never between a letter and its mark."""
        width_mm, style = within
        found: list[range] = []
        start, used_mm = span.start, 0.0
        for i in span:
            char_mm = self._reach(said, levels, faces, range(i, i + 1), style)
            if used_mm + char_mm > width_mm and i > start and not _clings(said[i]):
                found.append(range(start, i))
                start, used_mm = i, 0.0
            used_mm += char_mm
        found.append(range(start, span.stop))
        return found

    def _line(
        self, said: str, levels: Sequence[int], faces: Sequence[str], span: range, style: Style
    ) -> Line:
        base = 1 if self._rtl else 0
        end = _bare_end(said, span)
        ordered = _ordered(list(_runs(said, levels, faces, range(span.start, end))), base)
        runs = [run for run in ordered if run.text]
        width_mm = sum(self._width(run.text, run.face, style, rtl=run.is_rtl) for run in runs)
        return Line(tuple(runs), width_mm)


def _levels(said: str, *, rtl: bool) -> list[int]:
    """Return the embedding level of each character."""
    base = 1 if rtl else 0
    if not rtl and not any(unicodedata.bidirectional(char) in _RIGHT for char in said):
        return [0] * len(said)
    direction = TextDirection.RTL if rtl else TextDirection.LTR
    levels = [-1] * len(said)
    for char in BidiParagraph(said, base_direction=direction).get_characters():
        levels[char.character_index] = char.embedding_level
    before = base
    for i, level in enumerate(levels):
        # Joiners have no level of their own: they go with the letter before them.
        before = levels[i] = before if level < 0 else level
    return levels


def _faces(said: str) -> list[str]:
    """Return the face of each character; what any face has goes with what stands before it."""
    covered = coverage()
    faces: list[str] = []
    before = FACES[0]
    for char in said:
        if not (char in _MARKS or _clings(char) or char == " ") or (
            _clings(char) and char not in _JOINERS and ord(char) not in covered[before]
        ):
            before = face_of(char) or FACES[0]
        faces.append(before)
    return faces


def _clings(char: str) -> bool:
    return char in _JOINERS or unicodedata.combining(char) > 0 or unicodedata.category(char) == "Me"


def _atoms(said: str) -> Iterator[range]:
    """Yield what is not broken: words with the spaces behind them, and short isolates whole."""
    start, glued_until = 0, -1
    for i, char in enumerate(said):
        if char == LRI and i > glued_until:
            closing = said.find(PDI, i)
            if 0 < closing - i <= GLUED_CHARS_MAX:
                glued_until = closing
        if char == " " and i > glued_until and said[i + 1 : i + 2] != " ":
            yield range(start, i + 1)
            start = i + 1
    if start < len(said):
        yield range(start, len(said))


def _bare_end(said: str, span: range) -> int:
    """Return where a span ends without what draws nothing at its end (UAX 9, rule L1)."""
    end = span.stop
    while end > span.start and (said[end - 1] == " " or said[end - 1] in _MARKS):
        end -= 1
    return end


def _runs(said: str, levels: Sequence[int], faces: Sequence[str], span: range) -> Iterator[Run]:
    """Yield runs of one face and level in the order of reading.

    Marks of direction draw nothing, but part what stands on their sides: a run may be empty.
    """
    for (face, level), indexes in groupby(span, key=lambda i: (faces[i], levels[i])):
        yield Run("".join(said[i] for i in indexes if said[i] not in _MARKS), face, level)


def _ordered(runs: list[Run], base: int) -> list[Run]:
    """Return runs from left to right (UAX 9, rule L2)."""
    highest = max((run.level for run in runs), default=base)
    for level in range(highest, 0, -1):
        found: list[Run] = []
        turned: list[Run] = []
        for run in runs:
            if run.level >= level:
                turned.insert(0, run)
                continue
            found += [*turned, run]
            turned = []
        runs = [*found, *turned]
    return runs

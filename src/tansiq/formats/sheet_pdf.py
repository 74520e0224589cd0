"""Draws a sheet as PDF: A4, with the bundle's hash, who made it and which page it is on each page.

Takes everything from the ``SheetView``; the same view is always the same bytes. Arabic and Hebrew
mirror columns and margins; what stands within a line is ordered by ``formats/pdf_text.py``.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from importlib import import_module
from typing import TYPE_CHECKING, Final

from tansiq.errors import StateConflict
from tansiq.formats.sheet import RowView, SectionView, SheetView, WordView
from tansiq.formats.sheet_words import page_of

if TYPE_CHECKING:
    from fpdf import FPDF

    from tansiq.formats.pdf_text import Line, Style, Typesetter

MEDIA_TYPE: Final = "application/pdf"
WIDTH_MM, HEIGHT_MM = 297.0, 210.0
SIDE_MM, TOP_MM, BOTTOM_MM = 12.0, 10.0, 23.0
INNER_MM: Final = WIDTH_MM - 2 * SIDE_MM
LOWEST_MM: Final = HEIGHT_MM - BOTTOM_MM
PAD_MM: Final = 1.0
TITLE_PT, HEADING_PT, SAYS_PT, CELL_PT, FOOT_PT = 15.0, 10.5, 8.5, 7.5, 7.0
LEADING: Final = 0.48
"""Millimetres of line height per point: Arabic needs more than Latin."""
FLOW_COLUMNS: Final = 3
_GREY: Final = (232, 232, 232)


@dataclass(frozen=True, slots=True)
class _Text:
    line: "Line"
    x_mm: float
    y_mm: float
    style: "Style"


@dataclass(frozen=True, slots=True)
class _Rule:
    y_mm: float


@dataclass(frozen=True, slots=True)
class _Fill:
    y_mm: float
    height_mm: float


@dataclass
class _Page:
    marks: list[_Text | _Rule | _Fill] = field(default_factory=list)


def pdf_of(view: SheetView) -> bytes:
    """Return a sheet as a PDF document.

    Raises:
        StateConflict: the libraries that draw it are not installed here.
    """
    try:
        # fpdf2 imports without it, and would draw Arabic in pieces.
        import_module("uharfbuzz")
        from fpdf import FPDF

        from tansiq.formats.pdf_text import Typesetter, add_fonts
    except ImportError as error:
        raise StateConflict(
            "a PDF needs fpdf2 and uharfbuzz: pip install 'tansiq[pdf]'; the same sheet as JSON "
            "needs nothing",
            field="format",
        ) from error
    pdf = FPDF(orientation="landscape", unit="mm", format="A4")
    # A name may hold what fpdf2 would replace by the number of pages.
    pdf.alias_nb_pages("")
    pdf.set_auto_page_break(False)
    pdf.set_margin(0)
    pdf.c_margin = 0
    pdf.set_creation_date(datetime.fromisoformat(view.made))
    pdf.set_title(view.title.text)
    pdf.set_lang(view.language)
    add_fonts(pdf)
    rtl = view.direction == "rtl"
    setter = Typesetter(pdf, rtl=rtl)
    pages = _Layout(setter, view, rtl=rtl).pages()
    _draw(pdf, setter, pages)
    with warnings.catch_warnings():
        # fontTools warns of tables that a subset does not need; nobody can act on it.
        warnings.simplefilter("ignore")
        return bytes(pdf.output())


def _draw(pdf: "FPDF", setter: "Typesetter", pages: Sequence[_Page]) -> None:
    for page in pages:
        pdf.add_page()
        pdf.set_draw_color(150)
        pdf.set_line_width(0.1)
        for mark in page.marks:
            match mark:
                case _Text():
                    height_mm = mark.style.size_pt * LEADING
                    setter.draw(mark.line, mark.x_mm, mark.y_mm, height_mm, mark.style)
                case _Rule():
                    pdf.line(SIDE_MM, mark.y_mm, WIDTH_MM - SIDE_MM, mark.y_mm)
                case _Fill():
                    pdf.set_fill_color(*_GREY)
                    pdf.rect(SIDE_MM, mark.y_mm, INNER_MM, mark.height_mm, style="F")


class _Layout:
    """Puts a sheet on pages; nothing is drawn before the number of pages is known."""

    def __init__(self, setter: "Typesetter", view: SheetView, *, rtl: bool) -> None:
        from tansiq.formats.pdf_text import Style

        self._setter = setter
        self._view = view
        self._rtl = rtl
        self._pages: list[_Page] = []
        self._y_mm = TOP_MM
        self._title = Style(size_pt=TITLE_PT, bold=True)
        self._heading = Style(size_pt=HEADING_PT, bold=True)
        self._says = Style(size_pt=SAYS_PT)
        self._column = Style(size_pt=CELL_PT, bold=True)
        self._cell = Style(size_pt=CELL_PT)
        self._foot = Style(size_pt=FOOT_PT)

    def pages(self) -> list[_Page]:
        """Return all pages with their feet."""
        self._turn()
        self._block(self._view.title.text, self._title)
        self._flow(self._view.head)
        for section in self._view.sections:
            self._section(section)
        for number, page in enumerate(self._pages, 1):
            self._foot_of(page, number)
        return self._pages

    # ---- pages

    def _turn(self) -> None:
        """Go on with the next page."""
        self._pages.append(_Page())
        self._y_mm = TOP_MM
        if len(self._pages) > 1:
            # Whoever finds the sheet's third page on a table must know what it is of.
            of = " - ".join([self._view.title.text, *(each.text for each in self._view.head[:2])])
            self._block(of, self._foot)
            self._rule()

    def _need(self, height_mm: float) -> bool:
        """Make room for so much; report whether that took a new page."""
        if self._y_mm + height_mm <= LOWEST_MM:
            return False
        self._turn()
        return True

    def _rule(self) -> None:
        self._pages[-1].marks.append(_Rule(self._y_mm))
        self._y_mm += PAD_MM

    def _put(self, line: "Line", left_mm: float, width_mm: float, style: "Style") -> None:
        """Put a line into a column at the present height, at the side where reading begins."""
        x_mm = left_mm + width_mm - line.width_mm if self._rtl else left_mm
        self._pages[-1].marks.append(_Text(line, x_mm, self._y_mm, style))

    def _block(self, text: str, style: "Style") -> None:
        for line in self._setter.lines(text, INNER_MM, style):
            self._need(style.size_pt * LEADING)
            self._put(line, SIDE_MM, INNER_MM, style)
            self._y_mm += style.size_pt * LEADING

    def _foot_of(self, page: _Page, number: int) -> None:
        step_mm = FOOT_PT * LEADING
        y_mm = LOWEST_MM + 2 * PAD_MM
        page.marks.append(_Rule(y_mm))
        pages = page_of(number, len(self._pages), self._view.language)
        for text in (*(each.text for each in self._view.foot), pages):
            for line in self._setter.lines(text, INNER_MM, self._foot):
                y_mm += step_mm
                x_mm = WIDTH_MM - SIDE_MM - line.width_mm if self._rtl else SIDE_MM
                page.marks.append(_Text(line, x_mm, y_mm - step_mm + PAD_MM, self._foot))

    # ---- sections

    def _section(self, section: SectionView) -> None:
        self._y_mm += 2 * PAD_MM
        # A heading stays with the first lines below it.
        self._need(HEADING_PT * LEADING + 6 * CELL_PT * LEADING)
        self._block(section.title.text, self._heading)
        self._flow(section.says)
        if section.rows:
            self._table(section)

    def _flow(self, said: Sequence[WordView]) -> None:
        """Put short sentences beside each other, in as many columns as a line has."""
        width_mm = INNER_MM / FLOW_COLUMNS
        for i in range(0, len(said), FLOW_COLUMNS):
            some = [
                self._setter.lines(each.text, width_mm - 3 * PAD_MM, self._says)
                for each in said[i : i + FLOW_COLUMNS]
            ]
            self._side_by_side(some, [width_mm] * FLOW_COLUMNS, self._says)

    def _table(self, section: SectionView) -> None:
        total = sum(section.widths)
        widths_mm = [INNER_MM * each / total for each in section.widths]
        titles = [
            self._setter.lines(each.text, width_mm - 2 * PAD_MM, self._column)
            for each, width_mm in zip(section.columns, widths_mm, strict=True)
        ]
        self._titles(titles, widths_mm)
        for row in section.rows:
            lines = self._cells(row, widths_mm)
            height_mm = max(map(len, lines)) * CELL_PT * LEADING + PAD_MM
            if self._y_mm + height_mm > LOWEST_MM and not self._is_fresh(titles):
                self._turn()
                self._titles(titles, widths_mm)
            self._side_by_side(lines, widths_mm, self._cell, titles)
            self._rule()

    def _is_fresh(self, titles: Sequence[Sequence["Line"]]) -> bool:
        """Whether the page has nothing yet but what stands on top of each."""
        used_mm = max(map(len, titles)) * CELL_PT * LEADING + FOOT_PT * LEADING + 6 * PAD_MM
        return self._y_mm <= TOP_MM + used_mm

    def _titles(self, titles: Sequence[Sequence["Line"]], widths_mm: Sequence[float]) -> None:
        height_mm = max(map(len, titles)) * CELL_PT * LEADING
        self._need(height_mm + 3 * CELL_PT * LEADING)
        self._pages[-1].marks.append(_Fill(self._y_mm, height_mm + PAD_MM / 2))
        self._side_by_side(titles, widths_mm, self._column)
        self._y_mm += PAD_MM

    def _cells(self, row: RowView, widths_mm: Sequence[float]) -> list[list["Line"]]:
        return [
            [
                line
                for said in cell
                for line in self._setter.lines(said.text, width_mm - 2 * PAD_MM, self._cell)
            ]
            for cell, width_mm in zip(row.cells, widths_mm, strict=True)
        ]

    def _side_by_side(
        self,
        columns: Sequence[Sequence["Line"]],
        widths_mm: Sequence[float],
        style: "Style",
        titles: Sequence[Sequence["Line"]] = (),
    ) -> None:
        """Put columns beside each other, the first where reading begins; over pages if need be."""
        step_mm = style.size_pt * LEADING
        for i in range(max(map(len, columns), default=0)):
            if self._need(step_mm) and titles:
                self._titles(titles, widths_mm)
            edge_mm = WIDTH_MM - SIDE_MM if self._rtl else SIDE_MM
            for lines, width_mm in zip(columns, widths_mm, strict=False):
                left_mm = edge_mm - width_mm if self._rtl else edge_mm
                if i < len(lines):
                    self._put(lines[i], left_mm + PAD_MM, width_mm - 2 * PAD_MM, style)
                edge_mm += -width_mm if self._rtl else width_mm
            self._y_mm += step_mm

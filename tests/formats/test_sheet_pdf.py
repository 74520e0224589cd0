"""Sheets as PDF, seen by a reader that is not ours: all is there, and each where it belongs."""

from dataclasses import replace
from datetime import timedelta
from functools import cache

import msgspec
import pytest
from fpdf import FPDF
from fpdf.bidi import BidiParagraph
from fpdf.enums import TextDirection
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.formats.sheets import (
    DIGEST,
    HASH,
    LANGUAGES,
    NOON,
    drawn,
    glyphs,
    objects,
    places,
    plans,
    view,
)

from tansiq.formats import pdf_text
from tansiq.formats.pdf_text import Style, Typesetter, add_fonts, coverage, drawable, face_of
from tansiq.formats.sheet import Section, SheetView, word
from tansiq.formats.sheet_pdf import pdf_of
from tansiq.formats.sheet_words import page_of, sheet_words
from tansiq.formats.spelling import FSI, LRI, PDI, RLI
from tansiq.services.sheets.after_action import TOLD_MAX

RTL = ("ar", "he")
_ISOLATES = FSI + LRI + RLI + PDI


def without_isolates(shown: SheetView) -> SheetView:
    """Return the broken control: the same words, with nothing that keeps quantities together."""
    text = msgspec.json.encode(shown).decode()
    return msgspec.json.decode(
        "".join(char for char in text if char not in _ISOLATES), type=SheetView
    )


def stands_in_order(content: bytes, text: str) -> bool:
    """Whether a text is somewhere on the first page, each character right of the one before."""
    return bool(places(glyphs(content)[0], text))


@pytest.mark.parametrize("language", LANGUAGES)
def test_300_m_is_never_m_300(language: str) -> None:
    content = pdf_of(view([plans(["HERON-1"])], language))
    for quantity in ("300 m W84", "600 m W84", "1432Z", "HERON-1", "2026-11-29"):
        assert stands_in_order(content, quantity), quantity


@pytest.mark.parametrize("language", RTL)
def test_without_isolates_the_same_look_finds_it_turned(language: str) -> None:
    """Else the test above would show nothing."""
    content = pdf_of(without_isolates(view([plans(["HERON-1"])], language)))
    assert not stands_in_order(content, "300 m W84")
    turned = [each for each in glyphs(content)[0] if each.char in "3m"]
    assert turned


@pytest.mark.parametrize("language", RTL)
def test_the_lower_level_is_read_first(language: str) -> None:
    page = glyphs(pdf_of(view([plans(["HERON-1"])], language)))[0]
    (low,), (high,) = places(page, "300 m W84")[:1], places(page, "600 m W84")[:1]
    assert low[0].left > high[-1].right


@pytest.mark.parametrize("language", LANGUAGES)
def test_columns_run_as_the_language_does(language: str) -> None:
    page = glyphs(pdf_of(view([plans(["HERON-1"])], language)))[0]
    start, flight = places(page, "1432Z")[0], places(page, "HERON-1")[0]
    assert (start[0].left > flight[-1].right) is (language in RTL)


@pytest.mark.parametrize("language", LANGUAGES)
def test_hash_agreement_and_page_stand_on_every_page(language: str) -> None:
    shown = view([plans([f"HERON-{n}" for n in range(120)])], language)
    pages = glyphs(pdf_of(shown))
    assert len(pages) > 2
    for number, page in enumerate(pages, 1):
        assert places(page, HASH), number
        assert places(page, DIGEST), number
        said = "".join(sorted(each.char for each in page))
        for figure in f"{number}{len(pages)}":
            assert figure in said
        made = shown.foot[2].text
        assert {c for c in made if c.isdigit()} <= set(said)
    assert page_of(2, 3, "en") == f"Page {LRI}2{PDI} of {LRI}3{PDI}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_row_is_drawn_once_and_within_the_page(language: str) -> None:
    names = [f"ROW{n:03d}X" for n in range(150)]
    pages = glyphs(pdf_of(view([plans(names)], language)))
    found = [name for name in names for page in pages if places(page, name)]
    assert found == names
    for page in pages:
        for each in page:
            if each.char.strip():
                assert each.left >= 33.0
                assert each.right <= 842 - 33.0
                assert each.bottom >= 15.0
                assert each.top <= 595 - 15.0


def test_a_row_that_is_higher_than_a_page_goes_on_on_the_next() -> None:
    said = tuple(word("value.text", text=f"line{n:03d}") for n in range(130))
    table = replace(plans(["A"]), rows=(((), (), said, (), ()),))
    pages = glyphs(pdf_of(view([table])))
    assert len(pages) > 2
    for n in range(130):
        assert sum(bool(places(page, f"line{n:03d}")) for page in pages) == 1


def test_no_two_lines_of_a_page_lie_over_each_other() -> None:
    """Words longer than their column are broken, and no column runs into the next."""
    names = ["Щ" * 90, "نسر" * 30, "נץ" * 45, "A B " * 40]
    for language in LANGUAGES:
        for page in glyphs(pdf_of(view([plans(names)], language))):
            boxes = [each for each in page if each.char == "Щ" and each.right > each.left]
            assert boxes
            for box in boxes:
                # Columns are 273 mm in shares of 12, 16, 24, 24, 24; the third holds the names.
                low, high = (28, 52) if language not in RTL else (48, 72)
                left, right = (34 + 774 * share / 100 for share in (low, high))
                assert left - 2 <= box.left
                assert box.right <= right + 2


def test_the_same_sheet_is_the_same_bytes_whenever_it_is_drawn() -> None:
    shown = view([plans(["HERON-1", "نسر"])], "ar")
    first = pdf_of(shown)
    assert pdf_of(shown) == first
    later = pdf_of(view([plans(["HERON-1", "نسر"])], "ar", made=NOON + timedelta(seconds=1)))
    assert later != first
    assert b"D:20261129120000" in first.replace(b"'", b"")


# Every character


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_fonts_have_every_character_of_every_word(language: str) -> None:
    for key, text in sheet_words()[language].items():
        for char in text:
            assert face_of(char) is not None, (key, char)


def test_regular_and_bold_have_the_same_characters() -> None:
    from fontTools.ttLib import TTFont
    from tests.formats.sheets import FONTS

    total = 0
    for face in pdf_text.FACES:
        regular, bold = (
            frozenset(TTFont(FONTS / f"{face}-{style}.ttf").getBestCmap())
            for style in ("regular", "bold")
        )
        assert regular == bold == coverage()[face]
    total = sum(file.stat().st_size for file in FONTS.iterdir())
    assert total <= 400_000


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("中", "[U+4E2D]"),
        ("\U0001f681", "[U+1F681]"),
        ("\u202e", "[U+202E]"),
        (f"{PDI}A", "[U+2069]A"),
        (f"{LRI}A", "[U+2066]A"),
    ],
)
def test_what_no_font_has_is_drawn_by_its_number(said: str, shown: str) -> None:
    content = pdf_of(view([plans([f"x{said}y"])]))
    # By itself, and not only after the words have been made plain.
    assert shown in drawable(said).replace(LRI, "").replace(PDI, "")
    assert f"x{shown}y" in drawn(content)


_ALPHABET = "AZaz09 -.,()ЖяאבתשابتمچپءΩé\u0301\u064e\u05b8中\U0001f681" + _ISOLATES + "\u202e\u200f"


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet=_ALPHABET, max_size=60), st.booleans(), st.floats(4.0, 60.0))
def test_lines_hold_every_character_once_and_in_order(
    said: str, rtl: bool, width_mm: float
) -> None:
    setter = _setter(rtl=rtl)
    style = Style(size_pt=8.0)
    lines = setter.lines(said, width_mm, style)
    shown = drawable(said)
    kept = sorted(char for char in shown if char not in _ISOLATES and char != " ")
    put = sorted(c for line in lines for run in line.runs for c in run.text if c != " ")
    assert put == kept
    for line in lines:
        for run in line.runs:
            for char in run.text:
                assert (
                    ord(char) in coverage()[run.face] or char in "\u200c\u200d \u0301\u064e\u05b8"
                )


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet="AZ09 -ЖאבתابتΩ" + _ISOLATES, max_size=40), st.booleans())
def test_a_line_is_ordered_as_the_algorithm_orders_it(said: str, rtl: bool) -> None:
    """Runs are turned by our own code; a whole line is turned character by character here."""
    shown = drawable(said).rstrip(" ")
    (line,) = _setter(rtl=rtl).lines(shown, 10_000.0, Style(size_pt=8.0))
    ours = "".join(run.text[::-1] if run.is_rtl else run.text for run in line.runs)
    direction = TextDirection.RTL if rtl else TextDirection.LTR
    theirs = BidiParagraph(shown, base_direction=direction).get_reordered_string()
    bare = "".join(char for char in theirs if char not in _ISOLATES)
    assert ours.strip(" ") == bare.strip(" ")


def _setter(*, rtl: bool) -> Typesetter:
    return Typesetter(_document(), rtl=rtl)


@cache
def _document() -> FPDF:
    pdf = FPDF()
    pdf.add_page()
    pdf.c_margin = 0
    add_fonts(pdf)
    return pdf


def test_a_short_isolate_is_not_broken() -> None:
    setter, style = _setter(rtl=False), Style(size_pt=8.0)
    said = f"between {LRI}300 m W84{PDI} and {LRI}600 m W84{PDI}"
    for width_mm in (16.0, 18.0, 21.0, 25.0, 33.0, 40.0):
        for line in setter.lines(said, width_mm, style):
            shown = "".join(run.text for run in line.runs)
            assert ("300" in shown) is ("m W84" in shown and "300 m W84" in shown)


def test_arabic_letters_are_joined() -> None:
    """A font of forms: the same letter has other widths at the beginning, in the middle, alone."""
    setter, style = _setter(rtl=True), Style(size_pt=8.0)
    for joined in ("لا", "ببب"):
        whole = setter.lines(joined, 100.0, style)[0].width_mm
        alone = sum(setter.lines(char, 100.0, style)[0].width_mm for char in joined)
        assert whole < 0.9 * alone


def test_a_document_neither_acts_nor_links() -> None:
    for body in objects(pdf_of(view([plans(["HERON-1"])]))):
        if not body.startswith(b"STREAM"):
            for name in (
                b"/JS",
                b"/JavaScript",
                b"/URI",
                b"/Launch",
                b"/Annots",
                b"/AA",
                b"/Action",
            ):
                assert name not in body, body


@pytest.mark.parametrize("language", RTL)
def test_a_quantity_in_free_words_keeps_its_order_too(language: str) -> None:
    says = word("value.text", text="שמרו 450 m מכם, نسر 700 ft")
    content = pdf_of(view([plans(["A"], says=[says])], language))
    assert stands_in_order(content, "450 m")
    assert stands_in_order(content, "700 ft")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_answer_of_a_report_fills_one_page_and_no_more(language: str) -> None:
    """As many rows as it has at most, with times of another day and a line of head too many."""
    stamp, names = "2026-11-28T14:32:11Z", [f"HERON-{n:02d}-ABCDEF" for n in range(TOLD_MAX)]
    counts = Section(code="counts", says=(word("count.clocks-impossible", number=0),) * 10)
    rows = tuple(
        (
            (word("kind.counter"),),
            (word("value.flight", flight=name),),
            (word("value.party", party="north"),),
            (word("value.party", party="north"),),
            (word("value.time", time=stamp),),
            (word("value.time", time=stamp),),
            (word("value.time", time=stamp),),
        )
        for name in names
    )
    columns = ("kind", "about", "from", "to", "sent", "received", "recorded")
    told = Section(code="told", columns=columns, widths=(16, 16, 12, 12, 15, 15, 14), rows=rows)
    first = glyphs(pdf_of(view([counts, told], language)))[0]
    assert all(places(first, name) for name in names)

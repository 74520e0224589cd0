"""Codes as they are drawn, read by a decoder that is not ours (zxing-cpp)."""

import re
from random import Random

import pytest
import segno
from tests.scanner import of_svg, of_terminal, scan

from tansiq.errors import BadInput
from tansiq.formats import qr_drawing
from tansiq.formats.delivery import Delivery
from tansiq.formats.letter import Wire
from tansiq.formats.qr_frames import FRAME_CHARS, write_frames

NOISE = Random(1).randbytes(700)


@pytest.mark.parametrize("chars", qr_drawing.ROOM.values())
@pytest.mark.parametrize("around", [0, 255])
def test_a_scanner_reads_the_terminal_dark_or_light(chars: int, around: int) -> None:
    for text in write_frames(NOISE, chars_max=chars):
        assert scan(of_terminal(qr_drawing.terminal(text), around=around)) == [text]


def test_a_scanner_reads_the_picture() -> None:
    for text in write_frames(NOISE):
        assert scan(of_svg(qr_drawing.picture(text))) == [text]


def test_a_scanner_reads_no_code_that_has_suffered_too_much() -> None:
    """The control: what is compared above comes from the pixels."""
    (text,) = write_frames(NOISE[:100])
    pixels = of_svg(qr_drawing.picture(text))
    pixels[80:160, 80:160] = 255  # A corner mark.
    assert scan(pixels) == []


def test_a_folded_sheet_is_read() -> None:
    """Level M: a crease through the middle, three modules wide, takes nothing away."""
    text = write_frames(NOISE)[0]
    pixels = of_svg(qr_drawing.picture(text))
    middle = pixels.shape[0] // 2 + 30
    pixels[middle : middle + 12, :] = 255
    assert scan(pixels) == [text]


@pytest.mark.parametrize(("version", "chars"), qr_drawing.ROOM.items())
def test_what_fits_is_what_is_drawn(version: int, chars: int) -> None:
    """Each version holds what is said, at the size that is said; its window is the smallest."""
    code = segno.make_qr("A" * chars, error="l", boost_error=False)
    assert (code.version, code.mode) == (version, "alphanumeric")
    if chars != FRAME_CHARS:
        assert segno.make_qr("A" * (chars + 1), error="l").version == version + 1
    lines = qr_drawing.terminal("A" * chars).splitlines()
    columns = {len(re.sub(r"\x1b\[[\d;]*m", "", line)) for line in lines}
    assert columns == {qr_drawing.columns_of(version)}
    room = qr_drawing.room
    assert room(*columns, len(lines)) == chars
    less = max((held for each, held in qr_drawing.ROOM.items() if each < version), default=0)
    assert room(min(columns) - 1, 200) == room(200, len(lines) - 1) == less


def test_the_largest_window_takes_frames_of_the_usual_length() -> None:
    assert qr_drawing.room(1_000, 1_000) == FRAME_CHARS


def test_no_page_is_made_of_what_is_no_note() -> None:
    with pytest.raises(BadInput):
        qr_drawing.page(write_frames(NOISE), Delivery((Wire("<script>"),)))

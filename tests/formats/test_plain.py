"""What strangers wrote, on a line of ours: it acts on nothing."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.museum.hostile_names import HOSTILE

from tansiq.formats.plain import CHARS_MAX, MARKS_MAX, plain


@given(st.text())
def test_nothing_that_acts_is_left(said: str) -> None:
    shown = plain(said)
    assert len(shown) <= CHARS_MAX
    for char in shown:
        assert char.isprintable() or char in "\u200c\u200d", ascii(char)
        assert unicodedata.bidirectional(char) not in {
            "LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI", "B",
        }  # fmt: skip


@given(st.text(alphabet=st.characters(categories=("L", "N", "P", "S")), max_size=CHARS_MAX - 1))
def test_what_is_plain_stays_as_it_is(said: str) -> None:
    assert plain(said) == said


def test_the_limit_of_length_is_exact() -> None:
    assert plain("A" * (CHARS_MAX - 1)) == "A" * (CHARS_MAX - 1)
    assert plain("A" * CHARS_MAX) == "A" * (CHARS_MAX - 1) + "…"


def test_the_fifth_mark_on_a_letter_is_named_and_the_others_are_not_shown() -> None:
    dots = "\u0323"
    assert plain("e" + dots * MARKS_MAX) == "e" + dots * MARKS_MAX
    assert plain("e" + dots * (MARKS_MAX + 1)) == "e" + dots * MARKS_MAX + "[U+0323]"
    assert plain("e" + dots * 90 + "f") == "e" + dots * MARKS_MAX + "[U+0323]f"


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("HERON\u202e1", "HERON[U+202E]1"),
        ("A\x00B", "A[U+0000]B"),
        ("A\ud800B", "A[U+D800]B"),
        ("A\r\nB\u2028C\u00a0D", "A B C D"),
        ("می\u200cروم", "می\u200cروم"),
        ("  A   B  ", "A B"),
        ("", ""),
    ],
)
def test_it_is_shown_by_its_number(said: str, shown: str) -> None:
    assert plain(said) == shown


@pytest.mark.parametrize("name", [name for name, _ in HOSTILE])
def test_the_museum_can_be_encoded(name: str) -> None:
    plain(dict(HOSTILE)[name]).encode()

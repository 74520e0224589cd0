"""Two languages side by side: how wide text is, and that no line leaves an isolate open."""

import pytest

from tansiq.demo.two_columns import COLUMNS, Said, beside, table, width, wrap
from tansiq.formats.spelling import FSI, LRI, PDI, RLI

HEBREW = f"הודעה מספר {LRI}12{PDI} נראתה על ידי {FSI}נועה לוי{PDI} בשעה {LRI}143205Z{PDI}."
RUSSIAN = f"Уведомление {LRI}12{PDI} просмотрено в {LRI}143205Z{PDI}: {FSI}Вера Соколова{PDI}."


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("", 0),
        ("abc", 3),
        ("שלום", 4),
        ("مَرْحَبًا", 5),  # Marks over letters take no room.
        (f"{LRI}3000 ft{PDI}", 7),
        ("日本", 4),
    ],
)
def test_width(text: str, places: int) -> None:
    assert width(text) == places


def test_a_line_breaks_at_the_last_blank_that_fits() -> None:
    assert wrap("aa bb cc", 5) == ["aa bb", "cc"]
    assert wrap("aa bb cc", 4) == ["aa", "bb", "cc"]
    assert wrap("longer a", 3) == ["longer", "a"]
    assert wrap("", 5) == [""]


@pytest.mark.parametrize("places", range(8, 60))
@pytest.mark.parametrize("text", [HEBREW, RUSSIAN])
def test_no_line_leaves_an_isolate_open(text: str, places: int) -> None:
    for line in wrap(text, places):
        opened = sum(line.count(mark) for mark in (LRI, RLI, FSI))
        assert opened == line.count(PDI)
    marks = str.maketrans("", "", LRI + RLI + FSI + PDI)
    assert " ".join(wrap(text, places)).translate(marks) == text.translate(marks)


def test_columns_stand_where_they_should_and_are_isolated_as_a_whole() -> None:
    lines = beside(Said("ru", (RUSSIAN, "Ждите.")), Said("he", (HEBREW,)))
    assert len({width(line.partition(" |")[0]) for line in lines}) == 1
    assert all(width(line) <= COLUMNS for line in lines)
    assert lines[0].startswith("    ru ")
    left, _, right = lines[0].partition(" | ")
    assert left[7] == LRI
    assert right.startswith("he ")
    assert right.endswith(PDI)
    assert RLI in right


def test_a_table_has_columns_as_wide_as_they_must_be() -> None:
    assert table(("a", "b"), [("שלום", "x"), ("", "yy")]) == ["a     b", "שלום  x", "      yy"]

"""docs/phrases.md, held against the book: its table, its kinds, what it says to type."""

import json
import re

from click.testing import CliRunner
from scripts.phrase_table import PAGE, page
from tests.formats.phrases import BOOK, bare

from tansiq.cli.main import cli
from tansiq.domain.phrase import DURATION_S_MAX, TEXT_CHARS_MAX, WHOLE, Kind
from tansiq.domain.readback import CORNERS_MAX, PLACE_M
from tansiq.formats.phrase_book import read_phrase
from tansiq.formats.readbacks import read_readback
from tansiq.formats.spoken_place import read_place
from tansiq.formats.words import VOLUMES_SHOWN

TEXT = PAGE.read_text(encoding="utf-8")


def test_the_table_of_codes_is_that_of_the_book() -> None:
    """`python scripts/phrase_table.py` writes it anew."""
    assert page(TEXT) == TEXT
    for code in BOOK.codes:
        assert f"\n| `{code}` |" in TEXT


def test_every_kind_is_explained_with_its_limit() -> None:
    kinds = TEXT.split("## On the wire")[1].split("Marks of direction")[0]
    for kind in Kind:
        (row,) = re.findall(rf"^\|[^|]*`{kind}`[^|]*\|[^|]*\|", kinds, re.MULTILINE)
        if kind in WHOLE and WHOLE[kind][1] not in (86_400_000, 20_037_508, DURATION_S_MAX):
            assert str(WHOLE[kind][1]) in row, row
    assert f"1 to {TEXT_CHARS_MAX} characters" in kinds


def test_documents_on_the_page_are_good() -> None:
    phrase, readback = re.findall(r"^```json\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
    assert json.loads(phrase)["code"] == read_phrase(phrase.encode()).code
    assert read_readback(readback.encode()).radius_m == 1_500


def test_what_is_shown_of_the_command_is_what_it_prints() -> None:
    (block,) = re.findall(
        r"^```console\n\$ tansiq (.*?)\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL
    )
    done = CliRunner().invoke(cli, block[0].split())
    assert bare(done.output) == block[1]


def test_places_and_limits_on_the_page_are_those_of_the_code() -> None:
    typed = TEXT.split("Places may be typed")[1].split("\n")[0]
    places = [read_place(text) for text in re.findall(r"`([^`]*)`", typed)]
    assert len(places) == 5
    assert {(round(p.lat_deg, 2), round(p.lng_deg, 2)) for p in places} == {(35.35, 35.94)}
    assert f"up to {CORNERS_MAX} corners" in TEXT
    assert f"the first {VOLUMES_SHOWN}." in TEXT
    assert f"within {PLACE_M:.0f} m" in TEXT

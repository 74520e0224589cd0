"""The hostile names in everything that the node draws for others: text, and nothing but text."""

import json
import re
from dataclasses import replace
from datetime import timedelta
from xml.etree import ElementTree as ET

import pytest
from tests.formats.pictures import alarm, area, picture, ring, seen
from tests.formats.sheets import drawn, objects, plans, view
from tests.museum.hostile_names import HOSTILE

from tansiq.formats import cot_picture, geojson_picture, kml_picture
from tansiq.formats.pdf_text import drawable
from tansiq.formats.picture import Picture
from tansiq.formats.plain import plain
from tansiq.formats.sheet import word
from tansiq.formats.sheet_pdf import pdf_of
from tansiq.formats.spelling import FSI, LRI, PDI, RLI

NAMES = [name for name, _ in HOSTILE]
_ACTS = (b"/JS", b"/JavaScript", b"/URI", b"/Launch", b"/Annots", b"/AA", b"/SubmitForm", b"/GoToR")


def test_there_are_fifty_and_each_once() -> None:
    assert len(HOSTILE) == len(dict(HOSTILE)) == len({said for _, said in HOSTILE}) == 50


@pytest.mark.parametrize("language", ["en", "ar"])
def test_a_sheet_shows_each_as_text_and_does_nothing(language: str) -> None:
    shown = view([plans([said for _, said in HOSTILE])], language)
    content = pdf_of(shown)
    for body in objects(content):
        if not body.startswith(b"STREAM"):
            for name in _ACTS:
                assert name not in body, body
    put = sorted(drawn(content))
    for name, said in HOSTILE:
        for char in drawable(plain(said)):
            if char.strip() and char not in FSI + LRI + RLI + PDI and char.isascii():
                assert char in put, (name, char)


@pytest.mark.parametrize("name", NAMES)
def test_each_can_be_read_off_a_sheet_of_its_own(name: str) -> None:
    said = dict(HOSTILE)[name]
    table = replace(plans([]), rows=(((), (), (word("value.flight", flight=said),), (), ()),))
    without = replace(table, rows=(((), (), (word("value.flight", flight="x"),), (), ()),))
    with_it, plainly = drawn(pdf_of(view([table]))), drawn(pdf_of(view([without])))
    expected = [c for c in drawable(plain(said)) if c.strip() and c not in FSI + LRI + RLI + PDI]
    marks = [c for c in expected if not c.isalnum() and not c.isascii()]
    # What was drawn more than on the other sheet is the name, whole; joined marks may be one glyph.
    more = sorted(with_it)
    for char in sorted(plainly.replace("x", "", 1)):
        more.remove(char)
    if not marks and "ن" not in said:
        assert more == sorted(expected)
    assert len(more) >= len(expected) - len(marks) - 4


def drawing(said: str) -> Picture:
    """Return a picture in which everything that somebody could write is this."""
    return picture(
        party=said,
        areas=(area(name=said, party=said, status=said),),
        tracks=(seen(name=said, party=said, sentence=said, conformance=said),),
        alarms=(alarm(sentence=said),),
        rings=(ring(name=said),),
    )


_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def in_xml(said: str) -> str:
    """Return what XML can carry of a text: what the standard forbids comes as U+FFFD."""
    return _FORBIDDEN.sub("\ufffd", said)


def same(of: str, said: str) -> bool:
    """Whether a text is within another, as far as it was not cut; kinds of white space are one."""
    wanted = " ".join(in_xml(said)[:50].split())
    return wanted in " ".join(of.split())


@pytest.mark.parametrize("name", NAMES)
def test_kml_holds_each_as_text(name: str) -> None:
    said = dict(HOSTILE)[name]
    found = ET.fromstring(kml_picture.document(drawing(said)))
    calm = ET.fromstring(kml_picture.document(drawing("A")))
    assert [each.tag for each in found.iter()] == [each.tag for each in calm.iter()]
    assert [each.attrib for each in found.iter()] == [each.attrib for each in calm.iter()]
    names = [each.text or "" for each in found.iter("{http://www.opengis.net/kml/2.2}name")]
    assert sum(same(each, said) for each in names) >= 3
    link = kml_picture.link("http://127.0.0.1/x?token=y", party=said, refresh_s=1.0)
    assert [each.tag for each in ET.fromstring(link).iter()] == [
        each.tag
        for each in ET.fromstring(
            kml_picture.link("http://127.0.0.1/x?token=y", party="A", refresh_s=1.0)
        ).iter()
    ]


@pytest.mark.parametrize("name", NAMES)
def test_geojson_holds_each_as_text(name: str) -> None:
    said = dict(HOSTILE)[name]
    content = geojson_picture.document(drawing(said))
    found, calm = json.loads(content), json.loads(geojson_picture.document(drawing("A")))
    assert _shape(found) == _shape(calm)
    names = [each["properties"].get("name", "") for each in found["features"]]
    wanted = said.encode("utf-8", "replace").decode()
    assert sum(each[:50] == wanted[:50] or same(each, said) for each in names) >= 3


def _shape(value: object) -> object:
    """Return a document without its texts and numbers: what of it a reader steps through."""
    if isinstance(value, dict):
        return {key: _shape(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_shape(each) for each in value]
    return type(value).__name__


@pytest.mark.parametrize("name", NAMES)
def test_cursor_on_target_holds_each_as_text(name: str) -> None:
    said = dict(HOSTILE)[name]
    ahead = timedelta(hours=2)
    found, calm = (
        ET.fromstring(cot_picture.document(cot_picture.events(drawing(each), ahead=ahead)))
        for each in (said, "A")
    )
    assert [each.tag for each in found.iter()] == [each.tag for each in calm.iter()]
    assert [set(each.attrib) for each in found.iter()] == [set(each.attrib) for each in calm.iter()]
    callsigns = [each.attrib["callsign"] for each in found.iter("contact")]
    assert sum(same(each, said) for each in callsigns) >= 2

"""The museum of pasted texts: what people, mail programs, map programs and strangers hand over.

A specimen is a text (or a KMZ), and a word of the error, or ``None`` where it is to be read.
Nothing but ``BadInput`` may come of any.
"""

import base64
import io
import json
import zipfile
from dataclasses import dataclass

import msgspec
import pytest
from tests.formats.pasted import NOTAM, POINT, RING, geo, kml, mark, sheet

from tansiq.errors import BadInput
from tansiq.formats.pasted import read_packed, read_text
from tansiq.formats.pasted_document import view

DTD = '<!DOCTYPE kml [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
OUTSIDE = '<!DOCTYPE kml SYSTEM "http://127.0.0.1:9/kml.dtd">'


@dataclass(frozen=True)
class Specimen:
    name: str
    text: str | bytes
    remedy: str | None = None


def kmz(document: str | bytes, name: str = "doc.kml", pack: int = zipfile.ZIP_DEFLATED) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", pack) as archive:
        archive.writestr(name, document)
    return packed.getvalue()


def encrypted() -> bytes:
    data = bytearray(kmz(kml(mark(sheet())), pack=zipfile.ZIP_STORED))
    for head, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(head) + at] |= 1
    return bytes(data)


def many_files() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for i in range(1_001):
            archive.writestr(f"{i}.kml", "")
    return packed.getvalue()


def coordinates(text: str) -> str:
    return kml(mark(f"<Point><coordinates>{text}</coordinates></Point>"))


GOOD = kml(mark(sheet()))
TYPED = [
    Specimen("typographic everything", "33°30′36″N 036°17′29″E radius 5 km"),
    Specimen("no-break blanks", "33°\u00a030'\u202f36\"\u2009N\u3000036°17'29\"E"),
    Specimen("Arabic digits", "٣٣٫٥١٠٢، ٣٦٫٢٩١٣"),
    Specimen("Persian digits", "۳۳٫۵۱۰۲ ۳۶٫۲۹۱۳"),
    Specimen("marks of direction", "\u200f33.5102\u200e 36.2913\u200f"),
    Specimen("byte order mark", "\ufeff33.5102 36.2913"),
    Specimen("line ends of three kinds", "33 36\r\n34 36\r34 37\n"),
    Specimen("a tab between", "33.5102\t36.2913"),
    Specimen("full-width digits", "３３.５ ３６.２", "not understood"),
    Specimen("Devanagari digits", "३३.५ ३६.२", "not understood"),
    Specimen("Thai digits in degrees", "๓๓N ๓๖E", "not understood"),
    Specimen("superscript", "33.5² 36.2", "not understood"),
    Specimen("Cyrillic letters that look Latin", "33.5N 36.2Е", "not understood"),
    Specimen("decimal commas", "33,5102 36,2913", "decimal commas"),
    Specimen("one comma too few", "33,51", None),
    Specimen("longitude first, as maps of the web have it", "136.2913 33.5102", "latitude"),
    Specimen("labels", "lat: 33.5 lon: 36.2", "'lat'"),
    Specimen("infinity", "inf nan", "not understood"),
    Specimen("exponent", "3.35e1 3.62e1", "not understood"),
    Specimen("hexadecimal", "0x21 0x24", "not understood"),
    Specimen("underscores", "3_3 3_6", "not understood"),
    Specimen("300 digits", f"{'3' * 300} 36", "not understood"),
    Specimen("300 decimals", f"33.{'3' * 300} 36", "not understood"),
    Specimen("24 hours to the circle", "33h 36h", "not understood"),
    Specimen("sexagesimal overflow", "33°59'60\"N 036°00'00\"E", "below 60"),
    Specimen("letter and sign", "-33.5S 36.2E", "sign"),
    Specimen("one half", "33°30'36\"N", "not understood"),
    Specimen("grid with I", "36S IE 6705 1625", "not understood"),
    Specimen("grid zone 00", "00S YE 6705 1625", "no grid reference"),
    Specimen("grid beyond the pole", "Z ZZ 99999 99999", "no grid reference"),
    Specimen("radius of nothing", "33 36 radius 0 m", "not above 0"),
    Specimen("radius below nothing", "33 36 radius -5 km", "without a number"),
    Specimen("a bow tie", "0 0\n1 1\n0 1\n1 0", "cross"),
    Specimen("one place three times", "33 36\n33 36\n33 36"),
    Specimen("there and back", "33 36\n34 36\n33 36"),
    Specimen("the whole earth", "33 36 radius 20000 km", "at most"),
    Specimen("a leg around the earth", "0 0\n0 179\nwidth 1 km", "at most 500"),
    Specimen("opposite places", "0 0\n0 180\nwidth 1 km", "at most 500"),
    Specimen("both poles", "90 0\n-90 0\nwidth 1 km", "at most 500"),
    Specimen("across the 180th meridian", "10 179.9\n10.1 -179.9\nwidth 1 km"),
    Specimen("around the pole", "89 0\n89 120\n89 -120"),
    Specimen("NUL", "33.5\x0036.2", "not understood"),
    Specimen("escape sequences", "\x1b[31m33.5 36.2", "not understood"),
    Specimen("markup", "<b>33.5 36.2</b>", "no Placemark"),
    Specimen("a formula", "=HYPERLINK(33.5 36.2)", "not understood"),
    Specimen("an address", "https://maps.example/@33.5,36.2,15z", "not understood"),
    Specimen("only a direction mark", "\u200f", "no place"),
]
NOTICES = [
    Specimen("lower case", NOTAM.lower()),
    Specimen("one line", NOTAM.replace("\n", " ")),
    Specimen("no blanks behind brackets", NOTAM.replace(") ", ")")),
    Specimen("wrapped within words", NOTAM.replace("RADIUS OF", "RADIUS\nOF")),
    Specimen("wrapped within a place", NOTAM.replace("N0361729E", "N\n0361729E")),
    Specimen("en dashes", "AREA BOUNDED BY 333036N0361729E – 334036N0361729E – 334036N0362729E"),
    Specimen("a letter for a digit", NOTAM.replace("333036N", "33303ON"), "part of a place"),
    Specimen("month 13", NOTAM.replace("2611281400", "2613281400"), "no existing time"),
    Specimen("29 February", NOTAM.replace("2611281400", "2702291400"), "no existing time"),
    Specimen("24 o'clock", NOTAM.replace("2611281800", "2611282400"), "no existing time"),
    Specimen("local time", NOTAM.replace("2611281400", "2611281400 LT"), "ten figures"),
    Specimen("zone", NOTAM.replace("2611281400", "261128140000Z"), "ten figures"),
    Specimen("level without unit", NOTAM.replace("3500FT AMSL", "3500"), "is no level"),
    Specimen("level with two units", NOTAM.replace("3500FT", "3500FTM"), "is no level"),
    Specimen("flight level of four figures", NOTAM.replace("3500FT AMSL", "FL0350"), "is no level"),
    Specimen("Q without a place", NOTAM.replace("/3330N03617E005", "")),
    Specimen("Q that is cut off", NOTAM.replace("/085/3330N03617E005", ""), "no Q) line"),
    Specimen("Q of all of the region", NOTAM.replace("E005", "E999")),
    Specimen("Q at a place that is none", NOTAM.replace("3330N03617E", "3360N03617E"), "below 60"),
    Specimen("nothing but a head", "(A1234/26 NOTAMN)", "names no place"),
    Specimen("nothing but marks", "Q) A) B) C) D) E) F) G)", "not understood"),
    Specimen("cancelled", "(A1235/26 NOTAMC A1234/26)", "nothing to draw"),
    Specimen("201 notices", "A0001/26 NOTAMN\n" * 201, "at most 200"),
]
DOCUMENTS = [
    Specimen("cut off JSON", geo(POINT)[:-4], "is not JSON"),
    Specimen("NaN", geo({"type": "Point", "coordinates": [36, "@"]}).replace('"@"', "NaN"), "NaN"),
    Specimen("1e999", json.dumps(POINT).replace("33.5", "1e999"), "beyond any measure"),
    Specimen("a name twice", '{"type": "Point", "type": "Polygon"}', "twice"),
    Specimen("deep", "[" * 5_000 + "]" * 5_000, "nested deeper"),
    Specimen("a list", "[]", "an object"),
    Specimen("a Topology", '{"type": "Topology"}', "is not read"),
    Specimen("no features", '{"type": "FeatureCollection", "features": []}', "no geometry"),
    Specimen("features that are none", '{"type": "FeatureCollection", "features": [3]}', "object"),
    Specimen("numbers in quotes", json.dumps(POINT).replace("33.5", '"33.5"'), "without quotes"),
    Specimen("swapped", json.dumps({"type": "Point", "coordinates": [36, 136]}), "longitude"),
    Specimen("an open ring", json.dumps({"type": "Polygon", "coordinates": [RING[:3]]}), "closed"),
    Specimen("no ring", json.dumps({"type": "Polygon", "coordinates": []}), "no ring"),
    Specimen("nested collections", json.dumps(
        {"type": "GeometryCollection", "geometries": [
            {"type": "GeometryCollection", "geometries": [POINT]}]}), "flatten"),
    Specimen("radius below nothing", geo(POINT, radius_m=-1), "not above 0"),
    Specimen("radius twice", geo(POINT, radius_m=1, radius_km=1), "given twice"),
    Specimen("units unknown", geo(POINT, units="parsec"), "is not known"),
    Specimen("level without a unit", geo(POINT, lower=3), "has no unit"),
    Specimen("flight level in feet", geo(POINT, lower=3, units="FT", datum="FL"), "no other unit"),
    Specimen("time without a zone", geo(POINT, start="2026-12-01T10:00:00"), "no zone"),
    Specimen("ground that is none", geo(POINT, ground_m="x", ground_datum="AMSL"), "number"),
    Specimen("a line to nowhere", json.dumps(
        {"type": "LineString", "coordinates": [[1, 1], [1, 1]]}), "two different places"),
    Specimen("names of other types", geo(POINT, name={"a": 1}, callsign=7, radius_m=5)),
    Specimen("half a pair", geo(POINT, name="\ud800", callsign="\ud800", radius_m=5)),
    Specimen("cut off KML", GOOD[:-20], "not XML"),
    Specimen("entities", GOOD.replace("<kml", DTD + "<kml", 1), "document type"),
    Specimen("an address to fetch", GOOD.replace("<kml", OUTSIDE + "<kml", 1), "document type"),
    Specimen("entity without a declaration", GOOD.replace("Box", "&box;"), "not XML"),
    Specimen("deep", "<kml>" + "<Folder>" * 40 + "</Folder>" * 40 + "</kml>", "deeper than 32"),
    Specimen("another encoding", GOOD.replace('"1.0"', '"1.0" encoding="utf-16"', 1)),
    Specimen("a page", "<!DOCTYPE html><html><body>33.5 36.2</body></html>", "document type"),
    Specimen("blanks behind commas", coordinates("36.2, 33.5, 0"), "is no position"),
    Specimen("four numbers", coordinates("36.2,33.5,0,0"), "is no position"),
    Specimen("no numbers", coordinates("a,b"), "is no position"),
    Specimen("no coordinates", coordinates(""), "without coordinates"),
    Specimen("infinity", coordinates("36.2,inf"), "is no position"),
    Specimen("beyond the pole", coordinates("36.2,90.0001"), "not within -90 to 90"),
    Specimen("two lists", kml(mark("<Point><coordinates>1,1</coordinates><coordinates>2,2"
                                   "</coordinates></Point>")), "two lists"),
    Specimen("marks within marks", kml(mark(mark(sheet()))), "within a Placemark"),
    Specimen("a style and a script", kml(mark(sheet(), "<description><![CDATA[<script>alert(1)"
                                              "</script>]]></description>"))),
    Specimen("nothing", kml(""), "no Placemark"),
]  # fmt: skip
PACKED = [
    Specimen("KMZ", kmz(GOOD)),
    Specimen("KMZ, stored", kmz(GOOD, pack=zipfile.ZIP_STORED)),
    Specimen("way out of the folder", kmz(GOOD, "../../etc/doc.kml")),
    Specimen("another packing", kmz(GOOD, pack=zipfile.ZIP_LZMA), "does not know"),
    Specimen("encrypted", encrypted(), "KMZ"),
    Specimen("no KML in it", kmz(GOOD, "doc.txt"), "without a .kml"),
    Specimen("cut off", kmz(GOOD)[:-30], "KMZ"),
    Specimen("damaged", kmz(GOOD)[:60] + b"\x00\xff" * 20 + kmz(GOOD)[100:], "KMZ"),
    Specimen("a bomb", kmz(b" " * 4_000_001), "larger than 4000000"),
    Specimen("just below a bomb", kmz(GOOD + " " * (4_000_000 - len(GOOD)))),
    Specimen("1,001 files", many_files(), "at most 1000"),
    Specimen("no archive", b"PK\x03\x04", "KMZ"),
    Specimen("a picture", b"\x89PNG\r\n\x1a\n", "KMZ"),
    Specimen("nothing in it", kmz(b""), "not XML"),
]
ALL = [*TYPED, *NOTICES, *DOCUMENTS, *PACKED]


@pytest.mark.parametrize("specimen", ALL, ids=lambda s: s.name)
def test_a_specimen_is_read_or_refused_with_a_remedy(specimen: Specimen) -> None:
    def look() -> None:
        if isinstance(specimen.text, bytes):
            view(read_packed(base64.b64encode(specimen.text).decode()))
        else:
            msgspec.json.encode(view(read_text(specimen.text)))

    if specimen.remedy is None:
        look()
        return
    with pytest.raises(BadInput) as caught:
        look()
    assert specimen.remedy in caught.value.message
    assert len(caught.value.message) < 400


@pytest.mark.parametrize("encoded", ["!", "AAA", "AA==AA==", "å", "AAAA" * 400_000])
def test_base64_that_is_none_or_too_long(encoded: str) -> None:
    with pytest.raises(BadInput) as caught:
        read_packed(encoded)
    assert caught.value.field == "base64"

"""Volumes in words, their small picture, and the read-back on its way."""

import json
import re
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from tests.formats.build import SQUARE, collection, feature, point, raw
from tests.formats.phrases import BOOK, LANGUAGES, bare, outside

from tansiq.domain.readback import Readback, differences, told
from tansiq.domain.volume import Circle, LatLng, Outline, Polygon
from tansiq.errors import BadInput
from tansiq.formats import outline_picture
from tansiq.formats.phrase_book import phrase_json, read_phrase
from tansiq.formats.plans import read_plan
from tansiq.formats.readbacks import read_readback, readback_json
from tansiq.formats.spelling import Setting
from tansiq.formats.spoken_place import read_place
from tansiq.formats.words import VOLUMES_SHOWN, Spoken, phrases_of, words

DAY = Setting(day=date(2026, 6, 1))
FEET = {"lower": 3_000, "upper": 4_500, "units": "FT"}


def spoken(*features: dict[str, Any], **changes: Any) -> Spoken:
    return replace(Spoken.of(read_plan(raw(collection(*features)))), **changes)


TOLD = {
    "en": [
        "Plan OSPREY-2: 1 volume.",
        "Circle around 38°30'00\"N 120°12'00\"W (MGRS 10S GH 4417 6500), radius 500 m.",
        "From 3000 ft AMSL to 4500 ft AMSL.",
        "That is 888 m W84 to 1348 m W84.",
        "From 1440Z to 1455Z.",
    ],
    "ar": [
        "الخطة OSPREY-2 تشمل حيّزاً واحداً.",
        "دائرة حول 38°30'00\"N 120°12'00\"W (MGRS 10S GH 4417 6500)، نصف قطرها 500 m.",
        "من 3000 ft AMSL إلى 4500 ft AMSL.",
        "أي من 888 m W84 إلى 1348 m W84.",
        "من الساعة 1440Z إلى الساعة 1455Z.",
    ],
    "he": [
        "התוכנית OSPREY-2: מרחב אחד.",
        "עיגול סביב 38°30'00\"N 120°12'00\"W (MGRS 10S GH 4417 6500), רדיוס 500 m.",
        "מגובה 3000 ft AMSL עד גובה 4500 ft AMSL.",
        "כלומר 888 m W84 עד 1348 m W84.",
        "מהשעה 1440Z עד השעה 1455Z.",
    ],
    "ru": [
        "План OSPREY-2: 1 объём.",
        "Круг с центром 38°30'00\"N 120°12'00\"W (MGRS 10S GH 4417 6500), радиус 500 m.",
        "От 3000 ft AMSL до 4500 ft AMSL.",
        "То есть от 888 m W84 до 1348 m W84.",
        "С 1440Z до 1455Z.",
    ],
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_circle_in_words(language: str) -> None:
    told_ = words(spoken(point(**FEET)), language, DAY)
    assert [bare(line) for line in told_] == TOLD[language]
    assert not any(re.search(r"\d", outside(line)) for line in told_)


def test_corners_in_words() -> None:
    lines = [bare(line) for line in words(spoken(feature(**FEET)), "en", DAY)]
    assert lines[1] == "Area with 4 corners:"
    assert lines[5] == "Corner 4: 38°36'00\"N 120°12'00\"W (MGRS 10S GH 4383 7610)."
    assert len(lines) == 9


def test_ground_in_words() -> None:
    low = feature(lower=0, upper=120, datum="AGL", ground_m=[99.5, 130.2], ground_datum="AMSL")
    lines = [bare(line) for line in words(spoken(low), "en", DAY)]
    assert "From 0 m AGL to 120 m AGL." in lines
    assert "Ground between 99 m AMSL and 131 m AMSL." in lines


def test_flight_levels_in_words() -> None:
    high = feature(lower=85, upper=95, units=None, datum="FL")
    assert "From FL085 to FL095." in [bare(line) for line in words(spoken(high), "en", DAY)]


def test_another_day_is_said() -> None:
    late = point(start="2026-06-01T23:50:00Z", end="2026-06-02T00:10:30.5Z")
    assert bare(words(spoken(late), "en", DAY)[-1]) == "From 2350Z to 02001031ZJUN26."


def test_a_no_go_area_is_named_by_its_place() -> None:
    area = spoken(point(), name="Green Valley", no_go=True)
    assert bare(words(area, "en")[0]) == "No-go area Green Valley: 1 volume."


def test_several_volumes_say_first_what_holds_them_all() -> None:
    lines = [bare(line) for line in words(spoken(feature(**FEET), point(**FEET)), "en", DAY)]
    assert lines[0] == "Plan OSPREY-2: 2 volumes."
    assert lines[1].startswith("All of it lies within a circle around 38°32'")
    assert lines[2:6] == [
        "Levels in all: from 3000 ft AMSL to 4500 ft AMSL.",
        "That is 888 m W84 to 1349 m W84.",
        "Times in all: from 1440Z to 1455Z.",
        "Volume 1 of 2.",
    ]
    assert "Volume 2 of 2." in lines


@pytest.mark.parametrize(("count", "more"), [(VOLUMES_SHOWN, False), (VOLUMES_SHOWN + 1, True)])
def test_volumes_are_told_up_to_a_number(count: int, more: bool) -> None:
    lines = [bare(line) for line in words(spoken(*[point()] * count), "en", DAY)]
    assert (lines[-1] == "Not read out: 1 volume.") == more
    assert lines.count("From 1440Z to 1455Z.") == VOLUMES_SHOWN


def test_many_corners_are_told_by_the_circle_around_them() -> None:
    ring = [[-120.2 + i / 100, 38.5] for i in range(12)] + [[-120.1, 38.6], [-120.2, 38.5]]
    wide = feature({"type": "Polygon", "coordinates": [ring]})
    lines = [bare(line) for line in words(spoken(wide), "en", DAY)]
    assert lines[1] == "Area with 13 corners; the picture shows it."
    assert lines[2].startswith("All of it lies within a circle around ")


@pytest.mark.parametrize(
    "features",
    [
        (point(),),
        (feature(),),
        (feature(**FEET), point(**FEET)),
        (feature(lower=85, upper=95, units=None, datum="FL"),),
        (point(lower=-8_000, upper=100_000, units="M", datum="W84"),),
        (feature(lower=0, upper=50, datum="AGL", ground_m=10, ground_datum="W84"),),
    ],
)
def test_what_is_told_are_phrases_of_the_book_and_no_read_back_of_them_differs(
    features: tuple[dict[str, Any], ...],
) -> None:
    it = spoken(*features)
    for phrase in phrases_of(it):
        assert BOOK.check(read_phrase(phrase_json(phrase))) == phrase
    notice = told(it.volumes, it.stated)
    for form in range(len(notice.lower)):
        said = Readback(
            points=notice.points,
            radius_m=notice.radius_m,
            lower=notice.lower[form],
            upper=notice.upper[form],
            start=notice.start,
            end=notice.end,
        )
        assert differences(read_readback(readback_json(said)), notice) == ()


def test_a_place_typed_from_the_words_is_the_place() -> None:
    """As a desk does it: degrees or grid off the sentence, into the field, against the notice."""
    it = spoken(point())
    notice = told(it.volumes, it.stated)
    (line,) = [bare(line) for line in words(it, "en") if "Circle" in line]
    degrees = re.search(r"around (.*) \(", line)
    grid = re.search(r"MGRS ([^)]*)\)", line)
    assert degrees is not None
    assert grid is not None
    for typed in (degrees[1], grid[1]):
        said = Readback(
            points=(read_place(typed),),
            radius_m=500,
            lower=notice.lower[0],
            upper=notice.upper[0],
            start=notice.start,
            end=notice.end,
        )
        assert differences(said, notice) == ()


def test_a_name_from_a_file_is_cut_to_what_fits() -> None:
    draft = read_plan(raw(feature(callsign=None)))
    long = replace(draft, source="x" * 100)
    assert len(Spoken.of(long).name) <= 60


# The read-back on its way

GOOD = {
    "points": ["38.5,-120.2"],
    "radius_m": 500,
    "lower": "3000 ft AMSL",
    "upper": "FL085",
    "start": "2026-06-01T14:40:00Z",
    "end": "2026-06-01T14:55:00Z",
}
BAD_READBACKS: list[tuple[dict[str, Any], str]] = [
    ({"points": None}, "points"),
    ({"points": []}, "points"),
    ({"points": "38.5,-120.2"}, "points"),
    ({"points": [[38.5, -120.2]]}, "points[0]"),
    ({"points": ["38.5 -120.2"]}, "points[0]"),
    ({"points": ["1,1"] * 13}, "points"),
    ({"points": ["1,1", "2,2"]}, "points"),
    ({"radius_m": None}, "points"),
    ({"radius_m": 1.5}, "radius_m"),
    ({"radius_m": "500"}, "radius_m"),
    ({"radius_m": True}, "radius_m"),
    ({"lower": None}, "lower"),
    ({"lower": 3_000}, "lower"),
    ({"lower": "3000 ft"}, "lower"),
    ({"upper": "FL85"}, "upper"),
    ({"start": "1440Z"}, "start"),
    ({"start": "2026-06-01T14:40:00+00:00"}, "start"),
    ({"end": "2026-06-31T14:40:00Z"}, "end"),
    ({"end": None}, "end"),
    ({"person": "x"}, "person"),
]


@pytest.mark.parametrize(
    ("changes", "field"), BAD_READBACKS, ids=[str(b[0]) for b in BAD_READBACKS]
)
def test_a_document_that_is_no_read_back_is_refused(changes: dict[str, Any], field: str) -> None:
    read_readback(json.dumps(GOOD).encode())
    document = {k: v for k, v in (GOOD | changes).items() if v is not None}
    with pytest.raises(BadInput) as caught:
        read_readback(json.dumps(document).encode())
    assert caught.value.field == field


@pytest.mark.parametrize("data", [b"", b"[]", b"5", b" " * 5_000, json.dumps(GOOD).encode()[:-1]])
def test_bytes_that_are_no_read_back_are_refused(data: bytes) -> None:
    with pytest.raises(BadInput):
        read_readback(data)


# Pictures


def test_a_picture_in_characters() -> None:
    square = Polygon(vertices=tuple(LatLng(lat, lng) for lng, lat in SQUARE[:-1]))
    rows = outline_picture.text([square], columns=16).splitlines()
    assert len(rows) == 8
    assert {len(row) for row in rows} == {16}
    # 8.7 km by 11.1 km: taller than wide, and full.
    assert [row.strip(".") for row in rows] == ["#" * 12] * 8


def test_north_is_up() -> None:
    triangle = Polygon(vertices=(LatLng(70, 20), LatLng(70, 21), LatLng(70.3, 20.5)))
    rows = outline_picture.text([triangle]).splitlines()
    widths = [width for row in rows if (width := row.count("#"))]
    assert widths == sorted(widths)
    assert 3 * widths[0] < widths[-1]


def test_a_corridor_thinner_than_a_character_is_seen_all_along() -> None:
    thin = Polygon(vertices=(LatLng(0, 0), LatLng(1, 1), LatLng(1, 1.0001)))
    assert all("#" in row for row in outline_picture.text([thin]).splitlines())


@pytest.mark.parametrize(
    "outline",
    [
        Circle(center=LatLng(90, 0), radius_m=5_000),
        Circle(center=LatLng(0, 180), radius_m=0.5),
        Circle(center=LatLng(0, 0), radius_m=1_000_000),
        Polygon(vertices=(LatLng(10, 179.9), LatLng(10, -179.9), LatLng(10.2, 180))),
        Polygon(vertices=(LatLng(89, 0), LatLng(89, 120), LatLng(89, -120))),
        Polygon(vertices=tuple(LatLng(i / 100_000, i % 2 / 1_000) for i in range(9_999))),
    ],
)
def test_pictures_stay_within_their_frame(outline: Outline) -> None:
    svg = outline_picture.svg([outline], "Outline, <north> up")
    assert "<north>" not in svg
    paths = re.findall(r'<path d="M([^"]*)Z"', svg)
    numbers = [float(n) for n in re.findall(r"-?\d+\.\d+", paths[0])]
    assert 0 <= min(numbers) < max(numbers) <= outline_picture.SIZE
    assert len(svg) < 60_000
    assert outline_picture.text([outline]).count("#") > 16


def test_a_picture_has_a_scale() -> None:
    svg = outline_picture.svg([Circle(center=LatLng(0, 0), radius_m=5_000)], "")
    assert ">2 km</text>" in svg


# Places that were typed

FULL = LatLng(35 + 21 / 60 + 14 / 3_600, 35 + 56 / 60 + 20 / 3_600)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("35°21'14\"N 035°56'20\"E", FULL),
        ("35°21′14″N 035°56′20″E", FULL),
        ("35 21 14 n, 35 56 20 e", FULL),
        ("352114N 0355620E", FULL),
        ("352114N0355620E", FULL),
        ("352114.0N 0355620.0E", FULL),
        ("35:21:14N 35:56:20E", FULL),
        ("35 21.5N 035 56.25E", LatLng(35 + 21.5 / 60, 35.9375)),
        ("3521.5S 03556.25W", LatLng(-35 - 21.5 / 60, -35.9375)),
        ("3521N 03556E", LatLng(35.35, 35 + 56 / 60)),
        ("35N 35E", LatLng(35, 35)),
        ("35.25N 35.5W", LatLng(35.25, -35.5)),
        ("-35.25, 35.5", LatLng(-35.25, 35.5)),
        ("35.25 35.5", LatLng(35.25, 35.5)),
        ("90S 180E", LatLng(-90, 180)),
    ],
)
def test_places_in_any_usual_form(text: str, place: LatLng) -> None:
    found = read_place(text)
    assert (found.lat_deg, found.lng_deg) == pytest.approx((place.lat_deg, place.lng_deg), abs=1e-9)


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "x", "35", "35N", "35E 35N", "N E", "35N 35", "35 60N 35E", "35 21 60N 35E",
        "35.5 21N 35E", "35 21.5 14N 35E", "35 21 14 5N 35E", "35a N 35E", "91N 5E", "5N 181E",
        "5N 5.5.5E", "1234567, 5", "36S YE 670 16", "36S YE 6705 162", "36S YE", "61S YE 6705 1625",
        "36I YE 6705 1625", "36S IE 6705 1625", "36S AA 6705 1625", "00S YE 6705 1625",
        "36S YW 6705 1625", "36S YV 6705 1625", "31X BP 0000 0000",
        "36C YE 6705 1625\n36S", "A DA 00000 00000", "Z AZ 00000 00000",
        "٣٥N 35E", "5N 5E" + " " * 60 + "x" * 60,
    ],
)  # fmt: skip
def test_what_is_no_place_is_refused(text: str) -> None:
    with pytest.raises(BadInput) as caught:
        read_place(text, "points[0]")
    assert caught.value.field == "points[0]"

"""What was read, on its way to a plan file: what it lacks, corridors, limits, forms and words."""

import itertools
import json
import math
import re
from pathlib import Path
from random import Random

import pytest
from pyproj import Geod
from shapely.geometry import Point, shape
from shapely.ops import unary_union
from tests.formats.pasted import (
    A_DEG,
    NOTAM,
    POINT,
    A,
    B,
    C,
    codes,
    geo,
    kml,
    mark,
    read,
    sheet,
    volume,
)

from tansiq.domain.volume import LatLng
from tansiq.errors import TooLarge
from tansiq.formats.coordinate_text import LINE_CHARS_MAX
from tansiq.formats.pasted import PLAIN_BYTES_MAX, read_text
from tansiq.formats.plans import read_plan
from tansiq.formats.understood import Kind
from tansiq.formats.understood_words import TEMPLATES

ROOT = Path(__file__).parents[2]
WORDS = ROOT / "console" / "src" / "words"
HOLDS = re.compile(r"\{(\w+)\}")

# What is missing for a plan file


@pytest.mark.parametrize(
    ("line", "lacks", "warned"),
    [
        ("900-1200 m AMSL", [], []),
        ("SFC-400FT AGL", ["ground_m"], ["read-ground-missing"]),
        ("SFC-FL085", ["one_datum", "ground_m"], ["read-datums-mixed", "read-ground-missing"]),
        ("1000 ft AMSL - 900 m AMSL", ["one_datum"], ["read-datums-mixed"]),
        ("1000 ft AMSL - 1500 ft", ["datum"], ["read-datum-missing"]),
        ("1000-1500 ft", ["datum"], ["read-datum-missing"] * 2),
        ("SFC-UNL", ["upper", "ground_m"], ["read-unlimited", "read-ground-missing"]),
    ],
)
def test_levels_that_a_plan_cannot_hold_are_said(
    line: str, lacks: list[str], warned: list[str]
) -> None:
    text = f"33.5 36.2 radius 500 m\n{line}\nstart 2026-12-01T10:00:00Z end 2026-12-01T11:00:00Z"
    assert volume(text)["lacks"] == lacks
    assert codes(text) == warned
    (feature,) = volume(text)["features"]
    held = {"lower", "upper", "units", "datum"} & set(feature["properties"])
    assert bool(held) == (not {"datum", "one_datum"} & set(lacks))


def test_features_of_what_is_complete_are_a_plan() -> None:
    text = "33.5 36.2; 33.6 36.3; 33.6 36.5\nwidth 1 NM\nFL085-FL120\n"
    text += "start 2026-12-01T10:00:00Z end 2026-12-01T11:00:00Z"
    features = [f for v in read(text)["volumes"] for f in v["features"]]
    draft = read_plan(json.dumps({"type": "FeatureCollection", "features": features}).encode())
    assert len(draft.volumes) == 2
    assert str(draft.stated[0]) == "FL085-FL120"


def test_a_corridor_holds_all_within_its_half_width() -> None:
    """Held against geodesics of PROJ: touched from inside on both sides, and never by much more."""
    random, earth = Random(7), Geod(ellps="WGS84")
    for _ in range(20):
        lat, lng, half_m = random.uniform(-60, 60), random.uniform(-170, 170), 1_852.0
        places = [(lat, lng)]
        for _ in range(3):
            lng2, lat2, _ = earth.fwd(
                places[-1][1], places[-1][0], random.uniform(0, 360), random.uniform(3e3, 60e3)
            )
            places.append((lat2, lng2))
        text = "\n".join(f"{a:.9f} {b:.9f}" for a, b in places) + "\n1 NM either side"
        areas = unary_union([shape(f["geometry"]) for f in volume(text)["features"]])
        for (lat1, lng1), (lat2, lng2) in itertools.pairwise(places):
            azimuth, _, length_m = earth.inv(lng1, lat1, lng2, lat2)
            for part in (0.0, 0.37, 1.0):
                lng0, lat0, _ = earth.fwd(lng1, lat1, azimuth, part * length_m)
                away, _, _ = earth.inv(lng0, lat0, lng2 + 1e-7, lat2)
                sideways = (azimuth if part in (0.0, 1.0) else away) + 90
                for side in (sideways, sideways + 180):
                    x, y, _ = earth.fwd(lng0, lat0, side, half_m * 0.9999)
                    assert areas.buffer(2e-6).contains(Point(x, y))
        lng0, lat0, _ = earth.fwd(
            places[0][1], places[0][0], azimuth_of(earth, places) + 180, 2_100
        )
        assert not shape(volume(text)["features"][0]["geometry"]).contains(Point(lng0, lat0))


def azimuth_of(earth: Geod, places: list[tuple[float, float]]) -> float:
    (lat1, lng1), (lat2, lng2) = places[:2]
    azimuth: float = earth.inv(lng1, lat1, lng2, lat2)[0]
    return azimuth


def test_limits_of_legs_and_vertices() -> None:
    line = "\n".join(f"{10 + i / 100:.2f} 36" for i in range(1_001))
    assert len(volume(f"{line}\nwidth 1 km")["features"]) == 1_000
    with pytest.raises(TooLarge):
        read_text(f"{line}\n30 36\nwidth 1 km")
    turns = [math.pi * i / 5_000 for i in range(10_000)]
    ring = [(33 + math.cos(turn), 36 + math.sin(turn)) for turn in turns]
    text = "\n".join(f"{a:.7f} {b:.7f}" for a, b in ring)
    assert len(volume(text)["outline"]["polygon"]) == 10_000
    with pytest.raises(TooLarge):
        read_text(f"{text}\n33.5 37.5")
    circles = "\n".join("33 36 radius 1 km" for _ in range(1_000))
    assert len(read(circles)["volumes"]) == 1_000
    with pytest.raises(TooLarge):
        read_text(f"{circles}\n33 36 radius 1 km")


def test_a_text_of_a_megabyte_is_read_and_of_one_byte_more_is_not() -> None:
    text = geo({"type": "Point", "coordinates": [36.2, 33.5]})
    assert volume(text + " " * (1_000_000 - len(text)))
    with pytest.raises(TooLarge):
        read_text(text + " " * (1_000_001 - len(text)))


# Which form it is, and in which words


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (NOTAM, Kind.AERONAUTICAL),
        (f"PSN {A}", Kind.AERONAUTICAL),
        (f"E) TEMPO AREA {A} {B} {C} F) SFC G) UNL", Kind.AERONAUTICAL),
        ("within 5 km of 33.5N 36.2E", Kind.COORDINATES),
        ("A) 33.5 36.2\nB) 33.6 36.2\nC) 33.6 36.3\nE) 33.5 36.3", Kind.COORDINATES),
        ("\ufeff \n{" + json.dumps(POINT)[1:], Kind.GEOJSON),
        ("\ufeff\n" + kml(mark(sheet())).partition("?>")[2], Kind.KML),
    ],
)
def test_the_form_is_found_by_content(text: str, kind: Kind) -> None:
    assert read_text(text).kind is kind
    assert read(text, kind)["kind"] == kind


@pytest.mark.parametrize("language", ["en", "ar", "he", "ru"])
def test_the_console_has_each_sentence_in_each_language(language: str) -> None:
    path = WORDS / language / "reading.json"
    words = json.loads(path.read_text(encoding="utf-8"))
    assert list(words) == sorted(TEMPLATES)
    for code, template in TEMPLATES.items():
        assert set(HOLDS.findall(words[code])) == set(HOLDS.findall(template)), code
        assert not re.search(r"[{}]", HOLDS.sub("", words[code])), code
    if language == "en":
        assert words == TEMPLATES
    else:
        assert not [code for code in words if words[code] == TEMPLATES[code]]


def test_a_place_is_kept_to_its_last_figure() -> None:
    found = volume(f"{A} radius 1 km")["outline"]["circle"]
    assert LatLng(found["lat"], found["lng"]) == LatLng(*A_DEG)


def test_plain_text_has_a_limit_below_that_of_documents() -> None:
    place = "33 36 radius 5 km\n"
    assert volume(place + "\n" * (PLAIN_BYTES_MAX - len(place)))
    notice = f"WI 5NM RADIUS OF {A}"
    assert volume(notice + "\n" * (PLAIN_BYTES_MAX - len(notice)))
    for text in (place, notice):
        for kind in (None, Kind.COORDINATES, Kind.AERONAUTICAL):
            with pytest.raises(TooLarge, match="split it"):
                read_text(text + "\n" * (PLAIN_BYTES_MAX - len(text) + 1), kind)
    assert volume(geo(POINT) + "\n" * PLAIN_BYTES_MAX)


def test_a_line_of_coordinates_has_a_limit() -> None:
    line = "33 36 radius 5 km"
    assert volume(f"{line}{';' * (LINE_CHARS_MAX - len(line))}")
    with pytest.raises(TooLarge, match="one place a line") as caught:
        read_text(f"\n{line}{';' * (LINE_CHARS_MAX - len(line) + 1)}")
    assert caught.value.field == "line 2"

"""Coordinates as people type them become volumes, with nothing in them that was not said."""

from typing import Any

import pytest
from tests.formats.pasted import (
    SFC,
    codes,
    level,
    read,
    volume,
)

from tansiq.errors import BadInput
from tansiq.formats import pasted_document
from tansiq.formats.pasted import completed, read_text

# Coordinates


def test_a_place_with_a_radius_is_a_circle_and_the_rest_is_open() -> None:
    found = volume("33.5102 36.2913\nradius 5 km")
    assert found["outline"] == {"circle": {"lat": 33.5102, "lng": 36.2913, "radius_m": 5000.0}}
    assert [found[name] for name in ("lower", "upper", "ground", "start", "end")] == [None] * 5
    assert found["lacks"] == ["start", "end", "lower", "upper"]
    assert found["name"] == ""


@pytest.mark.parametrize(
    ("size", "radius_m"),
    [
        ("radius 5 km", 5_000.0),
        ("radius: 5km", 5_000.0),
        ("Radius of 5 NM", 9_260.0),
        ("r=3000 m", 3_000.0),
        ("R 0.5nm", 926.0),
        ("5 NM radius", 9_260.0),
        ("radius 1000 ft", 304.8),
        ("radius 2,5 km", 2_500.0),
        ("radius 1.852 km", 1_852.0),
        ("radius 0.500 m", 0.5),
        ("radius 1.5000 m", 1.5),
        ("radius 1500.125 m", 1_500.125),
        ("radius 2 nautical miles", 3_704.0),
    ],
)
def test_units_of_a_radius(size: str, radius_m: float) -> None:
    for text in (f"33.5 36.2 {size}", f"{size}\n33.5 36.2", f"33.5N 036.2E, {size}"):
        assert volume(text)["outline"]["circle"]["radius_m"] == pytest.approx(radius_m)


def test_a_place_alone_is_a_circle_that_lacks_its_radius() -> None:
    found = volume("36S YE 6705 1625")
    assert found["outline"]["circle"]["radius_m"] is None
    assert found["lacks"][0] == "radius_m"
    assert found["features"] == []
    reading = completed(read_text("36S YE 6705 1625"), radius_m=750.0)
    (feature,) = pasted_document.features(reading.volumes[0])
    assert feature["properties"] == {"radius_m": 750.0}


def test_three_places_are_an_area_whether_it_is_closed_or_not() -> None:
    lines = ["33.5 36.2", "33.6 36.2", "33.6 36.3"]
    for text in ("\n".join(lines), "\n".join([*lines, lines[0]]), "; ".join(lines)):
        assert volume(text)["outline"] == {"polygon": [[33.5, 36.2], [33.6, 36.2], [33.6, 36.3]]}


def test_labels_before_places_do_not_count() -> None:
    for labels in ("1. 2. 3.", "A) B) C)", "a: b: c:", "WP1: WP2: WP3:", "P1) P2) P3)"):
        places = ("33.5 36.2", "33.6 36.2", "33.6 36.3")
        text = "\n".join(f"{la} {p}" for la, p in zip(labels.split(), places, strict=True))
        assert len(volume(text)["outline"]["polygon"]) == 3, text


def test_two_places_are_a_line_that_lacks_its_width() -> None:
    found = volume("33.5 36.2\n33.6 36.3")
    assert found["outline"]["corridor"] == {
        "points": [[33.5, 36.2], [33.6, 36.3]],
        "half_width_m": None,
    }
    assert found["lacks"][0] == "half_width_m"
    assert found["features"] == []


@pytest.mark.parametrize(
    ("size", "half_m", "warned"),
    [
        ("corridor 2 km", 1_000.0, ["read-width-whole"]),
        ("width 1 NM", 926.0, []),
        ("2 km wide", 1_000.0, []),
        ("2 km either side", 2_000.0, []),
        ("half-width 2 km", 2_000.0, []),
        ("1 NM each side of", 1_852.0, []),
    ],
)
def test_a_width_makes_a_corridor(size: str, half_m: float, warned: list[str]) -> None:
    text = f"33.5 36.2\n33.6 36.3\n33.6 36.5\n{size}"
    found = volume(text)
    assert found["outline"]["corridor"]["half_width_m"] == pytest.approx(half_m)
    assert len(found["outline"]["corridor"]["points"]) == 3
    assert len(found["features"]) == 2
    assert codes(text) == warned


def test_levels_and_times_of_a_typed_volume() -> None:
    text = "33.5 36.2 radius 500 m\n900-1200 m AMSL\n"
    text += "start 2026-12-01T10:00:00Z\nend 2026-12-01T12:00:00+01:00"
    found = volume(text)
    assert (found["lower"], found["upper"]) == (level(900, "M", "AMSL"), level(1200, "M", "AMSL"))
    assert (found["start"], found["end"]) == ("2026-12-01T10:00:00Z", "2026-12-01T11:00:00Z")
    assert found["lacks"] == []


@pytest.mark.parametrize(
    ("line", "lower", "upper"),
    [
        ("SFC-400FT AGL", SFC, level(400, "FT", "AGL")),
        ("GND to FL 85", SFC, level(85, "FL", "FL")),
        ("FL085/FL120", level(85, "FL", "FL"), level(120, "FL", "FL")),
        ("1000FT MSL - 900 m AMSL", level(1000, "FT", "AMSL"), level(900, "M", "AMSL")),
        ("between 500 ft above ground and 1500 ft above ground", level(500, "FT", "AGL"),
         level(1500, "FT", "AGL")),
        ("900-1200 m W84", level(900, "M", "W84"), level(1200, "M", "W84")),
        ("lower 900 m AMSL", level(900, "M", "AMSL"), None),
        ("upper limit: FL095", None, level(95, "FL", "FL")),
        ("SFC-1500FT STD", SFC, level(15, "FL", "FL")),
        ("100-200 ft", level(100, "FT", None), level(200, "FT", None)),
        ("SFC-UNL", SFC, None),
    ],
)  # fmt: skip
def test_bands_of_levels(line: str, lower: Any, upper: Any) -> None:
    found = volume(f"33.5 36.2 radius 500 m\n{line}")
    assert (found["lower"], found["upper"]) == (lower, upper)


def test_a_blank_line_begins_the_next_volume_once_one_is_complete() -> None:
    text = (
        "33.5 36.2 radius 5 km\nSFC-400FT AGL\n\n34.5 36.2 radius 1 km\n\n35 36\n\n35 37\n\n36 37"
    )
    found = read(text)["volumes"]
    assert [next(iter(v["outline"])) for v in found] == ["circle", "circle", "polygon"]
    assert [v["upper"] is None for v in found] == [False, True, True]


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("33.5 36.2 radius 5", "'radius' without a number and its unit"),
        ("33.5 36.2 corridor 5", "'corridor' without a number and its unit"),
        ("33.5 36.2 radius 5,000 m", "could be 5000 or 5.000"),
        ("33.5 36.2 radius 0 m", "not above 0"),
        ("33.5 36.2 radius 1001 km", "at most 1000000"),
        ("33.5 36.2 5 km", "'km' in"),
        ("33.5 36.2 1200", "'33' in"),
        ("lat 33.5 lng 36.2", "'lat' in"),
        ("33 30 36 36 17 29", "not understood"),
        ("-33.5N 36.2E", "leave the sign out"),
        ("33.5 36.2\n33.6 36.3\n33.7 36.3\nradius 5 km", "a radius goes with one place"),
        ("33.5 36.2\nwidth 5 km", "two places or more"),
        ("33.5 36.2\n33.6 36.3\nwidth 0 km", "is not above 0"),
        ("33.5 36.2 radius 5 km\nradius 6 km", "a radius goes with one place"),
        ("33.5 36.2\nradius 5 km\nradius 6 km", "a second radius"),
        ("0 0\n1 1\n0 1\n1 0", "cross"),
        ("33.5 36.2 radius 5 km\n1200-900 m AMSL", "above the upper level"),
        ("33.5 36.2 radius 5 km\nUNL-900 m AMSL", "not unlimited"),
        ("33.5 36.2\nstart 2026-12-01T10:00:00", "no zone"),
        ("33.5 36.2\nstart 2026-12-01T10:00:01Z end 2026-12-01T10:00:00Z", "before it starts"),
        ("33.5 36.2 radius 1.500 m", "could be 1500 or 1.500"),
        ("33.5 36.2 radius 500 m\nSFC-12.500 ft AMSL", "could be 12500 or 12.500"),
        ("33.5 36.2 radius 500 m\n1,000-2000 ft AMSL", "not understood"),
        ("S: 33.5 70.3 radius 5 km", "'S' in"),
        # Unread, it would be missing: the width even makes another shape.
        ("1 1\n2 1\n2 2\n\nwidth 1 NM", "width without a place, behind a blank line"),
        ("1 1\n2 1\n2 2\n\nSFC-400FT AGL", "band of levels without a place"),
        ("1 1 radius 5 km\n\nend 2026-12-01T10:00:00Z", "end without a place"),
        ("radius 5 km", "here are 0"),
        ("hello", "not understood"),
        ("", "is empty"),
        (" \n\t\n", "is empty"),
    ],
)
def test_what_is_not_understood_or_understood_twice_is_refused(text: str, remedy: str) -> None:
    with pytest.raises(BadInput, match=remedy) as caught:
        read_text(text)
    assert caught.value.field


def test_errors_of_lines_say_which() -> None:
    with pytest.raises(BadInput) as caught:
        read_text("33.5 36.2\n33.6 36.2\n33.6 360")
    assert caught.value.field == "line 3"


def test_nobody_is_told_of_times_or_levels_that_touch() -> None:
    same = "33.5 36.2 radius 5 km\n900-900 m AMSL\n"
    same += "start 2026-12-01T10:00:00Z end 2026-12-01T10:00:00Z"
    assert volume(same)["lacks"] == []

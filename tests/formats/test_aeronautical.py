"""NOTAMs and their sentences become volumes, or are refused where they would become others."""

import math
import re
from random import Random

import pytest
from tests.formats.pasted import (
    A_DEG,
    NOTAM,
    A,
    B,
    C,
    D,
    codes,
    level,
    read,
    volume,
)

from tansiq.errors import BadInput
from tansiq.formats.pasted import read_text
from tansiq.formats.understood import Kind

# Aeronautical text

E, F = "332036N0362729E", "332036N0361729E"
"""Below ``D`` and below ``A``."""


def test_a_notice_with_all_its_items() -> None:
    found = volume(NOTAM)
    assert found["outline"]["circle"]["radius_m"] == 5556.0
    assert (found["outline"]["circle"]["lat"], found["outline"]["circle"]["lng"]) == A_DEG
    assert found["lower"] == level(1000, "FT", "AMSL")
    assert found["upper"] == level(3500, "FT", "AMSL")
    assert (found["start"], found["end"]) == ("2026-11-28T14:00:00Z", "2026-11-28T18:00:00Z")
    assert (found["name"], found["lacks"]) == ("A1234/26", [])
    assert codes(NOTAM) == ["read-q-circle-skipped"]


def test_the_circle_of_q_counts_only_where_e_names_no_place() -> None:
    text = NOTAM.replace(f"WI 3NM RADIUS OF PSN {A}", "AROUND THE FIRE")
    circle = volume(text)["outline"]["circle"]
    assert circle == {"lat": 33.5, "lng": pytest.approx(36 + 17 / 60), "radius_m": 9260.0}
    assert codes(text) == ["read-q-circle-used"]


def test_levels_of_q_count_only_without_f_and_g() -> None:
    text = NOTAM.partition("F)")[0] + ")"
    found = volume(text)
    assert (found["lower"], found["upper"]) == (None, level(85, "FL", "FL"))
    assert "read-q-levels" in codes(text)
    found = volume(text.replace("000/085", "020/999"))
    assert (found["lower"], found["upper"]) == (level(20, "FL", "FL"), None)


@pytest.mark.parametrize(
    ("old", "new", "start", "end", "code"),
    [
        ("C) 2611281800", "C) 2611281800 EST", True, True, "read-estimated"),
        ("C) 2611281800", "C) PERM", True, False, "read-permanent"),
        ("B) 2611281400", "B) WIE", False, True, "read-immediate"),
        ("C) 2611281800", "C) 2611281800 D) DAILY 1400-1500", False, False, "read-schedule"),
        ("C) 2611281800", "C) 2611281800 D) H24", True, True, ""),
    ],
)
def test_times_that_are_open_or_a_schedule(
    old: str, new: str, start: bool, end: bool, code: str
) -> None:
    text = NOTAM.replace(old, new)
    found = volume(text)
    assert (found["start"] is not None, found["end"] is not None) == (start, end)
    assert [c for c in codes(text) if c != "read-q-circle-skipped"] == [code] * bool(code)


@pytest.mark.parametrize(
    ("text", "kind", "count"),
    [
        (f"AREA BOUNDED BY {A} - {B} - {C} - {A}", "polygon", 3),
        (f"AREA BOUNDED BY {A}-{B}-{C}-{D}-{A}", "polygon", 4),
        (f"BOUNDED BY LINES JOINING {A} TO {B} TO {C} THENCE TO POINT OF ORIGIN {A}", "polygon", 3),
        (f"LATERAL LIMITS: {A}, {B}, {C}", "polygon", 3),
        (f"WI AREA {A} {B} {C}", "polygon", 3),
        (f"WI 2NM EITHER SIDE OF LINE {A} - {B} - {C}", "corridor", 3),
        (f"ROUTE {A} DCT {B} 2NM EITHER SIDE", "corridor", 2),
    ],
)
def test_areas_and_corridors_in_words(text: str, kind: str, count: int) -> None:
    outline = volume(text)["outline"]
    points = outline[kind] if kind == "polygon" else outline[kind]["points"]
    assert len(points) == count
    assert tuple(points[0]) == A_DEG
    if kind == "corridor":
        assert outline[kind]["half_width_m"] == 3704.0
    assert codes(text) == []


@pytest.mark.parametrize(
    "text",
    [
        f"WI 5NM RADIUS OF {A}",
        f"WITHIN 5NM OF {A}",
        f"WI A RADIUS OF 5NM CENTRED ON PSN {A}",
        f"CIRCLE RADIUS 5 NM CENTERED AT {A}",
        f"5NM RADIUS CENTRED ON {A}",
        f"PSN {A} RADIUS 5NM",
        f"PSN {A} WI 5NM RADIUS",
        f"PSN {A}, RADIUS: 9.26KM",
    ],
)
def test_circles_in_words(text: str) -> None:
    circle = volume(text, Kind.AERONAUTICAL)["outline"]["circle"]
    assert (circle["lat"], circle["lng"]) == A_DEG
    assert circle["radius_m"] == pytest.approx(9260.0)


@pytest.mark.parametrize(
    "text",
    [
        f"WI 5NM RADIUS OF {A} AND 3NM RADIUS OF {B}",
        f"PSN {A} RADIUS 5NM, PSN {B} RADIUS 3NM",
        f"PSN {A} 5NM RADIUS AND PSN {B} 3NM RADIUS",
        f"RADIUS 5NM CENTRED ON {A} AND RADIUS 3NM CENTRED ON {B}",
    ],
)
def test_each_circle_has_its_own_radius(text: str) -> None:
    found = [v["outline"]["circle"]["radius_m"] for v in read(text, Kind.AERONAUTICAL)["volumes"]]
    assert found == [9260.0, 5556.0]


def test_an_area_without_a_word_for_it_is_said_to_be_taken() -> None:
    assert codes(f"PSN {A} - {B} - {C}") == ["read-area-taken"]
    assert codes(f"PSN {A} - {B} - {C} - {A}") == []


def test_several_notices_keep_apart() -> None:
    other = (
        NOTAM.replace("A1234", "B0001").replace("2611281400", "2611281500").replace("3NM", "1NM")
    )
    first, second = read(f"{NOTAM}\n{other}")["volumes"]
    assert (first["name"], second["name"]) == ("A1234/26", "B0001/26")
    assert (first["start"], second["start"]) == ("2026-11-28T14:00:00Z", "2026-11-28T15:00:00Z")
    assert second["outline"]["circle"]["radius_m"] == 1852.0


def test_of_two_notices_without_a_head_each_keeps_its_own() -> None:
    bare = NOTAM.partition("\n")[2].rstrip(")")
    assert len(read(f"{bare}\n{bare}")["volumes"]) == 2


def test_what_is_excluded_is_not_drawn_as_a_volume() -> None:
    text = f"AREA BOUNDED BY {A} - {B} - {C} EXCLUDING WI 1NM RADIUS OF {D}"
    assert len(read(text)["volumes"]) == 1
    assert codes(text) == ["read-excluded"]


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        (f"AREA BOUNDED BY {A} - {B} THEN CLOCKWISE ARC RADIUS 5NM CENTRED ON {C} TO {A}",
         "no straight line"),
        (f"AREA BOUNDED BY {A} - {B} - {C} THEN ALONG THE COAST TO POINT OF ORIGIN",
         "no straight line"),
        (f"AREA BOUNDED BY {A} - {B} - 334036N036272", "part of a place"),
        (f"AREA BOUNDED BY {A} - {B} - 334036N0362729", "part of a place"),
        (f"AREA BOUNDED BY {A} - {B} - {C} - 33403N0362729E", "more than one way"),
        (f"WI 5NM RADIUS OF {A} - {B}", "give each place its radius"),
        (f"RADIUS 5NM PSN {A} RADIUS 3NM", "two sizes"),
        (f"ROUTE {A} - {B} - {C}", "without a width"),
        ("PSN 336036N0361729E", "minutes are below 60"),
        ("PSN UNKNOWN", "names no place"),
        (NOTAM.replace("B) 2611281400", "B) 2611282400"), "no existing time"),
        (NOTAM.replace("B) 2611281400", "B) 261128140"), "ten figures"),
        (NOTAM.replace("B) 2611281400", "B) 2611281400 EST"), "ten figures"),
        # A radius of 999 is all of the region.
        (NOTAM.replace(f"WI 3NM RADIUS OF PSN {A}", "ALL").replace("17E005", "17E999"),
         "names no place"),
        (NOTAM.replace("B) 2611281400", "B) 2611281801"), "before B"),
        (NOTAM.replace("F) 1000FT", "F) 1000"), "is no level"),
        (NOTAM.replace("F) 1000FT AMSL", "F) UNL"), "not unlimited"),
        (NOTAM.replace("F) 1000FT", "F) 3501FT"), "above the upper level"),
        (NOTAM.replace("G) 3500FT AMSL", "G) 3500FT AMSL G) FL100"), "stands twice"),
        (NOTAM.replace("LTTT/QRTCA", "LTTT-QRTCA"), "no Q) line"),
        (NOTAM.replace("NOTAMN", "NOTAMC"), "nothing to draw"),
        # The edge is a line that only a map has.
        (f"AREA BOUNDED BY {A} - {B} - {C} THEN FIR BOUNDARY TO {D} - {A}", "no straight line"),
        (f"AREA BOUNDED BY {A} - {B} - {C} - {D} THEN FIR BDRY TO ORIGIN", "no straight line"),
        # Two areas of these corners leave out what lies between them.
        (f"AREA BOUNDED BY {A} - {B} - {C} (NEW TOWN) - {D} - {E} - {F}", "'(NEW TOWN) -' between"),
        (f"AREA BOUNDED BY {A} - {B} - {C} (EXC MEDEVAC) - {D} - {E} - {F}", "between corners"),
        (f"E) FIRE FIGHTING {A} - {B} - {C} (NEW TOWN) - {D} - {E} - {F}", "between corners"),
        (f"AREA BOUNDED BY {A} VIA {B} - {C} - {D}", "'VIA' between corners"),
        # Corners in other notations, one of which would be left out.
        (f"AREA BOUNDED BY 33.51N-36.29E - {B} - {C} - {D}", "'33.51N' looks like part"),
        (f"AREA BOUNDED BY 33-30-36N 036-17-29E - {B} - {C} - {D}", "looks like part of a place"),
        (f"AREA BOUNDED BY 33.30.36N 036.17.29E - {B} - {C} - {D}", "looks like part of a place"),
        (f"AREA BOUNDED BY N33-30-36 E036-17-29 - {B} - {C} - {D}", "looks like part of a place"),
        (f"AREA BOUNDED BY 33°30'36.N 036°17'29.E - {B} - {C} - {D}", "looks like part of a place"),
        (f"AREA BOUNDED BY 33-30N 36E - {B} - {C} - {D}", "a dash between degrees"),
        ("PSN -33.51N 036.29E RADIUS 5NM", "a sign and a letter"),
        # Sizes that are more than what stands before the unit.
        (f"WI 1 500 M RADIUS OF {A}", "no blank between thousands"),
        (f"WI 1 500 M EITHER SIDE OF {A} - {B}", "no blank between thousands"),
        (f"WI 1.500 M RADIUS OF {A}", "could be 1500 or 1.500"),
        (f"WI 5NM RADIUS OF {A} SFC-3.500FT AMSL", "could be 3500 or 3.500"),
        (NOTAM.replace("G) 3500FT", "G) 10.000FT"), "could be 10000 or 10.000"),
        # A corridor that would be the area between its places.
        (f"WI AREA {A} - {B} - {C} 5 MILES EITHER SIDE", "a width that is not understood"),
        (f"WI 5KM WIDE STRIP {A} - {B} - {C}", "a width that is not understood"),
        # The places of the second would get the times of the first.
        (f"B) 2611281400 C) PERM E) WI 5NM OF {A} B) 2611291400 C) PERM E) WI 3NM OF {B}",
         "begins another notice"),
        (f"{NOTAM.rstrip(')')} Q) LTTT/QRTCA/IV/BO/W/000/085 E) WI 3NM OF {B}", "another notice"),
    ],
)  # fmt: skip
def test_aeronautical_text_that_would_be_another_area(text: str, remedy: str) -> None:
    with pytest.raises(BadInput, match=re.escape(remedy)) as caught:
        read_text(text)
    assert caught.value.field


def test_only_an_area_is_excluded_from_an_area() -> None:
    for words in ("EXC STATE ACFT", "EXCEPT MEDEVAC AND FIRE FIGHTING"):
        text = f"FLT PROHIBITED WI 5NM RADIUS OF {A} {words}. ALSO WI 3NM RADIUS OF {B}"
        assert [v["outline"]["circle"]["radius_m"] for v in read(text)["volumes"]] == [9260, 5556]
        # The circle of Q) is no stand-in for one that was left out.
        inside = NOTAM.replace("WI 3NM", f"{words} WI 3NM")
        assert volume(inside)["outline"]["circle"]["radius_m"] == 5556.0
        assert codes(inside) == ["read-excluded", "read-q-circle-skipped"]


@pytest.mark.parametrize(
    "between",
    [". ", " AND AREA BOUNDED BY ", " SECTOR 2: ", " 2) ", " AND POLYGON "],
)
def test_areas_are_told_apart_by_words_that_begin_one(between: str) -> None:
    text = f"AREA BOUNDED BY {A} - {B} - {C}{between}{D} - {E} - {F}"
    found = [v["outline"]["polygon"] for v in read(text)["volumes"]]
    assert [len(each) for each in found] == [3, 3]


def test_levels_behind_a_comma_between_thousands_are_not_those_behind_the_comma() -> None:
    for text in ("1,000-2000 FT AMSL", "1,000FT AMSL-2000FT AMSL"):
        try:
            lower = volume(f"WI 5NM RADIUS OF {A} {text}")["lower"]
        except BadInput as error:
            assert "could be 1000" in error.message  # noqa: PT017 - The other way out is as good.
        else:
            assert lower is None


def test_equal_limits_and_times_touch() -> None:
    text = NOTAM.replace("F) 1000FT", "F) 3500FT").replace("B) 2611281400", "B) 2611281800")
    assert volume(text)["lacks"] == []


def test_random_areas_of_notices_are_read_back() -> None:
    random = Random(20261129)
    for _ in range(60):
        count = random.randint(3, 40)
        corners = []
        for i in range(count):
            turn = 2 * math.pi * i / count
            away = random.uniform(0.2, 0.4)
            lat = round((33.5 + away * math.sin(turn)) * 3600)
            lng = round((36.5 + away * math.cos(turn)) * 3600)
            corners.append((lat, lng))
        written = [
            f"{la // 3600:02}{la % 3600 // 60:02}{la % 60:02}N"
            f"{ln // 3600:03}{ln % 3600 // 60:02}{ln % 60:02}E"
            for la, ln in corners
        ]
        text = "AREA BOUNDED BY " + random.choice((" - ", "-", " TO ")).join([*written, written[0]])
        wrapped = re.sub(r"(.{60,70}?) ", r"\1\n", text)
        found = volume(wrapped)["outline"]["polygon"]
        assert [[round(a * 3600), round(b * 3600)] for a, b in found] == [list(c) for c in corners]

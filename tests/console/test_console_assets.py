"""What the console shows without a network: base map, place names in four languages, fonts."""

import itertools
import json
import re
import sys
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fontTools.ttLib import TTFont
from hypothesis import given
from hypothesis import strategies as st

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "console" / "public" / "data"
FONTS = ROOT / "console" / "src" / "fonts"
sys.path.insert(0, str(ROOT / "scripts"))

import console_borders  # noqa: E402
import console_cut  # noqa: E402
import console_places  # noqa: E402
import console_world  # noqa: E402

SCRIPTS = {
    "ar": re.compile(r"[\u0621-\u064a\u0651]+([ -][\u0621-\u064a\u0651]+)*"),
    "he": re.compile(r"[\u05d0-\u05ea\u05f3]+([ -][\u05d0-\u05ea\u05f3]+)*"),
    "ru": re.compile(r"[А-ЯЁа-яё]+([ -][А-ЯЁа-яё]+)*"),
}
TWO_CELLS = {
    "Damascus": (33.51, 36.29),
    "Daraa": (32.62, 36.10),
    "Quneitra": (33.13, 35.83),
    "Al-Bukamal": (34.45, 40.92),
}


@pytest.fixture(scope="module")
def world() -> dict[str, Any]:
    return json.loads((DATA / "world.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def places() -> dict[str, Any]:
    return json.loads((DATA / "places.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def arcs(world: dict[str, Any]) -> list[list[tuple[float, float]]]:
    scale, move = world["transform"]["scale"], world["transform"]["translate"]
    lines = []
    for arc in world["arcs"]:
        x = y = 0
        line = []
        for dx, dy in arc:
            x, y = x + dx, y + dy
            line.append((x * scale[0] + move[0], y * scale[1] + move[1]))
        lines.append(line)
    return lines


def flat(indices: Any) -> Iterator[int]:
    if isinstance(indices, int):
        yield indices
    else:
        for inner in indices:
            yield from flat(inner)


def test_sizes_of_what_is_in_the_package() -> None:
    assert (DATA / "world.json").stat().st_size <= 800_000
    assert (DATA / "places.json").stat().st_size <= 150_000
    assert sum(file.stat().st_size for file in FONTS.glob("*.woff2")) <= 250_000


# The base map


def test_every_object_is_there_and_no_arc_is_missing_or_idle(world: dict[str, Any]) -> None:
    objects = world["objects"]
    assert sorted(objects) == ["borders", "coast", "disputed", "lakes", "land", "rivers"]
    used = {i if i >= 0 else ~i for o in objects.values() for i in flat(o["arcs"])}
    assert used == set(range(len(world["arcs"])))
    assert all(len(arc) >= 2 for arc in world["arcs"])


def test_every_point_is_on_the_earth(arcs: list[list[tuple[float, float]]]) -> None:
    for lng, lat in itertools.chain.from_iterable(arcs):
        assert -180.0 <= lng <= 180.001
        assert -90.001 <= lat <= 84.0


def test_outlines_are_closed_and_no_line_runs_across_the_world(
    world: dict[str, Any], arcs: list[list[tuple[float, float]]]
) -> None:
    for name in ("land", "lakes"):
        for ring in itertools.chain.from_iterable(world["objects"][name]["arcs"]):
            points = joined(ring, arcs)
            assert points[0] == points[-1], name
            assert len(set(points)) >= 3
    for name in ("coast", "borders", "disputed", "rivers"):
        for line in world["objects"][name]["arcs"]:
            points = joined(line, arcs)
            longest = max(abs(a[0] - b[0]) for a, b in itertools.pairwise(points))
            assert longest < 20.0, (name, points[0])


def test_the_edge_of_the_map_is_no_coast(
    world: dict[str, Any], arcs: list[list[tuple[float, float]]]
) -> None:
    for line in world["objects"]["coast"]["arcs"]:
        for a, b in itertools.pairwise(joined(line, arcs)):
            assert not (a[0] == b[0] and abs(a[0]) > 179.999), (a, b)
            assert not (a[1] < -89.9 and b[1] < -89.9), (a, b)


def joined(ring: Iterable[int], arcs: list[list[tuple[float, float]]]) -> list[tuple[float, float]]:
    points: list[tuple[float, float]] = []
    for index in ring:
        line = arcs[index] if index >= 0 else arcs[~index][::-1]
        if points:
            assert points[-1] == line[0]
        points += line[1:] if points else line
    return points


@pytest.mark.parametrize(
    ("lng", "lat", "dry"),
    [
        (36.29, 33.51, True),  # Damascus.
        (34.0, 33.5, False),  # The sea off Lebanon.
        (0.0, -85.0, True),  # Antarctica, up to the pole.
        (51.0, 42.0, False),  # The Caspian.
        (179.5, 67.5, True),  # Chukotka, on both sides of the 180th meridian.
        (-175.0, 66.5, True),
        (0.0, 67.5, False),  # Where an outline that is not cut would be filled.
        (-100.0, -16.5, False),
    ],
)
def test_land_is_where_it_is(
    world: dict[str, Any],
    arcs: list[list[tuple[float, float]]],
    lng: float,
    lat: float,
    dry: bool,
) -> None:
    rings = itertools.chain.from_iterable(world["objects"]["land"]["arcs"])
    inside = sum(console_places._inside((lng, lat), joined(ring, arcs)) for ring in rings)
    assert inside % 2 == int(dry)


@pytest.mark.parametrize(
    ("what", "lng", "lat"),
    [
        ("Golan, east", 35.85, 33.10),
        ("Golan, west", 35.64, 33.15),
        ("Green Line", 35.00, 32.20),
        ("Blue Line", 35.30, 33.07),
        ("Cyprus", 33.35, 35.17),
        ("neck of Crimea", 34.3, 46.0),
        ("Kosovo", 20.80, 43.10),
        ("Western Sahara", -8.9, 27.67),
        ("Kashmir", 74.5, 34.7),
        ("Korea", 127.5, 38.2),
    ],
)
def test_a_disputed_line_is_near(
    world: dict[str, Any],
    arcs: list[list[tuple[float, float]]],
    what: str,
    lng: float,
    lat: float,
) -> None:
    dashed = nearest(world, arcs, "disputed", lng, lat)
    assert dashed < 0.3, what
    assert dashed < nearest(world, arcs, "borders", lng, lat), what


def test_a_border_that_nobody_disputes_is_whole(
    world: dict[str, Any], arcs: list[list[tuple[float, float]]]
) -> None:
    for lng, lat in ((38.0, 33.0), (41.2, 34.7), (7.6, 47.6), (71.0, 26.5), (29.0, 22.0)):
        assert nearest(world, arcs, "borders", lng, lat) < 1.0
        assert nearest(world, arcs, "borders", lng, lat) < nearest(
            world, arcs, "disputed", lng, lat
        )


def nearest(
    world: dict[str, Any],
    arcs: list[list[tuple[float, float]]],
    name: str,
    lng: float,
    lat: float,
) -> float:
    return min(
        console_world._distance((lng, lat), a, b)
        for (index,) in world["objects"][name]["arcs"]
        for a, b in itertools.pairwise(arcs[index])
    )


def test_each_disputed_border_has_a_reason() -> None:
    pairs = [frozenset((row.one, row.other)) for row in console_borders.DISPUTED]
    assert len(set(pairs)) == len(pairs)
    assert all(row.reason for row in console_borders.DISPUTED)
    assert all(name and len(line) >= 2 for name, line in console_borders.CLAIMS)


WIDTH = 1_000


@given(st.integers(0, WIDTH), st.integers(2, 200), st.integers(10, 300), st.integers(1, 150))
def test_cut_at_the_edge_of_the_map_an_outline_keeps_its_area(
    x: int, wide: int, y: int, high: int
) -> None:
    corners = [(x, y), (x + wide, y), (x + wide, y + high), (x, y + high), (x, y)]
    stitched = [(px % WIDTH, py) for px, py in corners]
    if not console_cut.at_the_edge(stitched, WIDTH):
        return
    parts = console_cut.cut(stitched, WIDTH)
    rings = [
        [p for s in part for p in (s.points[:-1] if s is not part[-1] else s.points)]
        for part in parts
    ]
    assert sum(console_places._area(ring) for ring in rings) == wide * high
    for part in parts:
        assert part[0].points[0] == part[-1].points[-1]
        assert all(0 <= px <= WIDTH for s in part for px, _ in s.points)
        for stretch in part:
            edges = {
                a[0] == b[0] and a[0] in (0, WIDTH) for a, b in itertools.pairwise(stretch.points)
            }
            assert edges == {not stretch.coast}


def test_an_outline_round_the_pole_is_filled_up_to_it() -> None:
    ring = [(0, 50), (300, 60), (600, 50), (900, 60), (0, 50)]
    (part,) = console_cut.cut(ring, WIDTH)
    points = [p for stretch in part for p in stretch.points]
    assert {(0, 0), (WIDTH, 0)} <= set(points)
    assert [s.coast for s in part].count(True) == 1


@given(st.lists(st.tuples(st.floats(-9, 9), st.floats(-9, 9)), min_size=2, max_size=40))
def test_a_thinned_line_stays_within_its_limit(line: list[tuple[float, float]]) -> None:
    thin = console_world.thinned(line, console_world._distance, 0.5)
    assert (thin[0], thin[-1]) == (line[0], line[-1])
    for point in line:
        assert min(console_world._distance(point, a, b) for a, b in itertools.pairwise(thin)) <= 0.5


# Place names


def test_places_are_sorted_and_each_is_there_once(places: dict[str, Any]) -> None:
    rows = places["places"]
    keys = [(row[2], row[4], row[0], row[1]) for row in rows]
    assert keys == sorted(keys)
    assert not [at for at, n in Counter((row[0], row[1]) for row in rows).items() if n > 1]
    codes = [row[0] for row in places["countries"]]
    assert codes == sorted(set(codes))


def test_every_place_has_its_figures_and_names_in_their_scripts(places: dict[str, Any]) -> None:
    for lat, lng, zoom, capital, english, *others in places["places"]:
        assert -90 <= lat <= 90, english
        assert -180 <= lng <= 180, english
        assert 2 <= zoom <= 9, english
        assert capital in (0, 1), english
        assert english.strip() == english != ""
        for script, name in zip(SCRIPTS, others, strict=True):
            assert name == "" or SCRIPTS[script].fullmatch(name), (english, name)
    for code, lat, lng, zoom in places["countries"]:
        assert re.fullmatch("[A-Z]{2}", code)
        assert -90 <= lat <= 90, code
        assert -180 <= lng <= 180, code
        assert 2 <= zoom <= 6, code


def test_the_towns_of_two_cells_have_four_names(places: dict[str, Any]) -> None:
    rows = {row[4]: row for row in places["places"]}
    for town, (lat, lng) in TWO_CELLS.items():
        row = rows[town]
        assert abs(row[0] - lat) < 0.02, town
        assert abs(row[1] - lng) < 0.02, town
        assert all(row[5:]), town


def test_every_town_of_the_table_by_hand_has_four_names() -> None:
    towns = [row for _, row in console_places._towns()]
    assert len(towns) >= 100
    for row in towns:
        for script, name in zip(SCRIPTS, row[5:], strict=True):
            assert SCRIPTS[script].fullmatch(name), row
    assert not [n for n, count in Counter(row[4] for row in towns).items() if count > 1]


def test_the_known_wrong_guesses_are_put_right(places: dict[str, Any]) -> None:
    rows = {(row[4], row[3]): row[5:] for row in places["places"]}
    assert rows["Moscow", 1] == ["موسكو", "מוסקבה", "Москва"]
    assert rows["Cairo", 1] == ["القاهرة", "קהיר", "Каир"]
    assert rows["Istanbul", 0] == ["إسطنبول", "איסטנבול", "Стамбул"]
    assert rows["London", 1] == ["لندن", "לונדון", "Лондон"]


@pytest.mark.parametrize(
    ("language", "others", "wanted"),
    [
        ("ar", ["ماسکو", "مسکو", "موسكو", "موسكۋا"], "موسكو"),  # Persian and Uyghur go.
        ("ar", ["مدينة موسكو"], "موسكو"),
        ("he", ["מאָסקװע", "מאסקװע", "מוסקבה"], "מוסקבה"),  # Yiddish goes.
        ("he", ["מוֹסְקְבָה"], "מוסקבה"),  # Points go.
        ("ru", ["Мәскеу", "Москъва", "Москва", "Масква"], "Москва"),
        ("ru", ["Москва (город)", "Moskva"], ""),
    ],
)
def test_a_name_is_chosen_by_its_letters(language: str, others: list[str], wanted: str) -> None:
    assert console_places.chosen(language, "RU", "Moscow", others) == wanted


# Fonts


def faces() -> list[tuple[Path, set[int]]]:
    (entry,) = json.loads((FONTS / "faces.json").read_text(encoding="utf-8")).values()
    return [(FONTS / face["url"], covered(face["unicode-range"])) for face in entry]


def covered(ranges: Iterable[str]) -> set[int]:
    codes: set[int] = set()
    for text in ranges:
        first, _, last = text.removeprefix("U+").partition("-")
        codes |= set(range(int(first, 16), int(last or first, 16) + 1))
    return codes


def needed() -> Iterator[tuple[str, str]]:
    """Each character that can come up, with where it comes from."""
    files = [
        *(ROOT / "console" / "src" / "words").rglob("*.json"),
        *(ROOT / "src" / "tansiq" / "phrases").glob("*.toml"),
        DATA / "places.json",
    ]
    for file in files:
        text = file.read_text(encoding="utf-8")
        # Parsed, so that an escape counts as what it stands for and a comment does not count.
        parsed = tomllib.loads(text) if file.suffix == ".toml" else json.loads(text)
        for string in strings(parsed):
            for character in string:
                yield character, file.name


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from itertools.chain(value, *map(strings, value.values()))
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)


def test_every_character_of_words_phrases_and_places_has_a_glyph() -> None:
    known = set().union(*(codes for _, codes in faces()))
    missing = {(c, where) for c, where in needed() if ord(c) not in known and not c.isspace()}
    assert not missing


@pytest.mark.parametrize("text", ["0123456789", "٠١٢٣٤٥٦٧٨٩", "°′″±×−→●▲⬣⛔", "אבגד", "Ёжик"])
def test_the_signs_that_the_console_draws_have_glyphs(text: str) -> None:
    known = set().union(*(codes for _, codes in faces()))
    assert set(map(ord, text)) <= known


def test_ranges_tell_what_is_in_the_files_and_do_not_overlap() -> None:
    seen: set[int] = set()
    for file, codes in faces():
        assert codes <= set(TTFont(file).getBestCmap()), file.name
        assert not codes & seen, (file.name, sorted(map(hex, codes & seen)))
        seen |= codes


def test_the_style_sheet_and_the_map_name_the_same_files_and_ranges() -> None:
    sheet = (FONTS / "fonts.css").read_text(encoding="utf-8")
    rules = re.findall(r"url\(\"\./(.+?)\"\).*?unicode-range: (.+?);", sheet, re.DOTALL)
    assert [(FONTS / name, covered(ranges.split(", "))) for name, ranges in rules] == faces()
    assert sorted(FONTS.glob("*.woff2")) == sorted(FONTS / name for name, _ in rules)
    assert set(re.findall(r'font-family: "(.+?)"', sheet)) == {"Noto Sans"}
    # Files with other weights would be rival faces, and a browser would not look into them.
    assert set(re.findall(r"font-weight: (.+?);", sheet)) == {"400 700"}
    assert "http" not in sheet


def test_marks_of_direction_have_no_width_and_no_box() -> None:
    for code in (0x200E, 0x200F, *range(0x2066, 0x206A)):
        (file,) = [file for file, codes in faces() if code in codes]
        font = TTFont(file)
        glyph = font.getBestCmap()[code]
        assert font["hmtx"][glyph][0] == 0, hex(code)
        assert font["glyf"][glyph].numberOfContours == 0, hex(code)


def test_scripts_have_both_weights_and_arabic_its_joining_forms() -> None:
    for file, _ in faces():
        font = TTFont(file)
        assert font["name"].getDebugName(13), f"{file.name} has lost its licence"
        if "math" in file.name or "symbols" in file.name:
            continue
        (axis,) = font["fvar"].axes
        assert (axis.axisTag, axis.minValue, axis.defaultValue, axis.maxValue) == (
            "wght",
            400,
            400,
            700,
        )
    features = {
        r.FeatureTag
        for r in TTFont(FONTS / "noto-sans-arabic.woff2")["GSUB"].table.FeatureList.FeatureRecord
    }
    assert {"init", "medi", "fina", "rlig"} <= features

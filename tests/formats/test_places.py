"""Places within text: written here by rules of our own, read back, and held against ``mgrs``."""

from collections.abc import Callable
from fractions import Fraction
from random import Random

import mgrs as oracle
import pytest

from tansiq.domain.volume import LatLng
from tansiq.errors import BadInput
from tansiq.formats.places import find_places, plain_place, plain_text

SEED = 20261129
STEPS = 36_000_000
"""Of a degree, in the finest form: a ten thousandth of a second."""
QUOTES = [("'", '"'), ("’", "”"), ("′", "″"), ("׳", "״"), ("'", "''"), ("ʹ", "ʺ")]


def one(text: str) -> LatLng:
    (found,) = find_places(plain_text(text))
    return found.place


def angles(random: Random) -> tuple[Fraction, Fraction]:
    """Return an exact latitude and longitude, degrees."""
    return (
        Fraction(random.randint(-90 * STEPS, 90 * STEPS), STEPS),
        Fraction(random.randint(-180 * STEPS, 180 * STEPS), STEPS),
    )


def decimal(value: Fraction, digits: int) -> str:
    """Write a fraction rounded to so many decimals, by whole numbers alone."""
    scaled = round(value * 10**digits)
    whole, rest = divmod(scaled, 10**digits)
    return f"{whole}.{rest:0{digits}d}" if digits else str(whole)


def split(value: Fraction) -> tuple[int, int, Fraction]:
    degrees, rest = divmod(abs(value) * 3_600, 3_600)
    minutes, seconds = divmod(rest, 60)
    return int(degrees), int(minutes), seconds


def letters(lat: Fraction, lng: Fraction) -> tuple[str, str]:
    return ("S" if lat < 0 else "N"), ("W" if lng < 0 else "E")


def dd(lat: Fraction, lng: Fraction, _: Random) -> str:
    ns, ew = letters(lat, lng)
    return f"{decimal(abs(lat), 8)}{ns} {decimal(abs(lng), 8)}{ew}"


def dd_before(lat: Fraction, lng: Fraction, _: Random) -> str:
    ns, ew = letters(lat, lng)
    return f"{ns}{decimal(abs(lat), 8)}°, {ew}{decimal(abs(lng), 8)}°"


def dm(lat: Fraction, lng: Fraction, random: Random) -> str:
    parts = []
    minute = random.choice(QUOTES)[0]
    for value, letter in zip((lat, lng), letters(lat, lng), strict=True):
        degrees, minutes, seconds = split(value)
        written = minutes + Fraction(int(seconds * 10_000), 600_000)
        parts.append(f"{degrees}°{decimal_down(written, 8)}{minute}{letter}")
    return " ".join(parts)


def decimal_down(value: Fraction, digits: int) -> str:
    scaled = value * 10**digits // 1
    whole, rest = divmod(int(scaled), 10**digits)
    return f"{whole}.{rest:0{digits}d}"


def dms(lat: Fraction, lng: Fraction, random: Random) -> str:
    minute, second = random.choice(QUOTES)
    parts = []
    for value, letter in zip((lat, lng), letters(lat, lng), strict=True):
        degrees, minutes, seconds = split(value)
        parts.append(f"{degrees}°{minutes:02}{minute}{decimal_down(seconds, 4)}{second}{letter}")
    return random.choice((" ", ", ", "")).join(parts)


def dms_blanks(lat: Fraction, lng: Fraction, random: Random) -> str:
    parts = []
    for value, letter in zip((lat, lng), letters(lat, lng), strict=True):
        degrees, minutes, seconds = split(value)
        parts.append(f"{degrees} {minutes} {decimal_down(seconds, 4)} {letter.lower()}")
    return " ".join(parts)


def packed(lat: Fraction, lng: Fraction, random: Random) -> str:
    parts = []
    for value, letter, width in zip((lat, lng), letters(lat, lng), (2, 3), strict=True):
        degrees, minutes, seconds = split(value)
        tail = decimal_down(seconds, 4).rjust(7, "0")
        parts.append(f"{degrees:0{width}}{minutes:02}{tail}{letter}")
    return "".join(parts)


def longitude_first(lat: Fraction, lng: Fraction, random: Random) -> str:
    first, second = dd(lat, lng, random).split()
    return f"{second} {first}"


FORMS: list[tuple[Callable[[Fraction, Fraction, Random], str], float]] = [
    (dd, 5.1e-9),
    (dd_before, 5.1e-9),
    (dm, 1e-9),
    (dms, 1e-9),
    (dms_blanks, 1e-9),
    (packed, 1e-9),
    (longitude_first, 5.1e-9),
]
"""Each with how far what it writes may be from the place, degrees."""


@pytest.mark.parametrize(("write", "error_deg"), FORMS, ids=lambda v: getattr(v, "__name__", ""))
def test_what_is_written_is_read_back(
    write: Callable[[Fraction, Fraction, Random], str], error_deg: float
) -> None:
    random = Random(SEED)
    for _ in range(400):
        lat, lng = angles(random)
        text = write(lat, lng, random)
        found = one(text)
        assert abs(Fraction(found.lat_deg) - lat) < error_deg, text
        assert abs(Fraction(found.lng_deg) - lng) < error_deg, text


@pytest.mark.parametrize("zero", ["٠", "۰"])
def test_digits_of_arabic_keyboards_are_digits(zero: str) -> None:
    random = Random(SEED)
    table = {ord("0") + i: chr(ord(zero) + i) for i in range(10)} | {ord("."): "٫"}
    for _ in range(100):
        lat, lng = angles(random)
        plain = dms(lat, lng, random)
        assert one(plain.translate(table)) == one(plain)


def test_marks_that_turn_the_direction_of_text_change_nothing() -> None:
    plain = one("33°30'36\"N 036°17'29\"E")
    for mark in "\u200e\u200f\u202a\u202b\u202c\u2066\u2067\u2068\u2069\u061c\ufeff":
        assert one(mark.join("33°30'36\"N 036°17'29\"E")) == plain


def test_the_grid_is_that_of_mgrs() -> None:
    random, theirs, cut = Random(SEED), oracle.MGRS(), 0
    for _ in range(400):
        lat, lng = random.uniform(-79.9, 83.9), random.uniform(-180, 180)
        for precision in (3, 4, 5):
            reference = theirs.toMGRS(lat, lng, MGRSPrecision=precision)
            square, figures = reference[: -2 * precision], reference[-2 * precision :]
            written = [
                reference,
                f"{square[:-2]} {square[-2:]} {figures[:precision]} {figures[precision:]}",
                f"{square.lower()} {figures}",
            ]
            for text in written:
                found = one(text)
                again = theirs.toMGRS(found.lat_deg, found.lng_deg, MGRSPrecision=precision)
                if again != reference:  # A square that is cut off by the edge of its zone or band.
                    cut += 1
                    south, west = theirs.toLatLon(reference)
                    assert abs(found.lat_deg - south) < 0.01, text
                    assert abs((found.lng_deg - west + 180) % 360 - 180) < 0.3, text
    assert cut < 12


def test_grid_squares_of_a_hundred_metres_and_more_are_said() -> None:
    for text, side in [("36S YE 670 162", "100 m"), ("36SYE67", "10,000 m"), ("36S YE 6 1", None)]:
        (found,) = find_places(text)
        assert found.said is not None
        assert side in (None, found.said.values["side"])
    (fine,) = find_places("36S YE 6705 1625")
    assert fine.said is None


# Limits: each touches, and misses by the smallest step that is written


@pytest.mark.parametrize(
    ("text", "lat", "lng"),
    [
        ("90N 180E", 90.0, 180.0),
        ("90.0000S 180.0000W", -90.0, -180.0),
        ("900000N1800000E", 90.0, 180.0),
        ("90°00'00\"N 180°00'00\"W", 90.0, -180.0),
        ("33°59'59.999\"N 036°59'59.999\"E", 34 - 0.001 / 3600, 37 - 0.001 / 3600),
        ("3359.999N03659.999E", 34 - 0.001 / 60, 37 - 0.001 / 60),
        ("0N 0E", 0.0, 0.0),
    ],
)
def test_limits_are_touched(text: str, lat: float, lng: float) -> None:
    found = one(text)
    assert found.lat_deg == pytest.approx(lat, abs=1e-12)
    assert found.lng_deg == pytest.approx(lng, abs=1e-12)


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("90.0001N 036E", "not within -90 to 90"),
        ("900001N0360000E", "not within -90 to 90"),
        ("33N 180.0001W", "not within -180 to 180"),
        ("333060N0361729E", "seconds are below 60"),
        ("33°30'60\"N 036°17'29\"E", "seconds are below 60"),
        ("336000N0361729E", "minutes are below 60"),
        ("33°60.0'N 036°17.0'E", "minutes are below 60"),
        ("33306N0361729E", "more than one way"),
        ("333036N361729E", "more than one way"),
        ("3330N 3617E", "more than one way"),
        ("33°30'36\"N 036°17'E", "one half has 3 parts and the other 2"),
        ("333036N03617E", "one half has 3 parts and the other 2"),
        ("33N 36N", "one of N and S"),
        ("33.5E 36.2E", "one of N and S"),
        ("36S YE 670 1625", "as many figures"),
        ("36S YE 670 16251", "as many figures"),
        ("61S YE 6705 1625", "no grid reference"),
        ("36S AE 6705 1625", "no grid reference"),
    ],
)
def test_what_looks_like_a_place_and_is_none_is_refused(text: str, remedy: str) -> None:
    with pytest.raises(BadInput, match=remedy):
        list(find_places(plain_text(text)))


@pytest.mark.parametrize(
    "text",
    ["33.5102 36.2913", "RWY 12L TO 30", "33N", "333036N", "5 NM", "(A1234/26", "36SYE", "33 36 E"],
)
def test_words_and_bare_numbers_are_no_places_in_running_text(text: str) -> None:
    assert list(find_places(text, running=True)) == []


@pytest.mark.parametrize("text", ["RWY 18R CL 2045", "TWY A BC 12", "36S YE 67 16"])
def test_short_grid_references_do_not_count_in_running_text(text: str) -> None:
    assert list(find_places(text, running=True)) == []


# Two plain numbers


@pytest.mark.parametrize(
    "line",
    [
        "33.5102 36.2913",
        "33.5102,36.2913",
        "33.5102, 36.2913",
        "33.5102;36.2913",
        "+33.5102 36.2913",
        "(33.5102, 36.2913)",
        "33.5102° 36.2913°",
    ],
)
def test_latitude_is_first_of_two_plain_numbers(line: str) -> None:
    assert plain_place(line) == LatLng(33.5102, 36.2913)


def test_signs_of_plain_numbers() -> None:
    assert plain_place("-33.5 -70.25") == LatLng(-33.5, -70.25)
    assert plain_place("-33°30'36\" -070°15'00\"") == LatLng(-33.51, -70.25)
    assert plain_place(plain_text("−33.5 −70.25")) == LatLng(-33.5, -70.25)


@pytest.mark.parametrize(
    ("line", "remedy"),
    [
        ("120.5 36.2", "latitude comes first"),
        ("90.0001 36.2", "latitude comes first"),
        ("33.5 180.0001", "not within -180 to 180"),
        ("33,51 36,29", "decimal commas"),
        ("33,51, 36,29", "decimal commas"),
    ],
)
def test_plain_numbers_that_are_no_place_or_two(line: str, remedy: str) -> None:
    with pytest.raises(BadInput, match=remedy):
        plain_place(line)


@pytest.mark.parametrize("line", ["33.5", "33.5 36.2 1200", "33 30 36 36 17 29", "a 33 36", ""])
def test_other_counts_of_numbers_are_no_place(line: str) -> None:
    assert plain_place(line) is None

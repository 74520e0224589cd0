"""Finds places within text: degrees, degrees and minutes, with seconds, packed, and the grid.

Only what carries hemisphere letters, or is a grid reference, is found in running text, whichever of
latitude and longitude comes first. Two plain numbers are a place only on a line of their own, and
then latitude is first (``plain_place``). Nothing is rounded. What looks like a place and is none
(60 seconds, 90.0001 N) is an error and not passed over.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from tansiq.domain.grid import SQUARE_M, place_of_grid
from tansiq.domain.volume import LatLng
from tansiq.errors import BadInput, InvalidVolume
from tansiq.formats.understood import Said

GRID_SAID_M: Final = 100
"""From this side on it is said that the middle of a grid square was taken."""

_SAME: Final = str.maketrans(
    {
        **dict.fromkeys("º˚", "°"),
        **dict.fromkeys("’‘‛′ʹʼ´`׳", "'"),
        **dict.fromkeys("”“‟″ʺ״", '"'),
        **dict.fromkeys("−", "-"),
        **dict.fromkeys("،", ","),
        **dict.fromkeys("؛", ";"),
        **dict.fromkeys("٫", "."),
    }
)
_UNSEEN: Final = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2069\u061c\ufeff\u00ad]")
_BLANKS: Final = re.compile(r"[^\S\n]+")


def plain_text(text: str) -> str:
    """Return text with one sign for each meaning: ASCII digits, ' and ", single blanks, \\n.

    Marks that only steer the direction of text are left out. Case is kept.
    """
    text = _UNSEEN.sub("", text.replace("\r\n", "\n").replace("\r", "\n").replace("''", '"'))
    text = "".join(map(_digit, text)).translate(_SAME).replace("''", '"')
    return "\n".join(_BLANKS.sub(" ", line).strip() for line in text.split("\n"))


def _digit(char: str) -> str:
    # Of the Arabic keyboards only; other scripts' digits stay what they are, and are refused.
    return str(unicodedata.digit(char)) if "٠" <= char <= "٩" or "۰" <= char <= "۹" else char


# One half of a place: figures with the letter before or behind.
_FIGURES: Final = r"""
(?:
  \d{1,3} (?:\ ?°\ ?|\ |:) \d{1,2} (?:\ ?'\ ?|\ |:) \d{1,2} (?:[.,]\d{1,12})? (?:\ ?")?
| \d{1,3} (?:\ ?°\ ?|\ |:) \d{1,2} (?:[.,]\d{1,12})? (?:\ ?')?
| \d{1,7} (?:[.,]\d{1,15})? (?:\ ?°)?
)"""
_BEHIND: Final = rf"{_FIGURES} \ ? [NSEW]"
_BEFORE: Final = rf"[NSEW] \ ? {_FIGURES}"
_BETWEEN: Final = r"\ ? [,;/]? \ ?"
_GRID: Final = r"""
(?: \d{1,2} [C-HJ-NP-X] | [ABYZ] ) \ ? [A-HJ-NP-Z]{2} \ ?
(?: \d{1,5} \ \d{1,5} | \d{2,10} )"""
_PLACE: Final = re.compile(
    rf"""
    (?<![A-Z0-9.,°'"]) (?P<before>{_BEFORE} {_BETWEEN} {_BEFORE}) (?![A-Z0-9])
  | (?<![0-9.,°'"]) (?P<behind>{_BEHIND} {_BETWEEN} {_BEHIND}) (?![A-Z0-9])
  | (?<![A-Z0-9.]) (?P<grid>{_GRID}) (?![A-Z0-9.])
    """,
    re.VERBOSE | re.IGNORECASE | re.ASCII,
)
_HALF: Final = re.compile(rf"{_BEFORE} | {_BEHIND}", re.VERBOSE | re.IGNORECASE | re.ASCII)
_NUMBERS: Final = re.compile(r"\d+(?:[.,]\d+)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Found:
    """A place and where in the text it stands."""

    start: int
    end: int
    place: LatLng
    said: Said | None = None


def find_places(text: str, *, running: bool = False) -> Iterator[Found]:
    """Yield the places in a text of ``plain_text``, in order.

    In running text, short grid references and polar ones are not looked for: words with a number
    behind them look like these.

    Raises:
        BadInput: something has the form of a place and is none.
    """
    for match in _PLACE.finditer(text):
        if grid := match["grid"]:
            if running and (not grid[0].isdigit() or sum(map(str.isdigit, grid[3:])) < 6):
                continue
            place, said = _of_grid(grid)
            yield Found(match.start(), match.end(), place, said)
        else:
            written = match["before"] or match["behind"]
            yield Found(match.start(), match.end(), _of_halves(written))


def _of_halves(written: str) -> LatLng:
    halves = {}
    for half in _HALF.findall(written):
        letter = next(char for char in half.upper() if char in "NSEW")
        halves[letter in "NS"] = (half, letter)
    if len(halves) != 2:
        raise BadInput(f"{written!r} needs one of N and S, and one of E and W", field="text")
    (lat, ns), (lng, ew) = halves[True], halves[False]
    lat_deg, lng_deg = _both([lat, lng], written)
    return _place(-lat_deg if ns == "S" else lat_deg, -lng_deg if ew == "W" else lng_deg, written)


def _place(lat_deg: float, lng_deg: float, written: str) -> LatLng:
    try:
        return LatLng(lat_deg, lng_deg)
    except InvalidVolume as error:
        raise InvalidVolume(f"{written!r}: {error.message}", field="text") from error


def _both(halves: list[str], written: str) -> tuple[float, float]:
    """Return degrees of latitude and longitude, without their signs.

    Raises:
        BadInput: figures that can be read in no way, or in two.
    """
    both = []
    for half, is_lat in zip(halves, (True, False), strict=True):
        parts = [number.replace(",", ".") for number in _NUMBERS.findall(half)]
        both.append(_unpacked(parts[0], written, is_lat=is_lat) if len(parts) == 1 else parts)
    lat, lng = both
    if len(lat) != len(lng):
        # A number of the point before it, or a lost figure, would else become part of the place.
        raise BadInput(
            f"{written!r}: one half has {len(lat)} parts and the other {len(lng)}; write both in "
            "degrees, in degrees and minutes, or with seconds too",
            field="text",
        )
    return _joined(lat, written), _joined(lng, written)


def _joined(parts: list[str], written: str) -> float:
    degrees, *smaller = map(float, parts)
    for value, unit in zip(smaller, ("minutes", "seconds"), strict=False):
        if value >= 60.0:
            raise BadInput(
                f"{written!r}: {unit} are below 60; write the next full one instead", field="text"
            )
    # Sixtieths are summed before they are divided, so that figures of one place agree.
    minutes = smaller[0] if smaller else 0.0
    seconds = smaller[1] if len(smaller) > 1 else 0.0
    return degrees + (minutes * 60.0 + seconds) / 3_600.0


def _unpacked(number: str, written: str, *, is_lat: bool) -> list[str]:
    """Split ``333036.5`` as its count of figures says; degrees have two, of longitude three."""
    whole, _, decimals = number.partition(".")
    tail = f".{decimals}" if decimals else ""
    width = 2 if is_lat else 3
    if len(whole) <= 3:
        return [whole + tail]
    if len(whole) == width + 2:
        return [whole[:width], whole[width:] + tail]
    if len(whole) == width + 4:
        return [whole[:width], whole[width:-2], whole[-2:] + tail]
    forms = "N: 33, 3330 or 333036" if is_lat else "E: 036, 03617 or 0361729"
    raise BadInput(
        f"{written!r} could be split in more than one way; write {forms}, or put blanks between "
        "degrees, minutes and seconds",
        field="text",
    )


def _of_grid(written: str) -> tuple[LatLng, Said | None]:
    groups = re.findall(r"\d+", written[3:])
    figures = groups if len(groups) == 2 else [groups[-1]]
    if len(figures) == 2 and len(figures[0]) != len(figures[1]):
        raise BadInput(
            f"{written!r}: as many figures eastwards as northwards, such as 36S YE 6705 1625",
            field="text",
        )
    try:
        place = place_of_grid(written)
    except BadInput as error:
        raise BadInput(error.message, field="text") from error
    side_m = SQUARE_M // 10 ** (sum(map(len, figures)) // 2)
    if side_m < GRID_SAID_M:
        return place, None
    values = {"grid": " ".join(written.upper().split()), "side": f"{side_m:,} m"}
    return place, Said("read-grid-square", values)


# Two plain numbers

_SIGNED: Final = r"[+-]?\d{1,3}(?:\.\d{1,15})?"
_PAIR: Final = re.compile(rf"\(?({_SIGNED}) ?°?(?: ?[,;] ?| )({_SIGNED}) ?°?\)?", re.ASCII)
_SIXTIETHS: Final = (
    r"([+-]?)(\d{1,3} ?° ?\d{1,2}(?:\.\d{1,12})? ?'(?: ?\d{1,2}(?:\.\d{1,12})? ?\")?)"
)
_MARKED: Final = re.compile(rf"{_SIXTIETHS} ?[,;]? ?{_SIXTIETHS}", re.ASCII)
_COMMAS: Final = re.compile(r"[+-]?\d{1,3},\d{1,15}°?[ ;,/]+[+-]?\d{1,3},\d{1,15}°?", re.ASCII)


def plain_place(line: str) -> LatLng | None:
    """Return the place of a line that has two plain numbers, latitude first; None: it has not.

    Raises:
        BadInput: out of range, or it can be read in two ways.
    """
    if pair := _PAIR.fullmatch(line):
        lat_deg, lng_deg = float(pair[1]), float(pair[2])
        if abs(lat_deg) > 90 >= abs(lng_deg):
            raise InvalidVolume(
                f"{line!r}: latitude {pair[1]} is not within -90 to 90 degrees; latitude comes "
                "first here, or write N or S and E or W behind each",
                field="text",
            )
        return _place(lat_deg, lng_deg, line)
    if marked := _MARKED.fullmatch(line):
        lat_deg, lng_deg = _both([marked[2], marked[4]], line)
        return _place(
            -lat_deg if marked[1] == "-" else lat_deg,
            -lng_deg if marked[3] == "-" else lng_deg,
            line,
        )
    if _COMMAS.fullmatch(line):
        raise BadInput(
            f"{line!r} could be one place with decimal commas, or two places of whole degrees; "
            "write decimals with a dot",
            field="text",
        )
    return None

"""Places as people type what they heard: degrees in any usual form, or a grid reference.

Accepted, with any signs or blanks between the figures: ``35°21'14"N 035°56'20"E``,
``352114N 0355620E``, ``35 21.23N 035 56.33E``, ``35.3539N 35.9389E``, ``35.3539, 35.9389``,
``36S YE 6705 1625``. Latitude comes before longitude, always.
"""

import re
from typing import Final

from tansiq.domain.grid import place_of_grid
from tansiq.domain.volume import LatLng
from tansiq.errors import BadInput, InvalidVolume

CHARS_MAX: Final = 60
_SIGNED: Final = re.compile(
    r"([+-]?\d{1,3}(?:\.\d{1,9})?)[,;\s]+([+-]?\d{1,3}(?:\.\d{1,9})?)", re.ASCII
)
_HALVES: Final = re.compile(r"([^NSEW]+)([NS])[,;\s]*([^NSEW]+)([EW])", re.ASCII)
_FIGURES: Final = re.compile(r"\d+(?:\.\d+)?", re.ASCII)
_SIGNS: Final = re.compile(r"[\d.\s°º'′’\"″”:-]+", re.ASCII)


def read_place(text: str, field: str = "position") -> LatLng:
    """Return the place that a person typed.

    Raises:
        BadInput: it is none of the forms, or there is no such place.
    """
    plain = " ".join(text.split()).upper()
    if not plain or len(plain) > CHARS_MAX:
        raise _no_place(text, field)
    try:
        if match := _SIGNED.fullmatch(plain):
            return LatLng(float(match[1]), float(match[2]))
        if match := _HALVES.fullmatch(plain):
            lat_deg = _angle(match[1], 2, text, field)
            lng_deg = _angle(match[3], 3, text, field)
            return LatLng(
                -lat_deg if match[2] == "S" else lat_deg, -lng_deg if match[4] == "W" else lng_deg
            )
        return place_of_grid(plain)
    except InvalidVolume as error:
        raise BadInput(error.message, field=field) from error
    except BadInput as error:
        raise _no_place(text, field) from error


def _angle(part: str, width: int, text: str, field: str) -> float:
    """Return degrees of one half, without its letter; ``width`` is of the degrees where run on."""
    figures = _FIGURES.findall(part)
    if not _SIGNS.fullmatch(part) or not 1 <= len(figures) <= 3 or part.count(".") > 1:
        raise _no_place(text, field)
    if len(figures) == 1:
        figures = _run_on(figures[0], width)
    if any("." in figure for figure in figures[:-1]):
        raise _no_place(text, field)
    degrees, minutes, seconds = (float(each) for each in (*figures, "0", "0")[:3])
    if minutes >= 60 or seconds >= 60:
        raise _no_place(text, field)
    return degrees + minutes / 60 + seconds / 3_600


def _run_on(figures: str, width: int) -> list[str]:
    """Return degrees, minutes and seconds of figures without anything between them."""
    whole = figures.partition(".")[0]
    if len(whole) == width + 4:
        return [figures[:width], figures[width : width + 2], figures[width + 2 :]]
    if len(whole) == width + 2:
        return [figures[:width], figures[width:]]
    return [figures]


def _no_place(text: str, field: str) -> BadInput:
    return BadInput(
        f"{text[:40]!r} is no place; write 35°21'14\"N 035°56'20\"E, 352114N 0355620E, "
        "35.3539 35.9389 or 36S YE 6705 1625",
        field=field,
    )

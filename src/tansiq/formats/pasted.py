"""Text that somebody pasted or typed, to what was understood of it: finds the form and reads it.

The forms are told apart by content: a document of XML or JSON, the marks of aeronautical text, else
coordinates. Nothing is tried twice: an error is about the form that the text looks like.
"""

import base64
import binascii
from dataclasses import replace
from typing import Final

from tansiq.errors import BadInput, InvalidVolume, TooLarge
from tansiq.formats.aeronautical import is_aeronautical, read_aeronautical
from tansiq.formats.coordinate_text import read_coordinates
from tansiq.formats.pasted_geojson import read_geojson
from tansiq.formats.pasted_kml import read_kml, unpacked
from tansiq.formats.places import plain_text
from tansiq.formats.tree import located
from tansiq.formats.understood import (
    Corridor,
    Distance,
    Kind,
    Reading,
    ReadVolume,
    Ring,
)

TEXT_BYTES_MAX: Final = 1_000_000
PLAIN_BYTES_MAX: Final = 300_000
"""Of coordinates and aeronautical text: ten thousand corners. A search through more of it would
hold up every other thread."""
DEPTH_MAX: Final = 64
_ZIP: Final = b"PK\x03\x04"


def read_text(text: str, kind: Kind | None = None) -> Reading:
    """Return what a text says; ``kind`` None: whatever it looks like.

    Raises:
        BadInput: it is not of that form, is malformed, or can be understood in two ways.
        TooLarge: beyond a limit.
    """
    try:
        data = text.encode()
    except UnicodeEncodeError as error:
        raise BadInput(
            "has half of a surrogate pair, which is no character", field="text"
        ) from error
    if len(data) > TEXT_BYTES_MAX:
        raise TooLarge(f"{len(data)} bytes; at most {TEXT_BYTES_MAX} are read", field="text")
    if not text.strip():
        raise BadInput("is empty; write coordinates, or paste a text", field="text")
    kind = kind or _document(text)
    if kind not in (Kind.GEOJSON, Kind.KML) and len(data) > PLAIN_BYTES_MAX:
        raise TooLarge(
            f"{len(data)} bytes; of coordinates and aeronautical text at most {PLAIN_BYTES_MAX} "
            "are read: split it",
            field="text",
        )
    kind = kind or (Kind.AERONAUTICAL if is_aeronautical(text) else Kind.COORDINATES)
    try:
        if kind is Kind.GEOJSON:
            return read_geojson(data, bytes_max=TEXT_BYTES_MAX, depth_max=DEPTH_MAX)
        if kind is Kind.KML:
            return read_kml(data.removeprefix(b"\xef\xbb\xbf").lstrip())
        plain = plain_text(text)
        if kind is Kind.AERONAUTICAL:
            return read_aeronautical(plain)
        return read_coordinates(plain)
    except BadInput as error:
        raise located(error, error.field or "text") from error


def read_packed(encoded: str) -> Reading:
    """Return what a KMZ in base64 says.

    Raises:
        BadInput: no base64, no KMZ, or its KML is malformed.
        TooLarge: beyond a limit.
    """
    if len(encoded) > TEXT_BYTES_MAX * 4 // 3 + 4:
        raise TooLarge(f"more than {TEXT_BYTES_MAX} bytes", field="base64")
    try:
        data = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadInput(f"is not base64: {error}", field="base64") from error
    return read_kmz(data)


def read_kmz(data: bytes) -> Reading:
    """Return what a KMZ says.

    Raises:
        BadInput: no KMZ, or its KML is malformed.
        TooLarge: beyond a limit.
    """
    try:
        return read_kml(unpacked(data))
    except BadInput as error:
        raise located(error, error.field or "base64") from error


def is_kmz(data: bytes) -> bool:
    """Report whether a file begins as a KMZ does."""
    return data.startswith(_ZIP)


def _document(text: str) -> Kind | None:
    head = text.lstrip("\ufeff \t\r\n")[:1]
    if head == "<":
        return Kind.KML
    if head in ("{", "["):
        return Kind.GEOJSON
    return None


def completed(
    reading: Reading, *, radius_m: float | None = None, half_width_m: float | None = None
) -> Reading:
    """Return the same with a size for circles and corridors of which the text says none.

    Raises:
        InvalidVolume: a size that is none.
    """
    return replace(
        reading, volumes=tuple(_completed(v, radius_m, half_width_m) for v in reading.volumes)
    )


def _completed(
    volume: ReadVolume, radius_m: float | None, half_width_m: float | None
) -> ReadVolume:
    shape = volume.shape
    if isinstance(shape, Ring) and shape.radius is None and radius_m is not None:
        return replace(volume, shape=Ring(shape.center, Distance(radius_m)))
    if isinstance(shape, Corridor) and shape.half_width is None and half_width_m is not None:
        try:
            return replace(volume, shape=Corridor(shape.places, Distance(half_width_m)))
        except InvalidVolume as error:
            raise located(error, "half_width_m") from error
    return volume

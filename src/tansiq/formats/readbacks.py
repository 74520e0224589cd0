"""A read-back as JSON: what a person repeated, on its way between nodes.

``{"points": ["35.353889,35.938889"], "radius_m": 1500, "lower": "3000 ft AMSL", "upper": "FL085",
"start": "2026-06-01T14:40:00Z", "end": "2026-06-01T14:55:00Z"}``; corners of an outline instead of
a centre, without ``radius_m``. Positions, levels and times are spelled as in phrases.
"""

import json
from datetime import datetime
from typing import Any, Final

from tansiq.domain.phrase import Kind, place_of, read_value
from tansiq.domain.readback import CORNERS_MAX, Readback
from tansiq.domain.time import parse_rfc3339
from tansiq.domain.volume import LatLng
from tansiq.errors import BadInput, TooLarge
from tansiq.formats import tree
from tansiq.formats.words import at, position

BYTES_MAX: Final = 4_000
_KEYS: Final = ("points", "radius_m", "lower", "upper", "start", "end")


def read_readback(data: bytes) -> Readback:
    """Read a read-back from JSON.

    Raises:
        BadInput: not strict JSON, a key is unknown or missing, or as in ``Readback``.
        TooLarge: above a limit.
    """
    return readback_from(tree.parse(data, bytes_max=BYTES_MAX, depth_max=3))


def readback_from(document: Any) -> Readback:
    """Return the read-back in a JSON value.

    Raises:
        BadInput: as in ``read_readback``.
    """
    top = tree.Field(document)
    for name in top.members():
        if name not in _KEYS:
            raise BadInput(f"unknown; a read-back has {', '.join(_KEYS)}", field=name[:40])
    radius = top.members().get("radius_m")
    return Readback(
        points=_points(top.need("points", "write the centre or the corners")),
        radius_m=None if radius is None else int(read_value(Kind.DISTANCE, radius, "radius_m")),
        lower=_text(top, "lower", Kind.LEVEL),
        upper=_text(top, "upper", Kind.LEVEL),
        start=_time(top, "start"),
        end=_time(top, "end"),
    )


def _points(field: tree.Field) -> tuple[LatLng, ...]:
    if len(field.array()) > CORNERS_MAX:
        raise TooLarge(f"{len(field.array())} points; at most {CORNERS_MAX}", field=field.path)
    return tuple(
        place_of(str(read_value(Kind.POSITION, each.value, each.path))) for each in field.items()
    )


def _text(top: tree.Field, key: str, kind: Kind) -> str:
    return str(read_value(kind, top.need(key, "write what was said").value, key))


def _time(top: tree.Field, key: str) -> datetime:
    return parse_rfc3339(_text(top, key, Kind.TIME), key)


def readback_json(said: Readback) -> bytes:
    """Write a read-back so that the same one is always the same bytes."""
    document: dict[str, Any] = {
        "points": [position(point) for point in said.points],
        "lower": said.lower,
        "upper": said.upper,
        "start": at(said.start),
        "end": at(said.end),
    }
    if said.radius_m is not None:
        document["radius_m"] = said.radius_m
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()

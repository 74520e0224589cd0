"""The picture as GeoJSON (RFC 7946): for QGIS, map libraries, and programs that want values.

A feature a volume, aircraft, alarm and ring. Property names end in their unit, and heights say
their datum: ``_w84_m`` is above the WGS84 ellipsoid, as is the third number of a position (RFC
7946, 4). A circle is a polygon that holds it; what crosses the 180th meridian is cut there. An
alarm without a place has no geometry. Members beside the RFC: ``tansiq`` at the top.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from tansiq.domain.time import zulu
from tansiq.domain.volume import LatLng
from tansiq.formats.picture import (
    NOT_CERTIFIED,
    Alarm,
    Area,
    Picture,
    Ring,
    Seen,
    cut_at_180,
    ring_of,
)

MEDIA_TYPE: Final = "application/geo+json"
_PLACES: Final = 7
"""Digits of a degree: a centimetre."""
_ENCODER: Final = msgspec.json.Encoder()

Feature = dict[str, Any]


def document(picture: Picture) -> bytes:
    """Return the whole picture."""
    whole = {
        "type": "FeatureCollection",
        "features": list(_features(picture)),
        "tansiq": {
            "party": picture.party,
            "time": zulu(picture.time),
            "replay": picture.replay,
            "exercise": picture.exercise,
            "sentences": picture.sentences,
            "note": NOT_CERTIFIED,
        },
    }
    try:
        return _ENCODER.encode(whole)
    except UnicodeEncodeError:
        # Half of a surrogate pair in a name: no reader of ours takes one, and if one comes by a way
        # that nobody thought of, the sky must be shown all the same.
        return json.dumps(whole, ensure_ascii=False).encode("utf-8", "replace")


def _features(picture: Picture) -> Iterator[Feature]:
    marks = {"replay": picture.replay, "exercise": picture.exercise}

    def feature(
        id_: str, geometry: Mapping[str, Any] | None, label: str, **properties: Any
    ) -> Feature:
        said = {"label": picture.mark + label, **properties, **marks}
        return {"type": "Feature", "id": id_, "geometry": geometry, "properties": said}

    for area in picture.areas:
        for number, shape in enumerate(area.shapes):
            yield feature(
                f"{area.id}/{number}",
                _polygon(shape.ring),
                area.label,
                **_area(area),
                start=zulu(shape.time.start),
                end=zulu(shape.time.end),
                lower_w84_m=round(shape.band.lower_m, 1),
                upper_w84_m=round(shape.band.upper_m, 1),
            )
    for ring in picture.rings:
        yield feature(ring.id, _polygon(ring_of(ring.circle)), ring.label, **_ring(ring))
    for seen in picture.tracks:
        point = _point(seen.place, seen.height_m)
        yield feature(seen.id, point, seen.label, **_seen(seen))
        if len(seen.trail) > 1:
            line = {"type": "LineString", "coordinates": [_position(p) for p in seen.trail]}
            yield feature(f"{seen.id}/trail", line, seen.label, object="trail")
    for alarm in picture.alarms:
        place = None if alarm.place is None else _point(alarm.place, None)
        yield feature(alarm.id, place, alarm.label, **_alarm(alarm))


def _area(area: Area) -> dict[str, Any]:
    return {
        "object": str(area.kind),
        "name": area.name,
        "party": area.party,
        "status": area.status,
        "certain": area.certain,
        "off_nominal": area.off_nominal,
        "sentence": area.sentence,
    }


def _ring(ring: Ring) -> dict[str, Any]:
    return {
        "object": "ring",
        "name": ring.name,
        "no_entry": ring.no_entry,
        "center_lat_deg": ring.circle.center.lat_deg,
        "center_lng_deg": ring.circle.center.lng_deg,
        "radius_m": ring.circle.radius_m,
        "until": zulu(ring.until),
    }


def _seen(seen: Seen) -> dict[str, Any]:
    """Return what is known of an aircraft; null is not known."""
    return {
        "object": "aircraft",
        "name": seen.name,
        "party": seen.party,
        "planned": seen.planned,
        "conformance": seen.conformance,
        "measured": zulu(seen.measured),
        "age_s": round(seen.age_s, 1),
        "staleness": seen.staleness,
        "stale": seen.stale,
        "horizontal_error_m": round(seen.error_m, 1) if seen.error_m else None,
        "height_w84_m": _rounded(seen.height_m),
        "height_error_m": (
            round(seen.height_error_m, 1)
            if seen.height_m is not None and seen.height_error_m
            else None
        ),
        "pressure_altitude_m": _rounded(seen.pressure_m),
        "height_text": seen.height_text,
        "speed_mps": _rounded(seen.speed_mps),
        "track_deg": _rounded(seen.track_deg),
        "climb_mps": _rounded(seen.climb_mps),
        "on_ground": seen.on_ground,
        "level": seen.level,
        "sentence": seen.sentence,
    }


def _alarm(alarm: Alarm) -> dict[str, Any]:
    return {
        "object": "alarm",
        "kind": alarm.kind,
        "level": alarm.level,
        "stage": alarm.stage,
        "raised": zulu(alarm.raised),
        "in_s": _rounded(alarm.in_s),
        "sentence": alarm.sentence,
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)


def _position(place: LatLng) -> list[float]:
    return [round(place.lng_deg, _PLACES), round(place.lat_deg, _PLACES)]


def _point(place: LatLng, height_m: float | None) -> dict[str, Any]:
    up = [] if height_m is None else [round(height_m, 1)]
    return {"type": "Point", "coordinates": [*_position(place), *up]}


def _polygon(ring: Sequence[LatLng]) -> dict[str, Any]:
    rings = [
        [[round(lng, _PLACES), round(lat, _PLACES)] for lng, lat in part]
        for part in cut_at_180(ring)
    ]
    if len(rings) == 1:
        return {"type": "Polygon", "coordinates": rings}
    return {"type": "MultiPolygon", "coordinates": [[part] for part in rings]}

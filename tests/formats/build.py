"""Good documents, small, for tests to spoil or to read."""

import copy
import json
from typing import Any

PLAN_ID = "2f8343be-6482-4d1b-a474-16847e01af1e"
OTHER_ID = "9c1b2d3e-0000-4000-8000-000000000001"

PROPERTIES: dict[str, Any] = {
    "start": "2026-06-01T14:40:00Z",
    "end": "2026-06-01T14:55:00Z",
    "lower": 900,
    "upper": 1200,
    "units": "M",
    "datum": "AMSL",
    "callsign": "OSPREY-2",
    "priority": 3,
}
SQUARE = [[-120.2, 38.5], [-120.1, 38.5], [-120.1, 38.6], [-120.2, 38.6], [-120.2, 38.5]]


def feature(geometry: Any = None, **properties: Any) -> dict[str, Any]:
    """Return a feature; a property given as None is left out."""
    its = {k: v for k, v in {**PROPERTIES, **properties}.items() if v is not None}
    geometry = geometry or {"type": "Polygon", "coordinates": [copy.deepcopy(SQUARE)]}
    return {"type": "Feature", "properties": its, "geometry": geometry}


def point(radius_m: Any = 500, **properties: Any) -> dict[str, Any]:
    return feature(
        {"type": "Point", "coordinates": [-120.2, 38.5]}, radius_m=radius_m, **properties
    )


def collection(*features: dict[str, Any]) -> dict[str, Any]:
    return {"type": "FeatureCollection", "features": list(features)}


def wire_volume(**changes: Any) -> dict[str, Any]:
    volume = {
        "volume": {
            "outline_polygon": {
                "vertices": [{"lat": lat, "lng": lng} for lng, lat in SQUARE[:-1]],
            },
            "altitude_lower": {"value": 900, "reference": "W84", "units": "M"},
            "altitude_upper": {"value": 1200, "reference": "W84", "units": "M"},
        },
        "time_start": {"value": "2026-06-01T14:40:00Z", "format": "RFC3339"},
        "time_end": {"value": "2026-06-01T14:55:00Z", "format": "RFC3339"},
    }
    volume["volume"].update(changes.pop("volume", {}))
    volume.update(changes)
    return volume


def intent(*volumes: dict[str, Any], state: str = "Accepted", **details: Any) -> dict[str, Any]:
    return {
        "reference": {
            "id": OTHER_ID,
            "manager": "south",
            "uss_availability": "Normal",
            "version": 1,
            "state": state,
            "ovn": "0123456789abcdef",
            "time_start": {"value": "2026-06-01T14:40:00Z", "format": "RFC3339"},
            "time_end": {"value": "2026-06-01T14:55:00Z", "format": "RFC3339"},
            "uss_base_url": "https://south.example",
            "subscription_id": "00000000-0000-4000-8000-000000000000",
        },
        "details": {"volumes": list(volumes or (wire_volume(),)), "priority": 0, **details},
    }


def constraint() -> dict[str, Any]:
    entity = intent()
    del entity["reference"]["state"]
    entity["details"] = {"volumes": [wire_volume()], "type": "com.example.fire"}
    return entity


def raw(document: Any) -> bytes:
    return json.dumps(document).encode()

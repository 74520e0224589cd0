"""What pasted texts come to, as the route answers it; samples that several tests share."""

import json
from typing import Any

import msgspec

from tansiq.formats import pasted_document
from tansiq.formats.pasted import read_text
from tansiq.formats.understood import Kind

SFC = {"value": 0.0, "units": "FT", "datum": "AGL"}
A, B, C, D = "333036N0361729E", "334036N0361729E", "334036N0362729E", "333036N0362729E"
A_DEG = (33.51, 36 + 17 / 60 + 29 / 3600)
NOTAM = f"""(A1234/26 NOTAMN
Q) LTTT/QRTCA/IV/BO/W/000/085/3330N03617E005
A) LTTT B) 2611281400 C) 2611281800
E) TEMPO RESTRICTED AREA WI 3NM RADIUS OF PSN {A}.
F) 1000FT AMSL G) 3500FT AMSL)"""
RING = [[36.2, 33.5], [36.3, 33.5], [36.3, 33.6], [36.2, 33.5]]
POINT = {"type": "Point", "coordinates": [36.2, 33.5, 900]}
LINE = {"type": "LineString", "coordinates": RING[:3]}
SHEET = {"type": "Polygon", "coordinates": [RING]}
ABSOLUTE = "<altitudeMode>absolute</altitudeMode>"


def read(text: str, kind: Kind | None = None) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        msgspec.json.encode(pasted_document.view(read_text(text, kind)))
    )
    return found


def volume(text: str, kind: Kind | None = None) -> dict[str, Any]:
    (found,) = read(text, kind)["volumes"]
    assert isinstance(found, dict)
    return found


def codes(text: str) -> list[str]:
    return [warning["code"] for warning in read(text)["warnings"]]


def level(value: float, units: str, datum: str | None) -> dict[str, Any]:
    return {"value": value, "units": units, "datum": datum}


def geo(geometry: Any, **properties: Any) -> str:
    return json.dumps({"type": "Feature", "properties": properties, "geometry": geometry})


def kml(inside: str) -> str:
    head = '<?xml version="1.0"?><kml xmlns="http://www.opengis.net/kml/2.2"><Document>'
    return f"{head}{inside}</Document></kml>"


def mark(geometry: str, more: str = "", name: str = "Box") -> str:
    return f"<Placemark><name>{name}</name>{more}{geometry}</Placemark>"


def sheet(height: str = "900", mode: str = "", inner: str = "") -> str:
    ring = " ".join(f"{x},{y},{height}" for x, y in RING)
    return (
        f"<Polygon>{mode}<outerBoundaryIs><LinearRing><coordinates>\n{ring}\n</coordinates>"
        f"</LinearRing></outerBoundaryIs>{inner}</Polygon>"
    )

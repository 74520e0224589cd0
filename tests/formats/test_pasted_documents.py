"""GeoJSON and KML that were pasted become volumes; what of them does not count is said."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.formats.pasted import (
    ABSOLUTE,
    LINE,
    POINT,
    RING,
    SFC,
    SHEET,
    codes,
    geo,
    kml,
    level,
    mark,
    read,
    sheet,
    volume,
)

from tansiq.domain.draft import PlanDraft
from tansiq.errors import InvalidVolume
from tansiq.formats.pasted import read_text
from tansiq.formats.plans import read_plan

ROOT = Path(__file__).parents[2]


def unsourced(text: str) -> PlanDraft:
    """Return a plan without where in its file it stands."""
    return replace(read_plan(text.encode()), source="")


# GeoJSON


def test_geometries_with_and_without_a_size() -> None:
    assert volume(geo(POINT, radius_m=500))["outline"]["circle"]["radius_m"] == 500
    assert volume(geo(POINT, radius_nm=1))["outline"]["circle"]["radius_m"] == 1852
    assert volume(json.dumps(POINT))["lacks"][0] == "radius_m"
    assert volume(geo(LINE, width_m=400))["outline"]["corridor"]["half_width_m"] == 200
    assert volume(geo(LINE, half_width_m=400))["outline"]["corridor"]["half_width_m"] == 400
    assert volume(geo(LINE))["lacks"][0] == "half_width_m"
    assert volume(geo(SHEET))["outline"]["polygon"] == [[33.5, 36.2], [33.5, 36.3], [33.6, 36.3]]


def test_a_number_without_a_unit_is_not_read_and_that_is_said() -> None:
    for geometry, name in ((POINT, "radius"), (LINE, "width"), (LINE, "buffer")):
        text = geo(geometry, **{name: 500})
        assert codes(text) == ["read-unit-missing"]
        assert volume(text)["lacks"][0] in ("radius_m", "half_width_m")


def test_collections_and_multiples_are_several_volumes() -> None:
    hole = [[36.28, 33.51], [36.29, 33.51], [36.29, 33.52], [36.28, 33.51]]
    far = [[40, 1], [41, 1], [41, 2], [40, 1]]
    several = {"type": "MultiPolygon", "coordinates": [[RING, hole], [far]]}
    text = json.dumps(
        {
            "type": "FeatureCollection",
            "features": [json.loads(geo(several, name="Two")), json.loads(geo(None))],
        }
    )
    assert len(read(text)["volumes"]) == 2
    assert read(text)["name"] == "Two"
    assert codes(text) == ["read-hole-filled", "read-no-geometry"]
    everything = {"type": "GeometryCollection", "geometries": [POINT, LINE, SHEET]}
    assert len(read(json.dumps(everything))["volumes"]) == 3


def test_a_plan_file_comes_back_as_the_same_plan() -> None:
    page = (ROOT / "docs" / "plan-files.md").read_text(encoding="utf-8")
    text = next(b for b in re.findall(r"```json\n(.*?)```", page, re.S) if "OSPREY" in b)
    found = volume(text)
    assert (found["lacks"], found["name"]) == ([], "OSPREY-2")
    document = {"type": "FeatureCollection", "features": found["features"]}
    assert unsourced(json.dumps(document)) == unsourced(text)


def test_heights_above_ground_keep_their_ground() -> None:
    text = geo(POINT, radius_m=500, lower=0, upper=120, units="M", datum="AGL", ground_m=[300, 340],
               ground_datum="AMSL", start="2026-12-01T10:00:00Z", end="2026-12-01T11:00:00Z",
               category="drone", priority=2)  # fmt: skip
    found = volume(text)
    assert (found["ground"], found["lacks"]) == (
        {"lowest_m": 300, "highest_m": 340, "datum": "AMSL"},
        [],
    )
    document = json.dumps({"type": "FeatureCollection", "features": found["features"]})
    assert unsourced(document) == unsourced(text)


def test_a_property_that_is_nearly_one_of_ours_is_said() -> None:
    assert codes(geo(SHEET, Upper_=3)) == ["read-property-ignored"]


def test_edges_of_positions() -> None:
    assert volume(json.dumps({"type": "Point", "coordinates": [180, 90]}))
    for place in ([180.0001, 0], [0, 90.0001], [-180.0001, 0], [0, -90.0001]):
        with pytest.raises(InvalidVolume, match="longitude, latitude"):
            read_text(json.dumps({"type": "Point", "coordinates": place}))


# KML


def test_a_placemark_is_a_volume_with_its_name() -> None:
    found = volume(kml(mark(sheet())))
    assert found["outline"]["polygon"] == [[33.5, 36.2], [33.5, 36.3], [33.6, 36.3]]
    assert (found["name"], found["lower"], found["upper"]) == ("Box", None, None)


@pytest.mark.parametrize(
    ("mode", "lower", "upper", "code"),
    [
        ("", None, None, []),
        ("<altitudeMode>clampToGround</altitudeMode>", None, None, []),
        (ABSOLUTE, None, level(900, "M", "AMSL"), ["read-height-upper"]),
        ("<extrude>1</extrude>" + ABSOLUTE, SFC, level(900, "M", "AMSL"),
         ["read-datums-mixed", "read-ground-missing"]),
        ("<extrude>1</extrude><altitudeMode>relativeToGround</altitudeMode>", SFC,
         level(900, "M", "AGL"), ["read-ground-missing"]),
        ("<gx:altitudeMode>relativeToSeaFloor</gx:altitudeMode>".replace("gx:", ""), None, None,
         ["read-heights-of-mode"]),
    ],
)  # fmt: skip
def test_heights_count_where_their_mode_says_so(
    mode: str, lower: Any, upper: Any, code: list[str]
) -> None:
    text = kml(mark(sheet(mode=mode)))
    found = volume(text)
    assert (found["lower"], found["upper"]) == (lower, upper)
    assert codes(text) == code


def test_corners_at_different_heights_are_no_level() -> None:
    text = kml(mark(sheet(mode=ABSOLUTE).replace("36.3,33.6,900", "36.3,33.6,901")))
    assert volume(text)["upper"] is None
    assert codes(text) == ["read-heights-differ"]


def test_holes_are_filled_and_other_elements_counted() -> None:
    ring = "<LinearRing><coordinates>1,1 2,2 2,1 1,1</coordinates></LinearRing>"
    link = "<NetworkLink><Link><href>http://127.0.0.1:9/</href></Link></NetworkLink>"
    inner = f"<innerBoundaryIs>{ring}</innerBoundaryIs>"
    text = kml(mark(sheet(inner=inner)) + link)
    assert len(volume(text)["outline"]["polygon"]) == 3
    assert codes(text) == ["read-hole-filled", "read-element-skipped"]


def test_data_and_times_of_a_placemark() -> None:
    stated = {"radius_m": 500, "lower": 900, "upper": 1200, "units": "M", "datum": "AMSL", "x": "?"}
    data = "".join(f'<Data name="{k}"><value>{v}</value></Data>' for k, v in stated.items())
    span = "<begin>2026-12-01T10:00:00Z</begin><end>2026-12-01T11:00:00+00:00</end>"
    more = f"<ExtendedData>{data}</ExtendedData><TimeSpan>{span}</TimeSpan>"
    text = kml(mark("<Point><coordinates>36.2,33.5</coordinates></Point>", more))
    found = volume(text)
    assert found["lacks"] == []
    read_plan(json.dumps({"type": "FeatureCollection", "features": found["features"]}).encode())
    short = text.replace("2026-12-01T10:00:00Z", "2026-12")
    assert volume(short)["start"] is None
    assert codes(short) == ["read-time-skipped"]


def test_several_geometries_and_prefixes() -> None:
    line = "<LineString><coordinates>36.2,33.5 36.3,33.6</coordinates></LineString>"
    both = kml(mark(f"<MultiGeometry>{line}{sheet()}</MultiGeometry>"))
    assert [next(iter(v["outline"])) for v in read(both)["volumes"]] == ["corridor", "polygon"]
    prefixed = re.sub(r"<(/?)(?=[A-Za-z])", r"<\1k:", both.partition("?>")[2])
    prefixed = prefixed.replace("xmlns", "xmlns:k")
    assert read(prefixed)["volumes"] == read(both)["volumes"]


def test_hostile_names_stay_text_on_one_line() -> None:
    name = "&lt;img src=x onerror=alert(1)&gt;\u202e\n" + "A" * 500
    found = volume(kml(mark(sheet(), name=name)))
    assert found["name"].startswith("<img src=x onerror=alert(1)> A")
    assert len(found["name"]) == 60
    assert found["name"].isprintable()


def test_corners_share_a_height_to_half_a_centimetre() -> None:
    for other, warned in (("900.005", "read-height-upper"), ("900.006", "read-heights-differ")):
        uneven = sheet("900", ABSOLUTE).replace("36.3,33.6,900", f"36.3,33.6,{other}")
        assert codes(kml(mark(uneven))) == [warned]

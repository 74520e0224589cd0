"""KML as a reader that is not ours sees it: parsed by ElementTree, against the rules of OGC 07-147.

Once, by hand, read by fastkml 1.4 with its strict parser as well: every object of these pictures
came back.
"""

from collections.abc import Iterator
from datetime import timedelta
from xml.etree import ElementTree as ET

import pytest
from tests.formats.pictures import HOSTILE, NOON, PLACE, SQUARE, alarm, area, picture, seen, shape

from tansiq.domain.volume import LatLng, Polygon
from tansiq.formats import geoid
from tansiq.formats.kml_picture import document, link
from tansiq.formats.picture import UNDULATION_ERROR_M, AreaKind, Picture

NS = "{http://www.opengis.net/kml/2.2}"
ORDER = {
    # Children of each element in the order of the schema's sequences; only those that we write.
    "Document": ["name", "description", "Style", "Folder"],
    "Folder": ["name", "Placemark"],
    "Placemark": ["name", "description", "TimeStamp", "TimeSpan", "styleUrl", "Style", "GEOMETRY"],
    "Style": ["IconStyle", "LabelStyle", "LineStyle", "PolyStyle"],
    "IconStyle": ["color", "heading"],
    "LabelStyle": ["color"],
    "LineStyle": ["color", "width"],
    "PolyStyle": ["color"],
    "TimeSpan": ["begin", "end"],
    "TimeStamp": ["when"],
    "MultiGeometry": ["GEOMETRY"],
    "Polygon": ["tessellate", "altitudeMode", "outerBoundaryIs"],
    "outerBoundaryIs": ["LinearRing"],
    "LinearRing": ["coordinates"],
    "LineString": ["tessellate", "altitudeMode", "coordinates"],
    "Point": ["altitudeMode", "coordinates"],
    "NetworkLink": ["name", "description", "Link"],
    "Link": ["href", "refreshMode", "refreshInterval"],
    "kml": ["Document", "NetworkLink"],
}
MANY = {"Style", "Folder", "Placemark", "GEOMETRY"}
GEOMETRY = {"Point", "LineString", "Polygon", "MultiGeometry"}


def faults(content: bytes) -> list[str]:
    """Return what is against the rules of KML 2.2."""
    root = ET.fromstring(content)
    found = [] if root.tag == f"{NS}kml" else ["the root is not kml"]
    ids = [e.get("id") for e in root.iter() if e.get("id")]
    if len(ids) != len(set(ids)):
        found.append("two elements have one id")
    for element in root.iter():
        name = element.tag.removeprefix(NS)
        children = [child.tag.removeprefix(NS) for child in element]
        kinds = ["GEOMETRY" if c in GEOMETRY else c for c in children]
        if name in ORDER:
            places = [ORDER[name].index(k) if k in ORDER[name] else -1 for k in kinds]
            if -1 in places or places != sorted(places):
                found.append(f"{name}: {children}")
            if any(kinds.count(k) > 1 for k in set(kinds) - MANY):
                found.append(f"{name} twice: {children}")
        elif children:
            found.append(f"unknown {name}")
        if name == "styleUrl" and (element.text or "")[1:] not in ids:
            found.append(f"no style {element.text}")
        if name == "LinearRing":
            corners = (element[0].text or "").split()
            if len(corners) < 4 or corners[0] != corners[-1]:
                found.append("a ring is not closed")
    return found


def placemarks(content: bytes) -> Iterator[tuple[str, ET.Element]]:
    for element in ET.fromstring(content).iter(f"{NS}Placemark"):
        yield element.findtext(f"{NS}name") or "", element


def one(content: bytes, name: str) -> ET.Element:
    (found,) = [element for told, element in placemarks(content) if told == name]
    return found


def corners(element: ET.Element) -> list[tuple[float, ...]]:
    return [
        tuple(map(float, corner.split(",")))
        for text in element.iter(f"{NS}coordinates")
        for corner in (text.text or "").split()
    ]


PICTURES = {
    "plain": picture(),
    "empty": Picture(party="north", time=NOON),
    "replay": picture(replay=True),
    "hostile": picture(
        party="n<&>",
        sentences=(HOSTILE,) * 3,
        areas=(area(name=HOSTILE, status=HOSTILE, sentence=HOSTILE, party=HOSTILE),),
        tracks=(seen(name=HOSTILE, sentence=HOSTILE, staleness=HOSTILE, level=HOSTILE),),
        alarms=(alarm(sentence=HOSTILE, level=HOSTILE, kind=HOSTILE),),
    ),
    "unknown": picture(
        tracks=(seen(height_m=None, track_deg=None, speed_mps=None, error_m=0.0),),
        alarms=(alarm(place=None),),
    ),
    "trail": picture(tracks=(seen(trail=(LatLng(24.4, 54.5), PLACE)),)),
}


@pytest.mark.parametrize("which", PICTURES)
def test_it_is_kml(which: str) -> None:
    assert faults(document(PICTURES[which])) == []


def test_the_rules_are_rules() -> None:
    good = document(picture()).decode()
    for bad in (
        good.replace("<styleUrl>#own", "<styleUrl>#nowhere"),
        good.replace("<Folder><name>", "<Folder><Folder/><name>", 1),
        good.replace("</coordinates></LinearRing>", " 1,2,3</coordinates></LinearRing>", 1),
        good.replace('<Style id="own">', '<Style id="others">'),
        good.replace("<altitudeMode>absolute</altitudeMode>", "<extra><x/></extra>", 1),
    ):
        assert bad != good
        assert faults(bad.encode()), bad[:80]


def test_every_object_is_there_once_under_its_label() -> None:
    names = [name for name, _ in placemarks(document(picture()))]
    assert names.count("HERON-1") == 1
    assert names.count("NO-GO Fire 7") == 1
    assert names.count("HK-12") == 1
    assert names.count("CALL Tower") == 1
    assert names.count("WARNING: HERON-1 and HK-12 meet in 40 s") == 1
    assert names.count("000001 · 2 s old") == 2, "the aircraft, and the line ahead of it"


def test_heights_are_those_above_the_sea_by_egm96() -> None:
    """The ellipsoid is 34 m above the sea's level here: unmoved heights would be off by that."""
    prism = one(document(picture()), "NO-GO Fire 7")
    found = corners(prism)
    assert {height for *_, height in found}
    for lng, lat, height_m in found:
        up_m = geoid.undulation_m(lat, lng)
        assert up_m < -30
        off_m = min(abs(height_m - (300 - up_m)), abs(height_m - (600 - up_m)))
        assert off_m <= 0.05 + UNDULATION_ERROR_M
    modes = {mode.text for mode in prism.iter(f"{NS}altitudeMode")}
    assert modes == {"absolute"}
    assert not list(prism.iter(f"{NS}extrude")), "it would be drawn down to the ground"
    assert "300 to 600 m above the WGS84 ellipsoid" in (prism.findtext(f"{NS}description") or "")


def test_a_prism_has_floor_roof_and_a_wall_for_each_edge() -> None:
    prism = one(document(picture()), "NO-GO Fire 7")
    faces = list(prism.iter(f"{NS}Polygon"))
    assert len(faces) == 2 + len(shape().ring)
    for wall in faces[2:]:
        assert len(set(corners(wall))) == 4
        assert len({corner[:2] for corner in corners(wall)}) == 2, "upright"


def test_of_very_many_corners_the_walls_are_left_out() -> None:
    many = Polygon(
        vertices=tuple(
            LatLng(24.0 + i * 1e-4, 54.0 + (0.01 if i % 2 else 0.0) + i * 1e-6) for i in range(300)
        )
        + tuple(LatLng(24.0 + i * 1e-4, 53.9) for i in reversed(range(201)))
    )
    drawn = shape(many)
    assert len(drawn.ring) > 500
    content = document(picture(areas=(area(shapes=(drawn,)),)))
    assert len(list(one(content, "HERON-1").iter(f"{NS}Polygon"))) == 2


def test_validity_is_a_span_of_time() -> None:
    plan = one(document(picture()), "HERON-1")
    assert plan.findtext(f"{NS}TimeSpan/{NS}begin") == "2026-11-29T12:00:00Z"
    assert plan.findtext(f"{NS}TimeSpan/{NS}end") == "2026-11-29T13:00:00Z"


def test_an_aircraft_has_its_heading_and_a_line_ahead() -> None:
    content = document(picture(tracks=(seen(),)))
    point, line = [e for name, e in placemarks(content) if name.startswith("HERON-1 ·")]
    assert point.findtext(f"{NS}Style/{NS}IconStyle/{NS}heading") == "90.0"
    ((lng, lat, height_m),) = corners(point)
    assert (lng, lat) == (PLACE.lng_deg, PLACE.lat_deg)
    assert height_m == pytest.approx(450 - geoid.undulation_m(lat, lng), abs=0.25)
    (_, ahead) = corners(line)
    assert ahead[0] - lng == pytest.approx(0.0296, abs=0.0002), "3 km further east"


def test_a_stale_or_unknown_aircraft_says_so_and_promises_nothing() -> None:
    stale = seen(staleness="stale", age_s=45.0)
    content = document(picture(tracks=(stale,), alarms=()))
    found = one(content, "HERON-1 · 45 s old · STALE")
    assert found.findtext(f"{NS}styleUrl") == "#stale"
    assert not list(found.iter(f"{NS}LineString"))
    nowhere = document(picture(tracks=(seen(height_m=None, pressure_m=None, track_deg=None),)))
    found = one(nowhere, "HERON-1 · 2 s old")
    assert found.findtext(f"{NS}Point/{NS}altitudeMode") == "clampToGround"
    assert "height unknown" in (found.findtext(f"{NS}description") or "")


@pytest.mark.parametrize("level", ["advisory", "caution", "warning"])
def test_an_alarm_has_a_colour_and_a_word(level: str) -> None:
    content = document(picture(alarms=(alarm(level=level),)))
    found = [(n, e) for n, e in placemarks(content) if n.startswith(level.upper())]
    assert [e.findtext(f"{NS}styleUrl") for _, e in found] == [f"#{level}"]
    acknowledged = document(picture(alarms=(alarm(level=level, stage="acknowledged"),)))
    assert any(n.startswith(f"{level.upper()} (acknowledged)") for n, _ in placemarks(acknowledged))


def test_an_alarm_without_a_place_is_in_the_list() -> None:
    content = document(picture(alarms=(alarm(place=None),)))
    (found,) = [e for n, e in placemarks(content) if n.startswith("WARNING")]
    assert not list(found.iter(f"{NS}Point"))


@pytest.mark.parametrize(
    ("changes", "mark"), [({"replay": True}, "REPLAY "), ({"exercise": True}, "EXERCISE ")]
)
def test_what_is_not_live_is_marked_on_every_object(changes: dict[str, bool], mark: str) -> None:
    content = document(picture(**changes, tracks=(seen(trail=(PLACE, LatLng(24.4, 54.5))),)))
    names = [name for name, _ in placemarks(content)]
    assert len(names) >= 8
    assert all(name.startswith(mark) for name in names)
    title = ET.fromstring(content).findtext(f"{NS}Document/{NS}name") or ""
    assert title.startswith(mark)


def test_a_plan_that_is_not_coordinated_looks_and_reads_so() -> None:
    doubtful = area(certain=False, status="placing")
    found = one(document(picture(areas=(doubtful,))), "HERON-1 (NOT COORDINATED)")
    assert found.findtext(f"{NS}styleUrl") == "#doubtful"
    no_go = area(certain=False, kind=AreaKind.NO_GO, status="not everywhere yet")
    found = one(document(picture(areas=(no_go,))), "NO-GO HERON-1 (NOT EVERYWHERE YET)")
    assert found.findtext(f"{NS}styleUrl") == "#no-go", "it binds us as it is"


def test_names_of_many_volumes_are_numbered() -> None:
    later = shape(SQUARE, start=NOON + timedelta(hours=1), end=NOON + timedelta(hours=2))
    names = [n for n, _ in placemarks(document(picture(areas=(area(shapes=(shape(), later)),))))]
    assert "HERON-1 1/2" in names
    assert "HERON-1 2/2" in names


def test_what_is_wrong_with_the_picture_is_said_first() -> None:
    content = document(picture(sentences=("The feed roof is silent.",)))
    said = ET.fromstring(content).findtext(f"{NS}Document/{NS}description") or ""
    assert said.startswith("The feed roof is silent.")
    assert "not a certified" in said


def test_nothing_is_fetched_from_elsewhere() -> None:
    for which in PICTURES.values():
        root = ET.fromstring(document(which))
        assert not list(root.iter(f"{NS}href"))


def test_the_link_names_its_address_and_how_often() -> None:
    url = "http://127.0.0.1:8080/api/v1/picture.kml?a=1&b=<2>"
    content = link(url, party="north", refresh_s=10.0)
    assert faults(content) == []
    root = ET.fromstring(content)
    at = f"{NS}NetworkLink/{NS}Link"
    assert root.findtext(f"{at}/{NS}href") == url
    assert root.findtext(f"{at}/{NS}refreshInterval") == "10"
    assert root.findtext(f"{at}/{NS}refreshMode") == "onInterval"

"""GeoJSON of the picture, against RFC 7946 and against shapely, which reads its geometries."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from shapely.geometry import shape as read_shape
from tests.formats.pictures import (
    HOSTILE,
    NOON,
    PLACE,
    SQUARE,
    alarm,
    area,
    picture,
    ring,
    seen,
    shape,
)

from tansiq.domain.volume import Circle, LatLng, Polygon
from tansiq.formats.geojson_picture import document
from tansiq.formats.picture import AreaKind, Picture

UNITS = ("_m", "_s", "_mps", "_deg")


def features(made: Picture) -> dict[str, dict[str, Any]]:
    read = msgspec.json.decode(document(made))
    assert read["type"] == "FeatureCollection"
    found = {feature["id"]: feature for feature in read["features"]}
    assert len(found) == len(read["features"])
    for feature in found.values():
        assert set(feature) == {"type", "id", "geometry", "properties"}
        if feature["geometry"] is not None:
            read_back = read_shape(feature["geometry"])
            assert read_back.is_valid
            assert all(abs(x) <= 180 for x in (read_back.bounds[0], read_back.bounds[2]))
    return found


def numbers(said: dict[str, Any]) -> Iterator[str]:
    for name, value in said.items():
        if isinstance(value, float | int) and not isinstance(value, bool):
            yield name


def test_every_object_is_a_feature_and_every_number_names_its_unit() -> None:
    found = features(picture())
    objects = sorted(f["properties"]["object"] for f in found.values())
    assert objects == [
        "aircraft",
        "aircraft",
        "alarm",
        "no-go area",
        "own plan",
        "plan of another party",
        "ring",
    ]
    for feature in found.values():
        for name in numbers(feature["properties"]):
            assert name.endswith(UNITS), name


def test_heights_say_their_datum_and_the_third_number_is_above_the_ellipsoid() -> None:
    found = features(picture())
    plan = found["2f8343be-6482-4d1b-a474-16847e01af1e/0"]["properties"]
    assert (plan["lower_w84_m"], plan["upper_w84_m"]) == (300.0, 600.0)
    aircraft = found["icao:a1b2c3"]
    assert aircraft["geometry"]["coordinates"] == [PLACE.lng_deg, PLACE.lat_deg, 450.0]
    assert aircraft["properties"]["height_w84_m"] == 450.0
    assert aircraft["properties"]["pressure_altitude_m"] == 480.0


def test_what_is_not_known_is_null_and_said() -> None:
    unknown = seen(height_m=None, height_error_m=0.0, error_m=0.0, speed_mps=None, track_deg=None)
    aircraft = features(picture(tracks=(unknown,)))["icao:a1b2c3"]
    assert len(aircraft["geometry"]["coordinates"]) == 2
    said = aircraft["properties"]
    for name in ("height_w84_m", "height_error_m", "horizontal_error_m", "speed_mps", "track_deg"):
        assert said[name] is None, name
    assert said["height_text"].startswith("height unknown")


def test_a_stale_aircraft_is_stale_in_words_and_in_a_flag() -> None:
    stale = features(picture(tracks=(seen(staleness="stale", age_s=40.0),)))["icao:a1b2c3"]
    assert stale["properties"]["stale"]
    assert "STALE" in stale["properties"]["label"]


def test_polygons_are_counterclockwise_whatever_they_were() -> None:
    turned = Polygon(vertices=SQUARE.vertices[::-1])
    for outline in (SQUARE, turned, Circle(center=PLACE, radius_m=100.0)):
        made = features(picture(areas=(area(shapes=(shape(outline),)),)))
        geometry = made["2f8343be-6482-4d1b-a474-16847e01af1e/0"]["geometry"]
        assert read_shape(geometry).exterior.is_ccw


def test_what_crosses_the_180th_meridian_is_two_polygons() -> None:
    across = shape(Circle(center=LatLng(-17.0, 179.99), radius_m=20_000.0))
    made = features(picture(areas=(area(shapes=(across,)),)))
    geometry = made["2f8343be-6482-4d1b-a474-16847e01af1e/0"]["geometry"]
    assert geometry["type"] == "MultiPolygon"
    assert len(geometry["coordinates"]) == 2


@pytest.mark.parametrize("mark", ["replay", "exercise"])
def test_what_is_not_live_is_marked_on_every_feature(mark: str) -> None:
    made = picture(tracks=(seen(trail=(PLACE, LatLng(24.4, 54.5))),), **{mark: True})
    for feature in features(made).values():
        assert feature["properties"][mark] is True
        assert feature["properties"]["label"].startswith(f"{mark.upper()} ")
    assert msgspec.json.decode(document(made))["tansiq"][mark] is True


def test_an_alarm_without_a_place_and_a_plan_without_a_register_are_told() -> None:
    doubtful = area(certain=False, kind=AreaKind.OTHERS)
    made = features(picture(alarms=(alarm(place=None),), areas=(doubtful,)))
    assert made["a1"]["geometry"] is None
    assert made["a1"]["properties"]["label"].startswith("WARNING: ")
    assert made[f"{doubtful.id}/0"]["properties"]["certain"] is False


def test_hostile_words_stay_words() -> None:
    hostile = HOSTILE.replace("\ud800", "")
    made = features(picture(areas=(area(name=hostile),), rings=(ring(name=hostile),)))
    assert made["r1"]["properties"]["name"] == hostile


def test_the_picture_says_when_it_is_of_and_what_is_wrong_with_it() -> None:
    read = msgspec.json.decode(document(Picture(party="north", time=NOON, sentences=("No feed.",))))
    assert read["features"] == []
    assert read["tansiq"]["time"] == "2026-11-29T12:00:00Z"
    assert read["tansiq"]["sentences"] == ["No feed."]
    assert "not a certified" in read["tansiq"]["note"]

"""Pictures to be drawn in tests: one of each object, and hostile words."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from tansiq.domain.time import TimeSpan
from tansiq.domain.volume import AltitudeBand, Circle, LatLng, Polygon, Volume3D, Volume4D
from tansiq.formats.picture import Alarm, Area, AreaKind, Picture, Ring, Seen, Shape, shape_of

NOON = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)
PLACE = LatLng(24.45, 54.6)
SQUARE = Polygon(
    vertices=(LatLng(24.4, 54.5), LatLng(24.4, 54.7), LatLng(24.5, 54.7), LatLng(24.5, 54.5))
)
HOSTILE = "<b>&\"']]>\x00\x1b\ud800 \N{HEBREW LETTER ALEF} " + "x" * 5_000


def shape(
    outline: Circle | Polygon = SQUARE,
    *,
    start: datetime = NOON,
    end: datetime = NOON + timedelta(hours=1),
    low_m: float = 300.0,
    high_m: float = 600.0,
) -> Shape:
    band = AltitudeBand(lower_m=low_m, upper_m=high_m)
    volume = Volume3D(outline=outline, altitude=band)
    return shape_of(Volume4D(volume=volume, time=TimeSpan(start=start, end=end)))


def area(**changes: Any) -> Area:
    plain = Area(
        id="2f8343be-6482-4d1b-a474-16847e01af1e",
        kind=AreaKind.OWN,
        name="HERON-1",
        party="north",
        status="coordinated",
        certain=True,
        shapes=(shape(),),
    )
    return replace(plain, **changes)


def seen(**changes: Any) -> Seen:
    plain = Seen(
        id="icao:a1b2c3",
        name="HERON-1",
        measured=NOON - timedelta(seconds=2),
        age_s=2.0,
        staleness="fresh",
        place=PLACE,
        error_m=30.0,
        height_m=450.0,
        height_error_m=15.0,
        pressure_m=480.0,
        speed_mps=50.0,
        track_deg=90.0,
        climb_mps=0.0,
        on_ground=False,
        planned=True,
        party="north",
        conformance="inside",
        sentence="",
        level="",
    )
    return replace(plain, **changes)


def alarm(**changes: Any) -> Alarm:
    plain = Alarm(
        id="a1",
        kind="conflict",
        level="warning",
        stage="raised",
        sentence="HERON-1 and HK-12 meet in 40 s",
        raised=NOON - timedelta(seconds=10),
        place=PLACE,
        in_s=40.0,
    )
    return replace(plain, **changes)


def ring(**changes: Any) -> Ring:
    plain = Ring(
        id="r1",
        name="Tower",
        no_entry=False,
        circle=Circle(center=PLACE, radius_m=5_000.0),
        until=NOON + timedelta(hours=1),
    )
    return replace(plain, **changes)


def picture(**changes: Any) -> Picture:
    plain = Picture(
        party="north",
        time=NOON,
        areas=(
            area(),
            area(id="c1", kind=AreaKind.NO_GO, name="Fire 7", status="everywhere"),
            area(
                id="o1",
                kind=AreaKind.OTHERS,
                name="HK-12",
                party="south",
                shapes=(shape(Circle(center=PLACE, radius_m=2_000.0)),),
            ),
        ),
        tracks=(seen(), seen(id="icao:000001", name="000001", planned=False, party="")),
        alarms=(alarm(),),
        rings=(ring(),),
    )
    return replace(plain, **changes)

"""What was understood of a text as a document: for the console's form, and as parts of a plan file.

``features`` of a volume are those of a plan file with what is known: whoever fills in the rest
sends them. A corridor has one feature a leg, and a shape without a size has none yet.
"""

from typing import Any

import msgspec

from tansiq.domain.time import zulu
from tansiq.domain.volume import Circle, LatLng, Outline
from tansiq.formats import understood_words as words
from tansiq.formats.understood import Area, Height, Reading, ReadVolume, Ring, Said

Place = tuple[float, float]
"""Latitude and longitude, degrees."""


class SentenceView(msgspec.Struct, frozen=True, kw_only=True):
    """A sentence: its code with values, and in English."""

    code: str
    values: dict[str, str]
    text: str


class WarningView(msgspec.Struct, frozen=True, kw_only=True):
    """A sentence that a person has to see."""

    code: str
    values: dict[str, str]
    text: str
    volume: int | None
    """Which of the volumes it is about, from 0; null: all, or none that was read."""


class CircleView(msgspec.Struct, frozen=True, kw_only=True):
    lat: float
    lng: float
    radius_m: float | None
    """Null: the text does not say it."""


class CorridorView(msgspec.Struct, frozen=True, kw_only=True):
    points: list[Place]
    half_width_m: float | None
    """To each side; null: the text does not say it."""


class OutlineView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One of three shapes."""

    circle: CircleView | None = None
    polygon: list[Place] | None = None
    corridor: CorridorView | None = None


class LevelView(msgspec.Struct, frozen=True, kw_only=True):
    value: float
    units: str
    """M, FT, or FL (hundreds of feet)."""
    datum: str | None
    """W84, AMSL, FL or AGL; null: the text does not say it."""


class GroundView(msgspec.Struct, frozen=True, kw_only=True):
    lowest_m: float
    highest_m: float
    datum: str


class ReadVolumeView(msgspec.Struct, frozen=True, kw_only=True):
    """One shape with what the text says of its levels and times; null is what it does not say."""

    outline: OutlineView
    lower: LevelView | None
    upper: LevelView | None
    ground: GroundView | None
    start: str | None
    end: str | None
    name: str
    lacks: list[str]
    """What a plan file still needs: radius_m, half_width_m, start, end, lower, upper, datum,
    one_datum, ground_m."""
    sentences: list[SentenceView]
    """Where it is, how high, and when."""
    features: list[dict[str, Any]]
    """Of a plan file, as GeoJSON."""


class ReadView(msgspec.Struct, frozen=True, kw_only=True):
    """What was understood of a text."""

    kind: str
    name: str
    sentence: SentenceView
    volumes: list[ReadVolumeView]
    warnings: list[WarningView]


def view(reading: Reading) -> ReadView:
    """Return what was understood, for a reader of JSON.

    Raises:
        InvalidVolume: a corridor with a leg that is too long to have an outline.
    """
    return ReadView(
        kind=reading.kind.value,
        name=reading.name,
        sentence=_sentence(words.headline(reading)),
        volumes=[_volume(volume) for volume in reading.volumes],
        warnings=[
            WarningView(
                code=warned.said.code,
                values=warned.said.values,
                text=words.text_of(warned.said),
                volume=warned.volume,
            )
            for warned in reading.warnings
        ],
    )


def features(volume: ReadVolume) -> list[dict[str, Any]]:
    """Return a volume as features of a plan file, with what is known; none without a size.

    Raises:
        InvalidVolume: a corridor with a leg that is too long to have an outline.
    """
    made = []
    for outline in volume.outlines():
        its = volume.properties()
        if isinstance(outline, Circle):
            its["radius_m"] = outline.radius_m
        made.append({"type": "Feature", "properties": its, "geometry": _geometry(outline)})
    return made


def _sentence(said: Said) -> SentenceView:
    return SentenceView(code=said.code, values=said.values, text=words.text_of(said))


def _volume(volume: ReadVolume) -> ReadVolumeView:
    ground = volume.ground
    return ReadVolumeView(
        outline=_outline(volume),
        lower=_level(volume.lower),
        upper=_level(volume.upper),
        ground=GroundView(
            lowest_m=ground.lowest_m, highest_m=ground.highest_m, datum=ground.datum.value
        )
        if ground
        else None,
        start=zulu(volume.start) if volume.start else None,
        end=zulu(volume.end) if volume.end else None,
        name=volume.name,
        lacks=list(volume.lacks),
        sentences=[_sentence(said) for said in words.sentences(volume)],
        features=features(volume),
    )


def _outline(volume: ReadVolume) -> OutlineView:
    shape = volume.shape
    if isinstance(shape, Ring):
        circle = CircleView(
            lat=shape.center.lat_deg,
            lng=shape.center.lng_deg,
            radius_m=shape.radius.m if shape.radius else None,
        )
        return OutlineView(circle=circle)
    if isinstance(shape, Area):
        return OutlineView(polygon=[_place(p) for p in shape.polygon.vertices])
    return OutlineView(
        corridor=CorridorView(
            points=[_place(p) for p in shape.places],
            half_width_m=shape.half_width.m if shape.half_width else None,
        )
    )


def _place(at: LatLng) -> Place:
    return at.lat_deg, at.lng_deg


def _level(height: Height | None) -> LevelView | None:
    if height is None:
        return None
    datum = height.datum.value if height.datum else None
    return LevelView(value=height.value, units=height.units.value, datum=datum)


def _geometry(outline: Outline) -> dict[str, Any]:
    if isinstance(outline, Circle):
        return {"type": "Point", "coordinates": [outline.center.lng_deg, outline.center.lat_deg]}
    ring = [[p.lng_deg, p.lat_deg] for p in (*outline.vertices, outline.vertices[0])]
    return {"type": "Polygon", "coordinates": [ring]}

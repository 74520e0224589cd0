"""What was understood of a text that somebody pasted or typed: volumes with open ends.

Values only. What the text does not say is ``None``, never a default; ``lacks`` names what a plan
file still needs. Each sentence is a code with values (``understood_words``), so that a reader of
another language can say it too.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, TypeAlias

from tansiq.domain import corridor, geodesy
from tansiq.domain.draft import (
    NAME_CHARS_MAX,
    VOLUMES_MAX,
    Datum,
    StatedGround,
    Units,
    figure,
)
from tansiq.domain.time import zulu
from tansiq.domain.volume import (
    RADIUS_M_MAX,
    VERTICES_MAX,
    Circle,
    LatLng,
    Outline,
    Polygon,
)
from tansiq.errors import BadInput, InvalidVolume, TooLarge


class Kind(StrEnum):
    """The forms that are read."""

    COORDINATES = "coordinates"
    GEOJSON = "geojson"
    KML = "kml"
    AERONAUTICAL = "aeronautical"


@dataclass(frozen=True, slots=True)
class Said:
    """One sentence: a code of ``understood_words`` and what goes into it."""

    code: str
    values: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Distance:
    """A length in metres, and as it was written."""

    m: float
    stated: str = ""

    def __str__(self) -> str:
        metres = f"{figure(self.m)} m"
        return metres if self.stated in ("", metres) else f"{self.stated} ({metres})"


@dataclass(frozen=True, slots=True)
class Height:
    """One level. ``datum`` None: the text does not say what it counts from."""

    value: float
    units: Units
    datum: Datum | None

    def __str__(self) -> str:
        if self.units is Units.FL:
            return f"FL{self.value:03.0f}" if self.value % 1 == 0 else f"FL{self.value:05.1f}"
        if self.datum is Datum.AGL and self.value == 0:
            return "SFC"
        unit = "ft" if self.units is Units.FT else "m"
        return f"{figure(self.value)} {unit} {self.datum or ''}".rstrip()


SURFACE: Final = Height(0.0, Units.FT, Datum.AGL)


@dataclass(frozen=True, slots=True)
class Ring:
    """A circle; without a radius it is a place that needs one."""

    center: LatLng
    radius: Distance | None

    def __post_init__(self) -> None:
        if self.radius is not None:
            Circle(center=self.center, radius_m=self.radius.m)


@dataclass(frozen=True, slots=True)
class Area:
    """A polygon; its edges are geodesics and do not cross."""

    polygon: Polygon

    def __post_init__(self) -> None:
        geodesy.check_outline(self.polygon)


@dataclass(frozen=True, slots=True)
class Corridor:
    """All within half a width of a line; without a width it is a line that needs one.

    Raises:
        InvalidVolume: fewer than two places, or a width that is none.
        TooLarge: more legs than a plan may have volumes.
    """

    places: tuple[LatLng, ...]
    half_width: Distance | None

    def __post_init__(self) -> None:
        if len(self.places) < 2:
            raise InvalidVolume("a corridor goes through at least two different places")
        if len(self.places) > VOLUMES_MAX + 1:
            raise TooLarge(
                f"a line of {len(self.places)} places; a corridor has at most {VOLUMES_MAX} legs: "
                "simplify it"
            )
        if self.half_width is not None and not 0.0 < self.half_width.m <= RADIUS_M_MAX:
            raise InvalidVolume(
                f"a width of {self.half_width.m} m to each side is not above 0 and at most "
                f"{RADIUS_M_MAX:.0f} m"
            )


Shape: TypeAlias = Ring | Area | Corridor


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadVolume:
    """One shape with what is said of its levels and times."""

    shape: Shape
    lower: Height | None = None
    upper: Height | None = None
    ground: StatedGround | None = None
    start: datetime | None = None
    end: datetime | None = None
    name: str = ""
    others: dict[str, Any] = field(default_factory=dict)
    """Other properties of a plan file, as they stood in one; whoever submits it checks them."""

    def __post_init__(self) -> None:
        if self.start is not None and self.end is not None and self.start > self.end:
            raise BadInput(
                f"ends at {zulu(self.end)}, before it starts at {zulu(self.start)}; swap them"
            )
        low, high = self.lower, self.upper
        comparable = low and high and (low.units, low.datum) == (high.units, high.datum)
        if comparable and low and high and low.value > high.value:
            raise BadInput(f"the lower level {low} is above the upper level {high}; swap them")

    @property
    def alike(self) -> bool:
        """Whether both levels count from one datum in one unit, as a plan file has them.

        A datum that is not said is not another one.
        """
        lower, upper = self._levels()
        if lower is None or upper is None:
            return True
        return lower[1] == upper[1] and (None in (lower[2], upper[2]) or lower[2] == upper[2])

    def _levels(self) -> tuple[tuple[float, Units, Datum | None] | None, ...]:
        """Return both levels; the surface, which is zero in any unit, in that of the other."""
        pair = [self.lower, self.upper]
        if all(level and level.datum is Datum.AGL for level in pair):
            zero = [level for level in pair if level and level.value == 0]
            other = [level for level in pair if level and level.value != 0]
            if zero and other:
                pair = [
                    Height(0.0, other[0].units, Datum.AGL) if level in zero else level
                    for level in pair
                ]
        return tuple((h.value, h.units, h.datum) if h else None for h in pair)

    @property
    def lacks(self) -> tuple[str, ...]:
        """What a plan file still needs, in the order of a form."""
        shape, lower, upper = self.shape, self.lower, self.upper
        levels = [level for level in (lower, upper) if level]
        wants = {
            "radius_m": isinstance(shape, Ring) and shape.radius is None,
            "half_width_m": isinstance(shape, Corridor) and shape.half_width is None,
            "start": self.start is None,
            "end": self.end is None,
            "lower": lower is None,
            "upper": upper is None,
            "datum": any(level.datum is None for level in levels),
            "one_datum": not self.alike,
            "ground_m": self.ground is None and any(h.datum is Datum.AGL for h in levels),
        }
        return tuple(name for name, wanted in wants.items() if wanted)

    def outlines(self) -> tuple[Outline, ...]:
        """Return what the shape is in a plan file; none while its size is not said.

        A corridor becomes one outline a leg, which hold all within its half width.

        Raises:
            InvalidVolume: a leg that is too long for one.
        """
        shape = self.shape
        if isinstance(shape, Area):
            return (shape.polygon,)
        if isinstance(shape, Ring):
            if shape.radius is None:
                return ()
            return (Circle(center=shape.center, radius_m=shape.radius.m),)
        if shape.half_width is None:
            return ()
        legs = zip(shape.places, shape.places[1:], strict=False)
        return tuple(corridor.around(leg, shape.half_width.m) for leg in legs)

    def properties(self) -> dict[str, Any]:
        """Return what is known, as the properties of a plan file."""
        known: dict[str, Any] = dict(self.others)
        if self.start:
            known["start"] = zulu(self.start)
        if self.end:
            known["end"] = zulu(self.end)
        lower, upper = self._levels()
        one = lower or upper
        if one and not {"datum", "one_datum"} & set(self.lacks):
            known |= {"lower": lower[0]} if lower else {}
            known |= {"upper": upper[0]} if upper else {}
            known |= {"units": one[1].value, "datum": str(one[2])}
        if self.ground:
            low, high = self.ground.lowest_m, self.ground.highest_m
            known["ground_m"] = low if low == high else [low, high]
            known["ground_datum"] = self.ground.datum.value
        return known


@dataclass(frozen=True, slots=True)
class Warned:
    """Something that a person has to know; ``volume`` is the one that it is about."""

    said: Said
    volume: int | None = None


class Gathered:
    """Volumes and warnings while a text is read, held to the limits of one plan all the way."""

    def __init__(self) -> None:
        self.volumes: list[ReadVolume] = []
        self.warnings: list[Warned] = []
        self._vertices = 0

    def warn(self, code: str, **values: str) -> None:
        """Note something about the volume that comes next."""
        self.warnings.append(Warned(Said(code, values), len(self.volumes)))

    def spend(self, vertices: int) -> None:
        """Count vertices before they are looked at, which costs more than counting them.

        Raises:
            TooLarge: more than one plan may have.
        """
        self._vertices += vertices
        if self._vertices > VERTICES_MAX:
            raise TooLarge(
                f"more than {VERTICES_MAX} vertices; all volumes of one plan together have at "
                "most that: simplify the outlines, or split the text"
            )

    def add(self, volume: ReadVolume) -> None:
        """Take a volume.

        Raises:
            TooLarge: more than one plan may have.
        """
        self.volumes.append(volume)
        if len(self.volumes) > VOLUMES_MAX:
            raise TooLarge(
                f"more than {VOLUMES_MAX} volumes, which is what one plan may have: split the text"
            )

    def reading(self, kind: Kind, empty: str) -> "Reading":
        """Return all that was gathered; ``empty`` is what to say where that is nothing.

        Raises:
            BadInput: no volume.
        """
        if not self.volumes:
            raise BadInput(empty, field="text")
        volumes = tuple(self.volumes)
        last = len(volumes) - 1
        warnings = [
            Warned(w.said, w.volume if w.volume is not None and w.volume <= last else None)
            for w in (*self.warnings, *told(volumes))
        ]
        name = next((v.name for v in volumes if v.name), "")
        return Reading(kind=kind, volumes=volumes, warnings=tuple(warnings), name=name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """All that one text says: one volume or more."""

    kind: Kind
    volumes: tuple[ReadVolume, ...]
    warnings: tuple[Warned, ...] = ()
    name: str = ""


LEG_VERTICES: Final = 10
"""Of the outline around one leg of a corridor, at most."""


def shape_of_places(places: list[LatLng], *, half_width: Distance | None = None) -> Shape:
    """Return what several places are: an area, or with a width, or if there are two, a line.

    One place is a circle without a radius. Places that repeat the one before count once, and the
    last one not at all where it repeats the first.

    Raises:
        InvalidVolume: edges that cross, or no such shape.
    """
    distinct = [p for i, p in enumerate(places) if i == 0 or p != places[i - 1]]
    if half_width is not None:
        return Corridor(tuple(distinct), half_width)
    if len(distinct) > 1 and distinct[0] == distinct[-1]:
        distinct.pop()
    if len(distinct) == 1:
        return Ring(distinct[0], None)
    if len(distinct) == 2:
        return Corridor(tuple(distinct), None)
    return Area(Polygon(vertices=tuple(distinct)))


def shown_name(text: str) -> str:
    """Return a name that others wrote, on one line and without what cannot be shown."""
    plain = "".join(char if char.isprintable() else " " for char in text[:1_000])
    return " ".join(plain.split())[:NAME_CHARS_MAX].strip()


def told(volumes: tuple[ReadVolume, ...]) -> Iterator[Warned]:
    """Yield what is to be said of levels that a plan file cannot hold as they are."""
    for index, volume in enumerate(volumes):
        for level in dict.fromkeys(h for h in (volume.lower, volume.upper) if h):
            if level.datum is None:
                yield Warned(Said("read-datum-missing", {"height": str(level)}), index)
        lacks = volume.lacks
        if "one_datum" in lacks:
            values = {"lower": str(volume.lower), "upper": str(volume.upper)}
            yield Warned(Said("read-datums-mixed", values), index)
        if "ground_m" in lacks:
            yield Warned(Said("read-ground-missing"), index)

"""What a person or a file declares, before a node makes it an operational intent or a constraint.

Values only. Altitudes are kept twice: as they were stated (``StatedBand``, for display and for the
record) and in metres W84 inside the volumes, converted by ``formats/altitude.py``.
"""

import math
from dataclasses import dataclass, replace
from enum import StrEnum

from tansiq.domain.category import Category
from tansiq.domain.intent import EntityID
from tansiq.domain.volume import VERTICES_MAX, Polygon, Volumes
from tansiq.errors import BadInput, TooLarge

VOLUMES_MAX = 1_000
"""Volumes of one plan or no-go area."""
NAME_CHARS_MAX = 60
PRIORITY_LIMIT = 1_000_000
"""Far outside any regulator's scale; keeps the integer within 32 bits on the wire."""


class Datum(StrEnum):
    """Where altitudes are counted from."""

    W84 = "W84"
    """The WGS84 ellipsoid."""
    AMSL = "AMSL"
    """Mean sea level, taken as the EGM96 geoid."""
    FL = "FL"
    """Flight level: pressure altitude on 1013.25 hPa, hundreds of feet."""
    AGL = "AGL"
    """Above a stated ground height."""


class Units(StrEnum):
    """Units of a stated altitude."""

    M = "M"
    FT = "FT"
    FL = "FL"
    """Hundreds of feet, with datum FL only."""


_UNIT_TEXT = {Units.M: "m", Units.FT: "ft"}
_UNIT_M = {Units.M: 1.0, Units.FT: 0.3048, Units.FL: 30.48}


def figure(value: float) -> str:
    """Write a number with thousands separated and no needless decimals."""
    return f"{value:,.1f}".removesuffix(".0")


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedGround:
    """Ground height under a band above ground: lowest and highest, metres above ``datum``.

    Raises:
        BadInput: reversed, not numbers, or a datum that is no height of ground.
    """

    lowest_m: float
    highest_m: float
    datum: Datum

    def __post_init__(self) -> None:
        if self.datum not in (Datum.W84, Datum.AMSL):
            raise BadInput(
                f"ground height is given above W84 or AMSL, not {self.datum}", field="ground_datum"
            )
        if not -500.0 <= self.lowest_m <= self.highest_m <= 9_000.0:
            raise BadInput(
                f"ground from {self.lowest_m} m to {self.highest_m} m is not within -500 to 9000 m "
                "with the lowest first",
                field="ground_m",
            )

    def __str__(self) -> str:
        low, high = figure(self.lowest_m), figure(self.highest_m)
        span = low if low == high else f"{low}-{high}"
        return f"ground {span} m {self.datum}"


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedBand:
    """A span of altitude as somebody wrote it; its text form is for people.

    Raises:
        BadInput: unit and datum do not go together, or ground is missing or needless.
    """

    lower: float
    upper: float
    units: Units
    datum: Datum
    ground: StatedGround | None = None

    def __post_init__(self) -> None:
        if (self.datum is Datum.FL) != (self.units is Units.FL):
            raise BadInput(
                "flight levels carry no other unit: with datum FL leave units out and write 95 "
                "for FL095; for other datums units are M or FT",
                field="units",
            )
        if self.datum is Datum.AGL and self.ground is None:
            raise BadInput(
                "heights above ground need the ground's height, which is never guessed: add "
                "ground_m and ground_datum (W84 or AMSL), or state the band as AMSL",
                field="ground_m",
            )
        if self.datum is not Datum.AGL and self.ground is not None:
            raise BadInput(
                f"ground_m belongs to datum AGL, not {self.datum}; leave it out", field="ground_m"
            )
        if not self.lower <= self.upper:
            raise BadInput(
                f"lower {self.lower} is above upper {self.upper}; swap them", field="lower"
            )

    @property
    def clearance_m(self) -> float:
        """How far above the ground its lower end is; infinite where that was not said."""
        return self.lower * _UNIT_M[self.units] if self.datum is Datum.AGL else math.inf

    def risen(self, up_m: float) -> "StatedBand":
        """Return the band as it reads after a move by ``up_m`` metres (negative: down)."""
        by = up_m / _UNIT_M[self.units]
        return replace(self, lower=self.lower + by, upper=self.upper + by)

    def __str__(self) -> str:
        if self.datum is Datum.FL:
            return f"FL{self.lower:03.0f}-FL{self.upper:03.0f}"
        span = f"{figure(self.lower)}-{figure(self.upper)} {_UNIT_TEXT[self.units]} {self.datum}"
        return f"{span} ({self.ground})" if self.ground else span


def shared_band(a: StatedBand, b: StatedBand) -> StatedBand | None:
    """Return what two bands share in the words both were stated in, None if that cannot be said.

    For display: in other datums, and where only widening made them meet, metres W84 tell the truth.
    """
    lower, upper = max(a.lower, b.lower), min(a.upper, b.upper)
    if (a.datum, a.units, a.ground) != (b.datum, b.units, b.ground) or lower > upper:
        return None
    return StatedBand(lower=lower, upper=upper, units=a.units, datum=a.datum, ground=a.ground)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanDraft:
    """A declared plan, or a no-go area where ``constraint`` is set.

    ``stated`` has one entry for each volume, in the same order.

    Raises:
        BadInput: no volumes, a name that cannot be shown, or a no-go area with a category.
        TooLarge: more volumes or vertices than one entity may have.
    """

    volumes: Volumes
    stated: tuple[StatedBand, ...]
    id: EntityID | None = None
    callsign: str = ""
    formation: str = ""
    category: Category | None = None
    """None: not said. A no-go area has none."""
    priority: int = 0
    constraint: bool = False
    manager: str = ""
    """Who manages it, where the file says so; for display."""
    source: str = ""
    """Where in its file it stands, for drafts without id and call sign."""

    def __post_init__(self) -> None:
        check_name(self.callsign, "callsign")
        check_name(self.formation, "formation")
        if self.constraint and self.category is not None:
            raise BadInput(
                "a no-go area has no category: it keeps everybody out; leave it out",
                field="category",
            )
        if not -PRIORITY_LIMIT <= self.priority <= PRIORITY_LIMIT:
            raise BadInput(
                f"{self.priority} is not within -{PRIORITY_LIMIT} to {PRIORITY_LIMIT}",
                field="priority",
            )
        if not self.volumes:
            raise BadInput("at least one volume is required", field="volumes")
        if len(self.stated) != len(self.volumes):
            raise BadInput("each volume has one stated band", field="stated")
        if len(self.volumes) > VOLUMES_MAX:
            raise TooLarge(
                f"{len(self.volumes)} volumes; one plan has at most {VOLUMES_MAX}: merge volumes, "
                "or split the plan",
                field="volumes",
            )
        vertices = sum(
            len(v.outline.vertices) for v in self.volumes if isinstance(v.outline, Polygon)
        )
        if vertices > VERTICES_MAX:
            raise TooLarge(
                f"{vertices} vertices; all volumes of one plan together have at most "
                f"{VERTICES_MAX}: simplify the outlines, or split the plan",
                field="volumes",
            )

    @property
    def name(self) -> str:
        """What to call it in a sentence."""
        return self.callsign or self.id or self.source or "unnamed"


def check_name(text: str, field: str) -> str:
    """Return a call sign or name that can be shown on one line.

    Raises:
        BadInput: too long, or it holds control characters.
    """
    if len(text) > NAME_CHARS_MAX:
        raise BadInput(
            f"{len(text)} characters; shorten it to at most {NAME_CHARS_MAX}", field=field
        )
    if not text.isprintable() or text != text.strip():
        raise BadInput(
            "holds control characters, or blanks at an end; write plain text", field=field
        )
    return text

"""Three desks over one area, invented: who they are, what they agreed, and what they will declare.

Two coordination cells and a civil authority, each with a language of its own. Nothing is said of
why anybody flies: outlines, levels and times. All plans lie near Damascus, Daraa, Quneitra and
Al-Bukamal, and begin so many minutes from now.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from tansiq.demo.nodes import Seat
from tansiq.domain.agreement import Agreement, Minima, Party, Register
from tansiq.domain.desk import Desk
from tansiq.domain.pact import AgreedTimers, Escalation, Lead, Role, Rung
from tansiq.domain.time import zulu
from tansiq.domain.volume import LatLng, Polygon

NORTH: Final = "north-cell"
SOUTH: Final = "south-cell"
CIVIL: Final = "civil"
DESK: Final = "watch"
POST: Final = {"en": "Watch", "ru": "Дежурный пост", "he": "עמדת המשמרת", "ar": "مكتب المناوبة"}
"""The name of that desk, the same at each party."""
LEAD: Final = timedelta(minutes=30)
"""How long before it begins a plan must have been announced."""
CLOCK_ERROR_S: Final = 0.1
"""What the nodes state of their clock where the system states nothing. Three nodes on one machine
share it, so they cannot differ by more."""
_AREA: Final = Polygon(
    vertices=(
        LatLng(32.3, 35.6),
        LatLng(32.3, 36.8),
        LatLng(34.0, 41.3),
        LatLng(34.9, 41.3),
        LatLng(34.2, 36.0),
        LatLng(33.2, 35.6),
    )
)
_AREA_KM2_MAX: Final = 300_000.0
"""Above the area's own size: each node looks for strays of its own all over it."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody on watch."""

    account: str
    name: str
    initials: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One party: its names, its desk's language, and the people who take the watch in turn."""

    party: str
    names: Mapping[str, str]
    language: str
    people: tuple[Person, ...]

    @property
    def seat(self) -> Seat:
        """The party as it gets a node."""
        settings = f"\nclock_error_s = {CLOCK_ERROR_S}\n"
        return Seat(party=self.party, names=self.names, settings=settings)


CELLS: Final = (
    Cell(
        party=NORTH,
        names={
            "en": "North Cell",
            "ru": "Северный пост",
            "he": "תא הצפון",
            "ar": "خلية الشمال",
        },
        language="ru",
        people=(Person("vera", "Вера Соколова", "VS"), Person("oleg", "Олег Лебедев", "OL")),
    ),
    Cell(
        party=SOUTH,
        names={
            "en": "South Cell",
            "ru": "Южный пост",
            "he": "תא הדרום",
            "ar": "خلية الجنوب",
        },
        language="he",
        people=(Person("noa", "נועה לוי", "NL"),),
    ),
    Cell(
        party=CIVIL,
        names={
            "en": "Civil Authority",
            "ru": "Гражданская служба",
            "he": "הרשות האזרחית",
            "ar": "السلطة المدنية",
        },
        language="ar",
        people=(Person("salma", "سلمى حداد", "SH"),),
    ),
)


def agree(parties: Sequence[Party]) -> Agreement:
    """Return the rules: three registers, the north cell's being the gate."""
    cells = {cell.party: cell for cell in CELLS}
    seated = tuple(replace(party, desks=(_desk(cells[party.id]),)) for party in parties)
    return Agreement(
        name="Demo: two cells and a civil authority",
        digest="",  # Of the bytes, which do not exist yet.
        parties=seated,
        registers=tuple(Register(id=p.id, party=p.id, url=p.url) for p in seated),
        area=_AREA,
        area_km2_max=_AREA_KM2_MAX,
        minima=Minima(horizontal_m=1_852.0, vertical_m=150.0, time=timedelta(seconds=60)),
        level_step_m=150.0,
        levels_m=(600.0, 6_000.0),
        lead=Lead(general=LEAD),
        timers=AgreedTimers(arrived=timedelta(seconds=30)),
        escalation=(
            Escalation(rung=Rung.SEEN, after=timedelta(minutes=5), role=Role.SENDER),
            Escalation(rung=Rung.ANSWERED, after=timedelta(minutes=30), role=Role.WATCH),
        ),
    )


def _desk(cell: Cell) -> Desk:
    return Desk(id=DESK, names=POST, languages=(cell.language, "en"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Flight:
    """One plan or block of air: a circle, between two levels, from so many minutes from now on."""

    callsign: str
    near: LatLng
    radius_m: int
    feet: tuple[int, int]
    """Above mean sea level."""
    after_min: int
    lasts_min: int = 30

    def document(self, now: datetime) -> dict[str, Any]:
        """Return the plan as GeoJSON, its times whole minutes."""
        start = now.replace(second=0, microsecond=0) + timedelta(minutes=self.after_min + 1)
        return {
            "type": "Feature",
            "properties": {
                "callsign": self.callsign,
                "start": zulu(start),
                "end": zulu(start + timedelta(minutes=self.lasts_min)),
                "lower": self.feet[0],
                "upper": self.feet[1],
                "units": "FT",
                "datum": "AMSL",
                "radius_m": self.radius_m,
            },
            "geometry": {"type": "Point", "coordinates": [self.near.lng_deg, self.near.lat_deg]},
        }


DARAA: Final = LatLng(32.62, 36.1)
N101: Final = Flight(
    callsign="N-101", near=DARAA, radius_m=3_000, feet=(4_000, 5_500), after_min=45
)
S201: Final = Flight(
    callsign="S-201",
    near=LatLng(32.65, 36.12),
    radius_m=2_500,
    feet=(5_000, 6_500),
    after_min=32,
    lasts_min=20,
)
C301: Final = Flight(
    callsign="C-301", near=LatLng(33.13, 35.83), radius_m=2_000, feet=(4_500, 6_000), after_min=12
)
N102: Final = Flight(
    callsign="N-102", near=LatLng(34.45, 40.92), radius_m=4_000, feet=(3_000, 4_500), after_min=50
)
CRANE: Final = Flight(
    callsign="CRANE-1",
    near=LatLng(33.51, 36.29),
    radius_m=500,
    feet=(2_200, 2_800),
    after_min=40,
    lasts_min=120,
)

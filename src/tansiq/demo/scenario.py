"""What the two parties will declare: plans made of recorded flights, and the agreement's figures.

The choices, and why:

- *Parties*: the day's aircraft go in turn to North and South, in order of their ICAO address. That
  needs no list, and splits those that work one fire, whose addresses are neighbours: the parties
  meet all day.
- *Area*: a circle that holds the western states. 183 of the 186 flights stay in it; the three in
  Florida are left out, and the demo says so.
- *Minima*: 1 NM, 150 m (about 500 ft), 60 s. Small, because these aircraft share a fire by design;
  with the usual 5 NM and 1,000 ft of en-route control one of them would close it to all others.
- *Formations*: two flights that were within these minima of each other for at least five minutes in
  all, by their own records, meant to fly together: tankers in a pair, or one with the plane that
  leads it. Each flight has at most one partner: the longest company wins.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from itertools import pairwise
from math import ceil

import msgspec

from tansiq.demo.calfire import PRESSURE_ERROR_M, Flight
from tansiq.demo.flown import Flown, meetings
from tansiq.domain import geodesy
from tansiq.domain.agreement import Formation, Minima
from tansiq.domain.draft import PlanDraft
from tansiq.domain.time import ZERO
from tansiq.domain.volume import Circle, LatLng, Outline
from tansiq.formats import geojson
from tansiq.formats.track import TrackBuffers, volumes_from_track

PARTIES = ("north", "south")
TOGETHER_S = 300
LEAD = timedelta(hours=1)
"""The first flight begins so long after now."""

MINIMA = Minima(horizontal_m=1_852.0, vertical_m=150.0, time=timedelta(seconds=60))
BUFFERS = TrackBuffers(
    slice_s=300.0, horizontal_m=250.0, vertical_m=50.0, time_s=30.0, bridge_gaps=True
)
LEVEL_STEP_M = 150.0
LEVELS_M = (0.0, 6_000.0)
WEST = Circle(center=LatLng(40.75, -118.0), radius_m=930_000.0)
AREA_KM2_MAX = 3_000_000.0
"""Above the area's own size: each node looks for strays of its own all over it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sortie:
    """One plan (or no-go area) as its party will declare it."""

    party: str
    draft: PlanDraft
    track: Flown | None = None
    """What it was made of, if anything; its id is the flight's."""

    @property
    def name(self) -> str:
        return self.draft.name

    @property
    def start(self) -> datetime:
        return self.draft.volumes[0].time.start

    @property
    def body(self) -> bytes:
        """The plan as GeoJSON."""
        return msgspec.json.encode(geojson.document(self.draft))

    def moved(self, by: timedelta) -> "Sortie":
        """Return the same, later or earlier."""
        volumes = tuple(volume.shifted(by=by) for volume in self.draft.volumes)
        return Sortie(
            party=self.party,
            draft=replace(self.draft, volumes=volumes),
            track=self.track.moved(by=by, up_m=0.0) if self.track else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """All that the story needs to know."""

    title: str
    sorties: tuple[Sortie, ...]
    """In order of start."""
    no_go: tuple[Sortie, ...] = ()
    shift: timedelta = ZERO
    """How much later than in truth it all happens."""
    dated: str = "in truth"
    """What the dates before the shift are."""
    area: Outline
    minima: Minima = MINIMA
    formations: tuple[Formation, ...] = ()
    notes: tuple[str, ...] = field(default=())
    """What the reader should know of the data: corrections, gaps, flights left out."""


def party_by_aircraft(flights: Iterable[Flight]) -> dict[str, str]:
    """Give the aircraft to the two parties in turn, by ICAO address."""
    aircraft = sorted({flight.icao24 for flight in flights})
    return {icao24: PARTIES[i % 2] for i, icao24 in enumerate(aircraft)}


def busiest_day(flights: Iterable[Flight]) -> date:
    """Return the day on which most flights begin; the first of equals."""
    counts = Counter(flight.start.date() for flight in flights)
    return min(counts, key=lambda day: (-counts[day], day))


def from_flights(flights: Sequence[Flight], *, now: datetime, all_days: bool) -> Scenario:
    """Make plans of the busiest day's flights, or of all, the first of them ahead of now."""
    day = busiest_day(flights)
    chosen = [flight for flight in flights if all_days or flight.start.date() == day]
    party, partners = party_by_aircraft(chosen), formations(chosen)
    sorties, outside, dropped = [], [], 0
    for flight in chosen:
        plan = volumes_from_track(flight.points, BUFFERS)
        dropped += plan.dropped_points
        draft = PlanDraft(
            volumes=plan.volumes,
            stated=plan.stated,
            callsign=flight.callsign,
            formation=partners[flight.id].name if flight.id in partners else "",
        )
        if all(geodesy.inside(volume.outline, WEST) for volume in plan.volumes):
            track = Flown(id=flight.id, points=flight.points)
            sorties.append(Sortie(party=party[flight.icao24], draft=draft, track=track))
        else:
            outside.append(flight.callsign)
    days = "the week from 8 September 2020" if all_days else f"{day:%A} {day.day} {day:%B %Y}"
    scenario = Scenario(
        title=f"firefighting aircraft of {days}, as recorded by ADS-B",
        sorties=tuple(sorties),
        area=WEST,
        formations=tuple(sorted(set(partners.values()), key=lambda each: each.name)),
        notes=(*_data_notes(chosen, dropped), *_outside_note(outside)),
    )
    return shifted(scenario, now=now)


def _data_notes(flights: Sequence[Flight], dropped: int) -> list[str]:
    points = sum(len(flight.points) for flight in flights)
    corrected = sum(flight.corrected for flight in flights)
    gaps = [
        after.time - before.time
        for flight in flights
        for before, after in pairwise(flight.points)
        if (after.time - before.time).total_seconds() > BUFFERS.gap_s
    ]
    longest_min = max(gaps, default=ZERO).total_seconds() / 60
    return [
        f"{points:,} positions; {corrected} heights missing or faulty, taken from pressure "
        f"altitude within {PRESSURE_ERROR_M:.0f} m; positions dropped as jumps: {dropped}",
        f"{len(gaps)} gaps over {BUFFERS.gap_s / 60:.0f} min, the longest {longest_min:.0f} min: "
        "there the plan is a guess, the straight way at any speed",
    ]


def _outside_note(callsigns: Sequence[str]) -> list[str]:
    if not callsigns:
        return []
    return [f"left out, not wholly in the agreed area (the western states): {', '.join(callsigns)}"]


def formations(flights: Sequence[Flight]) -> dict[str, Formation]:
    """Return each flight's formation, for those that truly flew with another."""
    by_id = {flight.id: flight for flight in flights}
    tracks = [Flown(id=flight.id, points=flight.points) for flight in flights]
    together = meetings(
        tracks,
        horizontal_m=MINIMA.horizontal_m,
        vertical_m=MINIMA.vertical_m,
        gap_s_max=BUFFERS.gap_s,
    )
    found: dict[str, Formation] = {}
    for meeting in together:  # Longest first.
        a, b = meeting.ids
        callsigns = sorted({by_id[a].callsign, by_id[b].callsign})
        if meeting.seconds >= TOGETHER_S and not {a, b} & found.keys() and len(callsigns) == 2:
            formation = Formation(name="+".join(callsigns), callsigns=frozenset(callsigns))
            found |= {a: formation, b: formation}
    return found


def shifted(scenario: Scenario, *, now: datetime) -> Scenario:
    """Move everything by whole seconds, so that the first flight begins ``LEAD`` from now."""
    first = min(sortie.start for sortie in scenario.sorties)
    by = timedelta(seconds=ceil((now + LEAD - first).total_seconds()))
    moved = [sortie.moved(by) for sortie in scenario.sorties]
    return replace(
        scenario,
        sorties=tuple(sorted(moved, key=lambda sortie: (sortie.start, sortie.name))),
        no_go=tuple(area.moved(by) for area in scenario.no_go),
        shift=by,
    )

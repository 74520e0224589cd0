"""What would clear a blocked plan: moves of ours or of the one plan in its way, in words.

Gathered on the loop, from what is known at that moment, and worked out anywhere: a search for the
best moves of a plan of many volumes takes its time.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from tansiq.domain.agreement import Agreement, Minima
from tansiq.domain.draft import StatedBand
from tansiq.domain.intent import IntentState
from tansiq.domain.time import YEAR_MAX, TimeSpan, zulu
from tansiq.domain.volume import AltitudeBand, Volume4D, Volumes, altitude_bounds, time_bounds
from tansiq.engine.prepared import Prepared
from tansiq.engine.resolution import (
    Bounds,
    Kind,
    Layer,
    NoneFree,
    Proposal,
    Resolution,
    resolve,
    standing,
)
from tansiq.services.airspace import INTENT, Airspace, Blocking, Candidate, Known
from tansiq.services.views import Alternative, NoSlot

ASIDE_M_MAX = 10_000.0
"""How far sideways a plan may be moved by a proposal."""
ASIDE_VOLUMES_MAX = 64
"""Plans of more volumes are not moved sideways: each way is a search for each of them. Nor are
plans whose altitudes were given above the ground."""
_KINDS = {
    Kind.LATER: "delay",
    Kind.EARLIER: "advance",
    Kind.HIGHER: "level",
    Kind.LOWER: "level",
    Kind.SIDEWAYS: "sideways",
    Kind.COMBINED: "combined",
}
_END = datetime(YEAR_MAX, 12, 31, tzinfo=UTC)
_WINDS = ("north", "north-east", "east", "south-east", "south", "south-west", "west", "north-west")


@dataclass(frozen=True, slots=True)
class Mover:
    """A plan that could move, and what it must keep clear of."""

    candidate: Candidate
    obstacles: tuple[Known, ...]
    besides: Candidate | None = None
    """The plan that it is to make way for."""
    flying: bool = False
    """In the air: it can still change its level or its way, and nothing about its times."""

    @property
    def volumes(self) -> Volumes:
        return self.candidate.volumes

    @property
    def stated(self) -> tuple[StatedBand, ...]:
        """Its altitudes as they were given; empty if nobody told us."""
        return self.candidate.stated


@dataclass(frozen=True, slots=True)
class WaysOut:
    """Gathers who could move, and says how."""

    agreement: Agreement
    airspace: Airspace

    def ours(self, candidate: Candidate, now: datetime, *, activated: bool = False) -> Mover:
        """Return the candidate with everything that would block it, now or later, near or aside."""
        start = time_bounds(candidate.volumes).start
        span = TimeSpan(start=min(now, start), end=_END)
        found = tuple(self.airspace.obstacles(candidate, span, ASIDE_M_MAX))
        flying = activated and start <= now
        return Mover(candidate, found, flying=flying)

    def theirs(
        self, candidate: Candidate, blocking: Sequence[Blocking], now: datetime
    ) -> Mover | None:
        """Return the one plan in the way, if it is still on the ground and known as it is."""
        in_the_way = {found.known.id: found.known for found in blocking}
        if len(in_the_way) != 1:
            return None
        (known,) = in_the_way.values()
        if known.kind != INTENT or known.enlarged or known.state != IntentState.ACCEPTED:
            return None
        other = Candidate(
            intent_id=known.id,
            priority=known.priority,
            callsign=known.callsign,
            formation=known.formation,
            category=known.category,
            volumes=known.volumes,
        )
        ours = self.ours(other, now)
        # What we mean to put there ourselves is not in its way twice, and not as it was.
        kept = tuple(k for k in ours.obstacles if k.id != candidate.intent_id)
        return replace(ours, obstacles=kept, besides=candidate)

    def resolve(self, mover: Mover, now: datetime) -> Resolution:
        """Return the best moves; may be called in any thread."""
        agreement = self.agreement
        span = time_bounds(mover.volumes)
        last = max(now, span.end) + agreement.delay_max
        last += agreement.minima_table.most(mover.candidate.category).time
        soon = [known for known in mover.obstacles if known.time.start <= last]
        found = self._resolve(mover, soon, now)
        if found.none_free is None or len(soon) == len(mover.obstacles):
            return found
        # What begins later than anything proposed decides only when something is free again.
        later = self._resolve(mover, mover.obstacles, now)
        return Resolution(found.proposals, later.none_free)

    def _resolve(self, mover: Mover, obstacles: Sequence[Known], now: datetime) -> Resolution:
        agreement, layers = self.agreement, self._layers(mover, obstacles)
        if not layers:
            return Resolution((), None)  # What blocked it has gone: it need not move.
        # What the ground is like elsewhere nobody has told us.
        may_turn = len(mover.volumes) <= ASIDE_VOLUMES_MAX and not any(
            band.ground for band in mover.stated
        )
        lowest_m, highest_m = agreement.levels_m
        clear_m = min((band.clearance_m for band in mover.stated), default=math.inf)
        if clear_m < math.inf:
            lowest_m = max(lowest_m, altitude_bounds(mover.volumes).lower_m - max(0.0, clear_m))
        longest = timedelta(0) if mover.flying else agreement.delay_max
        bounds = Bounds(
            earliest=time_bounds(mover.volumes).start if mover.flying else now,
            later_max=longest,
            earlier_max=longest,
            step_m=agreement.level_step_m,
            levels_m=(lowest_m, highest_m),
            aside_m_max=ASIDE_M_MAX if may_turn else 0.0,
            area=agreement.area,
        )
        return resolve(Prepared.of(*mover.volumes), layers, bounds)

    def _layers(self, mover: Mover, obstacles: Sequence[Known]) -> list[Layer]:
        """Return what is in the way, one layer for each minima that are kept to it."""
        candidate, found = mover.candidate, dict[Minima, list[Volume4D]]()
        for known in obstacles:
            minima = self.airspace.minima_between(candidate, known)
            found.setdefault(minima, []).extend(known.volumes)
        if mover.besides is not None:
            table = self.agreement.minima_table
            minima = table.between(candidate.category, mover.besides.category)
            found.setdefault(minima, []).extend(mover.besides.volumes)
        return [standing(tuple(volumes), minima) for minima, volumes in found.items() if volumes]

    def in_words(self, mover: Mover, found: Sequence[Proposal]) -> tuple[Alternative, ...]:
        """Return proposals as people read them, the cheapest first."""
        return tuple(_alternative(mover, proposal) for proposal in found)


def none_free(mover: Mover, found: NoneFree | None) -> str | None:
    """Say that nothing is free, within what was searched, and when something is."""
    if found is None:
        return None
    rooms = (found.up_m, "higher"), (found.down_m, "lower")
    levels = [f"{room_m:,.0f} m {word}" for room_m, word in rooms if room_m]
    if mover.flying:
        return f"no free level within {', '.join(levels)}" if levels else "no other level to fly at"
    within = [f"{duration(found.later_s)} later"]
    if found.earlier_s > 0:
        within.append(f"{duration(found.earlier_s)} earlier")
    text = f"no free slot within {', '.join([*within, *levels])}"
    if found.first_free is None:
        return f"{text}, nor at any later time at the present levels"
    return f"{text}; first free time at the present levels {zulu(found.first_free)}"


def no_slot_of(mover: Mover, found: NoneFree) -> NoSlot:
    """Return the same as data."""
    if mover.flying:
        code = "no-free-level" if found.up_m or found.down_m else "no-other-level"
        return NoSlot(code=code, up_m=found.up_m, down_m=found.down_m)
    return NoSlot(
        code="no-free-slot",
        later_s=found.later_s,
        earlier_s=max(0, found.earlier_s),
        up_m=found.up_m,
        down_m=found.down_m,
        first_free=None if found.first_free is None else zulu(found.first_free),
    )


def _alternative(mover: Mover, proposal: Proposal) -> Alternative:
    return Alternative(
        kind=_KINDS[proposal.kind],
        delay_s=proposal.delay_s,
        up_m=proposal.up_m,
        north_m=proposal.north_m,
        east_m=proposal.east_m,
        cost=round(proposal.cost, 3),
        start=zulu(time_bounds(proposal.volumes).start),
        altitude_text=_levels(mover, proposal.up_m),
        sentence=_sentence(mover, proposal),
    )


def _sentence(mover: Mover, proposal: Proposal) -> str:
    changes, facts, same = [], [], []
    if proposal.delay_s:
        word = "later" if proposal.delay_s > 0 else "earlier"
        changes.append(f"{duration(abs(proposal.delay_s))} {word}")
        facts.append(f"start {zulu(time_bounds(proposal.volumes).start)}")
    else:
        same.append("time")
    if proposal.up_m:
        word = "higher" if proposal.up_m > 0 else "lower"
        changes.append(f"{abs(proposal.up_m):,.0f} m {word}")
        facts.append(_levels(mover, proposal.up_m))
    else:
        same.append("levels")
    if proposal.north_m or proposal.east_m:
        changes.append(_aside(proposal.north_m, proposal.east_m))
    told = [", ".join(facts)] if facts else []
    told += [f"at the same {' and '.join(same)}"] if same else []
    return f"{' and '.join(changes)}: {' '.join(told)}"


def _aside(north_m: float, east_m: float) -> str:
    # Eight directions are tried, so the nearest of them is it.
    octant = next(
        i
        for i, (north, east) in enumerate(_SIGNS)
        if (north, east) == (_sign(north_m), _sign(east_m))
    )
    far_m = math.hypot(north_m, east_m)
    far = f"{far_m:.0f} m" if far_m < 1_000 else f"{far_m / 1_000:.1f}".removesuffix(".0") + " km"
    return f"{far} {_WINDS[octant]}"


_SIGNS = ((1, 0), (1, 1), (0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1))


def _sign(value: float) -> int:
    return (value > 0) - (value < 0)


def _levels(mover: Mover, up_m: float) -> str:
    band = altitude_bounds(mover.volumes)
    moved = w84(AltitudeBand(lower_m=band.lower_m + up_m, upper_m=band.upper_m + up_m))
    if len({(b.datum, b.units, b.ground) for b in mover.stated}) == 1:
        stated = replace(
            mover.stated[0],
            lower=min(b.lower for b in mover.stated),
            upper=max(b.upper for b in mover.stated),
        )
        moved = str(whole(stated.risen(up_m)))
    return moved


def whole(band: StatedBand) -> StatedBand:
    """Return a stated band with whole numbers."""
    return replace(band, lower=float(round(band.lower)), upper=float(round(band.upper)))


def w84(band: AltitudeBand) -> str:
    """Write a band in metres W84."""
    return f"{band.lower_m:,.0f}-{band.upper_m:,.0f} m W84"


def duration(seconds: int) -> str:
    """Write a time that something takes."""
    whole_, rest = divmod(seconds, 60)
    if not whole_:
        return f"{rest} s"
    return f"{whole_} min {rest:02d} s" if rest else f"{whole_} min"

"""Why a plan is blocked, in one sentence, and the smallest shifts that clear everything known."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from tansiq.domain.agreement import Agreement
from tansiq.domain.conflict import explain
from tansiq.domain.draft import Datum, StatedBand
from tansiq.domain.resolution import smallest_delay, smallest_level_change
from tansiq.domain.time import zulu
from tansiq.domain.volume import AltitudeBand, Volumes, altitude_bounds, time_bounds
from tansiq.services.airspace import CONSTRAINT, Airspace, Blocking, Candidate, Known
from tansiq.services.planning.status import Verdict
from tansiq.services.views import Alternative, Blocker

BLOCKERS_SHOWN = 20

Name = Callable[[str], str]
"""Party id -> its name for people."""


@dataclass(frozen=True, slots=True)
class Reasons:
    """Explains judgements; knows the agreement and the sky, reads no clock."""

    agreement: Agreement
    airspace: Airspace
    party_name: Name

    def verdict(self, candidate: Candidate, blocking: Sequence[Blocking], said: str) -> Verdict:
        """Return the verdict on a candidate that these block; ``said`` opens the sentence."""
        unique: dict[str, Blocking] = {}
        for found in blocking:
            unique.setdefault(found.known.id, found)
        shown = list(unique.values())
        blockers = tuple(self._blocker(candidate, found) for found in shown[:BLOCKERS_SHOWN])
        more = len(shown) - 1
        tail = f", and {more} more" if more > 0 else ""
        reason = f"{said}{blockers[0].sentence}{tail}" if blockers else said
        return Verdict(reason=reason, blockers=blockers, alternatives=self.alternatives(candidate))

    def _blocker(self, candidate: Candidate, found: Blocking) -> Blocker:
        known, conflict = found.known, found.conflict

        def altitude(shared: AltitudeBand) -> str:
            return in_words_of(candidate, conflict.pair[0], shared)

        name = f"{known.name} of {self.party_name(known.manager)}"
        separation = conflict.separation
        return Blocker(
            id=known.id,
            kind=known.kind,
            manager=known.manager,
            name=known.name,
            horizontal_m=separation.horizontal_m,
            vertical_m=separation.vertical_m,
            time_s=separation.time_s,
            sentence=explain(
                conflict,
                name=name,
                minima=self.airspace.minima_against(known),
                altitude=altitude,
            ),
        )

    def alternatives(self, candidate: Candidate) -> tuple[Alternative, ...]:
        """Return the smallest delay and the smallest level change that clear everything known."""
        agreement, volumes = self.agreement, candidate.volumes
        obstacles = self._obstacles(candidate)
        found = []
        delay = smallest_delay(volumes, obstacles, agreement.minima, limit=agreement.delay_max)
        if delay is not None:
            found.append(_later(volumes, delay))
        lowest, highest = agreement.levels_m
        change_m = smallest_level_change(
            volumes,
            obstacles,
            agreement.minima,
            step_m=agreement.level_step_m,
            lowest_m=lowest,
            highest_m=highest,
        )
        if change_m is not None:
            found.append(_level(candidate, change_m))
        return tuple(found)

    def _obstacles(self, candidate: Candidate) -> list[Volumes]:
        """Return what would block the candidate anywhere within the longest delay, each once."""
        span = time_bounds(candidate.volumes)
        reach = self.agreement.minima.time
        first, last = span.start - reach, span.end + self.agreement.delay_max + reach
        best: dict[str, Known] = {}
        for register in self.agreement.registers:
            for known in list(self.airspace.at(register.id).values()):
                if known.time.end < first or known.time.start > last:
                    continue
                # True volumes rather than those a foreign register's readers see.
                if known.id not in best or best[known.id].enlarged:
                    best[known.id] = known
        return [
            known.volumes
            for known in best.values()
            if known.id != candidate.intent_id
            and self.airspace.blocks(candidate, known)
            and not self._flies_with(candidate, known)
        ]

    def _flies_with(self, candidate: Candidate, known: Known) -> bool:
        return known.kind != CONSTRAINT and self.agreement.same_formation(
            (candidate.callsign, candidate.formation), (known.callsign, known.formation)
        )


def _later(volumes: Volumes, delay: timedelta) -> Alternative:
    seconds = int(delay.total_seconds())
    start = zulu(time_bounds(volumes).start + delay)
    return Alternative(
        kind="delay",
        delay_s=seconds,
        up_m=0.0,
        sentence=f"{_duration(seconds)} later: start {start} at the same levels",
    )


def _level(candidate: Candidate, change_m: float) -> Alternative:
    band = altitude_bounds(candidate.volumes)
    word = "higher" if change_m > 0 else "lower"
    moved = _w84(AltitudeBand(lower_m=band.lower_m + change_m, upper_m=band.upper_m + change_m))
    if len({(b.datum, b.units, b.ground) for b in candidate.stated}) == 1:
        stated = replace(
            candidate.stated[0],
            lower=min(b.lower for b in candidate.stated),
            upper=max(b.upper for b in candidate.stated),
        )
        moved = str(_whole(stated.risen(change_m)))
    return Alternative(
        kind="level",
        delay_s=0,
        up_m=change_m,
        sentence=f"{abs(change_m):,.0f} m {word}: {moved} at the same time",
    )


def in_words_of(candidate: Candidate, index: int, shared: AltitudeBand) -> str:
    """Write a band that a candidate's volume shares with another as that volume was stated.

    Counted from the bounds that the desk gave, so that its own figures come back unchanged. Flight
    levels are widened too much for that; metres W84 tell the truth there.
    """
    if not candidate.stated or candidate.stated[index].datum is Datum.FL:
        return _w84(shared)
    stated, own = candidate.stated[index], candidate.volumes[index].altitude
    low = stated.risen(shared.lower_m - own.lower_m).lower
    high = stated.risen(shared.upper_m - own.upper_m).upper
    if round(low) > round(high):
        return _w84(shared)
    return str(_whole(replace(stated, lower=min(low, high), upper=high)))


def _whole(band: StatedBand) -> StatedBand:
    return replace(band, lower=float(round(band.lower)), upper=float(round(band.upper)))


def _w84(band: AltitudeBand) -> str:
    return f"{band.lower_m:,.0f}-{band.upper_m:,.0f} m W84"


def _duration(seconds: int) -> str:
    minutes, rest = divmod(seconds, 60)
    if not minutes:
        return f"{rest} s"
    return f"{minutes} min {rest:02d} s" if rest else f"{minutes} min"

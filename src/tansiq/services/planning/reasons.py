"""Why a plan is blocked, in one sentence, and what would clear it of everything known."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import msgspec

from tansiq.domain.agreement import Agreement
from tansiq.domain.conflict import explain
from tansiq.domain.draft import Datum
from tansiq.domain.time import zulu
from tansiq.domain.volume import AltitudeBand
from tansiq.services.airspace import CONSTRAINT, Airspace, Blocking, Candidate, Known
from tansiq.services.planning.judging import REASON_CODES
from tansiq.services.planning.status import Verdict
from tansiq.services.planning.ways_out import Mover, WaysOut, no_slot_of, none_free, w84, whole
from tansiq.services.views import Alternative, Blocker

BLOCKERS_SHOWN = 20
THEIRS_SHOWN = 3

Name = Callable[[str], str]
"""Party id -> its name for people."""


@dataclass(frozen=True, slots=True)
class Reasons:
    """Explains judgements; knows the agreement and the sky, reads no clock."""

    agreement: Agreement
    airspace: Airspace
    party_name: Name

    def prepare(
        self,
        candidate: Candidate,
        blocking: Sequence[Blocking],
        said: str,
        now: datetime,
        *,
        activated: bool = False,
    ) -> Callable[[], Verdict]:
        """Gather what the verdict on a candidate that these block needs; ``said`` opens its
        sentence, ``activated`` says that the plan is, and no aircraft waits for it on the ground.
        What is returned works it out, which may take long, in any thread.
        """
        ways = WaysOut(self.agreement, self.airspace)
        ours = ways.ours(candidate, now, activated=activated)
        theirs = ways.theirs(candidate, blocking, now)

        def verdict() -> Verdict:
            found = ways.resolve(ours, now)
            verdict = self._explained(candidate, blocking, said)
            free = found.none_free
            return msgspec.structs.replace(
                verdict,
                alternatives=ways.in_words(ours, found.proposals),
                theirs=() if theirs is None else self._theirs(ways, theirs, verdict, now),
                no_slot=none_free(ours, free),
                no_slot_facts=None if free is None else no_slot_of(ours, free),
            )

        return verdict

    def _theirs(
        self, ways: WaysOut, mover: Mover, verdict: Verdict, now: datetime
    ) -> tuple[Alternative, ...]:
        (blocker,) = verdict.blockers
        name = f"{blocker.name} of {self.party_name(blocker.manager)}"
        proposals = ways.resolve(mover, now).proposals[:THEIRS_SHOWN]
        return tuple(
            msgspec.structs.replace(one, sentence=f"{name}: {one.sentence}")
            for one in ways.in_words(mover, proposals)
        )

    def _explained(self, candidate: Candidate, blocking: Sequence[Blocking], said: str) -> Verdict:
        unique: dict[str, Blocking] = {}
        for found in blocking:
            unique.setdefault(found.known.id, found)
        shown = list(unique.values())
        blockers = tuple(self._blocker(candidate, found) for found in shown[:BLOCKERS_SHOWN])
        more = len(shown) - 1
        tail = f", and {more} more" if more > 0 else ""
        reason = f"{said}{blockers[0].sentence}{tail}" if blockers else said
        return Verdict(
            reason=reason,
            reason_code=REASON_CODES.get(said),
            blockers_count=len(shown),
            blockers=blockers,
        )

    def _why(self, candidate: Candidate, known: Known) -> str:
        table, area = self.agreement.minima_table, known.kind == CONSTRAINT
        if known.enlarged:
            return "kept beyond its own, by which it stands enlarged" if table.entries else ""
        return table.why(candidate.category, known.category, area=area)

    def _why_code(self, candidate: Candidate, known: Known) -> tuple[str, tuple[str, ...]]:
        """Return the same as a code, and the categories that it is about."""
        table, ours, theirs = self.agreement.minima_table, candidate.category, known.category
        if not table.entries:
            return "", ()
        if known.enlarged:
            return "enlarged", ()
        if known.kind == CONSTRAINT:
            return ("area-all", ()) if ours is None else ("area", (ours.value,))
        named = tuple(each.value for each in (ours, theirs) if each is not None)
        if len(named) < 2:
            return ("other-no-category" if named else "neither-category"), named
        agreed = any(entry.categories == {ours, theirs} for entry in table.entries)
        return ("between" if agreed else "usual-between"), named

    def _blocker(self, candidate: Candidate, found: Blocking) -> Blocker:
        known, conflict = found.known, found.conflict

        def altitude(shared: AltitudeBand) -> str:
            return in_words_of(candidate, conflict.pair[0], shared)

        name = f"{known.name} of {self.party_name(known.manager)}"
        separation, place = conflict.separation, conflict.place
        minima = self.airspace.minima_between(candidate, known)
        code, categories = self._why_code(candidate, known)
        assert place is not None  # noqa: S101 - the engine says it
        return Blocker(
            id=known.id,
            kind=known.kind,
            manager=known.manager,
            name=known.name,
            horizontal_m=separation.horizontal_m,
            vertical_m=separation.vertical_m,
            time_s=separation.time_s,
            margin=conflict.margin,
            least=conflict.least,
            time_start=zulu(conflict.time.start),
            time_end=zulu(conflict.time.end),
            altitude_m_min=conflict.altitude.lower_m,
            altitude_m_max=conflict.altitude.upper_m,
            lat_deg=place.lat_deg,
            lng_deg=place.lng_deg,
            altitude_text=altitude(conflict.altitude),
            minima_horizontal_m=minima.horizontal_m,
            minima_vertical_m=minima.vertical_m,
            minima_time_s=minima.time.total_seconds(),
            minima_code=code,
            minima_categories=categories,
            sentence=explain(
                conflict,
                name=name,
                minima=minima,
                why=self._why(candidate, known),
                altitude=altitude,
            ),
        )


def in_words_of(candidate: Candidate, index: int, shared: AltitudeBand) -> str:
    """Write a band that a candidate's volume shares with another as that volume was stated.

    Counted from the bounds that the desk gave, so that its own figures come back unchanged. Flight
    levels are widened too much for that; metres W84 tell the truth there.
    """
    if not candidate.stated or candidate.stated[index].datum is Datum.FL:
        return w84(shared)
    stated, own = candidate.stated[index], candidate.volumes[index].altitude
    low = stated.risen(shared.lower_m - own.lower_m).lower
    high = stated.risen(shared.upper_m - own.upper_m).upper
    if round(low) > round(high):
        return w84(shared)
    return str(whole(replace(stated, lower=min(low, high), upper=high)))

"""Aircraft against their own plans: what each does, and what is to be said of it.

An aircraft that a plan is known of is judged each tick by all that its position can be wrong. One
without a plan is told of where the parties have agreed to say who flies: in the agreed area.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tansiq.domain import causes
from tansiq.domain.agreement import Agreement
from tansiq.domain.alarm_key import AlarmKind, Level, key
from tansiq.domain.conformance import Conformance, Status, conformance
from tansiq.domain.estimate import Estimate
from tansiq.domain.following import Quality, Track
from tansiq.domain.intent import IntentState
from tansiq.domain.nearness import nearness
from tansiq.domain.volume import Volumes, time_bounds
from tansiq.formats import alarm_facts
from tansiq.formats.alarm_facts import SENTENCE_ONLY, Message
from tansiq.formats.alarm_words import in_words
from tansiq.services.airspace import Known
from tansiq.services.watch.binding import suggestion
from tansiq.services.watch.expected import BEHIND
from tansiq.services.watch.kept import Cause
from tansiq.services.watch.scene import Aircraft

SHOWN: Final = {
    Status.INSIDE: "inside",
    Status.NOT_YET: "inside",
    Status.NOT_AIRBORNE: "inside",
    Status.LANDED: "inside",
    Status.EARLY: "early",
    Status.LEFT: "left",
    Status.OFF_LEVEL: "off-level",
    Status.OVER_RUN: "over-run",
    Status.UNKNOWN: "unknown",
}


@dataclass(frozen=True, slots=True)
class Judged:
    """What one aircraft does, in a word and a sentence."""

    found: Conformance | None
    """None: no plan of it is known."""
    word: str
    said: Message

    @property
    def sentence(self) -> str:
        """The same in English; empty: there is nothing to say."""
        return in_words(self.said) if self.said.code else ""


def judged(aircraft: Aircraft, estimate: Estimate, now: datetime, *, flown: bool) -> Judged:
    """Return what an aircraft does, by its plan if one is known."""
    known = aircraft.bound.known
    if known is None:
        return Judged(None, "unplanned", suggestion(estimate, aircraft.bound) or SENTENCE_ONLY)
    found = conformance(estimate, _nominal(known), now, flown=flown)
    word = SHOWN[found.status]
    if word == "inside" and estimate.quality is Quality.CONTESTED:
        return Judged(found, "unknown", alarm_facts.two_places(known.name))
    if word == "inside" and found.certain:
        return Judged(found, word, SENTENCE_ONLY)
    return Judged(found, word, alarm_facts.of_conformance(known.name, found))


def _nominal(known: Known) -> Volumes:
    return known.nominal.volumes or known.volumes


def cause(aircraft: Aircraft, judged: Judged, estimate: Estimate) -> Cause | None:
    """Return what there is to alarm of an aircraft with a plan."""
    known, found = aircraft.bound.known, judged.found
    if known is None or found is None:
        return None
    asked = causes.of_conformance(found)
    if asked is None or asked.kind is AlarmKind.TRACK_LOST:
        # Of those that are not heard any more ``lost`` tells, plan by plan.
        if estimate.quality is not Quality.CONTESTED or known.state == IntentState.ACCEPTED:
            return None
        return _loss(aircraft, known, estimate, alarm_facts.two_places(known.name))
    return Cause(
        key=key(asked.kind, aircraft.subject),
        level=asked.level,
        sentence=judged.sentence,
        said=judged.said,
        names=(known.name,),
        place=estimate.position,
        parties=aircraft.parties,
    )


def lost(aircraft: Aircraft, estimate: Estimate, now: datetime, *, flown: bool) -> Cause | None:
    """Return that nothing is heard any more of an aircraft which is in the air by its plan, or
    has been heard to be.
    """
    known = aircraft.bound.known
    if known is None or estimate.on_ground:
        return None
    if known.state == IntentState.ACCEPTED and not flown:
        return None
    span = time_bounds(known.volumes)
    if now > span.end + BEHIND:
        return None
    said = alarm_facts.not_heard(known.name, estimate.age_s, span.end, now)
    return _loss(aircraft, known, estimate, said)


def _loss(aircraft: Aircraft, known: Known, estimate: Estimate, said: Message) -> Cause:
    return Cause(
        key=key(AlarmKind.TRACK_LOST, aircraft.subject),
        level=Level.CAUTION,
        sentence=in_words(said),
        said=said,
        names=(known.name,),
        place=estimate.position,
        parties=aircraft.parties,
    )


class NoPlan:
    """Aircraft without a plan in the agreed area; each is looked at every ten seconds."""

    def __init__(self, agreement: Agreement) -> None:
        self._area = agreement.area
        self._looked: dict[str, tuple[datetime, Cause | None]] = {}

    def causes(
        self, aircraft: Iterable[Aircraft], at: Callable[[Track, datetime], Estimate], now: datetime
    ) -> Iterator[Cause]:
        """Yield a cause for each that flies in the area, as it was at the last look at it."""
        looked: dict[str, tuple[datetime, Cause | None]] = {}
        for each in aircraft:
            before = self._looked.get(each.subject)
            # What may be confirmed is shown at once, and gone at once.
            fresh = before is not None and 0 <= (now - before[0]).total_seconds() < _LOOK_S
            if before is None or not fresh or each.bound.may_be:
                before = (now, self._look(each, at(each.track, now)))
            looked[each.subject] = before
            if before[1] is not None:
                yield before[1]
        self._looked = looked

    def _look(self, aircraft: Aircraft, estimate: Estimate) -> Cause | None:
        near = nearness(estimate.position, self._area, beyond_m=1.0)
        return _no_plan(aircraft, estimate) if near.inside or near.least_m <= 0.0 else None


_LOOK_S: Final = 10.0


def _no_plan(aircraft: Aircraft, estimate: Estimate) -> Cause:
    measured = aircraft.track.geometric is not None
    above_w84_m = pressure_m = None
    if estimate.height is not None and (measured or estimate.pressure is None):
        above_w84_m = estimate.height.middle_m
    elif estimate.pressure is not None:
        pressure_m = estimate.pressure.middle_m
    said = alarm_facts.no_plan(aircraft.name, above_w84_m, pressure_m)
    suggested = suggestion(estimate, aircraft.bound)
    if suggested is not None:
        said = alarm_facts.joined((said, suggested))
    return Cause(
        key=key(AlarmKind.NO_PLAN, aircraft.subject),
        level=Level.ADVISORY,
        sentence=in_words(said),
        said=said,
        names=(aircraft.name,),
        place=estimate.position,
    )

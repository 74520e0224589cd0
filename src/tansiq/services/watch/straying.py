"""What follows where an own aircraft leaves its plan: the F3548 state, and where it may be.

Once it has been outside for a stated time its plan becomes Nonconforming, with off-nominal volumes
along its way, written anew before they end or are left; registers, subscribers and peers are told
by the standard's own messages. That it is back, or will not come back, a person says: the watch
only shows that it seems so.
"""

import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from math import pi, sqrt
from typing import Final

from tansiq.domain.agreement import Agreement
from tansiq.domain.conformance import DEPARTED, Holds, Standing, Status, standing
from tansiq.domain.ellipsoid import destination
from tansiq.domain.estimate import Estimate, Levels, Staleness
from tansiq.domain.intent import IntentState
from tansiq.domain.time import TimeSpan
from tansiq.domain.volume import AltitudeBand, Circle, Volume3D, Volume4D, Volumes
from tansiq.domain.whereabouts import Within, within
from tansiq.errors import StoreError, TansiqError
from tansiq.formats.alarm_facts import SENTENCE_ONLY, Message
from tansiq.services.airspace import Known
from tansiq.services.facade import Planning
from tansiq.services.planning.book import Book
from tansiq.services.watch.conforming import Judged
from tansiq.services.watch.scene import Aircraft

_log = logging.getLogger(__name__)

PIECES: Final = 5
PIECE: Final = timedelta(minutes=1)
"""Off-nominal volumes cover five minutes, a piece a minute."""
RENEW: Final = timedelta(minutes=2)
"""They are written anew when so little of them is left."""
AGAIN: Final = timedelta(seconds=10)
_AWAY: Final = DEPARTED | {Status.UNKNOWN}
_CLIMB_MPS: Final = 10.0
_MARGIN_M: Final = 500.0
_HEIGHT_MARGIN_M: Final = 150.0


class Straying:
    """Own plans whose aircraft are heard."""

    def __init__(
        self, plans: Planning, book: Book, agreement: Agreement, holds: Holds | None = None
    ) -> None:
        self._plans = plans
        self._book = book
        self._agreement = agreement
        self.holds = holds or Holds()
        self._standing: dict[str, Standing] = {}
        self._not_before: dict[str, datetime] = {}
        self._hints: dict[str, Message] = {}

    async def follow(
        self, own: Mapping[str, tuple[Aircraft, Judged, Estimate]], now: datetime
    ) -> None:
        """Take what each own plan's aircraft does at one tick; by intent. Of one that is not heard
        any more that is not known, and where it may be grows.
        """
        for intent in [each for each in self._standing if each not in own]:
            del self._standing[intent]
            self._not_before.pop(intent, None)
            self._hints.pop(intent, None)
        for intent, (aircraft, judged, estimate) in own.items():
            known = aircraft.bound.known
            if known is None or judged.found is None:
                continue
            state = IntentState(known.state)
            before = self._standing.get(intent)
            if before is None or before.state is not state:
                # As the plan stands: a person, or another node, may have said so meanwhile.
                before = Standing(
                    state=state,
                    since=now,
                    out_since=None if before is None else before.out_since,
                    in_since=None if before is None else before.in_since,
                )
            after = standing(before, judged.found, now, self.holds)
            self._hints[intent] = _hint(state, after.state, known.name)
            if after.state is not IntentState.NONCONFORMING:
                # A person says so, or nobody does: until then it stands, since when it did.
                after = replace(after, state=state, since=before.since)
            self._standing[intent] = after
            out = after.state is IntentState.NONCONFORMING
            if out and (
                state is not IntentState.NONCONFORMING
                or (judged.found.status in _AWAY and _runs_out(known, estimate, now))
            ):
                await self._say(intent, estimate, now)

    async def _say(self, intent: str, estimate: Estimate, now: datetime) -> None:
        plan = self._book.by_intent(intent)
        if plan is None or now < self._not_before.get(intent, now):
            return
        self._not_before[intent] = now + AGAIN
        try:
            volumes = along(estimate, now, self._agreement)
            await self._plans.off_nominal(plan.id, state=IntentState.NONCONFORMING, volumes=volumes)
        except StoreError:
            raise
        except TansiqError as error:
            _log.warning("%s is outside its plan, which cannot be said: %s", plan.id[:8], error)

    def hint(self, intent: str) -> Message:
        """Return what a person might say of a plan now; without a code: nothing."""
        return self._hints.get(intent, SENTENCE_ONLY)


def _hint(state: IntentState, seems: IntentState, name: str) -> Message:
    if state is not IntentState.NONCONFORMING:
        return SENTENCE_ONLY
    if seems is IntentState.ACTIVATED:
        return Message(code="back-in-plan", facts={"flight": name})
    if seems is IntentState.CONTINGENT:
        return Message(code="long-away", facts={"flight": name})
    return SENTENCE_ONLY


def _runs_out(known: Known, estimate: Estimate, now: datetime) -> bool:
    """Report whether the off-nominal volumes are about to end, or do not hold the aircraft."""
    count = known.nominal_count
    astray = () if count is None else known.volumes[count:]
    if not astray or max(volume.time.end for volume in astray) < now + RENEW:
        return True
    if estimate.staleness is not Staleness.FRESH:
        return False
    return not any(
        volume.time.start <= now <= volume.time.end
        and within(volume, estimate.position, 0.0, estimate.height) >= Within.UNKNOWN
        for volume in astray
    )


def along(estimate: Estimate, now: datetime, agreement: Agreement) -> Volumes:
    """Return where an aircraft may be for the next minutes if it goes on about as it does.

    A piece a minute, each round the middle of that minute's way, wider the later it is.
    """
    velocity = estimate.velocity
    speed_mps = velocity.speed_mps
    largest_m = sqrt(agreement.area_km2_max * 1e6 / pi) * 0.99
    height = estimate.height or Levels(lower_m=agreement.levels_m[0], upper_m=agreement.levels_m[1])
    pieces = []
    for number in range(PIECES):
        span = TimeSpan(start=now + number * PIECE, end=now + (number + 1) * PIECE)
        middle_s = (number + 0.5) * PIECE.total_seconds()
        center = estimate.position
        if speed_mps > 0.0:
            center = destination(center, velocity.track_deg, speed_mps * middle_s)
        radius_m = estimate.horizontal_error_m + _MARGIN_M + speed_mps * 30.0 * (number + 2)
        grown_m = _HEIGHT_MARGIN_M + _CLIMB_MPS * (number + 1) * PIECE.total_seconds() / 2
        pieces.append(
            Volume4D(
                volume=Volume3D(
                    outline=Circle(center=center, radius_m=min(radius_m, largest_m)),
                    altitude=AltitudeBand(
                        lower_m=min(max(-1_500.0, height.lower_m - grown_m), 89_000.0),
                        upper_m=min(max(height.upper_m + grown_m, -1_000.0), 90_000.0),
                    ),
                ),
                time=span,
            )
        )
    return tuple(pieces)

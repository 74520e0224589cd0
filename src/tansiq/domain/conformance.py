"""An aircraft against its own plan: does it fly what was declared, and which F3548 state follows.

It conforms while it is within any volume in force. Times are exact and closed: at its start a
volume is in force. At the end of the last volume it is not any more: an aircraft still flying then
over-runs its plan, wherever it is. Whatever the errors of the position leave open is said as
possible, not certain; and where a height is needed and not known, nothing is said.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from tansiq.domain.bearing import compass
from tansiq.domain.estimate import Estimate, Staleness
from tansiq.domain.following import Quality
from tansiq.domain.intent import IntentState
from tansiq.domain.phrase import Direction
from tansiq.domain.volume import Volumes, time_bounds
from tansiq.domain.whereabouts import Within, seen_from, within
from tansiq.errors import BadInput

_ZERO: Final = timedelta(0)


class Status(StrEnum):
    """What an aircraft does, measured by its plan."""

    INSIDE = "inside"
    NOT_YET = "not-yet"
    """Flying, outside its volumes, before the first of them begins: nothing to keep to yet."""
    NOT_AIRBORNE = "not-airborne"
    """On the ground; it has not flown its plan."""
    LANDED = "landed"
    EARLY = "early"
    """Inside a volume before its time."""
    LEFT = "left"
    """Outside the outline of every volume in force."""
    OFF_LEVEL = "off-level"
    """Inside an outline, above or below the band."""
    OVER_RUN = "over-run"
    """Flying once the plan has ended, or inside a volume whose time is over and no other."""
    UNKNOWN = "unknown"
    """The position is too old, or a height is wanting."""


DEPARTED: Final = frozenset({Status.EARLY, Status.LEFT, Status.OFF_LEVEL, Status.OVER_RUN})


class Wanting(StrEnum):
    """Why it is not known."""

    POSITION = "position"
    """Stale, dropped, or never had."""
    HEIGHT = "height"


@dataclass(frozen=True, slots=True, kw_only=True)
class Conformance:
    """What holds at a time, with the figures that belong to it."""

    status: Status
    certain: bool = True
    """It holds wherever within its errors the aircraft is."""
    volume: int | None = None
    """The volume it is about: the one it is in, or the nearest."""
    seconds: float = 0.0
    """Until the start, where early or not yet; since the end, where over-run."""
    horizontal_m: float = 0.0
    """Beyond the outline, where it has left."""
    horizontal_error_m: float = 0.0
    away_deg: float | None = None
    """Which way from the outline, from true north, clockwise."""
    vertical_m: float = 0.0
    """Above the band, negative below; from the middle of what the height can be."""
    vertical_error_m: float = 0.0
    wanting: Wanting | None = None

    @property
    def direction(self) -> Direction | None:
        """The nearest of eight."""
        return None if self.away_deg is None else compass(self.away_deg)


def conformance(
    estimate: Estimate | None, volumes: Volumes, now: datetime, *, flown: bool = False
) -> Conformance:
    """Judge an aircraft by its plan's volumes, of which there is at least one.

    ``flown`` tells an aircraft on the ground that has landed from one that has not taken off.
    The height counts above the ellipsoid: where only a pressure altitude is known, the caller puts
    into the estimate what height that can be.
    """
    if estimate is None or estimate.staleness in (Staleness.STALE, Staleness.DROPPED):
        return Conformance(status=Status.UNKNOWN, certain=False, wanting=Wanting.POSITION)
    found = _judged(estimate, volumes, now, flown=flown)
    if estimate.quality in (Quality.CONTESTED, Quality.DOUBTFUL):
        # Which of two aircraft this is nobody knows.
        found = replace(found, certain=False)
    return found


def _judged(estimate: Estimate, volumes: Volumes, now: datetime, *, flown: bool) -> Conformance:
    span = time_bounds(volumes)
    if estimate.on_ground:
        status = Status.LANDED if flown else Status.NOT_AIRBORNE
        seconds = max(_ZERO, span.start - now).total_seconds()
        return Conformance(status=status, seconds=seconds)
    if now >= span.end:
        return Conformance(status=Status.OVER_RUN, seconds=(now - span.end).total_seconds())
    return _airborne(_Sight(estimate, volumes, now))


class _Sight:
    """How surely the aircraft is in each volume, and which of them are in force."""

    def __init__(self, estimate: Estimate, volumes: Volumes, now: datetime) -> None:
        self.estimate = estimate
        self.volumes = volumes
        self.now = now
        self.error_m = estimate.horizontal_error_m
        self._within: dict[int, Within] = {}
        self.in_force = [i for i, v in enumerate(volumes) if v.time.start <= now <= v.time.end]
        self.ahead = [i for i, v in enumerate(volumes) if v.time.start > now]
        self.past = [i for i, v in enumerate(volumes) if v.time.end < now]

    def within(self, i: int) -> Within:
        """Return how surely it is in a volume, whenever that is in force."""
        if i not in self._within:
            self._within[i] = within(
                self.volumes[i], self.estimate.position, self.error_m, self.estimate.height
            )
        return self._within[i]

    def best(self, among: list[int]) -> tuple[Within, int | None]:
        """Return the volume that the aircraft is most surely in; of equals the first."""
        if not among:
            return Within.OUT, None
        i = max(among, key=lambda i: (self.within(i), -i))
        return self.within(i), i

    def seconds_to(self, i: int) -> float:
        """Return the time to a volume's span; 0 within it."""
        time = self.volumes[i].time
        return max(time.start - self.now, self.now - time.end, _ZERO).total_seconds()

    @property
    def height_error_m(self) -> float:
        height = self.estimate.height
        return 0.0 if height is None else (height.upper_m - height.lower_m) / 2


def _airborne(sight: _Sight) -> Conformance:
    inside, i = sight.best(sight.in_force)
    if inside >= Within.LIKELY_IN:
        return Conformance(
            status=Status.INSIDE,
            certain=inside is Within.IN,
            volume=i,
            horizontal_error_m=sight.error_m,
            vertical_error_m=sight.height_error_m,
        )
    if inside is Within.UNKNOWN:
        return Conformance(status=Status.UNKNOWN, certain=False, volume=i, wanting=Wanting.HEIGHT)
    outside = inside is Within.OUT
    return (
        _at_another_time(sight, outside=outside)
        or _not_yet(sight)
        or _departed(sight, outside=outside)
    )


def _at_another_time(sight: _Sight, *, outside: bool) -> Conformance | None:
    """Say that it is in a volume that is not in force yet, or not any more.

    Where nothing is in force it is enough that it may be there.
    """
    least = Within.LIKELY_IN if sight.in_force else Within.LIKELY_OUT
    for status, among in ((Status.EARLY, sight.ahead), (Status.OVER_RUN, sight.past)):
        held = [i for i in among if sight.within(i) >= least]
        if not held:
            continue
        surely = [i for i in held if sight.within(i) is Within.IN]
        # The one whose time is nearest: into the others it is earlier, or later, still.
        i = min(surely or held, key=sight.seconds_to)
        return Conformance(
            status=status,
            certain=outside and bool(surely),
            volume=i,
            seconds=sight.seconds_to(i),
            horizontal_error_m=sight.error_m,
            vertical_error_m=sight.height_error_m,
        )
    return None


def _not_yet(sight: _Sight) -> Conformance | None:
    if sight.in_force or sight.past:
        return None
    i = min(sight.ahead, key=sight.seconds_to)
    return Conformance(status=Status.NOT_YET, volume=i, seconds=sight.seconds_to(i))


def _departed(sight: _Sight, *, outside: bool) -> Conformance:
    """Say how far it is from the nearest volume: in force, or in a gap of the plan, of all."""
    among = sight.in_force or list(range(len(sight.volumes)))
    at, height = sight.estimate.position, sight.estimate.height
    found = {i: seen_from(sight.volumes[i], at, sight.error_m, height) for i in among}
    i = min(among, key=lambda i: (found[i].horizontal_m, abs(found[i].vertical_m), i))
    seen = found[i]
    return Conformance(
        status=Status.LEFT if seen.horizontal_m > 0.0 else Status.OFF_LEVEL,
        certain=outside,
        volume=i,
        horizontal_m=seen.horizontal_m,
        horizontal_error_m=sight.error_m,
        away_deg=seen.away_deg,
        vertical_m=seen.vertical_m,
        vertical_error_m=sight.height_error_m,
    )


# ---- which F3548 state follows


@dataclass(frozen=True, slots=True, kw_only=True)
class Holds:
    """How long something lasts before the state follows it, seconds."""

    out_s: float = 5.0
    """Certainly departed, before Nonconforming."""
    possibly_out_s: float = 30.0
    """Departed by the middle of where it can be, though not certainly."""
    back_s: float = 10.0
    """Certainly inside, before Activated."""
    possibly_back_s: float = 30.0
    """Inside by the middle of where it can be, though not certainly."""
    contingent_s: float = 300.0
    """Nonconforming without a return, before Contingent is proposed."""

    def __post_init__(self) -> None:
        if not 0 <= self.out_s <= self.possibly_out_s < float("inf"):
            raise BadInput("is less than out_s, or out_s is negative", field="possibly_out_s")
        if not 0 <= self.back_s <= self.possibly_back_s < float("inf"):
            raise BadInput("is less than back_s, or back_s is negative", field="possibly_back_s")
        if not 0 <= self.contingent_s < float("inf"):
            raise BadInput("is not a number from 0", field="contingent_s")


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The state that an intent should be in, and since when what speaks for another has lasted."""

    state: IntentState
    since: datetime
    """It is in this state."""
    out_since: datetime | None = None
    in_since: datetime | None = None


def standing(
    before: Standing, found: Conformance, now: datetime, holds: Holds, *, contingent: bool = False
) -> Standing:
    """Return the state that follows; ``contingent`` where a person says that it will not return.

    What is not known changes no state and counts as no return: a time outside goes on, a time
    inside begins anew. An Accepted intent becomes Nonconforming by early flight only, because until
    it is flown its aircraft may be anywhere else. Contingent is for good, as in F3548-21.
    """
    if before.state is IntentState.CONTINGENT:
        return before
    if contingent:
        return Standing(state=IntentState.CONTINGENT, since=now)
    out_since = before.out_since or now if _out(before.state, found) else None
    in_since = before.in_since or now if found.status is Status.INSIDE else None
    if found.status is Status.UNKNOWN:
        out_since = before.out_since
    after = replace(before, out_since=out_since, in_since=in_since)
    state = _following(after, found, now, holds)
    return after if state is before.state else replace(after, state=state, since=now)


def _out(state: IntentState, found: Conformance) -> bool:
    if state is IntentState.ACCEPTED:
        return found.status is Status.EARLY
    return found.status in DEPARTED


def _following(now_is: Standing, found: Conformance, now: datetime, holds: Holds) -> IntentState:
    back_s = holds.back_s if found.certain else holds.possibly_back_s
    inside = now_is.in_since is not None and _lasted(now_is.in_since, now, back_s)
    if now_is.state is IntentState.NONCONFORMING:
        if inside:
            return IntentState.ACTIVATED
        # On the ground it is not lost; and a short time inside is no reason to give it up.
        lost = found.status in DEPARTED or found.status is Status.UNKNOWN
        if lost and _lasted(now_is.since, now, holds.contingent_s):
            return IntentState.CONTINGENT
        return now_is.state
    if now_is.out_since is not None and found.status is not Status.UNKNOWN:
        out_s = holds.out_s if found.certain else holds.possibly_out_s
        if _lasted(now_is.out_since, now, out_s):
            return IntentState.NONCONFORMING
    if now_is.state is IntentState.ACCEPTED and inside:
        return IntentState.ACTIVATED
    return now_is.state


def _lasted(since: datetime, now: datetime, hold_s: float) -> bool:
    return (now - since).total_seconds() >= hold_s

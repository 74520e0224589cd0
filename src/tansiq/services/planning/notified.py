"""What a person at the desk would have been told of conflicts: the event feed, read for that.

Nothing is noted here that people are not shown. The feed is read on from where it was left, so that
it says the same after a restart, as far back as events are kept.
"""

import asyncio
from collections import deque
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import msgspec

from tansiq.domain.time import parse_rfc3339
from tansiq.services.events import Events
from tansiq.services.views import EventView, Status

KEPT_MAX = 10_000
_AT_ONCE = 500


class Conflicts(StrEnum):
    """How many conflicts somebody was told of."""

    UNKNOWN = "Unknown"
    NONE = "None"
    SINGLE = "Single"
    MULTIPLE = "Multiple"


def conflicts_of(count: int) -> Conflicts:
    """Return the word for a number of conflicts."""
    if count == 0:
        return Conflicts.NONE
    return Conflicts.SINGLE if count == 1 else Conflicts.MULTIPLE


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """One thing that the user was told."""

    time: datetime
    message: str
    conflicts: Conflicts


class _Told(msgspec.Struct, frozen=True, kw_only=True):
    """What counts of a plan's view."""

    status: str
    reason: str | None = None
    blockers: tuple[msgspec.Raw, ...] = ()
    warnings: tuple[str, ...] = ()


_TOLD = msgspec.json.Decoder(_Told | None)


class Notified:
    """What one node's user was told, oldest first; at most ``KEPT_MAX``."""

    def __init__(self, events: Events) -> None:
        self._events = events
        self._read = 0
        self._last: dict[str, _Told] = {}
        """By living plan, what was told of it last: an event that tells nothing new is none."""
        self._observed: deque[Observed] = deque(maxlen=KEPT_MAX)
        self._reading = asyncio.Lock()

    def add(self, observed: Observed) -> None:
        """Note what the user was told in an answer."""
        self._observed.append(observed)

    async def between(self, after: datetime, before: datetime) -> list[Observed]:
        """Return what the user was told in a closed span of time."""
        async with self._reading:
            while found := await self._events.after(self._read, _AT_ONCE):
                self._read = found[-1].seq
                self._observed.extend(o for o in map(self._new_of, found) if o is not None)
        told = [o for o in self._observed if after <= o.time <= before]
        return sorted(told, key=lambda o: o.time)

    def _new_of(self, event: EventView) -> Observed | None:
        if event.kind != "plan":
            return None
        told, time = _TOLD.decode(event.body), parse_rfc3339(event.time, "time")
        if told is None:  # Too large to be repeated in the feed: something happened, look at it.
            return Observed(time=time, message=f"plan {event.id}", conflicts=Conflicts.UNKNOWN)
        if told == self._last.get(event.id):
            return None
        self._last[event.id] = told
        if told.status == Status.ENDED:
            del self._last[event.id]
        count = len(told.warnings)
        if told.status == Status.DISPLACED:
            count += max(len(told.blockers), 1)
        if not count:
            return None
        message = "; ".join([*([told.reason] if told.reason else []), *told.warnings])
        return Observed(time=time, message=message, conflicts=conflicts_of(count))

"""The log set of F3548-21: all that this node can show of a span of time, streamed.

``Bookkeeper`` reads the event feed and enters what the standard asks for besides exchanges: plans
that were refused, what our people were told of conflicts, and who is responsible for a plan or a
no-go area. ``LogSets`` writes everything out. What the lists leave out, and why, is said in
``docs/records.md``.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

import msgspec

from tansiq.clock import Clock
from tansiq.domain.category import Category
from tansiq.domain.time import micros, parse_rfc3339
from tansiq.errors import BadInput, StoreError
from tansiq.f3548 import codec, convert, wire
from tansiq.f3548.convert import to_time
from tansiq.f3548.logs import (
    ConstraintProviderAssociation,
    NotificationTrigger,
    OperatorAssociation,
    PlanningRecord,
    UserNotificationRecord,
)
from tansiq.services.airspace import Airspace, Candidate
from tansiq.services.events import Events
from tansiq.services.exchanges import ATTEMPT, ExchangeLog, as_record, entry
from tansiq.services.views import EventView
from tansiq.storage.exchanges import Entry, Exchanges, Place
from tansiq.storage.store import Store, Tx

NOTIFICATION: Final = "notification"
OPERATOR: Final = "operator"
PROVIDER: Final = "provider"
PAGE: Final = 50
FRESH: Final = timedelta(seconds=5)
"""Of an event that is older, the OVNs that were known at its time are not known any more."""
_EVENTS_AT_ONCE: Final = 200
_PAUSE_S: Final = 0.25
_WAIT_S: Final = 30.0
_TROUBLE_S: Final = 5.0

_PARTS: Final = {
    "operator_notifications": NOTIFICATION,
    "operator_inputs": None,
    "operator_associations": OPERATOR,
    "planning_attempts": ATTEMPT,
    "operational_intent_positions": None,
    "constraint_provider_associations": PROVIDER,
}
"""The lists beside ``messages``, and the entries that they hold."""


class LogSets:
    """Writes log sets out."""

    def __init__(self, store: Store, log: ExchangeLog, clock: Clock) -> None:
        self._store = store
        self._log = log
        self._clock = clock

    def read_span(self, since: str | None, until: str | None) -> tuple[int, int]:
        """Return a span of time in microseconds; left out are: everything kept, and now.

        Raises:
            BadInput: no time, or the end lies before the beginning.
        """
        first = 0 if since is None else micros(parse_rfc3339(since, "from"))
        now = self._clock.now()
        last = micros(now if until is None else parse_rfc3339(until, "to", round_up=True))
        if first > last:
            raise BadInput("lies after `to`; give the earlier time first", field="from")
        return first, last

    async def write(self, since: int, until: int, peer: str | None) -> AsyncIterator[bytes]:
        """Yield the JSON of one log set, in pieces; with a peer its exchanges only.

        What happens while it is written is not in it.
        """
        await self._log.flush()
        last = await self._store.read(lambda tx: Exchanges(tx).last())
        yield b'{"messages":['
        place, comma = Place(since, -1), b""
        while True:
            place, piece = await self._page(place, until, last, peer or "")
            if not piece:
                break
            yield comma + piece
            comma = b","
        yield b"]"
        for part, kind in _PARTS.items():
            found = [] if kind is None or peer else await self._entries(kind, since, until)
            yield b',"%b":[%b]' % (part.encode(), b",".join(found))
        yield b"}"

    async def _page(self, after: Place, until: int, last: int, peer: str) -> tuple[Place, bytes]:
        async def read(tx: Tx) -> tuple[Place, bytes]:
            found = await Exchanges(tx).page(after, until=until, last=last, peer=peer, limit=PAGE)
            # Unpacked here, on the reader's thread, so that the event loop does not wait for it.
            pieces = [codec.encode(as_record(document)) for _, document in found]
            return (found[-1][0] if found else after), b",".join(pieces)

        return await self._store.read(read)

    async def _entries(self, kind: str, since: int, until: int) -> list[bytes]:
        return await self._store.read(
            lambda tx: Exchanges(tx).entries(kind, since=since, until=until)
        )


class _Subject(msgspec.Struct, frozen=True):
    """What an event's subject has to say for the log set."""

    status: str = ""
    intent_id: str = ""
    reason: str | None = None
    priority: int = 0
    callsign: str = ""
    formation: str = ""
    category: Category | None = None
    volumes: msgspec.Raw = msgspec.Raw(b"[]")
    """Read only of the few that were refused."""


_log = logging.getLogger(__name__)
_SUBJECT = msgspec.json.Decoder(_Subject)
_VOLUMES = msgspec.json.Decoder(tuple[wire.Volume4D, ...])


class Bookkeeper:
    """Turns events into entries, a moment after they happened."""

    def __init__(
        self,
        log: ExchangeLog,
        events: Events,
        airspace: Airspace,
        clock: Clock,
        *,
        party: str,
        registers: Sequence[str],
    ) -> None:
        self._log = log
        self._events = events
        self._airspace = airspace
        self._party = party
        self._registers = registers
        self._clock = clock
        self._last: dict[str, tuple[str, str | None]] = {}
        self._reading: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to read the feed, where the last run stopped."""
        self._reading = asyncio.create_task(self._read_on())

    async def stop(self) -> None:
        """Stop; what was read is noted."""
        if self._reading is not None:
            self._reading.cancel()
            with suppress(asyncio.CancelledError):
                await self._reading

    async def _read_on(self) -> None:
        seq: int | None = None
        while True:
            try:
                seq = await self._begin() if seq is None else await self._step(seq)
            except StoreError:
                await self._clock.sleep(_TROUBLE_S)

    async def _begin(self) -> int:
        seq = (await self._log.held()).last_event
        first, last = await self._events.bounds()
        # A higher number than was ever given: the store is another one than the record's.
        return seq if seq <= last else first - 1

    async def _step(self, seq: int) -> int:
        found = await self._events.follow(seq, _EVENTS_AT_ONCE, _WAIT_S)
        if found:
            self._log.enter(
                [one for event in found for one in self.entries_of(event)], found[-1].seq
            )
            await self._clock.sleep(_PAUSE_S)
        return found[-1].seq if found else seq

    def entries_of(self, event: EventView) -> list[Entry]:
        """Return what one event adds to the log set; nothing where it repeats the last one."""
        if event.kind not in ("plan", "constraint") or bytes(event.body) == b"null":
            return []
        try:
            subject = _SUBJECT.decode(event.body)
        except msgspec.DecodeError as error:  # Written by another version.
            _log.warning("event %d is not understood: %s", event.seq, error)
            return []
        now = (subject.status, subject.reason)
        before = self._last.get(event.id)
        if subject.status == "ended":
            self._last.pop(event.id, None)
        else:
            self._last[event.id] = now
        if before == now:
            return []
        time = parse_rfc3339(event.time, "time")
        return (
            self._constraint(event.id, subject, time)
            if event.kind == "constraint"
            else (self._plan(subject, time))
        )

    def _constraint(self, entity: str, subject: _Subject, time: datetime) -> list[Entry]:
        if subject.status == "ended":
            return []
        record = ConstraintProviderAssociation(
            constraint_id=entity, constraint_provider_id=self._party
        )
        return [entry(PROVIDER, micros(time), entity, record, once=True)]

    def _plan(self, subject: _Subject, time: datetime) -> list[Entry]:
        intent, at = subject.intent_id, micros(time)
        match subject.status:
            case "coordinated":
                record = OperatorAssociation(operational_intent_id=intent, operator_id=self._party)
                return [entry(OPERATOR, at, intent, record, once=True)]
            case "refused":
                told = _told(NotificationTrigger.PLANNED_INTENT_CONFLICTS, subject, time)
                attempt = PlanningRecord(
                    time=to_time(time),
                    ovns=self._known(subject, time),
                    operational_intent_id=intent,
                    problem=subject.reason,
                )
                return [entry(NOTIFICATION, at, intent, told), entry(ATTEMPT, at, intent, attempt)]
            case "displaced":
                told = _told(NotificationTrigger.KNOWN_INTENT_CONFLICTS, subject, time)
                return [entry(NOTIFICATION, at, intent, told)]
            case _:
                return []

    def _known(self, subject: _Subject, time: datetime) -> tuple[str, ...]:
        """Return the OVNs of what we know near a plan, at every register."""
        told = _VOLUMES.decode(subject.volumes)
        if not told or self._clock.now() - time > FRESH:
            return ()
        volumes = convert.volumes_to_domain(told, "volumes")
        candidate = Candidate(
            intent_id=subject.intent_id,
            priority=subject.priority,
            callsign=subject.callsign,
            formation=subject.formation,
            category=subject.category,
            volumes=volumes,
        )
        found = {
            known.ovn
            for register in self._registers
            for known in self._airspace.relevant(candidate, volumes, register)
        }
        return tuple(sorted(found))


def _told(
    trigger: NotificationTrigger, subject: _Subject, time: datetime
) -> UserNotificationRecord:
    # The feed and the lists show it from the commit of its event on: that is when they were told.
    return UserNotificationRecord(
        triggering_event_time=to_time(time),
        notification_time=to_time(time),
        notification_triggering_event=trigger,
        notification_details=subject.reason,
    )

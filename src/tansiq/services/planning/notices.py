"""What we owe to subscribers: notifications, kept until answered, in order for each of them."""

import asyncio
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

import msgspec

from tansiq.clock import Clock
from tansiq.domain.time import from_micros, micros
from tansiq.errors import PeerError, PeerMalformed, PeerRefused, StoreError
from tansiq.f3548 import codec, wire
from tansiq.services.planning.ports import PeerPort
from tansiq.services.planning.records import without_extra
from tansiq.settings import Timers
from tansiq.storage.notifications import Notification, Notifications
from tansiq.storage.store import Store, Tx

LATE_US = 2_000_000
"""A notification on its way for less, in microseconds, is nothing to show to people."""
TOLD_MAX = 1_000
"""Subscribers told of one change: a register may name anybody, and each costs us."""
GIVEN_UP_MAX = 10_000
BATCH = 64
"""Deliveries that are struck off in one commit."""


@dataclass(frozen=True, slots=True)
class Owed:
    """A notification to be stored in the transaction of the change it tells of."""

    kind: str
    entity: str
    url: str
    body: bytes


@dataclass(frozen=True, slots=True)
class _Problem:
    """Why a notification was not taken."""

    why: str
    final: bool = False
    """It never will be."""


class Notices:
    """The outbox. ``add`` inside a transaction, ``push`` after its commit."""

    def __init__(
        self,
        store: Store,
        peers: PeerPort,
        clock: Clock,
        timers: Timers,
        *,
        own_url: str,
        is_party: Callable[[str], bool],
    ) -> None:
        self._store = store
        self._peers = peers
        self._clock = clock
        self._timers = timers
        self._own_url = own_url
        self._is_party = is_party
        self._queues: dict[str, deque[Notification]] = defaultdict(deque)
        self._workers: dict[str, asyncio.Task[None]] = {}
        self._problems: dict[tuple[str, str], str] = {}
        self._given_up: dict[tuple[str, str], str] = {}
        self._left_out: dict[str, int] = {}

    def owed(
        self,
        subscribers: Sequence[wire.SubscriberToNotify],
        kind: str,
        entity: str,
        document: wire.OperationalIntent | wire.Constraint | None,
    ) -> list[Owed]:
        """Return the notifications that a write obliges us to; our own subscriptions left out.

        Where there are too many, one host with many names does not crowd out the others, and that
        some are not told is shown.
        """
        others = [one for one in subscribers if not self._is_own(one.uss_base_url)]
        told = others if len(others) <= TOLD_MAX else self._in_turn(others)[:TOLD_MAX]
        if len(others) > len(told):
            self._left_out[entity] = len(others) - len(told)
            if len(self._left_out) > GIVEN_UP_MAX:
                self._left_out.pop(next(iter(self._left_out)))
        else:
            self._left_out.pop(entity, None)
        return [
            Owed(
                kind,
                entity,
                one.uss_base_url,
                codec.encode(self._body(kind, entity, one, document)),
            )
            for one in told
        ]

    def _is_own(self, url: str) -> bool:
        return url == self._own_url or url.startswith(self._own_url + "/")

    def _in_turn(
        self, subscribers: Sequence[wire.SubscriberToNotify]
    ) -> list[wire.SubscriberToNotify]:
        """Order subscribers: parties, then the first of each host, the second of each, and on."""
        seen: Counter[str] = Counter()
        turns = []
        for one in subscribers:
            host = _host(one.uss_base_url)
            party = self._is_party(one.uss_base_url)
            turns.append(-1 if party else seen[host])
            seen[host] += 1
        order = sorted(range(len(turns)), key=turns.__getitem__)
        return [subscribers[i] for i in order]

    def _body(
        self,
        kind: str,
        entity: str,
        subscriber: wire.SubscriberToNotify,
        document: wire.OperationalIntent | wire.Constraint | None,
    ) -> msgspec.Struct:
        if document is not None and not self._is_party(subscriber.uss_base_url):
            document = _for_strangers(document)
        if kind == "constraint":
            assert not isinstance(document, wire.OperationalIntent)  # noqa: S101 - ours
            return wire.PutConstraintDetailsParameters(
                constraint_id=entity, subscriptions=subscriber.subscriptions, constraint=document
            )
        assert not isinstance(document, wire.Constraint)  # noqa: S101 - ours
        return wire.PutOperationalIntentDetailsParameters(
            operational_intent_id=entity,
            subscriptions=subscriber.subscriptions,
            operational_intent=document,
        )

    async def add(self, tx: Tx, owed: Sequence[Owed], now: datetime) -> list[Notification]:
        """Store what is owed; hand the result to ``push`` after the commit."""
        rows = Notifications(tx)
        return [
            await rows.add(kind=o.kind, entity=o.entity, url=o.url, body=o.body, made=micros(now))
            for o in owed
        ]

    async def resume(self) -> None:
        """Take up what an earlier run still owed."""

        async def read(tx: Tx) -> list[Notification]:
            return await Notifications(tx).all()

        self.push(await self._store.read(read))

    def push(self, notifications: Sequence[Notification]) -> None:
        """Deliver soon, in order for each subscriber."""
        for notification in notifications:
            self._queues[notification.url].append(notification)
            worker = self._workers.get(notification.url)
            if worker is None or worker.done():
                self._workers[notification.url] = asyncio.create_task(
                    self._deliver(notification.url)
                )

    def not_reached(self, entity: str) -> tuple[str, ...]:
        """Return the subscribers who have not got a notification of this entity, with why."""
        late = micros(self._clock.now()) - LATE_US
        waiting = {
            url
            for url, queue in list(self._queues.items())
            for n in queue
            if n.entity == entity and (n.made < late or (entity, url) in self._problems)
        }
        told = [
            f"{url} ({self._problems[entity, url]})" if (entity, url) in self._problems else url
            for url in sorted(waiting)
        ]
        told += [
            f"{url} (given up: {why})" for (e, url), why in self._given_up.items() if e == entity
        ]
        if (more := self._left_out.get(entity)) is not None:
            told.append(f"{more} more subscribers (at most {TOLD_MAX} are told of a change)")
        return tuple(told)

    async def stop(self) -> None:
        """Stop delivering; what is owed stays in the store."""
        for worker in self._workers.values():
            worker.cancel()
        await asyncio.gather(*self._workers.values(), return_exceptions=True)

    async def _deliver(self, url: str) -> None:
        queue, done = self._queues[url], list[int]()
        pause = self._timers.retry_first_s
        while queue:
            notification = queue[0]
            problem = await self._try(notification)
            expired = self._clock.now() - from_micros(notification.made) > (
                self._timers.notify_retry_for
            )
            if problem is None or expired or problem.final:
                pause = self._timers.retry_first_s
                queue.popleft()
                done.append(notification.seq)
                self._problems.pop((notification.entity, url), None)
                self._given_up.pop((notification.entity, url), None)
                if problem is not None:
                    self._give_up(notification, problem.why)
            else:
                self._problems[notification.entity, url] = problem.why
            again = problem is not None and not expired and not problem.final
            if done and (again or not queue or len(done) >= BATCH):
                await self._strike(done)
                done = []
            if again:
                await self._clock.sleep(pause)
                pause = min(pause * 2, self._timers.retry_last_s)
        # Nothing is awaited since the queue was found empty. Strangers may have any number of URLs.
        del self._queues[url], self._workers[url]

    def _give_up(self, notification: Notification, problem: str) -> None:
        """Stop trying, and go on saying that this subscriber has not been reached."""
        self._given_up[notification.entity, notification.url] = problem
        while len(self._given_up) > GIVEN_UP_MAX:
            self._given_up.pop(next(iter(self._given_up)))

    async def _try(self, notification: Notification) -> _Problem | None:
        """Deliver once; return what went wrong, or None when nothing is left to do."""
        try:
            await self._peers.notify(notification.url, notification.kind, notification.body)
        except PeerRefused as error:
            if error.status == 409:
                return None  # It has something newer.
            # Sending the same bytes again changes nothing, but it has not got them either; 401
            # and 403 may pass once agreements are equal.
            return _Problem(str(error), final=error.status not in (0, 401, 403))
        except PeerMalformed:
            return None
        except PeerError as error:
            return _Problem(str(error))
        return None

    async def _strike(self, seqs: Sequence[int]) -> None:
        async def write(tx: Tx) -> None:
            await Notifications(tx).drop(seqs)

        while True:
            try:
                return await self._store.write(write)
            except StoreError:  # They are delivered all the same.
                await self._clock.sleep(self._timers.retry_last_s)


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:  # Others choose the URLs.
        return ""


def _for_strangers(
    document: wire.OperationalIntent | wire.Constraint,
) -> wire.OperationalIntent | wire.Constraint:
    if isinstance(document, wire.Constraint):
        return without_extra(document)
    return without_extra(document)

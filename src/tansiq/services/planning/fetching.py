"""Details from their managers: asked for, checked against their reference, kept as records.

Everything else that is learnt of a register's entities goes through here too: what has gone, what
does not count because its manager is marked Down.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit
from weakref import WeakValueDictionary

from tansiq.domain.intent import IntentState
from tansiq.errors import PeerError, PeerUnreachable, StoreError
from tansiq.f3548 import wire
from tansiq.services.airspace import Airspace, Known
from tansiq.services.planning.book import Book
from tansiq.services.planning.complaints import Complaints
from tansiq.services.planning.ports import PeerPort
from tansiq.services.planning.records import Record, Records, Reference
from tansiq.services.planning.site import Site
from tansiq.storage.plans import Views
from tansiq.storage.store import Tx

FETCHES_AT_ONCE = 16
"""At one host: one that hangs keeps nobody from asking another."""
_DOWN = wire.UssAvailabilityState.DOWN


@dataclass(frozen=True, slots=True)
class Missing:
    """An entity whose details are not to be had."""

    reference: Reference
    why: str
    refused: str | None = None
    """The OVN that its manager tells and the register does not take, if that is why."""


@dataclass(frozen=True, slots=True)
class _Fetched:
    """Details as their manager answered."""

    record: Record
    before: str | None
    """The OVN that was known when we asked."""


class Fetching:
    """Fetches details and keeps what comes of it."""

    def __init__(
        self,
        site: Site,
        *,
        book: Book,
        airspace: Airspace,
        records: Records,
        peers: PeerPort,
        complaints: Complaints,
    ) -> None:
        self._party = site.party
        self._clock = site.clock
        self._store = site.store
        self._book = book
        self._airspace = airspace
        self._records = records
        self._peers = peers
        self._complaints = complaints
        self._demanding: set[str] = set()
        self._hosts: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()
        self.on_stray: Callable[[str, str], None] = lambda register, entity: None
        self.on_learnt: Callable[[Known], Awaitable[None]] = _nobody

    async def stop(self) -> None:
        """Stop what goes on aside."""
        await self._complaints.stop()

    def is_idle(self, register: str, reference: Reference) -> bool:
        """Report whether a reference is Accepted and its manager Down, and may be left out."""
        return register not in self._demanding and is_idle(reference)

    def demands(self, register: str, missing: Sequence[Reference]) -> None:
        """Note what a register's keys must name, and whose managers are marked Down there."""
        if any(is_idle(reference) for reference in missing):
            # By F3548-21 no key has to name these. Where one has to, they count like all others.
            self._demanding.add(register)
        for reference in missing:
            self._airspace.mark(register, reference.id, down=self.is_idle(register, reference))

    async def fetch(self, register: str, references: Sequence[Reference]) -> tuple[Missing, ...]:
        """Fetch details of all; return those whose details are not to be had."""
        silent: dict[str, str] = {}
        results = await asyncio.gather(*(self._fetch_one(register, r, silent) for r in references))
        # Those that a notification has overtaken while others were asked for are old.
        await self._keep(
            [
                found.record
                for found in results
                if isinstance(found, _Fetched) and not self._overtaken(register, found)
            ]
        )
        return tuple(found for found in results if isinstance(found, Missing))

    async def _fetch_one(
        self, register: str, reference: Reference, silent: dict[str, str]
    ) -> _Fetched | Missing | None:
        """Return the record of a reference, or None if it is known already.

        ``silent`` are hosts that did not answer: of many references at one, not all are tried.
        """
        if reference.manager == self._party:
            return self._own(register, reference)
        known = self._airspace.get(register, reference.id)
        before = known.ovn if known is not None else None
        host = _host(reference.uss_base_url)
        async with self._hosts.setdefault(host, asyncio.Semaphore(FETCHES_AT_ONCE)):
            if host in silent:
                return Missing(reference, silent[host])
            begun = self._clock.now()
            try:
                entity = await self._details(reference)
                self._records.check_details(reference, entity)
                down = self.is_idle(register, reference)
                return _Fetched(
                    await self._records.of_any_size(register, entity, down=down), before
                )
            except PeerUnreachable as error:
                silent[host] = str(error)
                self._complaints.about(register, reference, error, begun)
                if self._newer(register, reference.id, before) is not None:
                    return None
                return Missing(reference, str(error))
            except PeerError as error:
                self._complaints.about(register, reference, error, begun)
                return Missing(reference, str(error))

    async def _details(self, reference: Reference) -> wire.OperationalIntent | wire.Constraint:
        if isinstance(reference, wire.ConstraintReference):
            return await self._peers.constraint_details(reference.uss_base_url, reference.id)
        return await self._peers.intent_details(reference.uss_base_url, reference.id)

    def _overtaken(self, register: str, found: _Fetched) -> bool:
        now = self._newer(register, found.record.known.id, found.before)
        return now is not None and now.version > found.record.known.version

    def _newer(self, register: str, entity: str, before: str | None) -> Known | None:
        """Return what has become known of an entity since, if anything has."""
        known = self._airspace.get(register, entity)
        return known if known is not None and known.ovn != before else None

    def _own(self, register: str, reference: Reference) -> Missing | None:
        """Judge a reference of our own: known once its answer has been taken in."""
        known = self._airspace.get(register, reference.id)
        if known is not None and known.ovn == reference.ovn:
            return None
        if known is None and self._book.by_intent(reference.id) is None:
            self.on_stray(register, reference.id)
        return Missing(reference, "ours, and its last write is not confirmed yet")

    async def _keep(self, records: Sequence[Record]) -> None:
        for found in (record.known for record in records):
            before = self._airspace.get(found.register, found.id)
            self._airspace.put(found)
            if before is not None and before.ovn == found.ovn:
                continue
            # Before it is stored: whatever stops us in between, it is found new once more.
            try:
                await self.on_learnt(found)
            except StoreError:
                self._airspace.drop(found.register, found.id)
                raise

        async def write(tx: Tx) -> None:
            for record in records:
                await Views(tx).put(record.row)

        if records:
            await self._store.write(write)

    async def forget(self, register: str, entity: str) -> None:
        async def write(tx: Tx) -> None:
            await Views(tx).drop(register, entity)

        known = self._airspace.get(register, entity)
        if known is not None and not known.own:
            await self._store.write(write)
            self._airspace.drop(register, entity)


async def _nobody(_: Known) -> None:
    """Take no notice."""


def is_idle(reference: Reference) -> bool:
    """Report whether no key has to name it: Accepted, and its manager is marked Down."""
    return (
        isinstance(reference, wire.OperationalIntentReference)
        and reference.uss_availability is _DOWN
        and reference.state is IntentState.ACCEPTED
    )


def _host(url: str) -> str:
    try:
        return urlsplit(url).netloc
    except ValueError:
        return ""

"""From messages to records of the airspace, and from own plans to what we serve of them.

A record is made of one message: reference and details that came together.
"""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeAlias, TypeVar

import msgspec

from tansiq.domain.agreement import Agreement
from tansiq.domain.intent import NEEDS_KEY
from tansiq.domain.placement import View
from tansiq.domain.time import TimeSpan, micros, zulu
from tansiq.domain.volume import Volumes, time_bounds
from tansiq.errors import BadInput, PeerMalformed
from tansiq.f3548 import convert, wire
from tansiq.services.airspace import CONSTRAINT, INTENT, Known
from tansiq.services.planning.book import Book, Plan
from tansiq.services.planning.claim import Claim
from tansiq.storage.plans import ViewRow

Reference: TypeAlias = wire.OperationalIntentReference | wire.ConstraintReference
Entity: TypeAlias = wire.OperationalIntent | wire.Constraint

_ENCODER = msgspec.json.Encoder()
SLACK = timedelta(seconds=1)
"""Times may have been rounded on their way."""
_MANY_VOLUMES = 64
_OVN_CHARS = range(16, 129)
_HIDDEN = "Available from USS"
"""What the field's reference register shows in the place of an OVN that is not the reader's."""


@dataclass(frozen=True, slots=True)
class Record:
    """One entity at one register: the row to store, and its meaning."""

    row: ViewRow
    known: Known


class Records:
    """Makes records; knows whose enlargement is in which message."""

    def __init__(self, agreement: Agreement, party: str) -> None:
        self._agreement = agreement
        self._party = party
        self._foreign = {r.id: r.foreign for r in agreement.registers}

    def of(self, register: str, entity: Entity, *, down: bool = False) -> Record:
        """Return the record of a message; ``down`` is the register's word on its manager.

        Raises:
            PeerMalformed: OVN missing, or volumes that cannot be.
        """
        try:
            known = self._known(register, entity, down=down)
            if not known.own:
                _check_span(known.volumes, _span(entity.reference))
        except BadInput as error:
            raise PeerMalformed(f"details of {entity.reference.id}: {error}") from error
        row = ViewRow(
            register=register,
            entity=known.id,
            kind=known.kind,
            own=known.own,
            version=known.version,
            time_end=micros(known.time.end),
            document=_ENCODER.encode(entity),
        )
        return Record(row, known)

    async def of_any_size(self, register: str, entity: Entity, *, down: bool = False) -> Record:
        """``of``, aside where it takes so long that others would notice."""
        details = entity.details
        volumes = details.volumes or ()
        if isinstance(details, wire.OperationalIntentDetails):
            volumes += details.off_nominal_volumes or ()
        if len(volumes) <= _MANY_VOLUMES:
            return self.of(register, entity, down=down)
        return await asyncio.to_thread(self.of, register, entity, down=down)

    def _known(self, register: str, entity: Entity, *, down: bool) -> Known:
        reference = entity.reference
        if reference.ovn is None:
            raise PeerMalformed(f"details of {reference.id} come without their OVN")
        if len(reference.ovn) not in _OVN_CHARS or reference.ovn == _HIDDEN:
            raise PeerMalformed(f"details of {reference.id}: {reference.ovn[:60]!r} is no OVN")
        party = self._agreement.party(reference.manager) is not None
        if isinstance(entity, wire.Constraint):
            constraint = convert.constraint_to_domain(entity, "constraint")
            return Known(
                register=register,
                id=constraint.id,
                kind=CONSTRAINT,
                manager=reference.manager,
                own=reference.manager == self._party,
                version=reference.version,
                ovn=reference.ovn,
                state="",
                priority=0,
                volumes=constraint.volumes,
                time=time_bounds(constraint.volumes),
                base_url=reference.uss_base_url,
                callsign=constraint.name if party else "",
            )
        intent = convert.intent_to_domain(entity, "operational_intent")
        own = reference.manager == self._party
        if intent.state not in NEEDS_KEY and not intent.off_nominal_volumes and not own:
            raise PeerMalformed(f"{reference.id} is {intent.state}, without off-nominal volumes")
        volumes = intent.all_volumes
        return Known(
            register=register,
            id=intent.id,
            kind=INTENT,
            manager=reference.manager,
            own=own,
            version=reference.version,
            ovn=reference.ovn,
            state=intent.state.value,
            priority=intent.priority,
            volumes=volumes,
            time=time_bounds(volumes) if volumes else _span(entity.reference),
            base_url=reference.uss_base_url,
            enlarged=self._foreign[register] and party,
            # Nobody outside the agreement is taken for a member of one of its formations.
            callsign=intent.callsign if party else "",
            formation=intent.formation if party else "",
            # Nor is its word taken for what it flies: it may be anything.
            category=intent.category if party else None,
            down=down,
            nominal_count=len(intent.volumes) if intent.off_nominal_volumes else None,
        )

    def check_details(self, reference: Reference, entity: Entity) -> None:
        """Check that fetched details are those of the reference, or of a later version.

        Raises:
            PeerMalformed: another id or manager, an older version; in the same version another
                OVN, state or time span, or volumes that reach out of that span.
        """
        got = entity.reference
        # It may have changed meanwhile; the register will tell us of that version.
        newer = got.version > reference.version
        for field in ("id", "manager") if newer else ("id", "manager", "version", "state"):
            asked, told = getattr(reference, field, None), getattr(got, field, None)
            if field == "id":
                asked, told = reference.id.lower(), got.id.lower()
            if asked != told:
                raise PeerMalformed(f"{field} is {told!r}, the register says {asked!r}")
        if newer:
            return
        if reference.ovn not in (None, _HIDDEN, got.ovn):
            raise PeerMalformed(f"ovn is {got.ovn!r}, the register says {reference.ovn!r}")
        try:
            volumes = _volumes(entity)
            span, told_span = _span(reference), _span(got)
            _check_span(volumes, span)
        except BadInput as error:
            raise PeerMalformed(str(error)) from error
        for name in ("start", "end"):
            asked_at, told_at = getattr(span, name), getattr(told_span, name)
            if abs(asked_at - told_at) > SLACK:
                raise PeerMalformed(
                    f"time_{name} is {zulu(told_at)}, the register says {zulu(asked_at)}"
                )

    def own_intent(
        self,
        book: Book,
        plan: Plan,
        register: str,
        view: View[Claim],
        reference: wire.OperationalIntentReference,
    ) -> wire.OperationalIntent:
        """Return what we serve of a plan at one register: its OVN with the volumes written there.

        At a foreign register these are the enlarged ones, for its readers do not enlarge.
        """
        at = next(r for r in self._agreement.registers if r.id == register)
        off_nominal = book.served(plan, view.space.off_parts, at)
        extra = wire.TansiqDetails(
            callsign=plan.callsign or None,
            formation=plan.formation or None,
            category=plan.category,
        )
        return wire.OperationalIntent(
            reference=reference,
            details=wire.OperationalIntentDetails(
                volumes=book.served(plan, view.space.nominal_parts, at),
                off_nominal_volumes=off_nominal or None,
                priority=view.space.priority,
                tansiq=extra,
            ),
        )


EntityT = TypeVar("EntityT", wire.OperationalIntent, wire.Constraint)


def without_extra(entity: EntityT) -> EntityT:
    """Return an intent or no-go area as those outside the agreement may see it."""
    details = msgspec.structs.replace(entity.details, tansiq=None)
    return msgspec.structs.replace(entity, details=details)


def _volumes(entity: Entity) -> Volumes:
    if isinstance(entity, wire.Constraint):
        return convert.constraint_to_domain(entity, "constraint").volumes
    return convert.intent_to_domain(entity, "operational_intent").all_volumes


def is_news(known: Known | None, reference: Reference) -> bool:
    """Report whether a reference shows something that we have not been told.

    Of details we know times, state and manager to be those of their reference only where we fetched
    them ourselves: a notification comes alone.
    """
    # A lower version is news too: an id that was given up and is used again.
    if known is None or (known.version, known.manager) != (reference.version, reference.manager):
        return True
    state = "" if isinstance(reference, wire.ConstraintReference) else reference.state.value
    if known.state != state:
        return True
    try:
        _check_span(known.volumes, _span(reference))
    except BadInput:
        return True
    return False


def _check_span(volumes: Volumes, span: TimeSpan) -> None:
    """Check that volumes lie in the time span of their reference.

    Raises:
        BadInput: there are none, or they do not.
    """
    if not volumes:
        raise BadInput("there are no volumes")
    told = time_bounds(volumes)
    if told.start < span.start - SLACK or told.end > span.end + SLACK:
        raise BadInput("they reach outside the time span of its reference")


def _span(reference: Reference) -> TimeSpan:
    return TimeSpan(
        start=convert.moment(reference.time_start, "reference.time_start", round_up=False),
        end=convert.moment(reference.time_end, "reference.time_end", round_up=True),
    )

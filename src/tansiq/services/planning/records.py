"""From messages to records of the airspace, and from own plans to what we serve of them.

A record is made of one message: reference and details that came together.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import TypeAlias, TypeVar

import msgspec

from tansiq.domain.agreement import Agreement
from tansiq.domain.placement import View
from tansiq.domain.time import TimeSpan, micros
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
_SLACK = timedelta(seconds=1)
"""Times may have been rounded outwards on their way."""


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

    def of(self, register: str, entity: Entity) -> Record:
        """Return the record of a message.

        Raises:
            PeerMalformed: OVN missing, or volumes that cannot be.
        """
        try:
            known = self._known(register, entity)
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

    def _known(self, register: str, entity: Entity) -> Known:
        reference = entity.reference
        if reference.ovn is None:
            raise PeerMalformed(f"details of {reference.id} come without their OVN")
        party = self._agreement.party(reference.manager) is not None
        if isinstance(entity, wire.Constraint):
            constraint = convert.constraint_to_domain(entity, "constraint")
            return Known(
                register=register,
                id=reference.id,
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
        volumes = intent.all_volumes
        return Known(
            register=register,
            id=reference.id,
            kind=INTENT,
            manager=reference.manager,
            own=reference.manager == self._party,
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
        )

    def check_details(self, reference: Reference, entity: Entity) -> None:
        """Check that fetched details are those of the reference, or of a later version.

        Raises:
            PeerMalformed: another id or manager, an older version, or volumes that reach out of
                the time span of the reference.
        """
        got = entity.reference
        # It may have changed meanwhile; the register will tell us of that version.
        newer = got.version > reference.version
        for field in ("id", "manager") if newer else ("id", "manager", "version"):
            asked, told = getattr(reference, field), getattr(got, field)
            if asked != told:
                raise PeerMalformed(f"{field} is {told!r}, the register says {asked!r}")
        try:
            volumes = _volumes(entity)
            span = _span(got if newer else reference)
        except BadInput as error:
            raise PeerMalformed(str(error)) from error
        if not volumes:
            return
        told_span = time_bounds(volumes)
        if told_span.start < span.start - _SLACK or told_span.end > span.end + _SLACK:
            raise PeerMalformed("they reach outside the time span of its reference")

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
        if self._foreign[register]:
            index = next(r for r in self._agreement.registers if r.id == register)
            volumes = book.extents(plan.id, view.space, index).wire_volumes
        else:
            volumes = book.wire_volumes(plan.id, view.space)
        extra = wire.TansiqDetails(callsign=plan.callsign or None, formation=plan.formation or None)
        return wire.OperationalIntent(
            reference=reference,
            details=wire.OperationalIntentDetails(
                volumes=volumes, priority=view.space.priority, tansiq=extra
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


def _span(reference: Reference) -> TimeSpan:
    return TimeSpan(
        start=convert.moment(reference.time_start, "reference.time_start", round_up=False),
        end=convert.moment(reference.time_end, "reference.time_end", round_up=True),
    )

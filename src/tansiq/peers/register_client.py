"""A register of somebody else's, by F3548-21's DSS interface."""

import asyncio
from typing import TypeVar
from urllib.parse import quote

import msgspec

from tansiq.domain.intent import NEEDS_KEY
from tansiq.domain.placement import Outcome
from tansiq.errors import BadInput, PeerMalformed, PeerRefused, PeerUnreachable
from tansiq.f3548 import codec, wire
from tansiq.peers.link import Answer, Link
from tansiq.services.planning.ports import Written
from tansiq.settings import Limits

M = TypeVar("M", bound=msgspec.Struct)
R = TypeVar("R", wire.OperationalIntentReference, wire.ConstraintReference)

STRATEGIC = "utm.strategic_coordination"
MANAGEMENT = "utm.constraint_management"
PROCESSING = "utm.constraint_processing"
CONFORMANCE = "utm.conformance_monitoring_sa"
_INTENTS = "operational_intent_references"
_CONSTRAINTS = "constraint_references"
_MANY = 500
"""References in one answer that take longer to read than others should wait."""


class _Lists(msgspec.Struct, frozen=True):
    """An answer to a query, its references not read yet."""

    operational_intent_references: list[msgspec.Raw] | None = None
    constraint_references: list[msgspec.Raw] | None = None

    def of(self, field: str) -> list[msgspec.Raw] | None:
        return (
            self.constraint_references
            if field == _CONSTRAINTS
            else (self.operational_intent_references)
        )


class RegisterClient:
    """One register over HTTP; satisfies ``services.planning.ports.RegisterPort``."""

    def __init__(self, link: Link, url: str, limits: Limits) -> None:
        self._link = link
        self._base = f"{url}/dss/v1"
        self._limits = limits

    # Operational intents

    async def get_intent(self, intent_id: str) -> wire.OperationalIntentReference | None:
        answer = await self._call("GET", f"{_INTENTS}/{quote(intent_id)}", STRATEGIC)
        if answer.status == 404:
            return None
        message = self._decoded(answer, wire.GetOperationalIntentReferenceResponse)
        return _lower(message.operational_intent_reference)

    async def put_intent(
        self,
        intent_id: str,
        ovn: str | None,
        parameters: wire.PutOperationalIntentReferenceParameters,
    ) -> Written:
        path = _path(_INTENTS, intent_id, ovn)
        implicit = parameters.new_subscription
        notified = implicit is not None and implicit.notify_for_constraints
        # An aircraft that is not where its plan said is reported under a scope of its own, and a
        # subscription that notifies of constraints asks for another one besides.
        scope = STRATEGIC if parameters.state in NEEDS_KEY else CONFORMANCE
        scope = f"{scope} {PROCESSING}" if notified else scope
        answer = await self._call("PUT", path, scope, codec.encode(parameters))
        if answer.status in (200, 201):
            message = self._decoded(answer, wire.ChangeOperationalIntentReferenceResponse)
            told = message.operational_intent_reference.id
            if told.lower() != intent_id.lower():
                raise PeerMalformed(f"{self._base} answered for {told[:60]!r}, asked {intent_id}")
            return Written(
                outcome=Outcome.OK,
                reference=_lower(message.operational_intent_reference),
                subscribers=message.subscribers,
            )
        return self._refused_write(answer, creating=ovn is None)

    async def delete_intent(self, intent_id: str, ovn: str) -> Written:
        answer = await self._call("DELETE", _path(_INTENTS, intent_id, ovn), STRATEGIC)
        if answer.status == 200:
            message = self._decoded(answer, wire.ChangeOperationalIntentReferenceResponse)
            return Written(
                outcome=Outcome.OK,
                reference=message.operational_intent_reference,
                subscribers=message.subscribers,
            )
        return self._refused_write(answer, creating=False)

    async def query_intents(
        self, area: wire.Volume4D
    ) -> tuple[wire.OperationalIntentReference, ...]:
        body = codec.encode(wire.QueryParameters(area_of_interest=area))
        answer = await self._call("POST", f"{_INTENTS}/query", STRATEGIC, body)
        return await self._listed(answer, _INTENTS, wire.OperationalIntentReference)

    # Constraints

    async def get_constraint(self, constraint_id: str) -> wire.ConstraintReference | None:
        answer = await self._call("GET", f"{_CONSTRAINTS}/{quote(constraint_id)}", PROCESSING)
        if answer.status == 404:
            return None
        message = self._decoded(answer, wire.GetConstraintReferenceResponse)
        return _lower(message.constraint_reference)

    async def put_constraint(
        self, constraint_id: str, ovn: str | None, parameters: wire.PutConstraintReferenceParameters
    ) -> Written:
        path = _path(_CONSTRAINTS, constraint_id, ovn)
        answer = await self._call("PUT", path, MANAGEMENT, codec.encode(parameters))
        if answer.status in (200, 201):
            return self._constraint_written(answer)
        return self._refused_write(answer, creating=ovn is None)

    async def delete_constraint(self, constraint_id: str, ovn: str) -> Written:
        path = _path(_CONSTRAINTS, constraint_id, ovn)
        answer = await self._call("DELETE", path, MANAGEMENT)
        if answer.status == 200:
            return self._constraint_written(answer)
        return self._refused_write(answer, creating=False)

    async def query_constraints(self, area: wire.Volume4D) -> tuple[wire.ConstraintReference, ...]:
        body = codec.encode(wire.QueryParameters(area_of_interest=area))
        answer = await self._call("POST", f"{_CONSTRAINTS}/query", PROCESSING, body)
        return await self._listed(answer, _CONSTRAINTS, wire.ConstraintReference)

    # Subscriptions

    async def put_subscription(
        self, subscription_id: str, version: str | None, parameters: wire.PutSubscriptionParameters
    ) -> wire.PutSubscriptionResponse:
        path = _path("subscriptions", subscription_id, version)
        # Notifying of both kinds asks for both scopes.
        scope = f"{STRATEGIC} {PROCESSING}"
        answer = await self._call("PUT", path, scope, codec.encode(parameters))
        return self._decoded(answer, wire.PutSubscriptionResponse)

    async def get_subscription(self, subscription_id: str) -> wire.Subscription | None:
        answer = await self._call("GET", f"subscriptions/{quote(subscription_id)}", STRATEGIC)
        if answer.status == 404:
            return None
        return self._decoded(answer, wire.GetSubscriptionResponse).subscription

    async def report(self, report: wire.ErrorReport) -> None:
        self._decoded(
            await self._call("POST", "reports", STRATEGIC, codec.encode(report)), wire.ErrorReport
        )

    # What all of them share

    async def _call(self, method: str, path: str, scope: str, body: bytes | None = None) -> Answer:
        answer = await self._link.call(method, f"{self._base}/{path}", scope=scope, body=body)
        if answer.status >= 500 or answer.status == 429:
            # The reference implementation may commit after it has answered a time-out, so a 5xx
            # leaves the fate of a write as open as silence does.
            raise PeerUnreachable(f"{self._base} answered {answer.status}: {message_of(answer)}")
        return answer

    def _decoded(self, answer: Answer, message: type[M]) -> M:
        if answer.status not in (200, 201):
            raise PeerRefused(
                f"{self._base} answered {answer.status}: {message_of(answer)}", status=answer.status
            )
        return decoded(answer, message, self._limits)

    async def _listed(self, answer: Answer, field: str, kind: type[R]) -> tuple[R, ...]:
        """Return a list of references; a long one is read aside, each by itself, so that nobody
        else has to wait for it.
        """
        bodies = self._decoded(answer, _Lists).of(field)
        if bodies is None:
            raise PeerMalformed(f"{self._base} answered without {field}")

        def read() -> tuple[R, ...]:
            return tuple([_lower(_decoded_item(body, kind)) for body in bodies])

        return await asyncio.to_thread(read) if len(bodies) > _MANY else read()

    def _constraint_written(self, answer: Answer) -> Written:
        message = self._decoded(answer, wire.ChangeConstraintReferenceResponse)
        return Written(
            outcome=Outcome.OK,
            reference=_lower(message.constraint_reference),
            subscribers=message.subscribers,
        )

    def _refused_write(self, answer: Answer, *, creating: bool) -> Written:
        if answer.status == 404:
            return Written(outcome=Outcome.GONE, problem=message_of(answer))
        if answer.status == 412:
            return Written(
                outcome=Outcome.REFUSED,
                problem=f"we are marked Down in this register ({message_of(answer)}); it takes no "
                "plan of ours until whoever arbitrates availability marks us Normal",
            )
        if answer.status != 409:
            return Written(
                outcome=Outcome.REFUSED, problem=f"{answer.status}: {message_of(answer)}"
            )
        missing = decoded(answer, wire.AirspaceConflictResponse, self._limits)
        if missing.missing_operational_intents or missing.missing_constraints:
            return Written(
                outcome=Outcome.MISSING,
                missing_intents=tuple(map(_lower, missing.missing_operational_intents)),
                missing_constraints=tuple(map(_lower, missing.missing_constraints)),
                problem=missing.message,
            )
        outcome = Outcome.EXISTS if creating else Outcome.STALE
        return Written(outcome=outcome, problem=missing.message)


def _decoded_item(body: msgspec.Raw, kind: type[R]) -> R:
    try:
        return codec.decode_part(body, kind)
    except BadInput as error:
        raise PeerMalformed(f"an answer with what is no {kind.__name__}: {error}") from error


def _lower(reference: R) -> R:
    """Return a reference with its id as we write ids: others may write them in capitals."""
    lower = reference.id.lower()
    return reference if reference.id == lower else msgspec.structs.replace(reference, id=lower)


def _path(kind: str, entity: str, ovn: str | None) -> str:
    path = f"{kind}/{quote(entity)}"
    return path if ovn is None else f"{path}/{quote(ovn, safe='')}"


def decoded(answer: Answer, message: type[M], limits: Limits) -> M:
    """Read a peer's answer.

    Raises:
        PeerMalformed: it is not that message.
    """
    try:
        return codec.decode(answer.body, message, bytes_max=limits.peer_answer_bytes_max)
    except BadInput as error:
        raise PeerMalformed(f"an answer that is not {message.__name__}: {error}") from error


def message_of(answer: Answer) -> str:
    """Return the sentence of an error body, whatever the body is: shortened, and without what could
    steer the terminal of whoever reads it.
    """
    try:
        text = msgspec.json.decode(answer.body, type=wire.ErrorResponse).message
    except msgspec.DecodeError:
        text = answer.body[:200].decode("utf-8", errors="replace")
    shown = "".join(char if char.isprintable() else "?" for char in text[:301])
    return shown if len(shown) <= 300 else shown[:300] + "…"

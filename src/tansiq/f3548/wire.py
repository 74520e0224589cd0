"""The messages of F3548-21 as structs: field for field the public interface, and nothing more.

Fields that the interface does not declare are ignored, and null means absent. What may be left
out is ``X | None`` here and is left out again when written. Answers have no defaults where the
interface or its users expect a field to be present even when empty.

One field is ours: ``tansiq`` in the details, for agreement peers only. There is no field
for the purpose, target or payload of a flight, and none is added.

Left out: the interface's pseudo-endpoints for logging, and the inside of ``geozone``.
"""

from enum import StrEnum
from typing import Annotated, Literal

import msgspec

from tansiq.domain.intent import IntentState

NO_SUBSCRIPTION = "00000000-0000-4000-8000-000000000000"
"""Stands in ``subscription_id``, which the interface requires, where there is none."""


Int32 = Annotated[int, msgspec.Meta(ge=-(2**31), le=2**31 - 1)]
"""A JSON number may have any number of digits; what is kept may not."""


class Message(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, gc=False):
    """What all messages share: immutable, absent fields are not written.

    None can hold itself, so the cycle collector need not look at them: with tens of thousands of
    them in one answer its looking stops everything for a tenth of a second at a time.
    """


# Places and times


class Time(Message, frozen=True):
    value: str
    format: Literal["RFC3339"]


class Radius(Message, frozen=True):
    value: float
    units: Literal["M"]


class Altitude(Message, frozen=True):
    value: float
    reference: Literal["W84"]
    units: Literal["M"]


class LatLngPoint(Message, frozen=True):
    lat: float
    lng: float


class Polygon(Message, frozen=True):
    vertices: tuple[LatLngPoint, ...]


class Circle(Message, frozen=True):
    center: LatLngPoint
    radius: Radius


class Volume3D(Message, frozen=True):
    outline_circle: Circle | None = None
    outline_polygon: Polygon | None = None
    altitude_lower: Altitude | None = None
    altitude_upper: Altitude | None = None


class Volume4D(Message, frozen=True):
    volume: Volume3D
    time_start: Time | None = None
    time_end: Time | None = None


# Shared by DSS and USS


class UssAvailabilityState(StrEnum):
    UNKNOWN = "Unknown"
    NORMAL = "Normal"
    DOWN = "Down"


class ErrorResponse(Message, frozen=True):
    message: str


class SubscriptionState(Message, frozen=True):
    subscription_id: str
    notification_index: Int32


class SubscriberToNotify(Message, frozen=True):
    subscriptions: tuple[SubscriptionState, ...]
    uss_base_url: str


# Operational intent references


class OperationalIntentReference(Message, frozen=True):
    id: str
    manager: str
    uss_availability: UssAvailabilityState
    version: Int32
    state: IntentState
    time_start: Time
    time_end: Time
    uss_base_url: str
    subscription_id: str
    ovn: str | None = None
    """Shown to the manager only; between suppliers, in details, always there."""


class ImplicitSubscriptionParameters(Message, frozen=True):
    uss_base_url: str
    notify_for_constraints: bool | None = None


class PutOperationalIntentReferenceParameters(Message, frozen=True):
    extents: tuple[Volume4D, ...]
    state: IntentState
    uss_base_url: str
    key: tuple[str, ...] | None = None
    subscription_id: str | None = None
    new_subscription: ImplicitSubscriptionParameters | None = None
    requested_ovn_suffix: str | None = None
    """Not in the standard: the field's reference DSS and its conformance suite know it."""


class GetOperationalIntentReferenceResponse(Message, frozen=True):
    operational_intent_reference: OperationalIntentReference


class ChangeOperationalIntentReferenceResponse(Message, frozen=True):
    subscribers: tuple[SubscriberToNotify, ...]
    operational_intent_reference: OperationalIntentReference


class QueryParameters(Message, frozen=True):
    """Body of all three queries: intents, constraints, subscriptions."""

    area_of_interest: Volume4D | None = None


class QueryOperationalIntentReferenceResponse(Message, frozen=True):
    operational_intent_references: tuple[OperationalIntentReference, ...]


# Constraint references


class ConstraintReference(Message, frozen=True):
    id: str
    manager: str
    uss_availability: UssAvailabilityState
    version: Int32
    time_start: Time
    time_end: Time
    uss_base_url: str
    ovn: str | None = None


class PutConstraintReferenceParameters(Message, frozen=True):
    extents: tuple[Volume4D, ...]
    uss_base_url: str


class GetConstraintReferenceResponse(Message, frozen=True):
    constraint_reference: ConstraintReference


class ChangeConstraintReferenceResponse(Message, frozen=True):
    subscribers: tuple[SubscriberToNotify, ...]
    constraint_reference: ConstraintReference


class QueryConstraintReferencesResponse(Message, frozen=True):
    constraint_references: tuple[ConstraintReference, ...]


class AirspaceConflictResponse(Message, frozen=True):
    message: str
    missing_operational_intents: tuple[OperationalIntentReference, ...] = ()
    missing_constraints: tuple[ConstraintReference, ...] = ()


# Subscriptions


class Subscription(Message, frozen=True, omit_defaults=False):
    id: str
    version: str
    notification_index: Int32
    time_start: Time
    time_end: Time
    uss_base_url: str
    notify_for_operational_intents: bool = False
    notify_for_constraints: bool = False
    implicit_subscription: bool = False
    dependent_operational_intents: tuple[str, ...] = ()


class PutSubscriptionParameters(Message, frozen=True):
    extents: Volume4D
    uss_base_url: str
    notify_for_operational_intents: bool | None = None
    notify_for_constraints: bool | None = None


class PutSubscriptionResponse(Message, frozen=True):
    subscription: Subscription
    operational_intent_references: tuple[OperationalIntentReference, ...] | None = None
    """Present, even if empty, when the subscription notifies for intents; so the next one."""
    constraint_references: tuple[ConstraintReference, ...] | None = None


class GetSubscriptionResponse(Message, frozen=True):
    subscription: Subscription


class QuerySubscriptionsResponse(Message, frozen=True):
    subscriptions: tuple[Subscription, ...]


class DeleteSubscriptionResponse(Message, frozen=True):
    subscription: Subscription


# Availability and reports


class UssAvailabilityStatus(Message, frozen=True):
    uss: str
    availability: UssAvailabilityState


class UssAvailabilityStatusResponse(Message, frozen=True):
    version: str
    status: UssAvailabilityStatus


class SetUssAvailabilityStatusParameters(Message, frozen=True):
    availability: str
    """Read without regard to case: the field's tools send ``normal``."""
    old_version: str | None = None


class ExchangeRecord(Message, frozen=True):
    url: str
    method: str
    recorder_role: Literal["Client", "Server"]
    request_time: Time
    request_source: str | None = None
    headers: tuple[str, ...] | None = None
    request_body: str | None = None
    response_time: Time | None = None
    response_body: str | None = None
    response_code: Int32 | None = None
    problem: str | None = None


class ErrorReport(Message, frozen=True):
    exchange: ExchangeRecord
    report_id: str | None = None


# Details, between suppliers


class TansiqDetails(Message, frozen=True):
    """What agreement peers tell each other besides: who it is, with whom it flies, and of what
    category of aircraft it is.
    """

    callsign: str | None = None
    formation: str | None = None
    category: str | None = None


class OperationalIntentDetails(Message, frozen=True):
    volumes: tuple[Volume4D, ...] | None = None
    off_nominal_volumes: tuple[Volume4D, ...] | None = None
    priority: Int32 | None = None
    tansiq: TansiqDetails | None = None
    """For agreement peers only; never sent to others."""


class OperationalIntent(Message, frozen=True):
    reference: OperationalIntentReference
    details: OperationalIntentDetails


class GetOperationalIntentDetailsResponse(Message, frozen=True):
    operational_intent: OperationalIntent


class PutOperationalIntentDetailsParameters(Message, frozen=True):
    """A notification: the intent changed, or is gone if ``operational_intent`` is absent."""

    operational_intent_id: str
    subscriptions: tuple[SubscriptionState, ...]
    operational_intent: OperationalIntent | None = None


class ConstraintDetails(Message, frozen=True):
    volumes: tuple[Volume4D, ...]
    type: str | None = None
    geozone: msgspec.Raw | None = None
    tansiq: TansiqDetails | None = None
    """For agreement peers only: what its desk calls it."""


class Constraint(Message, frozen=True):
    reference: ConstraintReference
    details: ConstraintDetails


class GetConstraintDetailsResponse(Message, frozen=True):
    constraint: Constraint


class PutConstraintDetailsParameters(Message, frozen=True):
    constraint_id: str
    subscriptions: tuple[SubscriptionState, ...]
    constraint: Constraint | None = None


# Telemetry of an off-nominal flight


class Position(Message, frozen=True):
    longitude: float | None = None
    latitude: float | None = None
    accuracy_h: str | None = None
    accuracy_v: str | None = None
    extrapolated: bool | None = None
    altitude: Altitude | None = None


class Velocity(Message, frozen=True):
    speed: float
    units_speed: Literal["MetersPerSecond"]
    track: float | None = None


class VehicleTelemetry(Message, frozen=True):
    time_measured: Time
    position: Position | None = None
    velocity: Velocity | None = None


class GetOperationalIntentTelemetryResponse(Message, frozen=True):
    operational_intent_id: str
    telemetry: VehicleTelemetry | None = None
    next_telemetry_opportunity: Time | None = None

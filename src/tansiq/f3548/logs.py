"""The log set of F3548-21: what a manager of intents can export of its dealings with others.

Separate from ``wire`` because nothing of it goes over the wire between nodes.
"""

from enum import StrEnum

from tansiq.f3548.wire import ExchangeRecord, Message, Time, VehicleTelemetry


class NotificationTrigger(StrEnum):
    """What our people were told, by the requirement that asks for it; those that occur here."""

    PLANNED_INTENT_CONFLICTS = "SCD0090"
    """The plan that somebody declares or changes meets another."""
    KNOWN_INTENT_CONFLICTS = "SCD0095"
    """Another plan or no-go area meets one that stood already."""


class UserNotificationRecord(Message, frozen=True):
    triggering_event_time: Time
    notification_time: Time
    notification_triggering_event: NotificationTrigger
    notification_details: str | None = None


class UserInputRecord(Message, frozen=True):
    triggering_event_time: Time
    operational_intent_id: str
    input_triggering_event: str
    input_details: str | None = None


class OperatorAssociation(Message, frozen=True):
    operational_intent_id: str
    operator_id: str


class PlanningRecord(Message, frozen=True):
    time: Time
    ovns: tuple[str, ...]
    operational_intent_id: str | None = None
    missing_operational_intents: tuple[str, ...] = ()
    missing_constraints: tuple[str, ...] = ()
    problem: str | None = None


class PositionRecord(Message, frozen=True):
    time_received: Time
    telemetry: VehicleTelemetry


class OperationalIntentPositions(Message, frozen=True):
    operational_intent_id: str
    positions: tuple[PositionRecord, ...] = ()


class ConstraintProviderAssociation(Message, frozen=True):
    constraint_id: str
    constraint_provider_id: str


class USSLogSet(Message, frozen=True, omit_defaults=False):
    """Everything of a span of time; lists that have nothing are there, and empty."""

    messages: tuple[ExchangeRecord, ...] = ()
    operator_notifications: tuple[UserNotificationRecord, ...] = ()
    operator_inputs: tuple[UserInputRecord, ...] = ()
    operator_associations: tuple[OperatorAssociation, ...] = ()
    planning_attempts: tuple[PlanningRecord, ...] = ()
    operational_intent_positions: tuple[OperationalIntentPositions, ...] = ()
    constraint_provider_associations: tuple[ConstraintProviderAssociation, ...] = ()

"""What a test program says of a flight, and what it is answered: the values of ``flight_planning``.

The words are those of the interface ("flight planning automated testing interface", 0.7.0).
"""

from dataclasses import dataclass
from enum import StrEnum

from tansiq.f3548 import wire


class Usage(StrEnum):
    """What the user does with the area."""

    PLANNED = "Planned"
    IN_USE = "InUse"
    CLOSED = "Closed"


class UasState(StrEnum):
    """How the aircraft is doing."""

    NOMINAL = "Nominal"
    OFF_NOMINAL = "OffNominal"
    CONTINGENT = "Contingent"
    NOT_SPECIFIED = "NotSpecified"


class Style(StrEnum):
    """How the request is meant."""

    HYPOTHETICAL = "Hypothetical"
    """What would happen? Nothing is written."""
    IF_ALLOWED = "IfAllowed"
    IN_REALITY = "InReality"
    """It is happening, allowed or not."""


class Result(StrEnum):
    COMPLETED = "Completed"
    REJECTED = "Rejected"
    FAILED = "Failed"
    """A register did not answer, or our store failed."""
    NOT_SUPPORTED = "NotSupported"


class FlightStatus(StrEnum):
    """Where the flight's plan stands after the request."""

    NOT_PLANNED = "NotPlanned"
    PLANNED = "Planned"
    OK_TO_FLY = "OkToFly"
    OFF_NOMINAL = "OffNominal"
    CLOSED = "Closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Flight:
    """What the user wants, or does."""

    usage: Usage
    uas_state: UasState
    area: tuple[wire.Volume4D, ...]
    priority: int
    unsupported: str = ""
    """What of it this node has no notion of; empty: nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """What came of a request."""

    result: Result
    status: FlightStatus
    notes: str = ""
    advised: bool = False
    """Whether the user was told something besides."""

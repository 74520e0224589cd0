"""The register: references of everybody's plans in an area (the DSS role of F3548-21).

It holds where and when, and whom to ask; never details. A write is refused unless its key names
the current OVN of everything relevant: what shares a cell with it and touches it in altitude and
time. ``Register`` is the service; the ``..._tx`` methods are the same inside a larger transaction.
"""

from tansiq.services.register.register import Register
from tansiq.services.register.tokens import Tokens
from tansiq.services.register.values import (
    AVAILABILITY_ARBITRATION,
    CONFORMANCE_MONITORING,
    CONSTRAINT_MANAGEMENT,
    CONSTRAINT_PROCESSING,
    STRATEGIC_COORDINATION,
    AcceptedWrite,
    AirspaceConflict,
    Caller,
    Kind,
    OnAccepted,
)

__all__ = [
    "AVAILABILITY_ARBITRATION",
    "CONFORMANCE_MONITORING",
    "CONSTRAINT_MANAGEMENT",
    "CONSTRAINT_PROCESSING",
    "STRATEGIC_COORDINATION",
    "AcceptedWrite",
    "AirspaceConflict",
    "Caller",
    "Kind",
    "OnAccepted",
    "Register",
    "Tokens",
]

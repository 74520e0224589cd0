"""What people and programs see of a node's plans and no-go areas: the answers of the own API.

Values for display, made from the services' state and never read back into it.
"""

from enum import StrEnum

import msgspec


class Status(StrEnum):
    """Where a plan stands, in one word; only ``coordinated`` means that all registers hold it."""

    UNCOORDINATED = "uncoordinated"
    """Not placed: a register does not answer, or placing has not begun."""
    PLACING = "placing"
    WAITING = "waiting"
    """Another plan, not yet coordinated itself, is in the way."""
    COORDINATED = "coordinated"
    RECHECKING = "rechecking"
    """Was coordinated; a newcomer meets it and is being judged."""
    CHANGING = "changing"
    """Coordinated in its old volumes while the new ones are placed."""
    REFUSED = "refused"
    DISPLACED = "displaced"
    """A plan of higher priority took the place."""
    ENDING = "ending"
    ENDED = "ended"


class RegisterView(msgspec.Struct, frozen=True, kw_only=True):
    """What one register holds of a plan or no-go area, as far as we know."""

    id: str
    holds: str
    """``current``, ``other`` (volumes of another version), ``nothing`` or ``unknown``."""
    problem: str | None = None
    """Why the last attempt there failed, if it did."""


class Blocker(msgspec.Struct, frozen=True, kw_only=True):
    """An intent or no-go area in the way."""

    id: str
    kind: str
    """``intent`` or ``constraint``."""
    manager: str
    name: str
    horizontal_m: float
    vertical_m: float
    time_s: float
    sentence: str


class Alternative(msgspec.Struct, frozen=True, kw_only=True):
    """A rigid shift that clears everything known at the time of asking."""

    kind: str
    """``delay`` or ``level``."""
    delay_s: int
    up_m: float
    sentence: str


class PlanView(msgspec.Struct, frozen=True, kw_only=True):
    """One plan of ours."""

    id: str
    """Stays the same for the life of the plan."""
    intent_id: str
    """The F3548 entity; a plan that is placed again takes a fresh one."""
    party: str
    callsign: str
    formation: str
    priority: int
    state: str
    """F3548 state: Accepted or Activated."""
    status: Status
    coordinated: bool
    time_start: str
    time_end: str
    altitude_m_min: float
    altitude_m_max: float
    registers: tuple[RegisterView, ...]
    reason: str | None = None
    blockers: tuple[Blocker, ...] = ()
    alternatives: tuple[Alternative, ...] = ()
    not_reached: tuple[str, ...] = ()
    """Subscribers who have not yet got our notification."""
    volumes: msgspec.Raw = msgspec.Raw(b"[]")
    """F3548 ``Volume4D`` array, metres W84."""
    stated: msgspec.Raw = msgspec.Raw(b"[]")
    """Altitudes as they were given: value, unit, datum."""
    updated: str = ""


class ConstraintView(msgspec.Struct, frozen=True, kw_only=True):
    """One no-go area of ours."""

    id: str
    party: str
    name: str
    status: str
    """``everywhere``, ``not everywhere yet``, ``ending`` or ``ended``."""
    time_start: str
    time_end: str
    altitude_m_min: float
    altitude_m_max: float
    registers: tuple[RegisterView, ...]
    volumes: msgspec.Raw = msgspec.Raw(b"[]")
    stated: msgspec.Raw = msgspec.Raw(b"[]")
    updated: str = ""


class PeerView(msgspec.Struct, frozen=True, kw_only=True):
    """A register or peer as we last saw it."""

    id: str
    url: str
    reachable: bool | None
    """None: not asked yet."""
    problem: str | None = None
    agreement: str | None = None
    """Digest that the peer last showed."""


class StatusView(msgspec.Struct, frozen=True, kw_only=True):
    """The node at a glance."""

    party: str
    version: str
    time: str
    agreement: str
    agreement_name: str
    peers: tuple[PeerView, ...]
    plans: dict[str, int]
    """Count by status."""


class EventView(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of the event feed; ``seq`` rises by one, without gaps visible to a reader."""

    seq: int
    time: str
    kind: str
    """``plan``, ``constraint``, ``peer``."""
    id: str
    body: msgspec.Raw
    """The view of the subject after the event."""

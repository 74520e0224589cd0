"""What people and programs see of a node's plans and no-go areas: the answers of the own API.

Values for display, made from the services' state and never read back into it.
"""

from enum import StrEnum
from typing import Annotated, TypeAlias

import msgspec

from tansiq.domain.category import Category

Volumes4D: TypeAlias = Annotated[
    msgspec.Raw,
    msgspec.Meta(
        description="F3548-21 Volume4D array, metres W84",
        extra_json_schema={"type": "array", "items": {"type": "object"}},
    ),
]
StatedAltitudes: TypeAlias = Annotated[
    msgspec.Raw,
    msgspec.Meta(
        description="altitudes as they were given: value, unit, datum",
        extra_json_schema={"type": "array", "items": {"type": "object"}},
    ),
]


def _no_items() -> msgspec.Raw:
    return msgspec.Raw(b"[]")


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
    NONCONFORMING = "nonconforming"
    """The aircraft is outside its plan, and expected back."""
    CONTINGENT = "contingent"
    """The aircraft is outside its plan, and not expected back."""
    ENDING = "ending"
    ENDED = "ended"


OFF_NOMINAL = frozenset({Status.NONCONFORMING, Status.CONTINGENT})
_SETTLED = frozenset(
    {Status.COORDINATED, Status.REFUSED, Status.DISPLACED, Status.ENDED, *OFF_NOMINAL}
)


class RegisterView(msgspec.Struct, frozen=True, kw_only=True):
    """What one register holds of a plan or no-go area, as far as we know."""

    id: str
    holds: str
    """``current``, ``other`` (volumes of another version), ``nothing`` or ``unknown``."""
    problem: str | None = None
    """Why the last attempt there failed, if it did."""
    problem_code: str | None = None
    """One of docs/errors.md, ``refused`` (the register does not take it) or ``details`` (those of
    somebody there are not to be had)."""


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
    margin: float = 0.0
    """How deep within the minima: 1 overlap in all three, 0 just at one."""
    least: str = ""
    """In which dimension it is easiest to clear: ``horizontal``, ``vertical`` or ``time``."""
    time_start: str = ""
    time_end: str = ""
    altitude_m_min: float = 0.0
    altitude_m_max: float = 0.0
    """What the two share, or the gap that they leave; metres W84."""
    lat_deg: float = 0.0
    lng_deg: float = 0.0
    """Where it is worst."""
    altitude_text: str = ""
    """The same two as the plan's own altitudes were given, with unit and datum."""
    minima_horizontal_m: float | None = None
    minima_vertical_m: float | None = None
    minima_time_s: float | None = None
    """The minima that are kept; null: an older version judged it."""
    minima_code: str = ""
    """Why those, where not all keep the same: ``between``, ``usual-between``,
    ``other-no-category``, ``neither-category``, ``area``, ``area-all`` or ``enlarged``."""
    minima_categories: tuple[str, ...] = ()
    """The categories that ``minima_code`` is about."""
    sentence: str


class Alternative(msgspec.Struct, frozen=True, kw_only=True):
    """A move of a whole plan that clears everything known at the time of asking."""

    kind: str
    """``delay``, ``advance``, ``level``, ``sideways``, or ``combined``."""
    delay_s: int
    """Negative: earlier."""
    up_m: float
    north_m: float = 0.0
    east_m: float = 0.0
    cost: float = 0.0
    """Minutes of delay that it is worth; by this they are ordered."""
    start: str = ""
    """When the plan would start then."""
    altitude_text: str = ""
    """Its levels then, as they were given: unit, datum."""
    sentence: str


class NoSlot(msgspec.Struct, frozen=True, kw_only=True):
    """That nothing is free, as data."""

    code: str
    """``no-free-slot``, with ``first_free`` or without; of a plan in the air ``no-free-level``, or
    ``no-other-level``."""
    later_s: int = 0
    earlier_s: int = 0
    up_m: float = 0.0
    down_m: float = 0.0
    """How far was looked."""
    first_free: str | None = None
    """At the present levels; null: never."""


class PlanView(msgspec.Struct, frozen=True, kw_only=True):
    """One plan of ours."""

    id: str
    """Stays the same for the life of the plan."""
    intent_id: str
    """The F3548 entity; a plan that is placed again takes a fresh one."""
    party: str
    callsign: str
    formation: str
    category: Category | None = None
    """Size and kind of the aircraft; null: not said, and the largest minima are kept."""
    priority: int
    state: str
    """F3548 state: Accepted, Activated, Nonconforming or Contingent."""
    status: Status
    coordinated: bool
    time_start: str
    time_end: str
    altitude_m_min: float
    altitude_m_max: float
    registers: tuple[RegisterView, ...]
    reason: str | None = None
    reason_code: str | None = None
    """What ``reason`` says of the first of ``blockers``: ``blocked``, ``waiting``, ``displaced``,
    ``change-refused``, ``activation-refused``; or of ``registers`` that have a problem:
    ``not-coordinated`` or ``not-known-everywhere``, with ``-wait`` or ``-line``."""
    blockers_count: int = 0
    """With those that are not listed."""
    blockers: tuple[Blocker, ...] = ()
    alternatives: tuple[Alternative, ...] = ()
    theirs: tuple[Alternative, ...] = ()
    """What would clear it if the one blocker moved instead; only its party can do that."""
    no_slot: str | None = None
    """That no time and level is free within the agreed bounds, and when one is."""
    no_slot_facts: NoSlot | None = None
    not_reached: tuple[str, ...] = ()
    """Subscribers who have not yet got our notification."""
    volumes: Volumes4D = msgspec.field(default_factory=_no_items)
    """F3548 ``Volume4D`` array, metres W84."""
    off_nominal_volumes: Volumes4D = msgspec.field(default_factory=_no_items)
    """Where the aircraft may be besides; where alone, if it is Contingent."""
    warnings: tuple[str, ...] = ()
    """Who has strayed into the plan, though it stands; a sentence each."""
    stated: StatedAltitudes = msgspec.field(default_factory=_no_items)
    """Altitudes of ``volumes`` as they were given: value, unit, datum."""
    updated: str = ""

    @property
    def settled(self) -> bool:
        """Whether nothing goes on any more that would end by itself."""
        if self.status in OFF_NOMINAL:
            return all(register.holds == "current" for register in self.registers)
        return self.status in _SETTLED


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
    volumes: Volumes4D = msgspec.field(default_factory=_no_items)
    stated: StatedAltitudes = msgspec.field(default_factory=_no_items)
    updated: str = ""
    confirmed: str = ""
    """When a person last said that it is still wanted."""
    standing: str | None = None
    """``current``, ``due`` (somebody has to confirm it), ``expired``; null: it is lifted."""
    expires: str | None = None
    """When it is lifted if nobody confirms it; null: not before it ends."""


class AirspaceEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A foreign intent or no-go area that we know of."""

    id: str
    kind: str
    """``intent`` or ``constraint``."""
    manager: str
    name: str
    """Call sign, or the no-go area's name; empty where its manager does not tell."""
    state: str | None
    priority: int
    category: Category | None = None
    """Null: not told, or of somebody outside the agreement."""
    registers: tuple[str, ...]
    """Where it stands, as far as we know."""
    time_start: str
    time_end: str
    altitude_m_min: float
    altitude_m_max: float
    volumes: Volumes4D = msgspec.field(default_factory=_no_items)


class TelemetryView(msgspec.Struct, frozen=True, kw_only=True):
    """Where an aircraft was when that was last measured; what is not known is null."""

    id: str
    manager: str
    name: str
    state: str
    """F3548 state of its intent."""
    measured: str | None = None
    age_s: float | None = None
    """How long ago that was, by our clock."""
    sentence: str = ""
    lat_deg: float | None = None
    lng_deg: float | None = None
    altitude_m: float | None = None
    """Above the WGS84 ellipsoid."""
    accuracy_h: str | None = None
    accuracy_v: str | None = None
    extrapolated: bool = False
    """Computed rather than measured."""
    speed_mps: float | None = None
    """Over ground."""
    track_deg: float | None = None
    """Clockwise from true north."""
    next_expected: str | None = None
    """Before then there is nothing newer to be had."""


class PeerView(msgspec.Struct, frozen=True, kw_only=True):
    """A register or peer as we last saw it."""

    id: str
    url: str
    reachable: bool | None
    """None: not asked yet."""
    problem: str | None = None
    problem_code: str | None = None
    """One of docs/errors.md."""
    agreement: str | None = None
    """Digest that the peer last showed."""


class IssuerView(msgspec.Struct, frozen=True, kw_only=True):
    """A token issuer outside the agreement, and how fresh its keys are."""

    iss: str
    source: str
    """Where its key set is read; of a PEM file that alone is said."""
    keys: int
    """How many of its keys count now; while there are none, its tokens are refused."""
    read_at: str | None = None
    """When its key set was last read; nothing for a PEM file, or where it never was."""
    age_s: float | None = None
    problem: str | None = None
    """Why the latest reading failed."""


class NextVersionView(msgspec.Struct, frozen=True, kw_only=True):
    """A version of the agreement that the node is to go over to."""

    version: int
    digest: str
    waits: tuple[str, ...]
    """What keeps it from going over, as sentences."""


class HookView(msgspec.Struct, frozen=True, kw_only=True):
    """A program that is started on events, and how it fares."""

    name: str
    on: tuple[str, ...]
    last: str | None
    """When its last run ended; null: it was never run."""
    problem: str | None
    """Of the last run; null: it did what it should."""
    failures: int
    """In a row."""
    waiting: int
    """Events that it is still to be started for, with the one that it runs for."""
    dropped: int
    """Events that were left out since its last run ended, because too many waited."""


class StatusView(msgspec.Struct, frozen=True, kw_only=True):
    """The node at a glance."""

    party: str
    version: str
    time: str
    agreement: str
    agreement_name: str
    agreement_version: int
    peers: tuple[PeerView, ...]
    plans: dict[str, int]
    """Count by status."""
    issuers: tuple[IssuerView, ...] = ()
    test_interface: bool = False
    """Whether test programs may plan and end flights here."""
    agreement_next: NextVersionView | None = None
    hooks: tuple[HookView, ...] = ()
    clock_error_s: float | None = None
    """Bound on the error of ``time``; null: nobody knows one."""


class EventView(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of the event feed; ``seq`` rises by one, without gaps visible to a reader."""

    seq: int
    time: str
    kind: str
    """``plan``, ``constraint``, ``peer``."""
    id: str
    body: msgspec.Raw
    """The view of the subject after the event."""


class Plans(msgspec.Struct, frozen=True):
    """Own plans, in order of start."""

    plans: list[PlanView]


class NoGoAreas(msgspec.Struct, frozen=True):
    """Own no-go areas, in order of start."""

    constraints: list[ConstraintView]


class Airspace(msgspec.Struct, frozen=True):
    """Foreign intents and no-go areas that this node knows of, in order of start."""

    entries: list[AirspaceEntry]

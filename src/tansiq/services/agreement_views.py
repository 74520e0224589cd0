"""What people see of the agreement in force: the answer of ``GET /agreement``.

Every number says its unit in its name. Times are RFC 3339 UTC.
"""

import msgspec

from tansiq.services.views import NextVersionView


class AgreedDesk(msgspec.Struct, frozen=True, kw_only=True):
    """One post of a party that can be addressed."""

    id: str
    names: dict[str, str]
    """By language; ``en`` is always there."""
    languages: tuple[str, ...]
    """What is spoken there, the preferred one first."""
    hours: str
    """UTC: ``24h``, or such as ``0600-1800``."""
    days: tuple[str, ...]
    """On which a shift begins: ``mon`` to ``sun``."""
    deputy: str
    voice: str


class AgreedParty(msgspec.Struct, frozen=True, kw_only=True):
    """One side, and the digest of the agreement that its node holds."""

    id: str
    names: dict[str, str]
    ours: bool
    url: str
    key_sha256: str
    """Fingerprint of its public key."""
    key_words: tuple[str, ...]
    """The same in six words, to be compared by voice."""
    certificate_sha256: str | None
    """Null: plain http, on this machine only."""
    register: bool
    """Whether it holds a register of the agreement."""
    struck: bool
    """Off for the time being: it may not plan."""
    desks: tuple[AgreedDesk, ...]
    digest: str | None = None
    """What its node last showed; null: it has not yet."""
    digest_at: str | None = None
    same: bool | None = None
    """Whether that is ours; null: not known."""


class AgreedRegister(msgspec.Struct, frozen=True, kw_only=True):
    """One register, in the order of placement."""

    id: str
    party: str | None
    """Null: outside the agreement."""
    url: str
    foreign: bool
    """Suppliers outside the agreement plan there too."""
    counts: bool
    """False: its party is struck off, and it is not asked."""


class AgreedMinima(msgspec.Struct, frozen=True, kw_only=True):
    """What two aircraft keep: within all three is a conflict."""

    horizontal_m: float
    vertical_m: float
    time_s: float
    between: tuple[str, ...] = ()
    """Two categories; empty: all others."""


class AgreedArea(msgspec.Struct, frozen=True, kw_only=True):
    """Where the parties coordinate: a circle, or a polygon."""

    lat_deg: float | None = None
    lng_deg: float | None = None
    radius_m: float | None = None
    corners_lat_lng_deg: tuple[tuple[float, float], ...] = ()
    volume_km2_max: float
    """The largest area of one volume."""


class AgreedLead(msgspec.Struct, frozen=True, kw_only=True):
    """How long before it begins a thing must have been announced; 0 requires nothing."""

    plan_s: float
    no_go_s: float
    emergency_s: float


class AgreedStep(msgspec.Struct, frozen=True, kw_only=True):
    """One step of the escalation."""

    rung: str
    after_s: float
    role: str | None
    desk: str
    by: str


class AgreedTimes(msgspec.Struct, frozen=True, kw_only=True):
    """By when each rung is due, counted from sending; comm checks; clocks."""

    arrived_s: float
    seen_s: float
    read_back_s: float
    answered_s: float
    decided_s: float
    check_every_s: float
    check_caution_s: float
    check_warning_s: float
    clocks_differ_s: float


class AgreedRules(msgspec.Struct, frozen=True, kw_only=True):
    """What else holds."""

    equal_priority_blocks: bool
    level_step_m: float
    lowest_m: float
    """Of proposals; metres above the WGS84 ellipsoid."""
    highest_m: float
    delay_max_s: float
    if_unreachable: str
    """``wait``, or ``line``: the desks agree by voice."""
    hold_limit_s: float
    silence: str
    """``unanswered`` or ``hold``: what a plan does that nobody answers; never a yes."""
    confirm_every_s: float | None
    expire_after_s: float | None
    formations: dict[str, tuple[str, ...]]


class AgreedSentence(msgspec.Struct, frozen=True, kw_only=True):
    """One rule in words."""

    about: str
    says: str


class SignedVersion(msgspec.Struct, frozen=True, kw_only=True):
    """One version whose papers lie in the node's folder, and who signed it."""

    version: int
    digest: str
    signed: tuple[str, ...]
    needed: int
    in_force: bool
    reasons: tuple[str, ...] = ()
    """Why it is not."""
    bad: tuple[str, ...] = ()
    """Signatures that do not hold, and rivals."""


class AgreementView(msgspec.Struct, frozen=True, kw_only=True):
    """The agreement in force."""

    name: str
    version: int
    previous: str
    """Digest of the version before; empty in the first."""
    digest: str
    words: tuple[str, ...]
    """The digest in six words, to be compared by voice."""
    valid_until: str | None
    party: str
    """Ourselves."""
    parties: tuple[AgreedParty, ...]
    registers: tuple[AgreedRegister, ...]
    area: AgreedArea
    minima: tuple[AgreedMinima, ...]
    """The usual ones first, then those between two categories."""
    minima_largest: AgreedMinima
    """What is kept from whoever names no category."""
    lead: AgreedLead
    times: AgreedTimes
    escalation: tuple[AgreedStep, ...]
    rules: AgreedRules
    sentences: tuple[AgreedSentence, ...]
    """All of it in words."""
    sentences_language: str
    """The language they are in: English, whatever was asked for."""
    versions: tuple[SignedVersion, ...]
    papers_problem: str | None
    """Why the papers in the node's folder could not be read."""
    next: NextVersionView | None
    document: str
    """The file itself, to the byte; its SHA-256 is the digest."""

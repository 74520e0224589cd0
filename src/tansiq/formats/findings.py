"""What verifying a bundle found: each statement with how well it stands, and the account of it.

Plain values, written as JSON by ``tansiq log verify --json``. Times are RFC 3339 UTC, spans of time
seconds.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Level(StrEnum):
    """How well a finding stands."""

    PROVED = "proved"
    """By signatures and hashes alone, to anybody who has the agreement's keys."""
    CLAIMED = "claimed"
    """By the word of one side; nobody else has signed it."""
    WITHHELD = "withheld"
    """Not shown. What is shown stands without it."""
    WRONG = "wrong"
    """Changed, forged, or two things that cannot both be true."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One statement. ``code`` is stable, for machines."""

    level: Level
    code: str
    sentence: str
    note: str | None = None
    """The note that it is about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One note, as its sender signed it."""

    id: str
    index: int
    """Its place in the exporter's record."""
    kind: str
    sender: str
    receiver: str
    mode: str
    number: int
    time: str
    """By the sender's clock."""
    clock_error_s: float | None
    thread: str
    re: str | None
    facts: dict[str, str]
    """The kind's own lines."""
    head: str
    """Size and root of the sender's record before it, by its word."""
    recorded: str
    """When it was recorded, by the exporter's word."""
    words: str
    """What it says, plainly."""
    payload: str | None
    """As it was sent; null: withheld or erased."""
    received: str | None = None
    """By the receiver's clock, as its receipt says; null: there is none here."""
    receipt: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Seconds, both ends included; null is no bound."""

    least_s: float | None
    most_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """How long before its start a notice had arrived, three ways."""

    note: str
    sender: str
    receiver: str
    words: str
    start: str
    required_s: int
    """By the agreement."""
    arrived: bool
    """Whether a receipt is here."""
    receivers_word: Span
    senders_word: Span
    guaranteed_s: float | None
    """By the word of a third party; null: none has vouched for it."""
    third_party: str | None
    impossible: bool
    """The words of the two cannot both be true."""
    late: str
    """``no``, ``yes``, or ``unknown`` where a clock's error is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """Everything that a bundle shows."""

    verified: bool
    """Nothing is wrong."""
    pinned: bool
    """The agreement was held against one that the reader has of his own."""
    by: str
    agreement: str
    """Digest of its file."""
    since: str
    until: str
    made: str
    party: str | None
    size: int
    root: str | None
    """Of the record, Base64; null: it is not shown."""
    entries: int
    findings: tuple[Finding, ...]
    notes: tuple[Said, ...] = ()
    """In the order of the record."""
    notices: tuple[Notice, ...] = ()
    not_proven: tuple[str, ...] = ()
    """What no bundle shows."""


NOT_PROVEN: Final = (
    "what was flown, meant, read or believed: it shows what nodes exchanged",
    "that the agreement is the one that the parties signed, unless it was held against yours",
    "anything of what is not here: who exports chooses the window, and may leave entries out",
    "the time of anything by one side's clock alone; each time says by whose word it is",
    "anything against both sides together, where no third party has cosigned",
    "that a key was in the right hands: who has a party's key signs as that party",
)

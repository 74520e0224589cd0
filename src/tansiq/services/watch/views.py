"""What people and programs see of the watch: tracks, alarms, feeds, rings.

Values for display, made from the watch's state and never read back into it.
"""

import msgspec

from tansiq.formats.alarm_facts import Fact, Message


class TrackView(msgspec.Struct, frozen=True, kw_only=True):
    """One aircraft as it is heard."""

    id: str
    """As alarms name it: the plan's intent id where it is bound to one, else made from the address.
    """
    address: str
    callsign: str
    feed: str
    """Which feed said it last."""
    time: str
    """When it was measured."""
    age_s: float
    staleness: str
    """``fresh``, ``ageing`` or ``stale``; what is older is dropped, and says so by an alarm."""
    lat_deg: float
    lng_deg: float
    """Now, as far as it can be extrapolated; as it was measured where that is not fair to do."""
    horizontal_error_m: float
    """It is within this of the place, by its own word and by its age."""
    height_m: float | None = None
    """Above the WGS84 ellipsoid; None: only a pressure altitude is known, or nothing."""
    height_error_m: float = 0.0
    pressure_m: float | None = None
    """Pressure altitude, on 1013.25 hPa."""
    speed_mps: float | None = None
    track_deg: float | None = None
    climb_mps: float | None = None
    on_ground: bool = False
    plan: str = ""
    """The intent that it is bound to; empty: none."""
    plan_name: str = ""
    party: str = ""
    """Whose plan that is."""
    may_be: tuple[str, ...] = ()
    """Intents that its call sign suggests; a person confirms one."""
    conformance: str = "unplanned"
    """``inside``, ``early``, ``left``, ``over-run``, ``off-level``, ``unknown``, ``unplanned``."""
    sentence: str = ""
    """What is to be said of it, units and all; empty: nothing."""
    code: str = ""
    """What is to be said of it, as data (docs/watch.md); empty: nothing."""
    also: tuple[str, ...] = ()
    """Codes of what is said besides, with the same values."""
    facts: dict[str, Fact] = {}
    """The values that ``sentence`` is made of, by name, the unit in it."""
    level: str = ""
    """Of the highest open alarm about it; empty: none."""


class AlarmView(msgspec.Struct, frozen=True, kw_only=True):
    """One alarm, open or in the history."""

    id: str
    kind: str
    level: str
    """``advisory``, ``caution`` or ``warning``."""
    worst: str = ""
    """The highest level that it has had."""
    stage: str
    """``raised``, ``acknowledged``, ``suppressed``, ``returned`` (over, and nobody has acknowledged
    it) or ``cleared``."""
    flashing: bool
    """Nobody has acknowledged it yet at this level."""
    one: str
    other: str
    """Its subjects' ids in ascending order; the nil UUID where there is only one."""
    names: tuple[str, ...]
    """What a desk calls the subjects."""
    sentence: str
    """In English, as our own log and other parties have it."""
    code: str = ""
    """What the sentence says, finer than ``kind`` (docs/watch.md); empty: the sentence is all."""
    also: tuple[str, ...] = ()
    """Codes of what it says besides, with the same values."""
    facts: dict[str, Fact] = {}
    """The values that it is made of, by name, the unit in it; what is not known is left out."""
    raised: str
    changed: str
    cleared: str | None = None
    acknowledged: str | None = None
    """When."""
    acknowledged_by: str | None = None
    acknowledged_there: tuple[str, ...] = ()
    """Parties whose desks have acknowledged it."""
    suppressed_until: str | None = None
    suppressed_by: str | None = None
    in_s: float | None = None
    """Seconds until what it warns of; None: it is so now, or has no moment."""
    lat_deg: float | None = None
    lng_deg: float | None = None
    """Where."""
    ways_out: tuple[str, ...] = ()
    """Information only: this is no certified detect-and-avoid equipment."""
    ways: tuple[Message, ...] = ()
    """The same as data."""
    not_told: tuple[str, ...] = ()
    """Parties whom it concerns, and whom no note has told of it at its level yet."""
    nuisance: bool = False
    """A person has said that it was for nothing."""


class FeedView(msgspec.Struct, frozen=True, kw_only=True):
    """One source of positions."""

    name: str
    kind: str
    url: str
    state: str
    """``ok``, ``silent``, ``failing`` or ``stopped``."""
    sentence: str
    age_s: float | None = None
    """Of the newest position; None: none came yet."""
    connections: int = 0
    """How often it was reached after it was not."""
    messages: int = 0
    """All that arrived and could be told apart."""
    positions: int = 0
    """Handed on."""
    refused: dict[str, int] = {}
    """By reason."""
    clock_offset_s: float | None = None
    """By how much its clock seems to be behind ours; None: not known."""


class RingView(msgspec.Struct, frozen=True, kw_only=True):
    """A ring around a point that aircraft call at, or keep out of."""

    id: str
    name: str
    kind: str
    """``call`` or ``no-entry``."""
    lat_deg: float
    lng_deg: float
    radius_m: float
    until: str


class PictureView(msgspec.Struct, frozen=True, kw_only=True):
    """The live picture at one instant."""

    time: str
    replay: bool = False
    """Recorded, not live."""
    sentence: str = ""
    """What is wrong with the picture itself: no feed, a feed that is silent, too many tracks."""
    feeds: tuple[FeedView, ...] = ()
    tracks: tuple[TrackView, ...] = ()
    alarms: tuple[AlarmView, ...] = ()
    """Open ones, the most urgent first."""
    rings: tuple[RingView, ...] = ()
    nuisances_today: int = 0


class AlarmList(msgspec.Struct, frozen=True, kw_only=True):
    """Alarms, the most urgent first, then those that are over, the latest first."""

    alarms: tuple[AlarmView, ...]
    raised_today: dict[str, int] = {}
    """Since midnight UTC, by kind."""
    nuisances_today: int = 0


class FeedList(msgspec.Struct, frozen=True, kw_only=True):
    """All feeds."""

    feeds: tuple[FeedView, ...]
    refused: dict[str, int] = {}
    """Reports that passed a feed and were not taken into a track, by reason."""
    tracks: int = 0


class TakenPositions(msgspec.Struct, frozen=True, kw_only=True):
    """What became of positions that were sent."""

    taken: int
    wrong: tuple[str, ...] = ()
    """What is wrong with the others, the first hundred."""

"""What people and programs see of the history: slices of the picture, and areas as they were.

What a slice has of tracks, alarms and rings has the form of the live picture.
"""

import msgspec

from tansiq.domain.category import Category
from tansiq.services.views import Volumes4D
from tansiq.services.watch.views import AlarmView, RingView, TrackView


def _no_items() -> msgspec.Raw:
    return msgspec.Raw(b"[]")


class SliceView(msgspec.Struct, frozen=True, kw_only=True):
    """The picture as it was shown at one time."""

    number: int
    """Rises with each slice; by it areas say in which slices they were so."""
    time: str
    """When it was shown."""
    picture_time: str
    """When the watch had last looked: much earlier means that it stood still."""
    sentence: str = ""
    """What was wrong with the picture then; empty: nothing."""
    tracks: tuple[TrackView, ...] = ()
    """Places to 0.000001 degrees (0.11 m), times of measurement to 0.1 s."""
    alarms: tuple[AlarmView, ...] = ()
    rings: tuple[RingView, ...] = ()


class AreaThen(msgspec.Struct, frozen=True, kw_only=True):
    """A plan or no-go area, unchanged from slice ``first`` to slice ``last``."""

    id: str
    kind: str
    """``plan`` (ours), ``intent`` (of others) or ``constraint``."""
    own: bool
    intent_id: str
    """As tracks and alarms name it."""
    party: str
    name: str
    """Call sign, or the no-go area's name; empty where its manager does not tell."""
    status: str
    """Of our own: where it stands, as plans and no-go areas say it; empty for others'."""
    state: str | None = None
    """F3548 state; null for no-go areas."""
    coordinated: bool | None = None
    """Whether all registers held it; null where we cannot know."""
    priority: int = 0
    category: Category | None = None
    registers: tuple[str, ...] = ()
    """Which held it, as far as we knew."""
    time_start: str
    time_end: str
    altitude_m_min: float
    altitude_m_max: float
    """Metres above the WGS84 ellipsoid."""
    sentence: str = ""
    """Why it was refused, who had strayed into it, that somebody had to confirm it."""
    volumes: Volumes4D = msgspec.field(default_factory=_no_items)
    """F3548 ``Volume4D`` array, metres W84."""
    off_nominal_volumes: Volumes4D = msgspec.field(default_factory=_no_items)
    """Where the aircraft might be besides; where alone, if it is Contingent."""


class AreaView(AreaThen, frozen=True, kw_only=True):
    """The same, with the slices in which it was so."""

    first: int
    last: int | None = None
    """Null: it is so in the newest slice."""
    since: str
    """The time of slice ``first``."""
    until: str | None = None
    """The time of the slice after ``last``: by then it was otherwise, or gone."""


class Gap(msgspec.Struct, frozen=True, kw_only=True):
    """A span of which nothing is kept, between two slices."""

    since: str = msgspec.field(name="from")
    until: str = msgspec.field(name="to")


class HistoryView(msgspec.Struct, frozen=True, kw_only=True):
    """How much is kept."""

    since: str | None = msgspec.field(name="from")
    until: str | None = msgspec.field(name="to")
    """The times of the first and the last slice; null: there is none."""
    step_s: float
    """How often a slice is kept now."""
    slices: int
    bytes: int
    """What is kept takes so much, compressed."""
    gaps: tuple[Gap, ...]
    """Where nothing is kept, the oldest first; the last one ends now where no slice came since."""
    sentence: str = ""
    """What is wrong with the history itself; empty: nothing."""


class HistoryMoment(msgspec.Struct, frozen=True, kw_only=True):
    """The picture as it was last shown at or before a time."""

    age_s: float
    """How long before the time that was asked for."""
    slice: SliceView
    areas: tuple[AreaView, ...]


class HistoryPage(msgspec.Struct, frozen=True, kw_only=True):
    """Slices in order of time, and all areas that any of them has."""

    slices: tuple[SliceView, ...]
    areas: tuple[AreaView, ...]
    next: str | None
    """Ask on from here; null: that was all."""

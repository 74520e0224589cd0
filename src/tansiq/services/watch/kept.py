"""What is kept of an alarm, what asks for one, and how people see it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from tansiq.domain.alarm import OPEN, Alarm, Display, Stage, display
from tansiq.domain.alarm_key import AlarmKey, Level
from tansiq.domain.time import zulu
from tansiq.domain.volume import LatLng
from tansiq.formats.alarm_facts import SENTENCE_ONLY, Fact, Message
from tansiq.services.watch.views import AlarmView

SHORT_ID: Final = 6
TOLD_FROM: Final = Level.CAUTION
"""The least level that other parties are told of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Something that asks for an alarm at one moment."""

    key: AlarmKey
    level: Level
    sentence: str
    names: tuple[str, ...] = ()
    """What a desk calls the subjects."""
    in_s: float | None = None
    """Seconds until it happens; None: it is so."""
    place: LatLng | None = None
    ways_out: tuple[str, ...] = ()
    ways: tuple[Message, ...] = ()
    """What ``ways_out`` are made of."""
    parties: tuple[str, ...] = ()
    """Other parties whom it concerns."""
    said: Message = SENTENCE_ONLY
    """What the sentence is made of."""
    heard_of: str = ""
    """The party whose word it is; empty: our own watch has found it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """An alarm with what was last found about it."""

    id: str
    """Ours; on both nodes it is known by the smallest of its notes."""
    alarm: Alarm
    sentence: str = ""
    names: tuple[str, ...] = ()
    lat_deg: float | None = None
    lng_deg: float | None = None
    ways_out: tuple[str, ...] = ()
    parties: tuple[str, ...] = ()
    told: dict[str, int] = field(default_factory=dict)
    """To which level each party has been told, since it was raised."""
    seen_by: tuple[str, ...] = ()
    """Parties whose desks have acknowledged it."""
    heard_of: str = ""
    """The party that alone has found it; empty: our own watch has."""
    code: str = ""
    """What the sentence is made of; empty: an older version kept the sentence alone."""
    also: tuple[str, ...] = ()
    facts: Mapping[str, Fact] = field(default_factory=dict)
    ways: tuple[Message, ...] = ()
    happens: datetime | None = None
    """When what it warns of would happen."""

    @property
    def said(self) -> Message:
        """What the sentence is made of."""
        return Message(code=self.code, facts=self.facts, also=self.also)

    @property
    def name(self) -> str:
        """What it is called on both nodes."""
        return self.alarm.id or self.id

    def is_called(self, named: str) -> bool:
        """Whether it is or was shown under an id: its name changes while notes about it pass."""
        return named in (self.id, *self.alarm.notes)

    def may_be(self, named: str) -> bool:
        """Whether one of its ids begins so, and enough of it was written."""
        return len(named) >= SHORT_ID and any(
            each.startswith(named) for each in (self.id, *self.alarm.notes)
        )

    @property
    def place(self) -> LatLng | None:
        """Where it is shown; None: nowhere."""
        if self.lat_deg is None or self.lng_deg is None:
            return None
        return LatLng(self.lat_deg, self.lng_deg)

    @property
    def in_sight(self) -> bool:
        """Whether it is shown among what is to be looked at."""
        return self.alarm.stage is not Stage.HISTORY


_STAGES: Final = {
    Display.FLASHING: "raised",
    Display.STEADY: "acknowledged",
    Display.SUPPRESSED: "suppressed",
    Display.RETURNED: "returned",
    Display.GONE: "cleared",
}


def alarm_view(kept: Kept, now: datetime) -> AlarmView:
    """Return an alarm as people see it."""
    alarm = kept.alarm
    seen, silent = alarm.acknowledged, alarm.suppression
    shown = display(alarm, now)
    acknowledged = seen is not None and seen.level >= alarm.level
    return AlarmView(
        id=kept.name,
        kind=alarm.key.kind.value,
        level=alarm.level.name.lower(),
        worst=alarm.worst.name.lower(),
        stage=_STAGES[shown],
        flashing=shown is Display.FLASHING,
        one=alarm.key.one,
        other=alarm.key.other,
        names=kept.names,
        sentence=kept.sentence,
        code=kept.code,
        also=kept.also,
        facts=dict(kept.facts),
        raised=zulu(alarm.raised),
        changed=zulu(alarm.looked),
        cleared=None if alarm.cleared is None else zulu(alarm.cleared),
        acknowledged=zulu(seen.time) if seen is not None and acknowledged else None,
        acknowledged_by=seen.by if seen is not None and acknowledged else None,
        acknowledged_there=kept.seen_by,
        suppressed_until=None if silent is None else zulu(silent.until),
        suppressed_by=None if silent is None else silent.by,
        in_s=None if kept.happens is None else max(0.0, (kept.happens - now).total_seconds()),
        lat_deg=kept.lat_deg,
        lng_deg=kept.lng_deg,
        ways_out=kept.ways_out,
        ways=kept.ways,
        nuisance=alarm.nuisance is not None,
        not_told=_not_told(kept),
    )


def _not_told(kept: Kept) -> tuple[str, ...]:
    """Return the parties whom it concerns, and who have not been told of it at its level."""
    level = kept.alarm.level
    if level < TOLD_FROM or kept.alarm.stage not in OPEN or kept.heard_of:
        return ()
    return tuple(party for party in kept.parties if kept.told.get(party, 0) < level)

"""How a feed of positions is doing: a value for whoever shows it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

NOT_YET: Final = "not reached yet"
"""The reason before the first try has ended: nothing is wrong with it so far."""
AHEAD_SHOWN_S: Final = -1.0
"""Nothing is measured after it arrives, so a second of it is the clock."""
BEHIND_SHOWN_S: Final = 5.0
"""Less than this a slow way explains as well."""


class FeedState(StrEnum):
    OK = "ok"
    SILENT = "silent"
    """It answers, and has given no position for ``timers.position_silent``."""
    FAILING = "failing"
    """It cannot be reached, or nothing that it sends can be used; ``reason`` says why."""
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedHealth:
    """One feed, at one time. Counts are since it was made, and go on over reconnections."""

    name: str
    kind: str
    url: str
    state: FeedState
    reason: str = ""
    """A sentence, where the state is not ``ok``."""
    newest_age_s: float | None = None
    """Since its newest position was measured; None before the first."""
    behind_s: float | None = None
    """Median of arrival minus measurement over the last batches: the way's delay, and how far its
    clock is behind ours."""
    connections: int = 0
    """How often it was reached after it was not."""
    messages: int = 0
    """All that arrived and could be told apart: lines, frames, events, aircraft of a file."""
    positions: int = 0
    """Handed on."""
    duplicates: int = 0
    """Measurements that had been handed on before."""
    too_old: int = 0
    ahead: int = 0
    """Measured in what is the future by our clock, beyond ``limits.position_ahead_max``."""
    dropped: int = 0
    """Left unread or not handed on because too much came at once."""
    refused: Mapping[str, int]
    """Whatever else became no report, by reason (``formats.position_reports.Refusal``)."""

    @property
    def clock(self) -> str:
        """What is to be said of its clock; empty where nothing is."""
        if self.behind_s is None or AHEAD_SHOWN_S < self.behind_s < BEHIND_SHOWN_S:
            return ""
        if self.behind_s < 0:
            return f"its clock is {-self.behind_s:.1f} s ahead of ours"
        return (
            f"its positions come {self.behind_s:.1f} s after their time: a slow way, or its clock "
            "is behind ours"
        )

"""Spans of time: aware UTC, closed at both ends, microsecond resolution."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tansiq.errors import BadInput

ZERO = timedelta(0)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
YEAR_MIN, YEAR_MAX = 1900, 2200
"""Far from the ends of Python's calendar, so that no later sum overflows."""


def require_utc(value: datetime, field: str) -> datetime:
    """Return ``value`` in UTC.

    Raises:
        BadInput: it carries no time zone.
    """
    if value.tzinfo is None:
        raise BadInput("the time has no zone; write it as 2026-11-23T14:05:00Z", field=field)
    return value.astimezone(UTC)


def micros(moment: datetime) -> int:
    """Return microseconds since 1970 UTC: how the store keeps a time."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def from_micros(count: int) -> datetime:
    """Return the time that ``micros`` counted."""
    return _EPOCH + timedelta(microseconds=count)


def zulu(value: datetime) -> str:
    """Write a time as RFC 3339 in UTC, without needless fractions."""
    text = value.astimezone(UTC).isoformat(
        timespec="microseconds" if value.microsecond else "seconds"
    )
    return text.replace("+00:00", "Z")


_RFC3339 = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d{1,30}))?([Zz]|[+-]\d\d:\d\d)?", re.ASCII
)


def parse_rfc3339(text: str, field: str, *, round_up: bool = False) -> datetime:
    """Read a time with zone; digits beyond microseconds are rounded down, or up if told.

    Rounding a start down and an end up keeps every span whole.

    Raises:
        BadInput: not RFC 3339, no zone, or no such date or time.
    """
    match = _RFC3339.fullmatch(text)
    if match is None:
        raise BadInput(f"{text[:60]!r} is no time; write it as 2026-11-23T14:05:00Z", field=field)
    date, clock, fraction, zone = match.groups(default="")
    if not zone:
        raise BadInput("the time has no zone; write it as 2026-11-23T14:05:00Z", field=field)
    micros, beyond = fraction[:6].ljust(6, "0"), fraction[6:]
    try:
        moment = datetime.fromisoformat(f"{date}T{clock}.{micros}{zone.upper()}").astimezone(UTC)
        if round_up and beyond.strip("0"):
            moment += timedelta(microseconds=1)
    except (ValueError, OverflowError) as error:
        # A leap second (:60) ends here too: Python has none.
        raise BadInput(f"{text!r} is no existing time: {error}", field=field) from error
    if not YEAR_MIN <= moment.year <= YEAR_MAX:
        raise BadInput(f"the year {moment.year} is not {YEAR_MIN} to {YEAR_MAX}", field=field)
    return moment


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeSpan:
    """A closed span of time in UTC.

    Raises:
        BadInput: the bounds are reversed or carry no zone.
    """

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        object.__setattr__(self, "start", require_utc(self.start, "time_start"))
        object.__setattr__(self, "end", require_utc(self.end, "time_end"))
        if self.start > self.end:
            raise BadInput(
                f"ends at {zulu(self.end)}, before it starts at {zulu(self.start)}; swap them",
                field="time_end",
            )

    def gap_to(self, other: "TimeSpan") -> timedelta:
        """Return the time between the two spans; zero if they share an instant."""
        return max(other.start - self.end, self.start - other.end, ZERO)

    def shifted(self, by: timedelta) -> "TimeSpan":
        """Return the same span, later (or earlier if negative)."""
        return TimeSpan(start=self.start + by, end=self.end + by)

    def widened(self, by: timedelta) -> "TimeSpan":
        """Return the span enlarged at both ends."""
        return TimeSpan(start=self.start - by, end=self.end + by)

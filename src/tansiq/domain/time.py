"""Spans of time: aware UTC, closed at both ends, microsecond resolution."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tansiq.errors import BadInput

ZERO = timedelta(0)


def require_utc(value: datetime, field: str) -> datetime:
    """Return ``value`` in UTC.

    Raises:
        BadInput: it carries no time zone.
    """
    if value.tzinfo is None:
        raise BadInput("the time has no zone; write it as 2026-11-23T14:05:00Z", field=field)
    return value.astimezone(UTC)


def zulu(value: datetime) -> str:
    """Write a time as RFC 3339 in UTC, without needless fractions."""
    text = value.astimezone(UTC).isoformat(
        timespec="microseconds" if value.microsecond else "seconds"
    )
    return text.replace("+00:00", "Z")


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

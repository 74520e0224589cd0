"""Times as the whole microseconds since 1970 that rows keep."""

from datetime import UTC, datetime, timedelta
from typing import Final

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

TIME_MIN: Final = -(1 << 62)
"""Stands for a start that is not bounded."""
TIME_MAX: Final = 1 << 62
"""Stands for an end that is not bounded."""


def micros(value: datetime) -> int:
    """Return an aware time as microseconds since 1970; exact."""
    return (value - _EPOCH) // _MICROSECOND


def from_micros(value: int) -> datetime:
    """Return the time in UTC; exact."""
    return _EPOCH + timedelta(microseconds=value)

"""A position report holds what an aircraft can have, and nothing else."""

import math
from datetime import UTC, datetime
from typing import Any

import pytest

from tansiq.domain.track import Address, PositionReport
from tansiq.domain.volume import LatLng
from tansiq.errors import BadInput, TansiqError

NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)


def report(**changes: Any) -> PositionReport:
    return PositionReport(
        **{
            "address": Address("icao:a1b2c3"),
            "time": NOON,
            "position": LatLng(36.0, 36.0),
            **changes,
        }
    )


@pytest.mark.parametrize(
    ("field", "good", "bad"),
    [
        ("geometric_m", -1_500.0, math.nextafter(-1_500.0, -2_000.0)),
        ("pressure_m", 100_000.0, math.nextafter(100_000.0, 2e5)),
        ("geometric_error_m", 0.0, -5e-324),
        ("horizontal_error_m", 50_000.0, math.nextafter(50_000.0, 6e4)),
        ("speed_mps", 2_000.0, math.nan),
        ("climb_mps", -500.0, math.nextafter(-500.0, -600.0)),
        ("track_deg", math.nextafter(360.0, 0.0), 360.0),
        ("callsign", "X" * 20, "X" * 21),
        ("callsign", "", "A\nB"),
        ("address", "cot:ANDROID-1", "a1b2c3"),
        ("address", "icao:" + "a" * 100, "icao:" + "a" * 101),
        ("time", NOON, NOON.replace(tzinfo=None)),
    ],
)
def test_bounds(field: str, good: Any, bad: Any) -> None:
    assert getattr(report(**{field: good}), field) == good
    with pytest.raises(TansiqError) as caught:
        report(**{field: bad})
    assert isinstance(caught.value, BadInput)
    assert caught.value.field == field

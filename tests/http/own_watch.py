"""A watch that shows whatever a test says, behind the real own API."""

from datetime import timedelta
from typing import Any

from tansiq.clock import Clock
from tansiq.domain.time import zulu
from tansiq.services.watch.views import AlarmView, FeedView, PictureView, RingView, TrackView


class Watched:
    """The live picture, one aircraft, one alarm, one ring; ``shown`` changes it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.shown: dict[str, Any] = {}
        self.views = 0

    def view(self) -> PictureView:
        self.views += 1
        now = zulu(self._clock.now())
        plain: dict[str, Any] = {
            "time": now,
            "feeds": (FeedView(name="roof", kind="sbs", url="", state="ok", sentence=""),),
            "tracks": (track(now),),
            "alarms": (alarm(now),),
            "rings": (
                RingView(
                    id="r1",
                    name="Tower",
                    kind="call",
                    lat_deg=50.0,
                    lng_deg=10.0,
                    radius_m=5_000.0,
                    until=zulu(self._clock.now() + timedelta(hours=1)),
                ),
            ),
        }
        return PictureView(**{**plain, **self.shown})


def track(measured: str, **changes: Any) -> TrackView:
    plain: dict[str, Any] = {
        "id": "icao:a1b2c3",
        "address": "icao:a1b2c3",
        "callsign": "HERON-1",
        "feed": "roof",
        "time": measured,
        "age_s": 0.0,
        "staleness": "fresh",
        "lat_deg": 50.0,
        "lng_deg": 10.0,
        "horizontal_error_m": 30.0,
        "height_m": 450.0,
        "height_error_m": 15.0,
        "speed_mps": 50.0,
        "track_deg": 90.0,
    }
    return TrackView(**{**plain, **changes})


def alarm(raised: str, **changes: Any) -> AlarmView:
    plain: dict[str, Any] = {
        "id": "a1",
        "kind": "conflict",
        "level": "warning",
        "stage": "raised",
        "flashing": True,
        "one": "icao:a1b2c3",
        "other": "00000000-0000-0000-0000-000000000000",
        "names": ("HERON-1",),
        "sentence": "HERON-1 leaves its plan",
        "raised": raised,
        "changed": raised,
    }
    return AlarmView(**{**plain, **changes})

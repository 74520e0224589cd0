"""A second judge of encounters: tracks stepped through along geodesics, one pair after the other.

Knows nothing of slots, boxes, chords or planes: positions and distances come from ``geographiclib``
alone, as do those of ``random_tracks``.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random

from geographiclib.geodesic import Geodesic

from tansiq.domain.track import Address, PositionReport
from tansiq.domain.volume import LatLng

WGS84 = Geodesic.WGS84
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


def report(
    name: str, after_s: float, lat: float, lng: float, up_m: float | None, **more: object
) -> PositionReport:
    return PositionReport(
        address=Address(name),
        time=NOON + timedelta(seconds=after_s),
        position=LatLng(lat, lng),
        pressure_m=up_m,
        **more,  # type: ignore[arg-type]
    )


@dataclass(frozen=True)
class At:
    lat: float
    lng: float
    up_m: float


def at(track: Sequence[PositionReport], moment: datetime, gap_s: float) -> At | None:
    """Return where an aircraft was, None if it was in a gap or not there."""
    k = bisect_right(track, moment, key=lambda each: each.time)
    if k == 0:
        return None
    before = track[k - 1]
    assert before.pressure_m is not None
    if before.time == moment:
        return At(before.position.lat_deg, before.position.lng_deg, before.pressure_m)
    if k == len(track):
        return None
    after = track[k]
    assert after.pressure_m is not None
    seconds = (after.time - before.time).total_seconds()
    if seconds > gap_s or before.on_ground or after.on_ground:
        return None
    share = (moment - before.time).total_seconds() / seconds
    line = WGS84.InverseLine(
        before.position.lat_deg,
        before.position.lng_deg,
        after.position.lat_deg,
        after.position.lng_deg,
    )
    place = line.Position(share * line.s13)
    up_m = before.pressure_m + share * (after.pressure_m - before.pressure_m)
    return At(place["lat2"], place["lon2"], up_m)


def apart(a: At, b: At) -> tuple[float, float]:
    """Return horizontal and vertical separation, metres."""
    level_m: float = WGS84.Inverse(a.lat, a.lng, b.lat, b.lng, Geodesic.DISTANCE)["s12"]
    return level_m, abs(a.up_m - b.up_m)


def steps(
    one: Sequence[PositionReport], other: Sequence[PositionReport], *, step_s: float, gap_s: float
) -> list[tuple[datetime, float, float]]:
    """Return both separations at each step of the time that both tracks span."""
    start = max(one[0].time, other[0].time)
    end = min(one[-1].time, other[-1].time)
    found = []
    for k in range(int((end - start).total_seconds() / step_s) + 1):
        moment = start + timedelta(seconds=k * step_s)
        a, b = at(one, moment, gap_s), at(other, moment, gap_s)
        if a is not None and b is not None:
            found.append((moment, *apart(a, b)))
    return found


def random_tracks(
    random: Random, *, aircraft: int, around: tuple[float, float], spread_m: float
) -> dict[Address, list[PositionReport]]:
    """Return tracks that wander about one place, with reports at uneven times and some gaps."""
    tracks: dict[Address, list[PositionReport]] = {}
    for number in range(aircraft):
        name = Address(f"icao:{number:06x}")
        place = WGS84.Direct(*around, random.uniform(-180, 180), random.uniform(0, spread_m))
        lat, lng = place["lat2"], place["lon2"]
        after_s, azimuth = random.uniform(0, 120), random.uniform(-180, 180)
        up_m, speed = random.uniform(900, 1_600), random.uniform(0, 250)
        track = []
        for _ in range(random.randint(3, 14)):
            track.append(report(name, round(after_s, random.choice((0, 3))), lat, lng, up_m))
            seconds = random.choice((1, 5, 10, 20, 60, 120, random.uniform(1, 400)))
            place = WGS84.Direct(lat, lng, azimuth, speed * seconds)
            lat, lng = place["lat2"], place["lon2"]
            after_s += max(seconds, 1.0)
            azimuth += random.gauss(0, 60)
            up_m = min(max(up_m + random.gauss(0, 3) * seconds, 0.0), 12_000.0)
        tracks[name] = track
    return tracks

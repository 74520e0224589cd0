"""What is relevant to a write: of all that shares its cells, what shares a point with its volumes.

Cells find candidates, by place, altitude and time; the engine decides. Bounds are closed, and what
the kernels are not certain of is relevant. So it is between the parties of an agreement: they serve
one another volumes by one software, and neighbours need not know each other. Among suppliers
outside it goes by cells alone, because the field expects of each to look at what its neighbours
serve, and to plan nothing where that is not fit.

A write is only ever held against what its key does not name, and not against much: where there is
more, all of it is relevant.
"""

from array import array
from collections.abc import Collection, Sequence

from tansiq.domain.agreement import NO_MINIMA
from tansiq.domain.time import TimeSpan, from_micros, micros
from tansiq.domain.volume import (
    AltitudeBand,
    Circle,
    LatLng,
    Outline,
    Polygon,
    Volume3D,
    Volume4D,
    Volumes,
)
from tansiq.engine.judgement import may_conflict
from tansiq.engine.prepared import Prepared
from tansiq.storage.intents import Unknown

JUDGED_MAX = 64
"""Candidates that one write is held against: the store's only writer does it."""
JUDGED_BYTES_MAX = 65_536
"""The same for all their volumes; a corner takes 16 bytes."""
JUDGED_WORK_MAX = 1 << 28
"""The same for those bytes times the bytes of the write: each of its corners may meet each of
theirs."""
_HEAD = 6
_NO_CIRCLE = -1.0


def pack(volumes: Volumes) -> bytes:
    """Return volumes as bytes, exactly. Microseconds are whole numbers that a double holds."""
    numbers = array("d")
    for volume in volumes:
        outline = volume.outline
        if isinstance(outline, Circle):
            points: tuple[LatLng, ...] = (outline.center,)
            radius_m = outline.radius_m
        else:
            points, radius_m = outline.vertices, _NO_CIRCLE
        numbers.extend(
            (
                len(points),
                radius_m,
                volume.altitude.lower_m,
                volume.altitude.upper_m,
                micros(volume.time.start),
                micros(volume.time.end),
            )
        )
        for point in points:
            numbers.append(point.lat_deg)
            numbers.append(point.lng_deg)
    return numbers.tobytes()


def unpack(packed: bytes) -> Volumes:
    """Return what was packed."""
    numbers, volumes, at = array("d", packed), [], 0
    while at < len(numbers):
        count, radius_m, lower_m, upper_m, start, end = numbers[at : at + _HEAD]
        at += _HEAD
        flat = iter(numbers[at : at + 2 * int(count)])
        points = tuple(LatLng(lat, lng) for lat, lng in zip(flat, flat, strict=True))
        at += 2 * int(count)
        outline: Outline = (
            Polygon(vertices=points)
            if radius_m < 0.0
            else Circle(center=points[0], radius_m=radius_m)
        )
        band = AltitudeBand(lower_m=lower_m, upper_m=upper_m)
        span = TimeSpan(start=from_micros(int(start)), end=from_micros(int(end)))
        volumes.append(Volume4D(volume=Volume3D(outline=outline, altitude=band), time=span))
    return tuple(volumes)


def relevant(extents: Volumes, found: Sequence[Unknown], equals: Collection[str]) -> list[str]:
    """Return the ids of those of ``found`` that are relevant to a write, in their order.

    Judged is what the managers in ``equals`` hold; of others, and of what was stored without its
    volumes, all that shares a cell is relevant.
    """
    judged = [one for one in found if one.manager in equals and one.extents is not None]
    size = sum(len(one.extents or b"") for one in judged)
    if not judged or len(judged) > JUDGED_MAX or size > JUDGED_BYTES_MAX:
        return [one.id for one in found]
    if size * len(pack(extents)) > JUDGED_WORK_MAX:
        return [one.id for one in found]
    own = Prepared.of(*extents)
    clear = {
        one.id
        for one in judged
        if not may_conflict(own, Prepared.of(*unpack(one.extents or b"")), NO_MINIMA)
    }
    return [one.id for one in found if one.id not in clear]

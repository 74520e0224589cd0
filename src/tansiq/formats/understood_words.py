"""What was understood, in English: a template for each code.

The console has the same codes in its languages (``console/src/words/*/reading.json``); a test holds
these to the same placeholders. Values are texts with their unit.
"""

from collections.abc import Iterator
from typing import Final

from tansiq.domain import grid
from tansiq.domain.time import zulu
from tansiq.formats.understood import Corridor, Reading, ReadVolume, Ring, Said

TEMPLATES: Final[dict[str, str]] = {
    # What it is
    "read-as-aeronautical": "Read as aeronautical text. Volumes: {count}.",
    "read-as-coordinates": "Read as coordinates. Volumes: {count}.",
    "read-as-geojson": "Read as GeoJSON. Volumes: {count}.",
    "read-as-kml": "Read as KML. Volumes: {count}.",
    # One volume
    "read-circle": "Circle of radius {radius} around {place}.",
    "read-circle-open": "Circle around {place}; its radius is not said.",
    "read-area": "Area with {count} corners, the first at {place}.",
    "read-corridor": "Corridor from {place} to {last} through {count} places, {half_width} to "
    "each side.",
    "read-corridor-open": "Line from {place} to {last} through {count} places; its width is not "
    "said.",
    "read-levels": "Levels: {lower} to {upper}.",
    "read-lower": "Lower level: {lower}. The upper level is not said.",
    "read-upper": "Upper level: {upper}. The lower level is not said.",
    "read-levels-open": "Levels are not said.",
    "read-times": "Time: {start} to {end}.",
    "read-start": "Start: {start}. The end is not said.",
    "read-end": "End: {end}. The start is not said.",
    "read-times-open": "Times are not said.",
    # What to look at
    "read-area-taken": "{count} places stand together and nothing says what they bound: they are "
    "read as an area. For a route write its width, such as 2NM EITHER SIDE OF.",
    "read-cancelled": "{name} cancels another notice: nothing of it was read.",
    "read-datum-missing": "{height} does not say what it counts from: above mean sea level (AMSL) "
    "or above ground (AGL). Choose one.",
    "read-datums-mixed": "The lower level is {lower} and the upper level {upper}: a plan counts "
    "both from the same datum in the same unit. State both in one.",
    "read-element-skipped": "Not read: {count} x {element}.",
    "read-estimated": "The end, {end}, is an estimate (EST).",
    "read-excluded": "What is excluded from an area was not cut out of it: the volume is larger "
    "than what is meant.",
    "read-grid-square": "{grid} names a square with sides of {side}; its middle is taken.",
    "read-ground-missing": "A level counts from the ground: the height of the ground has to be "
    "stated.",
    "read-height-upper": "All corners are at {height}: that is read as the upper level. The lower "
    "level is not said.",
    "read-heights-differ": "The corners are at heights from {lower} to {upper}: no level was read.",
    "read-heights-of-mode": "Heights of the altitude mode {mode} were not read.",
    "read-hole-filled": "The area has holes ({count}). They are filled: the volume is larger.",
    "read-immediate": "The start is “with immediate effect” (WIE): state a time.",
    "read-no-geometry": "A feature without a geometry was not read.",
    "read-permanent": "The end is “permanent” or “until further notice”: state a time.",
    "read-property-ignored": "The property {property} was not read: its name is nearly, but not "
    "exactly, one that counts.",
    "read-q-circle-skipped": "The text says where it is; the circle of the Q) line was not used.",
    "read-q-circle-used": "The text names no place, so the circle of the Q) line was used; that "
    "is rounded to minutes and nautical miles.",
    "read-q-levels": "The levels are those of the Q) line, {lower} to {upper}, which are rounded. "
    "000 and 999 say nothing and were not used.",
    "read-schedule": "Item D) has times of day, {schedule}, which are not expanded. B) is {start} "
    "and C) is {end}: state the span that counts.",
    "read-time-skipped": "{time} is no full time with a zone and was not read.",
    "read-unit-missing": "The property {property} has no unit and was not read; write {meant}.",
    "read-unlimited": "The upper level is “unlimited”, which a plan cannot hold: state one.",
    "read-width-whole": "A corridor of {width} is read as the whole width, {half} to each side. If "
    "{width} to each side is meant, write “{width} either side”.",
}


def text_of(said: Said) -> str:
    """Return a sentence in English."""
    return TEMPLATES[said.code].format_map(said.values)


def headline(reading: Reading) -> Said:
    """Return the sentence about all of it."""
    return Said(f"read-as-{reading.kind}", {"count": str(len(reading.volumes))})


def sentences(volume: ReadVolume) -> Iterator[Said]:
    """Yield what was understood of one volume: where, how high, when."""
    yield _where(volume)
    lower, upper = volume.lower, volume.upper
    yield _span("read-levels", {"lower": lower, "upper": upper}, "read-lower", "read-upper")
    start, end = (zulu(t) if t else None for t in (volume.start, volume.end))
    yield _span("read-times", {"start": start, "end": end}, "read-start", "read-end")


def _where(volume: ReadVolume) -> Said:
    shape = volume.shape
    if isinstance(shape, Ring):
        place = {"place": grid.dms(shape.center)}
        if shape.radius is None:
            return Said("read-circle-open", place)
        return Said("read-circle", {"radius": str(shape.radius), **place})
    if isinstance(shape, Corridor):
        return _along(shape)
    corners = shape.polygon.vertices
    return Said("read-area", {"count": str(len(corners)), "place": grid.dms(corners[0])})


def _along(shape: Corridor) -> Said:
    values = {
        "place": grid.dms(shape.places[0]),
        "last": grid.dms(shape.places[-1]),
        "count": str(len(shape.places)),
    }
    if shape.half_width is None:
        return Said("read-corridor-open", values)
    return Said("read-corridor", {**values, "half_width": str(shape.half_width)})


def _span(both: str, ends: dict[str, object], first: str, second: str) -> Said:
    values = {name: str(value) for name, value in ends.items() if value is not None}
    if len(values) == 2:
        return Said(both, values)
    if not values:
        return Said(f"{both}-open")
    return Said(first if next(iter(values)) == next(iter(ends)) else second, values)

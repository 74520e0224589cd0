"""What the properties of a feature mean: altitudes, times and names, read strictly.

Shared by all that reads GeoJSON. ``docs/plan-files.md`` is the users' side of this module.
"""

import re
from typing import Any, TypeVar

from tansiq.domain.draft import Datum, StatedBand, StatedGround, Units
from tansiq.domain.intent import EntityID
from tansiq.domain.time import TimeSpan, parse_rfc3339
from tansiq.errors import BadInput
from tansiq.formats.tree import Field, located

T = TypeVar("T")

KNOWN = frozenset(
    {"start", "end", "lower", "upper", "datum", "units", "ground_m", "ground_datum"}
    | {"priority", "callsign", "formation", "category", "id", "type", "radius_m"}
)
_DATUMS = {
    **{datum.value: datum for datum in Datum},
    "WGS84": Datum.W84,
    "MSL": Datum.AMSL,
    "EGM96": Datum.AMSL,
}
_UNITS = {unit.value: unit for unit in Units}
_UUID4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def is_uuid4(value: Any) -> bool:
    """Report whether a value is the text of a UUIDv4, in either case of letters."""
    return isinstance(value, str) and _UUID4.fullmatch(value.lower()) is not None


def entity_id(field: Field) -> EntityID:
    """Return an id in canonical form.

    Raises:
        BadInput: not a UUIDv4.
    """
    if not is_uuid4(field.text()):
        raise BadInput(
            f"{field.value[:40]!r} is not a UUIDv4; leave id out and use callsign for a name",
            field=field.path,
        )
    return EntityID(field.value.lower())


def _folded(name: str) -> str:
    return "".join(filter(str.isalnum, name.lower()))


def _one_short(word: str) -> list[str]:
    return [word[:i] + word[i + 1 :] for i in range(len(word))]


_BY_FOLDED = {_folded(name): name for name in sorted(KNOWN) if len(name) > 3}
_BY_ONE_SHORT = {short: name for word, name in _BY_FOLDED.items() for short in _one_short(word)}
_FOLDED_CHARS_MAX = max(map(len, _BY_FOLDED)) + 1


def _meant(name: str) -> str | None:
    """Return the property that a misspelt one was meant to be: other case, one letter off."""
    folded = _folded(name[:40])
    if len(folded) > _FOLDED_CHARS_MAX:
        return None
    near = _BY_FOLDED.get(folded) or _BY_ONE_SHORT.get(folded)
    if near is None:
        for short in _one_short(folded):
            # Two letters swapped or one replaced: only in long words, "state" is no "start".
            near = _BY_FOLDED.get(short) or (_BY_ONE_SHORT.get(short) if len(short) > 4 else None)
            if near is not None:
                break
    return near


def refuse_misspelt(properties: Field) -> None:
    """Refuse a property that is nearly one of ours; others are somebody else's and are ignored.

    Raises:
        BadInput: it would silently not count, which for an altitude or priority is a hazard.
    """
    for name in properties.members():
        if name not in KNOWN and (near := _meant(name)):
            raise BadInput(
                f"is not a known property; did you mean {near}?",
                field=properties.below(name[:40]),
            )


def time_span(properties: Field) -> TimeSpan:
    """Return ``start`` to ``end``, digits beyond microseconds rounded outwards.

    Raises:
        BadInput: missing, not RFC 3339 with a zone, or reversed.
    """
    remedy = "add it as RFC 3339 with zone, 2026-11-23T14:05:00Z"
    start, end = properties.need("start", remedy), properties.need("end", remedy)
    try:
        return TimeSpan(
            start=parse_rfc3339(start.text(), start.path),
            end=parse_rfc3339(end.text(), end.path, round_up=True),
        )
    except BadInput as error:
        if error.field == "time_end":
            raise located(error, end.path) from error
        raise


def stated_band(properties: Field) -> StatedBand:
    """Return the altitudes as they stand there; nothing is assumed.

    Raises:
        BadInput: missing, of a wrong type, or datum and units unknown or not matching.
    """
    lower = properties.need("lower", "add the lowest altitude as a number")
    upper = properties.need("upper", "add the highest altitude as a number")
    datum = _word(
        properties.need("datum", "add W84, AMSL, FL or AGL; altitudes differ by up to 107 m"),
        _DATUMS,
        "W84, AMSL (above mean sea level), FL or AGL",
    )
    units = properties.get("units")
    if units is None and datum is not Datum.FL:
        raise BadInput("is missing; add M (metres) or FT (feet)", field=properties.below("units"))
    try:
        return StatedBand(
            lower=lower.number(),
            upper=upper.number(),
            units=_word(units, _UNITS, "M (metres) or FT (feet)") if units else Units.FL,
            datum=datum,
            ground=_ground(properties),
        )
    except BadInput as error:
        raise _relocated(error, properties) from error


def _ground(properties: Field) -> StatedGround | None:
    ground = properties.get("ground_m")
    if ground is None:
        return None
    datum = properties.need("ground_datum", "add what the ground's height counts from: W84 or AMSL")
    if isinstance(ground.value, list):
        if len(ground.value) != 2:
            raise ground.wrong("one height, or [lowest, highest],")
        low, high = (end.number() for end in ground.items())
    else:
        low = high = ground.number()
    return StatedGround(lowest_m=low, highest_m=high, datum=_word(datum, _DATUMS, "W84 or AMSL"))


def _word(field: Field, words: dict[str, T], choice: str) -> T:
    found = words.get(field.text().upper())
    if found is None:
        raise BadInput(f"{field.value[:40]!r} is not known; write {choice}", field=field.path)
    return found


def _relocated(error: BadInput, properties: Field) -> BadInput:
    if error.field in KNOWN:
        return located(error, properties.below(error.field))
    return error

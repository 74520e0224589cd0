"""The shapes that free text of NOTAMs names: circles, areas, corridors.

Places that stand together, with nothing but dashes and small words between them, are one shape;
what that is, the words before and behind them say. ``WI 5NM RADIUS OF`` and its kin make a circle,
``BOUNDED BY`` an area, ``2NM EITHER SIDE OF`` a corridor.
"""

import re
from dataclasses import dataclass
from typing import Final

from tansiq.domain.draft import VOLUMES_MAX
from tansiq.domain.volume import LatLng
from tansiq.errors import BadInput, TooLarge
from tansiq.formats.measures import LENGTH, length
from tansiq.formats.places import Found, find_places
from tansiq.formats.understood import (
    LEG_VERTICES,
    Distance,
    Gathered,
    Ring,
    Shape,
    shape_of_places,
)

_JOINT: Final = re.compile(
    r"(?:[ ,;:\-–—/]|\b(?:TO|THENCE|THEN|AND|DCT|PSN|POINT|STRAIGHT|LINES?|A|BACK|OF|ORIGIN)\b)*"
)
_BENT: Final = re.compile(
    r"\b(?:ARC|CLOCKWISE|ANTI-?CLOCKWISE|COUNTER-?CLOCKWISE|CW|CCW|BORDER|COAST(?:LINE)?"
    r"|RIVER|SHORE(?:LINE)?|ALONG|BOUNDAR(?:Y|IES)|BN?DR?Y|FRONTIER|PARALLEL|MERIDIAN|CURVE)\b"
)
_SPACE: Final = re.compile(
    r"\bBOUNDED\b|\bAREA\b|\bPOLYGON\b|\bJOINING\b|\bLATERAL LIMITS\b|\bWI\b"
)
_ROUTE: Final = re.compile(r"\bROUTE\b|\bRTE\b|\bLINE\b|\bTRACK\b|\bCORRIDOR\b")
_STRIP: Final = re.compile(r"\b(?:EITHER|EACH|BOTH) SIDES?\b(?! ?OF\b)|\bWID(?:E|TH)\b")
"""What is said of corridors only."""
_LESS: Final = re.compile(r"\b(?:EXC|EXCL|EXCLUDING|EXCEPT|EXCLUDED|OUTSIDE)\b")
_LESS_OF: Final = re.compile(
    rf"(?:[ ,:(]|(?:{LENGTH})|\b(?:AREAS?|THAT|PART|PORTION|THE|AN?|OF|ON|AT|IN|FM|FROM|WI|WITHIN"
    r"|INSIDE|RADIUS|RAD|BOUNDED|BY|POLYGON|CIRCLE|LINES?|JOINING|PSN|POINT|POSITION|CENTRED"
    r"|CENTERED|CENTRE|CENTER|AROUND|EITHER|EACH|BOTH|SIDES?)\b)*"
)
"""What may stand between such a word and the area that it takes away: EXC STATE ACFT takes none."""
_OPENS: Final = re.compile(
    rf"{_SPACE.pattern}|{_ROUTE.pattern}|\b(?:WITHIN|INSIDE|RADIUS|RAD|CIRCLE|SECTOR|ZONE|EITHER"
    r"|EACH|BOTH)\b|:|\b\d{1,2}[.)]|\.(?= )"
)
"""What may part one shape from the next."""
_SIDES: Final = re.compile(
    rf"(?<![A-Z0-9.])({LENGTH}) (?:(?:ON |AT )?(?:EITHER|EACH|BOTH) SIDES?)\b"
)
_SIDES_BEHIND: Final = re.compile(
    rf"^[ ,:(]*(?:WITHIN |WI )?({LENGTH}) (?:(?:ON |AT )?(?:EITHER|EACH|BOTH) SIDES?)\b(?! ?OF\b)"
)
_WORDS: Final = (
    r"(?:[ ,:]|\b(?:OF|ON|AT|IN|A|THE|FM|FROM|PSN|POINT|POSITION|ARP|CENTRED|CENTERED|CENTRE"
    r"|CENTER|CIRCLE|AROUND|WITH|IS)\b)*"
)
_NOT_ON: Final = r"(?! ?(?:OF|ON|FM|FROM|AROUND|CENTRED|CENTERED|CENTRE|CENTER)\b)"
"""A size with one of these behind it is that of the next place."""
_BEFORE: Final = (
    re.compile(rf"\b(?:WI|WITHIN|INSIDE)(?: AN?| AREA| THE)* ({LENGTH})(?: RADIUS)?{_WORDS}$"),
    re.compile(rf"(?<![A-Z0-9.])({LENGTH}) (?:RADIUS|RAD)\b{_WORDS}$"),
    re.compile(rf"\b(?:RADIUS|RAD)(?: OF)?[ :=]*({LENGTH}){_WORDS}$"),
)
_BEHIND: Final = (
    re.compile(rf"^{_WORDS}(?:WITHIN |WI )?(?:RADIUS|RAD)(?: OF)?[ :=]*({LENGTH}){_NOT_ON}"),
    re.compile(rf"^{_WORDS}(?:WITHIN |WI )?({LENGTH}) (?:RADIUS|RAD)\b{_NOT_ON}"),
)
_LEFT: Final = re.compile(
    r"(?<![A-Z0-9])\d{4,}(?:\.\d+)?[NSEW](?![A-Z])|[NS] ?\d{5,}(?:\.\d+)?[EW]"
    r"|[NS]\d{4,} ?[EW]\d|\d[NS]\d{3,}"
    # 33.51N, 33-30-36N, 33.30.36N, 33°30' N, and with the letter before.
    r"|(?<![A-Z0-9])\d{1,3}(?:[-.,:]\d+){1,3}[NSEW](?![A-Z0-9])"
    r"|(?<![A-Z0-9])\d{1,3} ?°[\d.,'\" ]*[NSEW](?![A-Z0-9])"
    r"|(?<![A-Z0-9])[NSEW] ?\d{1,3}(?: ?°|[-.:]\d)"
)
"""What is left of a place that was written wrong, or of one half of it."""
_SIGNED: Final = re.compile(r"(?<![A-Z])[-+](?=[NSEW]? ?\d{1,3}(?!\d))")
"""A sign before degrees, or a dash within them; before packed figures it stands between places."""
_NEAR: Final = 120
"""Characters before and behind places in which the words that go with them are looked for."""


@dataclass(frozen=True, slots=True)
class _Group:
    places: tuple[LatLng, ...]
    start: int
    end: int
    """Where in the text they stand."""
    until: int
    """Where the next group begins, or the text ends."""


def find_shapes(text: str, gathered: Gathered) -> list[tuple[Shape, str]]:
    """Return the shapes of a text in capitals on one line, each with the text that follows it.

    Raises:
        BadInput: half a place, an area bounded by something else than lines, or a shape that the
            text gives no or two sizes.
    """
    found = list(find_places(text, running=True))
    for place in found:
        if _SIGNED.match(text, max(place.start - 1, 0)):
            raise BadInput(
                f"{text[max(place.start - 8, 0) : place.end]!r}: a sign and a letter, or a dash "
                "between degrees and minutes; write 333036N0361729E",
                field="E)",
            )
        if place.said:
            gathered.warn(place.said.code, **place.said.values)
    _refuse_halves(found, text)
    shapes: list[tuple[Shape, str]] = []
    taken = 0  # So far a size has been taken for a shape, and is none for the next.
    for group in _groups(found, text):
        before = text[max(taken, group.start - _NEAR) : group.start]
        behind = text[group.end : group.until]
        if _LESS.search(before):
            gathered.warn("read-excluded")
            if _is_less(before):
                taken = group.end
                continue
        size = _size(group, before, behind, last=group.until == len(text))
        taken = group.end + size.taken
        shapes.append((_shape(group, size, before, behind, gathered), behind))
    return shapes


def _is_less(before: str) -> bool:
    """Report whether the place behind this text is taken away from another area."""
    words = list(_LESS.finditer(before))
    return bool(words) and _LESS_OF.fullmatch(before, words[-1].end()) is not None


def _refuse_halves(found: list[Found], text: str) -> None:
    """Refuse what looks like part of a place: an area without one of its corners is another one."""
    rest, at = [], 0
    for place in found:
        rest.append(text[at : place.start])
        at = place.end
    rest.append(text[at:])
    if half := _LEFT.search(" # ".join(rest)):
        raise BadInput(
            f"{half[0][:40]!r} looks like part of a place; write 333036N0361729E", field="E)"
        )


def _groups(found: list[Found], text: str) -> list[_Group]:
    runs: list[list[Found]] = []
    area = _SPACE.search(text)
    for place in found:
        between = text[runs[-1][-1].end : place.start] if runs else ""
        if runs and _JOINT.fullmatch(between):
            runs[-1].append(place)
        else:
            is_area = bool(runs and area and area.start() < runs[-1][0].start)
            if is_area:
                _refuse_bent(between)
            if is_area or (runs and len(runs[-1]) > 2):
                _refuse_parted(runs[-1], between)
            runs.append([place])
    groups = []
    if len(runs) > VOLUMES_MAX:
        raise TooLarge(f"{len(runs)} areas; at most {VOLUMES_MAX}: split the text", field="E)")
    for i, run in enumerate(runs):
        until = runs[i + 1][0].start if i + 1 < len(runs) else len(text)
        places = tuple(one.place for one in run)
        groups.append(_Group(places, run[0].start, run[-1].end, until))
    return groups


def _refuse_parted(run: list[Found], between: str) -> None:
    """Refuse corners of an area that go on behind words that nobody here understands.

    Read as two areas, they would leave out what lies between these.
    """
    closed = len(run) > 2 and run[0].place == run[-1].place
    if closed or _OPENS.search(between) or _is_less(between):
        return
    raise BadInput(
        f"{between.strip()[:60]!r} between corners is not understood; leave it out where they are "
        "of one area, or write AREA before the next",
        field="E)",
    )


@dataclass(frozen=True, slots=True)
class _Size:
    radius: Distance | None = None
    half_width: Distance | None = None
    taken: int = 0
    """How much of the text behind the places it took."""


def _size(group: _Group, before: str, behind: str, *, last: bool) -> _Size:
    """Return the size that stands before or behind places.

    Raises:
        BadInput: one stands on either side, and they differ.
    """
    patterns = (_BEFORE, _BEHIND) if len(group.places) == 1 else ((_SIDES,), (_SIDES_BEHIND,))
    ahead, after = (
        next((m for p in several if (m := p.search(where))), None)
        for several, where in zip(patterns, (before, behind[:_NEAR]), strict=True)
    )
    if ahead and re.search(r"(?<![A-Z0-9])\d{1,3} $", before[: ahead.start(1)]):
        raise BadInput(
            f"{before[: ahead.end(1)].strip()[-20:]!r} could be one number or two; write no blank "
            "between thousands",
            field="E)",
        )
    first = length(ahead[1]) if ahead else None
    second = length(after[1]) if after else None
    if first and second and last and first != second:
        raise BadInput(f"two sizes, {first} and {second}; keep one", field="E)")
    found = first or second
    taken = after.end() if after and not first else 0
    if len(group.places) == 1:
        return _Size(radius=found, taken=taken)
    return _Size(half_width=found, taken=taken)


def _shape(group: _Group, size: _Size, before: str, behind: str, gathered: Gathered) -> Shape:
    places = list(group.places)
    if len(places) == 1:
        return Ring(places[0], size.radius)
    if size.half_width:
        gathered.spend((len(places) - 1) * LEG_VERTICES)
        return shape_of_places(places, half_width=size.half_width)
    if any(p.search(before) for p in _BEFORE):
        raise BadInput(
            f"a radius and {len(places)} places; give each place its radius, or leave it out",
            field="E)",
        )
    _refuse_bent(before.rpartition(".")[2], _sentence(behind))
    gathered.spend(len(places))
    closed = places[0] == places[-1]
    if len(places) > 2 and any(map(_STRIP.search, (before.rpartition(".")[2], _sentence(behind)))):
        raise BadInput(
            "a width that is not understood; write 2NM EITHER SIDE OF before the places", field="E)"
        )
    if not closed and len(places) > 2 and not _SPACE.search(before):
        if _ROUTE.search(before):
            raise BadInput(
                "a route without a width; write 2NM EITHER SIDE OF before its places", field="E)"
            )
        gathered.warn("read-area-taken", count=str(len(places)))
    return shape_of_places(places)


def _sentence(behind: str) -> str:
    return behind.partition(".")[0][:_NEAR]


def _refuse_bent(*texts: str) -> None:
    for text in texts:
        if _BENT.search(text):
            raise BadInput(
                f"{text.strip()[:60]!r}: an area whose edge is no straight line is not read; "
                "draw it",
                field="E)",
            )

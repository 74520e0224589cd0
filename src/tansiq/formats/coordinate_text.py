"""Coordinates as people type or paste them: lines of places, a radius or a width, levels, times.

One place with a radius is a circle; three places and more are an area; with a width they are a
corridor through them. A blank line begins the next volume where the one before is complete. Every
word has to be understood: what is left over is an error, because it could be the unit or the
hemisphere that changes all.
"""

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from tansiq.domain.time import parse_rfc3339
from tansiq.domain.volume import VERTICES_MAX, LatLng
from tansiq.errors import BadInput, InvalidVolume, TooLarge
from tansiq.formats.measures import LENGTH, Levels, find_levels, half_of, length
from tansiq.formats.places import find_places, plain_place
from tansiq.formats.tree import located
from tansiq.formats.understood import (
    LEG_VERTICES,
    Distance,
    Gathered,
    Kind,
    Reading,
    ReadVolume,
    Ring,
    Said,
    Shape,
    shape_of_places,
)

_FLAGS: Final = re.ASCII | re.IGNORECASE
_EDGE: Final = r"(?<![A-Z0-9])"
_RADIUS: Final = re.compile(
    rf"{_EDGE}(?:WITHIN|WI) (?P<c>{LENGTH})(?: RADIUS)?(?: OF)?"
    rf"|{_EDGE}(?:RADIUS(?: OF)?|RAD|R) ?[=:]? ?(?P<a>{LENGTH})"
    rf"|{_EDGE}(?P<b>{LENGTH}) RADIUS(?: OF)?",
    _FLAGS,
)
_EACH_SIDE: Final = re.compile(
    rf"{_EDGE}(?P<a>{LENGTH}) (?:EITHER|EACH|BOTH) SIDES?(?: OF)?"
    rf"|{_EDGE}(?:EITHER|EACH|BOTH) SIDES? ?[=:]? ?(?P<b>{LENGTH})"
    rf"|{_EDGE}HALF[- ]?WIDTH ?[=:]? ?(?P<c>{LENGTH})",
    _FLAGS,
)
_WIDTH: Final = re.compile(
    rf"{_EDGE}(?P<word>CORRIDOR|WIDTH) ?[=:]? ?(?P<a>{LENGTH})(?: WIDE)?"
    rf"|{_EDGE}(?P<b>{LENGTH}) WIDE",
    _FLAGS,
)
_MOMENT: Final = r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d{1,30})?(?:Z|[+-]\d\d:\d\d)?"
_START: Final = re.compile(rf"{_EDGE}(?:START|FROM|BEGIN)S? ?[=:]? ?(?P<a>{_MOMENT})", _FLAGS)
_END: Final = re.compile(rf"{_EDGE}(?:END|TO|UNTIL)S? ?[=:]? ?(?P<a>{_MOMENT})", _FLAGS)
_LABEL: Final = re.compile(r"(?![NSW][:.])(?:POINT |PT ?|WPT? ?|P)?[A-Z]?\d{0,4}[:).] ", _FLAGS)
"""Not what could be a hemisphere: without it the place would be another one; lists have an E."""
_IDLE: Final = re.compile(
    r"(?:CIRCLE|CENTRED|CENTERED|CENTRE|CENTER|POLYGON|AREA|CORRIDOR|THROUGH|AROUND|ON|AT|OF|TO"
    r"|COORDINATES|POINTS?|MGRS)",
    _FLAGS,
)
"""Words that say nothing by themselves. Not *lat* and *lng*: their order could be the other one."""

LINE_CHARS_MAX: Final = 20_000
_SIZES: Final = frozenset({"R", "RAD", "RADIUS", "WIDTH", "CORRIDOR", "WIDE", "WITHIN"})


@dataclass(slots=True)
class _Block:
    """What one volume has so far."""

    places: list[LatLng] = field(default_factory=list)
    rings: list[Ring] = field(default_factory=list)
    radius: Distance | None = None
    half_width: Distance | None = None
    levels: Levels | None = None
    start: datetime | None = None
    end: datetime | None = None
    said: list[Said] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        """Whether it is a volume as it stands, so that a blank line ends it."""
        one = len(self.places) == 1 and self.radius is not None
        more = len(self.places) >= 2 and self.half_width is not None
        return bool(self.rings) or one or more or len(self.places) >= 3

    def once(self, name: str, value: object) -> None:
        if getattr(self, name) is not None:
            raise BadInput(f"a second {_CALLED[name]} for one volume; give one", field="text")
        setattr(self, name, value)


_CALLED: Final = {
    "radius": "radius",
    "half_width": "width",
    "levels": "band of levels",
    "start": "start",
    "end": "end",
}


def read_coordinates(text: str) -> Reading:
    """Return what a text of ``places.plain_text`` says, line by line.

    Raises:
        BadInput: a line is not understood, or can be understood in two ways.
        TooLarge: more places than one plan may have.
    """
    blocks, count = [_Block()], 0
    for number, line in enumerate(text.split("\n"), start=1):
        block = blocks[-1]
        if len(line) > LINE_CHARS_MAX:
            raise TooLarge(
                f"longer than {LINE_CHARS_MAX} characters; write one place a line",
                field=f"line {number}",
            )
        if not line:
            if block.complete:
                blocks.append(_Block())
            continue
        try:
            _read_line(line, block)
        except BadInput as error:
            raise located(error, f"line {number}") from error
        count += 1
        if count > VERTICES_MAX + 1_000:
            raise TooLarge(f"more than {count - 1} lines: simplify the outline", field="text")
    for block in blocks[1:]:
        _refuse_stray(block)
    return _reading([block for block in blocks if block.places or block.rings or block.radius])


def _refuse_stray(block: _Block) -> None:
    """Refuse what a blank line parts from its places: unread, it would be missing from them."""
    if block.places or block.rings or block.radius:
        return
    for name in ("half_width", "levels", "start", "end"):
        if getattr(block, name) is not None:
            raise BadInput(
                f"{_CALLED[name]} without a place, behind a blank line that ends a volume; "
                "leave the blank line out",
                field="text",
            )


def _read_line(line: str, block: _Block) -> None:
    rest = _take_times(_LABEL.sub("", line, count=1) if _LABEL.match(line) else line, block)
    rest = _take_width(rest, block)
    radius = _RADIUS.search(rest)
    if radius:
        rest = f"{rest[: radius.start()]} {rest[radius.end() :]}"
    levels, rest = find_levels(rest)
    if levels != (None, None, False):
        block.once("levels", levels)
    places = _places(rest, block)
    if not radius:
        block.places.extend(places)
        return
    stated = length(next(filter(None, radius.groups())))
    if len(places) > 1:
        raise BadInput("a radius goes with one place; write it behind each", field="text")
    if places:
        block.rings.append(Ring(places[0], stated))
    else:
        block.once("radius", stated)


def _take_times(rest: str, block: _Block) -> str:
    for name, pattern in (("start", _START), ("end", _END)):
        if match := pattern.search(rest):
            moment = parse_rfc3339(match["a"].upper(), name, round_up=name == "end")
            block.once(name, moment)
            rest = f"{rest[: match.start()]} {rest[match.end() :]}"
    return rest


def _take_width(rest: str, block: _Block) -> str:
    if match := _EACH_SIDE.search(rest):
        block.once("half_width", length(next(filter(None, match.groups()))))
    elif match := _WIDTH.search(rest):
        whole = length(match["a"] or match["b"])
        half = half_of(whole)
        block.once("half_width", half)
        if match["word"] and match["word"].upper() == "CORRIDOR":
            values = {"width": whole.stated or str(whole), "half": half.stated or str(half)}
            block.said.append(Said("read-width-whole", values))
    else:
        return rest
    return f"{rest[: match.start()]} {rest[match.end() :]}"


def _places(rest: str, block: _Block) -> list[LatLng]:
    """Return the places of what is left of a line.

    Raises:
        BadInput: anything else is left.
    """
    places: list[LatLng] = []
    left, at = [], 0
    for found in find_places(rest):
        if re.search(r"(?:^| )[+-] ?$", rest[max(0, found.start - 3) : found.start]) and not places:
            raise BadInput(
                f"{rest.strip()[:80]!r}: a sign and a letter; leave the sign out", field="text"
            )
        places.append(found.place)
        left.append(rest[at : found.start])
        at = found.end
        if found.said:
            block.said.append(found.said)
    left.append(rest[at:])
    if places:
        _refuse_rest(" ".join(left), rest)
        return places
    for part in [rest] if plain_place(_bare(rest)) else re.split(r"[;/|]| - ", rest):
        bare = _bare(part)
        place = plain_place(bare)
        if place is not None:
            places.append(place)
        else:
            _refuse_rest(part, rest)
    return places


def _bare(text: str) -> str:
    """Return text without idle words at its ends, and without stops and commas there."""
    words = re.sub(r" {2,}", " ", text).strip(" ,;:.").split(" ")
    start, end = 0, len(words)
    while start < end and _IDLE.fullmatch(words[start].strip(",:;=")):
        start += 1
    while end > start and _IDLE.fullmatch(words[end - 1].strip(",:;")):
        end -= 1
    return " ".join(words[start:end]).strip(" ,;")


def _refuse_rest(left: str, line: str) -> None:
    words = [word for word in re.split(r"[ ,;/|():=.]+", left) if word not in ("", "-")]
    unknown = [word for word in words if not _IDLE.fullmatch(word)]
    if not unknown:
        return
    # A word says more than the numbers around it, which it may have kept from being a place.
    size = next((word for word in words if word.upper() in _SIZES), None)
    named = size or next((word for word in unknown if word.isalpha()), unknown[0])
    if size:
        raise BadInput(
            f"{named[:40]!r} without a number and its unit; write {named.lower()} 5 km, or NM, m",
            field="text",
        )
    raise BadInput(
        f"{named[:40]!r} in {line.strip()[:80]!r} is not understood; write one place a line, such "
        "as 33.5102 36.2913, 33°30'36\"N 036°17'29\"E or 36S YE 6705 1625",
        field="text",
    )


def _reading(blocks: list[_Block]) -> Reading:
    gathered = Gathered()
    for block in blocks:
        count = len(block.places)
        gathered.spend(LEG_VERTICES * max(count - 1, 0) if block.half_width else count)
        lower, upper, unlimited = block.levels or (None, None, False)
        for one in [*block.said, *([Said("read-unlimited")] if unlimited else [])]:
            gathered.warn(one.code, **one.values)
        for shape in _shapes(block):
            volume = ReadVolume(
                shape=shape, lower=lower, upper=upper, start=block.start, end=block.end
            )
            gathered.add(volume)
    return gathered.reading(
        Kind.COORDINATES, "holds no place; write one a line, such as 33.5102 36.2913"
    )


def _shapes(block: _Block) -> list[Shape]:
    places = block.places
    if block.half_width is not None and len(places) < 2:
        raise InvalidVolume(
            "a width belongs to a corridor through two places or more; for a circle write a radius",
            field="text",
        )
    if block.radius is not None:
        if block.half_width is not None or len(places) != 1 or block.rings:
            raise BadInput(
                f"a radius goes with one place, and here are {len(places) + len(block.rings)}; "
                "write it behind each place, or leave it out for an area",
                field="text",
            )
        return [Ring(places[0], block.radius)]
    shapes: list[Shape] = list(block.rings)
    if places:
        shapes.append(shape_of_places(places, half_width=block.half_width))
    return shapes

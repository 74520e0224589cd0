"""Aeronautical text: NOTAMs, and the sentences that stand in their item E).

Items in the order of the form (ICAO Annex 15, PANS-AIM): Q) with a circle and flight levels, B)
and C) times in UTC, D) a schedule, E) free text, F) and G) limits. Where E) names places they
count, and not the circle of Q), which is rounded to minutes and nautical miles. A schedule is not
expanded: then no time is taken at all. What bounds an area otherwise than by straight lines is
refused.
"""

import re
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final

from tansiq.domain.draft import Datum, Units
from tansiq.domain.time import zulu
from tansiq.domain.volume import LatLng
from tansiq.errors import BadInput, TooLarge
from tansiq.formats.aeronautical_places import find_shapes
from tansiq.formats.measures import LEVEL, find_levels, level
from tansiq.formats.places import find_places
from tansiq.formats.tree import located
from tansiq.formats.understood import (
    Distance,
    Gathered,
    Height,
    Kind,
    Reading,
    ReadVolume,
    Ring,
    Said,
    shown_name,
)

_ORDER: Final = "QABCDEFG"
_ITEMS: Final = re.compile(
    # With what an item begins: a list of corners may be lettered A), B), C) too.
    r"(?:^|[\s(])(?:Q\) ?[A-Z]{4}/Q[A-Z]{4}/|[BC]\) ?\d{10}|E\) ?[A-Z]{2}"
    r"|[FG]\) ?(?:SFC|GND|UNL|FL|\d+ ?(?:FT|M)\b))|NOTAM ?[NRC]\b"
)
_PHRASES: Final = re.compile(r"\bBOUNDED\b|\bPSN\b|\bWI (?:\d|AREA)|\bLATERAL LIMITS\b|\bROUTE\b")
_ITEM: Final = re.compile(r"(?<![A-Z0-9(])([QABCDEFG])\)", re.ASCII)
_NEXT: Final = re.compile(r"[BC]\) ?(?:\d{10}|WIE|WEF|PERM|UFN)|Q\) ?[A-Z]{4}/Q", re.ASCII)
"""Items that are no letters of corners."""
_HEADER: Final = re.compile(r"\(?([A-Z]\d{4}/\d{2}) NOTAM ?([NRC])\b", re.ASCII)
_Q: Final = re.compile(
    r"(?P<fir>[A-Z]{4})/(?P<code>Q[A-Z]{4})/(?P<traffic>[IVK ]*)/(?P<purpose>[NBOMK ]*)/"
    r"(?P<scope>[AEWK ]*)/(?P<lower>\d{3})/(?P<upper>\d{3})"
    r"(?:/(?P<place>\d{4}[NS]\d{5}[EW])(?P<radius>\d{3})?)?",
    re.ASCII,
)
_TIME: Final = re.compile(r"(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})( ?EST)?", re.ASCII)
_UNLIMITED: Final = "999"
_UNKNOWN: Final = "000"
NOTAMS_MAX: Final = 200


def is_aeronautical(text: str) -> bool:
    """Report whether a text looks like a NOTAM or one's item E)."""
    upper = text.upper()
    return bool(_ITEMS.search(upper) or _PHRASES.search(upper))


def read_aeronautical(text: str) -> Reading:
    """Return what a text of ``places.plain_text`` says.

    Raises:
        BadInput: it names no place, or something in it is malformed or can be read in two ways.
        TooLarge: beyond a limit.
    """
    gathered = Gathered()
    notices = _notices(" ".join(text.upper().split()))
    if len(notices) > NOTAMS_MAX:
        raise TooLarge(f"{len(notices)} NOTAMs; at most {NOTAMS_MAX}: split the text")
    for notice in notices:
        try:
            _read_notice(notice, gathered)
        except BadInput as error:
            where = " ".join(filter(None, (notice.name, error.field or "text")))
            raise located(error, where) from error
    if notices and all(notice.kind == "C" for notice in notices):
        raise BadInput("only cancels others: there is nothing to draw", field="text")
    return gathered.reading(
        Kind.AERONAUTICAL,
        "names no place; write PSN 333036N0361729E, or AREA BOUNDED BY and the corners",
    )


@dataclass(slots=True)
class _Notice:
    """One NOTAM, cut into its items; a text without items is all E."""

    name: str = ""
    kind: str = ""
    items: dict[str, str] = field(default_factory=dict)


def _notices(text: str) -> list[_Notice]:
    starts = [m.start() for m in _HEADER.finditer(text)]
    if not starts:
        starts = [m.start() for m in re.finditer(r"(?<![A-Z0-9(])Q\) ?(?=[A-Z]{4}/Q)", text)]
    starts = [0, *starts[1:]] if starts else [0]
    ends = [*starts[1:], len(text)]
    return [_notice(text[a:b].strip()) for a, b in zip(starts, ends, strict=True)]


def _notice(text: str) -> _Notice:
    notice = _Notice()
    if header := _HEADER.search(text):
        notice.name, notice.kind = header[1], header[2]
        text = text[header.end() :]
        if text.endswith(")") and text.count("(") < text.count(")"):
            text = text[:-1]
    marks: list[re.Match[str]] = []
    for match in _ITEM.finditer(text):
        if not marks or _ORDER.index(match[1]) > _ORDER.index(marks[-1][1]):
            marks.append(match)
        elif match[1] in "FG" and marks[-1][1] in "FG":
            raise BadInput(f"item {match[1]}) stands twice; keep one", field=f"{match[1]})")
        elif _NEXT.match(text, match.start()):
            # Its times would be left out, and its places would get those of the one before.
            raise BadInput(
                f"item {match[1]}) stands twice; where that begins another notice, write its "
                "head, such as A1234/26 NOTAMN, before it",
                field=f"{match[1]})",
            )
    if not marks:
        notice.items["E"] = text
        return notice
    ends = [*(m.start() for m in marks[1:]), len(text)]
    for mark, end in zip(marks, ends, strict=True):
        inside = text[mark.end() : end].strip()
        # The last item carries the bracket that ends the message; in E) brackets belong to words.
        notice.items[mark[1]] = inside if mark[1] == "E" else inside.rstrip(" )")
    if "E" not in notice.items:
        notice.items["E"] = text[: marks[0].start()].strip()
    return notice


def _read_notice(notice: _Notice, gathered: Gathered) -> None:
    if notice.kind == "C":
        gathered.warn("read-cancelled", name=notice.name)
        return
    items = notice.items
    times, said = _times(items)
    q = _q_line(items)
    shapes = find_shapes(items.get("E", ""), gathered)
    limits = _limits(items)
    if q and q.ring:
        gathered.warn("read-q-circle-skipped" if shapes else "read-q-circle-used")
        shapes = shapes or [(q.ring, items.get("E", ""))]
    for one in [*said, *limits.said]:
        gathered.warn(one.code, **one.values)
    for shape, around in shapes:
        # Of one shape all words are about it, of several those behind it.
        text = items.get("E", "") if len(shapes) == 1 else around
        lower, upper = (limits.lower, limits.upper) if limits.stated else _found(text, q, gathered)
        gathered.add(
            ReadVolume(
                shape=shape,
                lower=lower,
                upper=upper,
                start=times[0],
                end=times[1],
                name=shown_name(notice.name),
            )
        )


def _found(
    text: str, q: "_QLine | None", gathered: Gathered
) -> tuple[Height | None, Height | None]:
    """Return the levels that free text states, else those of Q)."""
    levels, _ = find_levels(text)
    lower, upper, unlimited = levels
    if unlimited:
        gathered.warn("read-unlimited")
    return _levels_of_q(q, gathered) if levels == (None, None, False) else (lower, upper)


# B), C) and D)


def _times(items: dict[str, str]) -> tuple[tuple[datetime | None, datetime | None], list[Said]]:
    said: list[Said] = []
    start = _moment(items.get("B", ""), "B", said)
    end = _moment(items.get("C", ""), "C", said)
    if start and end and start > end:
        raise BadInput(f"C) is {zulu(end)}, before B), {zulu(start)}", field="C)")
    schedule = items.get("D", "").strip()
    if not schedule or schedule in ("H24", "NIL"):
        return (start, end), said
    span = {"start": zulu(start) if start else "?", "end": zulu(end) if end else "?"}
    said.append(Said("read-schedule", {"schedule": shown_name(schedule), **span}))
    return (None, None), said


def _moment(text: str, item: str, said: list[Said]) -> datetime | None:
    if not text:
        return None
    if item == "B" and text in ("WIE", "WEF"):
        said.append(Said("read-immediate"))
        return None
    if item == "C" and text in ("PERM", "UFN"):
        said.append(Said("read-permanent"))
        return None
    match = _TIME.fullmatch(text)
    if match is None or (match[6] and item == "B"):
        raise BadInput(
            f"{text[:40]!r} is no time; ten figures in UTC are wanted, year to minute: 2611281400",
            field=f"{item})",
        )
    year, month, day, hour, minute = (int(part) for part in match.groups()[:5])
    try:
        moment = datetime(2000 + year, month, day, hour, minute, tzinfo=UTC)
    except ValueError as error:
        raise BadInput(f"{text[:40]!r} is no existing time: {error}", field=f"{item})") from error
    if match[6]:
        said.append(Said("read-estimated", {"end": zulu(moment)}))
    return moment


# Q)


@dataclass(frozen=True, slots=True)
class _QLine:
    lower: str
    upper: str
    ring: Ring | None


def _q_line(items: dict[str, str]) -> _QLine | None:
    text = items.get("Q", "")
    if not text:
        return None
    match = _Q.fullmatch("/".join(part.strip() for part in text.split("/")))
    if match is None:
        raise BadInput(
            f"{text[:60]!r} is no Q) line; it looks like LTTT/QRTCA/IV/BO/W/000/085/3330N03617E005",
            field="Q)",
        )
    ring = None
    if match["place"]:
        place: LatLng = next(find_places(match["place"])).place
        miles = int(match["radius"] or 0)
        # 999 stands for all of the region: no circle that anybody meant.
        radius = Distance(miles * 1_852.0, f"{miles} NM") if 0 < miles < 999 else None
        ring = Ring(place, radius) if miles < 999 else None
    return _QLine(match["lower"], match["upper"], ring)


def _levels_of_q(q: _QLine | None, gathered: Gathered) -> tuple[Height | None, Height | None]:
    """Return the levels of the Q) line, but those that stand for all and for nothing."""
    if q is None:
        return None, None
    lower = None if q.lower == _UNKNOWN else Height(float(q.lower), Units.FL, Datum.FL)
    upper = None if q.upper == _UNLIMITED else Height(float(q.upper), Units.FL, Datum.FL)
    gathered.warn("read-q-levels", lower=q.lower, upper=q.upper)
    return lower, upper


# F) and G)


@dataclass(frozen=True, slots=True)
class _Limits:
    lower: Height | None = None
    upper: Height | None = None
    stated: bool = False
    said: tuple[Said, ...] = ()


def _limits(items: dict[str, str]) -> _Limits:
    if "F" not in items and "G" not in items:
        return _Limits()
    limits = _Limits(stated=True)
    if "F" in items:
        lower = _one_level(items["F"], "F)")
        if lower is None:
            raise BadInput("a lower limit is not unlimited; state one", field="F)")
        limits = replace(limits, lower=lower)
    if "G" in items:
        upper = _one_level(items["G"], "G)")
        said = () if upper else (Said("read-unlimited"),)
        limits = replace(limits, upper=upper, said=said)
    return limits


def _one_level(text: str, item: str) -> Height | None:
    plain = text.strip(" .)(")
    if not re.fullmatch(LEVEL, plain, re.ASCII):
        raise BadInput(
            f"{text[:40]!r} is no level; write SFC, FL085, 3500FT AMSL or 400FT AGL", field=item
        )
    return level(plain)

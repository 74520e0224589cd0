"""Conflicts of an audit as text, JSON Lines and GeoJSON, one at a time."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TextIO

from tansiq.cli.audit_set import AuditSet, Member, counted
from tansiq.cli.audit_tally import LEVEL_M, Tally
from tansiq.cli.minima import table_text
from tansiq.domain.agreement import Between, MinimaTable
from tansiq.domain.conflict import Conflict, how_near
from tansiq.domain.draft import figure, shared_band
from tansiq.domain.time import zulu

_PARTIES_MOST = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Two members that come within the minima."""

    number: int
    """Its place in order of time, from 1."""
    first: Member
    second: Member
    conflict: Conflict
    sentence: str

    @property
    def where(self) -> str:
        place = self.conflict.place
        return "" if place is None else f"{place.lat_deg:.5f}, {place.lng_deg:.5f}"

    @property
    def depth(self) -> str:
        """How deep, in words."""
        if self.conflict.margin == 1.0:
            return "overlap in all three"
        return f"{100 * self.conflict.margin:.0f} % inside, least {self.conflict.least}"

    def document(self) -> dict[str, Any]:
        """Return what ``--json`` prints of it."""
        conflict, place = self.conflict, self.conflict.place
        return {
            "conflict": self.number,
            "first": _document(self.first),
            "second": _document(self.second),
            "lat": None if place is None else round(place.lat_deg, 7),
            "lng": None if place is None else round(place.lng_deg, 7),
            "start": zulu(conflict.time.start),
            "end": zulu(conflict.time.end),
            "lower_m": conflict.altitude.lower_m,
            "upper_m": conflict.altitude.upper_m,
            "horizontal_m": conflict.separation.horizontal_m,
            "vertical_m": conflict.separation.vertical_m,
            "time_s": conflict.separation.time_s,
            "margin": conflict.margin,
            "least": conflict.least,
            "explanation": self.sentence,
        }

    def feature(self) -> dict[str, Any]:
        """Return it as a GeoJSON point at the worst place."""
        its = self.document()
        position = [its.pop("lng"), its.pop("lat")]
        return {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": position},
            "properties": its,
        }


def _document(member: Member) -> dict[str, Any]:
    return {
        "id": member.draft.id,
        "name": member.name,
        "party": member.party,
        "file": member.file,
        "no_go": member.draft.constraint,
    }


def finding(
    number: int, first: Member, second: Member, conflict: Conflict, table: MinimaTable
) -> Finding:
    """Return a conflict with the sentence on it."""
    stated, (i, j) = None, conflict.pair
    if not conflict.separation.vertical_m:
        stated = shared_band(first.draft.stated[i], second.draft.stated[j])
    ours, theirs = first.draft.category, second.draft.category
    if first.draft.constraint:
        ours, theirs = theirs, ours
    area = first.draft.constraint or second.draft.constraint
    sentence = how_near(
        conflict,
        minima=table.between(ours, theirs),
        why=table.why(ours, theirs, area=area),
        altitude=None if stated is None else lambda _: str(stated),
    )
    return Finding(number=number, first=first, second=second, conflict=conflict, sentence=sentence)


def title(audited: AuditSet, table: MinimaTable, total: int) -> str:
    """Return the first line: what was looked at, and what it came to."""
    return f"{audited.described()}, minima {table_text(table)}: {counted(total, 'conflict')}"


def text(found: Finding) -> str:
    """Return one conflict as people read it."""
    named = " - ".join(
        f"{member.kind}{member.name} of {member.party}" for member in (found.first, found.second)
    )
    when = found.conflict.time.start.strftime("%Y-%m-%d %H:%M:%SZ")
    number = f"{found.number:>5}"
    return f"{number}  {when}  {named}\n       {found.sentence}; at {found.where}; {found.depth}"


def tables(tally: Tally) -> Iterator[str]:
    """Yield the lines of the tables below the conflicts."""
    parties = list(tally.parties())
    yield from _table(
        "who with whom",
        [(f"{a} - {b}" if a != b else f"{a}, among themselves", n) for a, b, n in parties],
    )
    if tally.hours():
        yield from _table("hour of the day, UTC", tally.hours())
        yield from _table(f"altitude W84, by {LEVEL_M} m", tally.levels())


def _table(head: str, rows: Sequence[tuple[str, int]]) -> Iterator[str]:
    shown = rows[:_PARTIES_MOST] if head == "who with whom" else rows
    width = max(len(head), *(len(name) for name, _ in shown))
    yield ""
    yield f"{head:<{width}}  conflicts"
    for name, count in shown:
        yield f"{name:<{width}}  {figure(count):>9}"
    if len(shown) < len(rows):
        rest = sum(count for _, count in rows[len(shown) :])
        yield f"and {counted(len(rows) - len(shown), 'more pair')}, {counted(rest, 'conflict')}"


def summary(audited: AuditSet, table: MinimaTable, tally: Tally) -> dict[str, Any]:
    """Return the closing line of ``--json``."""
    minima = table.usual
    return {
        "summary": {
            "conflicts": tally.total,
            "plans": len(audited.members) - audited.areas,
            "no_go_areas": audited.areas,
            "volumes": audited.volumes,
            "files": list(audited.files),
            "repeated": audited.repeated,
            "horizontal_m": minima.horizontal_m,
            "vertical_m": minima.vertical_m,
            "time_s": minima.time.total_seconds(),
            "between": [_between(entry) for entry in table.entries],
            "parties": [{"first": a, "second": b, "conflicts": n} for a, b, n in tally.parties()],
            "hours": dict(tally.hours()),
            "levels": dict(tally.levels()),
        }
    }


def _between(entry: Between) -> dict[str, Any]:
    return {
        "categories": entry.pair,
        "horizontal_m": entry.minima.horizontal_m,
        "vertical_m": entry.minima.vertical_m,
        "time_s": entry.minima.time.total_seconds(),
    }


def line(document: dict[str, Any]) -> str:
    """Return one line of JSON."""
    return json.dumps(document, ensure_ascii=False)


class Collection:
    """A GeoJSON file that grows feature by feature."""

    def __init__(self, file: TextIO) -> None:
        self._file, self._before = file, ""
        file.write('{"type": "FeatureCollection", "features": [\n')

    def add(self, found: Finding) -> None:
        """Write one conflict."""
        self._file.write(self._before + line(found.feature()))
        self._before = ",\n"

    def end(self) -> None:
        """Write what closes the file."""
        self._file.write("\n]}\n")

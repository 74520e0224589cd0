"""An audit carried out: compared piece by piece, printed and written as it comes."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import click
import numpy as np

from tansiq.cli import audit_lines as lines
from tansiq.cli.audit_lines import Collection, Finding
from tansiq.cli.audit_page import Page
from tansiq.cli.audit_set import AuditSet, counted
from tansiq.cli.audit_tally import Tally
from tansiq.cli.files import replacing
from tansiq.cli.progress import Progress
from tansiq.domain.agreement import MinimaTable
from tansiq.engine.audit import Audit, Entity, Found
from tansiq.engine.compiled import Ints

DRAWN_MOST = 2_000
"""Conflicts that the page's pictures show, the worst."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What somebody wants of an audit."""

    limit: int
    as_json: bool
    geojson: Path | None
    html: Path | None
    count: bool


def run(audited: AuditSet, table: MinimaTable, wanted: Wanted, progress: Progress) -> int:
    """Print and write what is wanted; return how many conflicts there are.

    Raises:
        click.FileError: an output cannot be written; none of them is there then.
    """
    if audited.repeated:
        progress.end()
        click.echo(f"the same in two files, counted once: {audited.repeated:,}", err=True)
    progress.tell(f"preparing {counted(audited.volumes, 'volume')}")
    entities = [
        Entity(volumes=m.draft.volumes, no_go=m.draft.constraint, category=m.draft.category)
        for m in audited.members
    ]
    audit, tally = Audit(entities, table), Tally(audited.members)
    shown: list[str] = []
    if wanted.count:
        for pairs in audit.count():
            tally.add_pairs(pairs)
            _tell(progress, audit, tally)
    else:
        with ExitStack() as files:
            page = files.enter_context(replacing(wanted.html)) if wanted.html else None
            points = files.enter_context(replacing(wanted.geojson)) if wanted.geojson else None
            outputs = _Outputs(audited, audit, table, wanted, points)
            for found, first in _pieces(audit, tally, progress):
                outputs.take(found, first)
            progress.tell("writing")
            outputs.end()
            if page is not None:
                page.write(Page(audited, table, tally, outputs.worst()).html())
        shown = outputs.shown
    progress.end()
    _close(audited, table, tally, wanted, shown)
    return tally.total


class _Outputs:
    """Where conflicts go, as they come."""

    def __init__(
        self,
        audited: AuditSet,
        audit: Audit,
        table: MinimaTable,
        wanted: Wanted,
        points: TextIO | None,
    ) -> None:
        self._audited, self._audit, self._table, self._wanted = audited, audit, table, wanted
        self._collection = Collection(points) if points else None
        self._worst: tuple[Found, Ints] | None = None
        """Those that are drawn, and the number of each in order of time."""
        self.shown: list[str] = []

    def take(self, found: Found, before: int) -> None:
        """Write a piece of all conflicts; ``before`` it were so many."""
        if self._wanted.html:
            self._remember(found, before)
        every = self._wanted.as_json or self._collection is not None
        rows = len(found) if every else max(0, min(len(found), self._wanted.limit - before))
        for row in range(rows):
            self._write(self._finding(found, row, before + row + 1))

    def _write(self, one: Finding) -> None:
        if self._collection is not None:
            self._collection.add(one)
        if self._wanted.as_json:
            click.echo(lines.line(one.document()))
        elif one.number <= self._wanted.limit:
            self.shown.append(lines.text(one))

    def _remember(self, found: Found, before: int) -> None:
        numbers = np.arange(before + 1, before + len(found) + 1)
        if self._worst is not None:
            found = self._worst[0] + found
            numbers = np.concatenate([self._worst[1], numbers])
        rows = found.worst(DRAWN_MOST)
        self._worst = found[rows], numbers[rows]

    def worst(self) -> list[Finding]:
        """Return the worst of all that came, the worst first."""
        if self._worst is None:
            return []
        found, numbers = self._worst
        return [self._finding(found, row, number) for row, number in enumerate(numbers.tolist())]

    def end(self) -> None:
        """Close what is written."""
        if self._collection is not None:
            self._collection.end()

    def _finding(self, found: Found, row: int, number: int) -> Finding:
        first, second = (self._audited.members[k] for k in found.pair[row].tolist())
        conflict = self._audit.conflict(found, row)
        return lines.finding(number, first, second, conflict, self._table)


def _pieces(audit: Audit, tally: Tally, progress: Progress) -> Iterator[tuple[Found, int]]:
    """Yield conflicts with the number of those before, counting them."""
    for found in audit.conflicts():
        before = tally.total
        tally.add(found)
        _tell(progress, audit, tally)
        if len(found):
            yield found, before


def _tell(progress: Progress, audit: Audit, tally: Tally) -> None:
    progress.tell(f"compared {audit.done:,} of {len(audit):,}, {counted(tally.total, 'conflict')}")


def _close(
    audited: AuditSet, table: MinimaTable, tally: Tally, wanted: Wanted, shown: list[str]
) -> None:
    """Print what can be said only when all is known."""
    if wanted.as_json:
        click.echo(lines.line(lines.summary(audited, table, tally)))
        return
    click.echo(lines.title(audited, table, tally.total))
    for one in shown:
        click.echo(one)
    if not wanted.count and len(shown) < tally.total:
        rest = tally.total - len(shown)
        begin = "and " if shown else ""
        click.echo(f"{begin}{rest:,} more: --limit prints more of them, --json all")
    if tally.total:
        for each in lines.tables(tally):
            click.echo(each)

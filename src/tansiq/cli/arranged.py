"""What ``tansiq arrange`` does once it is known to be meant: read, arrange, write, print."""

import gc
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import click

from tansiq.cli.files import read_input
from tansiq.cli.minima import table_text
from tansiq.domain.agreement import MinimaTable
from tansiq.domain.arrangement import (
    LONGEST_MOST,
    Arranged,
    Arrangement,
    Declared,
    Effort,
    Fixed,
    Freedom,
    Hindrance,
)
from tansiq.domain.draft import PlanDraft, figure
from tansiq.domain.time import ZERO, parse_rfc3339, zulu
from tansiq.domain.volume import time_bounds
from tansiq.engine.arrange import arrange
from tansiq.errors import BadInput
from tansiq.formats import geojson
from tansiq.formats.plans import read_airspace, read_one

_SUFFIXES = (".json", ".geojson")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """One plan or no-go area of a file."""

    draft: PlanDraft
    party: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What to arrange, and how."""

    plans: tuple[_Entry, ...]
    fixed: tuple[_Entry, ...]
    table: MinimaTable
    freedom: Freedom
    effort: Effort
    seed: int

    @classmethod
    def of(
        cls,
        sources: Sequence[Path],
        fixed: Sequence[Path],
        table: MinimaTable,
        options: Mapping[str, Any],
    ) -> "Task":
        """Read the files, options being those of the command by their names.

        Raises:
            BadInput: a file or an option is wrong, or two entries have one id.
        """
        freedom, effort = _freedom(options), _effort(options)
        gc.disable()  # Files make a million objects that are all kept: collecting costs a third.
        try:
            read = [entry for source in sources for entry in _read(source)]
            stay = [entry for source in fixed for entry in _read(source)]
        finally:
            gc.enable()
        _refuse_repeated([*read, *stay])
        plans = tuple(entry for entry in read if not entry.draft.constraint)
        if not plans:
            raise BadInput("holds no plan to arrange; name at least one", field="PLANS")
        return cls(
            plans=plans,
            fixed=(*(entry for entry in read if entry.draft.constraint), *stay),
            table=table,
            freedom=freedom,
            effort=effort,
            seed=options["seed"],
        )


def _freedom(options: Mapping[str, Any]) -> Freedom:
    earliest = options["not_before"]
    return Freedom(
        longest=_minutes(options["delay_max_min"], "delay_max_min"),
        advance=_minutes(options["advance_max_min"], "advance_max_min"),
        earliest=parse_rfc3339(earliest, "not_before", round_up=True) if earliest else None,
        step=_minutes(options["step_s"] / 60.0, "step_s"),
    )


def _minutes(minutes: float, field: str) -> timedelta:
    most = LONGEST_MOST / timedelta(minutes=1)
    if not 0.0 <= minutes <= most:  # NaN is no timedelta.
        raise BadInput(f"{minutes:g} min is not 0 to {most:g}", field=field)
    return timedelta(minutes=minutes)


def _effort(options: Mapping[str, Any]) -> Effort:
    return Effort(weight=options["fairness"], rounds=options["rounds"])


def _read(source: Path) -> Iterator[_Entry]:
    if source.is_dir():
        files = sorted(file for file in source.iterdir() if file.suffix in _SUFFIXES)
        if not files:
            raise BadInput("holds no .json or .geojson file", field=str(source))
        for file in files:
            draft = read_one(*read_input(str(file)))
            party = draft.manager or source.resolve().name
            yield _Entry(draft=draft, party=party, name=draft.callsign or draft.id or file.stem)
        return
    for draft in read_airspace(*read_input(str(source))):
        name = draft.callsign or draft.id or f"{source.stem} {draft.source}".strip()
        yield _Entry(draft=draft, party=draft.manager or source.stem, name=name)


def _refuse_repeated(entries: Sequence[_Entry]) -> None:
    seen: dict[str, _Entry] = {}
    for entry in entries:
        if entry.draft.id is None:
            continue
        other = seen.setdefault(entry.draft.id, entry)
        if other is not entry:
            raise BadInput(
                f"{entry.name} of {entry.party} and {other.name} of {other.party} have the id "
                f"{entry.draft.id}; leave one of them out",
                field="id",
            )


def run(task: Task, out: Path | None, *, as_json: bool) -> int:
    """Arrange, write to a folder if one is given, and print; return the exit code.

    Raises:
        BadInput: the folder is not empty, or cannot be written.
    """
    if out is not None and out.exists() and any(out.iterdir()):
        raise BadInput(f"{out} is not empty; name a new folder", field="out")
    found = arrange(
        [
            Declared(
                name=entry.name,
                party=entry.party,
                volumes=entry.draft.volumes,
                priority=entry.draft.priority,
                category=entry.draft.category,
            )
            for entry in task.plans
        ],
        [
            Fixed(name=entry.name, volumes=entry.draft.volumes, category=entry.draft.category)
            for entry in task.fixed
        ],
        task.table,
        freedom=task.freedom,
        effort=task.effort,
        random=Random(task.seed),  # noqa: S311 # For trying orders, not for secrets.
    )
    if out is not None:
        try:
            _write(task, found, out)
        except OSError as error:
            raise BadInput(f"cannot be written ({error.strerror})", field=str(out)) from error
    if as_json:
        click.echo(json.dumps(_document(task, found), indent=2, ensure_ascii=False))
    else:
        for line in _lines(task, found):
            click.echo(line)
    return 1 if found.unplaced else 0


# Files


def _write(task: Task, found: Arrangement, out: Path) -> None:
    """Write each plan that has a place as ``tansiq plan submit`` takes it."""
    used = set[tuple[str, str]]()
    for entry, arranged in zip(task.plans, found.plans, strict=True):
        if arranged.shift is None:
            continue
        folder, stem, number = _file_name(entry.party), _file_name(entry.name), 1
        while (folder, stem.lower()) in used:  # Some file systems know no capitals.
            number += 1
            stem = f"{_file_name(entry.name)}-{number}"
        used.add((folder, stem.lower()))
        draft = replace(entry.draft, volumes=arranged.volumes)
        (out / folder).mkdir(parents=True, exist_ok=True)
        text = json.dumps(geojson.document(draft), indent=1) + "\n"
        (out / folder / f"{stem}.geojson").write_text(text, encoding="utf-8")


def _file_name(name: str) -> str:
    """Return a name with all that a file system might mind replaced."""
    return re.sub(r"[^\w-]+", "_", name).strip("_")[:80] or "unnamed"


# What is printed


def _document(task: Task, found: Arrangement) -> dict[str, Any]:
    return {
        "plans": [
            _plan_document(entry, arranged)
            for entry, arranged in zip(task.plans, found.plans, strict=True)
        ],
        "parties": [
            {
                "party": share.party,
                "plans": share.plans,
                "moved": share.moved,
                "moved_share": share.moved_share,
                "unplaced": share.unplaced,
                "mean_s": share.mean_s,
                "largest_s": share.largest_s,
            }
            for share in found.shares
        ],
        "total_s": found.total.total_seconds(),
        "at_least_s": found.at_least.total_seconds(),
        "unfairness_s": found.spread_s,
        "jain": found.jain,
        "unplaced": [arranged.plan.name for arranged in found.unplaced],
    }


def _plan_document(entry: _Entry, arranged: Arranged) -> dict[str, Any]:
    start, shift = time_bounds(entry.draft.volumes).start, arranged.shift
    return {
        "name": entry.name,
        "id": entry.draft.id,
        "party": entry.party,
        "priority": entry.draft.priority,
        "declared": zulu(start),
        "arranged": None if shift is None else zulu(start + shift),
        "delay_s": None if shift is None else shift.total_seconds(),
        "makes_way_for": [
            {"name": each.name, "party": each.party, "until_s": each.until.total_seconds()}
            for each in arranged.hindrances
        ],
    }


def _lines(task: Task, found: Arrangement) -> Iterator[str]:
    freedom = task.freedom
    limits = f"delays up to {duration(freedom.longest)}"
    if freedom.advance:
        limits += f", earlier by up to {duration(freedom.advance)}"
    yield (
        f"{figure(len(task.plans))} plans of {_parties(len(found.shares))}, {len(task.fixed)} that "
        f"stay; minima {table_text(task.table)}; {limits}, in steps of {duration(freedom.step)}"
    )
    moved = [arranged for arranged in found.plans if arranged.shift != ZERO]
    if moved:
        heads = ("plan", "party", "declared start", "arranged start", "delay", "makes way for")
        yield from _table([heads, *(_row(arranged) for arranged in moved)])
    yield f"as declared: {figure(len(found.plans) - len(moved))}; without a place: " + (
        figure(len(found.unplaced)) if found.unplaced else "none"
    )
    yield from _table([_PARTY_HEADS, *_party_rows(found)])
    yield (
        f"total delay {duration(found.total)}, the least found; certainly no less than "
        f"{duration(found.at_least)}"
    )
    yield (
        f"unfairness {duration(timedelta(seconds=found.spread_s))}: the largest difference of mean "
        f"delays; Jain's index {found.jain:.3f}"
    )


_PARTY_HEADS = ("party", "plans", "moved", "share", "without a place", "mean delay", "largest")


def _party_rows(found: Arrangement) -> Iterator[tuple[str, ...]]:
    for share in found.shares:
        yield (
            share.party,
            figure(share.plans),
            figure(share.moved),
            f"{100.0 * share.moved_share:.0f} %",
            figure(share.unplaced),
            duration(timedelta(seconds=share.mean_s)),
            duration(timedelta(seconds=share.largest_s)),
        )


def _row(arranged: Arranged) -> tuple[str, ...]:
    plan, shift = arranged.plan, arranged.shift
    start = time_bounds(plan.volumes).start
    why = ", ".join(_named(each) for each in arranged.hindrances) or "nobody: --not-before"
    if shift is None:
        why = f"in the way: {why}" if arranged.hindrances else "starts before --not-before"
        return plan.name, plan.party, _moment(start), "NO PLACE", "", why
    return plan.name, plan.party, _moment(start), _moment(start + shift), duration(shift), why


def _named(hindrance: Hindrance) -> str:
    of = f" of {hindrance.party}" if hindrance.party else " (stays)"
    return f"{hindrance.name}{of}"


def _moment(time: datetime) -> str:
    return zulu(time).replace("T", " ")


def duration(span: timedelta) -> str:
    """Write a span in the largest units that it has, a minus before what is earlier."""
    seconds = abs(span).total_seconds()
    sign = "-" if span < ZERO else ""
    if seconds < 60.0:
        return f"{sign}{seconds:.3f}".rstrip("0").rstrip(".") + " s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return (
        f"{sign}{hours} h {minutes:02} min {rest:02} s"
        if hours
        else (f"{sign}{minutes} min {rest:02} s")
    )


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield "  " + "  ".join(cells).rstrip()


def _parties(count: int) -> str:
    return f"{count} {'party' if count == 1 else 'parties'}"

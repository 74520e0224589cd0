"""``tansiq check``: judge one plan against an airspace file. Offline; reads no clock."""

import gc
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import click

from tansiq.cli.files import INPUT, STDIN, read_input
from tansiq.cli.kernels import choose
from tansiq.cli.minima import minima_options, table_of, table_text
from tansiq.domain.agreement import MinimaTable
from tansiq.domain.conflict import Conflict, blocks, explain, spans_apart
from tansiq.domain.draft import PlanDraft, figure, shared_band
from tansiq.domain.time import zulu
from tansiq.domain.volume import LatLng
from tansiq.formats.plans import read_airspace, read_plan

_SMALL = 20_000
"""Volumes near enough in time and level to be judged, up to which plain kernels are quicker."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One plan or no-go area that comes within the minima of ours."""

    other: PlanDraft
    conflict: Conflict
    blocks: bool
    explanation: str

    @property
    def place(self) -> LatLng:
        """Where it is worst."""
        assert self.conflict.place is not None  # noqa: S101 - the engine says it
        return self.conflict.place

    def document(self) -> dict[str, object]:
        """Return what ``--json`` prints of it."""
        apart, place = self.conflict.separation, self.place
        return {
            "id": self.other.id or self.other.name,
            "horizontal_m": apart.horizontal_m,
            "vertical_m": apart.vertical_m,
            "time_s": apart.time_s,
            "margin": self.conflict.margin,
            "least": self.conflict.least,
            "time_start": zulu(self.conflict.time.start),
            "time_end": zulu(self.conflict.time.end),
            "altitude_lower_m": self.conflict.altitude.lower_m,
            "altitude_upper_m": self.conflict.altitude.upper_m,
            "lat_deg": place.lat_deg,
            "lng_deg": place.lng_deg,
            "blocks": self.blocks,
            "explanation": self.explanation,
        }


@click.command()
@click.argument("plan", type=INPUT)
@click.argument("airspace", type=INPUT)
@minima_options
@click.option(
    "--equal-priority-may-conflict",
    is_flag=True,
    help="Plans of equal priority do not block each other, as F3548-21 leaves to the regulator.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, nothing else.")
def check(
    plan: str,
    airspace: str,
    *,
    equal_priority_may_conflict: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Judge the plan in PLAN against every plan and no-go area in AIRSPACE, offline.

    Both are GeoJSON or F3548-21 JSON; - is standard input. Two volumes conflict when they come
    within all three minima at once; touching counts. A conflict blocks if the other has at least
    the priority of the plan, or is a no-go area. What has the plan's own id is not compared. With
    --agreement each two keep the minima of their categories.

    \b
      tansiq check plan.geojson airspace.geojson
      tansiq check plan.json airspace.json --horizontal-m 1000 --vertical-m 150 --time-s 60

    \b
    Exit codes: 0 clear, 1 blocked, 2 bad input.
    With --json: {"verdict": "clear" or "blocked", "conflicts": [{"id", "horizontal_m",
    "vertical_m", "time_s", "margin", "least", "time_start", "time_end", "altitude_lower_m",
    "altitude_upper_m", "lat_deg", "lng_deg", "blocks", "explanation"}]}: the separations found,
    0 is overlap; how deep within the minima, 1 overlap in all three and 0 just at one, and in which
    ("least") it is easiest to clear; what the two share, in metres W84; where it is worst.
    """
    table = table_of(options)
    if plan == airspace == STDIN:
        raise click.UsageError("only one of PLAN and AIRSPACE can be standard input")
    gc.disable()  # Files make a million objects that are all kept: collecting costs a third.
    try:
        planned = read_plan(*read_input(plan))
        others = read_airspace(*read_input(airspace))
    finally:
        gc.enable()
    found = judge(planned, others, table, equal_blocks=not equal_priority_may_conflict)
    blocked = any(finding.blocks for finding in found)
    if as_json:
        verdict = {
            "verdict": "blocked" if blocked else "clear",
            "conflicts": [finding.document() for finding in found],
        }
        click.echo(json.dumps(verdict, indent=2, ensure_ascii=False))
    else:
        _print(planned, others, found, table)
    raise SystemExit(1 if blocked else 0)


def judge(
    planned: PlanDraft, others: Sequence[PlanDraft], table: MinimaTable, *, equal_blocks: bool
) -> list[Finding]:
    """Return every conflict: what blocks first, no-go areas before plans, by falling priority."""
    near = [
        other
        for other in others
        if (planned.id is None or other.id != planned.id)
        and not spans_apart(
            planned.volumes, other.volumes, table.between(planned.category, other.category)
        )
    ]
    if not near:
        return []
    choose(volumes=sum(len(other.volumes) for other in near), enough=_SMALL)
    from tansiq.engine.judgement import conflict_between
    from tansiq.engine.prepared import Prepared

    found = []
    plan = Prepared.of(*planned.volumes)
    for other in near:
        minima = table.between(planned.category, other.category)
        conflict = conflict_between(plan, Prepared.of(*other.volumes), minima)
        if conflict is not None:
            does_block = other.constraint or blocks(
                planned.priority, other.priority, equal_priority_blocks=equal_blocks
            )
            found.append(
                Finding(
                    other=other,
                    conflict=conflict,
                    blocks=does_block,
                    explanation=_explanation(planned, other, conflict, table, blocks=does_block),
                )
            )
    return sorted(found, key=lambda f: (not f.blocks, not f.other.constraint, -f.other.priority))


def _explanation(
    planned: PlanDraft, other: PlanDraft, conflict: Conflict, table: MinimaTable, *, blocks: bool
) -> str:
    name = f"no-go area {other.name}" if other.constraint else other.name
    if other.manager:
        name += f" of {other.manager}"
    stated = None
    if not conflict.separation.vertical_m:
        ours, theirs = conflict.pair
        stated = shared_band(planned.stated[ours], other.stated[theirs])
    sentence = explain(
        conflict,
        name=name,
        minima=table.between(planned.category, other.category),
        why=table.why(planned.category, other.category, area=other.constraint),
        altitude=None if stated is None else lambda _: str(stated),
    )
    if blocks:
        return sentence
    return f"not {sentence} (priority {other.priority} against {planned.priority})"


def _print(
    planned: PlanDraft, others: Sequence[PlanDraft], found: Sequence[Finding], table: MinimaTable
) -> None:
    areas = sum(other.constraint for other in others)
    against = f"{_count(len(others) - areas, 'plan')} and {_count(areas, 'no-go area')}"
    blocking = sum(finding.blocks for finding in found)
    verdict = f"blocked by {figure(blocking)} of" if blocking else "clear of"
    click.echo(f"{planned.name}: {verdict} {against}, minima {table_text(table)}")
    for finding in found:
        place = f"{finding.place.lat_deg:.4f}, {finding.place.lng_deg:.4f}"
        click.echo(f"  {finding.explanation} (worst at {place})")


def _count(number: int, noun: str) -> str:
    return f"{figure(number)} {noun}{'' if number == 1 else 's'}"

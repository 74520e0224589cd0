"""``tansiq check``: judge one plan against an airspace file. Offline; reads no clock."""

import gc
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import BinaryIO

import click

from tansiq.domain.agreement import Minima
from tansiq.domain.conflict import Conflict, blocks, conflict_between, explain
from tansiq.domain.draft import PlanDraft, figure, shared_band
from tansiq.errors import BadInput
from tansiq.formats.plans import read_airspace, read_plan
from tansiq.settings import Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One plan or no-go area that comes within the minima of ours."""

    other: PlanDraft
    conflict: Conflict
    blocks: bool
    explanation: str

    def document(self) -> dict[str, object]:
        """Return what ``--json`` prints of it."""
        apart = self.conflict.separation
        return {
            "id": self.other.id or self.other.name,
            "horizontal_m": apart.horizontal_m,
            "vertical_m": apart.vertical_m,
            "time_s": apart.time_s,
            "blocks": self.blocks,
            "explanation": self.explanation,
        }


@click.command()
@click.argument("plan", type=click.File("rb"))
@click.argument("airspace", type=click.File("rb"))
@click.option("--horizontal-m", type=float, default=0.0, help="Horizontal minimum, metres.")
@click.option("--vertical-m", type=float, default=0.0, help="Vertical minimum, metres.")
@click.option("--time-s", type=float, default=0.0, help="Minimum in time, seconds.")
@click.option(
    "--equal-priority-may-conflict",
    is_flag=True,
    help="Plans of equal priority do not block each other, as F3548-21 leaves to the regulator.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, nothing else.")
def check(
    plan: BinaryIO,
    airspace: BinaryIO,
    *,
    equal_priority_may_conflict: bool,
    as_json: bool,
    **least: float,
) -> None:
    """Judge the plan in PLAN against every plan and no-go area in AIRSPACE, offline.

    Both are GeoJSON or F3548-21 JSON; - is standard input. Two volumes conflict when they come
    within all three minima at once; touching counts. A conflict blocks if the other has at least
    the priority of the plan, or is a no-go area. What has the plan's own id is not compared.

    \b
      tansiq check plan.geojson airspace.geojson
      tansiq check plan.json airspace.json --horizontal-m 1000 --vertical-m 150 --time-s 60

    \b
    Exit codes: 0 clear, 1 blocked, 2 bad input.
    With --json: {"verdict": "clear" or "blocked", "conflicts": [{"id", "horizontal_m",
    "vertical_m", "time_s", "blocks", "explanation"}]}: the separations found, 0 is overlap.
    """
    gc.disable()  # Files make a million objects that live until the end: collecting costs a third.
    minima = _minima(**least)
    planned = read_plan(_bytes(plan), plan.name)
    others = read_airspace(_bytes(airspace), airspace.name)
    found = judge(planned, others, minima, equal_blocks=not equal_priority_may_conflict)
    blocked = any(finding.blocks for finding in found)
    if as_json:
        verdict = {
            "verdict": "blocked" if blocked else "clear",
            "conflicts": [finding.document() for finding in found],
        }
        click.echo(json.dumps(verdict, indent=2, ensure_ascii=False))
    else:
        _print(planned, others, found, minima)
    raise SystemExit(1 if blocked else 0)


def _minima(horizontal_m: float, vertical_m: float, time_s: float) -> Minima:
    if not 0.0 <= time_s <= 86_400.0:  # NaN is no timedelta.
        raise BadInput(f"{time_s} s is not 0 to 86400", field="time_s")
    return Minima(horizontal_m=horizontal_m, vertical_m=vertical_m, time=timedelta(seconds=time_s))


def judge(
    planned: PlanDraft, others: Sequence[PlanDraft], minima: Minima, *, equal_blocks: bool
) -> list[Finding]:
    """Return every conflict: what blocks first, no-go areas before plans, by falling priority."""
    found = []
    for other in others:
        if planned.id is not None and other.id == planned.id:
            continue
        conflict = conflict_between(planned.volumes, other.volumes, minima)
        if conflict is not None:
            does_block = other.constraint or blocks(
                planned.priority, other.priority, equal_priority_blocks=equal_blocks
            )
            found.append(
                Finding(
                    other=other,
                    conflict=conflict,
                    blocks=does_block,
                    explanation=_explanation(planned, other, conflict, minima, blocks=does_block),
                )
            )
    return sorted(found, key=lambda f: (not f.blocks, not f.other.constraint, -f.other.priority))


def _explanation(
    planned: PlanDraft, other: PlanDraft, conflict: Conflict, minima: Minima, *, blocks: bool
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
        minima=minima,
        altitude=None if stated is None else lambda _: str(stated),
    )
    if blocks:
        return sentence
    return f"not {sentence} (priority {other.priority} against {planned.priority})"


def _print(
    planned: PlanDraft, others: Sequence[PlanDraft], found: Sequence[Finding], minima: Minima
) -> None:
    areas = sum(other.constraint for other in others)
    kept = (
        f"{figure(minima.horizontal_m)} m, {figure(minima.vertical_m)} m, "
        f"{figure(minima.time.total_seconds())} s"
    )
    blocking = sum(finding.blocks for finding in found)
    against = f"{figure(len(others) - areas)} plans and {figure(areas)} no-go areas"
    verdict = f"blocked by {blocking} of" if blocking else "clear of"
    click.echo(f"{planned.name}: {verdict} {against}, minima {kept}")
    for finding in found:
        click.echo(f"  {finding.explanation}")


def _bytes(file: BinaryIO) -> bytes:
    # One byte above the limit is enough to be refused by its size.
    return file.read(Limits().file_bytes_max + 1)

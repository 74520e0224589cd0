"""The outcome judged again: every pair, no index, from what each node says over its API.

The volumes are decoded here, not by the node's reader, and compared by the conflict function in a
double loop. ``flown`` is the second judge: it knows nothing of volumes.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import combinations
from typing import Any

import msgspec

from tansiq.domain.agreement import Agreement
from tansiq.domain.conflict import conflicts
from tansiq.domain.time import TimeSpan
from tansiq.domain.volume import (
    AltitudeBand,
    Circle,
    LatLng,
    Outline,
    Polygon,
    Volume3D,
    Volume4D,
    Volumes,
)
from tansiq.services.views import PlanView

ROUNDING_M = 0.001
"""Altitudes that were moved several times differ in their last digits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What comparing every pair of plans found; pairs are of names."""

    plans: int
    pairs: int
    conflicts: tuple[tuple[str, str], ...]
    """Of two plans, or of a plan and a no-go area."""
    exempted: tuple[tuple[str, str, str], ...]
    """Pairs within the minima that fly in one formation, with its name."""
    met_by_none: tuple[str, ...]
    """Refused plans that meet nothing now: what blocked them has moved since."""
    astray: tuple[str, ...] = ()
    """Plans reported as coordinated that are not in their node, or with other volumes."""


def recheck(
    coordinated: Sequence[PlanView],
    refused: Sequence[PlanView],
    agreement: Agreement,
    *,
    no_go: Mapping[str, Volumes],
) -> Judged:
    """Compare all coordinated plans pairwise and with the no-go areas, given by name.

    Each refused plan is compared with all of them too.
    """
    table = agreement.minima_table
    volumes = {plan.id: decode_volumes(plan.volumes) for plan in (*coordinated, *refused)}

    def meet(a: PlanView, b: PlanView) -> bool:
        minima = table.between(a.category, b.category)
        return conflicts(volumes[a.id], volumes[b.id], minima)

    def exempt(a: PlanView, b: PlanView) -> bool:
        return agreement.same_formation((a.callsign, a.formation), (b.callsign, b.formation))

    found, exempted = [], []
    for a, b in combinations(coordinated, 2):
        if meet(a, b):
            if exempt(a, b):
                exempted.append((a.callsign, b.callsign, a.formation))
            else:
                found.append((a.callsign, b.callsign))

    def entered(plan: PlanView) -> list[tuple[str, str]]:
        return [
            (plan.callsign, name)
            for name, area in no_go.items()
            if conflicts(volumes[plan.id], area, table.most(plan.category))
        ]

    for plan in coordinated:
        found += entered(plan)
    met_by_none = [
        plan.callsign
        for plan in refused
        if not entered(plan)
        and not any(meet(plan, other) and not exempt(plan, other) for other in coordinated)
    ]
    return Judged(
        plans=len(coordinated),
        pairs=math.comb(len(coordinated), 2),
        conflicts=tuple(found),
        exempted=tuple(exempted),
        met_by_none=tuple(met_by_none),
    )


def astray(expected: Mapping[str, Volumes], standing: Iterable[PlanView]) -> list[str]:
    """Return the ids of plans that do not stand with the volumes expected of them."""
    found = {plan.id: decode_volumes(plan.volumes) for plan in standing}
    return [
        plan_id
        for plan_id, volumes in expected.items()
        if plan_id not in found or not _same(found[plan_id], volumes)
    ]


def _same(a: Volumes, b: Volumes) -> bool:
    return len(a) == len(b) and all(
        x.outline == y.outline
        and x.time == y.time
        and math.isclose(x.altitude.lower_m, y.altitude.lower_m, abs_tol=ROUNDING_M)
        and math.isclose(x.altitude.upper_m, y.altitude.upper_m, abs_tol=ROUNDING_M)
        for x, y in zip(a, b, strict=True)
    )


def decode_volumes(raw: msgspec.Raw) -> Volumes:
    """Decode F3548 ``Volume4D`` objects, metres W84."""
    return tuple(_volume(each) for each in msgspec.json.decode(raw))


def _volume(each: dict[str, Any]) -> Volume4D:
    space = each["volume"]
    return Volume4D(
        volume=Volume3D(
            outline=_outline(space),
            altitude=AltitudeBand(
                lower_m=space["altitude_lower"]["value"], upper_m=space["altitude_upper"]["value"]
            ),
        ),
        time=TimeSpan(
            start=datetime.fromisoformat(each["time_start"]["value"]),
            end=datetime.fromisoformat(each["time_end"]["value"]),
        ),
    )


def _outline(space: dict[str, Any]) -> Outline:
    if circle := space.get("outline_circle"):
        center = circle["center"]
        return Circle(
            center=LatLng(center["lat"], center["lng"]), radius_m=circle["radius"]["value"]
        )
    return Polygon(
        vertices=tuple(LatLng(p["lat"], p["lng"]) for p in space["outline_polygon"]["vertices"])
    )
